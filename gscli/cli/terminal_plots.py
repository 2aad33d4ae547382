"""Plots in the terminal, fitted to it: width, colour and characters."""

import os
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from gscli.cli.messages import printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

    from gscli.plotting.plot import PlotOptions, Sample

WIDEST = 72
NARROWEST = 20
LINES_AROUND = 7
"""Lines above and below a triangle: the heading, the corners' names, and the next prompt."""


def can_show(console: "Console") -> tuple[bool, bool]:
    """Return whether the terminal takes colours, and characters beyond ASCII."""
    colour = console.color_system is not None and not os.environ.get("NO_COLOR")
    return colour, console.encoding.lower().startswith("utf")


def triangle(console: "Console", counts: Any, labels: Any, width: int) -> "Text":
    """Draw a density triangle as this terminal can show it."""
    from gscli.plotting.terminal import density_triangle

    colour, unicode = can_show(console)
    return density_triangle(counts, labels, width=width, colour=colour, unicode=unicode)


def terminal_plots(
    sample: "Sample", options: "PlotOptions", console: "Console"
) -> "Iterator[RenderableType]":
    """Yield a plot of each temperature: a triangle of three categories, or bars of others."""
    import numpy as np
    from rich.markup import escape

    from gscli.arrays import log_softmax
    from gscli.plotting.binning import count_bins, count_cells
    from gscli.plotting.collect import Projection, collect
    from gscli.plotting.plot import choose
    from gscli.plotting.terminal import bars, resolution_for, width_for

    width = min(console.width, WIDEST)
    if console.is_terminal:  # so that the heading is still there when the corners are drawn
        width = max(NARROWEST, min(width, width_for(console.height - LINES_AROUND)))
    chosen = choose(sample, options)
    names = [printable(sample.names[k]) for k in chosen]
    shape = len(chosen) == 3
    measure = (
        partial(count_cells, resolution=resolution_for(width))
        if shape
        else partial(count_bins, bins=100)
    )
    projection = Projection.of(sample.samples, chosen, log_ratio=False)
    collected = collect(sample.samples, projection, measure=measure, threads=sample.threads)
    for temperature, found in collected.items():
        at = "" if temperature is None else f"t = {temperature:g}  "
        yield f"\n[bold]{at}[/]n = {found.n:,}  {escape(printable(sample.origin))}\n"
        counts = np.asarray(found.counts)
        if shape:
            labels = names
            if sample.logits is not None:
                probs = np.exp(log_softmax(sample.logits[list(chosen)]))
                labels = [f"{name} p={p:.3g}" for name, p in zip(names, probs, strict=True)]
            yield triangle(console, counts, labels, width)
        else:
            means = counts @ (np.arange(100) + 0.5) / 100 / found.n
            yield "mean share of each category"
            yield bars(names, means.tolist(), width=width, unicode=can_show(console)[1])
