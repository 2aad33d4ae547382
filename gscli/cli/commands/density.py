"""`gscli density`: the exact log-density at the points of a file."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gscli.cli import options, preview
from gscli.cli.help import Command
from gscli.cli.messages import describe_parameters, say
from gscli.cli.outputs import check_outputs, data_format
from gscli.cli.parameters import Parameters

if TYPE_CHECKING:
    from gscli.arrays import FloatArray
    from gscli.execution.threads import Threads
    from gscli.inference.scoring import LogDensityStatistics
    from gscli.io.samples import Batch, Samples


@click.command(
    "density", cls=Command, short_help="Write the exact log-density at the points of a file."
)
@options.file_argument()
@options.parameters(default=None, note="[default: the file's own]", assumed=False)
@options.columns
@click.option("--log", is_flag=True, help="The file holds log X; its density is that of log X.")
@click.option("--append", is_flag=True, help="Keep the input's columns beside log_prob.")
@click.option("--strict", is_flag=True, help="Fail at the first row that is not on the simplex.")
@options.output
@options.table_format
@options.force
@options.threads
@options.quiet
def command(
    file: str,
    parameters: Parameters,
    columns: tuple[str, ...] | None,
    log: bool,
    append: bool,
    strict: bool,
    output: Path | None,
    format: str | None,
    force: bool,
    threads: "Threads",
    quiet: bool,
) -> None:
    """Write the exact log-density at the points of FILE, or - for standard input.

    The density of X is taken with respect to dx_1 ... dx_(K-1); that of log X, with --log, with
    respect to the log-ratios log(x_k / x_K), and it stays finite at any temperature. Without -o
    the values go to standard output as CSV when it is a pipe; on a terminal a summary is shown.

    \b
    Examples:
      gscli density samples.csv --pi 1,3,6 -t 3 -o density.csv
      gscli sample --log -t 0.01 | gscli density - --log -t 0.01 --append
    """
    from gscli.cli.inputs import open_input
    from gscli.inference.scoring import LogDensityStatistics
    from gscli.io.samples import naming

    outputs = (output,) if output else ()
    check_outputs(outputs, force=force, file=file)
    given = open_input(file, parameters, log=log, quiet=quiet, valid=False, columns=columns)
    samples, distribution = given.samples, given.distribution()
    make = partial(LogDensityStatistics, distribution, samples.precision, strict=strict)
    with naming(samples.label):
        if preview.wanted(outputs, format):
            found = samples.accumulate(make, threads=threads)
            preview.show_densities(found)
        else:
            path = outputs[0] if outputs else Path("-")
            found = make()
            tables = _scored(samples, make, found, append=append, threads=threads)
            _save(samples, tables, path, format, append=append, force=force)
    given.tell(quiet=quiet)
    own = samples.has_temperatures and len(given.temperatures) != 1
    say(f"log-density for {describe_parameters([distribution], own=own)}", quiet=quiet)
    for remark in _remarks(found):
        say(remark, quiet=quiet)


def _scored(
    samples: "Samples",
    make: "Callable[[], LogDensityStatistics]",
    found: "LogDensityStatistics",
    *,
    append: bool,
    threads: "Threads",
) -> "Iterator[dict[str, FloatArray]]":
    """Yield the output's columns, batch by batch, and gather their statistics in `found`."""
    kept = (samples.names, samples.has_temperatures) if append else None
    for table, own in samples.map(partial(_score, make, kept), threads=threads):
        found.merge(own)
        yield table


def _score(
    make: "Callable[[], LogDensityStatistics]",
    kept: tuple[tuple[str, ...], bool] | None,
    batch: "Batch",
) -> "tuple[dict[str, FloatArray], LogDensityStatistics]":
    """Return a batch's log-densities, behind the columns that are kept, and their statistics."""
    own = make()
    log_prob = own.score(batch)
    return {**(_columns(*kept, batch) if kept else {}), "log_prob": log_prob}, own


def _columns(
    names: tuple[str, ...], has_temperatures: bool, batch: "Batch"
) -> "dict[str, FloatArray]":
    """Return the columns that the file had, of one batch."""
    import numpy as np

    columns = dict(zip(names, batch.rows.T, strict=True))
    if not has_temperatures:
        return columns
    return {
        "temperature": np.broadcast_to(np.asarray(batch.temperature), len(batch.rows)),
        **columns,
    }


def _save(
    samples: "Samples",
    tables: "Iterator[dict[str, FloatArray]]",
    path: Path,
    format: str | None,
    *,
    append: bool,
    force: bool,
) -> None:
    import numpy as np

    from gscli.io.atomic import writing
    from gscli.io.writers import write_npy, write_table

    kind = data_format(path, format)
    with writing(path, overwrite=force) as file:
        if kind == "npy":
            columns = samples.has_temperatures + len(samples.names) + 1
            # Of some temperatures only, the number of rows is not known beforehand.
            shape = (samples.expected, columns) if append else (samples.expected,)
            arrays = (
                np.stack(list(table.values()), axis=-1).reshape(-1, *shape[1:]) for table in tables
            )
            write_npy(file, arrays, shape=shape)
        else:
            write_table(file, tables, format=kind)  # type: ignore[arg-type]


def _remarks(found: "LogDensityStatistics") -> Iterator[str]:
    """Yield a line for each kind of row at which the log-density is not finite."""
    off, boundary = found.off_simplex, found.boundary
    if off.count:
        remedy = "; for logarithms of samples use --log" if found.like_logarithms else ""
        verb = "row is" if off.count == 1 else "rows are"
        yield (
            f"{off.count:,} {verb} not on the simplex and got -inf, the first is row "
            f"{off.first:,}{remedy}"
        )
    if boundary.count:
        verb = "row holds" if boundary.count == 1 else "rows hold"
        yield (
            f"{boundary.count:,} {verb} an exact 0, where the density is not finite, the first "
            f"is row {boundary.first:,}; samples drawn with --log avoid this"
        )
