"""Files and pipes of samples (CSV, NPY, Parquet) to blocks of rows, in bounded memory."""

import csv
import io
import mmap
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from gscli.errors import DataError

FloatArray = npt.NDArray[np.float64]

BLOCK_VALUES = 2**19
CSV_BYTES = 2**23
KEPT_BYTES = 2**25
SEPARATORS = ",\t; "
TEMPERATURE = "temperature"
"""Name of a leading column that holds each row's temperature."""


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows of a file.

    Attributes
    ----------
    start : int
        Index of the first row, counted from 0, a header not counted.
    rows : ndarray, shape (rows, K)
        The values.
    temperatures : ndarray of shape (rows,), or None
        The rows' temperatures, if the file states them.
    """

    start: int
    rows: FloatArray
    temperatures: FloatArray | None = None


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Samples:
    """A file of samples, opened; iterate over it once. The file is closed when this is let go.

    Attributes
    ----------
    label : str
        The file's name for messages.
    names : tuple of str
        Of the categories; x1, x2, ... if the file has none.
    named : bool
        Whether the file names them.
    total : int or None
        Number of rows, where the format tells it beforehand.
    num_slabs : int
        T for an array of shape (T, n, K), whose temperatures the caller named; else 0.
    has_temperatures : bool
        Whether the blocks state temperatures.
    """

    label: str
    names: tuple[str, ...]
    named: bool
    total: int | None
    num_slabs: int
    has_temperatures: bool
    blocks: Callable[[], Iterator[Block]]

    def __iter__(self) -> Iterator[Block]:
        yield from self.blocks()  # as a generator, it keeps this object and so the file

    def columns(self, block: Block) -> dict[str, FloatArray]:
        """Return a block as the columns that the file had."""
        leading = {} if block.temperatures is None else {TEMPERATURE: block.temperatures}
        return {**leading, **dict(zip(self.names, block.rows.T, strict=True))}


NAME_THEM = "name them, in order, with -t"


def open_samples(
    path: str, *, temperatures: Sequence[float] | None = None, remedy: str = NAME_THEM
) -> Samples:
    """Open a file of samples of any format; which one is told from its first bytes.

    Parameters
    ----------
    path : str
        A path, or ``-`` for standard input.
    temperatures : sequence of float, optional
        Those of the slabs of an NPY array of shape (T, n, K), in its order.
    remedy : str
        What to do about slabs whose temperatures are not named, for the message.

    Returns
    -------
    Samples
        Its names and its blocks.

    Raises
    ------
    DataError
        If the file cannot be read or its content is not a table of numbers; raised while
        iterating if it is only found there. The message names the row.
    """
    label = "standard input" if path == "-" else path
    try:
        with ExitStack() as files:
            own = None if path == "-" else files.enter_context(Path(path).open("rb"))
            file = own or _standard_input()
            magic = file.peek(6)[:6]
            if magic == b"\x93NUMPY":
                samples = _open_npy(label, file, temperatures, remedy)
            elif magic.startswith(b"PAR1"):
                source = files.enter_context(_spooled(file)) if path == "-" else Path(path)
                samples = _open_parquet(label, source)
            else:
                samples = _open_csv(label, file)
            # The blocks are read long after this function returns.
            weakref.finalize(samples, files.pop_all().close)
            return samples
    except OSError as error:
        raise DataError(f"{label}: {error.strerror or error}") from error


def _standard_input() -> io.BufferedReader:
    stdin: Any = sys.stdin.buffer
    return stdin if isinstance(stdin, io.BufferedReader) else io.BufferedReader(stdin)


def _spooled(file: BinaryIO) -> BinaryIO:
    spool = tempfile.TemporaryFile()  # noqa: SIM115
    shutil.copyfileobj(file, spool)
    spool.seek(0)
    return spool


def _names(label: str, header: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """Split a header into the categories' names and whether temperatures lead."""
    leading = header[0] == TEMPERATURE
    names = tuple(header[1:] if leading else header)
    if len(names) < 2:
        raise DataError(f"{label}: {len(names)} column of values; a sample has two or more")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{label}: two columns are named {twice!r}")
    return names, leading


def _block(start: int, table: FloatArray, leading: bool) -> Block:
    return Block(start, table[:, 1:], table[:, 0]) if leading else Block(start, table)


def split_by_temperature(
    block: Block, wanted: Sequence[float] | None = None
) -> Iterator[tuple[float, FloatArray]]:
    """Yield each temperature of a block with its rows; only the wanted ones if any are named."""
    if block.temperatures is None:
        return
    for temperature in np.unique(block.temperatures).tolist():
        if wanted is None or temperature in wanted:
            yield temperature, block.rows[block.temperatures == temperature]


