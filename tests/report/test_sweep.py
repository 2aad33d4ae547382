"""A sweep: samples beside exact facts, their tests, and the lines."""

import base64

import numpy as np
import pytest

from gscli.arrays import largest
from gscli.distribution.concrete import Concrete
from gscli.distribution.noise import log_exponential, stream
from gscli.errors import AccuracyError, ParameterError
from gscli.report import sweep as sweep_module
from gscli.report.sweep import (
    Sweep,
    embedded_noise,
    finish,
    noise_state,
    sweep_steps,
)


def made(
    pi: list[float], temperatures: list[float], *, n: int = 3000, seed: int = 1, threads: int = 2
) -> Sweep:
    steps = sweep_steps(Concrete(pi, 1), temperatures, n=n, seed=seed, threads=threads)
    return finish(list(steps), n=n, seed=seed)


@pytest.mark.parametrize("pi", [[1, 1], [1, 3, 6], [5, 4, 3, 2, 1, 1, 1, 1, 1, 1]])
def test_samples_lie_about_the_exact_facts(pi: list[float]) -> None:
    for step in made(pi, [0.001, 0.05, 0.5, 3.0, 1000.0]).steps:
        facts, found = step.facts, step.summary
        assert found.n == 3000
        assert np.all(np.abs(found.mean - facts.mean) < 5 * found.mean_se + 1e-12)
        assert abs(step.entropy - facts.entropy) < 5 * step.entropy_se
        # At t = 0.001 the few rows that are not one-hot decide; two of them may be missing.
        assert (
            abs(found.expected_max - facts.expected_max) < 5 * found.expected_max_se + 2 / found.n
        )
        assert abs(found.near_vertex - facts.near_vertex) < 5 * found.near_vertex_se
        assert step.verdict.consistent


def test_samples_are_those_of_the_stream() -> None:
    (step,) = made([1, 3, 6], [0.5], n=1234, seed=5).steps
    x = Concrete([1, 3, 6], 0.5).sample(1234, seed=5)
    np.testing.assert_allclose(step.summary.mean, x.mean(axis=0), rtol=1e-12)
    surprise = -Concrete([1, 3, 6], 0.5).log_prob(x)
    assert step.entropy == pytest.approx(surprise.mean(), abs=1e-6)


def test_threads_change_nothing() -> None:
    one, two = (made([1, 3, 6], [0.5, 1.0], threads=t) for t in (1, 2))
    for a, b in zip(one.steps, two.steps, strict=True):
        assert np.array_equal(a.summary.mean, b.summary.mean)
        assert a.entropy == b.entropy
        assert [t.p_value for t in a.verdict.tests] == [t.p_value for t in b.verdict.tests]


def test_the_lines_span_the_grid_in_any_order() -> None:
    sweep = made([1, 3, 6], [3.0, 0.1, 1.0], n=100)
    assert sweep.temperatures == [3.0, 0.1, 1.0]
    grid = [facts.distribution.temperature for facts in sweep.curve]
    assert len(grid) >= 61
    assert grid == sorted(grid)
    assert {0.1, 1.0, 3.0} <= set(grid)
    assert (grid[0], grid[-1]) == (0.1, 3.0)
    assert sweep.advice is not None
    assert {each.best for each in sweep.advice.values()} <= set(grid)


def test_a_single_temperature_has_no_line() -> None:
    assert len(made([1, 3, 6], [1.0], n=100).curve) == 1


def test_many_categories_have_the_grid_for_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_module, "CURVE_POINTS", {1: 61, 2: 5})
    assert len(made([1, 3], [3.0, 0.4], n=100).curve) >= 5
    sweep = made([1, 3, 6], [3.0, 0.4], n=100)
    grid = [f.distribution.temperature for f in sweep.curve]
    assert sweep.advice is not None
    assert grid == [0.4, sweep.advice[32].best, sweep.advice[1].best, 3.0]


def test_of_many_samples_some_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_module, "CHECKED_ROWS", 5000)
    sweep = made([1, 3, 6], [0.5, 1.0], n=4000)
    assert {(step.checked, step.verdict.n, step.summary.n) for step in sweep.steps} == {
        (2500, 2500, 4000)
    }


def test_of_many_categories_some_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_module, "CHECKED_CATEGORIES", 4)
    (step,) = made([1, 2, 3, 4, 5, 6], [0.5]).steps
    assert step.verdict.consistent
    rounding = next(c for c in step.verdict.comparisons if c.test == "rounding")
    assert len(rounding.observed) == 4
    np.testing.assert_allclose(np.ravel(rounding.expected) / 3000, np.array([3, 4, 5, 6]) / 18)


def test_costs_are_multiples_of_the_least_error() -> None:
    sweep = made([1, 3, 6], [1.0], n=100)
    assert sweep.advice is not None
    assert sweep.cost(sweep.advice[32].best, 32) == pytest.approx(1)
    assert sweep.cost(2 / 3, 32) == pytest.approx(1.166, abs=0.002)
    assert sweep.cost(1e-4, 32) is None  # below the range of exact moments: 1/(K-1), large K
    assert made([1, 1e-12], [1.0], n=100).cost(1.0, 32) is None


def test_refused() -> None:
    with pytest.raises(ParameterError, match="samples: 1 is too few"):
        made([1, 3], [1.0], n=1)
    with pytest.raises(AccuracyError, match="outside"):
        made([1, 3], [1e-5])


def test_embedded_noise_is_that_of_the_samples() -> None:
    found = embedded_noise(5, 2000, seed=3, categories=(1, 4))
    whole = np.frombuffer(base64.b64decode(found["values"]), "<i2").reshape(2000, 2)
    noise = whole * found["unit"]
    d = Concrete([1, 2, 3, 4, 5], 0.7)
    log_x = d.sample_log(2000, seed=3)
    ratio = (d.logits[1] - d.logits[4] - noise[:, 0] + noise[:, 1]) / 0.7
    np.testing.assert_allclose(ratio, log_x[:, 1] - log_x[:, 4], atol=2e-3)


def test_noise_state_is_that_of_the_stream() -> None:
    found = noise_state(20, seed=2**100 + 1)
    assert found["lanes"] == 16384
    words = [high << 32 | low for high, low in batched(found["state"])]
    again = np.random.SFC64(0)
    again.state = {**again.state, "state": {"state": np.array(words, np.uint64)}}
    first = -np.log(np.random.Generator(again).random())
    expected = next(iter(stream(log_exponential, 20, 1, seed=2**100 + 1)))[0, 0]
    assert np.log(first) == pytest.approx(expected, rel=1e-12)


def batched(values: list[int]) -> list[tuple[int, ...]]:
    return [tuple(values[i : i + 2]) for i in range(0, len(values), 2)]


def test_the_largest_categories_keep_their_order() -> None:
    assert largest(np.log([0.1, 0.5, 0.1, 0.3]), 3) == (0, 1, 3)
    assert largest(np.log([1.0, 2.0]), 3) == (0, 1)
