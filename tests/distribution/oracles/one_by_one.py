"""The moments and the gradient's error with every category summed by itself, as they once were.

Independent of how categories are gathered: only the kernels' table is the package's own.
"""

import math
from dataclasses import dataclass

import numpy as np

from gscli.arrays import FloatArray
from gscli.distribution.quadrature import STEP, KernelTable, multiples


@dataclass(frozen=True)
class OneByOne:
    """Exact figures of one distribution."""

    mean: FloatArray
    mean_square: FloatArray
    entropy: float
    squared_bias: float
    squared_target: float
    noise: float


def one_by_one(logits: FloatArray, temperature: float) -> OneByOne:
    """Compute them in memory that grows with the square of K."""
    table, k, t = KernelTable(temperature), len(logits), temperature
    shifted = logits - logits.max()
    shifted -= table.unit * math.log(np.exp(shifted / table.unit).sum())
    step = STEP * table.unit
    nodes = multiples(step, table.lower, table.upper - shifted.max())
    points = shifted[:, None] + nodes
    survival = np.exp(-table.minus_log_psi0(points).sum(axis=0))
    weights = survival * step / t
    first, second = table.ratio(points, 1), table.ratio(points, 2)

    excess = float((np.exp(-table.minus_log_psi0(nodes)) - survival).sum()) * step
    harmonic = float((1 / np.arange(1, k)).sum())
    log_ratios = (k * excess - float(shifted.sum())) / t
    entropy = -(math.lgamma(k) + (k - 1) * math.log(t) + log_ratios - k * harmonic)

    p = np.exp(shifted - shifted.max())
    p /= p.sum()
    mean = (first * (weights / t)) @ first.T
    target = p[:, None] * p
    norms = []
    for matrix in (mean - target, target, mean):
        np.fill_diagonal(matrix, 0)
        norms.append(float(np.square(matrix).sum() + np.square(matrix.sum(axis=1)).sum()))

    one, two, one_one, one_two, two_two, one_one_two = np.zeros((6, len(nodes)))
    for x, y in zip(first, second, strict=True):
        one_one_two += y * one_one + x * one_two
        two_two += y * two
        one_two += y * one + x * two
        one_one += x * one
        one += x
        two += y
    squared = float((4 * two_two + 2 * one_one_two) @ weights) / (math.gamma(4) * t**2)
    return OneByOne(
        first @ weights, second @ weights, entropy, norms[0], norms[1], squared - norms[2]
    )
