"""The report's figures as plotly's objects."""

import numpy as np
import pytest

from gscli.arrays import largest
from gscli.distribution.concrete import Concrete
from gscli.distribution.gradients import gradient_error
from gscli.plotting import theme
from gscli.plotting.marginals import histogram_panels
from gscli.plotting.panels import Panel
from gscli.report import figures
from gscli.report.page import all_figures

from .test_page import small_sweep


@pytest.mark.parametrize("temperature", [1.0, 1.5, 10.0])
def test_the_axis_of_a_bounded_density_ends_above_it(temperature: float) -> None:
    sweep = small_sweep([1, 3], (temperature,))
    (panel,) = figures.panels(sweep, largest(sweep.logits, 3))
    figure = histogram_panels([panel], label="share")
    top = figure.layout.yaxis.range[1]
    assert panel.curve is not None
    assert top > panel.curve[1].max()
    assert top > max(figure.data[0].y)
    # A peak between the points of the exact line is not much higher.
    x = np.linspace(1e-6, 1 - 1e-6, 100_001)
    exact = Concrete([1, 3], temperature).log_prob(np.stack([x, 1 - x], axis=-1))
    assert top > np.exp(exact.max())


def test_the_axis_of_a_density_that_diverges_is_cut() -> None:
    sweep = small_sweep([1, 3], (0.1,))
    (panel,) = figures.panels(sweep, largest(sweep.logits, 3))
    assert panel.curve is not None
    top = histogram_panels([panel], label="share").layout.yaxis.range[1]
    assert top < panel.curve[1].max() / 10


def test_bars_without_a_curve_keep_their_cut() -> None:
    panel = Panel(counts=np.array([1] * 60 + [1000]), edges=np.linspace(0, 1, 62))
    figure = histogram_panels([panel], label="share")
    assert figure.layout.yaxis.range[1] < max(figure.data[0].y) / 10


@pytest.mark.slow
def test_means_of_many_categories_say_how_many_are_drawn() -> None:
    def subtitle(num_categories: int) -> str:
        sweep = small_sweep([1.0 + k for k in range(num_categories)])
        names = [f"x{k}" for k in range(num_categories)]
        return str(all_figures(sweep, names)["mean"].layout.title.subtitle.text)

    assert subtitle(10) == "The 7 most probable of 10 categories"
    assert subtitle(7) == ""


def test_marks_are_what_the_temperatures_reach() -> None:
    def names(temperatures: tuple[float, ...]) -> list[str]:
        figure = figures.error_figure(small_sweep([1, 3, 6], temperatures))
        return [trace.name for trace in figure.data if trace.marker.symbol == "diamond"] + [
            note.text for note in figure.layout.annotations
        ]

    every = [f"best for m = {m}" for m in ("1", "32", "1,024")]
    every += ["1/(K−1) and annealing floor 0.5", "2/3"]
    # The axis spans 0.02 to 50, wherever the sweep's own temperatures lie.
    for temperatures in ((0.1, 3.0), (0.01, 0.05), (0.5,)):
        assert sorted(names(temperatures)) == sorted(every)


def test_errors_span_0_02_to_50_with_the_sweeps_range_shaded() -> None:
    figure = figures.error_figure(small_sweep([1, 3, 6], (0.1, 3.0)))
    line = figure.data[1]
    assert (line.x[0], line.x[-1]) == pytest.approx((0.02, 50))
    assert {0.1, 3.0} <= set(line.x)
    for t, value in zip(line.x, line.y, strict=True):
        error = gradient_error(np.log([1, 3, 6]), t).error(32)
        assert value == pytest.approx(error, rel=1e-9)
    shades = [(shape.x0, shape.x1) for shape in figure.layout.shapes if shape.type == "rect"]
    assert shades == [(0.1, 3.0)]
    wide = figures.error_figure(small_sweep([1, 3, 6], (0.005, 100.0)))
    assert (wide.data[0].x[0], wide.data[0].x[-1]) == (0.005, 100.0)
    alone = figures.error_figure(small_sweep([1, 3, 6], (1.0,)))
    assert all(shape.type != "rect" for shape in alone.layout.shapes)
    low, high = alone.layout.yaxis.range
    assert high - low > 2  # so many whole decades are ticks


def test_a_category_has_one_colour_in_all_figures() -> None:
    pi = [*range(1, 10), 50, 40, 30]  # the three largest have the positions 9, 10 and 11
    sweep = small_sweep([float(each) for each in pi])
    names = [f"x{k}" for k in range(len(pi))]
    corners = largest(sweep.logits, 3)
    means = figures.change_figures(sweep, names)["mean"]
    lines = {trace.name: trace.line.color for trace in means.data if trace.showlegend}
    assert len(set(lines.values())) == figures.LINES
    panels = figures.panels(sweep, corners)
    drawn = figures.temperatures_figure(panels[:1], names, corners, np.exp(sweep.logits).tolist())
    points = {trace.name: trace.marker.color for trace in drawn.data if trace.mode == "markers"}
    for k in corners:
        assert points[f"rounds to {names[k]}"] == lines[names[k]]


def test_the_error_of_no_gradient_is_a_level_line() -> None:
    figure = figures.error_figure(small_sweep([1, 3, 6], (0.1, 3.0)))
    (line,) = (trace for trace in figure.data if trace.name == "no gradient, ‖J0‖²")
    p = np.array([0.1, 0.3, 0.6])
    np.testing.assert_allclose(line.y, ((np.diag(p) - np.outer(p, p)) ** 2).sum())
    low, high = figure.layout.yaxis.range
    assert low < np.log10(line.y[0]) < high


def test_a_shrunk_gradient_has_an_open_diamond() -> None:
    figure = figures.error_figure(small_sweep([1e-4, 0.01, 1], (0.1, 100.0)))
    marks = {trace.name: trace for trace in figure.data if trace.marker.symbol == "diamond"}
    hollow = marks["least for m = 1, a shrunk gradient"]
    assert hollow.x[0] == pytest.approx(29.2, abs=0.2)
    assert hollow.marker.color == theme.PAPER
    assert marks["best for m = 1"].x[0] == pytest.approx(0.52, abs=0.01)
    assert "least for m = 1,024, a shrunk gradient" not in marks
