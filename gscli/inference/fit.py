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
from gscli.errors import AccuracyError, DataError
from gscli.inference.gof.check import check
from gscli.inference.gof.results import CheckResult
from gscli.inference.kept_rows import KeptRows
from gscli.inference.likelihood import (
    Derivatives,
    DerivativesAccumulator,
    Estimate,
    Standard,
    newton_maximize,
    newton_step,
)
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

KEPT_VALUES = 2**19
"""Values kept for Newton's method, 4 megabytes; it goes on over all rows from where it ends."""

NEGLIGIBLE = 1e-4
"""Squared distance from the maximum, in standard errors, at which to stop."""

MAX_PASSES = 20
ROUNDING = 1e-12
"""Relative error of a sum over rows: a fall of the likelihood by less is not one."""

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
        From the observed information; 0 for a fixed temperature.
    interval_95 : Uncertainty
        Lower and upper ends, `probs` of shape (K, 2), `temperature` of shape (2,): Wald's
        intervals of logit probs and log temperature, so that they stay inside their ranges.
    log_likelihood : float
        In nats: the sum of `Concrete.log_prob` over the rows, or of `log_prob_log` for log X.
    iterations : int
        Of Newton's method.
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
        k = len(self.probs)
        if self.n >= FEW_ROWS * k:
            return ()
        words = (
            f"{self.n:,} rows are few for {k} categories: the temperature comes out too high, and "
            f"the 95 % intervals hold it less often than that; fit {FEW_ROWS * k:,} or more"
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
    threads: int | None = None,
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
    threads : int, optional
        Number of threads; by default one for each usable core.

    Returns
    -------
    FitResult
        Estimates with standard errors, 95 % intervals and goodness of fit.

    Raises
    ------
    ParameterError
        If `fix_temperature` is not positive and finite.
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
        first = rows.accumulate(
            partial(_FirstPass, k, rows.expected, log=rows.log), threads=threads
        )
        _refuse_degenerate(first, k, fixed=fix_temperature is not None)
        log_x = category_major(first.kept.rows())
        standard = Standard.of(log_x)
        point, found, iterations = newton_maximize(standard.apply(log_x), standard, fix_temperature)
        if log_x.shape[1] < first.n:
            fixed = fix_temperature is not None
            again = replace(rows, progress=None)
            point, found, passes = _refine(again, standard, point, first.n, threads, fixed=fixed)
            iterations += passes
    estimate = standard.estimate(found, point, first.n, iterations)
    distribution = Concrete(logits=estimate.logits, temperature=estimate.temperature)
    errors, interval = _uncertainty(estimate, fixed=fix_temperature is not None)
    return FitResult(
        n=first.n,
        probs=distribution.probs,
        temperature=distribution.temperature,
        standard_errors=errors,
        interval_95=interval,
        # The density of log X with respect to the log-ratios, or that of X.
        log_likelihood=estimate.log_likelihood - (0 if rows.log else first.sum_of_logs),
        iterations=iterations,
        goodness=_goodness(log_x, distribution, rows, names, threads),
        distribution=distribution,
    )


class _FirstPass:
    """What is kept of a first pass: some rows, and what tells a degenerate sample."""

    def __init__(self, num_categories: int, expected: int | None, *, log: bool) -> None:
        self.log = log
        self.n = 0
        self.sum_of_logs = 0.0
        self.low = np.full(num_categories, np.inf)
        self.high = np.full(num_categories, -np.inf)
        self.kept = KeptRows(max(2, KEPT_VALUES // num_categories), expected)

    def update(self, batch: Batch) -> None:
        """Take in the next rows."""
        with np.errstate(divide="ignore"):
            log_x = batch.rows if self.log else np.log(batch.rows)
        self.sum_of_logs += float(log_x.sum())
        low = log_x.min(axis=0)
        if np.isneginf(low).any():
            _refuse_zeros(batch, log_x)
        self.n += len(log_x)
        self.low = np.minimum(self.low, low)
        self.high = np.maximum(self.high, log_x.max(axis=0))
        self.kept.update(replace(batch, rows=log_x))

    def merge(self, later: Self) -> None:
        """Take in what was kept of the rows that follow."""
        self.n += later.n
        self.sum_of_logs += later.sum_of_logs
        self.low = np.minimum(self.low, later.low)
        self.high = np.maximum(self.high, later.high)
        self.kept.merge(later.kept)


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
    n: int,
    threads: int | None,
    *,
    fixed: bool,
) -> tuple[FloatArray, Derivatives, int]:
    """Go on with Newton's method over all rows, from the maximum over some of them.

    The step's error is quadratic: after one from a squared distance of d standard errors, about
    d**2 / n of them are left.
    """
    found, previous = _derivatives(rows, standard, point, threads), point
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
    rows: Samples, standard: Standard, point: FloatArray, threads: int | None
) -> Derivatives:
    make = partial(DerivativesAccumulator, standard, point, log=rows.log)
    return rows.accumulate(make, threads=threads).found


def _goodness(
    log_x: FloatArray,
    distribution: Concrete,
    rows: Samples,
    names: Sequence[str] | None,
    threads: int | None,
) -> CheckResult:
    values = log_x.T if rows.log else np.exp(log_x.T)
    kept = replace(
        rows, read=partial(array_parts, values), valid=False, wanted=(), progress=None, total=None
    )
    return check(kept, distribution, names=names, threads=threads)


def _uncertainty(estimate: Estimate, *, fixed: bool) -> tuple[Uncertainty, Uncertainty]:
    # The delta method for logit p_k = a_k - LSE(the other a), whose gradient is 1 at k and minus
    # the others' share of 1 - p_k elsewhere: finite even where p_k rounds to 0 or 1.
    k, t = len(estimate.logits), estimate.temperature
    others = np.where(np.eye(k, dtype=bool), -np.inf, estimate.logits)
    log_rest = special.logsumexp(others, axis=1)
    gradient = np.eye(k) - np.exp(others - log_rest[:, None])
    covariance = estimate.covariance(fixed_temperature=fixed)
    error = np.sqrt(np.einsum("ij,jk,ik->i", gradient, covariance[:k, :k], gradient, optimize=True))
    error_t = math.sqrt(covariance[k, k])
    logit = estimate.logits - log_rest
    reach = QUANTILE * error
    ends = special.expit(np.stack([logit - reach, logit + reach], axis=-1))
    ends_t = t * np.exp(np.array([-1, 1]) * QUANTILE * error_t / t)
    error_of_probs = error * np.exp(estimate.logits + log_rest)
    return Uncertainty(error_of_probs, error_t), Uncertainty(ends, ends_t)
