"""The log-density of rows, and what there is to say of those where it is not finite."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from gscli.arrays import FloatArray, IntArray, log_softmax
from gscli.distribution.concrete import Concrete
from gscli.errors import DataError
from gscli.io.precision import Precision
from gscli.io.samples import Batch


def log_densities(batch: Batch, distribution: Concrete, precision: Precision) -> FloatArray:
    """Return the log-density at each row, in nats.

    Parameters
    ----------
    batch : Batch
        Points of the simplex or their logarithms, as `precision` tells. Rows that state a
        temperature are scored at that one.
    distribution : Concrete
        Gives the logits, and the temperature of rows that state none.
    precision : Precision
        Of the rows. Those that their rounding took off the simplex are normalised first.

    Returns
    -------
    ndarray, shape (rows,)
        See `Concrete.log_prob` and, for logarithms, `Concrete.log_prob_log`.

    Examples
    --------
    >>> rows = Batch(np.array([[0.5, 0.5], [0.5, 0.6]]))
    >>> log_densities(rows, Concrete([1, 1], 1.0), Precision()).round(9).tolist()
    [0.0, -inf]
    """
    rows = batch.rows
    if precision.inexact:
        rows = rows.copy()
        on = ~precision.off_simplex(rows.T)
        rows[on] = log_softmax(rows[on]) if precision.log else rows[on] / rows[on].sum(1)[:, None]
    if not isinstance(batch.temperature, np.ndarray):
        return _at(distribution, batch.temperature, rows, precision)
    log_prob = np.empty(len(rows))
    for temperature in np.unique(batch.temperature).tolist():
        chosen = batch.temperature == temperature
        log_prob[chosen] = _at(distribution, temperature, rows[chosen], precision)
    return log_prob


def _at(
    distribution: Concrete, temperature: float | None, rows: FloatArray, precision: Precision
) -> FloatArray:
    if temperature not in (None, distribution.temperature):
        distribution = Concrete(logits=distribution.logits, temperature=temperature)
    return distribution.log_prob_log(rows) if precision.log else distribution.log_prob(rows)


@dataclass
class RowCount:
    """How many rows had a property, and the first of them, counted from 1."""

    count: int = 0
    first: int = 0

    def add(self, indices: IntArray) -> None:
        """Count rows, given by their indices from 0."""
        if len(indices) and not self.count:
            self.first = int(indices[0]) + 1
        self.count += len(indices)

    def merge(self, later: Self) -> None:
        """Add the count of the rows that follow."""
        self.first = self.first or later.first
        self.count += later.count


class LogDensityStatistics:
    """Mean and range of log-densities, and the rows where they are not finite.

    Parameters
    ----------
    distribution : Concrete
        See `log_densities`.
    precision : Precision
        Of the rows.
    strict : bool
        Whether a row off the simplex is an error.

    Attributes
    ----------
    n, finite : int
        Number of log-densities, and of the finite ones.
    total, least, greatest : float
        Sum, minimum and maximum of the finite ones, in nats.
    off_simplex, boundary : RowCount
        The rows that lie off the simplex, and those on its boundary where the log-density is not
        finite.
    like_logarithms : bool
        Whether a row off the simplex could be log X.

    Examples
    --------
    >>> found = LogDensityStatistics(Concrete([1, 1], 1.0), Precision())
    >>> found.update(Batch(np.array([[0.5, 0.5], [0.5, 0.6], [0.2, 0.8]])))
    >>> found.n, found.finite, found.off_simplex
    (3, 2, RowCount(count=1, first=2))
    """

    def __init__(
        self, distribution: Concrete, precision: Precision, *, strict: bool = False
    ) -> None:
        self.distribution = distribution
        self.precision = precision
        self.strict = strict
        self.n = self.finite = 0
        self.total, self.least, self.greatest = 0.0, np.inf, -np.inf
        self.off_simplex, self.boundary = RowCount(), RowCount()
        self.like_logarithms = False

    def update(self, batch: Batch) -> None:
        """Take in the next rows."""
        self.score(batch)

    def score(self, batch: Batch) -> FloatArray:
        """Take in the next rows, and return their log-densities, shape (rows,)."""
        log_prob = log_densities(batch, self.distribution, self.precision)
        finite = np.isfinite(log_prob)
        usable = log_prob[finite]
        self.n += len(log_prob)
        self.finite += len(usable)
        with np.errstate(over="ignore"):  # of samples of other logits, by some 1e308
            self.total += float(usable.sum())
        self.least = min(self.least, float(usable.min(initial=np.inf)))
        self.greatest = max(self.greatest, float(usable.max(initial=-np.inf)))
        if not finite.all():
            self._note(batch.indices[~finite], batch.rows[~finite])
        return log_prob

    def merge(self, later: Self) -> None:
        """Take in the statistics of the rows that follow."""
        self.n += later.n
        self.finite += later.finite
        self.total += later.total
        self.least = min(self.least, later.least)
        self.greatest = max(self.greatest, later.greatest)
        self.off_simplex.merge(later.off_simplex)
        self.boundary.merge(later.boundary)
        self.like_logarithms |= later.like_logarithms

    @property
    def mean(self) -> float:
        """Mean of the finite ones; nan if there is none."""
        return self.total / self.finite if self.finite else float("nan")

    def _note(self, indices: IntArray, rows: FloatArray) -> None:
        off = self.precision.off_simplex(rows.T)
        self.off_simplex.add(indices[off])
        self.boundary.add(indices[~off])
        if off.any() and not self.precision.log:
            self.like_logarithms |= not Precision(log=True).off_simplex(rows[off].T).all()
        if self.strict and self.off_simplex.count:
            raise DataError(
                f"row {self.off_simplex.first:,} is not on the simplex; without --strict it gets "
                "-inf"
            )
