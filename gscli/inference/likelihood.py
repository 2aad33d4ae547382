"""The log-likelihood of pi and temperature, its exact derivatives, and Newton's method on it.

With Y = log X the log-likelihood of a row is (Maddison et al. 2017, appendix C.3)

    lgamma(K) + (K-1) log t + Σ(a_k - t y_k) - K·LSE(a - t y),

which is concave in (a, t) together: log t is, and LSE is convex in what is linear in (a, t).
Hence there is one maximum, and Newton's method with a line search finds it from anywhere.
Everything here is category-major, arrays of shape (K, rows), so that each step is one pass over
contiguous memory.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from gscli.arrays import FloatArray, RealArray
from gscli.errors import AccuracyError
from gscli.io.samples import Batch, category_major

CONVERGED = 1e-9
"""Squared Newton decrement at which to stop: a distance of 3e-5 standard errors."""

MAX_ITERATIONS = 100

BLOCK_VALUES = 2**18
"""Values worked on at a time: two megabytes; smaller ones cost more calls and waits."""


@dataclass(frozen=True, eq=False, slots=True)
class Estimate:
    """A maximum of the likelihood.

    Attributes
    ----------
    logits : ndarray, shape (K,)
        Normalised log-probabilities.
    temperature : float
        The temperature.
    information : ndarray, shape (K + 1, K + 1)
        Observed information of (logits, temperature). A shift of all logits changes nothing, so
        it is singular in that direction.
    log_likelihood : float
        Of all rows, in nats, with respect to the K-1 log-ratios.
    iterations : int
        Of Newton's method.
    """

    logits: FloatArray
    temperature: float
    information: FloatArray
    log_likelihood: float
    iterations: int

    def covariance(self, *, fixed_temperature: bool = False) -> FloatArray:
        """Covariance of the estimated (logits, temperature), shape (K + 1, K + 1).

        The logits' part means something up to their common shift only. With
        `fixed_temperature`, the last row and column are 0.
        """
        k = len(self.logits)
        covariance = np.zeros((k + 1, k + 1))
        free = slice(0, k if fixed_temperature else k + 1)
        covariance[free, free] = np.linalg.inv(_without_gauge(self.information)[free, free])
        return covariance


@dataclass(frozen=True, eq=False, slots=True)
class Corrected:
    """The maximum of the restricted likelihood, around which intervals lie.

    Attributes
    ----------
    logits : ndarray, shape (K,)
        Normalised log-probabilities.
    temperature : float
        The temperature.
    errors : ndarray, shape (K,)
        Standard errors of logit probs.
    error : float
        Standard error of the temperature; 0 if that is given.
    """

    logits: FloatArray
    temperature: float
    errors: FloatArray
    error: float


@dataclass(frozen=True, eq=False, slots=True)
class Derivatives:
    """Log-likelihood, gradient and Hessian in (a, t); they add up over parts of the data."""

    value: float
    gradient: FloatArray
    hessian: FloatArray

    def __add__(self, other: "Derivatives") -> "Derivatives":
        return Derivatives(
            self.value + other.value,
            self.gradient + other.gradient,
            self.hessian + other.hessian,
        )


class DerivativesAccumulator:
    """The derivatives at one point of (a, t), summed over log-samples in standard coordinates."""

    def __init__(self, standard: "Standard", point: FloatArray, *, log: bool) -> None:
        self.standard = standard
        self.point = point
        self.log = log
        k = len(point) - 1
        self.found = Derivatives(0.0, np.zeros(k + 1), np.zeros((k + 1, k + 1)))

    def update(self, batch: Batch) -> None:
        """Take in the next rows."""
        for log_x in log_blocks(batch.rows, log=self.log):
            self.add(log_x)

    def add(self, log_x: FloatArray) -> None:
        """Take in log-samples, shape (K, rows)."""
        standard = self.standard.apply(log_x)
        self.found += derivatives(standard, self.point[:-1], float(self.point[-1]))

    def merge(self, later: Self) -> None:
        """Add the derivatives over other rows."""
        self.found += later.found


def log_blocks(rows: RealArray, *, log: bool) -> Iterator[FloatArray]:
    """Yield log X of rows, or of log-samples themselves, in blocks of shape (K, some rows)."""
    step = max(1, BLOCK_VALUES // rows.shape[1])
    for first in range(0, len(rows), step):
        values = category_major(rows[first : first + step])
        yield values if log else np.log(values, out=values)


def derivatives(log_x: FloatArray, logits: FloatArray, temperature: float) -> Derivatives:
    """Log-likelihood of some rows with its exact first and second derivatives.

    Parameters
    ----------
    log_x : ndarray, shape (K, rows)
        Logarithms of samples, each row up to a constant of its own, which does not enter.
    logits : ndarray, shape (K,)
        Up to a common constant.
    temperature : float
        Positive.

    Returns
    -------
    Derivatives
        In (logits, temperature), K + 1 parameters.

    Examples
    --------
    >>> y = np.log([[0.2], [0.8]])
    >>> d = derivatives(y, np.zeros(2), 1.0)
    >>> bool(np.isclose(np.exp(d.value), 0.2 * 0.8))
    True
    """
    k, n = log_x.shape
    scores = logits[:, None] - temperature * log_x
    scores -= scores.max(axis=0)
    value = n * (math.lgamma(k) + (k - 1) * math.log(temperature)) + float(scores.sum())
    flat = np.exp(scores, out=scores)
    total = flat.sum(axis=0)
    value -= k * float(np.log(total).sum())
    flat /= total
    weighted = flat * log_x
    mean = weighted.sum(axis=0)
    mass = flat.sum(axis=1)
    gradient = np.empty(k + 1)
    gradient[:k] = n - k * mass
    gradient[k] = n * (k - 1) / temperature - log_x.sum() + k * mean.sum()
    hessian = np.empty((k + 1, k + 1))
    hessian[:k, :k] = k * (_products(flat) - np.diag(mass))
    hessian[:k, k] = hessian[k, :k] = k * (weighted.sum(axis=1) - np.dot(flat, mean))
    # Not by BLAS: its own threads take 7 ms to share out what takes 0.06.
    spread = np.einsum("kn,kn->", weighted, log_x) - np.einsum("n,n->", mean, mean)
    hessian[k, k] = -n * (k - 1) / temperature / temperature - k * spread
    return Derivatives(value, gradient, hessian)


def _products(flat: FloatArray) -> FloatArray:
    few = len(flat) <= 4  # for which BLAS is slower
    # np.dot, since @ would keep other threads waiting.
    found: FloatArray = np.einsum("in,jn->ij", flat, flat) if few else np.dot(flat, flat.T)
    return found


@dataclass(frozen=True, eq=False, slots=True)
class Standard:
    """Coordinates in which the maximum lies near logits 0 and temperature 1, whatever the data.

    t·(Y - its mean over categories) is Gumbel noise around the logits, whose variances over the
    K categories add up to (K-1) π²/6: that gives `scale`, a first estimate of t, and the columns'
    means `centre` make the logits 0. Newton's method thus runs alike at every temperature.
    """

    centre: FloatArray
    scale: float

    @classmethod
    def of(cls, log_x: FloatArray) -> "Standard":
        """Take the coordinates from log-samples, shape (K, rows)."""
        k, n = log_x.shape
        centred = log_x - log_x.mean(axis=0)
        centre = centred.mean(axis=1)
        square = float(((centred - centre[:, None]) ** 2).sum()) / n
        if square == 0:
            raise AccuracyError("the rows are all the same: their likelihood has no maximum")
        return cls(centre, math.sqrt((k - 1) * math.pi**2 / 6 / square))

    def apply(self, log_x: FloatArray) -> FloatArray:
        """Return log-samples in these coordinates."""
        standard: FloatArray = log_x - log_x.mean(axis=0)
        standard -= self.centre[:, None]
        standard *= self.scale
        return standard

    def estimate(self, found: Derivatives, point: FloatArray, n: int, iterations: int) -> Estimate:
        """Carry a maximum back from these coordinates."""
        k = len(self.centre)
        temperature = float(point[k]) * self.scale
        logits = point[:k] + temperature * self.centre
        logits -= logits.max()
        logits -= math.log(np.exp(logits).sum())
        back = np.eye(k + 1)
        back[:k, k] = -self.centre
        back[k, k] = 1 / self.scale
        value = found.value + n * (k - 1) * math.log(self.scale)
        return Estimate(logits, temperature, -back.T @ found.hessian @ back, value, iterations)


def newton_step(found: Derivatives, *, fixed_temperature: bool) -> tuple[FloatArray, float]:
    """Newton's step in (a, t), without a shift of all a, and its squared decrement."""
    free = len(found.gradient) - fixed_temperature
    step = np.zeros(len(found.gradient))
    system = _without_gauge(-found.hessian)[:free, :free]
    step[:free] = np.linalg.solve(system, found.gradient[:free])
    return step, float(step @ found.gradient)


