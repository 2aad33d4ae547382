"""Temperature schedules over a training run, and what each of their temperatures costs."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import numpy.typing as npt

from gscli.arrays import FloatArray
from gscli.distribution.concrete import Concrete, Regime
from gscli.distribution.gradients import MAX_RELATIVE_BIAS, GradientError
from gscli.distribution.quadrature import HIGHEST_TEMPERATURE, LOWEST_TEMPERATURE
from gscli.errors import ParameterError
from gscli.records import Record

Kind = Literal["constant", "linear", "exp", "multiply", "cosine"]
Language = Literal["torch", "jax", "python"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

FORMS = {
    "constant": "constant:T",
    "linear": "linear:A:B:STEPS",
    "exp": "exp:A:B:RATE",
    "multiply": "multiply:A:B:FACTOR",
    "cosine": "cosine:A:B:STEPS",
}

BEYOND_FLOOR = 1.25
"""A run whose length is not given is that much longer than the way to the floor."""

MAX_STEPS = 10**12

FLOOR_TOLERANCE = 1e-6
"""A temperature counts as the floor within this share of it: rounding a step is not missing it."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A temperature for each training step.

    Attributes
    ----------
    kind : str
        ``constant``, ``linear``, ``exp``, ``multiply`` or ``cosine``.
    start, floor : float
        A, the temperature at step 0, and B, where it ends.
    pace : float
        STEPS of linear and cosine; RATE of exp; FACTOR of multiply.
    every : int
        The temperature changes at each multiple of this number of steps, and is held between.
    run : int
        Steps of the whole run.
    name, source : str
        Of a preset: its name, and where it was published.

    Notes
    -----
    With s the step: linear is A + (B - A) min(s / STEPS, 1), exp max(B, A e^(-RATE s)), multiply
    max(B, A FACTOR^s), and cosine B + (A - B) (1 + cos(π min(s / STEPS, 1))) / 2.
    """

    kind: Kind
    start: float
    floor: float
    pace: float = 0.0
    every: int = 1
    run: int = 0
    name: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        for value in (self.start, self.floor):
            if not (math.isfinite(value) and 0 < value <= HIGHEST_TEMPERATURE):
                raise ParameterError(
                    "schedule",
                    f"{value:g} is not a temperature above 0 and up to {HIGHEST_TEMPERATURE:g}",
                )
        _check_pace(self)
        if not self.run:
            object.__setattr__(self, "run", self._default_run())

    def _default_run(self) -> int:
        match self.kind:
            case "constant":
                return 0
            case "linear" | "cosine":
                return int(self.pace)
            case _:
                floor = self.floor_step or 1
                return math.ceil(float(f"{BEYOND_FLOOR * floor:.2g}"))

    @property
    def decay(self) -> float:
        """The rate r of A e^(-r s), for exp and multiply."""
        return self.pace if self.kind == "exp" else -math.log(self.pace)

    @property
    def floor_step(self) -> int | None:
        """The step from which on the temperature is B, within 1e-6 of it; None if it is constant.

        Examples
        --------
        >>> parse_schedule("multiply:2:0.5:0.999995").floor_step
        277258
        """
        if self.start == self.floor or self.kind == "constant":
            return None
        if self.kind in ("linear", "cosine"):
            exact = self.pace
        else:
            slack = FLOOR_TOLERANCE
            exact = (math.log(self.start / self.floor) - slack) / self.decay
        return max(1, math.ceil(exact / self.every)) * self.every

    def temperature(self, steps: npt.ArrayLike) -> FloatArray:
        """Return the temperatures at some steps, in their shape.

        Examples
        --------
        >>> parse_schedule("cosine:1:0.5:100").temperature([0, 50, 100, 1000]).tolist()
        [1.0, 0.75, 0.5, 0.5]
        """
        s = np.asarray(steps, dtype=np.float64) // self.every * self.every
        a, b = self.start, self.floor
        match self.kind:
            case "constant":
                return np.full(s.shape, a)
            case "linear":
                return a + (b - a) * np.minimum(s / self.pace, 1)
            case "cosine":
                return b + (a - b) * (1 + np.cos(np.pi * np.minimum(s / self.pace, 1))) / 2
            case _:
                falling = a * np.exp(-self.decay * s)
                # At the floor as soon as it is reached, to the digits that are shown.
                return np.where(falling <= b * (1 + FLOOR_TOLERANCE), b, falling)

    @property
    def formula(self) -> str:
        """The temperature as a formula of the step.

        Examples
        --------
        >>> parse_schedule("exp:1:0.5:3e-5").formula
        'max(0.5, exp(-3e-05 step))'
        """
        a, b, pace = (f"{value:.12g}" for value in (self.start, self.floor, self.pace))
        progress = f"min(step / {pace}, 1)"
        times = "" if self.start == 1 else f"{a} · "
        text = {
            "constant": a,
            "linear": f"{a} + ({b} - {a}) {progress}",
            "exp": f"max({b}, {times}exp(-{pace} step))",
            "multiply": f"max({b}, {times}{pace}^step)",
            "cosine": f"{b} + ({a} - {b}) (1 + cos(π {progress})) / 2",
        }[self.kind]
        return text if self.every == 1 else f"{text}, every {self.every:,} steps"

    def code(self, language: Language) -> str:
        """Return a function ``temperature(step)`` in Python, for PyTorch or for JAX.

        Parameters
        ----------
        language : {"torch", "jax", "python"}
            For the first two `step` may be an array of them; `jax.jit` can compile what is for JAX.
        """
        return _code(self, language)


def _check_pace(schedule: Schedule) -> None:
    """Raise `ParameterError` unless the third parameter fits the kind."""
    pace = schedule.pace
    reason = ""
    match schedule.kind:
        case "linear" | "cosine":
            if not (1 <= pace <= MAX_STEPS and pace == int(pace)):
                reason = f"STEPS: {pace:g} is not a whole number, 1 or more"
        case "exp":
            if not (math.isfinite(pace) and pace > 0):
                reason = f"RATE: {pace:g} is not above 0; write 1e-5"
        case "multiply":
            if not 0 < pace < 1:
                reason = f"FACTOR: {pace:g} is not between 0 and 1; write 0.9999"
        case _:
            return
    if not reason and schedule.kind in ("exp", "multiply") and schedule.start < schedule.floor:
        reason = f"A = {schedule.start:g} is below B = {schedule.floor:g}, where it ends; swap them"
    if reason:
        raise ParameterError("schedule", reason)


_JANG = (
    "Jang, Gu, Poole (2017), arXiv:1611.01144, section 4: rates 1e-5 and 1e-4, updated every 500 "
    "or 1,000 steps"
)

PRESETS: dict[str, Schedule] = {
    "jang": Schedule("exp", 1, 0.5, 1e-5, every=1000, name="jang", source=_JANG),
    "jang-notebook": Schedule(
        "exp", 1, 0.5, 3e-5, every=1000, run=50_000, name="jang-notebook",
        source="E. Jang's notebook, github.com/ericjang/gumbel-softmax: NUM_ITERS = 50000",
    ),
    "dalle": Schedule(
        "cosine", 1, 1 / 16, 150_000, name="dalle",
        source="Ramesh et al. (2021), arXiv:2102.12092, appendix A.2, with 8,192 categories; a "
        "linear schedule typically diverged",
    ),
    "wav2vec2": Schedule(
        "multiply", 2, 0.5, 0.999995, run=400_000, name="wav2vec2",
        source="Baevski et al. (2020), arXiv:2006.11477, section 4.2, Base, with 2 x 320 "
        "categories",
    ),
    "wav2vec2-large": Schedule(
        "multiply", 2, 0.1, 0.999995, run=1_000_000, name="wav2vec2-large",
        source="Baevski et al. (2020), arXiv:2006.11477, section 4.2, Large, run as in fairseq's "
        "wav2vec2_large_librivox.yaml, with 2 x 320 categories",
    ),
    "taming": Schedule(
        "cosine", 0.9, 1e-6, 1_000_001, name="taming",
        source="Esser et al. (2021), github.com/CompVis/taming-transformers: the Gumbel VQGAN of "
        "OpenImages, with 8,192 categories",
    ),
}  # fmt: skip


def parse_schedule(text: str) -> Schedule:
    """Read a schedule as users type it.

    Parameters
    ----------
    text : str
        One of `FORMS`, such as ``exp:1:0.5:1e-5``; or the name of a preset, of which ``jang`` takes
        a rate and a number of steps between updates: ``jang:1e-4:500``.

    Raises
    ------
    ParameterError
        If it is neither; the message says why.

    Examples
    --------
    >>> parse_schedule("linear:1:0.5:1000").run
    1000
    >>> parse_schedule("jang:1e-4").floor_step
    7000
    """
    kind, *fields = text.strip().split(":")
    if kind == "jang" and len(fields) <= 2:
        return _jang(fields)
    if kind in PRESETS:
        if fields:
            raise ParameterError("schedule", f"{kind} takes no parameters; write {kind}")
        return PRESETS[kind]
    if kind not in FORMS:
        raise ParameterError(
            "schedule",
            f"{text!r} is not a schedule; write {', '.join(FORMS.values())}, a log @FILE.csv, or "
            f"one of {', '.join(PRESETS)}",
        )
    if len(fields) != FORMS[kind].count(":"):
        raise ParameterError("schedule", f"{text!r} does not read {FORMS[kind]}")
    numbers = [_number(field) for field in fields]
    if kind == "constant":
        return Schedule("constant", numbers[0], numbers[0])
    start, floor, pace = numbers
    return Schedule(kind, start, floor, pace)  # type: ignore[arg-type]


def _jang(fields: Sequence[str]) -> Schedule:
    preset = PRESETS["jang"]
    pace = _number(fields[0]) if fields else preset.pace
    every = _number(fields[1]) if len(fields) > 1 else preset.every
    if every != int(every) or every < 1:
        raise ParameterError("schedule", f"jang: {every:g} steps between updates; write 500")
    return replace(preset, pace=pace, every=int(every), run=0)


def _number(text: str) -> float:
    try:
        if "_" in text:
            raise ValueError
        return float(text)
    except ValueError as error:
        raise ParameterError("schedule", f"{text!r} is not a number") from error


_IMPORTS = {"python": "import math", "torch": "import torch", "jax": "import jax.numpy as jnp"}
_HELD = {
    "python": "step // {every} * {every}",
    "torch": 'torch.div(step, {every}, rounding_mode="floor") * {every}',
    "jax": "step // {every} * {every}",
}
_ARRAYS = {
    "torch": "torch.as_tensor(step, dtype=torch.float64)",
    "jax": "jnp.asarray(step, dtype=float)",
}
_NAMES = {
    "python": {"exp": "math.exp", "cos": "math.cos"},
    "torch": {"exp": "torch.exp", "cos": "torch.cos"},
    "jax": {"exp": "jnp.exp", "cos": "jnp.cos"},
}
_LEAST = {
    "python": "min({x}, {y})",
    "torch": "torch.clamp({x}, max={y})",
    "jax": "jnp.minimum({x}, {y})",
}
_MOST = {
    "python": "max({x}, {y})",
    "torch": "torch.clamp({x}, min={y})",
    "jax": "jnp.maximum({x}, {y})",
}


def _code(schedule: Schedule, language: Language) -> str:
    names = _NAMES[language]
    a, b, pace = schedule.start, schedule.floor, schedule.pace
    progress = _LEAST[language].format(x=f"step / {pace:.0f}", y="1.0")
    match schedule.kind:
        case "constant":
            value = f"{a!r} + 0 * step"
        case "linear":
            value = f"{a!r} + {b - a!r} * {progress}"
        case "cosine":
            value = f"{b!r} + {(a - b) / 2!r} * (1 + {names['cos']}({math.pi!r} * {progress}))"
        case _:
            # Not FACTOR ** step, of which nothing is left in float32 after 10^5 steps.
            scale = "" if a == 1 else f"{a!r} * "
            falling = f"{scale}{names['exp']}({-schedule.decay!r} * step)"
            value = _MOST[language].format(x=falling, y=repr(b))
    lines = [
        *([_IMPORTS[language], "", ""] if language != "python" or "math." in value else []),
        "def temperature(step):",
        '    """Return the temperature at a training step.',
        "",
        f"    {schedule.formula}",
        '    """',
    ]
    if language in _ARRAYS:
        lines.append(f"    step = {_ARRAYS[language]}")
    if schedule.every > 1:
        lines.append(f"    step = {_HELD[language].format(every=schedule.every)}")
    return "\n".join([*lines, f"    return {value}", ""])


