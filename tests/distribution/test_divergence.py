"""The Kullback-Leibler divergence against an integral in mpmath and against samples."""

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gscli import Concrete
from gscli.distribution.divergence import kl_divergence
from gscli.errors import AccuracyError, ShapeError
from tests.distribution.moment_oracles import logistic_expectation

PAIRS = [(1.0, 1.0), (3.0, 0.5), (0.5, 3.0), (0.02, 50.0), (50.0, 0.02), (1.0, 2.0), (1.0, 1e-3)]


def log_density(log_x: tuple[Any, Any], d: Concrete) -> Any:
    """Log-density of two categories, Definition 1 of Maddison et al., in mpmath."""
    t = mp.mpf(d.temperature)
    scores = [mp.mpf(a) - t * y for a, y in zip(d.logits.tolist(), log_x, strict=True)]
    peak = max(scores)
    log_sum = peak + mp.log(sum(mp.exp(score - peak) for score in scores))
    return mp.log(t) + sum(scores) - 2 * log_sum


@pytest.mark.parametrize(("t", "s"), PAIRS)
def test_two_categories_follow_the_logistic_law(t: float, s: float) -> None:
    p, q = Concrete([1, 4], t), Concrete([3, 1], s)
    expected = logistic_expectation(
        lambda y, z, _: log_density((y, z), p) - log_density((y, z), q),
        float(p.logits[0] - p.logits[1]),
        t,
    )
    assert kl_divergence(p, q) == pytest.approx(float(expected), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("k", [3, 64])
@pytest.mark.parametrize(("t", "s"), PAIRS)
def test_samples_agree(k: int, t: float, s: float) -> None:
    rng = np.random.default_rng(k)
    p = Concrete(logits=rng.normal(size=k), temperature=t)
    q = Concrete(logits=rng.normal(size=k), temperature=s)
    log_x = p.sample_log(400_000 // k, seed=2)
    ratio = p.log_prob_log(log_x) - q.log_prob_log(log_x)
    assert abs(ratio.mean() - kl_divergence(p, q)) < 5 * ratio.std() / math.sqrt(len(ratio))


def test_half_the_step_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # log Q is narrow for its range where many exponentials meet a high power.
    p, q = Concrete(np.ones(2000), 0.5), Concrete(np.ones(2000), 20)
    divergence = kl_divergence(p, q)
    monkeypatch.setattr("gscli.distribution.divergence.STEP", 0.1)
    assert kl_divergence(p, q) == pytest.approx(divergence, rel=1e-13)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=2, max_size=6),
    st.floats(0.02, 50),
    st.floats(0.02, 50),
)
def test_zero_at_equality_and_nowhere_negative(
    logits: list[tuple[float, float]], t: float, s: float
) -> None:
    a, b = np.array(logits).T
    p, q = Concrete(logits=a, temperature=t), Concrete(logits=b, temperature=s)
    assert kl_divergence(p, p) == pytest.approx(0, abs=1e-10)
    divergence = kl_divergence(p, q)
    reversed_ = kl_divergence(
        Concrete(logits=a[::-1], temperature=t), Concrete(logits=b[::-1], temperature=s)
    )
    assert divergence >= 0
    assert reversed_ == pytest.approx(divergence, rel=1e-9, abs=1e-10)


def test_other_categories_and_temperatures_out_of_range_are_refused() -> None:
    p = Concrete([1, 3, 6], 1)
    with pytest.raises(ShapeError, match="3 and 2"):
        kl_divergence(p, Concrete([1, 3], 1))
    with pytest.raises(AccuracyError, match=r"temperature: 0\.0001"):
        kl_divergence(p, Concrete([1, 3, 6], 1e-4))
