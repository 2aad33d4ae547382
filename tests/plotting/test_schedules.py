"""The figure of `gscli schedule`: its panels, lines and marks, as a dictionary."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from gscli.distribution.schedules import lines_along, parse_schedule
from gscli.plotting.schedules import DECADES, HEADINGS, schedule_panels

LOGITS = np.log([1.0, 3.0, 6.0])


def drawn(spec: str, **options: Any) -> tuple[go.Figure, dict[str, Any]]:
    schedule = parse_schedule(spec)
    steps = np.linspace(0, schedule.run, 13)
    temperatures = schedule.temperature(steps)
    lines = lines_along(LOGITS, temperatures, [1, 64])
    figure = schedule_panels(
        steps, temperatures, lines, best={1: 0.05, 64: 0.005}, no_gradient=0.184,
        floor_step=schedule.floor_step, **options,
    )  # fmt: skip
    return figure, {"temperature": temperatures, **lines}


def test_four_panels_with_their_lines() -> None:
    figure, lines = drawn("wav2vec2", title="A title")
    texts = [annotation.text for annotation in figure.layout.annotations]
    assert texts[:4] == list(HEADINGS)
    traces = {(trace.xaxis, trace.name): trace for trace in figure.data}
    for axis, name, key in (
        ("x", "temperature", "temperature"),
        ("x2", "E[max X]", "expected_max"),
        ("x2", "share with max X > 0.95", "near_vertex"),
        ("x3", "relative bias", "relative_bias"),
        ("x3", "noise", "noise"),
        ("x4", "error, m = 64", "error 64"),
    ):
        np.testing.assert_allclose(traces[axis, name].y, lines[key])
    assert set(traces["x4", "least error, m = 64"].y) == {0.005}
    assert set(traces["x4", "no gradient"].y) == {0.184}
    same = [traces["x4", name].line.color for name in ("error, m = 64", "least error, m = 64")]
    assert same[0] == same[1]
    entries = [trace.name for trace in figure.data if trace.showlegend]
    assert entries == [
        "E[max X]", "share with max X > 0.95", "relative bias", "noise", "error, m = 1",
        "error, m = 64", "no gradient",
    ]  # fmt: skip
    colours = [trace.line.color for trace in figure.data if trace.showlegend]
    assert len(set(colours)) == len(colours)


def test_what_was_meant_stands_beside_a_log() -> None:
    meant = np.linspace(2, 1, 13)
    figure, _ = drawn("wav2vec2", meant=meant)
    (line,) = [trace for trace in figure.data if trace.name == "meant"]
    assert (line.xaxis, line.showlegend) == ("x", True)
    np.testing.assert_allclose(line.y, meant)


def test_the_floor_is_marked_where_it_begins() -> None:
    figure, _ = drawn("wav2vec2")
    assert {shape.x0 for shape in figure.layout.shapes} == {277_258}
    assert "floor, step 277,258" in [each.text for each in figure.layout.annotations]
    assert not drawn("dalle")[0].layout.shapes  # it is where the run ends


@pytest.mark.parametrize(("spec", "kind"), [("wav2vec2", None), ("taming", "log")])
def test_a_boundary_is_named_on_either_axis(spec: str, kind: str | None) -> None:
    figure, _ = drawn(spec, boundaries={"t = 1/(K−1)": 0.6})
    assert figure.layout.yaxis.type == kind
    (name,) = [each for each in figure.layout.annotations if each.text == "t = 1/(K−1)"]
    assert name.y == pytest.approx(np.log10(0.6) if kind else 0.6)


def test_bias_goes_to_zero_but_no_axis_does() -> None:
    figure, _ = drawn("taming")
    low, high = figure.layout.yaxis3.range
    assert high - low == pytest.approx(DECADES)
    low, high = figure.layout.yaxis4.range
    assert 10**low < 0.005
    assert 10**high > 1e5


def test_a_single_temperature_is_points() -> None:
    figure, _ = drawn("constant:0.5")
    # A run of no steps, in thirteen equal ones: lines of no length.
    assert all(set(trace.x) <= {0, 1} for trace in figure.data)
    schedule = np.array([0.5])
    lines = lines_along(LOGITS, schedule, [1])
    figure = schedule_panels(np.array([0.0]), schedule, lines, best={}, no_gradient=0.184)
    modes = {trace.name: trace.mode for trace in figure.data}
    assert modes["temperature"] == modes["noise"] == "markers"
