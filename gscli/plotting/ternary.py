"""Samples and density of three categories on the simplex: an equilateral triangle."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from gscli.arrays import FloatArray, IntArray
from gscli.distribution.regions import Region
from gscli.errors import ShapeError
from gscli.plotting import theme
from gscli.plotting.binning import cell_corners
from gscli.plotting.panels import Categories, Panel, add_traces, empty_figure, numbered, titled
from gscli.plotting.traces import (
    contours,
    hover_values,
    joined,
    legend_entries,
    samples,
    simplified,
)

COUNT_STEPS = 16
TOLERANCE = 6e-5
"""Of lines, in the length of a side: a cold region is a narrow band along the edges."""

SHADE = 0.09
"""Opacity of a region; those that hold less of the mass lie within the others."""

SINGLE, SMALL = (600, 402), (255, 221)
"""Width and height in pixels of a triangle alone, and of one among others."""

LABEL_LINE = 26
"""Pixels of a line of the labels at corners."""

BAR_WIDTH, BAR_DISTANCE = 70, 44
"""Pixels that the scale of counts takes, and from the triangles to it: labels lie between."""


def ternary(
    points: npt.ArrayLike | None = None,
    *,
    counts: IntArray | None = None,
    regions: Sequence[Region] = (),
    probs: Sequence[float] | None = None,
    names: Sequence[str] = ("x1", "x2", "x3"),
    positions: Sequence[int] | None = None,
    title: str = "",
    subtitle: str = "",
) -> go.Figure:
    """Draw one triangle; see `ternary_panels` for several.

    Parameters
    ----------
    points : array_like of shape (n, 3), optional
        Samples, drawn one by one in the colour of the category to which they round.
    counts : ndarray of int, shape (resolution**2,), optional
        Counts of samples on a lattice (`binning.count_cells`), drawn under the points.
    regions : sequence of Region
        Of the exact density (`gscli.distribution.regions.highest_density_regions`).
    probs : sequence of three float, optional
        The categories' probabilities, for the labels.
    names : sequence of three str
        The categories' names: top, left, right.
    positions : sequence of three int, optional
        Their positions among all K categories, which give them their colours.
    title, subtitle : str
        Shown above.

    Returns
    -------
    plotly.graph_objects.Figure
        700 x 640 pixels.

    Raises
    ------
    ShapeError
        If `points` is not of shape (n, 3).
    """
    drawn = None if points is None else np.asarray(points, dtype=np.float64)
    if drawn is not None and (drawn.ndim != 2 or drawn.shape[1] != 3):
        raise ShapeError(f"points have shape {drawn.shape}; a triangle shows (n, 3)")
    panel = Panel(points=drawn, counts=counts, regions=regions)
    figure = ternary_panels([panel], Categories(names, positions, probs))
    return titled(figure, title, subtitle)


def ternary_panels(
    panels: Sequence[Panel], categories: Categories, *, small: bool | None = None
) -> go.Figure:
    """Draw triangles side by side, on shared scales.

    Parameters
    ----------
    panels : sequence of Panel
        At least one. Counts are those of lattice cells.
    categories : Categories
        Three of them: top, left, right.
    small : bool, optional
        Whether axes and markers suit a small panel; by default if there are several.

    Returns
    -------
    plotly.graph_objects.Figure
        Of the size that suits the number of panels.
    """
    small = len(panels) > 1 if small is None else small
    largest = max((int(p.counts.max()) for p in panels if p.counts is not None), default=0)
    lines = 3 if any(panel.near is not None for panel in panels) else 2
    grid = _grid(len(panels), bar=bool(largest), lines=lines)
    figure = empty_figure(panels, grid, rise=30)
    if any(panel.points is not None for panel in panels):
        entries = legend_entries(go.Scatterternary, "abc", categories)
        add_traces(figure, 0, entries, subplot="ternary")
    for index, (panel, domain) in enumerate(zip(panels, grid.domains, strict=True)):
        axes = _axes(categories, domain, panel.near, small=small)
        figure.layout[numbered("ternary", index)] = axes
        traces = _traces(panel, categories, largest, small=small)
        add_traces(figure, index, traces, subplot="ternary")
    if largest:
        plot_width = grid.width - grid.margin.left - grid.margin.right
        figure.add_trace(_colour_bar(largest, x=1 + BAR_DISTANCE / plot_width))
    # A drag would zoom in, and leave the names at corners that are not theirs.
    return figure.update_layout(
        legend=theme.LEGEND_OF_THREES,
        dragmode=False,
        modebar_remove=["zoom", "pan", "select", "lasso"],
    )


def _grid(count: int, *, bar: bool, lines: int) -> theme.Grid:
    """Lay out triangles, which leave room for the labels that lie outside of their corners."""
    right, more = 50 + (BAR_WIDTH if bar else 0), LABEL_LINE * (lines - 2)
    if count == 1:
        margin = theme.Margin(50 + more // 2, right + more // 2, bottom=120 + more)
        return theme.grid(1, panel=SINGLE, gap=(0, 0), margin=margin, ratio=3**0.5 / 2)
    margin = theme.Margin(50 + more, right + more, 156, 116 + more)
    return theme.grid(count, panel=SMALL, gap=(90 + more, 122 + more), margin=margin)


def _axes(
    categories: Categories, domain: theme.Domain, near: FloatArray | None, *, small: bool
) -> dict[str, Any]:
    # A line each at the bottom, where labels meet those of neighbours, or the edge.
    labels = categories.labels(9 if small else 18, ["  ", "<br>", "<br>"], near)
    return {
        "sum": 1,
        "domain": {"x": domain.x, "y": domain.y},
        "bgcolor": theme.PAPER,
        **{
            f"{letter}axis": {
                "title": {
                    "text": label,
                    "font": {"size": 13 if small else 15, "color": theme.text_colour(colour)},
                },
                "min": 0,
                "tickvals": [0.5] if small else [0.2, 0.4, 0.6, 0.8],
                "tickfont": {"size": 10 if small else 11, "color": theme.MUTED},
                "ticks": "outside",
                "ticklen": 3,
                "tickcolor": theme.GRID,
                "gridcolor": theme.GRID,
                "linecolor": theme.MUTED,
                "linewidth": 1.2,
                "layer": "below traces",
            }
            for letter, label, colour in zip("abc", labels, categories.colours, strict=True)
        },
    }


def _traces(
    panel: Panel, categories: Categories, largest: int, *, small: bool
) -> Iterator[go.Scatterternary]:
    if panel.counts is not None:
        yield from _cells(panel.counts, largest)
    else:
        yield from _shades(panel)
    if panel.points is not None:
        hover = hover_values(categories.names, "abc")
        density = 4 if small else 1
        yield from samples(panel.points, categories, _at, hover=hover, density=density)
    yield from contours(panel, _contour)


def _shades(panel: Panel) -> Iterator[go.Scatterternary]:
    """Fill the regions, the smaller ones over the larger."""
    for index, region in enumerate(panel.regions):
        yield _contour(
            region.rings,
            mode="lines",
            fill="toself",
            fillcolor=theme.INK,
            opacity=SHADE,
            line={"width": 0},
            hoverinfo="skip",
            legendgroup=f"region {index}",
            showlegend=False,
        )


def _contour(lines: Iterable[FloatArray], **options: Any) -> go.Scatterternary:
    return _path((simplified(line, TOLERANCE) for line in lines), **options)


def _path(lines: Iterable[FloatArray], **options: Any) -> go.Scatterternary:
    return _at(joined(lines), **options)


def _at(points: FloatArray, **options: Any) -> go.Scatterternary:
    # Without the third coordinate, which plotly fills up to 1: a third of a page's size. Where
    # rounding makes it negative, plotly would leave the point out.
    a, b, _ = points.astype(np.float32).T
    rest = 1 - a.astype(np.float64)
    most = rest.astype(np.float32)
    most = np.where(most > rest, np.nextafter(most, np.float32(0)), most)
    return go.Scatterternary(a=a, b=np.minimum(b, most), cliponaxis=False, **options)


def _cells(counts: IntArray, largest: int) -> Iterator[go.Scatterternary]:
    """Draw the cells, those of one colour as one trace."""
    corners = cell_corners(round(len(counts) ** 0.5))
    steps = np.ceil(_level(counts, largest) * COUNT_STEPS).astype(int)
    for step in np.unique(steps[counts > 0]):
        level = (step - 0.5) / COUNT_STEPS
        (colour,) = sample_colorscale(list(theme.COUNT_SCALE), float(level))
        yield _path(
            corners[steps == step][:, [0, 1, 2, 0]],
            mode="lines",
            fill="toself",
            fillcolor=colour,
            # A line of the same colour closes the hair-thin gaps between cells.
            line={"color": colour, "width": 0.6},
            hoverinfo="skip",
            showlegend=False,
        )


def _level(counts: npt.ArrayLike, largest: int) -> FloatArray:
    level: FloatArray = np.log1p(counts) / np.log1p(largest)
    return level


def _colour_bar(largest: int, *, x: float) -> go.Scatterternary:
    ticks = [t for e in range(10) for t in (1 * 10**e, 3 * 10**e) if t < largest / 3]
    ticks = [*(ticks if len(ticks) <= 7 else ticks[::2]), largest]
    labels = {float(_level(tick, largest)): f"{tick:,}" for tick in ticks}
    marker = {
        "color": [0],
        "cmin": 0,
        "cmax": 1,
        "colorscale": list(theme.COUNT_SCALE),
        "showscale": True,
        "colorbar": theme.colour_bar("samples<br>in a cell", labels, x=x, xpad=0, len=0.8),
    }
    return go.Scatterternary(a=[None], b=[None], mode="markers", showlegend=False, marker=marker)
