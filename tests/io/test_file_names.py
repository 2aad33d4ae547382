"""Files of any name and in any place: what they are called has no effect on how they are read."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from gscli.io.compressed import zstd
from gscli.io.labels import read_labels
from gscli.io.readers import open_samples
from tests.conftest import Start

X = np.tile([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]], (4, 1))
FRAME = pl.DataFrame(X, schema=["a", "b", "c"])
FORMATS: dict[str, Callable[[Any], object]] = {
    "npy": lambda file: np.save(file, X),
    "csv": FRAME.write_csv,
    "zst": lambda file: file.write(zstd.compress(FRAME.write_csv().encode())),
    "parquet": FRAME.write_parquet,
    "feather": FRAME.write_ipc,
}
NAMES = [
    "sub/../x", "sub//x", "./x", "a b", "a#%20?[1]*", "http:", "a\nb", "a\x01b", "é\u202e", "\\",
    os.fsdecode(b"\xff\xfe"),
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("kind", FORMATS)
def test_samples(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / "sub").mkdir()
    path = f"{tmp_path}/{name}"
    with open(path, "wb") as file:  # noqa: PTH123 (a Path leaves out slashes and dots)
        FORMATS[kind](file)
    assert np.array_equal(np.concatenate([batch.rows for batch in open_samples(path)]), X)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("kind", ["npy", "csv", "parquet"])
def test_labels(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / "sub").mkdir()
    labels = pl.DataFrame({"label": [0, 2, 1]})
    with open(f"{tmp_path}/{name}", "wb") as file:  # noqa: PTH123
        if kind == "npy":
            np.save(file, labels["label"].to_numpy())
        else:
            (labels.write_csv if kind == "csv" else labels.write_parquet)(file)
    assert read_labels(f"{tmp_path}/{name}").tolist() == [0, 2, 1]


def test_frames_in_a_process_of_their_own(start: Start, tmp_path: Path) -> None:
    """Polars refuses more names where it was first imported by this package."""
    (tmp_path / "sub").mkdir()
    writers = (FRAME.write_parquet, FRAME.write_ipc)
    paths = [f"{tmp_path}/{name}{number}" for name in NAMES for number in range(len(writers))]
    for path, write in zip(paths, writers * len(NAMES), strict=True):
        with open(path, "wb") as file:  # noqa: PTH123
            write(file)
    process = start("check", *paths, "--pi", "1,1,1", "-t", "1", "--quiet")
    stdout, stderr = process.communicate(timeout=60)
    assert len(stdout.splitlines()) == len(paths), stderr.decode()
    assert stderr == b""
