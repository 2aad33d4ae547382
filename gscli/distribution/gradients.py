"""How far the relaxed gradient is from the categorical's own: exact bias and noise.

The Jacobian of a sample with respect to the logits is J = (diag(X) - X Xᵀ) / t, and that of the
categorical's mean is J0 = diag(p) - p pᵀ. Their difference is what a relaxation costs: its bias
‖E[J] - J0‖_F falls with the temperature and its noise E‖J‖² - ‖E[J]‖² rises. Both are exact, for
any number of categories. For estimators of the gradient of a given loss, see `estimators`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from gscli.arrays import FloatArray
from gscli.distribution.quadrature import (
    HIGHEST_TEMPERATURE,
    LOWEST_TEMPERATURE,
    Quadrature,
    quadrature,
    tiles,
)
from gscli.errors import AccuracyError, ParameterError

SMALLEST_JACOBIAN = 1e-9
"""Below this ‖J0‖_F a relative bias has no digit that is certain."""

SCAN_POINTS = 37
"""Temperatures at which local minima of the error are looked for, 1.5 times apart."""

MAX_RELATIVE_BIAS = 0.5
"""A larger bias is that of a gradient whose least error comes of being shrunk towards 0."""


@dataclass(frozen=True, slots=True)
class GradientError:
    """What the relaxed gradient costs at one temperature.

    Attributes
    ----------
    bias : float
        ‖E[J] - J0‖_F.
    relative_bias : float
        Divided by ‖J0‖_F; nan if that is below 1e-9, where one category has nearly
        all the probability.
    noise : float
        E‖J‖²_F - ‖E[J]‖²_F, the variance of one sample's Jacobian.
    no_gradient : float
        ‖J0‖²_F, the squared error of no gradient at all: one whose error is near it is useless.
    """

    bias: float
    relative_bias: float
    noise: float
    no_gradient: float

    def error(self, batch_size: int) -> float:
        """Return bias² + noise / batch_size, the mean squared error of an averaged gradient.

        Examples
        --------
        >>> cost = GradientError(bias=0.1, relative_bias=0.3, noise=0.4, no_gradient=0.1)
        >>> cost.error(batch_size=10)
        0.05
        """
        if batch_size < 1:
            raise ParameterError("batch_size", f"{batch_size} is not a positive number")
        return self.bias**2 + self.noise / batch_size


def gradient_error(logits: npt.ArrayLike, temperature: float) -> GradientError:
    """Return the exact bias and noise of the relaxed gradient.

    Parameters
    ----------
    logits : array_like, shape (K,)
        Log-probabilities up to a common constant.
    temperature : float
        0.001 <= temperature <= 1000.

    Returns
    -------
    GradientError
        Time and memory hardly grow with K: sums run over nodes among the logits.

    Raises
    ------
    AccuracyError
        If the temperature is outside its range.

    Examples
    --------
    >>> cost = gradient_error(np.log([1, 3, 6]), 1)
    >>> round(cost.relative_bias, 5), round(cost.noise, 7)
    (0.3042, 0.0354535)
    """
    values = np.ascontiguousarray(logits, dtype=np.float64)
    return _gradient_error(values.tobytes(), float(temperature))


@lru_cache(maxsize=256)
def _gradient_error(logits: bytes, temperature: float) -> GradientError:
    rule = quadrature(np.frombuffer(logits), temperature)
    bias, target, mean = _squared_norms(rule)
    noise = _mean_squared_jacobian(rule) - mean
    certain = target > SMALLEST_JACOBIAN**2
    return GradientError(
        bias=math.sqrt(bias),
        relative_bias=math.sqrt(bias / target) if certain else math.nan,
        noise=max(0.0, noise),
        no_gradient=target,
    )


def _squared_norms(rule: Quadrature) -> tuple[float, float, float]:
    # ‖E[J] - J0‖², ‖J0‖² and ‖E[J]‖². All three matrices have rows that sum to 0, so the diagonal
    # is found from what is off it: no large terms cancel, and a small bias keeps its digits.
    gathered = rule.categories
    p = np.exp(gathered.logits - gathered.logits[-1])
    p /= gathered.counts @ p
    roots = np.sqrt(rule.weights / rule.table.temperature)
    ratios = np.concatenate([rule.ratios(1, tile) * roots for tile in rule.tiles()])
    norms = np.zeros(3)
    for tile in tiles(len(p), len(p)):
        mean = ratios[tile] @ ratios.T
        target = p[tile, None] * p
        # How many categories of each node there are besides one of the row's own.
        others = np.tile(gathered.counts, (len(mean), 1))
        others[np.arange(len(mean)), np.arange(len(p))[tile]] -= 1
        for i, matrix in enumerate((mean - target, target, mean)):
            squares = (others * matrix**2).sum(axis=1) + (others * matrix).sum(axis=1) ** 2
            norms[i] += gathered.counts[tile] @ squares
    return float(norms[0]), float(norms[1]), float(norms[2])


def _mean_squared_jacobian(rule: Quadrature) -> float:
    # t²‖J‖² = Σ_i X_i² (Σ_{j≠i} X_j² + (Σ_{j≠i} X_j)²): of degree 4, every term with two or three
    # different categories. Summed node by node with what lies before: with power sums, which need
    # fewer steps, a rare category's part would be lost in the rounding of a frequent one's.
    before = np.zeros((4, len(rule.nodes)))  # of first, second, and products of different ones
    two_two = np.zeros(len(rule.nodes))
    one_one_two = np.zeros(len(rule.nodes))
    for tile in rule.tiles():
        n = rule.categories.counts[tile, None]
        first, second = rule.ratios(1, tile), rule.ratios(2, tile)
        pairs = n * (n - 1) / 2
        one, two = _preceding(before[0], n * first), _preceding(before[1], n * second)
        one_one = _preceding(before[2], pairs * first**2 + one * n * first)
        same = 2 * pairs * first * second
        one_two = _preceding(before[3], same + one * n * second + two * n * first)
        two_two += (pairs * second**2 + two * n * second).sum(axis=0)
        triples = pairs * (n - 2) * second * first**2
        triples += two * pairs * first**2 + one_one * n * second
        one_one_two += (triples + one_two * n * first + one * same).sum(axis=0)
    integral = float((4 * two_two + 2 * one_one_two) @ rule.weights)
    return integral / (math.gamma(4) * rule.table.temperature**2)


def _preceding(before: FloatArray, terms: FloatArray) -> FloatArray:
    # For each row the sum of `before` and of the rows above it; adds all of them to `before`.
    sums = np.cumsum(np.concatenate([before[None], terms]), axis=0)
    before[:] = sums[-1]
    return sums[:-1]


def best_temperature(
    logits: npt.ArrayLike, batch_size: int, max_relative_bias: float | None = None
) -> float:
    """Return the temperature at which an averaged relaxed gradient has the least error.

    Parameters
    ----------
    logits : array_like, shape (K,)
        Log-probabilities up to a common constant.
    batch_size : int
        m >= 1: the number of samples that the gradient is averaged over.
    max_relative_bias : float, optional
        The largest relative bias that is accepted, > 0. Where the noise is large for the size of
        J0, the least error is that of a gradient that is shrunk towards 0: its relative bias is
        above one half, and its error near ‖J0‖², that of no gradient at all.

    Returns
    -------
    float
        The global minimiser of bias² + noise / m over 0.001 <= temperature <= 1000, to about four
        digits, among temperatures whose relative bias is at most `max_relative_bias`. An end of
        that range means that the error still falls there.

    Raises
    ------
    AccuracyError
        If ‖J0‖_F <= 1e-9: one category has nearly all the probability. If no temperature has so
        small a bias.
    ParameterError
        If `batch_size` or `max_relative_bias` is not positive.

    Examples
    --------
    >>> round(best_temperature(np.log([1, 3, 6]), batch_size=32), 2)
    0.52
    >>> rare = np.log([0.0001, 0.01, 1])
    >>> [round(best_temperature(rare, 1, bias), 1) for bias in (None, 0.5)]
    [29.2, 0.5]
    """
    limit = math.inf if max_relative_bias is None else max_relative_bias
    if not limit > 0:
        raise ParameterError("max_relative_bias", f"{limit:g} is not a positive number")
    if math.isnan(gradient_error(logits, 1.0).relative_bias):
        raise AccuracyError(
            "logits: one category has all but 1e-9 of the probability, so no temperature is "
            "best; bring the logits closer together"
        )

    def at(log_temperature: float) -> GradientError:
        # Clipped, since exp(log(1000)) may round to more than 1000.
        temperature = min(max(math.exp(log_temperature), LOWEST_TEMPERATURE), HIGHEST_TEMPERATURE)
        return gradient_error(logits, temperature)

    def log_error(log_temperature: float) -> float:
        error = at(log_temperature).error(batch_size)
        return math.log(max(error, np.finfo(np.float64).tiny))

    def allowed(log_temperature: float) -> bool:
        return at(log_temperature).relative_bias <= limit

    # The error can have several minima: one where noise and bias are in balance, one where the
    # bias changes its sign, one where the gradient vanishes. A scan brackets them, and
    # Brent's method finds each.
    scan = np.linspace(math.log(LOWEST_TEMPERATURE), math.log(HIGHEST_TEMPERATURE), SCAN_POINTS)
    errors = np.array([log_error(point) for point in scan.tolist()])
    before, after = np.append(np.inf, errors[:-1]), np.append(errors[1:], np.inf)
    minima = np.flatnonzero((errors <= before) & (errors <= after))
    candidates = scan[minima].tolist()
    for lowest in minima.tolist():
        bracket = (scan[max(lowest - 1, 0)], scan[min(lowest + 1, SCAN_POINTS - 1)])
        candidates.append(_minimum(log_error, *bracket, start=float(scan[lowest])))
    # With a limit the least error can lie where the bias reaches it.
    within = [allowed(point) for point in scan.tolist()]
    for i in np.flatnonzero(np.diff(within)).tolist():
        inside, outside = (i, i + 1) if within[i] else (i + 1, i)
        candidates.append(_last(allowed, float(scan[inside]), float(scan[outside])))
    candidates = [point for point in candidates if allowed(point)]
    if not candidates:
        raise AccuracyError(
            f"max_relative_bias: no temperature from {LOWEST_TEMPERATURE:g} to "
            f"{HIGHEST_TEMPERATURE:g} has a relative bias of {limit:g} or less; allow more"
        )
    return math.exp(min(candidates, key=log_error))


def _last(allowed: Callable[[float], bool], inside: float, outside: float) -> float:
    # The last point, within 1e-4, that is allowed on the way from one that is to one that is not.
    while abs(outside - inside) > 1e-4:
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if allowed(middle) else (inside, middle)
    return inside


def _minimum(function: Callable[[float], float], low: float, high: float, *, start: float) -> float:
    # Brent's method (1973, chapter 5) within 1e-4: the vertex of the parabola through the best
    # three points, or a golden section where that does not help. As scipy.optimize has it; but
    # importing that takes longer than the search.
    tolerance, golden = 1e-4, (3 - math.sqrt(5)) / 2
    best = second = third = (function(start), start)
    step = previous = high - low
    while high - low > 2 * tolerance and abs(best[1] - (low + high) / 2) > (
        2 * tolerance - (high - low) / 2
    ):
        x = best[1]
        p = (x - second[1]) * (best[0] - third[0])
        q = (x - third[1]) * (best[0] - second[0])
        above = 2 * (p - q)
        shift = -((x - second[1]) * p - (x - third[1]) * q) / above if above else math.inf
        if abs(shift) < abs(previous) / 2 and low + tolerance < x + shift < high - tolerance:
            previous, step = step, shift
        else:
            previous = (low if x > (low + high) / 2 else high) - x
            step = golden * previous
        if abs(step) < tolerance / 2:
            step = math.copysign(tolerance / 2, step)
        point = (function(x + step), x + step)
        if point[0] <= best[0]:
            low, high = (x, high) if step > 0 else (low, x)
            best, second, third = point, best, second
        else:
            low, high = (low, point[1]) if step > 0 else (point[1], high)
            if point[0] <= second[0] or second[1] == x:
                second, third = point, second
            elif point[0] <= third[0] or third[1] in (x, second[1]):
                third = point
    return best[1]
