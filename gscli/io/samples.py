"""Samples on their way through the program: batches of rows, and the one check of them.

Whatever samples come from, they are `Samples`: names, and parts of consecutive rows, each of which
a thread can read by itself. `Samples.accumulate` is the one loop over rows that the program has.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from gscli.arrays import BoolArray, FloatArray, IntArray, RealArray
from gscli.errors import AccuracyError, DataError, ParameterError, ShapeError
from gscli.execution.threads import Accumulator, Threads, Workers, accumulate, ordered_map
from gscli.io.columns import default_names, shown
from gscli.io.precision import SUM_TOLERANCE, Precision
from gscli.io.provenance import Provenance

BATCH_VALUES = 2**19
"""Values worked on at a time: four megabytes, so that temporaries stay in the cache."""

PART_VALUES = 2**21
"""Values that one thread reads before its results are merged: a merge takes up to a millisecond."""

FULL_PRECISION = Precision()
SHOWN_TEMPERATURES = 8
SHOWN_VALUES = 5

Rows = npt.NDArray[np.floating[Any]] | Iterable[npt.NDArray[np.floating[Any]]]
"""Rows in one array or in several, each of shape (rows, K)."""


@contextmanager
def naming(label: str) -> Iterator[None]:
    """Name the source of samples in an error that its content raises."""
    try:
        yield
    except (AccuracyError, DataError) as error:
        if str(error).startswith(f"{label}: "):
            raise
        raise type(error)(f"{label}: {error}") from error


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive rows.

    Attributes
    ----------
    rows : ndarray, shape (rows, K)
        The values.
    start : int
        Index of the first row, counted from 0, a header not counted.
    temperature : float, ndarray of shape (rows,), or None
        Of all rows, or of each, if it is known.
    offsets : ndarray of shape (rows,), or None
        How far each row is behind the first, where some between them are left out.
    """

    rows: FloatArray
    start: int = 0
    temperature: FloatArray | float | None = None
    offsets: IntArray | None = None

    @property
    def indices(self) -> IntArray:
        """The rows' indices in their source, shape (rows,)."""
        offsets = np.arange(len(self.rows)) if self.offsets is None else self.offsets
        return self.start + offsets

    def where(self, chosen: BoolArray) -> "Batch":
        """Return the rows for which `chosen`, of shape (rows,), is true."""
        if chosen.all():
            return self
        temperature = self.temperature
        if isinstance(temperature, np.ndarray):
            temperature = temperature[chosen]
        offsets = (self.indices - self.start)[chosen]
        return Batch(self.rows[chosen], self.start, temperature, offsets)

    def by_temperature(self) -> Iterator["Batch"]:
        """Yield the rows of each temperature as a batch."""
        if not isinstance(self.temperature, np.ndarray):
            yield self
            return
        for temperature in np.unique(self.temperature).tolist():
            chosen = self.temperature == temperature
            yield replace(self, temperature=temperature).where(chosen)


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of consecutive rows, to be read by one thread.

    Attributes
    ----------
    num_rows : int
        Their number.
    load : callable
        Yields their batches, in order.
    """

    num_rows: int
    load: Callable[[], Iterable[Batch]]


class Source(Protocol):
    """Files of known lengths and temperatures, each of which another process can read."""

    @property
    def num_rows(self) -> int:
        """Number of rows."""

    @property
    def temperatures(self) -> tuple[float, ...]:
        """Those that its rows state."""

    def at(self, temperatures: Collection[float]) -> "Source":
        """Return the files at some of its temperatures."""

    def read(self) -> Iterable[Part]:
        """Yield parts for the threads of this process."""

    def tasks(self) -> Iterable[Part]:
        """Yield picklable parts, a file or some small ones each."""


A = TypeVar("A", bound=Accumulator[Batch])
R = TypeVar("R")
Progress = Callable[[Iterable[Part]], Iterable[Part]]


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Samples:
    """Samples from a file, a pipe, arrays or a distribution, not read yet.

    Attributes
    ----------
    label : str
        Where they come from, for messages.
    names : tuple of str
        Of the categories; x1, x2, ... if the source has none.
    read : callable
        Yields their parts, in order.
    log : bool
        Whether the rows are log X.
    named : bool
        Whether the source names the categories.
    total : int or None
        Number of rows, where the source states it beforehand.
    repeatable : bool
        Whether `read` can be called again.
    has_temperatures : bool
        Whether the source states temperatures.
    wanted : tuple of float
        The only temperatures of which rows are given; all of them if there are none here.
    choice : str
        If not empty, rows of other temperatures are an error, and this names the option that
        leaves them out.
    valid : bool
        Whether a row that is not on the simplex is an error.
    progress : callable, optional
        Wraps the parts, to show how many are done.
    assumed : float or None
        Temperature of the rows, where the source states none.
    precision : Precision
        Of the values, as the first rows show it.
    first : Batch or None
        Some rows at the beginning.
    percent : int or None
        Where the values are percentages: the decimals of the shares that they are read as.
    notes : tuple of str
        What the source was taken for, where its user should know.
    provenance : Provenance or None
        What the source states of the distribution.
    source : Source or None
        The parts of a dataset, if it is one.
    """

    label: str
    names: tuple[str, ...]
    read: Callable[[], Iterable[Part]]
    log: bool = False
    named: bool = False
    total: int | None = None
    repeatable: bool = True
    has_temperatures: bool = False
    wanted: tuple[float, ...] = ()
    choice: str = ""
    valid: bool = False
    progress: Progress | None = None
    assumed: float | None = None
    precision: Precision = FULL_PRECISION
    first: Batch | None = None
    percent: int | None = None
    notes: tuple[str, ...] = ()
    provenance: Provenance | None = None
    source: Source | None = None

    @property
    def num_categories(self) -> int:
        """K, the number of categories."""
        return len(self.names)

    @property
    def expected(self) -> int | None:
        """Number of rows that will come, if it is known and none are left out."""
        return None if self.wanted and self.source is None else self.total

    def at(self, temperatures: Sequence[float], *, choice: str = "") -> "Samples":
        """Return the rows of some temperatures, or all where the source states none.

        Parameters
        ----------
        temperatures : sequence of float
            Those wanted; none means all.
        choice : str
            If given, other temperatures are an error that names this option.
        """
        wanted = tuple(temperatures) if self.has_temperatures else ()
        chosen = replace(self, wanted=wanted, choice=choice)
        if not wanted or self.source is None:
            return chosen
        stated = np.array(self.source.temperatures)
        self._refuse_missing(dict.fromkeys(stated.tolist()), wanted)
        at = {t for one in wanted for t in stated[_match(stated, one)].tolist()}
        if choice and len(at) < len(stated):
            return chosen
        source = self.source.at(at)
        return replace(chosen, source=source, read=source.read, total=source.num_rows)

    def stated_temperature(self) -> float | None:
        """Return the temperature that the first row states, if it states one."""
        if self.first is None or self.first.temperature is None:
            return None
        return float(np.ravel(self.first.temperature)[0])

    def taking(self, positions: Sequence[int]) -> "Samples":
        """Return the samples of some of the columns."""
        names = tuple(self.names[i] for i in positions)
        if names == self.names:
            return self
        if self.source is not None:
            source = _Columns(self.source, positions)
            return replace(self, names=names, source=source, read=source.read)

        def read() -> Iterator[Part]:
            return _taken(self.read(), positions)

        return replace(self, names=names, read=read)

    def without_count(self) -> "Samples":
        """Return the samples without a column that counts the rows, if there is one.

        With it the first rows are not on the simplex, and without it they are.
        """
        if self.first is None or len(self.first.rows) < 2 or self.num_categories < 3:
            return self
        rows = self.first.rows
        with np.errstate(invalid="ignore", over="ignore"):
            counting = np.flatnonzero((rows[0] % 1 == 0) & (np.diff(rows, axis=0) == 1).all(axis=0))
        if len(counting) != 1:
            return self
        left = [i for i in range(self.num_categories) if i != counting[0]]
        others = rows[:, left]
        if Precision.of(others, log=self.log).off_simplex(others.T).any():
            return self
        note = f"column {shown(self.names[counting[0]])} counts the rows and is left out"
        rest = self.taking(left).looked_at()
        return replace(rest, notes=(*rest.notes, note))

    def looked_at(self) -> "Samples":
        """Return the same samples with the precision that their first rows show."""
        parts = iter(self.read())
        part = next(parts, None)
        batches = iter(part.load() if part else ())
        batch = next(batches, None)
        if part is None or batch is None:
            return self
        _check_temperatures(batch)
        rows = batch.rows
        percent = None if self.log else _decimals_of_percentages(rows)
        notes = self.notes
        if percent is not None:
            rows = _hundredth(rows, percent)
            notes = (*notes, "the rows sum to 100: percentages, which are read as shares of 1")
        found = replace(
            self,
            precision=Precision.of(rows, log=self.log),
            first=replace(batch, rows=rows),
            percent=percent,
            notes=notes,
        )
        if self.repeatable:
            return found
        begun = Part(part.num_rows, partial(chain, [batch], batches))
        return replace(found, read=lambda: chain([begun], parts))

    def first_mean(self) -> FloatArray:
        """Return the mean of the first rows, shape (K,)."""
        if self.first is None:
            raise DataError(f"{self.label}: has no rows")
        rows = self.first.rows
        mean: FloatArray = (np.exp(rows) if self.log else rows).mean(axis=0)
        return mean

    def __iter__(self) -> Iterator[Batch]:
        seen: dict[float, None] = {}
        for load in self._loads(seen):
            yield from load()
        self._refuse_missing(seen)

    def accumulate(self, make: Callable[[], A], *, threads: Threads = None) -> A:
        """Read all rows once, in threads, or a dataset in other processes.

        Parameters
        ----------
        make : callable
            Returns an empty accumulator.
        threads : int or Workers, optional
            Number of threads, >= 1; by default one for each usable core.

        Returns
        -------
        Accumulator
            Of all rows, as if read in order.

        Raises
        ------
        DataError
            If the source cannot be read, has no row at a temperature that is wanted, or is no
            dataset, which other processes could read.
        """
        seen: dict[float, None] = {}
        found = accumulate(make, self._loads(seen, threads), threads=threads)
        self._refuse_missing(seen)
        return found

    def map(self, function: Callable[[Batch], R], *, threads: Threads = None) -> Iterator[R]:
        """Yield a function of each batch, in order; it is run a few parts ahead."""
        seen: dict[float, None] = {}
        work = partial(_mapped, function)
        for results in ordered_map(work, self._loads(seen, threads), threads=threads):
            yield from results
        self._refuse_missing(seen)

    def _loads(
        self, seen: dict[float, None], threads: Threads = None
    ) -> Iterator[Callable[[], Iterator[Batch]]]:
        """Yield functions that read, check and select the rows of one part each."""
        with naming(self.label):
            own, parts = self, self.read
            if isinstance(threads, Workers):
                if self.source is None:
                    raise DataError(
                        "is not a dataset, which gscli sample --shards writes: other processes "
                        "read nothing else; leave out --dask"
                    )
                own, parts = self._picklable(), self.source.tasks
                seen |= dict.fromkeys(self.source.temperatures)  # what they see stays there
            for part in parts() if self.progress is None else self.progress(parts()):
                yield partial(own._selected, part, seen)

    def _picklable(self) -> "Samples":
        """Return what another process needs to know to read parts."""
        return replace(self, read=tuple, source=None, progress=None, first=None)

    def _refuse_missing(self, seen: Iterable[float], wanted: Sequence[float] = ()) -> None:
        stated = np.array(list(seen), dtype=np.float64)
        for temperature in wanted or self.wanted:
            if not _match(stated, temperature).any():
                raise DataError(
                    f"{self.label}: has no rows at temperature {temperature:g}; its temperature "
                    f"column states {list_temperatures(seen)}"
                )

    def _selected(self, part: Part, seen: dict[float, None]) -> Iterator[Batch]:
        with naming(self.label):
            num_rows = 0
            for batch in part.load():
                num_rows += len(batch.rows)
                if self.percent is not None:
                    batch = replace(batch, rows=_hundredth(batch.rows, self.percent))
                if self.valid:
                    self._refuse_invalid(batch)
                if batch.temperature is None:
                    yield replace(batch, temperature=self.assumed)
                    continue
                _check_temperatures(batch)
                wanted = self._at_wanted(batch, seen) if self.wanted else batch
                if len(wanted.rows):
                    yield wanted
            if num_rows != part.num_rows:
                raise DataError(
                    f"{num_rows:,} rows could be read where {part.num_rows:,} are announced; "
                    "the file is damaged"
                )

    def _at_wanted(self, batch: Batch, seen: dict[float, None]) -> Batch:
        """Return the rows at the wanted temperatures, and note which ones are stated."""
        stated = np.broadcast_to(np.asarray(batch.temperature), len(batch.rows))
        different = np.unique(stated).tolist()
        seen |= dict.fromkeys(different[: 2 * SHOWN_TEMPERATURES])
        matched = np.full(len(stated), np.nan)
        for temperature in self.wanted:
            matched[_match(stated, temperature)] = temperature
        chosen = ~np.isnan(matched)
        if self.choice and not chosen.all():
            raise several_temperatures({*different, *self.wanted}, self.choice)
        return replace(batch, temperature=matched).where(chosen)

    def _refuse_invalid(self, batch: Batch) -> None:
        off = self.precision.off_simplex(batch.rows.T)
        if off.any():
            row = int(off.argmax())
            values = batch.rows[row]
            raise DataError(
                f"row {batch.start + row + 1:,} ({show_row(values)}) "
                f"{fault_of(values, log=self.log)}{self._without_one(values)}"
            )

    def _without_one(self, row: FloatArray) -> str:
        """Return which column makes a row no sample, if without it the row is one."""
        with np.errstate(over="ignore", invalid="ignore"):
            shares = np.exp(row) if self.log else row
            alone = np.flatnonzero(np.abs(shares.sum() - shares - 1) <= SUM_TOLERANCE)
        if len(row) < 3 or len(alone) != 1:
            return ""
        name = shown(self.names[alone[0]])
        return f"; without column {name} it does: choose the others with --columns"


def _mapped(function: Callable[[Batch], R], load: Callable[[], Iterator[Batch]]) -> list[R]:
    return [function(batch) for batch in load()]


def several_temperatures(temperatures: Iterable[float], choice: str) -> DataError:
    """Return the error of a source of several temperatures, of which an option chooses one."""
    listed = list_temperatures(temperatures)
    return DataError(f"states several temperatures, {listed}; choose one with {choice}")


def as_samples(rows: Rows | Samples, *, log: bool, num_categories: int | None = None) -> Samples:
    """Return rows of the API as samples.

    Parameters
    ----------
    rows : array_like of shape (rows, K), or iterable of such
        Of any floating type.
    log : bool
        Whether they are log X.
    num_categories : int, optional
        The K that is expected; by default that of the first rows.

    Raises
    ------
    DataError
        If there are no rows.
    ParameterError
        If they are not numbers.
    ShapeError
        If they are not of shape (rows, K).

    Examples
    --------
    >>> as_samples(np.full((5, 2), 0.5), log=False).total
    5
    """
    if isinstance(rows, Samples):
        return rows
    given: Any = rows
    if isinstance(given, list | tuple) and given and np.ndim(given[0]) == 1:
        given = np.array(given)
    single = hasattr(given, "ndim") or not isinstance(given, Iterable)
    arrays = iter([given] if single else given)
    first = next(arrays, None)
    if first is None:
        raise DataError("there are no rows")
    k = num_categories or (np.shape(first)[-1] if np.ndim(first) == 2 else 0)
    total = len(_checked_rows(first, k)) if single else None
    kept = [first, *arrays] if single or isinstance(given, list | tuple) else None

    def read() -> Iterator[Part]:
        start = 0
        for each in chain([first], arrays) if kept is None else kept:
            values = _checked_rows(each, k)
            yield from array_parts(values, start)
            start += len(values)

    names, repeatable = default_names(k), kept is not None
    return Samples("samples", names, read, log=log, total=total, repeatable=repeatable).looked_at()


def _taken(parts: Iterable[Part], positions: Sequence[int]) -> Iterator[Part]:
    for part in parts:
        yield Part(part.num_rows, partial(_batches_taken, part.load, list(positions)))


def _batches_taken(load: Callable[[], Iterable[Batch]], positions: list[int]) -> Iterator[Batch]:
    for batch in load():
        yield replace(batch, rows=batch.rows[:, positions])


@dataclass(frozen=True, slots=True)
class _Columns:
    """Some columns of a source."""

    source: Source
    positions: Sequence[int]

    @property
    def num_rows(self) -> int:
        return self.source.num_rows

    @property
    def temperatures(self) -> tuple[float, ...]:
        return self.source.temperatures

    def at(self, temperatures: Collection[float]) -> "_Columns":
        return replace(self, source=self.source.at(temperatures))

    def read(self) -> Iterator[Part]:
        return _taken(self.source.read(), self.positions)

    def tasks(self) -> Iterator[Part]:
        return _taken(self.source.tasks(), self.positions)


def _decimals_of_percentages(rows: FloatArray) -> int | None:
    """Return how many decimals percentages have as shares, or None if rows do not sum to 100."""
    with np.errstate(over="ignore", invalid="ignore"):
        if not abs(rows[0].sum() - 100) < 50:
            return None
    written = Precision.of(rows, log=False)
    decimals = 2 - round(math.log10(written.step)) if written.decimal else 17
    shares = _hundredth(rows, decimals)
    return None if Precision.of(shares, log=False).off_simplex(shares.T).any() else decimals


def _hundredth(rows: FloatArray, decimals: int) -> FloatArray:
    # 23.1/100 is not always the number nearest to 0.231.
    return np.round(rows / 100, decimals) if decimals < 17 else rows / 100


def _check_temperatures(batch: Batch) -> None:
    if isinstance(batch.temperature, np.ndarray):
        bad = np.flatnonzero(~((batch.temperature > 0) & np.isfinite(batch.temperature)))
        if len(bad):
            raise DataError(
                f"row {batch.start + bad[0] + 1:,}: temperature {batch.temperature[bad[0]]:g} is "
                "not a positive, finite number"
            )


def _checked_rows(rows: Any, num_categories: int) -> RealArray:
    values = np.asarray(rows)
    if values.dtype.kind not in "fiu":
        raise ParameterError("samples", f"hold {values.dtype} values; expected real numbers")
    if values.ndim != 2 or values.shape[1] != num_categories or num_categories < 2:
        expected = f"(rows, {num_categories}), {num_categories} categories"
        expected = expected if num_categories > 1 else "(rows, K), K >= 2"
        raise ShapeError(f"samples have shape {values.shape}; expected {expected}")
    return values


def array_parts(rows: RealArray, start: int = 0) -> Iterator[Part]:
    """Yield an array of shape (rows, K) as parts, the first row being number `start`."""
    step = max(1, PART_VALUES // rows.shape[1])
    for first in range(0, len(rows), step):
        part = rows[first : first + step]
        yield Part(len(part), partial(_batches, part, start + first))


def table_batches(table: FloatArray, start: int, *, stated: bool) -> Iterator[Batch]:
    """Yield the batches of a table, the last column being temperatures if they are stated."""
    rows = table[:, : table.shape[1] - stated]
    for batch in _batches(rows, start):
        first = batch.start - start
        temperatures = table[first : first + len(batch.rows), -1]
        yield replace(batch, temperature=temperatures if stated else None)


def _batches(rows: RealArray, start: int) -> Iterator[Batch]:
    step = max(1, BATCH_VALUES // rows.shape[1])
    for first in range(0, len(rows), step):
        yield Batch(np.asarray(rows[first : first + step], dtype=np.float64), start + first)


class ByTemperature(Generic[A]):
    """Accumulators by temperature, in the order in which the temperatures first appear.

    Parameters
    ----------
    make : callable
        Returns an empty accumulator for the rows of one temperature.
    """

    def __init__(self, make: Callable[[], A]) -> None:
        self.make = make
        self.found: dict[float | None, A] = {}

    def update(self, batch: Batch) -> None:
        """Take in the next rows, of any temperatures."""
        for rows in batch.by_temperature():
            temperature = rows.temperature
            if temperature not in self.found:
                self.found[temperature] = self.make()  # type: ignore[index]
            self.found[temperature].update(rows)  # type: ignore[index]

    def merge(self, later: Self) -> None:
        """Take in the accumulators of the rows that follow."""
        for temperature, own in later.found.items():
            if temperature in self.found:
                self.found[temperature].merge(own)
            else:
                self.found[temperature] = own


def category_major(rows: RealArray) -> FloatArray:
    """Return rows as an array of shape (K, rows), a copy in which categories are contiguous."""
    return np.array(rows.T, dtype=np.float64, order="C")


def fault_of(row: FloatArray, *, log: bool) -> str:
    """Return what is wrong with a row that is not on the simplex, and the remedy.

    Examples
    --------
    >>> fault_of(np.array([0.5, 0.9]), log=False)
    'is not a sample: it sums to 1.4, not 1; normalise the rows'
    """
    if np.isnan(row).any():
        return "holds NaN: remove such rows, or correct the sampler that makes them"
    if np.isposinf(row).any():
        return "holds an infinite value: remove such rows, or correct the sampler that makes them"
    if log:
        with np.errstate(over="ignore"):
            total = np.exp(row).sum()
        return (
            f"is not log X of a sample: its exponentials sum to {total:.7g}, not 1; if the file "
            "holds samples and not their logarithms, read it without --log"
        )
    if (row <= 0).all():
        return "is not a sample: no value is positive; if these are logarithms, add --log"
    if (row < 0).any():
        return f"is not a sample: it holds {row.min():.4g}; probabilities are 0 or more"
    return f"is not a sample: it sums to {row.sum():.7g}, not 1; normalise the rows"


def show_row(row: FloatArray) -> str:
    """Return the first values of a row for a message."""
    shown = ", ".join(f"{value:.6g}" for value in row[:SHOWN_VALUES])
    return shown + (", ..." if len(row) > SHOWN_VALUES else "")


def list_temperatures(temperatures: Iterable[float]) -> str:
    """Return temperatures in a line, not all if there are many."""
    texts = [f"{temperature:g}" for temperature in sorted(temperatures)]
    more = ["..."] if len(texts) > SHOWN_TEMPERATURES else []
    return ", ".join(texts[:SHOWN_TEMPERATURES] + more)


def _match(stated: FloatArray, wanted: float) -> BoolArray:
    # A column of single precision states the nearest float32 number.
    matches: BoolArray = (stated == wanted) | (stated == float(np.float32(wanted)))
    return matches
