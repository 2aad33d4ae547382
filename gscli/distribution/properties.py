"""Everything that is known of a distribution at one temperature, in one place."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, ClassVar

import numpy.typing as npt

from gscli.arrays import FloatArray
from gscli.distribution import gradients
from gscli.distribution.concrete import Concrete, Regime
from gscli.distribution.gradients import MAX_RELATIVE_BIAS, GradientError
from gscli.distribution.quadrature import HIGHEST_TEMPERATURE
from gscli.errors import AccuracyError
from gscli.execution.threads import Threads, ordered_map
from gscli.records import Record, percent

BATCH_SIZES = (1, 32, 1024)
"""Numbers of samples that a gradient is averaged over, where none are given."""

LARGEST_COVARIANCE = 512
"""Categories up to which the whole covariance is among the facts (2 MB of numbers)."""


@dataclass(frozen=True, eq=False, slots=True)
class Facts(Record):
    """The distribution at one temperature.

    Attributes
    ----------
    distribution : Concrete
        Of which the facts are.
    mean, sd : ndarray, shape (K,)
        Exact.
    entropy : float
        Exact differential entropy, in nats.
    expected_max, near_vertex : float
        Exact E[max X] and P(max X > 0.95).
    gradient_error : GradientError
        Exact bias and noise of the relaxed gradient.
    batch_sizes : tuple of int
        For each of which the gradient's error is wanted.
    kl : dict or None
        Exact divergences from a prior, ``relaxed`` and ``categorical``, where there is one.
    """

    KEYS: ClassVar[str] = "temperature entropy expected_max near_vertex regime mean sd gradient kl"

    distribution: Concrete
    mean: FloatArray
    sd: FloatArray
    entropy: float
    expected_max: float
    near_vertex: float
    gradient_error: GradientError
    batch_sizes: tuple[int, ...] = BATCH_SIZES
    kl: dict[str, float] | None = None

    def _items(self) -> dict[str, Any]:
        items = Record._items(self)
        if self.kl is None:
            del items["kl"]
        return items

    @property
    def temperature(self) -> float:
        """The temperature."""
        return self.distribution.temperature

    @property
    def regime(self) -> Regime:
        """Where the density is unbounded; see `Concrete.regime`."""
        return self.distribution.regime

    @property
    def gradient(self) -> dict[str, Any]:
        """The gradient's bias and noise, and its squared error at each of `batch_sizes`."""
        error = {m: self.gradient_error.error(m) for m in self.batch_sizes}
        return {**asdict(self.gradient_error), "error": error}

    def covariance(self) -> FloatArray | None:
        """Return the exact covariance, shape (K, K), or None for more than 512 categories."""
        if self.distribution.num_categories > LARGEST_COVARIANCE:
            return None
        return self.distribution.covariance()


def facts_at(
    logits: FloatArray,
    temperatures: Sequence[float],
    *,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    prior: Callable[[float], Concrete] | None = None,
    threads: Threads = None,
) -> Iterator[Facts]:
    """Yield the facts at each temperature.

    Parameters
    ----------
    logits : ndarray, shape (K,)
        Log-probabilities up to a common constant.
    temperatures : sequence of float
        Each within the range of exact moments.
    batch_sizes : sequence of int
        For each of which the gradient's error is wanted.
    prior : callable, optional
        Returns the prior at a temperature, from which the divergences are wanted.
    threads : int or Workers, optional
        Number of threads; by default one for each usable core.

    Yields
    ------
    Facts
        In the order of the temperatures.

    Raises
    ------
    AccuracyError
        If a temperature is outside that range.

    Examples
    --------
    >>> (only,) = facts_at(Concrete([1, 3, 6], 1).logits, [3])
    >>> round(only.entropy, 5), only.distribution.regime
    (-1.95288, 'interior')
    """
    facts = partial(_facts, logits, batch_sizes, prior)
    return ordered_map(facts, temperatures, threads=threads)


def _facts(
    logits: FloatArray,
    batch_sizes: Sequence[int],
    prior: Callable[[float], Concrete] | None,
    temperature: float,
) -> Facts:
    distribution = Concrete(logits=logits, temperature=temperature)
    divergences = None
    if prior is not None:
        other = prior(temperature)
        divergences = {
            "relaxed": distribution.kl_divergence(other),
            "categorical": distribution.categorical_kl(other),
        }
    return Facts(
        distribution=distribution,
        mean=distribution.mean(),
        sd=distribution.std(),
        entropy=distribution.entropy(),
        expected_max=distribution.expected_max(),
        near_vertex=distribution.near_vertex(),
        gradient_error=distribution.gradient_error(),
        batch_sizes=tuple(batch_sizes),
        kl=divergences,
    )


