"""The look that all figures share: colours, type, titles, and where panels go."""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gscli.plotting.colours import readable

INK = "#1f2933"
MUTED = "#52606d"
GRID = "#d9dee4"
PAPER = "#ffffff"
BAND = "#e6ebf0"
"""Where a value is expected."""

FONT = "Inter, 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif"

TYPE_SIZE = 14
"""Pixels, of axis labels and headings."""

LEAST_PANEL = (185, 145)
"""Pixels: below them labels of the usual size meet."""

# Okabe and Ito (2008): seven colours that every kind of colour vision tells apart. A category has
# the same one in every figure and report.
CATEGORY_COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#8A7A00",
)  # fmt: skip

# The same hues on a dark page, where blue and olive would drown; as in the report's style.
DARK_CATEGORY_COLOURS = (
    "#3f97e6", "#f0ac1f", "#1fb98c", "#dd92ba", "#f07a2a", "#93d5ff", "#b8a62a",
)  # fmt: skip
DARK_PAPER = "#14181d"

# Counts: from paper to ink, so that it prints, and reads without colour.
COUNT_SCALE = (
    "#eef4f8", "#cfe1ec", "#a5c8dd", "#74a9cb", "#4387b5", "#1f659a", "#0d4677", "#072c50",
)  # fmt: skip

CONTOUR_DASHES = ("solid", "dash", "dot")

# Three entries in a row: those of the categories above those of the contours.
LEGEND_OF_THREES = {"entrywidth": 0.32, "entrywidthmode": "fraction"}


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


def text_colour(colour: str) -> str:
    """Return the colour that text about a mark of some colour has, dark enough for paper."""
    return readable(colour, PAPER)


def other_colours(palette: Sequence[str]) -> dict[str, str]:
    """Return what becomes of each colour of the categories, and of text, with another palette."""
    pairs = list(zip(CATEGORY_COLOURS, palette, strict=False))
    texts = {text_colour(old): text_colour(new) for old, new in pairs}
    return texts | {old.lower(): new for old, new in pairs}


def dark_colours(palette: Sequence[str] = ()) -> dict[str, str]:
    """Return what becomes of each colour on a dark page; those of a palette stay as they are."""
    grounds = {
        INK: "#e6ebf0",
        MUTED: "#a3b0bd",
        GRID: "#36414d",
        PAPER: DARK_PAPER,
        BAND: "#2a323b",
    }
    usual = zip(CATEGORY_COLOURS, DARK_CATEGORY_COLOURS, strict=True)
    marks = {old.lower(): new for old, new in usual} | {own: own for own in palette}
    texts = {text_colour(old): readable(new, DARK_PAPER) for old, new in marks.items()}
    return texts | marks | grounds


def escape(text: str) -> str:
    """Escape text: plotly reads its labels as a subset of HTML."""
    return html.escape(text, quote=False)


def in_template(text: str, length: int = 24) -> str:
    """Shorten a name for a hover template, in which plotly replaces what stands in %{...}.

    Examples
    --------
    >>> in_template("c%{a}")
    'c%&#123;a}'
    """
    return shorten(text, length).replace("%{", "%&#123;")


def shorten(text: str, length: int = 24) -> str:
    """Cut a long name, escaped afterwards."""
    return escape(text if len(text) <= length else text[: length - 1] + "…")


@dataclass(frozen=True, slots=True)
class Domain:
    """Where a panel lies, in fractions of the plotting area from its lower left corner."""

    x: tuple[float, float]
    y: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Margin:
    """Pixels around the plotting area: for titles, axis labels and the legend."""

    left: int = 50
    right: int = 50
    top: int = 118
    bottom: int = 120


@dataclass(frozen=True, slots=True)
class Grid:
    """Panels of one size in rows, and the figure around them, in pixels."""

    domains: Sequence[Domain]
    width: int
    height: int
    margin: Margin
    meta: Mapping[str, Any]
    """What `gscli.plotting.sizing` needs to lay them out anew."""


