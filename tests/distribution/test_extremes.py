"""E[max X] and the mass near the vertices against the logistic law and plain counting."""

import math

import mpmath as mp
import numpy as np
import pytest

from gscli import Concrete
from gscli.distribution.extremes import expected_max, near_vertex
from gscli.errors import ParameterError
from tests.distribution.moment_oracles import logistic_expectation


@pytest.mark.parametrize("temperature", [0.05, 1.0, 5.0])
def test_expected_max_of_two_categories(temperature: float) -> None:
    d = Concrete([1, 4], temperature)
    exact = logistic_expectation(lambda y, z, _: mp.exp(max(y, z)), -math.log(4), temperature)
    estimate = expected_max(d, seed=1)
    assert 0 < estimate.standard_error < 0.002
    assert abs(estimate.value - float(exact)) < 5 * estimate.standard_error


@pytest.mark.parametrize("within", [0.01, 0.05, 0.5])
@pytest.mark.parametrize(
    ("pi", "temperature"), [([1, 4], 0.7), ([1, 3, 6], 0.01), ([1, 3, 6], 0.5), ([1] * 20, 0.2)]
)
def test_near_vertex_is_what_counting_gives(
    pi: list[float], temperature: float, within: float
) -> None:
    d = Concrete(pi, temperature)
    inside = (d.sample(200_000, seed=4).max(axis=1) > 1 - within).astype(np.float64)
    estimate = near_vertex(d, within, seed=5)
    counted = inside.std() / math.sqrt(len(inside))
    assert abs(estimate.value - inside.mean()) <= 5 * math.hypot(counted, estimate.standard_error)
    assert (estimate.standard_error == 0) == (len(pi) == 2)


def test_more_samples_in_chunks_shrink_the_error() -> None:
    d = Concrete([1, 3, 6], 1)
    few, many = expected_max(d, n=20_000), expected_max(d, n=500_000)
    assert many.standard_error * 5 == pytest.approx(few.standard_error, rel=0.05)
    sample = d.sample(500_000, seed=0).max(axis=1)
    assert many.value == pytest.approx(sample.mean(), rel=1e-12)
    assert many.standard_error == pytest.approx(sample.std(ddof=1) / math.sqrt(500_000), rel=1e-9)


@pytest.mark.parametrize("within", [0.0, -0.1, 0.6, math.nan])
def test_distances_are_checked(within: float) -> None:
    with pytest.raises(ParameterError, match="within"):
        near_vertex(Concrete([1, 1], 1), within)


def test_a_proportion_of_one_is_not_called_exact() -> None:
    estimate = near_vertex(Concrete([1, 1, 1], 0.001), 0.5, n=100)
    assert estimate.value == 1
    assert 0.005 < estimate.standard_error < 0.02


def test_a_standard_error_needs_two_samples() -> None:
    with pytest.raises(ParameterError, match="n: 1"):
        expected_max(Concrete([1, 1], 1), n=1)
