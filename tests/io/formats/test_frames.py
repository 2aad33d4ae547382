"""Parquet and Arrow files: their columns, what they state, and damage."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from gscli.errors import DataError
from gscli.io import samples as batches
from gscli.io.readers import open_samples

X = np.random.default_rng(0).dirichlet([1, 2, 3], 50)
FRAME = pl.DataFrame(dict(zip("abc", X.T, strict=True)))


def content(path: Path, **options: Any) -> Any:
    return np.concatenate([batch.rows for batch in open_samples(str(path), **options)])


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_arrow_files(tmp_path: Path, compression: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "PART_VALUES", 21)
    path = tmp_path / "x.feather"
    FRAME.write_ipc(path, compression=compression)
    samples = open_samples(str(path))
    assert (samples.names, samples.total) == (("a", "b", "c"), 50)
    assert np.array_equal(content(path), X)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(DataError, match="not a readable Arrow file"):
        content(path)


def test_the_indices_of_pandas_are_known(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    index = np.random.default_rng(1).permutation(50)
    for name, metadata in (
        ("__index_level_0__", {}),
        ("step", {"pandas": json.dumps({"index_columns": ["step", {"kind": "range"}]})}),
    ):
        FRAME.with_columns(pl.Series(name, index)).write_parquet(path, metadata=metadata)
        assert np.array_equal(content(path), X)
    FRAME.write_parquet(path, metadata={"pandas": "[" * 10_000})
    assert np.array_equal(content(path), X)
    FRAME.rename({"a": "0", "b": "1", "c": "2"}).write_parquet(path)
    assert np.array_equal(content(path), X)


def test_other_columns_are_left_out_or_named(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    label, t = pl.Series("id", ["u"] * 50), pl.Series("temperature", [0.1] * 50, pl.Float32)
    FRAME.select(label, "a", t, "b", "c").write_parquet(path)
    with pytest.raises(DataError, match="column 'id' holds String; expected numbers: choose"):
        open_samples(str(path))
    samples = open_samples(str(path), columns=("a", "b", "c"))
    assert samples.has_temperatures
    (batch,) = samples.at([0.1])
    assert np.array_equal(batch.rows, X)


def test_every_damage_is_noticed_and_names_the_file(tmp_path: Path) -> None:
    path, n = tmp_path / "x.parquet", 3_000
    rows = np.random.default_rng(2).random((n, 2))
    pl.DataFrame({"a": rows[:, 0], "b": rows[:, 1]}).write_parquet(
        path, row_group_size=500, compression="zstd"
    )
    whole, rng = path.read_bytes(), np.random.default_rng(3)
    messages = []
    for place in [*range(4, 40), *rng.integers(len(whole), size=40).tolist()]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(damaged))
        try:
            shape = content(path).shape
        except DataError as error:
            messages.append(str(error))
        else:
            assert shape == (n, 2)
    assert len(messages) > 3
    assert all(each.startswith(f"{path}: ") and "\n" not in each for each in messages)


def test_rows_that_are_missing_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "PART_VALUES", 30)
    path = tmp_path / "x.parquet"
    FRAME.write_parquet(path)
    samples = open_samples(str(path))
    FRAME.head(33).write_parquet(path)  # it shrinks while it is read
    with pytest.raises(DataError, match="33 rows could be read where 50 are announced"):
        list(samples)


def test_a_group_of_many_rows_is_read_a_slice_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, collected = tmp_path / "x.parquet", []
    FRAME.write_parquet(path)
    collect = pl.LazyFrame.collect

    def noted(self: pl.LazyFrame, **options: Any) -> Any:
        frame = collect(self, **options)
        collected.append(len(frame))
        return frame

    monkeypatch.setattr(pl.LazyFrame, "collect", noted)
    monkeypatch.setattr(batches, "PART_VALUES", 30)
    assert np.array_equal(content(path), X)
    assert max(collected) == 10


@pytest.mark.parametrize("suffix", ["parquet", "feather", "npy"])
def test_a_file_that_shrinks_while_it_is_read_is_an_error(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "PART_VALUES", 300_000)
    path = tmp_path / f"x.{suffix}"
    rows = np.tile(X, (10_000, 1))
    if suffix == "npy":
        np.save(path, rows)
    else:
        frame = pl.DataFrame(rows, schema=["a", "b", "c"])
        (frame.write_parquet if suffix == "parquet" else frame.write_ipc)(path)
    read = iter(open_samples(str(path)))
    next(read)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 3)
    with pytest.raises(DataError, match=r"ends after row|not a readable"):
        list(read)
