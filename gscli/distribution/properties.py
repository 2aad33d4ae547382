"""Everything that is known of a distribution at one temperature, in one place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gscli.arrays import FloatArray
from gscli.distribution.concrete import Concrete
from gscli.distribution.extremes import Estimate, extremes
from gscli.distribution.gradients import GradientError, best_temperature, gradient_error
from gscli.distribution.moments import mean_square
from gscli.distribution.quadrature import HIGHEST_TEMPERATURE, quadrature
from gscli.errors import AccuracyError

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

    def as_dict(self, categories: Sequence[int] | None = None) -> dict[str, Any]:
        """Return the facts in terms of JSON, numbers unrounded.

        Parameters
        ----------
        categories : sequence of int, optional
            Those whose mean and standard deviation are wanted; the covariance is None then.
        """
        covariance = self.covariance() if categories is None else None
        wanted = slice(None) if categories is None else list(categories)
        return {
            "temperature": self.distribution.temperature,
            "mean": self.mean[wanted].tolist(),
            "sd": self.sd[wanted].tolist(),
            "covariance": None if covariance is None else covariance.tolist(),
            **self._figures(),
            "gradient": {
                **self._gradient(),
                "error": {str(m): self.gradient.error(m) for m in BATCH_SIZES},
            },
        }

    def as_row(self, names: Mapping[int, str]) -> dict[str, Any]:
        """Return the facts as a row of a table, by the names of its columns.

        Parameters
        ----------
        names : mapping of int to str
            The categories that are wanted, by position.
        """
        return {
            "temperature": self.distribution.temperature,
            **self._figures(),
            **{f"mean {name}": float(self.mean[k]) for k, name in names.items()},
            **{f"sd {name}": float(self.sd[k]) for k, name in names.items()},
            **{f"gradient {key}": value for key, value in self._gradient().items()},
            **{f"gradient error {m}": self.gradient.error(m) for m in BATCH_SIZES},
        }

    def _figures(self) -> dict[str, Any]:
        return {
            "entropy": self.entropy,
            "expected_max": self.expected_max.value,
            "expected_max_se": self.expected_max.standard_error,
            "near_vertex": self.near_vertex.value,
            "near_vertex_se": self.near_vertex.standard_error,
            "regime": self.distribution.regime,
        }

    def _gradient(self) -> dict[str, Any]:
        relative = self.gradient.relative_bias
        return {
            "bias": self.gradient.bias,
            "relative_bias": None if np.isnan(relative) else relative,
            "noise": self.gradient.noise,
            "noise_se": self.gradient.noise_se,
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
