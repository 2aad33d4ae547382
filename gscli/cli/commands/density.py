"""`gscli density`: the exact log-density at the points of a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gscli.cli import options, preview
from gscli.cli.messages import describe_parameters, say
from gscli.cli.progress import track

if TYPE_CHECKING:
    from gscli.arrays import FloatArray
    from gscli.inference.scoring import Scores
    from gscli.io.samples import Samples
    from gscli.io.weights import Weights


@click.command("density", short_help="Write the exact log-density at the points of a file.")
@options.file_argument()
@options.pi
@options.logits
@options.temperature(default=None, note="[default: the file's temperature column, else 3]")
@click.option("--log", is_flag=True, help="The file holds log X; its density is that of log X.")
@click.option("--append", is_flag=True, help="Keep the input's columns beside log_prob.")
@click.option("--strict", is_flag=True, help="Fail at the first row that is not on the simplex.")
@options.output
@options.table_format("Format of the output, whatever its suffix says.")
@options.force
@options.quiet
def command(
    file: str,
    pi: "Weights | None",
    logits: "Weights | None",
    temperatures: tuple[float, ...] | None,
    log: bool,
    append: bool,
    strict: bool,
    output: Path | None,
    format: str | None,
    force: bool,
    quiet: bool,
) -> None:
    """Write the exact log-density at the points of FILE (CSV, NPY, Parquet; - is standard input).

    The density of X is taken with respect to dx_1 ... dx_(K-1); that of log X, with --log, with
    respect to the log-ratios log(x_k / x_K), and it stays finite at any temperature. Without -o
    the values go to standard output as CSV when it is a pipe; on a terminal a summary is shown.

    \b
    Examples:
      gscli density samples.csv --pi 1,3,6 -t 3 -o density.csv
      gscli sample --log -t 0.01 | gscli density - --log -t 0.01 --append
    """
    from gscli.cli.rows import about
    from gscli.inference.scoring import Scores
    from gscli.io.samples import open_samples

    outputs = (output,) if output else ()
    samples = open_samples(file, temperatures=temperatures)
    options.check_one_temperature(temperatures, samples)
    (distribution, *_), _ = options.distributions(pi, logits, temperatures or (3.0,), samples)
    options.check_targets(outputs, force=force)
    own = samples.has_temperatures and (temperatures is None or len(temperatures) > 1)
    scores = Scores(distribution, own, log, strict)
    path = output or Path("-")
    tables = _tables(samples, scores, append=append, quiet=quiet)
    with about(samples):
        if preview.wanted(outputs, format):
            preview.show_densities(table["log_prob"] for table in tables)
        else:
            kind = options.data_format(path, format)
            _save(samples, tables, path, kind, append=append, force=force)
    say(f"log-density for {describe_parameters([distribution], own=own)}", quiet=quiet)
    for remark in _remarks(scores):
        say(remark, quiet=quiet)


def _tables(
    samples: "Samples", scores: "Scores", *, append: bool, quiet: bool
) -> "Iterator[dict[str, FloatArray]]":
    """Yield the output's columns, block by block."""
    for block in track(
        samples, total=samples.total, size=lambda block: len(block.rows), quiet=quiet
    ):
        kept = samples.columns(block) if append else {}
        yield {**kept, "log_prob": scores.log_prob(block)}


def _save(
    samples: "Samples",
    tables: "Iterator[dict[str, FloatArray]]",
    path: Path,
    format: Any,
    *,
    append: bool,
    force: bool,
) -> None:
    import numpy as np

    from gscli.io.atomic import writing
    from gscli.io.writers import write_npy, write_table

    with writing(path, overwrite=force) as file:
        if format == "npy":
            columns = samples.has_temperatures + len(samples.names) + 1
            shape = (samples.total, columns) if append else (samples.total,)
            arrays = (np.stack(list(table.values()), axis=-1).reshape(-1, *shape[1:])
                      for table in tables)  # fmt: skip
            write_npy(file, arrays, shape=shape)
        else:
            write_table(file, tables, format=format)


def _remarks(scores: "Scores") -> Iterator[str]:
    """Yield a line for each kind of row at which the log-density is not finite."""
    off, boundary = scores.off_simplex, scores.boundary
    if off.count:
        hint = scores.like_logarithms and not scores.log
        remedy = "; for logarithms of samples use --log" if hint else ""
        yield (
            f"{off.count:,} rows are not on the simplex and got -inf, the first is row "
            f"{off.first}{remedy}"
        )
    if boundary.count:
        yield (
            f"{boundary.count:,} rows hold an exact 0, where the density is not finite, the first "
            f"is row {boundary.first}; samples drawn with --log avoid this"
        )
