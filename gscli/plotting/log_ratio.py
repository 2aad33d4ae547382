"""Samples in the log-ratios of their components, where low temperatures can be read."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gscli.arrays import FloatArray
from gscli.distribution.regions import Region
from gscli.plotting import theme
from gscli.plotting.cartesian import axes_of, cartesian
from gscli.plotting.panels import (
    Panel,
    legend_keys,
    marker_size_for,
    opacity_for,
    winner_group,
    winners,
)


def log_ratio_panels(
    panels: Sequence[Panel],
    *,
    names: Sequence[str],
    positions: Sequence[int] = (0, 1, 2),
    title: str = "",
    subtitle: str = "",
) -> go.Figure:
    """Draw three categories over the axes log(x_1 / x_3) and log(x_2 / x_3).

    Parameters
    ----------
    panels : sequence of Panel
        At least one; its points are *logarithms* of samples, shape (m, 3), and its regions those
        of the density per unit of the log-ratios.
    names : sequence of three str
        The categories' names.
    positions : sequence of three int
        Their positions among all K categories, which give them their colours.
    title, subtitle : str
        Shown above.

    Returns
    -------
    plotly.graph_objects.Figure
        Of the size that suits the number of panels; each panel has scales of its own, since the
        log-ratios are proportional to 1/t.
    """
    first, second, third = (theme.shorten(name, 12) for name in names)
    colours = theme.category_colours(positions)
    figure = cartesian(
        panels,
        x={"title": {"text": f"log( {first} / {third} )"}},
        y={"title": {"text": f"log( {second} / {third} )"}},
        title=title,
        subtitle=subtitle,
        single=(700, 680),
    )
    figure.add_traces(list(legend_keys(go.Scattergl, "xy", names, colours)))
    for index, panel in enumerate(panels):
        for trace in (*_points(panel, colours), *_contours(panel.regions)):
            shown = {"showlegend": False} if index else {}
            figure.add_trace(trace.update(**axes_of(index), **shown))
    return figure.update_layout(legend=theme.LEGEND_OF_THREES)


def _points(panel: Panel, colours: Sequence[str]) -> Iterator[go.Scattergl]:
    if panel.points is None:
        return
    won = winners(panel.points)
    ratios = panel.points[:, :2] - panel.points[:, 2:]
    for k, colour in enumerate(colours):
        yield go.Scattergl(
            **_coordinates(ratios[won == k]),
            mode="markers",
            marker={
                "size": marker_size_for(len(ratios)),
                "color": colour,
                "opacity": opacity_for(len(ratios)),
            },
            legendgroup=winner_group(k),
            showlegend=False,
            hovertemplate="%{x:.4g}, %{y:.4g}<extra></extra>",
        )


def _contours(regions: Sequence[Region]) -> Iterator[go.Scattergl]:
    for position, region in enumerate(regions):
        gap = np.full((1, 2), np.nan)
        # The logarithms are lost where a point of the line underflows: those are left out.
        with np.errstate(divide="ignore", invalid="ignore"):
            lines = [np.log(line[:, :2] / line[:, 2:]) for line in region.lines]
        path = np.concatenate([part for line in lines for part in (line, gap)] or [gap])
        shared: dict[str, Any] = {
            **_coordinates(np.where(np.isfinite(path), path, np.nan)),
            "mode": "lines",
            "legendgroup": f"region {position}",
            "hoverinfo": "skip",
        }
        # A halo of paper below the line keeps it readable over the points.
        yield go.Scattergl(
            **shared, line={"color": theme.PAPER, "width": 4}, opacity=0.8, showlegend=False
        )
        dash = theme.CONTOUR_DASHES[position % len(theme.CONTOUR_DASHES)]
        yield go.Scattergl(
            **shared,
            line={"color": theme.INK, "width": 1.7, "dash": dash},
            name=f"{100 * region.mass:g} % of the mass",
        )


def _coordinates(points: FloatArray) -> dict[str, Any]:
    # Half the size of a page, where float32 reaches far enough: log-ratios grow as 1/t.
    single = np.abs(points, where=np.isfinite(points), out=np.zeros_like(points)).max(initial=0)
    x, y = (points.astype(np.float32) if single < np.finfo(np.float32).max else points).T
    return {"x": x, "y": y}
