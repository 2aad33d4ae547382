"""How finely values were written: decimals, significant digits, half or single precision."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gscli.arrays import FloatArray

FLOAT32_DIGITS = 8
"""Significant digits that float32 numbers from 1 to 10 need, and most others."""

FEWEST_LARGEST = 3
"""Values that tell digits from decimals."""

PROBED_VALUES = 1000
MOST_DECIMALS = 8
DOUBLE = -1075 * math.log(2)
"""Logarithm below which a float64 value rounds to 0."""


@dataclass(frozen=True, slots=True)
class Resolution:
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
    """

    name: str = "full"
    step: float = 2.0**-50
    decimal: bool = False
    log: bool = False
    epsilon: float = 0.0
    log_least: float = DOUBLE
    log_normal: float = -1022 * math.log(2)

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

    @classmethod
    def of(cls, values: FloatArray, *, log: bool) -> "Resolution":
        """Tell it from some values."""
        few = values.ravel()[:PROBED_VALUES]
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
            # In a text file, float32 numbers are the shortest decimals that tell them apart.
            shortest = few.astype(np.float32).astype(str).astype(np.float64)
            if _same(single, values) or _same(shortest, few):
                return cls._of_floats("float32", 23, (-150, -126), log=log)
            if digits == FLOAT32_DIGITS:
                return cls._of_digits(digits, log=log)
        return cls(log=log)

    @classmethod
    def _of_decimals(cls, decimals: int, *, log: bool) -> "Resolution":
        step = 10.0**-decimals
        least = DOUBLE if log else math.log(step / 2)
        return cls(f"{decimals}-decimal", step, True, log, log_least=least, log_normal=least)

    @classmethod
    def _of_digits(cls, digits: int, *, log: bool) -> "Resolution":
        return cls(f"{digits}-digit", 10.0 ** (1 - digits), log=log)

    @classmethod
    def _of_floats(cls, name: str, bits: int, zero: tuple[int, int], *, log: bool) -> "Resolution":
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


def _same(one: npt.NDArray[np.floating[Any]], other: FloatArray) -> bool:
    return np.array_equal(one, other, equal_nan=True)


def _largest_have_fewer(values: FloatArray, decimals: int) -> bool:
    # Of values with a fixed number of decimals nine in ten need them all, whatever their size. Of
    # values with a fixed number of digits the largest, those with most digits before the point,
    # have fewer decimals than others. An exact power of ten, such as 1, tells nothing.
    size = np.abs(values[np.isfinite(values) & (values != 0)])
    exponent = np.floor(np.log10(size))
    largest = size[(exponent == exponent.max(initial=-np.inf)) & (size != 10.0**exponent)]
    return len(largest) >= FEWEST_LARGEST and _same(np.round(largest, decimals - 1), largest)


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
