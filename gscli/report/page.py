"""A sweep's results to one HTML page: data, figures, template, style and script together."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from gscli.facts import BATCH_SIZES
from gscli.figures import theme
from gscli.report import figures
from gscli.sweep import Step, Sweep, explorer_noise

if TYPE_CHECKING:
    import plotly.graph_objects as go

PARTICLES = 2000
SLIDERS = 12
CORNERS = 3


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a report comes from.

    Attributes
    ----------
    names : tuple of str
        Of the categories.
    command : str
        The command that makes the same page again.
    scale : float
        What turns normalised log-probabilities into those of the weights as they were given.
    """

    names: tuple[str, ...]
    command: str
    scale: float = 0.0


def page(sweep: Sweep, origin: Origin) -> str:
    """Return the report as one HTML page that needs no network.

    Parameters
    ----------
    sweep : Sweep
        What to report.
    origin : Origin
        Names and command; shown escaped.

    Returns
    -------
    str
        The page, the same for the same sweep.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=PackageLoader("gscli.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = lambda number: f"{number:.5g}"
    environment.filters["percent"] = lambda share: f"{100 * share:.3g} %"
    source = files("gscli.report")
    corners = leading(sweep.logits)
    panels = figures.panels(sweep, corners)
    changes = figures.change_figures(sweep, origin.names)
    drawn = {
        **{
            f"panel-{i}": figures.temperatures_figure(
                [panel], origin.names, corners, np.exp(sweep.logits).tolist()
            ).update_layout(showlegend=False)
            for i, panel in enumerate(panels)
        },
        **{f"change-{name}": figure for name, figure in changes.items()},
        "error": figures.error_figure(sweep),
    }
    return environment.get_template("template.html").render(
        sweep=sweep,
        origin=origin,
        probs=np.exp(sweep.logits).tolist(),
        colours=theme.category_colours(range(len(origin.names))),
        panels=panels,
        advice=advice(sweep),
        rules=figures.rules_of_thumb(len(sweep.logits)),
        batch_sizes=BATCH_SIZES,
        checks=_checks(sweep.steps),
        table=rows(sweep, origin.names),
        versions={name: version(name) for name in ("gscli", "numpy", "plotly")},
        data=_data(sweep, origin, corners),
        figures={name: _embedded(figure) for name, figure in drawn.items()},
        style=source.joinpath("report.css").read_text(encoding="utf-8"),
        script=source.joinpath("report.js").read_text(encoding="utf-8"),
        plotlyjs=get_plotlyjs(),
    )


def rows(sweep: Sweep, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the numbers of the report, a row for each temperature."""
    return [_row(names, step) for step in sweep.steps]


def all_figures(sweep: Sweep, names: Sequence[str]) -> "dict[str, go.Figure]":
    """Return the report's figures for a paper, each with its title."""
    corners, probs = leading(sweep.logits), np.exp(sweep.logits).tolist()
    panels = figures.panels(sweep, corners)
    return {
        "temperatures": figures.temperatures_figure(panels, names, corners, probs),
        **figures.change_figures(sweep, names),
        "gradient_error": figures.error_figure(sweep),
    }


def leading(logits: "np.ndarray[Any, np.dtype[np.float64]]") -> tuple[int, ...]:
    """Return the positions of the corners to begin with: the most probable categories."""
    top = np.argsort(-logits, kind="stable")[:CORNERS]
    return tuple(sorted(top.tolist()))


def advice(sweep: Sweep) -> str:
    """Return the answer to "which temperature?" in a sentence."""
    if sweep.best is None:
        return (
            "One category has all but the whole probability: "
            "no temperature makes its gradient better than another."
        )
    parts = [
        f"{temperature:.2g} for {'a single sample' if m == 1 else f'a mean of {m:,}'}"
        for m, temperature in sweep.best.items()
    ]
    middle = BATCH_SIZES[1]
    costs = [
        f"{name} costs {cost:.2f} times"
        for name, rule in list(figures.rules_of_thumb(len(sweep.logits)).items())[:2]
        if (cost := sweep.cost(rule, middle)) is not None
    ]
    return (
        f"The gradient's error is least at t = {', '.join(parts)}. "
        f"At a mean of {middle}, {' and '.join(costs)} the least error."
    )


def _embedded(figure: "go.Figure") -> dict[str, Any]:
    """Return a figure for a place in the page, which gives it its title, size and legend."""
    figure.update_layout(
        title=None,
        width=None,
        height=None,
        autosize=True,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 44, "r": 20, "t": 34, "b": 48},
        legend={"y": -0.28, "yref": "paper", "yanchor": "top", "font": {"size": 12}},
    )
    if "ternary" in figure.layout and any(t.type == "scatterternary" for t in figure.data):
        figure.update_layout(ternary={"bgcolor": "rgba(0,0,0,0)"})
        figure.update_layout(margin={"l": 40, "r": 40, "t": 24, "b": 30})
        figure.update_traces(marker={"size": 3.2, "opacity": 0.7}, selector={"mode": "markers"})
    loaded: dict[str, Any] = json.loads(figure.to_json())
    loaded["layout"].pop("template", None)
    return loaded


def _data(sweep: Sweep, origin: Origin, corners: Sequence[int]) -> dict[str, Any]:
    noise = explorer_noise(len(sweep.logits), PARTICLES, seed=sweep.seed)
    top = np.argsort(-sweep.logits, kind="stable")[:SLIDERS]
    return {
        "names": list(origin.names),
        "logits": (sweep.logits + origin.scale).tolist(),
        "colours": list(theme.CATEGORY_COLOURS),
        "corners": list(corners),
        "sliders": sorted(top.tolist()),
        "rows": len(noise),
        "noise": base64.b64encode(noise.astype("<f4").tobytes()).decode(),
        "best": sweep.best,
        "facts": [step.facts.as_dict() for step in sweep.steps],
        "seed": sweep.seed,
        "near": 0.95,
        "ink": {"ink": theme.INK, "muted": theme.MUTED, "grid": theme.GRID, "paper": theme.PAPER},
    }


def _row(names: Sequence[str], step: Step) -> dict[str, Any]:
    summary = step.summary
    return {
        **step.facts.as_row(names),
        "samples": summary.n,
        **{
            f"sample mean {name}": float(value)
            for name, value in zip(names, summary.mean, strict=True)
        },
        "sample entropy": step.entropy.value,
        "sample expected_max": summary.expected_max,
        "sample near_vertex": summary.near_vertex,
    }


def _checks(steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [
        {
            "temperature": step.facts.distribution.temperature,
            "consistent": step.verdict.consistent,
            "checked": step.checked,
            "tests": {test.name: test.p_value for test in step.verdict.tests},
        }
        for step in steps
    ]
