"""P-values of the tests' statistics where rows are few and the usual limit is poor.

Most statistics are the squared length of the mean of n independent vectors, standardised: in the
limit chi-squared. The next term in 1/n follows from two numbers of the vectors' law, Mardia's
kurtosis and skewness, and makes p-values hold within some ten percent down to 1e-4 from n = 20 or
30 on, where those of the limit are wrong by a factor of two to forty.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from gscli.arrays import FloatArray
from gscli.inference.gof.transforms import temperature_score

NEGLIGIBLE = 1e-12
"""Where the limit says less than this, so does the truth for all that matters."""

DRAWN_VALUES = 2**19
"""Values drawn for the moments of a score."""

MANY_ROWS = 1000
"""Rows from which on Stephens' correction of Kolmogorov's limit is good to 3 %."""

FEW_PARAMETERS = 20
"""Categories up to which the temperature shows among all parameters."""

LIKELY = 0.1
"""P-values above it are good without the law at finite n."""


@dataclass(frozen=True, slots=True)
class Cumulants:
    """What the sum of the vectors z, standardised, keeps of their law, at order 1/n.

    Attributes
    ----------
    fourth : float
        Σ κ_iijj: the excess of E|z|⁴ over that of a normal vector, over n.
    third : float
        6 Σ_j (Σ_i κ_iij)² + 4 Σ κ_ijk², over n.
    """

    fourth: float
    third: float

    def p_value(self, statistic: float, freedom: int) -> float:
        """Return the p-value of a squared length.

        References
        ----------
        Bhattacharya and Rao (1976), "Normal approximation and asymptotic expansions"; Mardia
        (1970), "Measures of multivariate skewness and kurtosis", Biometrika 57.

        Examples
        --------
        >>> [round(Cumulants(c, 0.0).p_value(12.0, 1), 6) for c in (0.0, 0.5)]
        [0.000532, 0.001817]
        """
        limit, two, four, six = (
            float(special.chdtrc(freedom + 2 * j, statistic)) for j in range(4)
        )
        if not NEGLIGIBLE < limit < 1:
            return limit
        change = self.fourth / 8 * (limit - 2 * two + four)
        change += self.third / 48 * (3 * two - limit - 3 * four + six)
        # A series that ends after one term can fall below 0, which its exponential cannot.
        ratio = change / limit
        return min(1.0, limit * (1 + ratio if ratio > 0 else math.exp(ratio)))


def of_counts(statistic: float, total: int, expected: FloatArray) -> float:
    """P-value of Pearson's statistic of counts in some cells; of two cells, the exact one.

    References
    ----------
    Yarnold (1972), "Asymptotic approximations for the probability that a sum of lattice random
    vectors lies in a convex set", Annals of Mathematical Statistics 43.

    Examples
    --------
    >>> large = of_counts(25.0, 10**6, np.array([5e5, 5e5]))
    >>> round(large * 1e7, 1), round(of_counts(25.0, 25, np.array([12.5, 12.5])) * 1e8, 1)
    (5.7, 6.0)
    """
    if math.isinf(statistic):  # counts of what all but never happens
        return 0.0
    if len(expected) == 2 and expected.min() < MANY_ROWS * 10:
        return _two_cells(statistic, total, float(expected[0]))
    k, share = len(expected), expected / total
    square = 1 / share - 1  # Of one observation's distance from the mean.
    mean_square = float(share @ square)
    pairs = float(share @ square**2) - mean_square**2
    cubes = float(share**2 @ (square**3 + 1)) - 1
    fourth = float((1 / share).sum()) - k**2 - 2 * k + 2
    found = Cumulants(fourth / total, (6 * pairs + 4 * cubes) / total)
    return found.p_value(statistic, k - 1)


def of_correlations(statistic: float, rows: int, variables: int) -> float:
    """P-value of the sum of squared correlations of Legendre polynomials of uniforms.

    There are two polynomials of each variable, and n - 1 times the square of the correlation of
    each with each of each other variable. Of pairs of polynomials only those of the same
    variables have fourth cumulants, which are those of a correlation over permutations; third
    ones have those of the same two variables and those that form a triangle.
    """
    pairs, triangles = math.comb(variables, 2), math.comb(variables, 3)
    third = 64.7 * pairs + 192 * triangles
    return Cumulants(-14.0 * pairs / rows, third / rows).p_value(statistic, 4 * pairs)


def of_score(statistic: float, of_temperature: float, rows: int, num_categories: int) -> float:
    """P-value of Rao's statistic, of all parameters and, of many, of the temperature alone.

    The latter then sees what the former cannot (Bonferroni).
    """
    moments = score_moments(num_categories)
    found = Cumulants(moments.fourth / rows, moments.third / rows)
    both = found.p_value(statistic, num_categories)
    if num_categories <= FEW_PARAMETERS:
        return both
    found = Cumulants(moments.kurtosis / rows, 10 * moments.skewness**2 / rows)
    return min(1.0, 2 * min(both, found.p_value(of_temperature, 1)))


def of_drift(statistic: float, rows: FloatArray, num_categories: int) -> float:
    """P-value of the differences between the temperature's scores in stretches of some rows."""
    moments = score_moments(num_categories)
    root = np.sqrt(rows / rows.sum())
    projection = np.eye(len(rows)) - np.outer(root, root)
    own = np.diag(projection)
    skewness = moments.skewness / np.sqrt(rows)
    weighted = own * skewness
    third = 6 * weighted @ projection @ weighted + 4 * skewness @ projection**3 @ skewness
    found = Cumulants(float(own**2 @ (moments.kurtosis / rows)), float(third))
    return found.p_value(statistic, len(rows) - 1)


