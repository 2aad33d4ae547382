"""Which picture suits a sample: from its categories, its size and the user's wish to a figure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from gscli.arrays import FloatArray, log_softmax
from gscli.distribution.concrete import Concrete
from gscli.distribution.regions import highest_density_regions
from gscli.errors import AccuracyError, ParameterError
from gscli.io.samples import Samples
from gscli.plotting.binning import count_bins, count_cells
from gscli.plotting.collect import Collected, Measure, Projection, collect

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from gscli.plotting.panels import Panel

MAX_POINTS = 20_000
"""Points in one figure: plotly's triangles are SVG, and a browser draws 10,000 a second."""

MAX_PANELS = 24
MAX_STRIPS = 24
HISTOGRAM_BINS = 80
STRIP_BINS = 50
HISTOGRAM_POINTS = 200_000


@dataclass(frozen=True, slots=True)
class Sample:
    """Samples to draw, and what is known of their distribution.

    Attributes
    ----------
    samples : Samples
        Read once, in bounded memory.
    logits : ndarray of shape (K,), or None
        Of the exact distribution, if it is known.
    origin : str
        Where the samples come from, for the subtitle.
    threads : int or None
        Number of threads for counting.
    temperatures : sequence of float
        Those that are known beforehand.
    """

    samples: Samples
    logits: FloatArray | None
    origin: str
    threads: int | None = None
    temperatures: Sequence[float] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the K categories."""
        return self.samples.names

    def at(self, temperature: float | None, chosen: Sequence[int]) -> Concrete | None:
        """Return the exact distribution of some categories at a temperature, if known."""
        if self.logits is None or temperature is None:
            return None
        return Concrete(logits=self.logits[list(chosen)], temperature=temperature)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked to see.

    Attributes
    ----------
    kind : {"auto", "points", "bins", "marginals"}
        Samples one by one, or counts of all.
    contours : bool
        Whether to draw highest-density regions where they are known.
    categories : tuple of int, or None
        Those to show; the most probable by default.
    log_ratio : bool
        Whether the axes are log-ratios.
    """

    kind: Literal["auto", "points", "bins", "marginals"] = "auto"
    contours: bool = True
    categories: tuple[int, ...] | None = None
    log_ratio: bool = False


def picture(sample: Sample, wish: Wish) -> "go.Figure":
    """Draw samples in the way that suits them.

    Parameters
    ----------
    sample : Sample
        Read once, in bounded memory.
    wish : Wish
        What the user asked for.

    Returns
    -------
    plotly.graph_objects.Figure
        A triangle for three categories, a histogram for two, a tetrahedron for four, strips for
        more; a panel for each temperature.

    Raises
    ------
    DataError
        If there are no samples, or too many temperatures.
    ParameterError
        If the wish does not fit the number of categories.
    """
    _check_panels(len(sample.temperatures))
    chosen = choose(sample, wish)
    drawing = _drawing(sample, wish, chosen)
    whole = wish.kind == "marginals"
    projected = range(len(sample.names)) if whole else chosen
    projection = Projection.of(sample.samples, projected, log_ratio=drawing.log_ratio)
    found = collect(
        sample.samples,
        projection,
        measure=drawing.measure,
        keep=drawing.keep,
        threads=sample.threads,
    )
    _check_panels(len(found))
    panels = [drawing.panel(t, each, len(found)) for t, each in found.items()]
    probs = None if sample.logits is None else np.exp(log_softmax(sample.logits))[list(chosen)]
    return drawing.figure(
        panels,
        names=tuple(sample.names[k] for k in chosen),
        positions=chosen,
        probs=probs,
        title=_title(sample, list(found)),
        subtitle="  ·  ".join(_remarks(sample, chosen, found, panels, projection)),
    )


def _check_panels(count: int) -> None:
    if count > MAX_PANELS:
        raise ParameterError("temperature", f"{count} are more than {MAX_PANELS} panels")


def choose(sample: Sample, wish: Wish) -> tuple[int, ...]:
    """Return the positions of the categories to show."""
    k = len(sample.names)
    if wish.categories is not None:
        return wish.categories
    room = MAX_STRIPS if wish.kind == "marginals" else 3 if k > 4 or wish.log_ratio else 4
    if k <= room:
        return tuple(range(k))
    rank = sample.samples.first_mean() if sample.logits is None else sample.logits
    return tuple(sorted(np.argsort(-rank, kind="stable")[:room].tolist()))


