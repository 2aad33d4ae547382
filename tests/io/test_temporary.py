"""Temporary files that are deleted when their owner is gone, and not before."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gscli.io import temporary
from gscli.io.temporary import temporary_file, temporary_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files are not locked there")

OWNER = """
import sys, time
from pathlib import Path
from gscli.execution.ending import end_on_signals
from gscli.io.temporary import temporary_file, temporary_folder
end_on_signals()
with temporary_file(Path(sys.argv[1])) as file, temporary_folder() as folder:
    file.write_bytes(b"unfinished")
    (folder / "inside").write_bytes(b"")
    print("ready", flush=True)
    time.sleep(100)
"""


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a process that holds a temporary file for `x.csv` and a temporary folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    temporary._delete_abandoned.cache_clear()
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    words = [sys.executable, "-c", OWNER, str(tmp_path / "x.csv")]
    process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    yield process
    process.kill()
    process.communicate()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def use(folder: Path) -> None:
    with temporary_file(folder / "other.npy"), temporary_folder():
        pass


def test_a_folder_of_a_short_path_is_made_where_the_usual_place_has_a_long_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / ("long" * 20)
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with temporary_folder() as folder, temporary_folder(longest=60) as short:
        assert folder.parent == place
        assert len(str(short)) <= 60
        assert short.is_dir()
    assert not short.exists()


def test_what_a_running_process_holds_is_left_alone(
    owner: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    before = names(tmp_path)
    assert len(before) == 2
    use(tmp_path)
    assert names(tmp_path) == before
    assert owner.poll() is None


def test_what_a_killed_process_held_is_deleted(
    owner: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    mine = [".x-settings.csv", ".x-0123abcd.csv", ".gscli-export-mine", ".gscli.toml"]
    for name in mine:
        (tmp_path / name).write_bytes(b"")
    owner.kill()
    owner.wait()
    assert len(names(tmp_path)) == 2 + len(mine)
    use(tmp_path)
    assert names(tmp_path) == sorted(mine)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_deletes_both_at_once(
    owner: "subprocess.Popen[bytes]", tmp_path: Path, number: signal.Signals
) -> None:
    owner.send_signal(number)
    assert owner.wait(20) == 128 + number
    assert names(tmp_path) == []


def test_a_copy_of_the_process_leaves_its_files_alone(tmp_path: Path) -> None:
    code = OWNER.replace(
        "    time.sleep(100)",
        "    import os, signal\n    copy = os.fork()\n"
        "    if not copy:\n        signal.raise_signal(signal.SIGTERM)\n"
        "    assert os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]) == 143\n"
        "    assert file.exists() and folder.exists()",
    )
    words = [sys.executable, "-c", code, str(tmp_path / "x.csv")]
    subprocess.run(words, check=True, env={**os.environ, "TMPDIR": str(tmp_path)})
    assert names(tmp_path) == []


def test_the_other_user_s_files_are_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary._delete_abandoned.cache_clear()
    old = tmp_path / ".x-0123abcd.gscli.csv"
    old.write_bytes(b"")
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: 12345)
        use_only_the_file(tmp_path)
    assert names(tmp_path) == [old.name]
    temporary._delete_abandoned.cache_clear()
    use_only_the_file(tmp_path)
    assert names(tmp_path) == []


def use_only_the_file(folder: Path) -> None:
    with temporary_file(folder / "other.npy"):
        pass


def test_a_new_file_that_another_run_took_for_abandoned_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    lock = fcntl.flock
    taken: list[Path] = []

    def late(held: int, how: int) -> None:
        if not taken:
            taken.extend(tmp_path.iterdir())
            taken[0].unlink()
        lock(held, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with temporary_file(tmp_path / "x.csv") as path:
        assert path.exists()
        assert [path] != taken
    assert names(tmp_path) == []
