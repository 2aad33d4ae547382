"""How close samples come to a vertex: E[max X], P(max X > 1 - within) and each component's law.

All are exact: sums over the nodes of trapezoidal rules, as in `quadrature`, whose cost hardly grows
with the number of categories. With W_k = (pi_k / E_k)^(1/t), E_k ~ Exp(1), a sample is X = W / ΣW.

The law of one component. X_k > x if (1-x)/x W_k > Σ_{j≠k} W_j, a difference of independent
variables, whose sign Gil-Pelaez (1951) reads off their characteristic functions. With
C(y) = E[exp(i e^(y/t) E^(-1/t))] that is

    P(X_k > x) = 1/2 + 1/(πt) ∫ Im[C(v + a_k - t logit x) Π_{j≠k} conj C(v + a_j)] dv,

and its derivative with respect to logit x is minus the density of logit X_k. As the integrand's
real part stays between -1 and 1, nothing cancels: the error is that of rounding.

The largest component. Given that it is X_k, which has probability p_k, W_j / W_k =
(1 + E_j / (p_j A))^(-1/t) with A ~ Exp(1); and 1/(1 + R) = ∫ e^(-c) e^(-cR) dc. So

    E[max X] = ∫ e^(-c) ∫ e^(-A) Σ_k p_k Π_{j≠k} η(c, log(p_j A)) dA dc,
    η(c, x) = E[exp(-c (1 + e^(-x) E)^(-1/t))].

References
----------
J. Gil-Pelaez (1951), "Note on the inversion theorem", Biometrika 38, equation 2.
C. J. Maddison, A. Mnih, Y. W. Teh (2017), "The Concrete Distribution", ICLR, Proposition 1.
"""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from gscli.arrays import FloatArray, IntArray
from gscli.distribution.quadrature import (
    STEP,
    TAIL,
    TILE_VALUES,
    Categories,
    ComplexArray,
    RotatedKernel,
    check_range,
    gather,
    multiples,
    rotated_kernel,
)
from gscli.errors import ParameterError

WITHIN = 0.05
"""A sample counts as near a vertex if its largest component is above 1 minus this."""

LATTICE = 0.25
"""Step of the three trapezoidal rules of E[max X], in logits: each errs by about e^(-39)."""

LATTICE_POINTS = 16
"""Points of that lattice that a logit is spread over."""

PHASE = 0.5
"""Largest turn of the integrand between two nodes, in radians."""


def expected_max(logits: npt.ArrayLike, temperature: float) -> float:
    """Return E[max_k X_k].

    Parameters
    ----------
    logits : array_like, shape (K,)
        Log-probabilities up to a common constant.
    temperature : float
        0.001 <= temperature <= 1000.

    Returns
    -------
    float
        The expectation, between 1/K and 1, within 1e-12.

    Raises
    ------
    AccuracyError
        If the temperature is outside its range.

    Examples
    --------
    >>> round(expected_max([0.0, 0.0], 1), 10)  # X_1 is uniform
    0.75
    >>> round(expected_max(np.log([1, 3, 6]), 3), 10)
    0.4847809861
    """
    check_range(temperature)
    values = np.asarray(logits, dtype=np.float64)
    values = values - values.max()
    values -= math.log(np.exp(values).sum())
    logs = multiples(LATTICE, -TAIL, math.log(2 * TAIL))  # of A and of E
    density = LATTICE * np.exp(logs - np.exp(logs))
    first, (counts, masses) = _on_lattice(values, np.exp(values))
    # η depends on log E - x, and x = log(p_j A): all on one lattice.
    size = len(logs)
    gaps = LATTICE * np.arange(2 - size - first - len(counts), size - first)
    ratio = np.exp(np.logaddexp(0, gaps) / -temperature)
    # Up to c = 30, beyond which e^(-c) is below 1e-13 and η, at least that, nears its rounding.
    used = logs < math.log(30)
    c = np.exp(logs[used, None])
    log_eta = np.log1p(_correlate(np.expm1(-c * ratio), density)[:, ::-1])
    joint = _correlate(log_eta, counts) + np.log(_correlate(np.exp(-log_eta), masses))
    return float(density[used] @ np.exp(joint) @ density)


def _on_lattice(values: FloatArray, *weights: FloatArray) -> tuple[int, FloatArray]:
    # Σ_j f(values_j), and the same with weights, as sums over a lattice: by local interpolation, as
    # in a non-uniform fast Fourier transform.
    scaled = values / LATTICE
    start = np.floor(scaled).astype(np.int64) - LATTICE_POINTS // 2 + 1
    first = int(start.min())
    points = np.arange(LATTICE_POINTS)
    result = np.zeros((1 + len(weights), int(start.max()) - first + LATTICE_POINTS))
    distance = (scaled - start)[:, None] - points
    for point in points.tolist():
        others = points != point
        share = (distance[:, others] / (point - points[others])).prod(axis=1)
        for row, weight in zip(result, (1.0, *weights), strict=True):
            np.add.at(row, start - first + point, weight * share)
    return first, result


def _correlate(rows: FloatArray, weights: FloatArray) -> FloatArray:
    # Σ_i rows[:, s + i] weights[i] for all s at which no index runs over the end.
    length = rows.shape[1]
    spectrum = np.fft.rfft(rows) * np.fft.rfft(weights, length).conj()
    result: FloatArray = np.fft.irfft(spectrum, length)[:, : length - len(weights) + 1]
    return result
