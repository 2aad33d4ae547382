"""Tests of `gscli.inference.fit` and of the likelihood beneath it."""

import dataclasses
import re
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gscli.arrays import FloatArray
from gscli.distribution.concrete import Concrete
from gscli.errors import AccuracyError, DataError, ParameterError, ShapeError
from gscli.inference import fit as fit_module
from gscli.inference import likelihood
from gscli.inference.fit import fit
from gscli.inference.likelihood import derivatives, lost_freedom, maximize
from gscli.inference.many_categories import Moments
from gscli.io.samples import Batch, as_samples

TRUTH = Concrete([1, 3, 6], 0.7)


def _moments(log_x: FloatArray) -> Moments:
    moments = Moments(log_x.shape[1])
    moments.update(log_x)
    return moments


@pytest.mark.parametrize("k", [2, 3, 10, 100])
@pytest.mark.parametrize("temperature", [0.05, 1.0, 20.0])
def test_converges_to_the_truth_from_its_own_start(k: int, temperature: float) -> None:
    d = Concrete(logits=np.random.default_rng(k).normal(size=k) * 2, temperature=temperature)
    result = fit([d.sample_log(20_000, seed=4)], log=True)
    assert result.iterations < 10
    deviation = (result.probs - d.probs) / result.standard_errors.probs
    assert np.abs(deviation).max() < stats.norm.isf(0.001 / k)
    assert abs(result.temperature - temperature) < 3.3 * float(result.standard_errors.temperature)
    assert result.goodness.consistent


@pytest.mark.parametrize("k", [3, 8])
@pytest.mark.slow
def test_intervals_cover_95_percent(k: int) -> None:
    d = Concrete(np.arange(1, k + 1), 0.7)
    rows = d.sample_log(1000 * 300, seed=9).reshape(1000, 300, k)
    covered = np.zeros(k + 1)
    for x in rows:
        ends = fit([x], log=True).interval_95
        covered[:k] += (ends.probs[:, 0] <= d.probs) & (d.probs <= ends.probs[:, 1])
        low, high = np.asarray(ends.temperature)
        covered[k] += low <= d.temperature <= high
    # Each within binomial error, over k + 1 parameters.
    level = 0.005 / (k + 1)
    assert covered.min() >= stats.binom.ppf(level, 1000, 0.95)
    assert covered.max() <= stats.binom.ppf(1 - level, 1000, 0.95)


def first_pass(log_x: FloatArray) -> fit_module._FirstPass:
    found = fit_module._FirstPass(len(log_x), None, log=True)
    found.update(Batch(log_x.T))
    return found


@pytest.mark.parametrize("k", [2, 4, 10])
@pytest.mark.parametrize("n", [20, 50, 200])
@pytest.mark.slow
def test_intervals_of_few_rows_cover_95_percent(k: int, n: int) -> None:
    d = Concrete(np.arange(1, k + 1), 0.7)
    trials = 1500
    covered = np.zeros(k + 1)
    for y in d.sample_log(trials * n, seed=k + n).reshape(trials, n, k).transpose(0, 2, 1):
        found = fit_module._fit_dense(as_samples(y.T, log=True), y.copy(), first_pass(y), None, 1)
        _, ends = fit_module._uncertainty(found)
        covered[:k] += (ends.probs[:, 0] <= d.probs) & (d.probs <= ends.probs[:, 1])
        low, high = np.asarray(ends.temperature)
        covered[k] += low <= d.temperature <= high
    level = 0.005 / (k + 1)
    assert covered.min() >= stats.binom.ppf(level, trials, 0.95)
    assert covered.max() <= stats.binom.ppf(1 - level, trials, 0.95)


@pytest.mark.slow
def test_the_interval_of_as_many_rows_as_categories_covers_the_temperature() -> None:
    k, trials = 150, 400
    d = Concrete(np.arange(1, k + 1), 0.7)
    covered = too_high = 0
    for seed in range(trials):
        rows = as_samples(d.sample_log(k, seed=seed), log=True)
        moments = _moments(np.concatenate([batch.rows for batch in rows]))
        found = fit_module._fit_many(rows, moments, None, 1)
        low, high = np.asarray(fit_module._uncertainty(found)[1].temperature)
        covered += low <= d.temperature <= high
        too_high += found.temperature > d.temperature
    assert stats.binom.ppf(0.005, trials, 0.95) <= covered <= stats.binom.ppf(0.995, trials, 0.95)
    assert too_high > 0.6 * trials  # Of the estimate itself.


