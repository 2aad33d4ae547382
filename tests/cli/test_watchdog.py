"""Where memory is limited: one line, in every command, and signals are heard."""

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest

Start = Callable[..., "Popen[bytes]"]

SAID = "Error: out of memory; raise the limit that ulimit -v sets, or ask for less\n"
WAIT = 60.0

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of Linux")


def limited(megabytes: int) -> dict[str, tuple[str, ...]]:
    return {"before": ("sh", "-c", f'ulimit -v {megabytes * 1000}; exec "$@"', "sh")}


@pytest.fixture
def files(invoke: Callable[..., object], tmp_path: Path) -> Path:
    for name in ("x.csv", "x.parquet"):
        invoke("sample", "--seed", 1, "-n", 300_000, "-o", name)
    return tmp_path


@pytest.mark.parametrize(
    "megabytes", [400, 1000, *(pytest.param(mb, marks=pytest.mark.slow) for mb in (550, 700, 1300))]
)
@pytest.mark.parametrize("args", [("fit", "x.csv"), ("check", "x.parquet"), ("sample", "-q")])
def test_too_little_memory_is_one_line(
    start: Start, files: Path, args: tuple[str, ...], megabytes: int
) -> None:
    assert files.exists()
    process = start(*args, **limited(megabytes))
    _, stderr = process.communicate(timeout=WAIT)
    failed = 2 if args[0] == "check" else 1
    assert process.returncode in (0, failed)
    if process.returncode:
        assert stderr.startswith(b"Error: ")
        assert stderr.count(b"\n") == 1, stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "work",
    [
        "os.write(2, b'memory allocation of 16 bytes failed'); time.sleep(50)",
        "[os.write(2, b'x' * 2**16) for _ in range(32)]; time.sleep(50)",
        "os.abort()",
        "fill(); spin()",
        "fill(); lock = threading.Lock(); lock.acquire(); lock.acquire()",
    ],
    ids=["failed allocation", "noise", "abort", "spinning", "deadlock"],
)
def test_work_that_cannot_end_is_ended(start: Start, work: str) -> None:
    script = f"""
import mmap, os, resource, sys, threading, time
from gscli.cli.watchdog import watch

def fill():
    try:
        while True: kept.append(mmap.mmap(-1, 2**20))
    except OSError: pass

def spin():  # in the system
    with open("/dev/zero", "rb", buffering=0) as zeros:
        while True: zeros.readinto(kept[0])

kept = []
resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))
if watch():
    {work}
print("out of memory")
"""
    begin = time.monotonic()
    process = start(options=("-c", script))
    stdout, _ = process.communicate(timeout=WAIT)
    assert stdout == b"out of memory\n"
    assert time.monotonic() - begin < 40


@pytest.mark.parametrize("code", [0, 1, 2, 130])
def test_the_exit_code_is_that_of_the_work(start: Start, code: int) -> None:
    script = f"import sys\nfrom gscli.cli.watchdog import watch\nwatch() and sys.exit({code})"
    process = start(options=("-c", script))
    process.communicate(timeout=WAIT)
    assert process.returncode == code


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_reach_the_work(start: Start, tmp_path: Path, number: int, code: int) -> None:
    process = start("sample", "-n", "1e9", "-o", "x.npy", "-q", **limited(4000))
    while not list(tmp_path.glob(".x*")):
        time.sleep(0.05)
    process.send_signal(number)
    process.communicate(timeout=WAIT)
    assert process.returncode == code
    assert not list(tmp_path.iterdir())


def test_memory_without_a_limit_needs_no_watcher() -> None:
    import resource

    from gscli.cli.watchdog import memory_is_limited

    unlimited = resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY
    assert memory_is_limited() != unlimited
