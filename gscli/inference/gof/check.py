"""Exact goodness-of-fit tests of samples from any implementation of the distribution."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from gscli.distribution.concrete import Concrete, check_concrete
from gscli.errors import DataError, ParameterError
from gscli.inference.gof import diagnosis
from gscli.inference.gof.results import CheckResult, TestResult
from gscli.inference.gof.statistics import Statistics
from gscli.io.columns import default_names
from gscli.io.samples import Rows, Samples, as_samples

FEW_ROWS = 100
"""Rows below which even gross mistakes often pass."""


def check(
    samples: Rows | Samples,
    distribution: Concrete,
    *,
    log: bool = False,
    alpha: float = 0.001,
    names: Sequence[str] | None = None,
    threads: int | None = None,
) -> CheckResult:
    """Test whether samples come from a distribution.

    Parameters
    ----------
    samples : ndarray or iterable of ndarray, shape (rows, K)
        The rows, in one array or in several, read once; float32 is as good as float64.
    distribution : Concrete
        Where they should come from.
    log : bool
        Whether the rows are log X.
    alpha : float
        Probability of rejecting correct samples, over all tests together (Holm's correction).
    names : sequence of str, optional
        The categories' names in the sentences; by default x1 ... xK.
    threads : int, optional
        Number of threads; by default one for each usable core. The result does not depend on it
        but for the rounding of sums.

    Returns
    -------
    CheckResult
        Verdict, tests, and on rejection the likeliest causes.

    Raises
    ------
    ParameterError
        If `distribution` is not a Concrete, or `alpha` not between 0 and 1.
    ShapeError
        If an array is not of shape (rows, K).
    DataError
        If there are no rows.

    References
    ----------
    Maddison, Mnih, Teh (2017), Proposition 1; Stephens (1974), "EDF statistics for goodness of
    fit", JASA 69; Holm (1979), "A simple sequentially rejective multiple test procedure".

    Examples
    --------
    >>> d = Concrete([1, 3, 6], temperature=0.5)
    >>> check(d.sample(10_000, seed=1), d).consistent
    True
    >>> check([d.sample(10_000, seed=1)], Concrete([1, 3, 6], temperature=2)).causes[0][:44]
    'the temperature is inverted: the samples fit'
    """
    check_concrete("distribution", distribution)
    if not 0 < alpha < 1:
        raise ParameterError("alpha", f"{alpha:g} is not between 0 and 1")
    rows = as_samples(samples, log=log, num_categories=distribution.num_categories)
    labels = names or default_names(distribution.num_categories)
    make = partial(Statistics, distribution, labels, rows.precision, rows.expected)
    statistics = rows.accumulate(make, threads=threads)
    if statistics.n == 0:
        raise DataError("there are no rows to check")
    tests = _holm(statistics.results(), alpha)
    passed = all(test.passed for test in tests)
    judged = statistics.judged or statistics.zeros == 0
    conclusive = not passed or judged or statistics.one_hot == statistics.n
    consistent = passed and judged
    return CheckResult(
        consistent=consistent,
        conclusive=conclusive,
        alpha=alpha,
        n=statistics.n,
        tests=tests,
        causes=() if consistent else diagnosis.explain(statistics, tests),
        comparisons=statistics.comparisons(),
        remarks=_remarks(statistics),
    )


def _remarks(statistics: Statistics) -> tuple[str, ...]:
    found = []
    if statistics.n < FEW_ROWS:
        rows = "1 row" if statistics.n == 1 else f"{statistics.n} rows"
        found.append(
            f"{rows}: so few agree with most distributions, and only gross mistakes show; check "
            "1,000 or more"
        )
    if statistics.zeros and statistics.judged:
        found.append(
            f"{statistics.zeros:,} of {statistics.n:,} rows hold exact zeros: the tests replaced "
            "the values that underflow hides by draws from the distribution itself; check --log "
            "samples to test them"
        )
    return tuple(found)


def _holm(tests: Sequence[TestResult], alpha: float) -> tuple[TestResult, ...]:
    # Holm (1979): the smallest p-value must be below alpha/m, the next below alpha/(m-1), ...;
    # the first that is not ends the rejections.
    by_chance = sorted((t for t in tests if not t.certain), key=lambda t: t.p_value)
    failed = {t.name for t in tests if t.certain and t.p_value < alpha}
    for done, test in enumerate(by_chance):
        if test.p_value >= alpha / (len(by_chance) - done):
            break
        failed.add(test.name)
    return tuple(replace(test, passed=test.name not in failed) for test in tests)