@pytest.mark.parametrize("k", [2, 3, 10])
def test_the_logits_information_falls_as_the_correction_takes_it_to(k: int) -> None:
    y = Concrete(np.ones(k), 1.0).sample_log(200_000, seed=k).T.copy()

    def log_determinant(temperature: float) -> float:
        information = -derivatives(y, np.zeros(k), temperature).hessian[1:k, 1:k]
        return float(np.linalg.slogdet(information)[1])

    slope = (log_determinant(1.01) - log_determinant(0.99)) / 0.02
    assert lost_freedom(k) == pytest.approx(k - 1 + slope / 2, rel=0.01)


def test_many_categories_have_the_same_maximum_without_a_hessian(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    d = Concrete(logits=2 * np.random.default_rng(1).normal(size=64), temperature=0.7)
    x = d.sample_log(3000, seed=3)
    for fixed in (None, 0.6):
        dense = fit(x, log=True, fix_temperature=fixed)
        with monkeypatch.context() as patch:
            patch.setattr(fit_module, "LARGEST_DENSE", 63)
            found = fit([x[:1000], x[1000:]], log=True, fix_temperature=fixed)
        errors = dense.standard_errors
        assert (np.abs(found.probs - dense.probs) < 0.01 * errors.probs).all()
        assert found.log_likelihood == pytest.approx(dense.log_likelihood, abs=1e-3)
        assert found.standard_errors.probs == pytest.approx(errors.probs, rel=0.01)
        assert found.interval_95.probs == pytest.approx(dense.interval_95.probs, rel=0.01)
        if fixed:
            assert found.temperature == fixed
            assert found.standard_errors.temperature == 0
        else:
            assert abs(found.temperature - dense.temperature) < 0.01 * float(errors.temperature)
            assert found.standard_errors.temperature == pytest.approx(errors.temperature, rel=0.01)
            assert np.asarray(found.interval_95.temperature) == pytest.approx(
                np.asarray(dense.interval_95.temperature), rel=1e-5
            )


def test_thousands_of_categories_are_fitted_in_a_few_passes() -> None:
    d = Concrete(logits=2 * np.random.default_rng(1).normal(size=2000), temperature=0.3)
    x = d.sample_log(3000, seed=3)
    result = fit(x.astype(np.float32), log=True)
    assert result.iterations <= 3
    assert result.goodness.consistent
    at = derivatives(x.T.copy(), np.log(result.probs), result.temperature)
    # Each logit's information is about n.
    assert np.abs(at.gradient[:-1]).max() < 0.01 * np.sqrt(len(x))
    assert abs(at.gradient[-1]) * float(result.standard_errors.temperature) < 0.01
    deviation = (result.probs - d.probs) / result.standard_errors.probs
    assert np.abs(deviation).max() < stats.norm.isf(0.001 / 2000)
    assert np.std(deviation) == pytest.approx(1, abs=0.1)
    low, high = np.asarray(result.interval_95.temperature)
    assert low < 0.3 < high


def test_rows_of_another_law_with_many_categories_are_fitted_and_rejected() -> None:
    rng = np.random.default_rng(1)
    scores = 3 * rng.normal(size=(1000, 1)) * rng.normal(size=200) + rng.normal(size=(1000, 200))
    y = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    result = fit(y, log=True)
    assert not result.goodness.consistent
    at = derivatives(y.T.copy(), np.log(result.probs), result.temperature)
    step = np.linalg.lstsq(-at.hessian, at.gradient, rcond=1e-12)[0]
    assert float(step @ at.gradient) < 0.01
    with pytest.raises(AccuracyError, match="all the same"):
        fit_module._fit_many(
            as_samples(y, log=True), _moments(np.repeat(y[:1], 9, axis=0)), None, 1
        )


def test_derivatives_agree_with_differences() -> None:
    y = TRUTH.sample_log(50, seed=1).T.copy()
    point = np.array([0.3, -0.2, 0.5, 0.9])
    found = derivatives(y, point[:-1], point[-1])
    for index, shift in enumerate(1e-5 * np.eye(4)):
        above = derivatives(y, (point + shift)[:-1], (point + shift)[-1])
        below = derivatives(y, (point - shift)[:-1], (point - shift)[-1])
        assert (above.value - below.value) / 2e-5 == pytest.approx(found.gradient[index], rel=1e-6)
        slope = (above.gradient - below.gradient) / 2e-5
        assert slope == pytest.approx(found.hessian[index], rel=1e-6, abs=1e-6)


def test_log_likelihood_is_that_of_the_distribution_and_its_maximum() -> None:
    x = TRUTH.sample(1000, seed=1)
    result = fit([x])
    assert result.log_likelihood == pytest.approx(result.distribution.log_prob(x).sum())
    assert fit([np.log(x)], log=True).log_likelihood == pytest.approx(
        result.distribution.log_prob_log(np.log(x)).sum()
    )
    for factor in (0.99, 1.01):
        near = Concrete(result.probs * [factor, 1, 1], result.temperature)
        assert near.log_prob(x).sum() < result.log_likelihood
        near = Concrete(result.probs, result.temperature * factor)
        assert near.log_prob(x).sum() < result.log_likelihood


def test_standard_errors_are_those_of_repeated_samples() -> None:
    rows = TRUTH.sample_log(400 * 500, seed=2).reshape(400, 500, 3)
    results = [fit([x], log=True) for x in rows]
    spread = np.std([result.probs for result in results], axis=0)
    claimed = np.mean([result.standard_errors.probs for result in results], axis=0)
    assert claimed == pytest.approx(spread, rel=0.15)
    spread_t = np.std([result.temperature for result in results])
    claimed_t = np.mean([float(result.standard_errors.temperature) for result in results])
    assert claimed_t == pytest.approx(spread_t, rel=0.15)


def test_intervals_are_symmetric_on_the_scale_of_logits_and_logs() -> None:
    result = fit([TRUTH.sample(500, seed=1)])
    probs, errors, ends = result.probs, result.standard_errors, result.interval_95
    reach = stats.norm.ppf(0.975) * errors.probs / (probs * (1 - probs))
    logit = np.log(probs / (1 - probs))
    low, high = np.log(ends.probs / (1 - ends.probs)).T
    assert high - low == pytest.approx(2 * reach, rel=1e-2)
    assert (low + high) / 2 == pytest.approx(logit, abs=0.05 * reach.min())
    low_t, high_t = np.asarray(result.interval_95.temperature)
    middle = np.sqrt(low_t * high_t)
    assert np.log(high_t / low_t) == pytest.approx(
        2 * 1.959964 * float(errors.temperature) / middle
    )
    # Fitting two logits makes the temperature too high, by about 0.7 / n of itself.
    assert 0.0005 < np.log(result.temperature / middle) < 0.003


def test_fixed_temperature() -> None:
    x = TRUTH.sample(2000, seed=1)
    free, fixed = fit([x]), fit([x], fix_temperature=0.7)
    assert fixed.temperature == pytest.approx(0.7)
    assert fixed.standard_errors.temperature == 0
    assert np.asarray(fixed.interval_95.temperature) == pytest.approx([0.7, 0.7])
    assert fixed.log_likelihood <= free.log_likelihood
    assert fixed.probs == pytest.approx(TRUTH.probs, abs=0.05)
    assert (fixed.standard_errors.probs <= free.standard_errors.probs * (1 + 1e-9)).all()
    assert fit([x], fix_temperature=50).log_likelihood < fixed.log_likelihood


def test_a_fixed_temperature_comes_back_to_the_last_bit() -> None:
    for temperature in np.random.default_rng(1).uniform(0.01, 5, 20):
        x = Concrete([1, 3, 6], temperature).sample_log(100, seed=1)
        found = fit(x, log=True, fix_temperature=float(temperature))
        assert found.temperature == temperature
        assert np.asarray(found.interval_95.temperature).tolist() == [temperature] * 2


def test_later_rows_enter_by_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    x = TRUTH.sample(200_000, seed=3)
    exact = fit([x])
    monkeypatch.setattr(fit_module, "KEPT_VALUES", 30_000)
    stepped = fit(np.array_split(x, 100))
    assert 4_000 <= stepped.goodness.n <= 10_000
    assert stepped.n == 200_000
    # A start from 10,000 of 200,000 rows is some 4.5 standard errors off. The one step leaves what
    # is of second order in that, and of third in the likelihood: some 4.5^3 / sqrt(200,000).
    difference = (stepped.probs - exact.probs) / exact.standard_errors.probs
    assert np.abs(difference).max() < 0.1
    assert abs(stepped.temperature - exact.temperature) < 0.1 * float(
        exact.standard_errors.temperature
    )
    assert stepped.log_likelihood == pytest.approx(exact.log_likelihood, abs=0.5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("pi", [[2.0, 3.0], [1.0, 3.0, 6.0]])
def test_torch_samples(torch: ModuleType, pi: list[float], dtype: str) -> None:
    torch.manual_seed(3)
    kind = getattr(torch, dtype)
    law = torch.distributions.RelaxedOneHotCategorical(
        torch.tensor(0.5, dtype=kind), probs=torch.tensor(pi, dtype=kind)
    )
    result = fit([law.sample((50_000,)).numpy()])
    ends = result.interval_95
    probs = np.array(pi) / sum(pi)
    assert ((ends.probs[:, 0] < probs) & (probs < ends.probs[:, 1])).all()
    assert result.temperature == pytest.approx(0.5, abs=0.01)
    assert result.goodness.consistent


def test_goodness_rejects_other_noise() -> None:
    scores = np.log([1, 3, 6]) + np.random.default_rng(1).normal(size=(20_000, 3))
    weights = np.exp(scores)
    result = fit([weights / weights.sum(axis=1, keepdims=True)])
    assert not result.goodness.consistent
    assert "normal" in result.goodness.causes[0]


# ---------------------------------------------------------------- properties


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(4)), seed=st.integers(0, 10**6))
def test_permuting_categories_permutes_the_fit(order: list[int], seed: int) -> None:
    x = Concrete([1, 2, 3, 4], 0.5).sample(300, seed=seed)
    one, other = fit([x]), fit([x[:, order]])
    assert other.probs == pytest.approx(one.probs[order], rel=1e-4)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(power=st.floats(0.1, 10), seed=st.integers(0, 10**6))
