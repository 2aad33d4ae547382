"""`gscli density`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import Result

from gscli import Concrete
from gscli.io import samples as batches
from gscli.io.formats import text as text_format
from tests.tables import CLASSIC, save

Invoke = Callable[..., Result]

PI = (1, 3, 6)
SUFFIXES = ("csv", "npy", "parquet")


def load(path: Path) -> Any:
    if path.suffix == ".npy":
        return np.load(path)
    return (pl.read_csv if path.suffix == ".csv" else pl.read_parquet)(path).to_numpy()


@pytest.fixture(params=[1, 2000])
def x(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Samples: a single row, or several blocks of them."""
    monkeypatch.setattr(batches, "BATCH_VALUES", 300)
    monkeypatch.setattr(batches, "PART_VALUES", 900)
    monkeypatch.setattr(text_format, "CSV_BYTES", 5000)
    return Concrete(PI, 0.7).sample(request.param, seed=1)


@pytest.mark.parametrize("source", SUFFIXES)
@pytest.mark.parametrize("target", SUFFIXES)
@pytest.mark.parametrize("append", [False, True])
def test_every_format_to_every_format(
    invoke: Invoke, tmp_path: Path, x: Any, source: str, target: str, append: bool
) -> None:
    expected = Concrete(PI, 0.7).log_prob(x)
    save(tmp_path / f"x.{source}", x)
    result = invoke(
        "density", f"x.{source}", "--pi", "1,3,6", "-t", 0.7, "-o", f"y.{target}",
        *(["--append"] if append else []),
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    y = load(tmp_path / f"y.{target}")
    if target == "npy" and not append:
        assert y.shape == (len(x),)
    y = y.reshape(len(x), -1)
    assert y.shape == (len(x), 4 if append else 1)
    np.testing.assert_allclose(y[:, -1], expected, rtol=1e-13)
    if append:
        assert (y[:, :3] == x).all()
    assert "probs 0.1, 0.3, 0.6; t = 0.7" in result.stderr


@pytest.mark.parametrize("source", SUFFIXES)
def test_standard_input_to_standard_output(invoke: Invoke, tmp_path: Path, source: str) -> None:
    x = Concrete(PI, 3).sample(50, seed=1)
    data = save(tmp_path / f"x.{source}", x).read_bytes()
    result = invoke("density", "-", *CLASSIC, "-q", input=data)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "log_prob"
    np.testing.assert_allclose([float(v) for v in lines[1:]], Concrete(PI, 3).log_prob(x))
    appended = invoke("density", "-", *CLASSIC, "--append", "-q", input=data).stdout
    assert appended.startswith("x1,x2,x3,log_prob\n")


def test_it_reads_what_sample_writes(invoke: Invoke) -> None:
    for form, t in (((), 2), (("--log",), 0.01)):
        drawn = invoke("sample", "--pi", "a=1,b=3", "-t", t, "-n", 200, *form).stdout
        result = invoke("density", "-", "--pi", "1,3", "-t", t, "--append", *form,
                        input=drawn.encode())  # fmt: skip
        assert result.exit_code == 0
        rows = [line.split(",") for line in result.stdout.splitlines()]
        assert rows[0] == ["a", "b", "log_prob"]
        values = np.array(rows[1:], float)
        d = Concrete([1, 3], t)
        expected = d.log_prob_log(values[:, :2]) if form else d.log_prob(values[:, :2])
        np.testing.assert_allclose(values[:, 2], expected, rtol=1e-12)
        assert np.isfinite(values).all()
        assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rows_off_the_simplex_are_counted_and_named(
    invoke: Invoke, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_VALUES", 9)
    monkeypatch.setattr(batches, "PART_VALUES", 18)
    monkeypatch.setattr(text_format, "CSV_BYTES", 20)
    table = np.full((20, 3), 1 / 3)
    table[[6, 11]] = [[0.5, 0.5, 0.5], [-0.5, 0.5, 1]]
    table[8] = [0, 0.25, 0.75]
    save(tmp_path / f"x.{suffix}", table)
    result = invoke("density", f"x.{suffix}", "--pi", "1,3,6", "-t", 0.1, "-o", "y.npy")
    assert result.exit_code == 0
    y = np.load(tmp_path / "y.npy")
    assert np.flatnonzero(y == -np.inf).tolist() == [6, 11]
    assert y[8] == np.inf
    assert "2 rows are not on the simplex and got -inf, the first is row 7" in result.stderr
    assert "1 row holds an exact 0" in result.stderr
    assert "the first is row 9" in result.stderr
    for target in SUFFIXES:
        strict = invoke("density", f"x.{suffix}", *CLASSIC, "--strict", "-o", f"z.{target}")
        assert strict.exit_code == 1
        assert strict.stderr.startswith(f"Error: x.{suffix}: row 7 is not on the simplex")
        assert len(strict.stderr.splitlines()) == 1
        assert not (tmp_path / f"z.{target}").exists()
    assert invoke("density", f"x.{suffix}", *CLASSIC, "-q").stderr == ""


def test_each_row_of_a_file_with_temperatures_has_its_own(invoke: Invoke, tmp_path: Path) -> None:
    drawn = ("sample", "-t", "0.5,1,3", "-n", 40, "--seed", 2)
    expected = np.concatenate(
        [d.log_prob(d.sample(40, seed=2)) for d in (Concrete(PI, t) for t in (0.5, 1, 3))]
    )
    for suffix in SUFFIXES:
        assert invoke(*drawn, "-o", f"x.{suffix}").exit_code == 0
        given = ("-t", "0.5,1,3") if suffix == "npy" else ()
        for target in SUFFIXES:
            args = (f"x.{suffix}", "--pi", "1,3,6", *given, "--append", "-f", "-o", f"y.{target}")
            result = invoke("density", *args)
            assert result.exit_code == 0, result.stderr
            y = load(tmp_path / f"y.{target}")
            assert y.shape == (120, 5)
            assert y[::40, 0].tolist() == [0.5, 1, 3]
            np.testing.assert_allclose(y[:, 4], expected, rtol=1e-12)
            assert "each row's own" in result.stderr
    # As in the other commands, -t chooses rows.
    one = invoke("density", "x.csv", *CLASSIC[:2], "-t", 1, "-o", "one.npy")
    assert one.exit_code == 0
    np.testing.assert_allclose(np.load(tmp_path / "one.npy"), expected[40:80])


@pytest.mark.parametrize("bad", ["0", "-1", "nan", "inf"])
def test_a_bad_temperature_in_the_file_is_named_by_its_row(
    invoke: Invoke, tmp_path: Path, bad: str
) -> None:
    (tmp_path / "x.csv").write_text(f"temperature,a,b\n1,0.5,0.5\n{bad},0.5,0.5\n2,0.5,0.5\n")
    result = invoke("density", "x.csv", "--pi", "1,1", "-o", "y.csv")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: x.csv: row 2: temperature ")
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_the_file_that_is_read_is_never_replaced(invoke: Invoke, tmp_path: Path) -> None:
    x = Concrete(PI, 3).sample(50, seed=1)
    for suffix in SUFFIXES:
        path = save(tmp_path / f"x.{suffix}", x)
        before = path.read_bytes()
        result = invoke("density", path, *CLASSIC, "--append", "-f", "-o", path)
        assert result.exit_code == 2
        assert "is the FILE that is read; name another" in result.stderr
        assert path.read_bytes() == before


def test_the_remedy_for_logarithms_is_given_to_logarithms(invoke: Invoke) -> None:
    remedy = "for logarithms of samples use --log"
    for text, hinted in [("0.2,0.3,0.6\n", False), ("-1,-2,-3\n", False), ("nan,0,1\n", False)]:
        assert (remedy in invoke("density", "-", *CLASSIC, input=text.encode()).stderr) == hinted
    log_x = ",".join(map(str, np.log([0.2, 0.3, 0.5])))
    assert remedy in invoke("density", "-", *CLASSIC, input=f"{log_x}\n".encode()).stderr


def test_its_help_says_that_it_writes_one_file(invoke: Invoke) -> None:
    text = " ".join(invoke("density", "--help").stdout.split())
    assert "Where to write, one file; - is standard output." in text
    assert "Repeatable" not in text
    assert "Repeatable" in invoke("sample", "--help").stdout


def test_the_input_is_never_replaced(invoke: Invoke, tmp_path: Path) -> None:
    save(tmp_path / "x.csv", Concrete([1, 3, 6], 3).sample(5, seed=1))
    before = (tmp_path / "x.csv").read_bytes()
    (tmp_path / "link.csv").hardlink_to(tmp_path / "x.csv")
    for output in ("x.csv", "link.csv", "./x.csv"):
        result = invoke("density", "x.csv", *CLASSIC, "-f", "-o", output)
        assert result.exit_code == 2
        assert "is the FILE that is read; name another" in result.stderr
    assert (tmp_path / "x.csv").read_bytes() == before
