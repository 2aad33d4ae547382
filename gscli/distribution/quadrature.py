"""The one-dimensional quadrature behind the exact moments of the Concrete distribution.

With W_k = (pi_k / E_k)^(1/t), E_k ~ Exp(1), a sample is X = W / S, S = ΣW. The identity
S^(-N) = (1/Γ(N)) ∫ e^(Nx) exp(-e^x S) dx turns an expectation over K exponentials into a product
of expectations over one, on a line: in the variable v = t·x, which moves like a logit,

    E[Π X_k^(n_k)] = 1 / (t Γ(N)) ∫ Π ψ_{n_k}(v + a_k) dv,   N = Σ n_k,
    ψ_n(y) = E[z^n e^(-z)],   z = e^(y/t) E^(-1/t).

The integrand's Fourier transform at ω is Γ(N - iωt) E[Π X_k^(n_k) S^(iωt)] / Γ(N), so the
trapezoidal rule with step h errs by the moment itself times about |Γ(N + 2πit/h)| / Γ(N), for
every K and all logits: with h = 0.2 t it is below 1e-16 for N <= 4. For t < 1 the spread of log S
does what the gamma function no longer does, and h = 0.2 suffices.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from gscli.arrays import FloatArray, IntArray
from gscli.errors import AccuracyError

ComplexArray = npt.NDArray[np.complex128]

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 1e-3, 1e3
"""Between them, ends included, exact results are within their stated error."""

STEP = 0.2
"""Of both trapezoidal rules, in the unit in which the integrand is smooth."""

ROTATED_STEP = 0.1
"""Of the rule along a rotated line, which lies closer to where the integrand is not smooth."""

TAIL = 45.0
"""Integrals stop where their integrand is about e^(-45)."""

MAX_POWER = 4
DEGREE = 15
CELL, CELL_NODES = 4.0, 24
"""Of categories, in logits. The kernels are smooth functions of a logit at least as far as π from
the real line, about which Lagrange interpolation on a cell errs by 3.4^(-24) = 1e-13 of a
function's largest value near it; no difference is seen from 16 nodes on."""

TILE_VALUES = 2**18


def multiples(step: float, first: float, last: float) -> FloatArray:
    """Return the multiples of a step from just below `first` to just above `last`.

    Unlike `np.arange` of fractions, whose step is rounded at the scale of its first element.

    Examples
    --------
    >>> multiples(0.5, -0.6, 0.2).tolist()
    [-1.0, -0.5, 0.0, 0.5]
    """
    return step * np.arange(math.floor(first / step), math.ceil(last / step) + 1.0)


class Interpolant:
    """Several smooth functions of one variable, each a polynomial on every cell of a partition.

    Parameters
    ----------
    function : callable
        Maps y, shape (m,), to values, shape (functions, m).
    edges : ndarray, shape (cells + 1,)
        Increasing ends of the cells. Beyond the outer ones `y` is clipped.
    """

    def __init__(self, function: Callable[[FloatArray], FloatArray], edges: FloatArray) -> None:
        self._edges = edges
        self._centre = (edges[1:] + edges[:-1]) / 2
        self._half = (edges[1:] - edges[:-1]) / 2
        points = np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))
        values = function((self._centre[:, None] + self._half[:, None] * points).ravel())
        values = values.reshape(len(values), len(self._centre), DEGREE + 1)
        # By way of Chebyshev coefficients, which fall so fast that powers lose nothing; not by
        # the product of the two matrices, which would lose three digits.
        to_chebyshev, to_powers = _change_of_basis()
        powers = values @ to_chebyshev @ to_powers
        # Highest power first: shape (DEGREE + 1, functions, cells).
        self._coefficients = np.ascontiguousarray(np.moveaxis(powers, -1, 0)[::-1])

    def __call__(self, y: FloatArray, functions: slice) -> FloatArray:
        """Evaluate some of the functions.

        Parameters
        ----------
        y : ndarray, shape (...)
            Where.
        functions : slice
            Which.

        Returns
        -------
        ndarray, shape (functions, ...)
            Their values.
        """
        y = np.clip(y, self._edges[0], self._edges[-1])
        cell = np.searchsorted(self._edges[1:-1], y)
        local = (y - self._centre[cell]) / self._half[cell]
        coefficients = self._coefficients[:, functions]
        result: FloatArray = coefficients[0].take(cell, axis=-1)
        for coefficient in coefficients[1:]:
            result *= local
            result += coefficient.take(cell, axis=-1)
        return result


