"""What a sample says of itself: means, spreads and shares with their standard errors."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np

from gscli.arrays import FloatArray
from gscli.distribution.extremes import WITHIN
from gscli.errors import DataError
from gscli.execution.threads import Threads
from gscli.io.samples import Batch, Rows, Samples, as_samples
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


class SummaryAccumulator:
    """What is kept of the rows of a sample for its summary."""

    def __init__(self, *, log: bool = False) -> None:
        self.log = log
        self.n = 0
        self.argmax_counts: FloatArray = np.zeros(1)
        self.near = 0
        self.mean: FloatArray = np.zeros(1)
        self.squares: FloatArray = np.zeros(1)

    def update(self, batch: Batch) -> None:
        """Take in some points of the simplex, or their logarithms."""
        columns = np.exp(batch.rows.T) if self.log else batch.rows.T
        largest = columns.max(axis=0)
        values = np.vstack([columns, largest])
        mean = values.mean(axis=1)
        values -= mean[:, None]
        counts = np.bincount(columns.argmax(axis=0), minlength=len(columns))
        near = int(np.count_nonzero(largest > 1 - WITHIN))
        self._add(len(batch.rows), counts.astype(np.float64), near, mean, (values**2).sum(axis=1))

    def merge(self, later: Self) -> None:
        """Take in the sums of other rows."""
        self._add(later.n, later.argmax_counts, later.near, later.mean, later.squares)

    def _add(
        self, n: int, counts: FloatArray, near: int, mean: FloatArray, squares: FloatArray
    ) -> None:
        """Add up means, and sums of squares about them.

        References
        ----------
        Chan, Golub, LeVeque (1983), "Algorithms for computing the sample variance", equation 2.1.
        """
        total = self.n + n
        shift = mean - self.mean
        self.mean = self.mean + shift * (n / max(total, 1))
        self.squares = self.squares + squares + shift**2 * (self.n * n / max(total, 1))
        self.argmax_counts = self.argmax_counts + counts
        self.near += near
        self.n = total

    def summary(self) -> Summary:
        """Return the statistics, or raise `DataError` if there is not a single row."""
        n = self.n
        if n == 0:
            raise DataError("a sample without rows has no statistics")
        sd = np.sqrt(self.squares[:-1] / max(n - 1, 1))
        return Summary(
            n=n,
            mean=self.mean[:-1],
            mean_se=sd / np.sqrt(n),
            sd=sd,
            rounding=self.argmax_counts / n,
            rounding_se=proportion_error(self.argmax_counts, n),
            expected_max=float(self.mean[-1]),
            expected_max_se=float(np.sqrt(self.squares[-1]) / n),
            near_vertex=self.near / n,
            near_vertex_se=float(proportion_error(self.near, n)),
        )


def proportion_error(hits: Any, n: int) -> Any:
    """Return the standard error of hits / n, number or array.

    It is that with one hit and one miss more, which is not 0 when all samples agree.

    Examples
    --------
    >>> round(proportion_error(0, 100), 5)
    0.00985
    """
    proportion = (hits + 1) / (n + 2)
    return (proportion * (1 - proportion) / n) ** 0.5


def summarise(rows: Rows | Samples, *, log: bool = False, threads: Threads = None) -> Summary:
    """Summarise a sample in one pass and bounded memory.

    Parameters
    ----------
    rows : ndarray or iterable of ndarray, shape (rows, K)
        Points of the simplex.
    log : bool
        Whether the rows are log X.
    threads : int or Workers, optional
        Number of threads; by default one for each usable core.

    Returns
    -------
    Summary
        Its statistics.

    Raises
    ------
    DataError
        If there is not a single row.

    Examples
    --------
    >>> s = summarise(np.array([[0.25, 0.75], [0.75, 0.25]]))
    >>> s.n, s.mean.tolist(), s.rounding.tolist(), s.near_vertex
    (2, [0.5, 0.5], [0.5, 0.5], 0.0)
    """
    samples = as_samples(rows, log=log)
    make = partial(SummaryAccumulator, log=samples.log)
    return samples.accumulate(make, threads=threads).summary()
