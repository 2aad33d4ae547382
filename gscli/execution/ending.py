"""The end of the process when a signal asks for it: at once, quietly, and with nothing unfinished.

A handler that raises, as Python's own of Ctrl-C does, raises in whatever runs at that moment: an
import, a callback whose library swallows the error, a finaliser. The handler here undoes what is
unfinished and ends the process itself, so that there is nothing to catch or to print.

This module is imported before all others, and imports next to nothing.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALLED = 128
"""The exit code of a program that a signal ended is this and the signal's number."""

INTERRUPTED = "interrupted; no unfinished file is left"

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_unfinished: list[tuple[int, Callable[[], object]]] = []


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
    entry = (os.getpid(), action)
    _unfinished.append(entry)
    try:
        yield
    finally:
        _unfinished.remove(entry)


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    own = os.getpid()  # a copy of this process leaves the work of the original alone
    for owner, action in reversed(_unfinished):
        if owner == own:
            with suppress(BaseException):  # the rest is to be undone nevertheless
                action()
    if number == signal.SIGINT and sys.stderr is not None:
        # Not through the stream, which may be in the middle of a write.
        with suppress(OSError, ValueError):
            os.write(sys.stderr.fileno(), f"Error: {INTERRUPTED}\n".encode())
    os._exit(SIGNALLED + number)
