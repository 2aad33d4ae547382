"""Expectations over the largest of three components, by Gauss-Legendre quadrature on the simplex.

In the region where X_k is the largest, with W_j / W_k = e^(-m_j / t), E_j / E_k is
pi_j / pi_k e^(m_j), of density 2 r_1 r_2 / (1 + r_1 + r_2)^3 in the logarithms of those two ratios.
"""

from collections.abc import Callable, Sequence

import numpy as np

from gscli.arrays import FloatArray

EDGES = [0.0, 0.02, 0.1, 0.3, 1, 2, 4, 7, 11, 16, 24, 36, 50]


def over_the_largest(
    pi: Sequence[float], temperature: float, function: Callable[[FloatArray], FloatArray]
) -> float:
    """Return E[f(max X)] for a smooth f."""
    points, weights = np.polynomial.legendre.leggauss(50)
    half = np.diff(EDGES)[:, None] / 2
    m = (np.array(EDGES[:-1])[:, None] + half * (1 + points)).ravel()
    mass = (half * weights).ravel()
    total = 0.0
    for k in range(3):
        first, second = (pi[j] / pi[k] * np.exp(m) for j in range(3) if j != k)
        ratio = np.exp(-m / temperature)
        largest = 1 / (1 + ratio[:, None] + ratio)
        product = first[:, None] * second
        density = 2 * product / (1 + first[:, None] + second) ** 3
        total += float(mass @ (density * function(largest)) @ mass)
    return total


def near_the_largest(pi: Sequence[float], temperature: float, within: float) -> float:
    """Return P(max X > 1 - within): the inner integral in closed form, the outer by quadrature."""
    odds = within / (1 - within)
    # In y with u = W_i / W_k = odds / (1 + e^(-y / t)), so that both ends of 0 < u < odds, where
    # the integrand behaves as a power, are smooth: then equal steps converge exponentially.
    reach = 45 * max(1.0, temperature)
    y, step = np.linspace(-reach, reach, 4001, retstep=True)
    log_u = np.log(odds) - np.logaddexp(0, -y / temperature)
    log_rest = np.log(odds) - np.logaddexp(0, y / temperature)
    total = 0.0
    for k in range(3):
        i, j = (j for j in range(3) if j != k)
        # W_j / W_k < odds - u, that is E_j / E_k > s; and P(E_i / E_k in dr, E_j / E_k > s) is
        # dr / (1 + r + s)^2, dr = r dy / (1 + e^(y / t)).
        log_r = np.log(pi[i] / pi[k]) - temperature * log_u
        log_s = np.log(pi[j] / pi[k]) - temperature * log_rest
        log_sum = np.logaddexp(0, np.logaddexp(log_r, log_s))
        log_density = log_r - np.logaddexp(0, y / temperature) - 2 * log_sum
        total += float(np.exp(log_density).sum()) * float(step)
    return total
