"""The Kullback-Leibler divergence between two Concrete distributions, exactly."""

import math

import numpy as np

from gscli.arrays import FloatArray
from gscli.distribution.moments import check_sums
from gscli.distribution.quadrature import (
    STEP,
    TAIL,
    Interpolant,
    check_range,
    gather,
    multiples,
    tiles,
)


def kl_divergence(
    logits: FloatArray, temperature: float, other_logits: FloatArray, other_temperature: float
) -> float:
    """Return KL(p ‖ q) = E_p[log p(X) - log q(X)].

    Parameters
    ----------
    logits, other_logits : ndarray, shape (K,)
        Log-probabilities of p and of q.
    temperature, other_temperature : float
        0.001 to 1000.

    Returns
    -------
    float
        The divergence in nats, within 1e-9 of its largest term (see Notes), at least 0.

    Raises
    ------
    AccuracyError
        If a temperature is out of range, or logits are too far apart.

    Notes
    -----
    Let p have logits a and temperature t, q logits b and temperature s, u = s/t. Put
    log X_k = (a_k - log E_k) / t - log S into both log-densities (Maddison et al. 2017,
    Definition 1). E[log S] cancels, and with γ = -E[log E_k] there remains

        (K-1) log(t/s) + Σ(a_k - b_k) + (u-1) (Σ a_k + K γ) + K (E[log Q] - digamma(K)),

    Q = Σ exp(b_k - u a_k) E_k^u: an expectation of a logarithm like E[log S].

    Examples
    --------
    >>> p, q = np.log([0.1, 0.3, 0.6]), np.log(np.ones(3) / 3)
    >>> round(kl_divergence(p, 1.0, q, 0.5), 6)
    0.726702
    """
    k, power = len(logits), check_range(other_temperature) / check_range(temperature)
    for each in (logits, other_logits):
        check_sums(each, min(1.0, 1 / power, power), "divergence")
    log_sum = _expected_log_sum(other_logits - power * logits, power)
    harmonic = float((1 / np.arange(1, k)).sum())
    divergence = (power - 1) * (k * np.euler_gamma + float(logits.sum()))
    divergence -= (k - 1) * math.log(power)
    divergence += float((logits - other_logits).sum())
    divergence += k * (log_sum + np.euler_gamma - harmonic)
    return max(0.0, divergence)


def _expected_log_sum(log_weights: FloatArray, power: float) -> float:
    # E[log Q], Q = Σ c_k E_k^u, as the integral over x of the difference between E[exp(-e^x E^u)],
    # the same for a single E^u, whose E[log] is -γ u, and E[exp(-e^x Q)] = Π φ(x + log c_k).
    unit = max(1.0, power)
    shifted = log_weights - log_weights.max()
    shifted -= unit * math.log(np.exp(shifted / unit).sum())
    categories = gather(shifted)
    # Beyond these 1 - φ and φ are below e^(-TAIL). First by 1 - φ(x) <= e^x Γ(1 + u) and
    # φ(x) <= e^(-x/u) Γ(1 + 1/u); then since E lies within e^(-TAIL) ... TAIL but for that much.
    log_tail = math.log(TAIL)
    lower = -TAIL - min(math.lgamma(1 + power), power * log_tail)
    upper = power * TAIL + min(power * math.lgamma(1 + 1 / power), log_tail)
    cells = math.ceil((upper - lower) / unit)
    # At u = 1, φ(x) = 1 / (1 + e^x).
    table = (
        None
        if power == 1
        else Interpolant(lambda r: _logit(r, power)[None], np.linspace(lower, upper, cells + 1))
    )
    # For u > 1 log Q has a width of about u / log K, that of the largest of K exponentials.
    step = STEP * max(1.0, power / (1 + math.log(len(shifted))))
    nodes = multiples(step, lower, upper - shifted.max())
    log_product = np.zeros(len(nodes))
    for tile in tiles(len(categories.logits), len(nodes)):
        here = _log_laplace(table, categories.logits[tile, None] + nodes)
        log_product += categories.counts[tile] @ here
    integral = step * float((np.exp(_log_laplace(table, nodes)) - np.exp(log_product)).sum())
    shift = float(log_weights.max() - shifted.max())
    return shift - power * np.euler_gamma + integral


def _log_laplace(table: Interpolant | None, r: FloatArray) -> FloatArray:
    minus_log: FloatArray = np.logaddexp(0, r if table is None else -table(r, slice(0, 1))[0])
    return -minus_log


def _logit(r: FloatArray, power: float) -> FloatArray:
    # log(φ / (1 - φ)), φ(r) = E[exp(-e^r E^u)]: straight far out on both sides, and -r for u = 1.
    # Over log E for u <= 1, and by parts over the logarithm of e^r E^u for u > 1, so that the
    # step need not depend on u; both weights are those of a Gumbel variable.
    grid = multiples(STEP, -TAIL - 10, math.log(2 * TAIL))[:, None]
    weights = STEP * np.exp(grid[:, 0] - np.exp(grid[:, 0]))
    if power <= 1:
        z = np.exp(r + power * grid)
        phi, complement = weights @ np.exp(-z), weights @ -np.expm1(-z)
    else:
        z = np.exp((grid - r) / power)
        phi, complement = weights @ -np.expm1(-z), weights @ np.exp(-z)
    logit: FloatArray = np.log(phi) - np.log(complement)
    return logit
