"""Which parameters, if not the right ones, rejected samples fit.

The free maximum of the likelihood is compared with each simple mistake by Wald's statistic: its
distance in the information matrix, chi-squared with as many degrees of freedom as the mistake
leaves fixed.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from gscli.arrays import FloatArray
from gscli.distribution.concrete import Concrete
from gscli.inference.gof.noise_laws import PLAUSIBLE
from gscli.inference.likelihood import Estimate

MOST_NAMED = 10
"""Moved columns that are listed."""

MOST_SHOWN = 8
"""Probabilities that are shown."""

LOG_FACTOR = 5.0
"""Logarithm of the largest factor that is tried where the rows are few."""

FREE_CONSTANT = "proportional to"


@dataclass(frozen=True, eq=False, slots=True)
class Mistake:
    """A simple mistake: parameters `base` + s·`direction`, and the words for it, given s."""

    words: Callable[[float], str]
    base: FloatArray
    direction: FloatArray | None = None

    def p_value(self, estimate: Estimate) -> tuple[float, float]:
        """Return Wald's p-value, and the s > 0 that comes closest to the estimate."""
        gap = _parameters(estimate.logits, estimate.temperature) - self.base
        information, scale, freedom = estimate.information, 0.0, len(estimate.logits)
        if self.direction is not None:
            weighted = information @ self.direction
            scale = float(weighted @ gap / (weighted @ self.direction))
            if scale <= 0:
                return 0.0, scale
            gap, freedom = gap - scale * self.direction, freedom - 1
        return float(special.chdtrc(freedom, max(0.0, gap @ information @ gap))), scale


def likeliest(estimate: Estimate, given: Concrete, names: Sequence[str]) -> list[str]:
    """Return sentences on the mistakes that explain an estimate, the likeliest first.

    Parameters
    ----------
    estimate : Estimate
        Of the rejected samples.
    given : Concrete
        Where they should have come from.
    names : sequence of str
        Of the categories.
    """
    right = Mistake(str, _parameters(given.logits, given.temperature))
    if right.p_value(estimate)[0] > PLAUSIBLE:
        return []
    found: list[str] = []
    # What is simple comes first: of several columns some order always fits a little better.
    for mistakes in _mistakes(estimate, given, names):
        judged = [(*mistake.p_value(estimate), mistake.words) for mistake in mistakes]
        likely = sorted((j for j in judged if j[0] > PLAUSIBLE), key=lambda j: -j[0])
        found = [words(scale) for _, scale, words in likely]
        if found:
            break
    if not found or any(FREE_CONSTANT in words for words in found):
        # A constant that is free may explain two or three categories by accident.
        shown = np.array2string(
            np.exp(estimate.logits),
            precision=4,
            separator=", ",
            threshold=MOST_SHOWN,
            max_line_width=1000,
        )
        found.append(
            f"other parameters: the samples fit probabilities {shown} and temperature "
            f"{estimate.temperature:.4g}, not {given.temperature:.4g}"
        )
    return found


def likeliest_at(log_x: FloatArray, given: Concrete, fits: Callable[[Concrete], bool]) -> list[str]:
    """Return a sentence on the first mistake that explains rows too few for a free fit.

    Parameters
    ----------
    log_x : ndarray, shape (K, rows)
        Logarithms of the rejected samples.
    given : Concrete
        Where they should have come from.
    fits : callable
        Whether they can come from another distribution.
    """
    from scipy import optimize

    def at(mistake: Mistake, scale: float) -> Concrete:
        direction = 0.0 if mistake.direction is None else scale * mistake.direction
        *logits, temperature = (mistake.base + direction).tolist()
        return Concrete(logits=logits, temperature=temperature)

    def unlikely(log_scale: float, mistake: Mistake) -> float:
        return -float(at(mistake, math.exp(log_scale)).log_prob_log(log_x.T).sum())

    candidates = _exact_mistakes(given, 1 / given.temperature)
    for mistake in [*candidates, _other_temperature(given), _scaled_noise(given)]:
        scale = 1.0
        if mistake.direction is not None:
            around = math.log(given.temperature) if mistake.base[-2::-1].any() else 0.0
            bounds = (around - LOG_FACTOR, around + LOG_FACTOR)
            found = optimize.minimize_scalar(
                unlikely, bounds=bounds, args=(mistake,), method="bounded"
            )
            scale = math.exp(found.x)
        if fits(at(mistake, scale)):
            return [mistake.words(scale)]
    return []


def _mistakes(estimate: Estimate, given: Concrete, names: Sequence[str]) -> Iterator[list[Mistake]]:
    yield _exact_mistakes(given, estimate.temperature)
    yield [_other_temperature(given)]
    if np.ptp(given.logits) > 0:
        yield [_scaled_noise(given)]
    permuted = _permutations(estimate, given, names)
    yield permuted[:1]
    yield _free_mistakes(given, estimate) + permuted[1:]


