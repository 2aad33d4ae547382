"""One pass over blocks of samples to what a picture needs: counts of all, and some to draw."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from gscli.arrays import FloatArray, IntArray
from gscli.errors import DataError
from gscli.execution.threads import ordered_map
from gscli.io.samples import Block

Measure = Callable[[FloatArray], IntArray]
Part = tuple[float | None, FloatArray]
"""A temperature, or None, and rows of shape (rows, K)."""

Load = Callable[[], Iterable[Part]]
"""Yields some parts of a sample, checked and ready; called in a thread."""

TOLERANCE = 0.01
"""How far from 1 a row may sum: pictures and means do not mind rounded decimals or float16."""


@dataclass
class Thinned:
    """At most so many rows of a stream of unknown length, evenly spaced.

    Attributes
    ----------
    limit : int
        The most rows that are kept.
    stride : int
        Every how many rows one is kept: 1, 2, 4, ...
    """

    limit: int
    stride: int = 1
    seen: int = 0
    kept: list[FloatArray] = field(default_factory=list)

    def add(self, rows: FloatArray) -> None:
        """Take the next rows of the stream."""
        self.kept.append(rows[-self.seen % self.stride :: self.stride].copy())
        self.seen += len(rows)
        while sum(map(len, self.kept)) > self.limit:
            self.kept = [self.rows()[::2]]
            self.stride *= 2

    def rows(self) -> FloatArray:
        """Return the rows kept so far."""
        return np.concatenate(self.kept)


@dataclass
class Collected:
    """What was gathered of the samples at one temperature.

    Attributes
    ----------
    n : int
        Number of samples.
    points : Thinned
        Some of them.
    counts : ndarray of int, or 0
        What the measure counted, over all of them.
    """

    points: Thinned
    n: int = 0
    counts: IntArray | int = 0


def loaded(*parts: Part) -> Load:
    """Return a load of parts that are there already."""
    return lambda: parts


def collect(
    loads: Iterable[Load],
    *,
    measure: Measure | None = None,
    keep: int = 0,
    threads: int | None = None,
) -> dict[float | None, Collected]:
    """Gather samples by temperature, in bounded memory.

    Parameters
    ----------
    loads : iterable of callables
        Each yields pairs of a temperature, or None, and a block of samples.
    measure : callable, optional
        Counts something over a block; the counts are added up.
    keep : int
        How many samples of each temperature to keep at most, evenly spaced.
    threads : int, optional
        Number of threads for loading and measuring.

    Returns
    -------
    dict
        By temperature, in the order in which they first appear.

    Raises
    ------
    DataError
        If there is not a single sample.

    Examples
    --------
    >>> from functools import partial
    >>> from gscli.plotting.binning import count_bins
    >>> loads = [loaded((None, np.eye(3)))]
    >>> found = collect(loads, measure=partial(count_bins, bins=2), keep=2)
    >>> found[None].n, found[None].counts.tolist(), len(found[None].points.rows())
    (3, [[2, 1], [2, 1], [2, 1]], 2)
    """

    def work(load: Load) -> list[tuple[float | None, FloatArray, IntArray | int]]:
        return [(t, rows, 0 if measure is None else measure(rows)) for t, rows in load()]

    found: dict[float | None, Collected] = {}
    for parts in ordered_map(work, loads, threads=threads):
        for temperature, rows, counts in parts:
            here = found.setdefault(temperature, Collected(Thinned(keep)))
            here.n += len(rows)
            here.counts = here.counts + counts
            if keep:
                here.points.add(rows)
    if not any(each.n for each in found.values()):
        raise DataError("there is no sample to draw")
    return {temperature: each for temperature, each in found.items() if each.n}


def check_block(block: Block, *, label: str, log: bool) -> Block:
    """Return a block whose rows can be drawn or summed up: points of the simplex, roughly.

    Raises
    ------
    DataError
        If a row is something else; the message names it.

    Examples
    --------
    >>> check_block(Block(5, np.array([[0.2, 0.8], [0.5, 0.9]])), label="a.csv", log=False)
    Traceback (most recent call last):
    gscli.errors.DataError: a.csv: row 7 (0.5, 0.9) sums to 1.4 and is no sample
    """
    if block.temperatures is not None:
        _check_temperatures(block.temperatures, block.start, label)
    if _are_samples(block.rows, log=log):
        return block
    bad = next(i for i, row in enumerate(block.rows) if not _are_samples(row[None], log=log))
    shown = ", ".join(f"{value:.4g}" for value in block.rows[bad][:6])
    found = f"{label}: row {block.start + bad + 1} ({shown})"
    if log:
        raise DataError(f"{found} is not log X of a sample; without --log it is read as X")
    values = block.rows[bad]
    if (values <= 0).all():
        raise DataError(f"{found} is no sample; if the file holds log X, add --log")
    if not values.min() >= 0:
        raise DataError(f"{found} holds {values.min():.4g} and is no sample")
    raise DataError(f"{found} sums to {values.sum():.4g} and is no sample")


def _check_temperatures(temperatures: FloatArray, start: int, label: str) -> None:
    good = (temperatures > 0) & np.isfinite(temperatures)
    if not good.all():
        bad = int(np.argmin(good))
        raise DataError(f"{label}: row {start + bad + 1} has temperature {temperatures[bad]:g}")


def _are_samples(values: FloatArray, *, log: bool) -> bool:
    rows = np.exp(values) if log else values
    if rows.shape[1] < 8:  # whole columns are quicker for few categories, and rows for many
        sums = rows[:, 0] + rows[:, 1]
        for column in rows.T[2:]:
            sums += column
    else:
        sums = rows.sum(axis=1)
    # A nan fails every comparison.
    return bool(rows.min() >= 0 and sums.min() >= 1 - TOLERANCE and sums.max() <= 1 + TOLERANCE)
