"""What a test says, and the figures that it rests on."""

from dataclasses import dataclass

from gscli.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test.

    Attributes
    ----------
    name : str
        ``"simplex"``, ``"rounding"``, ``"log-ratios"``, ``"flat Dirichlet"``, ``"independence"``,
        ``"extremes"``, ``"serial"`` or ``"repeats"``.
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
    """Observed beside expected figures, for a picture of one test.

    Attributes
    ----------
    test : str
        Name of the test.
    label : str
        What is counted, such as ``"x1 / x2"``.
    position : ndarray, shape (m,)
        Categories 0 ... K-1 for ``"rounding"``; for ``"log-ratios"`` and ``"flat Dirichlet"``,
        the middles of equal cells of (0, 1), on which the variable is uniform; pairs 1, 2, ...
        for ``"independence"``; lags 1, 2, ... for ``"serial"``.
    observed, expected : ndarray, shape (m,)
        Counts of rows; for ``"independence"`` and ``"serial"``, correlations.
    """

    test: str
    label: str
    position: FloatArray
    observed: FloatArray
    expected: FloatArray
