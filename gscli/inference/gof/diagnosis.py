"""Find from the data why samples were rejected.

First what shows in the rows themselves (one-hot, zeros, repeats, constants, order); then what
changes along the file; then the kind of noise, and which parameters, if any, the samples fit.
"""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from scipy import special

from gscli.arrays import FloatArray
from gscli.distribution.concrete import Concrete
from gscli.errors import AccuracyError
from gscli.inference.gof import row_faults
from gscli.inference.gof.accumulators import LAGS, hash_rows
from gscli.inference.gof.mistakes import likeliest, likeliest_at
from gscli.inference.gof.noise_laws import PLAUSIBLE, RATIO, other_law
from gscli.inference.gof.null_distributions import of_distances
from gscli.inference.gof.results import TestResult
from gscli.inference.gof.row_faults import FEW_REPEATS, LAW, MOST_SHOWN
from gscli.inference.gof.statistics import Statistics
from gscli.inference.gof.transforms import (
    log_exponentials_of,
    temperature_score,
    uniforms_at,
)
from gscli.inference.likelihood import Estimate, maximize
from gscli.io.precision import Precision
from gscli.io.samples import Batch

COARSEST_CLIP = 0.1
"""Uniforms clipped to [c, 1 - c] with a larger c are another law, not clamped noise."""

FEWEST_A_CATEGORY = 2
"""Rows a category from which on all parameters are fitted."""

CORRELATED = 5.0
"""Standard errors from which on a correlation with an earlier row is believed."""

NOT_GUMBEL = "the noise is not Gumbel: no pi and no temperature fit these samples"
DEPENDENT = "the noise of different categories is not independent"
UNCLEAR = "the noise is not Gumbel, or that of different categories is not independent"

RIGHT = 0.1
"""Median p-value from which on log-ratios that are not rejected are taken to be right."""


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
    off = row_faults.off_simplex(statistics)
    if statistics.zeros and not statistics.judged:
        return (*off, *row_faults.zeros(statistics))
    failed = {test.name for test in tests if not test.passed}
    # If the law explains the rejection, some badly rounded rows do not.
    with np.errstate(over="ignore", invalid="ignore"):  # of a temperature that is far off
        rest = _of_usable(statistics, failed) if statistics.usable else []
    causes = off + rest if 2 * statistics.off_simplex > statistics.n else rest + off
    if statistics.precision.coarse and statistics.precision.advice not in causes:
        causes.append(statistics.precision.advice)
    return tuple(causes) or ("no simple mistake explains the rejection",)


def too_coarse(statistics: Statistics, causes: Sequence[str]) -> bool:
    """Return whether rejected samples may be right ones, of too few digits to tell."""
    return (*causes,) == (statistics.precision.advice,) and _fits_unrounded(
        statistics.kept_log_x(), statistics
    )


def _of_usable(statistics: Statistics, failed: set[str]) -> list[str]:
    log_x = statistics.kept_log_x()
    constant = row_faults.constant(log_x, statistics)
    if constant:
        return constant
    zeros = row_faults.zeros(statistics) if statistics.zeros and "extremes" in failed else []
    if zeros:
        if failed & LAW == {"extremes"}:
            return zeros
        # Draws in place of zeros that cannot occur would bias any fit.
        log_x = log_x[:, log_x.min(axis=0) >= statistics.precision.log_normal]
    order = row_faults.in_order(log_x, statistics) if failed & {"serial", "drift"} else []
    outliers = row_faults.outliers(log_x, statistics) if failed & {"extremes", "largest"} else []
    if outliers:
        return outliers + order
    return zeros + _of_law(log_x, statistics, failed, order)


