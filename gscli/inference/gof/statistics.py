"""Streaming accumulators behind the goodness-of-fit tests, and the tests' statistics.

The rows are read once and memory does not grow with their number. The Kolmogorov-Smirnov
distances come from counts in fine cells, which understates them by less than one hundredth of
their standard deviation. Two things are kept: a 64-bit hash of each of the first 2**20 rows, to
find repeated ones, and some rows spread over all, to tell the cause of a rejection.

A test of each component's marginal law is left out: of ten kinds of wrong sampler, at n = 60, 300
and 1,000, it finds none more often than these tests but smoothed samples (30 of 30 files against 23
at n = 300).

In place of a few exact zeros the tests take a draw from what the distribution says of them: right
samples stay right, and the others can be hidden by no more than the share of those rows.
"""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Self

import numpy as np
from scipy import special

from gscli.arrays import BoolArray, FloatArray, IntArray
from gscli.distribution.concrete import Concrete
from gscli.inference.gof import null_distributions
from gscli.inference.gof.accumulators import (
    TINY,
    Histograms,
    Lags,
    Products,
    Repeats,
    Scores,
    partial_autocorrelations,
)
from gscli.inference.gof.results import Comparison, TestResult, sidak
from gscli.inference.gof.transforms import (
    complete,
    log_exponentials_of,
    stick_breaking,
    temperature_score,
    uniforms_at,
)
from gscli.inference.kept_rows import KeptRows
from gscli.io.precision import LARGEST_NOISE, Precision
from gscli.io.samples import Batch, category_major

LARGEST_ALL_PAIRS = 10
"""Up to this K every pair's log-ratio is tested; above it, each against the most probable's."""

FIGURE_CELLS = 64
MOST_VARIABLES = 2**16
"""Variables of a kind that are tested: more would have fewer cells than a figure shows."""

BLOCK_VALUES = 2**16
"""Values worked on at a time: half a megabyte, so that temporaries stay in a core's cache."""

LARGEST_ALL_CORRELATIONS = 512
"""Stick-breaking variables whose correlations are all tested: eight megabytes of sums."""

LARGEST_SHOWN_CORRELATIONS = 32
"""Categories up to which a picture can show the correlation of every pair."""

SMALLEST_EXPECTED = 5.0
"""Categories that expect fewer rows are merged in the chi-squared test (Cochran's rule)."""

KEPT_VALUES = 2**19
"""Values kept to tell the cause of a rejection: four megabytes."""

LONG_ARGMAX = 32
"""Categories from which on `argmax` is as fast as comparing each with the largest."""

FEW_ZEROS = 0.005
"""Share of rows with an exact 0 up to which the others are judged."""

FEWEST_SCORED = 30
"""Rows from which on the law of the score statistic is known well."""

FEWEST_CORRELATED = 3
"""Of two rows every correlation is 1 or -1."""

FEWEST_LAGGED = 10
"""Rows from which on partial autocorrelations are about normal."""

ERRORS_ALLOWED = 4.0
"""Standard errors by which the chance of a repeat is taken too large."""

NEGLIGIBLE_REPEATS = 1e-6
"""Repeats that chance makes, below which it makes none."""


SUMS = (
    *("n", "usable", "whole", "zeros", "one_hot", "argmax_counts"),
    *("off_simplex", "off_sums", "not_a_number", "infinite", "negative"),
)
ACCUMULATORS = ("kept", "ratios", "uniforms", "products", "lags", "scores", "score_lags", "repeats")


