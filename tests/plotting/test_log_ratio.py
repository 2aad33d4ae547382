"""Log-ratios as dictionaries."""

import numpy as np
import pytest

from gscli import Concrete
from gscli.distribution.regions import highest_density_regions
from gscli.plotting.log_ratio import log_ratio_panels
from gscli.plotting.panels import Categories, Panel
from tests.plotting.plotly_arrays import array, markers


def test_log_ratio_axes() -> None:
    log_x = Concrete([1, 3, 6], 0.01).sample_log(50, seed=1)
    figure = log_ratio_panels([Panel(points=log_x)], Categories("abc")).to_plotly_json()
    x = np.sort(np.concatenate([array(t["x"]) for t in markers(figure)]))
    assert x == pytest.approx(np.sort(log_x[:, 0] - log_x[:, 2]), rel=1e-5)
    assert figure["layout"]["xaxis"]["title"]["text"] == "log( a / c )"
    assert figure["layout"]["yaxis"]["title"]["text"] == "log( b / c )"


def test_log_ratios_beyond_float32_are_drawn() -> None:
    log_x = np.array([[-1e300, 0.0, -2e300]])
    figure = log_ratio_panels([Panel(points=log_x)], Categories("abc")).to_plotly_json()
    (drawn,) = [array(t["x"]) for t in markers(figure) if len(array(t["x"]))]
    assert drawn.tolist() == [1e300]


def test_contours_are_the_regions_lines_in_log_ratios() -> None:
    regions = highest_density_regions(Concrete([1, 3, 6], 0.2), log_ratio=True)
    figure = log_ratio_panels([Panel(regions=regions)], Categories("abc")).to_plotly_json()
    drawn = [t for t in figure["data"] if t["mode"] == "lines" and t["showlegend"]]
    assert [t["name"] for t in drawn] == [f"{mass} % of the mass" for mass in (50, 80, 95)]
    for region, trace in zip(regions, drawn, strict=True):
        x = np.concatenate([np.append(np.log(line[:, 0] / line[:, 2]), 0) for line in region.lines])
        gaps = np.isnan(array(trace["x"]))
        assert gaps.sum() == len(region.lines)
        assert array(trace["x"])[~gaps] == pytest.approx(x[~gaps], rel=1e-5, abs=1e-5)
