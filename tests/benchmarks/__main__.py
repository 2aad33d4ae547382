"""Measure speed and size against their targets, and print one table.

If all groups are measured in full, their figures also replace the table of the README.
"""

import argparse
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .groups import GROUPS, ONLY_WHEN_ASKED
from .measure import ROOT, Row
from .readme import rewritten

BUSY = 0.5
"""Load average before the start above which the figures are not to be trusted."""


def main() -> None:
    """Run the groups asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, rougher figures")
    parser.add_argument(
        "--only", action="append", choices=GROUPS, metavar="NAME", help=", ".join(GROUPS)
    )
    given = parser.parse_args()
    progress = Console(stderr=True)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0  # before it is our own
    rows: list[Row] = []
    # So that the folder, which can hold gigabytes, is deleted then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory() as folder:
        for name in given.only or (group for group in GROUPS if group not in ONLY_WHEN_ASKED):
            with progress.status(f"measuring: {name}"):
                rows += GROUPS[name](Path(folder), given.quick)
    # As wide as the table needs when it goes to a file.
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(machine(load), highlight=False)
    console.print(table(rows))
    if not given.quick and not given.only:
        readme = ROOT / "README.md"
        text = rewritten(readme.read_text(encoding="utf-8"), machine(load), rows)
        readme.write_text(text, encoding="utf-8")
    if load > BUSY:
        console.print(
            f"Other work was running (load {load:.1f}). Threads that wait for each other, as "
            "torch's and polars' do, suffer more from it than threads that do not, and start-up "
            "is slower: repeat this on a quiet machine.",
            highlight=False,
        )


def machine(load: float) -> str:
    """Return what the figures were measured on."""
    packages = ", ".join(
        f"{name} {found}"
        for name in ("numpy", "polars", "torch", "jax")
        if (found := _version(name)) is not None
    )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{_cpu()}, {cores} cores, load {load:.1f}; {platform.system()}; "
        f"Python {platform.python_version()}, {packages}"
    )


def table(rows: Iterable[Row]) -> Table:
    """Return the rows as one table."""
    result = Table(caption="A ratio is the median of those in each round of one run.")
    for heading in ("what", "gscli", "against", "ratio", "target", "met"):
        result.add_column(heading, justify="right" if heading == "gscli" else "left", no_wrap=True)
    for row in rows:
        met = {None: "", True: "[green]yes[/]", False: "[red]NO[/]"}[row.met]
        result.add_row(row.what, row.ours, row.against, row.ratio, row.target, met)
    return result


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
