"""CSV and other tables of text: their header, and their rows."""

import codecs
import csv
import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

import numpy as np

from gscli.arrays import FloatArray
from gscli.errors import DataError
from gscli.execution.interrupts import import_polars
from gscli.io.columns import (
    MOST_CATEGORIES,
    Columns,
    count_up,
    default_names,
    is_number,
    parse_number,
    shown,
)
from gscli.io.samples import Batch, Part, Samples, table_batches

CSV_BYTES = 2**23
"""Bytes of text that one thread parses at a time: 8 MB, some 150,000 rows of three values."""

LONGEST_LINE = 2**25
"""Bytes of a line at most: what `MOST_CATEGORIES` values of full precision take."""

WIDE = 5_000
"""Columns above which polars takes 2 kB for each of them, and NumPy parses the lines."""

SEPARATORS = ",\t; "


@dataclass(frozen=True, slots=True)
class _Table:
    """What the first lines say of a table, and those of them that are rows."""

    header: list[str]
    named: bool
    separator: str
    rows: bytes


def open_text(label: str, file: BinaryIO, chosen: Sequence[str] | None) -> Samples:
    """Open a table of text: commas, tabs, semicolons or blanks, with a header or without."""
    table = _first_lines(file)
    columns = Columns.of(table.header, chosen)
    offset = file.tell() if file.seekable() else 0

    def load(lines: bytes, start: int) -> Iterator[Batch]:
        values = _parse(lines, table, columns.wanted, start)
        yield from table_batches(values, start, stated=columns.temperature is not None)

    def read() -> Iterator[Part]:
        if file.seekable():
            file.seek(offset)
        start = 0
        for lines in whole_lines(file, table.rows):
            num_rows = _count_rows(lines)
            if num_rows:  # not blank lines alone
                yield Part(num_rows, partial(load, lines, start))
            start += num_rows
        if start == 0:
            raise DataError("has a header and no rows")

    return Samples(
        label,
        columns.names,
        read,
        named=table.named,
        repeatable=file.seekable(),
        has_temperatures=columns.temperature is not None,
    )


def _first_lines(file: BinaryIO) -> _Table:
    """Read the header, if there is one, and the first row."""
    lines = _lines_with_content(file)
    comment, first = "", next(lines, "")
    while first.startswith("#"):
        comment, first = first, next(lines, "")
    if not first:
        raise DataError("is empty; expected rows of numbers")
    if "\r" in first.rstrip("\r\n"):
        raise DataError("its lines end in carriage returns alone; write newlines")
    text = first.strip(" \r\n")
    separator = next((mark for mark in SEPARATORS if mark in text), ",")
    if text.count(separator) >= MOST_CATEGORIES:
        raise DataError(f"row 1 has more than {MOST_CATEGORIES:,} values")
    if ";" in text and all(map(_has_decimal_comma, text.split(";"))):
        raise DataError("row 1 has decimal commas; write 0.2 with a point")
    second = next(lines, "")
    header = _header(text, second, separator)
    if header is None:
        (fields,) = _split([text], separator)
        names = _commented_names(comment, separator, len(fields))
        rows = (first + second).encode()
        return _Table(names or list(default_names(len(fields))), bool(names), separator, rows)
    return _Table(header, True, separator, second.encode())


def _lines_with_content(file: BinaryIO) -> Iterator[str]:
    line = file.readline(LONGEST_LINE).removeprefix(codecs.BOM_UTF8)
    while line:
        if len(line) == LONGEST_LINE:
            raise _too_long()
        if line.strip():
            yield line.decode("utf-8", errors="replace")
        line = file.readline(LONGEST_LINE)


def _too_long() -> DataError:
    return DataError(f"a line is longer than {LONGEST_LINE >> 20} MB; expected a table of numbers")


def _header(text: str, second: str, separator: str) -> list[str] | None:
    """Return the columns' names, or None if the first line is a row."""
    (fields,) = _split([text], separator)
    fields = [field.strip() for field in fields]
    numeric = [is_number(field) for field in fields]
    quoted = '"' in text
    if all(numeric):
        if not (_names_that_are_quoted(fields, second) if quoted else _counts(fields, second)):
            return None
    elif any(numeric) and not quoted:
        numbers = [field for field, is_one in zip(fields, numeric, strict=True) if is_one]
        if not count_up(numbers):
            raise DataError(
                f"row 1: {shown(fields[numeric.index(False)])} is not a number; "
                "in a header, put names that are numbers in quotes"
            )
    # R's write.table gives the labels of rows no name, and not even a separator.
    below = next(_split([second.strip(" \r\n")], separator), []) if second else []
    return ["", *fields] if len(below) == len(fields) + 1 and below[-1] else fields


def _names_that_are_quoted(fields: Sequence[str], second: str) -> bool:
    """Return whether numbers in quotes are names: below them the rows have no quotes."""
    if second.lstrip().startswith('"'):
        return False
    if not all(field.isdecimal() for field in fields) and _is_sample(fields):
        raise DataError(
            "row 1 has numbers in quotes that could be a sample or names; remove the quotes, or "
            "use names such as x1"
        )
    return True


