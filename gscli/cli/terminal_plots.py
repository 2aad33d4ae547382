"""Plots in the terminal, fitted to it: width, colour and characters."""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from gscli.cli.messages import printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

    from gscli.plotting.collect import Collected
    from gscli.plotting.plot import PlotOptions, Sample

WIDEST = 72
NARROWEST = 20
SIDE_BY_SIDE = 36
"""Fewest characters of a picture that has others beside it."""

GAP = 4
"""Characters between two pictures."""

LINES_AROUND = 8
"""Lines above and below a triangle: the heading, the corners' names, the scale, and the prompt."""

BINS = 100


def can_show(console: "Console") -> tuple[bool, bool]:
    """Return whether the terminal takes colours, and characters beyond ASCII.

    Of only sixteen colours none is sure to be seen: shades of the terminal's own are.
    """
    colour = console.color_system in ("256", "truecolor") and not os.environ.get("NO_COLOR")
    return colour, console.encoding.lower().startswith("utf")


def triangle(console: "Console", counts: Any, labels: Any, width: int) -> "Text":
    """Draw a density triangle as this terminal can show it, and what its shades mean."""
    from gscli.plotting.terminal import density_triangle, scale

    colour, unicode = can_show(console)
    picture = density_triangle(counts, labels, width=width, colour=colour, unicode=unicode)
    meaning = scale(int(counts.max()), colour=colour, unicode=unicode)
    return picture.append("\n").append_text(meaning) if meaning.cell_len <= width else picture


def share_histogram(console: "Console", counts: Any, name: str, width: int) -> "Text":
    """Draw the histogram of a share as this terminal can show it."""
    from gscli.plotting.terminal import histogram

    _, unicode = can_show(console)
    return histogram(counts, f"share of {name}", width=width, unicode=unicode)


def terminal_plots(
    sample: "Sample", options: "PlotOptions", console: "Console"
) -> "Iterator[RenderableType]":
    """Yield a plot of each temperature, side by side where there is room.

    Three categories make a triangle, two a histogram, others bars of their mean shares.
    """
    from rich.text import Text

    from gscli.plotting.binning import count_bins, count_cells
    from gscli.plotting.collect import Projection, collect
    from gscli.plotting.plot import choose
    from gscli.plotting.terminal import resolution_for

    chosen = choose(sample, options)
    width = _width(console, len(sample.temperatures), triangles=len(chosen) == 3)
    measure = (
        partial(count_cells, resolution=resolution_for(width))
        if len(chosen) == 3
        else partial(count_bins, bins=BINS)
    )
    projection = Projection.of(sample.samples, chosen, log_ratio=False)
    collected = collect(sample.samples, projection, measure=measure, threads=sample.threads)
    if len(collected) > 1:  # what all of them have in common
        yield Text(printable(sample.origin))
    pictures = (
        _heading(sample, temperature, found, alone=len(collected) == 1)
        .append("\n\n")
        .append_text(_picture(console, sample, chosen, found, width))
        for temperature, found in collected.items()
    )
    yield from _in_rows(pictures, max(1, (console.width + GAP) // (width + GAP)))


def _width(console: "Console", count: int, *, triangles: bool) -> int:
    """Return the width of a picture, for as many side by side as have room."""
    across = max(1, min(count, (console.width + GAP) // (SIDE_BY_SIDE + GAP)))
    width = min((console.width + GAP) // across - GAP, WIDEST)
    if console.is_terminal and triangles:  # so that the heading is still there at its end
        from gscli.plotting.terminal import width_for

        width = max(NARROWEST, min(width, width_for(console.height - LINES_AROUND)))
    return width


def _in_rows(pictures: "Iterable[Text]", across: int) -> "Iterator[RenderableType]":
    from itertools import islice

    from rich.table import Table

    left = iter(pictures)
    while row := list(islice(left, across)):
        yield ""
        grid = Table.grid(padding=(0, GAP, 0, 0))
        grid.add_row(*row)
        yield grid


def _heading(
    sample: "Sample", temperature: float | None, found: "Collected", *, alone: bool
) -> "Text":
    from rich.text import Text

    at = "" if temperature is None else f"t = {temperature:g}  "
    origin = f"  {printable(sample.origin)}" if alone else ""
    return Text().append(at, "bold").append(f"n = {found.n:,}{origin}")


def _picture(
    console: "Console", sample: "Sample", chosen: Sequence[int], found: "Collected", width: int
) -> "Text":
    import numpy as np
    from rich.text import Text

    from gscli.arrays import log_softmax
    from gscli.plotting.terminal import bars

    counts, names = np.asarray(found.counts), [printable(sample.names[k]) for k in chosen]
    if len(chosen) == 2:
        return share_histogram(console, counts[0], names[0], width)
    if len(chosen) == 3:
        labels = names
        if sample.logits is not None:
            probs = np.exp(log_softmax(sample.logits[list(chosen)]))
            labels = [f"{name} p={p:.3g}" for name, p in zip(names, probs, strict=True)]
        return triangle(console, counts, labels, width)
    means = counts @ (np.arange(BINS) + 0.5) / BINS / found.n
    drawn = bars(names, means.tolist(), width=width, unicode=can_show(console)[1])
    return Text("mean share of each category\n").append_text(drawn)
