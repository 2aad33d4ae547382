"""What a logged schedule did, and which of the common mistakes it shows."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gscli.arrays import FloatArray
from gscli.distribution.quadrature import HIGHEST_TEMPERATURE
from gscli.distribution.schedules import Schedule
from gscli.errors import ParameterError

SAME = 1e-6
"""Relative difference of two logged temperatures that are one: rounding to single precision."""

FIT = 2e-3
"""Largest error of a fit, as a share of the range it covers, that shows what the formula was."""

LEAST_ROWS, FITTED_ROWS = 5, 1000
"""A formula is fitted to no fewer rows, and of more than a thousand to so many of them."""

SHOWN_RESETS = 2

ANGLES = np.linspace(0.3, 1.15, 171) * math.pi
"""Of a cosine at the end of its way, that are tried: π of a half wave, π/2 of a quarter."""

QUARTER_AT_FLOOR = 0.02
"""Relative distance from the floor that was meant, at which a quarter of a cosine is at its end."""

QUARTER, HALF = (0.47, 0.53), (0.97, 1.03)
"""Ends of ranges, in units of π, within which such an angle counts as that of a wave."""


@dataclass(frozen=True, eq=False, slots=True)
class ScheduleLog:
    """The temperature at the steps that were logged.

    Attributes
    ----------
    steps, temperatures : ndarray, shape (n,)
        Steps increase; temperatures are above 0; n >= 2.
    """

    steps: FloatArray
    temperatures: FloatArray

    def __post_init__(self) -> None:
        highest = int(np.argmax(self.temperatures))
        if self.temperatures[highest] > HIGHEST_TEMPERATURE:
            raise ParameterError(
                "schedule",
                f"step {self.steps[highest]:,.0f}: temperature {self.temperatures[highest]:g} is "
                f"above {HIGHEST_TEMPERATURE:g}; is it another column?",
            )

    @property
    def resets(self) -> list[int]:
        """Positions at which the temperature is back at where it began."""
        t = self.temperatures
        rises = np.flatnonzero(t[1:] > t[:-1] * (1 + SAME)) + 1
        return [int(i) for i in rises if t[i] >= t[0] * (1 - 0.02) and t[i - 1] < t[0] * 0.98]

    @property
    def floor_position(self) -> int | None:
        """Position from which on the temperature stays what it is at the end.

        None if it does so for no more rows than it did before: between two updates, or because it
        is rounded. (How long it stays where it begins does not count.)
        """
        t = self.temperatures
        changes = np.flatnonzero(np.abs(np.diff(t)) >= SAME * t[1:]) + 1
        if not len(changes):
            return None
        last = int(changes[-1])
        longest = int(np.diff(changes).max(initial=1))
        return last if len(t) - last > longest else None

    def until(self, stop: int) -> "ScheduleLog":
        """Return its first rows."""
        return ScheduleLog(self.steps[:stop], self.temperatures[:stop])


@dataclass(frozen=True, slots=True)
class Fitted:
    """A formula fitted to a log.

    Attributes
    ----------
    kind : str
        ``linear``, ``exp``, ``cosine``, or ``compounded``: exp(-rate step) applied to the current
        temperature at each update.
    start : float
        The temperature at step 0.
    pace : float
        The rate of exp and compounded; the angle of a cosine at the last row, in units of π; the
        change in a step of linear.
    every : float
        Steps between updates, of compounded.
    error : float
        Root of the mean squared error, as a share of the temperatures' range.
    """

    kind: str
    start: float
    pace: float
    every: float
    error: float


def fit_schedule(log: ScheduleLog) -> Fitted | None:
    """Return the formula that a decaying log follows; None if it is not one of those known.

    Examples
    --------
    >>> steps = np.arange(0.0, 50_000, 1000)
    >>> found = fit_schedule(ScheduleLog(steps, np.exp(-3e-5 * steps)))
    >>> found and (found.kind, round(found.pace, 8))
    ('exp', 3e-05)
    """
    if len(log.steps) < LEAST_ROWS or np.ptp(log.temperatures) <= SAME * log.temperatures[0]:
        return None
    interval = float(np.median(np.diff(log.steps)))
    kept = np.unique(np.linspace(0, len(log.steps) - 1, FITTED_ROWS).round().astype(int))
    log = ScheduleLog(log.steps[kept], log.temperatures[kept])
    candidates = (_linear(log), _exponential(log), _compounded(log, interval), _cosine(log))
    found = [candidate for candidate in candidates if candidate is not None]
    best = min(found, key=lambda each: each.error)
    return best if best.error < FIT else None


def _error(log: ScheduleLog, fitted: FloatArray) -> float:
    difference = fitted - log.temperatures
    return float(np.sqrt(np.square(difference).mean()) / np.ptp(log.temperatures))


def _linear(log: ScheduleLog) -> Fitted:
    slope, start = np.polyfit(log.steps, log.temperatures, 1).tolist()
    return Fitted("linear", start, slope, 1, _error(log, start + slope * log.steps))


def _exponential(log: ScheduleLog) -> Fitted:
    slope, level = np.polyfit(log.steps, np.log(log.temperatures), 1).tolist()
    error = _error(log, np.exp(level + slope * log.steps))
    return Fitted("exp", math.exp(level), -slope, 1, error)


def _compounded(log: ScheduleLog, interval: float) -> Fitted | None:
    # After n updates, N steps apart, the exponent is r N (1 + ... + n) = r s (s + N) / (2 N); where
    # a row is written before its update, r N (1 + ... + (n-1)) = r s (s - N) / (2 N).
    scale = float(log.steps[-1])
    curve, slope, _ = np.polyfit(log.steps / scale, np.log(log.temperatures), 2).tolist()
    if curve >= 0 or not abs(slope / curve) < 1 / 2:
        return None

    def at(lead: float) -> Fitted:
        every = abs(lead)
        exponent = log.steps * (log.steps + lead) / (2 * every)
        rate, level = np.polyfit(exponent, np.log(log.temperatures), 1).tolist()
        error = _error(log, np.exp(level + rate * exponent))
        return Fitted("compounded", math.exp(level), -rate, every, error)

    # Of rounded temperatures the steps between updates are uncertain: those between rows, if they
    # fit as well.
    side = math.copysign(1.0, slope / curve)
    free = at(side * max(1.0, round(abs(slope / curve) * scale)))
    of_rows = at(side * interval)
    return of_rows if of_rows.error < 2 * free.error + SAME else free


def _cosine(log: ScheduleLog) -> Fitted:
    # Linear in its level and its height at a given angle.
    share = log.steps / log.steps[-1]

    def at(angle: float) -> tuple[float, FloatArray]:
        basis = np.column_stack([np.ones_like(share), np.cos(angle * share)])
        found = np.linalg.lstsq(basis, log.temperatures, rcond=None)[0]
        return _error(log, basis @ found), found

    angle = min(ANGLES.tolist(), key=lambda each: at(each)[0])
    width = float(ANGLES[1] - ANGLES[0])
    for _ in range(3):
        angle = min((angle + width * np.linspace(-1, 1, 21)).tolist(), key=lambda each: at(each)[0])
        width /= 10
    error, found = at(angle)
    return Fitted("cosine", float(found.sum()), angle / math.pi, 1, error)


def log_warnings(log: ScheduleLog, against: Schedule | None = None) -> Iterator[str]:
    """Yield what is wrong with a logged schedule, in sentences.

    Parameters
    ----------
    log : ScheduleLog
        What happened.
    against : Schedule, optional
        What was meant.
    """
    yield from _shape_warnings(log, against)
    if against is not None:
        yield from _differences(log, against)


def _shape_warnings(log: ScheduleLog, against: Schedule | None) -> Iterator[str]:
    steps, t = log.steps, log.temperatures
    if np.ptp(t) <= SAME * t[0]:
        if against is None or against.floor_step is not None:
            yield (
                f"The temperature is {t[0]:.4g} in all {len(t):,} rows: the decay was forgotten, "
                "or never called."
            )
        return
    resets = log.resets
    if resets:
        apart = np.diff([steps[0], *steps[resets]])
        yield (
            f"The temperature is back at {t[resets[0]]:.4g} at step {steps[resets[0]]:,.0f}"
            + (f", and {len(resets) - 1:,} times more" if len(resets) > 1 else "")
            + f", every {np.median(apart):,.0f} steps: is its step counted from the start of each "
            "epoch? Count it over the whole run."
        )
    stop = resets[0] if resets else len(t)
    part = log.until(stop)
    if len(part.steps) < 2:
        return
    floor = part.floor_position
    # What has reached its floor follows the formula up to the row before.
    decaying = part if floor is None else part.until(floor)
    fitted = fit_schedule(decaying)
    if fitted is not None and fitted.kind == "compounded":
        yield _compounded_warning(fitted, part, floor)
    elif fitted is not None and fitted.kind == "cosine":
        yield from _cosine_warning(fitted, part, floor, against)
    if floor is None and not resets and not _is_complete(fitted):
        yield _no_floor(part, fitted, against)


def _is_complete(fitted: Fitted | None) -> bool:
    """Return whether a schedule without a floor is at its end: of half a cosine."""
    return fitted is not None and fitted.kind == "cosine" and HALF[0] <= fitted.pace <= HALF[1]


def _compounded_warning(fitted: Fitted, log: ScheduleLog, floor: int | None) -> str:
    end = floor if floor is not None else len(log.steps) - 1
    level, step = float(log.temperatures[end]), float(log.steps[end])
    meant = math.log(fitted.start / level) / fitted.pace
    factor = f"exp(-{fitted.pace:.3g} step)"
    updates = "every step" if fitted.every == 1 else f"every {fitted.every:,.0f} steps"
    once = factor if f"{fitted.start:.3g}" == "1" else f"{fitted.start:.3g} · {factor}"
    return (
        f"The factor {factor} is applied to the current temperature, {updates}, so that it "
        f"compounds: t = {level:.3g} is reached at step {step:,.0f}, where {once} reaches it at "
        f"step {meant:,.0f}. Apply it to the initial temperature."
    )


def _cosine_warning(
    fitted: Fitted, log: ScheduleLog, floor: int | None, against: Schedule | None
) -> Iterator[str]:
    # The cosine ends between the last row before the floor and the first on it.
    end, low = float(log.steps[-1]), fitted.pace
    high = low
    if floor is not None:
        end = float(log.steps[floor])
        high = low * end / float(log.steps[floor - 1])
    if high >= HALF[0]:
        return
    at_floor = floor is not None or (
        against is not None and abs(log.temperatures[-1] / against.floor - 1) < QUARTER_AT_FLOOR
    )
    if at_floor and low <= QUARTER[1] and high >= QUARTER[0]:
        yield (
            "The temperature follows a quarter of a cosine, cos(π step / (2 STEPS)), which falls "
            "fastest just before its floor. For half a cosine write (1 + cos(π step / STEPS)) / 2."
        )
    else:
        yield (
            f"The cosine ends at step {end:,.0f}, {100 * high:.0f} % of its way: half a cosine "
            f"takes {end / high:,.0f} steps."
        )


def _no_floor(log: ScheduleLog, fitted: Fitted | None, against: Schedule | None) -> str:
    last = f"{log.temperatures[-1]:.4g} at step {log.steps[-1]:,.0f}"
    text = f"No floor is reached: the temperature still changes at the last row, {last}"
    if against is None or fitted is None or fitted.kind not in ("linear", "exp"):
        return f"{text}."
    goal = against.floor
    if fitted.kind == "exp":
        ratio = fitted.start / goal
        step = math.log(ratio) / fitted.pace if fitted.pace > 0 and ratio > 1 else math.inf
    else:
        step = (goal - fitted.start) / fitted.pace
    if not (math.isfinite(step) and step > log.steps[-1]):
        return f"{text}."
    return f"{text}; at this rate it is {goal:g} at step {step:,.0f}."


def _differences(log: ScheduleLog, against: Schedule) -> Iterator[str]:
    meant = against.temperature(log.steps)
    off = np.abs(log.temperatures / meant - 1) > 0.01
    if off.any():
        i = int(np.flatnonzero(off)[0])
        worst = int(np.argmax(np.abs(np.log(log.temperatures / meant))))
        yield (
            f"From step {log.steps[i]:,.0f} on the log is not {against.formula}: at step "
            f"{log.steps[worst]:,.0f} it has {log.temperatures[worst]:.4g} where the formula has "
            f"{meant[worst]:.4g}."
        )


def rows_that_matter(log: ScheduleLog) -> list[int]:
    """Return positions of rows at which to look: ends, quarters, resets and the floor's first.

    Examples
    --------
    >>> rows_that_matter(ScheduleLog(np.arange(9.0), np.array([5, 4, 3, 2, 1, 1, 1, 1, 1.0])))
    [0, 2, 4, 6, 8]
    """
    last = len(log.steps) - 1
    found = {round(share * last) for share in (0, 0.25, 0.5, 0.75, 1)}
    for reset in log.resets[:SHOWN_RESETS]:
        found |= {reset - 1, reset}
    if log.floor_position is not None:
        found.add(log.floor_position)
    return sorted(found)
