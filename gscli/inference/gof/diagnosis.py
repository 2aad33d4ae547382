"""Find from the data why samples were rejected.

First what shows in the rows themselves (one-hot, zeros, repeats, constants); then the kind of
noise, by likelihood; then which parameters, if any, the samples fit. For the last, the free
maximum of the likelihood is compared with each simple mistake by Wald's statistic: its distance in
the information matrix, chi-squared with as many degrees of freedom as the mistake leaves fixed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from gscli.arrays import FloatArray
from gscli.distribution.concrete import Concrete
from gscli.errors import AccuracyError
from gscli.inference.gof.accumulators import Histograms, hash_rows
from gscli.inference.gof.null_distributions import of_distances
from gscli.inference.gof.results import TestResult
from gscli.inference.gof.statistics import Statistics
from gscli.inference.likelihood import Estimate, maximize
from gscli.io.precision import Precision
from gscli.io.samples import Batch

PLAUSIBLE = 1e-3
"""Smallest p-value at which a mistake counts as an explanation."""

LAW = {"rounding", "log-ratios", "flat Dirichlet", "independence", "extremes"}
"""Tests of the law of one row."""

FEW_REPEATS = 1e-3
"""Share of repeated rows below which clamped noise, not reuse, is the likelier cause."""

COARSEST_CLIP = 0.1
"""Uniforms clipped to [c, 1 - c] with a larger c are another law, not clamped noise."""

MOST_NAMED = 10
"""Moved columns that are listed."""

MOST_SHOWN = 8
"""Values of a row that are shown."""

UNDERFLOWING = 0.01
"""Below this temperature a whole file of rows can underflow to one-hot."""

FREE_CONSTANT = "proportional to"
NOT_GUMBEL = "the noise is not Gumbel: no pi and no temperature fit these samples"
DEPENDENT = "the noise of different categories is not independent"
EXPONENTIAL = (
    "the noise is exponential, not Gumbel: -log U was added where -log(-log U) belongs, a "
    "logarithm is missing"
)
NAN = (
    "hold NaN: infinite noise (a uniform of exactly 0), or a softmax that does not subtract the "
    "maximum first"
)
LOGARITHMS = ": if these are logarithms of samples, check them with --log"
NOT_LOGARITHMS = (
    "are not logarithms of points on the simplex: if these are the samples themselves, check them "
    "without --log; if they are scores before the softmax, normalise them first"
)
BLURRED = (NOT_GUMBEL, DEPENDENT)
"""What the rounding of coarse values looks like."""

SAME = 1e-4
"""Spread of t·log(X_i/X_j) below which it is constant: float32 rounding stays inside."""


def explain(statistics: Statistics, tests: Sequence[TestResult]) -> tuple[str, ...]:
    """Say what is probably wrong with rejected samples.

    Parameters
    ----------
    statistics : Statistics
        What was read.
    tests : sequence of TestResult
        Of `statistics`, with their outcome.

    Returns
    -------
    tuple of str
        The likeliest cause first, each with its estimate where there is one.
    """
    off = _off_simplex(statistics)
    if statistics.zeros and not statistics.judged:
        return (*off, *_zeros(statistics))
    failed = {test.name for test in tests if not test.passed}
    # If the law explains the rejection, some badly rounded rows do not.
    rest = _of_usable(statistics, failed) if statistics.usable else []
    causes = off + rest if 2 * statistics.off_simplex > statistics.n else rest + off
    if statistics.precision.coarse and statistics.precision.advice not in causes:
        causes.append(statistics.precision.advice)
    return tuple(causes) or ("no simple mistake explains the rejection",)


def _of_usable(statistics: Statistics, failed: set[str]) -> list[str]:
    log_x = statistics.kept_log_x()
    constant = _constant(log_x, statistics)
    if constant:
        return constant
    zeros = _zeros(statistics) if statistics.zeros and "extremes" in failed else []
    if zeros:
        if failed & LAW == {"extremes"}:
            return zeros
        # Draws in place of zeros that cannot occur would bias any fit.
        log_x = log_x[:, log_x.min(axis=0) >= statistics.precision.log_normal]
    repeats = _repeats(statistics) if "repeats" in failed and _reused(log_x, statistics) else []
    if repeats:
        # Repeated rows would count as evidence for any parameters.
        log_x = log_x[:, np.sort(np.unique(hash_rows(log_x), return_index=True)[1])]
    law = _law(log_x, statistics) if failed & LAW else []
    if "extremes" in failed and not law and not repeats:
        law = _clamped(statistics, -math.log(statistics.shortest))
    if law and law[0] in BLURRED and _coarse_ratios(log_x, statistics):
        law = [statistics.precision.advice]
    # A few rows can coincide because their noise was clamped.
    few = statistics.repeats.count()[0] < FEW_REPEATS * statistics.usable
    serial = _serial(statistics, law) if "serial" in failed and not repeats else []
    return (law + repeats if few else repeats + law) + serial + zeros


def _off_simplex(statistics: Statistics) -> list[str]:
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
    found = [f"{count:,} of {statistics.n:,} rows {words}" for count, words in kinds if count > 0]
    return [f"{found[0]} ({_first_off(statistics)})", *found[1:]] if found else []


def _first_off(statistics: Statistics) -> str:
    row = statistics.first_off
    shown = ", ".join(f"{value:.6g}" for value in row[:MOST_SHOWN])
    shown += ", ..." if len(row) > MOST_SHOWN else ""
    total = float(np.exp(row).sum() if statistics.precision.log else row.sum())
    of_sum = ", whose exponentials sum to" if statistics.precision.log else ", which sum to"
    sums = f"{of_sum} {total:.7g}" if math.isfinite(total) else ""
    return f"row {statistics.first_off_simplex:,} holds {shown}{sums}"


def _zeros(statistics: Statistics) -> list[str]:
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
    # Noise spans some 40 and a float32 number exp(-87) at least: no row can underflow then.
    if 40 + float(np.ptp(statistics.distribution.logits)) < 87 * temperature:
        words = f"{share}, which cannot occur at temperature {temperature:g}: {cold}; {remedy}"
        return [words]
    return [f"{share} from underflow: {remedy}"]


def _constant(log_x: FloatArray, statistics: Statistics) -> list[str]:
    distribution, names = statistics.distribution, statistics.names
    scores = distribution.temperature * log_x
    ratios = scores - scores[0]
    if statistics.usable > 1 and np.ptp(ratios, axis=1).max() < SAME:
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
    for i in range(len(scores)):
        others = np.ptp(scores - scores[i], axis=1) < SAME
        others[i] = False
        if others.any():
            j = int(others.argmax())
            return [f"{names[i]} and {names[j]} share their noise: their ratio is constant"]
    return []


def _repeats(statistics: Statistics) -> list[str]:
    count, lag = statistics.repeats.count()
    words = (
        f"noise is reused: {count:,} rows equal an earlier one, most often the one {lag:,} rows "
        "before"
    )
    return [words]


def _reused(log_x: FloatArray, statistics: Statistics) -> bool:
    # Coarse values coincide by chance, and the more often the narrower the law that they are of,
    # which need not be the one that they were checked against.
    try:
        estimate = maximize(log_x)
    except (AccuracyError, np.linalg.LinAlgError):
        return True
    fitted = Concrete(logits=estimate.logits, temperature=estimate.temperature)
    count = statistics.repeats.count()[0]
    return bool(special.pdtrc(count - 1, statistics.chance_repeats(fitted)) < PLAUSIBLE)


def _coarse_ratios(log_x: FloatArray, statistics: Statistics) -> bool:
    # Rounding to steps of w moves the share of t·log-ratios below a point by up to w / 8, which
    # counts if it is no less than half the standard deviation of that share, 1 / (2 sqrt(n)).
    step = statistics.distribution.temperature * np.median(statistics.precision.side(log_x))
    return statistics.precision.coarse and bool(step * math.sqrt(statistics.usable) > 2)


def _serial(statistics: Statistics, law: Sequence[str]) -> list[str]:
    correlations = statistics.lags.autocorrelations(statistics.usable)
    strongest = correlations.flat[np.abs(correlations).argmax()]
    lag = int(np.abs(correlations).max(axis=1).argmax()) + 1
    words = (
        f"rows depend on earlier ones: the correlation with the row {lag} before is "
        f"{strongest:.3g}; "
    )
    # Where no law fits the rows, they may be of several laws in turn.
    changes = "the parameters change from row to row, or the noise depends on earlier noise"
    reused = "the noise is reused or not drawn independently"
    return [words + (changes if NOT_GUMBEL in law else reused)]


def _law(log_x: FloatArray, statistics: Statistics) -> list[str]:
    if log_x.shape[1] <= len(log_x):  # Too few rows to fit anything.
        return []
    try:
        estimate = maximize(log_x)
        flipped = maximize(-log_x)
    except (AccuracyError, np.linalg.LinAlgError):
        return [NOT_GUMBEL]
    # A likelihood ratio of e^5 against the noise that should have been used.
    threshold = estimate.log_likelihood + 5
    if _exponential_likelihood(log_x, statistics.distribution) > threshold and _looks_exponential(
        log_x, statistics.distribution
    ):
        return [EXPONENTIAL]
    normal, deviation = _normal_likelihood(log_x)
    if normal > max(threshold, flipped.log_likelihood) and _looks_normal(log_x):
        words = (
            "the noise is normal, not Gumbel: of standard deviation "
            f"{deviation * statistics.distribution.temperature:.3g} at this temperature"
        )
        return [words]
    if flipped.log_likelihood > threshold and not _misfit(-log_x, flipped, statistics):
        return ["the noise has the wrong sign: log(-log U) was added where -log(-log U) belongs"]
    found = _misfit(log_x, estimate, statistics)
    return found if NOT_GUMBEL in found else found + _likeliest(estimate, statistics)


def _exponential_likelihood(log_x: FloatArray, distribution: Concrete) -> float:
    # The density of the noise, exp(-Σ e), integrated over a shift that leaves all e positive.
    k, n = log_x.shape
    noise = distribution.temperature * log_x - distribution.logits[:, None]
    constant = (k - 1) * math.log(distribution.temperature) - math.log(k)
    return float(n * constant - (noise - noise.min(axis=0)).sum())


def _looks_exponential(log_x: FloatArray, distribution: Concrete) -> bool:
    # Exponential noise has no memory: its excess over the row's least value is exponential too.
    noise = distribution.temperature * log_x - distribution.logits[:, None]
    excess = np.sort(noise - noise.min(axis=0), axis=0)[1:].ravel()
    cells = Histograms(1)
    cells.update(0, np.exp(-excess))
    return float(of_distances(cells.distances(), excess.size)[0]) > PLAUSIBLE


def _normal_likelihood(log_x: FloatArray) -> tuple[float, float]:
    # Iid normal noise makes the centred logarithms isotropic normal in K-1 dimensions. Their
    # volume is sqrt(K) times smaller than that of the log-ratios to one category.
    k, n = log_x.shape
    centred = log_x - log_x.mean(axis=0)
    variance = float(centred.var(axis=1).sum()) / (k - 1)
    value = -n / 2 * ((k - 1) * (math.log(2 * math.pi * variance) + 1) + math.log(k))
    return value, math.sqrt(variance)


def _looks_normal(log_x: FloatArray) -> bool:
    ratios = log_x[1:] - log_x[0]
    ratios -= ratios.mean(axis=1, keepdims=True)
    ratios /= ratios.std(axis=1, keepdims=True)
    # Clamped or uniform noise has a normal's body but not its tails.
    if 2 * log_x.shape[1] * special.ndtr(-np.abs(ratios).max()) > -math.log(PLAUSIBLE):
        return False
    cells = Histograms(len(ratios))
    for index, ratio in enumerate(ratios):
        cells.update(index, special.ndtr(ratio))
    return bool(of_distances(cells.distances(), ratios.shape[1]).min() > PLAUSIBLE)


def _misfit(log_x: FloatArray, estimate: Estimate, statistics: Statistics) -> list[str]:
    # What is wrong at the best parameters is not a matter of parameters.
    fitted = Concrete(logits=estimate.logits, temperature=estimate.temperature)
    again = Statistics(fitted, statistics.names, Precision(log=True))
    again.update(Batch(log_x.T))
    p_values = {test.name: test.p_value for test in again.results()}
    if min(p_values["log-ratios"], p_values.get("flat Dirichlet", 1.0)) < PLAUSIBLE:
        return [NOT_GUMBEL]
    # Noise of another law may be bounded too: only where the law fits is it a matter of clamping.
    clamped = _clamped(again, -math.log(again.shortest)) if p_values["extremes"] < PLAUSIBLE else []
    if clamped:
        return clamped
    if p_values.get("independence", 1.0) < PLAUSIBLE:
        return [DEPENDENT]
    return []


def _clamped(statistics: Statistics, longest: float) -> list[str]:
    # `longest` is the largest t·log-ratio, from its centre.
    k = statistics.distribution.num_categories
    if statistics.zeros or statistics.usable * k * (k - 1) * statistics.smallest < 1:
        return []
    # Clipping U to [c, 1 - c] bounds G_i - G_j by log(-log c) - log c.
    clipped = math.exp(-float(special.wrightomega(longest).real))
    if clipped >= COARSEST_CLIP:
        return []
    words = (
        f"clamped or coarse (float32) noise: no t·log-ratio is further than {longest:.3g} from "
        f"its centre, as if uniforms were clipped to [{clipped:.2g}, 1 - {clipped:.2g}]"
    )
    return [words]


@dataclass(frozen=True, eq=False, slots=True)
class Mistake:
    """A simple mistake: parameters `base` + s·`direction`, and the words for it, given s."""

    words: Callable[[float], str]
    base: FloatArray
    direction: FloatArray | None = None

    def p_value(self, estimate: Estimate) -> tuple[float, float]:
        """Return Wald's p-value, and the s > 0 that comes closest to the estimate."""
        gap = _parameters(estimate.logits, estimate.temperature) - self.base
        information, scale, freedom = estimate.information, 0.0, len(estimate.logits)
        if self.direction is not None:
            weighted = information @ self.direction
            scale = float(weighted @ gap / (weighted @ self.direction))
            if scale <= 0:
                return 0.0, scale
            gap, freedom = gap - scale * self.direction, freedom - 1
        return float(special.chdtrc(freedom, max(0.0, gap @ information @ gap))), scale


