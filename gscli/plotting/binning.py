"""Counts of samples in bins: equal parts of [0, 1], and triangular cells of the simplex."""

from functools import cache

import numpy as np
import numpy.typing as npt

from gscli.arrays import FloatArray, IntArray

DIAGONALS = 4
"""Values of i + j + k: two for points of the simplex, and one on each side for rounding."""


def count_bins(rows: FloatArray, *, bins: int) -> IntArray:
    """Return the counts of each category's share in equal bins of [0, 1], shape (K, bins)."""
    columns = rows.T
    index = np.clip((columns * bins).astype(np.int64), 0, bins - 1)
    index += np.arange(len(columns))[:, None] * bins
    counts = np.bincount(index.ravel(), minlength=len(columns) * bins)
    return counts.reshape(len(columns), bins)


def cell_of(x: FloatArray, resolution: int) -> IntArray:
    """Return the cell in which each point lies.

    The simplex is cut into resolution**2 equal triangles by lines of constant x_1, x_2 and x_3.
    Row i, where i <= resolution * x_1 < i + 1, has 2 (resolution - i) - 1 cells that point up and
    down in turn.

    Parameters
    ----------
    x : ndarray, shape (..., 3)
        Points of the simplex.
    resolution : int
        Number of rows of cells.

    Returns
    -------
    ndarray of int, shape (...)
        Indices of cells, 0 <= index < resolution**2; a point on an edge goes to one of its sides.

    Examples
    --------
    >>> cell_of(np.array([[0.1, 0.8, 0.1], [0.3, 0.4, 0.3], [1.0, 0.0, 0.0]]), 2).tolist()
    [2, 1, 3]
    """
    return _cells(resolution)[_keys(x, resolution)]


def count_cells(x: FloatArray, resolution: int) -> IntArray:
    """Return how many points lie in each cell, shape (resolution**2,); see `cell_of`."""
    cells = _cells(resolution)
    counts = np.bincount(_keys(x, resolution).ravel(), minlength=len(cells))
    total = np.zeros(resolution**2, dtype=np.int64)
    np.add.at(total, cells, counts)
    return total


def _keys(x: FloatArray, resolution: int) -> npt.NDArray[np.int32]:
    """Return a number for i, j, k = floor(resolution * x), of which the cell is a function.

    It is linear in i, j and k, and counting keys instead of cells leaves the rest of the work
    to one small table.
    """
    digits = np.empty(x.shape, dtype=np.int32)
    np.multiply(x, resolution, out=digits, casting="unsafe")
    keys: npt.NDArray[np.int32] = digits[..., 0] * (DIAGONALS * (resolution + 1) + 1)
    keys += digits[..., 1] * (DIAGONALS + 1)
    keys += digits[..., 2]
    keys -= resolution - 3
    return keys


@cache
def _cells(resolution: int) -> IntArray:
    """Return the cell of each key."""
    shape = (resolution + 1, resolution + 1, DIAGONALS)
    first, second, diagonal = np.indices(shape).reshape(3, -1)
    third = diagonal + resolution - 3 - first - second
    row = np.minimum(first, resolution - 1)
    place = np.minimum(second, resolution - 1 - row)
    across = resolution - 1 - row - place
    down = (third < across) & (across > 0)
    cell: IntArray = (2 * resolution - row) * row + 2 * place + down
    return cell


def cell_corners(resolution: int) -> FloatArray:
    """Return the corners of every cell, shape (resolution**2, 3 corners, 3 categories).

    Examples
    --------
    >>> cell_corners(1).tolist()
    [[[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]]
    """
    corners = np.empty((resolution**2, 3, 3))
    cell = 0
    for row in range(resolution):
        for place in range(resolution - row):
            left, top = (row, place + 1), (row + 1, place)
            _fill(corners[cell], [left, (row, place), top], resolution)
            cell += 1
            if row + place < resolution - 1:
                _fill(corners[cell], [left, top, (row + 1, place + 1)], resolution)
                cell += 1
    return corners


def _fill(out: FloatArray, points: list[tuple[int, int]], resolution: int) -> None:
    for corner, (first, second) in zip(out, points, strict=True):
        corner[:] = first, second, resolution - first - second
    out /= resolution
