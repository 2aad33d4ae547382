"""Losses: their values and gradients agree, and what does not fit is named."""

from typing import Any

import numpy as np
import pytest

from gscli.distribution.losses import (
    Loss,
    default_loss,
    function_loss,
    linear_loss,
    quadratic_loss,
    table_loss,
)
from gscli.errors import ParameterError

B = np.array([0.2, 0.5, 0.3])


def squares(x: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    return np.square(x - B).sum(axis=1), 2 * (x - B)


@pytest.mark.parametrize("loss", [quadratic_loss(B), function_loss(squares, 3)])
def test_quadratic_loss_is_the_squared_distance(loss: Loss) -> None:
    np.testing.assert_allclose(loss.values, np.square(np.eye(3) - B).sum(axis=1))
    np.testing.assert_allclose(loss.at_vertices(np.array([2, 0])), 2 * (np.eye(3)[[2, 0]] - B))
    x = np.full((4, 2, 3), 1 / 3)
    assert loss.gradient is not None
    np.testing.assert_allclose(loss.gradient(x), 2 * (x - B))


@pytest.mark.parametrize("loss", [linear_loss(B), quadratic_loss(B), default_loss(4)])
def test_affine_gradients_are_the_gradients(loss: Loss) -> None:
    assert loss.affine is not None
    assert loss.gradient is not None
    slope, offset = loss.affine
    x = np.random.default_rng(1).dirichlet(np.ones(loss.num_categories), 5)
    np.testing.assert_allclose(loss.gradient(x), slope * x + offset)


def test_default_loss() -> None:
    np.testing.assert_allclose(default_loss(3).values, [2.25, 1.25, 0.25])
    np.testing.assert_allclose(default_loss(2).values, [2, 0])


def test_tables() -> None:
    bare = table_loss([1, 2, 3])
    assert not bare.has_vertex_gradients
    with pytest.raises(ParameterError, match="has no gradients"):
        bare.at_vertices(np.array([0]))
    full = table_loss(np.column_stack([[1, 2], [[0.5, 0], [0, 0.25]]]))
    np.testing.assert_allclose(full.values, [1, 2])
    np.testing.assert_allclose(full.at_vertices(np.array([1, 0])), [[0, 0.25], [0.5, 0]])
    for table, words in (
        (np.zeros((3, 3)), r"shape \(3, 3\)"),
        ([1.0], r"shape \(1,\)"),
        ([1.0, np.nan], "not finite"),
    ):
        with pytest.raises(ParameterError, match=words):
            table_loss(table)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: x.sum(axis=1), "calling it ended in ValueError"),
        (lambda x: len(x) / 0, "ZeroDivisionError: division by zero"),
        (lambda x: (x, x), r"values of shape \(3, 3\)"),
        (lambda x: (x.sum(axis=1), x[:, :2]), r"gradients of shape \(3, 2\)"),
        (lambda x: (np.log(x.min(axis=1) - 1 + 0j).real * np.nan, x), "not finite"),
    ],
)
def test_functions_are_checked(function: Any, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        function_loss(function, 3)


def test_number_of_categories_is_checked() -> None:
    assert linear_loss(B).over(3).num_categories == 3
    with pytest.raises(ParameterError, match="3 categories, but there are 4"):
        linear_loss(B).over(4)
