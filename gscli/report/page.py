"""A sweep's results to one HTML page: data, figures, template, style and script together."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gscli.arrays import largest, logsumexp
from gscli.distribution import estimators
from gscli.distribution.estimators import Comparison
from gscli.distribution.extremes import WITHIN
from gscli.distribution.gradients import MAX_RELATIVE_BIAS
from gscli.distribution.properties import cautions, format_best
from gscli.distribution.schedules import PRESETS
from gscli.plotting import plotlyjs as plotly_script
from gscli.plotting import theme
from gscli.plotting.curves import LABEL_HEIGHT
from gscli.plotting.estimators import LOOKS, estimator_figures
from gscli.records import to_json
from gscli.report import figures
from gscli.report.stills import DASHES, css_colour, still
from gscli.report.sweep import CHECKED_CATEGORIES, Step, Sweep, embedded_noise, noise_state

if TYPE_CHECKING:
    import plotly.graph_objects as go

CLEAR = "rgba(0,0,0,0)"
SCRIPTS = (
    "ui.js", "exact.js", "noise.js", "schedule.js", "picture.js", "sample.js", "anneal.js",
    "snippets.js", "report.js",
)  # fmt: skip
"""The page's own, in their order: each uses only what stands before it."""

PARTICLES = 2000
SLIDERS = 12
CORNERS = 3
FLAT = 0.01
"""A mean that is nearer to p at all temperatures is not told from it on a figure."""

SHOWN = 20
"""Categories in the explorer and the table: of more, the most probable ones."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a report comes from.

    Attributes
    ----------
    names : tuple of str
        Of the categories.
    command : str
        The command that makes the same page again.
    weights : str
        The option that gives the weights, as typed in a shell.
    grid : str
        The temperatures, as typed.
    scale : float
        What turns normalised log-probabilities into those of the weights as they were given.
    title : str
        Of the page.
    author : str
        Named below the title, if given.
    """

    names: tuple[str, ...]
    command: str
    weights: str = "--pi 1,3,6"
    grid: str = "0.05:10:12"
    scale: float = 0.0
    title: str = "Which temperature?"
    author: str = ""