def best_temperature(
    probs: npt.ArrayLike | None = None,
    batch_size: int = 1,
    max_relative_bias: float | None = None,
    *,
    logits: npt.ArrayLike | None = None,
) -> float:
    """Return the temperature at which an averaged relaxed gradient has the least error.

    Parameters
    ----------
    probs, logits : array_like, shape (K,)
        One of them, as `Concrete` takes them.
    batch_size : int
        m >= 1: the number of samples that the gradient is averaged over.
    max_relative_bias : float, optional
        The largest relative bias that is accepted.

    Returns
    -------
    float
        See `Concrete.best_temperature`.

    Examples
    --------
    >>> round(best_temperature([1, 3, 6], 32), 2)
    0.52
    """
    return Concrete(probs, 1.0, logits=logits).best_temperature(batch_size, max_relative_bias)


@dataclass(frozen=True, slots=True)
class Advice:
    """Which temperature to take for a gradient that is averaged over m samples.

    Attributes
    ----------
    best, advised : float
        The temperature of least error; the same where the relative bias is at most one half. They
        differ where the least error is that of a gradient shrunk towards 0.
    best_error, advised_error : GradientError
        Bias and noise there.
    batch_size : int
        m.
    """

    best: float
    advised: float
    best_error: GradientError
    advised_error: GradientError
    batch_size: int

    @property
    def shrunk(self) -> bool:
        """Whether the least error is that of a gradient shrunk towards 0."""
        return self.best_error.relative_bias > MAX_RELATIVE_BIAS

    @property
    def over_no_gradient(self) -> float:
        """The error at the advised temperature, as a multiple of that of no gradient at all."""
        return self.advised_error.error(self.batch_size) / self.advised_error.no_gradient


def advise(
    logits: FloatArray, batch_sizes: Sequence[int] = BATCH_SIZES
) -> dict[int, Advice] | None:
    """Return which temperature to take at each batch size; None where none is best.

    Examples
    --------
    >>> found = advise(Concrete([1, 3, 6], 1).logits) or {}
    >>> {m: round(each.advised, 2) for m, each in found.items()}
    {1: 1.28, 32: 0.52, 1024: 0.24}
    """
    try:
        return {m: _advice(logits, m) for m in batch_sizes}
    except AccuracyError:
        return None


def _advice(logits: FloatArray, batch_size: int) -> Advice:
    best = gradients.best_temperature(logits, batch_size)
    advised, at_best = best, gradients.gradient_error(logits, best)
    if at_best.relative_bias > MAX_RELATIVE_BIAS:
        advised = gradients.best_temperature(logits, batch_size, MAX_RELATIVE_BIAS)
    at_advised = gradients.gradient_error(logits, advised)
    return Advice(best, advised, at_best, at_advised, batch_size)


def cautions(advice: Mapping[int, Advice]) -> Iterator[str]:
    """Yield what is wrong with the best temperatures, in sentences.

    Examples
    --------
    >>> advice = advise(Concrete([0.0001, 0.01, 1], 1).logits, [32, 1024]) or {}
    >>> list(cautions(advice))[1]
    'For m = 32 even that t has 1.38 times the error of no gradient: average more samples.'
    """
    shrunk = {m: each for m, each in advice.items() if each.shrunk}
    if shrunk:
        where = _series(format_best(each.best) for each in shrunk.values())
        biases = _series(percent(each.best_error.relative_bias) for each in shrunk.values())
        yield (
            f"For m = {_series(f'{m:,}' for m in shrunk)} the error is least at t = {where}, but "
            f"the gradient there is only shrunk towards 0 (bias {biases}): not advised. "
            f"Given instead is the best t with a bias up to {100 * MAX_RELATIVE_BIAS:.0f} %."
        )
    worse = {m: each.over_no_gradient for m, each in advice.items() if each.over_no_gradient > 1}
    if worse:
        times = _series(f"{ratio:,.3g}" for ratio in worse.values())
        yield (
            f"For m = {_series(f'{m:,}' for m in worse)} even that t has {times} times the error "
            "of no gradient: average more samples."
        )


def _series(texts: Iterable[str]) -> str:
    values = list(texts)
    *first, last = values if len(set(values)) > 1 else values[:1]
    return f"{', '.join(first)} and {last}" if first else last


def format_best(temperature: float) -> str:
    """Return a best temperature to two digits, or say that it lies beyond the range searched.

    Examples
    --------
    >>> format_best(0.5217), format_best(250.4), format_best(999.9999)
    ('0.52', '250', '1000 or more')
    """
    if temperature > 0.99 * HIGHEST_TEMPERATURE:
        return f"{HIGHEST_TEMPERATURE:g} or more"
    return f"{float(f'{temperature:.2g}'):g}"
