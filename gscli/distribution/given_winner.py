"""Moments of a gradient through a sample, given which category is the largest: exact.

With Σπ = 1 and category k the largest, W_j / W_k = R_j = (1 + E_j / (π_j A))^(-1/t), where A and
the E_j are independent Exp(1) (Maddison, Tarlow, Minka 2014; Paulus et al. 2021). A sample is
X = R / ΣR with R_k = 1, and (ΣR)^(-N) = (1/Γ(N)) ∫ μ^(N-1) e^(-μ ΣR) dμ, so that a polynomial P
of degree N has

    E[P(X) | k] = (1/Γ(N)) ∫ e^(-A) ∫ e^(-μ) Π_{j≠k} ξ_j E~[P(Z)] dlog μ dA,
    ξ_j(A, μ) = E[e^(-μ R_j)],

where the Z_j = μ R_j are independent under E~, each weighted with e^(-Z_j), and Z_k = μ. One rule
serves all three variables A, E_j and μ, whatever K is: the trapezoidal one in s, with the variable
exp(s - e^(-s)), which falls doubly exponentially at both ends (Takahasi and Mori 1974).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gscli.arrays import FloatArray, log_softmax
from gscli.distribution.quadrature import check_range, multiples, quadrature

STEP, FIRST, LAST = 0.1, -3.6, 3.7
"""Of the rule. Moments of degree 6 then err by 1e-8 of themselves at t = 0.1 and above, and by
2e-6 down to 0.001: seen against a rule on a finer lattice in log A, log E and log μ."""


@dataclass(frozen=True, eq=False)
class GradientMoments:
    """Of J(X) (s X + c) given the largest category, J the Jacobian of X.

    Attributes
    ----------
    mean : ndarray, shape (K,)
        The expectation.
    mean_square : float
        That of the square of the norm.
    """

    mean: FloatArray
    mean_square: float


class GivenWinner:
    """The rule for one distribution at one temperature.

    Parameters
    ----------
    probs : ndarray, shape (K,)
        Of sum 1, each > 0.
    temperature : float
        0.001 <= temperature <= 1000.
    quadratic : bool
        Whether moments for s ≠ 0 are wanted: they need powers up to 6, others up to 4.

    Raises
    ------
    AccuracyError
        If the temperature is outside its range.
    """

    def __init__(self, probs: FloatArray, temperature: float, *, quadratic: bool = False) -> None:
        self.temperature = check_range(temperature)
        self.top = 6 if quadratic else 4
        s = multiples(STEP, FIRST, LAST)
        self._nodes = np.exp(s - np.exp(-s))
        self._density = STEP * self._nodes * (1 + np.exp(-s)) * np.exp(-self._nodes)  # of Exp(1)
        # Powers are of Z: shape (top + 1, K, A, μ); the zeroth is log ξ.
        different, position = np.unique(probs, return_inverse=True)
        tables = np.stack([self._moments(p) for p in different], axis=1)
        self._tables: FloatArray = tables[:, position]
        self._log_product = self._tables[0].sum(axis=0)

    def _moments(self, p: float) -> FloatArray:
        # All terms are positive: nothing cancels.
        nodes = self._nodes
        with np.errstate(
            divide="ignore", over="ignore"
        ):  # p may be too small for a number: then the ratio is 0
            ratio = np.exp(np.log1p(nodes / (p * nodes[:, None])) / -self.temperature)
        z = nodes[:, None] * ratio[:, None, :]  # of A, μ, E
        term = np.exp(-z)
        result = np.empty((self.top + 1, len(nodes), len(nodes)))
        for power in range(self.top + 1):
            result[power] = term @ self._density
            term *= z
        result[1:] /= result[0]
        np.log(result[0], out=result[0])
        return result

    def moments(self, winner: int, offset: FloatArray, slope: float = 0.0) -> GradientMoments:
        """Return the moments of the gradient J(X) (slope X + offset).

        Parameters
        ----------
        winner : int
            The largest category.
        offset : ndarray, shape (K,)
            c.
        slope : float
            s.
        """
        c = offset - offset[winner]  # J maps a constant to 0, and so no large terms cancel
        z = self._tables[1:].copy()
        z[:, winner] = self._nodes ** np.arange(1, self.top + 1)[:, None, None]
        weights = self._density[:, None] * np.exp(self._log_product - self._tables[0, winner])
        weights *= self._density / self._nodes  # e^(-μ) dlog μ
        mean, square = _degrees(z, c[:, None, None], slope)

        return _expectations(mean, square, weights, self.temperature)


def linear_moments(logits: FloatArray, temperature: float, c: FloatArray) -> GradientMoments:
    """Return the moments of J(X) c, the gradient of a linear loss, whatever the largest category.

    Parameters
    ----------
    logits : ndarray, shape (K,)
        Log-probabilities up to a common constant, of any K: the time grows with K alone.
    temperature : float
        0.001 <= temperature <= 1000.
    c : ndarray, shape (K,)
        The loss at the vertices.

    Notes
    -----
    The rule of `quadrature`, in which all Z are independent under weights e^(-Z) too.
    """
    rule = quadrature(logits, temperature)
    everywhere = slice(0, len(rule.categories.logits))
    powers = [rule.categories.spread(rule.ratios(n, everywhere)) for n in range(1, 5)]
    p = np.exp(log_softmax(logits))
    mean, square = _degrees(np.array(powers), (c - p @ c)[:, None], 0.0)
    return _expectations(mean, square, rule.weights, temperature)


def _expectations(
    mean: Sequence[FloatArray],
    square: Sequence[FloatArray | float],
    weights: FloatArray,
    temperature: float,
) -> GradientMoments:
    # Terms begin with those of degree 1 and 2; over the nodes they are summed.
    def total(terms: Sequence[FloatArray | float], first: int) -> FloatArray:
        gammas = [math.gamma(n) for n in range(first, first + len(terms))]
        integrand = sum(term / gamma for term, gamma in zip(terms, gammas, strict=True))
        result: FloatArray = np.tensordot(integrand, weights, weights.ndim)
        return result

    return GradientMoments(total(mean, 1) / temperature, float(total(square, 2)) / temperature**2)


def _degrees(
    z: FloatArray, c: FloatArray, s: float
) -> tuple[list[FloatArray], list[FloatArray | float]]:
    # The expectations, under E~, of Z_i (c_i + s Z_i - Σ c_j Z_j - s ΣZ_j²), and of the sum of
    # their squares, term by term of the same degree. Behind `b` is Σ c_j Z_j, behind `q` ΣZ_j², and
    # both are without category i where they stand beside Z_i.
    z1, z2, z3, z4 = z[:4]
    variance = z2 - z1**2
    b = (c * z1).sum(axis=0) - c * z1
    bb = (c**2 * variance).sum(axis=0) - c**2 * variance + b**2
    mean = [c * z1, s * z2 - c * z2 - z1 * b]
    d = s - c
    square = [
        c**2 * z2,
        2 * c * (d * z3 - z2 * b),
        d**2 * z4 - 2 * d * z3 * b + z2 * bb,
    ]
    if s:
        z5, z6 = z[4:]
        q = z2.sum(axis=0) - z2
        joint, spread = c * (z3 - z1 * z2), z4 - z2**2
        bq = joint.sum(axis=0) - joint + b * q
        qq = spread.sum(axis=0) - spread + q**2
        mean.append(-s * (z3 + z1 * q))
        square[2] = square[2] - 2 * s * c * (z4 + z2 * q)
        square.append(-2 * s * (d * z5 + d * z3 * q - z4 * b - z2 * bq))
        square.append(s**2 * (z6 + 2 * z4 * q + z2 * qq))
    return mean, [term.sum(axis=0) for term in square]
