"""What a run that writes a dataset records while it works: itself, and each part at its end."""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

from gscli.errors import OutputError
from gscli.io.folders import Folder, RemoteFolder

PROGRESS = ".manifest.jsonl"
"""What a run states while it writes: itself, and a line for each part that is complete."""

SECONDS = 5.0
"""Between two writes of a remote record: a part that is not in it is made again."""


class RunRecord:
    """The record in a folder on a disk; the one process that has it open holds a lock on it."""

    is_locked = True
    """Whether no run that has not ended can have written what is found here."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder.path
        self.label = folder.label
        _make_folder(self.folder, self.label)
        self._descriptor = self._locked()

    def lines(self) -> list[bytes]:
        """Return the lines that were written to their end."""
        return complete_lines((self.folder / PROGRESS).read_bytes())

    def restart(self, lines: list[bytes]) -> None:
        """Keep the first lines, and drop others and one that was not written to its end."""
        os.ftruncate(self._descriptor, sum(len(line) + 1 for line in lines))

    def append(self, line: bytes) -> None:
        """Add a line."""
        if os.write(self._descriptor, line + b"\n") <= len(line):
            raise OutputError(f"{self.label}/{PROGRESS}: no space left on the disk")

    def names(self) -> set[str]:
        """Return what else is in the folder."""
        return {path.name for path in self.folder.iterdir() if path.name != PROGRESS}

    def remove(self) -> None:
        """Delete the record of a run that is complete."""
        (self.folder / PROGRESS).unlink()

    def close(self) -> None:
        """Let other processes write here."""
        if not os.fstat(self._descriptor).st_size:
            with suppress(FileNotFoundError):
                (self.folder / PROGRESS).unlink()
        os.close(self._descriptor)

    def _locked(self) -> int:
        """Open the record, which no other process has open, and return its descriptor."""
        path = self.folder / PROGRESS
        while True:
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            except OSError as error:
                raise OutputError(f"{self.label}/{PROGRESS}: {error.strerror or error}") from error
            try:
                if sys.platform != "win32":  # where there is nothing like it
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                with suppress(FileNotFoundError):
                    # Another run may have ended, and removed the file, since it was opened.
                    if os.path.samestat(os.fstat(descriptor), path.stat()):
                        return descriptor
                os.close(descriptor)
            except BlockingIOError as error:
                os.close(descriptor)
                raise OutputError(
                    f"{self.label}: another run is writing there; wait for its end, or name "
                    "another folder"
                ) from error


class RemoteRunRecord(RunRecord):
    """The record behind a URL, where files have no locks and cannot be appended to.

    A run that is not resumed has to be the first to write it. Two that resume the same run write
    the same bytes.
    """

    is_locked = False

    def __init__(self, folder: RemoteFolder) -> None:
        self._remote = folder
        self.label = folder.label
        self._written = -SECONDS
        self._lines = recorded_lines(folder)
        self._is_new = self._lines is None

    def lines(self) -> list[bytes]:
        """Return the lines that were written."""
        return list(self._lines or ())

    def restart(self, lines: list[bytes]) -> None:
        """Keep the first lines."""
        self._lines = list(lines)

    def append(self, line: bytes) -> None:
        """Add a line; it is written soon."""
        self._lines = [*(self._lines or ()), line]
        if self._is_new or time.monotonic() > self._written + SECONDS:
            self._write()

    def names(self) -> set[str]:
        """Return what else is in the folder that matters."""
        return self._remote.names() - {PROGRESS}

    def remove(self) -> None:
        """Delete the record of a run that is complete."""
        self._remote.remove(PROGRESS)
        self._lines = None

    def close(self) -> None:
        """Write what is not written yet."""
        if self._lines and not self._is_new:
            self._write()

    def _write(self) -> None:
        content = b"".join(line + b"\n" for line in self._lines or ())
        try:
            self._remote.write(PROGRESS, content, new=self._is_new)
        except FileExistsError as error:
            raise OutputError(
                f"{self.label}: another run is writing there; wait for its end, or name another "
                "folder"
            ) from error
        self._is_new, self._written = False, time.monotonic()


def record_in(folder: Folder) -> RunRecord:
    """Open the record of a run in a folder, which is made if it does not exist."""
    return RemoteRunRecord(folder) if isinstance(folder, RemoteFolder) else RunRecord(folder)


def recorded_lines(folder: Folder) -> list[bytes] | None:
    """Return what an unfinished run has recorded, or None if there is none."""
    try:
        return complete_lines(folder.read(PROGRESS))
    except FileNotFoundError:
        return None


def complete_lines(text: bytes) -> list[bytes]:
    """Return the lines that were written to their end."""
    return text.split(b"\n")[:-1]


def _make_folder(folder: Path, label: str) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{label} is a file; name a folder for the parts")
    if not folder.parent.is_dir():
        raise OutputError(
            f"{label}: the directory {Path(label).parent} does not exist; create it first"
        )
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{label}: {error.strerror or error}") from error
