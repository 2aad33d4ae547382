"""Gradient estimators over the temperature: bias, variance and error, a line for each."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from gscli.distribution.gradients import MAX_RELATIVE_BIAS
from gscli.plotting import theme
from gscli.plotting.cartesian import cartesian
from gscli.plotting.curves import AROUND, ticks
from gscli.plotting.panels import Panel, add_traces, numbered, titled

if TYPE_CHECKING:
    from gscli.distribution.estimators import Comparison, Estimator, EstimatorError

# Of lines that coincide, as the biases of straight-through and gumbel-rao do, the upper is dashed.
LOOKS: "dict[Estimator, tuple[str, str]]" = {
    "relaxed": (theme.CATEGORY_COLOURS[0], "solid"),
    "straight-through": (theme.CATEGORY_COLOURS[4], "solid"),
    "gumbel-rao": (theme.CATEGORY_COLOURS[1], "longdash"),
    "zgr": (theme.CATEGORY_COLOURS[2], "dash"),
    "reinmax": (theme.CATEGORY_COLOURS[3], "solid"),
    "reinforce": (theme.MUTED, "dot"),
    "reinforce-loo": (theme.INK, "dashdot"),
}

DECADES = 6
"""Powers of ten that a panel shows at most: a bias goes to 0."""


def estimator_panels(comparison: "Comparison", *, title: str = "", subtitle: str = "") -> go.Figure:
    """Draw squared bias, variance, and the error at each batch size over the temperature.

    Parameters
    ----------
    comparison : Comparison
        From `gscli.distribution.estimators.compare`.
    title, subtitle : str
        Shown above.

    Returns
    -------
    plotly.graph_objects.Figure
        A panel for each figure, an estimator a line. Diamonds mark the least error: filled where
        it is advised, open where the gradient is only shrunk towards 0.
    """
    curves = _curves(comparison)
    headings = list(curves)
    low, high = min(comparison.temperatures), max(comparison.temperatures)
    values = ticks(low, high)
    x: dict[str, Any] = {
        "title": {"text": "temperature"},
        "type": "log",
        "tickvals": values,
        "ticktext": [f"{value:.3g}" for value in values],
    }
    if low == high:
        x["range"] = [math.log10(low / AROUND), math.log10(high * AROUND)]
    figure = cartesian(
        [Panel(heading) for heading in headings],
        x=x,
        y={"type": "log", "exponentformat": "power"},
        columns=2 if len(headings) == 4 else 3,
        size=(265, 225),
        gap=(75, 105),
        margin=theme.Margin(70, 40, 145, 125),
    )
    for index, (heading, value) in enumerate(curves.items()):
        add_traces(figure, index, _lines(comparison, value), xaxis="x", yaxis="y")
        shown = _positive(comparison, value)
        if heading.startswith("error"):
            add_traces(figure, index, [_no_gradient(comparison)], xaxis="x", yaxis="y")
            shown += [comparison.no_gradient] * (comparison.no_gradient > 0)
        figure.layout[numbered("yaxis", index)].update(_range(shown))
    offset = len(headings) - len(comparison.batch_sizes)
    for index, m in enumerate(comparison.batch_sizes, offset):
        add_traces(figure, index, _marks(comparison, m), xaxis="x", yaxis="y")
    return titled(figure, title, subtitle)


Value = Callable[["EstimatorError"], float | None]


def _curves(comparison: "Comparison") -> dict[str, Value]:
    curves: dict[str, Value] = {
        "squared bias": lambda error: error.squared_bias,
        "variance of one sample": lambda error: error.variance,
    }
    for m in comparison.batch_sizes:
        curves[f"error, m = {m:,}"] = lambda error, m=m: error.mse[m]  # type: ignore[misc]
    return curves


def _values(comparison: "Comparison", name: "Estimator", value: Value) -> list[float | None]:
    """Return what a logarithmic axis can show."""
    found = [value(errors[name]) for errors in comparison.errors]
    return [None if each is None or each <= 0 else each for each in found]


def _lines(comparison: "Comparison", value: Value) -> Iterable[go.Scatter]:
    alone = len(comparison.temperatures) == 1
    for name in comparison.estimators:
        colour, dash = LOOKS[name]
        label = name if comparison.errors[0][name].exact else f"{name} (Monte Carlo)"
        yield go.Scatter(
            x=list(comparison.temperatures),
            y=_values(comparison, name, value),
            mode="markers" if alone else "lines",
            name=label,
            legendgroup=name,
            line={"color": colour, "width": 2.2, "dash": dash},
            marker={"color": colour, "size": 10},
            hovertemplate=f"{label}<br>t = %{{x:.4g}}: %{{y:.4g}}<extra></extra>",
        )


def _no_gradient(comparison: "Comparison") -> go.Scatter:
    low, high = min(comparison.temperatures), max(comparison.temperatures)
    beyond = AROUND if low == high else 1
    return go.Scatter(
        x=[low / beyond, high * beyond],
        y=[comparison.no_gradient or None] * 2,
        mode="lines",
        name="no gradient",
        showlegend=False,
        line={"color": theme.MUTED, "width": 1},
        hovertemplate="no gradient: %{y:.4g}<extra></extra>",
    )


def _positive(comparison: "Comparison", value: Value) -> list[float]:
    """Return what a panel shows of all estimators."""
    found = [_values(comparison, name, value) for name in comparison.estimators]
    return [each for values in found for each in values if each is not None]


def _range(values: Sequence[float]) -> dict[str, Any]:
    """Return the range of an axis: of all values, but no more than some decades."""
    if not values:
        return {"range": [-1, 1], "dtick": 1}
    top = math.log10(max(values)) + 0.2
    bottom = max(math.log10(min(values)) - 0.2, top - DECADES)
    if top - bottom < 2.5:  # whole decades: of less, the ticks would be bare digits
        return {"range": [math.floor(bottom), math.ceil(top)], "dtick": 1}
    return {"range": [bottom, top], "dtick": 1}


def _marks(comparison: "Comparison", m: int) -> Sequence[go.Scatter]:
    least = comparison.best().get(m)
    advised = comparison.best(MAX_RELATIVE_BIAS).get(m)
    marks = []
    for best, hollow in ((advised, False), (least, True)):
        if best is None or (hollow and not best.shrunk):
            continue
        colour, _ = LOOKS[best.estimator]
        middle = math.sqrt(min(comparison.temperatures) * max(comparison.temperatures))
        note = "least error, of a shrunk gradient" if hollow else "best"
        at = "" if best.temperature is None else f" at t = {best.temperature:.3g}"
        marks.append(
            go.Scatter(
                x=[best.temperature or middle],
                y=[best.mse],
                mode="markers",
                showlegend=False,
                name=note,
                marker={
                    "symbol": "diamond",
                    "size": 13,
                    "color": theme.PAPER if hollow else colour,
                    "line": {"color": colour if hollow else theme.PAPER, "width": 1.5},
                },
                hovertemplate=f"{note}: {best.estimator}{at}<br>error %{{y:.4g}}<extra></extra>",
            )
        )
    return marks
