"""How finely values were written: decimals, significant digits, half or single precision.

From it follows what a reader must allow for: how far from 1 a row may sum, and what an exact 0
hides.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gscli.arrays import BoolArray, FloatArray, logsumexp

SUM_TOLERANCE = 1e-6
"""How far from 1 a row of full precision may sum: float32 samples stay inside."""

LARGEST_NOISE = 20.0
"""Gumbel noise from float32 uniforms goes no further than 24 log 2 = 16.6."""

FLOAT32_DIGITS = 8
"""Significant digits that float32 numbers from 1 to 10 need, and most others."""

FEWEST_LARGEST = 3
"""Largest values that are needed to distinguish digits from decimals."""

PROBED_VALUES = 2**17
"""Values at the beginning of a file that are looked at."""

PRINTED_VALUES = 1000
"""Those of them whose digits are counted."""

FEW_CATEGORIES = 8
"""Up to so many, adding whole rows is faster than `sum`."""

MOST_DECIMALS = 8
"""Decimals that are tried: with more, the step is no coarser than single precision."""

DOUBLE = -1075 * math.log(2)
"""Logarithm below which a float64 value rounds to 0."""


@dataclass(frozen=True, slots=True)
class Precision:
    """How finely the values were written.

    Attributes
    ----------
    name : str
        ``"full"``, ``"float32"``, ``"float16"``, ``"bfloat16"``, or such as ``"4-decimal"`` and
        ``"6-digit"`` (significant ones).
    step : float
        A bound of the relative step of a value, or the step itself for decimals.
    decimal, log : bool
        Whether the step is absolute, and whether the values are logarithms.
    epsilon : float
        Rounding error of the arithmetic that single or half precision betrays, otherwise 0.
    log_least, log_normal : float
        Logarithm of what rounds to 0, and of what does where numbers below the normal ones count
        as 0.
    subnormal : bool
        Whether numbers below the normal ones were seen.
    spread : float
        The largest difference of two finite logarithms in a row.
    """

    name: str = "full"
    step: float = 2.0**-50
    decimal: bool = False
    log: bool = False
    epsilon: float = 0.0
    log_least: float = DOUBLE
    log_normal: float = -1022 * math.log(2)
    subnormal: bool = False
    spread: float = 0.0

    @property
    def half(self) -> bool:
        """Whether the values are half precision numbers."""
        return self.name in ("float16", "bfloat16")

    @property
    def digits(self) -> bool:
        """Whether the values have a few significant digits."""
        return self.name.endswith("digit")

    @property
    def coarse(self) -> bool:
        """Whether the values are coarser than single precision."""
        return self.name not in ("full", "float32")

    @property
    def advice(self) -> str:
        """What is wrong with coarse values, and the remedy."""
        if self.half:
            return (
                f"the values have half precision ({self.name}): save float32, or logarithms and "
                "check them with --log"
            )
        return f"the values have {self.name} precision: write more digits"

    @property
    def log_zero(self) -> float:
        """Logarithm below which a value was written as 0."""
        return self.log_least if self.subnormal else self.log_normal

    @property
    def inexact(self) -> bool:
        """Whether rounding takes rows off the simplex."""
        return self.name != "full"

    def tolerance(self, log_x: FloatArray, scores: float | None = None) -> FloatArray | float:
        """Return how far from 1 rows may sum (of logarithms: from 0 the log of that sum).

        Parameters
        ----------
        log_x : ndarray, shape (K, rows)
            The rows' logarithms.
        scores : float, optional
            Bound of the sampler's scores (logits + noise) / t; by default guessed from how far
            apart the logarithms lie.
        """
        k = len(log_x)
        if self.decimal:
            return SUM_TOLERANCE + self.step * k / 2
        if self.digits:
            # The errors add up to half a step of Σ x = 1, or of -Σ x log x <= log K.
            return SUM_TOLERANCE + self.step / 2 * (1 + math.log(k))
        if not self.epsilon:
            return SUM_TOLERANCE
        # A float32 sampler that works with log X, as torch's does, rounds scores: at low
        # temperature they are large, and the sum is off by as much.
        if scores is None:
            scores = LARGEST_NOISE + 2 * self.spread
        spread = log_x.max(axis=0) - np.where(np.isneginf(log_x), 0.0, log_x).min(axis=0)
        tolerance: FloatArray = SUM_TOLERANCE + self.epsilon * (1 + scores + 2 * spread)
        return tolerance

    def off_simplex(
        self, values: FloatArray, log_x: FloatArray | None = None, scores: float | None = None
    ) -> BoolArray:
        """Return which rows are not on the simplex, up to rounding: shape (rows,).

        Parameters
        ----------
        values : ndarray, shape (K, rows)
            Points, or their logarithms.
        log_x : ndarray, shape (K, rows), optional
            Their logarithms, if they are known already.
        scores : float, optional
            See `tolerance`.

        Examples
        --------
        >>> Precision().off_simplex(np.array([[0.2, 0.2, -0.1], [0.8, 0.9, 1.1]])).tolist()
        [False, True, True]
        """
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            error = logsumexp(values, axis=0) if self.log else _column_sums(values) - 1
            if not self.log and not values.min() >= 0:
                error[values.min(axis=0) < 0] = np.nan
            np.abs(error, out=error)
            off: BoolArray = ~(error <= SUM_TOLERANCE)
            if self.inexact and off.any():
                logs = log_x if log_x is not None else values if self.log else np.log(values)
                # The tolerance of a row that holds an infinite value is infinite.
                off = ~((error <= self.tolerance(logs, scores)) & np.isfinite(error))
        return off

    @classmethod
    def of(cls, rows: npt.NDArray[np.floating[Any]], *, log: bool) -> "Precision":
        """Find it from the first rows of a file, shape (rows, K)."""
        rows = np.asarray(rows[: max(2, PROBED_VALUES // rows.shape[1])], dtype=np.float64)
        values = np.ascontiguousarray(rows.T)
        found = cls._found(values, log=log)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_x = values if log else np.log(values)
        finite = np.isfinite(log_x)
        if not finite.any():
            return found
        highest = np.where(finite, log_x, -np.inf).max(axis=0)
        lowest = np.where(finite, log_x, np.inf).min(axis=0)
        spread = float((highest - lowest)[finite.any(axis=0)].max())
        subnormal = float(lowest.min()) < found.log_normal
        return replace(found, spread=spread, subnormal=subnormal)

    @classmethod
    def _found(cls, values: FloatArray, *, log: bool) -> "Precision":
        few = values[:, : 1 + PRINTED_VALUES // len(values)].ravel()
        if not np.isfinite(values).any():
            return cls(log=log)
        with np.errstate(invalid="ignore", over="ignore"):
            for decimals in range(1, MOST_DECIMALS + 1):
                if _same(np.round(values, decimals), values):
                    if _largest_have_fewer(few, decimals):
                        return cls._of_digits(_digits(few), log=log)
                    return cls._of_decimals(decimals, log=log)
            # Most bfloat16 numbers from 2**-14 to 1 are float16 numbers as well.
            single = values.astype(np.float32)
            if _same((single.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32), values):
                return cls._of_floats("bfloat16", 7, (-134, -126), log=log)
            if _same(values.astype(np.float16), values):
                return cls._of_floats("float16", 10, (-25, -25), log=log)
            digits = _digits(few)
            if digits < FLOAT32_DIGITS:
                return cls._of_digits(digits, log=log)
            # In a text file, float32 numbers are the shortest decimals that distinguish them.
            shortest = few.astype(np.float32).astype(str).astype(np.float64)
            if _same(single, values) or _same(shortest, few):
                return cls._of_floats("float32", 23, (-150, -126), log=log)
            if digits == FLOAT32_DIGITS:
                return cls._of_digits(digits, log=log)
        return cls(log=log)

    @classmethod
    def _of_decimals(cls, decimals: int, *, log: bool) -> "Precision":
        step = 10.0**-decimals
        least = DOUBLE if log else math.log(step / 2)
        return cls(f"{decimals}-decimal", step, True, log, log_least=least, log_normal=least)

    @classmethod
    def _of_digits(cls, digits: int, *, log: bool) -> "Precision":
        return cls(f"{digits}-digit", 10.0 ** (1 - digits), log=log)

    @classmethod
    def _of_floats(cls, name: str, bits: int, zero: tuple[int, int], *, log: bool) -> "Precision":
        # The step is wider than 2**-bits: a softmax loses bits before its last rounding.
        least, normal = (power * math.log(2) for power in zero)
        return cls(name, 2.0 ** (2 - bits), False, log, 2.0**-bits, least, normal)

    def side(self, log_x: FloatArray) -> FloatArray:
        """Return the step as a change of log X, at samples of shape (K, rows)."""
        if self.log:
            return self.step * (np.ones_like(log_x) if self.decimal else np.maximum(1, -log_x))
        if self.decimal:
            # From half a step below to half a step above: more than step / x where x is small.
            side: FloatArray = 2 * np.arctanh(np.minimum(self.step / 2 * np.exp(-log_x), 0.5))
        else:
            # The numbers next to 0 lie a fixed step apart.
            side = self.step * np.maximum(1, -log_x) + 2 * np.exp(self.log_least - log_x)
        return side

    def unrounded(self, log_x: FloatArray, uniforms: FloatArray) -> FloatArray:
        """Return log X of values spread evenly over what was written as the same one.

        Parameters
        ----------
        log_x : ndarray, shape (K, rows)
            Logarithms of the samples.
        uniforms : ndarray, shape (K, rows)
            From 0 to 1: where in its step each value comes to lie.
        """
        with np.errstate(divide="ignore", invalid="ignore"):  # of 0, and of less than half a step
            values = log_x if self.log else np.exp(log_x)
            size = np.abs(values)
            low: FloatArray | float = self.step / 2
            high: FloatArray | float = low
            if not self.decimal:
                base, step = (10.0, self.step) if self.digits else (2.0, self.epsilon)
                power = base ** np.floor(np.log(size) / math.log(base) + 1e-12)
                high = power * step / 2
                # Below a power of the base numbers lie closer together.
                low = np.where(np.isclose(size, power, rtol=1e-9, atol=0), high / base, high)
            size += uniforms * (low + high) - low
            found: FloatArray = np.copysign(size, values) if self.log else np.log(size)
        return found


def _column_sums(values: FloatArray) -> FloatArray:
    # Of few categories, whatever the memory's order, adding whole rows is the fastest.
    if len(values) > FEW_CATEGORIES:
        total: FloatArray = values.sum(axis=0)
        return total
    total = values[0] + values[1]
    for row in values[2:]:
        total += row
    return total


def _same(one: npt.NDArray[np.floating[Any]], other: FloatArray) -> bool:
    return np.array_equal(one, other, equal_nan=True)


def _largest_have_fewer(values: FloatArray, decimals: int) -> bool:
    # Of values with a fixed number of decimals nine in ten need them all, whatever their size. Of
    # values with a fixed number of digits the largest, those with most digits before the point,
    # have fewer decimals than others. An exact power of ten, such as 1, shows nothing.
    size = np.abs(values[np.isfinite(values) & (values != 0)])
    exponent = np.floor(np.log10(size))
    telling = size != 10.0**exponent
    size = np.sort(size[telling])
    if len(size) < FEWEST_LARGEST:
        return False
    least = min(10.0 ** np.floor(np.log10(size[-1])), size[-FEWEST_LARGEST])
    largest = size[size >= least]
    return _same(np.round(largest, decimals - 1), largest)


def _digits(values: FloatArray) -> int:
    # How many significant ones the values have, or one more than a float32 number needs.
    size = np.abs(values)
    size = size[(size > 1e-290) & np.isfinite(size)]
    exponent = np.floor(np.log10(size))
    for digits in range(1, FLOAT32_DIGITS + 1):
        scale = 10.0 ** (digits - 1 - exponent)
        if np.allclose(np.round(size * scale) / scale, size, rtol=1e-14, atol=0):
            return digits
    return FLOAT32_DIGITS + 1
