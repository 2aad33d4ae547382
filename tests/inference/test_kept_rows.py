"""Rows that are kept: which they are depends on their indices alone."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gscli.inference.kept_rows import KeptRows
from gscli.io.samples import Batch
from tests.splits import accumulated

CUTS = st.lists(st.integers(0, 3000), max_size=8)


@settings(max_examples=60)
@given(st.integers(1, 3000), st.integers(1, 200), CUTS, st.booleans())
def test_any_split_keeps_the_same_rows(n: int, limit: int, cuts: list[int], known: bool) -> None:
    rows = np.arange(n, dtype=np.float64)[:, None]
    whole, split = KeptRows(limit), accumulated(lambda: KeptRows(limit), rows, cuts)
    whole.update(Batch(rows))
    assert np.array_equal(split.rows(), whole.rows())
    assert len(whole.rows()) <= limit
    assert len(whole.rows()) > min(n, limit) // 4
    hinted = KeptRows(limit, n if known else None)
    hinted.update(Batch(rows))
    assert len(hinted.rows()) <= limit
    assert len(hinted.rows()) > min(n, limit) // 4


def test_kept_rows_are_spread_evenly_and_lock_to_no_period() -> None:
    kept = KeptRows(1000)
    kept.update(Batch(np.arange(100_000.0)[:, None]))
    rows = kept.rows()[:, 0]
    gaps = np.diff(rows)
    assert gaps.max() < 3 * gaps.mean()
    for period in (2, 3, 8, 64):
        shares = np.bincount((rows % period).astype(int), minlength=period) / len(rows)
        assert np.abs(shares * period - 1).max() < 0.25


def test_rows_of_which_some_are_left_out_keep_their_indices() -> None:
    rows = np.arange(5000.0)[:, None]
    chosen = np.flatnonzero(rows[:, 0] % 3 == 0)
    kept, part = KeptRows(100), KeptRows(100)
    kept.update(Batch(rows[chosen], 0, offsets=chosen))
    for half in np.array_split(chosen, 2):
        own = KeptRows(100)
        own.update(Batch(rows[half], int(half[0]), offsets=half - half[0]))
        part.merge(own)
    assert np.array_equal(kept.rows(), part.rows())
