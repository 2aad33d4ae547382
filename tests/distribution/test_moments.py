"""Exact moments against closed forms, independent integrals in mpmath, limits and samples."""

import math
import time
from functools import cache, partial
from itertools import pairwise
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gscli import Concrete
from gscli.distribution import moments
from gscli.distribution import noise as sampling
from gscli.distribution.quadrature import KernelTable
from gscli.errors import AccuracyError
from tests.distribution.moment_oracles import expected_log_sum, logistic_expectation, mixed_moment

CLASSIC = np.log([1.0, 3.0, 6.0])
TEMPERATURES = [0.001, 0.02, 0.3, 0.99, 1.0, 2.0, 4.0, 50.0, 1000.0]

logits_lists = st.lists(st.floats(-30, 30), min_size=2, max_size=6)
temperatures = st.floats(math.log(0.001), math.log(1000)).map(math.exp).filter(lambda t: t <= 1000)


@cache
def bessel_kernel(n: int, y: Any) -> Any:
    q = mp.exp(y)
    return 2 * q ** (mp.mpf(n + 1) / 2) * mp.besselk(n - 1, 2 * mp.sqrt(q))


def bessel_moment(groups: list[tuple[float, int]], powers: list[tuple[int, int]]) -> Any:
    """Return E[Π X^n] at t = 1, where ψ_n = 2 q^((n+1)/2) K_(n-1)(2√q), q = e^y.

    `groups` are (logit, how many categories), `powers` are (group, n) for different categories.
    """

    def integrand(x: Any) -> Any:
        left = [count for _, count in groups]
        value = mp.mpf(1)
        for group, n in powers:
            value *= bessel_kernel(n, x + groups[group][0])
            left[group] -= 1
        for (logit, _), count in zip(groups, left, strict=True):
            value *= bessel_kernel(0, x + logit) ** count
        return value

    highest = max(logit for logit, _ in groups)
    points = [step - highest for step in (-50, -20, -12, -8, -5, -2, 1, 4, 8)]
    return mp.quad(integrand, points) / mp.gamma(sum(n for _, n in powers))


@pytest.mark.parametrize(
    ("temperature", "entropy"), [(3, -1.95288), (1, -1.40424), (0.5, -3.49934)]
)
def test_entropy_of_the_classic_example(temperature: float, entropy: float) -> None:
    assert moments.entropy(CLASSIC, temperature) == pytest.approx(entropy, abs=5e-6)


def test_mean_of_the_classic_example() -> None:
    expected = [0.23993, 0.33912, 0.42095]
    np.testing.assert_allclose(moments.mean(CLASSIC, 3), expected, atol=5e-6)


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("difference", [0.0, 1.7, 50.0, 700.0])
def test_two_categories_follow_the_logistic_law(difference: float, temperature: float) -> None:
    logits = [0.0, -difference]
    for first, second in ((1, 0), (0, 2), (1, 1), (1, 3), (2, 2)):
        expected = logistic_expectation(
            lambda y, z, _, m=first, n=second: mp.exp(m * y + n * z), difference, temperature
        )
        found = mixed_moment(logits, temperature, [first, second])
        assert found == pytest.approx(float(expected), abs=1e-12)


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("difference", [0.0, 1.7, 50.0])
def test_entropy_of_two_categories(difference: float, temperature: float) -> None:
    # With x = x_1, dx/d(noise) = x (1 - x) / t.
    expected = logistic_expectation(
        lambda y, z, log_density: -(log_density + mp.log(temperature) - y - z),
        difference,
        temperature,
    )
    found = moments.entropy([0.0, -difference], temperature)
    assert found == pytest.approx(float(expected), abs=1e-9, rel=0)


@pytest.mark.parametrize("temperature", [0.002, 0.02, 1.0])
def test_entropy_of_a_choice_that_is_made(temperature: float) -> None:
    # S is W_1 but for e^-690: E[log S] = (a_1 + γ) / t, and all terms are known.
    k, t = 64, mp.mpf(temperature)
    logits = np.zeros(k)
    logits[5] = 690.0
    known = mp.loggamma(k) + (k - 1) * mp.log(t) + 690 * (k - 1) / t - k * mp.harmonic(k - 1)
    bound = max(1e-9, 2e-15 * 690 * 64 / temperature)
    assert abs(moments.entropy(logits, temperature) + known) < bound


