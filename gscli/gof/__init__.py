"""Exact goodness-of-fit tests of samples from any implementation of the distribution."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gscli.concrete import Concrete
from gscli.errors import DataError, ParameterError
from gscli.gof import causes
from gscli.gof.tally import Comparison, Tally, TestResult
from gscli.likelihood import slabs

CERTAIN = ("simplex", "repeats")
"""Tests that chance cannot fail: they take no share of alpha."""


@dataclass(frozen=True, eq=False, slots=True)
class CheckResult:
    """The verdict of `check`.

    Attributes
    ----------
    consistent : bool
        Whether the samples pass all tests at level `alpha`. False as well where they could not
        be judged: see `conclusive`.
    conclusive : bool
        False if exact zeros kept the rows from being judged; `causes` says what to do.
    alpha : float
        Probability at which correct samples are rejected, over all tests.
    n : int
        Number of rows.
    tests : tuple of TestResult
        The tests that could be made.
    causes : tuple of str
        On rejection, what probably went wrong, the likeliest first.
    comparisons : tuple of Comparison
        Figures to draw.
    """

    consistent: bool
    conclusive: bool
    alpha: float
    n: int
    tests: tuple[TestResult, ...]
    causes: tuple[str, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def by_chance(self) -> int:
        """Number of tests that chance can fail, among which alpha is shared."""
        return sum(test.name not in CERTAIN for test in self.tests)

    @property
    def correction(self) -> str:
        """How `alpha` allows for several tests, in words."""
        return f"Holm's correction for {self.by_chance} tests" if self.by_chance > 1 else "one test"

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict in terms of JSON, numbers unrounded."""
        return {
            "consistent": self.consistent,
            "conclusive": self.conclusive,
            "alpha": self.alpha,
            "correction": self.correction,
            "n": self.n,
            "tests": [asdict(test) for test in self.tests],
            "causes": list(self.causes),
        }


def check(
    blocks: Iterable[npt.NDArray[np.floating[Any]]],
    distribution: Concrete,
    *,
    log: bool = False,
    alpha: float = 0.001,
    names: Sequence[str] | None = None,
) -> CheckResult:
    """Test whether samples come from a distribution.

    Parameters
    ----------
    blocks : iterable of ndarray, shape (rows, K)
        The samples, read once, in blocks of any size; float32 is as good as float64.
    distribution : Concrete
        Where they should come from.
    log : bool
        Whether the rows are log X.
    alpha : float
        Probability of rejecting correct samples, over all tests together (Holm's correction).
    names : sequence of str, optional
        The categories' names in the sentences; by default x1 ... xK.

    Returns
    -------
    CheckResult
        Verdict, tests, and on rejection the likeliest causes.

    Raises
    ------
    ParameterError
        If `alpha` is not between 0 and 1.
    ShapeError
        If a block is not of shape (rows, K).
    DataError
        If there are no rows.

    References
    ----------
    Maddison, Mnih, Teh (2017), Proposition 1; Stephens (1974), "EDF statistics for goodness of
    fit", JASA 69; Holm (1979), "A simple sequentially rejective multiple test procedure".

    Examples
    --------
    >>> d = Concrete([1, 3, 6], temperature=0.5)
    >>> check([d.sample(10_000, seed=1)], d).consistent
    True
    >>> check([d.sample(10_000, seed=1)], Concrete([1, 3, 6], temperature=2)).causes[0][:44]
    'the temperature is inverted: the samples fit'
    """
    if not 0 < alpha < 1:
        raise ParameterError("alpha", f"{alpha:g} is not between 0 and 1")
    labels = names or [f"x{k + 1}" for k in range(distribution.num_categories)]
    tally = Tally(distribution, labels, log=log)
    for slab in slabs(blocks, distribution.num_categories):
        tally.update(slab)
    if tally.n == 0:
        raise DataError("there are no rows to check")
    tests = _holm(tally.results(), alpha)
    passed = all(test.passed for test in tests)
    conclusive = not passed or tally.zeros == 0 or tally.one_hot == tally.n
    consistent = passed and tally.zeros == 0
    return CheckResult(
        consistent=consistent,
        conclusive=conclusive,
        alpha=alpha,
        n=tally.n,
        tests=tests,
        causes=() if consistent else causes.explain(tally, tests),
        comparisons=tally.comparisons(),
    )


def _holm(tests: Sequence[TestResult], alpha: float) -> tuple[TestResult, ...]:
    # Holm (1979): the smallest p-value must be below alpha/m, the next below alpha/(m-1), ...;
    # the first that is not ends the rejections.
    by_chance = sorted((t for t in tests if t.name not in CERTAIN), key=lambda t: t.p_value)
    failed = {t.name for t in tests if t.name in CERTAIN and t.p_value < alpha}
    for done, test in enumerate(by_chance):
        if test.p_value >= alpha / (len(by_chance) - done):
            break
        failed.add(test.name)
    return tuple(replace(test, passed=test.name not in failed) for test in tests)
