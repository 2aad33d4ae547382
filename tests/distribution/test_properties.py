"""All facts of a distribution at one temperature."""

import json

import numpy as np
import pytest

from gscli.distribution import properties as facts_module
from gscli.distribution.concrete import Concrete
from gscli.distribution.gradients import gradient_error
from gscli.distribution.properties import BATCH_SIZES, advise, cautions, facts_at, format_best
from gscli.errors import AccuracyError

CLASSIC = np.log([1.0, 3.0, 6.0])


def test_facts_are_those_of_the_distribution() -> None:
    for facts in facts_at(CLASSIC, [0.3, 3.0]):
        d = Concrete([1, 3, 6], facts.temperature)
        np.testing.assert_allclose(facts.mean, d.mean(), atol=1e-12)
        np.testing.assert_allclose(facts.sd**2, np.diag(d.covariance()), atol=1e-12)
        assert facts.entropy == pytest.approx(d.entropy(), abs=1e-9)
        assert facts.gradient_error.noise == gradient_error(d.logits, d.temperature).noise
        x = d.sample(200_000, seed=7)
        largest = x.max(axis=1)
        error = largest.std() / np.sqrt(len(x))
        assert abs(facts.expected_max - largest.mean()) < 5 * error
        close = float((largest > 0.95).mean())
        error = np.sqrt(close / len(x))
        assert abs(facts.near_vertex - close) <= 5 * error


def test_dictionary_has_the_keys_of_the_contract() -> None:
    (facts,) = facts_at(CLASSIC, [1.0])
    found = facts.as_dict()
    contract = {"temperature", "mean", "sd", "entropy", "expected_max"}
    assert contract | {"near_vertex", "regime", "gradient"} <= set(found)
    assert {"bias", "relative_bias", "noise", "no_gradient", "error"} == set(found["gradient"])
    assert list(found["gradient"]["error"]) == ["1", "32", "1024"]
    gradient = found["gradient"]
    assert gradient["error"]["32"] == gradient["bias"] ** 2 + gradient["noise"] / 32
    json.dumps(found, allow_nan=False)


def test_a_row_is_flat_and_agrees_with_the_dictionary() -> None:
    (facts,) = facts_at(CLASSIC, [1.0])
    row, whole = facts.as_row({0: "a", 1: "b", 2: "c"}), facts.as_dict()
    assert [row[f"mean {name}"] for name in "abc"] == whole["mean"]
    assert [row[f"sd {name}"] for name in "abc"] == whole["sd"]
    assert row["gradient relative_bias"] == whole["gradient"]["relative_bias"]
    assert [row[f"gradient error {m}"] for m in BATCH_SIZES] == [
        *whole["gradient"]["error"].values()
    ]
    assert not any(isinstance(value, list | dict) for value in row.values())


def test_a_choice_all_but_made_has_no_relative_bias_and_no_best_temperature() -> None:
    (facts,) = facts_at(np.log([1.0, 1e-12]), [1.0])
    assert facts.as_dict()["gradient"]["relative_bias"] is None
    json.dumps(facts.as_dict(), allow_nan=False)
    assert advise(np.log([1.0, 1e-12])) is None


def test_many_categories_come_without_covariance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts_module, "LARGEST_COVARIANCE", 3)
    (few,) = facts_at(np.zeros(3), [1.0])
    (many,) = facts_at(np.zeros(4), [1.0])
    assert few.covariance() is not None
    assert many.covariance() is None


def test_a_temperature_out_of_range_is_refused() -> None:
    with pytest.raises(AccuracyError, match=r"1e-05 is outside 0\.001"):
        list(facts_at(CLASSIC, [1e-5]))


def test_no_temperatures_have_no_facts() -> None:
    assert list(facts_at(CLASSIC, [])) == []


def test_best_temperatures_of_the_classic_example() -> None:
    advice = advise(CLASSIC)
    assert advice is not None
    assert list(advice) == [1, 32, 1024]
    for each, best in zip(advice.values(), (1.27, 0.52, 0.24), strict=True):
        assert each.best == each.advised == pytest.approx(best, abs=0.01)
        assert not each.shrunk
    assert list(cautions(advice)) == []


@pytest.mark.parametrize(("pi", "best"), [([1e-4, 0.01, 1], 29.2), ([400] + [1] * 7, 21.3)])
def test_a_shrunk_gradient_is_not_advised(pi: list[float], best: float) -> None:
    logits = Concrete(pi, 1).logits
    advice = advise(logits, (1, 64, 4096))
    assert advice is not None
    one, many = advice[1], advice[4096]
    assert one.shrunk
    assert one.best == pytest.approx(best, abs=0.2)
    assert one.best_error.relative_bias > 0.5 >= one.advised_error.relative_bias
    assert one.advised == pytest.approx(0.5, abs=0.05)
    assert one.advised_error == gradient_error(logits, one.advised)
    p = np.exp(logits)
    no_gradient = float(((np.diag(p) - np.outer(p, p)) ** 2).sum())
    assert one.over_no_gradient == pytest.approx(one.advised_error.error(1) / no_gradient)
    assert not many.shrunk
    assert many.best == many.advised
    shrunk, useless = cautions(advice)
    assert f"For m = 1 and 64 the error is least at t = {best:.0f}, but" in shrunk
    assert "(bias" in shrunk
    assert "not advised" in shrunk
    assert "average more samples" in useless


def test_cautions_name_every_batch_size_that_they_are_about() -> None:
    advice = advise(np.log([1e-4, 0.01, 1]), (1, 8, 32, 1024))
    shrunk, useless = cautions(advice or {})
    assert shrunk.startswith("For m = 1, 8 and 32 the error")
    assert useless.startswith("For m = 1, 8 and 32 even that t has 36.5, 4.")


def test_the_error_is_that_of_the_batch_sizes_asked_for() -> None:
    (facts,) = facts_at(CLASSIC, [1.0], batch_sizes=(64, 7))
    cost = facts.gradient_error
    assert facts.gradient["error"] == {64: cost.error(64), 7: cost.error(7)}


def test_divergences_are_from_the_prior_at_each_temperature() -> None:
    same = facts_at(CLASSIC, [0.5, 3.0], prior=lambda t: Concrete([1, 1, 1], t))
    fixed = facts_at(CLASSIC, [0.5, 3.0], prior=lambda _: Concrete([1, 1, 1], 0.5))
    first, second = (facts.as_dict()["kl"] for facts in same)
    assert first["relaxed"] == pytest.approx(second["relaxed"], abs=1e-12)
    assert [facts.as_dict()["kl"] for facts in fixed] == [
        first,
        {
            "relaxed": Concrete([1, 3, 6], 3).kl_divergence(Concrete([1, 1, 1], 0.5)),
            "categorical": pytest.approx(0.2006665638),
        },
    ]
    (without,) = facts_at(CLASSIC, [1.0])
    assert "kl" not in without.as_dict()


@pytest.mark.parametrize(
    ("temperature", "text"),
    [(0.5217, "0.52"), (1.0, "1"), (250.4, "250"), (999.9999, "1000 or more"), (980.0, "980")],
)
def test_a_best_temperature_in_words(temperature: float, text: str) -> None:
    assert format_best(temperature) == text
