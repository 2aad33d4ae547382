"""Schedules: their formulas and floors, their code, and what their temperatures do."""

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from gscli import Concrete
from gscli.distribution.schedules import (
    LANGUAGES,
    PRESETS,
    Language,
    Schedule,
    facts_along,
    lines_along,
    parse_schedule,
    schedule_warnings,
    steps_that_matter,
)
from gscli.errors import ParameterError

LOGITS = np.log([1.0, 3.0, 6.0])
SPECS = [
    "constant:0.7", "linear:1:0.5:1000", "linear:0.5:1:1000", "exp:1:0.5:1e-3",
    "multiply:2:0.5:0.999", "cosine:1:0.0625:1500", "jang:1e-4:500", *PRESETS,
]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "formula"),
    [
        ("constant:0.7", lambda _: 0.7),
        ("linear:1:0.5:1000", lambda s: max(0.5, 1 - 0.0005 * s)),
        ("exp:1:0.5:1e-3", lambda s: max(0.5, math.exp(-1e-3 * s))),
        ("multiply:2:0.5:0.999", lambda s: max(0.5, 2 * 0.999**s)),
        ("cosine:1:0.5:1000", lambda s: 0.75 + 0.25 * math.cos(math.pi * min(1, s / 1000))),
        ("jang", lambda s: max(0.5, math.exp(-1e-5 * (s // 1000 * 1000)))),
        ("jang:1e-4:500", lambda s: max(0.5, math.exp(-1e-4 * (s // 500 * 500)))),
        ("jang-notebook", lambda s: max(0.5, math.exp(-3e-5 * (s // 1000 * 1000)))),
        ("dalle", lambda s: 0.53125 + 0.46875 * math.cos(math.pi * min(1, s / 150_000))),
        ("wav2vec2", lambda s: max(0.5, 2 * 0.999995**s)),
        ("wav2vec2-large", lambda s: max(0.1, 2 * 0.999995**s)),
        ("taming", lambda s: 1e-6 + 0.4499995 * (1 + math.cos(math.pi * min(1, s / 1_000_001)))),
    ],
)
def test_temperatures(spec: str, formula: Callable[[int], float]) -> None:
    steps = [0, 1, 499, 500, 999, 1001, 7000, 69_999, 10**5, 149_999, 277_258, 10**6, 10**7]
    found = parse_schedule(spec).temperature(steps)
    np.testing.assert_allclose(found, [formula(s) for s in steps], rtol=2e-6, atol=1e-15)


@pytest.mark.parametrize(
    ("spec", "floor", "run"),
    [
        ("wav2vec2", 277_258, 400_000),  # log 4 / -log 0.999995
        ("wav2vec2-large", 599_145, 1_000_000),
        ("dalle", 150_000, 150_000),
        ("taming", 1_000_001, 1_000_001),
        ("jang", 70_000, 88_000),  # 69,315 steps, updated every 1,000
        ("jang:1e-4:500", 7000, 8800),
        ("jang-notebook", 24_000, 50_000),
        ("exp:1:0.5:1e-6", 693_147, 870_000),
        ("linear:1:0.5:1000", 1000, 1000),
        ("constant:0.7", None, 0),
        ("exp:1:1:1e-6", None, 2),
    ],
)
def test_floors_and_runs(spec: str, floor: int | None, run: int) -> None:
    schedule = parse_schedule(spec)
    assert schedule.floor_step == floor
    assert schedule.run == run
    if floor is not None:
        assert schedule.temperature(floor) == pytest.approx(schedule.floor, rel=1e-12)
        assert schedule.temperature(floor - schedule.every) > schedule.floor * (1 + 1e-12)


def test_presets_say_their_source() -> None:
    for name, preset in PRESETS.items():
        assert preset.name == name
        assert "20" in preset.source or "github.com" in preset.source


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_printed_code_is_the_schedule(
    spec: str, language: Language, request: pytest.FixtureRequest
) -> None:
    if language != "python":
        request.getfixturevalue(language)
    schedule = parse_schedule(spec)
    variables: dict[str, Any] = {}
    exec(schedule.code(language), variables)
    function = variables["temperature"]
    if language == "jax":
        function = request.getfixturevalue("jax").jit(function)
    assert schedule.formula in function.__doc__
    steps = np.unique(np.linspace(0, 1.2 * schedule.run + 10, 40).round()).astype(int)
    expected = schedule.temperature(steps)
    tolerance = 1e-4 if language == "jax" else 2e-6
    np.testing.assert_allclose(
        [float(function(step)) for step in steps.tolist()], expected, rtol=tolerance, atol=1e-7
    )


def test_printed_code_for_jax_is_right_in_double_precision() -> None:
    # jax.numpy has NumPy's interface, which is at hand everywhere.
    for spec in SPECS:
        schedule = parse_schedule(spec)
        code = schedule.code("jax")
        assert code.startswith("import jax.numpy as jnp\n")
        variables: dict[str, Any] = {}
        exec(code.replace("jax.numpy", "numpy"), variables)
        steps = np.arange(0, 2000, 7)
        found = variables["temperature"](steps)
        np.testing.assert_allclose(found, schedule.temperature(steps), rtol=2e-6)


def test_printed_code_for_torch_takes_tensors(torch: ModuleType) -> None:
    for spec in SPECS:
        schedule = parse_schedule(spec)
        variables: dict[str, Any] = {}
        exec(schedule.code("torch"), variables)
        steps = torch.arange(0, 2000, 7)
        found = variables["temperature"](steps)
        assert found.shape == steps.shape
        np.testing.assert_allclose(found, schedule.temperature(steps.numpy()), rtol=2e-6)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("anneal", "'anneal' is not a schedule; write constant:T, linear:A:B:STEPS"),
        ("exp:1:0.5", "'exp:1:0.5' does not read exp:A:B:RATE"),
        ("exp:1:0.5:x", "'x' is not a number"),
        ("exp:1:0.5:1_0", "'1_0' is not a number"),
        ("exp:1:0.5:0", "RATE: 0 is not above 0"),
        ("exp:1:0.5:nan", "RATE: nan is not above 0"),
        ("exp:0.5:1:1e-5", "A = 0.5 is below B = 1"),
        ("multiply:1:0.5:1", "FACTOR: 1 is not between 0 and 1"),
        ("linear:1:0.5:0", "STEPS: 0 is not a whole number"),
        ("cosine:1:0.5:1.5", "STEPS: 1.5 is not a whole number"),
        ("cosine:1:0.5:inf", "STEPS: inf is not a whole number"),
        ("constant:0", "0 is not a temperature above 0"),
        ("constant:nan", "nan is not a temperature above 0"),
        ("linear:2000:1:5", "2000 is not a temperature above 0 and up to 1000"),
        ("dalle:3", "dalle takes no parameters"),
        ("jang:1e-5:1.5", "jang: 1.5 steps between updates"),
    ],
)
def test_what_is_not_a_schedule(spec: str, words: str) -> None:
    with pytest.raises(ParameterError) as error:
        parse_schedule(spec)
    assert words in error.value.reason


def test_steps_that_matter() -> None:
    # t crosses K - 1 = 2 and 1 / (K - 1) = 0.5 at steps 250 and 625 of the linear schedule.
    schedule = Schedule("linear", 3, 0.2, 700)
    found = steps_that_matter(schedule, 3)
    assert {0, 175, 350, 525, 700} < set(found)
    crossings = sorted(set(found) - {0, 175, 350, 525, 700})
    for boundary, step in zip((2, 0.5), crossings, strict=True):
        assert schedule.temperature(step) <= boundary < schedule.temperature(step - 1)
    rising = steps_that_matter(Schedule("linear", 0.2, 3, 700), 3)
    assert len(rising) == len(found)
    assert steps_that_matter(parse_schedule("constant:1"), 3) == [0]


def test_facts_are_those_of_the_distribution() -> None:
    schedule = parse_schedule("linear:3:0.1:100")
    steps = [0, 50, 100]
    for found in facts_along(LOGITS, steps, schedule.temperature(steps), [1, 32]):
        d = Concrete(logits=LOGITS, temperature=found.temperature)
        error = d.gradient_error()
        assert found.exact
        assert found.regime == d.regime
        assert found.expected_max == pytest.approx(d.expected_max(), abs=1e-14)
        assert found.near_vertex == pytest.approx(d.near_vertex(), abs=1e-14)
        assert (found.relative_bias, found.noise) == (error.relative_bias, error.noise)
        assert found.error == {1: error.error(1), 32: error.error(32)}
    assert set(found.as_dict()) == {
        "step", "temperature", "regime", "expected_max", "near_vertex", "relative_bias", "noise",
        "error", "no_gradient", "exact",
    }  # fmt: skip


@pytest.mark.parametrize("weights", [[1, 3, 6], [1, 1], [1e-6, 1e-3, 1], [1] * 50])
def test_cold_facts_are_to_leading_order(
    weights: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The exact figures at 0.001 against those continued from 0.002, twice as far from 0.
    logits = np.log(weights)
    (exact,) = facts_along(logits, [0], [0.001], [1])
    monkeypatch.setattr("gscli.distribution.schedules.LOWEST_TEMPERATURE", 0.002)
    (found,) = facts_along(logits, [0], [0.001], [1])
    assert (exact.exact, found.exact) == (True, False)
    for name in ("expected_max", "near_vertex"):
        left = 1 - getattr(exact, name)
        assert 1 - getattr(found, name) == pytest.approx(left, rel=4e-3)
    assert found.noise == pytest.approx(exact.noise, rel=4e-3)
    assert found.gradient_error.bias == pytest.approx(exact.gradient_error.bias, rel=0.01)


@pytest.mark.parametrize("weights", [[1, 3, 6], [1] * 8192, np.exp(np.sin(np.arange(200.0)))])
@pytest.mark.parametrize(("low", "high"), [(1 / 16, 1), (1e-6, 0.9), (0.1, 2), (0.5, 0.5)])
def test_lines_err_by_less_than_a_pixel(weights: Any, low: float, high: float) -> None:
    logits = np.log(weights)
    temperatures = np.geomspace(low, high, 9)
    lines = lines_along(logits, temperatures, [1, 64])
    exact = list(facts_along(logits, range(9), temperatures, [1, 64]))
    for name in ("expected_max", "near_vertex"):
        values = [getattr(each, name) for each in exact]
        np.testing.assert_allclose(lines[name], values, atol=2e-3)
    for name in ("relative_bias", "noise"):
        values = [getattr(each, name) for each in exact]
        np.testing.assert_allclose(lines[name], values, rtol=1e-12)
    np.testing.assert_allclose(lines["error 64"], [each.error[64] for each in exact])


def test_many_categories() -> None:
    logits = np.random.default_rng(1).normal(size=8192)
    schedule = PRESETS["dalle"]
    steps = steps_that_matter(schedule, 8192)
    facts = list(facts_along(logits, steps, schedule.temperature(steps), [1]))
    assert [each.regime for each in facts] == ["vertices"] * len(facts)
    nearness = [each.near_vertex for each in facts]
    assert nearness == sorted(nearness)
    assert 0 < nearness[0] < nearness[-1] < 1


def warnings_of(spec: str, **options: Any) -> list[str]:
    from dataclasses import replace

    schedule = replace(parse_schedule(spec), **options)
    steps = steps_that_matter(schedule, 3)
    facts = list(facts_along(LOGITS, steps, schedule.temperature(steps), [1, 1024]))
    return list(schedule_warnings(schedule, facts))


def test_warnings() -> None:
    assert warnings_of("exp:1:0.5:1e-5") == []
    (short,) = warnings_of("exp:1:0.5:1e-5", run=50_000)
    assert short == (
        "The floor 0.5 is not reached: the run ends at step 50,000 with t = 0.607, the floor "
        "begins at step 69,315."
    )
    (shrunk,) = warnings_of("wav2vec2")
    assert shrunk.startswith("At step 0 (t = 2) the gradient is only shrunk towards 0: its bias")
    (noisy,) = warnings_of("dalle")
    assert noisy.startswith("At step 150,000 (t = 0.0625) the gradient for m = 1 has 14.5 times")
