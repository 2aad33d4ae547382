"""Samples of four categories in the simplex: a tetrahedron to be turned."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gscli.arrays import FloatArray
from gscli.plotting import theme
from gscli.plotting.panels import Categories, Panel, add_traces, empty_figure, numbered
from gscli.plotting.traces import hover_values, joined, legend_entries, samples

# A regular tetrahedron with edges of length 1, its first vertex on top.
VERTICES = np.array(
    [
        [0, 0, np.sqrt(2 / 3)],
        [-1 / 2, -np.sqrt(3) / 6, 0],
        [1 / 2, -np.sqrt(3) / 6, 0],
        [0, np.sqrt(3) / 3, 0],
    ]
)

# About the middle of what the camera sees, not about the centre of mass; labels lie inside.
RANGES = {"x": (-1.02, 0.78), "y": (-0.97, 0.83), "z": (-0.33, 1.07)}
ZOOM = 1.4

ANCHORS = ("center", "center", "center", "left")
"""Of the labels: that of the rearmost vertex begins beside the points, not in front of them."""

LABEL_REACH = 1.4
"""How far labels lie from the centre, in its distance from a vertex; beyond the ranges, a label
vanishes."""


def tetrahedron_panels(panels: Sequence[Panel], categories: Categories) -> go.Figure:
    """Draw tetrahedra side by side, seen from the same side.

    Parameters
    ----------
    panels : sequence of Panel
        At least one, with points of shape (m, 4).
    categories : Categories
        Four of them: top, then around the base.

    Returns
    -------
    plotly.graph_objects.Figure
        Of the size that suits the number of panels.
    """
    small = len(panels) > 1
    size, gap, top = ((330, 280), (20, 50), 130) if small else ((680, 500), (0, 0), 80)
    grid = theme.grid(len(panels), panel=size, gap=gap, margin=theme.Margin(10, 10, top, 60))
    figure = empty_figure(panels, grid)
    add_traces(figure, 0, legend_entries(go.Scatter3d, "xyz", categories), scene="scene")
    for index, (panel, domain) in enumerate(zip(panels, grid.domains, strict=True)):
        figure.layout[numbered("scene", index)] = _scene(categories, domain, small=small)
        add_traces(figure, index, _traces(panel, categories), scene="scene")
    return figure


def _scene(categories: Categories, domain: theme.Domain, *, small: bool) -> dict[str, Any]:
    centre = VERTICES.mean(axis=0)
    places = centre + LABEL_REACH * (VERTICES - centre)
    texts = categories.labels(14, ["<br>"] * 4)
    labels = zip(places, texts, categories.colours, ANCHORS, strict=True)
    return {
        "domain": {"x": domain.x, "y": domain.y},
        **{f"{axis}axis": {"visible": False, "range": RANGES[axis]} for axis in "xyz"},
        "aspectmode": "manual",
        "aspectratio": {axis: ZOOM * (high - low) for axis, (low, high) in RANGES.items()},
        "camera": {
            "eye": {"x": 0.5, "y": -0.85, "z": 0.38},
            "center": {"x": 0, "y": 0, "z": 0},
            "projection": {"type": "orthographic"},
        },
        "annotations": [
            {
                **dict(zip("xyz", place, strict=True)),
                "text": text,
                "showarrow": False,
                "xanchor": anchor,
                "font": {"size": 12 if small else 14, "color": theme.text_colour(colour)},
            }
            for place, text, colour, anchor in labels
        ],
    }


def _traces(panel: Panel, categories: Categories) -> Iterator[go.Scatter3d]:
    edges = joined(VERTICES[list(pair)] for pair in combinations(range(4), 2))
    line = {"color": theme.MUTED, "width": 3}
    yield _trace(edges, mode="lines", line=line, hoverinfo="skip", showlegend=False)
    if panel.points is not None:
        hover = hover_values(categories.names, (f"customdata[{k}]" for k in range(4)))
        yield from samples(panel.points, categories, _markers, hover=hover, size=0.6)


def _markers(points: FloatArray, **options: Any) -> go.Scatter3d:
    return _trace(points @ VERTICES, customdata=points.astype(np.float32), **options)


def _trace(places: FloatArray, **options: Any) -> go.Scatter3d:
    x, y, z = places.astype(np.float32).T
    return go.Scatter3d(x=x, y=y, z=z, **options)
