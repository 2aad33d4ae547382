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