def page(sweep: Sweep, origin: Origin, *, plotlyjs: Literal["inline", "cdn"] = "inline") -> str:
    """Return the report as one HTML page.

    Parameters
    ----------
    sweep : Sweep
        What to report.
    origin : Origin
        Names and command; shown escaped.
    plotlyjs : {"inline", "cdn"}
        Whether the page holds plotly.js, and needs no network, or links to it.

    Returns
    -------
    str
        The page, the same for the same sweep.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from plotly.utils import PlotlyJSONEncoder

    environment = Environment(
        loader=PackageLoader("gscli.report", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "cls": PlotlyJSONEncoder}
    environment.filters["figure"] = lambda number: f"{number:.5g}"
    environment.filters["cost"] = format_cost
    environment.filters["best"] = format_best
    environment.filters["css_colour"] = css_colour
    environment.filters["unescape"] = html.unescape  # plotly's names are HTML
    source = files("gscli.report").joinpath("assets")
    corners, shown = largest(sweep.logits, CORNERS), largest(sweep.logits, SHOWN)
    panels = figures.panels(sweep, corners)
    changes = figures.change_figures(sweep, origin.names)
    training = estimator_figures(sweep.comparison) if sweep.comparison else {}
    drawn = {
        **{
            f"panel-{i}": figures.temperatures_figure(
                [panel], origin.names, corners, np.exp(sweep.logits).tolist()
            ).update_layout(showlegend=False)
            for i, panel in enumerate(panels)
        },
        **{f"change-{name}": figure for name, figure in changes.items()},
        "error": figures.error_figure(sweep),
        **{
            f"training-{i}": figure.update_layout(showlegend=False)
            for i, figure in enumerate(training.values())
        },
    }
    embedded = {name: _embedded(figure) for name, figure in drawn.items()}
    return environment.get_template("template.html").render(
        sweep=sweep,
        origin=origin,
        panels=panels,
        panel_points=figures.PANEL_POINTS,
        advice=advice(sweep),
        rules=figures.rules_of_thumb(len(sweep.logits)),
        training=list(training),
        estimators=estimator_rows(sweep.comparison) if sweep.comparison else [],
        training_cautions=list(estimators.cautions(sweep.comparison)) if sweep.comparison else [],
        training_command=_training_command(sweep, origin),
        checks=check_rows(sweep.steps),
        caption=captions(sweep),
        bibtex=source.joinpath("references.bib").read_text(encoding="utf-8").strip(),
        single=len(set(sweep.temperatures)) == 1,
        lines=figures.LINES,
        marks=marks_sentence(sweep),
        checked=sweep.steps[0].checked,
        checked_categories=CHECKED_CATEGORIES,
        table=rows(sweep, {k: origin.names[k] for k in shown}),
        shown=shown,
        shown_mass=float(np.exp(sweep.logits[list(shown)]).sum()),
        corners=[
            (k, theme.CATEGORY_COLOURS.index(figures.colours_of(sweep.logits)[k])) for k in corners
        ],
        versions={name: version(name) for name in ("gscli", "numpy", "plotly")},
        data=_data(sweep, origin, corners, shown),
        figures=embedded,
        dashes=DASHES,
        stills={name: still(figure) for name, figure in embedded.items()},
        style=source.joinpath("report.css").read_text(encoding="utf-8"),
        script="".join(source.joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS),
        plotlyjs=plotly_script.script() if plotlyjs == "inline" else "",
        plotlyjs_link={"src": plotly_script.source(), "integrity": plotly_script.integrity()},
    )


def rows(sweep: Sweep, names: Mapping[int, str]) -> list[dict[str, Any]]:
    """Return the numbers of the report, a row for each temperature.

    Parameters
    ----------
    sweep : Sweep
        What to report.
    names : mapping of int to str
        The categories that are wanted, by position.
    """
    return [
        {
            **step.facts.as_row(names),
            **step.summary.as_row(names, "sample "),
            "sample entropy": step.entropy,
            "sample entropy_se": step.entropy_se,
        }
        for step in sweep.steps
    ]


def fragment_of(
    sweep: Sweep, origin: Origin, name: str, *, plotlyjs: Literal["inline", "cdn"] = "inline"
) -> str:
    """Return one of `all_figures` as HTML to embed in another page: a container and scripts.

    Parameters
    ----------
    sweep : Sweep
        What to show.
    origin : Origin
        Names and command.
    name : str
        Of the figure.
    plotlyjs : {"inline", "cdn"}
        Whether the fragment holds plotly.js, and needs no network, or links to it.
    """
    figure = all_figures(sweep, origin.names)[name]
    # Panels side by side scroll where a column of text is too narrow for their labels.
    least = figure.layout.width if name == "temperatures" else 0
    figure.update_layout(width=None, autosize=True)
    drawn = figure.to_html(
        full_html=False,
        include_plotlyjs=True if plotlyjs == "inline" else "cdn",
        div_id=f"gscli-{name}",
        config={"responsive": True, "displaylogo": False},
    )
    source = (
        f'<p style="font: 12px sans-serif">Made by <code>{html.escape(origin.command)}</code></p>'
    )
    outer = '<div class="gscli-figure" style="overflow-x: auto" tabindex="0">'
    inner = f'<div style="min-width: {least}px">\n{drawn}\n</div>'
    return f"{outer}\n{inner}\n{source}\n</div>\n"


def all_figures(sweep: Sweep, names: Sequence[str]) -> "dict[str, go.Figure]":
    """Return the report's figures for a paper, each with its title."""
    corners, probs = largest(sweep.logits, CORNERS), np.exp(sweep.logits).tolist()
    panels = figures.panels(sweep, corners)
    return {
        "temperatures": figures.temperatures_figure(panels, names, corners, probs),
        **figures.change_figures(sweep, names),
        "gradient_error": figures.error_figure(sweep),
    }


def captions(sweep: Sweep) -> dict[str, str]:
    """Return what this page's lines of the mean and the entropy show, over its temperatures."""
    probs = np.exp(sweep.logits)
    away = max(float(np.abs(facts.mean - probs).max()) for facts in sweep.curve)
    entropies = [facts.entropy for facts in sweep.curve]
    peak = int(np.argmax(entropies))
    mean = "equal" if np.ptp(probs) < 1e-12 else "flat" if away < FLAT else "apart"
    if len(entropies) == 1:
        entropy = "one"
    else:
        entropy = "rises" if peak == len(entropies) - 1 else "falls" if peak == 0 else "both"
    return {"mean": mean, "away": f"{away:.1g}", "entropy": entropy}


