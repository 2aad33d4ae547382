"""Samplers that are wrong in ways that happen, at any number of categories.

Each takes a `Case` and returns its rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gscli import Concrete
from gscli.arrays import FloatArray, log_softmax

TEMPERATURE = 0.7
"""Of all cases: rows of 20 categories do not underflow."""


@dataclass(frozen=True)
class Case:
    """The distribution that the rows should have, and the randomness of a wrong sampler."""

    num_categories: int
    n: int
    seed: int = 1

    @property
    def distribution(self) -> Concrete:
        return Concrete(logits=self.logits, temperature=TEMPERATURE)

    @property
    def logits(self) -> FloatArray:
        found: FloatArray = 1.5 * np.log(np.arange(1, self.num_categories + 1))
        return found

    @cached_property
    def uniforms(self) -> FloatArray:
        shape = (self.n, self.num_categories)
        return 1 - np.random.default_rng(self.seed).random(shape)

    @property
    def gumbels(self) -> FloatArray:
        return -np.log(-np.log(np.minimum(self.uniforms, 1 - 2**-53)))

    @property
    def normals(self) -> FloatArray:
        shape = (self.n, self.num_categories)
        return np.random.default_rng(self.seed).standard_normal(shape)

    def rows(self, noise: FloatArray | None = None, **changed: FloatArray | float) -> FloatArray:
        """Return softmax((logits + noise) / temperature), with what is changed."""
        logits = changed.get("logits", self.logits)
        temperature = changed.get("temperature", TEMPERATURE)
        scores = (logits + (self.gumbels if noise is None else noise)) / temperature
        found: FloatArray = np.exp(log_softmax(scores))
        return found


def _reused(case: Case) -> FloatArray:
    return case.rows(case.gumbels[np.arange(case.n) % (case.n // 4)])


def _shared_by_two(case: Case) -> FloatArray:
    noise = case.gumbels
    noise[:, 1] = noise[:, 2]
    return case.rows(noise)


def _correlated(case: Case) -> FloatArray:
    # A Gaussian copula: each category's noise is Gumbel's, but one normal number enters them all.
    from scipy import special

    common = np.random.default_rng(case.seed + 1).standard_normal((case.n, 1))
    pair = np.sqrt(0.7) * case.normals[:, :2] + np.sqrt(0.3) * common
    noise = case.gumbels
    noise[:, :2] = -np.log(-special.log_ndtr(pair))
    return case.rows(noise)


def _serial(case: Case) -> FloatArray:
    from scipy import special

    normals = case.normals
    for row in range(1, case.n):
        normals[row] = 0.3 * normals[row - 1] + np.sqrt(1 - 0.3**2) * normals[row]
    return case.rows(-np.log(-special.log_ndtr(normals)))


def _alternating(case: Case) -> FloatArray:
    return case.rows(temperature=TEMPERATURE * np.where(np.arange(case.n) % 2, 0.8, 1.25)[:, None])


def _annealed(case: Case) -> FloatArray:
    return case.rows(temperature=TEMPERATURE * np.linspace(1.1, 0.9, case.n)[:, None])


def _sorted(case: Case) -> FloatArray:
    found = case.rows()
    return found[np.argsort(found[:, 0])]


def _some_pushed(case: Case) -> FloatArray:
    noise = case.gumbels
    noise[::1000, 0] -= 30
    return case.rows(noise)


def _swapped(case: Case) -> FloatArray:
    found = case.rows()
    found[:, [0, -1]] = found[:, [-1, 0]]
    return found


def _over_rows(case: Case) -> FloatArray:
    scores = (case.logits + case.gumbels) / TEMPERATURE
    found: FloatArray = np.exp(log_softmax(scores, axis=0))
    return found


def _some_hard(case: Case) -> FloatArray:
    found = case.rows()
    found[::20] = np.eye(case.num_categories)[found[::20].argmax(axis=1)]
    return found


def _antithetic(case: Case) -> FloatArray:
    half = case.uniforms[: case.n // 2] * (1 - 2**-52)
    pairs = np.stack([half, 1 - half], axis=1).reshape(case.n, -1)
    return case.rows(-np.log(-np.log(pairs)))


def _coarse_uniforms(case: Case) -> FloatArray:
    uniforms = (np.floor(case.uniforms * 2**10) + 0.5) / 2**10
    return case.rows(-np.log(-np.log(uniforms)))


@dataclass(frozen=True)
class Wrong:
    """A wrong sampler, and words of the sentence that names it."""

    rows: Callable[[Case], FloatArray]
    words: str
    passes: tuple[tuple[int, int], ...] = ()
    """The (K, n) at which the tests cannot see it."""


WRONG = {
    "temperature tripled": Wrong(
        lambda case: case.rows(temperature=3 * TEMPERATURE), "temperature is off by a factor of"
    ),
    "temperature + 5 %": Wrong(
        lambda case: case.rows(temperature=1.05 * TEMPERATURE), "temperature is off by a factor of"
    ),
    "temperature inverted": Wrong(
        lambda case: case.rows(temperature=1 / TEMPERATURE), "temperature is inverted"
    ),
    "temperature divides the noise alone": Wrong(
        lambda case: case.rows(case.gumbels / TEMPERATURE, temperature=1.0), "divides the noise"
    ),
    "temperature divides the logits alone": Wrong(
        lambda case: case.rows(logits=case.logits / TEMPERATURE, temperature=1.0),
        "divides the logits",
    ),
    "probabilities as logits": Wrong(
        lambda case: case.rows(logits=case.distribution.probs),
        "probabilities were passed as logits",
    ),
    "weights as logits": Wrong(
        lambda case: case.rows(logits=np.exp(case.logits)), "probabilities were passed as logits"
    ),
    "logits as probabilities": Wrong(
        lambda case: case.rows(logits=np.log(case.logits + 1)),
        "logits were passed as probabilities",
    ),
    "other probabilities": Wrong(
        lambda case: case.rows(logits=case.logits * 0.6), "other parameters"
    ),
    "uniform probabilities": Wrong(
        lambda case: case.rows(logits=np.zeros(case.num_categories)), "logits were left out"
    ),
    "two columns swapped": Wrong(_swapped, "columns are permuted"),
    "columns reversed": Wrong(lambda case: case.rows()[:, ::-1], "columns are permuted"),
    "noise times 0.9": Wrong(lambda case: case.rows(0.9 * case.gumbels), "noise is scaled by 0."),
    "noise times 1.1": Wrong(lambda case: case.rows(1.1 * case.gumbels), "noise is scaled by 1."),
    "normal noise": Wrong(lambda case: case.rows(case.normals), "noise is normal"),
    "normal noise of Gumbel's variance": Wrong(
        lambda case: case.rows(1.2825 * case.normals), "noise is normal"
    ),
    "logistic noise": Wrong(
        lambda case: case.rows(np.log(case.uniforms) - np.log1p(2**-60 - case.uniforms)),
        "noise is logistic",
    ),
    "exponential noise": Wrong(
        lambda case: case.rows(-np.log(case.uniforms)), "noise is exponential"
    ),
    "uniform noise": Wrong(lambda case: case.rows(case.uniforms), "noise is uniform"),
    "noise of the wrong sign": Wrong(lambda case: case.rows(-case.gumbels), "wrong sign"),
    "no noise": Wrong(lambda case: case.rows(0 * case.gumbels), "noise is missing"),
    "noise drawn once": Wrong(
        lambda case: case.rows(case.gumbels[:1] + np.zeros((case.n, 1))), "drawn once"
    ),
    "two categories share noise": Wrong(_shared_by_two, "share their noise"),
    "categories' noise correlated": Wrong(_correlated, "not independent"),
    "rows correlated": Wrong(_serial, "rows depend on earlier ones"),
    "noise reused": Wrong(_reused, "noise is reused"),
    "rows sorted": Wrong(_sorted, "rows are sorted"),
    "temperature alternates": Wrong(_alternating, "temperature changes"),
    "temperature annealed": Wrong(_annealed, "temperature changes along the file"),
    "uniforms clamped to 1e-2": Wrong(
        lambda case: case.rows(-np.log(-np.log(np.clip(case.uniforms, 1e-2, 1 - 1e-2)))), "clamped"
    ),
    "uniforms of 10 bits": Wrong(_coarse_uniforms, "clamped or coarse", passes=((3, 10**4),)),
    "one logit pushed in 0.1 % of rows": Wrong(_some_pushed, "outliers"),
    "labels smoothed": Wrong(
        lambda case: 0.99 * case.rows() + 0.01 / case.num_categories, "smoothed"
    ),
    "hard samples": Wrong(
        lambda case: np.eye(case.num_categories)[case.rows().argmax(axis=1)], "hard samples"
    ),
    "softmax over the rows": Wrong(_over_rows, "softmax ran over the rows"),
    "not normalised": Wrong(lambda case: 1.01 * case.rows(), "not normalised"),
    "Laplace noise": Wrong(
        lambda case: case.rows(np.random.default_rng(case.seed).laplace(size=case.normals.shape)),
        "noise is not Gumbel",
    ),
    "normal numbers added to the logits": Wrong(
        lambda case: case.rows(case.gumbels + 0.5 * case.normals),
        "noise is",
    ),
    "softmax twice": Wrong(lambda case: np.exp(log_softmax(case.rows())), "noise is not Gumbel"),
    "some rows hard": Wrong(_some_hard, "which cannot occur at temperature"),
    "antithetic pairs of rows": Wrong(_antithetic, "rows depend on earlier ones"),
}
