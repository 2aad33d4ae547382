"""Observed against expected, test by test: what a goodness-of-fit verdict rests on."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from gscli.arrays import FloatArray
from gscli.plotting import theme
from gscli.plotting.cartesian import cartesian
from gscli.plotting.panels import Panel, add_traces, numbered, titled

if TYPE_CHECKING:
    from gscli.inference.gof.results import CheckResult, Comparison, TestResult

OBSERVED = theme.CATEGORY_COLOURS[0]
REJECTED = theme.CATEGORY_COLOURS[4]
OTHERS = "#9aa5b1"
MOST_BARS = 12
MOST_LINES = 40


def check_panels(
    result: "CheckResult", *, names: Sequence[str], title: str = "", subtitle: str = ""
) -> go.Figure:
    """Draw what was observed beside what is expected, a panel for each test.

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
        Two panels across, each titled with its test's verdict and p-value. The statistics leave
        their bands with a probability of alpha, shared among all statistics and tests: a line
        outside its band is reason enough to reject.

    Examples
    --------
    >>> from gscli import Concrete
    >>> from gscli.inference.gof.check import check
    >>> d = Concrete([1, 3, 6], temperature=0.5)
    >>> figure = check_panels(check([d.sample(1000, seed=1)], d), names=["x1", "x2", "x3"])
    >>> figure.layout.annotations[0].text
    '<b>rounding</b><br>passed, p = 0.36'
    """
    drawn = []
    for test in result.tests:
        found = [each for each in result.comparisons if each.test == test.name]
        found = [each for each in found if len(each.position)]
        if test.name in _PANELS and (found or test.name == "extremes"):
            drawn.append((test, found))
    caption = _caption(result)
    if len(drawn) == 1:  # A single panel has no heading of its own.
        caption = f"{_heading(drawn[0][0]).replace('<br>', ' ')}; {caption}"
    figure = cartesian(
        [Panel(heading=_heading(test)) for test, _ in drawn],
        x={},
        y={},
        columns=min(2, len(drawn)),
        single=(720, 450),
        size=(262, 200),
        gap=(85, 110),
        margin=theme.Margin(70, 40, 140 if len(drawn) > 1 else 125, 70),
    )
    figure.update_layout(showlegend=False, bargap=0.35)
    figure.update_annotations(yshift=8)
    level = result.alpha / max(1, result.by_chance)
    for index, (test, comparisons) in enumerate(drawn):
        draw = _PANELS[test.name]
        draw(_TestPanel(figure, index, test, comparisons, names, level, result.n))
    return titled(figure, title, f"{subtitle}<br>{caption}" if subtitle else caption)


@dataclass(frozen=True, eq=False, slots=True)
class _TestPanel:
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
    def colour(self) -> str:
        return OBSERVED if self.test.passed else REJECTED

    def add(self, trace: Any, hover: str = "") -> None:
        shown = {"hovertemplate": f"{hover}<extra></extra>"} if hover else {"hoverinfo": "skip"}
        trace.update(showlegend=False, **shown)
        add_traces(self.figure, self.index, [trace], xaxis="x", yaxis="y")

    def axis(self, letter: str, title: str = "", **settings: Any) -> None:
        if title:
            settings["title"] = {"text": title, "font": {"size": 13}, "standoff": 6}
        self.figure.layout[numbered(f"{letter}axis", self.index)].update(settings)

    def note(self, text: str, x: float, y: float, above: bool, colour: str = theme.INK) -> None:
        self.figure.add_annotation(
            text=text,
            x=x,
            y=y,
            xref=numbered("x", self.index),
            yref=numbered("y", self.index),
            yanchor="bottom" if above else "top",
            showarrow=False,
            font={"size": 12, "color": colour},
        )

    def band(self, low: float, high: float, half_width: float) -> None:
        x, y = [low, high, high, low], [half_width, half_width, -half_width, -half_width]
        self.add(
            go.Scatter(x=x, y=y, mode="lines", line_width=0, fill="toself", fillcolor=theme.BAND)
        )


def _heading(test: "TestResult") -> str:
    outcome = (
        "passed" if test.passed else f'<b style="color:{theme.text_colour(REJECTED)}">rejected</b>'
    )
    p_value = f"{test.p_value:.3g}" if test.p_value > 1e-300 else "0"
    return f"<b>{test.name}</b><br>{outcome}, p = {p_value}"


def _caption(result: "CheckResult") -> str:
    others = ", ".join(
        f"{test.name} {'passed' if test.passed else 'rejected'}"
        for test in result.tests
        if test.name not in _PANELS
    )
    return f"{others}; bands and bars: alpha = {result.alpha:g} over all tests"


def _rounding(panel: _TestPanel) -> None:
    from scipy import special

    (counts,) = panel.comparisons
    total, k = max(1.0, float(counts.observed.sum())), len(panel.names)
    expected = counts.expected / total
    deviation = np.sqrt(expected * (1 - expected) / total)
    half_width = -float(special.ndtri(panel.level / 2 / k))
    if k > MOST_BARS:
        score = (counts.observed - counts.expected) / np.maximum(deviation * total, 1e-300)
        panel.band(0.5, k + 0.5, half_width)
        dots = go.Scattergl(x=counts.position + 1, y=score, mode="markers", marker_size=5)
        names = [theme.escape(name) for name in panel.names]
        panel.add(dots.update(text=names, marker_color=panel.colour), "%{text}: %{y:.2f}")
        panel.axis("x", "category", range=[0.5, k + 0.5])
        panel.axis("y", "(rows − expected) / sd")
        return
    panel.add(
        go.Bar(
            x=counts.position,
            y=counts.observed / total,
            marker={"color": panel.colour, "opacity": 0.75, "line": {"width": 0}},
            customdata=np.stack([counts.observed, counts.expected], axis=-1),
        ),
        "%{customdata[0]:,.0f} rows, %{customdata[1]:,.1f} expected",
    )
    bars = {"array": half_width * deviation, "color": theme.INK, "thickness": 1.5, "width": 5}
    marker = {"symbol": "line-ew", "size": 16, "line": {"width": 2, "color": theme.INK}}
    panel.add(
        go.Scatter(x=counts.position, y=expected, mode="markers", marker=marker, error_y=bars)
    )
    labels = [theme.shorten(name, 10) for name in panel.names]
    ends = [-0.6, k - 0.4]
    panel.axis("x", tickvals=counts.position, ticktext=labels, range=ends, showgrid=False)
    panel.axis("y", "share of rows", rangemode="tozero")


def _uniforms(panel: _TestPanel) -> None:
    from scipy import special

    position = panel.comparisons[0].position
    x = np.concatenate([[0.0], position + position[0]])
    root = math.sqrt(panel.n)
    scale = root + 0.12 + 0.11 / root
    half_width = float(special.kolmogi(panel.level / len(panel.comparisons))) / scale
    panel.band(0.0, 1.0, half_width)
    panel.axis("y", zeroline=True, zerolinecolor=theme.MUTED, zerolinewidth=1)
    gaps = [_gap(each) for each in panel.comparisons]
    *others, worst = np.argsort([np.abs(gap).max() for gap in gaps])[-MOST_LINES:].tolist()
    for index in (*others, worst):
        label = theme.escape(panel.comparisons[index].label)
        line = {"color": OTHERS, "width": 1}
        if index == worst:
            line = {"color": panel.colour, "width": 2.2}
        trace = go.Scatter(x=x, y=gaps[index], mode="lines", line=line, name=label)
        panel.add(trace, f"{label}: %{{y:.4f}}")
    gap, label = gaps[worst], theme.shorten(panel.comparisons[worst].label, 20)
    peak = int(np.abs(gap).argmax())
    at = float(np.clip(x[peak], 0.15, 0.85))
    panel.note(
        label, at, float(gap[peak]), above=gap[peak] >= 0, colour=theme.text_colour(panel.colour)
    )
    top = 1.45 * max(half_width, float(np.abs(gap).max()))
    panel.axis("x", "probability transform", range=[0, 1], tickvals=[0, 0.5, 1])
    panel.axis("y", "observed − expected share", range=[-top, top])


def _gap(comparison: "Comparison") -> FloatArray:
    total = comparison.observed.sum()
    gap: FloatArray = np.cumsum(comparison.observed - comparison.expected) / total
    return np.concatenate([[0.0], gap])


def _correlations(panel: _TestPanel) -> None:
    from scipy import special

    count = len(panel.comparisons[0].position)
    tests = count * len(panel.comparisons)
    half_width = -float(special.ndtri(panel.level / 2 / tests)) / math.sqrt(panel.n)
    panel.band(0.5, count + 0.5, half_width)
    marker = {"size": 6, "color": panel.colour, "opacity": 0.7}
    for each in panel.comparisons:
        dots = go.Scatter(x=each.position, y=each.observed, mode="markers", marker=marker)
        panel.add(dots, f"{theme.escape(each.label)}, %{{x}}: %{{y:.4f}}")
    top = 1.2 * max(half_width, *(np.abs(each.observed).max() for each in panel.comparisons))
    serial = panel.test.name == "serial"
    step = 2 if serial else max(1, round(count / 5))
    title = "rows before" if serial else "pair"
    panel.axis("x", title, range=[0.5, count + 0.5], tick0=step, dtick=step)
    panel.axis("y", "partial correlation" if serial else "correlation", range=[-top, top])


def _extremes(panel: _TestPanel) -> None:
    # The smallest component over its typical size is exponential: see `statistics`.
    low, high = -math.log1p(-panel.level / 2), -math.log(panel.level / 2)
    observed = min(max(panel.test.statistic, 1e-12), 1e12)
    panel.band(low, high, 0.3)
    marker = {"symbol": "diamond", "size": 12, "color": panel.colour}
    dot = go.Scatter(x=[observed], y=[0], mode="markers", marker=marker)
    panel.add(dot, "%{x:.4g} times what is typical")
    panel.note("expected range", math.log10(math.sqrt(low * high)), 0.3, above=True)
    ends = [math.log10(min(low, observed)) - 0.5, math.log10(max(high, observed)) + 0.5]
    panel.axis(
        "x",
        "smallest flat-Dirichlet component / typical",
        type="log",
        range=ends,
        dtick=max(1, math.ceil((ends[1] - ends[0]) / 6)),
        exponentformat="power",
        tickfont={"size": 11, "color": theme.MUTED},
    )
    panel.axis("y", visible=False, range=[-1, 1])


def _stretches(panel: _TestPanel) -> None:
    from scipy import special

    from gscli.inference.gof.null_distributions import temperature_information

    (stretches,) = panel.comparisons
    count, given = len(stretches.position), stretches.expected[0]
    quantile = -float(special.ndtri(panel.level / 2 / count))
    information = panel.n / count * temperature_information(len(panel.names))
    half_width = quantile / math.sqrt(information)
    ratio = np.log(stretches.observed / given)
    panel.band(0.0, panel.n, half_width)
    panel.axis("y", zeroline=True, zerolinecolor=theme.MUTED, zerolinewidth=1)
    line, marker = {"color": panel.colour, "width": 1}, {"size": 7, "color": panel.colour}
    dots = go.Scatter(x=stretches.position, y=ratio, mode="lines+markers", line=line, marker=marker)
    panel.add(dots.update(text=[f"{t:.4g}" for t in stretches.observed]), "t = %{text}")
    top = 1.2 * max(half_width, float(np.abs(ratio).max()))
    panel.axis("x", "row", range=[0, panel.n], nticks=4)
    panel.axis("y", "log(fitted t / t)", range=[-top, top])


_PANELS: dict[str, Callable[[_TestPanel], None]] = {
    "rounding": _rounding,
    "log-ratios": _uniforms,
    "flat Dirichlet": _uniforms,
    "independence": _correlations,
    "extremes": _extremes,
    "drift": _stretches,
    "serial": _correlations,
}
