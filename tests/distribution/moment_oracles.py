"""Independent computations that several test modules compare with."""

import math
from typing import Any

import mpmath as mp
import numpy as np
import numpy.typing as npt

from gscli.distribution import moments
from gscli.distribution.quadrature import quadrature


def logistic_expectation(function: Any, difference: float, temperature: float) -> Any:
    """Integrate a function of log X_1, log X_2 over t log(X_1/X_2) - difference ~ Logistic."""
    d, t = mp.mpf(difference), mp.mpf(temperature)

    def integrand(noise: Any) -> Any:
        score = (d + noise) / t
        log_density = -abs(noise) - 2 * mp.log1p(mp.exp(-abs(noise)))
        log_x = -mp.log1p(mp.exp(-score)) if score > 0 else score - mp.log1p(mp.exp(score))
        return function(log_x, log_x - score, log_density) * mp.exp(log_density)

    breaks = {-d + s * t for s in (-40, -10, -2, 0, 2, 10, 40)} | {mp.mpf(p) for p in (-5, 0, 5)}
    inside = sorted(b for b in breaks if abs(b) < 80)
    return mp.quad(integrand, [-80, *inside, 80])


def mixed_moment(logits: npt.ArrayLike, temperature: float, powers: npt.ArrayLike) -> float:
    """Return E[Π X_k^powers_k], powers whole and of a sum up to 4, by the rule of the package."""
    rule = quadrature(logits, temperature)
    exponents = np.asarray(powers, dtype=np.int64)
    order = int(exponents.sum())
    if order == 0:
        return 1.0
    integrand = rule.weights / math.gamma(order)
    for category in np.flatnonzero(exponents):
        at = rule.logits[category] + rule.nodes
        integrand = integrand * rule.table.ratio(at, int(exponents[category]))
    return float(integrand.sum())


def expected_log_sum(logits: npt.ArrayLike, temperature: float) -> float:
    """Return E[log S], S = Σ (pi_k / E_k)^(1/t) with pi = exp(logits), as the entropy has it."""
    rule = quadrature(logits, temperature)
    shift = float(np.max(logits) - rule.logits.max())
    return (shift + np.euler_gamma + moments._excess(rule)) / temperature
