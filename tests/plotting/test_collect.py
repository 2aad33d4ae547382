"""One pass over samples: every row is counted, some are kept, bad ones are named."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gscli import Concrete
from gscli.arrays import FloatArray
from gscli.errors import DataError
from gscli.io.samples import Block
from gscli.plotting.binning import count_cells
from gscli.plotting.collect import Part, Thinned, check_block, collect, loaded


@settings(max_examples=60)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=12), st.integers(1, 50))
def test_thinned_keeps_evenly_spaced_rows_whatever_the_blocks(sizes: list[int], limit: int) -> None:
    stream = np.arange(sum(sizes), dtype=np.float64)[:, None]
    thinned = Thinned(limit)
    for block in np.split(stream, np.cumsum(sizes)[:-1]):
        thinned.add(block)
    kept = thinned.rows()[:, 0]
    assert thinned.seen == len(stream)
    assert kept.tolist() == stream[:: thinned.stride, 0].tolist()
    assert len(kept) <= limit
    assert thinned.stride == 1 or 2 * len(kept) + 1 >= limit / 2


@pytest.mark.parametrize("threads", [1, 3])
def test_every_row_is_counted_by_temperature(threads: int) -> None:
    rows = {t: Concrete([1, 3, 6], t).sample(5_000, seed=1) for t in (1.0, 0.2)}
    parts: list[Part] = [(t, block) for t in rows for block in np.array_split(rows[t], 7)]
    measure = partial(count_cells, resolution=8)
    loads = [loaded(*parts[:3]), loaded(*parts[3:])]
    found = collect(loads, measure=measure, keep=100, threads=threads)
    assert list(found) == [1.0, 0.2]
    for t in rows:
        each = found[t]
        assert each.n == 5_000
        assert np.array_equal(each.counts, measure(rows[t]))
        assert len(each.points.rows()) <= 100


BAD: list[tuple[list[float], bool, str]] = [
    ([0.5, 0.6, 0.2], False, r"sums to 1\.3"),
    ([0.5, float("nan"), 0.2], False, "nan"),
    ([-0.1, 0.9, 0.2], False, "no sample"),
    ([-1, -2, -0.5], False, "--log"),
    ([0.2, 0.3, 0.5], True, "without --log"),
    ([float("nan"), -1, -1], True, "nan"),
]


@pytest.mark.parametrize(("row", "log", "message"), BAD)
def test_bad_row_is_named(row: list[float], log: bool, message: str) -> None:
    rows = Concrete([1, 3, 6], 1).sample_log(40_000, seed=1)
    rows = rows if log else np.exp(rows)
    rows[30_000] = row
    with pytest.raises(DataError, match=message) as caught:
        check_block(Block(100, rows), label="a.npy", log=log)
    assert "a.npy: row 30101 (" in str(caught.value)


@pytest.mark.parametrize("k", [2, 3, 7, 8, 40])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_rounded_samples_are_accepted(k: int, dtype: str) -> None:
    rows: FloatArray = Concrete(np.arange(1, k + 1), 0.5).sample(1_000, seed=1)
    block = Block(0, rows.astype(dtype).astype(np.float64))
    assert check_block(block, label="", log=False) is block
