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

import numpy as np
import numpy.typing as npt

from gscli.arrays import FloatArray, log_softmax
from gscli.distribution.quadrature import (
    STEP,
    TAIL,
    Categories,
    ComplexArray,
    RotatedKernel,
    check_range,
    gather,
    multiples,
    quadrature,
    rotated_kernel,
    tiles,
)
from gscli.errors import ParameterError

WITHIN = 0.05
"""A sample counts as near a vertex if its largest component is above 1 minus this."""

LATTICE = 0.25
"""Step of the three trapezoidal rules of E[max X], in logits: each errs by about e^(-39)."""

LATTICE_POINTS = 16
"""Points of that lattice that a logit is spread over."""

PHASE = 1.5
"""Largest turn of the integrand of a component's law between two nodes, in radians."""

GROUP = 0.7
"""Integrals whose scales, as logarithms, lie this close together share their nodes."""

QUANTILE_STEPS, NEWTON_STEPS = 100, 20

FARTHEST = 1e6
"""Logits below the largest, beyond which a component is below e^(-900) at every temperature."""


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
    0.4847817661
    """
    check_range(temperature)
    # The rest takes at most e^(-TAIL) each from the result, and would make the lattice long.
    values = log_softmax(np.maximum(_from_largest(logits), -TAIL * (1 + temperature)))
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
    joint = np.exp(_correlate(log_eta, counts)) * _correlate(np.exp(-log_eta), masses)
    return float(density[used] @ joint @ density)


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
    padded = 1 << (length - 1).bit_length()  # a prime length takes 20 times as long
    spectrum = np.fft.rfft(rows, padded) * np.fft.rfft(weights, padded).conj()
    result: FloatArray = np.fft.irfft(spectrum, padded)[:, : length - len(weights) + 1]
    return result


def near_vertex(logits: npt.ArrayLike, temperature: float, within: float = WITHIN) -> float:
    """Return P(max_k X_k > 1 - within).

    Parameters
    ----------
    logits : array_like, shape (K,)
        Log-probabilities up to a common constant.
    temperature : float
        0.001 <= temperature <= 1000.
    within : float
        Distance from the vertex, 0 < within <= 0.5.

    Returns
    -------
    float
        The probability. Its error is at most 1e-12, or 1e-13 K if that is larger, for temperatures
        up to 50, and a hundred times that up to 1000.

    Raises
    ------
    AccuracyError
        If the temperature is outside its range.
    ParameterError
        If `within` is outside its range.

    Notes
    -----
    No two components are above one half, so it is the sum of P(X_k > 1 - within).

    Examples
    --------
    >>> round(near_vertex([0.0, 0.0], 1), 10)  # X_1 is uniform
    0.1
    >>> round(near_vertex(np.log([1, 3, 6]), 0.3), 10)
    0.5634239
    """
    if not 0 < within <= 0.5:
        raise ParameterError("within", f"{within:g} is not in 0 < within <= 0.5")
    kernel = rotated_kernel(temperature)
    categories = gather(_from_largest(logits))
    # Above one half X_k is above the component of the largest logit, 0: that has a probability
    # of at most e^(a_k), and is left out where it is nothing.
    likely = categories.logits > -TAIL
    # Odds of 1 - within, to the accuracy of `within` itself.
    log_odds = np.full(likely.sum(), math.log1p(-within) - math.log(within))
    above = _law(kernel, categories, categories.logits[likely], log_odds, slope=False)[0]
    return min(1.0, max(0.0, float(categories.counts[likely] @ above)))


def marginal_cdf(
    logits: npt.ArrayLike, temperature: float, category: int, x: npt.ArrayLike
) -> FloatArray:
    """Return P(X_k <= x), the distribution function of one component.

    Parameters
    ----------
    logits : array_like, shape (K,)
        Log-probabilities up to a common constant.
    temperature : float
        0.001 <= temperature <= 1000.
    category : int
        k, 0 <= k < K.
    x : array_like, shape (...)
        Where; 0 below 0, and 1 above 1.

    Returns
    -------
    ndarray, shape (...)
        The probability, within 1e-12 for temperatures up to 50 and 1e-10 up to 1000.

    Raises
    ------
    AccuracyError
        If the temperature is outside its range.
    ParameterError
        If `category` is outside its range.

    Examples
    --------
    >>> marginal_cdf([0.0, 0.0], 1, 0, [-1, 0, 0.25, 1, 2]).round(9).tolist()  # X_1 is uniform
    [0.0, 0.0, 0.25, 1.0, 1.0]
    """
    points = np.asarray(x, dtype=np.float64)
    above, _ = _marginal(logits, temperature, category, points)
    return np.where(points <= 0, 0.0, np.where(points >= 1, 1.0, 1 - above))[()]


def marginal_pdf(
    logits: npt.ArrayLike, temperature: float, category: int, x: npt.ArrayLike
) -> FloatArray:
    """Return the density of one component.

    Parameters
    ----------
    logits, temperature, category
        As for `marginal_cdf`.
    x : array_like, shape (...)
        Where; 0 outside of 0 ... 1.

    Returns
    -------
    ndarray, shape (...)
        The density with respect to dx: within 1e-12 t / (x (1-x)) for temperatures up to 50 and
        1e-10 t / (x (1-x)) up to 1000. At 0 and at 1, its limit: infinite for temperatures below 1,
        zero above, and finite at 1.

    Raises
    ------
    AccuracyError
        If the temperature is outside its range.
    ParameterError
        If `category` is outside its range.

    Examples
    --------
    >>> marginal_pdf([0.0, 0.0], 1, 0, [-1, 0.25, 1]).round(9).tolist()  # X_1 is uniform
    [0.0, 1.0, 1.0]
    """
    points = np.asarray(x, dtype=np.float64)
    _, density = _marginal(logits, temperature, category, points)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        density = density / (points * (1 - points))
    density = np.where((points < 0) | (points > 1), 0.0, density)
    for end, limit in enumerate(_ends(_from_largest(logits), temperature, category)):
        density = np.where(points == end, limit, density)
    return density[()]


def _ends(values: FloatArray, temperature: float, category: int) -> tuple[float, float]:
    # The density's limits at 0 and 1, where it goes like x^(t-1) and (1-x)^(t-1).
    if temperature != 1:
        return (math.inf, math.inf) if temperature < 1 else (0.0, 0.0)
    # At t = 1, P(W_j > s) is about pi_j / s, and P(W_k > s) about pi_k / s for s = S / r: the
    # limits are E[Σ_{j≠k} pi_j / W_k] and pi_k E[1 / Σ_{j≠k} W_j], the latter by `quadrature`.
    own, others = values[category], np.delete(values, category)
    rule = quadrature(others, 1.0)
    shifted = own + rule.logits[0] - others[0]
    with np.errstate(over="ignore"):
        inverse = float(np.exp(rule.nodes + shifted) @ rule.survival) * STEP
        return float(np.exp(others - own).sum()), inverse


def marginal_quantile(
    logits: npt.ArrayLike, temperature: float, category: int, probability: npt.ArrayLike
) -> FloatArray:
    """Return the quantiles of one component.

    Parameters
    ----------
    logits, temperature, category
        As for `marginal_cdf`.
    probability : array_like, shape (...)
        0 <= probability <= 1.

    Returns
    -------
    ndarray, shape (...)
        x with P(X_k <= x) = `probability`, as far as the error of that and rounding tell.

    Raises
    ------
    AccuracyError
        If the temperature is outside its range.
    ParameterError
        If `category` or a `probability` is outside its range.

    Examples
    --------
    >>> marginal_quantile([0.0, 0.0], 1, 0, [0, 0.25, 1]).round(9).tolist()  # X_1 is uniform
    [0.0, 0.25, 1.0]
    """
    wanted = np.asarray(probability, dtype=np.float64)
    if not ((wanted >= 0) & (wanted <= 1)).all():
        raise ParameterError("probability", "is not between 0 and 1")
    kernel, categories, own = _component(logits, temperature, category)
    # t logit X_k has the spread of a logistic variable, wherever it lies.
    unit = kernel.unit
    centre = (own - unit * _log_others(categories, np.array([own]), unit)[0]) / temperature
    low = np.full(wanted.size, centre - 2 * TAIL / temperature)
    high = np.full(wanted.size, centre + 2 * TAIL / temperature)
    # Newton's method, with bisection where that leaves the bracket.
    point = (low + high) / 2
    for _ in range(QUANTILE_STEPS):
        above, density = _law(kernel, categories, np.full_like(point, own), point)
        error = 1 - above - wanted.ravel()
        low, high = np.where(error < 0, point, low), np.where(error < 0, high, point)
        last = point
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            point = point - error / density
        point = np.where((point > low) & (point < high), point, (low + high) / 2)
        if (np.abs(point - last) * temperature < 1e-13).all():
            break
    with np.errstate(over="ignore"):
        inside = 1 / (1 + np.exp(-point.reshape(wanted.shape)))
    return np.where(wanted == 0, 0.0, np.where(wanted == 1, 1.0, inside))[()]


def _component(
    logits: npt.ArrayLike, temperature: float, category: int
) -> tuple[RotatedKernel, Categories, float]:
    values = _from_largest(logits)
    if not 0 <= category < len(values):
        raise ParameterError("category", f"{category} is not in 0 ... {len(values) - 1}")
    return rotated_kernel(temperature), gather(values), float(values[category])


def _from_largest(logits: npt.ArrayLike) -> FloatArray:
    values = np.asarray(logits, dtype=np.float64)
    shifted: FloatArray = np.maximum(values - values.max(), -FARTHEST)
    return shifted


def _marginal(
    logits: npt.ArrayLike, temperature: float, category: int, x: FloatArray
) -> tuple[FloatArray, FloatArray]:
    # P(X_k > x) and the density of logit X_k where 0 < x < 1; nan elsewhere.
    kernel, categories, own = _component(logits, temperature, category)
    above, density = np.full((2, x.size), np.nan)
    flat = x.ravel()
    inside = np.flatnonzero((flat > 0) & (flat < 1))
    if inside.size:
        log_odds = np.log(flat[inside]) - np.log1p(-flat[inside])
        law = _law(kernel, categories, np.full_like(log_odds, own), log_odds)
        above[inside], density[inside] = law
    return above.reshape(x.shape), density.reshape(x.shape)


def _log_others(categories: Categories, own: FloatArray, unit: float) -> FloatArray:
    # log Σ_{j≠k} exp(a_j / unit) for categories k with the logits `own`, largest logit 0.
    terms = np.exp(categories.logits / unit)
    # A node's own category is not taken off the sum, where it may be nearly the whole of it.
    is_own = categories.logits == own[:, None]
    others: FloatArray = (categories.counts - is_own) @ terms
    others -= np.where(is_own.any(axis=1), 0, np.exp(own / unit))
    # Where they are too small for a number, or rounding has left none, how small does not matter.
    logs: FloatArray = np.log(np.maximum(others, np.finfo(np.float64).tiny))
    return logs


def _law(
    kernel: RotatedKernel,
    categories: Categories,
    own: FloatArray,
    log_odds: FloatArray,
    *,
    slope: bool = True,
) -> tuple[FloatArray, FloatArray]:
    # P(logit X_k > log_odds) and, if wanted, the density of logit X_k there, for pairs of a
    # category, by its logit, and of a point. Pairs whose integrands are of one shape share nodes.
    t = kernel.temperature
    pairs = np.array([own, own - t * log_odds, _log_others(categories, own, 1 + t)])
    last, turn = _shapes(kernel, categories, pairs)
    above, density = np.full((2, len(own)), np.nan)
    shape = np.round([last / ((1 + t) * GROUP), np.log(turn) / GROUP]).T
    _, group = np.unique(shape, axis=0, return_inverse=True)
    for members in (np.flatnonzero(group == g) for g in range(int(group.max()) + 1)):
        first = _first(kernel, categories, pairs[:, members])
        nodes, weights = _nodes(kernel, first, last[members].max(), turn[members].max())
        product = _log_product(kernel, categories, nodes)
        for tile in tiles(len(members), len(nodes)):
            rows = members[tile]
            integrand = np.exp(_log_integrand(kernel, product, pairs[:, rows], nodes))
            above[rows] = 0.5 + integrand.imag @ weights / (np.pi * t)
            if slope:
                integrand *= np.exp(kernel.log_slope(pairs[1, rows, None] + nodes))
                density[rows] = integrand.imag @ weights / -np.pi
    return np.clip(above, 0, 1), np.maximum(density, 0)


def _log_product(kernel: RotatedKernel, categories: Categories, nodes: FloatArray) -> ComplexArray:
    # Σ_j log C(v + a_j) without its decay, over all categories.
    total = np.zeros(len(nodes), dtype=np.complex128)
    for tile in tiles(len(categories.logits), len(nodes)):
        here = kernel.log_rest(categories.logits[tile, None] + nodes)
        total += categories.counts[tile] @ here
    return total


def _log_integrand(
    kernel: RotatedKernel, product: ComplexArray, pairs: FloatArray, nodes: FloatArray
) -> ComplexArray:
    # log C(v + a_k - t log_odds) + Σ_{j≠k} conj log C(v + a_j), shape (pairs, nodes).
    own, moved, others = pairs[:, :, None]
    rest = product - kernel.log_rest(own + nodes)
    rest += kernel.decay * kernel.scale(nodes + (1 + kernel.temperature) * others)
    result = kernel.log_rest(moved + nodes) + kernel.decay * kernel.scale(moved + nodes)
    return result + rest.conj()


def _first(kernel: RotatedKernel, categories: Categories, pairs: FloatArray) -> float:
    # Where the integrand is within e^(-TAIL) of 1.
    unit = kernel.unit
    total = math.log(categories.counts @ np.exp(categories.logits / unit))
    return float(-unit * (TAIL + np.logaddexp(pairs[1] / unit, total).max()))


def _shapes(
    kernel: RotatedKernel, categories: Categories, pairs: FloatArray
) -> tuple[FloatArray, FloatArray]:
    # Where each integrand has decayed, and how fast it turns there, in radians dv.
    t, unit = kernel.temperature, kernel.unit
    # Category k alone or the largest other one, which is at least the mean, has ended it here.
    mean = (1 + t) * (pairs[2] - math.log(len(categories.position)))
    end = kernel.end - float(np.maximum(pairs[1], mean).min())
    step = unit / 2
    grid = np.arange(_first(kernel, categories, pairs), end + step, step)
    product = _log_product(kernel, categories, grid)
    last, turn = np.empty((2, pairs.shape[1]))
    for tile in tiles(pairs.shape[1], len(grid)):
        log_f = _log_integrand(kernel, product, pairs[:, tile], grid)
        ended = (log_f.real < -TAIL).argmax(axis=1)
        ended = np.where((log_f.real < -TAIL).any(axis=1), ended, len(grid) - 1)
        last[tile] = grid[ended]
        speed = np.abs(np.diff(log_f, axis=1)) / step
        before = (last[tile, None] - grid[1:]) / (1 + t)
        near = (before >= 0) & (before < 4)  # farther left, growth would magnify rounding
        turn[tile] = (speed * np.exp(np.where(near, before, -np.inf))).max(axis=1)
    return last, turn


def _nodes(
    kernel: RotatedKernel, first: float, last: float, turn: float
) -> tuple[FloatArray, FloatArray]:
    # Nodes v and weights for an integrand that turns by at most turn e^x radians dv,
    # x = (v - last) / (1 + t). Their distance is STEP unit on the left and PHASE radians on the
    # right: v is a smooth function of s = slope x + growth e^x, in which the distance is 1.
    t = kernel.temperature
    slope = (1 + t) / (STEP * kernel.unit)
    growth = turn * (1 + t) / PHASE
    begin = (first - last) / (1 + t)
    s = np.arange(math.floor(slope * begin + growth * math.exp(begin)), math.ceil(growth) + 1.0)
    # From the right of the root of a convex function Newton's method cannot miss it.
    with np.errstate(invalid="ignore", divide="ignore"):
        x = np.fmin(s / slope, np.where(s > 0, np.log(s / growth), np.inf))
    for _ in range(NEWTON_STEPS):
        x -= (slope * x + growth * np.exp(x) - s) / (slope + growth * np.exp(x))
    return last + (1 + t) * x, (1 + t) / (slope + growth * np.exp(x))
