"""A command as a process of its own, and what is wrong with how it ended."""

import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

import gscli
from tests.conftest import default_signals

ROOT = Path(gscli.__file__).parents[1]

LIMIT = 90.0
"""Seconds after which a command hangs: a hundred times what most of the cases take."""

LONGEST_STDERR = 4000
"""Characters on standard error of a command that is not stuck in a loop of messages."""

RAW = re.compile(
    r"Traceback \(most recent|Exception ignored|panicked at|Fatal Python error|core dumped"
    r"|^\S*:\d+: \w*Warning|\w+Warning: |RUST_BACKTRACE",
    re.MULTILINE,
)
"""What a library or the interpreter prints, and this program never."""


@dataclass(frozen=True)
class Ended:
    """How a command ended; its code is None if it had to be killed at the limit."""

    code: int | None
    stdout: bytes
    stderr: str
    seconds: float


def start(words: Sequence[str], folder: Path, *, stdin: bytes = b"") -> "subprocess.Popen[bytes]":
    """Start a command in a folder, with temporary files in its folder `tmp`."""
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    # Only what a new user's shell has: a developer's settings hide faults.
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "BROWSER_PATH", "LANG")
            if name in os.environ}  # fmt: skip
    environment = {**kept, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary), "COLUMNS": "100"}
    read = folder / "tmp" / "stdin"
    read.write_bytes(stdin)
    with default_signals(), read.open("rb") as source:
        read.unlink()
        return subprocess.Popen(
            [sys.executable, "-m", "gscli", *words],
            cwd=folder,
            env=environment,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


def finish(process: "subprocess.Popen[bytes]", limit: float = LIMIT) -> Ended:
    """Wait for the end of a command, and kill it at the limit."""
    begin = time.monotonic()
    try:
        stdout, stderr = process.communicate(timeout=limit)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        code = None
    return Ended(code, stdout, stderr.decode(errors="replace"), time.monotonic() - begin)


def faults_of(ended: Ended, allowed: Sequence[int]) -> Iterator[str]:
    """Yield what is wrong with an end, as lines."""
    if ended.code is None:
        yield "hangs"
        return
    if ended.code not in allowed:
        yield f"ends with {ended.code}"
    if found := RAW.search(ended.stderr):
        yield f"prints {found.group()!r}"
    if len(ended.stderr) > LONGEST_STDERR:
        yield f"prints {len(ended.stderr):,} characters of messages"
    errors = re.findall("^Error: ", ended.stderr, re.MULTILINE)
    if ended.code in (0, 143) and errors:
        yield f"ends with {ended.code} and an error"
    if ended.code in (3, 130) and len(errors) != 1:
        yield f"ends with {ended.code} and {len(errors)} errors"


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise AssertionError(f"{path.name} is not complete: {error}") from error


def check_complete(path: Path, suffix: str | None = None) -> None:
    """Raise an AssertionError if an output is not what a suffix, its own by default, says."""
    content = path.read_bytes()
    with _reading(path):
        _CHECKS[suffix or path.suffix](content)


def _check_csv(content: bytes) -> None:
    assert content.endswith(b"\n"), "its last line does not end"
    frame = pl.read_csv(content, infer_schema=False, truncate_ragged_lines=False)
    assert frame.width >= 1


def _check_json(content: bytes) -> None:
    json.loads(content)


def _ends(first: bytes, last: bytes) -> Callable[[bytes], None]:
    def check(content: bytes) -> None:
        assert first in content[:300].lower(), f"begins with {content[:20]!r}"
        assert last in content[-300:], f"ends with {content[-20:]!r}"

    return check


def _check_webp(content: bytes) -> None:
    assert content[:4] == b"RIFF"
    assert len(content) == 8 + int.from_bytes(content[4:8], "little")


_CHECKS: dict[str, Callable[[bytes], object]] = {
    ".csv": _check_csv,
    ".gz": lambda content: _check_csv(gzip.decompress(content)),
    ".npy": lambda content: np.load(io.BytesIO(content)),
    ".parquet": lambda content: pl.read_parquet(io.BytesIO(content)),
    ".json": _check_json,
    ".html": _ends(b"<html", b"</html>"),
    ".png": _ends(b"\x89png", b"IEND"),
    ".svg": _ends(b"<svg", b"</svg>"),
    ".pdf": _ends(b"%pdf", b"%%EOF"),
    ".webp": _check_webp,
}


def living(folder: Path) -> list[str]:
    """Return the processes whose command line or working folder names a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if str(folder) in command and state != "Z":
            found.append(f"{entry.name}: {command[:100]}")
    return found


SIGNALS = {"SIGINT": 130, "SIGTERM": 143, "SIGKILL": -signal.SIGKILL}
