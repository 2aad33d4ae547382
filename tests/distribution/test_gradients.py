"""Bias and noise of the relaxed gradient against closed forms, brute force and autograd."""

import itertools
import math
import time
import tracemalloc
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gscli.distribution import moments, quadrature
from gscli.distribution.gradients import GradientError, best_temperature, gradient_error
from gscli.errors import AccuracyError, ParameterError
from tests.distribution.moment_oracles import logistic_expectation, mixed_moment

CLASSIC = np.log([1.0, 3.0, 6.0])


@pytest.mark.parametrize(
    ("temperature", "relative_bias"), [(3, 0.68399), (1, 0.30420), (0.5, 0.11660), (0.2, 0.02216)]
)
def test_relative_bias_of_the_classic_example(temperature: float, relative_bias: float) -> None:
    found = gradient_error(CLASSIC, temperature).relative_bias
    assert found == pytest.approx(relative_bias, abs=5e-6)


@pytest.mark.parametrize(
    ("temperature", "noise"), [(3, 0.0010520), (1, 0.0354535), (0.3, 0.388722)]
)
def test_noise_of_the_classic_example(temperature: float, noise: float) -> None:
    found = gradient_error(CLASSIC, temperature)
    assert found.noise == pytest.approx(noise, abs=6e-7 if noise > 0.1 else 6e-8)


@pytest.mark.parametrize(("batch_size", "best"), [(1, 1.27), (32, 0.52), (1024, 0.24)])
def test_best_temperature_of_the_classic_example(batch_size: int, best: float) -> None:
    assert best_temperature(CLASSIC, batch_size) == pytest.approx(best, abs=0.01)


@pytest.mark.parametrize(
    ("weights", "best"), [((1e-6, 8, 100), 2.87), ((1, 80_000, 1_000_000), 2.84), ((1, 7.7), 1.51)]
)
def test_best_temperature_may_lie_where_the_bias_changes_its_sign(
    weights: tuple[float, ...], best: float
) -> None:
    logits = np.log(weights)
    found = best_temperature(logits, 1024)
    assert found == pytest.approx(best, abs=0.02)
    least = gradient_error(logits, found).error(1024)
    for temperature in np.geomspace(0.01, 100, 120).tolist():
        assert gradient_error(logits, temperature).error(1024) >= least * (1 - 1e-3)


@pytest.mark.parametrize("temperature", [0.3, 3.0])
@pytest.mark.parametrize("difference", [34.0, 38.0, 50.0])
def test_noise_of_a_choice_that_is_all_but_made_keeps_its_digits(
    difference: float, temperature: float
) -> None:
    def product(power: int) -> Any:
        value = logistic_expectation(
            lambda y, z, _: mp.exp(power * (y + z)), difference, temperature
        )
        return value / mp.mpf(temperature) ** power

    expected = float(4 * (product(2) - product(1) ** 2))
    for logits in ([difference, 0.0], [0.0, difference]):
        assert gradient_error(logits, temperature).noise == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("temperature", [0.001, 0.02, 0.5, 1.0, 3.0, 50.0])
@pytest.mark.parametrize("difference", [0.0, 2.0, 15.0])
def test_two_categories_follow_the_logistic_law(difference: float, temperature: float) -> None:
    # J = X_1 X_2 / t times [[1, -1], [-1, 1]], and J0 = p_1 p_2 times the same.
    def product(power: int) -> Any:
        value = logistic_expectation(
            lambda y, z, _: mp.exp(power * (y + z)), difference, temperature
        )
        return value / mp.mpf(temperature) ** power

    target = mp.mpf(1) / (2 + mp.exp(difference) + mp.exp(-difference))
    found = gradient_error([difference, 0.0], temperature)
    assert found.bias == pytest.approx(float(2 * abs(product(1) - target)), rel=1e-6, abs=1e-12)
    assert found.noise == pytest.approx(float(4 * (product(2) - product(1) ** 2)), abs=1e-9)


