"""Output files appear whole or not at all."""

import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from gscli.errors import OutputError
from gscli.io.atomic import check_target, is_of_own_kind, replacing, same_file, writing


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "x.csv"
    with writing(target, overwrite=False) as file:
        file.write(b"new")
        file.flush()
        assert not target.exists()
        (beside,) = tmp_path.iterdir()
        assert beside.name.startswith(".x-")
        assert beside.suffix == ".csv"
    assert listing(tmp_path) == {"x.csv": b"new"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("old", [None, b"old"])
def test_a_failure_leaves_the_old_file_alone(
    tmp_path: Path, error: type[BaseException], old: bytes | None
) -> None:
    target = tmp_path / "x.csv"
    if old is not None:
        target.write_bytes(old)

    def fail() -> None:
        with writing(target, overwrite=True) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        fail()
    assert listing(tmp_path) == ({} if old is None else {"x.csv": old})


def test_an_os_error_says_that_nothing_was_written(tmp_path: Path) -> None:
    def fail() -> None:
        with replacing(tmp_path / "x.csv", overwrite=False):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutputError, match=r"x.csv: No space left on device; nothing was written"):
        fail()
    assert listing(tmp_path) == {}


def test_an_existing_file_is_replaced_only_when_asked(tmp_path: Path) -> None:
    target = tmp_path / "x.csv"
    target.write_bytes(b"old")
    for refused in (check_target, lambda *a, **k: writing(*a, **k).__enter__()):
        with pytest.raises(OutputError, match=r"x.csv exists; use --force"):
            refused(target, overwrite=False)
    with writing(target, overwrite=True) as file:
        file.write(b"new")
    assert listing(tmp_path) == {"x.csv": b"new"}


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "x.csv"

    def race() -> None:
        with writing(target, overwrite=False) as file:
            file.write(b"mine")
            target.write_bytes(b"theirs")

    with pytest.raises(OutputError, match="exists"):
        race()
    assert listing(tmp_path) == {"x.csv": b"theirs"}


def test_missing_folders_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist; create it first"):
        check_target(tmp_path / "no" / "x.csv", overwrite=True)
    with pytest.raises(OutputError, match="is a directory"):
        check_target(tmp_path, overwrite=True)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="does not exist"):
        check_target(tmp_path / "file" / "x.csv", overwrite=True)


def test_a_read_only_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(OutputError, match="is not writable; choose another"):
        check_target(tmp_path / "x.csv", overwrite=True)


def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "y.csv", tmp_path / "x.csv"
    target.write_bytes(b"old")
    link.symlink_to(target)
    with writing(link, overwrite=True) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert len(list((tmp_path / "far").iterdir())) == 1


def test_permissions_are_those_of_the_old_file_or_of_a_new_one(tmp_path: Path) -> None:
    old, new, plain = (tmp_path / name for name in ("old", "new", "plain"))
    plain.touch()
    old.touch()
    old.chmod(0o640)
    for path in (old, new):
        with writing(path, overwrite=True) as file:
            file.write(b"x")
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert new.stat().st_mode == plain.stat().st_mode


@pytest.mark.skipif(sys.platform == "win32", reason="no such devices")
def test_devices_are_written_through_and_stay() -> None:
    device = Path("/dev/null")
    with replacing(device, overwrite=False) as path:
        assert path == device
    assert device.is_char_device()


def test_long_names_are_possible(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 240 + ".csv")
    with writing(path, overwrite=False) as file:
        file.write(b"x")
    assert path.read_bytes() == b"x"


# --- files that exist ---------------------------------------------------------------------------


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_read_only_file_is_never_replaced(tmp_path: Path, overwrite: bool) -> None:
    path = tmp_path / "x.csv"
    path.write_text("old")
    path.chmod(0o444)
    with (
        pytest.raises(OutputError, match=r"exists; use --force|is read-only; make it writable"),
        writing(path, overwrite=overwrite) as file,
    ):
        file.write(b"new")
    assert path.read_text() == "old"


KINDS = {
    ".html": b"<!DOCTYPE html>\n<p>",
    ".png": b"\x89PNG\r\n",
    ".svg": b'<svg class="',
    ".pdf": b"%PDF-1.4",
    ".webp": b"RIFF\x10\x00\x00\x00WEBP",
    ".json": b'{"data":[]}',
}


@pytest.mark.parametrize("suffix", KINDS)
def test_kinds_are_told_by_their_first_bytes(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    assert is_of_own_kind(path)  # there is no file
    for other, beginning in {**KINDS, ".csv": b"x1,x2\n0.2,0.8\n", "": b""}.items():
        path.write_bytes(beginning)
        assert is_of_own_kind(path) == (other in (suffix, "")), other


def test_the_input_is_known_by_other_names(tmp_path: Path) -> None:
    path, link, hard = (tmp_path / name for name in ("x.csv", "link.csv", "hard.csv"))
    path.write_text("old")
    link.symlink_to(path)
    hard.hardlink_to(path)
    assert same_file(link, str(path))
    assert same_file(path, str(hard))
    assert not same_file(tmp_path / "new.csv", str(path))
    assert not same_file(Path("/dev/null"), "/dev/null")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_a_setuid_bit_is_not_kept_under_another_owner(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    for owner, kept in ((0, 0o4750), (65534, 0o750)):
        path.write_text("old")
        os.chown(path, owner, owner)
        path.chmod(0o4750)
        with writing(path, overwrite=True) as file:
            file.write(b"new")
        assert path.stat().st_mode & 0o7777 == kept
