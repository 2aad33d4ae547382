"""What is kept of rows that are read once: counts, sums of products, and hashes.

Each has `merge`, which takes what another one kept of the rows that follow: counts are then those
of a single pass exactly, and sums those to rounding.
"""

import math
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import special

from gscli.arrays import FloatArray, IntArray

HashArray = npt.NDArray[np.uint64]

MAX_CELLS = 2**14
TOTAL_CELLS = 2**22
"""Cells of one histogram, and of all histograms of a kind: at most 32 megabytes."""

LAGS = 10
HASHED_ROWS = 2**20
KURTOSIS_OF_UNIFORM = 1.8
NO_VARIANCE = 1e-9
"""A score that varies less is constant: its correlations are rounding, and count as 0."""

TINY = float(np.finfo(np.float64).tiny)


class Histograms:
    """Counts of several variables on (0, 1), in fine cells."""

    def __init__(self, variables: int) -> None:
        self.cells = min(MAX_CELLS, 1 << (TOTAL_CELLS // variables).bit_length() - 1)
        self.counts: IntArray = np.zeros((variables, self.cells), dtype=np.int64)

    def update(self, index: int, values: FloatArray) -> None:
        """Count some values of one variable."""
        cell = (values * self.cells).astype(np.intp)
        np.minimum(cell, self.cells - 1, out=cell)
        self.counts[index] += np.bincount(cell, minlength=self.cells)

    def merge(self, later: Self) -> None:
        """Add the counts of other rows."""
        self.counts += later.counts

    def kolmogorov_smirnov(self) -> tuple[FloatArray, FloatArray]:
        """Return each variable's distance from the uniform law, and its p-value.

        The p-value is Kolmogorov's limit with Stephens' (1974) correction for finite n.
        """
        n = int(self.counts[0].sum())
        below: FloatArray = np.cumsum(self.counts, axis=1) / n
        uniform = np.arange(1, self.cells + 1) / self.cells
        distances: FloatArray = np.abs(below - uniform).max(axis=1)
        scale = math.sqrt(n) + 0.12 + 0.11 / math.sqrt(n)
        p_values: FloatArray = special.kolmogorov(scale * distances)
        return distances, p_values

    def coarse(self, cells: int) -> IntArray:
        """Return the counts in fewer cells, a power of two: shape (variables, cells)."""
        counts: IntArray = self.counts.reshape(len(self.counts), cells, -1).sum(axis=2)
        return counts


class Products:
    """Sums of products of the first two Legendre polynomials of several uniforms."""

    def __init__(self, variables: int) -> None:
        self.sums: FloatArray = np.zeros(2 * variables)
        self.products: FloatArray = np.zeros((2 * variables, 2 * variables))

    def update(self, linear: FloatArray) -> None:
        """Take in uniforms scaled to mean 0 and variance 1, shape (variables, rows)."""
        scores = np.concatenate([linear, (linear**2 - 1) * (math.sqrt(5) / 2)])
        self.sums += scores.sum(axis=1)
        self.products += scores @ scores.T

    def merge(self, later: Self) -> None:
        """Add the sums over other rows."""
        self.sums += later.sums
        self.products += later.products

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
        for behind in range(first.shape[1]):
            for ahead in range(1, min(known, LAGS - behind) + 1):
                self.products[ahead + behind] += self.last[:, known - ahead] * first[:, behind]

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
        """Return the autocorrelations standardised, shape (lags, K-1).

        Their sum of squares tests that rows are independent (Box and Pierce 1970). Each is
        standardised by its exact mean and variance over permutations of the rows (as Moran 1948
        did), for a uniform series: the usual approximations add up to a wrong level where rows
        are few or variables many.
        """
        correlations = self.autocorrelations(n)
        lags = np.arange(1, len(correlations) + 1)
        terms = n - lags
        mean = -terms / (n * (n - 1))
        # E of z_i² z_j², z_i² z_j z_k and z_i z_j z_k z_l over permutations, for (Σz²)² = 1.
        fourth = KURTOSIS_OF_UNIFORM / n
        two = (1 - fourth) / (n * (n - 1))
        three = (2 * fourth - 1) / (n * (n - 1) * (n - 2))
        four = (3 - 6 * fourth) / (n * (n - 1) * (n - 2) * (n - 3))
        shared = 2 * np.maximum(n - 2 * lags, 0)
        square = terms * two + shared * three + (terms**2 - terms - shared) * four
        deviation = np.sqrt(square - mean**2)
        scores: FloatArray = (correlations - mean[:, None]) / deviation[:, None]
        return scores


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
    total: HashArray = np.zeros(values.shape[1], dtype=np.uint64)
    factors = np.random.default_rng(0).integers(2**63, size=len(values), dtype=np.uint64)
    for column, factor in zip(np.ascontiguousarray(values).view(np.uint64), factors, strict=True):
        total += (column ^ (column >> np.uint64(32))) * (factor * np.uint64(2) + np.uint64(1))
    return total
