"""Samples and density of three categories on the simplex: an equilateral triangle."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from gscli.arrays import FloatArray, IntArray
from gscli.distribution.regions import Region
from gscli.errors import ShapeError
from gscli.plotting import theme
from gscli.plotting.binning import cell_corners
from gscli.plotting.panels import (
    Panel,
    legend_keys,
    marker_size_for,
    opacity_for,
    winner_group,
    winners,
)

COUNT_STEPS = 16
LINE_STEPS = 4000
"""Most points of a line along a side of the triangle."""

SINGLE, SMALL = (600, 402), (255, 221)
"""Width and height in pixels of a triangle alone, and of one among others."""

BAR_WIDTH, BAR_DISTANCE = 70, 44
"""Pixels that the scale of counts takes, and from the triangles to it: labels lie between."""


def ternary(
    points: npt.ArrayLike | None = None,
    *,
    counts: IntArray | None = None,
    regions: Sequence[Region] = (),
    probs: Sequence[float] | None = None,
    names: Sequence[str] = ("x1", "x2", "x3"),
    positions: Sequence[int] = (0, 1, 2),
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
    positions : sequence of three int
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
    return ternary_panels(
        [panel], probs=probs, names=names, positions=positions, title=title, subtitle=subtitle
    )


def ternary_panels(
    panels: Sequence[Panel],
    *,
    names: Sequence[str],
    positions: Sequence[int] = (0, 1, 2),
    probs: Sequence[float] | None = None,
    title: str = "",
    subtitle: str = "",
    small: bool | None = None,
) -> go.Figure:
    """Draw triangles side by side, on shared scales.

    Parameters
    ----------
    panels : sequence of Panel
        At least one. Counts are those of lattice cells.
    names : sequence of three str
        The categories' names: top, left, right.
    positions : sequence of three int
        Their positions among all K categories, which give them their colours.
    probs : sequence of three float, optional
        The categories' probabilities, for the labels.
    title, subtitle : str
        Shown above.
    small : bool, optional
        Whether axes and markers suit a small panel; by default if there are several.

    Returns
    -------
    plotly.graph_objects.Figure
        Of the size that suits the number of panels.
    """
    colours = theme.category_colours(positions)
    tiny = len(panels) > 1 if small is None else small
    most = max((int(p.counts.max()) for p in panels if p.counts is not None), default=0)
    grid = _grid(len(panels), wide=bool(most))
    figure = go.Figure(layout=theme.layout(title, subtitle, grid))
    if any(panel.points is not None for panel in panels):
        for key in legend_keys(go.Scatterternary, "abc", names, colours):
            figure.add_trace(key.update(subplot="ternary"))
    for index, (panel, domain) in enumerate(zip(panels, grid.domains, strict=True)):
        subplot = "ternary" if index == 0 else f"ternary{index + 1}"
        figure.layout[subplot] = _axes(names, probs, colours, domain, small=tiny)
        for trace in _traces(panel, names, colours, most, small=tiny, first=index == 0):
            figure.add_trace(trace.update(subplot=subplot))
    if most:
        plot_width = grid.width - grid.margin.left - grid.margin.right
        figure.add_trace(_colour_bar(most, x=1 + BAR_DISTANCE / plot_width))
    headings = theme.headings([p.heading for p in panels], grid.domains, rise=30)
    return figure.update_layout(annotations=headings, legend=theme.LEGEND_OF_THREES)


def _grid(count: int, *, wide: bool) -> theme.Grid:
    """Lay out triangles, which leave room for the labels that lie outside of their corners."""
    right = 50 + (BAR_WIDTH if wide else 0)
    if count == 1:
        return theme.grid(1, panel=SINGLE, gap=(0, 0), margin=theme.Margin(right=right))
    margin = theme.Margin(right=right, top=156, bottom=116)
    return theme.grid(count, panel=SMALL, gap=(90, 122), margin=margin)


def _axes(
    names: Sequence[str],
    probs: Sequence[float] | None,
    colours: Sequence[str],
    domain: theme.Domain,
    *,
    small: bool,
) -> dict[str, Any]:
    def axis(k: int) -> dict[str, Any]:
        label = f"<b>{theme.shorten(names[k], 9 if small else 18)}</b>"
        if probs is not None:
            # Two lines at the bottom, where labels meet those of neighbours, or the edge.
            label += f"{'<br>' if k else '  '}p = {probs[k]:.3g}"
        return {
            "title": {
                "text": label,
                "font": {"size": 13 if small else 15, "color": colours[k]},
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

    return {
        "sum": 1,
        "domain": {"x": domain.x, "y": domain.y},
        "bgcolor": theme.PAPER,
        **{f"{letter}axis": axis(k) for k, letter in enumerate("abc")},
    }


def _traces(
    panel: Panel,
    names: Sequence[str],
    colours: Sequence[str],
    most: int,
    *,
    small: bool,
    first: bool,
) -> Iterator[go.Scatterternary]:
    if panel.counts is not None:
        yield from _cells(panel.counts, most)
    if panel.points is not None:
        yield from _points(panel.points, names, colours, small=small)
    for position, region in enumerate(panel.regions):
        yield from _contour(region, position, first=first)


def _points(
    points: FloatArray, names: Sequence[str], colours: Sequence[str], *, small: bool
) -> Iterator[go.Scatterternary]:
    won = winners(points)
    crowd = len(points) * (4 if small else 1)  # as if on the area of a single panel
    for k in range(len(names)):
        mine = points[won == k].astype(np.float32)
        yield go.Scatterternary(
            **_coordinates(mine),
            mode="markers",
            marker={
                "size": marker_size_for(crowd),
                "color": colours[k],
                "opacity": opacity_for(crowd),
                "line": {"width": 0},
            },
            cliponaxis=False,
            legendgroup=winner_group(k),
            showlegend=False,
            hovertemplate=_hover(names),
        )


def _hover(names: Sequence[str]) -> str:
    parts = (
        f"{theme.in_template(name)} %{{{letter}:.4f}}"
        for name, letter in zip(names, "abc", strict=True)
    )
    return "<br>".join(parts) + "<extra></extra>"


def _coordinates(points: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    return dict(zip("abc", points.T, strict=True))


def _lean(points: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    """Leave out the third coordinate, which plotly fills up to 1: a third of a page's size."""
    return {"a": points[:, 0], "b": points[:, 1]}


