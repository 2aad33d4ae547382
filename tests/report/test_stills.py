"""Figures as small SVG."""

import re
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from gscli.plotting import theme
from gscli.plotting.curves import Axis, Line, curves
from gscli.plotting.panels import Categories, Panel
from gscli.plotting.ternary import ternary_panels
from gscli.report.figures import BATCH_COLOURS
from gscli.report.stills import BOTTOM, HEIGHT, LEFT, RIGHT, SIDE, TOP, WIDTH, css_colour, still


def drawn(figure: dict[str, Any]) -> tuple[list[ET.Element], list[str]]:
    svg = ET.fromstring(still(figure))
    return svg.findall("path"), [text.text or "" for text in svg.findall("text")]


def corners(path: ET.Element) -> list[tuple[float, float]]:
    found = re.findall(r"(-?\d+) (-?\d+)", path.attrib["d"])
    return [(float(x), float(y)) for x, y in found]


def test_a_line_on_logarithmic_axes() -> None:
    line = Line("<b>", [0.1, 1.0, 10.0], [1.0, 10.0, 100.0], colour=BATCH_COLOURS[1])
    figure = curves([line], Axis("a < b", {"type": "log", "range": [0, 2]})).to_dict()
    (axes, path), texts = drawn(figure)
    assert axes.attrib["d"].startswith(f"M{LEFT} {TOP}V")
    assert path.attrib["style"] == "stroke:var(--batch-1)"
    ends = [(LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, TOP)]
    assert corners(path) == [ends[0], pytest.approx((261, 133), abs=1), ends[1]]
    assert {"0.1", "1", "10", "1e0", "1e1", "1e2", "temperature"} <= set(texts)


def test_values_beyond_the_axis_stay_inside() -> None:
    line = Line("x", [0.1, 1.0], [1e-9, 1.0])
    figure = curves([line], Axis("y", {"type": "log", "range": [-2, 0]})).to_dict()
    (_, path), _ = drawn(figure)
    assert corners(path)[0][1] == HEIGHT - BOTTOM


def test_points_of_a_triangle_lie_where_their_shares_say() -> None:
    points = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1 / 3, 1 / 3, 1 / 3]]
    panel = Panel("t = 1", points=np.array(points))
    figure = ternary_panels([panel], Categories(["a", "b", "c"], [0, 1, 2], None)).to_dict()
    paths, texts = drawn(figure)
    assert texts == []
    found = {corner for path in paths[1:] for corner in corners(path)}
    high = round(8 + SIDE * 3**0.5 / 2)
    assert {(8 + SIDE / 2, 8.0), (8.0, float(high)), (8.0 + SIDE, float(high))} <= found
    assert any(abs(y - 147) <= 1 and x == 8 + SIDE / 2 for x, y in found)
    used = {path.attrib["style"] for path in paths[1:]}
    assert used == {f"stroke:var(--category-{k})" for k in range(3)}


def test_colours_are_the_pages_variables() -> None:
    assert css_colour(theme.CATEGORY_COLOURS[4]) == "var(--category-4)"
    assert [css_colour(theme.MUTED), css_colour(theme.INK)] == ["var(--muted)", "var(--ink)"]


def test_pieces_of_a_line_stay_apart_and_regions_are_not_filled() -> None:
    trace = {"type": "scatter", "mode": "lines", "line": {"color": theme.INK, "dash": "dot"}}
    x = [0, 1, None, 2, *np.linspace(2.01, 3, 300).tolist()]
    figure = {
        "data": [
            {**trace, "x": x, "y": [1.0] * len(x)},
            {**trace, "x": [0, 1, 1], "y": [0, 0, 1], "fill": "toself", "fillcolor": theme.INK,
             "opacity": 0.1},
        ],
        "layout": {"xaxis": {"title": {"text": "x"}}, "yaxis": {}},
    }  # fmt: skip
    (_, line), _ = drawn(figure)
    assert line.attrib["d"].count("M") == 2
    assert line.attrib["stroke-dasharray"] == "2 3"