@pytest.mark.parametrize("temperature", [0.1, 1.0, 5.0])
def test_noise_is_the_sum_over_all_pairs(temperature: float) -> None:
    logits = np.array([0.0, 1.0, -2.0, 3.0, 0.5])
    k = len(logits)

    def moment(*categories: int) -> float:
        powers = np.bincount(categories, minlength=k)
        return mixed_moment(logits, temperature, powers)

    squared = sum(moment(i, i) - 2 * moment(i, i, i) for i in range(k))
    squared += sum(moment(i, i, j, j) for i, j in itertools.product(range(k), repeat=2))
    mean = (np.diag(moments.mean(logits, temperature))) - moments.second_moment(logits, temperature)
    expected = (squared - np.square(mean).sum()) / temperature**2
    p = np.exp(logits) / np.exp(logits).sum()
    bias = np.linalg.norm(mean / temperature - (np.diag(p) - np.outer(p, p)))
    found = gradient_error(logits, temperature)
    assert found.noise == pytest.approx(expected, abs=1e-10)
    assert found.bias == pytest.approx(bias, abs=1e-11)
    assert found.bias / found.relative_bias == pytest.approx(
        np.linalg.norm(np.diag(p) - np.outer(p, p))
    )


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_autograd_agrees(torch: Any, temperature: float) -> None:
    n, k = 200_000, 3
    torch.manual_seed(3)
    logits = torch.tensor(CLASSIC).expand(n, k).clone().requires_grad_()
    relaxed = torch.distributions.RelaxedOneHotCategorical(
        torch.tensor(temperature, dtype=torch.float64), logits=logits
    )
    x = relaxed.rsample()
    rows = [torch.autograd.grad(x[:, i].sum(), logits, retain_graph=True)[0] for i in range(k)]
    jacobian = torch.stack(rows, dim=1).numpy()
    mean = jacobian.mean(axis=0)
    exact_mean = np.diag(moments.mean(CLASSIC, temperature))
    exact_mean -= moments.second_moment(CLASSIC, temperature)
    error = jacobian.std(axis=0) / math.sqrt(n)
    assert (np.abs(mean - exact_mean / temperature) < 5 * error).all()
    deviation = np.square(jacobian - mean).sum(axis=(1, 2))
    noise = gradient_error(CLASSIC, temperature).noise
    assert abs(deviation.mean() - noise) < 5 * deviation.std() / math.sqrt(n)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.floats(-8, 8), min_size=2, max_size=5),
    st.floats(0.01, 100),
    st.floats(-100, 100),
)
def test_a_shift_and_a_reversal_change_nothing(
    logits: list[float], temperature: float, shift: float
) -> None:
    found = gradient_error(logits, temperature)
    other = gradient_error(np.array(logits)[::-1] + shift, temperature)
    assert other.bias == pytest.approx(found.bias, abs=1e-11)
    assert other.noise == pytest.approx(found.noise, abs=1e-9)


@pytest.mark.parametrize("batch_size", [1, 1024])
@pytest.mark.parametrize("logits", [CLASSIC, [0.0, -5.0], [0.0, -10.0], np.zeros(10)])
def test_best_temperature_is_the_global_minimum(logits: Any, batch_size: int) -> None:
    grid = np.geomspace(0.001, 1000, 181).clip(0.001, 1000)
    errors = [gradient_error(logits, t).error(batch_size) for t in grid.tolist()]
    best = best_temperature(logits, batch_size)
    assert gradient_error(logits, best).error(batch_size) <= min(errors) * (1 + 1e-9)
    assert abs(math.log(best / grid[int(np.argmin(errors))])) < math.log(grid[1] / grid[0]) * 1.01


