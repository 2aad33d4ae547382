"""Logs of schedules: the formula is recognised, and each common mistake named and no other."""

from collections.abc import Callable

import numpy as np
import pytest

from gscli.arrays import FloatArray
from gscli.distribution.schedule_logs import (
    ScheduleLog,
    fit_schedule,
    log_warnings,
    rows_that_matter,
)
from gscli.distribution.schedules import parse_schedule

STEPS = np.arange(0, 100_001, 1000.0)
DIGITS = [17, 6, 4, 3]


def rounded(temperatures: FloatArray, digits: int) -> FloatArray:
    return np.array([float(f"{t:.{digits}g}") for t in temperatures])


def log_of(formula: str | Callable[[FloatArray], FloatArray], digits: int = 17) -> ScheduleLog:
    function = parse_schedule(formula).temperature if isinstance(formula, str) else formula
    return ScheduleLog(STEPS, rounded(function(STEPS), digits))


def compounded(digits: int, every: int = 100, rows: int = 1) -> ScheduleLog:
    """Return the log of temperature *= exp(-1e-6 step), at each update."""
    t, temperatures = 1.0, [1.0]
    steps = np.arange(0, 20_001, every)
    for step in steps[1:]:
        t = max(0.5, t * np.exp(-1e-6 * step))
        temperatures.append(t)
    return ScheduleLog(steps[::rows].astype(float), rounded(np.array(temperatures), digits)[::rows])


def quarter(s: FloatArray) -> FloatArray:
    return 0.0625 + 0.9375 * np.cos(np.pi / 2 * np.minimum(s / 80_000, 1))


@pytest.mark.parametrize("digits", DIGITS)
@pytest.mark.parametrize(
    "spec",
    [
        "exp:1:0.5:1e-5", "multiply:2:0.5:0.99998", "linear:1:0.5:80000", "cosine:1:0.0625:80000",
        "cosine:1:0.0625:100000", "jang", "jang-notebook",
    ],
)  # fmt: skip
def test_a_right_schedule_has_no_mistakes(spec: str, digits: int) -> None:
    assert list(log_warnings(log_of(spec, digits))) == []
    assert list(log_warnings(log_of(spec, digits), parse_schedule(spec))) == []


@pytest.mark.parametrize("digits", DIGITS)
def test_a_factor_applied_to_the_current_value(digits: int) -> None:
    (warning,) = log_warnings(compounded(digits))
    assert "The factor exp(-1e-06 step) is applied to the current temperature" in warning
    assert "every 100 steps" in warning
    assert "t = 0.5 is reached at step 11,800, where exp(-1e-06 step) reaches it at" in warning
    if digits == 17:
        assert "step 693,147. Apply it to the initial temperature." in warning


@pytest.mark.parametrize("digits", DIGITS)
def test_a_factor_applied_after_a_row_is_written(digits: int) -> None:
    before = compounded(digits)
    shifted = np.append(before.temperatures[:1], before.temperatures[:-1])
    (warning,) = log_warnings(ScheduleLog(before.steps, shifted))
    assert "The factor exp(-1e-06 step) is applied to the current temperature" in warning
    assert "every 100 steps" in warning
    assert "t = 0.5 is reached at step 11,900" in warning


def test_a_factor_applied_every_step_and_logged_now_and_then() -> None:
    fitted = fit_schedule(compounded(17, every=10, rows=50).until(6))
    assert fitted is not None
    assert fitted.kind == "compounded"
    assert fitted.every == 10
    assert fitted.pace == pytest.approx(1e-6, rel=1e-6)


@pytest.mark.parametrize("digits", DIGITS)
def test_a_reset_every_epoch(digits: int) -> None:
    log = log_of(lambda s: np.maximum(0.5, np.exp(-3e-5 * (s % 20_000))), digits)
    (warning,) = log_warnings(log)
    assert warning.startswith(
        "The temperature is back at 1 at step 20,000, and 4 times more, every 20,000 steps"
    )
    assert log.resets == [20, 40, 60, 80, 100]
    assert {19, 20, 39, 40} <= set(rows_that_matter(log))


def test_noise_of_the_last_digit_is_not_a_reset() -> None:
    t = 0.7 + 1e-9 * np.cos(STEPS)
    (warning,) = log_warnings(ScheduleLog(STEPS, t))
    assert warning.startswith("The temperature is 0.7 in all 101 rows")


