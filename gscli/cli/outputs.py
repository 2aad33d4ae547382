"""Where results go: what is refused, how samples and tables are written, how a page is shown."""

import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from gscli import __version__
from gscli.cli.messages import describe_parameters, printable
from gscli.cli.param_types import unknown_suffix
from gscli.cli.progress import track
from gscli.errors import OutputError
from gscli.plotting.export import IMAGE_SUFFIXES, SUFFIXES

if TYPE_CHECKING:
    from gscli.arrays import FloatArray, RealArray
    from gscli.distribution.concrete import Concrete, Form
    from gscli.execution.threads import Threads
    from gscli.io.provenance import Provenance

T = TypeVar("T")
Progress = Callable[[Iterable[Any]], Iterable[Any]]

OUTPUT_HINT = "'-o' / '--output'"
PAGE_SUFFIXES = (".html", ".htm")
LEAST_CSV_BYTES = 4
"""Fewest bytes of a value and its separator: ``1.0,``."""


LEAST_PARQUET_BYTES = 2.0**-8
"""Fewest bytes of a value in Parquet, where a page of equal values is packed into one."""


def check_outputs(
    outputs: Sequence[Path],
    *,
    force: bool,
    figures: bool = False,
    file: str | None = None,
    hint: str = OUTPUT_HINT,
) -> None:
    """Refuse outputs that cannot be written, before any work is done.

    Parameters
    ----------
    outputs : sequence of Path
        Where results are to go.
    force : bool
        Whether files that exist may be replaced.
    figures : bool
        Whether they are figures or pages, which replace a file of their own kind anyway.
    file : str, optional
        The input, which is never replaced.
    hint : str
        The option that names the outputs.
    """
    from gscli.io.atomic import check_target, descriptor_of, is_of_own_kind, same_file
    from gscli.io.joined import input_files

    inputs = input_files(file) if file is not None and any(p.exists() for p in outputs) else ()
    resolved = [
        1 if str(path) == "-" else descriptor_of(path) or os.path.realpath(path) for path in outputs
    ]
    for path, real in zip(outputs, resolved, strict=True):
        if any(same_file(path, each) for each in inputs):
            raise click.BadParameter(
                f"{path} is the FILE that is read; name another", param_hint=hint
            )
        if resolved.count(real) > 1:
            raise click.BadParameter(
                f"{path} is given twice; name each output once", param_hint=hint
            )
    for path in outputs:
        if str(path) == "-":
            continue
        check_target(path, overwrite=force or figures)
        if figures and not force and not is_of_own_kind(path):
            raise OutputError(
                f"{path} exists and is not a file of its kind; use --force to replace it"
            )


EFFECTIVE = {
    "preset": ("--preset", IMAGE_SUFFIXES),
    "width": ("--width", IMAGE_SUFFIXES),
    "height": ("--height", IMAGE_SUFFIXES),
    "type_size": ("--font-size", IMAGE_SUFFIXES),
    "scale": ("--scale", (".png", ".webp")),
    "plotlyjs": ("--plotlyjs", PAGE_SUFFIXES),
    "title": ("--title", SUFFIXES),
    "no_title": ("--no-title", SUFFIXES),
    "font": ("--font", SUFFIXES),
    "colours": ("--colours", SUFFIXES),
    "panel_columns": ("--panel-columns", SUFFIXES),
}
"""The outputs on which an option of style has an effect."""


def check_style(targets: Sequence[Path]) -> None:
    """Refuse an option of style that has no effect on any of the outputs."""
    context = click.get_current_context()
    for name, (option, suffixes) in EFFECTIVE.items():
        typed = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if typed and not any(path.suffix.lower() in suffixes for path in targets):
            kinds = ", ".join(suffix[1:] for suffix in suffixes if suffix != ".htm")
            raise click.UsageError(f"{option} has an effect on {kinds} alone; leave it out")


def figure_targets(outputs: tuple[Path, ...], *, default: str, show: bool) -> tuple[Path, ...]:
    """Return where figures go, with an HTML page among them if it is shown."""
    has_page = any(path.suffix.lower() in PAGE_SUFFIXES for path in outputs)
    return outputs if outputs and (has_page or not show) else (*outputs, Path(default))


