"""Measure speed and size against their targets, and print one table."""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .groups import GROUPS
from .measure import Row


def main() -> None:
    """Run the groups asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, rougher figures")
    parser.add_argument(
        "--only", action="append", choices=GROUPS, metavar="NAME", help=", ".join(GROUPS)
    )
    given = parser.parse_args()
    progress = Console(stderr=True)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in given.only or GROUPS:
            with progress.status(f"measuring: {name}"):
                rows += GROUPS[name](Path(folder), given.quick)
    # As wide as the table needs when it goes to a file.
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(machine(), highlight=False)
    console.print(table(rows))


def machine() -> str:
    """Return what the figures were measured on."""
    packages = ", ".join(
        f"{name} {found}"
        for name in ("numpy", "polars", "torch", "jax")
        if (found := _version(name)) is not None
    )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f"; load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{_cpu()}, {cores} cores{load}; {platform.system()}; "
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
