"""The log-density of a file's rows, block by block, and a tally of those where it is not finite."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gscli.arrays import FloatArray, IntArray
from gscli.distribution.concrete import Concrete, on_simplex
from gscli.errors import DataError, ParameterError
from gscli.io.samples import Block


@dataclass
class Tally:
    """How many rows had a property.

    Attributes
    ----------
    count : int
        Their number.
    first : int
        The first of them, counted from 1.
    """

    count: int = 0
    first: int = 0

    def add(self, rows: IntArray) -> None:
        """Count rows, given by their indices from 0."""
        if len(rows) and not self.count:
            self.first = int(rows[0]) + 1
        self.count += len(rows)


@dataclass
class Spread:
    """Mean and range of log-densities, over those that are finite.

    Attributes
    ----------
    n, finite : int
        Their number, and that of the finite ones.
    total, least, greatest : float
        Sum, minimum and maximum of the finite ones, in nats.

    Examples
    --------
    >>> spread = Spread()
    >>> spread.add(np.array([1.0, -np.inf, 3.0]))
    >>> spread.n, spread.finite, spread.mean, spread.least, spread.greatest
    (3, 2, 2.0, 1.0, 3.0)
    """

    n: int = 0
    finite: int = 0
    total: float = 0.0
    least: float = np.inf
    greatest: float = -np.inf

    def add(self, log_prob: FloatArray) -> None:
        """Take in some log-densities."""
        usable = log_prob[np.isfinite(log_prob)]
        self.n += len(log_prob)
        self.finite += len(usable)
        self.total += float(usable.sum())
        self.least = min(self.least, float(usable.min(initial=np.inf)))
        self.greatest = max(self.greatest, float(usable.max(initial=-np.inf)))

    @property
    def mean(self) -> float:
        """Mean of the finite ones; nan if there is none."""
        return self.total / self.finite if self.finite else float("nan")


@dataclass
class Scores:
    """Scores the rows of a file.

    Attributes
    ----------
    distribution : Concrete
        Whose log-density is wanted.
    own_temperatures : bool
        Whether a row that states a temperature is scored at that one.
    log : bool
        Whether the rows are log X; then the density is that of log X.
    strict : bool
        Whether a row off the simplex is an error.
    off_simplex, boundary : Tally
        The rows so far that lie off the simplex, and those on its boundary where the log-density
        is not finite.
    like_logarithms : bool
        Whether a row off the simplex could be log X.
    """

    distribution: Concrete
    own_temperatures: bool = False
    log: bool = False
    strict: bool = False
    off_simplex: Tally = field(default_factory=Tally)
    boundary: Tally = field(default_factory=Tally)
    like_logarithms: bool = False

    def log_prob(self, block: Block) -> FloatArray:
        """Return the log-density at each row, in nats; see `Concrete.log_prob`.

        Raises
        ------
        DataError
            If a row states a temperature outside its range, or, when `strict`, lies off the
            simplex; the message names the row.

        Examples
        --------
        >>> scores = Scores(Concrete([1, 1], 1.0))
        >>> scores.log_prob(Block(0, np.array([[0.5, 0.5], [0.5, 0.6]]))).round(9).tolist()
        [0.0, -inf]
        >>> scores.off_simplex
        Tally(count=1, first=2)
        """
        log_prob = np.empty(len(block.rows))
        for distribution, chosen in self._parts(block):
            rows = block.rows[chosen]
            score = distribution.log_prob_log if self.log else distribution.log_prob
            log_prob[chosen] = score(rows)
        odd = np.flatnonzero(~np.isfinite(log_prob))
        if len(odd):
            self._note(block.start + odd, block.rows[odd])
        return log_prob

    def _parts(self, block: Block) -> Iterator[tuple[Concrete, slice | npt.NDArray[np.bool_]]]:
        if block.temperatures is None or not self.own_temperatures:
            yield self.distribution, slice(None)
            return
        for temperature in np.unique(block.temperatures):
            chosen = np.isclose(block.temperatures, temperature, rtol=0, atol=0, equal_nan=True)
            try:
                own = Concrete(logits=self.distribution.logits, temperature=temperature)
            except ParameterError as error:
                row = block.start + int(chosen.argmax()) + 1
                raise DataError(f"row {row}: {error}") from error
            yield own, chosen

    def _note(self, index: IntArray, rows: FloatArray) -> None:
        on = on_simplex(rows, log=self.log)
        self.off_simplex.add(index[~on])
        self.like_logarithms |= bool(on_simplex(rows[~on], log=True).any())
        self.boundary.add(index[on])
        if self.strict and self.off_simplex.count:
            raise DataError(
                f"row {self.off_simplex.first} is not on the simplex; without --strict it gets -inf"
            )
