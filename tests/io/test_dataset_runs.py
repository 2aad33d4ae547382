"""One run that writes a dataset: what it finds in a folder, keeps, and refuses."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gscli.errors import OutputError
from gscli.io.dataset_runs import DatasetRun, recorded_parts, recorded_run
from gscli.io.datasets import Checksummed, Manifest, Piece, Run, Written
from gscli.io.folders import Folder
from tests.io.test_datasets import run_of

RUN = run_of(300, 3)
PIECES = RUN.pieces(50)


def opened(place: Path, run: Run = RUN, *, resume: bool = False) -> DatasetRun:
    return DatasetRun(Folder(place), run, run.pieces(50), resume=resume)


def make(own: DatasetRun, pieces: Sequence[Piece]) -> None:
    for piece in pieces:
        with own.folder.writing(piece.path) as file:
            target = Checksummed(file)
            target.write(piece.path.encode())
        own.record(Written(piece, target.num_bytes, target.crc32, 0))


def unchanged(checks: Any) -> Any:
    return checks


def test_a_run_begins_records_and_finishes(tmp_path: Path) -> None:
    place = tmp_path / "new"
    with opened(place) as own:
        assert own.missing(1, unchanged) == PIECES
        assert (recorded_parts(own.folder), recorded_run(own.folder)) == (0, RUN)
        make(own, PIECES[:2])
        assert recorded_parts(own.folder) == 2
        make(own, PIECES[2:])
        parts = own.finish()
    assert [part.piece for part in parts] == PIECES
    assert Manifest.read(Folder(place)).parts == parts
    assert (recorded_parts(Folder(place)), recorded_run(Folder(place))) == (None, RUN)


def test_a_resumed_run_keeps_what_is_whole(tmp_path: Path) -> None:
    with opened(tmp_path) as own:
        make(own, PIECES)
    (tmp_path / PIECES[0].path).write_bytes(b"altered")
    (tmp_path / PIECES[2].path).unlink()
    with pytest.raises(OutputError, match="unfinished run, 3 parts of which are complete"):
        opened(tmp_path).__enter__()
    with opened(tmp_path, resume=True) as own:
        assert own.missing(2, unchanged) == [PIECES[0], PIECES[2]]
        make(own, [PIECES[0], PIECES[2]])
        own.finish()
    with opened(tmp_path, resume=True) as own:
        assert own.missing(2, unchanged) == []


def test_another_run_or_other_files_are_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as own:
        make(own, PIECES)
        own.finish()
    with pytest.raises(OutputError, match="holds a dataset, which is not replaced"):
        opened(tmp_path).__enter__()
    with pytest.raises(OutputError, match="holds another run: n is 300, not 400"):
        opened(tmp_path, run_of(400, 3), resume=True).__enter__()
    other = tmp_path / "other"
    other.mkdir()
    (other / "x").touch()
    with pytest.raises(OutputError, match="is not empty"):
        opened(other).__enter__()
    with pytest.raises(OutputError, match="is a file"):
        opened(other / "x").__enter__()
