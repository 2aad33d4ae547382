"""Lines over temperature as dictionaries."""

import math

import numpy as np
import pytest

from gscli.plotting.curves import LABEL_HEIGHT, MOST_TICKS, Axis, Line, Mark, curves, ticks

GRID = (0.1, 1.0, 10.0)
PLAIN = Line("x1", GRID, (0.1, 0.2, 0.3), colour="#123456")


def test_a_line_on_a_logarithmic_axis() -> None:
    figure = curves([PLAIN], Axis("share", {"range": [0, 1]}), title="T").to_plotly_json()
    (trace,) = figure["data"]
    assert (trace["mode"], trace["x"], trace["y"]) == ("lines", list(GRID), [0.1, 0.2, 0.3])
    assert trace["line"]["color"] == "#123456"
    layout = figure["layout"]
    assert layout["xaxis"]["type"] == "log"
    assert layout["xaxis"]["title"]["text"] == "temperature"
    assert layout["yaxis"]["title"]["text"] == "share"
    assert list(layout["yaxis"]["range"]) == [0, 1]
    assert layout["title"]["text"] == "<b>T</b>"


def test_dots_have_two_standard_errors() -> None:
    line = Line("x1", GRID, (0.1, 0.2, 0.3), dots=[(0.1, 0.11, 0.01), (1.0, 0.19, 0.02)])
    dots = curves([line], Axis("share")).data[1]
    assert dots.mode == "markers"
    np.testing.assert_allclose(dots.error_y.array, [0.02, 0.04])
    np.testing.assert_allclose(dots.y, [0.11, 0.19])
    assert dots.marker.color == line.colour


def test_a_level_spans_the_grid_dotted() -> None:
    level = curves([Line("x1", GRID, (0.1, 0.2, 0.3), level=0.25)], Axis("share")).data[1]
    assert level.line.dash == "dot"
    assert (list(level.x), list(level.y)) == ([0.1, 10.0], [0.25, 0.25])


def test_one_temperature_is_a_ring_around_its_dot_on_an_axis_that_shows_the_level() -> None:
    line = Line("x1", (1.0,), (0.1,), dots=[(1.0, 0.11, 0.01)], level=0.3)
    figure = curves([line], Axis("share"))
    exact, level, dots = figure.data
    assert (exact.mode, exact.marker.symbol) == ("markers", "circle-open")
    assert dots.marker.symbol is None
    assert exact.marker.size > dots.marker.size + 4
    assert level.x[0] < 1 < level.x[1]
    np.testing.assert_allclose(figure.layout.xaxis.range, np.log10(level.x))


def test_marks_are_lines_with_names_in_rows_and_diamonds() -> None:
    marks = [Mark("<a>", 0.5), Mark("best", 0.7, 0.2, "#654321"), Mark("b", 2 / 3)]
    figure = curves([PLAIN], Axis("share"), marks=marks)
    assert [shape.x0 for shape in figure.layout.shapes] == [0.5, 2 / 3]
    first, second = figure.layout.annotations
    assert (first.text, second.text) == ("&lt;a&gt;", "b")
    assert first.x == math.log10(0.5)
    assert (first.yshift, second.yshift) == (0, LABEL_HEIGHT)
    diamond = figure.data[-1]
    assert (diamond.marker.symbol, diamond.marker.color) == ("diamond", "#654321")
    assert (diamond.x, diamond.y) == ((0.7,), (0.2,))


def test_names_are_escaped_and_cut() -> None:
    trace = curves([Line("<b>" + "x" * 50, GRID, (1, 2, 3))], Axis("share")).data[0]
    assert trace.name.startswith("&lt;b&gt;x")
    assert len(trace.name) < 40


@pytest.mark.parametrize(
    ("grid", "labels"),
    [
        ((0.01, 0.05), ["0.01", "0.02", "0.05"]),
        ((1.0, 2.0), ["1", "2"]),
        ((0.05, 10.0), ["0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10"]),
        ((0.02, 5000.0), ["0.1", "1", "10", "100", "1,000"]),
        ((1 / 3,), ["0.333"]),
    ],
)
def test_ticks_are_few_and_written_out(grid: tuple[float, ...], labels: list[str]) -> None:
    axis = curves([Line("x1", grid, [0.1] * len(grid))], Axis("share")).layout.xaxis
    assert list(axis.ticktext) == labels
    np.testing.assert_allclose(
        axis.tickvals, [float(label.replace(",", "")) for label in labels], rtol=2e-3
    )


def test_the_ticks_of_every_range_fit_a_narrow_screen() -> None:
    for low in np.geomspace(0.01, 100, 37):
        for factor in np.geomspace(1.01, 1e5, 37):
            values = ticks(low, low * factor)
            assert 2 <= len(values) <= MOST_TICKS, (low, factor)
            assert values == sorted(values)
