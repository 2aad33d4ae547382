"""The stream: reproducible from the outside, ordered, and free of infinities."""

import itertools
import math
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import mpmath
import numpy as np
import pytest

from gscli import Concrete
from gscli.arrays import FloatArray, log_softmax
from gscli.distribution import noise as sampling
from gscli.errors import ParameterError
from tests.distribution.oracles.noise import noise_block

MASK32, MASK64 = 2**32 - 1, 2**64 - 1


# --- the promise that another language can repeat the noise -------------------------------------


def seed_sequence(seed: int, block: int) -> list[int]:
    """O'Neill's seed_seq_fe as NumPy specifies it: three 64-bit words for (seed, block)."""
    words = []
    for number in (seed, block):
        own = [number & MASK32]
        while number := number >> 32:
            own.append(number & MASK32)
        words.append(own)
    entropy = words[0] + [0] * (4 - len(words[0])) + words[1]
    factor = 0x43B0D7E5

    def scramble(value: int) -> int:
        nonlocal factor
        value ^= factor
        factor = factor * 0x931E8875 & MASK32
        value = value * factor & MASK32
        return value ^ value >> 16

    def mix(x: int, y: int) -> int:
        result = (0xCA01F9DD * x - 0x4973F715 * y) & MASK32
        return result ^ result >> 16

    pool = [scramble(word) for word in entropy[:4]]
    for source, target in itertools.product(range(4), range(4)):
        if source != target:
            pool[target] = mix(pool[target], scramble(pool[source]))
    for word in entropy[4:]:
        pool = [mix(value, scramble(word)) for value in pool]
    factor, state = 0x8B51F9DD, []
    for value in itertools.islice(itertools.cycle(pool), 6):
        value ^= factor
        factor = factor * 0x58F38DED & MASK32
        value = value * factor & MASK32
        state.append(value ^ value >> 16)
    return [state[i] | state[i + 1] << 32 for i in (0, 2, 4)]


def sfc64(state: list[int]) -> Iterator[int]:
    """Doty-Humphrey's SFC64: three words and a counter, twelve outputs thrown away."""
    a, b, c = state
    for counter in itertools.count(1):
        out = a + b + counter & MASK64
        a, b = b ^ b >> 11, c + (c << 3) & MASK64
        c = (c << 24 & MASK64 | c >> 40) + out & MASK64
        if counter > 12:
            yield out


def uniforms(seed: int, block: int) -> Iterator[float]:
    return ((word >> 11) * 2.0**-53 for word in sfc64(seed_sequence(seed, block)))


