"""Panels with ordinary axes, laid out in a grid that shares its scales."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from gscli.figures import theme
from gscli.figures.panels import Panel


def cartesian(
    panels: Sequence[Panel],
    *,
    x: dict[str, Any],
    y: dict[str, Any],
    title: str,
    subtitle: str,
    single: tuple[int, int] = (700, 520),
    columns: int | None = None,
    size: tuple[int, int] | None = None,
    gap_y: float = 0.2,
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
    size : tuple of int, optional
        Width and height in pixels, whatever the number of panels.
    gap_y : float
        Between two rows of panels, as a fraction of the plotting area.

    Returns
    -------
    plotly.graph_objects.Figure
        Panel i has the axes that `axes_of(i)` names.
    """
    domains = theme.grid(len(panels), gap_x=0.13, gap_y=gap_y, columns=columns)
    width, height = size or theme.grid_size(len(panels), single=single)
    figure = go.Figure(layout=theme.layout(title, subtitle, width=width, height=height))
    figure.update_layout(margin={"l": 70, "b": 120})
    for index, domain in enumerate(domains):
        names = axes_of(index)
        for axis, other, place, shared in (("x", "y", domain.x, x), ("y", "x", domain.y, y)):
            figure.layout[f"{axis}axis{names['xaxis'][1:]}"] = {
                "domain": place,
                "anchor": names[f"{other}axis"],
                "gridcolor": theme.GRID,
                "linecolor": theme.MUTED,
                "zeroline": False,
                "ticks": "outside",
                "tickcolor": theme.GRID,
                "tickfont": {"size": 12, "color": theme.MUTED},
                "automargin": True,
                **shared,
            }
    figure.update_layout(annotations=theme.headings([p.heading for p in panels], domains))
    return figure


def axes_of(index: int) -> dict[str, str]:
    """Return the names of a panel's axes, as a trace takes them."""
    number = "" if index == 0 else str(index + 1)
    return {"xaxis": f"x{number}", "yaxis": f"y{number}"}
