"""Writing samples in parts, several at a time, each by a thread of its own."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gscli.cli.outputs import OUTPUT_HINT, Request
from gscli.cli.progress import track
from gscli.errors import OutputError

if TYPE_CHECKING:
    from gscli.io.datasets import Piece, Run, Written
    from gscli.io.folders import Folder
    from gscli.io.writers import Format

    Report = tuple[int, Written | None]

SHARDS_HINT = "'--shards'"


class _EndedError(Exception):
    """The work on a part is no longer wanted."""


def check_shards(request: Request, shards: int, outputs: Sequence[Path | str]) -> None:
    """Refuse a number of parts that cannot be, and outputs that are not folders."""
    from gscli.io.datasets import MOST_PARTS

    if not outputs:
        raise click.UsageError("--shards writes a folder of parts; name it with -o")
    if Path("-") in outputs:
        raise click.BadParameter(
            "- is standard output; with --shards, name a folder", param_hint=OUTPUT_HINT
        )
    if shards > request.n:
        raise click.BadParameter(
            f"{shards:,} parts of {request.n:,} rows; give at most one part a row",
            param_hint=SHARDS_HINT,
        )
    total = shards * len(request.distributions)
    if total > MOST_PARTS:
        raise click.BadParameter(
            f"{total:,} parts are more than {MOST_PARTS:,}; give fewer", param_hint=SHARDS_HINT
        )


def seed_of(places: Sequence[Path | str]) -> int | None:
    """Return the seed of the run that a folder holds, the first that holds one."""
    from gscli.io.dataset_runs import recorded_run
    from gscli.io.folders import folder_at

    runs = filter(None, map(recorded_run, map(folder_at, places)))
    return next((run.provenance.seed for run in runs), None)


def save_dataset(
    request: Request, place: Path | str, format: str | None, *, shards: int, resume: bool
) -> str:
    """Write the samples in parts, and return how many of them were made.

    Parameters
    ----------
    request : Request
        What is drawn. Afterwards it knows how many rows lost their smallest shares.
    place : Path or str
        Where the parts go; a string is a URL.
    format : {"npy", "csv", "parquet"}, optional
        Of the parts; by default what the folder's suffix says, or NPY.
    shards : int
        Parts at each temperature.
    resume : bool
        Whether the parts that the same run wrote before are kept.
    """
    import numpy as np

    from gscli.distribution.noise import block_rows
    from gscli.execution.threads import Workers, check_threads, reports
    from gscli.io.dataset_runs import DatasetRun
    from gscli.io.datasets import Run
    from gscli.io.folders import folder_at

    kind = parts_format(Path(place), format)
    run = Run(request.provenance(), request.n, shards, kind, request.dtype, np.__version__)
    pieces = run.pieces(block_rows(len(request.names)))
    if isinstance(place, Path) and not place.exists() and place.parent.is_dir():
        request.check_room(place, kind)
    show = partial(track, quiet=request.quiet)
    folder = folder_at(place)
    with DatasetRun(folder, run, pieces, resume=resume) as own:
        checked = partial(show, total=None, size=lambda done: done[0].piece.rows)
        missing = own.missing(request.threads, checked)
        total = sum(piece.rows for piece in missing)
        _prepare(run)
        threads = check_threads(request.threads)
        at_once = max(1, min(threads, len(missing)))
        make = partial(_make, replace(request, threads=threads // at_once), folder, kind)
        recorded = partial(_recorded, own.record)
        made: Iterable[Report]
        if isinstance(request.threads, Workers):
            made = map(recorded, reports(make, missing, threads=request.threads))
        else:  # at once, by the thread that made it
            made = reports(partial(_passing, recorded, make), missing, threads=at_once)
        for _ in show(made, total=total, size=lambda report: report[0]):
            pass
        request.lossy_rows = sum(part.lossy_rows for part in own.finish())
    kept = f", {len(pieces) - len(missing):,} kept" if resume else ""
    return f"{place} ({len(pieces):,} part{'' if len(pieces) == 1 else 's'}{kept})"


def parts_format(folder: Path, override: str | None) -> "Format":
    """Return the format of the parts: the override, or what the folder's suffix says, or NPY."""
    from gscli.io.writers import FORMATS

    known = override in FORMATS.values()
    return override if known else FORMATS.get(folder.suffix.lower(), "npy")  # type: ignore[return-value]


def _prepare(run: "Run") -> None:
    """Do what the threads rely on, and only the main thread can."""
    from gscli.execution.interrupts import import_polars

    if run.format != "npy":
        import_polars()


def _recorded(record: "Callable[[Written], None]", report: "Report") -> "Report":
    """Record the part that is complete, if one is."""
    if report[1] is not None:
        record(report[1])
    return report


def _passing(
    through: "Callable[[Report], Report]",
    make: "Callable[[Piece, Callable[[Report], bool]], None]",
    piece: "Piece",
    report: "Callable[[Report], bool]",
) -> None:
    """Make a part, and pass its reports through a function."""
    make(piece, lambda each: report(through(each)))


def _make(
    request: Request,
    folder: "Folder",
    format: "Format",
    piece: "Piece",
    report: "Callable[[Report], bool]",
) -> None:
    """Write a part; report the rows that are drawn, and at last the part."""
    from gscli.io.datasets import Checksummed, Written

    ended = False

    def reported(drawn: Iterable[Any]) -> Iterator[Any]:
        nonlocal ended
        for each in drawn:
            yield each
            if not report((each[0], None)):
                ended = True
                return

    distribution = next(d for d in request.distributions if d.temperature == piece.temperature)
    part = replace(
        request,
        distributions=[distribution],
        n=piece.rows,
        start=piece.first_row,
        progress=reported,
    )
    try:
        with folder.writing(piece.path) as file:
            target = Checksummed(file)
            part.write(target, format)
            if ended:
                raise _EndedError
    except OutputError as error:
        raise OutputError(f"{error}; the parts before are kept: go on with --resume") from error
    report((0, Written(piece, target.num_bytes, target.crc32, part.lossy_rows)))
