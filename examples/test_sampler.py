"""Test a sampler of your own with pytest, as you would any other function.

`gscli.testing.assert_concrete` passes where samples come from the distribution that is named, and
else fails with the tests they failed and the likeliest causes. Put your sampler in the place of
`my_gumbel_softmax`, and run ``python -m pytest examples/test_sampler.py``.
"""

import numpy as np
import numpy.typing as npt
import pytest

from gscli import Concrete
from gscli.testing import assert_concrete

FloatArray = npt.NDArray[np.float64]
PI = np.array([1.0, 3.0, 6.0])
ROWS = 20_000


def my_gumbel_softmax(
    logits: FloatArray, temperature: float, rows: int, rng: np.random.Generator
) -> FloatArray:
    """Return samples, shape (rows, K): the function to test."""
    scores = (logits + rng.gumbel(size=(rows, len(logits)))) / temperature
    weights: FloatArray = np.exp(scores - scores.max(axis=1, keepdims=True))
    samples: FloatArray = weights / weights.sum(axis=1, keepdims=True)
    return samples


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_sampler(temperature: float) -> None:
    """Samples come from the distribution that is named."""
    samples = my_gumbel_softmax(np.log(PI), temperature, ROWS, np.random.default_rng(1))
    assert_concrete(samples, Concrete(PI, temperature))


def test_a_wrong_temperature_is_found() -> None:
    """A temperature that is 10 % off does not pass, and is named."""
    samples = my_gumbel_softmax(np.log(PI), 0.55, ROWS, np.random.default_rng(1))
    with pytest.raises(AssertionError, match="the temperature is off by a factor of 1"):
        assert_concrete(samples, Concrete(PI, temperature=0.5))


def test_probabilities_for_logits_are_found() -> None:
    """Nor do probabilities in the place of logits."""
    samples = my_gumbel_softmax(PI / PI.sum(), 0.5, ROWS, np.random.default_rng(1))
    with pytest.raises(AssertionError, match="probabilities were passed as logits"):
        assert_concrete(samples, Concrete(PI, temperature=0.5))
