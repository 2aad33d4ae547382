"""The seeded, threaded, ordered stream of noise that every sample of this package comes from.

The noise is a function of (seed, K, row) alone. Rows come in blocks; block i is filled by
`SFC64(SeedSequence(seed, spawn_key=(i,)))`, whose 53-bit uniforms U, in the order in which they
are drawn, are an array of shape (tiles, K, lanes): row r of the block is lane r % lanes of tile
r // lanes. For K <= 128 there is one tile of 2**floor(log2(524288 / K)) lanes, so that a category
lies in contiguous memory; for larger K there are max(1, 524288 // K) tiles of one lane, so that a
row does. The uniforms of a block are the same numbers at every K, so that samples of two K from
one seed are not independent. With U = 0 read as 2**-54, G = -log(-log U) is Gumbel noise. What is
handed on is log U: where only ratios of the exponentials -log U matter, that saves passes over
memory.
"""

import math
import operator
import secrets
import threading
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt

from gscli.arrays import FloatArray, RealArray
from gscli.errors import ParameterError
from gscli.execution.threads import check_threads, ordered_map

Transform = Callable[[FloatArray, RealArray], object]

SEED_LIMIT = 2**128
"""Seeds lie below it: `SeedSequence` keeps (seed, block) apart for seeds of up to 128 bits."""

BLOCK_VALUES = 2**19
"""Values in a block of noise: four megabytes, which is what a thread draws at a time.

Smaller blocks would fit the cache of one core, but cost more than they save: twenty calls of
NumPy for each, and as many hand-overs of the GIL.
"""

LARGEST_CATEGORY_MAJOR = 128

FEW_CATEGORIES = 7
"""Up to which columns are filled one by one: for more, moving whole rows is faster."""

LANE_UNIT = 64
"""Lanes are worked on in multiples of it: NumPy adds up an array of shape (K, 1) in another order
than one of shape (K, 2), and a row must not depend on how many follow."""

PADDING = 8
"""Values between two categories: 64 bytes. Lanes are a power of two, and without it all
categories would lie in one set of the cache: at K = 100 the passes take 1.4 times as long."""

SMALLEST_UNIFORM = 2.0**-54

NOISE_RANGE = (-37.43, -(2.0**-53))
"""Bounds of log U for U between 2**-54 and 1 - 2**-53."""


def count_lossy_rows(rows: RealArray, *, log: bool) -> int:
    """Return how many rows hold an exact 0 or 1, or, of logarithms, an infinite one."""
    if log:
        return int(np.isinf(rows).any(axis=-1).sum()) if np.isinf(rows).any() else 0
    if rows.min() > 0 and rows.max() < 1:
        return 0
    # Column by column where they are few: NumPy takes five times as long over short rows.
    few = rows.shape[1] <= FEW_CATEGORIES
    lossy = np.zeros(len(rows), dtype=bool)
    for values in rows.T if few else [rows]:
        exact = (values == 0) | (values == 1)
        lossy |= exact if few else exact.any(axis=-1)
    return int(lossy.sum())


def may_be_lossy(logits: FloatArray, temperature: float, dtype: npt.DTypeLike) -> bool:
    """Tell whether a sample could hold an exact 0 or 1, whatever the noise.

    Examples
    --------
    >>> [may_be_lossy(np.zeros(3), t, np.float64) for t in (0.1, 1.0, 3.0)]
    [True, True, False]
    """
    low, high = NOISE_RANGE
    farthest = math.log(low / high) + float(np.ptp(logits))
    # The least component is so much of the largest, or more: four steps of the numbers below 1
    # keep that one away from 1 however it is rounded.
    least = math.exp(-farthest / temperature)
    return least < 4 * float(np.finfo(dtype).eps)


def fresh_seed() -> int:
    """Draw a seed from the operating system, 0 <= seed < 2**53 (exact in JSON and JavaScript)."""
    return secrets.randbits(53)


def check_seed(seed: int) -> int:
    """Return a seed, or raise `ParameterError` if it is not in 0 <= seed < 2**128."""
    whole = operator.index(seed)
    if not 0 <= whole < SEED_LIMIT:
        raise ParameterError("seed", f"{seed} is not in 0 ... 2**128 - 1")
    return whole


