"""Which figure suits samples."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from gscli import Concrete
from gscli.errors import DataError, ParameterError
from gscli.io.samples import Batch, Part, Samples, as_samples
from gscli.plotting.kinds import MAX_POINTS
from gscli.plotting.plot import CHARACTER_WIDTH, PlotOptions, Sample, plot
from tests.plotting.plotly_arrays import array


def sample_of(
    pi: list[float],
    temperatures: tuple[float | None, ...] = (1.0,),
    n: int = 500,
    *,
    known: bool = True,
    log: bool = True,
) -> Sample:
    def read() -> Iterator[Part]:
        for t in temperatures:
            rows = Concrete(pi, t or 1).sample_log(n, seed=7)
            start = 0
            for piece in np.array_split(rows if log else np.exp(rows), 3):
                yield Part(len(piece), partial(iter, [Batch(piece, start, t)]))
                start += len(piece)

    names = tuple(f"c{k}" for k in range(len(pi)))
    samples = Samples("seed 7", names, read, log=log, has_temperatures=True).looked_at()
    return Sample(samples, np.log(pi) if known else None, "seed 7")


def draw(sample: Sample, **options: Any) -> dict[str, Any]:
    figure: dict[str, Any] = plot(sample, PlotOptions(**options)).to_plotly_json()
    return figure


def traces(figure: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [trace for trace in figure["data"] if trace["type"] == kind]


def points(figure: dict[str, Any], kind: str = "scatterternary") -> int:
    return sum(
        len(array(t.get("a", t.get("x"))))
        for t in traces(figure, kind)
        if t["mode"] == "markers" and not t["showlegend"]
    )


def subtitle(figure: dict[str, Any]) -> str:
    return str(figure["layout"]["title"]["subtitle"]["text"])


SHAPES: list[tuple[list[float], dict[str, Any], str]] = [
    ([1, 3, 6], {}, "scatterternary"),
    ([1, 3], {}, "bar"),
    ([1, 3], {"log_ratio": True}, "bar"),
    ([1, 2, 3, 4], {}, "scatter3d"),
    ([1, 2, 3, 4, 5, 6], {}, "scatterternary"),
    ([1, 2, 3, 4, 5, 6], {"categories": (0, 1, 2, 3)}, "scatter3d"),
    ([1, 2, 3, 4, 5, 6], {"categories": (0, 1)}, "bar"),
    ([1, 2, 3, 4, 5, 6], {"categories": (2,)}, "bar"),
    ([1, 2, 3, 4, 5, 6], {"categories": (2,), "kind": "marginals"}, "bar"),
    ([1, 3, 6], {"log_ratio": True}, "scatter"),
    ([1, 2, 3, 4, 5, 6], {"log_ratio": True}, "scatter"),
    ([1, 2, 3, 4], {"log_ratio": True}, "scatter"),
    ([1, 3, 6], {"kind": "marginals"}, "heatmap"),
    (list(range(1, 31)), {"kind": "marginals"}, "heatmap"),
]


@pytest.mark.parametrize(("pi", "options", "kind"), SHAPES)
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("log", [True, False])
def test_shape_by_number_of_categories(
    pi: list[float], options: dict[str, Any], kind: str, known: bool, log: bool
) -> None:
    figure = draw(sample_of(pi, known=known, log=log), **options)
    assert traces(figure, kind)


@pytest.mark.parametrize("known", [True, False])
def test_most_probable_categories_are_shown_and_it_is_said(known: bool) -> None:
    figure = draw(sample_of([1, 9, 2, 8, 7, 3], n=5_000, known=known))
    axes = [figure["layout"]["ternary"][f"{axis}axis"]["title"]["text"] for axis in "abc"]
    assert [name in axis for name, axis in zip(["c1", "c3", "c4"], axes, strict=True)] == [True] * 3
    assert ("3 of 6 categories, as exact sub-composition" in subtitle(figure)) == (not known)
    assert ("sub-composition (3 of 6 categories)" in subtitle(figure)) == known


def test_sub_composition_keeps_the_chosen_order_and_colours() -> None:
    figure = draw(sample_of([1, 2, 3, 4, 5, 6]), categories=(5, 0, 2))
    whole = draw(sample_of([1, 2, 3]))
    assert "c5" in figure["layout"]["ternary"]["aaxis"]["title"]["text"]
    colour = figure["layout"]["ternary"]["baxis"]["title"]["font"]["color"]
    assert colour == whole["layout"]["ternary"]["aaxis"]["title"]["font"]["color"]


def test_sub_composition_is_of_samples() -> None:
    full = np.exp(Concrete([1, 2, 3, 4, 5], 1.0).sample_log(500, seed=7))[:, [4, 1, 0]]
    expected = full / full.sum(axis=1, keepdims=True)
    figure = draw(sample_of([1, 2, 3, 4, 5]), categories=(4, 1, 0), contours=False)
    drawn = np.concatenate(
        [
            np.stack([array(t[axis]) for axis in "ab"], axis=-1)
            for t in traces(figure, "scatterternary")
            if not t["showlegend"]
        ]
    )
    assert np.sort(drawn[:, 0]) == pytest.approx(np.sort(expected[:, 0]), abs=1e-6)


def test_points_up_to_the_limit_and_bins_beyond() -> None:
    few, many = draw(sample_of([1, 3, 6], n=MAX_POINTS)), draw(sample_of([1, 3, 6], n=30_000))
    assert points(few) == MAX_POINTS
    assert "evenly" not in subtitle(few)
    assert all(trace["mode"] == "lines" or len(array(trace["a"])) == 1 for trace in many["data"])


def test_subsample_is_stated() -> None:
    figure = draw(sample_of([1, 3, 6], n=90_000), kind="points")
    assert points(figure) <= MAX_POINTS
    assert f"n = 90,000 samples  ·  {points(figure):,} evenly spaced ones drawn" in subtitle(figure)


def test_panels_share_the_limit() -> None:
    figure = draw(sample_of([1, 3, 6], (0.1, 0.5, 1.0, 3.0), n=15_000))
    assert MAX_POINTS / 4 < points(figure) <= MAX_POINTS
    assert "evenly spaced ones drawn" in subtitle(figure)


def test_contours_only_where_the_distribution_is_known() -> None:
    def lines(figure: dict[str, Any]) -> list[str]:
        return [t["name"] for t in figure["data"] if "of the mass" in t.get("name", "")]

    labels = ["50 % of the mass", "80 % of the mass", "95 % of the mass"]
    assert lines(draw(sample_of([1, 3, 6]))) == labels
    assert lines(draw(sample_of([1, 3, 6]), log_ratio=True)) == labels
    assert lines(draw(sample_of([1, 3, 6]), contours=False)) == []
    assert lines(draw(sample_of([1, 3, 6], known=False))) == []
    assert lines(draw(sample_of([1, 3, 6], (None,)))) == []


def test_headings_name_temperature_and_regime() -> None:
    figure = draw(sample_of([1, 3, 6], (0.3, 3.0)))
    texts = [note["text"] for note in figure["layout"]["annotations"]]
    assert texts == ["<b>t = 0.3</b>  ·  boundary regime", "<b>t = 3</b>  ·  interior regime"]
    assert "regime" in subtitle(draw(sample_of([1, 3, 6], (3.0,))))


def test_the_regime_is_that_of_what_is_drawn() -> None:
    # At t = 0.3 three categories are in the boundary regime, and six are not.
    pi = [1.0, 9, 2, 8, 7, 3]
    (one,) = {Concrete([9, 8, 7], 0.3).regime}
    (other,) = {Concrete(pi, 0.3).regime} - {one}
    alone = subtitle(draw(sample_of(pi, (0.3,))))
    assert f"{one} regime of the shown sub-composition (3 of 6 categories)" in alone
    assert other not in alone
    several = draw(sample_of(pi, (0.3, 9.0)))
    assert "regimes of the shown sub-composition (3 of 6 categories)" in subtitle(several)
    headings = [note["text"] for note in several["layout"]["annotations"]]
    assert headings[0] == f"<b>t = 0.3</b>  ·  {one} regime"
    # Marginals are shares of the whole, of which at most 24 are drawn.
    many = [float(k) for k in range(1, 31)]
    marginals = subtitle(draw(sample_of(many, (0.04,)), kind="marginals"))
    assert f"{Concrete(many, 0.04).regime} regime  ·  24 of 30 categories" in marginals


def test_a_long_subtitle_takes_several_lines() -> None:
    sample = sample_of([1, 9, 2, 8, 7, 3], (0.1, 0.3, 1.0, 3.0), n=6_000)
    figure = draw(sample)
    lines = subtitle(figure).split("<br>")
    assert len(lines) == 2
    assert lines[0].startswith("n = 6,000 samples at each temperature")
    assert lines[1].endswith("seed 7")
    width = figure["layout"]["width"]
    assert all(len(line) * CHARACTER_WIDTH <= width for line in lines)


def test_two_categories_have_the_exact_density() -> None:
    figure = draw(sample_of([1, 3], (0.7,)))
    (line,) = traces(figure, "scatter")
    x, y = array(line["x"]), array(line["y"])
    assert y == pytest.approx(
        np.exp(Concrete([1, 3], 0.7).log_prob(np.stack([x, 1 - x], axis=-1))), rel=1e-5
    )
    (bars,) = traces(figure, "bar")
    assert array(bars["customdata"]).sum() == 500
    assert (array(bars["y"]) * array(bars["width"])).sum() == pytest.approx(1)


@pytest.mark.parametrize("temperature", [0.4, 3.0])
def test_one_category_has_its_exact_marginal_density(temperature: float) -> None:
    d = Concrete([1, 3, 6], temperature)
    figure = draw(sample_of([1, 3, 6], (temperature,), n=5000), categories=(1,))
    (line,) = traces(figure, "scatter")
    x = array(line["x"])
    assert array(line["y"]) == pytest.approx(d.marginal_pdf(1, x), rel=1e-5)
    (bars,) = traces(figure, "bar")
    rows = d.sample(5000, seed=7)[:, 1]
    edges = np.append(array(bars["x"]) - array(bars["width"]) / 2, 1)
    assert array(bars["customdata"]) == pytest.approx(np.histogram(rows, edges)[0])
    assert (array(bars["y"]) * array(bars["width"])).sum() == pytest.approx(1)
    assert f"{d.regime} regime  ·  1 of 3 categories; the regime is that of all" in subtitle(figure)


def test_the_axis_of_one_rare_category_ends_with_its_samples() -> None:
    pi = [1.0] * 200
    figure = draw(sample_of(pi, (3.0,), n=4000), categories=(5,))
    (bars,) = traces(figure, "bar")
    share = Concrete(pi, 3.0).sample(4000, seed=7)[:, 5]
    end = float(array(bars["x"])[-1] + array(bars["width"])[-1] / 2)
    assert end < 1 / 8
    assert (share > end).mean() <= 0.001 < (share > end / 2).mean()
    # Densities, of which a little is beyond the last bar.
    total = (array(bars["y"]) * array(bars["width"])).sum()
    assert total == pytest.approx((share <= end).mean())


def test_one_category_out_of_the_exact_range_has_no_density() -> None:
    assert traces(draw(sample_of([1, 3, 6], (0.0005,)), categories=(1,)), "scatter") == []


def test_marginals_have_the_exact_law_of_each_category_as_a_line() -> None:
    d = Concrete([1, 3, 6], 0.5)
    (line,) = [
        t
        for t in traces(draw(sample_of([1, 3, 6], (0.5,)), kind="marginals"), "scatter")
        if t["mode"] == "lines"
    ]
    x, y = (array(line[axis]).reshape(3, 101)[:, :-1] for axis in "xy")
    for k in range(3):
        assert x[k] == pytest.approx(np.repeat(np.linspace(0, 1, 51), 2)[1:-1])
        shares = np.diff(d.marginal_cdf(k, np.linspace(0, 1, 51)))
        # The strip's bottom, at k + 0.41, is 0.01 %, and its top, at k - 0.41, is 100 %.
        expected = k + 0.41 - 0.82 * (4 + np.log10(shares)) / 4
        assert y[k, ::2] == pytest.approx(expected, abs=1e-5)
        assert y[k, 1::2] == pytest.approx(expected, abs=1e-5)


def test_two_categories_in_log_ratio_have_the_logistic_density() -> None:
    (line,) = traces(draw(sample_of([1, 3], (0.5,)), log_ratio=True), "scatter")
    x = array(line["x"])
    z = 0.5 * x - np.log(1 / 3)
    expected = 0.5 * np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))) ** 2
    assert array(line["y"]) == pytest.approx(expected, rel=1e-5)


def test_rows_that_have_no_log_ratio_are_counted() -> None:
    rows = np.array([[0.2, 0.3, 0.5], [0, 0.5, 0.5], [0, 0, 1]])
    sample = Sample(as_samples(rows, log=False), None, "x.csv")
    assert "2 rows with exact zeros left out" in subtitle(draw(sample, log_ratio=True))


def test_rows_without_the_chosen_categories_are_counted() -> None:
    rows = np.array([[0.2, 0.3, 0.1, 0.2, 0.2], [0, 0, 0, 1, 0]])
    sample = Sample(as_samples(rows, log=False), None, "x.csv")
    figure = draw(sample, categories=(0, 1, 2))
    assert "1 row with exact zeros left out" in subtitle(figure)


def test_marginals_show_shares_of_the_whole() -> None:
    pi = [float(k) for k in range(1, 31)]
    figure = draw(sample_of(pi, (0.5,)), kind="marginals")
    (strips,) = traces(figure, "heatmap")
    rows = Concrete(pi, 0.5).sample(500, seed=7)[:, 6:]
    expected = [np.histogram(column, bins=50, range=(0, 1))[0] / 5 for column in rows.T]
    assert array(strips["customdata"]) == pytest.approx(np.array(expected))
    (means,) = [t for t in traces(figure, "scatter") if t["name"] == "exact mean"]
    assert array(means["x"]) == pytest.approx(Concrete(pi, 0.5).mean()[6:], rel=1e-6)
    (probs,) = [t for t in traces(figure, "scatter") if t["name"] == "p"]
    assert array(probs["x"]) == pytest.approx(np.arange(7, 31) / 465)
    assert "24 of 30 categories" in subtitle(figure)
    assert "sub-composition" not in subtitle(figure)


def test_one_sample_and_identical_samples() -> None:
    for rows in (np.array([[0.2, 0.3, 0.5]]), np.full((50, 3), 1 / 3)):
        for options in ({}, {"kind": "bins"}, {"log_ratio": True}, {"kind": "marginals"}):
            sample = Sample(as_samples(rows, log=False), None, "")
            assert draw(sample, **options)["data"]


def test_nothing_to_draw_is_an_error() -> None:
    sample = Sample(Samples("x.csv", ("a", "b", "c"), list), None, "x.csv")
    with pytest.raises(DataError, match="no sample"):
        plot(sample, PlotOptions())
    wide = Sample(Samples("x.csv", tuple("abcdef"), list), None, "x.csv")
    with pytest.raises(DataError, match="no rows"):
        plot(wide, PlotOptions())


def test_too_many_panels_and_shapes_that_do_not_exist() -> None:
    with pytest.raises(ParameterError, match="25"):
        plot(sample_of([1, 3, 6], tuple(float(t) for t in range(1, 26)), n=3), PlotOptions())
    with pytest.raises(ParameterError, match="categories"):
        plot(sample_of([1, 2, 3, 4, 5]), PlotOptions(log_ratio=True, categories=(0, 1, 2, 3)))
