"""Gradient estimators against autograd, enumeration, exact moments and the contract's numbers."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from gscli import Concrete
from gscli.distribution import noise as sampling
from gscli.distribution.estimators import (
    ESTIMATORS,
    Comparison,
    Estimator,
    EstimatorError,
    cautions,
    compare,
    exact_gradient,
)
from gscli.distribution.losses import (
    Loss,
    function_loss,
    linear_loss,
    quadratic_loss,
    table_loss,
)
from gscli.errors import AccuracyError, ParameterError

PI = np.array([1.0, 3.0, 6.0])
P = PI / 10
B = np.array([0.2, 0.5, 0.3])
LINEAR = linear_loss([0.3, -1.2, 2.0])
QUADRATIC = quadratic_loss(B)
W = np.array([1.0, 2.0, -1.0])
CUBIC = function_loss(lambda x: ((x - B) ** 3 @ W, 3 * W * (x - B) ** 2), 3)
# The same loss without what makes it known to be quadratic: relaxed is then Monte Carlo.
SIMULATED = function_loss(lambda x: (np.square(x - B).sum(axis=1), 2 * (x - B)), 3)

Array = np.ndarray[Any, Any]


def at(loss: Loss, name: Estimator, temperature: float = 0.5, **options: Any) -> EstimatorError:
    found = compare(np.log(PI), [temperature], loss, estimators=[name], **options)
    return found.errors[0][name]


def errors_of(gradients: Array, probs: Array, target: Array) -> tuple[float, float]:
    """Return squared bias and variance of an estimator that takes given values."""
    mean = probs @ gradients
    return float(np.square(mean - target).sum()), float(
        probs @ np.square(gradients - mean).sum(axis=1)
    )


@pytest.mark.parametrize("loss", [LINEAR, QUADRATIC, CUBIC])
def test_exact_gradient_is_a_finite_difference(loss: Loss) -> None:
    def expected_loss(logits: Array) -> float:
        p = np.exp(logits) / np.exp(logits).sum()
        return float(p @ loss.values)

    steps = 1e-6 * np.eye(3)
    logits = np.log(PI)
    numeric = [(expected_loss(logits + h) - expected_loss(logits - h)) / 2e-6 for h in steps]
    np.testing.assert_allclose(exact_gradient(P, loss), numeric, atol=1e-8)


def test_numbers_of_the_contract() -> None:
    straight = at(QUADRATIC, "straight-through")
    assert straight.squared_bias == pytest.approx(0.008845, abs=5e-7)
    assert straight.variance == pytest.approx(0.63083, abs=5e-6)
    rao = at(QUADRATIC, "gumbel-rao", inner_samples=10)
    assert rao.squared_bias == pytest.approx(straight.squared_bias, rel=1e-12)
    assert rao.variance == pytest.approx(0.36945, abs=5e-6)


@pytest.mark.parametrize("temperature", [0.3, 1.0])
@pytest.mark.parametrize("name", ["relaxed", "straight-through"])
@pytest.mark.parametrize("loss", [LINEAR, QUADRATIC])
def test_autograd_through_torch_agrees(
    torch: Any, name: Estimator, temperature: float, loss: Loss
) -> None:
    n = 200_000
    torch.manual_seed(1)
    logits = torch.log(torch.tensor(PI)).expand(n, 3).clone().requires_grad_()
    x = torch.nn.functional.gumbel_softmax(logits, temperature, name == "straight-through")
    if loss is LINEAR:
        (x @ torch.tensor(loss.values)).sum().backward()
    else:
        torch.square(x - torch.tensor(B)).sum().backward()
    gradient = logits.grad.numpy()
    target = exact_gradient(P, loss)
    found = at(loss, name, temperature)
    assert found.exact
    mean_error = gradient.std(axis=0) / math.sqrt(n)
    bias = np.square(gradient.mean(axis=0) - target).sum()
    slack = 2 * 5 * np.linalg.norm(mean_error) * math.sqrt(bias) + 25 * np.square(mean_error).sum()
    assert abs(bias - found.squared_bias) < slack < max(bias, 0.01)
    for value, squares in (
        (found.mse[1], np.square(gradient - target).sum(axis=1)),
        (found.variance, np.square(gradient - gradient.mean(axis=0)).sum(axis=1)),
    ):
        assert value is not None
        assert abs(value - squares.mean()) < 5 * squares.std() / math.sqrt(n) < value / 10


@pytest.mark.parametrize("loss", [LINEAR, QUADRATIC, CUBIC])
@pytest.mark.parametrize("temperature", [0.2, 1.0])
def test_gumbel_rao_averages_straight_through_given_the_outcome(
    loss: Loss, temperature: float
) -> None:
    # By the law of total variance B + W / S: the straight-through gradient's variances between and
    # within outcomes, here of samples.
    d = Concrete(PI, temperature)
    x = d.sample(400_000, seed=9)
    winner = x.argmax(axis=1)
    u = loss.at_vertices(winner)
    gradient = x * (u - (x * u).sum(axis=1, keepdims=True)) / temperature
    means = np.array([gradient[winner == k].mean(axis=0) for k in range(3)])
    within = np.square(gradient - means[winner]).sum(axis=1).mean()
    between = P @ np.square(means - P @ means).sum(axis=1)
    for inner in (1, 20):
        found = at(loss, "gumbel-rao", temperature, inner_samples=inner)
        assert found.variance == pytest.approx(between + within / inner, rel=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_zgr_is_unbiased_for_quadratic_losses(seed: int) -> None:
    # For any quadratic form, not only a distance; for another loss it is not.
    random = np.random.default_rng(seed)
    size = 2 + seed
    matrix = random.normal(size=(size, size))
    symmetric, offset = matrix + matrix.T, random.normal(size=size)
    loss = function_loss(
        lambda x: (((x @ symmetric) * x).sum(axis=1) + x @ offset, 2 * x @ symmetric + offset), size
    )
    logits = random.normal(size=size)
    found = compare(logits, [1.0], loss, estimators=["zgr"]).errors[0]["zgr"]
    assert found.squared_bias <= 1e-28 * found.variance
    assert at(CUBIC, "zgr").squared_bias > 1e-3


def test_zgr_is_the_cold_limit_of_gumbel_rao() -> None:
    cold = [at(CUBIC, "gumbel-rao", t, inner_samples=10**9) for t in (0.002, 0.001)]
    zgr = at(CUBIC, "zgr")
    for figure in ("squared_bias", "variance"):
        limit = 2 * getattr(cold[1], figure) - getattr(cold[0], figure)
        assert limit == pytest.approx(getattr(zgr, figure), rel=1e-4)


@pytest.mark.parametrize("loss", [LINEAR, QUADRATIC, CUBIC])
def test_reinmax_equals_zgr_at_temperature_one(loss: Loss) -> None:
    assert at(loss, "reinmax", 1.0).variance == pytest.approx(at(loss, "zgr").variance, rel=1e-12)
    assert at(loss, "reinmax", 1.0).squared_bias == pytest.approx(
        at(loss, "zgr").squared_bias, rel=1e-12, abs=1e-28
    )


@pytest.mark.parametrize("temperature", [0.7, 1.0, 1.7])
def test_reinmax_is_its_authors_algorithm_through_autograd(torch: Any, temperature: float) -> None:
    # Algorithm 2 of Liu et al. (2023), for each outcome in turn.
    gradients = []
    for k in range(3):
        theta = torch.log(torch.tensor(PI)).requires_grad_()
        pi_0 = torch.softmax(theta, dim=0)
        one_hot = torch.eye(3, dtype=torch.float64)[k]
        pi_1 = (one_hot + torch.softmax(theta / temperature, dim=0)) / 2
        pi_1 = torch.softmax((torch.log(pi_1) - theta).detach() + theta, dim=0)
        pi_2 = 2 * pi_1 - pi_0 / 2
        d = pi_2 - pi_2.detach() + one_hot
        (torch.tensor(W) * (d - torch.tensor(B)) ** 3).sum().backward()
        gradients.append(theta.grad.numpy())
    bias, variance = errors_of(np.array(gradients), P, exact_gradient(P, CUBIC))
    found = at(CUBIC, "reinmax", temperature)
    assert found.exact
    assert found.squared_bias == pytest.approx(bias, rel=1e-10)
    assert found.variance == pytest.approx(variance, rel=1e-10)


def test_reinmax_is_of_second_order() -> None:
    # Exact for linear and quadratic losses at t = 1, where straight-through with the softmax's own
    # Jacobian is exact for linear ones alone.
    for loss in (LINEAR, QUADRATIC):
        assert at(loss, "reinmax", 1.0).squared_bias < 1e-28
    first_order = [(np.diag(P) - np.outer(P, P)) @ u for u in QUADRATIC.at_vertices(np.arange(3))]
    target = exact_gradient(P, QUADRATIC)
    assert errors_of(np.array(first_order), P, target)[0] > 1e-2


@pytest.mark.parametrize("m", [1, 2, 3])
def test_reinforce_is_an_enumeration_of_batches(m: int) -> None:
    target = exact_gradient(P, CUBIC)
    f, score = CUBIC.values, np.eye(3) - P
    plain, loo, weights = [], [], []
    for batch in map(list, itertools.product(range(3), repeat=m)):
        weights.append(P[batch].prod())
        plain.append((f[batch][:, None] * score[batch]).mean(axis=0))
        if m > 1:
            others = (f[batch].sum() - f[batch]) / (m - 1)
            loo.append(((f[batch] - others)[:, None] * score[batch]).mean(axis=0))
    bias, variance = errors_of(np.array(plain), np.array(weights), target)
    found = at(CUBIC, "reinforce", batch_sizes=[m])
    assert found.squared_bias == 0
    assert found.mse[m] == pytest.approx(variance, rel=1e-12)
    assert bias < 1e-28
    with_baseline = at(CUBIC, "reinforce-loo", batch_sizes=[m])
    if m == 1:
        assert with_baseline.mse[m] is None
        return
    bias, variance = errors_of(np.array(loo), np.array(weights), target)
    assert bias < 1e-28
    assert with_baseline.mse[m] == pytest.approx(variance, rel=1e-12)


def test_the_variance_of_leave_one_out_is_that_of_large_batches() -> None:
    found = at(CUBIC, "reinforce-loo", batch_sizes=[10**6])
    assert found.mse[10**6] == pytest.approx(found.variance / 10**6, rel=1e-5)


@pytest.mark.parametrize("temperature", [0.2, 1.0, 3.0])
def test_simulation_agrees_with_what_is_exact(
    monkeypatch: pytest.MonkeyPatch, temperature: float
) -> None:
    options: Any = {"n": 100_000, "inner_samples": 3, "batch_sizes": (1, 100)}
    logits = np.log(PI)
    exact = compare(logits, [temperature], QUADRATIC, **options).errors[0]
    monkeypatch.setattr("gscli.distribution.estimators.EXACT_CATEGORIES", 2)
    found = compare(logits, [temperature], QUADRATIC, **options).errors[0]
    for name in ("relaxed", "straight-through", "gumbel-rao"):
        assert (exact[name].exact, found[name].exact) == (True, False)
        spread = found[name].standard_errors
        assert spread is not None
        for figure in ("squared_bias", "variance"):
            difference = getattr(found[name], figure) - getattr(exact[name], figure)
            assert abs(difference) < 5 * spread[figure]
        for m in (1, 100):
            value, sampled = exact[name].mse[m], found[name].mse[m]
            assert value is not None
            assert sampled is not None
            assert abs(value - sampled) < 5 * spread["mse"][m] < value
    for name in ESTIMATORS[3:]:
        assert found[name].exact
        assert found[name].standard_errors is None


def test_simulated_estimators_share_their_noise() -> None:
    # Of a linear loss, which is not known to be one, relaxed and straight-through are the same.
    c = np.sin(np.arange(17.0))
    loss = function_loss(lambda x: (x @ c, np.tile(c, (len(x), 1))), 17)
    found = [compare(np.zeros(17), [0.5], loss, n=1000, seed=seed).errors[0] for seed in (3, 3, 4)]
    for each in found:
        relaxed, straight = each["relaxed"], each["straight-through"]
        assert relaxed.variance == pytest.approx(straight.variance, rel=1e-12)
        assert not relaxed.exact
    assert found[0]["relaxed"].variance == found[1]["relaxed"].variance
    assert found[0]["relaxed"].variance != found[2]["relaxed"].variance


def test_standard_errors_are_those_of_repetitions() -> None:
    runs = [at(SIMULATED, "relaxed", n=1000, seed=seed, batch_sizes=[1, 32]) for seed in range(200)]
    stated = [run.standard_errors or {} for run in runs]
    for figure in ("squared_bias", "variance"):
        spread = np.std([getattr(run, figure) for run in runs])
        assert np.mean([each[figure] for each in stated]) == pytest.approx(spread, rel=0.2)
    for m in (1, 32):
        spread = np.std([run.mse[m] or 0 for run in runs])
        assert np.mean([each["mse"][m] for each in stated]) == pytest.approx(spread, rel=0.2)


def test_standard_error_of_a_mean_is_the_usual_one() -> None:
    # With rows in 32 batches of one size, the jackknife's is that of the mean of batch means.
    d, n = Concrete(PI, 0.5), 32 * 64
    found = at(SIMULATED, "relaxed", n=n)
    log_e = np.concatenate(list(sampling.stream(sampling.log_exponential, 3, n, seed=0, threads=1)))
    x = d.from_noise(-np.exp(log_e.T)).T
    u = 2 * (x - B)
    gradient = x * (u - (x * u).sum(axis=1, keepdims=True)) / d.temperature
    squares = np.square(gradient - exact_gradient(P, QUADRATIC)).sum(axis=1)
    assert found.mse[1] == pytest.approx(squares.mean(), rel=1e-12)
    batch_means = squares.reshape(32, 64).mean(axis=1)
    assert found.standard_errors is not None
    error = batch_means.std(ddof=1) / math.sqrt(32)
    assert found.standard_errors["mse"][1] == pytest.approx(error, rel=1e-9)


def test_many_categories_are_summed_in_tiles() -> None:
    size = 700
    logits = np.random.default_rng(2).normal(size=size)
    p = Concrete(logits=logits, temperature=1).probs
    b = np.random.default_rng(3).normal(size=size)
    loss = quadratic_loss(b)
    names: list[Estimator] = ["zgr", "reinforce"]
    found = compare(logits, [1.0], loss, estimators=names).errors[0]
    u = 2 * (np.eye(size) - b)
    u -= np.diagonal(u)[:, None]
    gradients = p * u / 2
    np.fill_diagonal(gradients, 0)
    np.fill_diagonal(gradients, -gradients.sum(axis=1))
    _, variance = errors_of(gradients, p, exact_gradient(p, loss))
    assert found["zgr"].squared_bias == 0
    assert found["zgr"].variance == pytest.approx(variance)
    plain = loss.values[:, None] * (np.eye(size) - p)
    _, variance = errors_of(plain, p, exact_gradient(p, loss))
    assert found["reinforce"].variance == pytest.approx(variance)


def comparison(loss: Loss = QUADRATIC, **options: Any) -> Comparison:
    return compare(np.log(PI), np.geomspace(0.1, 3, 7).tolist(), loss, **options)


def test_linear_losses_are_exact_for_many_categories() -> None:
    size = 50
    c = np.sin(np.arange(size))
    names: list[Estimator] = ["relaxed", "straight-through"]
    exact = compare(np.zeros(size), [0.5], linear_loss(c), estimators=names).errors[0]
    assert exact["relaxed"].exact
    assert exact["straight-through"].mse == exact["relaxed"].mse
    loss = function_loss(lambda x: (x @ c, np.tile(c, (len(x), 1))), size)
    found = compare(np.zeros(size), [0.5], loss, estimators=["relaxed"]).errors[0]["relaxed"]
    spread = found.standard_errors or {}
    assert abs(found.variance - exact["relaxed"].variance) < 5 * spread["variance"]
    assert abs(found.squared_bias - exact["relaxed"].squared_bias) < 5 * spread["squared_bias"]


def test_best_is_the_least_error() -> None:
    found = comparison(batch_sizes=[1, 64])
    for m, best in found.best().items():
        errors = {
            (name, t): error.mse[m]
            for t, by_name in zip(found.temperatures, found.errors, strict=True)
            for name, error in by_name.items()
            if error.mse[m] is not None
        }
        assert best.mse == min(value for value in errors.values() if value is not None)
        assert errors[best.estimator, best.temperature or found.temperatures[0]] == best.mse
        assert best.over_no_gradient == pytest.approx(best.mse / found.no_gradient)
    assert found.best()[64].temperature is None
    assert found.best()[64].estimator == "reinforce-loo"


def test_a_shrunk_gradient_is_said_to_be_one() -> None:
    found = comparison(batch_sizes=[1])
    assert found.best()[1].shrunk
    assert not found.best(0.5)[1].shrunk
    (shrunk,) = cautions(found)
    assert shrunk == (
        "For m = 1 the error is least for relaxed at t = 3 (bias 60 %), a gradient that is only "
        "shrunk towards 0: not advised."
    )
    names: list[Estimator] = ["straight-through", "reinforce"]
    worse = comparison(batch_sizes=[1, 2], estimators=names)
    assert list(cautions(worse))[-1] == (
        "For m = 1, 2 no gradient at all has a smaller error: average more samples."
    )
    assert list(cautions(comparison(batch_sizes=[1024]))) == []


def test_a_loss_that_does_not_depend_on_the_choice() -> None:
    flat = comparison(table_loss([0, 0, 0]))
    assert flat.best() == {}
    assert "its gradient is 0" in next(cautions(flat))


def test_a_loss_that_is_constant_but_for_rounding_has_no_gradient() -> None:
    constant = function_loss(lambda x: ((x**3).sum(axis=1), 3 * x**2), 3)
    for loss in (constant, linear_loss([0.1 + 0.2, 0.3, 0.3])):
        assert exact_gradient(np.array([0.1, 0.3, 0.6]), loss).tolist() == [0, 0, 0]


def test_a_shrunk_gradient_needs_no_temperature() -> None:
    unbiased, shrunk = (EstimatorError(bias, 1.0, {1: bias + 1.0}, True) for bias in (9.0, 0.9))
    found = Comparison(np.array([1.0]), (0.5,), (1,), ({"relaxed": unbiased, "zgr": shrunk},), {})
    assert next(cautions(found)).startswith("For m = 1 the error is least for zgr (bias 95 %)")


def test_gradients_that_are_missing_leave_estimators_out() -> None:
    values = comparison(table_loss([1, 2, 4]))
    assert values.estimators == ("reinforce", "reinforce-loo")
    assert values.unavailable["zgr"] == "needs gradients at the vertices"
    gradients = np.column_stack([QUADRATIC.values, QUADRATIC.at_vertices(np.arange(3))])
    full = comparison(table_loss(gradients))
    assert full.unavailable == {"relaxed": "needs gradients inside the simplex"}
    whole = comparison()
    for name in full.estimators:
        for ours, theirs in zip(full.errors, whole.errors, strict=True):
            assert ours[name].mse == pytest.approx(theirs[name].mse)
    assert whole.estimators == ESTIMATORS


def test_logits_beyond_float64_at_the_temperature_are_quiet() -> None:
    far, near = (compare([low, 0, -1], [0.1], QUADRATIC) for low in (-1e308, -700.0))
    for name in ESTIMATORS:
        assert far.errors[0][name].mse == pytest.approx(near.errors[0][name].mse)


def test_parameters_are_checked() -> None:
    with pytest.raises(ParameterError, match="2 categories, but there are 3"):
        comparison(linear_loss([1.0, 2.0]))
    with pytest.raises(ParameterError, match="inner_samples"):
        comparison(inner_samples=0)
    with pytest.raises(ParameterError, match="n: 63"):
        comparison(n=63)
    with pytest.raises(AccuracyError, match="temperature"):
        compare(np.log(PI), [1e-4], QUADRATIC)
