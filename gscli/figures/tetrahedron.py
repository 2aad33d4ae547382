"""Samples of four categories in the simplex: a tetrahedron to be turned."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gscli.figures import theme
from gscli.figures.panels import FloatArray, Panel, marker_size_for, opacity_for, winners

# A regular tetrahedron with edges of length 1, its first vertex on top.
VERTICES = np.array(
    [
        [0, 0, np.sqrt(2 / 3)],
        [-1 / 2, -np.sqrt(3) / 6, 0],
        [1 / 2, -np.sqrt(3) / 6, 0],
        [0, np.sqrt(3) / 3, 0],
    ]
)


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
    domains = theme.grid(len(panels))
    width, height = theme.grid_size(len(panels))
    figure = go.Figure(layout=theme.layout(title, subtitle, width=width, height=height))
    for index, (panel, domain) in enumerate(zip(panels, domains, strict=True)):
        scene = "scene" if index == 0 else f"scene{index + 1}"
        figure.layout[scene] = {
            "domain": {"x": domain.x, "y": domain.y},
            "xaxis": {"visible": False, "range": [-0.8, 0.8]},
            "yaxis": {"visible": False, "range": [-0.6, 0.9]},
            "zaxis": {"visible": False, "range": [-0.3, 1.1]},
            "aspectmode": "manual",
            "aspectratio": {"x": 2.45, "y": 2.3, "z": 2.15},
            "camera": {
                "eye": {"x": 0.5, "y": -0.85, "z": 0.38},
                "center": {"x": 0, "y": 0, "z": 0},
                "projection": {"type": "orthographic"},
            },
            "annotations": _labels(names, probs, colours),
        }
        for trace in (_edges(), *_points(panel, names, colours, first=index == 0)):
            figure.add_trace(trace.update(scene=scene))
    figure.update_layout(annotations=theme.headings([p.heading for p in panels], domains))
    return figure


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
    texts = [f"<b>{theme.shorten(name)}</b>" for name in names]
    if probs is not None:
        texts = [f"{text}  p = {p:.3g}" for text, p in zip(texts, probs, strict=True)]
    return [
        {
            **dict(zip("xyz", centre + 1.15 * (vertex - centre), strict=True)),
            "text": text,
            "showarrow": False,
            "font": {"size": 15, "color": colours[k]},
            "bgcolor": "rgba(255, 255, 255, 0.7)",
        }
        for k, (vertex, text) in enumerate(zip(VERTICES, texts, strict=True))
    ]


def _points(
    panel: Panel, names: Sequence[str], colours: Sequence[str], *, first: bool
) -> list[go.Scatter3d]:
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
                f"{theme.shorten(other)} %{{customdata[{i}]:.4f}}" for i, other in enumerate(names)
            )
            + "<extra></extra>",
            name=f"rounds to {theme.shorten(name, 14)}",
            legendgroup=f"winner {k}",
            showlegend=first,
        )
        for k, name in enumerate(names)
    ]


def _trace(points: FloatArray, **options: object) -> go.Scatter3d:
    x, y, z = points.astype(np.float32).T
    return go.Scatter3d(x=x, y=y, z=z, **options)
