"""Temporary files and folders that outlive no run for long.

Each is locked by the process that made it. A process that is killed cannot delete them, but its
locks end with it: the next one that makes a temporary file in the same folder deletes those that
nobody holds. Where files cannot be locked, they stay.
"""

import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path

from gscli.execution.ending import undone_on_signals

if sys.platform != "win32":
    import fcntl

LONGEST_STEM = 40
FILE = re.compile(rf"\..{{0,{LONGEST_STEM}}}-[0-9a-f]{{8}}\.gscli(\.[^.]*)?", re.DOTALL)
FOLDER = re.compile(r"\.gscli-export-[0-9a-f]{8}")

SHORT = Path("/tmp")  # noqa: S108
"""For folders of a short path, where the usual place's is long."""


@contextmanager
def temporary_file(target: Path) -> Iterator[Path]:
    """Yield the path of a new, empty file beside `target`, with its suffix.

    It is deleted at the end of the block, unless it was renamed, and also if a signal ends the
    process in the block.
    """
    _delete_abandoned(target.parent, FILE)
    locked = False
    while not locked:
        name = f".{target.stem[:LONGEST_STEM]}-{os.urandom(4).hex()}.gscli{target.suffix}"
        path = target.parent / name
        with undone_on_signals(partial(path.unlink, missing_ok=True)):
            try:
                held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
                with _locked(held, path) as locked:
                    if locked:
                        yield path
            finally:
                path.unlink(missing_ok=True)


@contextmanager
def temporary_folder(longest: int | None = None) -> Iterator[Path]:
    """Yield the path of a new folder for temporary files, deleted as `temporary_file`'s are.

    It has at most `longest` characters where the system has such a place.
    """
    place = Path(tempfile.gettempdir())
    if longest and len(str(place)) > longest - len("/.gscli-export-01234567") and SHORT.is_dir():
        place = SHORT
    _delete_abandoned(place, FOLDER)
    locked = False
    while not locked:
        path = place / f".gscli-export-{os.urandom(4).hex()}"
        delete = partial(shutil.rmtree, path, ignore_errors=True)
        with undone_on_signals(delete):
            try:
                path.mkdir(0o700)
                # Windows opens no folders, but does not lock them here either.
                held = os.open(os.devnull if sys.platform == "win32" else path, os.O_RDONLY)
                with _locked(held, path) as locked:
                    if locked:
                        yield path
            finally:
                delete()


@contextmanager
def _locked(held: int, path: Path) -> Iterator[bool]:
    """Lock an open file for the block; yield False if it was taken for abandoned before that."""
    if sys.platform == "win32":  # where an open file cannot be renamed
        os.close(held)
        yield True
        return
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(held, fcntl.LOCK_EX)
        yield path.exists()
    finally:
        os.close(held)


@cache
def _delete_abandoned(folder: Path, names: re.Pattern[str]) -> None:
    """Delete what earlier runs of this user left in a folder; once for each process."""
    with suppress(OSError), os.scandir(folder) as entries:
        for path in [Path(entry.path) for entry in entries if names.fullmatch(entry.name)]:
            with suppress(OSError):
                _delete_if_abandoned(path)


def _delete_if_abandoned(path: Path) -> None:
    if sys.platform == "win32":
        return
    is_folder = stat.S_ISDIR(path.lstat().st_mode)
    held = os.open(path, (os.O_RDONLY if is_folder else os.O_RDWR) | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if os.fstat(held).st_uid != os.geteuid():
            return
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_folder:
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
    finally:
        os.close(held)
