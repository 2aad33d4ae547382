"""A distribution over a grid of temperatures: exact facts, samples beside them, and their tests."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from gscli.arrays import FloatArray, largest, log_softmax
from gscli.distribution.concrete import Concrete
from gscli.distribution.estimators import Comparison, compare
from gscli.distribution.gradients import gradient_error
from gscli.distribution.losses import default_loss
from gscli.distribution.noise import bit_generator, block_shape, log_exponential, stream
from gscli.distribution.properties import BATCH_SIZES, Advice, Facts, advise, facts_at
from gscli.distribution.quadrature import LOWEST_TEMPERATURE
from gscli.errors import ParameterError
from gscli.execution.threads import Threads, Workers, check_threads, ordered_map
from gscli.inference.gof.check import check
from gscli.inference.gof.results import CheckResult
from gscli.inference.summary import Summary, SummaryAccumulator
from gscli.io.samples import Batch

CURVE_POINTS = {256: 61, 10_000: 31}
"""Temperatures at which the exact lines are drawn, up to some numbers of categories; of more, the
grid itself: a point takes a second."""

COMPARED_CATEGORIES = 256
"""Categories up to which estimators are compared."""

PANELS = 12
"""Temperatures that the page shows as panels, and at which it compares estimators."""

COMPARED_ROWS = 2000
"""Samples of an estimator whose error is Monte Carlo."""

CHECKED_ROWS, CHECKED_VALUES = 600_000, 2_000_000
"""Rows that are tested over all temperatures, and values at each; at least 2,000 rows at each."""

TOGETHER_VALUES = 10**8
"""Values at each temperature up to which temperatures are done side by side: an interrupt waits
for those that have begun, some seconds at the most."""

NOISE_UNIT = 2.0**-11
"""Of embedded log E: none of 2,000 rows lies beyond 16, and no eye tells the rounding."""

CHECKED_CATEGORIES = 64
"""Of more, an exact sub-composition is tested: time and memory grow with the square."""


@dataclass(frozen=True, slots=True)
class Step:
    """One temperature of a sweep.

    Attributes
    ----------
    facts : Facts
        Exact.
    summary : Summary
        Of the samples.
    entropy, entropy_se : float
        Of the samples: the mean of minus the exact log-density, and its standard error.
    verdict : CheckResult
        Of the exact tests of the first `checked` samples, and of their most probable categories.
    checked : int
        How many samples were tested.
    """

    facts: Facts
    summary: Summary
    entropy: float
    entropy_se: float
    verdict: CheckResult
    checked: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """A distribution over a grid of temperatures.

    Attributes
    ----------
    logits : ndarray, shape (K,)
        Normalised log-probabilities.
    n, seed : int
        Of the samples at each temperature; they share their noise.
    steps : tuple of Step
        In the order of the temperatures.
    curve : tuple of Facts
        Exact facts on a fine grid over the same range, for lines.
    batch_sizes : tuple of int
        How many samples a gradient is averaged over.
    advice : dict or None
        The best temperature at each batch size; None where no temperature is best.
    comparison : Comparison or None
        Gradient estimators on the default loss at the `shown` temperatures; None where there are
        more than 256 categories.
    """

    logits: FloatArray
    n: int
    seed: int
    steps: tuple[Step, ...]
    curve: tuple[Facts, ...]
    batch_sizes: tuple[int, ...]
    advice: dict[int, Advice] | None
    comparison: Comparison | None

    @property
    def middle(self) -> int:
        """The batch size that stands for all where there is room for one."""
        return sorted(self.batch_sizes)[len(self.batch_sizes) // 2]

    @property
    def temperatures(self) -> list[float]:
        """The grid."""
        return [step.facts.temperature for step in self.steps]

    @property
    def shown(self) -> list[float]:
        """The temperatures of the grid that have a panel, a dozen at most, evenly chosen."""
        return evenly_chosen(self.temperatures)

    @property
    def shrunk(self) -> bool:
        """Whether the least error of a batch size is that of a gradient shrunk towards 0."""
        return any(each.shrunk for each in (self.advice or {}).values())

    def spans(self, temperature: float) -> bool:
        """Tell whether a temperature lies between the least and the largest of the grid."""
        return min(self.temperatures) <= temperature <= max(self.temperatures)

    def cost(self, temperature: float, batch_size: int) -> float | None:
        """Return a temperature's gradient error as a multiple of the least one, if both exist."""
        if self.advice is None or temperature < LOWEST_TEMPERATURE:
            return None
        least = self.advice[batch_size].best_error.error(batch_size)
        return gradient_error(self.logits, temperature).error(batch_size) / least


