"""The figures of a sweep's report, from its results to plotly."""

from collections.abc import Sequence
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gscli.arrays import largest, log_softmax
from gscli.distribution.concrete import Concrete
from gscli.distribution.gradients import GradientError, gradient_error
from gscli.distribution.regions import highest_density_regions
from gscli.execution.threads import ordered_map
from gscli.plotting import theme
from gscli.plotting.curves import Axis, Line, Mark, curves
from gscli.plotting.marginals import histogram_panels, share_density
from gscli.plotting.panels import Categories, Panel, titled
from gscli.plotting.ternary import ternary_panels
from gscli.report.sweep import CURVE_POINTS, Sweep

if TYPE_CHECKING:
    import plotly.graph_objects as go

PANEL_POINTS = 300
HISTOGRAM_ROWS = 10**6
LINES = 7

LOWEST, HIGHEST = 0.02, 50.0
"""Temperatures that the explorer reaches, and that the gradient's error is drawn over."""

ERROR_POINTS, FEW_ERROR_POINTS = 49, 9
"""Temperatures between them at which the error is computed; few where a line is coarse too."""

BATCH_COLOURS = ("#A77AD1", "#7A45AD", "#4A1F78")
"""Of batch sizes: none of the categories'."""

ANNEALING_FLOOR = 0.5
MADDISON_TEMPERATURE = 2 / 3


def panels(sweep: Sweep, corners: Sequence[int]) -> list[Panel]:
    """Return a panel for each shown temperature."""
    return list(ordered_map(partial(_panel, sweep, corners), sweep.shown))


def _panel(sweep: Sweep, corners: Sequence[int], temperature: float) -> Panel:
    # Three of K categories are a sub-composition, again Concrete, from the same noise.
    full = Concrete(logits=sweep.logits, temperature=temperature)
    exact = full.subcomposition(corners)
    heading = f"t = {temperature:.3g} · {full.regime}"
    if len(corners) == 2:
        edges = np.linspace(0, 1, 31)
        shares = full.sample(min(sweep.n, HISTOGRAM_ROWS), seed=sweep.seed)[:, 0]
        counts = np.histogram(shares, edges)[0]
        return Panel(heading, counts=counts, edges=edges, curve=share_density(exact, 200))
    log_x = full.sample_log(PANEL_POINTS, seed=sweep.seed)[:, list(corners)]
    points = np.exp(log_softmax(log_x))
    return Panel(heading, points=points, regions=highest_density_regions(exact))


def temperatures_figure(
    drawn: Sequence[Panel], names: Sequence[str], corners: Sequence[int], probs: Sequence[float]
) -> "go.Figure":
    """Return the small multiples as one figure; of one panel, that panel."""
    chosen = [names[k] for k in corners]
    colours = [theme.CATEGORY_COLOURS.index(colours_of(probs)[k]) for k in corners]
    title = "Effect of temperature on the Concrete distribution" if len(drawn) > 1 else ""
    if len(corners) == 2:
        return titled(histogram_panels(drawn, label=f"share of {chosen[0]}"), title)
    shown = [probs[k] for k in corners] if len(drawn) > 1 else None
    return titled(ternary_panels(drawn, Categories(chosen, colours, shown), small=True), title)


def colours_of(probs: npt.ArrayLike) -> dict[int, str]:
    """Return the colours of the most probable categories, by position; the rest are grey."""
    top = largest(np.asarray(probs), LINES)
    return dict(zip(top, theme.category_colours(top), strict=True))


def change_figures(sweep: Sweep, names: Sequence[str]) -> dict[str, "go.Figure"]:
    """Return how the mean, the entropy, E[max X] and the share of nearly one-hot samples change."""
    grid = [facts.temperature for facts in sweep.curve]
    probs = np.exp(sweep.logits)
    means = [
        Line(
            names[k],
            grid,
            [float(facts.mean[k]) for facts in sweep.curve],
            [
                (t, float(step.summary.mean[k]), float(step.summary.mean_se[k]))
                for t, step in zip(sweep.temperatures, sweep.steps, strict=True)
            ],
            colour,
            float(probs[k]),
        )
        for k, colour in colours_of(probs).items()
    ]
    axis = Axis("mean", {"rangemode": "tozero"})
    most = f"The {LINES} most probable of {len(probs):,} categories" if len(probs) > LINES else ""
    singles = {
        "entropy": ("Entropy", Axis("entropy (nats)")),
        "expected_max": ("E[max X]", Axis("largest component", {"range": [0, 1.03]})),
        "near_vertex": ("Nearly one-hot samples", Axis("share", {"range": [-0.02, 1.03]})),
    }
    return {
        "mean": curves(means, axis, title="Exact mean against p", subtitle=most),
        **{fact: _fact_figure(sweep, fact, *labels) for fact, labels in singles.items()},
    }


def _fact_figure(sweep: Sweep, fact: str, title: str, axis: Axis) -> "go.Figure":
    """Return one exact fact as a line, and the samples' estimates of it as dots."""
    grid = [facts.temperature for facts in sweep.curve]
    values = [getattr(facts, fact) for facts in sweep.curve]
    estimates = [step if fact == "entropy" else step.summary for step in sweep.steps]
    dots = [
        (t, getattr(each, fact), getattr(each, f"{fact}_se"))
        for t, each in zip(sweep.temperatures, estimates, strict=True)
    ]
    figure = curves([Line(title, grid, values, dots, theme.INK)], axis, title=title)
    return figure.update_layout(showlegend=False)


