"""Output files that appear whole or not at all."""

import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from gscli.errors import OutputError
from gscli.io.temporary import temporary_file

KIND_BYTES = 512
KINDS = {
    ".html": (b"<!doctype html", b"<html", b'<div class="gscli-figure"'),
    ".htm": (b"<!doctype html", b"<html", b'<div class="gscli-figure"'),
    ".png": (b"\x89png",),
    ".svg": (b"<svg", b"<?xml"),
    ".pdf": (b"%pdf",),
    ".webp": (b"riff",),
    ".json": (b'{"data"',),
}
"""How figures and pages begin, in lower case."""

DESCRIPTORS = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


def check_target(path: Path, *, overwrite: bool) -> None:
    """Refuse a target that cannot be written, before any work is done for it.

    Parameters
    ----------
    path : Path
        Where a file is to be written.
    overwrite : bool
        Whether a file that exists may be replaced.

    Raises
    ------
    OutputError
        If its folder is missing or read-only, if it is a folder, or if it exists and may not be
        replaced: a read-only file never is.
    """
    if descriptor_of(path) is not None:
        return
    if path.is_dir():
        raise OutputError(f"{path} is a directory; name a file in it")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the directory {path.parent} does not exist; create it first")
    if _is_regular_or_new(path):
        if path.exists() and not overwrite:
            raise OutputError(f"{path} exists; use --force to replace it")
        if path.exists() and not _is_writable(path):
            raise OutputError(f"{path} is read-only; make it writable, or name another")
        folder = _resolved(path).parent
        if not folder.is_dir():
            raise OutputError(f"{path}: the directory {folder} does not exist; create it first")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(f"{path}: the directory {folder} is not writable; choose another")


def is_of_own_kind(path: Path) -> bool:
    """Return whether the file at `path`, if there is one, is what its suffix says.

    Told by its first bytes, of the kinds in which figures and pages are written. An empty file is
    of every kind.
    """
    if not path.is_file():
        return True
    with path.open("rb") as file:
        head = file.read(KIND_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    beginnings = KINDS.get(path.suffix.lower(), ())
    return not head or head.startswith(beginnings)


def same_file(path: Path, file: str) -> bool:
    """Return whether an output is the file that is read, ``-`` being standard input."""
    try:
        read = os.fstat(0) if file == "-" else Path(file).stat()
        return stat.S_ISREG(read.st_mode) and os.path.samestat(path.stat(), read)
    except OSError:  # one of them does not exist
        return False


def _is_writable(path: Path) -> bool:
    # The administrator may write whatever the mode says, and it says what the owner wants.
    return bool(path.stat().st_mode & 0o222) and os.access(path, os.W_OK)


def appears_by_renaming(path: Path) -> bool:
    """Return whether what is written to `path` goes to a temporary file first (see `replacing`).

    No reader sees it before it is complete, so it may be written in any order.
    """
    return str(path) != "-" and descriptor_of(path) is None and _is_regular_or_new(path)


def check_room(path: Path, size: int) -> None:
    """Refuse a target whose disk has no room for it, before any work is done for it.

    Parameters
    ----------
    path : Path
        Where a file is to be written; its folder exists.
    size : int
        Bytes that it will have at least.

    Raises
    ------
    OutputError
        If fewer bytes are free.
    """
    if not appears_by_renaming(path):
        return
    disk = shutil.disk_usage(_resolved(path).parent)
    # Some file systems do not say, and report 0 in all.
    if size > disk.free and disk.total:
        raise OutputError(
            f"{path} needs {_readable(size)}, but {_readable(disk.free)} are free on its disk; "
            "ask for fewer rows or name another disk"
        )


def _readable(size: int) -> str:
    """Return a number of bytes in the largest unit that makes it 1 or more."""
    units = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")
    power = min((len(str(size)) - 1) // 3, len(units) - 1)
    return f"{size / 1000**power:,.3g} {units[power]}"


@contextmanager
def replacing(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` if the block succeeds.

    If it fails or is interrupted the temporary file is deleted and whatever was at `path` stays.
    Devices and pipes, which cannot be renamed over, are yielded themselves.

    Parameters
    ----------
    path : Path
        Where the file is to appear.
    overwrite : bool
        Whether a file that exists may be replaced.

    Yields
    ------
    Path
        Where to write, with the suffix of `path`.

    Raises
    ------
    OutputError
        If the target is refused (see `check_target`) or if writing fails, for example because
        the disk is full.
    """
    check_target(path, overwrite=overwrite)
    if not _is_regular_or_new(path):
        with _named(path):
            yield path
        return
    target = _resolved(path)
    try:
        with temporary_file(target) as temporary:
            yield temporary
            temporary.chmod(_mode(target))
            check_target(path, overwrite=overwrite)
            temporary.replace(target)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}; nothing was written") from error


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the output in an error of the system that does not; a closed pipe is not an error."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}") from error


def descriptor_of(path: Path) -> int | None:
    """Return the open descriptor that a name such as /dev/stdout or /dev/fd/3 stands for."""
    text = os.path.normpath(path)
    found = re.fullmatch(r"(/dev|/proc/self)/fd/(\d{1,9})", text)
    number = int(found[2]) if found else DESCRIPTORS.get(text)
    # Python's stream may be a copy, and the descriptor lead nowhere: libraries write to it.
    moved = number == 2 and hasattr(sys.stderr, "fileno")
    return sys.stderr.fileno() if moved else number


def _is_regular_or_new(path: Path) -> bool:
    return not path.exists() or path.is_file()


def _resolved(path: Path) -> Path:
    # Through symbolic links, so that the link stays and what it points to is replaced.
    return Path(os.path.realpath(path))


def _mode(target: Path) -> int:
    if target.exists():
        old = target.stat()
        mode = stat.S_IMODE(old.st_mode)
        # The new file is ours: with another's setuid bit it would run as us.
        ours = not hasattr(os, "geteuid") or old.st_uid == os.geteuid()
        return mode if ours else mode & ~(stat.S_ISUID | stat.S_ISGID)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@contextmanager
def writing(path: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    """Open `path` for writing through `replacing`; ``-`` is standard output.

    Parameters
    ----------
    path : Path
        Where the bytes are to appear.
    overwrite : bool
        Whether a file that exists may be replaced.

    Yields
    ------
    binary file
        Open for writing.

    Raises
    ------
    OutputError
        As `replacing` does.
    """
    if str(path) == "-":
        if sys.stdout is None:
            raise OutputError("standard output is closed; name a file with -o")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if (descriptor := descriptor_of(path)) is not None:
        # Opened anew by its name, what it leads to would be written from its beginning.
        with _named(path), os.fdopen(os.dup(descriptor), "wb") as file:
            yield file
        return
    with (
        replacing(path, overwrite=overwrite) as temporary,
        open(temporary, "wb", opener=_without_truncating) as file,
    ):
        yield file


def _without_truncating(path: str, flags: int) -> int:
    # The file is new and empty. Truncating it nevertheless makes ext4 allocate all its blocks on
    # closing, which takes as long as 0.1 s for each 300 MB.
    return os.open(path, flags & ~os.O_TRUNC)
