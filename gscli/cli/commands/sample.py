"""`gscli sample`: draw samples to CSV, NPY or Parquet, to one file or to a dataset of parts."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gscli.cli import options, preview
from gscli.cli.datasets import check_shards, save_dataset, seed_of
from gscli.cli.help import Command
from gscli.cli.messages import say
from gscli.cli.outputs import OUTPUT_HINT, Request, check_outputs, data_format
from gscli.cli.param_types import SamplesType
from gscli.cli.parameters import Parameters

if TYPE_CHECKING:
    from gscli.execution.threads import Threads


@click.command("sample", cls=Command)
@options.parameters()
@options.samples
@click.option(
    "--start",
    type=SamplesType(least=0),
    metavar="ROW",
    default="0",
    show_default=True,
    help="Begin at this row of the seed's stream.",
)
@options.seed
@options.outputs_and_urls
@options.table_format
@click.option(
    "--shards",
    type=click.IntRange(min=1),
    metavar="INT",
    help="Write a dataset: -o names a folder, which gets so many parts and a manifest.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Keep the parts that this run wrote before it was stopped, if they are whole.",
)
@click.option("--log", is_flag=True, help="Write log X, in full precision at any temperature.")
@click.option("--hard", is_flag=True, help="Write the one-hot vertices: the limit t = 0.")
@click.option(
    "--dtype",
    type=click.Choice(["float64", "float32"]),
    default="float64",
    show_default=True,
    help="Precision of what is written; computed in float64.",
)
@options.threads
@options.force
@options.quiet
def command(
    parameters: Parameters,
    n: int,
    start: int,
    seed: int | None,
    outputs: tuple[Path | str, ...],
    format: str | None,
    shards: int | None,
    resume: bool,
    log: bool,
    hard: bool,
    dtype: str,
    threads: "Threads",
    force: bool,
    quiet: bool,
) -> None:
    """Draw samples and write them to CSV, NPY or Parquet.

    Without -o they go to standard output as CSV when it is a pipe; on a terminal a summary and a
    small picture are shown instead. Several temperatures share their noise: CSV and Parquet get a
    leading temperature column, NPY the shape (T, n, K).

    With --shards, -o names a folder. It gets part-00000.npy and so on (of several temperatures
    temperature=0.5/part-00000.npy), which joined are the rows of the single file, and last
    manifest.json. The other commands take the folder as FILE.

    \b
    Examples:
      gscli sample --pi 1,3,6 -t 3 -n 10000 -o samples.csv
      gscli sample --pi cat=1,dog=3 -t 0.1,0.5,1 --seed 7 | head
      gscli sample -n 1e9 --shards 64 --seed 7 -o samples/
    """
    from gscli.distribution.noise import fresh_seed

    if log and hard:
        raise click.UsageError(
            "--log and --hard are both given, but log 0 is not finite; leave one out"
        )
    if force and shards:
        raise click.UsageError(
            "--force does not replace a dataset; remove its folder, or name another"
        )
    if not shards:
        _check_single(outputs, threads, resume=resume)
    if resume and seed is None:
        seed = seed_of(outputs)
    request = Request(
        parameters.distributions(),
        parameters.names,
        n,
        start,
        fresh_seed() if seed is None else seed,
        threads,
        "log" if log else "hard" if hard else "simplex",
        dtype,
        quiet,
    )
    if shards:
        check_shards(request, shards, outputs)
        made = [
            save_dataset(request, path, format, shards=shards, resume=resume) for path in outputs
        ]
        _tell(request, made)
        return
    paths = tuple(map(Path, outputs))
    targets = [(path, data_format(path, format)) for path in paths]
    if preview.wanted(paths, format):
        preview.show_sample(request)
        return
    check_outputs(paths, force=force)
    for path, kind in targets:
        request.check_room(path, kind)
    written = []
    for path, kind in targets or [(Path("-"), format or "csv")]:
        with suppress(BrokenPipeError):  # its reader wanted no more; the others are still written
            request.save(path, kind, force=force)
            written.append(path)
    if written:
        _tell(request, [str(path) for path in written if outputs])


def _check_single(outputs: tuple[Path | str, ...], threads: "Threads", *, resume: bool) -> None:
    """Refuse what a dataset alone can have."""
    from gscli.execution.threads import Workers

    if resume:
        raise click.UsageError("--resume finishes a dataset; give its --shards as well")
    if isinstance(threads, Workers):
        raise click.UsageError("--dask writes the parts of a dataset; give --shards as well")
    if urls := [place for place in outputs if isinstance(place, str)]:
        raise click.BadParameter(
            f"{urls[0]!r} is a URL, where a dataset can be written; give --shards as well",
            param_hint=OUTPUT_HINT,
        )


def _tell(request: Request, outputs: list[str]) -> None:
    say(request.description(outputs), quiet=request.quiet)
    if request.lossy_rows:
        say(request.loss(), quiet=request.quiet)
