"""Each test's p-value against draws of its statistic under the truth, few rows and skewed pi too.

A p-value holds if no more files than it says have one as small, give or take ten percent and the
error of the draws.
"""

import numpy as np
import pytest
from scipy import stats

from gscli import Concrete
from gscli.arrays import FloatArray
from gscli.inference.gof import null_distributions as nulls
from gscli.inference.gof.accumulators import LAGS, Lags, Products, partial_autocorrelations
from gscli.inference.gof.transforms import temperature_score

LEVELS = (1e-2, 1e-3, 1e-4)
ALLOWED = 1.1


def assert_level(p_values: FloatArray, least: float = 0.75) -> None:
    """Hold at 1e-2, 1e-3, 1e-4; at the first be no more conservative than `least` either."""
    draws = len(p_values)
    for level in LEVELS:
        found = int((p_values < level).sum())
        assert found <= stats.binom.ppf(0.999, draws, ALLOWED * level), (level, found / draws)
    assert (p_values < LEVELS[0]).mean() > least * LEVELS[0]


def dirichlet(k: int, n: int, files: int, seed: int) -> FloatArray:
    drawn = np.random.default_rng(seed).standard_exponential((k, n, files))
    drawn /= drawn.sum(axis=0)
    return drawn


@pytest.mark.parametrize(
    ("probs", "n"),
    [
        ([0.1, 0.3, 0.6], 60),
        ([0.1, 0.3, 0.6], 1000),
        ([0.25] * 4, 20),
        ([0.05, 0.05, 0.2, 0.7], 100),
        ([0.1] * 10, 50),
        ([0.5, *[0.05] * 10], 100),
        pytest.param([0.02] * 50, 250, marks=pytest.mark.slow),
    ],
)
def test_counts(probs: list[float], n: int) -> None:
    expected = n * np.array(probs) / np.sum(probs)
    counts = np.random.default_rng(1).multinomial(n, expected / n, size=300_000)
    statistics = ((counts - expected) ** 2 / expected).sum(axis=1)
    different, which = np.unique(statistics.round(9), return_inverse=True)
    p_values = np.array([nulls.of_counts(each * (1 - 1e-9), n, expected) for each in different])
    # The counts are whole numbers, and a p-value between two of theirs reaches neither.
    slack = 0.0 if len(probs) > 3 else 0.25
    for level in LEVELS:
        found = (p_values[which] < level).sum()
        assert found <= stats.binom.ppf(0.999, 300_000, (ALLOWED + slack) * level), level


def test_counts_in_two_cells_are_exact() -> None:
    winners = stats.binom.rvs(500, 0.01, size=1000, random_state=1)
    for count in np.unique(winners):
        statistic = (count - 5) ** 2 / 5 + (count - 5) ** 2 / 495
        reached = np.arange(501)
        reached = reached[np.abs(reached - 5) >= abs(count - 5)]
        exact = stats.binom.pmf(reached, 500, 0.01).sum()
        assert nulls.of_counts(statistic, 500, np.array([5.0, 495.0])) == pytest.approx(exact)


