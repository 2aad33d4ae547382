"""How categories are gathered, and that nothing is lost by it; the rotated kernel."""

import math
import time
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from gscli.arrays import FloatArray
from gscli.distribution import moments, quadrature
from gscli.distribution.gradients import gradient_error
from gscli.distribution.quadrature import RotatedKernel, gather
from tests.distribution.oracles.one_by_one import one_by_one

RNG = np.random.default_rng(0)
LOGITS = {
    "classic": np.log([1.0, 3.0, 6.0]),
    "normal": RNG.normal(size=512),
    "close": RNG.uniform(-1, 1, size=512),
    "wide": RNG.uniform(-20, 20, size=300),
    "zipf": -np.log(np.arange(1.0, 513.0)),
    "likely": np.r_[10.0, RNG.normal(size=300)],
    "unlikely": np.r_[-30.0, RNG.normal(size=300)],
    "equal": np.zeros(300),
    "clumps": np.r_[1e-9 * RNG.normal(size=50), 1 + 1e-9 * RNG.normal(size=50)],
}


@pytest.mark.parametrize("temperature", [0.02, 0.3, 1.0, 3.0, 50.0])
@pytest.mark.parametrize("logits", LOGITS.values(), ids=LOGITS)
def test_figures_are_those_of_categories_one_by_one(logits: FloatArray, temperature: float) -> None:
    known = one_by_one(logits, temperature)
    found = gradient_error(logits, temperature)
    mean = moments.mean(logits, temperature)
    np.testing.assert_allclose(mean, known.mean, rtol=1e-10, atol=1e-16)
    square = quadrature.quadrature(logits, temperature).expectation(2)
    np.testing.assert_allclose(square, known.mean_square, rtol=1e-10, atol=1e-16)
    # A bias is what is left of two matrices that are nearly equal at a low temperature: their
    # last digits are of no meaning in either way of summing.
    rounding = 1e-14 * known.squared_target * math.sqrt(known.squared_bias / known.squared_target)
    assert found.bias**2 == pytest.approx(known.squared_bias, rel=1e-10, abs=rounding)
    assert found.noise == pytest.approx(known.noise, rel=1e-10)
    entropy = moments.entropy(logits, temperature)
    assert entropy == pytest.approx(known.entropy, rel=1e-12, abs=1e-11)


def test_the_cost_is_that_of_the_spread_and_not_of_the_number() -> None:
    few, many = (len(gather(np.linspace(-3, 2.9, k)).logits) for k in (200, 20_000))
    assert few == many == 48
    assert len(gather(np.zeros(10**6)).logits) == 1


@pytest.mark.parametrize("k", [1, 2, 30, 5000])
def test_gathering_keeps_smooth_sums_and_values(k: int) -> None:
    logits = np.random.default_rng(k).normal(size=k) * 3
    few = gather(logits)
    assert few.counts.sum() == pytest.approx(k, rel=1e-13)

    def function(y: FloatArray) -> FloatArray:
        return np.asarray(1 / np.cosh(y / 2))  # with poles at ±iπ, as near as those of the kernels

    np.testing.assert_allclose(
        few.counts @ function(few.logits), function(logits).sum(), rtol=1e-13
    )
    np.testing.assert_allclose(few.spread(function(few.logits)), function(logits), rtol=1e-11)
    both = few.spread(np.stack([few.logits, few.logits**2], axis=1))
    np.testing.assert_allclose(both, np.stack([logits, logits**2], axis=1), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("temperature", [0.02, 0.37, 0.999, 1.0, 1.001, 2.5, 50.0])
def test_rotated_kernel_against_another_quadrature(temperature: float) -> None:
    # In mpmath, over log E along another line, without any interpolation.
    kernel, t = RotatedKernel(temperature), mp.mpf(temperature)
    angle = 0.7 * mp.mpf(kernel.angle)
    for y in (-12.0 * kernel.unit, -3.7 * kernel.unit, 0.1, kernel.upper - kernel.unit):

        def integrand(u: Any, power: int, y: Any = y) -> Any:
            w = u - 1j * angle
            log_z = (y - w) / t - 1j * mp.pi / 2
            return mp.exp(w - mp.exp(w) - mp.exp(log_z) + power * log_z)

        # Where z is of order 1, over some t, and where E is.
        breaks = sorted(
            {*(y + s * t for s in (-8, -5, -3, -1, 0, 1, 3, 8, 20, 45)), -45, -8, -1, 2, 6}
        )
        ends = [b for b in breaks if -100 <= b <= 6]
        value, slope = (mp.quad(lambda u, n=n: integrand(u, n), ends) for n in (0, 1))
        at = np.array([y])
        found = complex(np.exp(kernel.log_rest(at) + kernel.decay * kernel.scale(at))[0])
        assert abs(found - complex(value)) < 1e-13
        ratio = complex(np.exp(kernel.log_slope(at))[0])
        assert ratio == pytest.approx(complex(slope / value / t), rel=1e-6)


def test_thousands_of_categories_take_milliseconds() -> None:
    logits = np.random.default_rng(0).normal(size=8192)
    times = []
    for temperature in (0.31, 0.77, 1.9, 6.1):
        start = time.perf_counter()
        gradient_error(logits, temperature)
        moments.entropy(logits, temperature)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.1
