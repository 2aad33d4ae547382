"""Bins of [0, 1], and cells of the triangular lattice."""

import numpy as np
import pytest

from gscli import Concrete
from gscli.plotting.binning import cell_corners, cell_of, count_bins, count_cells


@pytest.mark.parametrize("resolution", [1, 2, 3, 7, 16])
def test_the_centre_of_every_cell_lies_in_it(resolution: int) -> None:
    corners = cell_corners(resolution)
    assert corners.shape == (resolution**2, 3, 3)
    assert cell_of(corners.mean(axis=1), resolution).tolist() == list(range(resolution**2))


@pytest.mark.parametrize("resolution", [1, 2, 5, 16])
def test_cells_are_equal_triangles_that_fill_the_simplex(resolution: int) -> None:
    corners = cell_corners(resolution)
    np.testing.assert_allclose(corners.sum(axis=-1), 1, rtol=1e-12)
    assert corners.min() >= 0
    areas = np.abs(np.linalg.det(corners))
    np.testing.assert_allclose(areas, 1 / resolution**2, rtol=1e-10)


@pytest.mark.parametrize("resolution", [1, 2, 5, 16, 31])
def test_points_lie_inside_the_corners_of_their_cell(resolution: int) -> None:
    x = np.random.default_rng(0).dirichlet([0.5, 1, 2], 2000)
    own = cell_corners(resolution)[cell_of(x, resolution)]
    shares = np.linalg.solve(np.swapaxes(own, -1, -2), x[..., None])[..., 0]
    assert shares.min() > -1e-9


def test_corners_edges_and_rounding_stay_in_range() -> None:
    for resolution in (1, 2, 5, 16):
        ends = np.eye(3)
        edges = np.array([[a, 1 - a, 0] for a in np.linspace(0, 1, 50)])
        points = np.concatenate([ends, edges, edges[:, ::-1], edges[:, [0, 2, 1]]])
        for shift in (0, 1e-9, -1e-16):
            cells = cell_of(np.clip(points + shift, 0, None), resolution)
            assert cells.min() >= 0
            assert cells.max() < resolution**2


def test_uniform_points_fill_the_cells_evenly() -> None:
    from scipy.stats import chisquare

    x = np.random.default_rng(1).dirichlet([1, 1, 1], 100_000)
    counts = count_cells(x, 9)
    assert counts.shape == (81,)
    assert counts.sum() == 100_000
    assert chisquare(counts).pvalue > 1e-6


def test_count_bins_is_a_histogram_of_each_column() -> None:
    rows = np.vstack([Concrete([1, 3, 6], 0.05).sample(2_000, seed=1), np.eye(3)])
    counts = count_bins(rows, bins=10)
    expected = [np.histogram(column, bins=10, range=(0, 1))[0] for column in rows.T]
    assert np.array_equal(counts, expected)
