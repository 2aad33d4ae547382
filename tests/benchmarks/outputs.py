"""How long `sample -o` takes beside writing alone, on disk and in memory, and how that grows."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from .measure import Row, compare, gscli, in_turns, limit, python, reported, span

CLASSIC = ("--pi", "1,3,6", "-t", "3", "--seed", "1", "-q", "-f")
ROW_BYTES = 3 * 8
TMPFS = Path("/dev/shm")
SECONDS_AT_10_000 = 0.13
PEAK_MB = 120.0
"""At 10**8 rows."""


def saving(folder: Path, quick: bool) -> list[Row]:
    """Compare `sample -o x.npy`, whole, with `np.save` of the ready array."""
    n, rounds = 50_000_000, 2 if quick else 7
    rows = []
    for kind, target in (("disk", None), ("tmpfs", 1.6)):
        what = f"sample -n {n:.0e} -o x.npy, {kind}"
        with _place(folder, kind) as place:
            # The array that np.save writes is in memory as well, where a tmpfs is.
            if place is None or shutil.disk_usage(place).free < 2.4 * n * ROW_BYTES:
                rows.append(Row(what, "", f"no {kind}, or no room in it"))
                continue
            path = place / "x.npy"
            contestants = {
                "ours": partial(_ours, n, path),
                "np_save": partial(reported, "np_save", n, path),
            }
            in_turns(contestants, 1)
            times = in_turns(contestants, rounds)
        note = "np.save, ready array"
        rows.append(
            compare(
                what, times, "ours", "np_save", kind="within", target=target, note=note, spread=True
            )
        )
    return rows


def parquet(folder: Path, quick: bool) -> list[Row]:
    """Compare `sample -o x.parquet`, whole, with polars writing the ready frame: its floor."""
    n, rounds = 5_000_000, 2 if quick else 7
    path = folder / "x.parquet"
    times = in_turns(
        {
            "ours": partial(_ours, n, path),
            "polars": partial(reported, "polars_parquet", n, path),
            "import": lambda: python("-c", "import polars").seconds,
        },
        rounds,
    )
    floor = [a + b for a, b in zip(times["polars"], times["import"], strict=True)]
    note = "polars write_parquet + python, import polars"
    return [
        compare(
            f"sample -n {n:.0e} -o x.parquet",
            {**times, "floor": floor},
            "ours",
            "floor",
            kind="within",
            note=note,
            spread=True,
        )
    ]


def growth(folder: Path, quick: bool) -> list[Row]:
    """Measure `sample -o x.npy`, whole, from 10**4 to 10**8 rows."""
    return [_grown(folder, 10**power, 2 if quick else 7) for power in range(4, 8 if quick else 9)]


def billion(folder: Path, quick: bool) -> list[Row]:  # noqa: ARG001
    """Measure 10**9 rows, which are 24 GB."""
    return [_grown(folder, 10**9, 1)]


def _grown(folder: Path, n: int, rounds: int) -> Row:
    what, path = f"sample -n {n:.0e} -o x.npy", folder / "x.npy"
    if shutil.disk_usage(folder).free < 1.2 * n * ROW_BYTES:
        return Row(what, "", f"needs {n * ROW_BYTES / 1e9:.1f} GB of disk")
    runs = []
    for _ in range(rounds):
        runs.append(gscli("sample", *CLASSIC, "-n", str(n), "-o", path))
        path.unlink()
    seconds = [run.seconds for run in runs]
    peak = max(run.peak_mb for run in runs)
    against = f"{min(seconds) / n * 1e9:.3g} ns a row at best, {peak:.0f} MB"
    if n == 10**4:
        return limit(what, sorted(seconds)[rounds // 2], "s", SECONDS_AT_10_000, against)
    if n >= 10**8:
        return limit(f"peak memory, {what}", peak, "MB", PEAK_MB, f"in {span(seconds)} s")
    return Row(what, f"{span(seconds)} s", against)


def _ours(n: int, path: Path) -> float:
    seconds = gscli("sample", *CLASSIC, "-n", str(n), "-o", path).seconds
    path.unlink()
    return seconds


@contextmanager
def _place(folder: Path, kind: str) -> Iterator[Path | None]:
    if kind == "disk":
        yield folder
    elif TMPFS.is_dir():
        with tempfile.TemporaryDirectory(dir=TMPFS) as place:
            yield Path(place)
    else:
        yield None


GROUPS: dict[str, Callable[[Path, bool], list[Row]]] = {
    "saving": saving,
    "parquet": parquet,
    "growth": growth,
    "billion": billion,
}
