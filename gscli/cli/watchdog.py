"""A process that watches the work from outside where memory is limited.

Where an allocation fails, polars ends its process without a word that helps, or goes on for ever
and hears no signal. No handler inside that process can change it.
"""

import os
import select
import signal
import sys
import time
from contextlib import suppress

FATAL = ("SIGABRT", "SIGSEGV", "SIGBUS", "SIGILL")
"""Signals that end work whose memory could not be had; not every system has them."""

FAILED_ALLOCATION = b"memory allocation"
"""What Rust and OpenBLAS say, in small letters, before they end the process."""

MOST_NOISE = 2**20
"""Bytes that libraries write to the standard error stream before they are taken to be stuck."""

PATIENCE = 2.0
"""Seconds in which the work has to end after a signal."""

SPINNING = 4.0
"""Seconds over which the work is seen to do nothing but ask for memory."""

NEARLY = 0.98
"""Share of the limit above which memory is taken to be full."""

PR_SET_PDEATHSIG = 1
"""What Linux calls the signal that a process gets at the end of its parent."""

PERIOD = 0.1
"""Seconds after which the watcher looks again."""


def memory_is_limited() -> bool:
    """Return whether ``ulimit -v`` limits this process."""
    try:
        import resource
    except ImportError:  # not on this system
        return False
    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY


def watch() -> bool:
    """Split this process in two: one that works, and one that watches it and ends with its code.

    Returns
    -------
    bool
        In the process that works, True. In the one that watches, False if the work could not be
        done in the memory that there is; else it does not return.
    """
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        return _Watcher(child, read).worked()
    os.dup2(write, 2)
    os.close(read)
    os.close(write)
    _end_with_parent()
    return True


def _end_with_parent() -> None:
    """Let this process end when the watcher is killed."""
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _proc(process: int, name: str) -> str:
    with open(f"/proc/{process}/{name}") as file:  # noqa: PTH123  (pathlib takes 4 ms to import)
        return file.read()


def _cpu_seconds(process: int) -> tuple[float, float]:
    """Return how long a process has run in its own code and in the system's."""
    fields = _proc(process, "stat").rpartition(")")[2].split()
    ticks = os.sysconf("SC_CLK_TCK")
    return int(fields[11]) / ticks, int(fields[12]) / ticks


def _is_full(process: int) -> bool:
    """Return whether a process has come to the limit of its memory."""
    import resource

    status = _proc(process, "status")
    peak = int(status.partition("VmPeak:")[2].split()[0]) * 1024
    return peak > NEARLY * resource.getrlimit(resource.RLIMIT_AS)[0]


class _Watcher:
    def __init__(self, child: int, noise: int) -> None:
        self.child, self.noise = child, noise
        self.seen, self.total = b"", 0
        self.asked: int | None = None
        self.to_send: list[tuple[float, int]] = []
        self.looked, self.used = time.monotonic(), (0.0, 0.0)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._pass_on)

    def worked(self) -> bool:
        """Wait for the end of the work, and end with its code; return False if it is stuck."""
        while True:
            stuck = self._is_stuck()
            if stuck:
                os.kill(self.child, signal.SIGKILL)
            ended, status = os.waitpid(self.child, 0 if stuck else os.WNOHANG)
            if ended:
                break
            while self.to_send and time.monotonic() > self.to_send[0][0]:
                os.kill(self.child, self.to_send.pop(0)[1])
        code = os.waitstatus_to_exitcode(status)
        if code > 0 and not stuck:
            stuck = self._is_stuck()  # its last words have not been read yet
        if code < 0 and self.asked is not None:
            code = 128 + self.asked
        elif stuck or (code < 0 and signal.Signals(-code).name in FATAL):
            return False
        sys.exit(code if code >= 0 else 128 - code)

    def _pass_on(self, number: int, frame: object) -> None:  # noqa: ARG002
        # A terminal sends Ctrl-C to both processes.
        now = time.monotonic() + 3 * PERIOD * (number == signal.SIGINT)
        self.asked, self.to_send = number, [(now, number), (now + PATIENCE, signal.SIGKILL)]

    def _is_stuck(self) -> bool:
        """Return whether the work will not end by itself, as what libraries write shows."""
        ready, _, _ = select.select([self.noise], [], [], PERIOD)
        if ready:
            content = os.read(self.noise, 2**16)
            self.total += len(content)
            self.seen = self.seen[-len(FAILED_ALLOCATION) :] + content.lower()
            if not content:  # the work has closed the stream, and ends
                time.sleep(PERIOD / 10)
        return FAILED_ALLOCATION in self.seen or self.total > MOST_NOISE or self._has_no_memory()

    def _has_no_memory(self) -> bool:
        """Return whether the work asks for memory again and again, or waits for it for ever."""
        if time.monotonic() < self.looked + SPINNING:
            return False
        try:
            used, full = _cpu_seconds(self.child), _is_full(self.child)
            waiting = _proc(self.child, "wchan").startswith("futex")
        except (OSError, IndexError):  # it has just ended, or there is no /proc
            return False
        own, system = (now - before for now, before in zip(used, self.used, strict=True))
        self.looked, self.used = time.monotonic(), used
        asks = own + system > SPINNING / 4 and system > 3 * own
        # Its threads wait for each other: not for a pipe, nor for the end of a computation.
        sleeps = own + system < SPINNING / 100 and waiting
        return full and (asks or sleeps)
