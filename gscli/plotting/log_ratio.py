"""Samples in the log-ratios of their components, where low temperatures can be read."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gscli.arrays import FloatArray
from gscli.plotting import theme
from gscli.plotting.cartesian import cartesian
from gscli.plotting.panels import Categories, Panel
from gscli.plotting.traces import contours, joined, legend_entries, samples


def log_ratio_panels(panels: Sequence[Panel], categories: Categories) -> go.Figure:
    """Draw three categories over the axes log(x_1 / x_3) and log(x_2 / x_3).

    Parameters
    ----------
    panels : sequence of Panel
        At least one; its points are *logarithms* of samples, shape (m, 3), and its regions those
        of the density per unit of the log-ratios.
    categories : Categories
        Three of them.

    Returns
    -------
    plotly.graph_objects.Figure
        Of the size that suits the number of panels; each panel has scales of its own, since the
        log-ratios are proportional to 1/t.
    """
    first, second, third = (theme.shorten(name, 12) for name in categories.names)
    figure = cartesian(
        panels,
        x={"title": {"text": f"log( {first} / {third} )"}},
        y={"title": {"text": f"log( {second} / {third} )"}},
        traces=partial(_traces, categories=categories),
        single=(700, 680),
    )
    figure.add_traces(list(legend_entries(go.Scatter, "xy", categories)))
    return figure.update_layout(legend=theme.LEGEND_OF_THREES)


def _traces(panel: Panel, categories: Categories) -> Iterator[Any]:
    if panel.points is not None:
        yield from samples(panel.points, categories, _markers, hover="%{x:.4g}, %{y:.4g}")
    yield from contours(panel, _lines)


def _markers(log_x: FloatArray, **options: Any) -> go.Scatter:
    return _trace(log_x[:, :2] - log_x[:, 2:], options)


def _lines(lines: Sequence[FloatArray], **options: Any) -> go.Scatter:
    path = joined(lines)
    # The logarithms are lost where a point of the line underflows: those are left out.
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.log(path[:, :2] / path[:, 2:])
    return _trace(np.where(np.isfinite(ratios), ratios, np.nan), options)


def _trace(ratios: FloatArray, options: dict[str, Any]) -> go.Scatter:
    # Not WebGL, which draws points over all lines, and dashes that are not those of the legend.
    # Half the size of a page, where float32 reaches far enough: log-ratios grow as 1/t.
    far = np.nanmax(np.abs(ratios), initial=0) > np.finfo(np.float32).max
    x, y = ratios.T if far else ratios.astype(np.float32).T
    return go.Scatter(x=x, y=y, **options)
