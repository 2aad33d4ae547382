"""Laws of statistics under the truth where their chi-squared limit is poor: exact or simulated.

The simulations have a fixed seed, so that the same rows have the same p-value. With m draws of
which h reach the statistic, (1 + h) / (m + 1) is a p-value that is exact at any m.
"""

import math
from functools import lru_cache

import numpy as np
from scipy import special

from gscli.arrays import FloatArray
from gscli.inference.gof.accumulators import LAGS, Lags

DRAWS = 2**17
POOL_VALUES = 2**22
SUM_VALUES = 2**26

TAIL = 0.1
"""Where the limit says more than this, it is good enough."""

HOPELESS = 1e-12
"""Where the limit says less than this, so does the truth for all that matters."""

FEW_ROWS = 200
"""Up to as many rows autocorrelations are simulated."""

FEW_EXPECTED = 100.0
"""Up to as many expected rows in a cell, counts are simulated."""


def of_counts(statistic: float, total: int, expected: FloatArray) -> float:
    """P-value of Pearson's statistic of counts in some cells.

    Examples
    --------
    >>> limit = of_counts(25.0, 10**6, np.array([5e5, 5e5]))
    >>> round(limit * 1e7, 1), round(of_counts(25.0, 25, np.array([12.5, 12.5])) * 1e8, 1)
    (5.7, 6.0)
    """
    limit = float(special.chdtrc(len(expected) - 1, statistic))
    if not HOPELESS < limit < TAIL:
        return limit
    if len(expected) == 2 and expected.min() < FEW_EXPECTED**2:
        return _two_cells(statistic, total, float(expected[0]))
    if len(expected) == 2 or expected.min() >= FEW_EXPECTED:
        return limit
    return _rank(statistic, _counts(total, tuple(expected.tolist())))


def of_autocorrelations(statistic: float, rows: int, variables: int) -> float:
    """P-value of the sum of squared standardised autocorrelations, up to `LAGS` of them."""
    limit = float(special.chdtrc(min(LAGS, rows // 4) * variables, statistic))
    if rows > FEW_ROWS or not HOPELESS < limit < TAIL:
        return limit
    return _rank(statistic, _autocorrelations(rows, variables))


def _two_cells(statistic: float, total: int, expected: float) -> float:
    # Pearson's statistic grows with the distance from the expected count, on either side alike.
    share = expected / total
    distance = math.sqrt(statistic * expected * (1 - share)) * (1 - 1e-9)
    low, high = math.floor(expected - distance), math.ceil(expected + distance)
    below = float(special.betainc(total - low, low + 1, 1 - share)) if low >= 0 else 0.0
    above = float(special.betainc(high, total - high + 1, share)) if high <= total else 0.0
    return min(1.0, below + above)


def _rank(statistic: float, null: FloatArray) -> float:
    # A statistic that equals one of the null's up to rounding reaches it.
    reached = len(null) - int(np.searchsorted(null, statistic * (1 - 1e-9)))
    return (1 + reached) / (1 + len(null))


@lru_cache(maxsize=16)
def _counts(total: int, expected: tuple[float, ...]) -> FloatArray:
    mean = np.array(expected)
    draws = min(DRAWS, SUM_VALUES // len(mean))
    counts = np.random.default_rng(0).multinomial(total, mean / mean.sum(), size=draws)
    null: FloatArray = np.sort(((counts - mean) ** 2 / mean).sum(axis=1))
    return null


@lru_cache(maxsize=16)
def _autocorrelations(rows: int, variables: int) -> FloatArray:
    # The variables are independent: each term of the sum is drawn from a pool.
    generator = np.random.default_rng(0)
    lags = Lags(min(DRAWS, POOL_VALUES // rows))
    lags.update(math.sqrt(12) * (generator.random((len(lags.sums), rows)) - 0.5))
    pool = (lags.scores(rows) ** 2).sum(axis=0)
    draws = min(DRAWS, SUM_VALUES // variables)
    null = np.zeros(draws)
    for _ in range(variables):
        null += pool[generator.integers(len(pool), size=draws)]
    return np.sort(null)