@dataclass(frozen=True, slots=True)
class _Drawing:
    """One way to draw: what to gather, and how that becomes panels and a figure."""

    measure: Measure | None
    keep: int
    log_ratio: bool
    panel: Callable[[float | None, Collected, int], "Panel"]
    figure: Callable[..., "go.Figure"]


def _drawing(sample: Sample, wish: Wish, chosen: Sequence[int]) -> _Drawing:
    shown = len(chosen)
    if wish.kind == "marginals":
        return _marginals(sample, chosen)
    if shown == 2:
        draw = _log_ratio_histogram if wish.log_ratio else _histogram
        return draw(sample, chosen)
    if wish.log_ratio and shown == 3:
        return _log_ratio(sample, wish, chosen)
    if shown == 3:
        return _ternary(sample, wish, chosen)
    if shown == 4 and not wish.log_ratio:
        return _tetrahedron(sample, chosen)
    raise ParameterError("categories", f"{shown} cannot be drawn so; choose three")


def _without(*unused: str) -> Callable[[Callable[..., "go.Figure"]], Callable[..., "go.Figure"]]:
    """Let a figure function be called with options that it has no use for."""

    def wrap(draw: Callable[..., "go.Figure"]) -> Callable[..., "go.Figure"]:
        return lambda panels, **options: draw(
            panels, **{name: value for name, value in options.items() if name not in unused}
        )

    return wrap


def _ternary(sample: Sample, wish: Wish, chosen: Sequence[int]) -> _Drawing:
    from gscli.plotting.panels import Panel
    from gscli.plotting.ternary import ternary_panels

    resolution = 48

    def panel(temperature: float | None, found: Collected, count: int) -> Panel:
        exact = sample.at(temperature, chosen)
        points = wish.kind == "points" or (wish.kind == "auto" and found.n <= MAX_POINTS)
        return Panel(
            heading=_heading(temperature, exact),
            points=_drawn(found, count) if points else None,
            counts=None if points else np.asarray(found.counts),
            regions=highest_density_regions(exact) if exact and wish.contours else (),
        )

    measure = partial(count_cells, resolution=resolution)
    return _Drawing(measure, MAX_POINTS, False, panel, ternary_panels)


def _tetrahedron(sample: Sample, chosen: Sequence[int]) -> _Drawing:
    from gscli.plotting.panels import Panel
    from gscli.plotting.tetrahedron import tetrahedron_panels

    def panel(temperature: float | None, found: Collected, count: int) -> Panel:
        exact = sample.at(temperature, chosen)
        return Panel(heading=_heading(temperature, exact), points=_drawn(found, count))

    return _Drawing(None, MAX_POINTS, False, panel, tetrahedron_panels)


def _log_ratio(sample: Sample, wish: Wish, chosen: Sequence[int]) -> _Drawing:
    from gscli.plotting.log_ratio import log_ratio_panels
    from gscli.plotting.panels import Panel

    def panel(temperature: float | None, found: Collected, count: int) -> Panel:
        exact = sample.at(temperature, chosen)
        known = exact is not None and wish.contours
        return Panel(
            heading=_heading(temperature, exact),
            points=_drawn(found, count),
            regions=highest_density_regions(exact, log_ratio=True) if exact and known else (),
        )

    return _Drawing(None, MAX_POINTS, True, panel, _without("probs")(log_ratio_panels))


def _histogram(sample: Sample, chosen: Sequence[int]) -> _Drawing:
    from gscli.plotting.marginals import histogram_panels
    from gscli.plotting.panels import Panel

    grid = np.sin(np.linspace(0, np.pi / 2, 402)[1:-1]) ** 2

    def panel(temperature: float | None, found: Collected, count: int) -> Panel:  # noqa: ARG001
        exact = sample.at(temperature, chosen)
        points = np.stack([grid, 1 - grid], axis=-1)
        return Panel(
            heading=_heading(temperature, exact),
            counts=np.asarray(found.counts)[0],
            edges=np.linspace(0, 1, HISTOGRAM_BINS + 1),
            curve=None if exact is None else (grid, np.exp(exact.log_prob(points))),
        )

    draw = partial(histogram_panels, label=f"share of {sample.names[chosen[0]]}")
    measure = partial(count_bins, bins=HISTOGRAM_BINS)
    return _Drawing(measure, 0, False, panel, _without("names", "positions", "probs")(draw))