def test_powers_of_a_sample_divide_the_temperature(power: float, seed: int) -> None:
    y = TRUTH.sample_log(300, seed=seed)
    scaled = power * y
    scaled -= np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    one, other = fit([y], log=True), fit([scaled], log=True)
    assert other.temperature * power == pytest.approx(one.temperature, rel=1e-6)
    assert other.probs == pytest.approx(one.probs, rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(shift=st.floats(-50, 50), seed=st.integers(0, 10**6))
def test_a_shift_of_the_logits_or_of_a_row_changes_no_likelihood(shift: float, seed: int) -> None:
    y = TRUTH.sample_log(50, seed=seed).T.copy()
    value = derivatives(y, TRUTH.logits, 0.7).value
    assert derivatives(y, TRUTH.logits + shift, 0.7).value == pytest.approx(value)
    assert derivatives(y + shift, TRUTH.logits, 0.7).value == pytest.approx(value)


# ---------------------------------------------------------------- degenerate data


def test_degenerate_data_is_named() -> None:
    x = TRUTH.sample(100, seed=1)
    zero = x.copy()
    zero[41] = [0, 0.25, 0.75]
    constant = np.stack([np.full(100, 0.5), x[:, 0] / 2, 0.5 - x[:, 0] / 2], axis=1)
    cases = [
        ([], "no rows"),
        ([x[:0]], "too few"),
        ([x[:2]], "2 rows are too few to fit 3 parameters: draw 30 or more"),
        ([x[:5], 1.01 * x[5:]], r"row 6 .* sums to 1\.01, not 1.*normalise"),
        ([x[:5], np.where(x[5:] > 0.9, np.nan, x[5:])], r"row \d+ .* holds NaN"),
        ([np.where(x > 0.9, np.inf, x)], r"row \d+ .* holds an infinite value"),
        ([np.where(x > 0.9, -0.5, x)], r"row \d+ .* it holds -0\.5"),
        ([zero], "row 42 .* exact 0.*--log"),
        ([np.eye(3)[[0, 1, 2, 2]]], "one-hot: that is temperature 0"),
        ([constant], "column 1 is constant"),
        ([np.tile(x[:1], (50, 1))], "column 1 is constant"),
        ([x[:60], np.log(x[60:])], "row 61 .*add --log"),
    ]
    for blocks, words in cases:
        with pytest.raises(DataError, match=words):
            fit(blocks)
    with pytest.raises(DataError, match="without --log"):
        fit([x], log=True)
    with pytest.raises(ParameterError, match="temperature"):
        fit([x], fix_temperature=0)
    with pytest.raises(ShapeError):
        fit([x, x[:, :2]])


def test_a_likelihood_without_maximum_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    y = TRUTH.sample_log(100, seed=1).T.copy()
    with pytest.raises(AccuracyError, match="all the same"):
        maximize(np.repeat(y[:, :1], 9, axis=1))
    monkeypatch.setattr(likelihood, "MAX_ITERATIONS", 2)
    with pytest.raises(AccuracyError, match="no maximum"):
        maximize(y)


def test_rounded_rows_are_fitted() -> None:
    x = np.round(TRUTH.sample(500, seed=2), 4)
    x = x[(x > 0).all(axis=1)]
    assert (x.sum(axis=1) != 1).any()
    assert fit([x]).temperature == pytest.approx(0.7, abs=0.1)


def test_one_array_is_as_good_as_blocks() -> None:
    x = TRUTH.sample(300, seed=1)
    assert fit(x).temperature == fit([x]).temperature


def test_few_rows_are_remarked_upon() -> None:
    assert fit(TRUTH.sample(30, seed=1)).remarks == ()
    (remark,) = fit(TRUTH.sample(29, seed=1)).remarks
    assert "29 rows are few for 3 categories" in remark
    told = re.search(r"the temperature comes out about ([\d.]+) % too high", remark)
    assert told is not None
    assert 1.5 < float(told[1]) < 3  # 0.7 / 29, for K = 3
    assert "fit 30 or more" in remark
    assert fit(TRUTH.sample(29, seed=1), fix_temperature=0.7).remarks == ()


def test_a_fit_prints_as_a_few_lines_and_shows_as_a_table() -> None:
    result = fit(Concrete([1, 3, 6], 0.5).sample(5000, seed=1))
    head, *lines = repr(result).split("\n")
    assert head.startswith("FitResult: n = 5,000, 3 categories, log-likelihood ")
    assert head.endswith("goodness of fit: consistent")
    assert [line.split(" = ")[0].strip() for line in lines] == ["p1", "p2", "p3", "temperature"]
    assert f"temperature = {result.temperature:.4g} ± " in lines[-1]
    html = result._repr_html_()
    assert html.count("<tr>") == 5
    assert f"<td>{result.probs[1]:.4g}</td>" in html
    wrong = dataclasses.replace(
        result,
        goodness=dataclasses.replace(result.goodness, consistent=False, causes=("<i>x</i>",)),
    )
    assert "cause: <i>x</i>" in repr(wrong)
    assert "goodness of fit: rejected" in wrong._repr_html_()
    assert "<li>&lt;i&gt;x&lt;/i&gt;</li>" in wrong._repr_html_()


def test_a_fit_of_many_categories_is_still_a_few_lines() -> None:
    d = Concrete(np.arange(1, 31), 0.5)
    result = fit(d.sample(2000, seed=1))
    assert len(repr(result).split("\n")) < 15
    assert "30 categories" in repr(result)
    assert result._repr_html_().count("<tr>") == 10
