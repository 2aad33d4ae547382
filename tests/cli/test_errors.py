"""Bad input: an exit code, one line that says what to do, and nothing written."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from tests.tables import CLASSIC

Invoke = Callable[..., Result]
Start = Callable[..., "Popen[bytes]"]

OUT = ("-o", "out.csv")


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"folder"
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with good and bad files."""
    (tmp_path / "old.csv").write_text("old")
    (tmp_path / "good.csv").write_text("a,b,c\n0.2,0.3,0.5\n0.1,0.1,0.8\n")
    (tmp_path / "pairs.csv").write_text("a,b\n0.2,0.8\n")
    (tmp_path / "bad.csv").write_text("a,b,c\n0.2,0.3,0.5\n0.2,x,0.5\n")
    (tmp_path / "off.csv").write_text("a,b,c\n0.2,0.3,0.5\n0.2,0.3,0.9\n")
    (tmp_path / "ragged.csv").write_text("1,2,3\n4,5\n")
    (tmp_path / "nan.csv").write_text("p\n1\nnan\n3\n")
    (tmp_path / "negative.csv").write_text("a,1\nb,-2\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "deep.json").write_text("[" * 99_999)
    (tmp_path / "w.txt").write_text("1,2")
    np.save(tmp_path / "pickled.npy", np.array([1, None]), allow_pickle=True)
    np.save(tmp_path / "cube.npy", np.ones((2, 2, 2)))
    np.save(tmp_path / "nan.npy", np.array([1.0, np.nan]))
    np.save(tmp_path / "none.npy", np.zeros((0, 3)))
    np.save(tmp_path / "objects.npy", np.array([[1, None, 2]]), allow_pickle=True)
    (tmp_path / "short.npy").write_bytes((tmp_path / "cube.npy").read_bytes()[:-8])
    (tmp_path / "junk.parquet").write_bytes(b"PAR1" + b"junk" * 50)
    (tmp_path / "sub").mkdir()
    return tmp_path


CASES: list[tuple[tuple[str, ...], int, str]] = [
    # pi and logits
    (("--pi", ""), 2, "'--pi': is empty; write values such as 1,3,6"),
    (("--pi", "   "), 2, "'--pi': is empty"),
    (("--pi", "a,b"), 2, "'--pi': value 1: 'a' is not a number"),
    (("--pi", "1,,3"), 2, "value 2: '' is not a number"),
    (("--pi", "1,nan"), 2, "value 2: nan is not finite"),
    (("--pi", "inf,1"), 2, "value 1: inf is not finite"),
    (("--pi", "1,1e999"), 2, "value 2: inf is not finite"),
    (("--pi", "1,0"), 2, "value 2 is 0; unnormalised probabilities must be > 0"),
    (("--pi", "1,-2"), 2, "value 2 is -2"),
    (("--pi", "1"), 2, "has 1 value; a choice needs two or more categories"),
    (("--pi", "cat=1"), 2, "has 1 value"),
    (("--pi", "cat=1,3"), 2, "'3' has no name"),
    (("--pi", "cat=1,cat=3"), 2, "two categories are named 'cat'"),
    (("--pi", "\udcff=1,b=2"), 2, "control character"),
    (("--pi", "a\nb=1,c=2"), 2, "control character"),
    (("--logits", "1"), 2, "'--logits': has 1 value"),
    (("--logits", "1,-inf"), 2, "value 2: -inf is not finite"),
    (("--pi", "1,2", "--logits", "0,1"), 2, "--pi and --logits are both given; leave one out"),
    # weights files
    (("--pi", "@"), 2, "unknown suffix ''"),
    (("--pi", "@none.csv"), 2, "@none.csv: No such file"),
    (("--pi", "@sub"), 2, "@sub: unknown suffix"),
    (("--pi", "@w.txt"), 2, "unknown suffix '.txt'; expected .csv, .npy or .json"),
    (("--pi", "@empty.csv"), 2, "@empty.csv: is empty"),
    (("--pi", "@ragged.csv"), 2, "@ragged.csv: row 2 has 2 values where row 1 has 3"),
    (("--pi", "@nan.csv"), 2, "@nan.csv: row 3: nan is not finite"),
    (("--pi", "@negative.csv"), 2, "value 2 is -2"),
    (("--pi", "@pickled.npy"), 2, "@pickled.npy: holds pickled objects"),
    (("--pi", "@cube.npy"), 2, "@cube.npy: holds float64 of shape (2, 2, 2)"),
    (("--pi", "@short.npy"), 2, "@short.npy: ends before the 8 values that it announces"),
    (("--pi", "@nan.npy"), 2, "@nan.npy: value 2: nan is not finite"),
    (("--pi", "@deep.json"), 2, "@deep.json: is nested too deeply"),
    # temperatures
    (("-t", "0"), 2, "use --hard for the zero-temperature limit"),
    (("-t", "-1"), 2, "-1 is not a positive, finite number"),
    (("-t", "nan"), 2, "nan is not a positive, finite number"),
    (("-t", "inf"), 2, "inf is not a positive, finite number"),
    (("-t", "hot"), 2, "'hot' is not a number"),
    (("--tau", "hot"), 2, "'-t' / '--temperature' / '--tau': 'hot' is not a number"),
    (("-t", ""), 2, "'' is not a number"),
    (("-t", "1,0"), 2, "--hard"),
    (("-t", "0.1:1:1"), 2, "write LOW:HIGH:COUNT"),
    (("-t", "0.1:1:" + "9" * 5000), 2, "write LOW:HIGH:COUNT"),
    # numbers
    (("-n", "0"), 2, "'-n' / '--samples': 0 is not 1 or more"),
    (("-n", "-5"), 2, "-5 is not 1 or more"),
    (("-n", "1.5"), 2, "'1.5' is not a whole number"),
    (("-n", "many"), 2, "'many' is not a whole number"),
    (("-n", "1_"), 2, "'1_' is not a whole number"),
    (("-n", "1e99"), 2, "is more than 1e+15"),
    (("--seed", "-1"), 2, "'--seed': -1 is not in 0 ... 2**128 - 1"),
    (("--seed", str(2**128)), 2, "is not in 0 ... 2**128 - 1"),
    (("--seed", "1.5"), 2, "'1.5' is not a whole number"),
    (("-j", "0"), 2, "'-j' / '--threads'"),
    (("-j", "-2"), 2, "'-j' / '--threads'"),
    (("--dtype", "float16"), 2, "'--dtype'"),
    # forms and outputs
    (("--log", "--hard"), 2, "--log and --hard are both given"),
    (("-o", "x.txt"), 2, "x.txt: unknown suffix '.txt'; use .csv, .npy or .parquet"),
    (("-o", "x"), 2, "unknown suffix ''"),
    (("-o", ""), 2, "is empty; name a file"),
    (("-o", "x.csv", "-o", "x.csv"), 2, "x.csv is given twice"),
    (("--format", "xlsx"), 2, "'--format'"),
    (("-o", "no/x.csv"), 1, "the directory no does not exist; create it first"),
    (("-o", "old.csv/x.csv"), 1, "the directory old.csv does not exist"),
    (("-o", "sub", "--format", "csv"), 1, "sub is a directory; name a file in it"),
    (("-o", "old.csv"), 1, "old.csv exists; use --force to replace it"),
    (("-o", "new.npy", "-o", "old.csv"), 1, "old.csv exists; use --force to replace it"),
    (("-o", "n" * 300 + ".csv"), 1, "File name too long"),
    (("--nonsense",), 2, "No such option"),
    (("--tempreature", "3"), 2, "No such option '--tempreature'. Did you mean '--temperature'?"),
    (("stray",), 2, "unexpected extra argument"),
]


@pytest.mark.parametrize(
    ("args", "code", "message"), CASES, ids=[" ".join(c[0])[:40].strip() or "empty" for c in CASES]
)
def test_sample_refuses(
    invoke: Invoke, folder: Path, args: tuple[str, ...], code: int, message: str
) -> None:
    out = () if "-o" in args else OUT
    _refused(invoke, folder, ("sample", *args, *out), code, message)


DENSITY: list[tuple[tuple[str, ...], int, str]] = [
    ((), 2, "Missing argument 'FILE'"),
    (("none.csv",), 1, "none.csv: No such file or directory"),
    (("sub",), 1, "sub: is a folder without samples"),
    (("empty.csv",), 1, "empty.csv: is empty"),
    (("bad.csv",), 1, "bad.csv: row 2: 'x' is not a number"),
    (("ragged.csv",), 1, "ragged.csv: row 2 has 2 values; expected 3"),
    (("off.csv", "--strict"), 1, "off.csv: row 2 is not on the simplex"),
    (("pairs.csv",), 2, "pairs.csv: 2 columns, 3 weights; is one an index"),
    (
        ("cube.npy", "-t", "1,2,3", "--pi", "1,2"),
        1,
        "3-D array (2, 2, 2): name the temperature of a batch with -t; of 2 temperatures, all",
    ),
    (("none.npy",), 1, "has no rows"),
    (("objects.npy",), 1, "objects.npy: holds pickled objects"),
    (("junk.parquet",), 1, "junk.parquet: not a readable Parquet file"),
    (("good.csv", "-t", "1,2"), 2, "2 temperatures for the one table of good.csv"),
    (("good.csv", "-t", "0"), 2, "--hard"),
    (("good.csv", "--pi", "1,2,3", "--logits", "1,2,3"), 2, "both given"),
    (("good.csv", "-o", "x.csv", "-o", "y.csv"), 2, "2 outputs; FILE is read once: name one"),
    (("good.csv", "-o", "old.csv"), 1, "old.csv exists; use --force"),
    (("good.csv", "-o", "x.txt"), 2, "unknown suffix '.txt'"),
    (("good.csv", "-o", "no/x.csv"), 1, "does not exist"),
]


@pytest.mark.parametrize("suffix", ["csv", "npy", "parquet"])
@pytest.mark.parametrize(("args", "code", "message"), DENSITY)
def test_density_refuses(
    invoke: Invoke, folder: Path, args: tuple[str, ...], code: int, message: str, suffix: str
) -> None:
    out = () if "-o" in args else ("-o", f"out.{suffix}")
    known = () if {"--pi", "-t"} & {*args} else CLASSIC
    _refused(invoke, folder, ("density", *args, *known, *out), code, message)


def test_short_npy_is_found_while_it_is_read(invoke: Invoke, folder: Path) -> None:
    args = ("density", "short.npy", "-t", "1,2", "--pi", "1,2", *OUT)
    _refused(invoke, folder, args, 1, "short.npy: ends after row 3 of the 4")


def test_an_unknown_command_and_no_command(invoke: Invoke, folder: Path) -> None:
    choice = (
        "choose from sample, plot, sweep, describe, density, gradient, schedule, check, fit, "
        "doctor."
    )
    _refused(invoke, folder, ("draw",), 2, f"No such command 'draw'; {choice}\n")
    for typed, near in (("plto", "plot"), ("chekc", "check"), ("densities", "density")):
        meant = f"No such command {typed!r}; {choice} Did you mean {near!r}?\n"
        _refused(invoke, folder, (typed,), 2, meant)
    result = invoke()
    assert result.exit_code == 2
    assert "Usage" in result.stderr
    assert result.stdout == ""


def test_bad_standard_input_is_refused(invoke: Invoke, folder: Path) -> None:
    for data, message in ((b"", "is empty"), (b"a,b\n", "no rows"), (b"1,2,3\n1,2\n", "row 2")):
        before = snapshot(folder)
        pi = "1,2" if b"a," in data else "1,3,6"
        result = invoke("density", "-", "-q", *OUT, "-t", 3, "--pi", pi, input=data)
        assert result.exit_code == 1
        assert message in result.stderr
        assert result.stderr.startswith("Error: standard input: ")
        assert snapshot(folder) == before


def _refused(invoke: Invoke, folder: Path, args: tuple[Any, ...], code: int, message: str) -> None:
    before = snapshot(folder)
    result = invoke(*args)  # fails on anything but an exit
    assert result.exit_code == code, result.stderr
    assert message in result.stderr
    assert result.stderr.startswith("Error: ")
    assert result.stderr.endswith("\n")
    assert len(result.stderr.splitlines()) == 1
    assert len(result.stderr) < 700
    assert result.stdout == ""
    assert snapshot(folder) == before


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A folder in which an ordinary user may not write."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o555)
        yield Path(name)
        Path(name).chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no such permissions")
@pytest.mark.parametrize("suffix", ["csv", "npy", "parquet"])
def test_a_read_only_folder_is_refused(
    invoke: Invoke, read_only: Path, suffix: str, tmp_path: Path
) -> None:
    root = os.geteuid() == 0
    if root:  # may write everywhere, so become nobody for a moment
        os.setresuid(65534, 65534, 0)
    try:
        result = invoke("sample", "-n", 10, "-o", read_only / f"x.{suffix}")
    finally:
        if root:
            os.setresuid(0, 0, 0)
    assert result.exit_code == 1
    assert "is not writable; choose another" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert snapshot(read_only) == {}
    assert snapshot(tmp_path) == {}
