"""The maximum of the likelihood over thousands of categories, from passes over the rows.

A dense Hessian would take K² numbers. But the shares of a row, F_k = exp(a_k - t y_k) / Σ, are
uniform on the simplex under the model, so that the logits' block of the information,
K Σ (diag(F) - F Fᵀ), has the expectation n K/(K+1) (I - 11ᵀ/K), and the observed one differs from
it by about 1/K of itself. With a block like it, and the observed derivatives in the temperature,
which take K numbers, each step leaves a small share of the distance. Where rows are of another law
it leaves more of it, and the steps before tell the curvature (Nocedal 1980, "Updating
quasi-Newton matrices with limited storage").

Here the arrays are row-major, of shape (rows, K): a row is long.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np

from gscli.arrays import FloatArray
from gscli.errors import AccuracyError
from gscli.execution.threads import Threads
from gscli.inference.likelihood import Corrected, lost_freedom
from gscli.io.samples import Batch, Samples

CHUNK_VALUES = 2**16
"""Values worked on at a time: half a megabyte, so that some temporaries stay in a core's cache."""

NEGLIGIBLE = 1e-4
"""Squared distance from the maximum, in standard errors, at which to stop."""

MAX_PASSES = 200
MOST_PAIRS = 10
"""Steps whose changes of the gradient are remembered."""

ROUNDING = 1e-12
"""Relative error of a sum over rows: a fall of the likelihood by less is not one."""


class Moments:
    """Means and variance of log X, which give a start about a standard error from the maximum."""

    def __init__(self, num_categories: int) -> None:
        self.n = 0
        self.sums: FloatArray = np.zeros(num_categories)
        self.squares = 0.0

    def update(self, log_x: FloatArray) -> None:
        """Take in rows of shape (rows, K)."""
        centred = log_x - log_x.mean(axis=1, keepdims=True)
        self.n += len(log_x)
        self.sums += centred.sum(axis=0)
        self.squares += float(np.einsum("rk,rk->", centred, centred))  # BLAS shares it out

    def merge(self, later: Self) -> None:
        """Add the sums over other rows."""
        self.n += later.n
        self.sums += later.sums
        self.squares += later.squares

    def start(self) -> tuple[FloatArray, float]:
        """Return the means, shape (K,), and the temperature of noise with this variance."""
        k = len(self.sums)
        centre = self.sums / self.n
        variance = self.squares / self.n - float(centre @ centre)
        if not variance > 0:
            raise AccuracyError("the rows are all the same: their likelihood has no maximum")
        return centre, math.sqrt((k - 1) * math.pi**2 / 6 / variance)