@pytest.mark.parametrize("digits", DIGITS)
@pytest.mark.parametrize("end", [40_000, 80_000])
def test_a_quarter_of_a_cosine(digits: int, end: int) -> None:
    (warning,) = log_warnings(
        log_of(lambda s: 0.1 + 0.9 * np.cos(np.pi / 2 * np.minimum(s / end, 1)), digits)
    )
    assert warning.startswith("The temperature follows a quarter of a cosine")


def test_a_quarter_of_a_cosine_in_few_rows() -> None:
    steps = np.arange(0, 120_000, 10_000.0)
    (warning,) = log_warnings(ScheduleLog(steps, quarter(steps)))
    assert warning.startswith("The temperature follows a quarter of a cosine")


def test_a_quarter_that_ends_where_the_floor_was_meant() -> None:
    log = log_of(quarter).until(81)
    spec = parse_schedule("cosine:1:0.0625:80000")
    assert next(log_warnings(log, spec)).startswith("The temperature follows a quarter")


@pytest.mark.parametrize("digits", DIGITS)
def test_half_a_cosine_that_is_cut_short(digits: int) -> None:
    log = log_of("cosine:1:0.0625:200000", digits)
    short, floor = log_warnings(log)
    assert short.startswith("The cosine ends at step 100,000, 50 % of its way: half a cosine takes")
    assert floor.startswith("No floor is reached")


@pytest.mark.parametrize("digits", DIGITS)
def test_a_floor_that_is_never_reached(digits: int) -> None:
    log = log_of("exp:1:0.001:3e-6", digits)
    (bare,) = log_warnings(log)
    assert bare == (
        f"No floor is reached: the temperature still changes at the last row, "
        f"{log.temperatures[-1]:.4g} at step 100,000."
    )
    (told,) = log_warnings(log, parse_schedule("exp:1:0.5:3e-6"))
    step = int(told.partition("it is 0.5 at step ")[2].rstrip(".").replace(",", ""))
    assert step == pytest.approx(231_049, rel=1e-3)
    (line,) = log_warnings(log_of("linear:1:0.5:200000"), parse_schedule("linear:1:0.5:200000"))
    assert line.endswith("at this rate it is 0.5 at step 200,000.")


def test_rows_between_updates_or_equal_by_rounding_are_not_a_floor() -> None:
    slow = rounded(np.exp(-8.5e-7 * STEPS), 2)
    assert len(set(slow[-3:])) == 1
    assert ScheduleLog(STEPS, slow).floor_position is None
    held = np.exp(-1e-5 * (STEPS // 10_000 * 10_000))
    assert ScheduleLog(STEPS[:-3], held[:-3]).floor_position is None
    floor = np.maximum(held, 0.5)
    assert ScheduleLog(STEPS, floor).floor_position == 70
    assert list(log_warnings(ScheduleLog(STEPS, floor))) == []
    assert ScheduleLog(STEPS, STEPS * 0 + 1).floor_position is None


def test_a_decay_that_was_forgotten() -> None:
    log = log_of("constant:1")
    (warning,) = log_warnings(log)
    assert warning == (
        "The temperature is 1 in all 101 rows: the decay was forgotten, or never called."
    )
    assert list(log_warnings(log, parse_schedule("constant:1"))) == []
    first, second = log_warnings(log, parse_schedule("exp:1:0.5:1e-5"))
    assert first == warning
    assert second == (
        "From step 1,000 on the log is not max(0.5, exp(-1e-05 step)): at step 70,000 it has 1 "
        "where the formula has 0.5."
    )


def test_a_formula_that_is_not_known_is_not_named() -> None:
    random = np.random.default_rng(1)
    log = ScheduleLog(STEPS, np.sort(random.uniform(0.1, 1, len(STEPS)))[::-1].copy())
    assert fit_schedule(log) is None
    (warning,) = log_warnings(log)
    assert warning.startswith("No floor is reached")


@pytest.mark.parametrize("rows", [2, 3, 4])
def test_few_rows(rows: int) -> None:
    log = log_of("exp:1:0.5:1e-5").until(rows)
    assert fit_schedule(log) is None
    assert len(list(log_warnings(log))) == 1
    assert rows_that_matter(log)[-1] == rows - 1


def test_many_rows_are_thinned() -> None:
    steps = np.arange(0, 300_000.0)
    found = fit_schedule(ScheduleLog(steps, np.exp(-3e-6 * steps)))
    assert found is not None
    assert (found.kind, round(found.pace, 12)) == ("exp", 3e-6)