@pytest.mark.parametrize(
    "groups",
    [
        [(0.0, 1), (1.5, 1), (-2.0, 1)],
        [(0.0, 40), (3.0, 20), (-20.0, 4)],
    ],
)
@pytest.mark.slow
def test_moments_at_temperature_one_are_integrals_of_bessel_functions(
    groups: list[tuple[float, int]],
) -> None:
    logits = np.concatenate([[logit] * count for logit, count in groups])
    starts = np.cumsum([0] + [count for _, count in groups])
    for powers in ([(0, 1)], [(1, 2)], [(1, 1), (0, 1)], [(0, 1), (1, 2), (2, 1)], [(1, 4)]):
        exponents = np.zeros(len(logits))
        for group, n in powers:
            exponents[starts[group]] = n
        found = mixed_moment(logits, 1.0, exponents)
        assert found == pytest.approx(float(bessel_moment(groups, powers)), abs=1e-12)


@pytest.mark.parametrize("temperature", [0.02, 0.37, 0.999, 1.0, 1.001, 2.5, 50.0])
def test_kernels_against_another_quadrature(temperature: float) -> None:
    # Over E itself in mpmath, not over a logarithm in float64, and without any interpolation.
    table = KernelTable(temperature)
    t = mp.mpf(temperature)
    for y in (-3.7 * table.unit, 0.1, 0.6 * table.upper):

        def kernel(power: int, y: Any = y) -> Any:
            def integrand(e: Any) -> Any:
                log_z = (y - mp.log(e)) / t
                return mp.exp(power * log_z - mp.exp(log_z) - e)

            near = [mp.exp(y + s * t) for s in (-10, -4, -1, 0, 1, 3, 10, 30)]
            breaks = sorted({p for p in (*near, 0.1, 1, 5) if 1e-18 < p < 60})
            return sum(mp.quad(integrand, pair) for pair in pairwise([0, *breaks, 100]))

        psi0 = kernel(0)
        at = np.array([y])
        assert table.minus_log_psi0(at)[0] == pytest.approx(float(-mp.log(psi0)), rel=1e-9)
        for n in (1, 4):
            assert table.ratio(at, n)[0] == pytest.approx(float(kernel(n) / psi0), rel=1e-9)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_ten_million_samples_agree(temperature: float) -> None:
    d = Concrete(logits=CLASSIC, temperature=temperature)
    n, power_list = 10_000_000, [(1, 0, 0), (0, 1, 1), (0, 0, 2), (2, 1, 1)]
    sums, squares, rows = np.zeros(5), np.zeros(5), 0
    for batch in sampling.stream(partial(d.from_noise, form="log"), 3, n, seed=11, order="F"):
        log_x = np.asarray(batch, dtype=np.float64)
        values = [np.exp(log_x @ np.array(powers, dtype=np.float64)) for powers in power_list]
        values.append(log_x[:, 0])
        sums += [value.sum() for value in values]
        squares += [np.square(value).sum() for value in values]
        rows += len(log_x)
    assert rows == n
    mean = sums / n
    error = np.sqrt((squares / n - mean**2) / n)
    exact = [mixed_moment(CLASSIC, temperature, powers) for powers in power_list]
    log_sum = expected_log_sum(CLASSIC, temperature)
    exact.append((CLASSIC[0] + np.euler_gamma) / temperature - log_sum)
    assert (np.abs(mean - exact) < 5 * error).all()


@settings(deadline=None, max_examples=40)
@given(logits_lists, temperatures, st.floats(-500, 500))
def test_a_shift_of_the_logits_changes_nothing(
    logits: list[float], temperature: float, shift: float
) -> None:
    shifted = np.array(logits) + shift
    np.testing.assert_allclose(
        moments.mean(shifted, temperature), moments.mean(logits, temperature), atol=1e-11
    )
    assert moments.entropy(shifted, temperature) == pytest.approx(
        moments.entropy(logits, temperature), abs=1e-9, rel=1e-12
    )
    assert expected_log_sum(shifted, temperature) == pytest.approx(
        expected_log_sum(logits, temperature) + shift / temperature, abs=1e-9, rel=1e-12
    )


