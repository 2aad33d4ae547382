"""The report's figures as plotly's objects."""

import numpy as np
import pytest

from gscli.arrays import largest
from gscli.distribution.concrete import Concrete
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

    assert len(names((0.1, 3.0))) == 3 + 2
    assert names((0.01, 0.05)) == []
    assert names((0.5, 0.55)) == ["best for m = 32", "1/(K−1) and annealing floor 0.5"]


def test_errors_of_one_temperature_have_whole_decades_to_read() -> None:
    axis = figures.error_figure(small_sweep([1, 3, 6], (1.0,))).layout.yaxis
    low, high = axis.range
    assert (low, high) == (round(low), round(high))
    assert axis.dtick == 1
    assert figures.error_figure(small_sweep([1, 3, 6], (0.05, 10.0))).layout.yaxis.dtick is None


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
