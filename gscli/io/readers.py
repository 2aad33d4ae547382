"""Files and pipes of samples, CSV, NPY or Parquet, to parts of rows, in bounded memory."""

import codecs
import csv
import io
import math
import os
import shutil
import sys
import tempfile
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np

from gscli.arrays import FloatArray, RealArray
from gscli.errors import DataError
from gscli.execution.interrupts import import_polars
from gscli.io import samples as batches
from gscli.io.columns import LOG_PROB, TEMPERATURE, check_names, default_names, is_number
from gscli.io.samples import Batch, Part, Samples, array_parts, naming

CSV_BYTES = 2**23
"""Bytes of text that one thread parses at a time: 8 MB, some 150,000 rows of three values."""

SEPARATORS = ",\t; "
LONGEST_SHOWN = 60
"""Characters of a field that a message shows."""

MOST_CATEGORIES = 2**24
"""A larger K in a header is a damaged file, for which no memory is allocated."""

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
"""What a file with these first bytes is, and the remedy."""

NAME_THEM = "name them, in order, with -t"


def open_samples(
    path: str,
    *,
    log: bool = False,
    temperatures: Sequence[float] | None = None,
    remedy: str = NAME_THEM,
) -> Samples:
    """Open a file of samples of any format; its first bytes say which one.

    Parameters
    ----------
    path : str
        A path, or ``-`` for standard input.
    log : bool
        Whether the rows are log X.
    temperatures : sequence of float, optional
        The T temperatures of an NPY array of shape (T, n, K), in its order.
    remedy : str
        What to do about an array whose temperatures are not named, for the message.

    Returns
    -------
    Samples
        Its names and its parts.

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
        with naming(label), ExitStack() as files:
            own = None if path == "-" else files.enter_context(Path(path).open("rb"))
            file = own or _standard_input()
            magic = file.peek(6)[:6]
            for beginning, what in OTHER_FORMATS.items():
                if magic.startswith(beginning):
                    raise DataError(what)
            if magic == b"\x93NUMPY":
                samples = _open_npy(label, file, temperatures, remedy)
            elif magic.startswith(b"PAR1"):
                piped = path == "-" or not file.seekable()
                source = files.enter_context(_spooled(file)) if piped else Path(path)
                samples = _open_parquet(label, source)
            else:
                samples = _open_csv(label, file)
            # The parts are read long after this function returns.
            samples = replace(samples, log=log).looked_at()
            weakref.finalize(samples.read, files.pop_all().close)
            return samples
    except OSError as error:
        raise DataError(f"{label}: {error.strerror or error}") from error


@contextmanager
def repeatable(samples: Samples) -> Iterator[Samples]:
    """Yield samples that can be read again: of a pipe, from a temporary file."""
    if samples.repeatable:
        yield samples
        return
    with tempfile.TemporaryFile() as spool:
        num_rows = 0
        for batch in samples:
            spool.write(np.ascontiguousarray(batch.rows).data)
            num_rows += len(batch.rows)
        spool.flush()
        spool.seek(0)
        shape = (num_rows, samples.num_categories)
        array = _Array(spool, shape, np.dtype(np.float64), fortran=False)
        read = partial(array.parts, (None,))
        yield replace(samples, read=read, repeatable=True, wanted=(), progress=None)


def _standard_input() -> io.BufferedReader:
    if sys.stdin is None:
        raise DataError("is closed; pipe samples into it, or name a FILE")
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

    def batches(self, table: FloatArray, start: int) -> Iterator[Batch]:
        for part in array_parts(table[:, self.values], start):
            for batch in part.load():
                first = batch.start - start
                stated = slice(first, first + len(batch.rows)), self.temperature
                yield replace(
                    batch, temperature=None if self.temperature is None else table[stated]
                )


def _layout(header: Sequence[str]) -> _Layout:
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
        raise DataError(f"{count} column of values; a sample has two or more")
    return _Layout(check_names(header[begin:end]), slice(begin, end), temperature)


# --- CSV -------------------------------------------------------------------------------------


def _open_csv(label: str, file: BinaryIO) -> Samples:
    header, named, separator, rest = _csv_header(file)
    layout = _layout(header)
    offset = file.tell() if file.seekable() else 0

    def load(lines: bytes, start: int) -> Iterator[Batch]:
        table = _parse_csv(lines, len(header), separator, start)
        yield from layout.batches(table, start)

    def read() -> Iterator[Part]:
        if file.seekable():
            file.seek(offset)
        start = 0
        for lines in _whole_lines(file, rest):
            num_rows = _count_rows(lines)
            if num_rows:  # not blank lines alone
                yield Part(num_rows, partial(load, lines, start))
            start += num_rows
        if start == 0:
            raise DataError("has a header and no rows")

    return Samples(
        label,
        layout.names,
        read,
        named=named,
        repeatable=file.seekable(),
        has_temperatures=layout.temperature is not None,
    )


def _csv_header(file: BinaryIO) -> tuple[list[str], bool, str, bytes]:
    """Return the columns' names, whether the file has them, the separator, and a first row."""
    line = file.readline().removeprefix(codecs.BOM_UTF8)
    while line.startswith(b"#") or (line and not line.strip()):
        line = file.readline()
    if not line:
        raise DataError("is empty; expected rows of numbers")
    first = line.decode("utf-8", errors="replace")
    text = first.strip(" \r\n")
    if "\r" in text:
        raise DataError("its lines end in carriage returns alone; write newlines")
    separator = next((mark for mark in SEPARATORS if mark in text), ",")
    if ";" in text and all(map(_has_decimal_comma, text.split(";"))):
        raise DataError("row 1 has decimal commas; write 0.2 with a point")
    (fields,) = _split([text], separator)
    numeric = [is_number(field) for field in fields]
    named = '"' in text or not all(numeric)
    header = [field.strip() for field in fields] if named else list(default_names(len(fields)))
    if named and any(numeric) and '"' not in text and header[0] != TEMPERATURE:
        raise DataError(
            f"row 1: {_shown(header[numeric.index(False)])} is not a number; "
            "in a header, put names that are numbers in quotes"
        )
    return header, named, separator, b"" if named else first.encode()