def maximize(log_x: FloatArray, *, temperature: float | None = None) -> Estimate:
    """Maximise the likelihood over the logits and, unless it is given, the temperature.

    Parameters
    ----------
    log_x : ndarray, shape (K, rows)
        Logarithms of samples, finite, not the same in every row.
    temperature : float, optional
        Hold the temperature here.

    Returns
    -------
    Estimate
        The maximum.

    Raises
    ------
    AccuracyError
        If there is no maximum, as for rows that are all the same.

    Examples
    --------
    >>> from gscli import Concrete
    >>> y = Concrete([1, 3, 6], temperature=0.5).sample_log(50_000, seed=1)
    >>> found = maximize(y.T)
    >>> np.exp(found.logits).round(2).tolist(), round(found.temperature, 2)
    ([0.1, 0.3, 0.6], 0.5)
    """
    standard = Standard.of(log_x)
    point, found, iterations = newton_maximize(standard.apply(log_x), standard, temperature)
    return standard.estimate(found, point, log_x.shape[1], iterations)


def newton_maximize(
    log_x: FloatArray, standard: Standard, temperature: float | None, *, lost: float = 0.0
) -> tuple[FloatArray, Derivatives, int]:
    """Run Newton's method in standard coordinates; return the point, derivatives and iterations.

    With `lost` degrees of freedom, -lost·log t is added to the log-likelihood.
    """
    k = len(standard.centre)
    point = np.zeros(k + 1)
    point[k] = 1.0 if temperature is None else temperature / standard.scale

    def at(where: FloatArray) -> Derivatives:
        found = derivatives(log_x, where[:k], float(where[k]))
        return _without_freedom(found, float(where[k]), lost) if lost else found

    found = at(point)
    for iteration in range(1, MAX_ITERATIONS):
        step, decrement = newton_step(found, fixed_temperature=temperature is not None)
        if decrement < CONVERGED:
            return point, found, iteration
        point, found = _line_search(at, point, found, step)
    raise AccuracyError("the likelihood of these rows has no maximum that Newton's method can find")


