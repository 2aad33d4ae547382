"""`gscli.plotting.checks`, as figure dictionaries."""

from typing import Any

import numpy as np
import pytest
from scipy import special

from gscli import Concrete
from gscli.inference.gof.check import check
from gscli.inference.gof.results import CheckResult
from gscli.plotting import theme
from gscli.plotting.checks import OBSERVED, REJECTED, check_panels

N = 10_000


def judged(k: int, factor: float = 1.0, n: int = N) -> tuple[CheckResult, list[str]]:
    d = Concrete(np.arange(1, k + 1), 0.5)
    rows = d.sample(n, seed=5)
    names = [f"name {i}" for i in range(k)]
    return check([rows], Concrete(d.probs, factor * 0.5), names=names), names


def headings(figure: Any) -> list[str]:
    return [note.text for note in figure.layout.annotations if note.xref == "paper"]


def traces(figure: Any, panel: int) -> list[Any]:
    axis = "x" if panel == 0 else f"x{panel + 1}"
    return [trace for trace in figure.data if trace.xaxis == axis]


@pytest.mark.parametrize("k", [2, 3, 8, 40])
def test_a_panel_for_each_test_titled_with_its_verdict(k: int) -> None:
    result, names = judged(k)
    figure = check_panels(result, names=names, title="T", subtitle="S")
    found = headings(figure)
    titles = ["rounding", "log-ratios", "flat Dirichlet", "independence", "extremes", "drift"]
    titles.append("serial")
    if k in (2, 40):  # Two have no pair; of forty, the pairs are too many to draw.
        titles.remove("independence")
    if k == 2:  # It would be the log-ratio's again.
        titles.remove("flat Dirichlet")
    assert [text.partition("<br>")[0] for text in found] == [f"<b>{title}</b>" for title in titles]
    p_values = {test.name: test.p_value for test in result.tests}
    assert f"passed, p = {p_values['rounding']:.3g}" in found[0]
    assert not any("rejected" in text for text in found)
    assert "alpha = 0.001" in figure.layout.title.subtitle.text
    others = "largest passed, score passed" if k > 2 else "score passed"
    assert f"simplex passed, {others}, repeats passed" in figure.layout.title.subtitle.text
    assert 600 <= figure.layout.width <= 760
    assert "Infinity" not in (text := figure.to_json())
    assert "NaN" not in text


def test_bars_are_shares_of_rows_beside_what_is_expected() -> None:
    result, names = judged(3)
    bars, marks = traces(check_panels(result, names=names), 0)
    counts = result.comparisons[0]
    assert np.array(bars.y) == pytest.approx(counts.observed / N)
    assert np.array(marks.y) == pytest.approx(np.arange(1, 4) / 6)
    deviation = np.sqrt(np.arange(1, 4) / 6 * (1 - np.arange(1, 4) / 6) / N)
    reach = -special.ndtri(0.001 / result.by_chance / 3 / 2)
    assert np.array(marks.error_y.array) == pytest.approx(reach * deviation)
    assert bars.marker.color == OBSERVED


def test_lines_leave_the_band_where_the_test_is_rejected_and_only_there() -> None:
    for factor, inside in ((1.0, True), (0.9, False)):
        result, names = judged(3, factor)
        figure = check_panels(result, names=names)
        level = 0.001 / result.by_chance
        for panel, lines in ((1, 3), (2, 2)):
            band, *curves = traces(figure, panel)
            assert band.fillcolor == theme.BAND
            assert len(curves) == lines
            reach = max(band.y)
            assert reach == pytest.approx(special.kolmogi(level / lines) / np.sqrt(N), rel=0.01)
            furthest = max(np.abs(curve.y).max() for curve in curves)
            assert (furthest < reach) == inside
            assert np.abs(curves[-1].y).max() == furthest
            assert curves[-1].line.color == (OBSERVED if inside else REJECTED)
            for curve in curves:
                assert (curve.x[0], curve.x[-1], curve.y[0]) == (0, 1, 0)
                assert abs(curve.y[-1]) < 1e-9
        assert any("rejected" in text for text in headings(figure)) == (not inside)