@dataclass(frozen=True, eq=False, slots=True)
class StepFacts(Record):
    """What the temperature of one step does.

    Attributes
    ----------
    step : int
        The training step.
    temperature : float
        There.
    regime : str
        Where the density is unbounded; see `Concrete.regime`.
    expected_max, near_vertex : float
        E[max X] and P(max X > 0.95).
    gradient_error : GradientError
        Bias and noise of the relaxed gradient.
    batch_sizes : tuple of int
        For each of which the gradient's error is wanted.
    exact : bool
        Whether these are exact: below t = 0.001 they are to leading order in t.
    """

    KEYS: ClassVar[str] = (
        "step temperature regime expected_max near_vertex relative_bias noise error no_gradient "
        "exact"
    )

    step: int
    temperature: float
    regime: Regime
    expected_max: float
    near_vertex: float
    gradient_error: GradientError
    batch_sizes: tuple[int, ...]
    exact: bool

    @property
    def relative_bias(self) -> float:
        """The relaxed gradient's bias, relative to ‖J0‖."""
        return self.gradient_error.relative_bias

    @property
    def noise(self) -> float:
        """The variance of one sample's Jacobian."""
        return self.gradient_error.noise

    @property
    def no_gradient(self) -> float:
        """‖J0‖², the squared error of no gradient at all."""
        return self.gradient_error.no_gradient

    @property
    def error(self) -> dict[int, float]:
        """The squared error of a gradient averaged over m samples, by m."""
        return {m: self.gradient_error.error(m) for m in self.batch_sizes}