def data_format(path: Path, override: str | None) -> str:
    """Return the format of a table's output: the override, or what its suffix says."""
    from gscli.io.writers import FORMATS

    if override is not None:
        return override
    if str(path) == "-":
        return "csv"
    if path.suffix.lower() not in FORMATS:
        raise click.BadParameter(
            f"{unknown_suffix(path, tuple(FORMATS))}, or give --format", param_hint=OUTPUT_HINT
        )
    return FORMATS[path.suffix.lower()]


def open_page(targets: Sequence[Path]) -> None:
    """Show the first HTML page among the targets in the user's web browser."""
    import webbrowser

    page = next(path for path in targets if path.suffix.lower() in PAGE_SUFFIXES)
    # Without a screen Python would start a browser in the terminal, and wait for it.
    screen = sys.platform != "linux" or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()
    if not screen or not webbrowser.open(page.resolve().as_uri()):
        click.echo(f"No web browser was opened: open {page} in one", err=True)


def csv_text(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows of the same columns as a CSV table."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def echo_csv(rows: Sequence[dict[str, Any]]) -> None:
    """Print rows as a CSV table: names as they are, but on a terminal as it can show them."""
    lines = csv_text(rows).split("\n")
    click.echo("\n".join(map(printable, lines) if sys.stdout.isatty() else lines), nl=False)


@dataclass
class Request:
    """Samples to draw, and the number of rows that their precision could not express."""

    distributions: "list[Concrete]"
    names: tuple[str, ...]
    n: int
    start: int
    seed: int
    threads: "Threads"
    form: "Form"
    dtype: str
    quiet: bool
    progress: "Progress | None" = None
    """Wraps what is drawn, as tuples that begin with a number of rows; by default, a bar."""
    phase: str = field(default="drawing", init=False)
    """What a bar says that the program does."""
    lossy_rows: int = field(default=0, init=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array: (n, K), or (T, n, K) for several temperatures."""
        count, shape = len(self.distributions), (self.n, len(self.names))
        return shape if count == 1 else (count, *shape)

    def description(self, outputs: Sequence[str]) -> str:
        """Return the line that says what was drawn, where it went and how to repeat it."""
        files = [path for path in outputs if path != "-"]
        where = f" to {', '.join(files)}" if files else ""
        named = self.names if self.names[0] != "x1" else None
        count = f"{self.n:,} sample{'' if self.n == 1 else 's'}"
        if self.start:
            count += f" from row {self.start:,} on"
        return f"{count}{where}: {describe_parameters(self.distributions, named)}; seed {self.seed}"

    def loss(self) -> str:
        """Return the line that says how many rows lost their smallest shares, and the remedy."""
        share = self.lossy_rows / (self.n * len(self.distributions))
        rows = f"{self.lossy_rows:,} rows ({share:.2g})"
        if self.form == "log":
            return f"{rows} hold -inf, since float32 ends at 1e38; use --dtype float64"
        return (
            f"{rows} hold an exact 0 or 1, where the density is not finite; "
            "--log keeps full precision"
        )

    def rows(self, distribution: "Concrete") -> "Iterator[FloatArray]":
        """Yield points of the simplex for the statistics of one temperature."""
        import numpy as np

        one = replace(self, distributions=[distribution])
        for rows in one._draw("F", lambda _number, _start, rows: rows):
            yield np.exp(rows) if self.form == "log" else rows.astype(np.float64)

    def _draw(
        self, order: Any, finish: "Callable[[int, int, RealArray], T]", *, in_order: bool = True
    ) -> Iterator[T]:
        """Draw in threads, and yield `finish(number of a temperature, first row, rows)`."""
        from gscli.distribution.noise import Sampler, count_lossy_rows
        from gscli.execution.threads import ordered_map, unordered_map

        sampler = Sampler(len(self.names), seed=self.seed, dtype=self.dtype, order=order)
        transforms = [partial(d.from_noise, form=self.form) for d in self.distributions]
        counted = [self._may_lose(distribution) for distribution in self.distributions]

        def work(item: tuple[int, range]) -> tuple[int, int, T]:
            number, part = item
            rows = sampler.draw(part, transforms[number])
            lossy = count_lossy_rows(rows, log=self.form == "log") if counted[number] else 0
            return len(part), lossy, finish(number, part.start, rows)

        items = (
            (number, part)
            for number in range(len(transforms))
            for part in sampler.parts(self.start, self.n)
        )
        if self.threads == 1:
            drawn: Iterable[tuple[int, int, T]] = map(work, items)
        else:
            drawn = (ordered_map if in_order else unordered_map)(work, items, threads=self.threads)
        lossy_rows = 0
        for _, lossy, result in (self.progress or self._bar)(drawn):
            lossy_rows += lossy
            yield result
        self.lossy_rows = lossy_rows  # of all rows, not only of those that a closed pipe took

    def _bar(self, drawn: Iterable[Any]) -> Iterator[Any]:
        """Show how many rows are drawn."""
        total = self.n * len(self.distributions)
        return track(
            drawn, total=total, size=lambda done: done[0], quiet=self.quiet, message=self.phase
        )

    def _may_lose(self, distribution: "Concrete") -> bool:
        """Return whether a row could be beyond its precision: then all rows are looked at."""
        from gscli.distribution.noise import may_be_lossy

        if self.form == "simplex":
            return may_be_lossy(distribution.logits, distribution.temperature, self.dtype)
        return self.form == "log" and self.dtype != "float64"

    def check_room(self, path: Path, format: str) -> None:
        """Refuse a target that its disk cannot hold."""
        from gscli.io.atomic import check_room
        from gscli.io.writers import npy_bytes

        least = {"csv": LEAST_CSV_BYTES, "parquet": LEAST_PARQUET_BYTES}
        size = npy_bytes(self.shape, self.dtype)
        if format in least:
            size = int(math.prod(self.shape) * least[format])
        check_room(path, size)

    def save(self, path: Path, format: Any, *, force: bool) -> None:
        """Write one file in one format; each output draws the same samples again."""
        from gscli.io.atomic import appears_by_renaming, writing
        from gscli.io.writers import PlacedNpy

        self.phase = f"writing {printable(path.name)}"
        with writing(path, overwrite=force) as file:
            if format == "npy" and PlacedNpy.supported and appears_by_renaming(path):
                self._place(PlacedNpy(file, shape=self.shape, dtype=self.dtype))
            else:
                self.write(file, format)

    def write(self, file: Any, format: Any) -> None:
        """Write the samples in one format, from the first byte to the last."""
        from gscli.io.provenance import KEY
        from gscli.io.writers import write_npy, write_table

        if format == "npy":
            rows = self._draw("C", lambda _number, _start, rows: rows)
            write_npy(file, rows, shape=self.shape, dtype=self.dtype)
        else:
            stated = {KEY: self.provenance().text()}
            write_table(file, self._draw("F", self._table), format=format, metadata=stated)

    def provenance(self) -> "Provenance":
        """Return what a file states of its samples."""
        from gscli.io.provenance import Provenance

        first = self.distributions[0]
        return Provenance(
            pi=tuple(first.probs.tolist()),
            logits=tuple(first.logits.tolist()),
            names=self.names,
            temperatures=tuple(d.temperature for d in self.distributions),
            seed=self.seed,
            start=self.start,
            form=self.form,
            version=__version__,
        )

    def _place(self, array: Any) -> None:
        def write(number: int, start: int, rows: "RealArray") -> None:
            array.write(number * self.n + start - self.start, rows)

        for _ in self._draw("C", write, in_order=False):
            pass

    def _table(self, number: int, _start: int, rows: "RealArray") -> dict[str, Any]:
        import numpy as np

        columns = dict(zip(self.names, rows.T, strict=True))
        if len(self.distributions) > 1:
            temperature = np.full(len(rows), self.distributions[number].temperature)
            columns = {"temperature": temperature, **columns}
        return columns
