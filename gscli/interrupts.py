"""Ctrl-C while polars works."""

import signal
import sys
import threading
from importlib import import_module


def import_polars() -> None:
    """Import polars, and keep Python's handler of Ctrl-C in the place of polars' own.

    That one makes the threads of a sink panic: some print a backtrace, and those that are still
    at work when the interpreter ends abort it. Without it the interrupt reaches the main thread,
    and the sink ends when its source does.
    """
    if "polars" in sys.modules:
        return
    import_module("polars")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT))
