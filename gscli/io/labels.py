"""Labels: one category a row, by name or counted from 0, from NPY, CSV or Parquet."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from gscli.errors import DataError
from gscli.execution.interrupts import import_polars
from gscli.io.columns import listed
from gscli.io.formats.arrays import load_npy

NPY = b"\x93NUMPY"
PARQUET = b"PAR1"


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

    content = io.BytesIO(path.read_bytes())
    try:
        if head.startswith(PARQUET):
            frame = pl.read_parquet(content)
        else:
            frame = pl.read_csv(content, has_header=False, infer_schema=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DataError("is not a column of labels") from error
    if frame.width != 1:
        raise DataError(f"has {frame.width} columns; expected one, of labels")
    column = frame.to_series()
    if column.dtype.is_numeric():
        numeric: npt.NDArray[Any] = column.to_numpy()
        return numeric
    column = column.cast(pl.String).str.strip_chars()
    numbers = column.cast(pl.Int64, strict=False)
    if len(column) > 1 and _is_heading(column[0], names) and numbers[0] is None:
        column, numbers = column[1:], numbers[1:]
    if names is not None:
        places = {name: place for place, name in enumerate(names)}
        numbers = column.replace_strict(places, default=None, return_dtype=pl.Int64).fill_null(
            numbers
        )
    if numbers.null_count():
        row = int(numbers.is_null().arg_max() or 0)
        known = f"; the categories are {listed(names)}" if names else ", counted from 0"
        raise DataError(f"row {row + 1:,}: {column[row]!r} is not a label{known}")
    found: npt.NDArray[Any] = numbers.to_numpy()
    return found


def _is_heading(text: str | None, names: Sequence[str] | None) -> bool:
    return text is not None and (names is None or text not in names)
