"""Writing a dataset: one run at a time into a folder, which can be stopped and resumed."""

import json
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

if sys.platform != "win32":
    import fcntl

from gscli.errors import DataError, OutputError
from gscli.execution.threads import ordered_map
from gscli.io.atomic import writing
from gscli.io.datasets import (
    MANIFEST,
    PROGRESS,
    Manifest,
    Piece,
    Run,
    Written,
    complete_lines,
    fault_of_part,
)

Checks = Iterable[tuple[Piece, Written | None]]


class DatasetRun:
    """The one run that writes into a folder, as a context; the lock ends with the process.

    Parameters
    ----------
    folder : Path
        Made if it does not exist; else empty, or that of the same run.
    run : Run
        What is to be written.
    pieces : list of Piece
        Its parts.
    resume : bool
        Whether parts that the same run wrote before are kept.

    Raises
    ------
    OutputError
        If another run writes there at the moment, or if the folder holds something else.
    """

    def __init__(self, folder: Path, run: Run, pieces: list[Piece], *, resume: bool) -> None:
        self.folder, self.run, self.pieces = folder, run, pieces
        self.resume = resume
        self._written: dict[Piece, Written] = {}

    def __enter__(self) -> Self:
        _make_folder(self.folder)
        self._descriptor = _locked(self.folder)
        try:
            self._refuse_other_files()
            self._begin()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave()

    def missing(self, threads: int | None, progress: Callable[[Checks], Checks]) -> list[Piece]:
        """Return the pieces that are to be made: all but those whose files are as recorded.

        Parameters
        ----------
        threads : int, optional
            How many check files.
        progress : callable
            Wraps the checks of the parts.
        """

        def check(piece: Piece) -> tuple[Piece, Written | None]:
            part = self._written.get(piece)
            whole = part is not None and not fault_of_part(self.folder / piece.path, part)
            return piece, part if whole else None

        recorded = [piece for piece in self.pieces if piece in self._written]
        kept = {
            piece: part
            for piece, part in progress(ordered_map(check, recorded, threads=threads))
            if part is not None
        }
        self._written = kept
        return [piece for piece in self.pieces if piece not in kept]

    def record(self, part: Written) -> None:
        """Record a part that is complete, also from several threads."""
        self._written[part.piece] = part
        self._append(part.as_dict())

    def finish(self) -> tuple[Written, ...]:
        """Write the manifest, when all parts are complete, and return them."""
        manifest = Manifest(self.run, tuple(self._written[piece] for piece in self.pieces))
        with writing(self.folder / MANIFEST, overwrite=True) as file:
            file.write(manifest.text().encode())
        (self.folder / PROGRESS).unlink()
        return manifest.parts

    def _begin(self) -> None:
        """Take over what the same run recorded before, or begin a record."""
        if (self.folder / MANIFEST).exists():
            manifest = Manifest.read(self.folder / MANIFEST)
            self._refuse_other(manifest.run)
            self._written |= {part.piece: part for part in manifest.parts}
        content = (self.folder / PROGRESS).read_bytes()
        lines = list(complete_lines(content))
        if len(lines) < 2 and not self.resume:
            lines = []  # it ended before its first part was complete
        if lines:
            run, parts = _recorded(lines)
            self._refuse_other(run)
            self._written |= {part.piece: part for part in parts}
        # A line that was not written to its end is written over.
        os.ftruncate(self._descriptor, sum(len(line) + 1 for line in lines))
        if not lines:
            self._append(self.run.as_dict())

    def _refuse_other(self, run: Run) -> None:
        if difference := run.difference(self.run):
            raise OutputError(
                f"{self.folder} holds another run: {difference}; repeat its options, or name "
                "another folder"
            )

    def _refuse_other_files(self) -> None:
        """Refuse a folder with files that are not those of a run that is resumed."""
        names = {path.name for path in self.folder.iterdir() if path.name != PROGRESS}
        parts = recorded_parts(self.folder)
        if self.resume and (MANIFEST in names or parts is not None):
            return
        if MANIFEST in names:
            raise OutputError(
                f"{self.folder} holds a dataset, which is not replaced; name another folder, "
                "remove this one, or check its parts with --resume"
            )
        if parts:
            raise OutputError(
                f"{self.folder} holds an unfinished run, {parts:,} parts of which are complete; "
                "finish it with --resume, or name another folder"
            )
        if parts is None and names:
            raise OutputError(f"{self.folder} is not empty; name a new folder")

    def _append(self, content: object) -> None:
        line = f"{json.dumps(content)}\n".encode()
        if os.write(self._descriptor, line) < len(line):
            raise OutputError(f"{self.folder / PROGRESS}: no space left on the disk")

    def _leave(self) -> None:
        if not os.fstat(self._descriptor).st_size:
            with suppress(FileNotFoundError):
                (self.folder / PROGRESS).unlink()
        os.close(self._descriptor)


def recorded_parts(folder: Path) -> int | None:
    """Return how many parts an unfinished run has recorded, or None if there is none."""
    try:
        lines = list(complete_lines((folder / PROGRESS).read_bytes()))
    except FileNotFoundError:
        return None
    return len(lines) - 1 if lines else None


def recorded_run(folder: Path) -> Run | None:
    """Return the run that a folder holds, complete or not, or None if there is none."""
    with suppress(FileNotFoundError):
        for line in complete_lines((folder / PROGRESS).read_bytes()):
            return _recorded([line])[0]
    with suppress(FileNotFoundError):
        return Manifest.read(folder / MANIFEST).run
    return None


def _recorded(lines: list[bytes]) -> tuple[Run, list[Written]]:
    try:
        run, *parts = map(json.loads, lines)
        return Run.of(run), [Written.of(part) for part in parts]
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise DataError(
            f"{PROGRESS}, which records the unfinished run, is damaged; remove the folder"
        ) from error


def _make_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; name a folder for the parts")
    if not folder.parent.is_dir():
        raise OutputError(
            f"{folder}: the directory {folder.parent} does not exist; create it first"
        )
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: {error.strerror or error}") from error


def _locked(folder: Path) -> int:
    """Open the record of the run, which no other process has open, and return its descriptor."""
    path = folder / PROGRESS
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise OutputError(f"{path}: {error.strerror or error}") from error
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
                f"{folder}: another run is writing there; wait for its end, or name another folder"
            ) from error
