"""A few real processes: what start-up imports, pipes, full disks, signals."""

import contextlib
import io
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import numpy as np
import polars as pl
import pytest

import gscli
from tests.tables import CLASSIC

Start = Callable[..., "Popen[bytes]"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(gscli.__file__).parents[1])}

SUFFIXES = ("csv", "npy", "parquet")
WAIT = 60.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes and signals")


def finished(process: "Popen[bytes]") -> tuple[int, bytes, str]:
    stdout, stderr = process.communicate(timeout=WAIT)
    return process.returncode, stdout, stderr.decode()


# --- start-up -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "args", [("--help",), ("--version",), ("sample", "--help"), ("density", "--help")]
)
def test_help_and_version_import_nothing_heavy(start: Start, args: tuple[str, ...]) -> None:
    code, stdout, stderr = finished(start(*args, options=("-X", "importtime")))
    assert code == 0
    assert stdout.strip()
    imported = {line.split("|")[-1].strip().split(".")[0] for line in stderr.splitlines()}
    assert "click" in imported
    assert "gscli" in imported
    heavy = {"numpy", "scipy", "plotly", "kaleido", "polars", "rich", "jinja2", "contourpy"}
    unused = {"csv", "json", "shlex", "tempfile"}  # together a tenth of the time
    assert not imported & (heavy | unused)


def test_the_api_is_imported_on_demand() -> None:
    lines = (
        "import sys, gscli",
        "before = 'numpy' in sys.modules",
        "gscli.Concrete",
        "print(before, 'numpy' in sys.modules)",
    )
    process = Popen([sys.executable, "-c", "\n".join(lines)], stdout=PIPE, env=ENVIRONMENT)
    assert process.communicate(timeout=WAIT)[0].split() == [b"False", b"True"]


# --- pipes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("quiet", [True, False])
def test_a_reader_that_has_enough_ends_it_quietly(start: Start, suffix: str, quiet: bool) -> None:
    """As in `gscli sample | head -1`."""
    process = start("sample", "-n", "1e9", "--format", suffix, *(["-q"] if quiet else []))
    assert process.stdout is not None
    if suffix == "csv":
        assert process.stdout.readline() == b"x1,x2,x3\n"
    else:
        assert process.stdout.read(4) in (b"\x93NUM", b"PAR1")
    process.stdout.close()
    process.stdout = None
    code, _, stderr = finished(process)
    assert (code, stderr) == (0, "")


def test_a_pipe_from_sample_to_density(start: Start) -> None:
    first = start("sample", "-n", 200_000, "--seed", 1, "-q", stdin=None)
    second = start("density", "-", *CLASSIC, "-q", stdin=first.stdout)
    assert first.stdout is not None
    first.stdout.close()
    first.stdout = None
    code, stdout, stderr = finished(second)
    assert (code, stderr) == (0, "")
    assert len(stdout.splitlines()) == 200_001
    assert finished(first)[0] == 0


