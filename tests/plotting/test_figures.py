"""Figures as dictionaries: what is drawn where, in which colour, under which name."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from gscli import Concrete
from gscli.distribution.regions import highest_density_regions
from gscli.errors import ShapeError
from gscli.plotting import theme
from gscli.plotting.binning import cell_of, count_cells
from gscli.plotting.log_ratio import log_ratio_panels
from gscli.plotting.marginals import histogram_panels, marginal_panels
from gscli.plotting.panels import Categories, Panel
from gscli.plotting.ternary import ternary, ternary_panels
from gscli.plotting.tetrahedron import VERTICES, tetrahedron_panels
from tests.plotting.plotly_arrays import array

EVIL = ("<script>alert(1)</script>", "<b>", "a&b", "x")


def markers(figure: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        t for t in figure["data"] if "category" in t.get("legendgroup", "") and not t["showlegend"]
    ]


def keys(figure: dict[str, Any]) -> list[dict[str, Any]]:
    return [t for t in figure["data"] if "category" in t.get("legendgroup", "") and t["showlegend"]]


def test_vertex_of_each_category_has_its_name_its_colour_and_its_samples() -> None:
    points = np.eye(3) * 0.97 + 0.01
    figure = ternary(points, probs=[0.1, 0.3, 0.6], names=("cat", "dog", "bird")).to_plotly_json()
    axes = figure["layout"]["ternary"]
    for k, (axis, name) in enumerate(zip("abc", ("cat", "dog", "bird"), strict=True)):
        title = axes[f"{axis}axis"]["title"]
        assert name in title["text"]
        assert f"p = {(0.1, 0.3, 0.6)[k]}" in title["text"]
        assert title["font"]["color"] == theme.CATEGORY_COLOURS[k]
        trace, key = markers(figure)[k], keys(figure)[k]
        assert key["name"] == f"rounds to {name}"
        assert key["legendgroup"] == trace["legendgroup"]
        assert key["marker"]["color"] == trace["marker"]["color"] == theme.CATEGORY_COLOURS[k]
        # plotly puts a on top, b left and c right; a trace's a, b and c are x_1, x_2 and x_3.
        drawn = np.stack([array(trace[letter]) for letter in "abc"], axis=-1)
        assert drawn == pytest.approx(points[[k]])


def test_nothing_is_clipped_at_the_corners() -> None:
    regions = highest_density_regions(Concrete([1, 3, 6], 0.3))
    points = Concrete([1, 3, 6], 0.3).sample(50, seed=1)
    for figure in (ternary(points, regions=regions), ternary(counts=count_cells(points, 9))):
        drawn = [t for t in figure.to_plotly_json()["data"] if t.get("a") != [None]]
        assert all(trace["cliponaxis"] is False for trace in drawn)
        assert len(drawn) >= 2


def test_cells_hold_the_counts_of_all_rows() -> None:
    points = Concrete([1, 3, 6], 1).sample(4_000, seed=1)
    counts = count_cells(points, 10)
    figure = ternary(counts=counts).to_plotly_json()
    cells = [t for t in figure["data"] if t.get("fill") == "toself"]
    # Each trace holds the cells of one colour; darker ones hold more.
    drawn = []
    for trace in cells:
        a, b = (array(trace[letter]).reshape(-1, 5)[:, :3].mean(axis=1) for letter in "ab")
        found = cell_of(np.stack([a, b, 1 - a - b], axis=-1).astype(float), 10)
        drawn.append(counts[found])
        assert trace["fillcolor"] == trace["line"]["color"]
    assert sum(part.sum() for part in drawn) == 4_000
    assert all(a.max() < b.min() for a, b in pairwise(drawn))


def test_panels_share_one_scale_of_counts() -> None:
    few, many = np.zeros(4, dtype=np.int64), np.zeros(4, dtype=np.int64)
    few[0], many[0] = 10, 1_000
    figure = ternary_panels(
        [Panel(counts=few), Panel(counts=many)], Categories("abc")
    ).to_plotly_json()
    small, large = (t for t in figure["data"] if t.get("fill") == "toself")
    assert small["fillcolor"] != large["fillcolor"]
    bars = [t for t in figure["data"] if t.get("marker", {}).get("showscale")]
    assert len(bars) == 1
    assert bars[0]["marker"]["colorbar"]["ticktext"][-1] == "1,000"


def test_panels_have_headings_and_one_legend() -> None:
    points = np.array([[0.2, 0.3, 0.5]])
    panels = [Panel(heading=f"t = {t}", points=points) for t in (0.1, 0.5, 1)]
    figure = ternary_panels(panels, Categories("abc")).to_plotly_json()
    assert [note["text"] for note in figure["layout"]["annotations"]] == [p.heading for p in panels]
    assert {trace["subplot"] for trace in figure["data"]} == {"ternary", "ternary2", "ternary3"}
    assert sum(trace["showlegend"] for trace in figure["data"]) == 3


@pytest.mark.parametrize("count", range(1, 25))
def test_panels_do_not_overlap(count: int) -> None:
    found = theme.grid(count, panel=(250, 200), gap=(80, 110), margin=theme.Margin(60, 40, 90, 70))
    places = found.domains
    assert len(places) == count
    for place in places:
        across = (place.x[1] - place.x[0]) * (found.width - 100)
        down = (place.y[1] - place.y[0]) * (found.height - 160)
        assert (across, down) == pytest.approx((250, 200))
    for i, one in enumerate(places):
        assert 0 <= one.x[0] < one.x[1] <= 1
        assert 0 <= one.y[0] < one.y[1] <= 1
        for other in places[:i]:
            apart = one.x[0] >= other.x[1] or other.x[0] >= one.x[1]
            assert apart or one.y[0] >= other.y[1] or other.y[0] >= one.y[1]


def test_names_are_escaped_everywhere() -> None:
    points = np.full((1, 4), 0.25)
    three = points[:, :3] * 4 / 3
    counts = np.ones((3, 5), dtype=np.int64)
    edges = np.linspace(0, 1, 6)
    figures = [
        ternary(three, names=EVIL[:3]),
        tetrahedron_panels([Panel(points=points)], Categories(EVIL)),
        log_ratio_panels([Panel(points=np.log(three))], Categories(EVIL[:3])),
        marginal_panels([Panel(counts=counts, edges=edges)], Categories(EVIL[:3])),
        histogram_panels([Panel(counts=counts[0], edges=edges)], label=EVIL[0]),
    ]
    for figure in figures:
        text = figure.to_json().replace("\\u003c", "<")
        assert "<script" not in text
        assert "&lt;script" in text.replace("\\u0026", "&")


def test_tetrahedron_keeps_each_category_at_its_vertex() -> None:
    points = np.eye(4) * 0.96 + 0.01
    figure = tetrahedron_panels([Panel(points=points)], Categories("abcd")).to_plotly_json()
    labels = figure["layout"]["scene"]["annotations"]
    for k, trace in enumerate(markers(figure)):
        place = np.array([array(trace[axis])[0] for axis in "xyz"])
        label = np.array([labels[k][axis] for axis in "xyz"])
        assert labels[k]["text"] == f"<b>{'abcd'[k]}</b>"
        assert np.argmin(np.linalg.norm(VERTICES - place, axis=1)) == k
        assert np.argmin(np.linalg.norm(VERTICES - label, axis=1)) == k
    assert np.linalg.norm(VERTICES[0] - VERTICES[1:], axis=1) == pytest.approx(1)


def test_log_ratio_axes() -> None:
    log_x = Concrete([1, 3, 6], 0.01).sample_log(50, seed=1)
    figure = log_ratio_panels([Panel(points=log_x)], Categories("abc")).to_plotly_json()
    x = np.sort(np.concatenate([array(t["x"]) for t in markers(figure)]))
    assert x == pytest.approx(np.sort(log_x[:, 0] - log_x[:, 2]), rel=1e-5)
    assert figure["layout"]["xaxis"]["title"]["text"] == "log( a / c )"
    assert figure["layout"]["yaxis"]["title"]["text"] == "log( b / c )"


def test_palette_is_of_one_colour_a_category() -> None:
    assert len(set(theme.CATEGORY_COLOURS)) == 7
    assert theme.category_colours([4, 2]) == (theme.CATEGORY_COLOURS[4], theme.CATEGORY_COLOURS[2])
    assert len(set(theme.category_colours([0, 7, 14]))) == 3


def test_names_are_no_hover_templates() -> None:
    figure = ternary(np.eye(3), names=("a%{a}", "b", "c")).to_plotly_json()
    templates = [t["hovertemplate"] for t in markers(figure)]
    assert all("a%&#123;a} %{a:.4f}" in template for template in templates)


@pytest.mark.parametrize("shape", [(3,), (2, 4), (1, 2, 3)])
def test_points_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="a triangle shows"):
        ternary(np.zeros(shape))


def test_log_ratios_beyond_float32_are_drawn() -> None:
    log_x = np.array([[-1e300, 0.0, -2e300]])
    figure = log_ratio_panels([Panel(points=log_x)], Categories("abc")).to_plotly_json()
    (drawn,) = [array(t["x"]) for t in markers(figure) if len(array(t["x"]))]
    assert drawn.tolist() == [1e300]
