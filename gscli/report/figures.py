"""The figures of a sweep's report, from its results to plotly."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from gscli.arrays import FloatArray, largest, log_softmax
from gscli.distribution.concrete import Concrete
from gscli.distribution.regions import Region, highest_density_regions
from gscli.execution.threads import ordered_map
from gscli.plotting import theme
from gscli.plotting.curves import Axis, Line, Mark, curves
from gscli.plotting.marginals import histogram_panels, share_density
from gscli.plotting.panels import Categories, Panel, titled
from gscli.plotting.ternary import ternary_panels
from gscli.report.sweep import Sweep

if TYPE_CHECKING:
    import plotly.graph_objects as go

PANELS = 12
PANEL_POINTS = 300
HISTOGRAM_ROWS = 10**6
LINE_POINTS = 160
LINES = 7

ANNEALING_FLOOR = 0.5
MADDISON_TEMPERATURE = 2 / 3


def panels(sweep: Sweep, corners: Sequence[int]) -> list[Panel]:
    """Return a panel for each temperature, a dozen at most, evenly chosen."""
    picked = np.unique(np.linspace(0, len(sweep.steps) - 1, PANELS).round().astype(int))
    draw = partial(_panel, sweep, corners)
    return list(ordered_map(draw, [sweep.temperatures[i] for i in picked.tolist()]))


def _panel(sweep: Sweep, corners: Sequence[int], temperature: float) -> Panel:
    # Three of K categories are a sub-composition, again Concrete, from the same noise.
    full = Concrete(logits=sweep.logits, temperature=temperature)
    exact = full.subcomposition(corners)
    of_shown = "" if len(corners) == full.num_categories else " (these 3)"
    heading = f"t = {temperature:.3g} · {exact.regime}{of_shown}"
    if len(corners) == 2:
        edges = np.linspace(0, 1, 31)
        shares = full.sample(min(sweep.n, HISTOGRAM_ROWS), seed=sweep.seed)[:, 0]
        counts = np.histogram(shares, edges)[0]
        return Panel(heading, counts=counts, edges=edges, curve=share_density(exact, 200))
    log_x = full.sample_log(PANEL_POINTS, seed=sweep.seed)[:, list(corners)]
    points = np.exp(log_softmax(log_x))
    return Panel(heading, points=points, regions=_thinned(highest_density_regions(exact)))


def _thinned(regions: Sequence[Region]) -> list[Region]:
    return [
        Region(region.mass, region.level, tuple(map(_evenly, region.lines))) for region in regions
    ]


def _evenly(line: FloatArray) -> FloatArray:
    """Keep points of a line that are evenly far apart on the simplex."""
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0, along[-1], LINE_POINTS)
    kept: FloatArray = line[np.unique(np.searchsorted(along, wanted).clip(0, len(line) - 1))]
    return kept


def temperatures_figure(
    drawn: Sequence[Panel], names: Sequence[str], corners: Sequence[int], probs: Sequence[float]
) -> "go.Figure":
    """Return the small multiples as one figure; of one panel, that panel."""
    chosen = [names[k] for k in corners]
    title = "Effect of temperature on the Concrete distribution" if len(drawn) > 1 else ""
    if len(corners) == 2:
        return titled(histogram_panels(drawn, label=f"share of {chosen[0]}"), title)
    shown = [probs[k] for k in corners] if len(drawn) > 1 else None
    return titled(ternary_panels(drawn, Categories(chosen, corners, shown), small=True), title)


def change_figures(sweep: Sweep, names: Sequence[str]) -> dict[str, "go.Figure"]:
    """Return how the mean, the entropy, E[max X] and the share of nearly one-hot samples change."""
    grid = [facts.temperature for facts in sweep.curve]
    probs = np.exp(sweep.logits)
    top = largest(sweep.logits, LINES)
    colours = theme.category_colours(top)
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
        for k, colour in zip(top, colours, strict=True)
    ]
    axis = Axis("mean", {"rangemode": "tozero"})
    most = f"The {LINES} most probable of {len(probs):,} categories" if len(probs) > LINES else ""
    singles = {
        "entropy": ("Entropy", Axis("entropy (nats)")),
        "expected_max": ("E[max X]", Axis("mean of the largest component", {"range": [0, 1.03]})),
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
    grid = [facts.temperature for facts in sweep.curve]
    costs = [facts.gradient_error for facts in sweep.curve]
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
        "no gradient, ‖J0‖²": ([cost.no_gradient for cost in costs], theme.CATEGORY_COLOURS[2]),
        "bias² alone": ([cost.bias**2 for cost in costs], theme.MUTED),
        "noise of one sample": ([cost.noise for cost in costs], theme.INK),
    }
    lines += [Line(name, grid, values, colour=c) for name, (values, c) in others.items()]
    best = marked_best(sweep)
    marks = [Mark(name, t) for t, name in _merged(marked_rules(sweep)).items()]
    for m, each in (sweep.advice or {}).items():
        if m in best:
            error = each.advised_error.error(m)
            marks.append(Mark(f"best for m = {m:,}", each.advised, error, colours[m]))
        if each.shrunk and sweep.spans(each.best):
            name, error = f"least for m = {m:,}, a shrunk gradient", each.best_error.error(m)
            marks.append(Mark(name, each.best, error, colours[m], hollow=True))
    # What falls below the error and that of no gradient is of no interest.
    shown = [value for line in lines[: len(colours) + 1] for value in line.values if value > 0]
    highest = max(1e-299, *(max(line.values) for line in lines))
    lowest = min(shown, default=highest) / 3
    range_ = [float(np.log10(lowest)), float(np.log10(highest)) + 0.2]
    ticks: dict[str, object] = {"nticks": 6}
    if range_[1] - range_[0] < 2.5:
        # Whole decades: of less, the ticks would be bare digits.
        range_ = [float(np.floor(range_[0])), float(np.ceil(range_[1]))]
        ticks = {"dtick": 1}
    axis = Axis(
        "squared error of the gradient",
        {"type": "log", "exponentformat": "power", "range": range_, **ticks},
    )
    return curves(lines, axis, marks=marks, title="Error of the relaxed gradient")


def _batch_colours(batch_sizes: Sequence[int]) -> dict[int, str]:
    # From the fourth on: the first three are those of the corners.
    count = len(theme.CATEGORY_COLOURS)
    return {m: theme.CATEGORY_COLOURS[(3 + i) % count] for i, m in enumerate(batch_sizes)}


def marked_best(sweep: Sweep) -> dict[int, float]:
    """Return the advised temperatures within the sweep's range, by batch size: diamonds."""
    best = {m: each.advised for m, each in (sweep.advice or {}).items()}
    return {m: t for m, t in best.items() if sweep.spans(t)}


def marked_rules(sweep: Sweep) -> dict[str, float]:
    """Return the rules of thumb within the sweep's range, by name: dashed lines."""
    rules = rules_of_thumb(len(sweep.logits))
    return {name: t for name, t in rules.items() if sweep.spans(t)}


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