def test_curves_are_the_counts_summed() -> None:
    result, names = judged(2)
    (ratio,) = [each for each in result.comparisons if each.test == "log-ratios"]
    _, curve = traces(check_panels(result, names=names), 1)
    shares = np.cumsum(ratio.observed) / N
    assert np.array(curve.y[1:]) == pytest.approx(shares - np.arange(1, 65) / 64)


def test_correlations_are_those_of_the_rows() -> None:
    result, names = judged(8)
    figure = check_panels(result, names=names)
    band, *points = traces(figure, 3)
    assert len(points) == 4
    assert all(len(trace.y) == 21 for trace in points)
    assert max(np.abs(trace.y).max() for trace in points) < max(band.y)
    serial = traces(figure, 6)[1:]
    assert [tuple(trace.x) for trace in serial] == [tuple(range(1, 11))] * 7
    repeated = np.repeat(Concrete([1, 2, 3], 0.5).sample_log(N // 2, seed=1), 2, axis=0)
    result = check([repeated + 0.0], Concrete([1, 2, 3], 0.5), log=True)
    band, *serial = traces(check_panels(result, names=["a", "b", "c"]), 6)
    assert serial[0].y[0] == pytest.approx(0.5, abs=0.05)
    assert serial[0].y[0] > max(band.y)


def test_extremes_stand_outside_their_range_when_noise_is_clamped() -> None:
    for clip, inside in ((0.0, True), (0.02, False)):
        uniforms = np.clip(np.random.default_rng(1).random((N, 3)), clip, 1 - clip)
        rows = np.log([1, 3, 6]) - np.log(-np.log(uniforms))
        rows -= np.log(np.exp(rows).sum(axis=1, keepdims=True))
        result = check([rows], Concrete([1, 3, 6], 1.0), log=True)
        band, mark = traces(check_panels(result, names=["a", "b", "c"]), 4)
        assert (min(band.x) < mark.x[0] < max(band.x)) == inside


def test_stretches_leave_their_band_when_the_temperature_drifts() -> None:
    d = Concrete([1, 3, 6], 0.5)
    for spread, inside in ((0.0, True), (0.3, False)):
        steps = np.linspace(1 - spread / 2, 1 + spread / 2, 50)
        rows = [Concrete([1, 3, 6], 0.5 * s).sample(N // 50, seed=i) for i, s in enumerate(steps)]
        result = check(rows, d)
        band, dots = traces(check_panels(result, names=["a", "b", "c"]), 5)
        assert len(dots.x) == 8
        assert (np.abs(dots.y).max() < max(band.y)) == inside
        np.testing.assert_allclose(np.exp(dots.y), [float(t) / 0.5 for t in dots.text], rtol=1e-3)


def test_many_categories_are_points() -> None:
    result, names = judged(40)
    band, points = traces(check_panels(result, names=names), 0)
    counts = result.comparisons[0]
    p = counts.expected / N
    score = (counts.observed - counts.expected) / np.sqrt(N * p * (1 - p))
    assert np.array(points.y) == pytest.approx(score)
    assert max(band.y) == pytest.approx(-special.ndtri(0.001 / result.by_chance / 40 / 2))


def test_exact_zeros_leave_one_panel_with_its_verdict_in_the_caption() -> None:
    d = Concrete([1, 3, 6], 0.01)
    result = check([d.sample(2000, seed=1)], d)
    figure = check_panels(result, names=["a", "b", "c"])
    assert headings(figure) == []
    assert "<b>rounding</b> passed, p = " in figure.layout.title.subtitle.text
    assert len(figure.data) == 2


def test_names_are_escaped_and_a_handful_of_rows_is_drawn() -> None:
    d = Concrete([1, 3, 6], 0.5)
    names = ["<img src=x>", "dog", "a name that goes on and on"]
    for n in (1, 2, 5, 30):
        text = check_panels(check([d.sample(n, seed=1)], d, names=names), names=names).to_json()
        assert "<img" not in text
        assert names[2][:5] in text
