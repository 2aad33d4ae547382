"""Which noise, if not Gumbel's, was added to the logits: told from rows of log X.

Noise that is independent and of one law makes t·log(X_i/X_j) - (a_i - a_j) the difference of two
draws, whose law is known for the usual kinds of noise. Where the density of a whole row is known
as well, it is the likelihood that decides.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from gscli.arrays import FloatArray
from gscli.distribution.concrete import Concrete
from gscli.inference.gof.accumulators import Histograms
from gscli.inference.gof.null_distributions import of_distances

PLAUSIBLE = 1e-3
"""Smallest p-value at which a law, or a mistake, counts as an explanation."""


@dataclass(frozen=True, slots=True)
class NoiseLaw:
    """A law of noise, by that of the difference of two draws."""

    name: str
    formula: str
    difference: Callable[[FloatArray], FloatArray]
    """Its distribution function at a difference divided by its scale."""
    log_likelihood: Callable[[FloatArray], float] | None = None
    """That of noise of shape (K, rows), each row up to a constant, if it is known."""
    scaled: bool = False
    """Whether samplers give it a scale of its own."""


def _normal(z: FloatArray) -> FloatArray:
    found: FloatArray = special.ndtr(z)
    return found


def _logistic(z: FloatArray) -> FloatArray:
    # Of two logistic numbers; the formula is 0/0 at 0, where its slope is 1/6.
    far = np.maximum(np.abs(z), 1e-3)
    above = np.exp(-far)
    tail = above * (far - 1 + above) / np.expm1(-far) ** 2
    tail = np.where(np.abs(z) < 1e-3, 0.5 - np.abs(z) / 6, tail)
    return np.where(z > 0, 1 - tail, tail)


def _triangular(z: FloatArray) -> FloatArray:
    near = 1 - np.minimum(np.abs(z), 1)
    return np.where(z > 0, 1 - near**2 / 2, near**2 / 2)


def _laplace(z: FloatArray) -> FloatArray:
    tail = np.exp(-np.abs(z)) / 2
    return np.where(z > 0, 1 - tail, tail)


def _exponential_likelihood(noise: FloatArray) -> float:
    # The density of the noise, exp(-Σ e), integrated over a shift that leaves all e positive.
    k, n = noise.shape
    return float(-n * math.log(k) - (noise - noise.min(axis=0)).sum())


def _normal_likelihood(noise: FloatArray) -> float:
    # Iid normal noise makes the centred logarithms isotropic normal in K-1 dimensions. Their
    # volume is sqrt(K) times smaller than that of the log-ratios to one category.
    k, n = noise.shape
    variance = float((noise - noise.mean(axis=0)).var(axis=1).sum()) / (k - 1)
    value: float = -n / 2 * ((k - 1) * (math.log(2 * math.pi * variance) + 1) + math.log(k))
    return value


LAWS = (
    NoiseLaw("exponential", "-log U", _laplace, _exponential_likelihood),
    NoiseLaw("logistic", "log U - log(1 - U)", _logistic),
    NoiseLaw("uniform", "U", _triangular),
    NoiseLaw("normal", "a normal number", _normal, _normal_likelihood, scaled=True),
)

RATIO = 5.0
"""Logarithm of the likelihood ratio against Gumbel noise from which on a law is believed."""


def other_law(
    log_x: FloatArray, distribution: Concrete, gumbel: float, *, gumbel_fits: bool
) -> str | None:
    """Return a sentence on the law that the noise has instead of Gumbel's, if it is one of them.

    Parameters
    ----------
    log_x : ndarray, shape (K, rows)
        Logarithms of samples.
    distribution : Concrete
        The logits and temperature that were meant.
    gumbel : float
        The largest log-likelihood of Gumbel noise.
    gumbel_fits : bool
        Whether Gumbel noise with some parameters explains the rows.
    """
    k, n = log_x.shape
    noise = distribution.temperature * log_x - distribution.logits[:, None]
    gumbel -= n * (k - 1) * math.log(distribution.temperature)
    # Pairs without a common category, whose differences are independent.
    differences = (noise[: k - 1 : 2] - noise[1::2]).ravel()
    spread = float(np.sqrt((differences**2).mean()))
    best = (PLAUSIBLE, "")
    for law in LAWS:
        if law.log_likelihood is None and gumbel_fits:
            continue
        if law.log_likelihood is not None and law.log_likelihood(noise) < gumbel + RATIO:
            continue
        p_value = _fit(law.difference(differences / (spread if law.scaled else 1.0)))
        deviation = f" of standard deviation {spread / math.sqrt(2):.3g}" if law.scaled else ""
        words = (
            f"the noise is {law.name}{deviation}, not Gumbel: {law.formula} was added where "
            "-log(-log U) belongs"
        )
        best = max(best, (p_value, words))
    return best[1] or None


def _fit(uniforms: FloatArray) -> float:
    cells = Histograms(1)
    cells.update(0, uniforms)
    return float(of_distances(cells.distances(), uniforms.size)[0])
