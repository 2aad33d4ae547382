"""Waiting for other threads without turning deaf to signals."""

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from gscli.execution.interrupts import result_of


def test_the_result_or_the_error_of_the_work() -> None:
    def slow() -> int:
        time.sleep(0.25)
        return 3

    with ThreadPoolExecutor(1) as pool:
        assert result_of(pool.submit(slow)) == 3
        with pytest.raises(ZeroDivisionError):
            result_of(pool.submit(lambda: 1 / 0))


def test_the_limit_and_a_timeout_of_the_work_itself() -> None:
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        result_of(Future[int](), 0.25)
    assert 0.2 < time.monotonic() - begin < 5

    def late() -> None:
        raise TimeoutError("its own")

    with ThreadPoolExecutor(1) as pool, pytest.raises(TimeoutError, match="its own"):
        result_of(pool.submit(late))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_signal_that_another_thread_gets_is_seen_to() -> None:
    def handler(*_: object) -> None:
        raise InterruptedError("seen")

    before = signal.signal(signal.SIGUSR1, handler)
    never = Future[int]()

    def other() -> None:
        time.sleep(0.2)
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    thread = threading.Thread(target=other)
    begin = time.monotonic()
    try:
        thread.start()
        with pytest.raises(InterruptedError, match="seen"):
            result_of(never, 20)
        assert time.monotonic() - begin < 10
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)


def test_polars_does_not_take_many_small_reads_for_a_deadlock() -> None:
    warned = "POLARS_MAX_BLOCKING_THREAD_COUNT reached (512), this may indicate a deadlock"
    code = (
        "import warnings; from gscli.execution.interrupts import import_polars; import_polars(); "
        f"warnings.warn({warned!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr == b""
