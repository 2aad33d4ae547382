"""Labels: one category a row, by name or counted from 0, from NPY, CSV or Parquet."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gscli.errors import DataError
from gscli.execution.interrupts import import_polars
from gscli.io.columns import listed, shown
from gscli.io.formats.arrays import load_npy
from gscli.io.formats.frames import plain_path
from gscli.io.formats.text import whole_lines

if TYPE_CHECKING:
    import polars as pl

NPY = b"\x93NUMPY"
PARQUET = b"PAR1"

CHUNK = 2**22
"""Labels that are read at a time from Parquet."""

MOST_LABELS = 2**27
"""Labels at most of a table, which are kept in memory; those of an NPY file are not."""


def read_labels(path: str, names: Sequence[str] | None = None) -> npt.NDArray[Any]:
    """Read a column of labels.

    Parameters
    ----------
    path : str
        NPY of shape (n,), CSV or text with one column, or Parquet with one.
    names : sequence of str, optional
        Of the categories: labels can then be names.

    Returns
    -------
    ndarray, shape (n,)
        0 ... K-1; of an NPY file, mapped and not read yet.

    Raises
    ------
    DataError
        If the file cannot be read, has more than one column, or a name that is none of `names`.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(len(NPY))
        if head == NPY:
            return _of_npy(Path(path))
        return _of_table(Path(path), head, names)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _of_npy(path: Path) -> npt.NDArray[Any]:
    array = load_npy(path, mapped=True)
    if array.ndim == 2 and 1 in array.shape:
        array = array.reshape(-1)
    if array.ndim != 1 or array.dtype.kind not in "iufb":
        raise DataError(
            f"holds {array.dtype} of shape {array.shape}; expected labels of shape (n,), or leave "
            "out --labels if its rows are one-hot"
        )
    return array


def _of_table(path: Path, head: bytes, names: Sequence[str] | None) -> npt.NDArray[Any]:
    import_polars()
    import polars as pl

    found: list[npt.NDArray[Any]] = []
    total = 0
    chunks = _of_parquet if head.startswith(PARQUET) else _of_text
    try:
        for frame in chunks(path):
            if frame.width != 1:
                raise DataError(f"has {frame.width} columns; expected one, of labels")
            found.append(_positions(frame.to_series(), names, total))
            total += len(frame)
            if total > MOST_LABELS:
                raise DataError(f"has more than {MOST_LABELS:,} labels; save them with numpy.save")
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DataError("is not a column of labels") from error
    if not found:
        raise DataError("is empty; expected a column of labels")
    return np.concatenate(found)


def _of_text(path: Path) -> "Iterator[pl.DataFrame]":
    import polars as pl

    with path.open("rb") as file:
        for lines in whole_lines(file):
            yield pl.read_csv(io.BytesIO(lines), has_header=False, infer_schema=False)


def _of_parquet(path: Path) -> "Iterator[pl.DataFrame]":
    import polars as pl

    with path.open("rb") as file:
        scan = pl.scan_parquet(plain_path(file, path), glob=False)
        total = scan.select(pl.len()).collect(engine="streaming").item()
        for start in range(0, total, CHUNK):
            yield scan.slice(start, CHUNK).collect(engine="streaming")


def _positions(column: "pl.Series", names: Sequence[str] | None, start: int) -> npt.NDArray[Any]:
    """Return some labels, the first of which is number `start`, as numbers from 0 on."""
    import polars as pl

    if column.dtype.is_numeric():
        numeric: npt.NDArray[Any] = column.to_numpy()
        return numeric
    column = column.cast(pl.String).str.strip_chars()
    numbers = column.cast(pl.Int32, strict=False)
    if not start and len(column) > 1 and _is_heading(column[0], names) and numbers[0] is None:
        column, numbers = column[1:], numbers[1:]
    if names is not None:
        places = {name: place for place, name in enumerate(names)}
        numbers = column.replace_strict(places, default=None, return_dtype=pl.Int32).fill_null(
            numbers
        )
    if numbers.null_count():
        row = int(numbers.is_null().arg_max() or 0)
        known = f"; the categories are {listed(names)}" if names else ", counted from 0"
        raise DataError(
            f"row {start + row + 1:,}: {shown(column[row] or '')} is not a label{known}"
        )
    positions: npt.NDArray[Any] = numbers.to_numpy()
    return positions


def _is_heading(text: str | None, names: Sequence[str] | None) -> bool:
    return text is not None and (names is None or text not in names)