def error_figure(sweep: Sweep) -> "go.Figure":
    """Return bias, noise, and the error of an averaged gradient and of none.

    The best temperatures are marked: filled where they are advised, open where the gradient is
    only shrunk.
    """
    found = error_curve(sweep)
    grid, costs = list(found), list(found.values())
    colours = _batch_colours(sweep.batch_sizes)
    lines = [
        Line(
            "error, one sample" if m == 1 else f"error, mean of {m:,}",
            grid,
            [cost.error(m) for cost in costs],
            colour=colour,
        )
        for m, colour in colours.items()
    ]
    others = {
        "no gradient, ‖J0‖²": ([cost.no_gradient for cost in costs], "longdash"),
        "bias² alone": ([cost.bias**2 for cost in costs], "dash"),
        "noise of one sample": ([cost.noise for cost in costs], "dot"),
    }
    lines += [Line(name, grid, values, colour=theme.INK) for name, (values, _) in others.items()]
    best = marked_best(sweep)
    marks = [Mark(name, t) for t, name in _merged(marked_rules(sweep)).items()]
    for m, each in (sweep.advice or {}).items():
        if m in best:
            error = each.advised_error.error(m)
            marks.append(Mark(f"best for m = {m:,}", each.advised, error, colours[m]))
        if each.shrunk and charted(sweep, each.best):
            name, error = f"least for m = {m:,}, a shrunk gradient", each.best_error.error(m)
            marks.append(Mark(name, each.best, error, colours[m], hollow=True))
    # What falls below the error and that of no gradient is of no interest.
    shown = [value for line in lines[: len(colours) + 1] for value in line.values if value > 0]
    highest = max(1e-299, *(max(line.values) for line in lines))
    lowest = min(shown, default=highest) / 3
    range_ = [float(np.log10(lowest)), float(np.log10(highest)) + 0.2]
    axis = Axis(
        "squared error of the gradient",
        {"type": "log", "exponentformat": "power", "range": range_, "dtick": 1},
    )
    figure = curves(lines, axis, marks=marks, title="Error of the relaxed gradient")
    for name, (_, dash) in others.items():
        figure.update_traces(line_dash=dash, selector={"name": name})
    low, high = min(sweep.temperatures), max(sweep.temperatures)
    if low < high:
        shade = {"fillcolor": theme.MUTED, "opacity": 0.08, "line_width": 0, "layer": "below"}
        figure.add_vrect(low, high, **shade)
    return figure


def error_curve(sweep: Sweep) -> dict[float, GradientError]:
    """Return the gradient's error from 0.02 to 50, and over the temperatures of the sweep."""
    known = {facts.temperature: facts.gradient_error for facts in sweep.curve}
    count = ERROR_POINTS if len(sweep.logits) <= max(CURVE_POINTS) else FEW_ERROR_POINTS
    wanted = {t for t in np.geomspace(LOWEST, HIGHEST, count).tolist() if not sweep.spans(t)}
    # The marks lie on the lines.
    marked = [t for each in (sweep.advice or {}).values() for t in (each.best, each.advised)]
    wanted |= {t for t in marked if LOWEST < t < HIGHEST}
    known |= {t: gradient_error(sweep.logits, t) for t in wanted - set(known)}
    return {t: known[t] for t in sorted(known)}


def charted(sweep: Sweep, temperature: float) -> bool:
    """Tell whether the figure of the gradient's error shows a temperature."""
    low, high = min(LOWEST, *sweep.temperatures), max(HIGHEST, *sweep.temperatures)
    return low <= temperature <= high


def _batch_colours(batch_sizes: Sequence[int]) -> dict[int, str]:
    return dict(zip(batch_sizes, cycle(BATCH_COLOURS), strict=False))


def marked_best(sweep: Sweep) -> dict[int, float]:
    """Return the advised temperatures that are charted, by batch size: diamonds."""
    best = {m: each.advised for m, each in (sweep.advice or {}).items()}
    return {m: t for m, t in best.items() if charted(sweep, t)}


def marked_rules(sweep: Sweep) -> dict[str, float]:
    """Return the rules of thumb that are charted, by name: dashed lines."""
    rules = rules_of_thumb(len(sweep.logits))
    return {name: t for name, t in rules.items() if charted(sweep, t)}


def _merged(rules: dict[str, float]) -> dict[float, str]:
    """Return the rules by temperature, those of the same one under one name."""
    merged: dict[float, str] = {}
    for name, temperature in rules.items():
        merged[temperature] = " and ".join(filter(None, [merged.get(temperature), name]))
    return merged


def rules_of_thumb(num_categories: int) -> dict[str, float]:
    """Return published temperatures by name.

    Maddison, Mnih, Teh (2017) take 1/(K-1) as the largest temperature at which the density is
    log-convex, and 2/3 in their experiments; Jang, Gu, Poole (2017) anneal to a floor of 0.5.
    """
    return {
        "1/(K−1)": 1 / (num_categories - 1),
        "2/3": MADDISON_TEMPERATURE,
        "annealing floor 0.5": ANNEALING_FLOOR,
    }