def _log_ratio_histogram(sample: Sample, chosen: Sequence[int]) -> _Drawing:
    from gscli.plotting.marginals import histogram_panels
    from gscli.plotting.panels import Panel

    def panel(temperature: float | None, found: Collected, count: int) -> Panel:  # noqa: ARG001
        exact = sample.at(temperature, chosen)
        log_x = found.points.rows()
        counts, edges = np.histogram(log_x[:, 0] - log_x[:, 1], bins=HISTOGRAM_BINS)
        grid = np.linspace(edges[0], edges[-1], 400)
        points = log_softmax(np.stack([grid, np.zeros_like(grid)], axis=-1))
        return Panel(
            heading=_heading(temperature, exact),
            counts=counts,
            edges=edges,
            curve=None if exact is None else (grid, np.exp(exact.log_prob_log(points))),
        )

    first, second = (sample.names[k] for k in chosen)
    draw = partial(histogram_panels, label=f"log( {first} / {second} )")
    figure = _without("names", "positions", "probs")(draw)
    return _Drawing(None, HISTOGRAM_POINTS, True, panel, figure)


def _marginals(sample: Sample, chosen: Sequence[int]) -> _Drawing:
    from gscli.plotting.marginals import marginal_panels
    from gscli.plotting.panels import Panel

    # Shares of the whole, not of a sub-composition: so all categories are counted.
    def panel(temperature: float | None, found: Collected, count: int) -> Panel:  # noqa: ARG001
        exact = sample.at(temperature, range(len(sample.names)))
        return Panel(
            heading=_heading(temperature, exact),
            counts=np.asarray(found.counts)[list(chosen)],
            edges=np.linspace(0, 1, STRIP_BINS + 1),
            means=None if exact is None else _means(exact, chosen),
        )

    measure = partial(count_bins, bins=STRIP_BINS)
    return _Drawing(measure, 0, False, panel, _without("positions")(marginal_panels))


def _means(exact: Concrete, chosen: Sequence[int]) -> FloatArray | None:
    try:
        return exact.mean()[list(chosen)]
    except AccuracyError:  # so hot or so cold that they are not known exactly
        return None


def _drawn(found: Collected, count: int) -> FloatArray:
    rows = found.points.rows()
    return rows[:: -(-len(rows) * count // MAX_POINTS) or 1]


def _heading(temperature: float | None, exact: Concrete | None) -> str:
    if temperature is None:
        return ""
    regime = "" if exact is None else f"  ·  {exact.regime} regime"
    return f"<b>t = {temperature:.4g}</b>{regime}"


def _title(sample: Sample, temperatures: Sequence[float | None]) -> str:
    from gscli.plotting import theme

    if len(temperatures) > 1:
        return "Effect of temperature on the Concrete distribution"
    if sample.logits is None or temperatures[0] is None:
        return theme.shorten(f"Samples of {sample.origin}", 60)
    return f"Concrete distribution at t = {temperatures[0]:.4g}"


def _remarks(
    sample: Sample,
    chosen: Sequence[int],
    found: dict[float | None, Collected],
    panels: Sequence["Panel"],
    projection: Projection,
) -> Iterator[str]:
    from gscli.plotting import theme

    sizes = [each.n for each in found.values()]
    each = " at each temperature" if len(sizes) > 1 else ""
    yield f"n = {max(sizes):,} samples{each}"
    drawn = max((len(p.points) for p in panels if p.points is not None), default=max(sizes))
    if drawn < max(sizes):
        yield f"{drawn:,} evenly spaced ones drawn"
    if len(found) == 1 and sample.logits is not None:
        (temperature,) = found
        exact = sample.at(temperature, chosen)
        if exact is not None:
            yield f"{exact.regime} regime"
    if len(chosen) < len(sample.names):
        how = "" if projection.whole else ", as exact sub-composition"
        yield f"{len(chosen)} of {len(sample.names)} categories{how}"
    dropped = sum(each.dropped for each in found.values())
    if dropped:
        yield f"{dropped:,} rows with exact zeros left out"
    yield theme.escape(sample.origin)
