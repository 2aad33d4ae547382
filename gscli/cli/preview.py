"""Previews: what commands show on a terminal instead of 10,000 lines."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from gscli.cli.messages import describe_run, printable
from gscli.cli.tables import plain_table
from gscli.cli.terminal_plots import triangle

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from gscli.cli.outputs import Request
    from gscli.inference.scoring import LogDensityStatistics

SHOWN_CATEGORIES = 12
PICTURE_WIDTH = 36


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
    console.print(printable(describe_run(request, [])), style="dim", markup=False, soft_wrap=True)
    console.print("To keep the samples: -o samples.csv (or .npy, .parquet)", soft_wrap=True)


def _show_one(console: "Console", request: "Request", distribution: Any) -> None:
    from rich.columns import Columns
    from rich.padding import Padding

    from gscli.inference.summary import summarise
    from gscli.plotting.binning import count_cells
    from gscli.plotting.terminal import resolution_for

    counts: Any = 0
    resolution = resolution_for(PICTURE_WIDTH)

    def rows() -> Iterator[Any]:
        nonlocal counts
        for batch in request.rows(distribution):
            if distribution.num_categories == 3:
                counts = counts + count_cells(batch, resolution)
            yield batch

    summary = summarise(rows())
    console.print(f"[bold]t = {distribution.temperature:g}[/]  n = {request.n:,}\n")
    parts: list[RenderableType] = [_table(request.names, distribution, summary)]
    if distribution.num_categories == 3:
        picture = triangle(
            console, counts, [printable(name) for name in request.names], PICTURE_WIDTH
        )
        parts.insert(0, Padding(picture, (0, 4, 0, 0)))
    console.print(Columns(parts))
    console.print()


def _table(names: tuple[str, ...], distribution: Any, summary: Any) -> "RenderableType":
    from rich.text import Text

    table = plain_table("category", "p", "rounds to", "mean", "sd")
    rows = zip(names, distribution.probs, summary.rounding, summary.mean, summary.sd, strict=True)
    for name, *values in list(rows)[:SHOWN_CATEGORIES]:
        table.add_row(Text(printable(name)), *(f"{value:.4f}" for value in values))
    if len(names) > SHOWN_CATEGORIES:
        table.add_row(f"({len(names) - SHOWN_CATEGORIES:,} more)", "", "", "", "")
    table.add_section()
    table.add_row("near a vertex", "", f"{summary.near_vertex:.4f}", "", "")
    return table
