"""Maximum-likelihood pi and temperature from samples, with standard errors and intervals."""

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import ClassVar

import numpy as np
from scipy import special

from gscli.arrays import FloatArray
from gscli.distribution.concrete import Concrete, check_temperature
from gscli.errors import DataError
from gscli.inference.gof.check import check
from gscli.inference.gof.results import CheckResult
from gscli.inference.likelihood import (
    Estimate,
    Samples,
    Standard,
    climb,
    derivatives,
    in_blocks,
    newton_step,
    slabs,
)
from gscli.records import Record, html_list, html_table

HELD_VALUES = 2**23
"""Values kept for Newton's method, 64 megabytes; later ones are read once."""

SHOWN_CATEGORIES = 8
"""Probabilities that are shown of a fit; `FitResult.probs` has all."""

SUM_TOLERANCE = 1e-3
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
    held : int
        Rows that Newton's method ran on, the first ones. Any later rows enter by one more step
        of it, whose distance from the maximum is far below the standard errors.
    goodness : CheckResult
        `check` of the held rows against the fitted distribution. The parameters were
        fitted to the same rows, so its p-values are too large: a rejection is reliable, the
        absence of one less so.
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
    held: int
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
    blocks: Samples,
    *,
    log: bool = False,
    fix_temperature: float | None = None,
    names: Sequence[str] | None = None,
) -> FitResult:
    """Fit pi and temperature to samples by maximum likelihood.

    Parameters
    ----------
    blocks : ndarray or iterable of ndarray, shape (rows, K)
        The samples, in one array or in blocks of any size, read once.
    log : bool
        Whether the rows are log X.
    fix_temperature : float, optional
        Fit pi alone, at this temperature.
    names : sequence of str, optional
        The categories' names in the sentences of `FitResult.goodness`; by default x1 ... xK.

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
    rows = iter(in_blocks(blocks))
    first = next(rows, None)
    if first is None:
        raise DataError("there are no rows to fit")
    pieces = slabs(chain([first], rows), num_categories=np.asarray(first).shape[-1])
    fitting = _Fitting(fix_temperature, names, log=log)
    for piece in pieces:
        fitting.update(piece)
    return fitting.result()


class _Fitting:
    # Rows are held until there are enough for Newton's method to come so close to the maximum
    # that one step, whose error is quadratic, does for all that follow: with m rows held of n,
    # it leaves an error of the order of sqrt(n) K / m standard errors.

    def __init__(
        self, temperature: float | None, names: Sequence[str] | None, *, log: bool
    ) -> None:
        self.temperature = temperature
        self.names = names
        self.log = log
        self.n = self.held_rows = self.iterations = 0
        self.sum_of_logs = 0.0
        self.held: list[FloatArray] = []
        self.standard: Standard | None = None

    def update(self, values: FloatArray) -> None:
        log_x = _log_samples(values, self.n, log=self.log)
        self.n += log_x.shape[1]
        self.sum_of_logs += float(log_x.sum())
        if self.standard is not None:
            self.found += derivatives(
                self.standard.apply(log_x), self.point[:-1], float(self.point[-1])
            )
            return
        self.held.append(values)
        self.held_rows = self.n
        if self.n * len(log_x) >= HELD_VALUES:
            self._climb()

    def _climb(self) -> Standard:
        self._refuse_degenerate()
        logs = self.held if self.log else [np.log(slab) for slab in self.held]
        self.standard = standard = Standard.of(logs)
        self.point, self.found, self.iterations = climb(
            [standard.apply(slab) for slab in logs], standard, self.temperature
        )
        return standard

    def _refuse_degenerate(self) -> None:
        k = len(self.held[0]) if self.held else 0
        parameters = k - (self.temperature is not None)
        if self.n < max(2, parameters):
            raise DataError(
                f"{self.n} rows are too few to fit {parameters} parameters: draw {FEW_ROWS * k:,} "
                "or more"
            )
        low = np.min([slab.min(axis=1) for slab in self.held], axis=0)
        high = np.max([slab.max(axis=1) for slab in self.held], axis=0)
        constant = np.flatnonzero(high - low <= 4 * EPSILON * np.abs(low))
        if len(constant):
            raise DataError(
                f"column {constant[0] + 1} is constant: samples of a Concrete distribution vary "
                "in every column"
            )

    def result(self) -> FitResult:
        standard = self.standard or self._climb()
        if self.n > self.held_rows:
            fixed = self.temperature is not None
            step, decrement = newton_step(self.found, fixed_temperature=fixed)
            self.point = self.point + step
            self.found = replace(self.found, value=self.found.value + decrement / 2)
        estimate = standard.estimate(self.found, self.point, self.n, self.iterations)
        distribution = Concrete(logits=estimate.logits, temperature=estimate.temperature)
        errors, interval = _uncertainty(estimate, fixed=self.temperature is not None)
        return FitResult(
            n=self.n,
            probs=distribution.probs,
            temperature=distribution.temperature,
            standard_errors=errors,
            interval_95=interval,
            # The density of log X with respect to the log-ratios, or that of X.
            log_likelihood=estimate.log_likelihood - (0 if self.log else self.sum_of_logs),
            iterations=self.iterations,
            held=self.held_rows,
            goodness=check(
                (slab.T for slab in self.held), distribution, log=self.log, names=self.names
            ),
            distribution=distribution,
        )


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


def _log_samples(values: FloatArray, start: int, *, log: bool) -> FloatArray:
    # Refuses what has no likelihood, naming the row as people count, from 1.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        log_x = values if log else np.log(values)
        peak = log_x.max(axis=0)
        total = np.exp(log_x - peak).sum(axis=0)
        error = np.abs(np.log(total) + peak)
        lowest = np.where(np.isneginf(log_x), 0.0, log_x).min(axis=0)
    # The likelihood does not depend on a row's sum: this tells the wrong kind of file, and lets
    # through what float32 or a few decimals leave of a sum of 1.
    tolerance = SUM_TOLERANCE * (1 - lowest if log else 1)
    off = ~(error <= tolerance)
    if off.any():
        row = int(off.argmax())
        raise DataError(
            f"row {start + row + 1:,} ({_shown(values[:, row])}) {_fault(values[:, row], log=log)}"
        )
    zero = np.isneginf(log_x)
    if zero.any():
        if (zero.sum(axis=0) == len(zero) - 1).all():
            raise DataError(
                "the samples are one-hot: that is temperature 0, where only the columns' means, "
                "the probabilities, can be told"
            )
        row = int(zero.any(axis=0).argmax())
        raise DataError(
            f"row {start + row + 1:,} ({_shown(values[:, row])}) holds an exact 0, whose "
            "likelihood is not defined: fit log samples, made and read with --log"
        )
    return log_x


def _fault(row: FloatArray, *, log: bool) -> str:
    if np.isnan(row).any():
        return "holds NaN: leave such rows out, or mend the sampler that makes them"
    if np.isposinf(row).any():
        return "holds an infinite value: leave such rows out, or mend the sampler that makes them"
    if log:
        return (
            f"has exponentials that sum to {np.exp(row).sum():.7g}, not 1, and is off the simplex; "
            "if the samples are not logarithms, fit them without --log"
        )
    if (row < 0).any():
        return (
            "holds a negative value and is off the simplex; if the samples are logarithms, fit "
            "them with --log"
        )
    return f"sums to {row.sum():.7g}, not 1, and is off the simplex: normalise the rows"


def _shown(row: FloatArray) -> str:
    shown = ", ".join(f"{value:.6g}" for value in row[:5])
    return shown + (", ..." if len(row) > 5 else "")
