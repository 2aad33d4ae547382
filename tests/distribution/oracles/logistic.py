"""The law of two categories: t logit X_1 - (a_1 - a_2) is standard logistic."""

import numpy as np

from gscli.arrays import FloatArray


def logistic_law(
    difference: float, temperature: float, log_odds: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return P(X_1 > x), and the density of logit X_1, at logit x = `log_odds`."""
    score = temperature * log_odds - difference
    small = np.exp(-np.abs(score))
    above = np.where(score > 0, small, 1.0) / (1 + small)
    return above, temperature * small / (1 + small) ** 2
