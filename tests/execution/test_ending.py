"""Signals in the middle of an import, of a callback, and of what undoes unfinished work."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import gscli
from gscli.execution.ending import INTERRUPTED
from tests.conftest import default_signals

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

ROOT = str(Path(gscli.__file__).parents[1])

IN_AN_IMPORT = """
import signal, sys

class Finder:
    def find_spec(self, name, *_):
        if name == "{module}":
            signal.raise_signal(signal.{name})

sys.meta_path.insert(0, Finder())
sys.argv = ["gscli", "sample", "-n", "5", "-o", "x.csv"]
from gscli.__main__ import run
run()
"""

IN_A_CALLBACK = """
import signal
from gscli.execution.ending import end_on_signals, undone_on_signals

class Finalised:
    def __del__(self):
        signal.raise_signal(signal.{name})  # Python ignores an exception here, and says so

def fail():
    raise ValueError("this hides no other")

end_on_signals()
with undone_on_signals(lambda: print("first", flush=True)), undone_on_signals(fail):
    with undone_on_signals(lambda: print("over", flush=True)):
        pass
    Finalised()
    print("goes on", flush=True)
"""

ENDS = [("SIGINT", 130, f"Error: {INTERRUPTED}\n"), ("SIGTERM", 143, ""), ("SIGHUP", 129, "")]


def ended(code: str, folder: Path) -> tuple[int, str, str]:
    with default_signals():
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": ROOT},
            capture_output=True,
            text=True,
            timeout=60,
        )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("module", ["gscli.cli.main", "click", "numpy", "polars"])
@pytest.mark.parametrize(("name", "code", "said"), ENDS)
def test_a_signal_in_an_import(
    tmp_path: Path, module: str, name: str, code: int, said: str
) -> None:
    found = ended(IN_AN_IMPORT.format(module=module, name=name), tmp_path)
    assert found == (code, "", said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "code", "said"), ENDS)
def test_a_signal_where_exceptions_are_ignored(
    tmp_path: Path, name: str, code: int, said: str
) -> None:
    assert ended(IN_A_CALLBACK.format(name=name), tmp_path) == (code, "first\n", said)


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    before = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    code = before + IN_AN_IMPORT.format(module="click", name="SIGINT")
    found = ended(code, tmp_path)
    assert (found[0], found[2].count("5 samples to x.csv")) == (0, 1)