def _of_law(
    log_x: FloatArray, statistics: Statistics, failed: set[str], order: list[str]
) -> list[str]:
    repeats = []
    if "repeats" in failed and _reused(log_x, statistics):
        repeats = row_faults.repeats(statistics)
        # Repeated rows would count as evidence for any parameters.
        log_x = log_x[:, np.sort(np.unique(hash_rows(log_x), return_index=True)[1])]
    changes = order or ([] if repeats else _changes(statistics, log_x, failed))
    law = _law(log_x, statistics) if failed & LAW else []
    if "extremes" in failed and not law and not repeats:
        law = _clamped(statistics, -math.log(statistics.shortest))
    if _blurred(law):
        law = [] if changes else _law_behind(law, log_x, statistics)
    # A few rows can coincide because their noise was clamped.
    few = statistics.repeats.count()[0] < FEW_REPEATS * statistics.usable
    serial = _serial(statistics) if "serial" in failed and not repeats and not changes else []
    return changes + (law + repeats if few else repeats + law) + serial


def _blurred(law: Sequence[str]) -> bool:
    """Whether the law is like that of rounded values, or of a mixture of temperatures."""
    return bool(law) and law[0].startswith((NOT_GUMBEL, DEPENDENT, UNCLEAR))


def _law_behind(law: list[str], log_x: FloatArray, statistics: Statistics) -> list[str]:
    """Return what is wrong with samples apart from their rounding, if that is coarse."""
    if not _coarse_ratios(log_x, statistics):
        return law
    if not _fits_unrounded(log_x, statistics):
        law = _law(_unrounded(log_x, statistics), statistics)
        if law and not _blurred(law):
            return law
    return [statistics.precision.advice]


def _too_wide(log_x: FloatArray, statistics: Statistics) -> bool:
    """Return whether values that are spread over what was rounded away show another law."""
    # Values spread over steps of w add w² / 12 to the variance π² / 6 of each noise: a share of
    # w² / 20, which counts if it is no less than the standard error of a variance, about
    # 1 / sqrt(n).
    if not statistics.precision.coarse:
        return False
    wide, narrow = (statistics.precision.unrounded(log_x, np.full_like(log_x, u)) for u in (1, 0))
    width = statistics.distribution.temperature * np.nanmedian(wide - narrow)
    return bool(width**2 / 20 * math.sqrt(log_x.shape[1]) > 1)


def _unrounded(log_x: FloatArray, statistics: Statistics) -> FloatArray:
    uniforms = uniforms_at(np.arange(log_x.shape[1]), len(log_x))
    return statistics.precision.unrounded(log_x, uniforms)