def check_count(parameter: str, value: int) -> int:
    """Return a number of rows, or raise `ParameterError` if it is negative."""
    whole = operator.index(value)
    if whole < 0:
        raise ParameterError(parameter, f"{whole} is negative; rows are counted from 0")
    return whole


def block_shape(num_categories: int) -> tuple[int, int, int]:
    """Return the shape (tiles, K, lanes) of a block of noise.

    Examples
    --------
    >>> block_shape(3), block_shape(8192)
    ((1, 3, 131072), (64, 8192, 1))
    """
    per_category = BLOCK_VALUES // num_categories
    if num_categories <= LARGEST_CATEGORY_MAJOR:
        return 1, num_categories, 1 << (per_category.bit_length() - 1)
    return max(1, per_category), num_categories, 1


def block_rows(num_categories: int) -> int:
    """Return how many rows a block of noise has.

    Examples
    --------
    >>> block_rows(3), block_rows(8192)
    (131072, 64)
    """
    tiles, _, lanes = block_shape(num_categories)
    return tiles * lanes


def noise_from_uniform(uniform: FloatArray) -> FloatArray:
    """Turn uniforms U into noise log U = -E, E a standard exponential, in place.

    Parameters
    ----------
    uniform : ndarray
        Values in [0, 1), multiples of 2**-53. Overwritten. An exact 0 is read as 2**-54.

    Returns
    -------
    ndarray
        `uniform` itself, overwritten with finite values within `NOISE_RANGE`.
    """
    if uniform.min() == 0:
        np.maximum(uniform, SMALLEST_UNIFORM, out=uniform)
    return np.log(uniform, out=uniform)


def log_exponential(noise: FloatArray, out: RealArray | None = None) -> RealArray:
    """Turn noise log U into log E = log(-log U) = -G, G standard Gumbel, in place or in `out`.

    Examples
    --------
    >>> log_exponential(np.log([0.5])).round(4).tolist()
    [-0.3665]
    """
    return np.log(np.negative(noise, out=noise), out=noise if out is None else out)


def bit_generator(seed: int, block: int) -> np.random.SFC64:
    """Return what fills a block of noise, at its beginning."""
    return np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(block,)))


