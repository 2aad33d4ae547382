"""An assertion for the tests of any implementation of the distribution."""

from gscli.distribution.concrete import Concrete
from gscli.inference.gof.check import check
from gscli.io.samples import Rows, Samples


def assert_concrete(
    samples: Rows | Samples, distribution: Concrete, *, alpha: float = 1e-6, log: bool = False
) -> None:
    """Assert that samples come from a distribution.

    Parameters
    ----------
    samples : ndarray or iterable of ndarray, shape (rows, K)
        The samples, in one array or in batches, read once.
    distribution : Concrete
        Where they should come from.
    alpha : float
        Probability of failing correct samples, over all tests together.
    log : bool
        Whether the rows are log X.

    Raises
    ------
    AssertionError
        If the samples are rejected, or cannot be judged; the message says which tests they
        failed, and the likeliest causes.

    Examples
    --------
    >>> d = Concrete([1, 3, 6], temperature=0.5)
    >>> assert_concrete(d.sample(10_000, seed=1), d)
    """
    __tracebackhide__ = True  # pytest shows the line that calls this
    result = check(samples, distribution, alpha=alpha, log=log)
    if not result:
        raise AssertionError(f"the samples are not shown to be of {distribution}\n{result}")
