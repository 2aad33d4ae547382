"""`gscli density`: the exact log-density at the points of a file."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gscli.cli import options
from gscli.cli.echo import describe_parameters, say
from gscli.cli.progress import track

if TYPE_CHECKING:
    from gscli.concrete import Concrete, FloatArray
    from gscli.readers import Block, Samples
    from gscli.weights import Weights


@dataclass
class Tally:
    """How many rows had a property, and which was the first."""

    count: int = 0
    first: int = 0

    def add(self, rows: Any) -> None:
        """Count rows, given by their indices from 0."""
        if len(rows) and not self.count:
            self.first = int(rows[0]) + 1
        self.count += len(rows)


@dataclass
class Evaluation:
    """The log-density at each row of a file, and the rows at which it is not finite."""

    samples: "Samples"
    distribution: "Concrete"
    own_temperatures: bool
    log: bool
    append: bool
    strict: bool
    quiet: bool
    off_simplex: Tally = field(default_factory=Tally)
    boundary: Tally = field(default_factory=Tally)

    def save(self, path: Path, format: Any, *, force: bool) -> None:
        """Write the result in one format."""
        from gscli.files import writing
        from gscli.writers import write_npy, write_table

        with writing(path, overwrite=force) as file:
            if format == "npy":
                width = (self.samples.has_temperatures + len(self.samples.names) + 1,)
                shape = (self.samples.total, *(width if self.append else ()))
                write_npy(file, self._arrays(), shape=shape)
            else:
                write_table(file, self.tables(), format=format)

    def tables(self) -> "Iterator[dict[str, FloatArray]]":
        """Yield the output's columns, block by block."""
        blocks = track(
            self.samples,
            total=self.samples.total,
            size=lambda block: len(block.rows),
            quiet=self.quiet,
        )
        for block in blocks:
            kept = self.samples.columns(block) if self.append else {}
            yield {**kept, "log_prob": self._log_prob(block)}

    def _arrays(self) -> "Iterator[FloatArray]":
        import numpy as np

        for table in self.tables():
            yield np.stack(list(table.values()), axis=-1) if self.append else table["log_prob"]

    def _log_prob(self, block: "Block") -> "FloatArray":
        import numpy as np

        log_prob = np.empty(len(block.rows))
        for distribution, chosen in self._parts(block):
            rows = block.rows[chosen]
            log_prob[chosen] = (
                distribution.log_prob_log(rows) if self.log else distribution.log_prob(rows)
            )
        odd = np.flatnonzero(~np.isfinite(log_prob))
        if len(odd):
            self._note(block.start + odd, block.rows[odd])
        return log_prob

    def _parts(self, block: "Block") -> "Iterator[tuple[Concrete, Any]]":
        import numpy as np

        from gscli.concrete import Concrete
        from gscli.errors import DataError, ParameterError

        if block.temperatures is None or not self.own_temperatures:
            yield self.distribution, slice(None)
            return
        for temperature in np.unique(block.temperatures):
            chosen = np.isclose(block.temperatures, temperature, rtol=0, atol=0, equal_nan=True)
            try:
                own = Concrete.from_logits(self.distribution.logits, temperature)
            except ParameterError as error:
                row = block.start + int(chosen.argmax()) + 1
                raise DataError(f"{self.samples.label}: row {row}: {error}") from error
            yield own, chosen

    def _note(self, index: Any, rows: "FloatArray") -> None:
        from gscli.concrete import on_simplex
        from gscli.errors import DataError

        on = on_simplex(rows, log=self.log)
        self.off_simplex.add(index[~on])
        self.boundary.add(index[on])
        if self.strict and self.off_simplex.count:
            raise DataError(
                f"{self.samples.label}: row {self.off_simplex.first} is not on the simplex; "
                "without --strict it gets -inf"
            )

    def remarks(self) -> Iterator[str]:
        """Yield a line for each kind of row at which the log-density is not finite."""
        if self.off_simplex.count:
            remedy = "" if self.log else "; for logarithms of samples use --log"
            yield (
                f"{self.off_simplex.count:,} rows are not on the simplex and got -inf, "
                f"the first is row {self.off_simplex.first}{remedy}"
            )
        if self.boundary.count:
            yield (
                f"{self.boundary.count:,} rows hold an exact 0, where the density is not finite, "
                f"the first is row {self.boundary.first}; samples drawn with --log avoid this"
            )


@click.command("density")
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
    outputs: tuple[Path, ...],
    format: str | None,
    force: bool,
    quiet: bool,
) -> None:
    """Write the exact log-density at the points of FILE (CSV, NPY, Parquet; - is standard input).

    The density of X is taken with respect to dx_1 ... dx_(K-1); that of log X, with --log, with
    respect to the log-ratios log(x_k / x_K), and it stays finite at any temperature.

    \b
    Examples:
      gscli density samples.csv --pi 1,3,6 -t 3 -o density.csv
      gscli sample --log -t 0.01 | gscli density - --log -t 0.01 --append
    """
    from gscli.readers import open_samples

    samples = open_samples(file, temperatures=temperatures)
    options.check_one_temperature(temperatures, samples)
    (distribution, *_), _ = options.distributions(pi, logits, temperatures or (3.0,))
    options.check_categories(samples, distribution)
    if len(outputs) > 1:
        raise click.BadParameter("FILE is read once: name one output", param_hint="'-o'")
    options.check_targets(outputs, force=force)
    own = samples.has_temperatures and (temperatures is None or len(temperatures) > 1)
    evaluation = Evaluation(samples, distribution, own, log, append, strict, quiet)
    path = outputs[0] if outputs else Path("-")
    evaluation.save(path, options.data_format(path, format), force=force)
    say(f"log-density for {describe_parameters([distribution], own=own)}", quiet=quiet)
    for remark in evaluation.remarks():
        say(remark, quiet=quiet)