class Derivatives:
    """Log-likelihood of rows, and its derivatives in (a, t), summed over rows.

    Parameters
    ----------
    centre : ndarray, shape (K,)
        Subtracted from each row of log X, so that the maximum lies near logits 0.
    point : ndarray, shape (K + 1,)
        Logits, of the rows less their centre, and temperature.
    log : bool
        Whether the rows are log X.

    Attributes
    ----------
    n : int
        Number of rows.
    value : float
        Log-likelihood.
    mass : ndarray, shape (K,)
        Sums of the shares.
    cross : ndarray, shape (K,)
        Observed information between the logits and the temperature.
    slope, information : float
        First derivative in t, and minus the second one.
    """

    def __init__(self, centre: FloatArray, point: FloatArray, *, log: bool) -> None:
        self.centre, self.log = centre, log
        self.logits, self.temperature = point[:-1], float(point[-1])
        self.n = 0
        self.value = self.slope = self.information = 0.0
        self.mass: FloatArray = np.zeros(len(centre))
        self.cross: FloatArray = np.zeros(len(centre))

    def update(self, batch: Batch) -> None:
        """Take in the next rows."""
        step = max(1, CHUNK_VALUES // len(self.centre))
        for first in range(0, len(batch.rows), step):
            rows = batch.rows[first : first + step]
            self._add((rows if self.log else np.log(rows)) - self.centre)

    def _add(self, log_x: FloatArray) -> None:
        n, k = log_x.shape
        t = self.temperature
        log_x -= log_x.mean(axis=1, keepdims=True)
        scores = log_x * -t
        scores += self.logits
        peak = scores.max(axis=1, keepdims=True)
        scores -= peak
        weights = np.exp(scores, out=scores)
        scale = 1 / weights.sum(axis=1)
        weighted = weights * log_x
        mean = weighted.sum(axis=1) * scale
        mass, beside = np.stack([scale, mean * scale]) @ weights
        self.n += n
        # A row's logarithms add up to 0.
        scores_sum = n * float(self.logits.sum()) - k * float(peak.sum())
        self.value += n * (math.lgamma(k) + (k - 1) * math.log(t))
        self.value += scores_sum + k * float(np.log(scale).sum())
        self.mass += mass
        self.cross += k * (beside - scale @ weighted)
        self.slope += n * (k - 1) / t + k * float(mean.sum())
        spread = float(np.einsum("rk,rk->r", weighted, log_x) @ scale - mean @ mean)
        self.information += n * (k - 1) / t**2 + k * spread

    def merge(self, later: Self) -> None:
        """Add the sums over other rows."""
        self.n += later.n
        self.value += later.value
        self.mass += later.mass
        self.cross += later.cross
        self.slope += later.slope
        self.information += later.information

    @property
    def gradient(self) -> FloatArray:
        """First derivatives in (a, t), shape (K + 1,)."""
        return np.append(self.n - len(self.mass) * self.mass, self.slope)

    def solve(self, gradient: FloatArray, *, fixed: bool) -> FloatArray:
        """Divide by an upper bound of the information, near enough to be Newton's step.

        Σ F Fᵀ is at least m mᵀ / n, with m = Σ F (Jensen), and the gradient adds up to 0.
        """
        inverse = 1 / (len(self.mass) * np.maximum(self.mass, np.finfo(np.float64).tiny))
        step = np.append(inverse * gradient[:-1], 0.0)
        if not fixed:
            along = inverse * self.cross
            rest = self.information - float(self.cross @ along)
            step[-1] = (gradient[-1] - along @ gradient[:-1]) / rest
            step[:-1] -= along * step[-1]
        return step


@dataclass(frozen=True, eq=False, slots=True)
class Maximum:
    """Where the likelihood is largest.

    Attributes
    ----------
    centre : ndarray, shape (K,)
        Of the rows of log X.
    point : ndarray, shape (K + 1,)
        Logits of the rows less their centre, and temperature.
    found : Derivatives
        At a point nearby: where the last pass was made.
    value : float
        Log-likelihood, in nats, with respect to the K-1 log-ratios.
    passes : int
        Over the rows.
    fixed : bool
        Whether the temperature was given.
    """

    centre: FloatArray
    point: FloatArray
    found: Derivatives
    value: float
    passes: int
    fixed: bool

    @property
    def logits(self) -> FloatArray:
        """Normalised log-probabilities, shape (K,)."""
        return self._logits(self.point)

    @property
    def temperature(self) -> float:
        """The temperature."""
        return float(self.point[-1])

    def _logits(self, point: FloatArray) -> FloatArray:
        logits = point[:-1] + point[-1] * self.centre
        logits -= logits.max()
        normalised: FloatArray = logits - math.log(np.exp(logits).sum())
        return normalised

    def corrected(self) -> Corrected:
        """Take one step to the maximum of the restricted likelihood, and give standard errors.

        The information of the logits is the expected one, that of the temperature observed.
        """
        k, n = len(self.centre), self.found.n
        cross = self.found.cross / n
        variance = 0.0
        point = self.point
        if not self.fixed:
            variance = 1 / (self.found.information - n * float(cross @ cross))
            shift = lost_freedom(k) / self.temperature * variance
            point = point - shift * np.append(-cross, 1.0)
        logits = self._logits(point)
        # logit p_k has the gradient 1 in a_k, and minus the others' shares of 1 - p_k in theirs.
        top = int(logits.argmax())
        probs = np.exp(logits)
        drift = self.centre - cross  # d logits / dt along the maximum over the logits.
        square, mean = probs @ probs - probs**2, probs @ drift - probs * drift
        rest = 1 - probs
        others = np.arange(k) != top
        rest[top] = probs[others].sum()
        square[top], mean[top] = probs[others] @ probs[others], probs[others] @ drift[others]
        along = drift - mean / rest
        expected = n * k / (k + 1)
        errors = np.sqrt((1 + square / rest**2) / expected + variance * along**2)
        return Corrected(logits, float(point[-1]), errors, math.sqrt(variance))


def maximize(
    rows: Samples, moments: Moments, *, temperature: float | None, threads: Threads
) -> Maximum:
    """Maximise the likelihood over the logits and, unless it is given, the temperature.

    Raises
    ------
    AccuracyError
        If the rows are all the same, or the maximum is not found.
    """
    fixed = temperature is not None
    centre, start = moments.start()
    point = np.append(np.zeros(len(centre)), temperature or start)

    def at(where: FloatArray) -> Derivatives:
        return rows.accumulate(partial(Derivatives, centre, where, log=rows.log), threads=threads)

    found = at(point)
    pairs: list[tuple[FloatArray, FloatArray]] = []
    before = 0.0
    for passes in range(1, MAX_PASSES):
        gradient = found.gradient
        gradient[-1] *= not fixed
        step = _step(found, gradient, pairs, fixed=fixed)
        while point[-1] + step[-1] <= 0:
            step = step / 2
        decrement = float(step @ gradient)
        # Each step leaves about the same share of the distance.
        rate = decrement / before if before else 1.0
        if decrement <= 0 or (rate < 1 and decrement * rate / (1 - rate) < NEGLIGIBLE):
            value = found.value + decrement / 2
            return Maximum(centre, point + step, found, value, passes, fixed)
        there = at(point + step)
        while there.value < found.value - ROUNDING * abs(found.value):
            step = step / 2
            there = at(point + step)
        change = gradient - there.gradient
        change[-1] *= not fixed
        if change @ step > 0:
            pairs = [*pairs[1 - MOST_PAIRS :], (step, change)]
        point, found, before = point + step, there, decrement
    raise AccuracyError(
        f"the likelihood of these rows is still rising after {MAX_PASSES} passes over them: they "
        "are far from a Concrete distribution"
    )


def _step(
    found: Derivatives,
    gradient: FloatArray,
    pairs: list[tuple[FloatArray, FloatArray]],
    *,
    fixed: bool,
) -> FloatArray:
    """Nocedal's two loops: undo the changes of the gradient that the steps before explain."""
    rest = gradient.copy()
    shares = []
    for step, change in reversed(pairs):
        share = float(step @ rest) / float(step @ change)
        rest -= share * change
        shares.append(share)
    result = found.solve(rest, fixed=fixed)
    for (step, change), share in zip(pairs, reversed(shares), strict=True):
        result += (share - float(change @ result) / float(step @ change)) * step
    return result
