"""Observed against expected, test by test: what a goodness-of-fit verdict rests on."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from gscli.arrays import FloatArray
from gscli.plotting import theme
from gscli.plotting.cartesian import axes_of, cartesian
from gscli.plotting.panels import Panel

if TYPE_CHECKING:
    from gscli.inference.gof.results import CheckResult, Comparison, TestResult

OBSERVED = theme.CATEGORY_COLOURS[0]
REJECTED = theme.CATEGORY_COLOURS[4]
OTHERS = "#9aa5b1"
BAND = "#e6ebf0"
MOST_BARS = 12
MOST_LINES = 40

WORDS = {
    "rounding": "Largest component",
    "log-ratios": "Log-ratios",
    "flat Dirichlet": "Flat Dirichlet map",
    "independence": "Independence in a row",
    "extremes": "Extremes",
    "serial": "Independence of rows",
}


def check_panels(
    result: "CheckResult",
    *,
    names: Sequence[str],
    title: str = "",
    subtitle: str = "",
) -> go.Figure:
    """Draw observed figures beside those that are expected, a panel for each test.

    Parameters
    ----------
    result : CheckResult
        From `gscli.inference.gof.check`.
    names : sequence of K str
        The categories' names.
    title, subtitle : str
        Shown above.

    Returns
    -------
    plotly.graph_objects.Figure
        Two panels across, each titled with its test's verdict and p-value. The bands are those
        that each figure leaves with a probability of alpha, shared among all figures and tests:
        a line outside its band is reason enough to reject.

    Examples
    --------
    >>> from gscli import Concrete
    >>> from gscli.inference.gof.check import check
    >>> d = Concrete([1, 3, 6], temperature=0.5)
    >>> figure = check_panels(check([d.sample(1000, seed=1)], d), names=["x1", "x2", "x3"])
    >>> figure.layout.annotations[0].text
    'Largest component<br>passed, p = 0.36'
    """
    drawn = [(test, _found(result, test.name)) for test in result.tests if test.name in WORDS]
    drawn = [(test, found) for test, found in drawn if found or test.name == "extremes"]
    caption = _caption(result)
    if len(drawn) == 1:  # A single panel has no heading of its own.
        caption = f"{_heading(drawn[0][0]).replace('<br>', ': ')}; {caption}"
    figure = cartesian(
        [Panel(heading=_heading(test)) for test, _ in drawn],
        x={},
        y={},
        title=title,
        subtitle=f"{subtitle}<br>{caption}" if subtitle else caption,
        columns=min(2, len(drawn)),
        single=(720, 450),
        panel=(262, 200),
        gap=(85, 110),
        margin=theme.Margin(70, 40, 140 if len(drawn) > 1 else 125, 70),
    )
    figure.update_layout(showlegend=False, bargap=0.35)
    figure.update_annotations(yshift=8)
    level = result.alpha / max(1, result.by_chance)
    for index, (test, comparisons) in enumerate(drawn):
        place = _Place(figure, index, test, comparisons, names, level, result.n)
        _DRAWINGS[test.name](place)
    return figure


@dataclass(frozen=True, eq=False, slots=True)
class _Place:
    """One panel of the figure, and what it is to show; what is added to it gets its axes.

    `level` is this test's share of alpha, and `n` the number of rows.
    """

    figure: go.Figure
    index: int
    test: "TestResult"
    comparisons: Sequence["Comparison"]
    names: Sequence[str]
    level: float
    n: int

    @property
    def axes(self) -> dict[str, str]:
        return axes_of(self.index)

    @property
    def colour(self) -> str:
        return OBSERVED if self.test.passed else REJECTED

    def add(self, trace: Any) -> None:
        self.figure.add_trace(trace.update(showlegend=False, **self.axes))

    def axis(self, letter: str, **settings: Any) -> None:
        number = self.axes[f"{letter}axis"][1:]
        if "title" in settings:
            words = {"text": settings["title"], "font": {"size": 13}, "standoff": 6}
            settings["title"] = words
        self.figure.layout[f"{letter}axis{number}"].update(settings)

    def note(self, text: str, x: float, y: float, **settings: Any) -> None:
        self.figure.add_annotation(
            text=text,
            x=x,
            y=y,
            xref=self.axes["xaxis"],
            yref=self.axes["yaxis"],
            **{"showarrow": False, "font": {"size": 12, "color": theme.INK}, **settings},
        )

    def band(self, x: FloatArray, reach: FloatArray | float) -> None:
        reach = np.broadcast_to(reach, x.shape)
        self.add(
            go.Scatter(
                x=np.concatenate([x, x[::-1]]),
                y=np.concatenate([reach, -reach[::-1]]),
                mode="lines",
                line={"width": 0},
                fill="toself",
                fillcolor=BAND,
                hoverinfo="skip",
            )
        )


def _found(result: "CheckResult", test: str) -> list["Comparison"]:
    found = [each for each in result.comparisons if each.test == test]
    return [each for each in found if len(each.position)]


def _heading(test: "TestResult") -> str:
    outcome = "passed" if test.passed else f'<b style="color:{REJECTED}">rejected</b>'
    return f"{WORDS[test.name]}<br>{outcome}, p = {_probability(test.p_value)}"


def _probability(p_value: float) -> str:
    return f"{p_value:.2g}" if p_value > 1e-300 else "0"


def _caption(result: "CheckResult") -> str:
    others = ", ".join(
        f"{test.name} {'passed' if test.passed else 'rejected'}"
        for test in result.tests
        if test.name not in WORDS
    )
    return f"{others}; bands and bars: alpha = {result.alpha:g} over all tests"


def _rounding(place: _Place) -> None:
    from scipy import special

    (counts,) = place.comparisons
    total = max(1.0, float(counts.observed.sum()))
    expected = counts.expected / total
    deviation = np.sqrt(expected * (1 - expected) / total)
    reach = -float(special.ndtri(place.level / 2 / len(place.names)))
    if len(place.names) > MOST_BARS:
        _standardised(place, counts, deviation * total, reach)
        return
    place.add(
        go.Bar(
            x=counts.position,
            y=counts.observed / total,
            marker={"color": place.colour, "opacity": 0.75, "line": {"width": 0}},
            customdata=np.stack([counts.observed, counts.expected], axis=-1),
            hovertemplate="%{customdata[0]:,.0f} rows, %{customdata[1]:,.1f} expected"
            "<extra></extra>",
        )
    )
    place.add(
        go.Scatter(
            x=counts.position,
            y=expected,
            mode="markers",
            marker={"symbol": "line-ew", "size": 16, "line": {"width": 2, "color": theme.INK}},
            error_y={
                "array": reach * deviation,
                "color": theme.INK,
                "thickness": 1.5,
                "width": 5,
            },
            hoverinfo="skip",
        )
    )
    place.axis(
        "x",
        tickvals=counts.position,
        ticktext=[theme.shorten(name, 10) for name in place.names],
        range=[-0.6, len(place.names) - 0.4],
        showgrid=False,
    )
    place.axis("y", title="share of rows", rangemode="tozero")


def _standardised(place: _Place, counts: "Comparison", deviation: FloatArray, reach: float) -> None:
    score = (counts.observed - counts.expected) / np.maximum(deviation, 1e-300)
    ends = np.array([0.5, len(place.names) + 0.5])
    place.band(ends, reach)
    place.add(
        go.Scattergl(
            x=counts.position + 1,
            y=score,
            mode="markers",
            marker={"size": 5, "color": place.colour},
            text=[theme.escape(name) for name in place.names],
            hovertemplate="%{text}: %{y:.2f}<extra></extra>",
        )
    )
    place.axis("x", title="category", range=ends.tolist())
    place.axis("y", title="(rows − expected) / sd")


def _uniforms(place: _Place) -> None:
    from scipy import special

    x = np.concatenate([[0.0], place.comparisons[0].position + place.comparisons[0].position[0]])
    gaps = [_gap(each) for each in place.comparisons]
    root = math.sqrt(place.n)
    scale = root + 0.12 + 0.11 / root
    reach = float(special.kolmogi(place.level / len(place.comparisons))) / scale
    place.band(np.array([0.0, 1.0]), reach)
    place.axis("y", zeroline=True, zerolinecolor=theme.MUTED, zerolinewidth=1)
    ranked = np.argsort([np.abs(gap).max() for gap in gaps])[-MOST_LINES:]
    for index in ranked:
        worst = index == ranked[-1]
        colour = place.colour if worst else OTHERS
        place.add(
            go.Scatter(
                x=x,
                y=gaps[index],
                mode="lines",
                line={"color": colour, "width": 2.2 if worst else 1},
                name=theme.escape(place.comparisons[index].label),
                hovertemplate=f"{theme.escape(place.comparisons[index].label)}: %{{y:.4f}}"
                "<extra></extra>",
            )
        )
    top = max(reach, float(np.abs(gaps[ranked[-1]]).max()))
    _name_worst(place, x, gaps[ranked[-1]], place.comparisons[ranked[-1]].label, place.colour)
    place.axis("x", range=[0, 1], tickvals=[0, 0.5, 1], title="probability transform")
    place.axis("y", range=[-1.45 * top, 1.45 * top], title="observed − expected share")


def _gap(comparison: "Comparison") -> FloatArray:
    total = comparison.observed.sum()
    gap: FloatArray = np.cumsum(comparison.observed - comparison.expected) / total
    return np.concatenate([[0.0], gap])


def _name_worst(place: _Place, x: FloatArray, gap: FloatArray, label: str, colour: str) -> None:
    peak = int(np.abs(gap).argmax())
    above = gap[peak] >= 0
    place.note(
        theme.shorten(label, 20),
        float(np.clip(x[peak], 0.15, 0.85)),
        float(gap[peak]),
        yanchor="bottom" if above else "top",
        font={"size": 12, "color": colour},
    )


def _correlations(place: _Place) -> None:
    from scipy import special

    count = len(place.comparisons[0].position)
    tests = count * len(place.comparisons)
    reach = -float(special.ndtri(place.level / 2 / tests)) / math.sqrt(place.n)
    ends = np.array([0.5, count + 0.5])
    place.band(ends, reach)
    largest = [float(np.abs(each.observed).max()) for each in place.comparisons]
    for each in place.comparisons:
        place.add(
            go.Scatter(
                x=each.position,
                y=each.observed,
                mode="markers",
                marker={"size": 6, "color": place.colour, "opacity": 0.7},
                hovertemplate=f"{theme.escape(each.label)}, %{{x}}: %{{y:.4f}}<extra></extra>",
            )
        )
    top = 1.2 * max(reach, *largest)
    serial = place.test.name == "serial"
    step = 2 if serial else max(1, round(count / 5))
    place.axis("x", range=ends.tolist(), title="rows before" if serial else "pair")
    place.axis("x", tick0=step, dtick=step)
    place.axis("y", range=[-top, top], title="correlation")


def _extremes(place: _Place) -> None:
    # The smallest component over its typical size is exponential: see `statistics`.
    low, high = -math.log1p(-place.level / 2), -math.log(place.level / 2)
    observed = min(max(place.test.statistic, 1e-12), 1e12)
    place.add(
        go.Scatter(
            x=[low, high, high, low],
            y=[-0.3, -0.3, 0.3, 0.3],
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=BAND,
            hoverinfo="skip",
        )
    )
    place.add(
        go.Scatter(
            x=[observed],
            y=[0],
            mode="markers",
            marker={"symbol": "diamond", "size": 12, "color": place.colour},
            hovertemplate="%{x:.4g} times what is typical<extra></extra>",
        )
    )
    place.note("expected range", math.log10(math.sqrt(low * high)), 0.3, yanchor="bottom")
    ends = [math.log10(min(low, observed)) - 0.5, math.log10(max(high, observed)) + 0.5]
    place.axis(
        "x",
        type="log",
        range=ends,
        dtick=max(1, math.ceil((ends[1] - ends[0]) / 6)),
        exponentformat="power",
        tickfont={"size": 11, "color": theme.MUTED},
        title="smallest flat-Dirichlet component / typical",
    )
    place.axis("y", visible=False, range=[-1, 1])


_DRAWINGS: dict[str, Callable[[_Place], None]] = {
    "rounding": _rounding,
    "log-ratios": _uniforms,
    "flat Dirichlet": _uniforms,
    "independence": _correlations,
    "extremes": _extremes,
    "serial": _correlations,
}
