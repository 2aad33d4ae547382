"""What is kept of rows that are read once: a merge of any split is the single pass."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gscli import Concrete
from gscli.arrays import FloatArray
from gscli.inference.gof import accumulators
from gscli.inference.gof.accumulators import LAGS, Histograms, Lags, Products, hash_rows
from gscli.inference.gof.statistics import ACCUMULATORS, SUMS, Statistics
from gscli.inference.gof.transforms import uniforms_at
from gscli.io.precision import Precision
from tests.splits import accumulated, pieces

CUTS = st.lists(st.integers(0, 400), max_size=6)


def series_of(n: int, variables: int) -> FloatArray:
    return np.random.default_rng(n).standard_normal((n, variables))


@settings(max_examples=60)
@given(st.integers(1, 80), st.integers(1, 3), CUTS)
def test_lagged_products_do_not_depend_on_the_split(n: int, k: int, cuts: list[int]) -> None:
    series = series_of(n, k)
    expected = [
        (series[lag:] * series[: n - lag]).sum(axis=0) if lag < n else np.zeros(k)
        for lag in range(LAGS + 1)
    ]
    whole = Lags(k)
    merged = Lags(k)
    for _, piece in pieces(series, [cut % (n + 1) for cut in cuts]):
        whole.update(piece.T)
        own = Lags(k)
        own.update(piece.T)
        merged.merge(own)
    for found in (whole, merged):
        np.testing.assert_allclose(found.products, expected, rtol=1e-12, atol=1e-12)
        assert np.array_equal(found.first, series[:LAGS].T)
        assert np.array_equal(found.last, series[-LAGS:].T)


@pytest.mark.parametrize("limit", [1, 50, 10**6])
def test_sparse_counts_do_not_depend_on_the_split(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accumulators, "WAITING_VALUES", limit)
    monkeypatch.setattr(accumulators, "TOTAL_CELLS", 3 * 64)
    values = np.random.default_rng(1).random((3, 400))
    values[:, 0] = 1.0
    merged = Histograms(3)
    assert merged.cells == 64
    for start, piece in pieces(values.T, [3, 40, 41, 300]):
        own = Histograms(3)
        for first, some in ((0, piece.T[:1]), (1, piece.T[1:])):
            own.update(first, some)
        if start == 3:
            assert own.counts.sum() == 3 * len(piece)
        merged.merge(own)
    merged.update(1, values[1, :5])
    for index, row in enumerate([values[0], np.append(values[1], values[1, :5]), values[2]]):
        expected = np.histogram(row, bins=64, range=(0, 1))[0]
        assert np.array_equal(merged.counts[index], expected)


def test_products_of_few_rows_wait() -> None:
    linear = series_of(500, 40).T
    whole, merged = Products(40), Products(40)
    whole.update(linear)
    for _, piece in pieces(linear.T, [3, 40, 300]):
        own = Products(40)
        own.update(piece.T)
        merged.merge(own)
    np.testing.assert_allclose(merged.products, whole.products, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(merged.sums, whole.sums, rtol=1e-10, atol=1e-10)
    scores = np.concatenate([linear, (linear**2 - 1) * np.sqrt(5) / 2])
    np.testing.assert_allclose(merged.products, scores @ scores.T, rtol=1e-10, atol=1e-10)


def test_hashes_of_many_categories_are_those_of_one_at_a_time() -> None:
    values = series_of(50, 3000).T
    factors = np.random.default_rng(0).integers(2**63, size=3000, dtype=np.uint64)
    expected = [
        sum((bits ^ bits >> 32) * (2 * factor + 1) for bits, factor in zip(row, odd, strict=True))
        % 2**64
        for row, odd in (
            (column.view(np.uint64).tolist(), factors.tolist())
            for column in np.ascontiguousarray(values.T)
        )
    ]
    assert hash_rows(values).tolist() == expected


@settings(max_examples=25)
@given(CUTS, st.sampled_from(["full", "zeros", "off", "float32"]), st.booleans())
def test_statistics_do_not_depend_on_the_split(cuts: list[int], kind: str, log: bool) -> None:
    distribution = Concrete([1, 3, 6, 2], 0.4)
    rows = distribution.sample(400, seed=5)
    rows[200:210] = rows[100:110]
    if kind == "zeros":
        rows[[3, 150, 399], 0] = 0
    elif kind == "off":
        rows[[7, 300]] *= 2
    elif kind == "float32":
        rows = rows.astype(np.float32).astype(np.float64)
    with np.errstate(divide="ignore"):
        rows = np.log(rows) if log else rows
    precision = Precision.of(rows, log=log)

    def make() -> Statistics:
        return Statistics(distribution, ["a", "b", "c", "d"], precision)

    whole, split = accumulated(make, rows, []), accumulated(make, rows, cuts)
    for name in SUMS:
        assert np.array_equal(getattr(whole, name), getattr(split, name)), name
    assert (whole.first_off_simplex, whole.smallest, whole.shortest) == (
        split.first_off_simplex, split.smallest, split.shortest
    )  # fmt: skip
    assert np.array_equal(whole.kept.rows(), split.kept.rows())
    for name in ("ratios", "uniforms"):
        assert np.array_equal(getattr(whole, name).counts, getattr(split, name).counts)
    assert np.array_equal(
        np.concatenate(whole.repeats.hashes), np.concatenate(split.repeats.hashes)
    )
    for one, other in zip(whole.results(), split.results(), strict=True):
        assert one.statistic == pytest.approx(other.statistic, rel=1e-9, abs=1e-12), one.name
    assert {*ACCUMULATORS} <= {*vars(whole)}


def test_uniforms_of_rows_are_uniform_and_independent() -> None:
    uniforms = uniforms_at(np.arange(20_000), 3)
    assert uniforms.shape == (3, 20_000)
    assert (uniforms > 0).all()
    assert (uniforms < 1).all()
    correlations = np.corrcoef(np.vstack([uniforms, np.roll(uniforms, 1, axis=1)]))
    assert np.abs(correlations - np.eye(6)).max() < 0.03
    for row in uniforms:
        counts = np.bincount((row * 20).astype(int), minlength=20)
        assert ((counts - 1000) ** 2 / 1000).sum() < 45
    assert np.array_equal(uniforms_at(np.array([17]), 3)[:, 0], uniforms[:, 17])
