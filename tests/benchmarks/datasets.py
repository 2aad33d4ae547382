"""Datasets: how time and memory grow with rows and with parts, and processes beside threads."""

import json
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from .measure import Row, compare, gscli, in_turns, limit, python

CLASSIC = ("--pi", "1,3,6", "-t", "3", "--seed", "1", "-q")
ROW_BYTES = 24
PART_ROWS = 10**6
PART_MS = 20
OPENED_PARTS, OPENED_SECONDS = 10_000, 2.0
SLOWEST = 1 / 0.9
"""The time of two processes beside that of two threads."""

PEAK_MB = 400.0
WORKERS = ("--dask", "local:2")

READERS: dict[str, tuple[str, ...]] = {
    "check": (),
    "fit": (),
    "describe": (),
    "plot": ("-f", "-o", "x.json"),
}
OPENING = (
    "import json, sys, time; from gscli.io.readers import open_samples; "
    "begin = time.perf_counter(); open_samples(sys.argv[1]); "
    "print(json.dumps(time.perf_counter() - begin))"
)


def rows(folder: Path, quick: bool) -> list[Row]:
    """Measure each command from 10**5 rows on; nothing but the time grows with them."""
    return [*_grown(folder, range(5, 7 if quick else 8))]


def large(folder: Path, quick: bool) -> list[Row]:
    """Measure each command at 10**8 rows and, in full, at 10**9."""
    return [*_grown(folder, range(8, 9 if quick else 10))]


def _grown(folder: Path, powers: range) -> Iterator[Row]:
    place = folder / "dataset"
    for kind in ("npy", "parquet"):
        for n in (10**power for power in powers):
            if shutil.disk_usage(folder).free < 1.2 * n * ROW_BYTES:
                yield Row(f"{n:.0e} rows, {kind}", "", f"needs {n * ROW_BYTES / 1e9:.0f} GB")
                continue
            shards = str(max(1, n // PART_ROWS))
            commands: dict[str, tuple[str | Path, ...]] = {
                "sample": ("sample", *CLASSIC, "-n", str(n), "--shards", shards, "-o", place),
                **{name: (name, place, *_in(folder, more)) for name, more in READERS.items()},
            }
            for name, words in commands.items():
                run = gscli(*words, *(("--format", kind) if name == "sample" else ()))
                against = f"{run.seconds / n * 1e9:.3g} ns a row, {run.peak_mb:.0f} MB"
                what = f"{name}, {n:.0e} rows, {kind}"
                yield Row(what, f"{run.seconds:.3g} s", against, met=run.peak_mb <= PEAK_MB)
            shutil.rmtree(place)


def parts(folder: Path, quick: bool) -> list[Row]:
    """Measure what a part costs beside its rows, and what opening many costs."""
    n, most = 10**6, 100 if quick else 1000
    found = []
    for who, options in _places().items():
        seconds: dict[str, list[float]] = {"sample": [], "check": []}
        for count in (2, most):
            place = folder / f"in-{count}"
            words = ("-n", str(n), "--shards", str(count), "-o", place)
            seconds["sample"].append(gscli("sample", *CLASSIC, *words, *options).seconds)
            seconds["check"].append(gscli("check", place, "-q", *options).seconds)
            shutil.rmtree(place)
        for name, (few, many) in seconds.items():
            ms = (many - few) / (most - 2) * 1e3
            found.append(limit(f"{name}, a part beside its rows, {who}", ms, "ms", PART_MS))
    place = folder / "many"
    gscli("sample", *CLASSIC, "-n", str(OPENED_PARTS), "--shards", str(OPENED_PARTS), "-o", place)
    opening = json.loads(python("-c", OPENING, place).output)
    shutil.rmtree(place)
    what = f"opening a dataset of {OPENED_PARTS:,} parts"
    return [*found, limit(what, opening, "s", OPENED_SECONDS)]


def workers(folder: Path, quick: bool) -> list[Row]:
    """Compare two processes with two threads, both from the start of the command on."""
    if find_spec("distributed") is None:
        return [Row("two processes beside two threads", "", "distributed not installed")]
    n, place = 10**7 if quick else 10**8, folder / "dataset"
    if shutil.disk_usage(folder).free < 1.2 * n * ROW_BYTES:
        return [Row("two processes beside two threads", "", "no room")]
    drawn = ("sample", *CLASSIC, "-n", str(n), "--shards", str(n // PART_ROWS), "-o", place)

    def sampled(options: tuple[str, ...]) -> float:
        shutil.rmtree(place, ignore_errors=True)
        return gscli(*drawn, *options).seconds

    def checked(options: tuple[str, ...]) -> float:
        return gscli("check", place, "-q", *options).seconds

    found = []
    for name, run in {"sample": sampled, "check": checked}.items():
        contestants = {who: partial(run, options) for who, options in _places().items()}
        times = in_turns(contestants, 2 if quick else 5)
        what = f"{name}, {n:.0e} rows, by two processes"
        found.append(
            compare(
                what, times, "processes", "threads", kind="within", target=SLOWEST, note="threads"
            )
        )
    shutil.rmtree(place)
    return found


def _places() -> dict[str, tuple[str, ...]]:
    """Return the options by where the work runs."""
    processes = {"processes": WORKERS} if find_spec("distributed") else {}
    return {"threads": ("-j", "2"), **processes}


def _in(folder: Path, words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(folder / word) if word.startswith("x.") else word for word in words)


GROUPS: dict[str, Callable[[Path, bool], list[Row]]] = {
    "rows": rows,
    "rows-large": large,
    "parts": parts,
    "workers": workers,
}
