"""The end of the process when a signal asks for it: at once, quietly, and with nothing unfinished.

A handler that raises, as Python's own of Ctrl-C does, raises in whatever runs at that moment: an
import, a callback whose library swallows the error, a finaliser. The handler here undoes what is
unfinished and ends the process itself, so that there is nothing to catch or to print.

This module is imported before all others, and imports next to nothing.
"""

import os
import signal
import sys
import time
from _thread import get_ident
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALLED = 128
"""The exit code of a program that a signal ended is this and the signal's number."""

INTERRUPTED = "interrupted; no unfinished file is left"

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
THREADS_SECONDS = 0.01
"""For other threads to make what they were about to make, so that it can be undone."""


class _Ending:
    begun = False


_unfinished: list[tuple[int, int, Callable[[], object]]] = []
"""Process, thread, and what undoes the work."""


def end_on_signals() -> None:
    """End this process at Ctrl-C, SIGTERM and a closed terminal, unless they are ignored."""
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup asks for
            signal.signal(number, _end)


@contextmanager
def undone_on_signals(action: Callable[[], object]) -> Iterator[None]:
    """Run `action` if a signal ends this process during the block.

    Parameters
    ----------
    action : callable
        Undoes what the block has begun. It runs in the main thread, between any two of its steps
        from before the first one on; it must not wait for what that thread may hold.
    """
    while _Ending.begun:  # in another thread, whose work nobody would undo
        time.sleep(1)
    entry = (os.getpid(), get_ident(), action)
    _unfinished.append(entry)
    try:
        yield
    finally:
        _unfinished.remove(entry)


def _undo(process: int, action: Callable[[], object]) -> None:
    # A copy of this process leaves the work of the original alone.
    if process == os.getpid():
        with suppress(BaseException):  # the rest is to be undone nevertheless
            action()


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    _Ending.begun = True
    own = get_ident()
    for process, _, action in reversed(_unfinished.copy()):
        _undo(process, action)
    others = [each for each in _unfinished if each[1] != own]
    if others:  # which may have been about to begin
        time.sleep(THREADS_SECONDS)
        for process, _, action in others:
            _undo(process, action)
    if number == signal.SIGINT and sys.stderr is not None:
        # Not through the stream, which may be in the middle of a write.
        with suppress(OSError, ValueError):
            os.write(sys.stderr.fileno(), f"Error: {INTERRUPTED}\n".encode())
    os._exit(SIGNALLED + number)