def of_distances(distances: FloatArray, rows: int) -> FloatArray:
    """P-values of Kolmogorov and Smirnov's distance.

    References
    ----------
    Stephens (1974), "EDF statistics for goodness of fit", JASA 69; Smirnov's exact law of one
    side, twice, where rows are few and the p-value is not large.
    """
    scale = math.sqrt(rows) + 0.12 + 0.11 / math.sqrt(rows)
    p_values: FloatArray = special.kolmogorov(scale * distances)
    if rows < MANY_ROWS:
        small = p_values < LIKELY
        p_values[small] = 2 * special.smirnov(rows, distances[small])
    return p_values


@dataclass(frozen=True, slots=True)
class ScoreMoments:
    """Of one row's score, standardised: as in `Cumulants`, and of the temperature's alone."""

    fourth: float
    third: float
    skewness: float
    kurtosis: float


@lru_cache(maxsize=16)
def score_moments(num_categories: int) -> ScoreMoments:
    """Draw flat Dirichlet vectors for the moments of the score, which no parameter enters."""
    k = num_categories
    # Not the generator of the samples, whose noise at the same seed this must not be.
    generator = np.random.Generator(np.random.PCG64(k))
    drawn = generator.standard_exponential((k, 2 * max(1, DRAWN_VALUES // k // 2)))
    drawn /= drawn.sum(axis=0)
    temperature = temperature_score(np.log(drawn), drawn) / math.sqrt(temperature_information(k))
    scores = np.vstack([(1 - k * drawn) * math.sqrt((k + 1) / k), temperature])
    square = (scores**2).sum(axis=0)
    half = scores.shape[1] // 2
    both = (scores[:, :half] * scores[:, half:]).sum(axis=0)
    contracted = (scores * square).mean(axis=1)
    return ScoreMoments(
        fourth=float((square**2).mean()) - k * (k + 2),
        third=float(6 * contracted @ contracted + 4 * (both**3).mean()),
        skewness=float((temperature**3).mean()),
        kurtosis=float((temperature**4).mean()) - 3,
    )


def temperature_information(num_categories: int) -> float:
    """Fisher's information of a row on log t, where the logits are not known.

    With D flat Dirichlet it is K - 1 + K E[Σ D log² D - (Σ D log D)²], all of whose terms are
    moments of logarithms under Dirichlet laws.

    Examples
    --------
    >>> round(temperature_information(2), 6)
    1.429956
    """
    k = num_categories
    digamma, trigamma = special.digamma, special.zeta
    squares = (digamma(2) - digamma(k + 1)) ** 2 + trigamma(2, 2) - trigamma(2, k + 1)
    same = (digamma(3) - digamma(k + 2)) ** 2 + trigamma(2, 3) - trigamma(2, k + 2)
    different = (digamma(2) - digamma(k + 2)) ** 2 - trigamma(2, k + 2)
    mean_square = (2 * same + (k - 1) * different) / (k + 1)
    return float(k - 1 + k * (squares - mean_square))


def _two_cells(statistic: float, total: int, expected: float) -> float:
    # Pearson's statistic grows with the distance from the expected count, on either side alike.
    share = expected / total
    distance = math.sqrt(statistic * expected * (1 - share)) * (1 - 1e-9)
    low, high = math.floor(expected - distance), math.ceil(expected + distance)
    below = float(special.betainc(total - low, low + 1, 1 - share)) if low >= 0 else 0.0
    above = float(special.betainc(high, total - high + 1, share)) if high <= total else 0.0
    return min(1.0, below + above)
