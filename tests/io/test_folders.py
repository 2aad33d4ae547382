"""Folders on a disk and behind a URL: the same answers, and files that appear whole."""

from pathlib import Path

import pytest

from gscli.errors import OutputError
from gscli.io.folders import Folder, RemoteFolder, folder_at


def test_what_is_written_is_read(folder: Folder) -> None:
    for name in ("a.npy", "temperature=0.5/b.npy"):
        with folder.writing(name) as file:
            file.write(name.encode())
    names = ["a.npy", "none.npy", "temperature=0.5/b.npy", "a.npy/c"]
    assert list(folder.sizes(names)) == [5, None, 21, None]
    assert folder.read("a.npy") == b"a.npy"
    with folder.fetched("temperature=0.5/b.npy") as path:
        assert path.read_bytes() == b"temperature=0.5/b.npy"
    with folder.fetched("none.npy") as path:
        assert not path.exists()
    with pytest.raises(FileNotFoundError):
        folder.read("none.npy")


def test_a_file_that_is_not_finished_does_not_appear(folder: Folder) -> None:
    with folder.writing("a") as file:
        file.write(b"old")

    def fail() -> None:
        with folder.writing("a") as file:
            file.write(b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert folder.read("a") == b"old"


def test_a_folder_on_a_disk_is_the_same_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = folder_at(Path("x"))
    monkeypatch.chdir("/")
    assert (folder.path, folder.label) == (tmp_path / "x", "x")


def test_an_error_names_the_folder_as_the_user_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(OutputError, match=r"^none/a: the directory none does not exist"),
        folder_at(Path("none")).writing("a"),
    ):
        pass


def test_a_url_of_no_known_kind_is_an_error() -> None:
    with pytest.raises(OutputError, match="zzz://x: Protocol not known: zzz"):
        RemoteFolder("zzz://x").read("a")
