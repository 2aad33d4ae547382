"""Gradient estimators compared on a loss: relaxed, straight-through and Gumbel-Rao.

All estimate the gradient of E[loss(D)] with respect to the logits, D one-hot with probabilities p,
whose exact value is J0 times the vector of losses at the vertices. Bias, variance and mean squared
error are Monte Carlo with standard errors, and all three estimators share their noise.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from gscli.arrays import FloatArray, log_softmax
from gscli.distribution import noise as sampling
from gscli.distribution.concrete import Concrete
from gscli.errors import ParameterError, ShapeError

BATCHES = 32
Estimator = Literal["relaxed", "straight-through", "gumbel-rao"]


class Loss(Protocol):
    """A function of a point of the simplex; see `LinearLoss` and `QuadraticLoss`."""

    def gradient(self, x: FloatArray) -> FloatArray:
        """Gradient at points of shape (..., K), in that shape."""

    def at_vertices(self) -> FloatArray:
        """Values at the K vertices, shape (K,)."""


class LinearLoss:
    """The loss c · x.

    Parameters
    ----------
    coefficients : array_like, shape (K,)
        c.
    """

    def __init__(self, coefficients: npt.ArrayLike) -> None:
        self.coefficients: FloatArray = np.array(coefficients, dtype=np.float64)

    def gradient(self, x: FloatArray) -> FloatArray:
        """Gradient at points of shape (..., K): c everywhere."""
        return np.broadcast_to(self.coefficients, x.shape)

    def at_vertices(self) -> FloatArray:
        """Values at the K vertices, shape (K,)."""
        return self.coefficients


class QuadraticLoss:
    """The loss ‖x - b‖².

    Parameters
    ----------
    target : array_like, shape (K,)
        b.
    """

    def __init__(self, target: npt.ArrayLike) -> None:
        self.target: FloatArray = np.array(target, dtype=np.float64)

    def gradient(self, x: FloatArray) -> FloatArray:
        """Gradient 2 (x - b) at points of shape (..., K)."""
        result: FloatArray = 2 * (x - self.target)
        return result

    def at_vertices(self) -> FloatArray:
        """Values at the K vertices, shape (K,)."""
        values: FloatArray = 1 - 2 * self.target + np.square(self.target).sum()
        return values


@dataclass(frozen=True, slots=True)
class EstimatorError:
    """Mean squared error of one gradient estimator, and what it is made of.

    Attributes
    ----------
    squared_bias, squared_bias_se : float
        ‖E[g] - target‖², an unbiased estimate (it can be negative), and its standard error.
    variance, variance_se : float
        E‖g - E[g]‖² of a single sample.
    mse, mse_se : float
        E‖g - target‖², the sum of the two.
    """

    squared_bias: float
    squared_bias_se: float
    variance: float
    variance_se: float
    mse: float
    mse_se: float


def exact_gradient(distribution: Concrete, loss: Loss) -> FloatArray:
    """Return the gradient of E[loss(D)] with respect to the logits, shape (K,).

    Examples
    --------
    >>> exact_gradient(Concrete([1, 1], temperature=1), LinearLoss([1.0, 0.0])).tolist()
    [0.25, -0.25]
    """
    p, values = distribution.probs, loss.at_vertices()
    if values.shape != p.shape:
        raise ShapeError(
            f"the loss is over {values.shape}, but the distribution has {len(p)} categories"
        )
    gradient: FloatArray = p * (values - p @ values)
    return gradient


def estimator_errors(
    distribution: Concrete,
    loss: Loss,
    *,
    inner_samples: int = 10,
    n: int = 10_000,
    seed: int = 0,
) -> dict[Estimator, EstimatorError]:
    """Compare the gradient estimators on a loss by Monte Carlo.

    Parameters
    ----------
    distribution : Concrete
        Its temperature is that of the relaxation.
    loss : Loss
        `LinearLoss`, `QuadraticLoss` or alike, over the same K.
    inner_samples : int
        Of the Gumbel-Rao estimator for each outcome, >= 1.
    n : int
        Number of outer samples, >= 64.
    seed : int
        Of the noise. Row i of the noise has K (1 + inner_samples) values.

    Returns
    -------
    dict
        An `EstimatorError` for ``"relaxed"``, ``"straight-through"`` and ``"gumbel-rao"``.
        Standard errors are the jackknife's over 32 batches.

    Raises
    ------
    ParameterError
        If `inner_samples`, `n` or `seed` is outside its range.
    ShapeError
        If the loss is over another number of categories.

    References
    ----------
    .. [1] Jang, Gu, Poole (2017), "Categorical Reparameterization with Gumbel-Softmax",
       arXiv:1611.01144, section 2.2 (straight-through).
    .. [2] Paulus, Maddison, Krause (2021), "Rao-Blackwellizing the Straight-Through Gumbel-Softmax
       Gradient Estimator", arXiv:2010.04838, section 3 (Gumbel-Rao).

    Examples
    --------
    >>> d = Concrete([1, 3, 6], temperature=0.5)
    >>> errors = estimator_errors(d, QuadraticLoss([0.2, 0.5, 0.3]))
    >>> errors["gumbel-rao"].variance < errors["straight-through"].variance
    True
    """
    if inner_samples < 1:
        raise ParameterError("inner_samples", f"{inner_samples} is not a positive number")
    if n < 2 * BATCHES:
        raise ParameterError("n", f"{n} is too small for a standard error: at least {2 * BATCHES}")
    target = exact_gradient(distribution, loss)
    batches: dict[Estimator, _Batches] = {
        name: _Batches(n, target) for name in ("relaxed", "straight-through", "gumbel-rao")
    }
    width = len(target) * (1 + inner_samples)
    start = 0
    for batch in sampling.stream(sampling.log_exponential, width, n, seed=seed):
        rows = np.asarray(batch, dtype=np.float64)
        log_e = rows.reshape(len(rows), 1 + inner_samples, len(target))
        for name, gradient in _gradients(distribution, loss, log_e):
            batches[name].add(start, gradient)
        start += len(rows)
    return {name: batch.summary() for name, batch in batches.items()}


def _gradients(
    distribution: Concrete, loss: Loss, log_e: FloatArray
) -> Iterator[tuple[Estimator, FloatArray]]:
    # The logarithms of the exponentials have shape (rows, 1 + inner samples, K).
    logits, t = distribution.logits, distribution.temperature
    scores = logits - log_e[:, 0]
    winner = scores.argmax(axis=1)[:, None]
    x = np.exp(log_softmax(scores / t))
    hard = np.zeros_like(x)
    np.put_along_axis(hard, winner, 1, axis=1)
    at_hard = loss.gradient(hard)
    yield "relaxed", _jacobian_product(x, loss.gradient(x), t)
    yield "straight-through", _jacobian_product(x, at_hard, t)
    # Given the winner D, with Σ pi = 1: its perturbed logit is -log E_D, and any other's is
    # -log(E_j / pi_j + E_D) (Paulus et al. 2021, section 2.1).
    inner = log_e[:, 1:]
    of_winner = np.take_along_axis(inner, winner[:, None], axis=2)
    conditional = -np.logaddexp(inner - logits, of_winner)
    np.put_along_axis(conditional, winner[:, None], -of_winner, axis=2)
    products = _jacobian_product(np.exp(log_softmax(conditional / t)), at_hard[:, None], t)
    yield "gumbel-rao", products.mean(axis=1)


def _jacobian_product(x: FloatArray, gradient: FloatArray, t: float) -> FloatArray:
    result: FloatArray = x * (gradient - (x * gradient).sum(axis=-1, keepdims=True)) / t
    return result


class _Batches:
    """Sums over consecutive batches of rows, of which any may be left out."""

    def __init__(self, n: int, target: FloatArray) -> None:
        self.n, self.target = n, target
        self.counts = np.zeros(BATCHES)
        self.sums = np.zeros((BATCHES, len(target)))
        self.squares = np.zeros(BATCHES)

    def add(self, start: int, gradient: FloatArray) -> None:
        deviation = gradient - self.target
        batch = (start + np.arange(len(gradient))) * BATCHES // self.n
        first = np.flatnonzero(np.diff(batch, prepend=-1))
        present = batch[first]
        self.counts[present] += np.bincount(batch, minlength=BATCHES)[present]
        self.sums[present] += np.add.reduceat(deviation, first)
        self.squares[present] += np.add.reduceat(np.square(deviation).sum(axis=1), first)

    def summary(self) -> EstimatorError:
        value = _errors(self.counts.sum(), self.sums.sum(axis=0), self.squares.sum())
        without = _errors(
            self.counts.sum() - self.counts,
            self.sums.sum(axis=0) - self.sums,
            self.squares.sum() - self.squares,
        )
        spread = np.square(without - without.mean(axis=1, keepdims=True)).sum(axis=1)
        se = np.sqrt(spread * (BATCHES - 1) / BATCHES)
        bias, variance, mse = value.tolist()
        bias_se, variance_se, mse_se = se.tolist()
        return EstimatorError(bias, bias_se, variance, variance_se, mse, mse_se)


def _errors(
    counts: npt.NDArray[np.float64], sums: FloatArray, squares: npt.NDArray[np.float64]
) -> FloatArray:
    # Squared bias, variance, mean squared error from sums of g - target and of its square.
    mse = squares / counts
    naive_bias = np.square(sums).sum(axis=-1) / counts**2
    variance = (mse - naive_bias) * counts / (counts - 1)
    return np.array([mse - variance, variance, mse])
