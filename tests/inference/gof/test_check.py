"""Tests of `gof`: level under the truth, power and diagnosis against wrong samplers."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gscli.arrays import FloatArray, log_softmax
from gscli.distribution.concrete import Concrete
from gscli.errors import DataError, ParameterError, ShapeError
from gscli.inference.gof import null_distributions as nulls
from gscli.inference.gof import statistics
from gscli.inference.gof.accumulators import Histograms, Lags, Products, hash_rows
from gscli.inference.gof.check import check
from gscli.inference.gof.results import CheckResult
from gscli.inference.gof.statistics import merge_rare
from gscli.inference.gof.transforms import complete, log_exponentials_of, stick_breaking

N = 10_000
PI = np.array([1.0, 3.0, 6.0])
LOGITS = np.log(PI)
T = 3.0
TRUTH = Concrete(PI, T)


def softmax(scores: FloatArray) -> FloatArray:
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: FloatArray = weights / weights.sum(axis=-1, keepdims=True)
    return result


def uniforms(k: int = 3, n: int = N, seed: int = 11) -> FloatArray:
    return np.random.default_rng(seed).random((n, k))


def gumbels(k: int = 3, n: int = N, seed: int = 11) -> FloatArray:
    return -np.log(-np.log(uniforms(k, n, seed)))


def outcome(result: CheckResult, name: str) -> bool:
    return next(test.passed for test in result.tests if test.name == name)


# ---------------------------------------------------------------- level


@pytest.mark.slow
def test_level_is_alpha() -> None:
    settings_ = [(2, 1.0, 500), (3, 3.0, 500), (3, 0.1, 1000), (5, 0.7, 700), (8, 0.3, 500)]
    rejected = 0
    for k, temperature, n in settings_:
        d = Concrete(np.arange(1, k + 1), temperature)
        rows = d.sample_log(400 * n, seed=17).reshape(400, n, k)
        rejected += sum(not check([x], d, log=True, alpha=0.01).consistent for x in rows)
    assert stats.binom.ppf(0.005, 2000, 0.01) <= rejected <= stats.binom.ppf(0.995, 2000, 0.01)


@pytest.mark.slow
def test_each_p_value_is_uniform() -> None:
    d = Concrete([1, 2, 3, 4], 0.5)
    rows = d.sample_log(4000 * 500, seed=3).reshape(4000, 500, 4)
    results = [check([x], d, log=True) for x in rows]
    # Bonferroni over the six pairs makes large p-values of the log-ratios larger.
    conservative = {"log-ratios"}
    for position, test in enumerate(results[0].tests):
        if test.certain:
            continue
        p_values = np.array([result.tests[position].p_value for result in results])
        assert 0.04 < np.mean(p_values < 0.05) < 0.06, test.name
        # Nowhere more small ones than a uniform number has; of exact tests, not fewer either.
        too_small = stats.kstest(p_values, "uniform", alternative="greater").pvalue
        assert too_small > 0.01, test.name
        if test.name not in conservative:
            assert stats.kstest(p_values, "uniform").pvalue > 0.01, test.name


@pytest.mark.parametrize(
    ("k", "temperature"),
    [(2, 0.5), (3, 3.0), (12, 0.4), pytest.param(300, 1.0, marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("log", [False, True])
def test_own_samples_are_consistent(k: int, temperature: float, log: bool) -> None:
    d = Concrete(np.arange(1, k + 1), temperature)
    x = (d.sample_log if log else d.sample)(20_000, seed=5)
    result = check([x], d, log=log)
    assert result.consistent
    assert result.conclusive
    assert result.causes == ()
    assert result.n == 20_000


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("pi", "temperature"), [([2, 3], 1.0), ([2, 3], 20.0), ([1, 3, 6], 3.0), ([1, 3, 6], 0.2)]
)
def test_torch_samples_are_consistent(
    torch: ModuleType, pi: list[float], temperature: float, dtype: str
) -> None:
    torch.manual_seed(1)
    kind = getattr(torch, dtype)
    law = torch.distributions.RelaxedOneHotCategorical(
        torch.tensor(temperature, dtype=kind), probs=torch.tensor(pi, dtype=kind)
    )
    x = law.sample((100_000,)).numpy()
    result = check([x], Concrete(pi, temperature))
    assert result.consistent, (result.tests, result.causes)
    assert ("float32" in result.tests[0].sentence) == (dtype == "float32")


def test_torch_log_samples_are_consistent(torch: ModuleType) -> None:
    torch.manual_seed(2)
    law = torch.distributions.relaxed_categorical.ExpRelaxedCategorical(
        torch.tensor(0.05), probs=torch.tensor([1.0, 3.0, 6.0])
    )
    result = check([law.sample((50_000,)).numpy()], Concrete(PI, 0.05), log=True)
    assert result.consistent, (result.tests, result.causes)


def test_jax_samples_are_consistent(jax: Any) -> None:
    noise = jax.random.gumbel(jax.random.PRNGKey(0), (100_000, 3))
    x = np.asarray(jax.nn.softmax((LOGITS + noise) / T))
    assert check([x], TRUTH).consistent


@pytest.mark.parametrize(("k", "n"), [(20, 20), (100, 100)])
@pytest.mark.slow
def test_as_many_categories_as_rows_keep_the_level(k: int, n: int) -> None:
    d = Concrete(np.arange(1, k + 1), 0.5)
    rows = d.sample_log(200 * n, seed=2).reshape(200, n, k)
    results = [check([x], d, log=True) for x in rows]
    for name in ("independence", "serial"):
        p_values = [t.p_value for result in results for t in result.tests if t.name == name]
        assert np.mean(np.array(p_values) < 0.05) < stats.binom.ppf(0.999, 200, 0.05) / 200


@pytest.mark.slow
def test_thousands_of_categories_are_judged_in_little_memory() -> None:
    import tracemalloc

    d = Concrete(logits=np.random.default_rng(0).normal(size=2048), temperature=0.5)
    x = d.sample_log(600, seed=1)
    tracemalloc.start()
    result = check([x], d, log=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.consistent
    assert any("first 512 stick-breaking variables" in test.sentence for test in result.tests)
    assert "rounding" not in {test.name for test in result.tests}  # No category expects 5 rows.
    assert peak < 300e6
    assert not check([x], Concrete(logits=d.logits, temperature=0.55), log=True).consistent


@pytest.mark.slow
def test_of_very_many_categories_the_first_are_tested() -> None:
    k = statistics.MOST_VARIABLES + 2
    d = Concrete(np.ones(k), 1.0)
    result = check(d.sample(40, seed=1), d)
    assert result.consistent
    sentences = {test.name: test.sentence for test in result.tests}
    assert "each of the first 65,536 log-ratios to the most" in sentences["log-ratios"]
    assert "of the first 65,536 stick-breaking variables" in sentences["flat Dirichlet"]
    assert "each of the first 65,536 stick-breaking variables" in sentences["serial"]


@pytest.mark.parametrize(("k", "n"), [(3, 5000), (3, 10), (600, 10)])
def test_stick_breaking_is_that_of_its_definition(k: int, n: int) -> None:
    e = np.random.default_rng(1).exponential(size=(k, n))
    expected = [(e[i + 1 :].sum(axis=0) / e[i:].sum(axis=0)) ** (k - 1 - i) for i in range(k - 1)]
    assert stick_breaking(e) == pytest.approx(np.array(expected), rel=1e-10)


# ---------------------------------------------------------------- wrong samplers

WRONG: dict[str, tuple[Callable[[], FloatArray], str]] = {
    "factor 1.1": (lambda: softmax((LOGITS + gumbels()) / (1.1 * T)), "off by a factor of 1."),
    "factor 2": (lambda: softmax((LOGITS + gumbels()) / (2 * T)), "off by a factor of"),
    "inverted": (lambda: softmax((LOGITS + gumbels()) * T), "temperature is inverted"),
    "pi as logits": (lambda: softmax((PI + gumbels()) / T), "probabilities were passed as logits"),
    "probs as logits": (
        lambda: softmax((PI / 10 + gumbels()) / T),
        "probabilities were passed as logits",
    ),
    "logits as pi": (
        lambda: softmax((np.log(LOGITS + 1) + gumbels()) / T),
        "logits were passed as probabilities",
    ),
    "swapped": (
        lambda: softmax((LOGITS + gumbels()) / T)[:, [2, 1, 0]],
        "permuted: x1 holds x3, x3 holds x1",
    ),
    "rolled": (
        lambda: softmax((LOGITS + gumbels()) / T)[:, [2, 0, 1]],
        "permuted: x1 holds x3, x2 holds x1, x3 holds x2",
    ),
    "swapped and t": (
        lambda: softmax((LOGITS + gumbels()) / 1.0)[:, [2, 1, 0]],
        "permuted (x1 holds x3, x3 holds x1), and the samples fit temperature 1.0",
    ),
    "other pi": (
        lambda: softmax((np.log([3.0, 1.0, 4.0]) + gumbels()) / T),
        "other parameters: the samples fit probabilities [0.37",
    ),
    "noise / t": (lambda: softmax(LOGITS + gumbels() / T), "divides the noise alone"),
    "logits / t": (lambda: softmax(LOGITS / T + gumbels()), "divides the logits alone"),
    "sign": (lambda: softmax((LOGITS - gumbels()) / T), "wrong sign"),
    "normal": (
        lambda: softmax((LOGITS + np.random.default_rng(0).normal(size=(N, 3))) / T),
        "the noise is normal of standard deviation",
    ),
    "exponential": (
        lambda: softmax((LOGITS - np.log(uniforms())) / T),
        "the noise is exponential, not Gumbel",
    ),
    "clamped": (
        lambda: softmax((LOGITS - np.log(-np.log(np.clip(uniforms(), 0.01, 0.99)))) / T),
        "clamped",
    ),
    "missing": (lambda: softmax(LOGITS / T + np.zeros((N, 3))), "noise is missing"),
    "shared": (lambda: softmax((LOGITS + gumbels(1)) / T), "shared by all categories"),
    "once": (lambda: softmax((LOGITS + gumbels()[:1]) / T + np.zeros((N, 1))), "drawn once"),
    "two share": (lambda: softmax((LOGITS + gumbels()[:, [0, 1, 1]]) / T), "x2 and x3 share"),
    "period": (
        lambda: softmax((LOGITS + gumbels(n=2500)[np.arange(N) % 2500]) / T),
        "noise is reused: 7,500 rows equal an earlier one, most often the one 2,500 rows before",
    ),
    "block": (
        lambda: softmax((LOGITS + gumbels()[np.r_[0:9990, 100:110]]) / T),
        "noise is reused: 10 rows equal an earlier one, most often the one 9,890 rows before",
    ),
    "lag": (
        lambda: softmax(
            (LOGITS + gumbels() * [1, 0, 1] + np.repeat(gumbels()[: N // 2, :1], 2, 0) * [0, 1, 0])
            / T
        ),
        "rows depend on earlier ones: the correlation with the row 1 before",
    ),
    "hard": (lambda: np.eye(3)[(LOGITS + gumbels()).argmax(1)], "hard samples"),
    "not a number": (
        lambda: np.where(gumbels()[:, :1] > 7, np.nan, softmax((LOGITS + gumbels()) / T)),
        "rows hold NaN",
    ),
    "logarithms": (lambda: np.log(softmax((LOGITS + gumbels()) / T)), "check them with --log"),
    "not normalised": (
        lambda: softmax((LOGITS + gumbels()) / T) * (1 + 1e-3 * (gumbels()[:, :1] > 2)),
        "not normalised",
    ),
}


@pytest.mark.parametrize("name", list(WRONG))
def test_wrong_sampler_is_rejected_and_named(name: str) -> None:
    sample, words = WRONG[name]
    result = check([sample()], TRUTH)
    assert not result.consistent
    assert result.conclusive
    assert words in result.causes[0]


@pytest.mark.parametrize(
    ("pi", "temperature"), [([2.0, 3.0], 0.7), (np.arange(1.0, 9.0), 1.5), (np.arange(1, 31), 0.4)]
)
def test_mistakes_are_named_for_other_numbers_of_categories(
    pi: FloatArray, temperature: float
) -> None:
    d, noise = Concrete(pi, temperature), gumbels(len(pi))
    for x, words in [
        (softmax((np.log(pi) + noise) * temperature), "inverted"),
        (softmax((np.log(pi) + noise) / temperature)[:, ::-1], "permuted"),
        (softmax((d.probs + noise) / temperature), "probabilities were passed as logits"),
        (softmax(np.log(pi) / temperature + 0 * noise), "noise is missing"),
        (softmax((np.log(pi) + noise) / (1.3 * temperature)), "off by a factor of 1."),
    ]:
        assert words in check([x], d).causes[0]


def test_repeated_rows_are_no_evidence_for_parameters() -> None:
    again = np.arange(N) % 500
    x = softmax((LOGITS + gumbels(n=500)[again]) / T)
    assert len(check([x], TRUTH).causes) == 1
    reused, factor = check([softmax((LOGITS + gumbels(n=500)[again]) / (2 * T))], TRUTH).causes
    assert "noise is reused" in reused
    assert "off by a factor of" in factor


def test_bounded_noise_is_neither_normal_nor_of_wrong_sign() -> None:
    pi = np.arange(1.0, 9.0)
    x = softmax((np.log(pi) + uniforms(8)) / T)
    causes = " ".join(check([x], Concrete(pi, T)).causes)
    assert "normal" not in causes
    assert "sign" not in causes


def test_log_samples_as_samples_and_scores_as_logs() -> None:
    y = TRUTH.sample_log(1000, seed=1)
    assert "without --log" in check([np.exp(y)], TRUTH, log=True).causes[0]
    assert "without --log" in check([y + 1], TRUTH, log=True).causes[0]


def test_rounded_values() -> None:
    x = TRUTH.sample(N, seed=1)
    fine = check([np.round(x, 6)], TRUTH)
    assert fine.consistent
    assert "6-decimal precision" in fine.tests[0].sentence
    cold = Concrete(PI, 0.5)
    coarse = check([np.maximum(np.round(cold.sample(N, seed=1), 2), 0.01)], cold)
    assert not coarse.consistent
    assert "2-decimal precision: write more digits" in coarse.causes[0]
    zeros = check([np.round(cold.sample(N, seed=1), 2)], cold)
    assert not zeros.conclusive
    assert "2-decimal precision: write more digits" in zeros.causes[0]


@pytest.mark.parametrize("log", [False, True])
def test_float32_is_recognised_in_text(log: bool) -> None:
    x = (TRUTH.sample_log if log else TRUTH.sample)(2000, seed=1).astype(np.float32)
    read = x.astype(str).astype(np.float64)
    assert (read != x).any()
    for rows in (x, read):
        result = check([rows], TRUTH, log=log)
        assert result.consistent
        assert "float32" in result.tests[0].sentence


def test_the_law_comes_before_a_few_bad_sums() -> None:
    x = TRUTH.sample(N, seed=1)
    x[:10] *= 1.001
    assert "not normalised" in check([x], TRUTH).causes[0]
    causes = check([x], Concrete(PI, 6.0)).causes
    assert "off by a factor of 0.5" in causes[0]
    assert "not normalised" in causes[1]


def test_exact_zeros_are_not_judged() -> None:
    d = Concrete(PI, 0.01)
    x = d.sample(2000, seed=1)
    assert (x == 0).any()
    result = check([x], d)
    assert not result.consistent
    assert not result.conclusive
    assert [test.name for test in result.tests] == ["simplex", "rounding"]
    assert "underflow: --log samples are needed" in result.causes[0]
    assert check([d.sample_log(2000, seed=1)], d, log=True).consistent


def test_zeros_that_cannot_be_underflow_are_named() -> None:
    x = TRUTH.sample(1000, seed=1)
    x[7] = [0, 0.25, 0.75]
    assert "infinite noise" in check([x], TRUTH).causes[0]


def test_one_hot_rows_of_wrong_frequencies_fail_the_rounding_test() -> None:
    x = np.eye(3)[np.random.default_rng(0).integers(3, size=1000)]
    assert not outcome(check([x], TRUTH), "rounding")


# ---------------------------------------------------------------- properties


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(0, 2000), max_size=4))
def test_blocks_do_not_matter(seed: int, cuts: list[int]) -> None:
    x = TRUTH.sample(2000, seed=seed)
    whole, parts = check([x], TRUTH), check(np.split(x, sorted(cuts)), TRUTH)
    for one, other in zip(whole.tests, parts.tests, strict=True):
        assert one.statistic == pytest.approx(other.statistic, rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_order_of_rows_matters_to_two_tests_alone(seed: int) -> None:
    x = TRUTH.sample(500, seed=seed)
    shuffled = np.random.default_rng(seed).permutation(x)
    for one, other in zip(check([x], TRUTH).tests, check([shuffled], TRUTH).tests, strict=True):
        same = one.statistic == pytest.approx(other.statistic, rel=1e-9)
        assert same == (one.name not in {"serial", "drift"})


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(4)), seed=st.integers(0, 10**6))
def test_permuting_categories_with_pi_changes_no_symmetric_test(
    order: list[int], seed: int
) -> None:
    pi = np.array([1.0, 2.0, 3.0, 4.0])
    x = Concrete(pi, 0.5).sample(500, seed=seed)
    one = check([x], Concrete(pi, 0.5))
    other = check([x[:, order]], Concrete(pi[order] * 7, 0.5))
    for before, after in zip(one.tests, other.tests, strict=True):
        if before.name in ("rounding", "extremes", "repeats"):
            assert before.p_value == pytest.approx(after.p_value, rel=1e-6)


# ---------------------------------------------------------------- pieces


def test_flat_dirichlet_pieces() -> None:
    y = TRUTH.sample_log(100, seed=1)
    e = np.exp(log_exponentials_of(np.ascontiguousarray(y.T), TRUTH))
    flat = np.exp(log_softmax(TRUTH.logits - TRUTH.temperature * y)).T
    assert np.allclose(e / e.sum(axis=0), flat)
    assert np.allclose(stick_breaking(e)[0], (1 - flat[0]) ** 2)
    assert np.allclose(stick_breaking(e)[1], 1 - flat[1] / (1 - flat[0]))


def test_kolmogorov_smirnov_agrees_with_scipy() -> None:
    u = np.random.default_rng(1).random(2000) ** 1.04
    cells = Histograms(1)
    cells.update(0, u[:700])
    cells.update(0, u[700:])
    distances = cells.distances()
    (distance,), (p_value,) = distances, nulls.of_distances(distances, 2000)
    exact = stats.kstest(u, "uniform")
    assert distance == pytest.approx(exact.statistic, abs=1e-4)
    assert p_value == pytest.approx(exact.pvalue, rel=0.02)


def test_independence_agrees_with_correlations() -> None:
    v = np.random.default_rng(1).normal(size=(3, 400))
    products = Products(3)
    products.update(v)
    statistic, freedom, _ = products.independence(400)
    correlation = np.corrcoef(np.concatenate([v, v**2]))
    pairs = [(i, j) for i in range(6) for j in range(i) if (i - j) % 3]
    assert freedom == len(pairs) == 12
    assert statistic == pytest.approx(399 * sum(correlation[i, j] ** 2 for i, j in pairs))


def test_autocorrelations_do_not_depend_on_blocks() -> None:
    v = np.cumsum(np.random.default_rng(1).normal(size=(2, 300)), axis=1)
    lags = Lags(2)
    for piece in np.split(v, [1, 4, 100], axis=1):
        lags.update(piece)
    centred = v - v.mean(axis=1, keepdims=True)
    for lag, observed in enumerate(lags.autocorrelations(300), start=1):
        expected = (centred[:, lag:] * centred[:, :-lag]).sum(axis=1) / (centred**2).sum(axis=1)
        assert np.allclose(observed, expected, atol=0.05)


def test_hashes_tell_rows_apart_even_in_float32() -> None:
    single = np.random.default_rng(1).random((2, 10**6)).astype(np.float32)
    bits = single.view(np.uint32).astype(np.uint64)
    distinct = len(np.unique(bits[0] << np.uint64(32) | bits[1]))
    x = single.astype(np.float64)
    assert len(np.unique(hash_rows(x))) == distinct
    assert (hash_rows(x[:, ::-1])[::-1] == hash_rows(x)).all()


@settings(max_examples=50, deadline=None)
@given(expected=st.lists(st.floats(1e-3, 50), min_size=2, max_size=8))
def test_merging_keeps_totals_and_leaves_nothing_rare(expected: list[float]) -> None:
    counts = np.arange(len(expected))
    observed, merged = merge_rare(counts, np.array(expected))
    assert observed.sum() == counts.sum()
    assert merged.sum() == pytest.approx(sum(expected))
    assert len(merged) == 1 or merged.min() >= 5


def test_comparisons_count_every_row() -> None:
    result = check([TRUTH.sample(1000, seed=1)], TRUTH)
    kinds = {"rounding": 1, "log-ratios": 3, "flat Dirichlet": 2, "serial": 2}
    for test, number in kinds.items():
        found = [c for c in result.comparisons if c.test == test]
        assert len(found) == number
        for comparison in found:
            assert comparison.position.shape == comparison.observed.shape
            if test != "serial":
                assert comparison.observed.sum() == pytest.approx(1000)
                assert comparison.expected.sum() == pytest.approx(1000)


def test_names_enter_the_sentences() -> None:
    x = TRUTH.sample(5000, seed=1)[:, [2, 1, 0]]
    result = check([x], TRUTH, names=["cat", "dog", "bird"])
    assert "cat holds bird" in result.causes[0]
    assert any("cat" in test.sentence for test in result.tests)


def test_refusals() -> None:
    with pytest.raises(ParameterError, match="alpha"):
        check([TRUTH.sample(10, seed=1)], TRUTH, alpha=1)
    with pytest.raises(DataError, match="no rows"):
        check([], TRUTH)
    with pytest.raises(ShapeError, match="3 categories"):
        check([np.ones((2, 2)) / 2], TRUTH)


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_a_few_rows_are_judged_without_fuss(n: int) -> None:
    result = check([TRUTH.sample(n, seed=2)], TRUTH)
    assert not result.consistent
    assert not result.conclusive
    assert result.causes[0].endswith(
        "too few to judge: 30 or more are needed here, 1,000 are better"
    )
    assert check([np.full((n, 3), np.nan)], TRUTH).verdict == "Rejected"
    check([Concrete(PI, 0.05).sample(n, seed=2)], TRUTH)


def test_so_many_rows_are_asked_for() -> None:
    x = TRUTH.sample(100, seed=2)
    assert check(x[:30], TRUTH).consistent
    assert check(x[:29], TRUTH).verdict == "Not judged"
    assert check(x, TRUTH, min_rows=100).consistent
    assert check(x, TRUTH, min_rows=101).verdict == "Not judged"
    assert check(x**2, TRUTH, min_rows=101).verdict == "Rejected"
    # At 30 rows a temperature that is off by a factor of two shows in more than half of the files.
    found = [not check(Concrete(PI, 2 * T).sample(30, seed=s), TRUTH).consistent for s in range(40)]
    assert sum(found) > 20


# ---------------------------------------------------------------- coarse values


def digits(values: FloatArray, number: int) -> FloatArray:
    return np.array([float(f"{value:.{number}g}") for value in values.flat]).reshape(values.shape)


def bfloat16(values: FloatArray) -> npt.NDArray[np.float32]:
    bits = values.astype(np.float32).view(np.uint32)
    return ((bits + np.uint32(0x8000)) & np.uint32(0xFFFF0000)).view(np.float32)


@pytest.mark.parametrize("number", [4, 5, 6, 7, 8])
@pytest.mark.parametrize("log", [False, True])
def test_significant_digits_are_recognised(number: int, log: bool) -> None:
    d = Concrete(np.ones(10), 5.0)
    x = digits((d.sample_log if log else d.sample)(1000, seed=1), number)
    result = check(x, d, log=log)
    assert result.consistent, result.causes
    assert f"{number}-digit precision" in result.tests[0].sentence
    decimals = check(np.round(d.sample(1000, seed=1), number), d)
    assert f"{number}-decimal precision" in decimals.tests[0].sentence


def test_logarithms_of_too_few_digits_are_not_judged() -> None:
    d = Concrete(PI, 3)
    for seed in range(3):
        y = digits(d.sample_log(8000, seed=seed), 2)
        result = check(y, d, log=True)
        assert result.verdict == "Not judged"
        assert result.causes == ("the values have 2-digit precision: write more digits",)
    assert check(y[:300], d, log=True).consistent
    swapped = check(y, Concrete([6, 3, 1], 3), log=True)
    assert swapped.verdict == "Rejected"
    assert swapped.causes[0].startswith("the columns are permuted")
    warm = check(y, Concrete(PI, 2), log=True)
    assert warm.verdict == "Rejected"
    assert warm.causes[0].startswith("the temperature is off by a factor of 1.4")


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_half_precision_is_recognised(temperature: float) -> None:
    d = Concrete(PI, temperature)
    x = d.sample(5000, seed=1)
    for rows, name in ((x.astype(np.float16), "float16"), (bfloat16(x), "bfloat16")):
        result = check(rows, d)
        assert result.consistent, result.causes
        assert f"{name} precision" in result.tests[0].sentence


def test_what_half_precision_spoils_is_laid_to_it() -> None:
    d = Concrete(PI, 100.0)
    causes = check(bfloat16(d.sample(N, seed=1)), d).causes
    assert "half precision (bfloat16): save float32" in causes[0]
    assert "--log" in causes[0]
    assert not any("reused" in cause or "if these are" in cause for cause in causes)


def test_repeats_of_coarse_values_are_chance() -> None:
    d = Concrete([1, 1], 100.0)
    found = [check(np.round(d.sample(2000, seed=seed), 6), d) for seed in range(10)]
    assert all(outcome(result, "repeats") for result in found)
    counts = [test.statistic for result in found for test in result.tests if test.name == "repeats"]
    assert min(counts) > 50
    assert all(result.by_chance == 5 for result in found)  # Now chance can fail it.
    x = np.round(d.sample(2000, seed=1), 6)
    assert "noise is reused" in check(np.concatenate([x, x[:400]]), d).causes[0]


def test_repeats_of_a_narrower_law_are_not_laid_to_the_noise() -> None:
    x = np.round(Concrete(PI, 100.0).sample(N, seed=1), 5)
    causes = check(x, TRUTH).causes
    assert "off by a factor of" in causes[0]
    assert not any("reused" in cause for cause in causes)


# ---------------------------------------------------------------- a few zeros


def test_a_few_zeros_neither_reject_nor_hide() -> None:
    cold = Concrete(PI, 0.1)
    right = cold.sample(100_000, seed=1).astype(np.float32)
    wrong = Concrete(PI, 0.08).sample(100_000, seed=1).astype(np.float32)
    assert (right == 0).any()
    assert 100 < (wrong == 0).any(axis=1).sum() < 400
    result = check(right, cold)
    assert result.consistent
    assert result.conclusive
    assert "25 of 100,000 rows hold exact zeros" in result.remarks[0]
    causes = check(wrong, cold).causes
    assert "off by a factor of 0.80" in causes[0]


def test_zeros_keep_the_level() -> None:
    d = Concrete(PI, 0.5)
    rows = np.round(d.sample(400 * 1000, seed=8), 6).reshape(400, 1000, 3)
    rows = rows[(rows == 0).any(axis=(1, 2))]
    results = [result for x in rows if len((result := check(x, d, alpha=0.02)).tests) > 2]
    assert len(results) > 100
    rejected = sum(not result.consistent for result in results)
    assert rejected <= stats.binom.ppf(0.995, len(results), 0.02)


def test_what_zeros_hide_is_drawn_from_its_law() -> None:
    y = TRUTH.sample_log(200_000, seed=1).T
    y = y - y.max(axis=0)
    limit = np.log(0.4)
    hidden = y < limit
    censored = np.where(hidden, -np.inf, y)
    uniform = np.random.default_rng(1).random((4, y.shape[1]))
    filled = complete(censored, TRUTH, float(limit), uniform)
    assert (filled[hidden] < limit).all()
    assert (filled[~hidden] == y[~hidden]).all()
    ratios = (filled - filled[2]) * TRUTH.temperature - (LOGITS - LOGITS[2])[:, None]
    # Ratios that were seen set the bound of those that were not: together they are logistic.
    assert stats.kstest(ratios[0, ::10], "logistic").pvalue > 0.01
    assert stats.kstest(ratios[1, ::10], "logistic").pvalue > 0.01


# ---------------------------------------------------------------- few rows


def test_tests_with_nothing_to_test_are_left_out() -> None:
    one = check(TRUTH.sample(1, seed=1), TRUTH)
    names = [test.name for test in one.tests]
    assert names == ["simplex", "log-ratios", "flat Dirichlet", "extremes", "largest"]
    assert "1 row: so few show gross mistakes only" in one.remarks[0]
    assert check(TRUTH.sample(100, seed=1), TRUTH).remarks[0].startswith("of mistakes no smaller")
    pair = Concrete([1, 2], 1.0)
    names = [test.name for test in check(pair.sample(1000, seed=1), pair).tests]
    assert names == [
        *("simplex", "rounding", "log-ratios", "extremes", "score", "drift", "serial", "repeats")
    ]


# ---------------------------------------------------------------- more causes


def test_rows_off_the_simplex_are_shown() -> None:
    x = TRUTH.sample(100, seed=1)
    (cause,) = check(1.01 * x, TRUTH).causes
    assert "100 of 100 rows do not sum to 1" in cause
    assert "row 1 holds" in cause
    assert "sum to 1.01" in cause
    for value, words in ((-0.25, "a negative value"), (np.nan, "NaN"), (np.inf, "an infinite")):
        y = x.copy()
        y[41, 1] = value
        cause = check(y, TRUTH).causes[0]
        assert f"1 of 100 rows hold {words}" in cause
        assert "row 42 holds" in cause
        assert "--log" not in cause


def test_uniform_noise_is_not_called_clamped() -> None:
    x = softmax((LOGITS + 3 * uniforms()) / T)
    (cause,) = check(x, TRUTH).causes
    assert "the noise is not Gumbel" in cause


def test_a_missing_logarithm_is_named_from_few_rows() -> None:
    x = softmax((LOGITS - np.log(uniforms(n=500))) / T)
    assert "-log U was added where -log(-log U) belongs" in check(x, TRUTH).causes[0]


def test_clamps_beyond_the_rows_held_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from gscli.inference.gof import statistics as tally

    monkeypatch.setattr(tally, "KEPT_VALUES", 600)
    x = softmax((LOGITS - np.log(-np.log(np.clip(uniforms(n=40_000), 1e-3, 1 - 1e-3)))) / T)
    result = check(x, TRUTH)
    assert not outcome(result, "extremes")
    assert "clamped or coarse (float32) noise" in result.causes[0]


def test_ten_probabilities_are_shown_in_one_line() -> None:
    d = Concrete(np.arange(1, 10), 1.0)
    wrong = Concrete(np.arange(9, 0, -1) ** 1.5, 1.2).sample(N, seed=1)
    assert not any("\n" in cause for cause in check(wrong, d).causes)
    wrong = Concrete(np.arange(8, 0, -1) ** 1.5, 1.2).sample(N, seed=1)
    assert not any("\n" in c for c in check(wrong, Concrete(np.arange(1, 9), 1.0)).causes)


def test_alternating_temperatures_are_not_laid_to_reused_noise() -> None:
    x = TRUTH.sample(N, seed=1)
    x[::2] = Concrete(PI, 1.0).sample(N, seed=1)[::2]
    (cause,) = check(x, TRUTH).causes
    assert "the temperature changes from row to row" in cause


def test_one_array_is_as_good_as_blocks() -> None:
    x = TRUTH.sample(500, seed=1)
    assert check(x, TRUTH).tests == check([x], TRUTH).tests
