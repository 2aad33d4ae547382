"""How close samples come to a vertex: E[max X] and P(max X > 1 - within).

There is no one-dimensional quadrature for these beyond two categories, so they are Monte Carlo
over the package's own stream of noise, and each comes with its standard error.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gscli.arrays import FloatArray, RealArray
from gscli.distribution import noise as sampling
from gscli.distribution.concrete import Concrete
from gscli.errors import ParameterError

SAMPLES = 100_000

WITHIN = 0.05
"""A sample counts as near a vertex if its largest component is above 1 minus this."""


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
    distribution: Concrete, within: float = WITHIN, *, n: int = SAMPLES, seed: int = 0
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
        Of the noise, which distributions of one K and one seed share.

    Returns
    -------
    Estimate
        The probability and its standard error: 0.0 for two categories; else that of a proportion
        with one hit and one miss more, which is not 0 when all samples agree.

    Raises
    ------
    ParameterError
        If `within`, `n` or `seed` is outside its range.

    Notes
    -----
    For two categories t log(X_1/X_2) is logistic (Maddison et al. 2017, Proposition 1a-b).

    Examples
    --------
    >>> round(near_vertex(Concrete([1, 1], temperature=1)).value, 9)  # X_1 is uniform
    0.1
    """
    if not 0 < within <= 0.5:
        raise ParameterError("within", f"{within:g} is not in 0 < within <= 0.5")
    _check_samples(n)
    logits = distribution.logits
    if len(logits) == 2:
        difference = float(logits[0] - logits[1])
        threshold = distribution.temperature * (math.log1p(-within) - math.log(within))
        log_probabilities = -np.logaddexp(0, [threshold - difference, threshold + difference])
        return Estimate(float(np.exp(log_probabilities).sum()), 0.0)
    chunks = sampling.stream(distribution.from_noise, len(logits), n, seed=seed)
    hits = sum(int((chunk.rows.max(axis=1) > 1 - within).sum()) for chunk in chunks)
    return _proportion(hits, n)


def extremes(
    logits: FloatArray,
    temperatures: Sequence[float],
    *,
    within: float = WITHIN,
    n: int = SAMPLES,
    seed: int = 0,
) -> list[tuple[Estimate, Estimate]]:
    """Estimate E[max X] and P(max X > 1 - within) at many temperatures from the same noise.

    Parameters
    ----------
    logits : ndarray, shape (K,)
        Log-probabilities up to a common constant.
    temperatures : sequence of float
        Each positive and finite.
    within : float
        Distance from the vertex, 0 < within <= 0.5.
    n : int
        Number of samples, >= 2.
    seed : int
        Of the noise; sharing it makes the figures smooth in the temperature.

    Returns
    -------
    list of (Estimate, Estimate)
        At each temperature, what `expected_max` and `near_vertex` return.

    Examples
    --------
    >>> ((largest, close),) = extremes(np.zeros(2), [1.0])
    >>> abs(largest.value - 0.75) < 5 * largest.standard_error, round(close.value, 9)
    (True, 0.1)
    """
    distributions = [Concrete(logits=logits, temperature=t) for t in temperatures]
    if not distributions:
        return []
    peaks: list[list[FloatArray]] = [[] for _ in distributions]

    def gaps(noise: FloatArray, out: RealArray) -> None:
        # How far each score is below the largest, before the temperature divides it.
        log_e = sampling.log_exponential(noise)
        scores = np.subtract(distributions[0].logits[:, None], log_e, out=noise)
        np.subtract(scores, scores.max(axis=-2, keepdims=True), out=out)

    for chunk in sampling.stream(gaps, len(logits), _check_samples(n), seed=seed, order="F"):
        for distribution, here in zip(distributions, peaks, strict=True):
            total = np.exp(chunk.rows.T * (1 / distribution.temperature)).sum(axis=0)
            here.append(1 / total)
    return [
        (
            _estimate(here),
            near_vertex(distribution, within)
            if len(logits) == 2
            else _proportion(sum(int((part > 1 - within).sum()) for part in here), n),
        )
        for distribution, here in zip(distributions, peaks, strict=True)
    ]


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


def _proportion(hits: int, n: int) -> Estimate:
    return Estimate(hits / n, proportion_error(hits, n))


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