def facts_along(
    logits: FloatArray,
    steps: Sequence[int],
    temperatures: Iterable[float],
    batch_sizes: Sequence[int],
) -> Iterator[StepFacts]:
    """Yield what the temperature of each step does.

    Parameters
    ----------
    logits : ndarray, shape (K,)
        Log-probabilities up to a common constant.
    steps : sequence of int
        The training steps.
    temperatures : iterable of float
        Of each, up to 1000.
    batch_sizes : sequence of int
        For each of which the gradient's error is wanted.

    Notes
    -----
    As t → 0, 1 - E[max X] and 1 - P(max X > 0.95) are proportional to t, the bias to t², and the
    noise to 1/t: below t = 0.001 they are continued so, within 0.2 % of what is left of them.

    Examples
    --------
    >>> (only,) = facts_along(np.log([1, 3, 6]), [0], [0.5], [32])
    >>> round(only.relative_bias, 4), round(only.error[32], 4)
    (0.1166, 0.0077)
    """
    key = np.ascontiguousarray(logits, dtype=np.float64).tobytes()
    for step, temperature in zip(steps, temperatures, strict=True):
        t = float(temperature)
        known = max(t, LOWEST_TEMPERATURE)
        near_one, near_vertex = _nearness(key, known)
        error = Concrete(logits=logits, temperature=known).gradient_error()
        share = t / known
        yield StepFacts(
            step=step,
            temperature=t,
            regime=Concrete(logits=logits, temperature=t).regime,
            expected_max=1 - (1 - near_one) * share,
            near_vertex=1 - (1 - near_vertex) * share,
            gradient_error=error if share == 1 else _cold(error, share),
            batch_sizes=tuple(batch_sizes),
            exact=share == 1,
        )