def _likeliest(estimate: Estimate, statistics: Statistics) -> list[str]:
    given = statistics.distribution
    right = Mistake(str, _parameters(given.logits, given.temperature))
    if right.p_value(estimate)[0] > PLAUSIBLE:
        return []
    permuted = _permutations(estimate, statistics)
    found: list[str] = []
    for mistakes in (
        _exact_mistakes(given, estimate.temperature) + permuted[:1],
        _scaled_mistakes(given, estimate) + permuted[1:],
    ):
        judged = [(*mistake.p_value(estimate), mistake.words) for mistake in mistakes]
        likely = sorted((j for j in judged if j[0] > PLAUSIBLE), key=lambda j: -j[0])
        found = [words(scale) for _, scale, words in likely]
        if found:
            break
    t = estimate.temperature
    if not found or any(FREE_CONSTANT in words for words in found):
        # A constant that is free may explain two or three categories by accident.
        shown = np.array2string(
            np.exp(estimate.logits),
            precision=4,
            separator=", ",
            threshold=MOST_SHOWN,
            max_line_width=1000,
        )
        found.append(
            f"other parameters: the samples fit probabilities {shown} and temperature {t:.4g}, "
            f"not {given.temperature:.4g}"
        )
    return found


def _exact_mistakes(given: Concrete, estimate: float) -> list[Mistake]:
    a, t = given.logits, given.temperature
    mistakes = [
        Mistake(
            lambda _: "probabilities were passed as logits: the samples fit logits = probs",
            _parameters(given.probs, t),
        )
    ]
    if t != 1:
        mistakes += [
            Mistake(
                lambda _: (
                    f"the temperature is inverted: the samples fit {estimate:.4g}, about "
                    f"1 / {t:.4g}, not {t:.4g}"
                ),
                _parameters(a, 1 / t),
            ),
            Mistake(
                lambda _: "the temperature divides the noise alone: logits + noise / temperature",
                _parameters(t * a, t),
            ),
            Mistake(
                lambda _: "the temperature divides the logits alone: logits / temperature + noise",
                _parameters(a / t, 1.0),
            ),
        ]
    return mistakes


