"""Samples of which each row has logits of its own, as an encoder gives them.

X with logits a becomes X' ∝ X exp(-a/t), whose logits are all equal: it is of one distribution, and
every test of the joint law applies.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from gscli.arrays import RealArray, log_softmax
from gscli.errors import ShapeError
from gscli.io.samples import FULL_PRECISION, Batch, Part, Samples


def with_equal_logits(samples: Samples, logits: RealArray, temperature: float) -> Samples:
    """Return samples mapped to equal logits, as logarithms.

    Parameters
    ----------
    samples : Samples
        Rows of K categories.
    logits : ndarray, shape (n, K)
        Each row's own.
    temperature : float
        The temperature, > 0.

    Raises
    ------
    ShapeError
        If there are not as many rows, or categories, as `logits` have.
    """
    n, k = logits.shape
    if k != samples.num_categories or (samples.total is not None and samples.total != n):
        raise ShapeError(
            f"the logits have shape {logits.shape}; the samples {samples.total or 'some'} rows of "
            f"{samples.num_categories} categories"
        )

    def load(part: Part) -> Iterator[Batch]:
        for batch in part.load():
            if batch.indices[-1] >= n:
                raise ShapeError(f"there are more samples than the {n:,} rows of logits")
            with np.errstate(divide="ignore"):
                log_x = batch.rows if samples.log else np.log(batch.rows)
            own = logits[batch.indices] / temperature
            yield replace(batch, rows=log_softmax(log_x - own))

    def read() -> Iterator[Part]:
        for part in samples.read():
            loads: Callable[[], Iterator[Batch]] = partial(load, part)
            yield Part(part.num_rows, loads)

    precision = samples.precision if samples.log else replace(FULL_PRECISION, log=True)
    return replace(
        samples, read=read, source=None, log=True, valid=False, precision=precision, first=None
    )