class Statistics:
    """Everything that the tests need to know about the rows read so far.

    Parameters
    ----------
    distribution : Concrete
        Where the rows should come from.
    names : sequence of str
        Of the K categories, for the sentences.
    precision : Precision
        Of the values.
    expected : int, optional
        How many rows will come, if it is known.

    Attributes
    ----------
    n : int
        Rows read.
    usable : int
        Rows whose logarithms are known, or drawn in place of zeros: all tests but the first two
        are made on these.
    whole : int
        Usable rows without an exact 0.
    zeros, one_hot : int
        Rows with an exact 0, and those of them with a single component above 0.
    off_simplex : int
        Rows with a NaN, a negative component, or a sum that is not 1.
    not_a_number, infinite, negative : int
        Rows off the simplex with a NaN; with an infinite value; with a negative one, where the
        rows are no logarithms.
    off_sums : ndarray, shape (K,)
        Sums over the rows off the simplex.
    first_off : ndarray, shape (K,)
        The first row off the simplex, the `first_off_simplex`-th, counted from 1.
    kept : KeptRows
        log X of some usable rows.
    smallest : float
        Of all flat-Dirichlet components; in rows with zeros, an upper bound.
    shortest : float
        The smallest ratio of two exponentials of a row without zeros.
    least_rest : float
        The smallest 1 - max D of a row without zeros, D its flat-Dirichlet components.
    """

    def __init__(
        self,
        distribution: Concrete,
        names: Sequence[str],
        precision: Precision,
        expected: int | None = None,
    ) -> None:
        k = distribution.num_categories
        self.distribution = distribution
        self.names = names
        self.precision = precision
        self.n = self.usable = self.whole = self.zeros = self.one_hot = 0
        self.off_simplex = self.not_a_number = self.infinite = self.negative = 0
        self.first_off_simplex = 0
        self.off_sums: FloatArray = np.zeros(k)
        self.first_off: FloatArray = np.empty(0)
        self.kept = KeptRows(max(2, KEPT_VALUES // k), expected)
        self.argmax_counts: IntArray = np.zeros(k, dtype=np.int64)
        self.pairs = _pairs(distribution)
        self._pairs: IntArray = np.array(self.pairs).T
        self.ratios = Histograms(len(self.pairs))
        self.uniforms = Histograms(min(k - 1, MOST_VARIABLES))
        self.products = Products(min(k - 1, LARGEST_ALL_CORRELATIONS))
        self.lags = Lags(min(k - 1, MOST_VARIABLES))
        self.scores = Scores(k)
        self.score_lags = Lags(1)
        self._score_scale = 1 / math.sqrt(null_distributions.temperature_information(k))
        self.smallest = self.shortest = self.least_rest = 1.0
        self.repeats = Repeats()
        # Bound of the values (logits + noise) / t that a sampler of single precision rounds.
        self._bound = (LARGEST_NOISE + float(np.ptp(distribution.logits))) / (
            distribution.temperature
        )

    @property
    def judged(self) -> bool:
        """Whether zeros are so few that all tests can be made."""
        return self.usable > 0 and self.zeros <= max(1, FEW_ZEROS * self.n)

    def update(self, batch: Batch) -> None:
        """Take in the next rows."""
        values = category_major(batch.rows)
        indices = batch.indices
        self.n += len(indices)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
            log_x = values if self.precision.log else np.log(values)
            self._locate(values, log_x, indices)
            if np.isfinite(log_x).all():
                self._take(values, log_x, indices)
            else:
                self._take_some(values, log_x, indices)

    def merge(self, later: Self) -> None:
        """Take in the statistics of the rows that follow."""
        if not self.off_simplex:
            self.first_off_simplex, self.first_off = later.first_off_simplex, later.first_off
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(later, name))
        self.smallest = min(self.smallest, later.smallest)
        self.shortest = min(self.shortest, later.shortest)
        self.least_rest = min(self.least_rest, later.least_rest)
        for name in ACCUMULATORS:
            getattr(self, name).merge(getattr(later, name))

    def kept_log_x(self) -> FloatArray:
        """Return log X of some usable rows, spread over all of them: shape (K, rows)."""
        return category_major(self.kept.rows())

    def _locate(self, values: FloatArray, log_x: FloatArray, indices: IntArray) -> None:
        off = self.precision.off_simplex(values, log_x, self._bound)
        if off.any():
            if self.off_simplex == 0:
                self.first_off_simplex = 1 + int(indices[off.argmax()])
                self.first_off = values[:, off.argmax()].copy()
            self.off_simplex += int(off.sum())
            self.off_sums += values[:, off].sum(axis=1)
            nan = np.isnan(values).any(axis=0)
            self.not_a_number += int(nan.sum())
            self.infinite += int((~nan & np.isposinf(values).any(axis=0)).sum())
            self.negative += 0 if self.precision.log else int((values < 0).any(axis=0).sum())

    def _take_some(self, values: FloatArray, log_x: FloatArray, indices: IntArray) -> None:
        # An exact 0 has no logarithm, but the largest component is still known.
        known = ~(np.isnan(log_x) | np.isposinf(log_x)).any(axis=0)
        components = np.isfinite(log_x).sum(axis=0)
        self.zeros += int((known & (components < len(log_x))).sum())
        self.one_hot += int((known & (components == 1)).sum())
        known &= components > 0
        if not known.any():
            return
        values, log_x = values[:, known], np.ascontiguousarray(log_x[:, known])
        indices, whole = indices[known], components[known] == len(log_x)
        if not whole.all():
            log_x[:, ~whole] = self._complete(log_x[:, ~whole], indices[~whole])
        self._take(values, log_x, indices, whole)

    def _complete(self, log_x: FloatArray, indices: IntArray) -> FloatArray:
        hidden = np.isneginf(log_x)
        bounds = np.where(hidden, self.precision.log_normal, log_x)
        exponentials = np.exp(log_exponentials_of(bounds, self.distribution))
        self._measure(exponentials, exponentials.sum(axis=0))
        uniforms = uniforms_at(indices, len(log_x) + 1)
        return complete(log_x, self.distribution, self.precision.log_zero, uniforms)

    def _measure(self, exponentials: FloatArray, total: FloatArray) -> float:
        least = exponentials.min(axis=0)
        self.smallest = min(self.smallest, float((least / total).min()))
        return float(least.min())

    def _take(
        self,
        values: FloatArray,
        log_x: FloatArray,
        indices: IntArray,
        whole: BoolArray | slice = slice(None),
    ) -> None:
        """Take in usable rows, and of the whole ones, which hold no 0, what those alone tell."""
        self.kept.update(Batch(log_x.T, 0, offsets=indices))
        self.usable += log_x.shape[1]
        self.argmax_counts += _count_largest(log_x)
        log_exponentials = log_exponentials_of(log_x, self.distribution)
        exponentials = np.exp(log_exponentials)
        total = exponentials.sum(axis=0)
        if len(indices[whole]):
            self.whole += len(indices[whole])
            self.repeats.update(values[:, whole], indices[whole])
            self.shortest = min(self.shortest, self._measure(exponentials[:, whole], total[whole]))
            # The largest exponential is 1.
            self.least_rest = min(self.least_rest, float(1 - 1 / total[whole].min()))
        step = max(1, BLOCK_VALUES // log_x.shape[1])
        for first in range(0, len(self.pairs), step):
            i, j = self._pairs[:, first : first + step]
            second = exponentials[j]
            self.ratios.update(first, second / (exponentials[i] + second))
        uniforms = stick_breaking(exponentials)[:MOST_VARIABLES]
        for first in range(0, len(uniforms), step):
            self.uniforms.update(first, uniforms[first : first + step])
        exponentials /= total
        score = temperature_score(log_exponentials, exponentials)
        self.scores.update(exponentials, score, indices)
        self.score_lags.update(score[None] * self._score_scale)
        uniforms -= 0.5
        uniforms *= math.sqrt(12)
        self.products.update(uniforms[:LARGEST_ALL_CORRELATIONS])
        self.lags.update(uniforms)

    def results(self) -> list[TestResult]:
        """Make the tests, each judged by itself: `passed` is not set yet.

        Where more than a few rows hold an exact 0, only the first two are given. A test for
        which the rows or the categories are too few is left out.
        """
        made: list[TestResult | None] = [self._simplex(), self._rounding()]
        if self.judged:
            made += [self._log_ratios(), self._flat_dirichlet(), self._independence()]
            made += [self._extremes(), self._largest(), self._score(), self._drift()]
            made += [self._serial(), self._repeats()]
        return [test for test in made if test]

    def _simplex(self) -> TestResult:
        bad = self.off_simplex
        sentence = f"All {self.n:,} rows lie on the simplex."
        if bad:
            sentence = (
                f"{bad:,} of {self.n:,} rows are off the simplex, the first of them row "
                f"{self.first_off_simplex:,}."
            )
        if self.precision.name != "full":
            sentence += f" The values have {self.precision.name} precision."
        return _result("simplex", bad, 0.0 if bad else 1.0, sentence, certain=True)

    def _rounding(self) -> TestResult | None:
        total = int(self.argmax_counts.sum())
        probs = np.maximum(self.distribution.probs, TINY)  # Logits can be too far apart.
        observed, expected = self.argmax_counts.astype(np.float64), total * probs
        if len(probs) > 2:  # Of two, the law of the counts is known exactly.
            observed, expected = merge_rare(self.argmax_counts, expected)
        freedom = len(observed) - 1
        if not total or not freedom:
            return None
        with np.errstate(over="ignore"):
            statistic = float(((observed - expected) ** 2 / expected).sum())
        p_value = null_distributions.of_counts(statistic, total, expected)
        share = self.argmax_counts / total
        worst = int(np.argmax(np.abs(share - probs) / np.sqrt(probs * (1 - probs) + TINY)))
        sentence = (
            f"Chi-squared on {freedom} degrees of freedom of which component is largest; furthest "
            f"from its probability is {self.names[worst]}, in {share[worst]:.4g} of the rows "
            f"against {probs[worst]:.4g}."
        )
        return _result("rounding", statistic, p_value, sentence)

    def _log_ratios(self) -> TestResult:
        distances = self.ratios.distances()
        p_values = null_distributions.of_distances(distances, self.usable)
        worst = int(p_values.argmin())
        i, j = self.pairs[worst]
        tested = len(self.pairs)
        which = "each pair's" if self.distribution.num_categories <= LARGEST_ALL_PAIRS else ""
        which = which or "each log-ratio to the most probable category,"
        if tested < self.distribution.num_categories - 1:
            which = f"each of the first {tested:,} log-ratios to the most probable category,"
        sentence = (
            f"Kolmogorov-Smirnov distance of {which} t·log(x_i/x_j) from its logistic law, "
            f"{tested:,} in all (Bonferroni); the largest is for {self.names[i]} / {self.names[j]}."
        )
        p_value = min(1.0, tested * float(p_values[worst]))
        return _result("log-ratios", float(distances[worst]), p_value, sentence)

    @property
    def _first(self) -> str:
        """Which stick-breaking variables are tested, where not all are."""
        cut = self.distribution.num_categories - 1 > MOST_VARIABLES
        return f"first {MOST_VARIABLES:,} " if cut else ""

    def _flat_dirichlet(self) -> TestResult | None:
        if self.distribution.num_categories == 2:
            return None  # It would be the log-ratio's again.
        distances = self.uniforms.distances()
        p_values = null_distributions.of_distances(distances, self.usable)
        worst = int(p_values.argmin())
        sentence = (
            f"Kolmogorov-Smirnov distance from uniform of the {self._first}stick-breaking "
            f"variables, {len(p_values):,} in all (Šidák); the largest is for {self.names[worst]}."
        )
        p_value = sidak(float(p_values[worst]), len(p_values))
        return _result("flat Dirichlet", float(distances[worst]), p_value, sentence)

    def _independence(self) -> TestResult | None:
        if self.distribution.num_categories == 2 or self.usable < FEWEST_CORRELATED:
            return None
        statistic, freedom, (i, j) = self.products.independence(self.usable)
        cut = self.distribution.num_categories - 1 > LARGEST_ALL_CORRELATIONS
        first = f"first {LARGEST_ALL_CORRELATIONS} " if cut else ""
        sentence = (
            f"Chi-squared on {freedom} degrees of freedom of the correlations, linear and "
            f"quadratic, between the {first}stick-breaking variables of a row; the largest is "
            f"between those of {self.names[i]} and {self.names[j]}."
        )
        variables = min(self.distribution.num_categories - 1, LARGEST_ALL_CORRELATIONS)
        p_value = null_distributions.of_correlations(statistic, self.usable, variables)
        return _result("independence", statistic, p_value, sentence)

    def _extremes(self) -> TestResult:
        # P(min_k D_k > d) = (1 - K d)^(K-1) in a row, for D uniform on the simplex.
        k = self.distribution.num_categories
        log_above = self.usable * (k - 1) * math.log1p(-min(k * self.smallest, 1 - 1e-16))
        smaller = -math.expm1(log_above)
        p_value = min(1.0, 2 * min(math.exp(log_above), smaller))
        bound = ""
        if self.zeros:  # Of their rows a bound is known, and no clamp can be told.
            p_value, bound = smaller, "at most "
        sentence = (
            f"The smallest of all flat-Dirichlet components is {bound}{self.smallest:.3g}, "
            f"{-log_above:.3g} times what is typical: clamped noise makes it large, too heavy a "
            "tail makes it small."
        )
        return _result("extremes", -log_above, p_value, sentence)

    def _largest(self) -> TestResult | None:
        k = self.distribution.num_categories
        if k == 2 or not self.whole:
            return None  # Of two, the smallest tells as much.
        # P(1 - max D < ε) = K ε^(K-1) for ε <= 1/2, and no more above.
        in_row = min(1.0, math.exp(math.log(k) + (k - 1) * math.log(max(self.least_rest, TINY))))
        p_value = -math.expm1(self.whole * math.log1p(-min(in_row, 1 - 1e-16)))
        largest = f"{1 - self.least_rest:.3g}"
        if self.least_rest < 0.5:
            largest = f"1 - {self.least_rest:.3g}"
        sentence = (
            f"The largest of all flat-Dirichlet components is {largest}: rows in "
            "which one category is pushed far down make it too large."
        )
        return _result("largest", self.least_rest, p_value, sentence)

    @property
    def scored(self) -> bool:
        """Whether the score can be tested: rounding leaves the mean of log X what it was."""
        absolute = self.precision.decimal and not self.precision.log
        return self.usable >= FEWEST_SCORED and not absolute and not self.precision.half

    def _score(self) -> TestResult | None:
        if not self.scored:
            return None
        n, k = self.usable, self.distribution.num_categories
        of_logits = n - k * self.scores.dirichlet
        of_temperature = float(self.scores.of_stretches()[1].sum())
        information = null_distributions.temperature_information(k)
        statistic = (k + 1) / k * float(of_logits @ of_logits) / n
        statistic += of_temperature**2 / (n * information)
        p_value = null_distributions.of_score(
            statistic, of_temperature**2 / (n * information), n, k
        )
        step = math.exp(max(-1.0, min(1.0, of_temperature / (n * information))))
        t = self.distribution.temperature
        alone = ", and of t alone" if k > null_distributions.FEW_PARAMETERS else ""
        sentence = (
            f"Rao's score test of pi and t, chi-squared on {k} degrees of freedom{alone}; a step "
            f"up the likelihood leads from t = {t:.4g} to {step * t:.4g}."
        )
        return _result("score", statistic, p_value, sentence)

    def stretch_temperatures(self) -> FloatArray:
        """Return about which temperature fits each stretch of the file, given pi."""
        rows, sums = self.scores.of_stretches()
        information = null_distributions.temperature_information(self.distribution.num_categories)
        steps = np.clip(sums / (rows * information), -1, 1)
        temperatures: FloatArray = self.distribution.temperature * np.exp(steps)
        return temperatures

    def _drift(self) -> TestResult | None:
        rows, sums = self.scores.of_stretches()
        if not self.scored or len(rows) < 2:
            return None
        k = self.distribution.num_categories
        information = null_distributions.temperature_information(k)
        gaps = sums - rows * (sums.sum() / rows.sum())
        statistic = float((gaps**2 / (rows * information)).sum())
        p_value = null_distributions.of_drift(statistic, rows, k)
        each = self.stretch_temperatures()
        sentence = (
            f"Chi-squared on {len(rows) - 1} degrees of freedom of whether {len(rows)} stretches "
            f"of the file have one temperature; those that fit them are {each.min():.4g} to "
            f"{each.max():.4g}."
        )
        return _result("drift", statistic, p_value, sentence)

    def _serial(self) -> TestResult | None:
        if self.usable < FEWEST_LAGGED:
            return None
        scores = self.lags.scores(self.usable)
        lags, variables = scores.shape
        statistics = (scores**2).sum(axis=0)
        worst = int(statistics.argmax())
        each = (
            f"each of the {self._first or f'{variables:,} '}stick-breaking variables"
            if variables > 1
            else "the stick-breaking variable"
        )
        sentence = (
            f"Chi-squared on {lags} degrees of freedom of the partial correlations of {each} with "
            f"the same 1 to {lags} rows before (Monti; Šidák); the largest is for "
            f"{self.names[worst]}."
        )
        p_value = sidak(float(special.chdtrc(lags, statistics[worst])), variables)
        return _result("serial", float(statistics[worst]), p_value, sentence)

    def _repeats(self) -> TestResult | None:
        hashed = self.repeats.rows
        if hashed < 2:
            return None
        count, lag = self.repeats.count()
        chance = self.chance_repeats(self.distribution)
        p_value = 1.0
        sentence = f"No row among the first {hashed:,} equals an earlier one."
        if count:
            p_value = float(special.pdtrc(count - 1, chance))
            sentence = (
                f"{count:,} of the first {hashed:,} rows equal an earlier one, most often the one "
                f"{lag:,} rows before; chance makes at most {chance:.3g}."
            )
        certain = chance < NEGLIGIBLE_REPEATS
        return _result("repeats", count, p_value, sentence, certain=certain)

    def chance_repeats(self, distribution: Concrete) -> float:
        """Return a bound of the repeats that chance makes at this resolution."""
        # Two rows coincide if they fall into one cell of the grid of representable values. The
        # density is that of the log-ratios, and as the values add up to 1, a change of all log X
        # but the largest's changes them by 1 / max X as much.
        log_x = self.kept_log_x()
        log_side = np.log(self.precision.side(log_x))
        largest = np.arange(len(log_x))[:, None] == log_x.argmax(axis=0)
        log_side[largest] = -log_x.max(axis=0)[largest.nonzero()[1]]
        on_simplex = log_x - special.logsumexp(log_x, axis=0)  # Rounding took them off it.
        log_cell = distribution.log_prob_log(on_simplex.T) + log_side.sum(axis=0)
        probability = np.exp(np.minimum(log_cell, 0))
        # The mean over the rows held has an error of its own.
        error = ERRORS_ALLOWED * float(probability.std()) / math.sqrt(len(probability))
        rows = self.repeats.rows
        return (float(probability.mean()) + error) * rows * (rows - 1) / 2

    def comparisons(self) -> tuple[Comparison, ...]:
        """Return the figures to draw, test by test."""
        probs = self.distribution.probs
        found = [
            Comparison(
                "rounding",
                "largest component",
                np.arange(len(probs), dtype=np.float64),
                self.argmax_counts.astype(np.float64),
                self.argmax_counts.sum() * probs,
            )
        ]
        if self.judged:
            labels = [f"{self.names[i]} / {self.names[j]}" for i, j in self.pairs]
            found += _uniform_comparisons("log-ratios", labels, self.ratios)
            found += _uniform_comparisons("flat Dirichlet", self.names, self.uniforms)
            found += self._correlations()
            found += self._stretches()
            correlations = partial_autocorrelations(self.lags.autocorrelations(self.usable))
            position = np.arange(1.0, len(correlations) + 1)
            for name, observed in zip(self.names, correlations.T, strict=False):
                found.append(
                    Comparison("serial", name, position, observed, np.zeros(len(position)))
                )
        return tuple(found)

    def _stretches(self) -> list[Comparison]:
        rows, _ = self.scores.of_stretches()
        given = np.full(len(rows), self.distribution.temperature)
        each = self.stretch_temperatures()
        return [Comparison("drift", "temperature", rows.cumsum() - rows / 2, each, given)]

    def _correlations(self) -> list[Comparison]:
        k = self.distribution.num_categories
        if not 2 < k <= LARGEST_SHOWN_CORRELATIONS:
            return []
        correlations = self.products.correlations(self.usable)
        pairs = np.triu_indices(k - 1, 1)
        position = np.arange(1.0, len(pairs[0]) + 1)
        labels = {(0, 0): "linear", (0, 1): "linear × quadratic", (1, 0): "quadratic × linear"}
        return [
            Comparison(
                "independence",
                labels.get((i, j), "quadratic"),
                position,
                correlations[i, :, j][pairs],
                np.zeros(len(position)),
            )
            for i in (0, 1)
            for j in (0, 1)
        ]


def merge_rare(observed: IntArray, expected: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Merge the rarest categories until each expects `SMALLEST_EXPECTED` rows or more.

    Examples
    --------
    >>> observed, expected = merge_rare(np.array([1, 4, 95]), np.array([2.0, 4.0, 94.0]))
    >>> observed.tolist(), expected.tolist()
    ([5.0, 95.0], [6.0, 94.0])
    """
    order = np.argsort(expected, kind="stable")
    cumulative = np.cumsum(expected[order])
    rare = int((expected < SMALLEST_EXPECTED).sum())
    if rare:
        # The rare ones together may still be too few, and then take more categories in.
        rare = max(rare, int(np.searchsorted(cumulative, SMALLEST_EXPECTED)) + 1)
    groups = np.maximum(np.arange(len(order)) - max(rare - 1, 0), 0)
    merged: FloatArray = np.bincount(groups, weights=observed[order]).astype(np.float64)
    return merged, np.bincount(groups, weights=expected[order]).astype(np.float64)


def _count_largest(log_x: FloatArray) -> IntArray:
    # Of few categories argmax takes several times as long; it settles ties.
    if len(log_x) < LONG_ARGMAX:
        counts: IntArray = np.count_nonzero(log_x == log_x.max(axis=0), axis=1)
        if counts.sum() == log_x.shape[1]:
            return counts
    return np.bincount(log_x.argmax(axis=0), minlength=len(log_x))


def _uniform_comparisons(test: str, labels: Sequence[str], counts: Histograms) -> list[Comparison]:
    position = (np.arange(FIGURE_CELLS) + 0.5) / FIGURE_CELLS
    return [
        Comparison(
            test,
            label,
            position,
            observed.astype(np.float64),
            np.full(FIGURE_CELLS, observed.sum() / FIGURE_CELLS),
        )
        for label, observed in zip(labels, counts.coarse(FIGURE_CELLS), strict=False)
    ]


def _result(
    name: str, statistic: float, p_value: float, sentence: str, *, certain: bool = False
) -> TestResult:
    return TestResult(name, float(statistic), p_value, True, sentence, certain)


def _pairs(distribution: Concrete) -> list[tuple[int, int]]:
    k = distribution.num_categories
    if k <= LARGEST_ALL_PAIRS:
        return list(combinations(range(k), 2))
    top = int(distribution.logits.argmax())
    return [(j, top) for j in range(k) if j != top][:MOST_VARIABLES]
