"""Plots of samples in a terminal: text with colour, or shades where there is none."""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from rich.style import Style
from rich.text import Text

from gscli.arrays import FloatArray, IntArray
from gscli.plotting.binning import cell_of

# Viridis in nine steps: reads the same to colour-blind eyes, and, painted on both halves of a
# character, the same on dark and on light terminals.
SCALE = (
    "#440154", "#482878", "#3e4a89", "#31688e", "#26828e",
    "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725",
)  # fmt: skip
SHADES = "·░▒▓█"
ASCII_SHADES = ".:+#@"
BAR, ASCII_BAR = "━", "="
COLUMNS, ASCII_COLUMNS = " ▁▂▃▄▅▆▇█", " .:|"
HISTOGRAM_LINES = 10

UPPER, LOWER = "▀", "▄"
SQRT3 = 3**0.5


def resolution_for(width: int) -> int:
    """Return the rows of lattice cells that suit a triangle so many characters wide."""
    return max(4, round(width * SQRT3 / 4))


def width_for(lines: int) -> int:
    """Return the width of a triangle that is so many lines high.

    Examples
    --------
    >>> width_for(18)
    42
    """
    return math.ceil(4 * lines / SQRT3)


def density_triangle(
    counts: IntArray, labels: Sequence[str], *, width: int, colour: bool, unicode: bool = True
) -> Text:
    """Draw the density of samples over the simplex of three categories.

    Parameters
    ----------
    counts : ndarray of int, shape (resolution**2,)
        Samples in each cell of the lattice; see `gscli.plotting.binning`.
    labels : sequence of three str
        Of the corners: top, left, right.
    width : int
        Of the triangle's base, in characters.
    colour : bool
        Whether colours may be used; shades of text otherwise.
    unicode : bool
        Whether characters beyond ASCII may be used.

    Returns
    -------
    rich.text.Text
        Lines of at most `width` characters.
    """
    height = 2 * round(width * SQRT3 / 4)
    levels = _pixels(counts, width, height)
    top, left, right = labels
    clip = partial(_clip, ending="…" if unicode else "~")
    text = Text(clip(top, width).center(width).rstrip() + "\n")
    for upper, lower in zip(levels[::2], levels[1::2], strict=True):
        line = _coloured(upper, lower) if colour and unicode else _shaded(upper, lower, unicode)
        line.rstrip()
        text.append_text(line).append("\n")
    room = width // 2 - 1
    left, right = clip(left, room), clip(right, room)
    return text.append(left + right.rjust(width - len(left)))


def bars(
    labels: Sequence[str], shares: Sequence[float], *, width: int, unicode: bool = True
) -> Text:
    """Draw shares between 0 and 1 as bars, one a line, the largest filling the width."""
    mark = BAR if unicode else ASCII_BAR
    widest = max(len(label) for label in labels)
    room = max(4, width - widest - 8)
    text = Text()
    for label, share in zip(labels, shares, strict=True):
        filled = round(room * share / max(max(shares), 1e-300))
        text.append(f"{label:>{widest}} ")
        text.append(mark * filled, Style(color="cyan")).append(f" {share:.3f}\n")
    text.rstrip()
    return text


def histogram(
    counts: IntArray, label: str, *, width: int, lines: int = HISTOGRAM_LINES, unicode: bool = True
) -> Text:
    """Draw counts in equal bins of [0, 1] as columns over an axis.

    Parameters
    ----------
    counts : ndarray of int, shape (bins,)
        Joined so that there is a column for each of so many bins as fit.
    label : str
        Of the axis.
    width, lines : int
        In characters, without the axis.
    unicode : bool
        Whether characters beyond ASCII may be used.

    Examples
    --------
    >>> print(histogram(np.array([9, 0, 3, 0]), "x", width=4, lines=2, unicode=False))
    |
    | :
    0x 1
    """
    marks = COLUMNS if unicode else ASCII_COLUMNS
    group = -(-len(counts) // width)
    joined = np.add.reduceat(counts, np.arange(0, len(counts), group))
    steps = len(marks) - 1
    heights = np.ceil(joined / max(1, joined.max()) * lines * steps).astype(int)
    text = Text()
    for line in range(lines - 1, -1, -1):
        filled = np.clip(heights - line * steps, 0, steps)
        shown = "".join(marks[step] for step in filled).rstrip()
        text.append(shown, Style(color="cyan")).append("\n")
    middle = _clip(label, max(1, len(joined) - 4), ending="…" if unicode else "~")
    return text.append("0" + middle.center(len(joined) - 2) + "1")


def scale(most: int, *, colour: bool, unicode: bool = True) -> Text:
    """Return a line that says what the shades of a triangle mean: samples in a cell.

    Examples
    --------
    >>> print(scale(1234, colour=False))
    samples in a cell: 0 · 1 ░▒▓█ 1,234
    """
    text = Text("samples in a cell: 0 ")
    if colour and unicode:
        text.append("█", Style(color=SCALE[0])).append(" 1 ")
        for shade in SCALE[1:]:
            text.append("█", Style(color=shade))
    else:
        shades = SHADES if unicode else ASCII_SHADES
        text.append(f"{shades[0]} 1 {shades[1:]}")
    return text.append(f" {most:,}")


def _pixels(counts: IntArray, width: int, height: int) -> FloatArray:
    """Return the level, 0 to 1, at each pixel of a raster; nan outside the triangle."""
    depth = (np.arange(height)[:, None] + 0.5) / height
    across = (np.arange(width) + 0.5 - width / 2) / (width / 2)
    inside = np.abs(across) <= depth
    points = np.stack(
        np.broadcast_arrays(1 - depth, (depth - across) / 2, (depth + across) / 2), axis=-1
    )
    resolution = round(len(counts) ** 0.5)
    # The logarithm keeps thin regions visible beside a dense corner.
    levels = np.log1p(counts) / np.log1p(max(1, counts.max()))
    return np.where(inside, levels[cell_of(np.clip(points, 0, 1), resolution)], np.nan)


def _coloured(upper: FloatArray, lower: FloatArray) -> Text:
    line = Text()
    for above, below in zip(upper, lower, strict=True):
        if np.isnan(above) and np.isnan(below):
            line.append(" ")
        elif np.isnan(above):
            line.append(LOWER, Style(color=_colour(below)))
        else:
            line.append(UPPER, Style(color=_colour(above), bgcolor=_colour(below)))
    return line


def _shaded(upper: FloatArray, lower: FloatArray, unicode: bool) -> Text:
    shades = SHADES if unicode else ASCII_SHADES
    inside = ~np.isnan(upper) | ~np.isnan(lower)
    level = np.fmax(upper, lower)
    return Text(
        "".join(
            shades[_step(value, len(shades))] if shown else " "
            for value, shown in zip(level, inside, strict=True)
        )
    )


def _colour(level: float) -> str | None:
    return None if np.isnan(level) else SCALE[_step(level, len(SCALE))]


def _step(level: float, steps: int) -> int:
    # Step 0 is for an empty cell alone.
    return 0 if level == 0 else min(1 + int(level * (steps - 1)), steps - 1)


def _clip(label: str, room: int, *, ending: str) -> str:
    return label if len(label) <= room else label[: room - 1] + ending
