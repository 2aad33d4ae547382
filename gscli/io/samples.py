"""Files and pipes of samples (CSV, NPY, Parquet) to blocks of rows, in bounded memory."""

import codecs
import csv
import io
import math
import mmap
import os
import shutil
import sys
import tempfile
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np

from gscli.arrays import FloatArray
from gscli.errors import DataError
from gscli.execution.interrupts import import_polars
from gscli.io.columns import LOG_PROB, TEMPERATURE, check_names, default_names

BLOCK_VALUES = 2**19
CSV_BYTES = 2**23
KEPT_BYTES = 2**25
SEPARATORS = ",\t; "
LONGEST_SHOWN = 60
MOST_CATEGORIES = 2**24
OTHER_FORMATS = {
    b"\x1f\x8b": "is compressed; decompress it first",
    b"BZh": "is compressed; decompress it first",
    b"\xfd7zXZ": "is compressed; decompress it first",
    b"\x28\xb5\x2f\xfd": "is compressed; decompress it first",
    b"PK": "is an archive (.npz, .pt?); save one array with numpy.save",
    b'{"': "looks like JSON; expected CSV, NPY or Parquet",
    b"[[": "looks like JSON; expected CSV, NPY or Parquet",
    b"[{": "looks like JSON; expected CSV, NPY or Parquet",
}
"""What a file is that begins so, and the remedy."""


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
    if not path:
        raise DataError("FILE has an empty name; name a file, or - for standard input")
    try:
        with ExitStack() as files:
            own = None if path == "-" else files.enter_context(Path(path).open("rb"))
            file = own or _standard_input()
            magic = file.peek(6)[:6]
            for beginning, what in OTHER_FORMATS.items():
                if magic.startswith(beginning):
                    raise DataError(f"{label}: {what}")
            if magic == b"\x93NUMPY":
                samples = _open_npy(label, file, temperatures, remedy)
            elif magic.startswith(b"PAR1"):
                piped = path == "-" or not file.seekable()
                source = files.enter_context(_spooled(file)) if piped else Path(path)
                samples = _open_parquet(label, source)
            else:
                samples = _open_csv(label, file)
            # The blocks are read long after this function returns.
            weakref.finalize(samples, files.pop_all().close)
            return samples
    except OSError as error:
        raise DataError(f"{label}: {error.strerror or error}") from error


def _standard_input() -> io.BufferedReader:
    if sys.stdin is None:
        raise DataError("standard input: is closed; pipe samples into it, or name a FILE")
    stdin: Any = sys.stdin.buffer
    return stdin if isinstance(stdin, io.BufferedReader) else io.BufferedReader(stdin)


