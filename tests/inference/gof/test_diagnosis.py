"""What is wrong with a sampler is found, and named, or nothing is named."""

import numpy as np
import pytest

from gscli import Concrete, check
from tests.inference.gof.wrong_samplers import WRONG, Case

CASES = [
    (3, 10**4),
    pytest.param(3, 10**5, marks=pytest.mark.slow),
    (20, 10**4),
    pytest.param(20, 10**5, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("k", "n"), CASES)
@pytest.mark.parametrize("name", list(WRONG))
def test_wrong_samplers_are_found_and_named(name: str, k: int, n: int) -> None:
    wrong, case = WRONG[name], Case(k, n)
    result = check(wrong.rows(case), case.distribution)
    if (k, n) in wrong.passes:
        assert result.consistent
    else:
        assert not result.consistent
        assert wrong.words in result.causes[0]


@pytest.mark.parametrize(("k", "n"), CASES)
def test_the_right_sampler_passes(k: int, n: int) -> None:
    case = Case(k, n)
    assert check(case.rows(), case.distribution).consistent


@pytest.mark.parametrize("seed", range(3))
def test_nearly_equal_probabilities_are_not_called_permuted(seed: int) -> None:
    logits = 0.01 * np.random.default_rng(seed).normal(size=64)
    rows = Concrete(logits=logits, temperature=0.55).sample_log(5000, seed=seed)
    causes = check(rows, Concrete(logits=logits, temperature=0.5), log=True).causes
    assert "off by a factor of 1." in causes[0]
    assert not any("permuted" in cause for cause in causes)


@pytest.mark.parametrize(
    ("k", "n", "factor"),
    [
        (300, 400, 2.0),
        pytest.param(800, 1000, 1.1, marks=pytest.mark.slow),
        pytest.param(70_000, 60, 2.0, marks=pytest.mark.slow),
    ],
)
def test_the_temperature_of_many_categories_is_named(k: int, n: int, factor: float) -> None:
    logits = np.random.default_rng(k).normal(size=k)
    rows = Concrete(logits=logits, temperature=0.5 * factor).sample_log(n, seed=1)
    result = check(rows, Concrete(logits=logits, temperature=0.5), log=True)
    assert "the temperature is off by a factor of" in result.causes[0]


def test_two_of_many_categories_that_share_noise_are_named() -> None:
    generator = np.random.default_rng(1)
    noise = generator.gumbel(size=(400, 2000))
    noise[:, 1234] = noise[:, 77]
    probs = np.ones(2000)
    probs[77] = 2
    scores = (np.log(probs) + noise) / 0.5
    rows = scores - np.logaddexp.reduce(scores, axis=1)[:, None]
    (cause,) = check(rows, Concrete(probs, 0.5), log=True).causes
    assert cause.startswith("x78 and x1235 share their noise")


@pytest.mark.parametrize(("n", "spread"), [(10**5, 0.05), pytest.param(10**4, 0.2)])
def test_a_temperature_that_drifts_is_seen(n: int, spread: float) -> None:
    steps = np.linspace(1 - spread / 2, 1 + spread / 2, 100)
    rows = np.concatenate(
        [Concrete([1, 3, 6], 0.5 * s).sample_log(n // 100, seed=i) for i, s in enumerate(steps)]
    )
    result = check(rows, Concrete([1, 3, 6], 0.5), log=True)
    assert not result.consistent
    assert "the temperature changes along the file" in result.causes[0]


@pytest.mark.parametrize("k", [3, 40])
def test_of_equal_probabilities_a_temperature_of_one_is_only_another_temperature(k: int) -> None:
    found = check(Concrete(np.ones(k), 1).sample(3_000, seed=1), Concrete(np.ones(k), 1.9))
    assert found.causes[0].startswith("the temperature is off by a factor of 0.5")
