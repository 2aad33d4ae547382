"""How small a mistake the tests would have found: exact for the score test, close for a clamp."""

import math
from dataclasses import dataclass

from scipy import special

from gscli.inference.gof.null_distributions import FEW_PARAMETERS, temperature_information
from gscli.records import Record

POWER = 0.95
ITERATIONS = 20


@dataclass(frozen=True, slots=True)
class Sensitivity(Record):
    """The smallest mistakes that are found in 95 % of files like the one that passed.

    Attributes
    ----------
    temperature_factor : float
        By which the temperature is off, above 1.
    odds_factor : float
        By which the odds of one category against the others are off, above 1.
    clamp : float
        Least uniform of a sampler that clamps its uniforms.
    """

    temperature_factor: float
    odds_factor: float
    clamp: float

    @property
    def sentence(self) -> str:
        """The numbers in words."""
        return (
            "of mistakes no smaller than these, 95 % would have been found: "
            f"{_by(self.temperature_factor)} in the temperature, {_by(self.odds_factor)} in the "
            f"odds of a category, uniforms clamped at {self.clamp:.2g}"
        )


def sensitivity(n: int, num_categories: int, alpha: float, tests: int) -> Sensitivity:
    """Return what `tests` tests, of which Holm's correction asks alpha in all, find in n rows.

    References
    ----------
    The score statistic is noncentral chi-squared at a nearby parameter, its noncentrality n times
    the squared distance in Fisher's information: Rao (1948), "Large sample tests of statistical
    hypotheses concerning several parameters".

    Examples
    --------
    >>> found = sensitivity(10_000, 3, 0.001, 9)
    >>> round(found.temperature_factor, 3), round(found.odds_factor, 2)
    (1.036, 1.09)
    """
    k, share = num_categories, alpha / tests
    all_of_them = noncentrality(k, share if k <= FEW_PARAMETERS else share / 2)
    alone = all_of_them if k <= FEW_PARAMETERS else noncentrality(1, share / 2)
    odds = all_of_them / n * (k + 1) / (k - 1)
    # The smallest flat-Dirichlet component that is too large, and the clamp that leaves it: the
    # sum of the other exponentials is the largest among the rows that are clamped.
    least = math.log(2 / share) / (n * k * (k - 1))
    clamp = least * k
    for _ in range(ITERATIONS):
        rows = max(1.0, n * k * clamp)
        clamp = least * float(special.gammainccinv(k - 1, min(0.5, (1 - POWER) / rows)))
    return Sensitivity(
        math.exp(math.sqrt(alone / (n * temperature_information(k)))),
        math.exp(math.sqrt(odds)),
        min(clamp, 0.5),
    )


def noncentrality(freedom: int, share: float) -> float:
    """Return that of a chi-squared statistic which `share` of alpha rejects in 95 % of files."""
    return float(special.chndtrinc(special.chdtri(freedom, share), freedom, 1 - POWER))


def _by(factor: float) -> str:
    return f"{100 * (factor - 1):.2g} %" if factor < 2 else f"a factor of {factor:.2g}"
