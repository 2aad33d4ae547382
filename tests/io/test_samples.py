"""Samples on their way: the check of rows, the choice of temperatures, one pass in threads."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gscli import Concrete
from gscli.arrays import FloatArray
from gscli.errors import DataError, ParameterError, ShapeError
from gscli.inference.summary import SummaryAccumulator, summarise
from gscli.io import samples as batches
from gscli.io.samples import Batch, ByTemperature, Part, Samples, as_samples

BAD: list[tuple[list[float], bool, str]] = [
    ([0.5, 0.6, 0.2], False, r"sums to 1\.3, not 1; normalise"),
    ([0.5, float("nan"), 0.2], False, "holds NaN"),
    ([0.5, float("inf"), 0.2], False, "infinite"),
    ([-0.1, 0.9, 0.2], False, r"holds -0\.1"),
    ([-1, -2, -0.5], False, "add --log"),
    ([0.2, 0.3, 0.5], True, "without --log"),
    ([float("nan"), -1, -1], True, "holds NaN"),
]


@pytest.mark.parametrize(("row", "log", "message"), BAD)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_bad_row_is_named(row: list[float], log: bool, message: str, threads: int) -> None:
    rows = Concrete([1, 3, 6], 1).sample_log(40_000, seed=1)
    rows = rows if log else np.exp(rows)
    rows[30_000] = row
    samples = replace(as_samples(rows, log=log), valid=True, label="a.npy")
    with pytest.raises(DataError, match=message) as caught:
        summarise(samples, threads=threads)
    assert "a.npy: row 30,001 (" in str(caught.value)


@pytest.mark.parametrize("k", [2, 3, 7, 8, 40])
@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "bfloat16", "2 decimals", "3 digits"])
@pytest.mark.parametrize("log", [False, True])
def test_rounded_samples_are_samples(k: int, kind: str, log: bool) -> None:
    d = Concrete(np.arange(1, k + 1), 0.5)
    x = d.sample_log(1_000, seed=1) if log else d.sample(1_000, seed=1)
    rows: FloatArray
    if kind == "bfloat16":
        single = x.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
        rows = single.view(np.float32).astype(np.float64)
    elif kind == "2 decimals":
        rows = np.round(x, 2)
    elif kind == "3 digits":
        rows = np.array([[float(f"{value:.3g}") for value in row] for row in x])
    else:
        rows = x.astype(kind).astype(np.float64)
    samples = replace(as_samples(rows, log=log), valid=True)
    assert sum(len(batch.rows) for batch in samples) == 1_000


def stated(temperatures: Any, dtype: str = "f8") -> Samples:
    column = np.asarray(temperatures, dtype).astype(np.float64)
    rows = np.full((len(column), 2), 0.5) + np.outer(np.arange(len(column)) / 1000, [1, -1])

    def read() -> Iterator[Part]:
        for start in range(0, len(rows), 3):
            piece = slice(start, min(start + 3, len(rows)))
            batch = Batch(rows[piece], start, column[piece])
            yield Part(len(batch.rows), lambda batch=batch: [batch])  # type: ignore[misc]

    return Samples("x.csv", ("a", "b"), read, has_temperatures=True).looked_at()


def test_rows_are_chosen_by_temperature_and_keep_their_indices() -> None:
    samples = stated([1, 2, 1, 2, 2, 2, 1, 3])
    chosen = list(samples.at([1.0]))
    assert np.concatenate([batch.indices for batch in chosen]).tolist() == [0, 2, 6]
    found = samples.accumulate(lambda: ByTemperature(SummaryAccumulator), threads=2).found
    assert {t: each.n for t, each in found.items()} == {1.0: 3, 2.0: 4, 3.0: 1}
    with pytest.raises(DataError, match=r"no rows at temperature 5; .* states 1, 2, 3"):
        samples.at([1.0, 5.0]).accumulate(SummaryAccumulator)
    with pytest.raises(DataError, match="states several temperatures, 1, 2; choose one with -t"):
        samples.at([1.0], choice="-t").accumulate(SummaryAccumulator, threads=1)


def test_a_column_of_single_precision_states_the_temperature_that_was_meant() -> None:
    (batch, *_) = stated([0.1, 0.1, 0.1], "f4").at([0.1])
    assert np.ravel(batch.temperature).tolist() == [0.1] * 3  # type: ignore[arg-type]


def test_rows_that_are_announced_must_be_there() -> None:
    part = Part(5, lambda: [Batch(np.full((4, 2), 0.5))])
    samples = Samples("x.parquet", ("a", "b"), lambda: [part])
    with pytest.raises(DataError, match="4 rows could be read where 5 are announced"):
        list(samples)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_do_not_change_a_summary(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_VALUES", 300)
    monkeypatch.setattr(batches, "PART_VALUES", 900)
    x = Concrete([1, 3, 6], 0.5).sample(5_000, seed=1)
    one, other = summarise(x, threads=1), summarise(np.array_split(x, 9), threads=threads)
    assert np.array_equal(one.rounding, other.rounding)
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-12)
    np.testing.assert_allclose(one.sd, other.sd, rtol=1e-12)


def test_what_is_not_rows_is_refused() -> None:
    for rows in (np.ones(3), np.ones((2, 2, 2)), np.ones((4, 1)), 0.5, [0.2, 0.8]):
        with pytest.raises(ShapeError, match=r"K >= 2|have shape"):
            as_samples(rows, log=False)  # type: ignore[arg-type]
    for junk in (np.array([["a", "b"]]), np.array([[1j, 2]])):
        with pytest.raises(ParameterError, match="samples"):
            as_samples(junk, log=False)
    with pytest.raises(DataError, match="no rows"):
        as_samples([], log=False)
    assert as_samples([[0.2, 0.8], [0.3, 0.7]], log=False).total == 2  # type: ignore[list-item]