def _exact_mistakes(given: Concrete, estimate: float) -> list[Mistake]:
    a, t = given.logits, given.temperature
    mistakes = [
        Mistake(
            lambda _: "probabilities were passed as logits: the samples fit logits = probs",
            _parameters(given.probs, t),
        )
    ]
    if np.ptp(a) > 0:
        words = "the logits were left out: the samples fit equal probabilities"
        mistakes.append(Mistake(lambda _: words, _parameters(np.zeros_like(a), t)))
    if t != 1:
        mistakes.append(
            Mistake(
                lambda _: (
                    f"the temperature is inverted: the samples fit {estimate:.4g}, about "
                    f"1 / {t:.4g}, not {t:.4g}"
                ),
                _parameters(a, 1 / t),
            )
        )
    if t != 1 and np.ptp(a) > 0:  # of equal logits the second is only the temperature 1
        mistakes += [
            Mistake(
                lambda _: "the temperature divides the noise alone: logits + noise / temperature",
                _parameters(t * a, t),
            ),
            Mistake(
                lambda _: "the temperature divides the logits alone: logits / temperature + noise",
                _parameters(a / t, 1.0),
            ),
        ]
    return mistakes


def _other_temperature(given: Concrete) -> Mistake:
    t = given.temperature
    return Mistake(
        lambda s: (
            f"the temperature is off by a factor of {s / t:.4g}: the samples fit "
            f"{s:.4g}, not {t:.4g}"
        ),
        _parameters(given.logits, 0.0),
        _parameters(np.zeros_like(given.logits), 1.0),
    )


def _scaled_noise(given: Concrete) -> Mistake:
    return Mistake(
        lambda s: (
            f"the noise is scaled by {1 / s:.4g}: the samples fit "
            f"(logits + {1 / s:.4g} noise) / temperature"
        ),
        _parameters(np.zeros_like(given.logits), 0.0),
        _parameters(given.logits, given.temperature),
    )


def _free_mistakes(given: Concrete, estimate: Estimate) -> list[Mistake]:
    a, t, k = given.logits, given.temperature, given.num_categories
    mistakes = []
    if np.ptp(a) > 0:
        mistakes.append(
            Mistake(
                lambda s: (
                    "probabilities were passed as logits: the samples' logits are "
                    f"{FREE_CONSTANT} probs, {s:.4g} times as large"
                ),
                _parameters(np.zeros(k), t),
                _parameters(given.probs, 0.0),
            )
        )
    if k > 2 and np.ptp(a) > 0:  # Two categories would always have such a shift.
        shift = _nearest_shift(a, estimate)
        mistakes.append(
            Mistake(
                lambda _: (
                    "logits were passed as probabilities: the samples' probabilities are "
                    f"{FREE_CONSTANT} log(probs) + {shift:.4g}"
                ),
                _parameters(np.log(a + shift), t),
            )
        )
    return mistakes


def _nearest_shift(a: FloatArray, estimate: Estimate) -> float:
    # Logits are known up to a constant, but a list of them passed as probabilities is not: take
    # the constant that explains the samples best.
    from scipy import optimize  # Only a rejection pays for it.

    def distance(log_rise: float) -> float:
        base = _parameters(np.log(a - a.min() + math.exp(log_rise)), estimate.temperature)
        gap = _parameters(estimate.logits, estimate.temperature) - base
        return float(gap @ estimate.information @ gap)

    best = optimize.minimize_scalar(distance, bounds=(-12, 6), method="bounded")
    return math.exp(best.x) - float(a.min())


def _permutations(estimate: Estimate, given: Concrete, names: Sequence[str]) -> list[Mistake]:
    from scipy import optimize

    cost = np.subtract.outer(estimate.logits, given.logits) ** 2
    cost += 1e-9 * (1 - np.eye(len(cost)))  # Equal categories stay where they are.
    _, source = optimize.linear_sum_assignment(cost)
    moved = [j for j, i in enumerate(source) if i != j]
    if not moved:
        return []
    shown = ", ".join(f"{names[j]} holds {names[source[j]]}" for j in moved[:MOST_NAMED])
    shown += ", ..." if len(moved) > MOST_NAMED else ""
    a, t = given.logits[source], given.temperature
    return [
        Mistake(lambda _: f"the columns are permuted: {shown}", _parameters(a, t)),
        Mistake(
            lambda s: (
                f"the columns are permuted ({shown}), and the samples fit temperature "
                f"{s:.4g}, not {t:.4g}"
            ),
            _parameters(a, 0.0),
            _parameters(np.zeros(len(a)), 1.0),
        ),
    ]


def _parameters(logits: FloatArray, temperature: float) -> FloatArray:
    return np.append(logits, temperature)