@lru_cache(maxsize=1)
def _change_of_basis() -> tuple[FloatArray, FloatArray]:
    degrees = np.arange(DEGREE + 1)
    angle = np.pi * (degrees + 0.5) / (DEGREE + 1)
    to_chebyshev = np.cos(angle[:, None] * degrees) * np.where(degrees == 0, 1, 2) / (DEGREE + 1)
    to_powers = np.zeros((DEGREE + 1, DEGREE + 1))
    for degree in degrees.tolist():
        unit = np.eye(degree + 1)[degree]
        to_powers[degree, : degree + 1] = np.polynomial.chebyshev.cheb2poly(unit)
    return to_chebyshev, to_powers


def _edges(lower: float, upper: float) -> FloatArray:
    """Return the edges of cells, long ones far to the left, where the functions are straight."""
    left = lower * 0.72 ** np.arange(10)
    return np.concatenate([left, np.linspace(left[-1], upper, 9)[1:]])


class KernelTable:
    """ψ_0 ... ψ_4 at one temperature, as functions of y = v + a_k.

    What is interpolated is log(-log ψ_0) and log(ψ_n / ψ_0): straight lines far to the left and
    far to the right at every temperature, with one gentle bend between. So the tails, which
    fall exponentially on one side and doubly so on the other, keep their relative accuracy.

    Parameters
    ----------
    temperature : float
        t.
    """

    def __init__(self, temperature: float) -> None:
        self.temperature = temperature
        self.unit = max(1.0, temperature)
        t = temperature
        # By Laplace's method, -log ψ_0(y) is about (1 + t) exp((y - t log t) / (1 + t)).
        self.upper = (1 + t) * math.log(TAIL / (1 + t)) + t * math.log(t)
        self.lower = -TAIL * self.unit
        self._logs = Interpolant(self._log_kernels, _edges(self.lower, self.upper))
        self._slopes = np.minimum(1.0, np.array([1, 1, 2, 3, 4]) / t)

    def _log_kernels(self, y: FloatArray) -> FloatArray:
        kernels = _kernels_cold if self.temperature < 1 else _kernels_hot
        complement, psi = kernels(y, self.temperature)
        small = np.minimum(complement, 0.5)
        minus_log = np.where(complement < 0.5, -np.log1p(-small), -np.log(psi[0]))
        logs: FloatArray = np.log(np.concatenate([minus_log[None], psi[1:] / psi[0]]))
        return logs

    def _evaluate(self, y: FloatArray, power: int) -> FloatArray:
        value: FloatArray = self._logs(y, slice(power, power + 1))[0]
        value += self._slopes[power] * np.minimum(y - self.lower, 0)
        return np.exp(value, out=value)

    def minus_log_psi0(self, y: FloatArray) -> FloatArray:
        """Return -log ψ_0(y), in the shape of `y`."""
        return self._evaluate(y, 0)

    def ratio(self, y: FloatArray, power: int) -> FloatArray:
        """Return ψ_n(y) / ψ_0(y) for n = `power` >= 1, in the shape of `y`."""
        return self._evaluate(y, power)


def _kernels_cold(y: FloatArray, t: float) -> tuple[FloatArray, FloatArray]:
    # ψ_n = ∫ z^n e^(-z) dP(log z) over s = log z, whose step then does not depend on t. ψ_0, whose
    # integrand has no left end, is integrated by parts: ∫ e^(-z) P(z) dz, P(z) = exp(-e^(y - ts)).
    s = multiples(STEP, -TAIL, math.log(2 * TAIL))
    weights = STEP * np.exp(np.arange(1, MAX_POWER + 1)[:, None] * s - np.exp(s))
    exponential = np.exp(y - t * s[:, None])
    below = np.exp(-exponential)
    complement = weights[0] @ -np.expm1(-exponential)
    return complement, np.vstack([weights[0] @ below, t * (weights @ (exponential * below))])


def _kernels_hot(y: FloatArray, t: float) -> tuple[FloatArray, FloatArray]:
    # The same integrals over u = log E.
    u = multiples(STEP, -TAIL, math.log(2 * TAIL))
    weights = STEP * np.exp(u - np.exp(u))
    z = np.exp((y - u[:, None]) / t)
    complement = weights @ -np.expm1(-z)
    term = np.exp(-z)
    psi = [weights @ term]
    for _ in range(MAX_POWER):
        term *= z
        psi.append(weights @ term)
    return complement, np.array(psi)


