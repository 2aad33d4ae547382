"""Fixtures shared by the tests."""

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import settings

import gscli
from gscli.errors import BrowserNotFoundError
from gscli.plotting.browser import find_browser

# The same examples in every run, and no limit of time on a machine that is busy.
settings.register_profile("gscli", deadline=None, derandomize=True)
settings.load_profile("gscli")

Invoke = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(scope="session")
def torch() -> ModuleType:
    """PyTorch, an independent implementation; its absence fails where oracles are required."""
    return _oracle("torch", required=os.environ.get("GSCLI_REQUIRE_ORACLES") == "1")


@pytest.fixture(scope="session")
def jax() -> ModuleType:
    """JAX, another independent implementation."""
    return _oracle("jax", required=False)


@pytest.fixture(scope="session")
def chromium() -> Path:
    """A browser for image export; its absence fails where oracles are required."""
    try:
        return find_browser().path
    except BrowserNotFoundError as error:
        if os.environ.get("GSCLI_REQUIRE_ORACLES") == "1":
            pytest.fail(f"{error}; but GSCLI_REQUIRE_ORACLES=1 requires it")
        pytest.skip("there is no browser")


def _oracle(name: str, *, required: bool) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        if required:
            pytest.fail(f"{name} is not installed, but GSCLI_REQUIRE_ORACLES=1 requires it")
        pytest.skip(f"{name} is not installed")


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Run the command line in this process, in an empty folder; a traceback fails the test."""
    from gscli.cli.main import main

    monkeypatch.chdir(tmp_path)

    def run(*args: object, input: bytes | None = None) -> Result:
        result = CliRunner().invoke(main, [str(arg) for arg in args], input=input)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise AssertionError(f"{args} ended in a traceback") from result.exception
        return result

    return run


@contextmanager
def default_signals() -> Iterator[None]:
    """Let processes that start meanwhile inherit no signals that are ignored."""
    ending = (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
    ignored = [number for number in ending if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the command line as a process of its own, in an empty folder, with pipes.

    It does not inherit signals that are ignored here, as under nohup or in a shell's background.
    """
    # The package under test, whether it is installed or only checked out.
    paths = [str(Path(gscli.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    started: list[subprocess.Popen[bytes]] = []

    def run(
        *args: object,
        before: tuple[str, ...] = (),
        options: tuple[str, ...] = (),
        **extra: Any,
    ) -> subprocess.Popen[bytes]:
        command = [*before, sys.executable, *options, "-m", "gscli", *(str(arg) for arg in args)]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        settings = {"cwd": tmp_path, "env": environment, **pipes, **extra}
        with default_signals():
            process = subprocess.Popen(command, **settings)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate(timeout=20)