def grid(
    count: int,
    *,
    panel: tuple[int, int],
    gap: tuple[int, int],
    margin: Margin,
    columns: int | None = None,
    least: tuple[int, int] = LEAST_PANEL,
    ratio: float | None = None,
) -> Grid:
    """Lay out panels row by row from the top.

    Parameters
    ----------
    count : int
        Number of panels, >= 1.
    panel : tuple of int
        Width and height of one, in pixels.
    gap : tuple of int
        Pixels between two columns and between two rows.
    margin : Margin
        Around them.
    columns : int, optional
        Panels side by side; by default as many as look best.
    least : tuple of int
        Width and height below which a panel cannot be read.
    ratio : float, optional
        Height of a panel that is narrower, in its width; by default as of these.

    Returns
    -------
    Grid
        Their places, and the size of the figure.

    Examples
    --------
    >>> two = grid(2, panel=(200, 150), gap=(100, 80), margin=Margin(50, 50, 100, 60))
    >>> two.width, two.height, [domain.x for domain in two.domains]
    (600, 310, [(0.0, 0.4), (0.6, 1.0)])
    """
    columns = columns or {1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3, 9: 3}.get(count, 4)
    rows = math.ceil(count / columns)
    width = columns * (panel[0] + gap[0]) - gap[0] + margin.left + margin.right
    height = rows * (panel[1] + gap[1]) - gap[1] + margin.top + margin.bottom
    meta = {
        "count": count,
        "columns": columns,
        "panel": list(panel),
        "gap": list(gap),
        "ratio": ratio or panel[1] / panel[0],
        "least": [min(fraction, size) for fraction, size in zip(least, panel, strict=True)],
    }
    return Grid(domains(count, columns, panel, gap), width, height, margin, meta)


def domains(
    count: int, columns: int, panel: tuple[float, float], gap: tuple[float, float]
) -> list[Domain]:
    """Return the places of panels of one size, row by row from the top."""
    (wide, high), (across, down) = panel, gap
    plot_width = columns * (wide + across) - across
    plot_height = math.ceil(count / columns) * (high + down) - down

    def domain(index: int) -> Domain:
        row, column = divmod(index, columns)
        left, top = column * (wide + across), plot_height - row * (high + down)
        x = (left / plot_width, (left + wide) / plot_width)
        return Domain(x, ((top - high) / plot_height, top / plot_height))

    return [domain(index) for index in range(count)]


def layout(grid: Grid) -> dict[str, Any]:
    """Return the layout of a figure: its type and size."""
    margin = grid.margin
    return {
        "template": "none",
        "width": grid.width,
        "height": grid.height,
        "meta": dict(grid.meta),
        "font": {"family": FONT, "size": TYPE_SIZE, "color": INK},
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "margin": {"l": margin.left, "r": margin.right, "t": margin.top, "b": margin.bottom},
        "legend": {
            "orientation": "h",
            "x": 0.5,
            "xanchor": "center",
            "y": 8 / grid.height,
            "yref": "container",
            "yanchor": "bottom",
            "itemwidth": 36,
            "tracegroupgap": 0,
            "font": {"size": 12},
        },
        "hoverlabel": {"font": {"family": FONT}},
    }


def title(text: str, subtitle: str, height: float) -> dict[str, Any]:
    """Return a title and a subtitle above a figure of some height."""
    return {
        "text": f"<b>{text}</b>" if text else "",
        "subtitle": {"text": subtitle, "font": {"size": 13, "color": MUTED}},
        "x": 0.02,
        "xanchor": "left",
        "yref": "container",
        "y": 1 - 26 / height,
        "font": {"size": 18},
    }


def colour_bar(title: str, ticks: Mapping[Any, str], **options: Any) -> dict[str, Any]:
    """Return the scale of the colours of counts, its labels by their values."""
    return {
        "title": {"text": title, "font": {"size": 12}},
        "tickvals": list(ticks),
        "ticktext": list(ticks.values()),
        "thickness": 12,
        "outlinewidth": 0,
        "tickfont": {"size": 11},
        **options,
    }
