"""The look that all figures share: colours, type, titles, and where panels go."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

INK = "#1f2933"
MUTED = "#52606d"
GRID = "#d9dee4"
PAPER = "#ffffff"
FONT = "Inter, 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif"

# Okabe and Ito (2008): seven colours that every kind of colour vision tells apart. A category has
# the same one in every figure and report.
CATEGORY_COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#8A7A00",
)  # fmt: skip

# Counts: from paper to ink, so that it prints, and reads without colour.
COUNT_SCALE = (
    "#eef4f8",
    "#cfe1ec",
    "#a5c8dd",
    "#74a9cb",
    "#4387b5",
    "#1f659a",
    "#0d4677",
    "#072c50",
)

CONTOUR_DASHES = ("solid", "dash", "dot")


def category_colours(positions: Sequence[int]) -> tuple[str, ...]:
    """Return the colours of categories, given their positions among all K.

    Where two of them would have the same one, they are coloured by their order instead.

    Examples
    --------
    >>> category_colours([0, 2]), category_colours([0, 7]) == category_colours([0, 1])
    (('#0072B2', '#009E73'), True)
    """
    count = len(CATEGORY_COLOURS)
    colours = tuple(CATEGORY_COLOURS[k % count] for k in positions)
    if len(set(colours)) < len(colours):
        return tuple(CATEGORY_COLOURS[i % count] for i in range(len(colours)))
    return colours


def escape(text: str) -> str:
    """Make text safe to show: plotly reads its labels as a small HTML."""
    return html.escape(text, quote=False)


def shorten(text: str, length: int = 24) -> str:
    """Cut a long name, escaped afterwards."""
    return escape(text if len(text) <= length else text[: length - 1] + "…")


def layout(title: str, subtitle: str, *, width: int, height: int) -> dict[str, Any]:
    """Return the layout of a figure: its titles, type and size in pixels."""
    return {
        "template": "none",
        "width": width,
        "height": height,
        "font": {"family": FONT, "size": 14, "color": INK},
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "title": {
            "text": f"<b>{title}</b>",
            "subtitle": {"text": subtitle, "font": {"size": 13, "color": MUTED}},
            "x": 0.02,
            "xanchor": "left",
            "yref": "container",
            "y": 1 - 26 / height,
            "font": {"size": 18},
        },
        "margin": {"l": 50, "r": 50, "t": 118, "b": 120},
        "legend": {
            "orientation": "h",
            "x": 0.5,
            "xanchor": "center",
            "y": 0,
            "yref": "container",
            "yanchor": "bottom",
            "itemsizing": "constant",
            "font": {"size": 12},
        },
        "hoverlabel": {"font": {"family": FONT}},
    }


@dataclass(frozen=True, slots=True)
class Domain:
    """Where a panel lies, in fractions of the plotting area from its lower left corner."""

    x: tuple[float, float]
    y: tuple[float, float]


def columns_for(count: int) -> int:
    """Return the number of columns in which so many panels look best."""
    return {1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3, 9: 3}.get(count, 4)


def grid(
    count: int, *, gap_x: float = 0.06, gap_y: float = 0.14, columns: int | None = None
) -> list[Domain]:
    """Return the places of panels, row by row from the top."""
    columns = columns or columns_for(count)
    rows = math.ceil(count / columns)
    wide = (1 - gap_x * (columns - 1)) / columns
    high = (1 - gap_y * (rows - 0.4)) / rows if count > 1 else 1
    places = []
    for index in range(count):
        row, column = divmod(index, columns)
        left = column * (wide + gap_x)
        top = 1 - row * (high + gap_y) - (gap_y * 0.6 if count > 1 else 0)
        places.append(Domain((left, min(1, left + wide)), (max(0, top - high), top)))
    return places


def grid_size(count: int, *, panel: int = 330, single: tuple[int, int] = (700, 640)) -> Any:
    """Return the width and height, in pixels, of a figure of so many panels."""
    if count == 1:
        return single
    columns = columns_for(count)
    rows = math.ceil(count / columns)
    return max(700, columns * panel + 60), rows * (panel + 10) + 200


def headings(texts: Sequence[str], domains: Sequence[Domain]) -> list[dict[str, Any]]:
    """Return the panels' titles as annotations; none for a single panel."""
    if len(texts) == 1:
        return []
    return [
        {
            "text": text,
            "showarrow": False,
            "x": sum(domain.x) / 2,
            "y": domain.y[1],
            "yshift": 22,
            "xref": "paper",
            "yref": "paper",
            "xanchor": "center",
            "yanchor": "bottom",
            "font": {"size": 14},
        }
        for text, domain in zip(texts, domains, strict=True)
    ]
