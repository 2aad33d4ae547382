"""How long exact figures take, and how that grows with the number of categories."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from gscli.distribution.extremes import expected_max, near_vertex
from gscli.distribution.gradients import best_temperature, gradient_error
from gscli.distribution.moments import entropy, mean

from .measure import Row, gscli, limit, span

COUNTS = (3, 30, 300, 3000, 8192)
EXTREMES_MS = 30.0
DESCRIBE_S = {3: 0.6, 8192: 3.0}
FOUR_S = 1.2
SWEEP_S = {512: 3.0, 8192: 15.0}


def exact(folder: Path, quick: bool) -> list[Row]:  # noqa: ARG001
    """Measure the exact figures in this process, each at temperatures that it has not met."""
    rounds = 3 if quick else 9
    figures: dict[str, Callable[[np.ndarray, float], object]] = {
        "mean, entropy": lambda a, t: (mean(a, t), entropy(a, t)),
        "gradient error": gradient_error,
        "largest component": lambda a, t: (expected_max(a, t), near_vertex(a, t)),
    }
    rows = []
    for what, figure in figures.items():
        for k in COUNTS:
            logits = _logits(k)
            figure(logits, 0.4)
            seconds = [_timed(figure, logits, 0.5 + 0.01 * i) for i in range(rounds)]
            row = Row(f"{what}, K = {k}", f"{span([1000 * s for s in seconds])} ms")
            if what == "largest component" and k == 3:
                row = limit(row.what, 1000 * median(seconds), "ms", EXTREMES_MS)
            rows.append(row)
    for k in COUNTS:
        seconds = [_timed(_best, _logits(k, seed=i), 0.0) for i in range(1 if quick else 3)]
        rows.append(Row(f"best temperature, m = 1, 32, 1024, K = {k}", f"{span(seconds)} s"))
    return rows


def describe(folder: Path, quick: bool) -> list[Row]:
    """Measure `describe` and `sweep`, whole."""
    rounds = 2 if quick else 5
    rows = []
    for k in COUNTS:
        given = ["describe", "--pi", f"@{_weights(folder, k)}", "-t", "0.5", "--json"]
        rows.append(_whole(f"describe -t 0.5 --json, K = {k}", given, rounds, DESCRIBE_S.get(k)))
    four = ["describe", "--pi", f"@{_weights(folder, 512)}", "-t", "0.1,0.5,1,3", "--json"]
    rows.append(_whole("describe -t 0.1,0.5,1,3 --json, K = 512", four, rounds, FOUR_S))
    rows.append(_whole("describe", ["describe"], rounds, DESCRIBE_S[3]))
    for k, target in SWEEP_S.items():
        path = folder / "sweep.html"
        given = ["sweep", "--pi", f"@{_weights(folder, k)}", "-q", "-o", str(path)]
        rows.append(_whole(f"sweep, K = {k}", given, 1 if quick else 3, target, made=path))
    return rows


def _whole(
    what: str, arguments: list[str], rounds: int, target: float | None, made: Path | None = None
) -> Row:
    runs = []
    for _ in range(rounds):
        runs.append(gscli(*arguments))
        if made is not None:
            made.unlink()
    seconds = [run.seconds for run in runs]
    peak = f"{max(run.peak_mb for run in runs):.0f} MB"
    if target is None:
        return Row(what, f"{span(seconds)} s", peak)
    return limit(what, median(seconds), "s", target, peak)


def _logits(k: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=k)


def _weights(folder: Path, k: int) -> Path:
    path = folder / f"weights-{k}.npy"
    if not path.exists():
        np.save(path, np.exp(_logits(k)))
    return path


def _timed(
    figure: Callable[[np.ndarray, float], object], logits: np.ndarray, temperature: float
) -> float:
    begin = time.perf_counter()
    figure(logits, temperature)
    return time.perf_counter() - begin


def _best(logits: np.ndarray, _: float) -> None:
    for m in (1, 32, 1024):
        best_temperature(logits, m)


GROUPS: dict[str, Callable[[Path, bool], list[Row]]] = {"exact": exact, "describe": describe}