def test_error_of_a_batch() -> None:
    cost = GradientError(bias=0.3, relative_bias=1.0, noise=0.8, no_gradient=0.09)
    assert cost.error(1) == pytest.approx(0.89)
    assert cost.error(8) == pytest.approx(0.19)
    with pytest.raises(ParameterError, match="batch_size"):
        cost.error(0)


def test_tiles_of_categories_agree_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = np.random.default_rng(1).normal(size=50)
    whole = gradient_error(logits, 0.7)
    monkeypatch.setattr(quadrature, "TILE_VALUES", 2000)
    tiled = gradient_error(np.concatenate([logits[25:], logits[:25]]), 0.7)
    assert tiled.bias == pytest.approx(whole.bias, rel=1e-9)
    assert tiled.noise == pytest.approx(whole.noise, rel=1e-11)


def test_a_choice_that_is_made_has_no_relative_bias() -> None:
    found = gradient_error([0.0, -700.0], 1.0)
    assert math.isnan(found.relative_bias)
    assert found.bias < 1e-12
    with pytest.raises(AccuracyError, match="logits: "):
        best_temperature([0.0, -700.0], 1)


@pytest.mark.slow
def test_thousands_of_categories_in_bounded_memory() -> None:
    k, t = 8192, 0.5
    logits = np.zeros(k)
    tracemalloc.start()
    start = time.perf_counter()
    found = gradient_error(logits, t)
    seconds = time.perf_counter() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < k**2 * 8 / 2  # no K x K array
    assert seconds < 10

    def moment(*powers: int) -> float:
        return mixed_moment(logits, t, [*powers, *[0] * (k - len(powers))])

    # All categories alike: a matrix with rows of sum 0 is then a multiple of I - 1/K.
    mean, norm = moment(1, 1) / t, k * math.sqrt(k - 1)
    squared = k * (moment(2) - 2 * moment(3) + moment(4) + (k - 1) * moment(2, 2))
    assert found.bias == pytest.approx(abs(mean - 1 / k**2) * norm, rel=1e-6)
    assert found.noise == pytest.approx(squared / t**2 - (mean * norm) ** 2, rel=1e-9)


@pytest.mark.parametrize("pi", [[1e-4, 0.01, 1], [400] + [1] * 7, [1] * 100, [1, 1e-6], [1, 3, 6]])
@pytest.mark.parametrize(("batch_size", "limit"), [(1, 0.5), (32, 0.5), (1024, 0.05), (1, 1e9)])
def test_the_limited_best_temperature_is_the_best_within_the_limit(
    pi: list[float], batch_size: int, limit: float
) -> None:
    logits = np.log(pi)
    found = gradient_error(logits, best_temperature(logits, batch_size, limit))
    assert found.relative_bias <= limit
    costs = [gradient_error(logits, t) for t in np.geomspace(0.001, 1000, 400).tolist()]
    within = [cost.error(batch_size) for cost in costs if cost.relative_bias <= limit]
    assert found.error(batch_size) <= min(within) * (1 + 1e-6)


def test_the_limit_does_nothing_where_the_best_is_within_it() -> None:
    assert best_temperature(CLASSIC, 32, 0.5) == best_temperature(CLASSIC, 32)


@pytest.mark.parametrize("limit", [0.0, -1.0, math.nan])
def test_a_limit_of_the_bias_is_positive(limit: float) -> None:
    with pytest.raises(ParameterError, match="max_relative_bias"):
        best_temperature(CLASSIC, 1, limit)


def test_a_bias_that_no_temperature_reaches() -> None:
    with pytest.raises(AccuracyError, match="max_relative_bias: no temperature"):
        best_temperature(CLASSIC, 1, 1e-12)


def test_no_gradient_has_the_error_of_the_target() -> None:
    p = np.array([0.1, 0.3, 0.6])
    target = ((np.diag(p) - np.outer(p, p)) ** 2).sum()
    assert gradient_error(CLASSIC, 0.7).no_gradient == pytest.approx(float(target), rel=1e-12)
