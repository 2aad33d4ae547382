"""What a panel of a figure shows, at one temperature."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gscli.arrays import FloatArray, IntArray
from gscli.distribution.regions import Region
from gscli.plotting import theme


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
    means : ndarray of shape (K,), or None
        Exact means.
    """

    heading: str = ""
    points: FloatArray | None = None
    counts: IntArray | None = None
    edges: FloatArray | None = None
    regions: Sequence[Region] = field(default=())
    curve: tuple[FloatArray, FloatArray] | None = None
    means: FloatArray | None = None


def winners(points: FloatArray) -> IntArray:
    """Return the category to which each sample rounds, shape (m,)."""
    return np.asarray(points.argmax(axis=-1))


def legend_keys(
    trace: Any, axes: str, names: Sequence[str], colours: Sequence[str]
) -> Iterator[Any]:
    """Yield the legend's entries for samples: the samples' own markers are too small and pale.

    Parameters
    ----------
    trace : type
        Class of the traces that draw the samples, each in the legend group `winner_group(k)`.
    axes : str
        The letters of its coordinates.
    names, colours : sequence of str
        Of the categories.

    Yields
    ------
    trace
        Empty but for its entry.
    """
    for k, (name, colour) in enumerate(zip(names, colours, strict=True)):
        yield trace(
            **{letter: [None] for letter in axes},
            mode="markers",
            marker={"size": 9, "color": colour},
            name=f"rounds to {theme.shorten(name, 14)}",
            legendgroup=winner_group(k),
            showlegend=True,
        )


def winner_group(k: int) -> str:
    """Return the legend group of the samples that round to a category."""
    return f"winner {k}"


def opacity_for(n: int) -> float:
    """Return an opacity at which n overlapping points still show where they are dense."""
    return float(np.clip(12 / max(n, 1) ** 0.4, 0.12, 0.9))


def marker_size_for(n: int) -> float:
    """Return a marker's size in pixels that suits n points."""
    return float(np.clip(14 / max(n, 1) ** 0.15, 3, 7))