def estimator_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return a row for each estimator: its look, and its least error at each batch size.

    Errors are multiples of the least of all, among gradients with a bias up to 50 %.
    """
    winners = comparison.best(MAX_RELATIVE_BIAS)
    rows = []
    for name in comparison.estimators:
        colour, dash = LOOKS[name]
        found = {m: comparison.best_of(name, m, MAX_RELATIVE_BIAS) for m in comparison.batch_sizes}
        rows.append(
            {
                "name": name,
                "exact": comparison.errors[0][name].exact,
                "ink": css_colour(colour),
                "dashes": DASHES[dash],
                "cells": [
                    each and (each.mse / winners[m].mse, each.temperature, winners[m] == each)
                    for m, each in found.items()
                ],
            }
        )
    return rows


def _training_command(sweep: Sweep, origin: Origin) -> str:
    sizes = ",".join(map(str, sweep.batch_sizes))
    return f"gscli gradient {origin.weights} -t {origin.grid} -m {sizes}"


def format_cost(cost: float | None) -> str:
    """Return a multiple of the least error.

    Examples
    --------
    >>> format_cost(1.166), format_cost(1234.5), format_cost(None)
    ('1.17', '1,234', '–')
    """
    if cost is None:
        return "–"
    return f"{cost:.2f}" if cost < 10 else f"{cost:,.0f}" if cost < 1e6 else f"{cost:.1e}"


def advice(sweep: Sweep) -> str:
    """Return the answer to "which temperature?" in a sentence."""
    if sweep.advice is None:
        return (
            "One category has nearly all of the probability: "
            "no temperature makes its gradient better than another."
        )
    parts = [f"{format_best(each.advised)} with {_samples(m)}" for m, each in sweep.advice.items()]
    limit = f" with a bias up to {100 * MAX_RELATIVE_BIAS:.0f}\u00a0%" if sweep.shrunk else ""
    sentences = [f"For the lowest gradient error{limit} use t ≈ {', '.join(parts)} per step."]
    rules = list(figures.rules_of_thumb(len(sweep.logits)).items())[:2]
    costs = [
        f"t\u00a0=\u00a0{name} costs {format_cost(cost)}\u00d7"
        for name, rule in rules
        if (cost := sweep.cost(rule, sweep.middle)) is not None
    ]
    # Multiples of the error of a shrunk gradient would make every rule look bad.
    if costs and not sweep.advice[sweep.middle].shrunk:
        costs[0] += " the minimum"
        sentences.append(f"With {_samples(sweep.middle)}, {' and '.join(costs)}.")
    return " ".join([*sentences, *cautions(sweep.advice)])


def _samples(count: int) -> str:
    return f"{count:,} sample{'s' if count > 1 else ''}"


def marks_sentence(sweep: Sweep) -> str:
    """Return what the figure of the gradient's error marks, and what lies beyond it."""
    best, rules = figures.marked_best(sweep), figures.marked_rules(sweep)
    drawn, sentences = [], []
    if best:
        drawn.append(f"a {'filled ' if sweep.shrunk else ''}diamond marks the best t for each m")
    if rules:
        every = len(rules) == len(figures.rules_of_thumb(len(sweep.logits)))
        drawn.append(f"dashed lines mark {'the' if every else 'some'} rules of thumb")
    if drawn:
        sentences.append(", ".join(drawn))
    missing = [f"{m:,}" for m in sweep.advice or () if m not in best]
    if missing:
        which = f"for m = {' and '.join(missing)}" if best else "at any m"
        sentences.append(f"{which} the best t lies off this chart: see the table")
    return " ".join(f"{each[0].upper()}{each[1:]}." for each in sentences)


def _rounded(value: Any) -> Any:
    """Return JSON with numbers of six digits: more than a figure can show."""
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _embedded(figure: "go.Figure") -> dict[str, Any]:
    """Return a figure for a place in the page, which gives it its title, size and legend."""
    # Plain, since plotly takes long over each change.
    drawn: dict[str, Any] = _rounded(figure.to_dict())
    layout = drawn["layout"]
    unused = ("legend",) if not layout.get("showlegend", True) else ()
    for key in ("template", "title", "width", "height", *unused):
        layout.pop(key, None)
    top = 12 + LABEL_HEIGHT * len(layout.get("annotations", ()))
    layout["margin"] = {"l": 44, "r": 20, "t": top, "b": 48}
    # A drag would zoom, and leave a ternary's corner names where they are: it sets t instead.
    layout |= {"autosize": True, "dragmode": False, "paper_bgcolor": CLEAR, "plot_bgcolor": CLEAR}
    if "ternary" in layout:
        layout["margin"] = {"l": 8, "r": 8, "t": 14, "b": 24}
        layout["ternary"]["bgcolor"] = CLEAR
        for axis in "abc":  # the corners are named once, above the panels
            layout["ternary"][f"{axis}axis"]["title"]["text"] = ""
        # The legend stands once, above the panels: no names, and no entries of points here.
        layout.pop("meta", None)
        drawn["data"] = [
            trace
            for trace in drawn["data"]
            if trace["mode"] != "markers" or not trace["showlegend"]
        ]
        for trace in drawn["data"]:
            for key in ("legendgroup", "legendrank", "name", "showlegend"):
                trace.pop(key, None)
            if trace["mode"] == "markers":
                trace["marker"] |= {"size": 3.2, "opacity": 0.7}
    return drawn


