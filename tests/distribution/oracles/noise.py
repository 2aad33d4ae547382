"""Blocks of noise as the docstring of `gscli.distribution.noise` specifies them."""

import numpy as np

from gscli.arrays import FloatArray
from gscli.distribution.noise import block_shape, noise_from_uniform


def noise_block(seed: int, num_categories: int, block: int, rows: int | None = None) -> FloatArray:
    """Return a block, shape (tiles, K, lanes): at least its first `rows` rows."""
    tiles, _, lanes = block_shape(num_categories)
    sequence = np.random.SeedSequence(seed, spawn_key=(block,))
    uniform = np.random.Generator(np.random.SFC64(sequence)).random((tiles, num_categories, lanes))
    wanted = tiles * lanes if rows is None else rows
    return noise_from_uniform(uniform[:wanted] if lanes == 1 else uniform[..., :wanted].copy())