def _spooled(file: BinaryIO) -> BinaryIO:
    spool = tempfile.TemporaryFile()  # noqa: SIM115
    shutil.copyfileobj(file, spool)
    spool.seek(0)
    return spool


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which columns of a table are what."""

    names: tuple[str, ...]
    values: slice
    temperature: int | None

    def block(self, start: int, table: FloatArray) -> Block:
        stated = None if self.temperature is None else table[:, self.temperature]
        return Block(start, table[:, self.values], stated)


def _layout(label: str, header: Sequence[str]) -> _Layout:
    """Find the categories in a header: between temperatures that lead and log-densities that end.

    A first column without a name is the row index that pandas writes, and no category.
    """
    begin, end, temperature = int(header[0] == "" and len(header) > 1), len(header), None
    if header[begin] == TEMPERATURE:
        begin, temperature = begin + 1, begin
    if header[-1] == LOG_PROB:
        end -= 1
    if end - begin < 2:
        count = max(0, end - begin)
        raise DataError(f"{label}: {count} column of values; a sample has two or more")
    try:
        return _Layout(check_names(header[begin:end]), slice(begin, end), temperature)
    except DataError as error:
        raise DataError(f"{label}: {error}") from error


def stated_temperatures(block: Block) -> set[float]:
    """Return the temperatures that a block states."""
    return set() if block.temperatures is None else {*np.unique(block.temperatures).tolist()}


def split_by_temperature(
    block: Block, wanted: Sequence[float] | None = None
) -> Iterator[tuple[float, FloatArray]]:
    """Yield each temperature of a block with its rows; only the wanted ones if any are named."""
    if block.temperatures is None:
        return
    for temperature in np.unique(block.temperatures).tolist():
        if wanted is None or temperature in wanted:
            yield temperature, block.rows[block.temperatures == temperature]


# --- CSV -------------------------------------------------------------------------------------


def _open_csv(label: str, file: BinaryIO) -> Samples:
    line = file.readline().removeprefix(codecs.BOM_UTF8)
    while line.startswith(b"#") or (line and not line.strip()):
        line = file.readline()
    if not line:
        raise DataError(f"{label}: is empty; expected rows of numbers")
    first = line.decode("utf-8", errors="replace")
    text = first.strip(" \r\n")
    if "\r" in text:
        raise DataError(f"{label}: its lines end in carriage returns alone; write newlines")
    separator = next((mark for mark in SEPARATORS if mark in text), ",")
    if ";" in text and all(map(_has_decimal_comma, text.split(";"))):
        raise DataError(f"{label}: row 1 has decimal commas; write 0.2 with a point")
    (fields,) = _split(label, [text], separator)
    numeric = [_is_number(field) for field in fields]
    named = '"' in text or not all(numeric)
    header = [field.strip() for field in fields] if named else list(default_names(len(fields)))
    if named and any(numeric) and '"' not in text and header[0] != TEMPERATURE:
        raise DataError(
            f"{label}: row 1: {_shown(header[numeric.index(False)])} is not a number; "
            "in a header, put names that are numbers in quotes"
        )
    layout = _layout(label, header)
    rest = b"" if named else first.encode()

    def blocks() -> Iterator[Block]:
        start = 0
        for lines in _whole_lines(file, rest):
            table = _parse_csv(label, lines, len(header), separator, start)
            if len(table):  # not blank lines alone
                yield layout.block(start, table)
            start += len(table)
        if start == 0:
            raise DataError(f"{label}: has a header and no rows")

    return Samples(label, layout.names, named, None, 0, layout.temperature is not None, blocks)


def _shown(field: str) -> str:
    return repr(field if len(field) <= LONGEST_SHOWN else f"{field[: LONGEST_SHOWN - 3]}...")


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


def _has_decimal_comma(field: str) -> bool:
    return field.count(",") == 1 and _is_number(field.replace(",", "."))


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
    import_polars()
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
        for column, field in enumerate(fields, start=1):
            if not field:
                raise DataError(f"{label}: row {row}: column {column} is empty")
            if not _is_number(field):
                remedy = "; write a decimal point" if _has_decimal_comma(field) else ""
                raise DataError(f"{label}: row {row}: {_shown(field)} is not a number{remedy}")
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
    if min(shape) < 1:
        raise DataError(f"{label}: shape {shape} has no rows")
    _check_size(label, file, shape, dtype, fortran=fortran)
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


def _check_size(
    label: str,
    file: io.BufferedReader,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    *,
    fortran: bool,
) -> None:
    """Refuse a header that promises more than the file holds, before room is made for it."""
    if shape[-1] > MOST_CATEGORIES:
        raise DataError(f"{label}: shape {shape} has more than {MOST_CATEGORIES:,} categories")
    if _on_disk(file):
        held = os.fstat(file.fileno()).st_size - file.tell()
        if held < math.prod(shape) * dtype.itemsize:
            total, whole = math.prod(shape[:-1]), held // (shape[-1] * dtype.itemsize)
            if fortran:
                raise DataError(f"{label}: ends before the {total} rows that it announces")
            raise DataError(f"{label}: ends after row {whole} of the {total} that it announces")


def _npy_header(label: str, file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        with warnings.catch_warnings(action="ignore"):  # of headers that Python 2 wrote
            shape, fortran, dtype = read(file)
    except (ValueError, SyntaxError, TokenError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{label}: not a readable NPY file: {reason}") from error
    if dtype.hasobject:
        raise DataError(f"{label}: holds pickled objects, which are not read; save a float array")
    if dtype.kind not in "fiu":
        raise DataError(f"{label}: holds values of type {dtype}; expected numbers")
    return shape, fortran, dtype


def _on_disk(file: io.BufferedReader) -> bool:
    return isinstance(file.raw, io.FileIO) and file.seekable()


def _npy_rows(
    label: str, file: io.BufferedReader, total: int, num_columns: int, dtype: np.dtype[Any]
) -> Iterator[tuple[int, FloatArray]]:
    step = max(1, BLOCK_VALUES // num_columns)
    width = num_columns * dtype.itemsize
    read = _mapped(file) if _on_disk(file) else file.read
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
    import_polars()
    import polars as pl

    try:
        scan = pl.scan_parquet(source, glob=False)
        schema = scan.collect_schema()
        total = scan.select(pl.len()).collect().item()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _not_parquet(label, error) from error
    if total == 0:
        raise DataError(f"{label}: has no rows")
    for name, kind in schema.items():
        if not kind.is_numeric():
            raise DataError(f"{label}: column {name!r} holds {kind}; expected numbers")
    layout = _layout(label, list(schema))
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
            yield layout.block(start, frame.to_numpy())
            start += len(frame)

    return Samples(label, layout.names, True, total, 0, layout.temperature is not None, blocks)


def _whole_batches(label: str, batches: Iterator[Any]) -> Iterator[Any]:
    import_polars()
    import polars as pl

    try:
        yield from batches
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _not_parquet(label, error) from error


def _not_parquet(label: str, error: BaseException) -> DataError:
    return DataError(f"{label}: not a readable Parquet file: {error}")
