"""`gscli sample`: draw samples to CSV, NPY or Parquet."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gscli.cli import options
from gscli.cli.echo import describe_run, say
from gscli.cli.progress import track

if TYPE_CHECKING:
    from gscli.concrete import Concrete, FloatArray, Form
    from gscli.sampling import Chunk
    from gscli.weights import Weights


@dataclass
class Request:
    """What to draw, and how many rows turned out to hold an exact 0 or 1."""

    distributions: "list[Concrete]"
    names: tuple[str, ...]
    n: int
    seed: int
    threads: int | None
    form: "Form"
    dtype: str
    quiet: bool
    boundary_rows: int = field(default=0, init=False)

    def chunks(self, order: Any) -> "Iterator[tuple[float, Chunk]]":
        """Yield the temperature and the rows of each chunk, temperature after temperature."""
        drawn = track(
            self._drawn(order),
            total=self.n * len(self.distributions),
            size=lambda item: len(item[1].rows),
            quiet=self.quiet,
        )
        self.boundary_rows = 0
        for temperature, chunk in drawn:
            if self.form == "simplex":
                self.boundary_rows += chunk.count_boundary_rows()
            yield temperature, chunk

    def rows(self, distribution: "Concrete") -> "Iterator[FloatArray]":
        """Yield points of the simplex for the figures of one temperature."""
        import numpy as np

        one = replace(self, distributions=[distribution])
        for _, chunk in one.chunks("F"):
            yield np.exp(chunk.rows) if self.form == "log" else chunk.rows.astype(np.float64)

    def _drawn(self, order: Any) -> "Iterator[tuple[float, Chunk]]":
        from gscli.sampling import stream

        for distribution in self.distributions:
            for chunk in stream(
                partial(distribution.from_noise, form=self.form),
                distribution.num_categories,
                self.n,
                seed=self.seed,
                threads=self.threads,
                dtype=self.dtype,
                order=order,
            ):
                yield distribution.temperature, chunk

    def save(self, path: Path, format: Any, *, force: bool) -> None:
        """Write one file in one format; each output draws the same samples again."""
        from gscli.files import writing
        from gscli.writers import write_npy, write_table

        with writing(path, overwrite=force) as file:
            if format == "npy":
                rows = (chunk.rows for _, chunk in self.chunks("C"))
                count = len(self.distributions)
                shape = (self.n, len(self.names))
                write_npy(
                    file, rows, shape=shape if count == 1 else (count, *shape), dtype=self.dtype
                )
            else:
                write_table(file, self._tables(), format=format)

    def _tables(self) -> Iterator[dict[str, Any]]:
        import numpy as np

        for temperature, chunk in self.chunks("F"):
            columns = dict(zip(self.names, chunk.rows.T, strict=True))
            if len(self.distributions) > 1:
                columns = {"temperature": np.full(len(chunk.rows), temperature), **columns}
            yield columns


@click.command("sample")
@options.pi
@options.logits
@options.temperature()
@options.samples()
@options.seed
@options.output
@options.table_format("Format of the output, whatever its suffix says.")
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
    pi: "Weights | None",
    logits: "Weights | None",
    temperatures: tuple[float, ...],
    n: int,
    seed: int | None,
    outputs: tuple[Path, ...],
    format: str | None,
    log: bool,
    hard: bool,
    dtype: str,
    threads: int | None,
    force: bool,
    quiet: bool,
) -> None:
    """Draw samples and write them to CSV, NPY or Parquet.

    Without -o they go to standard output as CSV when it is a pipe; on a terminal a summary and a
    small picture are shown instead. Several temperatures share their noise: CSV and Parquet get a
    leading temperature column, NPY the shape (T, n, K).

    \b
    Examples:
      gscli sample --pi 1,3,6 -t 3 -n 10000 -o samples.csv
      gscli sample --pi cat=1,dog=3 -t 0.1,0.5,1 --seed 7 | head
    """
    from gscli.readers import default_names
    from gscli.sampling import fresh_seed

    if log and hard:
        raise click.UsageError("--log and --hard are both given; the logarithm of a 0 is no number")
    distributions, names = options.distributions(pi, logits, temperatures)
    request = Request(
        distributions,
        names or default_names(distributions[0].num_categories),
        n,
        fresh_seed() if seed is None else seed,
        threads,
        "log" if log else "hard" if hard else "simplex",
        dtype,
        quiet,
    )
    targets = [(path, options.data_format(path, format)) for path in outputs]
    if not targets and sys.stdout.isatty() and format is None:
        from gscli.cli.summary import show_sample

        show_sample(request)
        return
    options.check_targets(outputs, force=force)
    for path, kind in targets or [(Path("-"), format or "csv")]:
        request.save(path, kind, force=force)
    say(describe_run(request, [str(path) for path in outputs]), quiet=quiet)
    if request.boundary_rows:
        share = request.boundary_rows / (n * len(distributions))
        say(
            f"{request.boundary_rows:,} rows ({share:.2g}) hold an exact 0 or 1, where the "
            "density is not finite; --log keeps full precision",
            quiet=quiet,
        )
