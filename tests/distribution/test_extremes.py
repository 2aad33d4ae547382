"""The largest component and each component's law: closed forms, quadrature, sums and samples."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gscli import Concrete
from gscli.arrays import FloatArray
from gscli.distribution import extremes, moments
from gscli.distribution import noise as sampling
from gscli.distribution.extremes import (
    expected_max,
    marginal_cdf,
    marginal_pdf,
    marginal_quantile,
    near_vertex,
)
from gscli.errors import AccuracyError, ParameterError
from tests.distribution.moment_oracles import mixed_moment
from tests.distribution.oracles.logistic import logistic_law
from tests.distribution.oracles.winner import near_the_largest, over_the_largest

CLASSIC = np.log([1.0, 3.0, 6.0])
TEMPERATURES = [0.001, 0.02, 0.3, 0.99, 1.0, 1.5, 3.0, 10.0, 50.0, 200.0, 1000.0]
WEIGHTS = [(1.0, 3.0, 6.0), (1.0, 1.0, 1000.0), (1e-4, 1.0, 1.0)]


def tolerance(temperature: float, num_categories: int = 3) -> float:
    """Return the error that the docstrings state."""
    return (1e-13 if temperature <= 50 else 1e-11) * max(10, num_categories)


def points(temperature: float, difference: float) -> FloatArray:
    """Return values of x from tail to tail, as far as it differs from 0 and 1."""
    log_odds = np.append(difference + np.linspace(-30, 30, 121), 0) / temperature
    return 1 / (1 + np.exp(-log_odds[np.abs(log_odds) <= 30]))


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("difference", [0.0, 1.3, -12.0])
def test_two_categories_follow_the_logistic_law(difference: float, temperature: float) -> None:
    logits, x = [difference, 0.0], points(temperature, difference)
    above, density = logistic_law(difference, temperature, np.log(x) - np.log1p(-x))
    bound = tolerance(temperature)
    found = marginal_cdf(logits, temperature, 0, x)
    np.testing.assert_allclose(found, 1 - above, rtol=0, atol=bound)
    other = marginal_cdf(logits, temperature, 1, 1 - x)
    rounding = density * 1e-16 / (x * (1 - x))  # of 1 - x
    assert (np.abs(other - above) <= bound + rounding).all()
    found = marginal_pdf(logits, temperature, 0, x) * x * (1 - x)
    np.testing.assert_allclose(found, density, rtol=0, atol=bound * temperature)


@pytest.mark.parametrize("temperature", [0.001, 0.3, 1.0, 3.0, 50.0])
@pytest.mark.parametrize("far", [700.0, 1e4, 1e308])
def test_a_category_far_below_the_others_changes_nothing_or_little(
    far: float, temperature: float
) -> None:
    logits, x = [0.0, 0.5, -far], points(temperature, -0.5)
    # How much of the whole the far one has: at high temperatures more than its probability.
    share = 0.0 if temperature < 20 else 400 * math.exp(-far / temperature)
    above, density = logistic_law(-0.5, temperature, np.log(x) - np.log1p(-x))
    found = marginal_cdf(logits, temperature, 0, x)
    np.testing.assert_allclose(found, 1 - above, atol=tolerance(temperature) + share)
    found = marginal_pdf(logits, temperature, 0, x) * x * (1 - x)
    bound = (tolerance(temperature) + share) * max(1, temperature)
    np.testing.assert_allclose(found, density, atol=bound)
    for figure in (expected_max, near_vertex):
        two = figure(logits[:2], temperature)
        assert figure(logits, temperature) == pytest.approx(two, abs=1e-10 + share)
    if share < 1e-12:
        assert marginal_cdf(logits, temperature, 2, 1e-3) == pytest.approx(1, abs=1e-10)
        assert marginal_quantile(logits, temperature, 2, 0.5) < 1e-3


@pytest.mark.parametrize("temperature", [0.001, 0.3, 1.0, 3.0, 50.0])
@pytest.mark.parametrize("far", [700.0, 1e4, 1e308])
def test_two_categories_far_apart(far: float, temperature: float) -> None:
    logits, x = [0.0, -far], np.array([1e-3, 0.5, 1 - 1e-9])
    above, _ = logistic_law(far, temperature, np.log(x) - np.log1p(-x))
    bound = tolerance(temperature)
    found = marginal_cdf(logits, temperature, 0, x)
    np.testing.assert_allclose(found, 1 - above, atol=bound)
    np.testing.assert_allclose(marginal_cdf(logits, temperature, 1, 1 - x), above, atol=bound)
    assert np.isfinite(marginal_pdf(logits, temperature, 0, x)).all()
    median = marginal_quantile(logits, temperature, 1, 0.5)
    assert median == pytest.approx(1 / (1 + np.exp(min(far / temperature, 709))), abs=1e-9)
    # E sigmoid(|far + L| / t), L standard logistic, at the quantiles of L.
    u = (np.arange(20_000) + 0.5) / 20_000
    gap = np.abs(min(far, 1e6) + np.log(u) - np.log1p(-u))
    law = np.exp(-np.logaddexp(0, -gap / temperature))
    assert expected_max(logits, temperature) == pytest.approx(law.mean(), abs=1e-7)


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("difference", [0.0, 1.3, -12.0, 300.0])
def test_near_a_vertex_of_two_categories(difference: float, temperature: float) -> None:
    for within in (1e-9, 0.05, 0.5):
        log_odds = np.array([math.log1p(-within) - math.log(within)])
        sides = (logistic_law(d, temperature, log_odds)[0][0] for d in (difference, -difference))
        found = near_vertex([difference, 0.0], temperature, within)
        assert found == pytest.approx(sum(sides), rel=0, abs=tolerance(temperature))


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("pi", WEIGHTS)
def test_expected_max_is_that_of_quadrature_on_the_simplex(
    pi: tuple[float, ...], temperature: float
) -> None:
    exact = over_the_largest(pi, temperature, lambda largest: largest)
    assert expected_max(np.log(pi), temperature) == pytest.approx(exact, rel=0, abs=3e-13)


@pytest.mark.parametrize("temperature", [0.1, 0.3, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("pi", WEIGHTS)
def test_near_a_vertex_is_that_of_quadrature_on_the_simplex(
    pi: tuple[float, ...], temperature: float
) -> None:
    for within in (0.01, 0.05, 0.5):
        exact = near_the_largest(pi, temperature, within)
        assert near_vertex(np.log(pi), temperature, within) == pytest.approx(
            exact, rel=0, abs=1e-12
        )


def test_figures_of_the_classic_example() -> None:
    found = [near_vertex(CLASSIC, t) for t in (0.3, 3.0)]
    assert found == pytest.approx([0.5634239000, 6.20843968e-5], rel=0, abs=1e-10)
    found = [expected_max(CLASSIC, t) for t in (0.3, 1.0, 3.0)]
    assert found == pytest.approx([0.8898234763, 0.6929153515, 0.4847817661], rel=0, abs=1e-10)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.0, 3.0, 20.0])
@pytest.mark.parametrize(
    "logits",
    [CLASSIC, np.linspace(-3, 3, 64), np.r_[8.0, np.zeros(30)], np.r_[-8.0, np.zeros(30)]],
    ids=["classic", "64", "likely", "unlikely"],
)
def test_the_law_of_a_component_has_its_exact_moments(
    logits: FloatArray, temperature: float
) -> None:
    # E[X] = ∫ P(X > x) dx and E[X²] = ∫ 2x P(X > x) dx.
    mean = moments.mean(logits, temperature)
    for k in (0, len(logits) - 1):
        nodes, weights = np.polynomial.legendre.leggauss(300)
        edges = [0.0, *marginal_quantile(logits, temperature, k, [0.1, 0.5, 0.9]), 1.0]
        total = np.zeros(2)
        for low, high in pairwise(edges):
            u = (1 + nodes) / 2
            # Denser at both ends of every part: u²(3 - 2u) of itself.
            s = u**2 * (3 - 2 * u)
            x = low + (high - low) * s**2 * (3 - 2 * s)
            dx = (high - low) * 6 * s * (1 - s) * 6 * u * (1 - u) * weights / 2
            above = 1 - marginal_cdf(logits, temperature, k, x)
            total += [dx @ above, dx @ (2 * x * above)]
        square = mixed_moment(logits, temperature, 2 * np.eye(len(logits))[k])
        # Near 0 and 1 the law goes like x^t, which for small t is not smooth in u either.
        bound = 1e-6 if temperature < 0.3 else 1e-10
        assert total == pytest.approx([mean[k], square], rel=0, abs=bound)


@pytest.mark.parametrize("temperature", [0.05, 0.5, 1.0, 2.0, 30.0])
@pytest.mark.parametrize("k", [3, 64, 700])
def test_the_density_is_the_derivative(k: int, temperature: float) -> None:
    logits = np.random.default_rng(k).normal(size=k)
    middle = marginal_quantile(logits, temperature, 1, [0.05, 0.3, 0.7, 0.95])
    step = 1e-4 * middle * (1 - middle) / temperature
    points = middle + step * np.arange(-2, 3)[:, None]
    f = marginal_cdf(logits, temperature, 1, points)
    slope = (f[0] - 8 * f[1] + 8 * f[3] - f[4]) / (12 * step)
    np.testing.assert_allclose(marginal_pdf(logits, temperature, 1, middle), slope, rtol=1e-7)


@pytest.mark.parametrize("temperature", [0.02, 0.7, 1.0, 5.0, 50.0])
def test_quantiles_invert_the_distribution_function(temperature: float) -> None:
    wanted = np.array([[1e-6, 0.01, 0.2], [0.5, 0.9, 0.999]])
    found = marginal_quantile(CLASSIC, temperature, 2, wanted)
    assert found.shape == wanted.shape
    known = found < 1  # 1 - 1e-30 is 1
    back = marginal_cdf(CLASSIC, temperature, 2, found)
    # As far as the rounding of x near 1 lets it.
    bound = 1e-12 + 1e-15 * marginal_pdf(CLASSIC, temperature, 2, found)
    assert (np.abs(back - wanted) < bound)[known].all()
    assert (back >= wanted)[~known].all()


@pytest.mark.parametrize("k", [64, 512, 8192])
@pytest.mark.parametrize("temperature", [0.02, 0.5, 1.0, 3.0])
def test_finer_rules_change_nothing(
    k: int, temperature: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits = np.random.default_rng(2).normal(size=k)
    near, largest = near_vertex(logits, temperature), expected_max(logits, temperature)
    quarter = marginal_cdf(logits, temperature, 0, 1 / k)
    for name in ("STEP", "PHASE", "LATTICE"):
        monkeypatch.setattr(extremes, name, getattr(extremes, name) / 1.7)
    bound = tolerance(temperature, k)
    assert near_vertex(logits, temperature) == pytest.approx(near, rel=0, abs=bound)
    assert expected_max(logits, temperature) == pytest.approx(largest, rel=0, abs=1e-12)
    assert marginal_cdf(logits, temperature, 0, 1 / k) == pytest.approx(quarter, rel=0, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("k", [5, 20])
@pytest.mark.parametrize("temperature", [0.2, 1.0, 4.0])
def test_ten_million_samples_agree(k: int, temperature: float) -> None:
    logits = np.linspace(-2, 2, k)
    d, n = Concrete(logits=logits, temperature=temperature), 10_000_000
    x = np.array([0.1, 0.3, 0.8])
    sums, squares = np.zeros(8), np.zeros(8)
    for rows in sampling.stream(d.from_noise, k, n, seed=13):
        largest = rows.max(axis=1)
        values = [largest, *(largest > 1 - within for within in (0.05, 0.5))]
        values += [rows[:, 1] <= point for point in x]
        values += [rows[:, -1] <= point for point in x[:2]]
        table = np.array(values, dtype=np.float64)
        sums, squares = sums + table.sum(axis=1), squares + (table**2).sum(axis=1)
    mean = sums / n
    error = np.sqrt((squares / n - mean**2) / n) + 1 / n
    exact = [expected_max(logits, temperature)]
    exact += [near_vertex(logits, temperature, within) for within in (0.05, 0.5)]
    exact += marginal_cdf(logits, temperature, 1, x).tolist()
    exact += marginal_cdf(logits, temperature, k - 1, x[:2]).tolist()
    assert (np.abs(mean - exact) < 5 * error).all()


def test_equal_categories_are_alike() -> None:
    for k, t in ((2, 0.4), (10, 1.0), (300, 2.0)):
        x = np.array([0.3 / k, 1 / k, min(0.9, 3 / k)])
        laws = [marginal_cdf(np.zeros(k), t, i, x) for i in (0, k - 1)]
        np.testing.assert_array_equal(laws[0], laws[1])
        assert 1 / k < expected_max(np.zeros(k), t) < 1
        above = 1 - marginal_cdf(np.zeros(k), t, 0, 0.95)
        assert near_vertex(np.zeros(k), t) == pytest.approx(k * above, rel=0, abs=1e-12 * k)


@settings(max_examples=30)
@given(
    st.lists(st.floats(-300, 300), min_size=2, max_size=6),
    st.floats(math.log(0.02), math.log(50)).map(math.exp),
    st.floats(-100, 100),
)
def test_a_shift_and_a_reversal_change_nothing(
    logits: list[float], temperature: float, shift: float
) -> None:
    other = np.array(logits)[::-1] + shift
    for function in (expected_max, near_vertex):
        found = function(logits, temperature)
        assert 0 <= found <= 1 + 1e-12
        assert function(other, temperature) == pytest.approx(found, rel=0, abs=1e-11)


def test_limits_of_the_temperature() -> None:
    assert expected_max(CLASSIC, 0.001) == pytest.approx(1, abs=1e-3)
    assert near_vertex(CLASSIC, 0.001) == pytest.approx(1, abs=1e-2)
    assert expected_max(CLASSIC, 1000) == pytest.approx(1 / 3, abs=1e-3)
    assert near_vertex(CLASSIC, 1000) == pytest.approx(0, abs=1e-10)
    assert near_vertex([700.0, 0.0, 0.0], 1) == pytest.approx(1, abs=1e-12)
    assert marginal_cdf([700.0, 0.0, 0.0], 1, 1, 1e-9) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("temperature", [0.999, 1.0, 1.001])
def test_the_density_at_its_ends(temperature: float) -> None:
    logits = np.log([4.0, 1.0, 5.0])
    for k in range(3):
        found = marginal_pdf(logits, temperature, k, [-0.1, 0.0, 1e-7, 1 - 1e-7, 1.0, 1.1])
        assert found[[0, 5]].tolist() == [0, 0]
        if temperature == 1:
            np.testing.assert_allclose(found[[1, 4]], found[[2, 3]], rtol=1e-4)
        else:
            assert found[[1, 4]].tolist() == [math.inf if temperature < 1 else 0.0] * 2


def test_points_and_results_keep_their_shape() -> None:
    assert marginal_cdf(CLASSIC, 1, 0, 0.5).shape == ()
    assert marginal_cdf(CLASSIC, 1, 0, [[0.1, 0.2]]).shape == (1, 2)
    assert marginal_pdf(CLASSIC, 1, 0, np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("within", [0.0, -0.1, 0.6, math.nan])
def test_distances_are_checked(within: float) -> None:
    with pytest.raises(ParameterError, match="within"):
        near_vertex([0, 0], 1, within)


@pytest.mark.parametrize("category", [-1, 3])
def test_categories_are_checked(category: int) -> None:
    with pytest.raises(ParameterError, match=r"category: -?\d is not in 0 \.\.\. 2"):
        marginal_cdf(CLASSIC, 1, category, 0.5)


@pytest.mark.parametrize("probability", [-0.1, 1.1, math.nan])
def test_probabilities_are_checked(probability: float) -> None:
    with pytest.raises(ParameterError, match="probability"):
        marginal_quantile(CLASSIC, 1, 0, probability)


@pytest.mark.parametrize("temperature", [9e-4, 1001.0, math.nan])
def test_temperatures_out_of_range_are_refused(temperature: float) -> None:
    for function in (expected_max, near_vertex):
        with pytest.raises(AccuracyError, match="temperature"):
            function(CLASSIC, temperature)
    with pytest.raises(AccuracyError, match="temperature"):
        marginal_cdf(CLASSIC, temperature, 0, 0.5)
