"""The record of a run: one run at a time, and no line that was not written to its end."""

import sys
from pathlib import Path
from typing import Any

import pytest

from gscli.errors import OutputError
from gscli.io.folders import Folder, folder_at
from gscli.io.run_records import PROGRESS, record_in, recorded_lines

fsspec = pytest.importorskip("fsspec")


def test_lines_are_found_again(folder: Folder) -> None:
    assert recorded_lines(folder) is None
    record = record_in(folder)
    assert record.lines() == []
    record.append(b"head")
    record.append(b"part")
    record.close()
    assert recorded_lines(folder) == [b"head", b"part"]
    again = record_in(folder)
    assert again.lines() == [b"head", b"part"]
    again.restart([b"head"])
    again.append(b"other")
    again.close()
    assert recorded_lines(folder) == [b"head", b"other"]
    last = record_in(folder)
    last.remove()
    assert recorded_lines(folder) is None


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
def test_one_run_at_a_time(tmp_path: Path) -> None:
    record = record_in(folder_at(tmp_path))
    with pytest.raises(OutputError, match="another run is writing there"):
        record_in(folder_at(tmp_path))
    record.close()
    assert not (tmp_path / PROGRESS).exists()
    record_in(folder_at(tmp_path)).close()


def test_the_first_to_begin_behind_a_url_goes_on() -> None:
    folder: Any = folder_at("memory://begun")
    files = fsspec.filesystem("memory")
    if files.exists("/begun"):
        files.rm("/begun", recursive=True)
    first, second = record_in(folder), record_in(folder)
    first.append(b"head")
    with pytest.raises(OutputError, match="another run is writing there"):
        second.append(b"head")


def test_a_line_that_was_not_written_to_its_end_is_dropped(tmp_path: Path) -> None:
    (tmp_path / PROGRESS).write_bytes(b"head\npart\nbro")
    record = record_in(folder_at(tmp_path))
    record.restart(record.lines())
    record.append(b"next")
    record.close()
    assert (tmp_path / PROGRESS).read_bytes() == b"head\npart\nnext\n"