def default_names(num_categories: int) -> tuple[str, ...]:
    """Return x1 ... xK.

    Examples
    --------
    >>> default_names(3)
    ('x1', 'x2', 'x3')
    """
    return tuple(f"x{k + 1}" for k in range(num_categories))


# --- CSV -------------------------------------------------------------------------------------


def _open_csv(label: str, file: BinaryIO) -> Samples:
    first = file.readline().decode("utf-8-sig", errors="replace")
    while first.startswith("#"):
        first = file.readline().decode("utf-8", errors="replace")
    if not first.strip():
        raise DataError(f"{label}: is empty; expected rows of numbers")
    text = first.strip(" \r\n")
    separator = next((mark for mark in SEPARATORS if mark in text), ",")
    (fields,) = _split(label, [text], separator)
    numeric = [_is_number(field) for field in fields]
    named = '"' in text or not all(numeric)
    header = [field.strip() for field in fields] if named else list(default_names(len(fields)))
    if named and any(numeric) and '"' not in text and header[0] != TEMPERATURE:
        raise DataError(
            f"{label}: row 1: {header[numeric.index(False)]!r} is not a number; "
            "in a header, put names that are numbers in quotes"
        )
    names, leading = _names(label, header)
    rest = b"" if named else first.encode()

    def blocks() -> Iterator[Block]:
        start = 0
        for lines in _whole_lines(file, rest):
            table = _parse_csv(label, lines, len(header), separator, start)
            yield _block(start, table, leading)
            start += len(table)
        if start == 0:
            raise DataError(f"{label}: has a header and no rows")

    return Samples(label, names, named, None, 0, leading, blocks)


def _split(label: str, lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines, delimiter=separator, skipinitialspace=True)
    except csv.Error as error:
        raise DataError(f"{label}: is not a table of numbers: {error}") from error


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return "_" not in field  # which only Python reads as a number


def _whole_lines(file: BinaryIO, rest: bytes) -> Iterator[bytes]:
    while piece := file.read(CSV_BYTES):
        head, newline, tail = piece.rpartition(b"\n")
        if newline:
            yield rest + head + newline
            rest = tail
        else:
            rest += piece
    if rest:
        yield rest


def _parse_csv(
    label: str, lines: bytes, num_columns: int, separator: str, start: int
) -> FloatArray:
    import polars as pl

    try:
        frame = pl.read_csv(
            lines,
            has_header=False,
            separator=separator,
            schema={f"{k}": pl.Float64 for k in range(num_columns)},
            extra_columns="raise",
            missing_columns="raise",
        )
    except pl.exceptions.PolarsError:
        return _parse_slowly(label, lines, num_columns, separator, start)
    if any(frame.null_count().row(0)):
        return _parse_slowly(label, lines, num_columns, separator, start)
    return frame.to_numpy()


def _parse_slowly(
    label: str, lines: bytes, num_columns: int, separator: str, start: int
) -> FloatArray:
    """Parse lines with blank ones or stray spaces, or name the row that is not numbers."""
    text = (line.strip() for line in io.StringIO(lines.decode("utf-8", errors="replace")))
    values: list[float] = []
    for row, fields in enumerate(_split(label, filter(None, text), separator), start=start + 1):
        if len(fields) != num_columns:
            found = f"{len(fields)} values; expected {num_columns}"
            raise DataError(f"{label}: row {row} has {found}")
        for field in fields:
            if not _is_number(field):
                raise DataError(f"{label}: row {row}: {field!r} is not a number")
        values += map(float, fields)
    return np.array(values).reshape(-1, num_columns)


# --- NPY -------------------------------------------------------------------------------------


def _open_npy(
    label: str, file: io.BufferedReader, temperatures: Sequence[float] | None, remedy: str
) -> Samples:
    shape, fortran, dtype = _npy_header(label, file)
    if len(shape) == 3 and len(temperatures or ()) != shape[0]:
        raise DataError(
            f"{label}: shape {shape} holds samples at {shape[0]} temperatures; {remedy}"
        )
    if len(shape) not in (2, 3) or shape[-1] < 2:
        raise DataError(f"{label}: shape {shape}; expected (n, K) or (T, n, K) with K >= 2")
    if 0 in shape:
        raise DataError(f"{label}: shape {shape} has no rows")
    if fortran and len(shape) == 3:
        raise DataError(f"{label}: a Fortran-ordered array of shape {shape}; save it in C order")
    *slabs, num_rows, num_categories = shape
    total = num_rows * (slabs[0] if slabs else 1)
    read = _npy_columns if fortran else _npy_rows

    def blocks() -> Iterator[Block]:
        for start, rows in read(label, file, total, num_categories, dtype):
            if slabs:
                slab = np.arange(start, start + len(rows)) // num_rows
                yield Block(start, rows, np.asarray(temperatures)[slab])
            else:
                yield Block(start, rows)

    names, num_slabs = default_names(num_categories), slabs[0] if slabs else 0
    return Samples(label, names, False, total, num_slabs, bool(slabs), blocks)


