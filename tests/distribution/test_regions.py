"""Highest-density regions: the lines drawn hold the mass that their label says."""

from itertools import pairwise

import numpy as np
import pytest

from gscli import Concrete
from gscli.arrays import FloatArray, IntArray
from gscli.distribution.regions import MASSES, Region, highest_density_regions
from gscli.errors import AccuracyError, ParameterError
from gscli.plotting.ternary import ternary

CENTRE = np.full(3, 1 / 3)


def drawn_lines(region: Region) -> FloatArray:
    """Return the ends of the line's pieces as the figure holds them, shape (pieces, 2, 3)."""
    line = ternary(regions=[region]).data[-1]
    path = np.stack([line.a, line.b, 1 - line.a - line.b], axis=-1).astype(np.float64)
    pieces = np.stack([path[:-1], path[1:]], axis=1)
    return np.asarray(pieces[np.isfinite(pieces).all(axis=(1, 2))])


def crossings(lines: FloatArray, points: FloatArray) -> IntArray:
    """Return how often the way from the centre to each point crosses the lines."""
    ends, there = lines[..., :2] - CENTRE[:2], points[:, :2] - CENTRE[:2]
    angles = np.arctan2(there[:, 1], there[:, 0])
    order = np.argsort(angles)
    angles = angles[order]
    count = np.zeros(len(points), dtype=np.int64)
    for a, b in ends:
        low, high = sorted((np.arctan2(a[1], a[0]), np.arctan2(b[1], b[0])))
        spans = [(low, high)] if high - low < np.pi else [(-4.0, low), (high, 4.0)]
        for first, last in spans:
            here = order[slice(*np.searchsorted(angles, (first, last)))]
            beyond = cross(b - a, there[here] - a) * cross(b - a, -a) < 0
            count[here] += beyond
    return count


def cross(first: FloatArray, second: FloatArray) -> FloatArray:
    return np.asarray(first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0])


@pytest.mark.parametrize("t", [0.3, 0.5, 1, 3])
def test_share_of_samples_inside_the_drawn_lines(t: float) -> None:
    distribution = Concrete([1, 3, 6], t)
    samples = distribution.sample(1_000_000, seed=123)
    for region in highest_density_regions(distribution):
        odd = crossings(drawn_lines(region), samples) % 2 == 1
        inside = odd ^ (distribution.log_prob(CENTRE) > region.level)
        assert inside.mean() == pytest.approx(region.mass, abs=0.01)


@pytest.mark.parametrize("log_ratio", [False, True])
def test_larger_regions_have_lower_levels(log_ratio: bool) -> None:
    for t in (0.05, 0.3, 1, 10):
        regions = highest_density_regions(Concrete([1, 3, 6], t), log_ratio=log_ratio)
        assert [region.mass for region in regions] == list(MASSES)
        assert np.all(np.diff([region.level for region in regions]) < 0)
        assert all(region.lines for region in regions)


@pytest.mark.parametrize("t", [0.1, 3])
def test_lines_are_where_the_density_has_their_level(t: float) -> None:
    distribution = Concrete([1, 3, 6], t)
    for region in highest_density_regions(distribution, log_ratio=True):
        line = np.concatenate(region.lines)
        inside = line[(line > 1e-12).all(axis=1)]
        log_x = np.log(inside)
        assert distribution.log_prob_log(log_x) == pytest.approx(region.level, abs=0.02)


def test_renaming_categories_turns_the_region() -> None:
    region = highest_density_regions(Concrete([1, 3, 6], 2), [0.5])[0]
    turned = highest_density_regions(Concrete([6, 1, 3], 2), [0.5])[0]
    assert turned.level == pytest.approx(region.level, abs=0.02)
    lines, lines_turned = (np.concatenate(r.lines) for r in (region, turned))
    assert np.roll(lines.min(axis=0), 1) == pytest.approx(lines_turned.min(axis=0), abs=0.005)
    assert np.roll(lines.max(axis=0), 1) == pytest.approx(lines_turned.max(axis=0), abs=0.005)


@pytest.mark.parametrize("k", [2, 4])
def test_other_numbers_of_categories_are_refused(k: int) -> None:
    with pytest.raises(ParameterError, match="3"):
        highest_density_regions(Concrete(np.ones(k), 1))


@pytest.mark.parametrize("mass", [0.0, 1.0, 50.0, float("nan")])
def test_a_mass_is_a_share(mass: float) -> None:
    with pytest.raises(ParameterError, match="is not a share"):
        highest_density_regions(Concrete([1, 3, 6], 1.0), [mass])


def test_logits_too_far_apart_are_an_error() -> None:
    with pytest.raises(AccuracyError, match="the density is beyond float64"):
        highest_density_regions(Concrete(logits=[0, -30, 1e308], temperature=0.5))
    assert len(highest_density_regions(Concrete(logits=[0, -30, 1e200], temperature=0.5))) == 3


@pytest.mark.parametrize("t", [0.3, 1.0, 3.0])
def test_rings_enclose_the_mass_of_their_region(t: float) -> None:
    d = Concrete([1, 3, 6], t)
    points = d.sample(2000, seed=5)
    for region in highest_density_regions(d):
        turns = np.zeros(len(points), dtype=int)
        for ring in region.rings:
            assert ring[0] == pytest.approx(ring[-1])
            turns += _turns(points[:, :2], ring[:, :2])
        assert (turns != 0).mean() == pytest.approx(region.mass, abs=0.03)


def _turns(points: FloatArray, ring: FloatArray) -> IntArray:
    """Return how often a ring runs around each point, against the clock less with it."""
    (x, y), found = points.T, np.zeros(len(points), dtype=int)
    for (x0, y0), (x1, y1) in pairwise(ring):
        left = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)
        found += ((y0 <= y) & (y < y1) & (left > 0)).astype(int)
        found -= ((y1 <= y) & (y < y0) & (left < 0)).astype(int)
    return found
