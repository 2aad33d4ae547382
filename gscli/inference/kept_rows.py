"""Some rows of a sample of unknown length, spread over it, in bounded memory."""

from typing import Self

import numpy as np

from gscli.arrays import FloatArray, IntArray
from gscli.io.samples import Batch

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2**64 divided by the golden ratio, and odd."""


class KeptRows:
    """At most so many rows, spread evenly over a sample.

    Row i is kept while i / φ mod 1 < 2**-level, φ the golden ratio: those rows lie about 2**level
    apart, whatever the period of what the rows hold, and which they are does not depend on the
    parts in which the sample was read. The level rises when there are too many.

    Parameters
    ----------
    limit : int
        The most rows that are kept.
    expected : int, optional
        How many rows will come: spares keeping what will be left out.

    Examples
    --------
    >>> kept = KeptRows(10)
    >>> kept.update(Batch(np.arange(100.0)[:, None]))
    >>> kept.rows()[:, 0].tolist()
    [0.0, 13.0, 34.0, 47.0, 68.0, 81.0, 89.0]
    """

    def __init__(self, limit: int, expected: int | None = None) -> None:
        self.limit = limit
        self.level = max(1, (expected or 0) // max(limit, 1)).bit_length() - 1
        self.count = 0
        self._kept: list[tuple[IntArray, FloatArray]] = []

    def update(self, batch: Batch) -> None:
        """Take in the next rows."""
        self._append(batch.indices, batch.rows)

    def merge(self, later: Self) -> None:
        """Take in what was kept of the rows that follow."""
        while self.level < later.level:
            self._rise()
        for indices, rows in later._kept:
            self._append(indices, rows)

    def rows(self) -> FloatArray:
        """Return the rows that are kept, in order, shape (rows, K)."""
        return np.concatenate([rows for _, rows in self._kept])

    def _append(self, indices: IntArray, rows: FloatArray) -> None:
        chosen = self._chosen(indices)
        self._kept.append((indices[chosen], rows[chosen]))
        self.count += len(chosen)
        while self.count > self.limit:
            self._rise()

    def _rise(self) -> None:
        self.level += 1
        kept, self._kept, self.count = self._kept, [], 0
        for indices, rows in kept:
            self._append(indices, rows)

    def _chosen(self, indices: IntArray) -> IntArray:
        """Return which of some rows are kept, by their places among them."""
        fractions = indices.astype(np.uint64) * GOLDEN
        return np.flatnonzero(fractions <= np.uint64((2**64 - 1) >> self.level))
