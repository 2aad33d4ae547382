"""The seeded, threaded, ordered stream of noise that every sample of this package comes from.

The noise is a function of (seed, K, row) alone. Rows come in blocks; block i is filled by
`SFC64(SeedSequence(seed, spawn_key=(i,)))`, whose 53-bit uniforms U, in the order in which they
are drawn, are an array of shape (tiles, K, lanes): row r of the block is lane r % lanes of tile
r // lanes. For K <= 128 there is one tile of 2**floor(log2(524288 / K)) lanes, so that a category
lies in contiguous memory; for larger K there are max(1, 524288 // K) tiles of one lane, so that a
row does. With U = 0 read as 2**-54, G = -log(-log U) is Gumbel noise. What is handed on is log U:
where only ratios of the exponentials -log U matter, that saves passes over memory.
"""

import operator
import secrets
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

from gscli.arrays import FloatArray, RealArray
from gscli.errors import ParameterError
from gscli.execution.threads import check_threads, ordered_map

Transform = Callable[[FloatArray, RealArray], object]
T = TypeVar("T")
S = TypeVar("S")

SEED_LIMIT = 2**128
"""Seeds lie below it: `SeedSequence` keeps (seed, block) apart for seeds of up to 128 bits."""

BLOCK_VALUES = 2**19
"""Values in a block of noise: four megabytes. Smaller ones cost more hand-overs of the GIL."""

CHUNK_VALUES = 2**19
"""Values that a thread makes at a time: larger chunks would be mapped anew by the system."""

LARGEST_CATEGORY_MAJOR = 128

FEW_CATEGORIES = 3
"""Up to which columns are filled one by one: for more, moving whole rows is faster."""

SMALLEST_UNIFORM = 2.0**-54

NOISE_RANGE = (-37.43, -(2.0**-53))
"""Bounds of log U for U between 2**-54 and 1 - 2**-53."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive rows of the stream.

    Attributes
    ----------
    start : int
        Index of the first row.
    rows : ndarray, shape (rows, K)
        The samples.
    """

    start: int
    rows: RealArray

    def count_lossy_rows(self, *, log: bool) -> int:
        """Return how many rows hold an exact 0 or 1, or, of logarithms, an infinite one."""
        if log:
            return int(np.isinf(self.rows).any(axis=-1).sum()) if np.isinf(self.rows).any() else 0
        if self.rows.min() > 0 and self.rows.max() < 1:
            return 0
        return int(((self.rows == 0) | (self.rows == 1)).any(axis=-1).sum())


def fresh_seed() -> int:
    """Draw a seed from the operating system, 0 <= seed < 2**53 (exact in JSON and JavaScript)."""
    return secrets.randbits(53)


def check_seed(seed: int) -> int:
    """Return a seed, or raise `ParameterError` if it is not in 0 <= seed < 2**128."""
    whole = operator.index(seed)
    if not 0 <= whole < SEED_LIMIT:
        raise ParameterError("seed", f"{seed} is not in 0 ... 2**128 - 1")
    return whole


def check_samples(n: int) -> int:
    """Return a number of samples, or raise `ParameterError` if it is negative."""
    whole = operator.index(n)
    if whole < 0:
        raise ParameterError("n", f"{n} is negative")
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


def noise_block(seed: int, num_categories: int, block: int, rows: int | None = None) -> FloatArray:
    """Return block number `block` of the noise.

    Parameters
    ----------
    seed : int
        0 <= seed < 2**128.
    num_categories : int
        K.
    block : int
        Number of the block, >= 0.
    rows : int, optional
        How many of its first rows are wanted: spares the logarithms of the others.

    Returns
    -------
    ndarray, shape (tiles, K, lanes)
        At least the first `rows` rows; all of them by default.
    """
    bits = np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(block,)))
    tiles, _, lanes = block_shape(num_categories)
    uniform = np.random.Generator(bits).random((tiles, num_categories, lanes))
    if rows is not None and rows < tiles * lanes:
        if lanes == 1:
            uniform = uniform[:rows]
        else:
            # A multiple of 64, since NumPy adds up an array of shape (K, 1) in another order.
            uniform = np.ascontiguousarray(uniform[..., : -(-rows // 64) * 64])
    return noise_from_uniform(uniform)


def stream(
    transform: Transform,
    num_categories: int,
    n: int,
    *,
    seed: int,
    threads: int | None = None,
    dtype: npt.DTypeLike = np.float64,
    order: Literal["C", "F"] = "C",
) -> Generator[Chunk, None, None]:
    """Yield n samples as chunks of rows, in order, made by threads ahead of the consumer.

    Parameters
    ----------
    transform : callable
        Called with a block of noise, shape (tiles, K, lanes), and an array of that shape, maybe
        the noise itself, to put the samples into: `Concrete.from_noise`.
    num_categories : int
        K.
    n : int
        Number of rows, >= 0.
    seed : int
        0 <= seed < 2**128.
    threads : int, optional
        Number of threads, by default one for each usable core. The rows do not depend on it.
    dtype : dtype_like
        Of the rows; computed in float64 and cast last.
    order : {"C", "F"}
        Whether a row or a column of the chunk is contiguous.

    Yields
    ------
    Chunk
        At most about 2**19 values each; memory does not grow with `n`.

    Raises
    ------
    ParameterError
        If `n`, `seed` or `threads` is outside its range.
    """
    seed, total, threads = check_seed(seed), check_samples(n), check_threads(threads)
    block_rows = _block_rows(num_categories)
    step = block_rows * max(1, CHUNK_VALUES // (block_rows * num_categories))

    def make(start: int) -> Chunk:
        stop = min(start + step, total)
        rows = np.empty((stop - start, num_categories), dtype=dtype, order=order)
        for first in range(start, stop, block_rows):
            part = rows[first - start : first - start + block_rows]
            noise = noise_block(seed, num_categories, first // block_rows, len(part))
            _fill(part, noise, transform)
        return Chunk(start, rows)

    return ordered_map(make, range(0, total, step), threads=threads)


def _fill(rows: RealArray, noise: FloatArray, transform: Transform) -> None:
    tiles, num_categories, lanes = noise.shape
    adjacent = num_categories <= FEW_CATEGORIES or lanes == 1 or rows.flags.f_contiguous
    if adjacent and len(rows) == tiles * lanes:
        transform(noise, rows.reshape(tiles, lanes, num_categories).swapaxes(1, 2))
        return
    transform(noise, noise)
    with np.errstate(over="ignore"):  # log X of a cold sample in float32
        rows[...] = noise.swapaxes(1, 2).reshape(-1, num_categories)[: len(rows)]


def _block_rows(num_categories: int) -> int:
    tiles, _, lanes = block_shape(num_categories)
    return tiles * lanes