def _cold(error: GradientError, share: float) -> GradientError:
    return replace(
        error,
        bias=error.bias * share**2,
        relative_bias=error.relative_bias * share**2,
        noise=error.noise / share,
    )


@lru_cache(maxsize=256)
def _nearness(logits: bytes, temperature: float) -> tuple[float, float]:
    d = Concrete(logits=np.frombuffer(logits), temperature=temperature)
    return d.expected_max(), d.near_vertex()


NODES, NODES_AN_E_FOLD = 8, 1.5
"""Temperatures from which lines are interpolated: so many, and so many more for each factor e.
E[max X] and the share near a vertex then err by 0.002 at most, which is a pixel of a figure."""


def lines_along(
    logits: FloatArray, temperatures: FloatArray, batch_sizes: Sequence[int]
) -> dict[str, FloatArray]:
    """Return what many temperatures do, for the lines of a figure.

    Parameters
    ----------
    logits : ndarray, shape (K,)
        Log-probabilities up to a common constant.
    temperatures : ndarray, shape (n,)
        Up to 1000.
    batch_sizes : sequence of int
        For each of which the gradient's error is wanted.

    Returns
    -------
    dict
        Arrays of shape (n,): ``expected_max`` and ``near_vertex``, interpolated in log t within
        0.002; ``relative_bias``, ``noise`` and ``error M``, exact.
    """
    low, high = float(temperatures.min()), float(temperatures.max())
    known = max(low, LOWEST_TEMPERATURE)
    span = math.log(max(high, known) / known)
    count = 0 if span < FLOOR_TOLERANCE else math.ceil(NODES + NODES_AN_E_FOLD * span)
    nodes = (1 - np.cos(np.pi * np.arange(count + 1) / max(count, 1))) / 2
    key = np.ascontiguousarray(logits, dtype=np.float64).tobytes()
    at_nodes = np.minimum(known * np.exp(span * nodes), max(high, known))
    values = np.array([_nearness(key, t) for t in at_nodes.tolist()])
    places = np.log(np.maximum(temperatures, known) / known) / (span or 1)
    fitted = np.polynomial.chebyshev.chebfit(2 * nodes - 1, values, count)
    found = np.polynomial.chebyshev.chebval(2 * places - 1, fitted)
    share = np.minimum(temperatures / known, 1)
    lines: dict[str, FloatArray] = {
        name: np.clip(1 - (1 - row) * share, 0, 1)
        for name, row in zip(("expected_max", "near_vertex"), found, strict=True)
    }
    errors = [_gradient_error(logits, t) for t in temperatures.tolist()]
    lines["relative_bias"] = np.array([each.relative_bias for each in errors])
    lines["noise"] = np.array([each.noise for each in errors])
    for m in batch_sizes:
        lines[f"error {m}"] = np.array([each.error(m) for each in errors])
    return lines


