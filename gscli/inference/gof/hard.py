"""Exact goodness-of-fit tests of hard samples: one-hot rows, or labels.

A label has one distribution, whatever the temperature: P(k) = pi_k / Σ pi. Where every row has
probabilities of its own, as a decoder's tokens have, each label is mapped to a number that is
uniform under the truth, by a randomised probability integral transform; the tests are then those
of independent uniforms.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import special

from gscli.arrays import FloatArray, IntArray, log_softmax
from gscli.errors import DataError, ParameterError, ShapeError
from gscli.execution.threads import accumulate
from gscli.inference.gof import null_distributions
from gscli.inference.gof.accumulators import HASHED_ROWS, Histograms, Lags
from gscli.inference.gof.results import (
    CheckResult,
    Comparison,
    TestResult,
    corrected,
    sidak,
)
from gscli.inference.gof.sensitivity import POWER, noncentrality
from gscli.inference.gof.statistics import SMALLEST_EXPECTED, merge_rare
from gscli.inference.gof.transforms import uniforms_at
from gscli.io.columns import default_names

FEWEST_LABELS = 30
"""Labels from which on a file is judged."""

BATCH_ROWS = 2**18
CHANCE_OF_REPEAT = 1e-6
LONGEST_WINDOW = 4096
"""Labels of the longest run that is compared with earlier ones."""

ONE = 1e-6
"""How far from 0 and 1 the values of a one-hot row may be."""


class HardStatistics:
    """What the tests need to know about the labels read so far.

    Parameters
    ----------
    probs : ndarray, shape (K,), optional
        Of every row; without it each row brings its own.
    num_categories : int
        K.

    Attributes
    ----------
    own : bool
        Whether each row brings its own probabilities.
    n, invalid : int
        Rows read; those of them that are no label, or not one-hot.
    first_invalid : int
        The number of the first of these, counted from 1.
    impossible : int
        Labels whose probability is 0.
    counts : ndarray, shape (K,)
        Of each label.
    first : list of ndarray
        The first labels, for repeats.
    """

    def __init__(self, probs: FloatArray | None, num_categories: int) -> None:
        self.own = probs is None
        self.probs: FloatArray = np.zeros(num_categories) if probs is None else probs
        self.n = self.invalid = self.first_invalid = self.impossible = 0
        self.counts: IntArray = np.zeros(num_categories, dtype=np.int64)
        self.transforms = (Histograms(1), Histograms(1))
        self.lags = Lags(1)
        self.first: list[IntArray] = []
        self._below: FloatArray = np.cumsum(self.probs) - self.probs

    def update(self, part: tuple[int, IntArray, FloatArray | None]) -> None:
        """Take in labels, -1 where there is none: the first one's number, they, and own logits."""
        start, labels, logits = part
        bad = (labels < 0) | (labels >= len(self.counts))
        if bad.any():
            if not self.invalid:
                self.first_invalid = start + int(bad.argmax()) + 1
            self.invalid += int(bad.sum())
        self.n += len(labels)
        good = np.flatnonzero(~bad)
        labels, indices = labels[good], start + good
        if not len(labels):
            return
        self.counts += np.bincount(labels, minlength=len(self.counts))
        if start < HASHED_ROWS:
            self.first.append(labels[indices < HASHED_ROWS])
        drawn = uniforms_at(indices, 1)[0]
        if logits is None:
            own, below = self.probs[labels], self._below[labels]
        else:
            own, below, above = _own_probs(logits[good], labels)
            # From the most probable down, which a wrong temperature moves all one way.
            self.transforms[1].update(0, np.clip(above + drawn * own, 0, 1))
        self.impossible += int((own == 0).sum())
        uniforms = np.clip(below + drawn * own, 0, 1)
        self.transforms[0].update(0, uniforms)
        self.lags.update(math.sqrt(12) * (uniforms[None] - 0.5))

    def merge(self, later: Self) -> None:
        """Take in the statistics of the labels that follow."""
        if not self.invalid:
            self.first_invalid = later.first_invalid
        for name in ("n", "invalid", "impossible", "counts"):
            setattr(self, name, getattr(self, name) + getattr(later, name))
        for own, other in zip(self.transforms, later.transforms, strict=True):
            own.merge(other)
        self.lags.merge(later.lags)
        self.first += later.first

    @property
    def valid(self) -> int:
        """Number of labels."""
        return self.n - self.invalid

    def results(self, names: Sequence[str], *, one_hot: bool) -> list[TestResult]:
        """Make the tests, each judged by itself: `passed` is not set yet."""
        made: list[TestResult | None] = [self._labels(one_hot=one_hot), self._impossible(names)]
        if self.valid:
            if self.own:
                made += [
                    self._transform(0, "labels in order", "in the order of the categories"),
                    self._transform(1, "labels by rank", "from the most probable category down"),
                ]
            else:
                made += [self._frequencies(names), self._rare(names)]
            made += [self._serial()]
            if not self.own:
                made.append(self._repeats())
        return [test for test in made if test]

    def _labels(self, *, one_hot: bool) -> TestResult:
        what = "one-hot" if one_hot else "labels"
        sentence = f"All {self.n:,} rows are {what}."
        if self.invalid:
            sentence = (
                f"{self.invalid:,} of {self.n:,} rows are not {what}, the first of them row "
                f"{self.first_invalid:,}."
            )
        p_value = 0.0 if self.invalid else 1.0
        return TestResult(what, float(self.invalid), p_value, True, sentence, certain=True)

    def _impossible(self, names: Sequence[str]) -> TestResult | None:
        if self.probs.all():
            return None
        sentence = "No label has probability 0."
        if self.impossible:
            which = ""
            if not self.own:
                drawn = np.flatnonzero((self.counts > 0) & (self.probs == 0))
                which = f", such as {names[int(drawn[0])]}"
            sentence = f"{self.impossible:,} labels have probability 0{which}."
        p_value = 0.0 if self.impossible else 1.0
        return TestResult(
            "impossible", float(self.impossible), p_value, True, sentence, certain=True
        )

    def _frequencies(self, names: Sequence[str]) -> TestResult | None:
        possible = np.flatnonzero(self.probs)
        counts, probs = self.counts[possible], self.probs[possible]
        total = int(counts.sum())
        observed, expected = counts.astype(np.float64), total * probs
        if len(probs) > 2:
            observed, expected = merge_rare(counts, expected)
        freedom = len(observed) - 1
        if not total or not freedom:
            return None
        statistic = float(((observed - expected) ** 2 / expected).sum())
        p_value = null_distributions.of_counts(statistic, total, expected)
        worst = int(np.argmax(np.abs(counts / total - probs) / np.sqrt(probs)))
        sentence = (
            f"Chi-squared on {freedom} degrees of freedom of how often each label comes; furthest "
            f"from its probability is {names[possible[worst]]}, {counts[worst] / total:.4g} "
            f"against {probs[worst]:.4g}."
        )
        return TestResult("frequencies", statistic, p_value, True, sentence)

    def _rare(self, names: Sequence[str]) -> TestResult | None:
        total = int(self.counts.sum())
        rare = np.flatnonzero((self.probs > 0) & (total * self.probs < SMALLEST_EXPECTED))
        if not len(rare):
            return None
        counts, probs = self.counts[rare], self.probs[rare]
        # Of a binomial count: as many or more. Fewer than a few is no surprise.
        tails = np.where(
            counts > 0, special.betainc(np.maximum(counts, 1), total - counts + 1, probs), 1.0
        )
        worst = int(tails.argmin())
        sentence = (
            f"Binomial tail of each of the {len(rare):,} labels that expect fewer than "
            f"{SMALLEST_EXPECTED:g} rows (Šidák); the least is that of {names[rare[worst]]}, "
            f"{counts[worst]:,} against {total * probs[worst]:.3g}."
        )
        p_value = sidak(float(tails[worst]), len(rare))
        return TestResult("rare labels", float(counts[worst]), p_value, True, sentence)

    def _transform(self, which: int, name: str, order: str) -> TestResult:
        distances = self.transforms[which].distances()
        p_value = float(null_distributions.of_distances(distances, self.valid)[0])
        sentence = (
            "Kolmogorov-Smirnov distance from uniform of the labels' randomised probability "
            f"integral transforms, {order}."
        )
        return TestResult(name, float(distances[0]), p_value, True, sentence)

    def _serial(self) -> TestResult | None:
        if self.valid < FEWEST_LABELS:
            return None
        scores = self.lags.scores(self.valid)[:, 0]
        statistic = float((scores**2).sum())
        sentence = (
            f"Chi-squared on {len(scores)} degrees of freedom of the partial correlations of the "
            f"labels' transforms with those 1 to {len(scores)} rows before (Monti)."
        )
        p_value = float(special.chdtrc(len(scores), statistic))
        return TestResult("serial", statistic, p_value, True, sentence)

    def _repeats(self) -> TestResult | None:
        labels = np.concatenate(self.first)
        # So long a run that chance makes no equal pair of them.
        same = float((self.probs**2).sum())
        if same >= 1:
            return None
        pairs = len(labels) ** 2 / 2
        needed = math.log(CHANCE_OF_REPEAT / pairs) / math.log(same)
        window = 1 << max(0, math.ceil(math.log2(max(1.0, needed))))
        if window > min(LONGEST_WINDOW, len(labels) // 2):
            return None
        hashes = _hash_windows(labels, window)
        order = np.argsort(hashes, kind="stable")
        again = hashes[order[1:]] == hashes[order[:-1]]
        distances = (order[1:] - order[:-1])[again]
        sentence = (
            f"No run of {window} labels among the first {len(labels):,} equals an earlier one."
        )
        if len(distances):
            found, counts = np.unique(distances, return_counts=True)
            sentence = (
                f"{len(distances):,} runs of {window} labels equal an earlier one, most often "
                f"that {found[counts.argmax()]:,} rows before."
            )
        p_value = 0.0 if len(distances) else 1.0
        return TestResult("repeats", float(len(distances)), p_value, True, sentence, certain=True)


def check_hard(
    samples: npt.ArrayLike | Iterable[npt.ArrayLike],
    probs: npt.ArrayLike | None = None,
    *,
    logits: npt.ArrayLike | None = None,
    alpha: float = 0.001,
    names: Sequence[str] | None = None,
    min_rows: int = 1,
    threads: int | None = None,
) -> CheckResult:
    """Test whether hard samples come from a categorical distribution.

    Parameters
    ----------
    samples : array_like of shape (n,) or (n, K), or iterable of such
        Labels 0 ... K-1, or one-hot rows.
    probs : array_like, shape (K,), optional
        Unnormalised probabilities, 0 for what cannot be drawn.
    logits : array_like, shape (n, K), optional
        In their place, each row's own logits, -inf for what cannot be drawn.
    alpha : float
        Probability of rejecting right samples, over all tests together (Holm's correction).
    names : sequence of str, optional
        The categories' names in the sentences; by default x1 ... xK.
    min_rows : int
        Fewer rows are not judged.
    threads : int, optional
        Number of threads; by default one for each usable core.

    Returns
    -------
    CheckResult
        Verdict, tests, and on rejection what is wrong.

    Raises
    ------
    ParameterError
        If `probs` or `logits` are no distributions, or both or neither are given.
    ShapeError
        If shapes do not match.
    DataError
        If there are no rows.

    References
    ----------
    Brockwell (2007), "Universal residuals: a multivariate transformation", Statistics and
    Probability Letters 77, for the randomised transform.

    Examples
    --------
    >>> labels = np.random.default_rng(1).choice(3, size=10_000, p=[0.1, 0.3, 0.6])
    >>> check_hard(labels, [1, 3, 6]).consistent, check_hard(labels, [1, 4, 5]).verdict
    (True, 'Rejected')
    """
    if (probs is None) == (logits is None):
        raise ParameterError("probs", "or each row's own logits are needed, not both")
    if not 0 < alpha < 1:
        raise ParameterError("alpha", f"{alpha:g} is not between 0 and 1")
    shares, own = _checked_probs(probs), _checked_logits(logits)
    k = len(shares) if shares is not None else len(own[0]) if own is not None else 0
    given: Any = samples
    single = hasattr(given, "ndim") or (isinstance(given, Sequence) and not np.ndim(given[0]))
    arrays = [given] if single else given
    one_hot: list[bool] = []
    parts = _parts(arrays, k, own, one_hot)
    found = accumulate(partial(HardStatistics, shares, k), parts, threads=threads)
    if not found.n:
        raise DataError("there are no rows to check")
    if own is not None and found.n != len(own):
        raise ShapeError(f"{found.n:,} rows have {len(own):,} rows of logits")
    labels = names or default_names(k)
    tests = corrected(found.results(labels, one_hot=one_hot[0]), alpha)
    passed = all(test.passed for test in tests)
    needed = max(min_rows, FEWEST_LABELS)
    enough = found.n >= needed
    causes = tuple(test.sentence for test in tests if not test.passed)
    if passed and not enough:
        causes = (f"{found.n:,} rows are too few to judge: {needed:,} or more are needed",)
    remarks: tuple[str, ...] = ()
    if passed and enough and shares is not None:
        remarks = (_power(shares, found.valid, alpha, sum(not test.certain for test in tests)),)
    return CheckResult(
        consistent=passed and enough,
        conclusive=enough or not passed,
        alpha=alpha,
        n=found.n,
        tests=tests,
        causes=causes,
        comparisons=_comparisons(found),
        remarks=remarks,
    )


def _power(probs: FloatArray, n: int, alpha: float, tests: int) -> str:
    """Return how small a shift of the commonest label's probability is found in most files."""
    freedom, share = int(np.count_nonzero(probs)) - 1, float(probs.max())
    wanted = noncentrality(max(1, freedom), alpha / max(1, tests))
    shift = min(1 - share, math.sqrt(wanted * share * (1 - share) / n))
    return (
        f"of shifts of the commonest label's probability no smaller than {shift:.2g}, from "
        f"{share:.3g}, {100 * POWER:.0f} % would have been found"
    )


def _parts(
    arrays: Iterable[npt.ArrayLike], k: int, logits: FloatArray | None, one_hot: list[bool]
) -> Iterator[Callable[[], list[tuple[int, IntArray, FloatArray | None]]]]:
    start = 0
    for each in arrays:
        values = np.asarray(each)
        if values.dtype.kind not in "fiub":
            raise ParameterError("samples", f"hold {values.dtype} values; expected labels")
        if values.ndim not in (1, 2) or (values.ndim == 2 and values.shape[1] != k):
            raise ShapeError(f"samples have shape {values.shape}; expected (n,) or (n, {k})")
        one_hot.append(values.ndim == 2)
        step = max(1, BATCH_ROWS // (k if values.ndim == 2 or logits is not None else 1))
        for first in range(0, len(values), step):
            some = slice(start + first, start + first + len(values[first : first + step]))
            own = None if logits is None else logits[some]
            yield partial(_part, start + first, values[first : first + step], own)
        start += len(values)


def _part(
    start: int, values: npt.NDArray[Any], logits: FloatArray | None
) -> list[tuple[int, IntArray, FloatArray | None]]:
    return [(start, labels_of(values), logits)]


def labels_of(values: npt.NDArray[Any]) -> IntArray:
    """Return labels, or the positions of the ones in one-hot rows; -1 where there is none.

    Examples
    --------
    >>> labels_of(np.array([[0, 1], [1, 0], [0.5, 0.5]])).tolist()
    [1, 0, -1]
    >>> labels_of(np.array([0.0, 2.0, 0.5])).tolist()
    [0, 2, -1]
    """
    if values.ndim == 2:
        labels: IntArray = values.argmax(axis=1)
        one = np.abs(values.max(axis=1, initial=-np.inf) - 1) <= ONE
        one &= np.abs(values).sum(axis=1) - 1 <= ONE
        return np.where(one, labels, -1)
    if values.dtype.kind in "iub":
        return values.astype(np.int64, copy=False)
    with np.errstate(invalid="ignore"):
        whole = values.astype(np.int64)
    return np.where(whole == values, whole, -1)


def _own_probs(logits: FloatArray, labels: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return P(label), P(a smaller label) and P(a label that is more probable), by row."""
    probs = np.exp(log_softmax(logits))
    row = np.arange(len(labels))
    own = probs[row, labels]
    below = np.where(np.arange(probs.shape[1]) < labels[:, None], probs, 0).sum(axis=1)
    # Of equal ones the first is the more probable.
    more = probs > own[:, None]
    more |= (probs == own[:, None]) & (np.arange(probs.shape[1]) < labels[:, None])
    return own, below, np.where(more, probs, 0).sum(axis=1)


def _hash_windows(labels: IntArray, window: int) -> npt.NDArray[np.uint64]:
    """Hash every run of `window` labels, a power of two."""
    factors = np.random.Generator(np.random.PCG64(1)).integers(2**63, size=64, dtype=np.uint64)
    hashes: npt.NDArray[np.uint64] = (labels.astype(np.uint64) + np.uint64(1)) * (
        2 * factors[0] + np.uint64(1)
    )
    hashes ^= hashes >> np.uint64(29)
    length, level = 1, 1
    while length < window:
        hashes = hashes[:-length] * (2 * factors[level] + np.uint64(1)) + hashes[length:]
        hashes ^= hashes >> np.uint64(29)
        length, level = 2 * length, level + 1
    return hashes


def _checked_probs(probs: npt.ArrayLike | None) -> FloatArray | None:
    if probs is None:
        return None
    values = np.asarray(probs, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise ShapeError(f"probs have shape {values.shape}; expected (K,), K >= 2")
    if not (np.isfinite(values).all() and (values >= 0).all() and values.sum() > 0):
        raise ParameterError("probs", "are not all finite, 0 or more, and one of them above 0")
    shares: FloatArray = values / values.sum()
    return shares


def _checked_logits(logits: npt.ArrayLike | None) -> FloatArray | None:
    if logits is None:
        return None
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < 2:
        raise ShapeError(f"logits have shape {values.shape}; expected (n, K), K >= 2")
    if np.isnan(values).any() or np.isposinf(values).any() or np.isneginf(values).all(axis=1).any():
        raise ParameterError("logits", "hold NaN or inf, or a row of -inf alone")
    return values


def _comparisons(found: HardStatistics) -> tuple[Comparison, ...]:
    if found.own:
        return ()
    position = np.arange(len(found.probs), dtype=np.float64)
    counts = found.counts.astype(np.float64)
    return (Comparison("rounding", "label", position, counts, found.valid * found.probs),)
