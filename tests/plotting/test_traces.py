"""Names in what several kinds of figure share."""

import numpy as np

from gscli.plotting.log_ratio import log_ratio_panels
from gscli.plotting.marginals import histogram_panels, marginal_panels
from gscli.plotting.panels import Categories, Panel
from gscli.plotting.ternary import ternary
from gscli.plotting.tetrahedron import tetrahedron_panels
from tests.plotting.plotly_arrays import markers

EVIL = ("<script>alert(1)</script>", "<b>", "a&b", "x")


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


def test_names_are_not_read_as_hover_templates() -> None:
    figure = ternary(np.eye(3), names=("a%{a}", "b", "c")).to_plotly_json()
    templates = [t["hovertemplate"] for t in markers(figure)]
    assert all("a%&#123;a} %{a:.4f}" in template for template in templates)