def _npy_header(label: str, file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read(file)
    except ValueError as error:
        raise DataError(f"{label}: not a readable NPY file: {error}") from error
    if dtype.hasobject:
        raise DataError(f"{label}: holds pickled objects, which are not read; save a float array")
    if dtype.kind not in "fiu":
        raise DataError(f"{label}: holds values of type {dtype}; expected numbers")
    return shape, fortran, dtype


def _npy_rows(
    label: str, file: io.BufferedReader, total: int, num_columns: int, dtype: np.dtype[Any]
) -> Iterator[tuple[int, FloatArray]]:
    step = max(1, BLOCK_VALUES // num_columns)
    width = num_columns * dtype.itemsize
    on_disk = isinstance(file.raw, io.FileIO) and file.seekable()
    read = _mapped(file) if on_disk else file.read
    for start in range(0, total, step):
        size = min(step, total - start) * width
        content = read(size)
        if len(content) < size:
            whole = start + len(content) // width
            raise DataError(f"{label}: ends after row {whole} of the {total} that it announces")
        rows = np.frombuffer(content, dtype=dtype).reshape(-1, num_columns)
        yield start, rows.astype(np.float64, copy=False)


def _mapped(file: BinaryIO) -> Callable[[int], memoryview]:
    """Return a function that reads on from here, like `file.read`, but without a copy."""
    mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    view, place, dropped = memoryview(mapping), file.tell(), 0

    def read(size: int) -> memoryview:
        nonlocal place, dropped
        if hasattr(mmap, "MADV_DONTNEED") and place - dropped >= 2 * KEPT_BYTES:
            # Pages that were read count as memory of this process until they are given back; if
            # a thread still works on one, it is mapped again.
            mapping.madvise(mmap.MADV_DONTNEED, dropped, KEPT_BYTES)
            dropped += KEPT_BYTES
        place += size
        return view[place - size : place]

    return read


def _npy_columns(
    label: str, file: io.BufferedReader, total: int, num_columns: int, dtype: np.dtype[Any]
) -> Iterator[tuple[int, FloatArray]]:
    with ExitStack() as files:
        spool: Any = file if file.seekable() else files.enter_context(_spooled(file))
        begin, step = spool.tell(), max(1, BLOCK_VALUES // num_columns)
        for start in range(0, total, step):
            rows = np.empty((num_columns, min(step, total - start)), dtype=dtype)
            for k, column in enumerate(rows):
                spool.seek(begin + (k * total + start) * dtype.itemsize)
                if spool.readinto(column.data) < column.nbytes:
                    raise DataError(f"{label}: ends before the {total} rows that it announces")
            yield start, rows.T.astype(np.float64, copy=False)


# --- Parquet ---------------------------------------------------------------------------------


def _open_parquet(label: str, source: BinaryIO | Path) -> Samples:
    import polars as pl

    try:
        scan = pl.scan_parquet(source, glob=False)
        schema = scan.collect_schema()
        total = scan.select(pl.len()).collect().item()
    except pl.exceptions.PolarsError as error:
        raise _not_parquet(label, error) from error
    if total == 0:
        raise DataError(f"{label}: has no rows")
    for name, kind in schema.items():
        if not kind.is_numeric():
            raise DataError(f"{label}: column {name!r} holds {kind}; expected numbers")
    names, leading = _names(label, list(schema))
    frames = scan.cast(pl.Float64)

    def blocks() -> Iterator[Block]:
        step = max(1, BLOCK_VALUES // len(schema))
        start = 0
        batches = frames.collect_batches(chunk_size=step, maintain_order=True)
        for frame in _whole_batches(label, batches):
            for name, nulls in zip(frame.columns, frame.null_count().row(0), strict=True):
                if nulls:
                    row = start + int(frame[name].is_null().arg_max() or 0) + 1
                    raise DataError(f"{label}: row {row}: column {name!r} has no value")
            yield _block(start, frame.to_numpy(), leading)
            start += len(frame)

    return Samples(label, names, True, total, 0, leading, blocks)


def _whole_batches(label: str, batches: Iterator[Any]) -> Iterator[Any]:
    import polars as pl

    try:
        yield from batches
    except pl.exceptions.PolarsError as error:
        raise _not_parquet(label, error) from error


def _not_parquet(label: str, error: Exception) -> DataError:
    return DataError(f"{label}: not a readable Parquet file: {error}")
