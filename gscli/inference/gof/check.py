"""Exact goodness-of-fit tests of samples from any implementation of the distribution."""

from collections.abc import Sequence
from dataclasses import replace

from gscli.distribution.concrete import Concrete, check_concrete
from gscli.errors import DataError, ParameterError
from gscli.inference.gof import diagnosis
from gscli.inference.gof.results import CheckResult, TestResult
from gscli.inference.gof.statistics import Tally
from gscli.inference.likelihood import Samples, slabs

FEW_ROWS = 100


def check(
    blocks: Samples,
    distribution: Concrete,
    *,
    log: bool = False,
    alpha: float = 0.001,
    names: Sequence[str] | None = None,
) -> CheckResult:
    """Test whether samples come from a distribution.

    Parameters
    ----------
    blocks : ndarray or iterable of ndarray, shape (rows, K)
        The samples, in one array or in blocks of any size, read once; float32 is as good as
        float64.
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
        If `distribution` is not a Concrete, or `alpha` not between 0 and 1.
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
    >>> check(d.sample(10_000, seed=1), d).consistent
    True
    >>> check([d.sample(10_000, seed=1)], Concrete([1, 3, 6], temperature=2)).causes[0][:44]
    'the temperature is inverted: the samples fit'
    """
    check_concrete("distribution", distribution)
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
    judged = tally.judged or tally.zeros == 0
    conclusive = not passed or judged or tally.one_hot == tally.n
    consistent = passed and judged
    return CheckResult(
        consistent=consistent,
        conclusive=conclusive,
        alpha=alpha,
        n=tally.n,
        tests=tests,
        causes=() if consistent else diagnosis.explain(tally, tests),
        comparisons=tally.comparisons(),
        remarks=_remarks(tally),
    )


def _remarks(tally: Tally) -> tuple[str, ...]:
    found = []
    if tally.n < FEW_ROWS:
        rows = "1 row" if tally.n == 1 else f"{tally.n} rows"
        found.append(
            f"{rows}: so few agree with most distributions, and only gross mistakes show; check "
            "1,000 or more"
        )
    if tally.zeros and tally.judged:
        found.append(
            f"{tally.zeros:,} of {tally.n:,} rows hold exact zeros: the tests took draws from the "
            "distribution itself in place of what underflow hides there; --log samples would tell"
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