def _count_rows(lines: bytes) -> int:
    """Return how many lines are not blank."""
    if lines[:1] in b"\n\r\t " or any(
        blank in lines for blank in (b"\n\n", b"\n\r", b"\n ", b"\n\t")
    ):
        return sum(map(bool, map(bytes.strip, lines.split(b"\n"))))
    return lines.count(b"\n") + (not lines.endswith(b"\n"))


def _shown(field: str) -> str:
    return repr(field if len(field) <= LONGEST_SHOWN else f"{field[: LONGEST_SHOWN - 3]}...")


def _split(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines, delimiter=separator, skipinitialspace=True)
    except csv.Error as error:
        raise DataError(f"is not a table of numbers: {error}") from error


def _has_decimal_comma(field: str) -> bool:
    return field.count(",") == 1 and is_number(field.replace(",", "."))


def _whole_lines(file: BinaryIO, rest: bytes) -> Iterator[bytes]:
    while content := file.read(CSV_BYTES):
        head, newline, tail = content.rpartition(b"\n")
        if newline:
            yield rest + head + newline
            rest = tail
        else:
            rest += content
    if rest:
        yield rest


def _parse_csv(lines: bytes, num_columns: int, separator: str, start: int) -> FloatArray:
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
        return _parse_slowly(lines, num_columns, separator, start)
    if any(frame.null_count().row(0)):
        return _parse_slowly(lines, num_columns, separator, start)
    return frame.to_numpy()