def _gradient_error(logits: FloatArray, t: float) -> GradientError:
    known = max(t, LOWEST_TEMPERATURE)
    error = Concrete(logits=logits, temperature=known).gradient_error()
    return error if known == t else _cold(error, t / known)


SHARES_OF_RUN = (0.25, 0.5, 0.75)


def steps_that_matter(schedule: Schedule, num_categories: int) -> list[int]:
    """Return steps at which to look: both ends, quarters, new regimes, and where the floor begins.

    Examples
    --------
    >>> steps_that_matter(parse_schedule("linear:1:0.2:1000"), num_categories=3)
    [0, 250, 500, 625, 750, 1000]
    """
    run = schedule.run
    found = {0, run, *(round(share * run) for share in SHARES_OF_RUN)}
    if schedule.floor_step is not None and schedule.floor_step <= run:
        found.add(schedule.floor_step)
    k = num_categories
    found |= {step for t in (k - 1, 1 / (k - 1)) if (step := _crossing(schedule, t)) is not None}
    return sorted(found)


def _crossing(schedule: Schedule, temperature: float) -> int | None:
    """Return the first step at which the temperature is beyond one, by bisection."""
    first, last = (float(schedule.temperature(step)) for step in (0, schedule.run))
    if not min(first, last) < temperature < max(first, last):
        return None
    low, high = 0, schedule.run
    while high - low > 1:
        middle = (low + high) // 2
        beyond = (float(schedule.temperature(middle)) - temperature) * (first - temperature) <= 0
        low, high = (low, middle) if beyond else (middle, high)
    return high


def schedule_warnings(schedule: Schedule, facts: Sequence[StepFacts]) -> Iterator[str]:
    """Yield what is wrong with a schedule, in sentences.

    Parameters
    ----------
    schedule : Schedule
        The schedule.
    facts : sequence of StepFacts
        At its steps that matter, in their order.
    """
    floor = schedule.floor_step
    if floor is not None and floor > schedule.run:
        last = facts[-1].temperature
        yield (
            f"The floor {schedule.floor:g} is not reached: the run ends at step "
            f"{schedule.run:,} with t = {last:.3g}, the floor begins at step {floor:,}."
        )
    yield from gradient_warnings(facts)


def gradient_warnings(facts: Sequence[StepFacts]) -> Iterator[str]:
    """Yield where along a run the gradient is shrunk, or worse than none, in sentences."""
    first, last = facts[0], facts[-1]
    if first.relative_bias > MAX_RELATIVE_BIAS:
        yield (
            f"At step {first.step:,} (t = {first.temperature:.3g}) the gradient is only shrunk "
            f"towards 0: its bias is {100 * first.relative_bias:.0f} %."
        )
    worse = {m: error / last.no_gradient for m, error in last.error.items() if last.no_gradient}
    worse = {m: ratio for m, ratio in worse.items() if ratio > 1}
    if worse:
        sizes = ", ".join(f"{m:,}" for m in worse)
        ratios = ", ".join(f"{ratio:,.3g}" for ratio in worse.values())
        yield (
            f"At step {last.step:,} (t = {last.temperature:.3g}) the gradient for m = {sizes} has "
            f"{ratios} times the error of no gradient: average more samples, or stop at a higher "
            "temperature."
        )


def as_json(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule's parameters as a JSON-serialisable dict."""
    return {
        "kind": schedule.kind,
        "start": schedule.start,
        "floor": schedule.floor,
        "pace": schedule.pace,
        "every": schedule.every,
        "run": schedule.run,
        "formula": schedule.formula,
        "floor_step": schedule.floor_step,
        "source": schedule.source or None,
    }
