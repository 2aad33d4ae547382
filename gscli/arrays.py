"""Names of array types, and the stable functions of arrays that every floor uses."""

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
RealArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def logsumexp(values: FloatArray, axis: int = -1, *, keepdims: bool = False) -> FloatArray:
    """Return log Σ exp(values) over an axis, without overflow.

    Parameters
    ----------
    values : ndarray
        Finite, or -inf; not all of them -inf.
    axis : int
        The axis to sum over.
    keepdims : bool
        Whether that axis stays, with length 1.

    Returns
    -------
    ndarray
        The logarithm of the sum.

    Examples
    --------
    >>> logsumexp(np.array([1000.0, 1000.0])).round(4).tolist()
    1000.6931
    """
    peak = values.max(axis=axis, keepdims=True)
    total: FloatArray = np.log(np.exp(values - peak).sum(axis=axis, keepdims=True)) + peak
    return total if keepdims else total.squeeze(axis)


def log_softmax(scores: FloatArray, axis: int = -1) -> FloatArray:
    """Return the logarithms of the softmax over an axis, without overflow.

    Examples
    --------
    >>> np.exp(log_softmax(np.array([0.0, 0.0]))).tolist()
    [0.5, 0.5]
    """
    # The maximum goes first: what is left of the logarithm of the sum is small, and exact.
    shifted = scores - scores.max(axis=axis, keepdims=True)
    log_probs: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return log_probs


def largest(values: FloatArray, count: int) -> tuple[int, ...]:
    """Return the positions of the largest values, in their own order.

    Examples
    --------
    >>> largest(np.array([3.0, 1.0, 6.0, 2.0]), 2)
    (0, 2)
    """
    return tuple(sorted(np.argsort(-values, kind="stable")[:count].tolist()))
