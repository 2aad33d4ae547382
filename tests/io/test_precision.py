"""How finely values were written, found from the values."""

import numpy as np
import pytest

from gscli import Concrete
from gscli.io.precision import Precision

LAWS = [([1, 3, 6], 3.0, 300), ([1, 3, 6], 0.5, 300), ([1, 1, 1, 1], 1.0, 300), ([1, 2], 0.3, 300)]
LAWS += [(list(range(1, 31)), 2.0, 60), ([1, 99], 0.1, 300)]


@pytest.mark.parametrize("form", ["%.2g", "%.3g", "%.2e", "%.4g", "%.5g", "%.6g"])
def test_few_significant_digits_are_told_in_every_exponent(form: str) -> None:
    # An exact 1, or a first column of small values, must not make them look like decimals.
    for seed in range(150):
        pi, t, n = LAWS[seed % len(LAWS)]
        x = Concrete(pi, t).sample(n, seed=seed)
        written = np.array([[float(form % value) for value in row] for row in x])
        found = Precision.of(written, log=False)
        assert not found.off_simplex(written.T).any(), (seed, found.name)
        assert found.digits, (seed, found.name)


@pytest.mark.parametrize("decimals", [2, 3, 4, 6])
def test_decimals_are_not_taken_for_digits(decimals: int) -> None:
    for seed in range(150):
        pi, t, n = LAWS[seed % 5]  # the last has almost only zeros and ones
        x = Concrete(pi, t).sample(n, seed=seed)
        found = Precision.of(np.round(x, decimals), log=False)
        assert found.name == f"{decimals}-decimal"


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("form", ["%.1f", "%.2g"])
def test_values_are_spread_over_what_is_written_alike(form: str, log: bool) -> None:
    chance = np.random.default_rng(1)
    values = np.exp(chance.uniform(-4, 4, (2, 10_000))) + 0.1
    values = -values if log else values
    written = np.array([float(form % value) for value in values.flat]).reshape(values.shape)
    precision = Precision.of(written.T, log=log)
    logs = written if log else np.log(written)
    low, high = (precision.unrounded(logs, np.full(logs.shape, u)) for u in (0.0, 1.0))
    ends = np.stack([low, high])
    low, high = np.sort(ends if log else np.exp(ends), axis=0)
    assert (low <= values * (1 + 1e-12 * np.sign(values))).all()
    assert (values <= high + 1e-12 * np.abs(high)).all()
    again = np.array([float(form % v) for v in (low + 0.9999 * (high - low)).flat])
    assert again == pytest.approx(written.ravel())


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_off_the_simplex(value: float, dtype: type, log: bool) -> None:
    d = Concrete([1, 3, 6], 3.0)
    rows = (d.sample_log if log else d.sample)(300, seed=1).astype(dtype).astype(np.float64)
    rows[7, 2] = value
    off = Precision.of(rows, log=log).off_simplex(rows.T)
    assert np.flatnonzero(off).tolist() == [7]