class Sampler:
    """Rows of the stream, in any order and by any thread.

    Parameters
    ----------
    num_categories : int
        K.
    seed : int
        0 <= seed < 2**128.
    dtype : dtype_like
        Of the samples; computed in float64 and cast last.
    order : {"C", "F"}
        Whether a row or a column of a batch of them is contiguous.

    Raises
    ------
    ParameterError
        If `seed` is outside its range.
    """

    def __init__(
        self,
        num_categories: int,
        *,
        seed: int,
        dtype: npt.DTypeLike = np.float64,
        order: Literal["C", "F"] = "C",
    ) -> None:
        self.num_categories = num_categories
        self.seed = check_seed(seed)
        self.dtype = np.dtype(dtype)
        self.order = order
        self._lanes = block_shape(num_categories)[2]
        self._block_rows = block_rows(num_categories)
        self._kept = threading.local()
        # The system maps memory page by page, which can cost more than what is done in it. glibc
        # gives back what is freed, and has it mapped anew for the next array, until it has freed
        # one as large as this, which nobody touches.
        np.empty(4 * BLOCK_VALUES)

    def parts(self, start: int, n: int) -> Iterator[range]:
        """Cut `n` rows from row `start` on into what a thread draws at a time."""
        stop = start + n
        while start < stop:
            end = min(stop, (start // self._block_rows + 1) * self._block_rows)
            yield range(start, end)
            start = end

    def draw(self, part: range, transform: Transform) -> RealArray:
        """Draw a part.

        Parameters
        ----------
        part : range
            One of `parts`.
        transform : callable
            Called with noise, shape (..., K, L), and an array of that shape, maybe the noise
            itself, to put the samples into: `Concrete.from_noise`.

        Returns
        -------
        ndarray, shape (rows, K)
            The samples.
        """
        rows = np.empty((len(part), self.num_categories), dtype=self.dtype, order=self.order)
        self.fill(part, transform, rows)
        return rows

    def fill(self, part: range, transform: Transform, rows: RealArray) -> None:
        """Draw a part as `draw` does, into an array of its shape and of any floating type."""
        block, first = divmod(part.start, self._block_rows)
        generator = np.random.Generator(bit_generator(self.seed, block))
        if self._lanes == 1:
            transform(self._noise_of_tiles(generator, first, len(rows)), rows[..., None])
            return
        noise, out = self._noise_of_lanes(generator, first, len(rows)), rows.T
        adjacent = self.num_categories <= FEW_CATEGORIES or out.flags.c_contiguous
        if adjacent and out.shape == noise.shape:
            transform(noise, out)
            return
        transform(noise, noise)
        with np.errstate(over="ignore"):  # log X at low temperature in float32
            out[...] = noise[:, first % LANE_UNIT :][:, : len(rows)]

    def _noise_of_tiles(self, generator: np.random.Generator, first: int, count: int) -> FloatArray:
        """Return the noise of rows, shape (rows, K, 1), in a block whose tiles are rows."""
        buffer = self._buffer(self._block_rows, self.num_categories)
        generator.random(out=buffer[: first + count])
        return noise_from_uniform(buffer[first : first + count, :, None])

    def _noise_of_lanes(self, generator: np.random.Generator, first: int, count: int) -> FloatArray:
        """Return the noise of rows, shape (K, lanes), in whole units of lanes."""
        uniform = self._buffer(self.num_categories, self._lanes + PADDING)[:, : self._lanes]
        for category in uniform:
            generator.random(out=category)
        begin = first // LANE_UNIT * LANE_UNIT
        end = -(-(first + count) // LANE_UNIT) * LANE_UNIT
        return noise_from_uniform(uniform[:, begin:end])

    def _buffer(self, rows: int, columns: int) -> FloatArray:
        """Return the memory that this thread keeps for a block of noise."""
        kept: FloatArray | None = getattr(self._kept, "buffer", None)
        if kept is None:
            kept = self._kept.buffer = np.empty((rows, columns))
        return kept


def stream(
    transform: Transform,
    num_categories: int,
    n: int,
    *,
    seed: int,
    start: int = 0,
    threads: int | None = None,
    dtype: npt.DTypeLike = np.float64,
    order: Literal["C", "F"] = "C",
) -> Generator[RealArray, None, None]:
    """Yield n samples in batches of rows, in order, made by threads ahead of the consumer.

    Parameters
    ----------
    transform : callable
        As `Sampler.draw` takes it.
    num_categories, seed, dtype, order
        As `Sampler` takes them.
    n : int
        Number of rows, >= 0.
    start : int
        Index of the first row, >= 0.
    threads : int, optional
        Number of threads, by default one for each usable core. The rows do not depend on it.

    Yields
    ------
    ndarray, shape (rows, K)
        At most about 2**19 values each; memory does not grow with `n`.

    Raises
    ------
    ParameterError
        If `n`, `seed`, `start` or `threads` is outside its range.
    """
    sampler = Sampler(num_categories, seed=seed, dtype=dtype, order=order)
    parts = sampler.parts(check_count("start", start), check_count("n", n))
    draw = partial(sampler.draw, transform=transform)
    return ordered_map(draw, parts, threads=check_threads(threads))


def fill(
    transform: Transform, rows: RealArray, *, seed: int, start: int = 0, threads: int | None = None
) -> None:
    """Draw samples in threads into an array, shape (n, K), each where it belongs.

    Parameters
    ----------
    transform, seed, start, threads
        As `stream` takes them.
    rows : ndarray, shape (n, K)
        Where the samples go.

    Raises
    ------
    ParameterError
        As `stream` does.
    """
    begin = check_count("start", start)
    sampler = Sampler(rows.shape[1], seed=seed)

    def work(part: range) -> None:
        sampler.fill(part, transform, rows[part.start - begin : part.stop - begin])

    for _ in ordered_map(work, sampler.parts(begin, len(rows)), threads=check_threads(threads)):
        pass
