"""What is kept of rows that are read once: counts, sums of products, and hashes.

Each has `merge`, which takes what another one kept of the rows that follow: counts are then those
of a single pass exactly, and sums those to rounding.
"""

import math
from collections.abc import Iterable
from typing import Self

import numpy as np
import numpy.typing as npt

from gscli.arrays import FloatArray, IntArray

HashArray = npt.NDArray[np.uint64]
CellArray = npt.NDArray[np.uint16]

MAX_CELLS = 2**14
TOTAL_CELLS = 2**22
"""Cells of one histogram, and of all histograms of a kind: at most 32 megabytes."""

WAITING_VALUES = 2**22
"""Cell numbers that wait to be counted, where rows are fewer than cells: 8 megabytes."""

CELLS_AT_A_TIME = 2**18

LAGS = 10
HASHED_ROWS = 2**20
HASHED_VALUES = 2**16
"""Values hashed at a time: half a megabyte, so that temporaries stay in a core's cache."""

STRETCHES = 64
"""Stretches of the file that are told apart while it is read."""

MOST_JOINED, FEWEST_IN_STRETCH = 8, 50
"""As many they become, or fewer so that each has rows enough."""

LARGEST = 1 - 1e-12
"""The largest partial autocorrelation."""

NO_VARIANCE = 1e-9
"""A score that varies less is constant: its correlations are rounding, and count as 0."""

TINY = float(np.finfo(np.float64).tiny)


