"""Gradient estimators against autograd, exact moments and the law of total variance."""

import math
from typing import Any

import numpy as np
import pytest

from gscli import Concrete
from gscli.distribution import moments
from gscli.distribution import noise as sampling
from gscli.distribution.estimators import (
    Estimator,
    LinearLoss,
    Loss,
    QuadraticLoss,
    estimator_errors,
    exact_gradient,
)
from gscli.errors import ParameterError, ShapeError

PI = np.array([1.0, 3.0, 6.0])
LINEAR = LinearLoss([0.3, -1.2, 2.0])
QUADRATIC = QuadraticLoss([0.2, 0.5, 0.3])


@pytest.mark.parametrize("loss", [LINEAR, QUADRATIC])
def test_exact_gradient_is_a_finite_difference(loss: Loss) -> None:
    def expected_loss(logits: np.ndarray[Any, Any]) -> float:
        p = np.exp(logits) / np.exp(logits).sum()
        vertices = np.eye(3)
        if isinstance(loss, QuadraticLoss):
            return float(p @ np.square(vertices - loss.target).sum(axis=1))
        return float(p @ vertices @ loss.at_vertices())

    steps = 1e-6 * np.eye(3)
    logits = np.log(PI)
    numeric = [(expected_loss(logits + h) - expected_loss(logits - h)) / 2e-6 for h in steps]
    np.testing.assert_allclose(exact_gradient(Concrete(PI, 1), loss), numeric, atol=1e-8)


@pytest.mark.parametrize("temperature", [0.3, 2.0])
def test_relaxed_bias_of_a_linear_loss_is_exact(temperature: float) -> None:
    d = Concrete(PI, temperature)
    mean_jacobian = np.diag(d.mean()) - moments.second_moment(d.logits, temperature)
    c = LINEAR.coefficients
    exact = np.square(mean_jacobian @ c / temperature - exact_gradient(d, LINEAR)).sum()
    found = estimator_errors(d, LINEAR, n=200_000, inner_samples=1)["relaxed"]
    assert 0 < found.squared_bias_se < 0.01
    assert abs(found.squared_bias - exact) < 5 * found.squared_bias_se
    assert found.mse == pytest.approx(found.squared_bias + found.variance)


@pytest.mark.parametrize("temperature", [0.3, 1.0])
@pytest.mark.parametrize("name", ["relaxed", "straight-through"])
def test_autograd_agrees(torch: Any, name: Estimator, temperature: float) -> None:
    n = 200_000
    torch.manual_seed(1)
    logits = torch.log(torch.tensor(PI)).expand(n, 3).clone().requires_grad_()
    x = torch.nn.functional.gumbel_softmax(logits, temperature, name == "straight-through")
    torch.square(x - torch.tensor(QUADRATIC.target)).sum().backward()
    gradient = logits.grad.numpy()
    d = Concrete(PI, temperature)
    squares = np.square(gradient - exact_gradient(d, QUADRATIC)).sum(axis=1)
    deviations = np.square(gradient - gradient.mean(axis=0)).sum(axis=1)
    found = estimator_errors(d, QUADRATIC, n=n, inner_samples=1)[name]
    for value, se, sample in (
        (found.mse, found.mse_se, squares),
        (found.variance, found.variance_se, deviations),
    ):
        assert 0 < se < value / 20
        assert abs(value - sample.mean()) < 5 * math.hypot(se, sample.std() / math.sqrt(n))


@pytest.mark.parametrize("loss", [LINEAR, QUADRATIC])
@pytest.mark.parametrize("temperature", [0.2, 1.0])
def test_gumbel_rao_averages_straight_through_given_the_outcome(
    loss: Loss, temperature: float
) -> None:
    # Same mean; and by the law of total variance B + W / inner_samples, where B and W are the
    # straight-through gradient's variances between and within outcomes.
    d = Concrete(PI, temperature)
    x = d.sample(200_000, seed=9)
    winner = x.argmax(axis=1)
    at_vertex = loss.gradient(np.eye(3)[winner])
    gradient = x * (at_vertex - (x * at_vertex).sum(axis=1, keepdims=True)) / temperature
    means = np.array([gradient[winner == k].mean(axis=0) for k in range(3)])
    within = np.square(gradient - means[winner]).sum(axis=1).mean()
    between = d.probs @ np.square(means - d.probs @ means).sum(axis=1)
    for inner in (1, 20):
        found = estimator_errors(d, loss, n=50_000, inner_samples=inner, seed=2)
        rao, straight = found["gumbel-rao"], found["straight-through"]
        assert rao.variance == pytest.approx(between + within / inner, rel=0.05)
        difference = abs(rao.squared_bias - straight.squared_bias)
        assert difference < 5 * math.hypot(rao.squared_bias_se, straight.squared_bias_se)


def test_standard_errors_are_those_of_repetitions() -> None:
    d = Concrete(PI, 0.5)
    runs = [
        estimator_errors(d, QUADRATIC, n=1000, inner_samples=2, seed=seed)["relaxed"]
        for seed in range(200)
    ]
    for figure in ("squared_bias", "variance", "mse"):
        spread = np.std([getattr(run, figure) for run in runs])
        stated = np.mean([getattr(run, f"{figure}_se") for run in runs])
        assert stated == pytest.approx(spread, rel=0.2)


def test_standard_error_of_a_mean_is_the_usual_one() -> None:
    # With rows in 32 batches of one size, the jackknife's is that of the mean of batch means.
    d, n = Concrete(PI, 0.5), 32 * 64
    found = estimator_errors(d, LINEAR, n=n, inner_samples=1)["relaxed"]
    log_e = np.concatenate(
        [rows[:, :3] for rows in sampling.stream(sampling.log_exponential, 6, n, seed=0, threads=1)]
    )
    x = d.from_noise(-np.exp(log_e.T)).T
    c = LINEAR.coefficients
    gradient = x * (c - (x @ c)[:, None]) / d.temperature
    squares = np.square(gradient - exact_gradient(d, LINEAR)).sum(axis=1)
    assert found.mse == pytest.approx(squares.mean(), rel=1e-12)
    batch_means = squares.reshape(32, 64).mean(axis=1)
    assert found.mse_se == pytest.approx(batch_means.std(ddof=1) / math.sqrt(32), rel=1e-9)


def test_parameters_are_checked() -> None:
    d = Concrete(PI, 1)
    with pytest.raises(ShapeError, match="3 categories"):
        estimator_errors(d, LinearLoss([1.0, 2.0]))
    with pytest.raises(ParameterError, match="inner_samples"):
        estimator_errors(d, LINEAR, inner_samples=0)
    with pytest.raises(ParameterError, match="n: 63"):
        estimator_errors(d, LINEAR, n=63)
