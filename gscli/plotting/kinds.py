"""The kinds of figure that samples can be drawn as, a class each."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Literal

import numpy as np
import plotly.graph_objects as go

from gscli.arrays import FloatArray, IntArray, log_softmax
from gscli.distribution.concrete import Concrete
from gscli.distribution.extremes import WITHIN
from gscli.distribution.regions import highest_density_regions
from gscli.errors import AccuracyError
from gscli.plotting.binning import count_bins, count_cells
from gscli.plotting.collect import Collected, Measure
from gscli.plotting.log_ratio import log_ratio_panels
from gscli.plotting.marginals import histogram_panels, marginal_panels, share_density
from gscli.plotting.panels import Categories, Panel
from gscli.plotting.ternary import ternary_panels
from gscli.plotting.tetrahedron import tetrahedron_panels

MAX_POINTS = 20_000
"""Points in one figure: plotly's triangles are SVG, and a browser draws 10,000 a second."""

COLD = 0.1
"""Share of samples near a vertex from which a triangle says how many are at each."""

CELL_ROWS = 48
HISTOGRAM_BINS = 80
FINEST = 1024
"""Counted bins in one of a component's histogram over [0, 1], whose axis then fits the samples."""
STRIP_BINS = 50
HISTOGRAM_POINTS = 200_000


