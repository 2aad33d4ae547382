"""The Kullback-Leibler divergence against an integral in mpmath and against samples."""

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gscli import Concrete, kl_divergence
from gscli.arrays import FloatArray, log_softmax
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


def hypoexponential_kl(a: FloatArray, b: FloatArray) -> float:
    """Return the divergence at equal temperatures, all b_k - a_k different, in closed form.

    Q = Σ c_k E_k, c_k = exp(b_k - a_k), has the density Σ A_k e^(-q/c_k) / c_k with
    A_k = Π_{j≠k} c_k / (c_k - c_j): so E[log Q] = Σ A_k log c_k - γ.
    """
    with mp.workdps(400):
        weights = [mp.exp(mp.mpf(d)) for d in (b - a).tolist()]
        log_sum = mp.mpf(0)
        for c in weights:
            log_sum += mp.log(c) * mp.fprod(c / (c - other) for other in weights if other != c)
        harmonic = mp.harmonic(len(a) - 1)
        return float(mp.fsum((a - b).tolist()) + len(a) * (log_sum - harmonic))


@pytest.mark.parametrize("k", [2, 3, 12, 100])
def test_equal_temperatures_have_a_closed_form_without_them(k: int) -> None:
    rng = np.random.default_rng(k)
    a, b = log_softmax(rng.normal(size=k)), log_softmax(3 * rng.normal(size=k))
    exact = hypoexponential_kl(a, b)
    for temperature in (0.001, 0.3, 1.0, 40.0):
        p, q = (Concrete(logits=logits, temperature=temperature) for logits in (a, b))
        assert kl_divergence(p, q) == pytest.approx(exact, rel=1e-12)
        assert 0 < p.categorical_kl(q) < exact  # rounding tells less


def test_categorical_divergence() -> None:
    p, q = Concrete([1, 3, 6], 2.0), Concrete([2, 1, 1], 0.5)
    expected = 0.1 * math.log(0.2) + 0.3 * math.log(1.2) + 0.6 * math.log(2.4)
    assert p.categorical_kl(q) == pytest.approx(expected, rel=1e-14)
    assert p.categorical_kl(p) == 0
    certain = Concrete(logits=[0.0, -800.0], temperature=1)
    assert certain.categorical_kl(Concrete([1, 1], 1)) == pytest.approx(math.log(2))


@pytest.mark.parametrize(("t", "s"), [(1.0, 1.0), (0.5, 2.0), (2.0, 0.5)])
def test_thousands_of_categories_are_many_alike(t: float, s: float) -> None:
    # Three hundred categories, each a hundred times less one part in 1e9: gathered or not.
    rng = np.random.default_rng(1)
    a, b = np.repeat(rng.normal(size=(2, 30)), 100, axis=1)
    apart = 1e-9 * rng.normal(size=a.size)
    q = Concrete(logits=b, temperature=s)
    together = kl_divergence(Concrete(logits=a, temperature=t), q)
    assert kl_divergence(Concrete(logits=a + apart, temperature=t), q) == pytest.approx(
        together, rel=1e-8
    )


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


def test_the_categorical_divergence_is_a_method_too() -> None:
    p, q = Concrete([1, 3, 6], 0.5), Concrete([1, 1, 2], 3)
    weights = np.array([0.1, 0.3, 0.6])
    expected = float(weights @ np.log(weights / np.array([0.25, 0.25, 0.5])))
    assert p.categorical_kl(q) == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ShapeError, match="3 and 2 categories"):
        p.categorical_kl(Concrete([1, 1], 1))


def test_logits_too_far_apart_are_an_error() -> None:
    far, near = (Concrete(logits=[0, high, 3], temperature=1) for high in (1e308, 1e200))
    uniform = Concrete([1, 1, 1], temperature=1)
    for p, q in ((far, uniform), (uniform, far)):
        with pytest.raises(AccuracyError, match="the divergence is beyond float64"):
            kl_divergence(p, q)
    assert math.isfinite(kl_divergence(near, uniform))
