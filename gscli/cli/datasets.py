"""Writing samples in parts, several at a time, each by a thread of its own."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gscli.cli.outputs import OUTPUT_HINT, Request
from gscli.cli.progress import track
from gscli.errors import OutputError

if TYPE_CHECKING:
    from gscli.io.dataset_runs import DatasetRun
    from gscli.io.datasets import Piece, Run
    from gscli.io.writers import Format

SHARDS_HINT = "'--shards'"


class _EndedError(Exception):
    """The work on a part is no longer wanted."""


def check_shards(request: Request, shards: int, outputs: tuple[Path, ...]) -> None:
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


def seed_of(folders: tuple[Path, ...]) -> int | None:
    """Return the seed of the run that a folder holds, the first that holds one."""
    from gscli.io.dataset_runs import recorded_run

    runs = filter(None, map(recorded_run, folders))
    return next((run.provenance.seed for run in runs), None)


def save_dataset(
    request: Request, folder: Path, format: str | None, *, shards: int, resume: bool
) -> str:
    """Write the samples in parts, and return how many of them were made.

    Parameters
    ----------
    request : Request
        What is drawn. Afterwards it knows how many rows lost their smallest shares.
    folder : Path
        Where the parts go.
    format : {"npy", "csv", "parquet"}, optional
        Of the parts; by default what the folder's suffix says, or NPY.
    shards : int
        Parts at each temperature.
    resume : bool
        Whether the parts that the same run wrote before are kept.
    """
    import numpy as np

    from gscli.distribution.noise import block_rows
    from gscli.execution.threads import check_threads, reports
    from gscli.io.dataset_runs import DatasetRun
    from gscli.io.datasets import Run

    kind = parts_format(folder, format)
    run = Run(request.provenance(), request.n, shards, kind, request.dtype, np.__version__)
    pieces = run.pieces(block_rows(len(request.names)))
    if not folder.exists() and folder.parent.is_dir():
        request.check_room(folder, kind)
    show = partial(track, quiet=request.quiet)
    with DatasetRun(folder, run, pieces, resume=resume) as own:
        checked = partial(show, total=None, size=lambda done: done[0].rows)
        missing = own.missing(request.threads, checked)
        total = sum(piece.rows for piece in missing)
        _prepare(run)
        threads = check_threads(request.threads)
        at_once = max(1, min(threads, len(missing)))
        make = partial(_make, replace(request, threads=threads // at_once), own)
        for _ in show(reports(make, missing, threads=at_once), total=total, size=lambda rows: rows):
            pass
        request.lossy_rows = sum(part.lossy_rows for part in own.finish())
    kept = f", {len(pieces) - len(missing):,} kept" if resume else ""
    return f"{folder} ({len(pieces):,} part{'' if len(pieces) == 1 else 's'}{kept})"


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


def _make(
    request: Request, own: "DatasetRun", piece: "Piece", report: Callable[[int], bool]
) -> None:
    """Write a part, and report the rows that are drawn."""
    from gscli.io.atomic import writing
    from gscli.io.datasets import Checksummed, Written

    ended = False

    def reported(drawn: Iterable[Any]) -> Iterator[Any]:
        nonlocal ended
        for each in drawn:
            yield each
            if not report(each[0]):
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
    path = own.folder / piece.path
    path.parent.mkdir(exist_ok=True)
    try:
        with writing(path, overwrite=True) as file:
            target = Checksummed(file)
            part.write(target, own.run.format)
            if ended:
                raise _EndedError
    except OutputError as error:
        raise OutputError(f"{error}; the parts before are kept: go on with --resume") from error
    own.record(Written(piece, target.num_bytes, target.crc32, part.lossy_rows))
