"""How close samples come to a vertex: E[max X] and P(max X > 1 - within).

There is no one-dimensional quadrature for these beyond two categories, so they are Monte Carlo
over the package's own stream of noise, and each comes with its standard error.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gscli import sampling
from gscli.concrete import Concrete
from gscli.errors import ParameterError
from gscli.quadrature import FloatArray

SAMPLES = 100_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its standard error.

    Attributes
    ----------
    value : float
        The figure.
    standard_error : float
        0.0 if the value is exact.
    """

    value: float
    standard_error: float


def expected_max(distribution: Concrete, *, n: int = SAMPLES, seed: int = 0) -> Estimate:
    """Estimate E[max_k X_k] by Monte Carlo.

    Parameters
    ----------
    distribution : Concrete
        Of X.
    n : int
        Number of samples, >= 2.
    seed : int
        Of the noise, which distributions of one K and one seed share.

    Returns
    -------
    Estimate
        The mean and its standard error.

    Raises
    ------
    ParameterError
        If `n` or `seed` is outside its range.

    Examples
    --------
    >>> estimate = expected_max(Concrete([1, 1], temperature=1))  # X_1 is uniform
    >>> abs(estimate.value - 0.75) < 5 * estimate.standard_error
    True
    """
    k = distribution.num_categories
    chunks = sampling.stream(distribution.from_noise, k, _check_samples(n), seed=seed)
    return _estimate(chunk.rows.max(axis=1) for chunk in chunks)


def near_vertex(
    distribution: Concrete, within: float = 0.05, *, n: int = SAMPLES, seed: int = 0
) -> Estimate:
    """Return P(max_k X_k > 1 - within), exactly for two categories and else by Monte Carlo.

    Parameters
    ----------
    distribution : Concrete
        Of X.
    within : float
        Distance from the vertex, 0 < within <= 0.5.
    n : int
        Number of samples, >= 2.
    seed : int
        Of the noise.

    Returns
    -------
    Estimate
        The probability and its standard error, 0.0 for two categories.

    Raises
    ------
    ParameterError
        If `within`, `n` or `seed` is outside its range.

    Notes
    -----
    For within <= 1/2 only one category can be that large, and X_k > 1 - within exactly if
    E_k < pi_k (c Σ_{j≠k} W_j)^(-t), c = (1 - within) / within, with the W_j of `gscli.quadrature`.
    Each sample contributes the probability of that given the other categories' noise, not 0 or 1.

    Examples
    --------
    >>> round(near_vertex(Concrete([1, 1], temperature=1)).value, 9)  # X_1 is uniform
    0.1
    """
    if not 0 < within <= 0.5:
        raise ParameterError("within", f"{within:g} is not in 0 < within <= 0.5")
    _check_samples(n)
    logits, t = distribution.logits, distribution.temperature
    offset = t * (math.log1p(-within) - math.log(within))
    if len(logits) == 2:  # t log(X_1/X_2) is logistic
        difference = float(logits[0] - logits[1])
        sides = np.array([difference, -difference]) - offset
        return Estimate(float(np.exp(-np.logaddexp(0, -sides)).sum()), 0.0)

    def contribution(noise: FloatArray) -> FloatArray:
        others = _log_sum_of_others((logits - noise) / t)
        log_rate = np.minimum(logits - offset - t * others, 700.0)
        total: FloatArray = -np.expm1(-np.exp(log_rate)).sum(axis=1)
        return total

    chunks = sampling.stream(lambda noise: noise, len(logits), n, seed=seed)
    return _estimate(contribution(np.asarray(chunk.rows, np.float64)) for chunk in chunks)


def _log_sum_of_others(scores: FloatArray) -> FloatArray:
    # log Σ_{j≠k} exp(score_j) from the sums before and after k: S - W_k would lose all digits.
    before = np.full_like(scores, -np.inf)
    after = np.full_like(scores, -np.inf)
    before[:, 1:] = np.logaddexp.accumulate(scores[:, :-1], axis=1)
    after[:, :-1] = np.logaddexp.accumulate(scores[:, :0:-1], axis=1)[:, ::-1]
    return np.logaddexp(before, after)


def _check_samples(n: int) -> int:
    if n < 2:
        raise ParameterError("n", f"{n} is too small: a standard error needs two samples or more")
    return n


def _estimate(parts: Iterable[FloatArray]) -> Estimate:
    # Chan's update of mean and sum of squares: one pass, in memory that does not grow with n.
    count, mean, squares = 0, 0.0, 0.0
    for part in parts:
        size, part_mean = len(part), float(part.mean())
        difference = part_mean - mean
        squares += float(np.square(part - part_mean).sum())
        squares += difference**2 * count * size / (count + size)
        count += size
        mean += difference * size / count
    return Estimate(mean, math.sqrt(squares / (count - 1) / count))