class RotatedKernel:
    """C(y) = E[exp(i z)], z = e^(y/t) E^(-1/t): ψ_0 at the imaginary argument y - iπt/2.

    It is the characteristic function of one category's W, on a logarithmic scale. With
    a(y) = exp((y - t log t) / (1 + t)) and φ = πt / (2 (1 + t)), Laplace's method gives
    log C ≈ -(1 + t) a e^(-iφ). That term is exact in `log_decay`, and what is left of log C, and
    log(-C'/C), are interpolated: straight lines far out, as for the real kernels.

    Parameters
    ----------
    temperature : float
        t.

    Attributes
    ----------
    angle : float
        φ, in [0, π/2).
    decay : complex
        -(1 + t) e^(-iφ).
    end : float
        Where |C| is about e^(-TAIL).
    """

    def __init__(self, temperature: float) -> None:
        t = temperature
        self.temperature, self.unit = t, max(1.0, t)
        self.angle = math.pi * t / (2 * (1 + t))
        self.decay = -(1 + t) * complex(math.cos(self.angle), -math.sin(self.angle))
        self.centre = t * math.log(t)
        self.lower = -TAIL * self.unit
        # For t >= 1, C is lost in the rounding of its integral beyond e^(-22), but what is
        # interpolated is straight there.
        tail = TAIL if t < 1 else TAIL / 2
        self.upper = self.centre + (1 + t) * math.log(tail / -self.decay.real)
        self.end = self.centre + (1 + t) * math.log(TAIL / -self.decay.real)
        self._logs = Interpolant(self._log_kernels, _edges(self.lower, self.upper))

    def _log_kernels(self, y: FloatArray) -> FloatArray:
        t = self.temperature
        kernel, slope = _rotated_cold(y, t, self.angle) if t < 1 else _rotated_hot(y, t)
        # The phase of C turns many times; that of what is left without the decay does not.
        rest = np.log(kernel * np.exp(-self.decay * self.scale(y)))
        slope = np.log(slope / kernel)
        return np.array([rest.real, rest.imag, slope.real, slope.imag])

    def scale(self, y: npt.ArrayLike) -> FloatArray:
        """Return a(y), in the shape of `y`; log C(y) is the sum of `decay` a(y) and `log_rest`."""
        logs = (np.asarray(y) - self.centre) / (1 + self.temperature)
        values: FloatArray = np.exp(np.minimum(logs, 600))  # C is 0 long before
        return values

    def log_rest(self, y: FloatArray) -> ComplexArray:
        """Return log C(y) without its decay, in the shape of `y`."""
        real, imaginary = self._logs(y, slice(0, 2))
        real += np.maximum(y - self.upper, 0) / (2 + 2 * self.temperature)
        rest: ComplexArray = real + 1j * imaginary
        far = y < self.lower  # where C is 1, but what makes up for its decay is not
        rest[far] = -self.decay * self.scale(y[far])
        return rest

    def log_slope(self, y: FloatArray) -> ComplexArray:
        """Return log(-C'(y) / C(y)), in the shape of `y`."""
        real, imaginary = self._logs(y, slice(2, 4))
        real += np.minimum(y - self.lower, 0) / self.unit
        real += np.maximum(y - self.upper, 0) / (1 + self.temperature)
        slope: ComplexArray = real + 1j * imaginary
        return slope


def _rotated_cold(y: FloatArray, t: float, angle: float) -> tuple[ComplexArray, ComplexArray]:
    # As `_kernels_cold`, along log z = s - iφ, where both exponents have the angle -φ.
    s = multiples(ROTATED_STEP, -TAIL, math.log(2 * TAIL / math.cos(angle)))
    turn = complex(math.cos(angle), -math.sin(angle))
    weights = ROTATED_STEP * turn * np.exp(s - turn * np.exp(s))
    exponential = turn * np.exp(y - t * s[:, None])
    below = np.exp(-exponential)
    return weights @ below, weights @ (exponential * below)


