"""Lines over temperature, with dots from samples on them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import plotly.graph_objects as go

from gscli.plotting import theme
from gscli.plotting.cartesian import cartesian
from gscli.plotting.panels import Panel, titled

LABEL_HEIGHT = 17
"""Pixels that the name of an upright line takes above the plot."""

MOST_TICKS = 9
"""Labels for which a narrow screen has room."""

AROUND = 3.0
"""Factor to either side of a single temperature that its axis shows."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line over temperature.

    Attributes
    ----------
    name : str
        What it shows.
    temperatures, values : sequence of float
        Of the line.
    dots : sequence of (temperature, value, standard error)
        Estimates from samples.
    colour : str
        Of the line and its dots.
    level : float or None
        A value to compare with, drawn dotted in the same colour.
    """

    name: str
    temperatures: Sequence[float]
    values: Sequence[float]
    dots: Sequence[tuple[float, float, float]] = ()
    colour: str = theme.CATEGORY_COLOURS[0]
    level: float | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A temperature worth a mark: a rule of thumb, or the best one; hollow if not advised."""

    name: str
    temperature: float
    value: float | None = None
    colour: str = theme.MUTED
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """What the y axis shows, and how."""

    label: str
    options: dict[str, Any] = field(default_factory=dict)


def curves(
    lines: Sequence[Line],
    axis: Axis,
    *,
    marks: Sequence[Mark] = (),
    title: str = "",
    subtitle: str = "",
) -> go.Figure:
    """Draw lines over temperature on a logarithmic axis.

    Parameters
    ----------
    lines : sequence of Line
        What to draw; of a single temperature, rings.
    axis : Axis
        The y axis.
    marks : sequence of Mark
        Temperatures to mark: a dashed upright line, or a diamond where a value is given.
    title, subtitle : str
        Shown above.

    Returns
    -------
    plotly.graph_objects.Figure
        700 x 460 pixels.
    """
    figure = cartesian(
        [Panel()],
        x={"title": {"text": "temperature"}, "type": "log", **_temperature_axis(lines)},
        y={"title": {"text": axis.label}, **axis.options},
        single=(700, 460),
    )
    for line in lines:
        _draw(figure, line)
    for row, mark in enumerate(mark for mark in marks if mark.value is None):
        _upright(figure, mark, row)
    for mark in marks:
        if mark.value is not None:
            _diamond(figure, mark, mark.value)
    return titled(figure, title, subtitle)


def _temperature_axis(lines: Sequence[Line]) -> dict[str, Any]:
    temperatures = [t for line in lines for t in line.temperatures]
    low, high = min(temperatures), max(temperatures)
    values = ticks(low, high)
    # Spelled out: plotly labels what lies between 0.01 and 0.1 as a bare "2" and "5".
    texts = [f"{value:.3g}" if value < 1000 else f"{value:,.0f}" for value in values]
    axis: dict[str, Any] = {"tickvals": values, "ticktext": texts}
    if low == high:
        axis["range"] = [math.log10(low / AROUND), math.log10(high * AROUND)]
    return axis


def ticks(low: float, high: float) -> list[float]:
    """Return round temperatures to label between two, or those two where none lie between.

    Examples
    --------
    >>> ticks(0.05, 10)
    [0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]
    >>> ticks(0.02, 1000), ticks(0.3, 0.5), ticks(1.1, 1.9)
    ([0.1, 1.0, 10.0, 100.0, 1000.0], [0.3, 0.4, 0.5], [1.1, 1.9])
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)

    def among(digits: Sequence[int]) -> list[float]:
        values = [float(f"{digit}e{decade}") for decade in decades for digit in digits]
        return [value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]

    if len(among((1, 2, 5))) > MOST_TICKS:
        return among((1,))
    for digits in ((1, 2, 5), range(1, 10)):
        if len(among(digits)) >= 3:
            return among(digits)
    return sorted({low, high})


def _draw(figure: go.Figure, line: Line) -> None:
    name = theme.shorten(line.name)
    alone = len(line.temperatures) == 1

    def add(
        x: Sequence[float], y: Sequence[float], hover: str, *, entry: bool = False, **how: Any
    ) -> None:
        hover = f"{hover}<extra></extra>"
        group = {"legendgroup": line.name, "showlegend": entry}
        figure.add_scatter(x=x, y=y, name=name, hovertemplate=hover, **group, **how)

    add(
        line.temperatures,
        line.values,
        f"{name}<br>t = %{{x:.4g}}: %{{y:.5g}}",
        entry=True,
        mode="markers" if alone else "lines",
        line={"color": line.colour, "width": 2.2},
        # A ring, for dots from samples lie on it.
        marker={"symbol": "circle-open", "size": 14, "color": line.colour, "line": {"width": 2.2}},
    )
    if line.level is not None:
        beyond = AROUND if alone else 1
        ends = [min(line.temperatures) / beyond, max(line.temperatures) * beyond]
        dotted = {"color": line.colour, "width": 1.2, "dash": "dot"}
        add(ends, [line.level] * 2, f"p of {name} = %{{y:.4g}}", mode="lines", line=dotted)
    if line.dots:
        temperatures, values, errors = zip(*line.dots, strict=True)
        add(
            temperatures,
            values,
            f"{name}, samples<br>t = %{{x:.4g}}: %{{y:.5g}}",
            mode="markers",
            error_y={"array": [2 * error for error in errors], "thickness": 1, "width": 2},
            marker={"color": line.colour, "size": 6, "line": {"color": theme.PAPER, "width": 1}},
        )


def _upright(figure: go.Figure, mark: Mark, row: int) -> None:
    """Draw an upright line, its name above the plot, each in a row of its own."""
    figure.add_vline(x=mark.temperature, line={"color": mark.colour, "width": 1.2, "dash": "dash"})
    figure.add_annotation(
        # plotly takes an annotation's place on a logarithmic axis as the logarithm.
        x=math.log10(mark.temperature),
        y=1,
        yref="paper",
        yshift=LABEL_HEIGHT * row,
        text=theme.escape(mark.name),
        showarrow=False,
        font={"size": 12, "color": mark.colour},
        xanchor="center",
        yanchor="bottom",
    )


def _diamond(figure: go.Figure, mark: Mark, value: float) -> None:
    name = theme.escape(mark.name)
    edge = {"color": mark.colour if mark.hollow else theme.PAPER, "width": 1.5}
    fill = theme.PAPER if mark.hollow else mark.colour
    figure.add_scatter(
        x=[mark.temperature],
        y=[value],
        mode="markers",
        marker={"symbol": "diamond", "size": 12, "color": fill, "line": edge},
        name=name,
        showlegend=False,
        hovertemplate=f"{name}<br>t = %{{x:.4g}}<extra></extra>",
    )
