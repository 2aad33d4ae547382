"""Panels with ordinary axes, laid out in a grid that shares its scales."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import plotly.graph_objects as go

from gscli.plotting import theme
from gscli.plotting.panels import Panel, add_traces, empty_figure, numbered


def cartesian(
    panels: Sequence[Panel],
    *,
    x: dict[str, Any],
    y: dict[str, Any],
    traces: Callable[[Panel], Iterable[Any]] = lambda _: (),
    single: tuple[int, int] = (700, 520),
    columns: int | None = None,
    size: tuple[int, int] = (275, 225),
    gap: tuple[int, int] = (85, 115),
    margin: theme.Margin | None = None,
    least: tuple[int, int] = theme.LEAST_PANEL,
) -> go.Figure:
    """Draw panels, each with an x and a y axis.

    Parameters
    ----------
    panels : sequence of Panel
        At least one.
    x, y : dict
        What the axes of all panels share, in plotly's terms.
    traces : callable
        Returns what is drawn of a panel.
    single : tuple of int
        Width and height in pixels of a figure of one panel.
    columns : int, optional
        Panels side by side; by default as many as look best.
    size : tuple of int
        Width and height in pixels of one of several panels, without its labels.
    gap : tuple of int
        Pixels between two columns and between two rows.
    margin : Margin, optional
        Around the panels, if not the usual one.
    least : tuple of int
        Width and height in pixels below which a panel cannot be read.

    Returns
    -------
    plotly.graph_objects.Figure
        Panel i has the axes x and y, x2 and y2, ..., as `panels.add_traces` counts them.
    """
    alone = len(panels) == 1
    margin = margin or theme.Margin(70, 50, 110 if alone else 130, 100)
    if alone:
        size = (single[0] - margin.left - margin.right, single[1] - margin.top - margin.bottom)
    grid = theme.grid(len(panels), panel=size, gap=gap, margin=margin, columns=columns, least=least)
    figure = empty_figure(panels, grid)
    for index, (panel, domain) in enumerate(zip(panels, grid.domains, strict=True)):
        for axis, other, place, shared in (("x", "y", domain.x, x), ("y", "x", domain.y, y)):
            figure.layout[numbered(f"{axis}axis", index)] = {
                "domain": place,
                "anchor": numbered(other, index),
                "gridcolor": theme.GRID,
                "linecolor": theme.MUTED,
                "zeroline": False,
                "ticks": "outside",
                "tickcolor": theme.GRID,
                "tickfont": {"size": 12, "color": theme.MUTED},
                "automargin": True,
                **shared,
                "title": {"font": {"size": 14}, "standoff": 10, **shared.get("title", {})},
            }
        add_traces(figure, index, traces(panel), xaxis="x", yaxis="y")
    return figure
