"""A temperature schedule over a training run: what each step's temperature costs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gscli.arrays import FloatArray
from gscli.plotting import theme
from gscli.plotting.cartesian import cartesian
from gscli.plotting.panels import Panel, add_traces, numbered, titled

HEADINGS = ("temperature", "closeness to one-hot", "relaxed gradient", "error of the gradient")
LOG_SPAN = 20.0
"""Temperatures whose ends differ by more than this factor are drawn on a logarithmic axis."""

DECADES = 8
"""Powers of ten that are shown of bias and noise at most: a bias goes to 0."""

BATCH_COLOURS = tuple(theme.CATEGORY_COLOURS[i] for i in (1, 5, 6, 0, 2, 3, 4))
"""Of the errors' lines: the first ones are of no other line."""


def schedule_panels(
    steps: FloatArray,
    temperatures: FloatArray,
    lines: Mapping[str, FloatArray],
    *,
    best: Mapping[int, float],
    no_gradient: float,
    meant: FloatArray | None = None,
    floor_step: int | None = None,
    boundaries: Mapping[str, float] | None = None,
    title: str = "",
    subtitle: str = "",
) -> go.Figure:
    """Draw the temperature, closeness to one-hot, bias, noise and error over the steps of a run.

    Parameters
    ----------
    steps, temperatures : ndarray, shape (n,)
        Of the run.
    lines : mapping of str to ndarray of shape (n,)
        From `gscli.distribution.schedules.lines_along`.
    best : mapping of int to float
        By batch size the least error that any temperature has.
    no_gradient : float
        ‖J0‖², the error of no gradient at all.
    meant : ndarray of shape (n,), optional
        Temperatures that were meant, beside those of a log.
    floor_step : int, optional
        Where the floor begins.
    boundaries : mapping of str to float, optional
        Temperatures between two regimes, by their names.
    title, subtitle : str
        Shown above.

    Returns
    -------
    plotly.graph_objects.Figure
        Four panels.
    """
    figure = cartesian(
        [Panel(heading) for heading in HEADINGS],
        x={"title": {"text": "training step"}, "rangemode": "tozero", "nticks": 6},
        y={"exponentformat": "power"},
        columns=2,
        size=(360, 215),
        gap=(90, 110),
        margin=theme.Margin(75, 40, 135, 110),
    )
    ink, colours = theme.INK, theme.CATEGORY_COLOURS
    error_names = [name for name in lines if name.startswith("error ")]
    panels: list[list[go.Scatter]] = [
        [
            _line(steps, temperatures, "temperature", ink),
            *(_level(steps, value, name) for name, value in (boundaries or {}).items()),
        ],
        [
            _line(steps, lines["expected_max"], "E[max X]", colours[0]),
            _line(steps, lines["near_vertex"], "share with max X > 0.95", colours[4], "dash"),
        ],
        [
            _line(steps, lines["relative_bias"], "relative bias", colours[2]),
            _line(steps, lines["noise"], "noise", colours[3], "dash"),
        ],
        [],
    ]
    for index, name in enumerate(error_names):
        m, colour = int(name.removeprefix("error ")), BATCH_COLOURS[index % len(BATCH_COLOURS)]
        panels[3].append(_line(steps, lines[name], f"error, m = {m:,}", colour))
        if m in best:
            panels[3].append(_level(steps, best[m], f"least error, m = {m:,}", colour))
    panels[3].append(_level(steps, no_gradient, "no gradient", theme.MUTED, "solid"))
    if meant is not None:
        panels[0].append(_line(steps, meant, "meant", theme.MUTED, "dash"))
    for index, traces in enumerate(panels):
        _add(figure, index, traces)
    if temperatures.max() > LOG_SPAN * temperatures.min():
        figure.layout.yaxis.update(type="log", dtick=1)
    else:
        figure.layout.yaxis.update(rangemode="tozero")
    figure.layout.yaxis2.update(range=[-0.03, 1.03])
    figure.layout.yaxis3.update(_log_range([lines["relative_bias"], lines["noise"]], DECADES))
    for name, value in (boundaries or {}).items():
        _name_boundary(figure, name, value)
    levels = [np.array([no_gradient, *best.values()])]
    figure.layout.yaxis4.update(_log_range([*(lines[name] for name in error_names), *levels]))
    if floor_step is not None and floor_step < steps[-1]:
        _mark_floor(figure, floor_step)
    return titled(figure, title, subtitle)


