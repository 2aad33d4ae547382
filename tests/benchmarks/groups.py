"""The groups of the table. Each takes a folder for its files, and whether to be quick."""

import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from gscli.errors import BrowserNotFoundError
from gscli.plotting.browser import find_browser

from . import categories, datasets, outputs
from .measure import REFERENCES, Row, compare, gscli, in_turns, limit, python, reported

CLASSIC = ("--pi", "1,3,6", "-t", "3", "--seed", "1", "-q", "-f")
PEAK_MB = 350.0
Group = Callable[[Path, bool], list[Row]]


def stream(folder: Path, quick: bool) -> list[Row]:  # noqa: ARG001
    """Compare the stream with other samplers, for each K."""
    values, rounds = (3_000_000, 3) if quick else (12_000_000, 9)
    given = ["--values", str(values), "--rounds", str(rounds)]
    measured = json.loads(python("-m", "tests.benchmarks.stream", *given).output)
    names = {
        "torch": "torch rsample",
        "jax": "jax",
        "numpy": "NumPy formula",
        "loop": "loop, vstack",
    }
    rows = []
    for name, shown in names.items():
        for k, rounds_of_k in measured.items():
            what = f"stream, K = {k}"
            target = (3.5 if k == "3" else 1.0) if name == "torch" else None
            if name in rounds_of_k:
                rows.append(
                    compare(
                        what, rounds_of_k, "ours", name, target=target, unit="ns/value", note=shown
                    )
                )
        if name not in measured["3"]:
            rows.append(_missing("stream", name))
    return rows


def npy(folder: Path, quick: bool) -> list[Row]:
    """Compare `sample -o x.npy`, whole, with torch in chunks and with saving alone."""
    n, rounds = 50_000_000, 1 if quick else 3
    path = folder / "x.npy"
    contestants = {"ours": partial(_whole, ["-m", "gscli", "sample", *CLASSIC], n, path)}
    scripts = {"torch_memmap": "torch to a memmap", "torch_save": "torch, then np.save"}
    torch = find_spec("torch") is not None
    for script in scripts if torch else ():
        contestants[script] = partial(_whole, ["-m", REFERENCES, script], n, path)
    contestants["np_save"] = partial(reported, "np_save", n, path)
    times = in_turns(contestants, rounds)
    what = f"sample -n {n:.0e} -o x.npy"
    rows = [] if torch else [_missing(what, "torch")]
    # Held to the better of the two scripts.
    fastest = min(scripts, key=lambda name: median(times.get(name, [0])))
    for script, shown in scripts.items() if torch else ():
        target = 3.0 if script == fastest else None
        rows.append(compare(what, times, "ours", script, target=target, note=shown))
    rows.append(compare(what, times, "ours", "np_save", kind="within", note="np.save, ready array"))
    return rows


def csv(folder: Path, quick: bool) -> list[Row]:
    """Compare `sample -o x.csv`, whole, with polars and NumPy writing what is ready."""
    n, savetxt_n, rounds = 5_000_000, 200_000, 2 if quick else 7
    path = folder / "x.csv"
    times = dict(
        in_turns(
            {
                "ours": partial(_whole, ["-m", "gscli", "sample", *CLASSIC], n, path),
                "polars": partial(reported, "polars_csv", n, path),
                "import": lambda: python("-c", "import polars").seconds,
                "savetxt": lambda: reported("savetxt", savetxt_n, path) * n / savetxt_n,
            },
            rounds,
        )
    )
    times["started"] = [a + b for a, b in zip(times["polars"], times["import"], strict=True)]
    what = f"sample -n {n:.0e} -o x.csv"
    return [
        compare(
            what, times, "ours", "polars", kind="within", target=1.4, note="polars write_csv, warm"
        ),
        compare(
            what, times, "ours", "started", kind="within", note="the same + python, import polars"
        ),
        compare(
            what,
            times,
            "ours",
            "savetxt",
            target=10,
            note=f"np.savetxt, from {savetxt_n:.0e} rows",
        ),
    ]


