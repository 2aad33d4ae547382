"""Mistakes of the size that a passing check states are found in 95 % of files, smaller ones not."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from gscli import Concrete, check
from gscli.arrays import FloatArray
from gscli.inference.gof.sensitivity import sensitivity

FILES = 60
Sampler = Callable[[int], FloatArray]


def found(sample: Sampler, right: Concrete) -> int:
    return sum(not check(sample(seed), right, log=True) for seed in range(FILES))


@pytest.mark.slow
@pytest.mark.parametrize(("k", "n"), [(2, 2000), (3, 10_000), (50, 1000)])
def test_as_many_are_found_as_is_said(k: int, n: int) -> None:
    right = Concrete(np.arange(1, k + 1), 0.6)
    passed = check(right.sample_log(n, seed=1), right, log=True)
    stated = passed.sensitivity
    assert stated is not None
    assert stated.sentence in passed.remarks
    shift = np.zeros(k)
    shift[0] = np.log(stated.odds_factor)

    def clamped(seed: int, factor: float = 1.0) -> FloatArray:
        least = factor * stated.clamp
        uniforms = np.clip(np.random.default_rng(seed).random((n, k)), least, 1 - least)
        scores = (right.logits - np.log(-np.log(uniforms))) / right.temperature
        rows: FloatArray = scores - np.logaddexp.reduce(scores, axis=1)[:, None]
        return rows

    temperature = 0.6 * stated.temperature_factor
    samplers: dict[str, Sampler] = {
        "temperature": lambda seed: Concrete(right.probs, temperature).sample_log(n, seed=seed),
        "odds": lambda seed: Concrete(logits=right.logits + shift, temperature=0.6).sample_log(
            n, seed=seed
        ),
        "clamp": clamped,
    }
    for name, sample in samplers.items():
        assert found(sample, right) >= stats.binom.ppf(0.001, FILES, 0.95), name
    less = 0.6 * stated.temperature_factor**0.5
    assert found(lambda seed: Concrete(right.probs, less).sample_log(n, seed=seed), right) < 45
    assert found(lambda seed: clamped(seed, 0.1), right) < 45


def test_a_larger_file_shows_smaller_mistakes() -> None:
    few, many = sensitivity(1000, 3, 0.001, 9), sensitivity(100_000, 3, 0.001, 9)
    few_log, many_log = np.log([[one.temperature_factor, one.odds_factor] for one in (few, many)])
    np.testing.assert_allclose(few_log / many_log, 10)
    assert few.clamp / many.clamp == pytest.approx(100)


def test_nothing_is_said_where_nothing_is_known() -> None:
    right = Concrete([1, 3, 6], 3.0)
    x = right.sample(1000, seed=1)
    assert check(x**2 / (x**2).sum(axis=1, keepdims=True), right).sensitivity is None
    assert check(x[:20], right).sensitivity is None
    # The mean of log X is not what it was, and the score is not tested.
    assert check(x.round(3), right).sensitivity is None
    assert "factor of" in sensitivity(30, 2, 0.001, 8).sentence