def _is_sample(fields: Sequence[str]) -> bool:
    values = np.array([parse_number(field) for field in fields])
    return bool(abs(values.sum() - 1) < 1e-3 or (values <= 0).all())


def _counts(fields: Sequence[str], second: str) -> bool:
    """Return whether a first line is the 0,1,...,K-1 that pandas writes above rows."""
    # Of two categories a one-hot row looks alike, where all rows are whole numbers.
    return count_up(fields) and (len(fields) > 2 or "." in second)


def _commented_names(comment: str, separator: str, count: int) -> list[str]:
    """Return the names in the last comment above the rows, as np.savetxt writes them."""
    text = comment.lstrip("# ").strip()
    mark = separator if separator in text else ","  # blanks may be those of a sentence
    (names,) = _split([text], mark) if text else ([],)
    names = [name.strip() for name in names]
    right = len(names) == count and not any(map(is_number, names)) and all(names)
    return names if right else []


def _count_rows(lines: bytes) -> int:
    """Return how many lines are not blank."""
    if lines[:1] in b"\n\r\t " or any(
        blank in lines for blank in (b"\n\n", b"\n\r", b"\n ", b"\n\t")
    ):
        return sum(map(bool, map(bytes.strip, lines.split(b"\n"))))
    return lines.count(b"\n") + (not lines.endswith(b"\n"))


def _split(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines, delimiter=separator, skipinitialspace=True)
    except csv.Error as error:
        raise DataError(f"is not a table of numbers: {error}") from error


def _has_decimal_comma(field: str) -> bool:
    return field.count(",") == 1 and is_number(field.replace(",", "."))


def whole_lines(file: BinaryIO, rest: bytes = b"") -> Iterator[bytes]:
    """Yield some bytes and then a file, cut at the ends of lines, some megabytes at a time."""
    while content := file.read(CSV_BYTES):
        head, newline, tail = content.rpartition(b"\n")
        if newline:
            yield rest + head + newline
            rest = tail
        else:
            rest += content
        if len(rest) > LONGEST_LINE:
            raise _too_long()
    if rest:
        yield rest


def _parse(lines: bytes, table: _Table, wanted: Sequence[int], start: int) -> FloatArray:
    """Return the wanted columns of some lines, shape (rows, columns)."""
    values = _wide if len(table.header) > WIDE else _with_polars
    found = values(lines, table, wanted)
    return _slowly(lines, table, wanted, start) if found is None else found


def _with_polars(lines: bytes, table: _Table, wanted: Sequence[int]) -> FloatArray | None:
    import_polars()
    import polars as pl

    read = {*wanted}
    try:
        frame = pl.read_csv(
            lines,
            has_header=False,
            separator=table.separator,
            schema={
                f"{k}": pl.Float64 if k in read else pl.String for k in range(len(table.header))
            },
            extra_columns="raise",
            missing_columns="raise",
        ).select([f"{k}" for k in wanted])
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):  # of a lone quotation mark
        return None
    return None if any(frame.null_count().row(0)) else frame.to_numpy()


def _wide(lines: bytes, table: _Table, wanted: Sequence[int]) -> FloatArray | None:
    rows = []
    for line in filter(bytes.strip, lines.split(b"\n")):
        if line.count(table.separator.encode()) != len(table.header) - 1:
            return None
        with warnings.catch_warnings(action="error", category=DeprecationWarning):
            try:
                row = np.fromstring(line, sep=table.separator)
            except (DeprecationWarning, ValueError):  # not numbers up to its end
                return None
        if len(row) != len(table.header):
            return None
        rows.append(row[list(wanted)])
    return np.array(rows)


def _slowly(lines: bytes, table: _Table, wanted: Sequence[int], start: int) -> FloatArray:
    """Parse lines with blank ones or stray spaces, or name the row that is not numbers."""
    text = (line.strip() for line in io.StringIO(lines.decode("utf-8", errors="replace")))
    num_columns = len(table.header)
    values: list[float] = []
    for row, fields in enumerate(_split(filter(None, text), table.separator), start=start + 1):
        if len(fields) != num_columns:
            found = f"{len(fields)} values; expected {num_columns}"
            raise DataError(f"row {row} has {found}")
        values += [_number(fields[column], row, column, table) for column in wanted]
    return np.array(values).reshape(-1, len(wanted))


def _number(field: str, row: int, column: int, table: _Table) -> float:
    if is_number(field):
        return float(field)
    if not field:
        raise DataError(f"row {row}: column {column + 1} is empty")
    remedy = ""
    if _has_decimal_comma(field):
        remedy = "; write a decimal point"
    elif row == 1 and table.named:
        remedy = f"; if column {shown(table.header[column])} holds labels, choose with --columns"
    raise DataError(f"row {row}: {shown(field)} is not a number{remedy}")
