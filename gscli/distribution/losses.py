"""Losses of a relaxed choice, for comparing estimators of their gradients.

A loss f is a function of a point x of the simplex. What an estimator needs of it differs: its
values at the vertices, its gradients there, or its gradients inside.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gscli.arrays import FloatArray
from gscli.errors import ParameterError

LossFunction = Callable[[FloatArray], tuple[npt.ArrayLike, npt.ArrayLike]]
"""Maps points, shape (n, K), to values, shape (n,), and gradients, shape (n, K)."""


@dataclass(frozen=True, eq=False)
class Loss:
    """A loss, as far as it is known.

    Attributes
    ----------
    values : ndarray, shape (K,)
        f at the vertices.
    gradient : callable or None
        Maps points, shape (..., K), to gradients of that shape; None if they are not known.
    vertex_gradients : ndarray of shape (K, K), or None
        Those at the vertices, where they are known there alone.
    affine : tuple of float and ndarray of shape (K,), or None
        (s, c) if the gradient is s x + c everywhere.
    """

    values: FloatArray
    gradient: Callable[[FloatArray], FloatArray] | None = None
    vertex_gradients: FloatArray | None = None
    affine: tuple[float, FloatArray] | None = None

    @property
    def num_categories(self) -> int:
        """K."""
        return len(self.values)

    @property
    def has_vertex_gradients(self) -> bool:
        """Whether its gradients at the vertices are known."""
        return self.gradient is not None or self.vertex_gradients is not None

    def over(self, num_categories: int) -> "Loss":
        """Return the loss, or raise `ParameterError` if it has another number of categories."""
        if self.num_categories != num_categories:
            raise ParameterError(
                "loss",
                f"has values for {self.num_categories} categories, but there are "
                f"{num_categories}; give as many",
            )
        return self

    def at_vertices(self, categories: npt.NDArray[np.int64]) -> FloatArray:
        """Return the gradients at some vertices, shape (n, K).

        Parameters
        ----------
        categories : ndarray of int, shape (n,)
            Which vertices.
        """
        if self.vertex_gradients is not None:
            return self.vertex_gradients[categories]
        if self.gradient is None:
            raise ParameterError("loss", "has no gradients")
        points = np.zeros((len(categories), self.num_categories))
        points[np.arange(len(categories)), categories] = 1.0
        return self.gradient(points)


def linear_loss(coefficients: npt.ArrayLike) -> Loss:
    """Return the loss c · x.

    Parameters
    ----------
    coefficients : array_like, shape (K,)
        c, finite.

    Examples
    --------
    >>> linear_loss([1, 0]).values.tolist()
    [1.0, 0.0]
    """
    c = _finite("coefficients", coefficients)
    return Loss(c, lambda x: np.broadcast_to(c, x.shape), affine=(0.0, c))


def quadratic_loss(target: npt.ArrayLike) -> Loss:
    """Return the loss ‖x - b‖².

    Parameters
    ----------
    target : array_like, shape (K,)
        b, finite.

    Examples
    --------
    >>> quadratic_loss([1, 0]).values.tolist()
    [0.0, 2.0]
    """
    b = _finite("target", target)
    values = 1 - 2 * b + np.square(b).sum()
    return Loss(values, lambda x: 2 * (x - b), affine=(2.0, -2 * b))


def default_loss(num_categories: int) -> Loss:
    """Return ‖x - b‖² with b evenly spaced from 0 for the first category to 1 for the last.

    Examples
    --------
    >>> default_loss(3).values.tolist()
    [2.25, 1.25, 0.25]
    """
    return quadratic_loss(np.linspace(0, 1, num_categories))


def table_loss(table: npt.ArrayLike) -> Loss:
    """Return a loss that is known at the vertices alone.

    Parameters
    ----------
    table : array_like, shape (K,) or (K, K + 1)
        f at each vertex; or a row for each vertex with f and then its K partial derivatives there.

    Raises
    ------
    ParameterError
        If it has another shape, or a value is not finite.

    Examples
    --------
    >>> table_loss([[1.0, 0.5, 0.0], [2.0, 0.0, 0.5]]).vertex_gradients.tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """
    array = _finite("table", table, dimensions=(1, 2))
    if array.ndim == 1:
        return Loss(array)
    if array.shape[1] != len(array) + 1:
        raise ParameterError(
            "table",
            f"has shape {array.shape}; expected (K,), or (K, K + 1) with the value at each vertex "
            "and its K partial derivatives",
        )
    return Loss(array[:, 0], vertex_gradients=array[:, 1:])


def function_loss(function: LossFunction, num_categories: int) -> Loss:
    """Return the loss that a function computes.

    Parameters
    ----------
    function : callable
        Maps points, shape (n, K), to values, shape (n,), and gradients, shape (n, K).
    num_categories : int
        K.

    Raises
    ------
    ParameterError
        If what it returns has another shape, or is not finite.

    Examples
    --------
    >>> cubic = function_loss(lambda x: ((x**3).sum(axis=1), 3 * x**2), 2)
    >>> cubic.at_vertices(np.array([0])).tolist()
    [[3.0, 0.0]]
    """

    def evaluate(points: FloatArray) -> tuple[FloatArray, FloatArray]:
        flat = points.reshape(-1, num_categories)
        try:
            values, gradients = (np.asarray(each, np.float64) for each in function(flat))
        except Exception as error:  # whatever the user's function raises
            raise ParameterError(
                "loss",
                f"the function must return values and gradients, two arrays; calling it ended in "
                f"{type(error).__name__}: {error}",
            ) from error
        if (values.shape, gradients.shape) != ((len(flat),), flat.shape):
            raise ParameterError(
                "loss",
                f"for points of shape {flat.shape} the function returned values of shape "
                f"{values.shape} and gradients of shape {gradients.shape}; expected "
                f"{(len(flat),)} and {flat.shape}",
            )
        if not (np.isfinite(values).all() and np.isfinite(gradients).all()):
            raise ParameterError("loss", "the function returned a value that is not finite")
        return values, gradients.reshape(points.shape)

    values, _ = evaluate(np.eye(num_categories))
    return Loss(values, lambda points: evaluate(points)[1])


def _finite(
    parameter: str, values: npt.ArrayLike, dimensions: tuple[int, ...] = (1,)
) -> FloatArray:
    array: FloatArray = np.array(values, dtype=np.float64)
    if array.ndim not in dimensions or len(array) < 2:
        raise ParameterError(
            parameter, f"has shape {array.shape}; expected a value for each of K categories"
        )
    if not np.isfinite(array).all():
        raise ParameterError(parameter, "holds a value that is not finite")
    return array
