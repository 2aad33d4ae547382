"""Log-densities batch by batch, and the counts of rows where they are not finite."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gscli import Concrete
from gscli.arrays import FloatArray
from gscli.errors import DataError
from gscli.inference.scoring import LogDensityStatistics, log_densities
from gscli.io.precision import Precision
from gscli.io.samples import Batch
from tests.splits import accumulated

D = Concrete([1, 3, 6], 0.7)
FULL = Precision()


def test_rows_state_their_own_temperatures() -> None:
    x, stated = D.sample(4, seed=1), np.array([0.7, 2.0, 0.7, 2.0])
    own = log_densities(Batch(x, 0, stated), D, FULL)
    assert own[::2] == pytest.approx(D.log_prob(x[::2]), rel=1e-13)
    assert own[1::2] == pytest.approx(Concrete([1, 3, 6], 2.0).log_prob(x[1::2]), rel=1e-13)
    assert (log_densities(Batch(x), D, FULL) == D.log_prob(x)).all()


@settings(max_examples=30)
@given(st.lists(st.integers(0, 300), max_size=5))
def test_the_statistics_of_any_split_are_those_of_the_whole(cuts: list[int]) -> None:
    rows = D.sample(300, seed=1)
    rows[[7, 200]] = [0.2, 0.3, 0.6]
    rows[[3, 150]] = [0.0, 0.0, 1.0]
    found = accumulated(lambda: LogDensityStatistics(D, FULL), rows, cuts)
    usable = np.delete(D.log_prob(rows), [3, 7, 150, 200])
    assert (found.n, found.finite) == (300, 296)
    assert found.mean == pytest.approx(usable.mean(), rel=1e-12)
    assert (found.least, found.greatest) == (usable.min(), usable.max())
    assert (found.off_simplex.count, found.off_simplex.first) == (2, 8)
    assert (found.boundary.count, found.boundary.first) == (2, 4)
    assert np.isnan(LogDensityStatistics(D, FULL).mean)


def test_strict_names_the_first_row_off_the_simplex() -> None:
    rows = np.array([[0.2, 0.3, 0.5], [0.2, 0.3, 0.6]])
    with pytest.raises(DataError, match=r"^row 9 is not on the simplex"):
        LogDensityStatistics(D, FULL, strict=True).score(Batch(rows, 7))


def test_logarithms_are_judged_as_logarithms() -> None:
    cold = Concrete([1, 3, 6], 1e-3)
    log_x = cold.sample_log(20, seed=1)
    found = log_densities(Batch(log_x), cold, Precision(log=True))
    assert (found == cold.log_prob_log(log_x)).all()
    assert np.isfinite(found).all()


def bfloat16(x: FloatArray) -> FloatArray:
    single = x.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    return single.view(np.float32).astype(np.float64)


@pytest.mark.parametrize("log", [False, True])
def test_rows_of_half_precision_are_scored_on_the_simplex(log: bool) -> None:
    x = D.sample_log(2000, seed=1) if log else D.sample(2000, seed=1)
    exact = log_densities(Batch(x), D, Precision(log=log))
    for coarse in (bfloat16(x), x.astype(np.float16).astype(np.float64)):
        usable = np.full(len(x), True) if log else (coarse > 0).all(axis=1)
        rows, precision = coarse[usable], Precision.of(coarse, log=log)
        assert precision.inexact
        scored = log_densities(Batch(rows), D, precision)
        assert np.isfinite(scored).all()
        assert np.median(np.abs(scored - exact[usable])) < 0.05


def test_a_sum_beyond_float64_is_quiet() -> None:
    found = LogDensityStatistics(Concrete(logits=[-1.0, -1e308], temperature=1), Precision())
    log_prob = found.score(Batch(np.full((2, 2), 0.5)))
    assert log_prob.tolist() == [-1e308, -1e308]
    assert found.mean == -np.inf
