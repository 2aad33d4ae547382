"""The figure of `gscli gradient`: its panels, lines and marks, as a dictionary."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from gscli.distribution.estimators import ESTIMATORS, Comparison, compare
from gscli.distribution.losses import quadratic_loss
from gscli.plotting.estimators import DECADES, estimator_panels

GRID = np.geomspace(0.05, 5, 9).tolist()
LOSS = quadratic_loss([0.2, 0.5, 0.3])


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare(np.log([1, 3, 6]), GRID, LOSS, batch_sizes=[1, 32])


def lines(figure: go.Figure, axis: str) -> dict[str, Any]:
    return {trace.name: trace for trace in figure.data if trace.xaxis == axis}


def test_a_panel_for_each_figure_and_a_line_for_each_estimator(comparison: Comparison) -> None:
    figure = estimator_panels(comparison, title="A title", subtitle="below it")
    headings = [annotation.text for annotation in figure.layout.annotations]
    assert headings == [
        "squared bias", "variance of one sample", "error, m = 1", "error, m = 32",
    ]  # fmt: skip
    assert figure.layout.title.text == "<b>A title</b>"
    for axis in ("x", "x2", "x3", "x4"):
        assert set(ESTIMATORS) <= set(lines(figure, axis))
    entries = [trace.name for trace in figure.data if trace.showlegend is not False]
    assert entries == list(ESTIMATORS)
    looks = {(trace.line.color, trace.line.dash) for trace in lines(figure, "x").values()}
    assert len(looks) == len(ESTIMATORS)


def test_lines_are_the_figures(comparison: Comparison) -> None:
    figure = estimator_panels(comparison)
    rao = [errors["gumbel-rao"] for errors in comparison.errors]
    assert list(lines(figure, "x")["gumbel-rao"].y) == [error.squared_bias for error in rao]
    assert list(lines(figure, "x2")["gumbel-rao"].y) == [error.variance for error in rao]
    assert list(lines(figure, "x4")["gumbel-rao"].y) == [error.mse[32] for error in rao]
    assert list(lines(figure, "x4")["gumbel-rao"].x) == GRID
    # A logarithmic axis cannot show 0; of one sample there is no leave-one-out baseline.
    assert set(lines(figure, "x")["zgr"].y) == {None}
    assert set(lines(figure, "x3")["reinforce-loo"].y) == {None}
    assert set(lines(figure, "x3")["no gradient"].y) == {comparison.no_gradient}
    assert "no gradient" not in lines(figure, "x")


def test_the_best_is_marked(comparison: Comparison) -> None:
    figure = estimator_panels(comparison)
    filled = lines(figure, "x3")["best"]
    hollow = lines(figure, "x3")["least error, of a shrunk gradient"]
    advised, least = comparison.best(0.5)[1], comparison.best()[1]
    assert (filled.x[0], filled.y[0]) == (advised.temperature, advised.mse)
    assert (hollow.x[0], hollow.y[0]) == (least.temperature, least.mse)
    assert hollow.marker.color != filled.marker.color
    free = lines(figure, "x4")
    assert comparison.best()[32].temperature is None
    assert free["best"].x[0] == pytest.approx(0.5)  # in the middle: any temperature
    assert "least error, of a shrunk gradient" not in free


def test_no_panel_shows_more_than_some_decades() -> None:
    near_one = [0.9999999, 1.0, 5.0]
    found = compare(np.log([1, 3, 6]), near_one, LOSS, estimators=["reinmax"], batch_sizes=[1])
    low, high = estimator_panels(found).layout.yaxis.range
    assert high - low == pytest.approx(DECADES)


def test_the_error_of_no_gradient_is_in_sight() -> None:
    figure = estimator_panels(compare(np.log([1, 3, 6]), GRID, LOSS, batch_sizes=[10**6]))
    low, high = figure.layout.yaxis3.range
    assert low < np.log10(0.0126) < high


def test_what_is_simulated_says_so() -> None:
    loss = quadratic_loss(np.linspace(0, 1, 17))
    found = compare(np.zeros(17), [0.5, 1], loss, batch_sizes=[1], n=64)
    entries = [
        trace.name for trace in estimator_panels(found).data if trace.showlegend is not False
    ]
    simulated = ["relaxed", "straight-through", "gumbel-rao"]
    assert entries[:4] == [*(f"{name} (Monte Carlo)" for name in simulated), "zgr"]


def test_a_single_temperature_is_points() -> None:
    figure = estimator_panels(compare(np.log([1, 3, 6]), [0.5], LOSS, batch_sizes=[1]))
    assert {trace.mode for trace in lines(figure, "x").values()} == {"markers"}
    low, high = figure.layout.xaxis.range
    assert low < np.log10(0.5) < high
