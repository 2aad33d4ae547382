"""How far the relaxed gradient is from the categorical's own: exact bias and noise.

The Jacobian of a sample with respect to the logits is J = (diag(X) - X Xᵀ) / t, and that of the
categorical's mean is J0 = diag(p) - p pᵀ. Their difference is what a relaxation costs: its bias
‖E[J] - J0‖_F falls with the temperature and its noise E‖J‖² - ‖E[J]‖² rises. Both are exact, for
any number of categories. For estimators of the gradient of a given loss, see `estimators`.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from gscli.distribution.quadrature import (
    HIGHEST_TEMPERATURE,
    LOWEST_TEMPERATURE,
    Quadrature,
    quadrature,
)
from gscli.errors import AccuracyError, ParameterError

SMALLEST_JACOBIAN = 1e-9
"""Below this ‖J0‖_F a relative bias has no digit that is certain."""

SCAN_POINTS = 37
"""Temperatures at which valleys of the error are looked for: each is 1.5 times the last."""


@dataclass(frozen=True, slots=True)
class GradientError:
    """What the relaxed gradient costs at one temperature.

    Attributes
    ----------
    bias : float
        ‖E[J] - J0‖_F.
    relative_bias : float
        Divided by ‖J0‖_F; nan if that is below 1e-9, where the choice is all but made.
    noise : float
        E‖J‖²_F - ‖E[J]‖²_F, the variance of one sample's Jacobian.
    """

    bias: float
    relative_bias: float
    noise: float

    def error(self, batch_size: int) -> float:
        """Return bias² + noise / batch_size, the mean squared error of an averaged gradient.

        Examples
        --------
        >>> GradientError(bias=0.1, relative_bias=0.3, noise=0.4).error(batch_size=10)
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
        Time grows with K², to a few seconds at K = 8192; memory with K alone.

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
    )


def _squared_norms(rule: Quadrature) -> tuple[float, float, float]:
    # ‖E[J] - J0‖², ‖J0‖² and ‖E[J]‖². All three matrices have rows that sum to 0, so the diagonal
    # is found from what is off it: every term is positive and a small bias keeps its digits.
    p = np.exp(rule.logits - rule.logits.max())
    p /= p.sum()
    roots = np.sqrt(rule.weights / rule.table.temperature)
    ratios = np.concatenate([rule.ratios(1, tile) * roots for tile in rule.tiles()])
    norms, sums = np.zeros(3), np.zeros((3, len(p)))
    for tile in rule.tiles():
        # The matrices are symmetric: what is right of the tile's own square counts twice.
        mean = ratios[tile] @ ratios[tile.start :].T
        target = p[tile, None] * p[tile.start :]
        rows = np.arange(len(mean))
        mean[rows, rows] = target[rows, rows] = 0
        for i, matrix in enumerate((mean - target, target, mean)):
            square, right = matrix[:, : len(rows)], matrix[:, len(rows) :]
            norms[i] += np.vdot(matrix, matrix) + np.square(right).sum()
            sums[i, tile] += square.sum(axis=1) + right.sum(axis=1)
            sums[i, tile.stop :] += right.sum(axis=0)
    norms += np.square(sums).sum(axis=1)
    return float(norms[0]), float(norms[1]), float(norms[2])


def _mean_squared_jacobian(rule: Quadrature) -> float:
    # t²‖J‖² = Σ_i X_i² (Σ_{j≠i} X_j² + (Σ_{j≠i} X_j)²): of degree 4, every term with two or three
    # different categories. Summed category by category, all terms positive: with power sums, which
    # need fewer steps, a rare category's part would be lost in the rounding of a frequent one's.
    one, two, one_one, one_two, two_two, one_one_two = np.zeros((6, len(rule.nodes)))
    for tile in rule.tiles():
        for first, second in zip(rule.ratios(1, tile), rule.ratios(2, tile), strict=True):
            one_one_two += second * one_one + first * one_two
            two_two += second * two
            one_two += second * one + first * two
            one_one += first * one
            one += first
            two += second
    integral = float((4 * two_two + 2 * one_one_two) @ rule.weights)
    return integral / (math.gamma(4) * rule.table.temperature**2)


def best_temperature(logits: npt.ArrayLike, batch_size: int) -> float:
    """Return the temperature at which an averaged relaxed gradient has the least error.

    Parameters
    ----------
    logits : array_like, shape (K,)
        Log-probabilities up to a common constant.
    batch_size : int
        m >= 1: the number of samples that the gradient is averaged over.

    Returns
    -------
    float
        The global minimiser of bias² + noise / m over 0.001 <= temperature <= 1000, to about four
        digits. An end of that range means that the error still falls there.

    Raises
    ------
    AccuracyError
        If ‖J0‖_F <= 1e-9: the choice is all but made.
    ParameterError
        If `batch_size` is not positive.

    Examples
    --------
    >>> round(best_temperature(np.log([1, 3, 6]), batch_size=32), 2)
    0.52
    """
    from scipy.optimize import minimize_scalar

    if math.isnan(gradient_error(logits, 1.0).relative_bias):
        raise AccuracyError(
            "logits: one category has all but 1e-9 of the probability, and so no temperature is "
            "best; bring the logits closer together"
        )

    def log_error(log_temperature: float) -> float:
        # Clipped, since exp(log(1000)) may round to more than 1000.
        temperature = min(max(math.exp(log_temperature), LOWEST_TEMPERATURE), HIGHEST_TEMPERATURE)
        error = gradient_error(logits, temperature).error(batch_size)
        return math.log(max(error, np.finfo(np.float64).tiny))

    # The error can have several minima: one where noise and bias are in balance, one where the
    # bias changes its sign, one where the gradient vanishes. A scan finds the valleys, and Brent's
    # method the floor of each.
    scan = np.linspace(math.log(LOWEST_TEMPERATURE), math.log(HIGHEST_TEMPERATURE), SCAN_POINTS)
    heights = np.array([log_error(point) for point in scan.tolist()])
    before, after = np.append(np.inf, heights[:-1]), np.append(heights[1:], np.inf)
    valleys = np.flatnonzero((heights <= before) & (heights <= after))
    candidates = scan[valleys].tolist()
    for valley in valleys.tolist():
        bracket = (scan[max(valley - 1, 0)], scan[min(valley + 1, SCAN_POINTS - 1)])
        floor = minimize_scalar(
            log_error, bounds=bracket, method="bounded", options={"xatol": 1e-4}
        )
        candidates.append(float(floor.x))
    return math.exp(min(candidates, key=log_error))
