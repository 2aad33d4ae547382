"""Batches of rows to CSV, NPY and Parquet, in bounded memory."""

import csv
import io
import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from gscli.errors import DataError
from gscli.execution.interrupts import import_polars, result_of
from gscli.io.columns import is_number

Format = Literal["csv", "npy", "parquet"]
FORMATS: dict[str, Format] = {".csv": "csv", ".npy": "npy", ".parquet": "parquet"}
Columns = Mapping[str, npt.NDArray[np.floating[Any]]]

ROW_GROUP_ROWS = 2**18
"""Rows of a Parquet row group: some megabytes for a few categories, read as one."""


def write_table(
    file: BinaryIO,
    tables: Iterable[Columns],
    *,
    format: Literal["csv", "parquet"],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write tables of the same columns below each other.

    Parameters
    ----------
    file : binary file
        Open for writing; need not be seekable.
    tables : iterable of mappings from a column's name to its values, shape (rows,)
        At least one.
    format : {"csv", "parquet"}
        CSV has a header and numbers in their shortest form that reads back as the same number.
    metadata : mapping of str to str, optional
        What a Parquet file says of itself.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    _sink(file, iter(tables), format, metadata)


def write_npy(
    file: BinaryIO,
    batches: Iterable[npt.NDArray[Any]],
    *,
    shape: tuple[int | None, ...],
    dtype: npt.DTypeLike = np.float64,
) -> None:
    """Write batches of rows, one after another, as a single NPY array.

    Parameters
    ----------
    file : binary file
        Open for writing.
    batches : iterable of ndarray
        The array's values in C order.
    shape : tuple of int
        Shape of the array. If its first entry is None it is found by counting the rows; then the
        file gets its bytes only when the last batch has come.
    dtype : dtype_like
        Of the array.

    Raises
    ------
    DataError
        If there are not as many rows as the shape says.
    OSError
        If the file cannot be written.
    """
    if shape[0] is None:
        # A header cannot be corrected afterwards in a pipe, nor after `>> file`.
        with tempfile.TemporaryFile() as spool:
            rows = sum(_write_values(spool, batch, dtype) for batch in batches)
            spool.seek(0)
            _write_npy_header(file, (rows, *shape[1:]), dtype)
            shutil.copyfileobj(spool, file)
        return
    _write_npy_header(file, shape, dtype)
    values = 0
    for batch in batches:
        _write_values(file, batch, dtype)
        values += batch.size
    announced = math.prod(axis or 0 for axis in shape)
    if values != announced:
        raise DataError(f"{values:,} values came for an array of {announced:,}")


class PlacedNpy:
    """An NPY array whose rows any thread writes at their own place, in any order.

    Parameters
    ----------
    file : binary file
        A new file on a disk, open for writing.
    shape : tuple of int
        Shape of the array.
    dtype : dtype_like
        Of the array.

    Raises
    ------
    OSError
        If the file may not become so large.
    """

    supported = hasattr(os, "pwrite")
    """Whether this system can write at a place."""

    def __init__(
        self, file: BinaryIO, *, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float64
    ) -> None:
        _write_npy_header(file, shape, dtype)
        file.flush()
        self._descriptor = file.fileno()
        self._begin = file.tell()
        self._row_values = shape[-1]
        self._dtype = np.dtype(dtype)
        # A file too large for its system, or for a limit that was set, is refused now.
        os.ftruncate(self._descriptor, self._begin + npy_bytes(shape, dtype))

    def write(self, row: int, rows: npt.NDArray[Any]) -> None:
        """Write rows from number `row` on, where all axes but the last make one.

        Parameters
        ----------
        row : int
            Number of the first row.
        rows : ndarray
            Shape (rows, K).

        Raises
        ------
        OSError
            If they cannot be written, for example because the disk is full.
        """
        values = np.ascontiguousarray(rows, dtype=self._dtype)
        rest = values.reshape(-1).view(np.uint8).data
        place = self._begin + row * self._row_values * self._dtype.itemsize
        while rest:
            written = os.pwrite(self._descriptor, rest, place)
            rest, place = rest[written:], place + written


def npy_bytes(shape: tuple[int, ...], dtype: npt.DTypeLike = np.float64) -> int:
    """Return how many bytes the values of an array take.

    Examples
    --------
    >>> npy_bytes((10, 3))
    240
    """
    return math.prod(shape) * np.dtype(dtype).itemsize


def header_line(names: Sequence[str]) -> bytes:
    r"""Return the CSV header of these columns.

    Names that read as a number are quoted, so that they cannot be taken for a row of data, and
    so are those that would begin a comment.

    Examples
    --------
    >>> header_line(["x1", "7", 'say "a", b'])
    b'x1,"7","say ""a"", b"\n'
    """
    text = io.StringIO()
    for position, name in enumerate(names):
        quoted = is_number(name) or name.startswith("#")
        writer = csv.writer(
            text, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL, lineterminator=""
        )
        writer.writerow([name])
        text.write("," if position < len(names) - 1 else "\n")
    return text.getvalue().encode()


def _sink(
    file: BinaryIO,
    tables: Iterator[Columns],
    format: Literal["csv", "parquet"],
    metadata: Mapping[str, str] | None,
) -> None:
    # Asked for before polars is imported, so that threads draw the next tables meanwhile.
    columns = next(tables)
    import_polars()
    import polars as pl
    from polars.io.plugins import register_io_source

    target = _FailingQuietly(file)
    first = pl.DataFrame(dict(columns))
    abandoned = False

    def frames(*_: object) -> Iterator[pl.DataFrame]:
        yield first
        for table in tables:
            if abandoned or target.error is not None:
                return
            yield pl.DataFrame(dict(table))

    source = register_io_source(frames, schema=first.schema)
    sink: Any = target
    if format == "csv":
        target.write(header_line(list(columns)))
        write = partial(source.sink_csv, sink, include_header=False, engine="streaming")
    else:
        write = partial(
            source.sink_parquet,
            sink,
            row_group_size=ROW_GROUP_ROWS,
            engine="streaming",
            metadata=dict(metadata or {}),
        )
    # In a thread of its own: Python runs the handler of a signal in the main thread, but not
    # while that thread is inside polars, so SIGTERM would wait for the last row.
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(write)
        try:
            result_of(written)
        except BaseException:
            abandoned = True
            raise
    if target.error is not None:
        raise target.error


class _FailingQuietly(io.RawIOBase):
    """A file that remembers the first error instead of raising it.

    polars never returns when a sink fails in the middle (a full disk): so the sink does not
    fail, the source ends early, and the error is raised afterwards.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        if self.error is None:
            try:
                self.file.write(data)
            except OSError as error:
                self.error = error
        return len(data)


def _write_values(file: BinaryIO, batch: npt.NDArray[Any], dtype: npt.DTypeLike) -> int:
    file.write(np.ascontiguousarray(batch, dtype=dtype).data)
    return len(batch)


def _write_npy_header(file: BinaryIO, shape: tuple[int | None, ...], dtype: npt.DTypeLike) -> None:
    descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