def _scaled_mistakes(given: Concrete, estimate: Estimate) -> list[Mistake]:
    a, t, k = given.logits, given.temperature, given.num_categories
    mistakes = [
        Mistake(
            lambda s: (
                f"the temperature is off by a factor of {s / t:.4g}: the samples fit "
                f"{s:.4g}, not {t:.4g}"
            ),
            _parameters(a, 0.0),
            _parameters(np.zeros(k), 1.0),
        )
    ]
    if np.ptp(a) > 0:
        mistakes.append(
            Mistake(
                lambda s: (
                    "probabilities were passed as logits: the samples' logits are "
                    f"{FREE_CONSTANT} probs, {s:.4g} times as large"
                ),
                _parameters(np.zeros(k), t),
                _parameters(given.probs, 0.0),
            )
        )
    if k > 2 and np.ptp(a) > 0:  # Two categories would always have such a shift.
        shift = _nearest_shift(a, estimate)
        mistakes.append(
            Mistake(
                lambda _: (
                    "logits were passed as probabilities: the samples' probabilities are "
                    f"{FREE_CONSTANT} log(probs) + {shift:.4g}"
                ),
                _parameters(np.log(a + shift), t),
            )
        )
    return mistakes


def _nearest_shift(a: FloatArray, estimate: Estimate) -> float:
    # Logits are known up to a constant, but a list of them passed as probabilities is not: take
    # the constant that explains the samples best.
    from scipy import optimize  # Only a rejection pays for it.

    def distance(log_rise: float) -> float:
        base = _parameters(np.log(a - a.min() + math.exp(log_rise)), estimate.temperature)
        gap = _parameters(estimate.logits, estimate.temperature) - base
        return float(gap @ estimate.information @ gap)

    best = optimize.minimize_scalar(distance, bounds=(-12, 6), method="bounded")
    return math.exp(best.x) - float(a.min())


def _permutations(estimate: Estimate, statistics: Statistics) -> list[Mistake]:
    from scipy import optimize

    given, names = statistics.distribution, statistics.names
    cost = np.subtract.outer(estimate.logits, given.logits) ** 2
    cost += 1e-9 * (1 - np.eye(len(cost)))  # Equal categories stay where they are.
    _, source = optimize.linear_sum_assignment(cost)
    moved = [j for j, i in enumerate(source) if i != j]
    if not moved:
        return []
    shown = ", ".join(f"{names[j]} holds {names[source[j]]}" for j in moved[:MOST_NAMED])
    shown += ", ..." if len(moved) > MOST_NAMED else ""
    a, t = given.logits[source], given.temperature
    return [
        Mistake(lambda _: f"the columns are permuted: {shown}", _parameters(a, t)),
        Mistake(
            lambda s: (
                f"the columns are permuted ({shown}), and the samples fit temperature "
                f"{s:.4g}, not {t:.4g}"
            ),
            _parameters(a, 0.0),
            _parameters(np.zeros(len(a)), 1.0),
        ),
    ]


def _parameters(logits: FloatArray, temperature: float) -> FloatArray:
    return np.append(logits, temperature)