class Histograms:
    """Counts of several variables on (0, 1), in fine cells.

    Counts of few rows are sparse: their cell numbers wait until they are many, for otherwise what
    each part of the rows adds to the memory, and to the time of merging, is all the cells.
    """

    def __init__(self, variables: int) -> None:
        self.variables = variables
        self.cells = min(MAX_CELLS, 1 << (TOTAL_CELLS // variables).bit_length() - 1)
        self._counts: IntArray | None = None
        self._waiting: list[tuple[int, CellArray]] = []
        self._num_waiting = 0

    @property
    def counts(self) -> IntArray:
        """The counts, shape (variables, cells)."""
        if self._counts is None:
            self._counts = np.zeros((self.variables, self.cells), dtype=np.int64)
        self._count_waiting(self._counts.reshape(-1))
        return self._counts

    def _count_waiting(self, counts: IntArray) -> None:
        for first, cell in self._waiting:
            start = self.cells * np.arange(first, first + len(cell))
            np.add.at(counts, (cell + start[:, None]).ravel(), 1)
        self._waiting, self._num_waiting = [], 0

    def update(self, first: int, values: FloatArray) -> None:
        """Count values of variable `first`, or of those from there on: shape (variables, rows)."""
        values = np.atleast_2d(values)
        cell = (values * self.cells).astype(np.uint16)
        np.minimum(cell, self.cells - 1, out=cell)
        if cell.shape[1] < self.cells:
            self._wait([(first, cell)])
            return
        counts = self.counts
        for index, each in enumerate(cell, first):
            counts[index] += np.bincount(each, minlength=self.cells)

    def merge(self, later: Self) -> None:
        """Add the counts of other rows."""
        if later._counts is not None:
            self.counts[:] += later._counts
        self._wait(later._waiting)

    def _wait(self, cells: list[tuple[int, CellArray]]) -> None:
        self._waiting += cells
        self._num_waiting += sum(cell.size for _, cell in cells)
        if self._num_waiting > WAITING_VALUES:
            _ = self.counts

    def distances(self) -> FloatArray:
        """Return each variable's distance from the uniform law."""
        counts = self.counts
        n = int(counts[0].sum())
        uniform = np.arange(1, self.cells + 1) / self.cells
        distances: FloatArray = np.empty(len(counts))
        step = max(1, CELLS_AT_A_TIME // self.cells)
        for first in range(0, len(counts), step):
            some = slice(first, first + step)
            below: FloatArray = np.cumsum(counts[some], axis=1) / n
            distances[some] = np.abs(below - uniform).max(axis=1)
        return distances

    def coarse(self, cells: int) -> IntArray:
        """Return the counts in fewer cells, a power of two: shape (variables, cells)."""
        counts: IntArray = self.counts.reshape(self.variables, cells, -1).sum(axis=2)
        return counts


class Products:
    """Sums of products of the first two Legendre polynomials of several uniforms."""

    def __init__(self, variables: int) -> None:
        self.sums: FloatArray = np.zeros(2 * variables)
        self._products: FloatArray = np.zeros((2 * variables, 2 * variables))
        self._waiting: list[FloatArray] = []
        self._num_waiting = 0

    @property
    def products(self) -> FloatArray:
        """The sums of products, shape (2 variables, 2 variables)."""
        if self._waiting:
            scores = np.concatenate(self._waiting, axis=1)
            self._products += np.dot(scores, scores.T)
            self._waiting, self._num_waiting = [], 0
        return self._products

    def update(self, linear: FloatArray) -> None:
        """Take in uniforms scaled to mean 0 and variance 1, shape (variables, rows)."""
        scores = np.concatenate([linear, (linear**2 - 1) * (math.sqrt(5) / 2)])
        self.sums += scores.sum(axis=1)
        if not self._waiting and scores.shape[1] >= len(scores):
            self._products += np.dot(scores, scores.T)  # @ would keep other threads waiting
        else:
            self._wait([scores])

    def merge(self, later: Self) -> None:
        """Add the sums over other rows."""
        self.sums += later.sums
        self._products += later._products
        self._wait(later._waiting)

    def _wait(self, scores: list[FloatArray]) -> None:
        # Adding to a large matrix costs as much as many rows do.
        self._waiting += scores
        self._num_waiting += sum(each.shape[1] for each in scores)
        if self._num_waiting >= len(self.sums):
            _ = self.products

    def correlations(self, n: int) -> FloatArray:
        """Return the correlations of polynomials of degree i, j = 1, 2: shape (i, k, j, l)."""
        k = len(self.sums) // 2
        mean = self.sums / n
        covariance = self.products / n - np.outer(mean, mean)
        deviation = np.sqrt(np.maximum(np.diag(covariance), NO_VARIANCE))
        correlations: FloatArray = covariance / np.outer(deviation, deviation)
        return correlations.reshape(2, k, 2, k)

    def independence(self, n: int) -> tuple[float, int, tuple[int, int]]:
        """Test pairwise independence: statistic, degrees of freedom, and the worst pair.

        It is Neyman's smooth test: under independence each correlation between a polynomial of
        one variable and one of another is about normal, with variance 1/(n-1) exactly, which
        matters where the categories are as many as the rows.
        """
        k = len(self.sums) // 2
        upper = np.triu((n - 1) * (self.correlations(n) ** 2).sum(axis=(0, 2)), 1)
        i, j = np.unravel_index(int(upper.argmax()), upper.shape)
        return float(upper.sum()), 2 * k * (k - 1), (int(i), int(j))


class Lags:
    """Sums of products of a series with itself some rows before."""

    def __init__(self, variables: int) -> None:
        self.products: FloatArray = np.zeros((LAGS + 1, variables))
        self.sums: FloatArray = np.zeros(variables)
        self.first: FloatArray = np.empty((variables, 0))
        self.last: FloatArray = np.empty((variables, 0))

    def update(self, series: FloatArray) -> None:
        """Take in the next rows, shape (variables, rows)."""
        self._add_across(series[:, :LAGS])
        for lag in range(min(LAGS, series.shape[1] - 1) + 1):
            later, earlier = series[:, lag:], series[:, : series.shape[1] - lag]
            self.products[lag] += np.einsum("kn,kn->k", later, earlier)
        self._append(series.sum(axis=1), series[:, :LAGS], series[:, -LAGS:])

    def merge(self, later: Self) -> None:
        """Take in the sums over the rows that follow."""
        self._add_across(later.first)
        self.products += later.products
        self._append(later.sums, later.first, later.last)

    def _add_across(self, first: FloatArray) -> None:
        """Add the products of the last rows known with the first ones that follow."""
        known = self.last.shape[1]
        both = np.concatenate([self.last, first], axis=1)
        for lag in range(1, LAGS + 1):
            later = both[:, max(known, lag) : known + lag]
            earlier = both[:, max(known - lag, 0) :][:, : later.shape[1]]
            self.products[lag] += np.einsum("kn,kn->k", later, earlier)

    def _append(self, sums: FloatArray, first: FloatArray, last: FloatArray) -> None:
        self.sums += sums
        missing = LAGS - self.first.shape[1]
        if missing > 0:
            self.first = np.concatenate([self.first, first[:, :missing]], axis=1)
        if last.shape[1] < LAGS:
            last = np.concatenate([self.last, last], axis=1)[:, -LAGS:]
        self.last = last.copy()

    def autocorrelations(self, n: int) -> FloatArray:
        """Return those at lags 1, 2, ... up to `LAGS` or a quarter of the rows: (lags, K-1)."""
        lags = np.arange(min(LAGS, n // 4) + 1)
        mean = self.sums / n
        edges = np.array(
            [
                self.first[:, :lag].sum(1) + self.last[:, len(self.last.T) - lag :].sum(1)
                for lag in lags
            ]
        )
        centred = self.products[lags] - mean * (2 * self.sums - edges)
        centred += (n - lags[:, None]) * mean**2
        correlations: FloatArray = centred[1:] / np.maximum(centred[0], n * NO_VARIANCE)
        return correlations

    def scores(self, n: int) -> FloatArray:
        """Return the partial autocorrelations standardised, shape (lags, K-1).

        Of independent rows they are nearly independent and, as Fisher's z, nearly normal. The
        autocorrelations themselves are not: at n = 200 the sum of their squares passes its
        limit's quantile at 1e-4 four times too often.

        References
        ----------
        Monti (1994), "A proposal for a residual autocorrelation test in linear models",
        Biometrika 81.
        """
        partial = partial_autocorrelations(self.autocorrelations(n))
        lags = np.arange(1, len(partial) + 1)[:, None]
        # The mean is that of Kendall, -1/n and -2/n in turn; the variance was fitted to draws.
        mean = -(2 - lags % 2) / (n - 1)
        precision = n + (lags - 1) * n / (n - 2 * lags - 1)
        scores: FloatArray = (np.arctanh(partial) - mean) * np.sqrt(precision)
        return scores


def partial_autocorrelations(correlations: FloatArray) -> FloatArray:
    """Durbin and Levinson's recursion on autocorrelations at lags 1, 2, ..., shape (lags, m).

    Examples
    --------
    >>> partial_autocorrelations(np.array([[0.5], [0.25], [0.125]])).tolist()
    [[0.5], [0.0], [0.0]]
    """
    partial: FloatArray = np.empty_like(correlations)
    weights: FloatArray = np.empty_like(correlations)
    rest = np.ones(correlations.shape[1])
    for lag, correlation in enumerate(correlations):
        before = weights[:lag].copy()
        explained = (before * correlations[:lag][::-1]).sum(axis=0)
        # Rounding can leave nothing to explain, or more than all of it.
        own = np.clip((correlation - explained) / np.maximum(rest, TINY), -LARGEST, LARGEST)
        weights[:lag] = before - own * before[::-1]
        weights[lag] = partial[lag] = own
        rest *= 1 - own**2
    return partial


class Scores:
    """Sums of the rows' derivatives of log p by the parameters, in stretches of the file.

    Stretches are of 2**level rows, aligned in the file so that parts agree on them; the level
    rises when there are too many.
    """

    def __init__(self, num_categories: int) -> None:
        self.dirichlet: FloatArray = np.zeros(num_categories)
        self.level = 0
        self.stretches: dict[int, tuple[int, float]] = {}
        """By number: rows, and the sum of the temperature's scores."""

    def update(self, dirichlet: FloatArray, temperature: FloatArray, indices: IntArray) -> None:
        """Take in rows: flat Dirichlet vectors (K, rows), the temperature's scores, positions."""
        self.dirichlet += dirichlet.sum(axis=1)
        while (int(indices[-1]) >> self.level) - (int(indices[0]) >> self.level) >= STRETCHES:
            self._coarsen()
        numbers = range(int(indices[0]) >> self.level, (int(indices[-1]) >> self.level) + 1)
        ends = np.searchsorted(indices, np.array(numbers[1:], dtype=np.int64) << self.level)
        parts = np.split(temperature, ends)
        self._add(
            (number, len(part), float(part.sum()))
            for number, part in zip(numbers, parts, strict=True)
        )

    def merge(self, later: Self) -> None:
        """Take in the sums over the rows that follow."""
        self.dirichlet += later.dirichlet
        while self.level < later.level:
            self._coarsen()
        shift = self.level - later.level
        self._add((number >> shift, *found) for number, found in later.stretches.items())

    def _add(self, stretches: Iterable[tuple[int, int, float]]) -> None:
        for number, rows, total in stretches:
            before = self.stretches.get(number, (0, 0.0))
            self.stretches[number] = (before[0] + rows, before[1] + total)
        while self.stretches and max(self.stretches) - min(self.stretches) >= STRETCHES:
            self._coarsen()

    def _coarsen(self) -> None:
        self.level += 1
        fine, self.stretches = self.stretches, {}
        self._add((number >> 1, *found) for number, found in fine.items())

    def of_stretches(self) -> tuple[FloatArray, FloatArray]:
        """Return the rows of up to 8 stretches with rows enough, and their sums, in order."""
        fine = np.array([self.stretches[number] for number in sorted(self.stretches)])
        rows, sums = fine.T
        total = rows.sum()
        number = max(1, min(MOST_JOINED, int(total) // FEWEST_IN_STRETCH))
        # Each goes where its middle lies.
        group = (number * (rows.cumsum() - rows / 2) / total).astype(np.int64)
        joined_rows, joined_sums = np.zeros(number), np.zeros(number)
        np.add.at(joined_rows, group, rows)
        np.add.at(joined_sums, group, sums)
        return joined_rows[joined_rows > 0], joined_sums[joined_rows > 0]


class Repeats:
    """Hashes of the first rows."""

    def __init__(self) -> None:
        self.hashes: list[HashArray] = []
        self.rows = 0

    def update(self, values: FloatArray, indices: IntArray) -> None:
        """Hash those of some rows, shape (K, rows), that are among the first `HASHED_ROWS`."""
        values = values[:, indices < HASHED_ROWS]
        if values.shape[1]:
            self.hashes.append(hash_rows(values))
            self.rows += values.shape[1]

    def merge(self, later: Self) -> None:
        """Take in the hashes of the rows that follow."""
        self.hashes += later.hashes
        self.rows += later.rows

    def count(self) -> tuple[int, int]:
        """Return how many rows equal an earlier one, and the commonest distance to it."""
        hashes = np.concatenate(self.hashes)
        in_order = np.sort(hashes)  # Several times faster than argsort, and most often enough.
        if (in_order[1:] != in_order[:-1]).all():
            return 0, 0
        order = np.argsort(hashes, kind="stable")
        same = hashes[order[1:]] == hashes[order[:-1]]
        distances = (order[1:] - order[:-1])[same]
        if len(distances) == 0:
            return 0, 0
        found, counts = np.unique(distances, return_counts=True)
        return len(distances), int(found[counts.argmax()])


def hash_rows(values: FloatArray) -> HashArray:
    """Hash each column of an array of shape (K, rows) to 64 bits.

    The low bits of a float32 number held in float64 are all 0: its high bits are folded into
    them first, for a product carries bits upwards only.
    """
    k, n = values.shape
    total: HashArray = np.zeros(n, dtype=np.uint64)
    drawn = np.random.default_rng(0).integers(2**63, size=k, dtype=np.uint64)
    factors: HashArray = 2 * np.asarray(drawn) + 1
    bits = np.ascontiguousarray(values).view(np.uint64)
    step = max(1, HASHED_VALUES // n)
    for first in range(0, k, step):
        some = bits[first : first + step]
        folded = some ^ (some >> np.uint64(32))
        folded *= factors[first : first + step, None]
        total += folded.sum(axis=0)
    return total
