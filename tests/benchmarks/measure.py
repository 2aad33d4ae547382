"""Timing: what is compared is run in turns, so that a busy machine slows all of it alike."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

REFERENCES = "tests.benchmarks.references"
ROOT = Path(__file__).resolve().parents[2]
Rounds = Mapping[str, list[float]]


@dataclass(frozen=True)
class Row:
    """A line of the table; `met` is None where nothing is promised."""

    what: str
    ours: str
    against: str = ""
    ratio: str = ""
    target: str = ""
    met: bool | None = None


@dataclass(frozen=True)
class Run:
    """What a process printed and took."""

    output: str
    seconds: float
    peak_mb: float


def python(*arguments: str | os.PathLike[str]) -> Run:
    """Run Python in a process of its own, at the root of this checkout.

    Its peak memory means something only while the present process is small: across `exec`, Linux
    carries over the peak of the process that started it.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, *map(str, arguments)]
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    )
    assert process.stdout is not None
    with process.stdout as pipe:
        output = pipe.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    # In kilobytes on Linux, in bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(output, seconds, usage.ru_maxrss * unit / 1e6)


def gscli(*arguments: str | os.PathLike[str]) -> Run:
    """Run the command line of this checkout."""
    return python("-m", "gscli", *arguments)


def reported(reference: str, n: int, path: Path) -> float:
    """Return the seconds that one of the references says it took, and delete what it wrote."""
    run = python("-m", REFERENCES, reference, path, str(n))
    path.unlink()
    return float(json.loads(run.output)["seconds"])


def in_turns(contestants: Mapping[str, Callable[[], float]], rounds: int) -> Rounds:
    """Run all of them in each round, and return the seconds (or what they report) by name."""
    results: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            results[name].append(run())
    return results


def compare(
    what: str,
    rounds: Rounds,
    ours: str,
    reference: str,
    *,
    target: float | None = None,
    kind: Literal["faster", "within"] = "faster",
    unit: str = "s",
    note: str = "",
    spread: bool = False,
) -> Row:
    """Return the row of a comparison; its ratio is the median of those within each round."""
    pairs = list(zip(rounds[ours], rounds[reference], strict=True))
    ratio = median(b / a if kind == "faster" else a / b for a, b in pairs)
    if kind == "faster":
        text, wanted, met = f"{ratio:.2f}x faster", f">= {target}x", ratio >= (target or 0)
    else:
        text, wanted, met = f"{ratio:.2f}x the time", f"<= {target}x", ratio <= (target or 0)
    shown = span if spread else _median
    return Row(
        what,
        f"{shown(rounds[ours])} {unit}",
        f"{shown(rounds[reference])} {unit}  {note or reference}",
        text,
        "" if target is None else wanted,
        None if target is None else met,
    )


def limit(what: str, value: float, unit: str, at_most: float, against: str = "") -> Row:
    """Return the row of a figure that must not exceed a limit."""
    return Row(
        what, f"{_three(value)} {unit}", against, "", f"<= {at_most:g} {unit}", value <= at_most
    )


def span(values: Sequence[float]) -> str:
    """Return the median, and the least and the largest."""
    return f"{_median(values)} ({_three(min(values))} to {_three(max(values))})"


def _median(values: Sequence[float]) -> str:
    return _three(median(values))


def _three(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