def sweep_steps(
    distribution: Concrete,
    temperatures: Sequence[float],
    *,
    n: int,
    seed: int,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    threads: Threads = None,
) -> Iterator[Step]:
    """Yield the facts, the samples' statistics and their tests at each temperature.

    Parameters
    ----------
    distribution : Concrete
        Gives the logits; its own temperature does not matter.
    temperatures : sequence of float
        Each within the range of exact moments.
    n : int
        Number of samples at each.
    seed : int
        Of the noise, which all temperatures share.
    batch_sizes : sequence of int
        How many samples a gradient is averaged over.
    threads : int or Workers, optional
        Number of threads for drawing; processes take a temperature each.

    Yields
    ------
    Step
        In the order of the temperatures.

    Raises
    ------
    ParameterError
        If `n` is 1: a single sample has no spread.
    AccuracyError
        If a temperature is outside the range of exact moments.
    """
    if n < 2:
        raise ParameterError("samples", f"{n} is too few: a spread needs two or more")
    k, count = distribution.num_categories, check_threads(threads)
    most = min(CHECKED_ROWS // len(temperatures), CHECKED_VALUES // k)
    checked = min(n, max(2000, most))
    together = min(count, len(temperatures)) if n * k <= TOGETHER_VALUES else 1

    step = partial(
        _step,
        distribution.logits,
        n=n,
        seed=seed,
        batch_sizes=batch_sizes,
        threads=count // together,
        checked=checked,
    )
    by = threads if isinstance(threads, Workers) else together
    yield from ordered_map(step, temperatures, threads=by)


def _step(
    logits: FloatArray,
    temperature: float,
    *,
    n: int,
    seed: int,
    batch_sizes: Sequence[int],
    threads: int,
    checked: int,
) -> Step:
    (facts,) = facts_at(logits, [temperature], batch_sizes=batch_sizes, threads=1)
    here, k = facts.distribution, facts.distribution.num_categories
    top = largest(here.logits, CHECKED_CATEGORIES)
    tested = here if len(top) == k else here.subcomposition(top)
    summary, start = SummaryAccumulator(log=True), 0
    surprisal: list[FloatArray] = []
    kept: list[FloatArray] = []
    transform = partial(here.from_noise, form="log")
    for rows in stream(transform, k, n, seed=seed, threads=threads, order="F"):
        log_x = np.asarray(rows, np.float64)
        summary.update(Batch(log_x, start))
        if start < checked:
            first = log_x[: checked - start]
            surprisal.append(first.sum(axis=-1) - here.log_prob_log(first))
            kept.append(first if tested is here else log_softmax(first[:, list(top)]))
        start += len(log_x)
    entropies = np.concatenate(surprisal)
    return Step(
        facts=facts,
        summary=summary.summary(),
        entropy=float(entropies.mean()),
        entropy_se=float(entropies.std() / np.sqrt(len(entropies))),
        verdict=check(kept, tested, log=True, threads=threads),
        checked=checked,
    )


def finish(steps: Sequence[Step], *, n: int, seed: int) -> Sweep:
    """Put the steps of a sweep together, with the exact lines and the best temperatures."""
    logits = steps[0].facts.distribution.logits
    batch_sizes = steps[0].facts.batch_sizes
    advice = advise(logits, batch_sizes)
    known = {step.facts.temperature: step.facts for step in steps}
    grid = sorted(known)
    low, high = min(known), max(known)
    # The lines pass through the best temperatures, whose marks lie on them.
    marked = [t for each in (advice or {}).values() for t in (each.best, each.advised)]
    wanted = {t for t in marked if low < t < high}
    points = next((count for most, count in CURVE_POINTS.items() if len(logits) <= most), 0)
    if points and low < high:
        wanted |= set(np.geomspace(low, high, points).tolist())
    missing = sorted(wanted - set(known))
    known |= zip(missing, facts_at(logits, missing, batch_sizes=batch_sizes), strict=True)
    curve = tuple(known[t] for t in sorted(known))
    comparison = None
    if len(logits) <= COMPARED_CATEGORIES:
        comparison = compare(
            logits,
            evenly_chosen(grid),
            default_loss(len(logits)),
            batch_sizes=batch_sizes,
            n=COMPARED_ROWS,
            seed=seed,
        )
    return Sweep(logits, n, seed, tuple(steps), curve, batch_sizes, advice, comparison)


def evenly_chosen(temperatures: Sequence[float]) -> list[float]:
    """Return a dozen of some temperatures at most.

    Examples
    --------
    >>> evenly_chosen([0.5, 1.0]), len(evenly_chosen(range(1, 100)))
    ([0.5, 1.0], 12)
    """
    picked = np.unique(np.linspace(0, len(temperatures) - 1, PANELS).round().astype(int))
    return [temperatures[i] for i in picked.tolist()]


def noise_state(num_categories: int, *, seed: int) -> dict[str, Any]:
    """Return what the page draws the first rows of the stream from: SFC64's state, in halves."""
    state = bit_generator(seed, 0).state["state"]["state"]
    halves = [int(word) >> shift & 0xFFFFFFFF for word in state for shift in (32, 0)]
    return {"state": halves, "lanes": block_shape(num_categories)[2]}


def embedded_noise(
    num_categories: int, rows: int, *, seed: int, categories: Sequence[int]
) -> dict[str, Any]:
    """Return log E of the first rows of the stream, for some categories, in 16 bits."""
    batches = stream(log_exponential, num_categories, rows, seed=seed)
    noise = np.concatenate([batch[:, list(categories)] for batch in batches])
    whole = np.clip(np.rint(noise / NOISE_UNIT), -(2**15), 2**15 - 1).astype("<i2")
    return {"values": base64.b64encode(whole.tobytes()).decode(), "unit": NOISE_UNIT}
