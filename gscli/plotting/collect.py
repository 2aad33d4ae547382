"""One pass over samples to what a figure needs: counts of all rows, and some rows to draw."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import numpy as np

from gscli.arrays import FloatArray, IntArray, log_softmax
from gscli.errors import DataError
from gscli.execution.threads import Threads
from gscli.inference.kept_rows import KeptRows
from gscli.io.samples import Batch, ByTemperature, Samples

Measure = Callable[[FloatArray], IntArray]


@dataclass(frozen=True, slots=True)
class Projection:
    """Restricts rows to the categories that are shown: an exact sub-composition.

    Attributes
    ----------
    chosen : tuple of int
        Positions of the categories.
    whole : bool
        Whether those are all categories, in order.
    log : bool
        Whether the rows are logarithms.
    log_ratio : bool
        Whether logarithms of the points are wanted.
    """

    chosen: tuple[int, ...]
    whole: bool
    log: bool
    log_ratio: bool

    @classmethod
    def of(cls, samples: Samples, chosen: Sequence[int], *, log_ratio: bool) -> "Projection":
        """Return the projection of samples to some of their categories."""
        whole = tuple(chosen) == tuple(range(samples.num_categories))
        return cls(tuple(chosen), whole, samples.log, log_ratio)

    def __call__(self, batch: Batch) -> Batch:
        """Return the rows that have a projection, projected."""
        if self.whole and not self.log and not self.log_ratio:
            return batch
        part = batch.rows if self.whole else batch.rows[:, list(self.chosen)]
        least = -np.inf if self.log else 0.0
        # Log-ratios need every share; the shares of a sub-composition at least one.
        usable = (part.min(axis=1) if self.log_ratio else part.max(axis=1)) > least
        offsets = batch.offsets
        if not usable.all():
            part, offsets = part[usable], (batch.indices - batch.start)[usable]
        return replace(batch, rows=self._shares(part), offsets=offsets)

    def _shares(self, part: FloatArray) -> FloatArray:
        if self.log:
            part = part if self.whole or not len(part) else log_softmax(part)
            return part if self.log_ratio else np.exp(part)
        part = np.asarray(part / part.sum(axis=1, keepdims=True))
        return np.log(part) if self.log_ratio else part


class Collected:
    """What is kept of the samples at one temperature.

    Parameters
    ----------
    projection : Projection
        Turns rows into those that are counted and kept.
    measure : callable, optional
        Counts something over projected rows; the counts are added up.
    keep : int
        How many rows to keep at most.

    Attributes
    ----------
    n, dropped : int
        Number of projected rows, and of those that have no projection.
    counts : ndarray of int, or 0
        What the measure counted.
    points : KeptRows
        Some of the projected rows.
    """

    def __init__(
        self, projection: Projection, measure: Measure | None = None, keep: int = 0
    ) -> None:
        self.projection = projection
        self.measure = measure
        self.n = self.dropped = 0
        self.counts: IntArray | int = 0
        self.points = KeptRows(keep)

    def update(self, batch: Batch) -> None:
        """Take in the next rows."""
        projected = self.projection(batch)
        self.n += len(projected.rows)
        self.dropped += len(batch.rows) - len(projected.rows)
        if self.measure is not None and len(projected.rows):
            self.counts = self.counts + self.measure(projected.rows)
        if self.points.limit:
            self.points.update(projected)

    def merge(self, later: Self) -> None:
        """Take in what was kept of the rows that follow."""
        self.n += later.n
        self.dropped += later.dropped
        self.counts = self.counts + later.counts
        self.points.merge(later.points)


def collect(
    samples: Samples,
    projection: Projection,
    *,
    measure: Measure | None = None,
    keep: int = 0,
    threads: Threads = None,
) -> dict[float | None, Collected]:
    """Gather samples by temperature, in one pass and bounded memory.

    Parameters
    ----------
    samples : Samples
        Points of the simplex, or their logarithms.
    projection : Projection
        To the categories that are shown.
    measure : callable, optional
        Counts something over projected rows; the counts are added up.
    keep : int
        How many rows of each temperature to keep at most.
    threads : int or Workers, optional
        Number of threads; by default one for each usable core.

    Returns
    -------
    dict
        By temperature, in the order in which they first appear.

    Raises
    ------
    DataError
        If there is not a single sample.

    Examples
    --------
    >>> from gscli.io.samples import as_samples
    >>> from gscli.plotting.binning import count_bins
    >>> samples = as_samples(np.eye(3), log=False)
    >>> whole = Projection.of(samples, range(3), log_ratio=False)
    >>> found = collect(samples, whole, measure=partial(count_bins, bins=2), keep=2)
    >>> found[None].n, found[None].counts.tolist(), len(found[None].points.rows())
    (3, [[2, 1], [2, 1], [2, 1]], 2)
    """
    one = partial(Collected, projection, measure, keep)
    found = samples.accumulate(partial(ByTemperature, one), threads=threads).found
    found = {temperature: each for temperature, each in found.items() if each.n}
    if not found:
        raise DataError(f"{samples.label}: there is no sample to draw")
    return found
