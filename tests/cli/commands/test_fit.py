"""`gscli fit`."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from gscli import Concrete
from gscli.cli.commands.fit import to_digits
from gscli.inference.fit import fit
from tests.tables import answer, save

Invoke = Callable[..., Result]
Start = Callable[..., "Popen[bytes]"]

N = 5000
TRUTH = Concrete([1, 3, 6], 0.7)
KEYS = {
    "names", "n", "probs", "temperature", "standard_errors", "interval_95", "log_likelihood",
    "iterations", "goodness", "remarks",
}  # fmt: skip


@pytest.mark.parametrize("suffix", ["csv", "npy", "parquet"])
@pytest.mark.parametrize("log", [False, True])
def test_json_is_the_fit(invoke: Invoke, tmp_path: Path, suffix: str, log: bool) -> None:
    rows = (TRUTH.sample_log if log else TRUTH.sample)(N, seed=1)
    save(tmp_path / f"x.{suffix}", rows)
    result = invoke("fit", f"x.{suffix}", "--json", *(["--log"] if log else []))
    assert result.exit_code == 0, result.output
    found, expected = answer(result), fit([rows], log=log)
    assert set(found) == KEYS
    assert found["n"] == N
    assert found["probs"] == pytest.approx(expected.probs)
    assert found["temperature"] == pytest.approx(expected.temperature)
    assert found["log_likelihood"] == pytest.approx(expected.log_likelihood)
    for key, part in (
        ("standard_errors", expected.standard_errors),
        ("interval_95", expected.interval_95),
    ):
        assert set(found[key]) == {"probs", "temperature"}
        assert np.array(found[key]["probs"]) == pytest.approx(part.probs, rel=1e-5)
        assert found[key]["temperature"] == pytest.approx(part.temperature, rel=1e-5)
    assert np.shape(found["interval_95"]["probs"]) == (3, 2)
    assert found["goodness"]["consistent"] is True


def test_the_table(invoke: Invoke, tmp_path: Path) -> None:
    rows = TRUTH.sample(N, seed=1)
    save(tmp_path / "x.csv", rows, ("cat", "dog", "[b]bird"))
    result = invoke("fit", "x.csv")
    assert (result.exit_code, result.stderr) == (0, "")
    found = fit([rows])
    cells = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()[1:5]}
    assert list(cells) == ["cat", "dog", "[b]bird", "temperature"]
    expected = [*zip(found.probs, found.standard_errors.probs, strict=True)]
    expected.append((found.temperature, found.standard_errors.temperature))
    for (estimate, error), shown in zip(expected, cells.values(), strict=True):
        assert float(shown[0]) == pytest.approx(estimate, abs=error / 10)
        assert float(shown[1]) == pytest.approx(error, rel=0.05)
        assert float(shown[2]) < estimate < float(shown[4])
    assert f"log-likelihood {found.log_likelihood:,.2f} nats, n = 5,000" in result.stdout
    assert "goodness of fit: no sign of another distribution" in result.stdout
    assert "p-values are conservative" in result.stdout


def test_fixed_temperature(invoke: Invoke, tmp_path: Path) -> None:
    save(tmp_path / "x.csv", TRUTH.sample(N, seed=1))
    found = answer(invoke("fit", "x.csv", "--fix-temperature", 0.6, "--json"))
    assert found["temperature"] == pytest.approx(0.6)
    assert found["standard_errors"]["temperature"] == 0
    assert found["goodness"]["consistent"] is False
    shown = invoke("fit", "x.csv", "--fix-temperature", 0.6)
    assert shown.exit_code == 0
    assert "fixed" in shown.stdout
    assert "rejected: the samples are not of this distribution" in shown.stdout
    assert "the noise is scaled by 0.85" in " ".join(shown.stdout.split())


def test_few_rows_are_not_rejected(invoke: Invoke, tmp_path: Path) -> None:
    save(tmp_path / "x.csv", TRUTH.sample(12, seed=1))
    shown = " ".join(invoke("fit", "x.csv").stdout.split())
    assert "goodness of fit: not judged" in shown
    assert "12 rows are too few to judge" in shown


def test_several_fixed_temperatures_are_tables_apart(invoke: Invoke, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", [Concrete([1, 3, 6], t).sample(500, seed=1) for t in (0.5, 1)])
    shown = invoke("fit", "x.npy", "--fix-temperature", "0.5,1").stdout
    assert shown.count("\n\ncategory") == 1
    assert "temperature     0.5           fixed" in shown


def test_temperature_columns(invoke: Invoke) -> None:
    invoke("sample", "-t", "0.5,1", "-n", 1000, "--seed", 2, "-o", "x.csv")
    result = invoke("fit", "x.csv")
    assert result.exit_code == 1
    assert "several temperatures, 0.5, 1; choose one with --fix-temperature" in result.stderr
    found = answer(invoke("fit", "x.csv", "--fix-temperature", 1, "--json"))
    assert found["n"] == 1000
    assert found["goodness"]["consistent"] is True


def test_many_categories_are_cut_short(invoke: Invoke, tmp_path: Path) -> None:
    d = Concrete(np.ones(60), 1.0)
    np.save(tmp_path / "x.npy", d.sample(2000, seed=1))
    shown = invoke("fit", "x.npy").stdout
    assert "x50 " in shown
    assert "x51 " not in shown
    assert "(10 more: --json has all)" in shown
    assert len(answer(invoke("fit", "x.npy", "--json"))["probs"]) == 60


@pytest.mark.parametrize(
    ("rows", "arguments", "code", "words"),
    [
        (TRUTH.sample(2, seed=1), (), 1, "2 rows are too few to fit 3 parameters"),
        (np.tile([0.2, 0.3, 0.5], (9, 1)), (), 1, "column 1 is constant"),
        (np.array([[0.2, 0.3, 0.5], [0, 0.5, 0.5]]), (), 1, "row 2 (0, 0.5, 0.5) holds an exact 0"),
        (np.eye(3), (), 1, "one-hot: that is temperature 0"),
        (np.full((4, 3), np.nan), (), 1, "row 1 (nan, nan, nan) holds NaN"),
        (np.full((4, 3), np.inf), (), 1, "row 1 (inf, inf, inf) holds an infinite value"),
        (TRUTH.sample_log(9, seed=1), (), 1, "if these are logarithms, add --log"),
        (TRUTH.sample(9, seed=1), ("--log",), 1, "read it without --log"),
        (np.empty((0, 3)), (), 1, "no rows"),
        (TRUTH.sample(9, seed=1), ("--fix-temperature", "0"), 2, "'--fix-temperature'"),
        (TRUTH.sample(9, seed=1), ("--fix-temperature", "1,2"), 2, "'--fix-temperature'"),
    ],
)
def test_degenerate_cases_end_in_one_line(
    invoke: Invoke, tmp_path: Path, rows: Any, arguments: tuple[str, ...], code: int, words: str
) -> None:
    np.save(tmp_path / "x.npy", rows)
    result = invoke("fit", "x.npy", *arguments)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr
    if code == 1:
        assert result.stderr.startswith("Error: x.npy: ")


@pytest.mark.parametrize("seed", range(40))
def test_a_few_odd_rows_never_end_in_a_traceback(invoke: Invoke, tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    k, n = int(random.integers(2, 5)), int(random.integers(2, 8))
    rows = random.integers(1, 4, size=(n, k)).astype(np.float64) ** int(random.integers(0, 30))
    rows[:, -1] = rows[:, 0]
    rows = rows / rows.sum(axis=1, keepdims=True)
    np.save(tmp_path / "x.npy", rows)
    result = invoke("fit", "x.npy", "--json")
    assert result.exit_code in (0, 1)
    if result.exit_code == 0:
        assert answer(result)["temperature"] > 0
    else:
        assert result.stderr.count("\n") == 1


def test_estimates_have_the_digits_that_the_error_allows() -> None:
    assert to_digits(0.123456, 0.0123, (0.1, 0.15)) == ("0.123", "0.012", "0.100 to 0.150")
    assert to_digits(20.123, 3.2, (15.0, 27.0)) == ("20.1", "3.2", "15.0 to 27.0")
    assert to_digits(3.0, 0.0, (3.0, 3.0))[0] == "3.000000"
    assert to_digits(1e-12, 1e-13, (8e-13, 1.2e-12)) == ("1e-12", "1e-13", "8e-13 to 1.2e-12")


def test_standard_input_in_a_pipe(start: Start) -> None:
    rows = TRUTH.sample(2000, seed=1)
    lines = "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist())
    process = start("fit", "-", "--json")
    output, errors = process.communicate(lines.encode(), timeout=60)
    assert (process.returncode, errors) == (0, b"")
    assert json.loads(output)["temperature"] == pytest.approx(fit([rows]).temperature)
