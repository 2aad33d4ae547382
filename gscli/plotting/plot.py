"""Samples to a figure: of the kind that suits their number of categories, or is asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from gscli.arrays import FloatArray, largest, log_softmax
from gscli.distribution.concrete import Concrete
from gscli.errors import ParameterError
from gscli.execution.threads import Threads
from gscli.io.samples import Samples
from gscli.plotting import theme
from gscli.plotting.collect import Collected, Projection, collect

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from gscli.plotting.kinds import Kind
    from gscli.plotting.panels import Categories, Panel

MAX_PANELS = 24
MAX_STRIPS = 24

CHARACTER_WIDTH = 6
"""Pixels that a character of the subtitle takes, on average."""


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
    threads : int, Workers or None
        Number of threads for counting.
    temperatures : sequence of float
        Those that are known beforehand.
    from_file : bool
        Whether they are to be compared with the exact distribution, instead of drawn from it.
    """

    samples: Samples
    logits: FloatArray | None
    origin: str
    threads: Threads = None
    temperatures: Sequence[float] = ()
    from_file: bool = False

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
class PlotOptions:
    """What to show of samples.

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


def plot(sample: Sample, options: PlotOptions) -> "go.Figure":
    """Draw samples in the way that suits them.

    Parameters
    ----------
    sample : Sample
        Read once, in bounded memory.
    options : PlotOptions
        What to show.

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
        If the options do not fit the number of categories.
    """
    from gscli.plotting.panels import Categories, titled

    _check_panels(len(sample.temperatures))
    chosen = choose(sample, options)
    probs = None if sample.logits is None else np.exp(log_softmax(sample.logits))[list(chosen)]
    names = tuple(sample.names[k] for k in chosen)
    kind = _kind(options, Categories(names, chosen, probs), compared=sample.from_file)
    projected = range(len(sample.names)) if kind.whole else chosen
    collected = collect(
        sample.samples,
        Projection.of(sample.samples, projected, log_ratio=kind.log_ratio),
        measure=kind.measure,
        keep=kind.keep,
        threads=sample.threads,
    )
    _check_panels(len(collected))
    exact = {temperature: sample.at(temperature, projected) for temperature in collected}
    panels = kind.panels(collected, exact)
    remarks = [*_remarks(sample, kind, collected, exact, panels)]
    figure = kind.figure(panels)
    subtitle = _lines(remarks, figure.layout.width // CHARACTER_WIDTH)
    return titled(figure, _title(sample, list(collected)), subtitle)


def _check_panels(count: int) -> None:
    if count > MAX_PANELS:
        raise ParameterError("temperature", f"{count} are more than {MAX_PANELS} panels")


def choose(sample: Sample, options: PlotOptions) -> tuple[int, ...]:
    """Return the positions of the categories to show."""
    k = len(sample.names)
    if options.categories is not None:
        return options.categories
    room = MAX_STRIPS if options.kind == "marginals" else 3 if k > 4 or options.log_ratio else 4
    if k <= room:
        return tuple(range(k))
    rank = sample.samples.first_mean() if sample.logits is None else sample.logits
    return largest(rank, room)


def _kind(options: PlotOptions, categories: "Categories", *, compared: bool) -> "Kind":
    from gscli.plotting import kinds

    shown = len(categories.names)
    if shown == 1 and not options.log_ratio:
        return kinds.Component(categories)
    if options.kind == "marginals":
        return kinds.Marginals(categories)
    if shown == 2:
        return (kinds.LogRatioHistogram if options.log_ratio else kinds.Histogram)(categories)
    if shown == 3 and options.log_ratio:
        return kinds.LogRatio(categories, options.contours, compared)
    if shown == 3:
        return kinds.Ternary(categories, options.contours, compared, options.kind)
    if shown == 4 and not options.log_ratio:
        return kinds.Tetrahedron(categories, contours=False)
    raise ParameterError("categories", f"log-ratios are of two or three categories, not {shown}")


def _title(sample: Sample, temperatures: Sequence[float | None]) -> str:
    known = sample.logits is not None and None not in temperatures
    if sample.from_file and known:
        at = f", t = {temperatures[0]:.4g}" if len(temperatures) == 1 else ""
        return f"{theme.shorten(sample.origin, 40)} against the Concrete distribution{at}"
    if sample.from_file or not known:
        return theme.shorten(f"Samples of {sample.origin}", 60)
    if len(temperatures) > 1:
        return "Effect of temperature on the Concrete distribution"
    return f"Concrete distribution at t = {temperatures[0]:.4g}"


def _remarks(
    sample: Sample,
    kind: "Kind",
    collected: dict[float | None, Collected],
    exact: dict[float | None, Concrete | None],
    panels: Sequence["Panel"],
) -> Iterator[str]:
    n = max(found.n for found in collected.values())
    yield f"n = {n:,} samples{' at each temperature' if len(collected) > 1 else ''}"
    drawn = max((len(p.points) for p in panels if p.points is not None), default=n)
    if drawn < n:
        yield f"{drawn:,} evenly spaced ones drawn"
    # The regime is that of what is drawn; those of several panels stand in their headings.
    regimes = [distribution.regime for distribution in exact.values() if distribution is not None]
    regime = f"{regimes[0]} regime" if regimes and len(exact) == 1 else ""
    shown, count = len(kind.categories.names), len(sample.names)
    if kind.whole or shown == count:
        if regime:
            yield regime
        if shown < count:
            of_all = "; the regime is that of all" if regimes else ""
            yield f"{shown} of {count} categories{of_all}"
    elif regimes:
        yield f"{regime or 'regimes'} of the shown sub-composition ({shown} of {count} categories)"
    else:
        yield f"{shown} of {count} categories, as exact sub-composition"
    dropped = sum(found.dropped for found in collected.values())
    if dropped:
        yield f"{dropped:,} row{'s' if dropped > 1 else ''} with exact zeros left out"
    if any(panel.near is not None for panel in panels):
        yield "near: share of samples with that category above 0.95"
    if len(panels) > 1 and "file:" in panels[0].heading:
        yield "file: shares of its samples in the regions"
    if not sample.from_file:
        yield theme.escape(sample.origin)


def _lines(remarks: Sequence[str], length: int) -> str:
    """Join remarks, on as many lines as they need."""
    lines = [remarks[0]]
    for remark in remarks[1:]:
        longer = f"{lines[-1]}  ·  {remark}"
        lines[-1:] = [longer] if len(longer) <= length else [lines[-1], remark]
    return "<br>".join(lines)
