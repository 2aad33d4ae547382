"""One category at a time: histograms with the exact density, and all marginals at once."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gscli.arrays import FloatArray
from gscli.distribution.concrete import Concrete
from gscli.plotting import theme
from gscli.plotting.cartesian import cartesian
from gscli.plotting.panels import Categories, Panel

LEAST = -4
"""Logarithm to base 10 of the smallest share of samples that the strips show."""

HALF_STRIP = 0.41
"""Half the height of a strip, as a part of the distance between two."""


def share_density(exact: Concrete, points: int = 400) -> tuple[FloatArray, FloatArray]:
    """Return shares of the first of two categories, denser at both ends, and their density."""
    shares = np.sin(np.linspace(0, np.pi / 2, points + 2)[1:-1]) ** 2
    return shares, np.exp(exact.log_prob(np.stack([shares, 1 - shares], axis=-1)))


def histogram_panels(panels: Sequence[Panel], *, label: str) -> go.Figure:
    """Draw histograms as densities, with the exact density as a line over each.

    Parameters
    ----------
    panels : sequence of Panel
        At least one, with `counts` of shape (bins,), `edges`, and perhaps `curve`.
    label : str
        Of the x axis.

    Returns
    -------
    plotly.graph_objects.Figure
        Of the size that suits the number of panels; the density's axis is shared, and cut only
        where the density is unbounded.
    """
    figure = cartesian(
        panels,
        x={"title": {"text": theme.escape(label)}},
        y={"title": {"text": "density"}, "rangemode": "tozero"},
        traces=_histogram,
    )
    return figure.update_yaxes(range=[0, 1.15 * (max(map(_height, panels)) or 1)])


def _histogram(panel: Panel) -> Iterator[Any]:
    if panel.counts is not None and panel.edges is not None:
        yield go.Bar(
            x=(panel.edges[:-1] + panel.edges[1:]) / 2,
            y=_bars(panel),
            width=np.diff(panel.edges),
            marker={"color": theme.COUNT_SCALE[3], "line": {"width": 0}},
            name="samples",
            customdata=panel.counts,
            hovertemplate="%{x:.3f}<br>%{customdata:,} samples<extra></extra>",
            showlegend=True,
        )
    if panel.curve is not None:
        yield go.Scatter(
            x=panel.curve[0],
            y=panel.curve[1],
            mode="lines",
            line={"color": theme.INK, "width": 2},
            name="exact density",
            showlegend=True,
            hoverinfo="skip",
        )


def _bars(panel: Panel) -> FloatArray:
    """Return the density in each bin."""
    if panel.counts is None or panel.edges is None:
        return np.zeros(0)
    heights: FloatArray = panel.counts / max(1, panel.counts.sum()) / np.diff(panel.edges)
    return panel.share * heights


def _height(panel: Panel) -> float:
    """Return a height that shows the bars, but not every spike of a density that diverges."""
    bars, curve = _bars(panel), np.zeros(0)
    if panel.curve is not None:
        ends, inside = panel.curve[1][[0, -1]], panel.curve[1][[1, -2]]
        # Level, or falling, towards both ends, where alone it can diverge.
        if np.all(ends <= 1.05 * inside):
            curve = panel.curve[1]
    top = np.quantile(bars, 1 if len(curve) else 0.97) if len(bars) else 0
    return float(max(top, curve.max(initial=0)))


def marginal_panels(panels: Sequence[Panel], categories: Categories) -> go.Figure:
    """Draw the distribution of every category's share as a strip, one below the other.

    Parameters
    ----------
    panels : sequence of Panel
        At least one, with `counts` of shape (K, bins), `edges`, and perhaps `means` and `shares`.
    categories : Categories
        Each is a strip: colours are counts, a line the exact probabilities of the bins, its height
        on the scale of the colours; a ring is the category's probability.

    Returns
    -------
    plotly.graph_objects.Figure
        As high as its number of categories asks for.
    """
    count = len(categories.names)
    high = 34 * max(count, 6)
    figure = cartesian(
        panels,
        x={"title": {"text": "share of the category in a sample"}, "range": [-0.01, 1.01]},
        y={
            "tickvals": list(range(count)),
            "ticktext": [theme.shorten(name) for name in categories.names],
            "range": [count - 0.5, -0.5],
            "showgrid": False,
        },
        traces=partial(_strips, categories=categories),
        single=(700, 210 + high),
        size=(275, high),
        least=(theme.LEAST_PANEL[0], 17 * count),
        margin=theme.Margin(70, 110, 130 if len(panels) > 1 else 110, 100),
    )
    labels = {-4: "0.01 %", -3: "0.1 %", -2: "1 %", -1: "10 %", 0: "100 %"}
    bar = theme.colour_bar("share of<br>samples", labels)
    scale = {"cmin": LEAST, "cmax": 0, "colorscale": list(theme.COUNT_SCALE), "colorbar": bar}
    return figure.update_layout(coloraxis=scale)


def _strips(panel: Panel, categories: Categories) -> Iterator[Any]:
    if panel.counts is not None and panel.edges is not None:
        shares = panel.counts / np.maximum(panel.counts.sum(axis=1, keepdims=True), 1)
        yield go.Heatmap(
            x=panel.edges,
            y=np.arange(len(shares)),
            z=np.where(panel.counts > 0, np.log10(np.maximum(shares, 1e-12)), np.nan),
            customdata=100 * shares,
            coloraxis="coloraxis",
            ygap=6,
            hovertemplate="%{x:.3f}: %{customdata:.2f} % of samples<extra></extra>",
        )
    if panel.shares is not None and panel.edges is not None:
        yield _outlines(panel.shares, panel.edges)
    colour = theme.CATEGORY_COLOURS[4]
    marks = (
        ("exact mean", panel.means, "diamond", theme.PAPER),
        ("p", categories.probs, "circle-open", colour),
    )
    for name, values, symbol, edge in marks:
        if values is not None:
            yield go.Scatter(
                x=np.asarray(values),
                y=np.arange(len(values)),
                mode="markers",
                marker={"symbol": symbol, "size": 10, "color": colour},
                marker_line={"width": 1.5, "color": edge},
                name=name,
                showlegend=True,
                hovertemplate=f"{name} %{{x:.4f}}<extra></extra>",
            )


def _outlines(shares: FloatArray, edges: FloatArray) -> go.Scatter:
    """Return a line of steps over each strip, from its bottom at 0.01 % to its top at 100 %."""
    heights = np.clip(np.log10(np.maximum(shares, 1e-12)) / -LEAST, -1, 0) + 0.5
    y = np.arange(len(shares))[:, None] - 2 * HALF_STRIP * heights
    # A gap after each strip, so that one trace draws all.
    gaps = np.full((len(shares), 1), np.nan)
    return go.Scatter(
        x=np.tile(np.append(np.repeat(edges, 2)[1:-1], np.nan), len(shares)),
        y=np.hstack([np.repeat(y, 2, axis=1), gaps]).ravel(),
        mode="lines",
        line={"color": theme.INK, "width": 1.2},
        name="exact share (line: 0.01 % at the bottom of a strip, 100 % at its top)",
        showlegend=True,
        hoverinfo="skip",
    )