def _rotated_hot(y: FloatArray, t: float) -> tuple[ComplexArray, ComplexArray]:
    # As `_kernels_hot`, along log E = u - iπ/4: half way between the angles at which e^(-E) and
    # at which e^(iz) does not decay.
    turn = complex(math.sqrt(0.5), -math.sqrt(0.5))
    u = multiples(ROTATED_STEP, -TAIL, math.log(3 * TAIL))
    weights = ROTATED_STEP * turn * np.exp(u - turn * np.exp(u))
    z = np.exp((y - u[:, None]) / t) * np.exp(1j * math.pi * (0.25 / t - 0.5))
    term = np.exp(-z)
    return weights @ term, weights @ (term * z) / t


@lru_cache(maxsize=16)
def rotated_kernel(temperature: float) -> RotatedKernel:
    """Return the rotated kernel of one temperature, or raise `AccuracyError` outside the range."""
    return RotatedKernel(check_range(temperature))


def check_range(temperature: float) -> float:
    """Return a temperature, or raise `AccuracyError` outside the range of exact results."""
    if not LOWEST_TEMPERATURE <= temperature <= HIGHEST_TEMPERATURE:
        raise AccuracyError(
            f"temperature: {temperature:g} is outside {LOWEST_TEMPERATURE:g} to "
            f"{HIGHEST_TEMPERATURE:g}, where exact moments are accurate; choose one inside, or "
            "average over samples"
        )
    return temperature


@lru_cache(maxsize=256)
def kernel_table(temperature: float) -> KernelTable:
    """Return the table of one temperature, or raise `AccuracyError` outside the range."""
    return KernelTable(check_range(temperature))


@dataclass(frozen=True)
class Categories:
    """Logits gathered on fewer nodes, so that sums over categories do not cost their number.

    What is summed over categories is a smooth function of the logit. Equal logits are one node;
    where many different ones lie close together, Chebyshev points of their range take their place,
    each counting as the sum of its Lagrange polynomial over them: for a polynomial of degree 23 in
    the logit, any sum over categories remains what it was.

    Attributes
    ----------
    logits : ndarray, shape (N,)
        The nodes, N <= K, increasing.
    counts : ndarray, shape (N,)
        How many categories each stands for: fractions, and perhaps negative ones, where the
        categories lie between the nodes.
    position : ndarray of int, shape (K,)
        Which different logit each category has.
    cells : tuple of (int, int, ndarray or None)
        For each cell its range of nodes, and the matrix from their values to those at the
        different logits in it; None where these are the nodes.
    """

    logits: FloatArray
    counts: FloatArray
    position: IntArray
    cells: tuple[tuple[int, int, FloatArray | None], ...]

    def spread(self, values: FloatArray) -> FloatArray:
        """Return a function's values at the categories, shape (K, ...), from those at the nodes.

        Parameters
        ----------
        values : ndarray, shape (N, ...)
            Values at the nodes.
        """
        parts = [
            values[first:last] if matrix is None else matrix @ values[first:last]
            for first, last, matrix in self.cells
        ]
        result: FloatArray = np.concatenate(parts)[self.position]
        return result


def gather(logits: FloatArray) -> Categories:
    """Gather logits on nodes.

    Parameters
    ----------
    logits : ndarray, shape (K,)
        Finite.

    Returns
    -------
    Categories
        At most 24 nodes for each interval of length 4 of the logit.

    Examples
    --------
    >>> few = gather(np.array([1.0, 0.0, 1.0]))
    >>> few.logits.tolist(), few.counts.tolist(), few.spread(few.logits).tolist()
    ([0.0, 1.0], [1.0, 2.0], [1.0, 0.0, 1.0])
    >>> logits = np.linspace(0, 1, 1000)
    >>> many = gather(logits)
    >>> len(many.logits), bool(np.isclose(many.counts @ np.exp(many.logits), np.exp(logits).sum()))
    (24, True)
    """
    different, position, repeats = np.unique(logits, return_inverse=True, return_counts=True)
    cell = np.floor((different - different[0]) / CELL)
    bounds = [0, *(np.flatnonzero(np.diff(cell)) + 1).tolist(), len(different)]
    nodes, counts, cells, size = [], [], [], 0
    for first, last in pairwise(bounds):
        inside, weights, matrix = (
            different[first:last],
            repeats[first:last].astype(np.float64),
            None,
        )
        if len(inside) > CELL_NODES:
            inside, matrix = _chebyshev_nodes(inside)
            weights = weights @ matrix
        nodes.append(inside)
        counts.append(weights)
        cells.append((size, size + len(inside), matrix))
        size += len(inside)
    return Categories(np.concatenate(nodes), np.concatenate(counts), position, tuple(cells))