@pytest.mark.slow
@pytest.mark.parametrize(("k", "n"), [(2, 30), (2, 200), (3, 30), (3, 1000), (10, 50), (50, 40)])
def test_score(k: int, n: int) -> None:
    files = min(400_000, 2 * 10**7 // (k * n))
    p_values: list[float] = []
    for part in range(4):
        drawn = dirichlet(k, n, files // 4, part)
        score = temperature_score(np.log(drawn), drawn).sum(axis=0)
        of_logits = ((n - k * drawn.sum(axis=1)) ** 2).sum(axis=0)
        of_temperature = score**2 / (n * nulls.temperature_information(k))
        both = (k + 1) / k * of_logits / n + of_temperature
        p_values += [nulls.of_score(*each, n, k) for each in zip(both, of_temperature, strict=True)]
    assert_level(np.array(p_values))


@pytest.mark.slow
@pytest.mark.parametrize(("k", "n", "stretches"), [(2, 100, 2), (3, 400, 8), (10, 400, 8)])
def test_drift(k: int, n: int, stretches: int) -> None:
    files = min(100_000, 6 * 10**7 // (k * n))
    rows = np.full(stretches, n / stretches)
    statistics = np.empty(0)
    for part in range(6):
        drawn = dirichlet(k, n, files // 6, part)
        score = temperature_score(np.log(drawn), drawn).reshape(stretches, -1, files // 6)
        gaps = score.sum(axis=1) - score.sum(axis=(0, 1)) / stretches
        found = (gaps**2).sum(axis=0) / (rows[0] * nulls.temperature_information(k))
        statistics = np.append(statistics, found)
    assert_level(np.array([nulls.of_drift(each, rows, k) for each in statistics]))


@pytest.mark.parametrize("k", [2, 3, 7, 40])
def test_temperature_information_is_the_variance_of_the_score(k: int) -> None:
    drawn = dirichlet(k, 1, 400_000 // k, 1)[:, 0]
    score = temperature_score(np.log(drawn), drawn)
    assert abs(score.mean()) < 5 * score.std() / np.sqrt(len(score))
    assert score.var() == pytest.approx(nulls.temperature_information(k), rel=0.05)
    # It is the information of `Concrete` itself: minus the mean second derivative by log t.
    d = Concrete(np.ones(k), 0.7)
    y = d.sample_log(100_000 // k, seed=2)

    def log_prob(log_t: float) -> float:
        return float(Concrete(np.ones(k), np.exp(log_t)).log_prob_log(y).mean())

    at, step = np.log(0.7), 1e-3
    second = (log_prob(at + step) - 2 * log_prob(at) + log_prob(at - step)) / step**2
    assert -second == pytest.approx(nulls.temperature_information(k), rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize(("variables", "n"), [(2, 20), (2, 50), (3, 30), (9, 30)])
def test_correlations(variables: int, n: int) -> None:
    files = 3 * 10**5 // variables
    generator = np.random.default_rng(2)
    statistics = []
    for _ in range(10):
        linear = np.sqrt(3) * (2 * generator.random((files // 10, variables, n)) - 1)
        scores = np.concatenate([linear, (linear**2 - 1) * (np.sqrt(5) / 2)], axis=1)
        scores -= scores.mean(axis=2, keepdims=True)
        scores /= np.sqrt((scores**2).mean(axis=2, keepdims=True))
        squares = (scores @ scores.transpose(0, 2, 1) / n) ** 2
        squares = squares.reshape(-1, 2, variables, 2, variables).sum(axis=(1, 3))
        statistics.append((n - 1) * np.triu(squares, 1).sum(axis=(1, 2)))
    found = np.concatenate(statistics)
    products = Products(variables)
    products.update(linear[-1])
    assert products.independence(n)[0] == pytest.approx(found[-1])
    assert_level(np.array([nulls.of_correlations(each, n, variables) for each in found]))


@pytest.mark.slow
@pytest.mark.parametrize("n", [20, 40, 201, 1000])
def test_partial_autocorrelations(n: int) -> None:
    files = min(400_000, 4 * 10**7 // n)
    generator = np.random.default_rng(3)
    p_values = np.empty(0)
    for _ in range(10):
        lags = Lags(files // 10)
        lags.update(np.sqrt(12) * (generator.random((files // 10, n)) - 0.5))
        squares = (lags.scores(n) ** 2).sum(axis=0)
        p_values = np.append(p_values, stats.chi2.sf(squares, min(LAGS, n // 4)))
    assert_level(p_values)


def test_partial_autocorrelations_are_those_of_regression() -> None:
    series = np.cumsum(np.random.default_rng(1).normal(size=500))
    series -= series.mean()
    lags = Lags(1)
    lags.update(series[None])
    correlations = lags.autocorrelations(500)
    full = np.append(1.0, correlations[:, 0])
    toeplitz = full[np.abs(np.subtract.outer(np.arange(LAGS), np.arange(LAGS)))]
    expected = [
        np.linalg.solve(toeplitz[:lag, :lag], full[1 : lag + 1])[-1] for lag in range(1, LAGS + 1)
    ]
    np.testing.assert_allclose(partial_autocorrelations(correlations)[:, 0], expected, atol=1e-9)


@pytest.mark.parametrize("n", [20, 200, 999, 5000])
def test_distances(n: int) -> None:
    for p_value in (0.05, 1e-2, 1e-3, 1e-4):
        distance = stats.kstwo.isf(p_value, n)
        found = nulls.of_distances(np.array([distance]), n)[0]
        assert found == pytest.approx(p_value, rel=0.03)


@pytest.mark.parametrize("cells", [2, 3])
def test_counts_of_what_never_happens_have_no_probability(cells: int) -> None:
    expected = np.array([1e-305, *[100 / (cells - 1)] * (cells - 1)])
    assert nulls.of_counts(np.inf, 100, expected) == 0
