"""Panels with ordinary axes, laid out in a grid that shares its scales."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from gscli.plotting import theme
from gscli.plotting.panels import Panel, empty_figure, numbered


def cartesian(
    panels: Sequence[Panel],
    *,
    x: dict[str, Any],
    y: dict[str, Any],
    title: str,
    subtitle: str,
    single: tuple[int, int] = (700, 520),
    columns: int | None = None,
    panel: tuple[int, int] = (275, 225),
    gap: tuple[int, int] = (85, 115),
    margin: theme.Margin | None = None,
) -> go.Figure:
    """Return an empty figure with an x and a y axis for each panel.

    Parameters
    ----------
    panels : sequence of Panel
        At least one; only their headings are used.
    x, y : dict
        What the axes of all panels share, in plotly's terms.
    title, subtitle : str
        Shown above.
    single : tuple of int
        Width and height in pixels of a figure of one panel.
    columns : int, optional
        Panels side by side; by default as many as look best.
    panel : tuple of int
        Width and height in pixels of one of several panels, without its labels.
    gap : tuple of int
        Pixels between two columns and between two rows.
    margin : Margin, optional
        Around the panels, if not the usual one.

    Returns
    -------
    plotly.graph_objects.Figure
        Panel i has the axes x and y, x2 and y2, ..., as `panels.add_traces` counts them.
    """
    alone = len(panels) == 1
    margin = margin or theme.Margin(70, 50, 110 if alone else 130, 100)
    if alone:
        panel = (single[0] - margin.left - margin.right, single[1] - margin.top - margin.bottom)
    grid = theme.grid(len(panels), panel=panel, gap=gap, margin=margin, columns=columns)
    figure = empty_figure(panels, grid, title, subtitle)
    for index, domain in enumerate(grid.domains):
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
    return figure