def _parse_slowly(lines: bytes, num_columns: int, separator: str, start: int) -> FloatArray:
    """Parse lines with blank ones or stray spaces, or name the row that is not numbers."""
    text = (line.strip() for line in io.StringIO(lines.decode("utf-8", errors="replace")))
    values: list[float] = []
    for row, fields in enumerate(_split(filter(None, text), separator), start=start + 1):
        if len(fields) != num_columns:
            found = f"{len(fields)} values; expected {num_columns}"
            raise DataError(f"row {row} has {found}")
        for column, field in enumerate(fields, start=1):
            if not field:
                raise DataError(f"row {row}: column {column} is empty")
            if not is_number(field):
                remedy = "; write a decimal point" if _has_decimal_comma(field) else ""
                raise DataError(f"row {row}: {_shown(field)} is not a number{remedy}")
        values += map(float, fields)
    return np.array(values).reshape(-1, num_columns)


# --- NPY -------------------------------------------------------------------------------------


def _open_npy(
    label: str, file: io.BufferedReader, temperatures: Sequence[float] | None, remedy: str
) -> Samples:
    shape, fortran, dtype = _npy_header(file)
    if len(shape) == 3 and len(temperatures or ()) != shape[0]:
        named = f"if {shape[0]} temperatures, {remedy}"
        raise DataError(f"3-D array {shape}: if this is a batch, reshape(-1, K); {named}")
    if len(shape) not in (2, 3) or shape[-1] < 2:
        raise DataError(f"shape {shape}; expected (n, K) or (T, n, K) with K >= 2")
    if min(shape) < 1:
        raise DataError(f"shape {shape} has no rows")
    _check_size(file, shape, dtype, fortran=fortran)
    if fortran and len(shape) == 3:
        raise DataError(f"a Fortran-ordered array of shape {shape}; save it in C order")
    array = _Array(file, shape, dtype, fortran=fortran)
    three = len(shape) == 3
    return Samples(
        label,
        default_names(shape[-1]),
        partial(array.parts, tuple(temperatures or ()) if three else (None,)),
        total=array.total,
        repeatable=array.on_disk,
        has_temperatures=three,
    )


def _check_size(
    file: io.BufferedReader,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    *,
    fortran: bool,
) -> None:
    """Refuse a header that promises more than the file holds, before memory is allocated."""
    if shape[-1] > MOST_CATEGORIES:
        raise DataError(f"shape {shape} has more than {MOST_CATEGORIES:,} categories")
    if _on_disk(file):
        size = os.fstat(file.fileno()).st_size - file.tell()
        if size < math.prod(shape) * dtype.itemsize:
            total, whole = math.prod(shape[:-1]), size // (shape[-1] * dtype.itemsize)
            if fortran:
                raise DataError(f"ends before the {total} rows that it announces")
            raise DataError(f"ends after row {whole} of the {total} that it announces")


def _npy_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
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
        raise DataError(f"not a readable NPY file: {reason}") from error
    if dtype.hasobject:
        raise DataError("holds pickled objects, which are not read; save a float array")
    if dtype.kind not in "fiu":
        raise DataError(f"holds values of type {dtype}; expected numbers")
    return shape, fortran, dtype


def _on_disk(file: Any) -> bool:
    return isinstance(file.raw, io.FileIO) and file.seekable()