def _thinned(line: FloatArray) -> FloatArray:
    """Drop points of a line that lie closer together than any screen can show."""
    way = np.cumsum(np.abs(np.diff(line, axis=0, prepend=line[:1])).sum(axis=1))
    kept = np.diff(np.floor(way * LINE_STEPS), prepend=-1) > 0
    kept[-1] = True
    drawn: FloatArray = line[kept]
    return drawn


def _contour(region: Region, position: int, *, first: bool) -> Iterator[go.Scatterternary]:
    path = _joined([_thinned(line) for line in region.lines])
    shared: dict[str, Any] = {
        **_lean(path),
        "mode": "lines",
        "cliponaxis": False,
        "hoverinfo": "skip",
        "legendgroup": f"region {position}",
    }
    # A halo of paper below the line keeps it readable over points and dark cells.
    yield go.Scatterternary(
        **shared, line={"color": theme.PAPER, "width": 4}, opacity=0.8, showlegend=False
    )
    dash = theme.CONTOUR_DASHES[position % len(theme.CONTOUR_DASHES)]
    yield go.Scatterternary(
        **shared,
        line={"color": theme.INK, "width": 1.7, "dash": dash},
        name=f"{100 * region.mass:g} % of the mass",
        showlegend=first,
    )


def _joined(lines: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
    """Join paths into one, with a gap (nan) after each."""
    gap = np.full((1, 3), np.nan)
    parts = [part for line in lines for part in (line, gap)]
    return np.concatenate(parts or [gap]).astype(np.float32)


def _cells(counts: IntArray, most: int) -> Iterator[go.Scatterternary]:
    """Draw the cells, those of one colour as one trace."""
    corners = cell_corners(round(len(counts) ** 0.5))
    steps = np.ceil(_level(counts, most) * COUNT_STEPS).astype(int)
    for step in range(1, COUNT_STEPS + 1):
        mine = corners[(steps == step) & (counts > 0)]
        if len(mine):
            colour = _colour((step - 0.5) / COUNT_STEPS)
            yield go.Scatterternary(
                **_lean(_joined(list(mine[:, [0, 1, 2, 0]]))),
                mode="lines",
                fill="toself",
                fillcolor=colour,
                # A line of the same colour closes the hair-thin gaps between cells.
                line={"color": colour, "width": 0.6},
                cliponaxis=False,
                hoverinfo="skip",
                showlegend=False,
            )


def _level(counts: npt.NDArray[Any], most: int) -> FloatArray:
    level: FloatArray = np.log1p(counts) / np.log1p(most)
    return level


def _colour(level: float) -> str:
    from plotly.colors import sample_colorscale

    return str(sample_colorscale(list(theme.COUNT_SCALE), level)[0])


def _colour_bar(most: int, *, x: float) -> go.Scatterternary:
    ticks = [t for e in range(10) for t in (1 * 10**e, 3 * 10**e) if t < most / 3]
    ticks = [*(ticks if len(ticks) <= 7 else ticks[::2]), most]
    return go.Scatterternary(
        a=[None],
        b=[None],
        c=[None],
        mode="markers",
        showlegend=False,
        marker={
            "color": [0],
            "cmin": 0,
            "cmax": 1,
            "colorscale": list(theme.COUNT_SCALE),
            "showscale": True,
            "colorbar": {
                "title": {"text": "samples<br>in a cell", "font": {"size": 12}},
                "x": x,
                "xpad": 0,
                "tickvals": [float(_level(np.array(t), most)) for t in ticks],
                "ticktext": [f"{t:,}" for t in ticks],
                "thickness": 12,
                "len": 0.6,
                "outlinewidth": 0,
                "tickfont": {"size": 11},
            },
        },
    )
