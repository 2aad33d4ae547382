"""What a sample says of itself: means, spreads and shares with their standard errors."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gscli.errors import DataError
from gscli.extremes import WITHIN, proportion_error

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of a sample of n rows.

    Attributes
    ----------
    n : int
        Number of rows.
    mean, mean_se, sd : ndarray, shape (K,)
        Mean of each component, its standard error, and the standard deviation.
    rounding, rounding_se : ndarray, shape (K,)
        Share of the rows whose largest component is k, and its standard error.
    expected_max, expected_max_se : float
        Mean of the largest component.
    near_vertex, near_vertex_se : float
        Share of the rows whose largest component is above 0.95.
    """

    n: int
    mean: FloatArray
    mean_se: FloatArray
    sd: FloatArray
    rounding: FloatArray
    rounding_se: FloatArray
    expected_max: float
    expected_max_se: float
    near_vertex: float
    near_vertex_se: float

    def as_dict(self) -> dict[str, Any]:
        """Return the figures in terms of JSON, numbers unrounded."""
        return {
            key: value.tolist() if isinstance(value, np.ndarray) else value
            for key, value in asdict(self).items()
        }

    def as_row(self, names: Mapping[int, str]) -> dict[str, Any]:
        """Return the figures as a row of a table, by the names of its columns.

        Parameters
        ----------
        names : mapping of int to str
            The categories that are wanted, by position.
        """
        row: dict[str, Any] = {}
        for key, value in asdict(self).items():
            if isinstance(value, np.ndarray):
                row |= {f"sample {key} {name}": float(value[k]) for k, name in names.items()}
            else:
                row[f"sample {key}"] = value
        return row


def summarise(blocks: Iterable[FloatArray]) -> Summary:
    """Summarise a sample in one pass and bounded memory.

    Parameters
    ----------
    blocks : iterable of ndarray, shape (rows, K)
        Points of the simplex.

    Returns
    -------
    Summary
        Its figures.

    Raises
    ------
    DataError
        If there are fewer than two rows.

    Examples
    --------
    >>> s = summarise([np.array([[0.25, 0.75], [0.75, 0.25]])])
    >>> s.n, s.mean.tolist(), s.rounding.tolist(), s.near_vertex
    (2, [0.5, 0.5], [0.5, 0.5], 0.0)
    """
    sums = Sums()
    for rows in blocks:
        sums.add(rows)
    return sums.summary()


class Sums:
    """What is kept of rows of a sample, read once, for its summary."""

    def __init__(self) -> None:
        self.n = 0
        self.total = self.squares = self.winners = np.zeros(1)
        self.peak = self.peak_squares = self.near = 0.0

    def add(self, rows: FloatArray) -> None:
        """Take in some points of the simplex, shape (rows, K)."""
        columns = rows.T
        centred = columns - 1 / len(columns)
        largest = columns.max(axis=0)
        self.n += len(rows)
        self.total = self.total + centred.sum(axis=1)
        self.squares = self.squares + (centred**2).sum(axis=1)
        self.winners = self.winners + np.bincount(columns.argmax(axis=0), minlength=len(columns))
        self.peak += float(largest.sum())
        self.peak_squares += float((largest**2).sum())
        self.near += float(np.count_nonzero(largest > 1 - WITHIN))

    def summary(self) -> Summary:
        """Return the figures, or raise `DataError` if there are fewer than two rows."""
        n, peak = self.n, self.peak / max(self.n, 1)
        if n < 2:
            raise DataError(f"a sample of {n} rows has no standard errors; give two rows or more")
        mean = self.total / n
        sd = np.sqrt(np.maximum(self.squares / n - mean**2, 0) * n / (n - 1))
        return Summary(
            n=n,
            mean=mean + 1 / len(mean),
            mean_se=sd / np.sqrt(n),
            sd=sd,
            rounding=self.winners / n,
            rounding_se=proportion_error(self.winners, n),
            expected_max=peak,
            expected_max_se=float(np.sqrt(max(self.peak_squares / n - peak**2, 0) / (n - 1))),
            near_vertex=self.near / n,
            near_vertex_se=float(proportion_error(self.near, n)),
        )
