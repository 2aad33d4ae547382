"""Samples and contours as traces, for every kind of figure that shows points."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from gscli.arrays import FloatArray
from gscli.plotting import theme
from gscli.plotting.panels import Categories, Panel


def samples(
    points: FloatArray,
    categories: Categories,
    place: Callable[..., Any],
    *,
    hover: str,
    density: float = 1,
    size: float = 1,
) -> Iterator[Any]:
    """Yield a trace for each category: the samples that round to it, in its colour.

    Parameters
    ----------
    points : ndarray of shape (m, K)
        Samples, or their logarithms.
    categories : Categories
        The K categories.
    place : callable
        Returns a trace at the coordinates of some of the points, with the options given to it.
    hover : str
        What a point says, in plotly's template language.
    density : float
        How many times denser than usual the points are, on a smaller area.
    size : float
        Factor of the markers' size.
    """
    argmax_category = points.argmax(axis=-1)
    n = max(1, len(points)) * density
    for k, colour in enumerate(categories.colours):
        yield place(
            points[argmax_category == k],
            mode="markers",
            marker={
                "size": size * float(np.clip(14 / n**0.15, 3, 7)),
                "color": colour,
                # So that many overlapping ones still show where they are dense.
                "opacity": float(np.clip(12 / n**0.4, 0.12, 0.9)),
                "line": {"width": 0},
            },
            legendgroup=f"category {k}",
            showlegend=False,
            hovertemplate=f"{hover}<extra></extra>",
        )


def legend_entries(trace: Any, axes: str, categories: Categories) -> Iterator[Any]:
    """Yield the legend's entries for samples, whose own markers are too small and pale.

    Parameters
    ----------
    trace : type
        Class of the traces that draw the samples.
    axes : str
        The letters of its coordinates.
    categories : Categories
        An entry for each.
    """
    for k, (name, colour) in enumerate(zip(categories.names, categories.colours, strict=True)):
        yield trace(
            **{letter: [None] for letter in axes},
            mode="markers",
            marker={"size": 9, "color": colour},
            name=f"rounds to {theme.shorten(name, 14)}",
            legendgroup=f"category {k}",
            legendrank=1,  # above the contours
            showlegend=True,
        )


def hover_values(names: Sequence[str], fields: Iterable[str]) -> str:
    """Return a hover template of a line for each category: its name and the value of a field."""
    pairs = zip(names, fields, strict=True)
    return "<br>".join(f"{theme.in_template(name)} %{{{field}:.4f}}" for name, field in pairs)


def contours(panel: Panel, place: Callable[..., Any]) -> Iterator[Any]:
    """Yield the lines around regions; over counts, each has a halo that keeps it readable.

    Parameters
    ----------
    panel : Panel
        Each of its regions has its own dashes.
    place : callable
        Returns a trace along the lines of a region, with the options given to it.
    """
    for index, region in enumerate(panel.regions):
        shared = {"mode": "lines", "hoverinfo": "skip", "legendgroup": f"region {index}"}
        if panel.counts is not None:  # a halo would hide points
            halo = {"color": theme.PAPER, "width": 4}
            yield place(region.lines, **shared, line=halo, opacity=0.8, showlegend=False)
        dash = theme.CONTOUR_DASHES[index % len(theme.CONTOUR_DASHES)]
        line = {"color": theme.INK, "width": 1.7, "dash": dash}
        name = f"{100 * region.mass:g} % of the mass"
        if panel.observed:
            name = f"{100 * region.mass:g} % of mass; file {100 * panel.observed[index]:.3g} %"
        yield place(region.lines, **shared, line=line, name=name, showlegend=True)


def simplified(line: FloatArray, tolerance: float) -> FloatArray:
    """Return a line with fewer points, nowhere further than a tolerance from the line itself.

    It keeps corners, which points at even distances do not (Douglas and Peucker 1973).

    Examples
    --------
    >>> corner = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [2, 1, 0], [2, 2, 0]], dtype=float)
    >>> simplified(corner, 0.01).tolist()
    [[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [2.0, 2.0, 0.0]]
    """
    kept = np.zeros(len(line), dtype=bool)
    kept[[0, -1]] = True
    parts = [(0, len(line) - 1)]
    while parts:
        first, last = parts.pop()
        if last - first < 2:
            continue
        way, along = line[first + 1 : last] - line[first], line[last] - line[first]
        share = way @ along / max(float(along @ along), 1e-300)
        way -= np.minimum(np.maximum(share, 0), 1)[:, None] * along
        square = np.einsum("ij,ij->i", way, way)
        most = int(square.argmax())
        if square[most] > tolerance**2:
            furthest = first + 1 + most
            kept[furthest] = True
            parts += [(first, furthest), (furthest, last)]
    drawn: FloatArray = line[kept]
    return drawn


def joined(lines: Iterable[FloatArray]) -> FloatArray:
    """Join lines of points with three coordinates into one, with a gap (nan) after each."""
    gap = np.full((1, 3), np.nan)
    return np.concatenate([part for line in lines for part in (line, gap)] or [gap])