@pytest.mark.parametrize("seed", [0, 1, 20_000, 2**53 - 1, 2**64 + 5, 2**128 - 1])
@pytest.mark.parametrize("block", [0, 1, 2, 77, 2**32 + 3])
def test_the_noise_can_be_repeated_in_plain_python(seed: int, block: int) -> None:
    noise = noise_block(seed, 3, block).ravel()[:40]
    expected = [math.log(u) for u in itertools.islice(uniforms(seed, block), 40)]
    np.testing.assert_allclose(noise, expected, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize(("k", "lanes", "tiles"), [(3, 131072, 1), (100, 4096, 1), (1000, 1, 524)])
def test_whole_samples_can_be_repeated_in_plain_python(k: int, lanes: int, tiles: int) -> None:
    """Row by row, from the layout that the module's docstring promises."""
    assert sampling.block_shape(k) == (tiles, k, lanes)
    per_block, t, wanted = lanes * tiles, 0.7, 3
    d = Concrete(np.arange(1.0, k + 1), t)
    x = d.sample(per_block + wanted, seed=9)
    for block in (0, 1):
        values = list(itertools.islice(uniforms(9, block), (k - 1) * lanes + wanted * max(1, k)))
        for row in range(wanted):
            tile, lane = divmod(row, lanes)
            u = [values[tile * k * lanes + j * lanes + lane] for j in range(k)]
            scores = [(math.log(j + 1) - math.log(-math.log(v))) / t for j, v in enumerate(u)]
            total = math.fsum(math.exp(s) for s in scores)
            expected = [math.exp(s) / total for s in scores]
            np.testing.assert_allclose(x[block * per_block + row], expected, rtol=1e-12)


# --- extremes -----------------------------------------------------------------------------------


def test_extreme_uniforms_give_finite_noise_within_its_range() -> None:
    u = np.array([0.0, 2.0**-53, 2.0**-52, 0.5, 1 - 2.0**-52, 1 - 2.0**-53])
    noise = sampling.noise_from_uniform(u.copy())
    low, high = sampling.NOISE_RANGE
    assert np.isfinite(noise).all()
    assert low <= noise.min() < low + 0.1
    assert noise.max() <= high
    assert (np.diff(noise) > 0).all()
    assert noise[0] == pytest.approx(-54 * math.log(2))
    assert noise[-1] == pytest.approx(-(2.0**-53))


@pytest.mark.parametrize("form", ["simplex", "log"])
@pytest.mark.parametrize("t", [1e-3, 0.02, 0.0661, 0.0662, 0.1, 1.0, 20.0])
def test_extreme_uniforms_give_finite_samples(t: float, form: Any) -> None:
    u = np.array(np.meshgrid(*[[0.0, 2.0**-53, 0.5, 1 - 2.0**-53]] * 4)).reshape(4, -1)
    out = Concrete([1e-6, 1, 3, 6], t).from_noise(sampling.noise_from_uniform(u), form=form)
    assert np.isfinite(out).all()
    x = np.exp(out) if form == "log" else out
    np.testing.assert_allclose(x.sum(axis=0), 1, rtol=1e-12)


@pytest.mark.parametrize("t", [0.02, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("k", [2, 3, 200])
def test_log_samples_have_full_precision_in_every_component(t: float, k: int) -> None:
    d = Concrete(np.arange(1.0, k + 1), t)
    lanes = 200
    log_u = noise_block(3, k, 0, lanes).swapaxes(0, 1).reshape(k, -1)[:, :lanes]
    y = d.from_noise(log_u[None].copy(), form="log")[0]
    with mpmath.workdps(30):
        a = [mpmath.mpf(float(logit)) for logit in d.logits]
        for lane in range(lanes):
            scores = [
                (ak - mpmath.log(-mpmath.mpf(float(u)))) / t
                for ak, u in zip(a, log_u[:, lane], strict=True)
            ]
            top = max(scores)
            rest = mpmath.fsum(mpmath.exp(s - top) for s in scores if s != top)
            expected = [float(s - top - mpmath.log1p(rest)) for s in scores]
            # What rounding the scores leaves: of their size, 40/t at most, in every logarithm of
            # a ratio, and so relatively in the largest component's.
            np.testing.assert_allclose(y[:, lane], expected, rtol=2e-16 * 100 / t, atol=0)


def test_components_that_tie_share_the_largest_logarithm() -> None:
    log_u = np.full((3, 64), -0.5)
    log_u[2] = -0.5e9
    y = Concrete([1, 1, 1], 0.1).from_noise(log_u, form="log")
    np.testing.assert_allclose(y[:2], -math.log(2), rtol=1e-15)


def test_a_million_draws_are_finite_distinct_and_within_range() -> None:
    noise = np.concatenate([noise_block(0, 4, block).ravel() for block in range(4)])
    assert np.isfinite(noise).all()
    assert noise.min() > sampling.NOISE_RANGE[0]
    assert noise.max() < sampling.NOISE_RANGE[1]
    assert len(np.unique(noise)) > 0.999999 * len(noise)


@pytest.mark.parametrize("k", [2, 3, 128, 129, 300_000])
def test_no_two_blocks_and_no_two_seeds_are_alike(k: int) -> None:
    firsts = [
        noise_block(seed, k, block, 1).ravel()[0]
        for seed in (0, 1, 2**32, 2**64, 2**127)
        for block in (*range(12), 2**32, 2**32 + 1)
    ]
    assert len(set(firsts)) == len(firsts)


def test_consecutive_blocks_are_uncorrelated() -> None:
    one, two = (noise_block(11, 2, block).ravel() for block in (0, 1))
    for shift in range(5):
        correlation = np.corrcoef(one, np.roll(two, shift))[0, 1]
        assert abs(correlation) < 6 / math.sqrt(len(one))


# --- threads, prefixes, shared noise ------------------------------------------------------------


def rows_of(d: Concrete, n: int, **options: Any) -> Any:
    batches = sampling.stream(d.from_noise, d.num_categories, n, seed=5, **options)
    return np.concatenate(list(batches))


@pytest.mark.parametrize(("k", "n"), [(2, 1_200_000), (3, 800_001), (129, 20_000), (1000, 2_500)])
def test_the_bytes_do_not_depend_on_the_number_of_threads(k: int, n: int) -> None:
    d = Concrete(np.arange(1.0, k + 1), 0.5)
    one = d.sample(n, seed=5, threads=1)
    assert n * k > 2 * sampling.BLOCK_VALUES
    for threads in (2, 5, None):
        assert d.sample(n, seed=5, threads=threads).tobytes() == one.tobytes()
    assert rows_of(d, n, order="F").tobytes() == one.tobytes()


@pytest.mark.parametrize("form", ["simplex", "log", "hard"])
@pytest.mark.parametrize("k", [2, 3, 10, 128, 129, 1000])
def test_a_row_does_not_depend_on_how_many_follow(k: int, form: Any) -> None:
    d = Concrete(np.arange(1.0, k + 1), 0.5)
    tiles, _, lanes = sampling.block_shape(k)
    block = tiles * lanes

    def draw(n: int) -> Any:
        return np.concatenate(list(sampling.stream(partial(d.from_noise, form=form), k, n, seed=8)))

    longest = draw(2 * block + 65)
    for n in (1, 2, 63, 64, 65, 100, block - 1, block, block + 1, 2 * block, 2 * block + 1):
        assert draw(n).tobytes() == longest[:n].tobytes(), n


@pytest.mark.parametrize("k", [2, 100, 1000])
def test_the_stream_goes_through_the_blocks_one_by_one(k: int) -> None:
    """No block twice, none left out."""
    tiles, _, lanes = sampling.block_shape(k)
    block, blocks = tiles * lanes, 3
    d = Concrete(np.ones(k), 1.0)
    stream = sampling.stream(d.from_noise, k, block * blocks, seed=6)
    firsts = np.concatenate(list(stream))[::block]
    for number, row in enumerate(firsts):
        noise = noise_block(6, k, number, 64)[0][:, :64]
        expected = d.from_noise(np.ascontiguousarray(noise))[:, 0]
        np.testing.assert_allclose(row, expected, rtol=1e-12)
    assert len(firsts) == blocks
    assert len(np.unique(firsts[:, 0])) == len(firsts)


@pytest.mark.parametrize("form", ["simplex", "log", "hard"])
@pytest.mark.parametrize("k", [2, 7, 8, 128, 129, 1000])
def test_the_stream_can_begin_at_any_row(k: int, form: Any) -> None:
    d = Concrete(np.arange(1.0, k + 1), 0.5)
    tiles, _, lanes = sampling.block_shape(k)
    block = tiles * lanes
    transform = partial(d.from_noise, form=form)
    whole = np.empty((2 * block + 70, k))
    sampling.fill(transform, whole, seed=8)
    for start in (0, 1, 63, 64, 65, block - 1, block, block + 1, 2 * block - 1):
        left = len(whole) - start
        for n in {n for n in (1, 2, 64, block, left) if n <= left}:
            batches = list(sampling.stream(transform, k, n, seed=8, start=start))
            drawn = np.concatenate(batches)
            assert drawn.tobytes() == whole[start : start + n].tobytes(), (start, n)


def test_the_start_of_the_python_api() -> None:
    d = Concrete([1, 3, 6], 0.5)
    assert (d.sample(9, seed=1, start=3) == d.sample(12, seed=1)[3:]).all()
    assert (d.sample_log(9, seed=1, start=3) == d.sample_log(12, seed=1)[3:]).all()
    assert d.sample(2, seed=1, start=10**18).shape == (2, 3)
    with pytest.raises(ParameterError, match="start: -1 is negative"):
        d.sample(2, start=-1)


def test_temperatures_and_weights_share_their_noise() -> None:
    one, two = Concrete([1, 3, 6], 0.2), Concrete([5, 1, 2], 7.0)

    def flat(d: Concrete, seed: int) -> FloatArray:
        return log_softmax(d.logits - d.temperature * d.sample_log(1000, seed=seed))

    np.testing.assert_allclose(flat(one, 3), flat(two, 3), atol=1e-10)
    other = flat(one, 4)
    assert np.abs(flat(one, 3) - other).max() > 1


def test_sample_and_sample_log_share_their_noise() -> None:
    d = Concrete([1, 3, 6], 0.9)
    np.testing.assert_allclose(np.log(d.sample(99, seed=1)), d.sample_log(99, seed=1), rtol=1e-11)


def test_float32_is_the_float64_sample_cast_last() -> None:
    d = Concrete([1, 3, 6], 0.1)
    assert (rows_of(d, 1000, dtype="float32") == rows_of(d, 1000).astype(np.float32)).all()


def test_a_sample_without_a_seed_is_fresh() -> None:
    d = Concrete([1, 3, 6], 1.0)
    assert (d.sample(5) != d.sample(5)).all()
    assert len({sampling.fresh_seed() for _ in range(50)}) == 50
    assert all(0 <= sampling.fresh_seed() < 2**53 for _ in range(50))


def test_boundary_rows_are_counted() -> None:
    rows = np.array([[0.5, 0.5], [0, 1], [1, 0], [1e-320, 1 - 1e-9], [1e-30, 1]])
    assert sampling.count_lossy_rows(rows, log=False) == 3
    assert sampling.count_lossy_rows(rows[:1], log=False) == 0
    many = np.full((4, 50), 0.02)
    many[1, [3, 7]], many[3, 49] = 0, 1
    assert sampling.count_lossy_rows(many, log=False) == 2


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("pi", [[1.0, 1.0], [1e-6, 1, 3, 6]])
def test_where_no_row_is_looked_at_none_is_lossy(pi: list[float], dtype: str) -> None:
    u = np.array(np.meshgrid(*[[0.0, 2.0**-53, 0.5, 1 - 2.0**-53]] * len(pi))).reshape(len(pi), -1)
    temperatures = np.geomspace(0.5, 5, 200)
    safe, lossy = [], []
    for t in temperatures:
        d = Concrete(pi, t)
        rows = d.from_noise(sampling.noise_from_uniform(u.copy())).T.astype(dtype)
        lossy.append(sampling.count_lossy_rows(rows, log=False) > 0)
        safe.append(not sampling.may_be_lossy(d.logits, t, dtype))
    assert not (np.array(safe) & lossy).any()
    assert temperatures[safe].min() < 2 * temperatures[lossy].max()


def test_infinite_logarithms_are_counted() -> None:
    rows = np.array([[-0.1, -2.0], [0.0, -np.inf], [-0.7, -0.7]])
    assert sampling.count_lossy_rows(rows, log=True) == 1
    assert sampling.count_lossy_rows(rows[::2], log=True) == 0


# --- validation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [-1, 2**128, -(2**70)])
def test_seeds_out_of_range_are_refused_before_anything_is_drawn(seed: int) -> None:
    with pytest.raises(ParameterError, match=f"seed: {seed} "):
        sampling.stream(Concrete([1, 2], 1.0).from_noise, 2, 5, seed=seed)
    with pytest.raises(ParameterError, match="seed"):
        Concrete([1, 2], 1.0).sample(5, seed=seed)


@pytest.mark.parametrize("value", [1.5, "3", None])
def test_seeds_and_numbers_that_are_not_whole_are_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        sampling.check_seed(value)
    with pytest.raises(ParameterError, match="n: "):
        Concrete([1, 2], 1.0).sample(value)


def test_numpy_integers_are_whole_numbers() -> None:
    d = Concrete([1, 2], 1.0)
    same = d.sample(np.int64(5), seed=np.uint32(3))  # type: ignore[arg-type]
    assert (same == d.sample(5, seed=3)).all()


def test_n_may_be_zero_and_not_negative() -> None:
    d = Concrete([1, 2, 3], 1.0)
    assert d.sample(0).shape == (0, 3)
    with pytest.raises(ParameterError, match="n: -1 is negative"):
        d.sample(-1)


def test_the_number_of_threads_must_be_positive() -> None:
    with pytest.raises(ParameterError, match="threads: 0"):
        Concrete([1, 2], 1.0).sample(5, threads=0)


def test_closing_early_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())
    stream = sampling.stream(Concrete([1, 2], 1.0).from_noise, 2, 10**12, seed=0, threads=3)
    next(stream)
    started = set(threading.enumerate()) - before
    assert len(started) == 3
    stream.close()
    assert not any(thread.is_alive() for thread in started)
