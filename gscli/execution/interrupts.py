"""Ctrl-C and other signals while threads work that are not Python's own."""

import math
import os
import signal
import sys
import threading
import time
import warnings
from concurrent.futures import Future
from importlib import import_module
from typing import TypeVar

T = TypeVar("T")

POLL = 0.1
"""Seconds that the main thread waits at a time: how late a signal is answered at most."""


def import_polars() -> None:
    """Import polars, and keep Python's handler of Ctrl-C in the place of polars' own.

    That handler makes the threads of a sink panic: some print a backtrace, and those still
    running at exit abort the interpreter. Without it the interrupt reaches the main thread,
    and the sink ends when its source does.
    """
    if "polars" in sys.modules:
        return
    # Else it maps Arrow files into memory, and one that shrinks ends the program (SIGBUS).
    os.environ.setdefault("POLARS_FORCE_ASYNC", "1")
    import_module("polars")
    # It counts threads that wait for a disk: a file of many small row groups is no deadlock.
    warnings.filterwarnings("ignore", "POLARS_MAX_BLOCKING_THREAD_COUNT")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT))


def result_of(future: "Future[T]", limit: float = math.inf) -> T:
    """Return the result of a future, and handle signals while waiting for it.

    Python's handlers run in the main thread, but the system may give a signal to another one,
    and that does not wake a main thread that waits.

    Parameters
    ----------
    future : Future
        Run by another thread.
    limit : float
        Seconds to wait at most.

    Raises
    ------
    TimeoutError
        If it takes longer.
    """
    end = time.monotonic() + limit
    while True:
        rest = end - time.monotonic()
        try:
            return future.result(min(POLL, max(rest, 0)))
        except TimeoutError:
            if future.done() or rest <= 0:
                raise