@dataclass(frozen=True)
class Kind(ABC):
    """A kind of figure: what it needs gathered, and how it draws that.

    Attributes
    ----------
    categories : Categories
        Those to show.
    keep : int
        How many samples of each temperature to keep, at most.
    log_ratio : bool
        Whether it takes logarithms of the samples.
    whole : bool
        Whether it takes samples of all categories, instead of the sub-composition to show.
    """

    categories: Categories
    keep: ClassVar[int] = 0
    log_ratio: ClassVar[bool] = False
    whole: ClassVar[bool] = False

    @property
    def measure(self) -> Measure | None:
        """What to count over rows of samples, if anything."""
        return None

    def panels(
        self,
        collected: Mapping[float | None, Collected],
        exact: Mapping[float | None, Concrete | None],
    ) -> list[Panel]:
        """Return a panel for each temperature, with at most `MAX_POINTS` points in all.

        Parameters
        ----------
        collected : mapping
            What was gathered, by temperature.
        exact : mapping
            The distribution of the samples, by temperature, where it is known.
        """
        panels = []
        for temperature, found in collected.items():
            panel = self.panel(found, exact[temperature])
            points = panel.points
            if points is not None:
                points = points[:: -(-len(points) * len(collected) // MAX_POINTS) or 1]
            heading = _heading(temperature, exact[temperature], panel)
            # Of several panels, those shares stand in the headings.
            observed = panel.observed if len(collected) == 1 else ()
            panels.append(replace(panel, heading=heading, points=points, observed=observed))
        return panels

    @abstractmethod
    def panel(self, found: Collected, exact: Concrete | None) -> Panel:
        """Return what to draw of the samples at one temperature."""

    @abstractmethod
    def figure(self, panels: Sequence[Panel]) -> go.Figure:
        """Draw the panels."""


def _heading(temperature: float | None, exact: Concrete | None, panel: Panel) -> str:
    if temperature is None:
        return ""
    if panel.observed:
        shares = ", ".join(f"{100 * share:.3g}" for share in panel.observed)
        return f"<b>t = {temperature:.4g}</b>  ·  file: {shares} %"
    regime = "" if exact is None else f"  ·  {exact.regime} regime"
    return f"<b>t = {temperature:.4g}</b>{regime}"


@dataclass(frozen=True)
class Points(Kind):
    """Samples as points, and the regions of highest exact density, if they are wanted."""

    contours: bool
    compared: bool = False
    keep: ClassVar[int] = MAX_POINTS

    def panel(self, found: Collected, exact: Concrete | None) -> Panel:
        """Return the points and the regions, with the shares of points in them if compared."""
        points = found.points.rows()
        if exact is None or not self.contours:
            return Panel(points=points)
        regions = highest_density_regions(exact, log_ratio=self.log_ratio)
        observed: tuple[float, ...] = ()
        if self.compared:
            density = exact.log_prob_log(points) if self.log_ratio else exact.log_prob(points)
            observed = tuple(float((density >= region.level).mean()) for region in regions)
        return Panel(points=points, regions=regions, observed=observed)


@dataclass(frozen=True)
class Ternary(Points):
    """A triangle of three categories: points, or counts of all samples in cells."""

    draw: Literal["auto", "points", "bins"] = "auto"

    @property
    def measure(self) -> Measure:
        """Count the samples in each cell."""
        return partial(count_cells, resolution=CELL_ROWS)

    def panel(self, found: Collected, exact: Concrete | None) -> Panel:
        """Return the points or the counts, and the regions."""
        panel = super().panel(found, exact)
        near = (found.points.rows() > 1 - WITHIN).mean(axis=0)
        if near.sum() > COLD:
            panel = replace(panel, near=near)
        if self.draw == "points" or (self.draw == "auto" and found.n <= MAX_POINTS):
            return panel
        return replace(panel, points=None, counts=np.asarray(found.counts))

    def figure(self, panels: Sequence[Panel]) -> go.Figure:
        """Draw a triangle for each panel."""
        return ternary_panels(panels, self.categories)


@dataclass(frozen=True)
class Tetrahedron(Points):
    """A tetrahedron of four categories."""

    def figure(self, panels: Sequence[Panel]) -> go.Figure:
        """Draw a tetrahedron for each panel."""
        return tetrahedron_panels(panels, self.categories)


@dataclass(frozen=True)
class LogRatio(Points):
    """Two log-ratios of three categories."""

    log_ratio: ClassVar[bool] = True

    def figure(self, panels: Sequence[Panel]) -> go.Figure:
        """Draw the two log-ratios for each panel."""
        return log_ratio_panels(panels, self.categories)


@dataclass(frozen=True)
class Histogram(Kind):
    """The share of the first of two categories."""

    @property
    def label(self) -> str:
        """What the x axis shows."""
        return f"share of {self.categories.names[0]}"

    @property
    def measure(self) -> Measure | None:
        """Count the samples in equal bins."""
        return partial(count_bins, bins=HISTOGRAM_BINS)

    def panel(self, found: Collected, exact: Concrete | None) -> Panel:
        """Return the counts and the exact density."""
        edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
        curve = None if exact is None else share_density(exact)
        return Panel(counts=np.asarray(found.counts)[0], edges=edges, curve=curve)

    def figure(self, panels: Sequence[Panel]) -> go.Figure:
        """Draw a histogram for each panel."""
        return histogram_panels(panels, label=self.label)


@dataclass(frozen=True)
class Component(Histogram):
    """The share of a single category of the whole."""

    whole: ClassVar[bool] = True

    @property
    def position(self) -> int:
        """Position of the category among all."""
        (position,) = self.categories.positions or (0,)
        return position

    @property
    def measure(self) -> Measure:
        """Count the samples in bins so small that they show rare categories, too."""
        return partial(_count_component, position=self.position)

    def panel(self, found: Collected, exact: Concrete | None) -> Panel:
        """Return the counts up to where nearly all samples are, and the exact density."""
        fine = np.asarray(found.counts)
        halvings = _halvings(fine)
        group = FINEST // 2**halvings
        counts = fine[: HISTOGRAM_BINS * group].reshape(HISTOGRAM_BINS, group).sum(axis=1)
        edges = np.linspace(0, 1 / 2**halvings, HISTOGRAM_BINS + 1)
        # Beyond the last edge are few samples, but the bars are densities of all of them.
        share = counts.sum() / max(1, fine.sum())
        return Panel(
            counts=counts, edges=edges, share=float(share), curve=self._curve(exact, edges[-1])
        )

    def _curve(self, exact: Concrete | None, end: float) -> tuple[FloatArray, FloatArray] | None:
        if exact is None:
            return None
        shares = end * np.sin(np.linspace(0, np.pi / 2, 402)[1:-1]) ** 2
        try:
            return shares, exact.marginal_pdf(self.position, shares)
        except AccuracyError:  # t so high or so low that it is not known exactly
            return None


def _count_component(rows: FloatArray, *, position: int) -> IntArray:
    (counts,) = count_bins(rows[:, position : position + 1], bins=HISTOGRAM_BINS * FINEST)
    return np.asarray(counts)


def _halvings(fine: IntArray) -> int:
    """Return how often the axis can be halved with at most 0.1 % of the samples beyond it."""
    halvings, most = 0, fine.sum() / 1000
    while 2**halvings < FINEST and fine[len(fine) // 2 ** (halvings + 1) :].sum() <= most:
        halvings += 1
    return halvings


@dataclass(frozen=True)
class LogRatioHistogram(Histogram):
    """The log-ratio of two categories."""

    keep: ClassVar[int] = HISTOGRAM_POINTS
    log_ratio: ClassVar[bool] = True

    @property
    def label(self) -> str:
        """What the x axis shows."""
        first, second = self.categories.names
        return f"log( {first} / {second} )"

    @property
    def measure(self) -> None:
        """Count nothing: where the bins lie, the kept samples tell."""
        return None

    def panel(self, found: Collected, exact: Concrete | None) -> Panel:
        """Return the counts and the exact density, between the least and the largest sample."""
        log_x = found.points.rows()
        samples = log_x[:, 0] - log_x[:, 1]
        furthest = np.abs(samples).max(initial=0)
        span = float(np.ptp(samples)) if len(samples) else 0.0
        if (span or 1.0) < 2 * HISTOGRAM_BINS * np.spacing(furthest):
            raise AccuracyError(
                f"log-ratios near {furthest:.3g} are too large for float64 to tell samples apart; "
                "draw the shares, or logits that lie less far apart"
            )
        counts, edges = np.histogram(samples, bins=HISTOGRAM_BINS)
        ratios = np.linspace(edges[0], edges[-1], 400)
        points = log_softmax(np.stack([ratios, np.zeros_like(ratios)], axis=-1))
        curve = None if exact is None else (ratios, np.exp(exact.log_prob_log(points)))
        return Panel(counts=counts, edges=edges, curve=curve)


@dataclass(frozen=True)
class Marginals(Kind):
    """The distribution of each category's share of the whole, a strip each."""

    whole: ClassVar[bool] = True

    @property
    def measure(self) -> Measure:
        """Count the samples in equal bins."""
        return partial(count_bins, bins=STRIP_BINS)

    def panel(self, found: Collected, exact: Concrete | None) -> Panel:
        """Return the counts, and the exact means and laws of the categories to show."""
        counts, means, shares = np.asarray(found.counts), None, None
        shown = list(self.categories.positions or range(len(counts)))
        edges = np.linspace(0, 1, STRIP_BINS + 1)
        if exact is not None:
            with suppress(AccuracyError):  # t so high or so low that they are not known exactly
                means = exact.mean()[shown]
                shares = np.array([np.diff(exact.marginal_cdf(k, edges)) for k in shown])
        return Panel(counts=counts[shown], edges=edges, means=means, shares=shares)

    def figure(self, panels: Sequence[Panel]) -> go.Figure:
        """Draw a strip for each category, in each panel."""
        return marginal_panels(panels, self.categories)
