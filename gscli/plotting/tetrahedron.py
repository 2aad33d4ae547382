"""Samples of four categories in the simplex: a tetrahedron to be turned."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gscli.arrays import FloatArray
from gscli.plotting import theme
from gscli.plotting.panels import (
    Panel,
    legend_keys,
    marker_size_for,
    opacity_for,
    winner_group,
    winners,
)

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

LABEL_REACH = 1.4
"""How far labels lie from the centre, in its distance from a vertex."""


def tetrahedron_panels(
    panels: Sequence[Panel],
    *,
    names: Sequence[str],
    positions: Sequence[int] = (0, 1, 2, 3),
    probs: Sequence[float] | None = None,
    title: str = "",
    subtitle: str = "",
) -> go.Figure:
    """Draw tetrahedra side by side, seen from the same side.

    Parameters
    ----------
    panels : sequence of Panel
        At least one, with points of shape (m, 4).
    names : sequence of four str
        The categories' names: top, then around the base.
    positions : sequence of four int
        Their positions among all K categories, which give them their colours.
    probs : sequence of four float, optional
        The categories' probabilities, for the labels.
    title, subtitle : str
        Shown above.

    Returns
    -------
    plotly.graph_objects.Figure
        Of the size that suits the number of panels.
    """
    colours = theme.category_colours(positions)
    grid = _grid(len(panels))
    figure = go.Figure(layout=theme.layout(title, subtitle, grid))
    for key in legend_keys(go.Scatter3d, "xyz", names, colours):
        figure.add_trace(key.update(scene="scene"))
    for index, (panel, domain) in enumerate(zip(panels, grid.domains, strict=True)):
        scene = "scene" if index == 0 else f"scene{index + 1}"
        figure.layout[scene] = {
            "domain": {"x": domain.x, "y": domain.y},
            **{f"{axis}axis": {"visible": False, "range": RANGES[axis]} for axis in "xyz"},
            "aspectmode": "manual",
            "aspectratio": {axis: ZOOM * (high - low) for axis, (low, high) in RANGES.items()},
            "camera": {
                "eye": {"x": 0.5, "y": -0.85, "z": 0.38},
                "center": {"x": 0, "y": 0, "z": 0},
                "projection": {"type": "orthographic"},
            },
            "annotations": _labels(names, probs, colours),
        }
        for trace in (_edges(), *_points(panel, names, colours)):
            figure.add_trace(trace.update(scene=scene))
    figure.update_layout(annotations=theme.headings([p.heading for p in panels], grid.domains))
    return figure


def _grid(count: int) -> theme.Grid:
    if count == 1:
        return theme.grid(1, panel=(680, 500), gap=(0, 0), margin=theme.Margin(10, 10, 80, 60))
    return theme.grid(count, panel=(330, 280), gap=(20, 50), margin=theme.Margin(10, 10, 130, 60))


def _edges() -> go.Scatter3d:
    gap = np.full(3, np.nan)
    path = np.array([p for i, j in combinations(range(4), 2) for p in (*VERTICES[[i, j]], gap)])
    return _trace(
        path, mode="lines", line={"color": theme.MUTED, "width": 3}, hoverinfo="skip",
        showlegend=False,
    )  # fmt: skip


def _labels(
    names: Sequence[str], probs: Sequence[float] | None, colours: Sequence[str]
) -> list[dict[str, Any]]:
    centre = VERTICES.mean(axis=0)
    texts = [f"<b>{theme.shorten(name, 14)}</b>" for name in names]
    if probs is not None:
        texts = [f"{text}<br>p = {p:.3g}" for text, p in zip(texts, probs, strict=True)]
    return [
        {
            **dict(zip("xyz", centre + LABEL_REACH * (vertex - centre), strict=True)),
            "text": text,
            "showarrow": False,
            "font": {"size": 14, "color": colours[k]},
        }
        for k, (vertex, text) in enumerate(zip(VERTICES, texts, strict=True))
    ]


def _points(panel: Panel, names: Sequence[str], colours: Sequence[str]) -> list[go.Scatter3d]:
    points = np.empty((0, 4)) if panel.points is None else panel.points
    won = winners(points) if len(points) else np.empty(0, dtype=np.int64)
    return [
        _trace(
            points[won == k] @ VERTICES,
            mode="markers",
            marker={
                "size": marker_size_for(len(points)) * 0.6,
                "color": colours[k],
                "opacity": opacity_for(len(points)),
                "line": {"width": 0},
            },
            customdata=points[won == k].astype(np.float32),
            hovertemplate="<br>".join(
                f"{theme.in_template(other)} %{{customdata[{i}]:.4f}}"
                for i, other in enumerate(names)
            )
            + "<extra></extra>",
            legendgroup=winner_group(k),
            showlegend=False,
        )
        for k in range(len(names))
    ]


def _trace(points: FloatArray, **options: object) -> go.Scatter3d:
    x, y, z = points.astype(np.float32).T
    return go.Scatter3d(x=x, y=y, z=z, **options)