def _data(
    sweep: Sweep, origin: Origin, corners: Sequence[int], shown: Sequence[int]
) -> dict[str, Any]:
    """Return what the explorer needs: of many categories an exact sub-composition."""
    num_categories = len(sweep.logits)
    curve = figures.error_curve(sweep)
    own = figures.colours_of(sweep.logits)
    few = len(shown) < num_categories
    if few:
        noise = embedded_noise(num_categories, PARTICLES, seed=sweep.seed, categories=shown)
        rest = float(logsumexp(np.delete(sweep.logits, list(shown)))) + origin.scale
    else:
        noise, rest = noise_state(num_categories, seed=sweep.seed), None
    return {
        "names": [origin.names[k] for k in shown],
        "logits": (sweep.logits[list(shown)] + origin.scale).tolist(),
        "positions": list(shown),
        "colours": list(theme.CATEGORY_COLOURS),
        "hues": [theme.CATEGORY_COLOURS.index(own[k]) if k in own else None for k in shown],
        "lines": [shown.index(k) for k in own],
        "whole": not few,
        "num_categories": num_categories,
        "weights": origin.weights,
        "grid": origin.grid,
        "span": [min(sweep.temperatures), max(sweep.temperatures)],
        "n": sweep.n,
        "seed": sweep.seed,
        "batch_sizes": list(sweep.batch_sizes),
        "batch_size": sweep.middle,
        "max_relative_bias": MAX_RELATIVE_BIAS,
        "curve": {
            "temperature": list(curve),
            "squared_bias": [cost.bias**2 for cost in curve.values()],
            "relative_bias": to_json([cost.relative_bias for cost in curve.values()]),
            "noise": [cost.noise for cost in curve.values()],
            "no_gradient": next(iter(curve.values())).no_gradient,
        },
        "corners": [shown.index(k) for k in corners],
        "sliders": [shown.index(k) for k in largest(sweep.logits, SLIDERS)],
        "rule": 1 / (num_categories - 1),
        "rows": PARTICLES,
        "rest": rest,
        "noise": noise,
        "best": sweep.advice and [sweep.middle, sweep.advice[sweep.middle].advised],
        "schedules": {
            name: {
                "kind": each.kind,
                "start": each.start,
                "floor": each.floor,
                "pace": each.pace,
                "every": each.every,
                "run": each.run,
                "formula": each.formula,
                "source": each.source,
            }
            for name, each in PRESETS.items()
        },
        "near": 1 - WITHIN,
        "ink": {
            "ink": theme.INK,
            "muted": theme.MUTED,
            "grid": theme.GRID,
            "paper": theme.PAPER,
            **{f"batch-{i}": colour for i, colour in enumerate(figures.BATCH_COLOURS)},
        },
    }


def check_rows(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Return the rows of the tests: neighbours of the same verdict and p-values, as shown, in one.

    All temperatures share their noise, and most tests see a sample through what temperature does
    not change: so there often is one row.
    """
    rows = []
    for (consistent, tests), group in groupby(steps, _verdict):
        temperatures = [step.facts.temperature for step in group]
        first, last = temperatures[0], temperatures[-1]
        label = f"{first:.5g}" + (f" to {last:.5g}" if first != last else "")
        if len(temperatures) == len(steps) > 1:
            label = f"all {len(steps)}"
        rows.append({"label": label, "consistent": consistent, "tests": tests})
    return rows


def _verdict(step: Step) -> tuple[bool, dict[str, str]]:
    return step.verdict.consistent, {t.name: f"{t.p_value:.3f}" for t in step.verdict.tests}
