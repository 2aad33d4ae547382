"""Previews: what commands show on a terminal instead of 10,000 lines."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from gscli.cli.messages import printable
from gscli.cli.tables import plain_table
from gscli.cli.terminal_plots import GAP, share_histogram, triangle

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from gscli.cli.outputs import Request
    from gscli.inference.scoring import LogDensityStatistics

SHOWN_CATEGORIES = 12
PICTURE_WIDTH, NARROWEST = 48, 20
"""Characters of a picture beside the table, at most and at least."""

LONGEST_NAME = 16
NUMBERS_WIDTH = 38
"""Characters of the table without its names."""

LINES_AROUND = 9
"""Lines above and below a triangle, with the prompt's."""

FEWEST_LINES = 8

BINS = 100


def wanted(outputs: Sequence[object], format: str | None) -> bool:
    """Return whether the result would go to a terminal, unasked."""
    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    return on_terminal and not outputs and format is None


def show_densities(found: "LogDensityStatistics") -> None:
    """Show the range of log-densities and the hint for -o."""
    from rich.console import Console

    console = Console(highlight=False)
    if found.finite:
        console.print(
            f"log-density of {found.finite:,} of {found.n:,} rows: mean {found.mean:.6g}, "
            f"from {found.least:.6g} to {found.greatest:.6g} nats",
            soft_wrap=True,
        )
    console.print("To keep the values: -o density.csv (or .npy, .parquet)", soft_wrap=True)


def show_sample(request: "Request") -> None:
    """Draw the samples, and show their statistics, a small picture and the hint for -o."""
    from rich.console import Console

    console = Console(highlight=False)
    for distribution in request.distributions:
        _show_one(console, request, distribution)
    console.print(printable(request.description([])), style="dim", markup=False, soft_wrap=True)
    console.print("To keep the samples: -o samples.csv (or .npy, .parquet)", soft_wrap=True)


def _show_one(console: "Console", request: "Request", distribution: Any) -> None:
    from rich.table import Table

    from gscli.inference.summary import summarise
    from gscli.plotting.binning import count_bins, count_cells
    from gscli.plotting.terminal import resolution_for, width_for

    table_width = max(map(len, ("category", *_shown_names(request.names)))) + NUMBERS_WIDTH
    room = console.width - table_width - GAP
    beside = room >= NARROWEST
    lines = console.height - LINES_AROUND - (0 if beside else len(request.names) + 2)
    width = min(room if beside else console.width, PICTURE_WIDTH)
    if distribution.num_categories == 3:
        width = min(width, width_for(max(lines, FEWEST_LINES)))
    counts: Any = 0
    resolution = resolution_for(width)

    def rows() -> Iterator[Any]:
        nonlocal counts
        for batch in request.rows(distribution):
            if distribution.num_categories == 3:
                counts = counts + count_cells(batch, resolution)
            elif distribution.num_categories == 2:
                counts = counts + count_bins(batch, bins=BINS)[0]
            yield batch

    summary = summarise(rows())
    names = [printable(name) for name in request.names]
    console.print(
        f"[bold]t = {distribution.temperature:g}[/]  n = {request.n:,}  "
        f"{100 * summary.near_vertex:.3g} % near a vertex\n"
    )
    parts: list[RenderableType] = [_table(request.names, distribution, summary)]
    if len(names) == 3:
        parts.insert(0, triangle(console, counts, names, width))
    if len(names) == 2:
        parts.insert(0, share_histogram(console, counts, names[0], width))
    if beside and len(parts) > 1:
        grid = Table.grid(padding=(0, GAP, 0, 0))
        grid.add_row(*parts)
        parts = [grid]
    for part in parts:
        console.print(part)
    console.print()


def _shown_names(names: tuple[str, ...]) -> list[str]:
    from rich.text import Text

    shown = [Text(printable(name)) for name in names[:SHOWN_CATEGORIES]]
    for name in shown:
        name.truncate(LONGEST_NAME, overflow="ellipsis")
    return [name.plain for name in shown]


def _table(names: tuple[str, ...], distribution: Any, summary: Any) -> "RenderableType":
    from rich.text import Text

    table = plain_table("category", "p", "rounds to", "mean", "sd")
    columns = (distribution.probs, summary.rounding, summary.mean, summary.sd)
    for name, *values in zip(_shown_names(names), *columns, strict=False):
        table.add_row(Text(name), *(f"{value:.4f}" for value in values))
    if len(names) > SHOWN_CATEGORIES:
        table.add_row(f"({len(names) - SHOWN_CATEGORIES:,} more)", "", "", "", "")
    return table
