"""Writing a dataset: one run at a time into a folder, which can be stopped and resumed."""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Self

from gscli.errors import DataError, OutputError
from gscli.execution.threads import Threads, ordered_map
from gscli.io.datasets import MANIFEST, Manifest, Piece, Run, Written, fault_of_part
from gscli.io.folders import Folder
from gscli.io.run_records import PROGRESS, record_in, recorded_lines

Checks = Iterable[tuple[Written, bool]]


class DatasetRun:
    """The one run that writes into a folder, as a context; the lock ends with the process.

    Parameters
    ----------
    folder : Folder
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

    def __init__(self, folder: Folder, run: Run, pieces: list[Piece], *, resume: bool) -> None:
        self.folder, self.run, self.pieces = folder, run, pieces
        self.resume = resume
        self._written: dict[Piece, Written] = {}

    def __enter__(self) -> Self:
        self._record = record_in(self.folder)
        try:
            self._refuse_other_files()
            self._begin()
        except BaseException:
            self._record.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._record.close()

    def missing(self, threads: Threads, progress: Callable[[Checks], Checks]) -> list[Piece]:
        """Return the pieces that are to be made: all but those whose files are as recorded.

        Parameters
        ----------
        threads : int, optional
            How many check files.
        progress : callable
            Wraps the checks of the parts.
        """
        recorded = [self._written[piece] for piece in self.pieces if piece in self._written]
        checks = ordered_map(partial(_checked, self.folder), recorded, threads=threads)
        kept = {part.piece: part for part, whole in progress(checks) if whole}
        self._written = kept
        return [piece for piece in self.pieces if piece not in kept]

    def record(self, part: Written) -> None:
        """Record a part that is complete, also from several threads."""
        self._written[part.piece] = part
        self._append(part.as_dict())

    def finish(self) -> tuple[Written, ...]:
        """Write the manifest, when all parts are complete, and return them."""
        manifest = Manifest(self.run, tuple(self._written[piece] for piece in self.pieces))
        with self.folder.writing(MANIFEST) as file:
            file.write(manifest.text().encode())
        self._record.remove()
        return manifest.parts

    def _begin(self) -> None:
        """Take over what the same run recorded before, or begin a record."""
        if (manifest := _manifest(self.folder)) is not None:
            self._refuse_other(manifest.run)
            self._written |= {part.piece: part for part in manifest.parts}
        lines = self._record.lines()
        if len(lines) < 2 and not self.resume:
            lines = []  # it ended before its first part was complete
        if lines:
            run, parts = _recorded(lines)
            self._refuse_other(run)
            self._written |= {part.piece: part for part in parts}
        self._record.restart(lines)
        if not lines:
            self._append(self.run.as_dict())

    def _refuse_other(self, run: Run) -> None:
        if difference := run.difference(self.run):
            raise OutputError(
                f"{self.folder.label} holds another run: {difference}; repeat its options, or name "
                "another folder"
            )

    def _refuse_other_files(self) -> None:
        """Refuse a folder with files that are not those of a run that is resumed."""
        names, label = self._record.names(), self.folder.label
        parts = recorded_parts(self.folder)
        if self.resume and (MANIFEST in names or parts is not None):
            return
        if MANIFEST in names:
            raise OutputError(
                f"{label} holds a dataset, which is not replaced; name another folder, "
                "remove this one, or check its parts with --resume"
            )
        if parts or (parts is not None and not self._record.is_locked):
            raise OutputError(
                f"{label} holds an unfinished run, {parts:,} parts of which are complete; "
                "finish it with --resume, or name another folder"
            )
        if parts is None and names:
            raise OutputError(f"{label} is not empty; name a new folder")

    def _append(self, content: object) -> None:
        self._record.append(json.dumps(content).encode())


def recorded_parts(folder: Folder) -> int | None:
    """Return how many parts an unfinished run has recorded, or None if there is none."""
    lines = recorded_lines(folder)
    return len(lines) - 1 if lines else None


def recorded_run(folder: Folder) -> Run | None:
    """Return the run that a folder holds, complete or not, or None if there is none."""
    for line in recorded_lines(folder) or ():
        return _recorded([line])[0]
    manifest = _manifest(folder)
    return None if manifest is None else manifest.run


def _manifest(folder: Folder) -> Manifest | None:
    with suppress(FileNotFoundError):
        return Manifest.read(folder)
    return None


def _checked(folder: Folder, part: Written) -> tuple[Written, bool]:
    """Return a part, and whether its file is as it was written."""
    with folder.fetched(part.piece.path) as path:
        return part, not fault_of_part(path, part)


def _recorded(lines: list[bytes]) -> tuple[Run, list[Written]]:
    try:
        run, *parts = map(json.loads, lines)
        return Run.of(run), [Written.of(part) for part in parts]
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise DataError(
            f"{PROGRESS}, which records the unfinished run, is damaged; remove the folder"
        ) from error
