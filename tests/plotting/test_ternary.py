"""Triangles as dictionaries: what is drawn where, in which colour, under which name."""

from itertools import pairwise

import numpy as np
import pytest

from gscli import Concrete
from gscli.distribution.regions import highest_density_regions
from gscli.errors import ShapeError
from gscli.plotting import theme
from gscli.plotting.binning import cell_of, count_cells
from gscli.plotting.panels import Categories, Panel
from gscli.plotting.ternary import ternary, ternary_panels
from tests.plotting.plotly_arrays import array, keys, markers


def test_vertex_of_each_category_has_its_name_its_colour_and_its_samples() -> None:
    points = np.eye(3) * 0.97 + 0.01
    figure = ternary(points, probs=[0.1, 0.3, 0.6], names=("cat", "dog", "bird")).to_plotly_json()
    axes = figure["layout"]["ternary"]
    for k, (axis, name) in enumerate(zip("abc", ("cat", "dog", "bird"), strict=True)):
        title = axes[f"{axis}axis"]["title"]
        assert name in title["text"]
        assert f"p = {(0.1, 0.3, 0.6)[k]}" in title["text"]
        assert title["font"]["color"] == theme.text_colour(theme.CATEGORY_COLOURS[k])
        trace, key = markers(figure)[k], keys(figure)[k]
        assert key["name"] == f"rounds to {name}"
        assert key["legendgroup"] == trace["legendgroup"]
        assert key["marker"]["color"] == trace["marker"]["color"] == theme.CATEGORY_COLOURS[k]
        # plotly puts a on top, b left and c, what is left of 1, right: x_1, x_2 and x_3.
        drawn = np.stack([array(trace[letter]) for letter in "ab"], axis=-1)
        assert "c" not in trace
        assert drawn == pytest.approx(points[[k], :2])


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
    regions = highest_density_regions(Concrete([1, 3, 6], 1.0))
    panels = [Panel(f"t = {t}", points=points, regions=regions) for t in (0.1, 0.5, 1)]
    figure = ternary_panels(panels, Categories("abc")).to_plotly_json()
    assert [note["text"] for note in figure["layout"]["annotations"]] == [p.heading for p in panels]
    assert {trace["subplot"] for trace in figure["data"]} == {"ternary", "ternary2", "ternary3"}
    entries = [trace["name"] for trace in figure["data"] if trace["showlegend"]]
    assert entries[:3] == ["rounds to a", "rounds to b", "rounds to c"]
    assert entries[3:] == [f"{mass} % of the mass" for mass in (50, 80, 95)]


@pytest.mark.parametrize("shape", [(3,), (2, 4), (1, 2, 3)])
def test_points_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="a triangle shows"):
        ternary(np.zeros(shape))


@pytest.mark.parametrize("t", [0.01, 0.3, 3.0])
def test_no_rounding_leaves_a_point_or_a_line_outside(t: float) -> None:
    d = Concrete([1, 3, 6], t)
    panel = Panel("", points=d.sample(10_000, seed=1), regions=highest_density_regions(d))
    figure = ternary_panels([panel], Categories(["a", "b", "c"], [0, 1, 2], None))
    for trace in figure.data:
        a, b = np.asarray(trace.a, float), np.asarray(trace.b, float)
        assert not np.any(1 - a - b < 0)  # what plotly fills it up with
