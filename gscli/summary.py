"""What a sample says of itself: means, spreads and shares with their standard errors."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gscli.errors import DataError

FloatArray = npt.NDArray[np.float64]

NEAR_VERTEX = 0.05
"""A sample counts as near a vertex if its largest component is above 1 minus this."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of a sample of n rows.

    Attributes
    ----------
    n : int
        Number of rows.
    mean, mean_se, sd : ndarray, shape (K,)
        Mean of each component, its standard error, and the standard deviation.
    rounding, rounding_se : ndarray, shape (K,)
        Share of the rows whose largest component is k.
    expected_max, expected_max_se : float
        Mean of the largest component.
    near_vertex, near_vertex_se : float
        Share of the rows whose largest component is above 0.95.
    """

    n: int
    mean: FloatArray
    mean_se: FloatArray
    sd: FloatArray
    rounding: FloatArray
    rounding_se: FloatArray
    expected_max: float
    expected_max_se: float
    near_vertex: float
    near_vertex_se: float


def summarise(blocks: Iterable[FloatArray]) -> Summary:
    """Summarise a sample in one pass and bounded memory.

    Parameters
    ----------
    blocks : iterable of ndarray, shape (rows, K)
        Points of the simplex.

    Returns
    -------
    Summary
        Its figures.

    Raises
    ------
    DataError
        If there is not a single row.

    Examples
    --------
    >>> s = summarise([np.array([[0.25, 0.75], [0.75, 0.25]])])
    >>> s.n, s.mean.tolist(), s.rounding.tolist(), s.near_vertex
    (2, [0.5, 0.5], [0.5, 0.5], 0.0)
    """
    n = 0
    mean = squares = winners = np.zeros(1)
    peak = peak_squares = np.zeros(())
    near = 0
    for rows in blocks:
        columns = rows.T
        largest = columns.max(axis=0)
        mean, squares = _merged(n, mean, squares, columns)
        peak, peak_squares = _merged(n, peak, peak_squares, largest)
        n += len(rows)
        winners = winners + np.bincount(columns.argmax(axis=0), minlength=len(columns))
        near += int(np.count_nonzero(largest > 1 - NEAR_VERTEX))
    if n == 0:
        raise DataError("a sample without rows has no figures")
    sd = np.sqrt(squares / max(n - 1, 1))
    share, close = winners / n, near / n
    return Summary(
        n=n,
        mean=mean,
        mean_se=sd / np.sqrt(n),
        sd=sd,
        rounding=share,
        rounding_se=np.sqrt(share * (1 - share) / n),
        expected_max=float(peak),
        expected_max_se=float(np.sqrt(peak_squares) / n),
        near_vertex=close,
        near_vertex_se=float(np.sqrt(close * (1 - close) / n)),
    )


def _merged(
    n: int, mean: FloatArray, squares: FloatArray, values: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Merge a block's mean and sum of squared deviations, over the last axis, into those of n.

    Chan, Golub, LeVeque (1979): unlike Σx² - n·mean² it keeps the digits of a small spread.
    """
    count = values.shape[-1]
    own = values.mean(axis=-1)
    shift = own - mean
    own_squares = ((values - own[..., None]) ** 2).sum(axis=-1)
    return (
        mean + shift * (count / (n + count)),
        squares + own_squares + shift**2 * (n * count / (n + count)),
    )
