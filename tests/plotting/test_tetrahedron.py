"""Tetrahedra as dictionaries."""

import numpy as np
import pytest

from gscli.plotting.panels import Categories, Panel
from gscli.plotting.tetrahedron import VERTICES, tetrahedron_panels
from tests.plotting.plotly_arrays import array, markers


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
