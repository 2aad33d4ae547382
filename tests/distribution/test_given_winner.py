"""Moments given the winner against the exact unconditional ones, integrals and samples."""

from typing import Any

import numpy as np
import pytest
from scipy import integrate

from gscli import Concrete
from gscli.distribution import moments
from gscli.distribution.given_winner import GivenWinner, linear_moments
from gscli.errors import AccuracyError

WEIGHTS = [[1, 3, 6], [1, 1], [1e-9, 1, 1e-3, 1], [1, 2, 3, 4, 5, 6]]


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("temperature", [0.001, 0.02, 0.5, 3, 100])
def test_mean_jacobian_is_the_exact_one(weights: list[float], temperature: float) -> None:
    d = Concrete(weights, temperature)
    rule = GivenWinner(d.probs, temperature)
    exact = (np.diag(d.mean()) - moments.second_moment(d.logits, temperature)) / temperature
    for column, unit in zip(exact.T, np.eye(len(weights)), strict=True):
        given = [rule.moments(k, unit).mean for k in range(len(weights))]
        np.testing.assert_allclose(d.probs @ given, column, atol=2e-6 * np.abs(exact).max())


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("temperature", [0.001, 0.02, 0.5, 3, 100])
def test_mean_squared_jacobian_is_the_exact_one(weights: list[float], temperature: float) -> None:
    # ‖J‖² is the sum over the unit vectors of ‖J e‖².
    d = Concrete(weights, temperature)
    rule = GivenWinner(d.probs, temperature)
    mean = (np.diag(d.mean()) - moments.second_moment(d.logits, temperature)) / temperature
    exact = d.gradient_error().noise + np.square(mean).sum()
    found = sum(
        d.probs[k] * rule.moments(k, unit).mean_square
        for unit in np.eye(len(weights))
        for k in range(len(weights))
    )
    assert found == pytest.approx(exact, rel=2e-6)


@pytest.mark.parametrize("temperature", [0.1, 0.7, 4])
@pytest.mark.parametrize("p", [0.5, 0.9])
def test_quadratic_terms_are_integrals_of_the_logistic_law(p: float, temperature: float) -> None:
    # K = 2: t logit X_1 is logistic about logit p, and the first category wins above 1/2.
    rule = GivenWinner(np.array([p, 1 - p]), temperature, quadratic=True)
    offset, slope = np.array([0.3, -0.8]), 2.0
    centre = np.log(p / (1 - p))

    def integrand(y: float, power: int) -> float:
        x = 1 / (1 + np.exp(-y / temperature))
        g = x * (1 - x) * (slope * (2 * x - 1) + offset[0] - offset[1]) / temperature
        s = 1 / (1 + np.exp(centre - y))
        return float(g**power * s * (1 - s))

    for winner, ends in ((0, (0, 60)), (1, (-60, 0))):
        share = [p, 1 - p][winner]
        first, second = (
            integrate.quad(integrand, *ends, (power,), epsabs=1e-13, limit=500)[0] / share
            for power in (1, 2)
        )
        found = rule.moments(winner, offset, slope)
        np.testing.assert_allclose(found.mean, [first, -first], rtol=1e-7)
        assert found.mean_square == pytest.approx(2 * second, rel=1e-7)


@pytest.mark.parametrize("temperature", [0.3, 2.0])
def test_quadratic_terms_are_those_of_samples(temperature: float) -> None:
    d = Concrete([1, 3, 6, 2], temperature)
    offset, slope = np.array([0.2, -1.0, 0.5, 0.7]), 2.0
    x = d.sample(400_000, seed=1)
    u = slope * x + offset
    g = x * (u - (x * u).sum(axis=1, keepdims=True)) / temperature
    winner = x.argmax(axis=1)
    rule = GivenWinner(d.probs, temperature, quadratic=True)
    for k in range(4):
        of_k = g[winner == k]
        found = rule.moments(k, offset, slope)
        error = of_k.std(axis=0) / np.sqrt(len(of_k))
        assert (np.abs(of_k.mean(axis=0) - found.mean) < 5 * error).all()
        squares = np.square(of_k).sum(axis=1)
        assert abs(squares.mean() - found.mean_square) < 5 * squares.std() / np.sqrt(len(of_k))


def test_gradients_sum_to_zero_and_forget_constants() -> None:
    rule = GivenWinner(np.array([0.1, 0.3, 0.6]), 0.5, quadratic=True)
    offset: np.ndarray[Any, Any] = np.array([0.2, -1.0, 0.5])
    found, shifted = (rule.moments(1, offset + shift, 2.0) for shift in (0, 1e3))
    assert abs(found.mean.sum()) < 1e-9
    np.testing.assert_allclose(shifted.mean, found.mean, rtol=1e-9)


def test_range_of_temperatures() -> None:
    with pytest.raises(AccuracyError, match="is outside"):
        GivenWinner(np.array([0.5, 0.5]), 1e-4)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("temperature", [0.02, 0.5, 3, 100])
def test_the_moments_of_a_linear_loss_are_those_given_each_category(
    weights: list[float], temperature: float
) -> None:
    d = Concrete(weights, temperature)
    c = np.linspace(-1, 2, len(weights)) ** 2
    rule = GivenWinner(d.probs, temperature)
    given = [rule.moments(k, c) for k in range(len(weights))]
    found = linear_moments(d.logits, temperature, c)
    expected = d.probs @ [each.mean for each in given]
    np.testing.assert_allclose(found.mean, expected, atol=2e-6 * np.abs(expected).max())
    assert found.mean_square == pytest.approx(
        d.probs @ [each.mean_square for each in given], rel=2e-6
    )


def test_a_linear_loss_of_thousands_of_categories() -> None:
    logits = np.random.default_rng(1).normal(size=2000)
    d, c = Concrete(logits=logits, temperature=0.5), np.random.default_rng(2).normal(size=2000)
    found = linear_moments(d.logits, 0.5, c)
    exact = (d.mean() * c - moments.second_moment(d.logits, 0.5) @ c) / 0.5
    np.testing.assert_allclose(found.mean, exact, atol=1e-10 * np.abs(exact).max())
    x = d.sample(4000, seed=3)
    squares = np.square(x * (c - (x @ c)[:, None]) / 0.5).sum(axis=1)
    error = squares.std() / np.sqrt(len(x))
    assert abs(squares.mean() - found.mean_square) < 5 * error < found.mean_square / 5
