"""One pass over samples: every row is counted by temperature, and some are kept."""

from functools import partial

import numpy as np
import pytest

from gscli import Concrete
from gscli.io.samples import Batch, Part, Samples
from gscli.plotting.binning import count_cells
from gscli.plotting.collect import Projection, collect

D = Concrete([1, 3, 6], 0.3)


@pytest.mark.parametrize("threads", [1, 3])
def test_every_row_is_counted_by_temperature(threads: int) -> None:
    rows = {t: Concrete([1, 3, 6], t).sample(5_000, seed=1) for t in (1.0, 0.2)}
    table = np.concatenate(list(rows.values()))
    stated = np.repeat(list(rows), 5_000)
    parts = [
        Part(len(piece), partial(iter, [Batch(table[piece], int(piece[0]), stated[piece])]))
        for piece in np.array_split(np.arange(10_000), 7)
    ]
    samples = Samples("x.csv", ("a", "b", "c"), lambda: parts, has_temperatures=True)
    measure = partial(count_cells, resolution=8)
    whole = Projection.of(samples, range(3), log_ratio=False)
    found = collect(samples, whole, measure=measure, keep=100, threads=threads)
    assert list(found) == [1.0, 0.2]
    for t in rows:
        each = found[t]
        assert each.n == 5_000
        assert np.array_equal(each.counts, measure(rows[t]))
        assert len(each.points.rows()) <= 100


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("log_ratio", [False, True])
def test_a_projection_is_the_sub_composition(log: bool, log_ratio: bool) -> None:
    log_x = D.sample_log(100, seed=1)
    rows = log_x if log else np.exp(log_x)
    samples = Samples("x", ("a", "b", "c"), list, log=log)
    projected = Projection.of(samples, (2, 0), log_ratio=log_ratio)(Batch(rows)).rows
    expected = np.exp(log_x[:, [2, 0]])
    expected /= expected.sum(axis=1, keepdims=True)
    expected = np.log(expected) if log_ratio else expected
    np.testing.assert_allclose(projected, expected, rtol=1e-9, atol=1e-14)


def test_rows_without_a_projection_are_left_out_and_counted() -> None:
    rows = D.sample(50, seed=1)
    rows[[4, 20]] = [0, 0, 1]
    samples = Samples("x", ("a", "b", "c"), list)
    batch = Projection.of(samples, (0, 1), log_ratio=False)(Batch(rows, 100))
    assert len(batch.rows) == 48
    assert batch.indices.tolist() == [100 + i for i in range(50) if i not in (4, 20)]
