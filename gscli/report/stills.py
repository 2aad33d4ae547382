"""The page's figures as small SVG, for readers whose browser runs no script."""

import base64
import html
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gscli.arrays import FloatArray
from gscli.plotting import theme
from gscli.report.figures import BATCH_COLOURS

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 8, 42
"""Margins of a plot with axes."""

SIDE = 240
"""Of a triangle; 8 more on each side for what is drawn across its edges."""

MOST_POINTS, MOST_CORNERS = 60, 40
"""Of a trace, evenly chosen."""

DASHES = {"solid": "", "longdash": "10 4", "dash": "7 4", "dot": "2 3", "dashdot": "7 3 2 3"}
"""What plotly's names of dashes are in SVG."""


def css_colour(colour: str) -> str:
    """Return the page's variable for a colour of a figure: dark pages have others."""
    for name, colours in {"category": theme.CATEGORY_COLOURS, "batch": BATCH_COLOURS}.items():
        if colour in colours:
            return f"var(--{name}-{colours.index(colour)})"
    return "var(--muted)" if colour == theme.MUTED else "var(--ink)"


def still(figure: dict[str, Any]) -> str:
    """Return a figure as SVG.

    Parameters
    ----------
    figure : dict
        Of plotly, as it stands in the page: a triangle, or one plot with axes.
    """
    return _triangle(figure["data"]) if "ternary" in figure["layout"] else _plot(figure)


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    head = f'<svg class="still" viewBox="0 0 {width:g} {height:g}" aria-hidden="true">'
    return f"{head}{''.join(parts)}</svg>"


def _values(values: Any) -> FloatArray:
    """Return a trace's numbers, which plotly may have encoded."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).astype(float)
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _trace(trace: dict[str, Any], x: FloatArray, y: FloatArray) -> str:
    if trace.get("fill"):  # of a region, whose edge is a line of its own
        return ""
    lines = "lines" in trace["mode"]
    most = MOST_CORNERS if lines else MOST_POINTS
    chosen = np.linspace(0, len(x) - 1, min(most, len(x))).round().astype(int)
    gaps = np.flatnonzero(~np.isfinite(x + y))  # between the pieces of a line
    chosen = np.unique(np.concatenate([chosen, gaps, gaps - 1, gaps + 1]).clip(0, len(x) - 1))
    pieces: list[list[str]] = [[]]
    for i in chosen.tolist():
        if np.isfinite(x[i] + y[i]):
            pieces[-1].append(f"{x[i]:.0f} {y[i]:.0f}")
        else:
            pieces.append([])
    pieces = [piece for piece in pieces if piece]
    if not lines:
        # A stroke of no length with round ends is a dot.
        dots = "".join(f"M{point}h0" for piece in pieces for point in piece)
        return _path(dots, trace["marker"]["color"], 4) if dots else ""
    path = "".join("M" + "L".join(piece) for piece in pieces)
    line = trace["line"]
    return _path(path, line["color"], 1.8, DASHES[line.get("dash", "solid")])


def _path(path: str, colour: str, width: float, dash: str = "") -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    style = f"stroke:{css_colour(colour)}"
    return f'<path d="{path}" style="{style}" stroke-width="{width}"{dashes}/>'


def _triangle(traces: Sequence[dict[str, Any]]) -> str:
    high = SIDE * math.sqrt(3) / 2
    edge = f"M8 {8 + high:.0f}h{SIDE}L{8 + SIDE / 2:.0f} 8Z"
    parts = [_path(edge, theme.MUTED, 1)]
    for trace in traces:
        a, b = _values(trace["a"]), _values(trace["b"])
        parts.append(_trace(trace, 8 + SIDE * (1 - b - a / 2), 8 + high * (1 - a)))
    return _svg(SIDE + 16, high + 16, parts)


def _plot(figure: dict[str, Any]) -> str:
    layout = figure["layout"]
    traces = [
        {**trace, "x": _values(trace["x"]), "y": _values(trace["y"])} for trace in figure["data"]
    ]
    x_axis, y_axis = layout["xaxis"], layout["yaxis"]
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    x = _Scale(x_axis, [each["x"] for each in traces], LEFT, right)
    y = _Scale(y_axis, [each["y"] for each in traces], bottom, TOP)
    parts = [f'<path d="M{LEFT} {TOP}V{bottom}H{right}" style="stroke:var(--muted)"/>']
    for value, text in x.ticks():
        parts.append(_text(x(value), bottom + 16, text))
    for value, text in y.ticks():
        parts.append(_text(LEFT - 6, y(value) + 4, text, "end"))
    parts.append(_text((LEFT + right) / 2, HEIGHT - 8, x_axis["title"]["text"]))
    for trace in traces:
        at, up = x(trace["x"]), np.clip(y(trace["y"]), TOP, bottom)
        if trace["type"] == "bar":
            base = f"M{{:.0f}} {bottom:.0f}V{{:.0f}}"
            bars = "".join(base.format(*pair) for pair in zip(at, up, strict=True))
            parts.append(_path(bars, theme.CATEGORY_COLOURS[5], 10))
        else:
            parts.append(_trace(trace, at, up))
    for shape in layout.get("shapes", ()):
        if shape["type"] == "line":
            upright = f"M{x(np.array(shape['x0'])):.0f} {TOP}V{bottom}"
            parts.append(_path(upright, theme.MUTED, 1, "5 4"))
    return _svg(WIDTH, HEIGHT, parts)


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{html.escape(text)}</text>'


class _Scale:
    """From values of an axis to pixels."""

    def __init__(
        self, axis: dict[str, Any], values: Sequence[FloatArray], first: float, last: float
    ) -> None:
        self._log = axis.get("type") == "log"
        self._ticks = list(zip(axis.get("tickvals", ()), axis.get("ticktext", ()), strict=False))
        known = np.concatenate([self._raised(each[np.isfinite(each)]) for each in values])
        low, high = axis.get("range") or (known.min(), known.max())
        if axis.get("rangemode") == "tozero" and not self._log:
            low = min(low, 0.0)
        self._low, self._high = low, high if high > low else low + 1
        self._first, self._last = first, last

    def _raised(self, values: FloatArray) -> FloatArray:
        if not self._log:
            return values
        return np.log10(np.maximum(values, 1e-300))

    def __call__(self, values: Any) -> Any:
        part = (self._raised(np.asarray(values, dtype=float)) - self._low) / (
            self._high - self._low
        )
        return self._first + part * (self._last - self._first)

    def ticks(self) -> list[tuple[float, str]]:
        """Return values and texts: those of the figure, or some four of round numbers."""
        if self._ticks:
            return self._ticks
        if self._log:
            powers = range(math.ceil(self._low), math.floor(self._high) + 1)
            return [(10.0**power, f"1e{power}") for power in powers]
        step = 10.0 ** math.floor(math.log10((self._high - self._low) / 2))
        while (self._high - self._low) / step > 5:
            step *= 2
        first, last = math.ceil(self._low / step), math.floor(self._high / step)
        return [(i * step, f"{i * step:.4g}") for i in range(first, last + 1)]