def _changes(statistics: Statistics, log_x: FloatArray, failed: set[str]) -> list[str]:
    if not failed & {"drift", "serial"}:
        return []
    if "drift" in failed:
        # Noise of another law has scores of another variance, and so has each stretch's sum.
        scores = log_exponentials_of(log_x, statistics.distribution)
        dirichlet = np.exp(scores)
        dirichlet /= dirichlet.sum(axis=0)
        variance = float(temperature_score(scores, dirichlet).var())
        rows, sums = statistics.scores.of_stretches()
        gaps = sums - rows * (sums.sum() / rows.sum())
        statistic = float((gaps**2 / rows).sum()) / variance
        if special.chdtrc(len(rows) - 1, statistic) < PLAUSIBLE:
            each = statistics.stretch_temperatures()
            words = (
                f"the temperature changes along the file: {each[0]:.4g} fits its first "
                f"{rows[0]:,.0f} rows, {each[-1]:.4g} its last {rows[-1]:,.0f}"
            )
            return [words]
    n = statistics.usable
    if n < 10 * LAGS or not failed & LAW:
        return []
    correlations = statistics.score_lags.autocorrelations(n)[:, 0]
    strongest = int(np.abs(correlations).argmax())
    if abs(correlations[strongest]) * math.sqrt(n) < CORRELATED:
        return []
    words = (
        "the temperature changes from row to row: the correlation of its scores with those of "
        f"the row {strongest + 1} before is {correlations[strongest]:.3g}"
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


def _serial(statistics: Statistics) -> list[str]:
    correlations = statistics.lags.autocorrelations(statistics.usable)
    strongest = correlations.flat[np.abs(correlations).argmax()]
    lag = int(np.abs(correlations).max(axis=1).argmax()) + 1
    words = (
        f"rows depend on earlier ones: the correlation with the row {lag} before is "
        f"{strongest:.3g}; the noise is reused or not drawn independently"
    )
    return [words]


def _law(log_x: FloatArray, statistics: Statistics) -> list[str]:
    distribution = statistics.distribution
    if log_x.shape[1] <= FEWEST_A_CATEGORY * len(log_x):
        return likeliest_at(log_x, distribution, partial(_fits_at, log_x, statistics))
    try:
        estimate = maximize(log_x)
        flipped = maximize(-log_x)
    except (AccuracyError, np.linalg.LinAlgError):
        return [NOT_GUMBEL]
    found = _misfit(log_x, estimate, statistics)
    fits = NOT_GUMBEL not in found
    smoothed = None if fits else row_faults.smoothed(log_x)
    if smoothed and _fits(*smoothed[:1], statistics):
        s = f"{smoothed[1]:.4g}"
        return [f"the samples are smoothed: (1 - s) x + s / K with s = {s}"]
    law = other_law(log_x, distribution, estimate.log_likelihood, gumbel_fits=fits)
    if law:
        return [law]
    # A likelihood ratio of e^5 against the noise that should have been used.
    if flipped.log_likelihood > estimate.log_likelihood + RATIO and not _misfit(
        -log_x, flipped, statistics
    ):
        return ["the noise has the wrong sign: log(-log U) was added where -log(-log U) belongs"]
    if fits:
        return found + likeliest(estimate, distribution, statistics.names)
    return _dependent(statistics) or found


def _fits_at(
    log_x: FloatArray, statistics: Statistics, other: Concrete, least: float = PLAUSIBLE
) -> bool:
    p_values = _tested(log_x, other, statistics)[1]
    return min(p_values[name] for name in LAW & p_values.keys()) > least


def _fits_unrounded(log_x: FloatArray, statistics: Statistics) -> bool:
    # What is left of the rounding counts for something.
    unrounded = _unrounded(log_x, statistics)
    return _too_wide(log_x, statistics) or _fits_at(
        unrounded, statistics, statistics.distribution, PLAUSIBLE**2
    )


def _fits(log_x: FloatArray, statistics: Statistics) -> bool:
    try:
        estimate = maximize(log_x)
    except (AccuracyError, np.linalg.LinAlgError):
        return False
    return NOT_GUMBEL not in _misfit(log_x, estimate, statistics)


def _dependent(statistics: Statistics) -> list[str]:
    # Noise that is not Gumbel spoils every log-ratio; where some are right, the others are of
    # noise that depends on each other.
    distances = statistics.ratios.distances()
    p_values = of_distances(distances, statistics.usable)
    right = p_values > PLAUSIBLE
    if not right.any() or right.all() or np.median(p_values[right]) < RIGHT:
        return []
    pairs = [
        f"{statistics.names[i]} and {statistics.names[j]}"
        for (i, j), fits in zip(statistics.pairs, right, strict=True)
        if not fits
    ]
    more = ", ..." if len(pairs) > MOST_SHOWN else ""
    return [f"{DEPENDENT}: that of {', '.join(pairs[:MOST_SHOWN])}{more}"]


def _misfit(log_x: FloatArray, estimate: Estimate, statistics: Statistics) -> list[str]:
    # What is wrong at the best parameters is not a matter of parameters.
    fitted = Concrete(logits=estimate.logits, temperature=estimate.temperature)
    again, p_values = _tested(log_x, fitted, statistics)
    if min(p_values["log-ratios"], p_values.get("flat Dirichlet", 1.0)) < PLAUSIBLE:
        return [NOT_GUMBEL]
    # Noise of another law may be bounded too: only where the law fits is it a matter of clamping.
    clamped = _clamped(again, -math.log(again.shortest)) if p_values["extremes"] < PLAUSIBLE else []
    if clamped:
        return clamped
    if p_values.get("independence", 1.0) < PLAUSIBLE:
        return [UNCLEAR]
    return []


def _tested(
    log_x: FloatArray, distribution: Concrete, statistics: Statistics
) -> tuple[Statistics, dict[str, float]]:
    """Return the statistics, and the tests' p-values, of some rows under another distribution."""
    again = Statistics(distribution, statistics.names, Precision(log=True))
    again.update(Batch(log_x.T))
    return again, {test.name: test.p_value for test in again.results()}


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
