"""Log-densities block by block, and the tally of rows where they are not finite."""

import numpy as np
import pytest

from gscli import Concrete
from gscli.errors import DataError
from gscli.inference.scoring import Scores, Spread
from gscli.io.samples import Block

D = Concrete([1, 3, 6], 0.7)


def test_blocks_are_scored_as_the_whole() -> None:
    x = D.sample(50, seed=1)
    scores = Scores(D)
    parts = [scores.log_prob(Block(start, x[start : start + 20])) for start in (0, 20, 40)]
    assert (np.concatenate(parts) == D.log_prob(x)).all()
    assert scores.off_simplex.count == scores.boundary.count == 0


def test_rows_state_their_own_temperatures() -> None:
    x, stated = D.sample(4, seed=1), np.array([0.7, 2.0, 0.7, 2.0])
    own = Scores(D, own_temperatures=True).log_prob(Block(0, x, stated))
    assert own[::2] == pytest.approx(D.log_prob(x[::2]), rel=1e-13)
    assert own[1::2] == pytest.approx(Concrete([1, 3, 6], 2.0).log_prob(x[1::2]), rel=1e-13)
    assert (Scores(D).log_prob(Block(0, x, stated)) == D.log_prob(x)).all()


def test_a_stated_temperature_out_of_range_is_named_with_its_row() -> None:
    x, stated = D.sample(3, seed=1), np.array([0.7, np.nan, -1.0])
    with pytest.raises(DataError, match=r"^row 13: temperature: -1 is not"):
        Scores(D, own_temperatures=True).log_prob(Block(10, x, stated))


def test_odd_rows_are_counted_over_all_blocks() -> None:
    scores = Scores(D)
    good, off, corner = [0.2, 0.3, 0.5], [0.2, 0.3, 0.6], [0.0, 0.0, 1.0]
    scores.log_prob(Block(0, np.array([good, corner])))
    found = scores.log_prob(Block(2, np.array([off, good, corner, off])))
    assert found[0] == -np.inf
    assert (scores.off_simplex.count, scores.off_simplex.first) == (2, 3)
    assert (scores.boundary.count, scores.boundary.first) == (2, 2)


def test_strict_names_the_first_row_off_the_simplex() -> None:
    rows = np.array([[0.2, 0.3, 0.5], [0.2, 0.3, 0.6]])
    with pytest.raises(DataError, match=r"^row 9 is not on the simplex"):
        Scores(D, strict=True).log_prob(Block(7, rows))


def test_logarithms_are_judged_as_logarithms() -> None:
    log_x = Concrete([1, 3, 6], 1e-3).sample_log(20, seed=1)
    cold = Concrete([1, 3, 6], 1e-3)
    scores = Scores(cold, log=True)
    assert (scores.log_prob(Block(0, log_x)) == cold.log_prob_log(log_x)).all()
    assert np.isfinite(scores.log_prob(Block(0, log_x))).all()


def test_the_spread_of_blocks_is_that_of_the_whole() -> None:
    log_prob = D.log_prob(D.sample(300, seed=1))
    log_prob[[3, 150]] = -np.inf, np.inf
    spread = Spread()
    for part in np.split(log_prob, [0, 100, 101]):
        spread.add(part)
    usable = np.delete(log_prob, [3, 150])
    assert (spread.n, spread.finite) == (300, 298)
    assert spread.mean == pytest.approx(usable.mean(), rel=1e-12)
    assert (spread.least, spread.greatest) == (usable.min(), usable.max())
    assert np.isnan(Spread().mean)