def lost_freedom(num_categories: int) -> float:
    """Return the degrees of freedom that the logits take from the temperature.

    The rows' law is of location and scale in log X, of location a/t and scale 1/t. Integrating its
    likelihood over the locations leaves one of the temperature alone, free of the bias that
    fitting K-1 logits brings, as restricted likelihood does for a variance. By Laplace's method it
    is the likelihood's maximum over the logits, times t^-(K-1), over the square root of the
    determinant of the logits' information. At the truth this falls as t^((1-K)/(K+2)), which
    follows from the moments of the flat Dirichlet distribution: in all a factor t^-lost.

    References
    ----------
    Fisher (1934), "Two new properties of mathematical likelihood"; Patterson and Thompson (1971),
    "Recovery of inter-block information when block sizes are unequal", Biometrika 58.
    """
    k = num_categories
    return (k - 1) * (k + 1) / (k + 2)


def _without_freedom(found: Derivatives, temperature: float, lost: float) -> Derivatives:
    gradient, hessian = found.gradient.copy(), found.hessian.copy()
    gradient[-1] -= lost / temperature
    hessian[-1, -1] += lost / temperature**2
    return Derivatives(found.value - lost * math.log(temperature), gradient, hessian)


def _line_search(
    at: Callable[[FloatArray], Derivatives], point: FloatArray, found: Derivatives, step: FloatArray
) -> tuple[FloatArray, Derivatives]:
    # Halve until the likelihood does not fall. Near the maximum it changes by less than the
    # rounding of its sum, which must not count as a fall.
    slack = 1e-12 * abs(found.value)
    for halvings in range(40):
        trial = point + step / 2**halvings
        if trial[-1] > 0:
            there = at(trial)
            if there.value >= found.value - slack:
                return trial, there
    return point, found


def _without_gauge(information: FloatArray) -> FloatArray:
    # A shift of all logits has no information. Giving it as much as another direction makes the
    # matrix invertible and moves nothing: the gradient has no part in that direction.
    regular = information.copy()
    k = len(information) - 1
    regular[:k, :k] += np.trace(information[:k, :k]) / k**2
    return regular
