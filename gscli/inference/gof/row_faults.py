"""What shows in the rows themselves, whatever their law: zeros, constants, repeats, order.

Each function returns the sentences that name it, or none.
"""

import math

import numpy as np

from gscli.arrays import FloatArray
from gscli.inference.gof.noise_laws import PLAUSIBLE
from gscli.inference.gof.statistics import Statistics
from gscli.inference.gof.transforms import log_exponentials_of
from gscli.io.precision import Precision
from gscli.io.samples import Batch

LAW = {"rounding", "log-ratios", "flat Dirichlet", "independence", "extremes", "largest", "score"}
"""Tests of the law of one row."""

FEW_REPEATS = 1e-3
"""Share of repeated rows below which clamped noise, not reuse, is the likelier cause."""

MOST_SHOWN = 8
"""Values of a row that are shown."""

UNDERFLOWING = 0.01
"""Below this temperature a whole file of rows can underflow to one-hot."""

SAME = 1e-4
"""Spread of t·log(X_i/X_j) below which it is constant: float32 rounding stays inside."""

PROBED_ROWS, NEIGHBOURS = 64, 3
"""Rows, and neighbours in the order of their sums, by which like categories are sought."""

FEWEST_IN_ORDER = 10
"""Rows that are not sorted by chance."""

MOST_OUTLIERS = 0.02
"""The largest part of the rows that can be outliers."""

SAME_LEAST = 1.02
"""Factor between the categories' least values up to which they are one."""

NAN = (
    "hold NaN: infinite noise (a uniform of exactly 0), or a softmax that does not subtract the "
    "maximum first"
)
LOGARITHMS = ": if these are logarithms of samples, check them with --log"
NOT_LOGARITHMS = (
    "are not logarithms of points on the simplex: if these are the samples themselves, check them "
    "without --log; if they are scores before the softmax, normalise them first"
)
OVER_ROWS = (
    "do not sum to 1, but each column does: the softmax ran over the rows, not over the categories"
)


def off_simplex(statistics: Statistics) -> list[str]:
    """Say how many rows are off the simplex, and why."""
    most = 2 * statistics.off_simplex >= statistics.n
    known = statistics.not_a_number + statistics.infinite + statistics.negative
    logarithms = statistics.precision.log and most
    kinds = [
        (statistics.not_a_number, NAN),
        (statistics.infinite, "hold an infinite value: an overflow"),
        (statistics.negative, "hold a negative value" + (LOGARITHMS if most else "")),
        (
            statistics.off_simplex - known,
            NOT_LOGARITHMS if logarithms else "do not sum to 1: they were not normalised",
        ),
    ]
    if most and not known and not statistics.precision.log and _sums_of_columns(statistics):
        return [f"the rows {OVER_ROWS}"]
    found = [f"{count:,} of {statistics.n:,} rows {words}" for count, words in kinds if count > 0]
    return [f"{found[0]} ({_first_off(statistics)})", *found[1:]] if found else []


def _sums_of_columns(statistics: Statistics) -> bool:
    # In one batch, or in several of the same length.
    batches = float(statistics.off_sums.mean())
    return batches > 0.5 and bool(np.abs(statistics.off_sums / batches - 1).max() < 1e-3)


def _first_off(statistics: Statistics) -> str:
    row = statistics.first_off
    shown = ", ".join(f"{value:.6g}" for value in row[:MOST_SHOWN])
    shown += ", ..." if len(row) > MOST_SHOWN else ""
    total = float(np.exp(row).sum() if statistics.precision.log else row.sum())
    of_sum = ", whose exponentials sum to" if statistics.precision.log else ", which sum to"
    sums = f"{of_sum} {total:.7g}" if math.isfinite(total) else ""
    return f"row {statistics.first_off_simplex:,} holds {shown}{sums}"


def zeros(statistics: Statistics) -> list[str]:
    """Say what the exact zeros are."""
    temperature = statistics.distribution.temperature
    if statistics.one_hot == statistics.n:
        words = (
            "hard samples: every row is one-hot, as from argmax or a straight-through estimator; "
            "only their rounding can be judged"
        )
        if temperature < UNDERFLOWING:
            words += ". At this temperature it may be underflow too: check --log samples to tell"
        return [words]
    cold = "infinite noise (a uniform of exactly 0), or a far lower temperature"
    remedy = "--log samples are needed to judge more than their rounding"
    share = f"{statistics.zeros:,} of {statistics.n:,} rows hold exact zeros"
    if statistics.judged:
        return [f"{share}, too many for temperature {temperature:g}: {cold}"]
    if statistics.precision.decimal:
        return [f"{share}, from {statistics.precision.name} precision: write more digits; {remedy}"]
    if zeros_are_impossible(statistics):
        words = f"{share}, which cannot occur at temperature {temperature:g}: {cold}; {remedy}"
        return [words]
    return [f"{share} from underflow: {remedy}"]


