"""The change of variables that all tests rest on, from rows to independent uniforms and back.

D_k = pi_k X_k^(-t) / Σ pi_i X_i^(-t) is E_k / ΣE for iid exponentials E, uniform on the simplex.
From E follow all tests: t·log(X_i/X_j) is logistic, so that
E_j / (E_i + E_j) is uniform; and stick-breaking B_k = D_k / (1 - Σ_{j<k} D_j) gives K-1
independent uniforms (1 - B_k)^(K-k).

An exact 0 is a value that underflow, or the decimals of a file, censored.
"""

import math

import numpy as np
from scipy import special

from gscli.arrays import FloatArray, IntArray
from gscli.distribution.concrete import Concrete
from gscli.inference.gof.accumulators import TINY

LONG = 2**12
"""Values from which on one power for all, which NumPy may know a faster way to, saves time."""

SPLITMIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def log_exponentials_of(log_x: FloatArray, distribution: Concrete) -> FloatArray:
    """Recover the logarithms of rows' exponentials E, of which the largest is 0: (K, rows)."""
    scores = log_x * -distribution.temperature
    scores += distribution.logits[:, None]
    scores -= scores.max(axis=0)
    # The floor only matters for samples of something else, where it keeps 0/0 away.
    np.maximum(scores, math.log(TINY), out=scores)
    return scores


def complete(
    log_x: FloatArray, distribution: Concrete, limit: float, uniforms: FloatArray
) -> FloatArray:
    """Draw what exact zeros hide, given the rest of their rows.

    Parameters
    ----------
    log_x : ndarray, shape (K, rows)
        Each row with a finite value at least.
    distribution : Concrete
        Where they come from.
    limit : float
        What is hidden is below it.
    uniforms : ndarray, shape (K + 1, rows)
        The randomness.

    Returns
    -------
    ndarray, shape (K, rows)
        Finite. Of the exponentials E of a row the shown ones are known up to a factor s, and a
        hidden one is above s times its bound. Hence s is gamma, its shape the number of those
        shown and its rate the sum of what is known of all, and a hidden one has no memory: it is
        its bound and another exponential.

    Examples
    --------
    >>> y = np.array([[-np.inf], [0.0]])
    >>> complete(y, Concrete([1, 1], 0.1), -20.0, np.full((3, 1), 0.5)).round(2).tolist()
    [[-27.59], [0.0]]
    """
    t, a = distribution.temperature, distribution.logits[:, None]
    hidden = np.isneginf(log_x)
    scores = a - t * np.where(hidden, limit, log_x)
    peak = scores.max(axis=0)
    known = np.exp(scores - peak)
    scale = special.gammaincinv((~hidden).sum(axis=0), uniforms[0]) / known.sum(axis=0)
    scale = np.maximum(scale, TINY)
    exponentials = np.log(scale * known - np.log1p(-uniforms[1:]))
    return np.where(hidden, (a - exponentials + np.log(scale) - peak) / t, log_x)


def stick_breaking(exponentials: FloatArray) -> FloatArray:
    """Turn exponentials, shape (K, rows), into K-1 independent uniforms.

    Row k is (1 - B_k)^(K-k) with B_k = E_k / Σ_{j>=k} E_j ~ Beta(1, K-k), k = 1 ... K-1.

    Examples
    --------
    >>> stick_breaking(np.array([[1.0], [1.0], [2.0]])).round(4).tolist()
    [[0.5625], [0.6667]]
    """
    k, n = exponentials.shape
    rest = exponentials.copy()
    for index in range(k - 2, -1, -1):  # A third of the time of cumsum.
        rest[index] += rest[index + 1]
    uniforms: FloatArray = rest[1:] / rest[:-1]
    powers = np.arange(k - 1, 0, -1)
    if n < LONG:
        return np.power(uniforms, powers[:, None], out=uniforms)
    for uniform, power in zip(uniforms[:-1], powers.tolist(), strict=False):
        uniform **= power
    return uniforms


def temperature_score(log_dirichlet: FloatArray, dirichlet: FloatArray) -> FloatArray:
    """Return rows' derivatives of log p by log t, with a/t and not the logits a held.

    Parameters
    ----------
    log_dirichlet, dirichlet : ndarray, shape (K, rows)
        D, and log D up to a constant of each row.

    Returns
    -------
    ndarray, shape (rows,)
        K - 1 + Σ log D - K Σ D log D, which is not correlated with the logits' 1 - K D.

    Examples
    --------
    >>> even = np.full((3, 1), 1 / 3)
    >>> temperature_score(np.log(even), even).round(12).tolist()
    [2.0]
    """
    k = len(dirichlet)
    score: FloatArray = np.einsum("k...,k...->...", dirichlet, log_dirichlet)
    score *= -k
    score += log_dirichlet.sum(axis=0)
    score += k - 1
    return score


def uniforms_at(indices: IntArray, count: int) -> FloatArray:
    """Return uniforms that depend on a row's index alone, shape (count, rows).

    They take the place of what was not recorded of a row, whatever part it is read in.

    References
    ----------
    Steele, Lea, Flood (2014), "Fast splittable pseudorandom number generators": SplitMix64.

    Examples
    --------
    >>> uniforms_at(np.array([5, 7]), 2).round(3).tolist()
    [[0.396, 0.708], [0.761, 0.518]]
    """
    step, mix, more = (np.uint64(each) for each in SPLITMIX)
    state = indices.astype(np.uint64) * np.uint64(count)
    state = (state + np.arange(1, count + 1, dtype=np.uint64)[:, None]) * step
    state = (state ^ (state >> np.uint64(30))) * mix
    state = (state ^ (state >> np.uint64(27))) * more
    state ^= state >> np.uint64(31)
    uniforms: FloatArray = ((state >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return uniforms
