"""Everything that is known of a distribution at one temperature, in one place."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy.typing as npt

from gscli.arrays import FloatArray
from gscli.distribution import gradients
from gscli.distribution.concrete import Concrete, Regime
from gscli.distribution.extremes import extremes
from gscli.distribution.gradients import GradientError
from gscli.distribution.quadrature import HIGHEST_TEMPERATURE
from gscli.errors import AccuracyError
from gscli.records import Record

BATCH_SIZES = (1, 32, 1024)

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
        E[max X] and P(max X > 0.95).
    expected_max_se, near_vertex_se : float
        Their standard errors.
    gradient_error : GradientError
        Exact bias and noise of the relaxed gradient.
    """

    KEYS: ClassVar[str] = (
        "temperature entropy expected_max expected_max_se near_vertex near_vertex_se "
        "regime mean sd gradient"
    )

    distribution: Concrete
    mean: FloatArray
    sd: FloatArray
    entropy: float
    expected_max: float
    expected_max_se: float
    near_vertex: float
    near_vertex_se: float
    gradient_error: GradientError

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
        """The gradient's bias and noise, and its squared error at each of `BATCH_SIZES`."""
        error = {m: self.gradient_error.error(m) for m in BATCH_SIZES}
        return {**asdict(self.gradient_error), "error": error}

    def covariance(self) -> FloatArray | None:
        """Return the exact covariance, shape (K, K), or None for more than 512 categories."""
        if self.distribution.num_categories > LARGEST_COVARIANCE:
            return None
        return self.distribution.covariance()


def facts_at(logits: FloatArray, temperatures: Sequence[float]) -> Iterator[Facts]:
    """Yield the facts at each temperature.

    Parameters
    ----------
    logits : ndarray, shape (K,)
        Log-probabilities up to a common constant.
    temperatures : sequence of float
        Each within the range of exact moments.

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
    distributions = [Concrete(logits=logits, temperature=t) for t in temperatures]
    samples = max(2000, min(100_000, 10_000_000 // len(logits)))
    estimates = extremes(logits, temperatures, n=samples)
    for distribution, (largest, close) in zip(distributions, estimates, strict=True):
        yield Facts(
            distribution=distribution,
            mean=distribution.mean(),
            sd=distribution.std(),
            entropy=distribution.entropy(),
            expected_max=largest.value,
            expected_max_se=largest.standard_error,
            near_vertex=close.value,
            near_vertex_se=close.standard_error,
            gradient_error=distribution.gradient_error(),
        )


def best_temperature(
    probs: npt.ArrayLike | None = None,
    batch_size: int = 1,
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

    Returns
    -------
    float
        See `Concrete.best_temperature`.

    Examples
    --------
    >>> round(best_temperature([1, 3, 6], 32), 2)
    0.52
    """
    return Concrete(probs, 1.0, logits=logits).best_temperature(batch_size)


def best_temperatures(logits: FloatArray) -> dict[int, float] | None:
    """Return the best temperature at each of `BATCH_SIZES`; None where no temperature is best.

    Examples
    --------
    >>> found = best_temperatures(Concrete([1, 3, 6], 1).logits) or {}
    >>> {m: round(t, 2) for m, t in found.items()}
    {1: 1.28, 32: 0.52, 1024: 0.24}
    """
    try:
        return {m: gradients.best_temperature(logits, m) for m in BATCH_SIZES}
    except AccuracyError:
        return None


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
