"""Accumulators over a sample that is cut in any way, to compare with a single pass."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from gscli.arrays import FloatArray
from gscli.io.samples import Batch

A = TypeVar("A")


def accumulated(make: Callable[[], A], rows: FloatArray, cuts: Sequence[int]) -> A:
    """Run one accumulator over each piece between cuts, and merge them in order."""
    total: Any = make()
    for start, piece in pieces(rows, cuts):
        own: Any = make()
        own.update(Batch(piece, start))
        total.merge(own)
    return total  # type: ignore[no-any-return]


def pieces(rows: FloatArray, cuts: Sequence[int]) -> list[tuple[int, FloatArray]]:
    """Return the rows between cuts, each with the index of its first row; empty ones left out."""
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    found = [(a, rows[a:b]) for a, b in pairwise(edges)]
    return [(a, np.asarray(piece)) for a, piece in found if len(piece)]
