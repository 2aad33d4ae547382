"""One category at a time: histograms with the exact density, and all marginals at once."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from gscli.plotting import theme
from gscli.plotting.cartesian import axes_of, cartesian
from gscli.plotting.panels import Panel


def histogram_panels(
    panels: Sequence[Panel],
    *,
    label: str,
    title: str = "",
    subtitle: str = "",
) -> go.Figure:
    """Draw histograms as densities, with the exact density as a line over each.

    Parameters
    ----------
    panels : sequence of Panel
        At least one, with `counts` of shape (bins,), `edges`, and perhaps `curve`.
    label : str
        Of the x axis.
    title, subtitle : str
        Shown above.

    Returns
    -------
    plotly.graph_objects.Figure
        Of the size that suits the number of panels; the density's axis is shared, and cut only
        where the density runs to infinity.
    """
    figure = cartesian(
        panels,
        x={"title": {"text": theme.escape(label)}},
        y={"title": {"text": "density"}, "rangemode": "tozero"},
        title=title,
        subtitle=subtitle,
    )
    for index, panel in enumerate(panels):
        if panel.counts is not None and panel.edges is not None:
            widths = np.diff(panel.edges)
            figure.add_bar(
                x=(panel.edges[:-1] + panel.edges[1:]) / 2,
                y=panel.counts / max(1, panel.counts.sum()) / widths,
                width=widths,
                marker={"color": theme.COUNT_SCALE[3], "line": {"width": 0}},
                name="samples",
                customdata=panel.counts,
                hovertemplate="%{x:.3f}<br>%{customdata:,} samples<extra></extra>",
                showlegend=index == 0,
                **axes_of(index),
            )
        if panel.curve is not None:
            figure.add_scatter(
                x=panel.curve[0],
                y=panel.curve[1],
                mode="lines",
                line={"color": theme.INK, "width": 2},
                name="exact density",
                showlegend=index == 0,
                hoverinfo="skip",
                **axes_of(index),
            )
    return figure.update_yaxes(range=[0, _top(panels)])


def _top(panels: Sequence[Panel]) -> float:
    """Return a height that shows the bars, but not every spike of a density that diverges."""
    heights: list[float] = []
    for panel in panels:
        bounded = panel.curve is not None and _bounded(panel.curve[1])
        if panel.curve is not None and bounded:
            heights.append(float(np.max(panel.curve[1])))
        if panel.counts is not None and panel.edges is not None:
            bars = panel.counts / max(1, panel.counts.sum()) / np.diff(panel.edges)
            heights.append(float(np.quantile(bars, 1 if bounded else 0.97)))
    return 1.15 * max(heights, default=1.0)


def _bounded(density: npt.NDArray[np.float64]) -> bool:
    """Tell whether a density is level, or falls, towards both ends: there alone can it diverge."""
    ends, inside = density[[0, -1]], density[[1, -2]]
    return bool(np.all(ends <= 1.05 * inside))


def marginal_panels(
    panels: Sequence[Panel],
    *,
    names: Sequence[str],
    probs: Sequence[float] | None = None,
    title: str = "",
    subtitle: str = "",
) -> go.Figure:
    """Draw the distribution of every category's share as a strip, one below the other.

    Parameters
    ----------
    panels : sequence of Panel
        At least one, with `counts` of shape (K, bins), `edges`, and perhaps `means`.
    names : sequence of str
        The categories' names.
    probs : sequence of float, optional
        The categories' probabilities: a ring each.
    title, subtitle : str
        Shown above.

    Returns
    -------
    plotly.graph_objects.Figure
        As high as its number of categories asks for.
    """
    labels = [theme.shorten(name) for name in names]
    figure = cartesian(
        panels,
        x={"title": {"text": "share of the category in a sample"}, "range": [-0.01, 1.01]},
        y={
            "tickvals": list(range(len(names))),
            "ticktext": labels,
            "range": [len(names) - 0.5, -0.5],
            "showgrid": False,
        },
        title=title,
        subtitle=subtitle,
        single=(700, 210 + 34 * max(len(names), 6)),
        panel=(275, 34 * max(len(names), 6)),
        margin=theme.Margin(70, 110, 130 if len(panels) > 1 else 110, 100),
    )
    for index, panel in enumerate(panels):
        first = index == 0
        if panel.counts is not None and panel.edges is not None:
            shares = panel.counts / np.maximum(panel.counts.sum(axis=1, keepdims=True), 1)
            figure.add_heatmap(
                x=panel.edges,
                y=np.arange(len(names)),
                z=np.where(panel.counts > 0, np.log10(np.maximum(shares, 1e-12)), np.nan),
                customdata=100 * shares,
                zmin=-4,
                zmax=0,
                ygap=6,
                colorscale=list(theme.COUNT_SCALE),
                showscale=first,
                colorbar={
                    "title": {"text": "share of<br>samples", "font": {"size": 12}},
                    "tickvals": [-4, -3, -2, -1, 0],
                    "ticktext": ["0.01 %", "0.1 %", "1 %", "10 %", "100 %"],
                    "thickness": 12,
                    "outlinewidth": 0,
                    "tickfont": {"size": 11},
                },
                hovertemplate="%{x:.3f}: %{customdata:.2f} % of samples<extra></extra>",
                **axes_of(index),
            )
        marks = [(panel.means, "exact mean", "diamond"), (probs, "p", "circle-open")]
        for values, name, symbol in marks:
            if values is not None:
                trace = _marks(values, name, symbol)
                figure.add_trace(trace.update(showlegend=first, **axes_of(index)))
    return figure


def _marks(values: npt.ArrayLike, name: str, symbol: str) -> go.Scatter:
    shares = np.asarray(values)
    colour = theme.CATEGORY_COLOURS[4]
    edge = theme.PAPER if symbol == "diamond" else colour
    return go.Scatter(
        x=shares,
        y=np.arange(len(shares)),
        mode="markers",
        marker={
            "symbol": symbol,
            "size": 10,
            "color": colour,
            "line": {"width": 1.5, "color": edge},
        },
        name=name,
        hovertemplate=f"{name} %{{x:.4f}}<extra></extra>",
    )
