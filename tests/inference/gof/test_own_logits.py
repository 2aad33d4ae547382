"""Rows with logits of their own are rows of one distribution once these are taken out."""

import numpy as np
import pytest

from gscli import Concrete, check
from gscli.arrays import FloatArray, log_softmax
from gscli.errors import ShapeError
from gscli.inference.gof.own_logits import with_equal_logits
from gscli.io.samples import Samples, as_samples

N, K, T = 20_000, 6, 0.5


def drawn(temperature: float = T, dtype: type = np.float64) -> tuple[FloatArray, FloatArray]:
    generator = np.random.default_rng(1)
    logits = 2 * generator.normal(size=(N, K))
    noise = generator.gumbel(size=(N, K))
    rows: FloatArray = np.exp(log_softmax((logits + noise) / temperature)).astype(dtype)
    return logits, rows


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rows_of_their_own_logits_are_consistent(dtype: type) -> None:
    logits, rows = drawn(dtype=dtype)
    samples = with_equal_logits(as_samples(rows, log=False), logits, T)
    assert check(samples, Concrete(np.ones(K), T))
    again = with_equal_logits(as_samples(np.log(rows), log=True), logits, T)
    assert check(again, Concrete(np.ones(K), T))


def test_what_is_wrong_is_named() -> None:
    logits, rows = drawn(1.1 * T)
    result = check(
        with_equal_logits(as_samples(rows, log=False), logits, T), Concrete(np.ones(K), T)
    )
    assert "the temperature is off by a factor of 1." in result.causes[0]
    shifted = with_equal_logits(as_samples(drawn()[1], log=False), np.roll(logits, 1, axis=0), T)
    assert not check(shifted, Concrete(np.ones(K), T))


def test_shapes_must_agree() -> None:
    logits, rows = drawn()
    with pytest.raises(ShapeError, match="the logits have shape"):
        with_equal_logits(as_samples(rows, log=False), logits[:-1], T)
    with pytest.raises(ShapeError, match="the logits have shape"):
        with_equal_logits(as_samples(rows, log=False), logits[:, :-1], T)
    unknown: Samples = as_samples((part for part in np.array_split(rows, 3)), log=False)
    with pytest.raises(ShapeError, match="more samples than"):
        check(with_equal_logits(unknown, logits[:-1], T), Concrete(np.ones(K), T))
