"""The distribution against independent implementations, and its properties."""

import copy
import dataclasses
import math
import pickle
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gscli import Concrete
from gscli.distribution import noise as sampling
from gscli.distribution.concrete import check_temperature
from gscli.errors import ParameterError, ShapeError
from tests.distribution.oracles.noise import noise_block

CATEGORIES = (2, 3, 5, 10, 33, 64)
TEMPERATURES = (0.05, 0.3, 1.0, 3.0, 20.0)


def weights(kind: str, k: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    if kind == "flat":
        return np.ones(k)
    if kind == "skewed":
        return np.geomspace(1e-9, 1e9, k)
    return np.random.default_rng(k).permutation(np.arange(1.0, k + 1))


def points(k: int, n: int = 12) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Interior points, from the centre to close by the corners."""
    rng = np.random.default_rng(100 + k)
    return np.concatenate([rng.dirichlet(np.full(k, a), n // 3) + 1e-300 for a in (0.3, 1, 30)])


def oracle_log_prob(pi: Any, t: float, x: Any) -> float:
    """Definition 1 of Maddison et al. (2017), as printed: products and powers, in 60 digits."""
    with mpmath.workdps(60):
        k = len(pi)
        pi, x, t = [mpmath.mpf(float(p)) for p in pi], [mpmath.mpf(float(v)) for v in x], t
        t = mpmath.mpf(t)
        total = mpmath.fsum(p * v**-t for p, v in zip(pi, x, strict=True))
        density = mpmath.factorial(k - 1) * t ** (k - 1)
        for p, v in zip(pi, x, strict=True):
            density *= p * v ** (-t - 1) / total
        return float(mpmath.log(density))


# --- densities ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["flat", "skewed", "mixed"])
@pytest.mark.parametrize("t", TEMPERATURES)
@pytest.mark.parametrize("k", CATEGORIES)
def test_log_prob_agrees_with_the_definition_in_60_digits(k: int, t: float, kind: str) -> None:
    pi, x = weights(kind, k), points(k)
    expected = [oracle_log_prob(pi, t, row) for row in x]
    np.testing.assert_allclose(Concrete(pi, t).log_prob(x), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", ["flat", "skewed", "mixed"])
@pytest.mark.parametrize("t", TEMPERATURES)
@pytest.mark.parametrize("k", CATEGORIES)
def test_log_prob_log_differs_by_the_change_of_variables(k: int, t: float, kind: str) -> None:
    pi, x = weights(kind, k), points(k)
    expected = [
        oracle_log_prob(pi, t, row) + math.fsum(math.log(value) for value in row) for row in x
    ]
    actual = Concrete(pi, t).log_prob_log(np.log(x))
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("t", TEMPERATURES)
@pytest.mark.parametrize("k", CATEGORIES)
def test_log_prob_agrees_with_torch(torch: ModuleType, k: int, t: float) -> None:
    pi, x = weights("mixed", k), points(k)[4:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = torch.distributions.RelaxedOneHotCategorical(
            torch.tensor(t, dtype=torch.float64), probs=torch.tensor(pi), validate_args=False
        )
        expected = oracle.log_prob(torch.tensor(x)).numpy()
    np.testing.assert_allclose(Concrete(pi, t).log_prob(x), expected, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("t", [0.05, 0.3, 0.9, 1.0, 1.1, 3.0, 20.0])
def test_density_of_two_categories_integrates_to_one(t: float) -> None:
    d = Concrete([1, 3], t)
    # In z = log(x_1 / x_2), where it is smooth at every t, the trapezoid rule is exact to rounding.
    z = np.arange(-45, 45, 0.1) / t
    log_x = np.stack([-np.logaddexp(0, -z), -np.logaddexp(0, z)], axis=-1)
    step = z[1] - z[0]
    assert np.exp(d.log_prob_log(log_x)).sum() * step == pytest.approx(1, abs=1e-12)
    weight = np.exp(log_x.sum(axis=-1))  # dx_1 = x_1 x_2 dz
    keep = log_x.min(axis=-1) > -700
    mass = (np.exp(d.log_prob(np.exp(log_x[keep]))) * weight[keep]).sum() * step
    assert mass == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("t", [0.1, 0.4, 0.5, 0.6, 2.0, 20.0])
def test_density_of_three_categories_integrates_to_one(t: float) -> None:
    d = Concrete([1, 3, 6], t)
    z = np.arange(-42, 42, 0.25) / t
    scores = np.stack([*np.meshgrid(z, z), np.zeros((len(z), len(z)))], axis=-1)
    log_x = scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)
    area = (z[1] - z[0]) ** 2
    assert np.exp(d.log_prob_log(log_x)).sum() * area == pytest.approx(1, abs=1e-10)
    keep = log_x.min(axis=-1) > -700
    x = np.exp(log_x[keep])
    mass = np.exp(d.log_prob(x) + log_x[keep].sum(axis=-1)).sum() * area
    assert mass == pytest.approx(1, abs=1e-9)


def test_density_of_a_smooth_case_integrates_to_one_on_the_simplex_itself() -> None:
    from scipy.integrate import dblquad

    d = Concrete([1, 3, 6], 3.0)
    mass, _ = dblquad(
        lambda v, u: math.exp(d.log_prob([u, v, 1 - u - v])), 0, 1, 0, lambda u: 1 - u, epsabs=1e-6
    )
    assert mass == pytest.approx(1, abs=1e-5)


def test_log_prob_log_is_finite_where_the_naive_formula_is_not() -> None:
    d = Concrete([1, 3, 6], 1e-3)
    y = d.sample_log(1000, seed=1)
    with np.errstate(all="ignore"):
        x = np.exp(y)
        naive = -(1 + d.temperature) * np.log(x) - np.log((d.probs * x**-d.temperature).sum())
    assert not np.isfinite(naive).all()
    assert np.isfinite(d.log_prob_log(y)).all()
    pi = [1, 3, 6]
    with mpmath.workdps(60):
        for row in y[:20]:
            t = mpmath.mpf(1e-3)
            scores = [
                mpmath.log(p) - t * mpmath.mpf(float(v)) for p, v in zip(pi, row, strict=True)
            ]
            total = mpmath.log(mpmath.fsum(mpmath.exp(s) for s in scores))
            expected = mpmath.log(2) + 2 * mpmath.log(t) + mpmath.fsum(scores) - 3 * total
            assert float(d.log_prob_log(row)) == pytest.approx(float(expected), rel=1e-10)


def test_probabilities_over_six_hundred_decades_work_through_logits() -> None:
    d = Concrete(logits=np.log(10) * np.array([-300.0, 0.0, 300.0]), temperature=1.0)
    assert np.isfinite(d.logits).all()
    assert d.probs[2] == 1
    x = np.array([0.2, 0.3, 0.5])
    with mpmath.workdps(700):
        pi = [mpmath.mpf(10) ** e for e in (-300, 0, 300)]
        total = mpmath.fsum(p / mpmath.mpf(float(v)) for p, v in zip(pi, x, strict=True))
        parts = [p / mpmath.mpf(float(v)) ** 2 / total for p, v in zip(pi, x, strict=True)]
        expected = float(mpmath.log(2) + mpmath.fsum(mpmath.log(part) for part in parts))
    assert float(d.log_prob(x)) == pytest.approx(expected, rel=1e-10)
    for y in (
        d.sample_log(1000, seed=2),
        np.log(Concrete([1e-300, 1, 1e300], 9).sample(9, seed=1)),
    ):
        assert np.isfinite(y).all()
    np.testing.assert_allclose(Concrete([1e-300, 1, 1e300], 1).logits, d.logits, rtol=1e-14)
    assert np.isfinite(Concrete([5e-324, 1.7e308, 1.7e308], 1).logits).all()


def test_points_off_the_simplex_have_log_prob_minus_infinity() -> None:
    d = Concrete([1, 3, 6], 0.5)
    off: list[list[float]] = [
        [0.2, 0.3, 0.6],
        [-0.1, 0.5, 0.6],
        [0.2, 0.3, 0.5 + 3e-6],
        [np.nan, 0.5, 0.5],
        [np.inf, 0.0, 0.0],
        [np.inf, -np.inf, 1],
        [0, 0, 0],
    ]
    assert (d.log_prob(off) == -np.inf).all()
    logs: list[list[float]] = [
        [-1.0, -1, -1.5],
        [0.1, -9, -9],
        [np.nan, -1, -1],
        [np.inf, 0.0, 0.0],
        [-np.inf, np.log(0.5), np.log(0.5)],
        [-np.inf, -np.inf, -np.inf],
    ]
    assert (d.log_prob_log(logs) == -np.inf).all()
    assert np.isfinite(d.log_prob([0.2, 0.3, 0.5 + 3e-7]))
    assert np.isfinite(d.log_prob(np.array([0.2, 0.3, 0.5], np.float32)))


@pytest.mark.parametrize(("t", "limit"), [(0.2, np.inf), (0.5, None), (3.0, -np.inf)])
def test_boundary_gets_the_limit_of_the_density(t: float, limit: float | None) -> None:
    """One zero of three: the order of ε is 3t - (t + 1), so t = 1/2 has a finite limit."""
    d = Concrete([1, 3, 6], t)
    at = float(d.log_prob([0.0, 0.25, 0.75]))
    eps = 1e-200
    near = float(d.log_prob([eps, 0.25, 0.75]))
    if limit is None:
        assert at == pytest.approx(near, abs=1e-9)
    else:
        assert at == limit
        assert abs(near) > 50
        assert np.sign(near) == np.sign(limit)


def test_corners_get_the_limit_of_the_density() -> None:
    # Two zeros of three: the order of ε is 3t - 2(t + 1) = t - 2.
    corner = np.array([0.0, 0.0, 1.0])
    assert Concrete([1, 3, 6], 1.9).log_prob(corner) == np.inf
    assert Concrete([1, 3, 6], 2.1).log_prob(corner) == -np.inf
    d = Concrete([1, 3, 6], 2.0)
    near = d.log_prob([1e-150, 1e-150, 1.0])
    assert float(d.log_prob(corner)) == pytest.approx(float(near), abs=1e-9)
    mixed = d.log_prob(np.array([corner, [0.2, 0.3, 0.5]]))
    assert mixed[1] == d.log_prob([0.2, 0.3, 0.5])


def test_extreme_temperatures_raise_no_warning() -> None:
    for t in (3e-308, 1e-300, 1e-9, 1e6, 1e150):
        d = Concrete([1, 3, 6], t)
        assert not np.isnan(d.log_prob([[0.2, 0.3, 0.5], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]])).any()
        x = d.sample(100, seed=0)
        np.testing.assert_allclose(x.sum(axis=-1), 1, rtol=1e-12)
        y = d.sample_log(100, seed=0)
        assert not np.isnan(y).any()
        assert (y <= 0).all()


# --- shapes, ranges, immutability --------------------------------------------------------------


@pytest.mark.parametrize("method", ["log_prob", "log_prob_log"])
@pytest.mark.parametrize("shape", [(), (2,), (4,), (3, 4), (3, 1)])
def test_wrong_shapes_raise_and_both_shapes_are_named(method: str, shape: tuple[int, ...]) -> None:
    d = Concrete([1, 3, 6], 1.0)
    with pytest.raises(ShapeError) as caught:
        getattr(d, method)(np.full(shape, 0.5))
    assert str(shape) in str(caught.value)
    assert "(..., 3)" in str(caught.value)


def test_points_of_any_leading_shape_are_accepted() -> None:
    d = Concrete([1, 3, 6], 0.7)
    x = d.sample(24, seed=1).reshape(2, 3, 4, 3)
    assert d.log_prob(x).shape == (2, 3, 4)
    assert d.log_prob_log(np.log(x)).shape == (2, 3, 4)
    assert np.ndim(d.log_prob(x[0, 0, 0])) == 0
    assert d.log_prob(x)[1, 2, 3] == d.log_prob(x[1, 2, 3])
    assert d.log_prob(np.empty((0, 3))).shape == (0,)


@pytest.mark.parametrize(
    ("probs", "message"),
    [
        ([], "0 value"),
        ([1.0], "1 value"),
        (3.0, r"shape \(\)"),
        ([[1.0, 2.0]], r"shape \(1, 2\)"),
        ([1, 0], "value 2 is 0"),
        ([1, -2, 3], "value 2 is -2"),
        ([1, math.nan], "value 2 is nan"),
        ([math.inf, 1], "value 1 is inf"),
        (["a", 2], "'a', 2"),
        (["1", "2"], "'1', '2'"),
        ([True, False], "True, False"),
        ([1j, 2], "1j, 2"),
        ([None, 1], "None, 1"),
        ([[1, 2], [3]], "cannot be read"),
        ({1: 2}, "1: 2"),
        (np.array(["2020"], dtype="datetime64[Y]"), "2020"),
    ],
)
def test_bad_probs_are_refused_by_position_or_value(probs: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message) as caught:
        Concrete(probs, 1.0)
    assert caught.value.parameter == "probs"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bad", [[-math.inf, 1], ["a", 2], [[1, 2]], [1], [True, False]])
def test_bad_logits_are_refused_and_negative_ones_are_not(bad: Any) -> None:
    with pytest.raises(ParameterError) as caught:
        Concrete(logits=bad, temperature=1.0)
    assert caught.value.parameter == "logits"
    assert Concrete(logits=[-1, -2], temperature=1.0).num_categories == 2


def test_exactly_one_of_probs_and_logits_is_wanted() -> None:
    with pytest.raises(ParameterError, match="probs and logits are both given"):
        Concrete([1, 2], 1.0, logits=[0, 1])
    with pytest.raises(ParameterError, match="probs and logits are both missing"):
        Concrete(temperature=1.0)


@pytest.mark.parametrize("t", [0, -0.0, -1, math.nan, math.inf, -math.inf, 5e-324])
def test_bad_temperatures_are_refused(t: float) -> None:
    with pytest.raises(ParameterError) as caught:
        Concrete([1, 2], t)
    assert caught.value.parameter == "temperature"
    assert ("one-hot vertex" in str(caught.value)) == (t == 0)
    with pytest.raises(ParameterError):
        check_temperature(t)


JUNK = st.one_of(
    st.none(),
    st.text(),
    st.binary(),
    st.booleans(),
    st.complex_numbers(),
    st.lists(st.text(min_size=1), min_size=1),
    st.lists(st.booleans(), min_size=2),
    st.lists(st.complex_numbers(), min_size=2),
    st.dictionaries(st.integers(), st.integers()),
    st.builds(object),
    st.lists(st.lists(st.floats(1, 2), min_size=1, max_size=3), min_size=2),
)


@given(JUNK)
def test_junk_raises_an_error_that_names_the_argument(junk: Any) -> None:
    d = Concrete([1, 2], 1.0)
    calls: dict[str, Callable[[], object]] = {
        "probs": lambda: Concrete(junk, 1.0),
        "logits": lambda: Concrete(logits=junk if junk is not None else "", temperature=1.0),
        "temperature": lambda: Concrete([1, 2], junk),
        "n": lambda: d.sample(junk if not isinstance(junk, bool) else 0.5),  # type: ignore[arg-type]
        "form": lambda: d.stream(1, form=junk),
        "other": lambda: d.kl_divergence(junk),
        "indices": lambda: d.subcomposition([junk, junk]),
    }
    for name, call in calls.items():
        with pytest.raises(ParameterError) as caught:
            call()
        assert caught.value.parameter == name
        assert "\n" not in str(caught.value)


def test_a_tensor_that_needs_its_gradient_is_refused_with_the_reason(torch: ModuleType) -> None:
    with pytest.raises(ParameterError, match="detach"):
        Concrete(logits=torch.zeros(3, requires_grad=True), temperature=1.0)
    assert Concrete(logits=torch.zeros(3), temperature=torch.tensor(0.5)).temperature == 0.5


def test_points_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"x: \['a', 'b'\]"):
        Concrete([1, 2], 1.0).log_prob(["a", "b"])
    with pytest.raises(ParameterError, match="log_x: "):
        Concrete([1, 2], 1.0).log_prob_log([[1, 2], [3]])


def test_a_seed_is_a_whole_number_or_a_generator() -> None:
    d = Concrete([1, 3, 6], 0.5)
    one, two = (np.random.default_rng(5) for _ in range(2))
    first = d.sample(10, seed=one)
    assert (first == d.sample(10, seed=two)).all()
    assert (first != d.sample(10, seed=one)).all()  # the generator has moved on
    assert (d.sample(10, seed=np.int64(3)) == d.sample(10, seed=3)).all()
    assert (d.sample(10) != d.sample(10)).all()
    for bad in (0.5, "1", -1, 2**128):
        with pytest.raises(ParameterError, match="seed: "):
            d.sample(10, seed=bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["simplex", "log", "hard"])
def test_a_stream_is_the_sample_in_batches(form: Any) -> None:
    d = Concrete([1, 3, 6], 0.5)
    draw = {"simplex": d.sample, "log": d.sample_log, "hard": d.sample_hard}[form]
    batches = list(d.stream(300_000, seed=3, form=form))
    assert len(batches) > 1
    assert (np.concatenate(batches) == draw(300_000, seed=3)).all()
    (few,) = d.stream(5, seed=np.random.default_rng(2), form=form)
    assert (few == draw(5, seed=np.random.default_rng(2))).all()


def test_hard_samples_are_what_samples_round_to() -> None:
    d = Concrete([1, 3, 6], 0.5)
    hard, soft = d.sample_hard(1000, seed=3), d.sample(1000, seed=3)
    assert set(np.unique(hard)) == {0.0, 1.0}
    assert (hard.argmax(axis=1) == soft.argmax(axis=1)).all()


def copies(d: Concrete) -> list[Concrete]:
    pickled = [pickle.loads(pickle.dumps(d, protocol)) for protocol in range(2, 6)]
    return [*pickled, copy.copy(d), copy.deepcopy(d)]


def test_it_is_immutable_and_independent_of_its_input() -> None:
    probs = np.array([1.0, 3, 6])
    original = Concrete(probs, 2)
    probs[0] = 100
    np.testing.assert_allclose(original.probs, [0.1, 0.3, 0.6], rtol=1e-15)
    for d in (original, *copies(original)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            d.temperature = 3.0  # type: ignore[misc]
        with pytest.raises(dataclasses.FrozenInstanceError):
            del d.logits
        with pytest.raises(ValueError, match="read-only"):
            d.logits[0] = 0
        with pytest.raises(ValueError, match="WRITEABLE"):
            d.logits.setflags(write=True)
        d.probs[0] = 7
        assert d.probs[0] != 7


def test_it_says_what_it_is() -> None:
    assert repr(Concrete([1, 3, 6], 3)) == "Concrete(probs=[0.1, 0.3, 0.6], temperature=3)"
    assert repr(Concrete([1, 1], 0.123456789)).endswith("temperature=0.123456789)")
    assert "\n" not in repr(Concrete(np.arange(1, 9000), 1.0))
    assert len(repr(Concrete(np.arange(1, 9000), 1.0))) < 120


def test_the_regimes_change_at_one_over_k_minus_one_and_at_k_minus_one() -> None:
    for t, regime in {
        0.5: "boundary",
        np.nextafter(0.5, 1): "vertices",
        np.nextafter(2, 1): "vertices",
        2.0: "interior",
    }.items():
        assert Concrete(np.ones(3), t).regime == regime
    assert Concrete(np.ones(2), 1.0).regime == "boundary"
    assert Concrete(np.ones(2), np.nextafter(1, 2)).regime == "interior"


@pytest.mark.parametrize("t", [0.2, 0.34, 0.5, 0.9, 1.1, 2.9, 3.1, 8.0])
def test_the_regime_says_where_the_density_is_unbounded(t: float) -> None:
    """Towards a face where m of K = 4 components go to 0, the density grows or vanishes."""
    d = Concrete([1, 2, 3, 4], t)
    grows = []
    for m in (1, 2, 3):
        near, nearer = (
            d.log_prob_log(log_x) - log_x.sum()
            for scale in (-300.0, -600.0)
            for log_x in [np.array([*[scale] * m, *[-math.log(4 - m)] * (4 - m)])]
        )
        grows.append(bool(nearer > near))
    assert {
        "boundary": grows == [True] * 3,
        "vertices": grows[2] and not all(grows),
        "interior": not any(grows),
    }[d.regime]


# --- from noise to samples ---------------------------------------------------------------------

NEXT_TO_ZERO = -math.log1p(-(2.0**-53))
"""The smallest exponential that the stream draws: the one next to 0."""


@pytest.mark.parametrize("form", ["simplex", "log", "hard"])
@pytest.mark.parametrize("t", [1e-3, 0.06, 0.062, 0.1, 1.0, 20.0])
def test_extreme_exponentials_give_finite_rows_that_sum_to_one(t: float, form: Any) -> None:
    extremes = [NEXT_TO_ZERO, 1e-15, 1e-9, 1.0, -math.log(2.0**-54), 700.0]
    if form != "simplex":  # beyond what the stream can draw, where X itself would overflow
        extremes += [5e-324, 1e-300]
    noise = -np.array(np.meshgrid(*[extremes] * 3)).reshape(3, -1)
    for d in (Concrete([1, 3, 6], t), Concrete(logits=[-700, 0, 700], temperature=t)):
        out = d.from_noise(noise.copy(), form=form)
        assert np.isfinite(out).all()
        x = np.exp(out) if form == "log" else out
        np.testing.assert_allclose(x.sum(axis=0), 1, rtol=1e-12)
        assert (x >= 0).all()


@pytest.mark.parametrize("t", [1e-3, 0.07, 0.1, 1.0, 20.0])
@pytest.mark.parametrize("spread", [1.0, 600.0])
def test_samples_are_the_softmax_of_the_definition(t: float, spread: float) -> None:
    """In 50 digits, on both sides of the temperature below which ratios would overflow."""
    d = Concrete(logits=[0.0, 0.3 * spread, -0.2 * spread], temperature=t)
    low, high = sampling.NOISE_RANGE
    noise = np.array([[low, -0.1, -2.0], [high, -1.0, -1.0], [-0.5, -3.0, low]])
    simplex = d.from_noise(noise.copy())
    logs = d.from_noise(noise.copy(), form="log")
    with mpmath.workdps(50):
        for lane in range(3):
            scores = [
                (mpmath.mpf(float(a)) - mpmath.log(-mpmath.mpf(float(log_u)))) / mpmath.mpf(t)
                for a, log_u in zip(d.logits, noise[:, lane], strict=True)
            ]
            peak = max(scores)
            total = peak + mpmath.log(mpmath.fsum(mpmath.exp(s - peak) for s in scores))
            expected = [float(s - total) for s in scores]
            np.testing.assert_allclose(logs[:, lane], expected, rtol=1e-12, atol=1e-13 / t)
            values = [float(mpmath.exp(s - total)) for s in scores]
            np.testing.assert_allclose(
                simplex[:, lane], values, rtol=1e-12 / min(t, 1), atol=1e-300
            )


def test_hard_samples_are_the_vertex_of_the_largest_component() -> None:
    d = Concrete([1, 3, 6], 0.4)
    noise = noise_block(3, 3, 0, 640)[0]
    hard = d.from_noise(noise.copy(), form="hard")
    soft = d.from_noise(noise.copy())
    assert set(np.unique(hard)) == {0.0, 1.0}
    assert (hard.sum(axis=0) == 1).all()
    assert (hard.argmax(axis=0) == soft.argmax(axis=0)).all()


# --- maps --------------------------------------------------------------------------------------


def test_subcomposition_keeps_weights_order_and_temperature() -> None:
    d = Concrete([1, 2, 3, 4], 0.7)
    part = d.subcomposition([3, 1])
    np.testing.assert_allclose(part.probs, [4 / 6, 2 / 6], rtol=1e-15)
    assert part.temperature == 0.7
    for bad in ([0], [], [1, 1], [0, 4], [-1, 0]):
        with pytest.raises(ParameterError, match="indices"):
            d.subcomposition(bad)


# --- invariances -------------------------------------------------------------------------------

LOGITS = st.integers(2, 12).flatmap(
    lambda k: arrays(np.float64, k, elements=st.floats(-300, 300, allow_subnormal=False))
)
ANY_TEMPERATURE = st.floats(1e-3, 50)


@given(LOGITS, ANY_TEMPERATURE, st.integers(0, 2**128 - 1))
def test_rows_are_on_the_simplex(logits: Any, t: float, seed: int) -> None:
    d = Concrete(logits=logits, temperature=t)
    x = d.sample(50, seed=seed, threads=1)
    np.testing.assert_allclose(x.sum(axis=-1), 1, rtol=1e-12)
    assert (x >= 0).all()
    y = d.sample_log(50, seed=seed, threads=1)
    np.testing.assert_allclose(np.exp(y), x, rtol=1e-9, atol=1e-300)
    assert (d.log_prob_log(y) > -np.inf).all()


@given(LOGITS, ANY_TEMPERATURE, st.floats(-1e3, 1e3))
def test_a_shift_of_the_logits_changes_nothing(logits: Any, t: float, shift: float) -> None:
    one, two = (
        Concrete(logits=logits, temperature=t),
        Concrete(logits=logits + shift, temperature=t),
    )
    np.testing.assert_allclose(two.logits, one.logits, atol=1e-11)
    y = one.sample_log(20, seed=1, threads=1)
    np.testing.assert_allclose(two.log_prob_log(y), one.log_prob_log(y), rtol=1e-9, atol=1e-8)


@given(LOGITS, ANY_TEMPERATURE, st.randoms(use_true_random=False))
def test_categories_can_be_permuted(logits: Any, t: float, random: Any) -> None:
    order = list(range(len(logits)))
    random.shuffle(order)
    one, two = Concrete(logits=logits, temperature=t), Concrete(logits=logits[order], temperature=t)
    y = one.sample_log(20, seed=4, threads=1)
    np.testing.assert_allclose(
        two.log_prob_log(y[:, order]), one.log_prob_log(y), rtol=1e-9, atol=1e-8
    )
    noise = noise_block(4, len(logits), 0, 20)[0]
    np.testing.assert_allclose(
        two.from_noise(noise[order].copy(), form="log"),
        one.from_noise(noise.copy(), form="log")[order],
        rtol=1e-9,
        atol=1e-9 / t,
    )


@given(LOGITS, ANY_TEMPERATURE)
def test_equal_distributions_are_equal_and_copies_are(logits: Any, t: float) -> None:
    d = Concrete(logits=logits, temperature=t)
    for other in (Concrete(logits=logits.tolist(), temperature=t), *copies(d)):
        assert other == d
        assert hash(other) == hash(d)
        assert (other.sample(3, seed=1, threads=1) == d.sample(3, seed=1, threads=1)).all()
    different: tuple[object, ...] = (
        Concrete(logits=logits, temperature=np.nextafter(t, 100)),
        Concrete(logits=[*logits, 0], temperature=t),
        Concrete(logits=[logits[0] + 1, *logits[1:]], temperature=t),
        repr(d),
    )
    assert all(other != d for other in different)
    assert len({d, *different, *copies(d)}) == 5


@given(LOGITS, ANY_TEMPERATURE)
def test_density_is_consistent_between_the_coordinates(logits: Any, t: float) -> None:
    d = Concrete(logits=logits / 100, temperature=t)
    x = np.random.default_rng(0).dirichlet(np.full(len(logits), 5.0), 10)
    np.testing.assert_allclose(
        d.log_prob(x), d.log_prob_log(np.log(x)) - np.log(x).sum(axis=-1), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("t", [1e250, 1e300, 1.7e308])
def test_density_at_the_highest_temperatures_is_a_number(t: float) -> None:
    d = Concrete(logits=[0.0, 1000.0, -3.0], temperature=t)
    centre = np.full(3, 1 / 3)
    # There the terms in t·log x cancel: lgamma(3) + 2 log t + Σa - 3 LSE(a).
    expected = math.log(2) + 2 * math.log(t) + 997 - 3 * 1000
    assert d.log_prob_log(np.log(centre)) == pytest.approx(expected, rel=1e-12)
    assert d.log_prob(centre) == pytest.approx(expected + 3 * math.log(3), rel=1e-12)
    beside = centre * [1, 1 + 1e-12, 1]
    assert d.log_prob(beside) < d.log_prob(centre)


def test_logits_too_far_apart_are_refused() -> None:
    with pytest.raises(ParameterError, match="further apart"):
        Concrete(logits=[1e308, -1e308, 0.0], temperature=1.0)
