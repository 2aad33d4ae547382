"""A progress bar on standard error for work that lasts."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from gscli.cli.messages import printable
from gscli.execution.ending import undone_on_signals

T = TypeVar("T")

DELAY = 0.8
"""Seconds before a bar appears: below about a second it would only flicker."""


def track(
    items: Iterable[T],
    *,
    total: int | None,
    size: Callable[[T], int],
    quiet: bool,
    message: str = "drawing",
    unit: str = "samples",
) -> Iterator[T]:
    """Yield the items; on a terminal show how much is done after `DELAY`.

    Parameters
    ----------
    items : iterable
        The parts of the work.
    total : int or None
        How much there is in all, in units, if known.
    size : callable
        Gives how much an item is.
    quiet : bool
        Whether to show nothing.
    message : str
        What the program does.
    unit : str
        What is counted.
    """
    if quiet or not sys.stderr.isatty():
        yield from items
        return
    begin, done = time.monotonic(), 0
    source = iter(items)
    for item in source:
        yield item
        done += size(item)
        if time.monotonic() - begin > DELAY:
            break
    else:
        return
    yield from _with_bar(source, done, total, size, message, unit)


@contextmanager
def waiting(message: str, *, quiet: bool) -> Iterator[None]:
    """Show on a terminal what the program does, if it takes longer than `DELAY`.

    Parameters
    ----------
    message : str
        What it does.
    quiet : bool
        Whether to show nothing.
    """
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.text import Text

    status = Console(stderr=True).status(Text(printable(message)))
    timer = threading.Timer(DELAY, status.start)
    timer.start()
    try:
        with undone_on_signals(_clear_line):
            yield
    finally:
        timer.cancel()
        timer.join()
        status.stop()


def _with_bar(
    source: Iterator[T],
    done: int,
    total: int | None,
    size: Callable[[T], int],
    message: str,
    unit: str,
) -> Iterator[T]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn(f"{{task.completed:,.0f}} {unit}", markup=False),
        TextColumn("{task.percentage:3.0f} %" if total else ""),
        TimeRemainingColumn(),
    )
    with (
        undone_on_signals(_clear_line),
        Progress(*columns, console=Console(stderr=True), transient=True) as bar,
    ):
        task = bar.add_task(message, total=total, completed=done)
        for item in source:
            yield item
            bar.advance(task, size(item))


def _clear_line() -> None:
    """Clear the line of a bar, and show the cursor, which rich hides."""
    os.write(sys.stderr.fileno(), b"\r\x1b[2K\x1b[?25h")
