"""Labels and one-hot rows against their probabilities: the level, and what is found."""

import numpy as np
import pytest
from scipy import stats

from gscli import Concrete
from gscli.arrays import FloatArray, IntArray
from gscli.errors import DataError, ParameterError, ShapeError
from gscli.inference.gof.hard import HardStatistics, _hash_windows, check_hard, labels_of

PI = np.array([1.0, 3.0, 6.0])


def draw(probs: FloatArray, n: int, seed: int) -> IntArray:
    generator = np.random.default_rng(seed)
    drawn: IntArray = generator.choice(len(probs), size=n, p=probs / probs.sum())
    return drawn


@pytest.mark.slow
@pytest.mark.parametrize(("k", "n"), [(2, 500), (10, 2000), (1000, 5000)])
def test_level_is_alpha(k: int, n: int) -> None:
    probs = np.arange(1.0, k + 1)
    rejected = sum(
        not check_hard(draw(probs, n, seed), probs, alpha=0.01, threads=1) for seed in range(2000)
    )
    assert rejected <= stats.binom.ppf(0.999, 2000, 0.01)


@pytest.mark.slow
def test_level_is_alpha_where_each_row_has_its_own_logits() -> None:
    generator = np.random.default_rng(1)
    rejected = 0
    for _ in range(500):
        logits = 2 * generator.normal(size=(200, 30))
        labels = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
        rejected += not check_hard(labels, logits=logits, alpha=0.02, threads=1)
    assert rejected <= stats.binom.ppf(0.999, 500, 0.02)


def test_own_hard_samples_are_consistent() -> None:
    rows = Concrete(PI, 0.5).sample_hard(20_000, seed=1)
    assert check_hard(rows, PI)
    assert check_hard(rows.astype(bool), PI)
    assert check_hard(rows.argmax(axis=1), PI)
    assert check_hard(np.array_split(rows, 3), PI)


@pytest.mark.parametrize(
    ("labels", "test", "words"),
    [
        (draw(np.array([1.1, 3, 6]), 50_000, 1), "frequencies", "furthest from its probability is"),
        (np.tile(draw(PI, 3000, 1), 10), "repeats", "3,000 rows before"),
        (np.sort(draw(PI, 5000, 1)), "serial", "1 to 10 rows before"),
        (np.append(draw(PI, 500, 1), 3), "labels", "1 of 501 rows are not labels"),
    ],
)
def test_wrong_labels_are_found(labels: IntArray, test: str, words: str) -> None:
    result = check_hard(labels, PI)
    failed = {each.name: each.sentence for each in result.tests if not each.passed}
    assert words in failed[test]
    assert failed[test] in result.causes


def test_rare_and_impossible_labels() -> None:
    probs = np.append(np.full(50, 1.0), [1e-4, 0])
    labels = draw(probs, 2000, 1)
    assert check_hard(labels, probs)
    labels[:4] = 50
    (cause,) = check_hard(labels, probs).causes
    assert "is that of x51, 4 against 0.004" in cause
    labels[:4] = 51
    assert "4 labels have probability 0, such as x52" in check_hard(labels, probs).causes[0]


def test_a_row_of_its_own_logits_each() -> None:
    generator = np.random.default_rng(1)
    logits = 2 * generator.normal(size=(20_000, 8))
    logits[:, 7] = -np.inf
    noise = generator.gumbel(size=logits.shape)
    assert check_hard((logits + noise).argmax(axis=1), logits=logits)
    colder = check_hard((1.05 * logits + noise).argmax(axis=1), logits=logits)
    assert [test.name for test in colder.tests if not test.passed] == ["labels by rank"]
    shifted = np.roll(logits, 1, axis=0)
    assert not check_hard((shifted + noise).argmax(axis=1), logits=logits)
    labels = (logits + noise).argmax(axis=1)
    labels[5] = 7
    assert "1 labels have probability 0" in check_hard(labels, logits=logits).causes[0]


@pytest.mark.slow
@pytest.mark.parametrize("k", [2, 10, 200])
def test_as_many_shifts_are_found_as_is_said(k: int) -> None:
    probs = np.arange(1.0, k + 1) / np.arange(1.0, k + 1).sum()
    n = 5000
    (remark,) = check_hard(draw(probs, n, 1), probs).remarks
    shift = float(remark.partition("no smaller than ")[2].partition(",")[0])
    found = []
    for factor in (1.05, 0.5):  # the shift is said to two digits
        shifted = probs * (1 - factor * shift / (1 - probs[-1]))
        shifted[-1] = probs[-1] + factor * shift
        found.append(sum(not check_hard(draw(shifted, n, s), probs) for s in range(100)))
    assert found[0] >= stats.binom.ppf(0.001, 100, 0.95)
    assert found[1] < 60


def test_few_labels_are_not_judged() -> None:
    labels = draw(PI, 60, 1)
    assert check_hard(labels[:29], PI).verdict == "Not judged"
    assert check_hard(labels, PI).consistent
    assert check_hard(labels, PI, min_rows=61).verdict == "Not judged"


@pytest.mark.parametrize("cuts", [[1], [30, 31, 700]])
def test_statistics_do_not_depend_on_the_split(cuts: list[int]) -> None:
    labels = draw(PI, 1000, 1)
    labels[400] = 9
    probs = PI / PI.sum()
    whole, merged = HardStatistics(probs, 3), HardStatistics(probs, 3)
    whole.update((0, labels, None))
    for start, stop in zip([0, *cuts], [*cuts, 1000], strict=True):
        own = HardStatistics(probs, 3)
        own.update((start, labels[start:stop], None))
        merged.merge(own)
    names = ["a", "b", "c"]
    for one, other in zip(
        whole.results(names, one_hot=False), merged.results(names, one_hot=False), strict=True
    ):
        assert one.sentence == other.sentence
        assert one.p_value == pytest.approx(other.p_value, rel=1e-9)


def test_runs_are_hashed_whole() -> None:
    labels = draw(PI, 400, 2)
    hashes = _hash_windows(labels, 8)
    runs = np.lib.stride_tricks.sliding_window_view(labels, 8)
    equal = (runs[:, None] == runs[None]).all(axis=2)
    assert len(hashes) == len(runs)
    assert np.array_equal(hashes[:, None] == hashes[None], equal)


def test_refusals() -> None:
    with pytest.raises(ParameterError, match="probs"):
        check_hard([0, 1])
    with pytest.raises(ParameterError, match="probs"):
        check_hard([0, 1], [1, -1])
    with pytest.raises(ParameterError, match="alpha"):
        check_hard([0, 1], PI, alpha=2)
    with pytest.raises(ParameterError, match="logits"):
        check_hard([0, 1], logits=[[0.0, float("nan")], [0.0, 1.0]])
    with pytest.raises(ShapeError, match="logits have shape"):
        check_hard([0, 1], logits=[0, 1])
    with pytest.raises(ShapeError, match="2 rows have 3 rows of logits"):
        check_hard([0, 1], logits=np.zeros((3, 2)))
    with pytest.raises(ShapeError, match=r"\(n, 3\)"):
        check_hard(np.eye(2), PI)
    with pytest.raises(ParameterError, match="hold <U1 values"):
        check_hard(np.array(["a"]), PI)
    with pytest.raises(DataError, match="no rows"):
        check_hard(np.empty(0, dtype=int), PI)
    assert labels_of(np.array([np.nan, 1.0])).tolist() == [-1, 1]
