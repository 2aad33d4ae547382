"""The laws of the distribution, at fixed seeds, through the files that the command wrote.

Every cell of the grid (K, temperature) yields many p-values: one for the argmax frequencies, one
for the body and one for the tails of every pairwise log-ratio, six for the flat Dirichlet that
undoes the distribution, two for a sub-composition. The chance that a correct sampler fails any of
them is at most `FALSE_ALARM` = 1e-6 for the whole grid: each of the 24 cells has an equal part of
it, and by Bonferroni each p-value in a cell an equal part of that. (The seeds are fixed, so a
correct sampler passes always or never: 1e-6 is the chance that the seeds were unlucky. The
Kolmogorov-Smirnov p-values are asymptotic: n is 50,000 or more.)

The same function of p-values is then shown to reject samplers that are slightly wrong.
"""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from scipy import stats
from scipy.special import expit

from gscli import Concrete
from gscli.distribution import noise as sampling
from gscli.io.readers import open_samples

FloatArray = np.ndarray[Any, np.dtype[np.float64]]

# Few categories have few pairs, and need more rows to show the same fault.
ROWS = {2: 200_000, 3: 200_000, 5: 100_000, 20: 50_000}
CATEGORIES = (2, 3, 5, 20)
TEMPERATURES = (0.02, 0.1, 0.5, 1.0, 3.0, 20.0)
FALSE_ALARM = 1e-6
CELL_ALARM = FALSE_ALARM / (len(CATEGORIES) * len(TEMPERATURES))
TAIL = 1.3e-4
"""Uniforms clamped at 1e-3 leave log-ratios without the last 1.4e-4 of their law."""


def weights(k: int) -> FloatArray:
    """The classic 1, 3, 6 for three categories, and as uneven for the others."""
    return np.array([1.0, 3, 6, 2, 11] * 4)[:k] if k != 20 else np.linspace(1, 9, 20)


def kolmogorov(u: FloatArray) -> float:
    """P-value of uniform draws, from the asymptotic law of the largest distance."""
    u, n = np.sort(u), len(u)
    steps = np.arange(n + 1) / n
    distance = max((steps[1:] - u).max(), (u - steps[:-1]).max())
    return float(stats.kstwobign.sf(distance * np.sqrt(n)))


def tails(u: FloatArray) -> list[float]:
    """P-values of the numbers of uniform draws below `TAIL` and above 1 - `TAIL`."""
    counts = (int((u < TAIL).sum()), int((u > 1 - TAIL).sum()))
    return [float(stats.binomtest(count, u.size, TAIL).pvalue) for count in counts]


def flat_dirichlet(log_x: FloatArray, pi: FloatArray, t: float) -> list[float]:
    """Joint test: sticks broken off a flat Dirichlet are independent and, transformed, uniform."""
    d = np.log(pi) - t * log_x
    d = np.exp(d - d.max(axis=1, keepdims=True))
    left = np.cumsum(d[:, ::-1], axis=1)[:, ::-1]  # what is left before each break
    power = np.arange(d.shape[1] - 1, 0, -1)
    u = 1 - (left[:, 1:] / left[:, :-1]) ** power
    tiny = np.finfo(float).tiny
    fisher = -2 * np.log(np.maximum(u, tiny)).sum(axis=1)
    other = -2 * np.log(np.maximum(1 - u, tiny)).sum(axis=1)
    law = stats.chi2(2 * u.shape[1])
    joint = [kolmogorov(law.cdf(fisher)), kolmogorov(law.cdf(other))]
    return [kolmogorov(u.ravel()), *tails(u), *joint, spread(u)]


def spread(u: FloatArray) -> float:
    """P-value of the variance of the uniforms' logits, which a wrong temperature changes."""
    z = np.log(np.clip(u, 1e-300, None)) - np.log1p(-np.clip(u, None, 1 - 1e-16))
    squares = z.ravel() ** 2  # of mean π²/3 and fourth moment 7π⁴/15
    error = (squares.mean() - np.pi**2 / 3) / np.sqrt((16 / 45) * np.pi**4 / squares.size)
    return float(2 * stats.norm.sf(abs(error)))