class _Array:
    """The values of an NPY file: read by position where that is possible, else in order.

    They are not mapped into memory: where a file shrinks while it is read, that would end the
    program, and pages that were read would count as its memory.
    """

    def __init__(
        self,
        file: Any,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        *,
        fortran: bool,
    ) -> None:
        self.shape, self.dtype, self.fortran = shape, dtype, fortran
        self.total = math.prod(shape[:-1])
        self.on_disk = fortran or _on_disk(file)
        # The columns of a pipe come one after another.
        self.file: Any = file
        if fortran and not _on_disk(file):
            self.file = _spooled(file)
            weakref.finalize(self, self.file.close)
        self.offset = self.file.tell() if self.on_disk else 0

    def parts(self, temperatures: Sequence[float | None]) -> Iterator[Part]:
        step = max(1, batches.PART_VALUES // self.shape[-1])
        for index, temperature in enumerate(temperatures):
            begin, end = index * self.shape[-2], (index + 1) * self.shape[-2]
            for start in range(begin, end, step):
                stop = min(start + step, end)
                load = partial(self.load, start, stop)
                if not self.on_disk:  # read here, in order
                    load = partial(lambda rows: rows, list(load()))
                yield Part(stop - start, partial(_at_temperature, load, temperature))

    def load(self, start: int, stop: int) -> Iterator[Batch]:
        step = max(1, batches.BATCH_VALUES // self.shape[-1])
        for first in range(start, stop, step):
            last = min(first + step, stop)
            rows = self.columns(first, last).T if self.fortran else self.rows(first, last)
            yield Batch(rows.astype(np.float64, copy=False), first)

    def rows(self, start: int, stop: int) -> RealArray:
        rows = np.empty((stop - start, self.shape[-1]), self.dtype)
        read = self.read(rows, start * rows[0].nbytes)
        if read < rows.nbytes:
            whole = start + read // rows[0].nbytes
            raise DataError(f"ends after row {whole:,} of the {self.total:,} that it announces")
        return rows

    def columns(self, start: int, stop: int) -> RealArray:
        columns = np.empty((self.shape[-1], stop - start), self.dtype)
        for k, column in enumerate(columns):
            if self.read(column, (k * self.total + start) * self.dtype.itemsize) < column.nbytes:
                raise DataError(f"ends before the {self.total:,} rows that it announces")
        return columns

    def read(self, values: RealArray, position: int) -> int:
        """Fill an array, from this many bytes after the header; return how many were there."""
        view = memoryview(values.data).cast("B")
        if not self.on_disk:
            content = self.file.read(len(view))
            view[: len(content)] = content
            return len(content)
        done = 0
        while done < len(view):
            read = os.preadv(self.file.fileno(), [view[done:]], self.offset + position + done)
            if not read:
                break
            done += read
        return done


def _at_temperature(
    load: Callable[[], Iterable[Batch]], temperature: float | None
) -> Iterator[Batch]:
    for batch in load():
        yield replace(batch, temperature=temperature)


# --- Parquet ---------------------------------------------------------------------------------


def _open_parquet(label: str, source: BinaryIO | Path) -> Samples:
    import_polars()
    import polars as pl

    try:
        scan = pl.scan_parquet(source, glob=False)
        schema = scan.collect_schema()
        total = scan.select(pl.len()).collect().item()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _not_parquet(error) from error
    if total == 0:
        raise DataError("has no rows")
    for name, kind in schema.items():
        if not kind.is_numeric():
            raise DataError(f"column {name!r} holds {kind}; expected numbers")
    layout = _layout(list(schema))
    frames = scan.cast(pl.Float64)

    def load(frame: Any, start: int) -> Iterator[Batch]:
        _refuse_missing(frame, start)
        yield from layout.batches(frame.to_numpy(), start)

    def read() -> Iterator[Part]:
        step = max(1, batches.PART_VALUES // len(schema))
        start = 0
        for frame in _whole_batches(frames.collect_batches(chunk_size=step, maintain_order=True)):
            yield Part(len(frame), partial(load, frame, start))
            start += len(frame)
        if start != total:  # polars' iterator stops at a damaged page without an error
            raise DataError(
                f"{start:,} rows could be read where {total:,} are announced; the file is damaged"
            )

    return Samples(
        label,
        layout.names,
        read,
        named=True,
        total=total,
        has_temperatures=layout.temperature is not None,
    )


def _refuse_missing(frame: Any, start: int) -> None:
    for name, missing in zip(frame.columns, frame.null_count().row(0), strict=True):
        if missing:
            row = start + int(frame[name].is_null().arg_max() or 0) + 1
            raise DataError(f"row {row:,}: column {name!r} has no value")


def _whole_batches(batches: Iterator[Any]) -> Iterator[Any]:
    import_polars()
    import polars as pl

    try:
        yield from batches
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _not_parquet(error) from error


def _not_parquet(error: BaseException) -> DataError:
    return DataError(f"not a readable Parquet file: {error}")
