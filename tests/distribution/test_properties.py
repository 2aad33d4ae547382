"""All facts of a distribution at one temperature."""

import json

import numpy as np
import pytest

from gscli.distribution import properties as facts_module
from gscli.distribution.concrete import Concrete
from gscli.distribution.gradients import gradient_error
from gscli.distribution.properties import BATCH_SIZES, best_temperatures, facts_at, format_best
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
        error = np.hypot(facts.expected_max_se, largest.std() / np.sqrt(len(x)))
        assert abs(facts.expected_max - largest.mean()) < 5 * error
        close = float((largest > 0.95).mean())
        error = np.hypot(facts.near_vertex_se, np.sqrt(close / len(x)))
        assert abs(facts.near_vertex - close) <= 5 * error


def test_dictionary_has_the_keys_of_the_contract() -> None:
    (facts,) = facts_at(CLASSIC, [1.0])
    found = facts.as_dict()
    contract = {"temperature", "mean", "sd", "entropy", "expected_max"}
    assert contract | {"near_vertex", "regime", "gradient"} <= set(found)
    assert {"bias", "relative_bias", "noise", "error"} == set(found["gradient"])
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
    assert best_temperatures(np.log([1.0, 1e-12])) is None


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
    best = best_temperatures(CLASSIC)
    assert best is not None
    assert list(best) == [1, 32, 1024]
    np.testing.assert_allclose(list(best.values()), [1.27, 0.52, 0.24], atol=0.01)


@pytest.mark.parametrize(
    ("temperature", "text"),
    [(0.5217, "0.52"), (1.0, "1"), (250.4, "250"), (999.9999, "1000 or more"), (980.0, "980")],
)
def test_a_best_temperature_in_words(temperature: float, text: str) -> None:
    assert format_best(temperature) == text
