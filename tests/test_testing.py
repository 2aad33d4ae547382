"""The assertion for the tests of others."""

import numpy as np
import pytest

from gscli import Concrete
from gscli.errors import ParameterError
from gscli.testing import assert_concrete

D = Concrete([1, 3, 6], 0.5)


def test_right_samples_pass_in_one_array_in_batches_and_as_logarithms() -> None:
    assert_concrete(D.sample(10_000, seed=1), D)
    assert_concrete(D.stream(10_000, seed=1), D)
    assert_concrete(D.sample_log(10_000, seed=1), D, log=True)


def test_wrong_samples_fail_with_the_tests_and_causes_in_the_message() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_concrete(D.sample(10_000, seed=1), Concrete([1, 3, 6], 2.0))
    message = str(caught.value)
    assert "Concrete(probs=[0.1, 0.3, 0.6], temperature=2)" in message
    assert "log-ratios p = 0 (rejected)" in message
    assert "cause: the temperature is inverted" in message


def test_samples_that_cannot_be_judged_fail_with_the_remedy() -> None:
    cold = Concrete([1, 3, 6], 0.01)
    with pytest.raises(AssertionError, match="Not judged"):
        assert_concrete(cold.sample(10_000, seed=1), cold)
    assert_concrete(cold.sample_log(10_000, seed=1), cold, log=True)


def test_alpha_decides() -> None:
    x = np.array(D.sample(3000, seed=1))
    near = Concrete([1, 3, 6], 0.515)
    assert_concrete(x, near, alpha=1e-9)
    with pytest.raises(AssertionError, match=r"alpha = 0\.5"):
        assert_concrete(x, near, alpha=0.5)


def test_what_is_not_a_distribution_is_refused_and_not_taken_for_wrong_samples() -> None:
    with pytest.raises(ParameterError, match=r"distribution: 0\.5"):
        assert_concrete(D.sample(10, seed=1), 0.5)  # type: ignore[arg-type]