@pytest.mark.parametrize("mode", ["wb", "ab"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_standard_output_may_be_a_file_that_goes_on(
    start: Start, tmp_path: Path, suffix: str, mode: str
) -> None:
    """As in `(echo before; gscli sample; gscli density ...) > file`, and with `>>`."""
    path = tmp_path / "all"
    same = ("-n", 5000, "--seed", 1, "-q", "--format", suffix)
    expected = finished(start("sample", *same))[1]
    again = finished(
        start("density", "-", *CLASSIC, "-q", "--format", suffix, stdin=_temporary(expected))
    )[1]
    assert again
    with path.open(mode) as file:
        file.write(b"before")
        file.flush()
        assert finished(start("sample", *same, stdout=file))[0] == 0
        density = start("density", "-", *CLASSIC, "-q", "--format", suffix, stdout=file,
                        stdin=_temporary(expected))  # fmt: skip
        assert finished(density)[0] == 0
    assert path.read_bytes() == b"before" + expected + again


def _temporary(data: bytes) -> Any:
    """A pipe that holds these bytes; a thread feeds it."""
    import threading

    read, write = os.pipe()

    def feed() -> None:
        with contextlib.suppress(BrokenPipeError), os.fdopen(write, "wb") as file:
            file.write(data)

    threading.Thread(target=feed, daemon=True).start()
    return read


# --- full disks ---------------------------------------------------------------------------------


LIMITED = ("sh", "-c", 'ulimit -f 3000; exec "$0" "$@"')
"""Before a command: it can write no file of more than 1.5 MB (or 3, as the shell counts blocks)."""


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("old", [None, b"old"])
@pytest.mark.parametrize("command", ["sample", "density"])
def test_a_full_disk_leaves_nothing_but_the_old_file(
    start: Start, tmp_path: Path, suffix: str, old: bytes | None, command: str
) -> None:
    target = tmp_path / "out" / f"x.{suffix}"
    target.parent.mkdir()
    if old is not None:
        target.write_bytes(old)
    if command == "sample":
        args: tuple[object, ...] = ("sample", "-n", 2_000_000)
    else:
        np.save(tmp_path / "x.npy", np.random.default_rng(0).dirichlet([1, 1, 1], 600_000))
        args = ("density", tmp_path / "x.npy", *CLASSIC)
    process = start(*args, "-q", "-f", "-o", target, before=LIMITED)
    code, stdout, stderr = finished(process)
    assert code == 1, stderr
    assert stdout == b""
    assert stderr == f"Error: {target}: File too large; nothing was written\n"
    left = {path.name: path.read_bytes() for path in target.parent.iterdir()}
    assert left == ({} if old is None else {f"x.{suffix}": old})


# --- signals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_write_leaves_only_the_old_file_intact(
    start: Start, tmp_path: Path, suffix: str, number: signal.Signals, code: int
) -> None:
    target = tmp_path / "out" / f"x.{suffix}"
    target.parent.mkdir()
    target.write_bytes(b"old")
    process = start("sample", "-n", "1e9", "-f", "-o", target, restore_signals=True)
    _wait_until_it_grows(target, process)
    process.send_signal(number)
    returned, stdout, stderr = finished(process)
    assert returned == code, stderr
    assert stdout == b""
    assert "Traceback" not in stderr
    assert len(stderr.split("\n")) <= 3
    assert {path.name: path.read_bytes() for path in target.parent.iterdir()} == {
        target.name: b"old"
    }


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_density_can_be_interrupted_too(start: Start, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / "out" / f"x.{suffix}"
    target.parent.mkdir()
    source = start("sample", "-n", "1e9", "-q", "--format", "npy")
    process = start("density", "-", *CLASSIC, "-o", target, "--append", stdin=source.stdout)
    _wait_until_it_grows(target, process)
    process.send_signal(signal.SIGINT)
    code, _, stderr = finished(process)
    assert code == 130, stderr
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("moment", range(12))
def test_an_interrupted_sink_ends_quietly_at_any_moment(
    start: Start, tmp_path: Path, moment: int
) -> None:
    # polars' own handler of the signal made about one in ten print a backtrace, or abort.
    target = tmp_path / "out" / "x.csv"
    target.parent.mkdir()
    process = start("sample", "-n", "1e9", "-o", target)
    _wait_until_it_grows(target, process)
    time.sleep(0.004 * moment)
    process.send_signal(signal.SIGINT)
    code, _, stderr = finished(process)
    assert (code, stderr) == (130, "Error: interrupted; no unfinished file is left\n")
    assert list(target.parent.iterdir()) == []


def written(path: Path) -> int:
    """Return how many bytes of a file are there: its size may be set before."""
    return path.stat().st_blocks * 512


def _wait_until_it_grows(target: Path, process: "Popen[bytes]") -> None:
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        sizes = [written(path) for path in target.parent.iterdir() if path != target]
        if sizes and max(sizes) > 1_000_000:
            return
        time.sleep(0.02)
    pytest.fail("the temporary file did not grow")


# --- a terminal of its own ----------------------------------------------------------------------


def on_a_terminal(start: Start, *args: object) -> str:
    """Return what a command shows when its output is a terminal."""
    import pty

    primary, secondary = pty.openpty()
    process = start(*args, stdout=secondary, stderr=PIPE)
    os.close(secondary)
    shown = b""
    with contextlib.suppress(OSError):  # the end of a pseudo-terminal
        while piece := os.read(primary, 65536):
            shown += piece
    os.close(primary)
    code, _, stderr = finished(process)
    assert (code, stderr) == (0, "")
    return shown.decode()


def test_on_a_real_terminal_there_is_a_summary(start: Start) -> None:
    text = on_a_terminal(start, "sample", "--seed", 1)
    assert "near a vertex" in text
    assert "-o samples.csv" in text
    assert len(text.splitlines()) < 40


def test_tables_hold_names_as_they_are_and_a_terminal_shows_them_escaped(start: Start) -> None:
    command = ("describe", "--pi", "a\u202eb=1,=c=2", "-t", 1, "--csv")
    assert "mean a\\u202eb,mean =c," in on_a_terminal(start, *command)
    assert "mean a\u202eb,mean =c," in finished(start(*command))[1].decode()


def test_densities_on_a_real_terminal_are_a_summary(start: Start) -> None:
    finished(start("sample", "--seed", 1, "-n", 5000, "-o", "x.csv"))
    text = on_a_terminal(start, "density", "x.csv", *CLASSIC, "-q")
    assert "log-density of 5,000 of 5,000 rows: mean 1.9" in text
    assert "-o density.csv" in text
    assert len(text.splitlines()) < 5
    rows = on_a_terminal(start, "density", "x.csv", *CLASSIC, "-q", "-o", "-")
    assert len(rows.splitlines()) == 5001


def test_output_of_one_process_is_that_of_many_threads(start: Start) -> None:
    outputs = [
        finished(start("sample", "-n", 400_000, "--seed", 3, "-q", "--format", "parquet", *extra))[
            1
        ]
        for extra in ((), ("-j", 1))
    ]
    frames = [pl.read_parquet(io.BytesIO(data)) for data in outputs]
    assert frames[0].equals(frames[1])


# --- streams that the shell closed ----------------------------------------------------------------


def shell(command: str, folder: Path) -> "tuple[int, str, str]":
    """Run a shell's line in which `gscli` is this one."""
    line = command.replace("gscli", f"{sys.executable} -m gscli")
    process = Popen(["/bin/sh", "-c", line], cwd=folder, stdout=PIPE, stderr=PIPE, env=ENVIRONMENT)
    code, stdout, stderr = finished(process)
    return code, stdout.decode(), stderr


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("gscli density - <&-", 1, "standard input: is closed"),
        ("gscli sample -n 5 >&-", 1, "standard output is closed"),
        ("gscli sample -n 5 --seed 1 -o x.csv >&-", 0, "5 samples to x.csv"),
        ("gscli sample -n 5 --seed 1 -o x.csv 2>&-", 0, ""),
        ("gscli plot --seed 1 -q --plotlyjs cdn -o x.csv.html >&- 2>&-", 0, ""),
        ("gscli plot --seed 1 -q --plotlyjs cdn -o x.csv.html 2>&-", 0, ""),
    ],
)
def test_closed_streams_end_in_one_line(tmp_path: Path, command: str, code: int, said: str) -> None:
    found = shell(command, tmp_path)
    assert found[0] == code, found
    assert found[1] == ""
    assert said in found[2]
    assert found[2].count("\n") == bool(said)
    assert bool(list(tmp_path.glob("x.csv*"))) == ("-o" in command and not code)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_by_its_name_goes_on_where_it_is(tmp_path: Path, name: str) -> None:
    if not Path(name).parent.exists():
        pytest.skip(f"there is no {name}")
    (tmp_path / "f").write_text("kept\n")
    code, _, stderr = shell(f"gscli sample -n 2 -q --format csv -o {name} >> f", tmp_path)
    assert code == 0, stderr
    lines = (tmp_path / "f").read_text().splitlines()
    assert lines[:2] == ["kept", "x1,x2,x3"]
    assert len(lines) == 4


def test_names_that_a_terminal_cannot_spell(tmp_path: Path) -> None:
    code, stdout, stderr = shell(
        "PYTHONIOENCODING=ascii gscli plot --pi é=1,b=2,c=3 -n 100 --terminal", tmp_path
    )
    assert code == 0, stderr
    assert "? p=0.167" in stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_unfinished_file(start: Start, tmp_path: Path, number: int) -> None:
    process = start("sample", "-n", 10**8, "-o", "x.npy")
    deadline = time.monotonic() + WAIT
    while not any(written(path) for path in tmp_path.glob(".x-*.gscli.*")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    code, _, stderr = finished(process)
    assert (code, stderr) == (128 + number, "")
    assert list(tmp_path.iterdir()) == []


def test_nohup_is_respected(tmp_path: Path) -> None:
    line = "trap '' HUP; gscli sample -n 3e6 -q -o x.csv & sleep 0.3; kill -HUP $!; wait $!"
    code, _, stderr = shell(line, tmp_path)
    assert (code, stderr) == (0, "")
    assert (tmp_path / "x.csv").stat().st_size > 10**8
