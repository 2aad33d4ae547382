"""Files that are one sample: which ones, in which order, and what of them is opened."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gscli.arrays import FloatArray
from gscli.errors import DataError
from gscli.io import joined
from gscli.io import samples as batches
from gscli.io.datasets import Checksummed, Manifest, Written
from gscli.io.folders import Folder
from gscli.io.joined import DatasetFiles, Files, find_files, input_files
from gscli.io.readers import open_samples
from tests.io.test_datasets import run_of

TEMPERATURES = (0.5, 3.0)


def rows_of(first: int, rows: int) -> FloatArray:
    share = (np.arange(first, first + rows) + 1) / 1e4
    return np.log(np.stack([share, 1 - share], axis=-1))


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """600 rows at each of two temperatures, in three parts each."""
    run = run_of(600, 3, temperatures=TEMPERATURES)
    parts = []
    for piece in run.pieces(50):
        with Folder(tmp_path).writing(piece.path) as file:
            target: Any = Checksummed(file)
            np.lib.format.write_array(target, rows_of(piece.first_row, piece.rows))
        parts.append(Written(piece, target.num_bytes, target.crc32, 0))
    (tmp_path / "manifest.json").write_text(Manifest(run, tuple(parts)).text())
    return tmp_path


def test_a_dataset_is_found_by_its_folder_its_manifest_and_a_pattern(dataset: Path) -> None:
    for path, count in (
        (dataset, 6),
        (dataset / "manifest.json", 6),
        (dataset / "temperature=0.5" / "part-00001.npy", 1),
        (f"{dataset}/temperature=*/part-00001.npy", 2),
        (f"{dataset}/temperature=3.0/*", 3),
    ):
        found = find_files(str(path))
        assert isinstance(found, DatasetFiles)
        assert len(found.parts) == count
        assert open_samples(str(path)).total == 200 * count
    assert find_files(str(dataset / "none.npy")) is None
    paths = input_files(str(dataset))
    assert str(dataset / "manifest.json") in paths
    assert len(paths) == 8


def test_other_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, first in (("b.npy", 50), ("a.npy", 0)):
        np.save(tmp_path / name, rows_of(first, 50))
    found = find_files(str(tmp_path))
    assert isinstance(found, Files)
    samples = open_samples(str(tmp_path), log=True)
    assert (np.concatenate([batch.rows for batch in samples]) == rows_of(0, 100)).all()
    assert samples.source is None


def test_one_temperature_is_opened_alone(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    parts = joined._PartFile.parts

    def noted(self: Any, temperature: float | None) -> Any:
        opened.append(self.name)
        return parts(self, temperature)

    monkeypatch.setattr(joined._PartFile, "parts", noted)
    samples = open_samples(str(dataset), temperatures=[3.0])
    batches = list(samples.at([3.0]))
    assert {*opened} == {f"temperature=3.0/part-0000{i}.npy" for i in range(3)}
    assert sum(len(batch.rows) for batch in batches) == samples.total == samples.expected == 600
    # Rows are numbered as in the whole dataset.
    assert batches[0].start == 600
    with pytest.raises(DataError, match=r"no rows at temperature 2; .* states 0.5, 3"):
        open_samples(str(dataset), temperatures=[2.0])


@pytest.mark.parametrize("together", [False, True])
def test_tasks_are_the_same_rows_in_another_process(
    dataset: Path, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    if not together:
        monkeypatch.setattr(batches, "PART_VALUES", 400)
    samples = open_samples(str(dataset)).taking([1, 0])
    assert samples.source is not None
    tasks = [pickle.loads(pickle.dumps(part)) for part in samples.source.tasks()]
    assert [part.num_rows for part in tasks] == ([600] * 2 if together else [200] * 6)
    found = [batch for part in tasks for batch in part.load()]
    whole = list(samples)
    assert [batch.start for batch in found] == [*range(0, 1200, tasks[0].num_rows)]
    assert (
        np.concatenate([batch.rows for batch in found])
        == np.concatenate([batch.rows for batch in whole])
    ).all()
    half = len(found) // 2
    assert [batch.temperature for batch in found] == [0.5] * half + [3.0] * half


def test_a_part_that_goes_missing_is_named(dataset: Path) -> None:
    samples = open_samples(str(dataset))
    (dataset / "temperature=3.0" / "part-00001.npy").unlink()
    with pytest.raises(DataError, match=r"temperature=3.0/part-00001.npy is missing; make it"):
        list(samples)
