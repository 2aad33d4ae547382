"""Everything that is known of a distribution at one temperature, in one place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gscli.concrete import Concrete, FloatArray
from gscli.errors import AccuracyError
from gscli.extremes import Estimate, extremes
from gscli.gradients import GradientError, best_temperature, gradient_error
from gscli.moments import mean_square
from gscli.quadrature import quadrature

BATCH_SIZES = (1, 32, 1024)

LARGEST_COVARIANCE = 512
"""Categories up to which the whole covariance is among the facts (2 MB of numbers)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The distribution at one temperature.

    Attributes
    ----------
    distribution : Concrete
        Of which the facts are.
    mean, sd : ndarray, shape (K,)
        Exact.
    entropy : float
        Exact differential entropy, in nats.
    gradient : GradientError
        Exact bias and noise of the relaxed gradient.
    expected_max, near_vertex : Estimate
        E[max X] and P(max X > 0.95), with their standard errors.
    """

    distribution: Concrete
    mean: FloatArray
    sd: FloatArray
    entropy: float
    gradient: GradientError
    expected_max: Estimate
    near_vertex: Estimate

    def covariance(self) -> FloatArray | None:
        """Return the exact covariance, shape (K, K), or None for more than 512 categories."""
        if self.distribution.num_categories > LARGEST_COVARIANCE:
            return None
        return self.distribution.covariance()

    def as_dict(self) -> dict[str, Any]:
        """Return the facts in terms of JSON, numbers unrounded."""
        covariance = self.covariance()
        return {
            "temperature": self.distribution.temperature,
            "mean": self.mean.tolist(),
            "sd": self.sd.tolist(),
            "covariance": None if covariance is None else covariance.tolist(),
            "entropy": self.entropy,
            "expected_max": self.expected_max.value,
            "expected_max_se": self.expected_max.standard_error,
            "near_vertex": self.near_vertex.value,
            "near_vertex_se": self.near_vertex.standard_error,
            "regime": self.distribution.regime,
            "gradient": {
                "bias": self.gradient.bias,
                "relative_bias": None
                if np.isnan(relative := self.gradient.relative_bias)
                else relative,
                "noise": self.gradient.noise,
                "noise_se": self.gradient.noise_se,
                "error": {str(m): self.gradient.error(m) for m in BATCH_SIZES},
            },
        }


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
    >>> (only,) = facts_at(np.log([1, 3, 6]), [3])
    >>> round(only.entropy, 5), only.distribution.regime
    (-1.95288, 'interior')
    """
    distributions = [Concrete.from_logits(logits, t) for t in temperatures]
    samples = max(2000, min(100_000, 10_000_000 // len(logits)))
    estimates = extremes(logits, temperatures, n=samples)
    for distribution, (largest, close) in zip(distributions, estimates, strict=True):
        mean = distribution.mean()
        squares = mean_square(quadrature(distribution.logits, distribution.temperature))
        yield Facts(
            distribution=distribution,
            mean=mean,
            sd=np.sqrt(np.maximum(squares - mean**2, 0)),
            entropy=distribution.entropy(),
            gradient=gradient_error(distribution.logits, distribution.temperature),
            expected_max=largest,
            near_vertex=close,
        )


def best_temperatures(logits: FloatArray) -> dict[int, float] | None:
    """Return the best temperature at each of `BATCH_SIZES`; None where no temperature is best.

    Examples
    --------
    >>> {m: round(t, 2) for m, t in (best_temperatures(np.log([1, 3, 6])) or {}).items()}
    {1: 1.28, 32: 0.52, 1024: 0.24}
    """
    try:
        return {m: best_temperature(logits, m) for m in BATCH_SIZES}
    except AccuracyError:
        return None