def zeros_are_impossible(statistics: Statistics) -> bool:
    """Return whether no value of these samples can underflow."""
    # Noise spans some 40, and a float32 number is exp(-87) at least.
    distribution = statistics.distribution
    spread = 40 + float(np.ptp(distribution.logits))
    return not statistics.precision.coarse and spread < 87 * distribution.temperature


def constant(log_x: FloatArray, statistics: Statistics) -> list[str]:
    """Say that rows, or a ratio, are always the same."""
    distribution, names = statistics.distribution, statistics.names
    scores = distribution.temperature * log_x
    ratios = scores - scores[0]
    # Constant up to the rounding of log X, and of what the tests are made of.
    rounding = SAME * max(1.0, float(np.abs(log_x - log_x[0]).max()))
    same = np.ptp(log_x - log_x[0], axis=1).max() < rounding
    if statistics.usable > 1 and same and np.ptp(ratios, axis=1).max() < SAME:
        gap = ratios[:, 0] - (distribution.logits - distribution.logits[0])
        if np.abs(gap).max() < 10 * SAME:
            words = (
                "the noise is missing, or one value of it is shared by all categories: every row "
                "is softmax(logits / temperature)"
            )
            return [words]
        return ["every row is the same: the noise was drawn once only"]
    if statistics.usable < 3:
        return []
    for i, j in _alike(scores):
        if np.ptp(scores[i] - scores[j]) < SAME and np.ptp(log_x[i] - log_x[j]) < rounding:
            return [f"{names[i]} and {names[j]} share their noise: their ratio is constant"]
    return []


def _alike(scores: FloatArray) -> list[tuple[int, int]]:
    """Return pairs of categories whose scores may differ by a constant, shape (K, rows)."""
    some = scores[:, :PROBED_ROWS]
    some = some - some[:, :1]
    sums = some @ np.random.Generator(np.random.PCG64(1)).random(some.shape[1])
    order = np.argsort(sums)
    pairs = [
        (int(min(i, j)), int(max(i, j)))
        for apart in range(1, NEIGHBOURS + 1)
        for i, j in zip(order, order[apart:], strict=False)
        if abs(sums[i] - sums[j]) < SAME * some.shape[1]
    ]
    return sorted(pairs)


def in_order(log_x: FloatArray, statistics: Statistics) -> list[str]:
    """Say by which category the rows are sorted."""
    for name, values in zip(statistics.names, log_x, strict=True):
        steps = np.diff(values)
        if len(steps) > FEWEST_IN_ORDER and ((steps >= 0).all() or (steps <= 0).all()):
            return [
                f"the rows are sorted by {name}: check them in the order in which they are drawn"
            ]
    return []


def outliers(log_x: FloatArray, statistics: Statistics) -> list[str]:
    """Say which rows lie where none should, if all the others are as they should be."""
    given = statistics.distribution
    k, n = log_x.shape
    exponentials = np.exp(log_exponentials_of(log_x, given))
    total = exponentials.sum(axis=0)
    # So small, or so large, that PLAUSIBLE of them are expected in all rows together.
    far = exponentials.min(axis=0) / total < PLAUSIBLE / (statistics.usable * k * (k - 1))
    if k > 2:
        far |= 1 - 1 / total < (PLAUSIBLE / (statistics.usable * k)) ** (1 / (k - 1))
    count = int(far.sum())
    if not 0 < count < MOST_OUTLIERS * n:
        return []
    rest = Statistics(given, statistics.names, Precision(log=True))
    rest.update(Batch(log_x[:, ~far].T))
    if min(test.p_value for test in rest.results() if test.name in LAW - {"extremes"}) < PLAUSIBLE:
        return []
    low = np.bincount(exponentials[:, far].argmax(axis=0), minlength=k)
    name = statistics.names[int(low.argmax())]
    words = (
        f"outliers: {count:,} of {n:,} rows cannot come from this distribution, most of them "
        f"because {name} is far too small; the others agree with it"
    )
    return [words]


def smoothed(log_x: FloatArray) -> tuple[FloatArray, float] | None:
    """Undo a smoothing of the samples, (1 - s) x + s / K: return their logarithms, and s.

    Then every category has about the same least value.
    """
    values = np.exp(log_x)
    least = values.min(axis=1)
    if not 0 < least.max() < min(SAME_LEAST * least.min(), 1 / len(values)):
        return None
    # What the least value loses by this is less than the rounding of the others.
    floor = float(least.min()) * (1 - 1e-9)
    return np.log(values - floor) - math.log(1 - len(values) * floor), len(values) * floor


def repeats(statistics: Statistics) -> list[str]:
    """Say how many rows equal an earlier one."""
    count, lag = statistics.repeats.count()
    rows = "1 row equals" if count == 1 else f"{count:,} rows equal"
    before = f"{rows} an earlier one, most often the one {lag:,} rows before"
    if count < FEW_REPEATS * statistics.usable:
        return [f"noise is reused, or has few digits, or values were clipped: {before}"]
    return [f"noise is reused: {before}"]
