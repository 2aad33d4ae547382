"""`--dask` with real processes, and what goes wrong with them: killed, gone, full, or another's."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen

import pytest

import gscli
from tests.cli.test_datasets import content_of

pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="/proc, and signals of POSIX"),
]

Start = Callable[..., "Popen[bytes]"]

RUN = ("sample", "-n", "2e7", "--seed", 5, "--shards", 60, "-o", "parts")
WAIT = 120.0
ROOT = Path(gscli.__file__).parents[1]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the run writes if nothing goes wrong."""
    folder = tmp_path_factory.mktemp("whole")
    words = [sys.executable, "-m", "gscli", *map(str, RUN), "-q"]
    subprocess.run(words, cwd=folder, check=True)
    return content_of(folder / "parts")


class Scheduler:
    """A scheduler and workers as the README starts them."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        self.folder = folder
        self.processes: list[Popen[bytes]] = []
        port = self.address.rpartition(":")[2]
        self.scheduler = self.run("scheduler", "--host", "127.0.0.1", "--port", port)
        for _ in range(workers):
            self.add_worker()

    def run(self, program: str, *words: str, **environment: str) -> "Popen[bytes]":
        command = [sys.executable, "-m", f"distributed.cli.dask_{program}", *words]
        process = Popen(
            [*command, "--dashboard-address", "127.0.0.1:0"],
            cwd=self.folder,
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    def add_worker(self, **environment: str) -> "Popen[bytes]":
        return self.run("worker", self.address, "--nthreads", "1", "--no-nanny", **environment)

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Scheduler]:
    own = Scheduler(tmp_path)
    yield own
    own.end()


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def begun(folder: Path, parts: int = 3) -> Callable[[], bool]:
    return lambda: len(list(folder.glob("part*"))) >= parts


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().rpartition(")")
        except OSError:
            continue
        state, parent = rest.split()[:2]
        if int(parent) == pid and state != "Z":
            found.append(int(name.split()[0]))
    return found


def local_workers(pid: int) -> list[int]:
    return [
        child
        for child in children(pid)
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def ended(process: "Popen[bytes]") -> tuple[int, str]:
    _, stderr = process.communicate(timeout=WAIT)
    return process.returncode, stderr.decode()


def unfinished(folder: Path) -> list[str]:
    return [path.name for path in folder.glob(".part*")]


def test_a_local_worker_that_is_killed_changes_nothing(
    start: Start, tmp_path: Path, whole: dict[str, bytes]
) -> None:
    process = start(*RUN, "--dask", "local:2")
    for parts in (2, 10):
        wait_for(begun(tmp_path / "parts", parts))
        os.kill(local_workers(process.pid)[0], signal.SIGKILL)
    code, stderr = ended(process)
    assert code == 0, stderr
    assert stderr.count("\n") == 1
    found = content_of(tmp_path / "parts")
    assert {name: found.get(name) for name in whole} == whole


def test_a_worker_of_a_scheduler_that_is_killed_changes_nothing(
    start: Start, scheduler: Scheduler, tmp_path: Path, whole: dict[str, bytes]
) -> None:
    process = start(*RUN, "--dask", scheduler.address)
    wait_for(begun(tmp_path / "parts"))
    scheduler.processes[1].kill()
    code, stderr = ended(process)
    assert code == 0, stderr
    found = content_of(tmp_path / "parts")
    assert {name: found.get(name) for name in whole} == whole
    check = start("check", "parts", "--quiet", "--dask", scheduler.address)
    stdout, _ = check.communicate(timeout=WAIT)
    assert (check.returncode, b"Consistent" in stdout) == (0, True)


def test_a_scheduler_that_is_gone_is_a_line(
    start: Start, scheduler: Scheduler, tmp_path: Path, whole: dict[str, bytes]
) -> None:
    process = start(*RUN, "--dask", scheduler.address)
    wait_for(begun(tmp_path / "parts"))
    scheduler.scheduler.kill()
    code, stderr = ended(process)
    assert code == 1
    assert stderr == (
        f"Error: --dask {scheduler.address}: the scheduler is gone; start it and its workers "
        "again, and repeat the command, sample with --resume\n"
    )
    again = start(*RUN, "--resume", "--dask", "local:2")
    code, stderr = ended(again)
    assert code == 0, stderr
    assert (kept := re.search(r"60 parts, (\d+) kept", stderr)) is not None
    assert 0 < int(kept[1]) < 60
    assert content_of(tmp_path / "parts") == whole


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_client_leaves_no_local_worker(
    start: Start, tmp_path: Path, whole: dict[str, bytes], number: int
) -> None:
    process = start(*RUN, "--dask", "local:2", start_new_session=True)
    wait_for(begun(tmp_path / "parts"))
    workers = children(process.pid)
    # As a terminal does: to all processes that stand in front.
    send = os.kill if number == signal.SIGKILL else os.killpg
    send(process.pid, number)
    code, stderr = ended(process)
    if number == signal.SIGKILL:
        assert code == -number
        assert "Traceback" not in stderr
    else:
        assert code == 128 + number, stderr
        told = "Error: interrupted; no unfinished file is left\n"
        assert stderr == (told if number == signal.SIGINT else "")
        assert unfinished(tmp_path / "parts") == []
    wait_for(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in workers))
    code, stderr = ended(start(*RUN, "--resume"))
    assert code == 0, stderr
    assert content_of(tmp_path / "parts") == whole


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_client_leaves_no_task(
    start: Start, scheduler: Scheduler, tmp_path: Path, whole: dict[str, bytes], number: int
) -> None:
    from distributed import Client

    process = start(*RUN, "--dask", scheduler.address)
    wait_for(begun(tmp_path / "parts"))
    process.send_signal(number)
    code, stderr = ended(process)
    assert code in (128 + number, -number), stderr
    with Client(scheduler.address, set_as_default=False) as client:
        wait_for(lambda: not any(client.processing().values()))
        wait_for(lambda: unfinished(tmp_path / "parts") == [])
        done = len(list((tmp_path / "parts").glob("part*")))
        time.sleep(1)
        assert len(list((tmp_path / "parts").glob("part*"))) == done < 60
    code, stderr = ended(start(*RUN, "--resume", "--dask", scheduler.address))
    assert code == 0, stderr
    assert content_of(tmp_path / "parts") == whole


def test_a_part_that_does_not_fit_is_named(start: Start, tmp_path: Path) -> None:
    import resource

    # Three blocks: the first part has one of them, and fits.
    run = ("sample", "-n", "3e5", "--seed", 1, "--shards", 2, "-o", "p")

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (35 * 10**5, 35 * 10**5))

    code, stderr = ended(start(*run, "--dask", "local:2", preexec_fn=limited))
    assert code == 1
    assert stderr.count("\n") == 1
    assert "Error: p/part-00001.npy: File too large; nothing was written" in stderr
    assert "go on with --resume" in stderr
    assert unfinished(tmp_path / "p") == []
    assert "is not complete" in ended(start("check", "p"))[1]
    code, stderr = ended(start(*run, "--resume", "--dask", "local:2"))
    assert (code, "2 parts, " in stderr) == (0, True)
    assert ended(start("sample", "-n", "3e5", "--seed", 1, "--shards", 2, "-q", "-o", "q"))[0] == 0
    assert content_of(tmp_path / "p") == content_of(tmp_path / "q")


def test_a_second_run_into_the_folder_is_refused(
    start: Start, scheduler: Scheduler, tmp_path: Path, whole: dict[str, bytes]
) -> None:
    first = start(*RUN, "--dask", scheduler.address)
    wait_for(begun(tmp_path / "parts", 1))
    code, stderr = ended(start(*RUN, "--resume", "--dask", scheduler.address))
    assert code == 1
    assert "another run is writing there" in stderr
    assert ended(first)[0] == 0
    assert content_of(tmp_path / "parts") == whole


@pytest.mark.parametrize("package", ["gscli", "numpy"])
def test_a_worker_of_another_version_is_refused(start: Start, tmp_path: Path, package: str) -> None:
    import numpy as np

    other = tmp_path / "other"
    if package == "gscli":  # that has nothing of this one in it
        (other / "gscli").mkdir(parents=True)
        (other / "gscli" / "__init__.py").write_text("__version__ = '0.0.9'\n")
    else:
        other.mkdir()
        (other / "sitecustomize.py").write_text("import numpy\nnumpy.__version__ = '0.0.9'\n")
    own = Scheduler(tmp_path, workers=0)
    try:
        own.add_worker(PYTHONPATH=str(other))
        code, stderr = ended(start(*RUN, "--dask", own.address))
    finally:
        own.end()
    here = {"gscli": gscli.__version__, "numpy": np.__version__}[package]
    assert code == 1
    assert stderr.count("\n") == 1
    assert f"has {package} 0.0.9, and this machine {package} {here}" in stderr


def test_an_s3_bucket_holds_the_same_dataset(
    start: Start, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = pytest.importorskip("moto.server")
    s3fs = pytest.importorskip("s3fs")
    service = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    service.start()
    host, port = service.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    try:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        files = s3fs.S3FileSystem(skip_instance_cache=True)
        files.mkdir("bucket")
        run = (*RUN[:-1], "s3://bucket/parts", "--dask", "local:2")
        code, stderr = ended(start(*run, env=environment))
        assert code == 0, stderr
        files.invalidate_cache()
        found = {
            path.removeprefix("bucket/parts/"): files.cat_file(path)
            for path in files.find("bucket/parts")
        }
        assert found == whole
        check = start("check", "s3://bucket/parts", "-q", "--dask", "local:2", env=environment)
        stdout, stderr_bytes = check.communicate(timeout=WAIT)
        assert check.returncode == 0, stderr_bytes
        assert b"Consistent" in stdout
        files.rm_file("bucket/parts/part-00007.npy")
        code, stderr = ended(start("fit", "s3://bucket/parts", env=environment))
        assert code == 1
        assert "part-00007.npy is missing" in stderr
        code, stderr = ended(start(*run, "--resume", env=environment))
        assert "(60 parts, 59 kept)" in stderr
    finally:
        service.stop()
