"""Estimators of a gradient through a discrete choice, compared on a loss.

All estimate the gradient of E[f(D)] with respect to the logits, where D is one-hot with
probabilities p. Its exact value is g0 = p (f - p·f), f the losses at the vertices. With J(q) =
diag(q) - q qᵀ, X a relaxed sample and D = argmax X, one sample of each is

- relaxed: J(X) ∇f(X) / t;
- straight-through: J(X) ∇f(D) / t (Jang et al. 2017);
- gumbel-rao: its average over S samples X given D (Paulus et al. 2021);
- zgr: the limit of that as t → 0 and S → ∞, which depends on D alone (Shekhovtsov 2023). With
  u = ∇f(D), D = k: p_j (u_j - u_k) / 2 for j ≠ k, and minus their sum for k. It is unbiased for
  quadratic losses;
- reinmax: (2 J((D + softmax(a/t)) / 2) - J(p) / 2) ∇f(D), accurate to second order at t = 1 (Liu
  et al. 2023), where it equals zgr;
- reinforce: f(D) (D - p) (Williams 1992); reinforce-loo: the same with the mean loss of the other
  samples of its batch taken off (Kool et al. 2019). Both are unbiased.

Whatever depends on the category alone is a sum over K; the first three are exact by the rules of
`given_winner` for up to 16 categories, and the first two, of a linear loss, for any number. What is
left is Monte Carlo, with standard errors and with noise that all estimators and temperatures share.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import numpy.typing as npt

from gscli.arrays import FloatArray, log_softmax
from gscli.distribution import noise as sampling
from gscli.distribution.concrete import Concrete
from gscli.distribution.given_winner import GivenWinner, GradientMoments, linear_moments
from gscli.distribution.gradients import MAX_RELATIVE_BIAS
from gscli.distribution.losses import Loss
from gscli.distribution.properties import BATCH_SIZES
from gscli.distribution.quadrature import tiles
from gscli.errors import ParameterError
from gscli.execution.threads import Threads, ordered_map
from gscli.records import Record

Estimator = Literal[
    "relaxed", "straight-through", "gumbel-rao", "zgr", "reinmax", "reinforce", "reinforce-loo"
]
ESTIMATORS: tuple[Estimator, ...] = get_args(Estimator)

SAMPLED = ("relaxed", "straight-through", "gumbel-rao")
"""Estimators that depend on more of a sample than its category."""

WITHOUT_TEMPERATURE = ("zgr", "reinforce", "reinforce-loo")

EXACT_CATEGORIES = 16
"""The largest K at which those are exact: the time of the rule grows with K², to 0.3 s here."""

JACKKNIFE_BATCHES = 32


@dataclass(frozen=True, eq=False, slots=True)
class EstimatorError(Record):
    """What one estimator costs at one temperature.

    Attributes
    ----------
    squared_bias : float
        ‖E[g] - g0‖². By Monte Carlo an unbiased estimate, which can be negative.
    variance : float
        E‖g - E[g]‖² of one sample. For reinforce-loo, which needs two or more, m times that of the
        mean of m, as m grows.
    mse : dict of int to float or None
        By batch size m, E‖g - g0‖² of the mean of m samples; None where there is no such mean.
    exact : bool
        Whether these are exact, not Monte Carlo.
    standard_errors : dict or None
        Of Monte Carlo figures, by the same keys.
    """

    squared_bias: float
    variance: float
    mse: dict[int, float | None]
    exact: bool = True
    standard_errors: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Best:
    """The estimator of least error at a batch size.

    Attributes
    ----------
    estimator : str
        Its name.
    temperature : float or None
        Where; None if the temperature has no effect on it.
    mse : float
        The error.
    relative_bias : float
        ‖E[g] - g0‖ / ‖g0‖.
    over_no_gradient : float
        The error divided by ‖g0‖², that of no gradient at all.
    """

    estimator: Estimator
    temperature: float | None
    mse: float
    relative_bias: float
    over_no_gradient: float

    @property
    def shrunk(self) -> bool:
        """Whether its error is small because the gradient is shrunk towards 0."""
        return self.relative_bias > MAX_RELATIVE_BIAS


@dataclass(frozen=True, eq=False, slots=True)
class Comparison(Record):
    """Estimators compared on one loss.

    Attributes
    ----------
    gradient : ndarray, shape (K,)
        g0, exact.
    temperatures : tuple of float
        Of the relaxation.
    batch_sizes : tuple of int
        Numbers of samples that a gradient is averaged over.
    errors : tuple of dict
        For each temperature an `EstimatorError` by the estimator's name.
    unavailable : dict
        For each estimator that was left out, why.
    """

    KEYS: ClassVar[str] = "gradient no_gradient unavailable"

    gradient: FloatArray
    temperatures: tuple[float, ...]
    batch_sizes: tuple[int, ...]
    errors: tuple[dict[Estimator, EstimatorError], ...]
    unavailable: dict[Estimator, str]

    @property
    def no_gradient(self) -> float:
        """‖g0‖², the error of no gradient at all."""
        return float(np.square(self.gradient).sum())

    @property
    def estimators(self) -> tuple[Estimator, ...]:
        """Those that were compared."""
        return tuple(self.errors[0])

    def best_of(
        self, estimator: Estimator, batch_size: int, limit: float = math.inf
    ) -> Best | None:
        """Return the least error of one estimator, among relative biases up to a limit.

        None where there is none: of a single sample with a leave-one-out baseline, or of a
        gradient that is 0.
        """
        found = []
        for temperature, errors in zip(self.temperatures, self.errors, strict=True):
            mse = errors[estimator].mse[batch_size]
            if mse is None or self.no_gradient == 0:
                return None
            bias = math.sqrt(max(0.0, errors[estimator].squared_bias) / self.no_gradient)
            free = estimator in WITHOUT_TEMPERATURE
            at = None if free else float(temperature)
            if bias <= limit:
                found.append(Best(estimator, at, mse, bias, mse / self.no_gradient))
        return min(found, key=lambda each: each.mse, default=None)

    def best(self, limit: float = math.inf) -> dict[int, Best]:
        """Return the estimator of least error by batch size, among biases up to a limit."""
        winners = {}
        for m in self.batch_sizes:
            found = [self.best_of(name, m, limit) for name in self.estimators]
            present = [each for each in found if each is not None]
            if present:
                winners[m] = min(present, key=lambda each: each.mse)
        return winners


def cautions(comparison: Comparison) -> Iterator[str]:
    """Yield what is wrong with the estimators of least error, in sentences."""
    if comparison.no_gradient == 0:
        yield "The loss is the same at every vertex: its gradient is 0, and no estimator is best."
    shrunk: dict[str, list[str]] = {}
    for m, each in comparison.best().items():
        if each.shrunk:
            at = "" if each.temperature is None else f" at t = {each.temperature:.2g}"
            where = each.estimator + at
            shrunk.setdefault(f"{where} (bias {100 * each.relative_bias:.0f} %)", []).append(
                f"{m:,}"
            )
    for where, sizes in shrunk.items():
        yield (
            f"For m = {', '.join(sizes)} the error is least for {where}, a gradient that is only "
            "shrunk towards 0: not advised."
        )
    advised = comparison.best(MAX_RELATIVE_BIAS)
    worse = [f"{m:,}" for m, each in advised.items() if each.over_no_gradient > 1]
    if worse:
        yield (
            f"For m = {', '.join(worse)} no gradient at all has a smaller error: average more "
            "samples."
        )


def exact_gradient(probs: FloatArray, loss: Loss) -> FloatArray:
    """Return the gradient of E[f(D)] with respect to the logits, shape (K,).

    Examples
    --------
    >>> from gscli.distribution.losses import linear_loss
    >>> exact_gradient(np.array([0.5, 0.5]), linear_loss([1.0, 0.0])).tolist()
    [0.25, -0.25]
    """
    difference: FloatArray = loss.values - probs @ loss.values
    rounding = 8 * np.finfo(np.float64).eps * np.abs(loss.values).max()
    return np.where(np.abs(difference) > rounding, probs * difference, 0.0)


def compare(
    logits: npt.ArrayLike,
    temperatures: Sequence[float],
    loss: Loss,
    *,
    estimators: Sequence[Estimator] = ESTIMATORS,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    inner_samples: int = 10,
    n: int = 10_000,
    seed: int = 0,
    threads: Threads = 1,
) -> Comparison:
    """Compare estimators of the gradient of a loss.

    Parameters
    ----------
    logits : array_like, shape (K,)
        Log-probabilities up to a common constant.
    temperatures : sequence of float
        Of the relaxation; from 0.001 to 1000 where figures are exact.
    loss : Loss
        Over the same K.
    estimators : sequence of str
        Which ones; those that need gradients which the loss has not are left out.
    batch_sizes : sequence of int
        Numbers of samples that a gradient is averaged over.
    inner_samples : int
        S of the Gumbel-Rao estimator, >= 1.
    n : int
        Samples of what is Monte Carlo, >= 64. Row i of the noise has K values, with Gumbel-Rao
        among the estimators K (1 + S).
    seed : int
        Of the noise.
    threads : int or Workers
        How many temperatures are done at a time; or processes that take one each.

    Returns
    -------
    Comparison
        Standard errors are the jackknife's over 32 batches.

    Raises
    ------
    AccuracyError
        If a temperature is outside its range.
    ParameterError
        If `inner_samples`, `n` or `seed` is outside its range, or the loss is over another number
        of categories.

    References
    ----------
    .. [1] Jang, Gu, Poole (2017), "Categorical Reparameterization with Gumbel-Softmax",
       arXiv:1611.01144, section 2.2.
    .. [2] Paulus, Maddison, Krause (2021), "Rao-Blackwellizing the Straight-Through Gumbel-Softmax
       Gradient Estimator", arXiv:2010.04838, section 3.
    .. [3] Shekhovtsov (2023), "Cold Analysis of Rao-Blackwellized Straight-Through Gumbel-Softmax
       Gradient Estimator", ICML.
    .. [4] Liu, Dong, Liu, Yu, Gao (2023), "Bridging Discrete and Backpropagation: Straight-Through
       and Beyond", arXiv:2304.08612, algorithm 2.
    .. [5] Kool, van Hoof, Welling (2019), "Buy 4 REINFORCE samples, get a baseline for free".

    Examples
    --------
    >>> from gscli.distribution.losses import quadratic_loss
    >>> found = compare(np.log([1, 3, 6]), [0.5], quadratic_loss([0.2, 0.5, 0.3]))
    >>> round(found.errors[0]["straight-through"].variance, 5)
    0.63083
    >>> found.best()[32].estimator
    'reinforce-loo'
    """
    if inner_samples < 1:
        raise ParameterError("inner_samples", f"{inner_samples} is not a positive number")
    if n < 2 * JACKKNIFE_BATCHES:
        least = 2 * JACKKNIFE_BATCHES
        raise ParameterError("n", f"{n} is too small for a standard error: at least {least}")
    first = Concrete(logits=logits, temperature=1.0)
    loss.over(first.num_categories)
    unavailable = {name: why for name in estimators if (why := _missing(name, loss))}
    wanted = [name for name in estimators if name not in unavailable]
    once = [name for name in wanted if name in WITHOUT_TEMPERATURE]
    fixed = dict(_exact(first, loss, once, batch_sizes, inner_samples))
    others = [name for name in wanted if name not in fixed]
    at = partial(_errors_at, first.logits, loss, others, batch_sizes, inner_samples, n, seed)
    errors = [
        {name: found[name] for name in wanted}
        for found in (fixed | each for each in ordered_map(at, temperatures, threads=threads))
    ]
    return Comparison(
        exact_gradient(first.probs, loss),
        tuple(temperatures),
        tuple(batch_sizes),
        tuple(errors),
        unavailable,
    )


def _errors_at(
    logits: FloatArray,
    loss: Loss,
    names: Sequence[Estimator],
    batch_sizes: Sequence[int],
    inner_samples: int,
    n: int,
    seed: int,
    temperature: float,
) -> dict[Estimator, EstimatorError]:
    """Return the errors of estimators at a temperature."""
    distribution = Concrete(logits=logits, temperature=temperature)
    simulated = [name for name in names if _is_simulated(name, loss)]
    exact = [name for name in names if name not in simulated]
    found = dict(_exact(distribution, loss, exact, batch_sizes, inner_samples))
    if simulated:
        run = _Simulation(distribution, loss, batch_sizes, inner_samples)
        found |= run.errors(simulated, n, seed)
    return found


def _missing(name: Estimator, loss: Loss) -> str:
    """Return which gradients of the loss are not known, but needed; nothing if none."""
    if name in ("reinforce", "reinforce-loo"):
        return ""
    if name == "relaxed":
        return "" if loss.gradient else "needs gradients inside the simplex"
    return "" if loss.has_vertex_gradients else "needs gradients at the vertices"


def _is_simulated(name: Estimator, loss: Loss) -> bool:
    if name not in SAMPLED or _is_linear(name, loss):
        return False
    return loss.num_categories > EXACT_CATEGORIES or (name == "relaxed" and loss.affine is None)


def _is_linear(name: Estimator, loss: Loss) -> bool:
    """Return whether an estimate is J(X) c with a constant c: it is exact for any K then."""
    linear = loss.affine is not None and loss.affine[0] == 0
    return linear and name in ("relaxed", "straight-through")


def _exact(
    distribution: Concrete,
    loss: Loss,
    names: Sequence[Estimator],
    batch_sizes: Sequence[int],
    inner_samples: int,
) -> Iterator[tuple[Estimator, EstimatorError]]:
    p = distribution.probs
    target = exact_gradient(p, loss)

    def error(bias: float, variance: float) -> EstimatorError:
        return EstimatorError(bias, variance, {m: bias + variance / m for m in batch_sizes})

    sampled = [name for name in names if name in SAMPLED and not _is_linear(name, loss)]
    if sampled:
        slope = loss.affine[0] if loss.affine and "relaxed" in sampled else 0.0
        rule = GivenWinner(p, distribution.temperature, quadratic=slope != 0)
    for name in names:
        if name == "reinforce-loo":
            yield name, _leave_one_out(p, loss, batch_sizes)
        elif _is_linear(name, loss):
            found = linear_moments(distribution.logits, distribution.temperature, loss.values)
            variance = found.mean_square - float(np.square(found.mean).sum())
            yield name, error(float(np.square(found.mean - target).sum()), variance)
        elif name in sampled:
            inner = inner_samples if name == "gumbel-rao" else 1
            yield name, error(*_from_moments(p, target, _moments(rule, loss, name), inner))
        else:
            yield name, error(*_enumerated(name, distribution, loss, target))


def _moments(rule: GivenWinner, loss: Loss, name: Estimator) -> list[GradientMoments]:
    """Return the moments of the relaxed or the straight-through gradient given each category."""
    categories = range(loss.num_categories)
    if name == "relaxed" and loss.affine is not None:
        slope, offset = loss.affine
        return [rule.moments(k, offset, slope) for k in categories]
    gradients = loss.at_vertices(np.arange(loss.num_categories))
    return [rule.moments(k, gradients[k]) for k in categories]


def _from_moments(
    p: FloatArray, target: FloatArray, given: Sequence[GradientMoments], inner: int
) -> tuple[float, float]:
    # By the law of total variance: between the categories, and within them, which an average of
    # inner samples divides by their number.
    means = np.array([each.mean for each in given])
    squares = np.array([each.mean_square for each in given])
    mean = p @ means
    between = float(p @ np.square(means - mean).sum(axis=1))
    within = float(p @ (squares - np.square(means).sum(axis=1)))
    return float(np.square(mean - target).sum()), between + within / inner


def _enumerated(
    name: Estimator, distribution: Concrete, loss: Loss, target: FloatArray
) -> tuple[float, float]:
    # Squared bias and variance of an estimator that depends on the category alone.
    p = distribution.probs
    with np.errstate(over="ignore"):  # of logits beyond 1e308 times the temperature: 0 of them
        soft = np.exp(log_softmax(distribution.logits / distribution.temperature))
    size = len(p)
    mean, square = np.zeros(size), 0.0
    for tile in tiles(size, size):
        rows = np.arange(size)[tile]
        gradient = _given_category(name, rows, p, soft, loss) - target
        mean += p[rows] @ gradient
        square += float(p[rows] @ np.square(gradient).sum(axis=1))
    bias = float(np.square(mean).sum())
    if name != "reinmax" and bias <= (1e-15 * size) ** 2 * square:
        bias = 0.0  # of an unbiased estimator only rounding is left
    return bias, square - bias


def _given_category(
    name: Estimator, rows: npt.NDArray[np.int64], p: FloatArray, soft: FloatArray, loss: Loss
) -> FloatArray:
    """Return the estimate given each of some categories, shape (rows, K)."""
    own = np.arange(len(rows)), rows
    if name == "reinforce":
        score = np.tile(-p, (len(rows), 1))
        score[own] += 1
        return loss.values[rows, None] * score
    u = loss.at_vertices(rows)
    u = u - u[own][:, None]  # all Jacobians map a constant to 0
    if name == "zgr":
        result: FloatArray = p * u / 2
        result[own] = -result.sum(axis=1)
        return result
    middle = np.tile(soft / 2, (len(rows), 1))
    middle[own] += 0.5
    return 2 * _jacobian_product(middle, u) - _jacobian_product(p, u) / 2


def _leave_one_out(p: FloatArray, loss: Loss, batch_sizes: Sequence[int]) -> EstimatorError:
    # The mean over a batch of (f_i - mean of the other f) (D_i - p) is the U-statistic of the
    # kernel (f_1 - f_2) (D_1 - D_2) / 2, whose variance Hoeffding (1948) gives by that of the
    # kernel and by that of its expectation given one of the two samples.
    deviation = loss.values - p @ loss.values
    gradient = float(np.square(p * deviation).sum())
    both = float(p @ deviation**2) - gradient
    one = (float(p @ (deviation**2 * (1 - 2 * p + p @ p))) - gradient) / 4
    mse: dict[int, float | None] = {
        m: None if m < 2 else 2 * (2 * (m - 2) * one + both) / (m * (m - 1)) for m in batch_sizes
    }
    return EstimatorError(0.0, 4 * one, mse)


def _jacobian_product(x: FloatArray, gradient: FloatArray) -> FloatArray:
    result: FloatArray = x * (gradient - (x * gradient).sum(axis=-1, keepdims=True))
    return result


@dataclass(frozen=True, eq=False, slots=True)
class _Simulation:
    """Monte Carlo at one temperature."""

    distribution: Concrete
    loss: Loss
    batch_sizes: Sequence[int]
    inner_samples: int

    def errors(
        self, names: Sequence[Estimator], n: int, seed: int
    ) -> dict[Estimator, EstimatorError]:
        target = exact_gradient(self.distribution.probs, self.loss)
        inner = self.inner_samples if "gumbel-rao" in names else 0
        sums = {name: _Sums(n, target) for name in names}
        width = len(target) * (1 + inner)
        start = 0
        for batch in sampling.stream(sampling.log_exponential, width, n, seed=seed):
            rows = np.asarray(batch, dtype=np.float64)
            log_e = rows.reshape(len(rows), 1 + inner, len(target))
            for name in names:
                sums[name].add(start, self._gradient(name, log_e))
            start += len(rows)
        return {name: each.summary(self.batch_sizes) for name, each in sums.items()}

    def _gradient(self, name: Estimator, log_e: FloatArray) -> FloatArray:
        # The logarithms of the exponentials have shape (rows, 1 + inner samples, K).
        logits, t = self.distribution.logits, self.distribution.temperature
        scores = logits - log_e[:, 0]
        winner = scores.argmax(axis=1)
        if name == "gumbel-rao":
            # Given the winner D, with Σ pi = 1: its perturbed logit is -log E_D, and any other's
            # is -log(E_j / pi_j + E_D) (Paulus et al. 2021, section 2.1).
            inner, index = log_e[:, 1:], winner[:, None, None]
            of_winner = np.take_along_axis(inner, index, axis=2)
            conditional = -np.logaddexp(inner - logits, of_winner)
            np.put_along_axis(conditional, index, -of_winner, axis=2)
            x = np.exp(log_softmax(conditional / t))
            u = self.loss.at_vertices(winner)[:, None]
            mean: FloatArray = _jacobian_product(x, u).mean(axis=1) / t
            return mean
        x = np.exp(log_softmax(scores / t))
        relaxed = name == "relaxed" and self.loss.gradient is not None
        u = self.loss.gradient(x) if relaxed else self.loss.at_vertices(winner)  # type: ignore[misc]
        return _jacobian_product(x, u) / t


class _Sums:
    """Sums over consecutive batches of rows, of which any may be left out."""

    def __init__(self, n: int, target: FloatArray) -> None:
        self.n, self.target = n, target
        self.counts = np.zeros(JACKKNIFE_BATCHES)
        self.sums = np.zeros((JACKKNIFE_BATCHES, len(target)))
        self.squares = np.zeros(JACKKNIFE_BATCHES)

    def add(self, start: int, gradient: FloatArray) -> None:
        deviation = gradient - self.target
        batch = (start + np.arange(len(gradient))) * JACKKNIFE_BATCHES // self.n
        first = np.flatnonzero(np.diff(batch, prepend=-1))
        present = batch[first]
        self.counts[present] += np.bincount(batch, minlength=JACKKNIFE_BATCHES)[present]
        self.sums[present] += np.add.reduceat(deviation, first)
        self.squares[present] += np.add.reduceat(np.square(deviation).sum(axis=1), first)

    def summary(self, batch_sizes: Sequence[int]) -> EstimatorError:
        value = _figures(
            self.counts.sum(), self.sums.sum(axis=0), self.squares.sum(), batch_sizes
        ).tolist()
        without = _figures(
            self.counts.sum() - self.counts,
            self.sums.sum(axis=0) - self.sums,
            self.squares.sum() - self.squares,
            batch_sizes,
        )
        spread = np.square(without - without.mean(axis=1, keepdims=True)).sum(axis=1)
        error = np.sqrt(spread * (JACKKNIFE_BATCHES - 1) / JACKKNIFE_BATCHES).tolist()
        standard_errors = {
            "squared_bias": error[0],
            "variance": error[1],
            "mse": dict(zip(batch_sizes, error[2:], strict=True)),
        }
        mse = dict(zip(batch_sizes, value[2:], strict=True))
        return EstimatorError(value[0], value[1], mse, exact=False, standard_errors=standard_errors)


def _figures(
    counts: FloatArray, sums: FloatArray, squares: FloatArray, batch_sizes: Sequence[int]
) -> FloatArray:
    # Squared bias, variance and mean squared errors from sums of g - target and of its square.
    total = squares / counts
    naive_bias = np.square(sums).sum(axis=-1) / counts**2
    variance = (total - naive_bias) * counts / (counts - 1)
    bias = total - variance
    return np.array([bias, variance, *(bias + variance / m for m in batch_sizes)])
