"""Maximum-likelihood pi and temperature from samples, with standard errors and intervals."""

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Self

import numpy as np
from scipy import special

from gscli.arrays import FloatArray
from gscli.distribution.concrete import Concrete, check_temperature
from gscli.errors import AccuracyError, DataError, ParameterError
from gscli.execution.threads import Threads, Workers
from gscli.inference.gof.check import check
from gscli.inference.gof.results import CheckResult
from gscli.inference.kept_rows import KeptRows
from gscli.inference.likelihood import (
    Corrected,
    Derivatives,
    DerivativesAccumulator,
    Standard,
    log_blocks,
    lost_freedom,
    newton_maximize,
    newton_step,
)
from gscli.inference.many_categories import Moments
from gscli.inference.many_categories import maximize as maximize_many
from gscli.io.readers import repeatable
from gscli.io.samples import (
    Batch,
    Rows,
    Samples,
    array_parts,
    as_samples,
    category_major,
    show_row,
)
from gscli.records import Record, html_list, html_table

KEPT_VALUES = 2**18
"""Values kept for Newton's method, 2 megabytes; it goes on over all rows from where it ends."""

NEGLIGIBLE = 1e-4
"""Squared distance from the maximum, in standard errors, at which to stop."""

MAX_PASSES = 20
ROUNDING = 1e-12
"""Relative error of a sum over rows: a fall of the likelihood by less is not one."""

LARGEST_DENSE = 128
"""Categories up to which the likelihood's Hessian is kept whole."""

FARTHEST_FIXED = 1000.0
"""Factor between a fixed temperature and the samples' own up to which rounding leaves a fit."""

SHOWN_CATEGORIES = 8
"""Probabilities that are shown of a fit; `FitResult.probs` has all."""

FEW_ROWS = 10
"""Rows for each category from which on intervals hold what they promise."""

QUANTILE = float(special.ndtri(0.975))
EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False, slots=True)
class Uncertainty(Record):
    """Standard errors, or interval ends, of the parameters.

    Attributes
    ----------
    probs : ndarray, shape (K,) or (K, 2)
        Of the probabilities.
    temperature : float or ndarray of shape (2,)
        Of the temperature.
    """

    probs: FloatArray
    temperature: float | FloatArray


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class FitResult(Record):
    """The distribution that fits samples best.

    Attributes
    ----------
    n : int
        Number of rows.
    probs : ndarray, shape (K,)
        Probabilities.
    temperature : float
        The temperature.
    standard_errors : Uncertainty
        From the observed information; 0 for a fixed temperature. Above `LARGEST_DENSE` categories
        the logits' block of it is the expected one, n K/(K+1) (I - 11ᵀ/K); the others are observed.
    interval_95 : Uncertainty
        Lower and upper ends, `probs` of shape (K, 2), `temperature` of shape (2,): Wald's
        intervals of logit probs and log temperature, so that they stay inside their ranges. They
        lie around the maximum of the restricted likelihood (`likelihood.lost_freedom`), without
        the bias that the temperature of few rows has.
    log_likelihood : float
        In nats: the sum of `Concrete.log_prob` over the rows, or of `log_prob_log` for log X.
    iterations : int
        Of Newton's method, or passes over the rows where there are many categories.
    goodness : CheckResult
        `check` of the rows, or of some spread over them where they are many, against the fitted
        distribution. The parameters were fitted to the same rows, so its p-values are too large:
        a rejection is reliable, the absence of one less so.
    distribution : Concrete
        With the fitted parameters.
    """

    KEYS: ClassVar[str] = (
        "n probs temperature standard_errors interval_95 log_likelihood iterations goodness remarks"
    )

    n: int
    probs: FloatArray
    temperature: float
    standard_errors: Uncertainty
    interval_95: Uncertainty
    log_likelihood: float
    iterations: int
    goodness: CheckResult
    distribution: Concrete

    @property
    def remarks(self) -> tuple[str, ...]:
        """What to know beside the estimates: that the rows are few for the categories."""
        k, middle = len(self.probs), math.sqrt(math.prod(np.ravel(self.interval_95.temperature)))
        if self.n >= FEW_ROWS * k or not self.standard_errors.temperature:
            return ()
        words = (
            f"{self.n:,} rows are few for {k:,} categories: the temperature comes out about "
            f"{100 * (self.temperature / middle - 1):.2g} % too high, for which the 95 % intervals "
            f"allow; fit {FEW_ROWS * k:,} or more"
        )
        return (words,)

    def _estimates(self) -> Iterator[tuple[str, str, str, str]]:
        errors, ends = self.standard_errors, self.interval_95
        rows = list(zip(self.probs, errors.probs, ends.probs, strict=True))[:SHOWN_CATEGORIES]
        rows.append((self.temperature, errors.temperature, ends.temperature))
        labels = [*(f"p{k + 1}" for k in range(len(rows) - 1)), "temperature"]
        for label, (value, error, (low, high)) in zip(labels, rows, strict=True):
            yield label, f"{value:.4g}", f"{error:.2g}", f"{low:.4g} to {high:.4g}"

    @property
    def _headline(self) -> str:
        return (
            f"n = {self.n:,}, {len(self.probs):,} categories, log-likelihood "
            f"{self.log_likelihood:,.2f} nats; goodness of fit: {self.goodness.verdict.lower()}"
        )

    def __repr__(self) -> str:
        lines = [
            f"{label} = {value} ± {error} (95 %: {interval})"
            for label, value, error, interval in self._estimates()
        ]
        notes = [*self.remarks, *(f"cause: {cause}" for cause in self.goodness.causes)]
        return "\n  ".join([f"FitResult: {self._headline}", *lines, *notes])

    def _repr_html_(self) -> str:
        table = html_table(("", "estimate", "standard error", "95 % interval"), self._estimates())
        notes = html_list(self.remarks + self.goodness.causes)
        return f"<p>{html.escape(self._headline)}</p>{table}{notes}"


