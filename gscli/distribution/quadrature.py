"""The one-dimensional quadrature behind every exact figure of the Concrete distribution.

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
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from gscli.arrays import FloatArray
from gscli.errors import AccuracyError

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 1e-3, 1e3
"""Between them, ends included, exact figures hold the error that they state."""

STEP = 0.2
"""Of both trapezoidal rules, in the unit in which the integrand is smooth."""

TAIL = 45.0
"""Integrals stop where their integrand is about e^(-45)."""

MAX_POWER = 4
DEGREE = 15
TILE_VALUES = 2**18


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
        left = self.lower * 0.72 ** np.arange(10)
        right = np.linspace(left[-1], self.upper, 9)
        self._logs = Interpolant(self._log_kernels, np.concatenate([left, right[1:]]))
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
    s = np.arange(-TAIL, math.log(2 * TAIL), STEP)
    weights = STEP * np.exp(np.arange(1, MAX_POWER + 1)[:, None] * s - np.exp(s))
    exponential = np.exp(y - t * s[:, None])
    below = np.exp(-exponential)
    complement = weights[0] @ -np.expm1(-exponential)
    return complement, np.vstack([weights[0] @ below, t * (weights @ (exponential * below))])


def _kernels_hot(y: FloatArray, t: float) -> tuple[FloatArray, FloatArray]:
    # The same integrals over u = log E.
    u = np.arange(-TAIL, math.log(2 * TAIL), STEP)
    weights = STEP * np.exp(u - np.exp(u))
    z = np.exp((y - u[:, None]) / t)
    complement = weights @ -np.expm1(-z)
    term = np.exp(-z)
    psi = [weights @ term]
    for _ in range(MAX_POWER):
        term *= z
        psi.append(weights @ term)
    return complement, np.array(psi)


def check_range(temperature: float) -> float:
    """Return a temperature, or raise `AccuracyError` outside the range of exact figures."""
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
class Quadrature:
    """Nodes and weights for the moments of one distribution.

    Attributes
    ----------
    table : KernelTable
        The kernels ψ_n.
    logits : ndarray, shape (K,)
        Shifted, so that the nodes lie where the mass is.
    nodes : ndarray, shape (nodes,)
        The values of v.
    survival : ndarray, shape (nodes,)
        Π ψ_0(v + a_k) = E[exp(-e^(v/t) S)].
    """

    table: KernelTable
    logits: FloatArray
    nodes: FloatArray
    survival: FloatArray

    @property
    def weights(self) -> FloatArray:
        """Weights, shape (nodes,), that a function of the ratios ψ_n / ψ_0 is summed with."""
        return self.survival * (STEP * self.table.unit / self.table.temperature)

    def tiles(self) -> list[slice]:
        """Return ranges of categories, small enough to hold a few values a node for each."""
        size = max(1, TILE_VALUES // len(self.nodes))
        return [slice(first, first + size) for first in range(0, len(self.logits), size)]

    def ratios(self, power: int, categories: slice) -> FloatArray:
        """Return ψ_n(v + a_k) / ψ_0(v + a_k), shape (categories, nodes), n = `power`."""
        return self.table.ratio(self.logits[categories, None] + self.nodes, power)


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
        If the temperature is outside the range in which the error is held.
    """
    values = np.ascontiguousarray(logits, dtype=np.float64)
    return _quadrature(values.tobytes(), float(temperature))


@lru_cache(maxsize=16)
def _quadrature(logits: bytes, temperature: float) -> Quadrature:
    table = kernel_table(temperature)
    values = np.frombuffer(logits)
    # The left tail of the integrands is that of ONE category with the logit unit·LSE(a / unit):
    # shifted to 0, every distribution has its mass at the same v.
    shifted = values - values.max()
    shifted -= table.unit * math.log(np.exp(shifted / table.unit).sum())
    step = STEP * table.unit
    nodes = np.arange(table.lower, table.upper - shifted.max() + step, step)
    empty = Quadrature(table, shifted, nodes, np.empty(0))
    log_survival = np.zeros(len(nodes))
    for tile in empty.tiles():
        log_survival -= table.minus_log_psi0(shifted[tile, None] + nodes).sum(axis=0)
    return Quadrature(table, shifted, nodes, np.exp(log_survival))
