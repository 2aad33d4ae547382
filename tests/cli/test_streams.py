"""Readers that leave, devices that are full: in real processes, buffered by Python or not."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

Start = Callable[..., "Popen[bytes]"]

WAIT = 60.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes")


@pytest.fixture(
    params=["buffered", pytest.param("unbuffered", marks=pytest.mark.slow)], autouse=True
)
def _buffering(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test twice: what Python buffers fails later than what it does not."""
    if request.param == "buffered":
        monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    else:
        monkeypatch.setenv("PYTHONUNBUFFERED", "1")


@pytest.fixture
def unread() -> Iterator[int]:
    """The end to write of a pipe that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    yield write
    os.close(write)


@pytest.fixture
def files(invoke: Callable[..., object], tmp_path: Path) -> Path:
    """A folder with samples of the classic distribution, and some with zeros at t = 0.01."""
    invoke("sample", "--seed", 1, "-n", 2000, "-o", "x.csv")
    invoke("sample", "--seed", 1, "-n", 2000, "-t", 0.01, "-o", "zeros.csv")
    return tmp_path


def ended(process: "Popen[bytes]") -> tuple[int, str]:
    """Return the exit code, and what stands on standard error."""
    _, stderr = process.communicate(timeout=WAIT)
    return process.returncode, stderr.decode()


CLASSIC = ("--pi", "1,3,6", "-t", "3")


def _typed(value: object) -> str | None:
    return " ".join(value) if isinstance(value, tuple) else None


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("check", "x.csv", *CLASSIC), 0),
        (("check", "x.csv", *CLASSIC, "--json"), 0),
        (("check", "x.csv", "--pi", "1,3,6", "-t", "2"), 1),
        (("check", "x.csv", "--pi", "1,3,6", "-t", "2", "--json"), 1),
        (("check", "zeros.csv", "--pi", "1,3,6", "-t", "0.01"), 2),
        (("fit", "x.csv"), 0),
        (("fit", "x.csv", "--json"), 0),
        (("describe", "x.csv", *CLASSIC), 0),
        (("describe", *CLASSIC, "--csv"), 0),
        (("describe", *CLASSIC, "--json"), 0),
        (("density", "x.csv", *CLASSIC), 0),
        (("plot", "x.csv", "--terminal"), 0),
        (("doctor",), 0),
        (("--help",), 0),
        (("--version",), 0),
        (("check", "--help"), 0),
    ],
    ids=_typed,
)
def test_a_command_that_nobody_reads_ends_quietly_with_its_verdict(
    start: Start, files: Path, unread: int, args: tuple[str, ...], code: int
) -> None:
    assert files.exists()
    assert ended(start(*args, stdout=unread)) == (code, "")


@pytest.mark.parametrize("form", ["csv", "npy", "parquet"])
def test_endless_work_that_nobody_reads_ends(start: Start, unread: int, form: str) -> None:
    assert ended(start("sample", "-n", "1e12", "--format", form, stdout=unread)) == (0, "")


def test_other_outputs_are_still_written(start: Start, files: Path, unread: int) -> None:
    same = ("sample", "--seed", 1, "-n", 2000)
    for outputs in (("-", "y.csv"), ("z.csv", "-")):
        options = [word for output in outputs for word in ("-o", output)]
        code, stderr = ended(start(*same, *options, stdout=unread))
        name = max(outputs)
        said = f"2,000 samples to {name}: probs 0.1, 0.3, 0.6; t = 3; seed 1\n"
        assert (code, stderr) == (0, said)
        assert (files / name).read_bytes() == (files / "x.csv").read_bytes()
    code, stderr = ended(start("check", "x.csv", *CLASSIC, "--plot", "c.html", stdout=unread))
    assert (code, stderr) == (0, "Wrote c.html\n")
    assert (files / "c.html").stat().st_size > 10_000


def test_the_count_of_lossy_rows_is_that_of_a_whole_output(
    start: Start, files: Path, unread: int
) -> None:
    same = ("sample", "--seed", 1, "-n", 300_000, "-t", 0.01, "-o", "y.npy", "-f")
    whole = ended(start(*same))[1].splitlines()[1]
    assert "hold an exact 0 or 1" in whole
    code, stderr = ended(start(*same, "-o", "-", stdout=unread))
    assert (code, stderr.splitlines()[1]) == (0, whole)
    assert (files / "y.npy").exists()


def test_messages_that_nobody_reads_stop_nothing(start: Start, tmp_path: Path, unread: int) -> None:
    process = start("sample", "-n", 10, "-o", "x.csv", stderr=unread)
    process.communicate(timeout=WAIT)
    assert process.returncode == 0
    assert len((tmp_path / "x.csv").read_text().splitlines()) == 11


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("sample", "-n", "100000", "-q"), 1),
        (("sample", "-n", "100000", "-q", "--format", "npy"), 1),
        (("sample", "-n", "100000", "-q", "--format", "parquet"), 1),
        (("sample", "-n", "10", "-q", "--format", "npy"), 1),
        (("fit", "x.csv"), 1),
        (("fit", "x.csv", "--json"), 1),
        (("describe", "--csv"), 1),
        (("plot", "--terminal"), 1),
        (("check", "x.csv", *CLASSIC), 2),
        (("check", "x.csv", *CLASSIC, "--json"), 2),
        (("--help",), 1),
    ],
    ids=_typed,
)
def test_a_full_device_is_one_line(
    start: Start, files: Path, args: tuple[str, ...], code: int
) -> None:
    assert files.exists()
    with Path("/dev/full").open("wb") as full:
        found = ended(start(*args, stdout=full, stderr=PIPE))
    assert found == (code, "Error: output: No space left on device\n")


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("sample", "-n", "10"), 1),
        (("sample", "-n", "10", "--format", "npy"), 1),
        (("describe",), 1),
        (("describe", "--json"), 1),
        (("plot", "--terminal"), 1),
        (("fit", "x.csv"), 1),
        (("density", "x.csv", *CLASSIC), 1),
        (("check", "x.csv", *CLASSIC), 2),
        (("check", "x.csv", *CLASSIC, "-q"), 2),
        (("doctor",), 1),
        (("--help",), 1),
        (("--version",), 1),
    ],
    ids=_typed,
)
def test_a_closed_standard_output_is_an_error(
    start: Start, files: Path, args: tuple[str, ...], code: int
) -> None:
    process = start(*args, before=("sh", "-c", 'exec "$@" >&-', "sh"))
    found = ended(process)
    assert found == (code, "Error: standard output is closed; open it, or name a file with -o\n")
    assert sorted(path.name for path in files.iterdir()) == ["x.csv", "zeros.csv"]


def test_what_libraries_write_stays_off_standard_error(start: Start) -> None:
    script = (
        "import os, sys\n"
        "from gscli.cli import main\n"
        "main.main.callback = lambda: None\n"
        "main.settle_streams(); main.mute_libraries()\n"
        "os.write(2, b'backtrace'); print('ours', file=sys.stderr)\n"
        "os.system('echo child >&2')"
    )
    assert ended(start(options=("-c", script))) == (0, "ours\n")


@pytest.mark.parametrize("name", ["/dev/stderr", "/dev/fd/2"])
def test_standard_error_can_be_an_output(start: Start, files: Path, name: str) -> None:
    assert files.exists()
    code, stderr = ended(start("sample", "--seed", 1, "-n", 2, "-o", name, "-q", "--format", "csv"))
    assert code == 0
    assert len(stderr.splitlines()) == 3