def fit(
    samples: Rows | Samples,
    *,
    log: bool = False,
    fix_temperature: float | None = None,
    names: Sequence[str] | None = None,
    threads: Threads = None,
) -> FitResult:
    """Fit pi and temperature to samples by maximum likelihood.

    Parameters
    ----------
    samples : ndarray or iterable of ndarray, shape (rows, K)
        The rows, in one array or in several; an iterator's are kept in a temporary file.
    log : bool
        Whether the rows are log X.
    fix_temperature : float, optional
        Fit pi alone, at this temperature.
    names : sequence of str, optional
        The categories' names in the sentences of `FitResult.goodness`; by default x1 ... xK.
    threads : int or Workers, optional
        Number of threads; by default one for each usable core.

    Returns
    -------
    FitResult
        Estimates with standard errors, 95 % intervals and goodness of fit.

    Raises
    ------
    ParameterError
        If `fix_temperature` is not positive and finite, or far from the samples' own.
    DataError
        If a row is off the simplex or holds an exact 0, if a column is constant, or if there are
        fewer rows than parameters.
    AccuracyError
        If the likelihood has no maximum.

    References
    ----------
    Maddison, Mnih, Teh (2017), appendix C.3, for the likelihood, which is concave.

    Examples
    --------
    >>> result = fit([Concrete([1, 3, 6], temperature=0.5).sample(50_000, seed=1)])
    >>> result.probs.round(2).tolist(), round(result.temperature, 2)
    ([0.1, 0.3, 0.6], 0.5)
    >>> result.goodness.consistent
    True
    """
    if fix_temperature is not None:
        check_temperature(fix_temperature)
    valid = replace(as_samples(samples, log=log), valid=True)
    with repeatable(valid) as rows:
        k = rows.num_categories
        start = _start(rows, fix_temperature)
        first = rows.accumulate(
            partial(_FirstPass, k, rows.expected, start, log=rows.log), threads=threads
        )
        _refuse_degenerate(first, k, fixed=fix_temperature is not None)
        log_x = category_major(first.kept.rows())
        if fix_temperature is not None:
            _refuse_far(fix_temperature, Standard.of(log_x).scale)
        again = replace(rows, progress=None)
        if first.moments is None:
            found = _fit_dense(again, log_x, first, fix_temperature, threads)
        else:
            found = _fit_many(again, first.moments, fix_temperature, threads)
    if fix_temperature is not None:  # the fit's own coordinates round it
        corrected = replace(found.corrected, temperature=fix_temperature)
        found = replace(found, temperature=fix_temperature, corrected=corrected)
    distribution = Concrete(logits=found.logits, temperature=found.temperature)
    errors, interval = _uncertainty(found)
    return FitResult(
        n=first.n,
        probs=distribution.probs,
        temperature=distribution.temperature,
        standard_errors=errors,
        interval_95=interval,
        # The density of log X with respect to the log-ratios, or that of X.
        log_likelihood=found.log_likelihood - (0 if rows.log else first.sum_of_logs),
        iterations=found.iterations,
        goodness=_goodness(log_x, distribution, rows, names, threads),
        distribution=distribution,
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Found:
    logits: FloatArray
    temperature: float
    log_likelihood: float
    iterations: int
    corrected: Corrected


def _refuse_far(temperature: float, shown: float) -> None:
    factor = max(temperature / shown, shown / temperature)
    if not factor <= FARTHEST_FIXED:
        raise ParameterError(
            "fix_temperature",
            f"{temperature:g} is far from the temperature that the samples show, {shown:.3g}; "
            f"give one within a factor of {FARTHEST_FIXED:g}",
        )


def _start(rows: Samples, temperature: float | None) -> tuple[Standard, FloatArray] | None:
    """Return coordinates, and the maximum in them over the first rows, if there is one."""
    few = rows.total is not None and rows.total * rows.num_categories <= KEPT_VALUES
    if rows.first is None or few or rows.num_categories > LARGEST_DENSE:
        return None
    some = rows.first.rows[: max(2, KEPT_VALUES // rows.num_categories)]
    with np.errstate(divide="ignore", invalid="ignore"):
        log_x = np.concatenate(list(log_blocks(some, log=rows.log)), axis=1)
    log_x = log_x[:, np.isfinite(log_x).all(axis=0)]
    if log_x.shape[1] < 2:
        return None
    try:
        standard = Standard.of(log_x)
        point, _, _ = newton_maximize(standard.apply(log_x), standard, temperature)
    except (AccuracyError, np.linalg.LinAlgError):
        return None
    return standard, point


def _fit_dense(
    rows: Samples,
    log_x: FloatArray,
    first: "_FirstPass",
    temperature: float | None,
    threads: Threads,
) -> _Found:
    """Fit by Newton's method: on the rows that are kept, or from the first ones on all."""
    fixed, n = temperature is not None, first.n
    whole = log_x.shape[1] == n
    if whole or first.derivatives is None:
        standard = Standard.of(log_x)
        standard_x = standard.apply(log_x)
        point, found, iterations = newton_maximize(standard_x, standard, temperature)
    else:
        standard, point = first.derivatives.standard, first.derivatives.point
        found, iterations = first.derivatives.found, 0
    if not whole:
        if first.derivatives is None:
            found = _derivatives(rows, standard, point, threads)
        point, found, passes = _refine(rows, standard, point, found, n, threads, fixed=fixed)
        iterations += passes
    estimate = standard.estimate(found, point, n, iterations)
    middle = estimate
    if whole and not fixed:
        lost = lost_freedom(len(log_x))
        point, found, _ = newton_maximize(standard_x, standard, None, lost=lost)
        middle = standard.estimate(found, point, n, iterations)
    covariance = middle.covariance(fixed_temperature=fixed)
    logits, t = middle.logits, middle.temperature
    if not whole:
        # Of many rows one step to the corrected maximum leaves an error of the order of 1/n².
        step = -lost_freedom(len(log_x)) / t * covariance[-1]
        logits, t = logits + step[:-1], t + float(step[-1])
        logits -= special.logsumexp(logits)
    corrected = Corrected(logits, t, _errors(logits, covariance), math.sqrt(covariance[-1, -1]))
    return _Found(
        estimate.logits, estimate.temperature, estimate.log_likelihood, iterations, corrected
    )


def _fit_many(
    rows: Samples, moments: Moments, temperature: float | None, threads: Threads
) -> _Found:
    """Fit in passes over the rows that keep a few numbers for each category."""
    found = maximize_many(rows, moments, temperature=temperature, threads=threads)
    return _Found(found.logits, found.temperature, found.value, found.passes, found.corrected())


class _FirstPass:
    """What is kept of a first pass: some rows, and what tells a degenerate sample."""

    def __init__(
        self,
        num_categories: int,
        expected: int | None,
        start: tuple[Standard, FloatArray] | None = None,
        *,
        log: bool,
    ) -> None:
        self.log = log
        self.n = 0
        self.sum_of_logs = 0.0
        self.low = np.full(num_categories, np.inf)
        self.high = np.full(num_categories, -np.inf)
        self.kept = KeptRows(max(2, KEPT_VALUES // num_categories), expected)
        self.moments = Moments(num_categories) if num_categories > LARGEST_DENSE else None
        # The first step of Newton's method, from where the first rows lead.
        self.derivatives = DerivativesAccumulator(*start, log=log) if start else None

    def update(self, batch: Batch) -> None:
        """Take in the next rows."""
        start = 0
        with np.errstate(divide="ignore"):
            for log_x in log_blocks(batch.rows, log=self.log):
                chosen = slice(start, start + log_x.shape[1])
                self._add(log_x, Batch(batch.rows[chosen], offsets=batch.indices[chosen]))
                start = chosen.stop

    def _add(self, log_x: FloatArray, batch: Batch) -> None:
        self.sum_of_logs += float(log_x.sum())
        low = log_x.min(axis=1)
        if np.isneginf(low).any():
            _refuse_zeros(batch, log_x.T)
        self.n += log_x.shape[1]
        self.low = np.minimum(self.low, low)
        self.high = np.maximum(self.high, log_x.max(axis=1))
        self.kept.update(Batch(log_x.T, offsets=batch.indices))
        if self.moments:
            self.moments.update(log_x.T)
        if self.derivatives:
            self.derivatives.add(log_x)

    def merge(self, later: Self) -> None:
        """Take in what was kept of the rows that follow."""
        self.n += later.n
        self.sum_of_logs += later.sum_of_logs
        self.low = np.minimum(self.low, later.low)
        self.high = np.maximum(self.high, later.high)
        self.kept.merge(later.kept)
        if self.moments and later.moments:
            self.moments.merge(later.moments)
        if self.derivatives and later.derivatives:
            self.derivatives.merge(later.derivatives)


def _refuse_zeros(batch: Batch, log_x: FloatArray) -> None:
    zero = np.isneginf(log_x)
    if (zero.sum(axis=1) == zero.shape[1] - 1).all():
        raise DataError(
            "the samples are one-hot: that is temperature 0, where only the columns' means, "
            "the probabilities, can be told"
        )
    row = int(zero.any(axis=1).argmax())
    raise DataError(
        f"row {batch.indices[row] + 1:,} ({show_row(batch.rows[row])}) holds an exact 0, whose "
        "likelihood is not defined: fit log samples, made and read with --log"
    )


def _refuse_degenerate(first: _FirstPass, num_categories: int, *, fixed: bool) -> None:
    parameters = num_categories - fixed
    if first.n < max(2, parameters):
        raise DataError(
            f"{first.n:,} rows are too few to fit {parameters:,} parameters: draw "
            f"{FEW_ROWS * num_categories:,} or more"
        )
    # A component that rounds to 1 in every row has the logarithm 0.
    spread = first.high - first.low
    constant = np.flatnonzero((spread <= 4 * EPSILON * np.abs(first.low)) & (first.low < 0))
    if len(constant):
        raise DataError(
            f"column {constant[0] + 1} is constant: samples of a Concrete distribution vary "
            "in every column"
        )


def _refine(
    rows: Samples,
    standard: Standard,
    point: FloatArray,
    found: Derivatives,
    n: int,
    threads: Threads,
    *,
    fixed: bool,
) -> tuple[FloatArray, Derivatives, int]:
    """Go on with Newton's method over all rows, from the maximum over some of them.

    The step's error is quadratic: after one from a squared distance of d standard errors, about
    d**2 / n of them are left.
    """
    previous = point
    for passes in range(1, MAX_PASSES):
        step, decrement = newton_step(found, fixed_temperature=fixed)
        while point[-1] + step[-1] <= 0:
            step = step / 2
        previous, point = point, point + step
        if decrement**2 < NEGLIGIBLE * n:
            return point, replace(found, value=found.value + decrement / 2), passes
        there = _derivatives(rows, standard, point, threads)
        while there.value < found.value - ROUNDING * abs(found.value):
            point = (previous + point) / 2
            there = _derivatives(rows, standard, point, threads)
        found = there
    raise AccuracyError("the likelihood of these rows has no maximum that Newton's method can find")


def _derivatives(
    rows: Samples, standard: Standard, point: FloatArray, threads: Threads
) -> Derivatives:
    make = partial(DerivativesAccumulator, standard, point, log=rows.log)
    return rows.accumulate(make, threads=threads).found


def _goodness(
    log_x: FloatArray,
    distribution: Concrete,
    rows: Samples,
    names: Sequence[str] | None,
    threads: Threads,
) -> CheckResult:
    values = log_x.T if rows.log else np.exp(log_x.T)
    kept = replace(
        rows,
        read=partial(array_parts, values),
        source=None,
        valid=False,
        wanted=(),
        progress=None,
        total=None,
    )
    own = None if isinstance(threads, Workers) else threads
    return check(kept, distribution, names=names, threads=own)


def _errors(logits: FloatArray, covariance: FloatArray) -> FloatArray:
    # The delta method for logit p_k = a_k - LSE(the other a), whose gradient is 1 at k and minus
    # the others' share of 1 - p_k elsewhere: finite even where p_k rounds to 0 or 1.
    k = len(logits)
    others = np.where(np.eye(k, dtype=bool), -np.inf, logits)
    gradient = np.eye(k) - special.softmax(others, axis=1)
    errors: FloatArray = np.sqrt(
        np.einsum("ij,jk,ik->i", gradient, covariance[:k, :k], gradient, optimize=True)
    )
    return errors


def _uncertainty(found: _Found) -> tuple[Uncertainty, Uncertainty]:
    middle = found.corrected
    logit = middle.logits - _log_rest(middle.logits)
    reach = QUANTILE * middle.errors
    ends = special.expit(np.stack([logit - reach, logit + reach], axis=-1))
    reach_t = QUANTILE * middle.error / middle.temperature
    ends_t = middle.temperature * np.exp(np.array([-reach_t, reach_t]))
    error_of_probs = middle.errors * np.exp(found.logits + _log_rest(found.logits))
    return Uncertainty(error_of_probs, middle.error), Uncertainty(ends, ends_t)


def _log_rest(logits: FloatArray) -> FloatArray:
    # log(1 - p_k): the largest p_k may round to 1, but the others are at most 1/2.
    others = np.arange(len(logits)) != logits.argmax()
    rest: FloatArray = np.empty(len(logits))
    rest[others] = np.log1p(-np.exp(logits[others]))
    rest[~others] = special.logsumexp(logits[others])
    return rest
