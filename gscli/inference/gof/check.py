"""Exact goodness-of-fit tests of samples from any implementation of the distribution."""

import math
from collections.abc import Sequence
from functools import partial

from scipy import special

from gscli.distribution.concrete import Concrete, check_concrete
from gscli.errors import DataError, ParameterError
from gscli.execution.threads import Threads
from gscli.inference.gof import diagnosis
from gscli.inference.gof.null_distributions import temperature_information
from gscli.inference.gof.results import CheckResult, corrected
from gscli.inference.gof.row_faults import zeros_are_impossible
from gscli.inference.gof.sensitivity import sensitivity
from gscli.inference.gof.statistics import FEWEST_SCORED, Statistics
from gscli.io.columns import default_names
from gscli.io.samples import Rows, Samples, as_samples

FEW_ROWS = 100
"""Rows below which even gross mistakes often pass."""

JUDGED_FACTOR = 2.0
"""A file is judged if it would show a temperature that is off by this factor, half the time."""

SHARE = 0.1
"""The part of alpha that Holm's correction leaves to a test, at worst."""


def check(
    samples: Rows | Samples,
    distribution: Concrete,
    *,
    log: bool = False,
    alpha: float = 0.001,
    names: Sequence[str] | None = None,
    min_rows: int = 1,
    threads: Threads = None,
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
    min_rows : int
        Fewer rows are not judged, however good they look; nor are fewer than `fewest_rows`.
    threads : int or Workers, optional
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
    tests = corrected(statistics.results(), alpha)
    passed = all(test.passed for test in tests)
    needed = max(min_rows, fewest_rows(distribution.num_categories, alpha))
    enough = statistics.n >= needed
    judged = enough and (statistics.judged or statistics.zeros == 0)
    conclusive = not passed or judged or (enough and _impossible(statistics))
    consistent = passed and judged
    causes: tuple[str, ...] = ()
    if not consistent:
        causes = _few_rows(statistics.n, needed) if passed and not enough else ()
        causes = causes or diagnosis.explain(statistics, tests)
        conclusive &= not diagnosis.too_coarse(statistics, causes)
    found = None
    if consistent and statistics.scored:
        by_chance = sum(not test.certain for test in tests)
        found = sensitivity(statistics.usable, distribution.num_categories, alpha, by_chance)
    return CheckResult(
        consistent=consistent,
        conclusive=conclusive,
        alpha=alpha,
        n=statistics.n,
        tests=tests,
        causes=causes,
        comparisons=statistics.comparisons(),
        remarks=_remarks(statistics) + ((found.sentence,) if found else ()),
        sensitivity=found,
    )


def fewest_rows(num_categories: int, alpha: float) -> int:
    """Return how many rows can show a temperature that is off by a factor of two.

    Parameters
    ----------
    num_categories : int
        Number of categories, at least 2.
    alpha : float
        As in `check`.

    Returns
    -------
    int
        So many that the score test finds it in half of all files, and no fewer than that test
        needs.

    Examples
    --------
    >>> fewest_rows(3, 0.001), fewest_rows(2, 1e-9)
    (30, 61)
    """
    quantile = float(special.ndtri(SHARE * alpha / 2))
    information = temperature_information(num_categories) * math.log(JUDGED_FACTOR) ** 2
    return max(FEWEST_SCORED, math.ceil(quantile**2 / information))


def _impossible(statistics: Statistics) -> bool:
    """Return whether the zeros alone show that the samples are not right."""
    hard = statistics.one_hot == statistics.n
    return hard or (statistics.zeros > 0 and zeros_are_impossible(statistics))


def _few_rows(n: int, needed: int) -> tuple[str, ...]:
    rows = "1 row is" if n == 1 else f"{n:,} rows are"
    return (f"{rows} too few to judge: {needed:,} or more are needed here, 1,000 are better",)


def _remarks(statistics: Statistics) -> tuple[str, ...]:
    found = []
    if statistics.n < FEW_ROWS:
        rows = "1 row" if statistics.n == 1 else f"{statistics.n} rows"
        found.append(f"{rows}: so few show gross mistakes only; check 1,000 or more")
    if statistics.zeros and statistics.judged:
        found.append(
            f"{statistics.zeros:,} of {statistics.n:,} rows hold exact zeros: the tests replaced "
            "the values that underflow hides by draws from the distribution itself; check --log "
            "samples to test them"
        )
    return tuple(found)
