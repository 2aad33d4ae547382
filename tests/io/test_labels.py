"""Labels from NPY, CSV and Parquet, by number and by name."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gscli.errors import DataError
from gscli.io.labels import read_labels

NAMES = ("cat", "dog", "bird")


def test_numbers(tmp_path: Path) -> None:
    labels = np.array([0, 2, 1, 1])
    np.save(tmp_path / "x.npy", labels)
    np.save(tmp_path / "column.npy", labels[:, None].astype(np.float32))
    pl.DataFrame({"label": labels}).write_parquet(tmp_path / "x.parquet")
    pl.DataFrame({"label": labels}).write_csv(tmp_path / "x.csv")
    (tmp_path / "bare.csv").write_text("0\n2\n1\n1\n")
    for path in tmp_path.iterdir():
        assert read_labels(str(path)).tolist() == [0, 2, 1, 1], path.name
        assert read_labels(str(path), NAMES).tolist() == [0, 2, 1, 1], path.name


def test_names(tmp_path: Path) -> None:
    for name, heading in (("x.csv", "animal\n"), ("y.csv", "")):
        (tmp_path / name).write_text(f"{heading}cat\n bird\ndog\ncat\n")
        assert read_labels(str(tmp_path / name), NAMES).tolist() == [0, 2, 1, 0]
    pl.DataFrame({"animal": ["dog", "cat"]}).write_parquet(tmp_path / "x.parquet")
    assert read_labels(str(tmp_path / "x.parquet"), NAMES).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.csv", "cat\nfish\n", "row 2: 'fish' is not a label; the categories are cat, dog, bird"),
        ("x.csv", "cat,dog\n", "has 2 columns; expected one"),
        ("x.parquet", "PAR1 and no more", "is not a column of labels"),
        ("x.npy", "\x93NUMPY", "not a readable NPY file"),
        ("none.csv", None, "No such file"),
    ],
)
def test_refusals(tmp_path: Path, name: str, content: str | None, words: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content.encode("latin-1"))
    with pytest.raises(DataError, match=words) as caught:
        read_labels(str(path), NAMES)
    assert str(caught.value).startswith(str(path))


def test_one_hot_rows_are_not_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.eye(3))
    with pytest.raises(DataError, match="leave out --labels"):
        read_labels(str(tmp_path / "x.npy"))
    (tmp_path / "x.csv").write_text("a\nb\n")
    with pytest.raises(DataError, match="'b' is not a label, counted from 0"):
        read_labels(str(tmp_path / "x.csv"))
