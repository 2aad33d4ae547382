"""Figures of a sample against NumPy's own."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gscli.distribution.extremes import proportion_error
from gscli.errors import DataError
from gscli.inference.summary import summarise


@given(
    st.integers(1, 300), st.integers(2, 8), st.integers(1, 7), st.sampled_from([0.05, 1.0, 500.0])
)
def test_figures_agree_with_numpy(n: int, k: int, parts: int, spread: float) -> None:
    x = np.random.default_rng(n * k).dirichlet(np.full(k, spread), n)
    s = summarise(part for part in np.array_split(x, parts) if len(part))
    assert s.n == n

    def same(actual: Any, expected: Any) -> None:
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-15)

    sd = x.std(axis=0, ddof=1) if n > 1 else np.zeros(k)
    same(s.mean, x.mean(axis=0))
    same(s.sd, sd)
    same(s.mean_se, sd / np.sqrt(n))
    share = np.bincount(x.argmax(axis=1), minlength=k) / n
    same(s.rounding, share)
    same(s.rounding_se, proportion_error(share * n, n))
    same(s.expected_max, x.max(axis=1).mean())
    same(s.expected_max_se, x.max(axis=1).std() / np.sqrt(n))
    near = (x.max(axis=1) > 0.95).mean()
    same(s.near_vertex, near)
    same(s.near_vertex_se, proportion_error(near * n, n))


def test_no_rows_have_no_figures() -> None:
    with pytest.raises(DataError, match="without rows"):
        summarise(np.empty((0, 3)))


def test_a_spread_far_below_the_mean_keeps_its_digits() -> None:
    small = np.random.default_rng(0).normal(0, 1e-11, 1000)
    x = np.stack([0.9 + small, 0.1 - small], axis=-1)
    s = summarise(np.array_split(x, 7))
    np.testing.assert_allclose(s.sd, x.std(axis=0, ddof=1), rtol=1e-6)
    assert s.expected_max_se == pytest.approx(x[:, 0].std() / np.sqrt(1000), rel=1e-6)