def _chebyshev_nodes(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    # The Chebyshev points of the range of some values, and the matrix that interpolates from them.
    centre, half = (values[-1] + values[0]) / 2, (values[-1] - values[0]) / 2
    degrees = np.arange(CELL_NODES)
    angle = np.pi * (degrees[::-1] + 0.5) / CELL_NODES
    to_chebyshev = np.cos(degrees[:, None] * angle) * np.where(degrees == 0, 1, 2)[:, None]
    powers = np.polynomial.chebyshev.chebvander((values - centre) / half, CELL_NODES - 1)
    return centre + half * np.cos(angle), powers @ to_chebyshev / CELL_NODES


@dataclass(frozen=True)
class Quadrature:
    """Nodes and weights for the moments of one distribution.

    Attributes
    ----------
    table : KernelTable
        The kernels ψ_n.
    logits : ndarray, shape (K,)
        Shifted, so that the nodes lie where the mass is.
    categories : Categories
        The same, gathered.
    nodes : ndarray, shape (nodes,)
        The values of v.
    survival : ndarray, shape (nodes,)
        Π ψ_0(v + a_k) = E[exp(-e^(v/t) S)].
    """

    table: KernelTable
    logits: FloatArray
    categories: Categories
    nodes: FloatArray
    survival: FloatArray

    @property
    def weights(self) -> FloatArray:
        """Weights, shape (nodes,), that a function of the ratios ψ_n / ψ_0 is summed with."""
        return self.survival * (STEP * self.table.unit / self.table.temperature)

    def tiles(self) -> list[slice]:
        """Return ranges of gathered categories, each of a few values a node."""
        return tiles(len(self.categories.logits), len(self.nodes))

    def ratios(self, power: int, categories: slice) -> FloatArray:
        """Return ψ_n(v + a_k) / ψ_0(v + a_k) of gathered categories, shape (N, nodes)."""
        return self.table.ratio(self.categories.logits[categories, None] + self.nodes, power)

    def expectation(self, power: int) -> FloatArray:
        """Return E[X_k^n] / (n-1)!, shape (K,), n = `power` >= 1."""
        parts = [self.ratios(power, tile) @ self.weights for tile in self.tiles()]
        return self.categories.spread(np.concatenate(parts))


def tiles(rows: int, columns: int) -> list[slice]:
    """Return ranges of the rows of a matrix, small enough to hold a few copies of each."""
    size = max(1, TILE_VALUES // columns)
    return [slice(first, first + size) for first in range(0, rows, size)]


def quadrature(logits: npt.ArrayLike, temperature: float) -> Quadrature:
    """Return the quadrature of a distribution; the last few are kept.

    Parameters
    ----------
    logits : array_like, shape (K,)
        Log-probabilities up to a common constant.
    temperature : float
        t.

    Raises
    ------
    AccuracyError
        If the temperature is outside the range of exact results.
    """
    values = np.ascontiguousarray(logits, dtype=np.float64)
    return _quadrature(values.tobytes(), float(temperature))


@lru_cache(maxsize=16)
def _quadrature(logits: bytes, temperature: float) -> Quadrature:
    table = kernel_table(temperature)
    values, gathered = _gathered(logits)
    # The left tail of the integrands is that of ONE category with the logit unit·LSE(a / unit):
    # shifted to 0, every distribution has its mass at the same v.
    shift = -table.unit * math.log(np.exp(values / table.unit).sum())
    shifted = replace(gathered, logits=gathered.logits + shift)
    step = STEP * table.unit
    nodes = multiples(step, table.lower, table.upper - shifted.logits[-1])
    log_survival = np.zeros(len(nodes))
    for tile in tiles(len(shifted.logits), len(nodes)):
        here = table.minus_log_psi0(shifted.logits[tile, None] + nodes)
        log_survival -= shifted.counts[tile] @ here
    return Quadrature(table, values + shift, shifted, nodes, np.exp(log_survival))


@lru_cache(maxsize=8)
def _gathered(logits: bytes) -> tuple[FloatArray, Categories]:
    # The logits with their largest at 0, and the same gathered.
    values = np.frombuffer(logits)
    values = values - values.max()
    return values, gather(values)
