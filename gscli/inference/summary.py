"""What a sample says of itself: means, spreads and shares with their standard errors."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gscli.arrays import FloatArray
from gscli.distribution.extremes import WITHIN, proportion_error
from gscli.errors import DataError
from gscli.records import Record


@dataclass(frozen=True, slots=True)
class Summary(Record):
    """Statistics of a sample of n rows.

    Attributes
    ----------
    n : int
        Number of rows.
    mean, mean_se, sd : ndarray, shape (K,)
        Mean of each component, its standard error, and the standard deviation.
    rounding, rounding_se : ndarray, shape (K,)
        Share of the rows whose largest component is k, and its standard error.
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
    sums = Sums()
    for rows in blocks:
        sums.add(rows)
    return sums.summary()


class Sums:
    """What is kept of the rows of a sample, read once, for its summary."""

    def __init__(self) -> None:
        self.n = 0
        self.winners: FloatArray = np.zeros(1)
        self.near = 0.0
        self.moments: FloatArray = np.zeros((2, 1))

    def add(self, rows: FloatArray) -> None:
        """Take in some points of the simplex, shape (rows, K)."""
        columns = rows.T
        largest = columns.max(axis=0)
        self.moments = _merged(self.moments, self.n, np.vstack([columns, largest]))
        self.n += len(rows)
        self.winners = self.winners + np.bincount(columns.argmax(axis=0), minlength=len(columns))
        self.near += float(np.count_nonzero(largest > 1 - WITHIN))

    def summary(self) -> Summary:
        """Return the figures, or raise `DataError` if there is not a single row."""
        n = self.n
        if n == 0:
            raise DataError("a sample without rows has no figures")
        mean, squares = self.moments
        sd = np.sqrt(squares[:-1] / max(n - 1, 1))
        return Summary(
            n=n,
            mean=mean[:-1],
            mean_se=sd / np.sqrt(n),
            sd=sd,
            rounding=self.winners / n,
            rounding_se=proportion_error(self.winners, n),
            expected_max=float(mean[-1]),
            expected_max_se=float(np.sqrt(squares[-1]) / n),
            near_vertex=self.near / n,
            near_vertex_se=float(proportion_error(self.near, n)),
        )


def _merged(moments: FloatArray, n: int, columns: FloatArray) -> FloatArray:
    """Add a block to the means, and the sums of squares about them, of n earlier values.

    References
    ----------
    Chan, Golub, LeVeque (1983), "Algorithms for computing the sample variance", equation 2.1.
    """
    count = columns.shape[1]
    mean = columns.mean(axis=1)
    columns -= mean[:, None]
    np.square(columns, out=columns)
    shift = mean - moments[0]
    return np.stack(
        [
            moments[0] + shift * (count / (n + count)),
            moments[1] + columns.sum(axis=1) + shift**2 * (n * count / (n + count)),
        ]
    )