def memory(folder: Path, quick: bool) -> list[Row]:
    """Measure the peak memory of large outputs."""
    weights = folder / "weights.json"
    weights.write_text(json.dumps(list(range(1, 8193))))
    large_k = ("--pi", f"@{weights}", "--seed", "1", "-q", "-f")
    scale = 10 if quick else 1
    cases: list[tuple[str, tuple[str, ...], int, str, int]] = [
        ("x.npy", CLASSIC, 10**8 // scale, "", 3 * 8),
        ("x.csv", CLASSIC, 10**7 // scale, "", 3 * 20),
        ("x.npy", large_k, 10**5 // scale, ", K = 8192", 8192 * 8),
    ]
    rows = []
    for name, options, n, note, row_bytes in cases:
        what = f"peak memory, -n {n:.0e} -o {name}{note}"
        path = folder / name
        if shutil.disk_usage(folder).free < 1.2 * n * row_bytes:
            rows.append(Row(what, "", f"needs {n * row_bytes / 1e9:.1f} GB of disk"))
            continue
        run = gscli("sample", *options, "-n", str(n), "-o", path)
        path.unlink()
        rows.append(limit(what, run.peak_mb, "MB", PEAK_MB, f"in {run.seconds:.3g} s"))
    return rows


def start(folder: Path, quick: bool) -> list[Row]:
    """Measure what starting costs over a bare interpreter."""
    path = folder / "x.csv"
    commands = {
        "bare": ("-c", "pass"),
        "--version": ("-m", "gscli", "--version"),
        "--help": ("-m", "gscli", "--help"),
        "sample": ("-m", "gscli", "sample", *CLASSIC, "-n", "10000", "-o", str(path)),
    }
    contestants = {
        name: partial(lambda given: python(*given).seconds, given)
        for name, given in commands.items()
    }
    in_turns(contestants, 1)
    times = in_turns(contestants, 5 if quick else 20)
    rows = []
    for name in ("--version", "--help"):
        extra = [a - b for a, b in zip(times[name], times["bare"], strict=True)]
        against = f"{median(times['bare']) * 1e3:.0f} ms  python -c pass"
        rows.append(limit(f"gscli {name}, more than", median(extra) * 1e3, "ms", 60, against))
    rows.append(limit("sample -n 10000 -o x.csv", median(times["sample"]), "s", 0.5))
    return rows


def plot(folder: Path, quick: bool) -> list[Row]:
    """Compare images with plotly's own, and measure pages."""
    rounds = 2 if quick else 7
    page, png, figure = folder / "x.html", folder / "x.png", folder / "x.json"
    drawn = ("plot", *CLASSIC[:-1])
    images = [folder / f"x{suffix}" for suffix in (".png", ".svg", ".pdf")]
    gscli(*drawn, "-o", figure)
    contestants: dict[str, Callable[[], float]] = {
        "html": lambda: gscli(*drawn, "-o", page).seconds
    }
    if _has_browser():
        contestants |= {
            "png": lambda: gscli(*drawn, "-o", png).seconds,
            "three": lambda: gscli(*drawn, *(f"-o{image}" for image in images)).seconds,
            "write_image": lambda: python("-m", REFERENCES, "write_image", png, "0").seconds,
        }
    times = in_turns(contestants, rounds)
    rows = [limit("plot -o x.html, 10,000 points", median(times["html"]), "s", 1.0)]
    if "png" in times:
        rows += [
            compare("plot -o x.png", times, "png", "write_image", kind="within", target=1.0),
            compare(
                "plot, png, svg and pdf",
                times,
                "three",
                "png",
                kind="within",
                target=1.5,
                note="png alone",
            ),
        ]
    else:
        rows.append(Row("plot -o x.png", "", "no browser"))
    gscli(*drawn, "-n", "1e6", "--plotlyjs", "cdn", "-o", page)
    size = page.stat().st_size / 1e6
    rows.append(limit("page of 10^6 samples, plotly.js apart", size, "MB", 0.3))
    what = "panning it: 95 % of the frames come within"
    if _has_browser() and find_spec("playwright"):
        gscli(*drawn, "-n", "1e6", "-o", page)
        frames = json.loads(python("-m", "tests.benchmarks.panning", page).output)
        rows.append(limit(what, frames["slow"], "ms", 50, f"median {frames['median']:.3g} ms"))
    else:
        rows.append(_missing(what, "playwright or a browser"))
    return rows


def sweep(folder: Path, quick: bool) -> list[Row]:
    """Measure making the page of `sweep`, its size, and moving its temperature."""
    page = folder / "x.html"
    drawn = ("sweep", "--seed", "1", "-q", "--force")
    seconds = [gscli(*drawn, "-o", page).seconds for _ in range(3 if quick else 7)]
    rows = [limit("sweep, whole command", median(seconds), "s", 2.5)]
    for pi in ("1,3,6", "uniform:20"):
        gscli(*drawn, "--pi", pi, "--plotlyjs", "cdn", "-o", page)
        rows.append(limit(f"page of {pi}, plotly.js apart", page.stat().st_size / 1e6, "MB", 0.6))
    what = "dragging t, 2,000 points and density: 95 % of the frames come within"
    if _has_browser() and find_spec("playwright"):
        gscli(*drawn, "-o", page)
        timed = ("-m", "tests.benchmarks.panning", page, "--slider", "#temperature")
        frames = json.loads(python(*timed).output)
        rows.append(limit(what, frames["slow"], "ms", 17, f"median {frames['median']:.3g} ms"))
    else:
        rows.append(_missing(what, "playwright or a browser"))
    return rows


def large(folder: Path, quick: bool) -> list[Row]:
    """Compare drawing a large NPY file with summing it, both from disk, or from the page cache."""
    n, rounds, path = 10**8, 2 if quick else 7, folder / "x.npy"
    what = f"plot of a NPY file, {n:.0e} rows"
    if shutil.disk_usage(folder).free < 1.2 * n * 3 * 8:
        return [Row(what, "", "needs 2.4 GB of disk")]
    gscli("sample", *CLASSIC, "-n", str(n), "-o", path)
    peaks: list[float] = []

    def drawn() -> float:
        run = gscli("plot", path, "-q", "-o", folder / "x.html")
        peaks.append(run.peak_mb)
        return run.seconds

    def summed() -> float:
        return float(json.loads(python("-m", REFERENCES, "summed", path, "0").output)["seconds"])

    def from_disk(run: Callable[[], float]) -> float:
        _forget(path)
        return run()

    _forget(path)
    cold = in_turns(
        {"ours": partial(from_disk, drawn), "sum": partial(from_disk, summed)}, min(rounds, 3)
    )
    times = in_turns({"ours": drawn, "sum": summed}, rounds)
    path.unlink()
    return [
        compare(what, cold, "ours", "sum", kind="within", target=3.0, note="its sum, from disk"),
        compare(what, times, "ours", "sum", kind="within", target=3.0, note="its sum, from cache"),
        limit("its peak memory", max(peaks), "MB", 500),
    ]


def _forget(path: Path) -> None:
    """Drop a file from the system's page cache, where the system has a way to do that."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


GROUPS: dict[str, Group] = {
    "stream": stream,
    "npy": npy,
    "csv": csv,
    "memory": memory,
    "start": start,
    "plot": plot,
    "sweep": sweep,
    "large": large,
    **outputs.GROUPS,
    **categories.GROUPS,
    **datasets.GROUPS,
}

ONLY_WHEN_ASKED = {"billion", "rows-large", "workers"}
"""Groups that take minutes and tens of gigabytes: with `--only`."""


def _whole(command: list[str], n: int, path: Path) -> float:
    given = ["-n", str(n), "-o", str(path)] if "gscli" in command else [str(path), str(n)]
    seconds = python(*command, *given).seconds
    path.unlink()
    return seconds


def _has_browser() -> bool:
    try:
        find_browser()
    except BrowserNotFoundError:
        return False
    return True


def _missing(what: str, module: str) -> Row:
    return Row(what, "", f"{module} not installed")
