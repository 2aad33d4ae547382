"""Exact highest-density regions of a Concrete distribution over three categories."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gscli.arrays import FloatArray, log_softmax
from gscli.distribution.concrete import Concrete, check_concrete
from gscli.distribution.moments import check_sums
from gscli.errors import ParameterError

MASSES = (0.5, 0.8, 0.95)
QUANTILE_SAMPLES = 200_000
QUANTILE_SEED = 0x6773636C69
"""No seed that people type: their samples do not decide the levels."""

HALF_WIDTH = 30.0
LATTICE = 481


@dataclass(frozen=True, slots=True)
class Region:
    """The smallest region that holds a given share of the mass.

    Attributes
    ----------
    mass : float
        The share, between 0 and 1.
    level : float
        Log-density on its boundary; it is larger inside.
    lines : tuple of ndarray, each of shape (points, 3)
        Its boundary inside the simplex, as paths of points of the simplex.
    rings : tuple of ndarray, each of shape (points, 3)
        Closed paths around all of it, along the edges of the simplex too: to fill, holes run the
        other way round.
    """

    mass: float
    level: float
    lines: tuple[FloatArray, ...]
    rings: tuple[FloatArray, ...] = ()


def highest_density_regions(
    distribution: Concrete, masses: Sequence[float] = MASSES, *, log_ratio: bool = False
) -> tuple[Region, ...]:
    """Find the highest-density regions of a distribution over three categories.

    The levels are quantiles of the exact log-density at samples (Hyndman 1996, section 3.2), so
    a region's mass is that of its label within about 0.3 %. The lines are traced in log-ratio
    coordinates scaled by the temperature, where the density has one scale at every temperature:
    they stay right where it is unbounded: along the boundary of the simplex at t <= 1/2, at its
    vertices at t < 2.

    Parameters
    ----------
    distribution : Concrete
        Over K = 3 categories.
    masses : sequence of float
        Shares of the mass, each between 0 and 1.
    log_ratio : bool
        Whether density is per unit of the log-ratios (see `Concrete.log_prob_log`) instead of
        per unit of the simplex: the regions to draw over log-ratio axes.

    Returns
    -------
    tuple of Region
        In the order of `masses`.

    Raises
    ------
    ParameterError
        If `distribution` is not a Concrete over three categories, or a mass is not a share.
    AccuracyError
        If its logits are so far apart that the density is beyond float64.

    References
    ----------
    Hyndman (1996), "Computing and Graphing Highest Density Regions", The American Statistician.

    Examples
    --------
    >>> half, _, _ = highest_density_regions(Concrete([1, 3, 6], temperature=3))
    >>> len(half.lines), half.lines[0].shape[1]
    (1, 3)
    """
    from contourpy import FillType, contour_generator

    for mass in masses:
        if not 0 < mass < 1:
            raise ParameterError("masses", f"{mass:g} is not a share between 0 and 1")
    if check_concrete("distribution", distribution).num_categories != 3:
        raise ParameterError(
            "distribution", f"has {distribution.num_categories} categories; regions need 3"
        )
    check_sums(distribution.logits, min(1.0, distribution.temperature), "density")
    samples = distribution.sample_log(QUANTILE_SAMPLES, seed=QUANTILE_SEED)
    levels = np.quantile(_log_density(distribution, samples, log_ratio), 1 - np.array(masses))
    # Units of the axes: logistic noise, centred at the distribution's own log-ratios.
    axis = np.linspace(-HALF_WIDTH, HALF_WIDTH, LATTICE)
    first, second = np.meshgrid(axis, axis)
    height = _log_density(distribution, _log_points(distribution, first, second), log_ratio)
    contours = contour_generator(first, second, height, fill_type=FillType.OuterOffset)
    beyond = np.nextafter(height.max(), np.inf)

    def on_simplex(path: Any) -> FloatArray:
        return np.exp(_log_points(distribution, *np.asarray(path).T))

    def region(mass: float, level: float) -> Region:
        areas: Any = zip(*contours.filled(level, max(beyond, level)), strict=True)
        rings = (
            ring for points, starts in areas for ring in np.split(points, starts[1:-1].astype(int))
        )
        lines = tuple(map(on_simplex, contours.lines(level)))
        return Region(mass, level, lines, tuple(map(on_simplex, rings)))

    return tuple(region(*pair) for pair in zip(masses, levels.tolist(), strict=True))


def _log_density(distribution: Concrete, log_x: FloatArray, log_ratio: bool) -> FloatArray:
    log_prob = distribution.log_prob_log(log_x)
    return log_prob if log_ratio else log_prob - np.moveaxis(log_x, -1, 0).copy().sum(axis=0)


def _log_points(distribution: Concrete, first: npt.ArrayLike, second: npt.ArrayLike) -> FloatArray:
    noise = np.stack([np.asarray(first), np.asarray(second), np.zeros_like(first)])
    logits = distribution.logits.reshape(-1, *[1] * (noise.ndim - 1))
    return np.moveaxis(log_softmax((logits + noise) / distribution.temperature, axis=0), 0, -1)