@settings(deadline=None, max_examples=40)
@given(logits_lists, temperatures, st.randoms(use_true_random=False))
def test_a_permutation_permutes(logits: list[float], temperature: float, random: Any) -> None:
    order = random.sample(range(len(logits)), len(logits))
    permuted = np.array(logits)[order]
    covariance = moments.covariance(logits, temperature)
    np.testing.assert_allclose(
        moments.covariance(permuted, temperature), covariance[np.ix_(order, order)], atol=1e-12
    )


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-700, 700), min_size=2, max_size=6), temperatures)
def test_mean_and_covariance_obey_the_simplex(logits: list[float], temperature: float) -> None:
    mean = moments.mean(logits, temperature)
    covariance = moments.covariance(logits, temperature)
    assert (mean >= 0).all()
    assert mean.sum() == pytest.approx(1, abs=1e-12)
    assert (covariance == covariance.T).all()
    assert np.abs(covariance.sum(axis=0)).max() < 1e-12
    assert np.linalg.eigvalsh(covariance).min() > -1e-12
    assert (np.argsort(logits, kind="stable") == np.argsort(mean, kind="stable")).all() or np.diff(
        mean[np.argsort(logits)]
    ).min() > -1e-12


def test_moments_of_one_order_add_up() -> None:
    # (ΣX)^4 = 1, written out in mixed moments of order 4.
    for temperature in TEMPERATURES:
        total = 0.0
        for i in range(5):
            for j in range(5 - i):
                powers = (i, j, 4 - i - j)
                ways = math.factorial(4) / math.prod(map(math.factorial, powers))
                total += ways * mixed_moment(CLASSIC, temperature, powers)
        assert total == pytest.approx(1, abs=1e-12)
    assert mixed_moment(CLASSIC, 1, [0, 0, 0]) == 1


def test_limits_of_the_temperature() -> None:
    p = np.array([0.1, 0.3, 0.6])
    cold, hot = moments.mean(CLASSIC, 0.001), moments.mean(CLASSIC, 1000)
    np.testing.assert_allclose(cold, p, atol=1e-6)
    np.testing.assert_allclose(
        moments.covariance(CLASSIC, 0.001), np.diag(p) - np.outer(p, p), atol=2e-3
    )
    np.testing.assert_allclose(hot, 1 / 3 + (CLASSIC - CLASSIC.mean()) / 3000, atol=2e-6)
    # X is nearly (a + G)/(K t) about its mean, and Var G = π²/6.
    expected = math.pi**2 / 6 / 9e6 * (np.eye(3) - 1 / 3)
    np.testing.assert_allclose(moments.covariance(CLASSIC, 1000), expected, rtol=5e-3)


def test_a_hopeless_category_still_has_its_own_mean() -> None:
    # For t < 1 the left tail is E[X_k] = p_k (1 + O(t²)), however small p_k.
    mean = moments.mean([0.0, -300.0], 0.001)
    assert mean[1] / math.exp(-300) == pytest.approx(1, rel=1e-4)


def test_log_sum_in_closed_form() -> None:
    # At t = 1 and K = 2: S = pi (E_1 + E_2) / (E_1 E_2), of E[log] = log pi + digamma(2) + 2γ.
    expected = math.log(5) + 1 + np.euler_gamma
    assert expected_log_sum(np.log([5, 5]), 1) == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_sixty_four_categories_have_the_entropy_of_samples(temperature: float) -> None:
    d = Concrete(logits=np.linspace(-3, 3, 64), temperature=temperature)
    log_x = d.sample_log(40_000, seed=5)
    surprise = log_x.sum(axis=1) - d.log_prob_log(log_x)
    assert abs(surprise.mean() - d.entropy()) < 5 * surprise.std() / math.sqrt(len(surprise))


@pytest.mark.parametrize("temperature", [0.02, 1.0, 50.0])
def test_many_categories_in_time(temperature: float) -> None:
    logits = np.random.default_rng(0).normal(size=8192)
    start = time.perf_counter()
    mean, entropy = moments.mean(logits, temperature), moments.entropy(logits, temperature)
    assert time.perf_counter() - start < 2
    assert mean.sum() == pytest.approx(1, abs=1e-12)
    assert math.isfinite(entropy)


def test_one_temperature_takes_milliseconds() -> None:
    moments.entropy(CLASSIC, 7.0)
    times = []
    for temperature in (0.31, 0.77, 1.9, 6.1, 23.0):
        start = time.perf_counter()
        moments.covariance(CLASSIC, temperature)
        moments.entropy(CLASSIC, temperature)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.020


@pytest.mark.parametrize("temperature", [0.0, -1.0, 9e-4, 1001.0, math.nan, math.inf])
def test_temperatures_out_of_range_are_refused(temperature: float) -> None:
    for function in (moments.mean, moments.covariance, moments.entropy):
        with pytest.raises(AccuracyError, match=r"temperature: .* is outside 0.001 to 1000"):
            function(CLASSIC, temperature)
