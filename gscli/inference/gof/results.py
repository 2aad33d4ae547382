"""What the tests say: one by one, all together, and the numbers that they rest on."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from gscli.arrays import FloatArray
from gscli.inference.gof.sensitivity import Sensitivity
from gscli.records import Record, html_list, html_table


@dataclass(frozen=True, slots=True)
class TestResult(Record):
    """One test.

    Attributes
    ----------
    name : str
        ``"simplex"``, ``"rounding"``, ``"log-ratios"``, ``"flat Dirichlet"``, ``"independence"``,
        ``"extremes"``, ``"largest"``, ``"score"``, ``"drift"``, ``"serial"`` or ``"repeats"``.
    statistic : float
        The test's statistic, finite; the sentence says which.
    p_value : float
        Probability of a statistic at least as extreme under the distribution.
    passed : bool
        Whether the test still stands after Holm's correction for several tests.
    sentence : str
        The outcome in plain words.
    certain : bool
        Whether chance cannot fail it: it takes no share of alpha.
    """

    __test__ = False  # Not a test case, whatever pytest makes of the name.

    name: str
    statistic: float
    p_value: float
    passed: bool
    sentence: str
    certain: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Comparison:
    """Observed beside expected numbers, for a picture of one test.

    Attributes
    ----------
    test : str
        Name of the test.
    label : str
        What is counted, such as ``"x1 / x2"``.
    position : ndarray, shape (m,)
        Categories 0 ... K-1 for ``"rounding"``; for ``"log-ratios"`` and ``"flat Dirichlet"``,
        the middles of equal cells of (0, 1), on which the variable is uniform; pairs 1, 2, ...
        for ``"independence"``; lags 1, 2, ... for ``"serial"``; rows before the middle of each
        stretch of the file for ``"drift"``.
    observed, expected : ndarray, shape (m,)
        Counts of rows; for ``"independence"`` and ``"serial"``, correlations; for ``"drift"``,
        temperatures.
    """

    test: str
    label: str
    position: FloatArray
    observed: FloatArray
    expected: FloatArray


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class CheckResult(Record):
    """The verdict of `check`; its truth value is `consistent`.

    Attributes
    ----------
    consistent : bool
        Whether the samples pass all tests at level `alpha`. False as well where they could not
        be judged: see `conclusive`.
    conclusive : bool
        False if the rows could not be judged: exact zeros in more than 0.5 % of them, too few
        of them, or too few digits; `causes` says what to do.
    alpha : float
        Probability at which correct samples are rejected, over all tests.
    n : int
        Number of rows.
    tests : tuple of TestResult
        The tests that could be made.
    causes : tuple of str
        On rejection, what probably went wrong, the likeliest first.
    comparisons : tuple of Comparison
        Observed beside expected numbers, for pictures.
    remarks : tuple of str
        What to know beside the verdict: that the rows are few, or hold zeros; on passing, what
        would have been found.
    sensitivity : Sensitivity, optional
        On passing, the smallest mistakes that would have been found.
    """

    KEYS: ClassVar[str] = (
        "consistent conclusive alpha correction n tests causes remarks sensitivity"
    )

    consistent: bool
    conclusive: bool
    alpha: float
    n: int
    tests: tuple[TestResult, ...]
    causes: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    remarks: tuple[str, ...] = ()
    sensitivity: Sensitivity | None = None

    @property
    def by_chance(self) -> int:
        """Number of tests that chance can fail, among which alpha is shared."""
        return sum(not test.certain for test in self.tests)

    @property
    def correction(self) -> str:
        """How `alpha` allows for several tests, in words."""
        if self.by_chance > 1:
            return f"Holm's correction for {self.by_chance} tests"
        return "one test" if self.by_chance else "no test that chance can fail"

    @property
    def verdict(self) -> str:
        """``"Consistent"``, ``"Rejected"`` or ``"Not judged"``."""
        if self.consistent:
            return "Consistent"
        return "Rejected" if self.conclusive else "Not judged"

    @property
    def _headline(self) -> str:
        return f"{self.verdict} (n = {self.n:,}, alpha = {self.alpha:g}, {self.correction})"

    def __bool__(self) -> bool:
        return self.consistent

    def __repr__(self) -> str:
        tests = [
            f"{test.name} p = {test.p_value:.3g}{'' if test.passed else ' (rejected)'}"
            for test in self.tests
        ]
        notes = [*self.remarks, *(f"cause: {cause}" for cause in self.causes)]
        return "\n  ".join([f"CheckResult: {self._headline}", "; ".join(tests), *notes])

    def _repr_html_(self) -> str:
        rows = [
            (
                test.name,
                f"{test.statistic:.4g}",
                f"{test.p_value:.3g}",
                "passed" if test.passed else "rejected",
                test.sentence,
            )
            for test in self.tests
        ]
        table = html_table(("test", "statistic", "p-value", "verdict", "what it says"), rows)
        return f"<p>{html.escape(self._headline)}</p>{table}{html_list(self.remarks + self.causes)}"


def corrected(tests: Sequence[TestResult], alpha: float) -> tuple[TestResult, ...]:
    """Return tests with `passed` set, alpha shared among them by Holm's correction.

    The smallest p-value must be below alpha/m, the next below alpha/(m-1), ...; the first that is
    not ends the rejections. Tests that chance cannot fail take no share.
    """
    by_chance = sorted((t for t in tests if not t.certain), key=lambda t: t.p_value)
    failed = {t.name for t in tests if t.certain and t.p_value < alpha}
    for done, test in enumerate(by_chance):
        if test.p_value >= alpha / (len(by_chance) - done):
            break
        failed.add(test.name)
    return tuple(replace(test, passed=test.name not in failed) for test in tests)


def sidak(p_value: float, tests: int) -> float:
    """P-value of the smallest of several independent p-values."""
    return 1.0 if p_value >= 1 else -math.expm1(tests * math.log1p(-p_value))
