"""Independent computations that several test modules compare with."""

from typing import Any

import mpmath as mp


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
