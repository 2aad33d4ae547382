"""Panels of a figure: what each shows, at one temperature, and the figure that they stand in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from gscli.arrays import FloatArray, IntArray
from gscli.distribution.regions import Region
from gscli.plotting import theme
from gscli.records import percent


@dataclass(frozen=True, slots=True)
class Categories:
    """The categories that a figure shows.

    Attributes
    ----------
    names : sequence of str
        Their names.
    positions : sequence of int, or None
        Their positions among all K categories, which give them their colours; None if they are
        all.
    probs : sequence of float, or None
        Their probabilities, for the labels.
    """

    names: Sequence[str]
    positions: Sequence[int] | None = None
    probs: Sequence[float] | FloatArray | None = None

    @property
    def colours(self) -> tuple[str, ...]:
        """A colour for each."""
        positions = range(len(self.names)) if self.positions is None else self.positions
        return theme.category_colours(positions)

    def labels(
        self, length: int, separators: Sequence[str], near: FloatArray | None = None
    ) -> list[str]:
        """Return their names, cut to a length, and behind separators what is known of each.

        That is the probability, and the share of samples near the vertex.
        """
        parts = [[f"<b>{theme.shorten(name, length)}</b>"] for name in self.names]
        if self.probs is not None:
            for part, p in zip(parts, self.probs, strict=True):
                part.append(f"p = {p:.3g}")
        if near is not None:
            for part, share in zip(parts, near, strict=True):
                part.append(f"{percent(share)} near")
        return [separator.join(part) for separator, part in zip(separators, parts, strict=True)]


@dataclass(frozen=True, slots=True)
class Panel:
    """The data of one panel; a figure function draws what is there.

    Attributes
    ----------
    heading : str
        Its title among others, such as ``t = 0.5``.
    points : ndarray of shape (m, K), or None
        Samples to draw one by one.
    counts : ndarray of int, or None
        Counts of all samples: over the cells of a lattice, or in the bins between `edges`.
    edges : ndarray of shape (bins + 1,), or None
        Edges of the bins of `counts`.
    regions : sequence of Region
        Highest-density regions of the exact density.
    curve : tuple of two ndarrays, or None
        An exact density: where, and its value there.
    share : float
        Of all samples, that which `counts` hold.
    means : ndarray of shape (K,), or None
        Exact means.
    shares : ndarray of shape (K, bins), or None
        Exact probabilities of the bins.
    observed : sequence of float
        Shares of a file's samples in the regions.
    near : ndarray of shape (K,), or None
        Shares of samples in which a category is above 0.95.
    """

    heading: str = ""
    points: FloatArray | None = None
    counts: IntArray | None = None
    edges: FloatArray | None = None
    regions: Sequence[Region] = ()
    curve: tuple[FloatArray, FloatArray] | None = None
    share: float = 1.0
    means: FloatArray | None = None
    shares: FloatArray | None = None
    observed: Sequence[float] = ()
    near: FloatArray | None = None


def empty_figure(panels: Sequence[Panel], grid: theme.Grid, *, rise: int = 22) -> go.Figure:
    """Return a figure with headings so many pixels above its panels, if they are several."""
    from gscli.plotting.notebook import Figure

    figure = Figure(layout=theme.layout(grid))
    for panel, domain in zip(panels, grid.domains, strict=True):
        if len(panels) > 1:
            figure.add_annotation(
                text=panel.heading,
                showarrow=False,
                x=sum(domain.x) / 2,
                y=domain.y[1],
                yshift=rise,
                xref="paper",
                yref="paper",
                xanchor="center",
                yanchor="bottom",
                font_size=14,
            )
    return figure


def titled(figure: go.Figure, title: str, subtitle: str = "") -> go.Figure:
    """Write a title and a subtitle above a figure."""
    return figure.update_layout(title=theme.title(title, subtitle, figure.layout.height))


def numbered(name: str, index: int) -> str:
    """Return the name of a panel's axis or subplot, counted as plotly does: x, x2, x3, ..."""
    return name if index == 0 else f"{name}{index + 1}"


def add_traces(figure: go.Figure, index: int, traces: Iterable[Any], **subplot: str) -> None:
    """Add a panel's traces to its axes or subplot; the first panel alone has legend entries."""
    options: dict[str, Any] = {key: numbered(name, index) for key, name in subplot.items()}
    if index:
        options["showlegend"] = False
    drawn = list(traces)
    for trace in drawn:
        for key, value in options.items():  # a tenth of the time of `update`
            trace[key] = value
    figure.add_traces(drawn)