def _add(figure: go.Figure, index: int, traces: Iterable[go.Scatter]) -> None:
    """Add traces to a panel; unlike those of small multiples, each panel's have legend entries."""
    traces = list(traces)
    shown = [trace.showlegend for trace in traces]
    add_traces(figure, index, traces, xaxis="x", yaxis="y")
    for trace, legend in zip(figure.data[len(figure.data) - len(traces) :], shown, strict=True):
        trace.showlegend = legend


def _line(
    steps: FloatArray, values: FloatArray, name: str, colour: str, dash: str = "solid"
) -> go.Scatter:
    alone = len(steps) == 1
    return go.Scatter(
        x=steps.tolist(),
        y=[value if np.isfinite(value) else None for value in values.tolist()],
        mode="markers" if alone else "lines",
        name=name,
        showlegend=name != "temperature",
        line={"color": colour, "width": 2.2, "dash": dash},
        marker={"color": colour, "size": 9},
        hovertemplate=f"{name}<br>step %{{x:,}}: %{{y:.4g}}<extra></extra>",
    )


def _level(
    steps: FloatArray, value: float, name: str, colour: str = theme.MUTED, dash: str = "dot"
) -> go.Scatter:
    ends = [float(steps[0]), float(max(steps[-1], steps[0] + 1))]
    return go.Scatter(
        x=ends,
        y=[value, value],
        mode="lines",
        name=name,
        showlegend=name == "no gradient",
        line={"color": colour, "width": 1.3, "dash": dash},
        hovertemplate=f"{name}: %{{y:.4g}}<extra></extra>",
    )


def _log_range(lines: Sequence[FloatArray], decades: float = np.inf) -> dict[str, Any]:
    """Return a logarithmic axis of all values, but of no more than some decades."""
    values = np.concatenate(lines)
    values = values[np.isfinite(values) & (values > 0)]
    if not len(values):
        return {}
    top = float(np.log10(values.max())) + 0.15
    bottom = max(float(np.log10(values.min())) - 0.15, top - decades)
    if top - bottom < 2.5:  # whole decades: of less, the ticks would be bare digits
        bottom, top = float(np.floor(bottom)), float(np.ceil(top))
    return {"type": "log", "range": [bottom, top], "dtick": 1 if top - bottom < 8 else 2}


def _name_boundary(figure: go.Figure, name: str, value: float) -> None:
    """Write the name of a temperature between two regimes above its line."""
    logarithmic = figure.layout.yaxis.type == "log"
    figure.add_annotation(
        text=theme.escape(name),
        x=0.01,
        xref="x domain",
        xanchor="left",
        # plotly takes an annotation's place on a logarithmic axis as the logarithm.
        y=float(np.log10(value)) if logarithmic else value,
        yref="y",
        yanchor="bottom",
        showarrow=False,
        font={"size": 12, "color": theme.MUTED},
    )


def _mark_floor(figure: go.Figure, step: int) -> None:
    for index in range(len(HEADINGS)):
        figure.add_shape(
            type="line",
            xref=numbered("x", index),
            yref=f"{numbered('y', index)} domain",
            x0=step,
            x1=step,
            y0=0,
            y1=1,
            line={"color": theme.MUTED, "width": 1, "dash": "dash"},
        )
    figure.add_annotation(
        text=f"floor, step {step:,}",
        x=step,
        xref="x",
        y=1,
        yref="y domain",
        yanchor="bottom",
        showarrow=False,
        font={"size": 12, "color": theme.MUTED},
    )