def p_values(log_x: FloatArray, pi: FloatArray, t: float) -> dict[str, float]:
    """Every law of the distribution; nothing of the package is used."""
    n, k = log_x.shape
    p = pi / pi.sum()
    counts = np.bincount(log_x.argmax(axis=1), minlength=k)
    values = {"argmax": float(stats.chisquare(counts, n * p).pvalue)}
    for i, j in combinations(range(k), 2):
        u = expit(t * (log_x[:, i] - log_x[:, j]) - np.log(pi[i] / pi[j]))
        values[f"ratio {i},{j}"] = kolmogorov(u)
        low, high = tails(u)
        values[f"tails {i},{j}"] = min(1, 2 * min(low, high))
    names = ("body", "low", "high", "joint", "other", "spread")
    for name, value in zip(names, flat_dirichlet(log_x, pi, t), strict=True):
        values[f"flat {name}"] = value
    if k > 2:
        part = [k - 1, 0, k // 2][: max(2, k - 2)]
        sub = log_x[:, part] - np.logaddexp.reduce(log_x[:, part], axis=1, keepdims=True)
        body, *_, joint, _, wide = flat_dirichlet(sub, pi[part], t)
        values |= {"part body": body, "part joint": joint, "part spread": wide}
        won = np.bincount(sub.argmax(axis=1), minlength=len(part))
        values["part argmax"] = float(stats.chisquare(won, n * pi[part] / pi[part].sum()).pvalue)
    return values


def rejected(values: dict[str, float]) -> dict[str, float]:
    return {name: p for name, p in values.items() if not p > CELL_ALARM / len(values)}


@pytest.mark.parametrize("t", TEMPERATURES)
@pytest.mark.parametrize("k", CATEGORIES)
def test_files_obey_the_laws(
    k: int, t: float, invoke: Callable[..., Result], tmp_path: Path
) -> None:
    pi = weights(k)
    cell = CATEGORIES.index(k) * len(TEMPERATURES) + TEMPERATURES.index(t)
    suffix = ("npy", "csv", "parquet")[(cell + cell // len(TEMPERATURES)) % 3]
    log = t < 0.5
    result = invoke(
        "sample", "--pi", ",".join(map(str, pi)), "-t", t, "-n", ROWS[k], "--seed", 1000 + cell,
        "-o", f"x.{suffix}", *(["--log"] if log else []),
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    rows = np.concatenate([block.rows for block in open_samples(str(tmp_path / f"x.{suffix}"))])
    assert rows.shape == (ROWS[k], k)
    if log:
        assert (rows <= 0).all()
        np.testing.assert_allclose(np.exp(rows).sum(axis=1), 1, rtol=1e-12)
    else:
        np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-12)
    assert not rejected(p_values(rows if log else np.log(rows), pi, t))


@pytest.mark.parametrize("t", TEMPERATURES)
def test_hard_files_are_the_vertices_of_the_soft_ones(
    t: float, invoke: Callable[..., Result], tmp_path: Path
) -> None:
    same = ("--pi", "1,3,6,2", "-t", t, "-n", 5000, "--seed", 5)
    assert invoke("sample", *same, "--hard", "-o", "hard.npy").exit_code == 0
    assert invoke("sample", *same, "--log", "-o", "log.npy").exit_code == 0
    hard, log = np.load(tmp_path / "hard.npy"), np.load(tmp_path / "log.npy")
    assert (hard == np.eye(4)[log.argmax(axis=1)]).all()


# --- the tests can fail -------------------------------------------------------------------------


def drawn(k: int, t: float, *, clip: float = 0.0, keep: float = 0.0) -> FloatArray:
    """Log-samples by the formula, from uniforms kept away from 0 and 1, or partly repeated."""
    rng = np.random.default_rng(7)
    u = np.clip(rng.random((ROWS[k], k)), clip or 1e-17, 1 - (clip or 1e-16))
    if keep:
        u[:, 1] = np.where(rng.random(ROWS[k]) < keep, u[:, 0], u[:, 1])
    scores = (np.log(weights(k)) - np.log(-np.log(u))) / t
    return np.asarray(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))


@pytest.mark.parametrize("k", CATEGORIES)
def test_the_formula_itself_is_accepted(k: int) -> None:
    assert not rejected(p_values(drawn(k, 1.0), weights(k), 1.0))


@pytest.mark.parametrize("k", [5, 20])
@pytest.mark.parametrize("factor", [0.97, 1.03])
def test_a_temperature_three_per_cent_off_is_rejected(k: int, factor: float) -> None:
    log_x = Concrete(weights(k), factor).sample_log(ROWS[k], seed=3)
    assert rejected(p_values(log_x, weights(k), 1.0))


@pytest.mark.parametrize("k", CATEGORIES)
def test_a_temperature_eight_per_cent_off_is_rejected_at_any_k(k: int) -> None:
    log_x = Concrete(weights(k), 1.08).sample_log(ROWS[k], seed=3)
    assert rejected(p_values(log_x, weights(k), 1.0))


@pytest.mark.parametrize("k", CATEGORIES)
def test_uniforms_kept_away_from_zero_and_one_are_rejected(k: int) -> None:
    assert rejected(p_values(drawn(k, 1.0, clip=1e-3), weights(k), 1.0))


@pytest.mark.parametrize("k", CATEGORIES)
def test_noise_shared_by_two_categories_in_one_row_of_twenty_is_rejected(k: int) -> None:
    assert rejected(p_values(drawn(k, 1.0, keep=0.05), weights(k), 1.0))


@pytest.mark.parametrize("k", CATEGORIES)
def test_a_wrong_weight_is_rejected(k: int) -> None:
    wrong = weights(k).copy()
    wrong[0] *= 1.12
    log_x = Concrete(wrong, 1.0).sample_log(ROWS[k], seed=3)
    assert rejected(p_values(log_x, weights(k), 1.0))


@pytest.mark.parametrize("k", [3, 5, 20])
def test_probabilities_mistaken_for_logits_are_rejected(k: int) -> None:
    log_x = Concrete(logits=weights(k), temperature=1.0).sample_log(ROWS[k], seed=3)
    assert rejected(p_values(log_x, weights(k), 1.0))


def test_normal_noise_instead_of_gumbel_is_rejected() -> None:
    scores = np.log(weights(3)) + np.random.default_rng(0).normal(0, np.pi / 6**0.5, (ROWS[3], 3))
    log_x = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    assert rejected(p_values(log_x, weights(3), 1.0))


def test_a_fault_in_the_stream_itself_reaches_the_files(
    invoke: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way from the transform to the verdict, with the uniforms clamped at 1e-3."""
    honest = sampling.noise_from_uniform
    monkeypatch.setattr(
        sampling, "noise_from_uniform", lambda u: honest(np.clip(u, 1e-3, 1 - 1e-3))
    )
    assert invoke("sample", "-t", 1, "-n", ROWS[3], "--seed", 0, "-o", "x.npy").exit_code == 0
    assert rejected(p_values(np.log(np.load(tmp_path / "x.npy")), weights(3), 1.0))
