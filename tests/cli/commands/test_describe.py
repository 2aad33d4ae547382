"""`gscli describe` through its command line."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from gscli.distribution.concrete import Concrete

Invoke = Callable[..., Result]
SHARED = {
    "names", "pi", "probs", "num_categories", "best_temperature", "advised_temperature",
    "temperatures",
}  # fmt: skip


def strict(text: str) -> Any:
    """Read JSON that has no NaN or Infinity."""

    def refuse(name: str) -> None:
        raise AssertionError(name)

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def samples(invoke: Invoke) -> Path:
    assert invoke("sample", "--seed", 1, "-n", 1000, "-o", "s.csv").exit_code == 0
    return Path("s.csv")


def test_bare(invoke: Invoke) -> None:
    found = invoke("describe")
    assert found.exit_code == 0
    assert "-1.95288" in found.stdout
    assert "0.23993" in found.stdout
    said = " ".join(found.stdout.split())
    assert "Best temperature: 1.3 for m = 1 (bias 39 %), 0.52 for m = 32 (bias 12 %)" in said
    assert "J: Jacobian of a sample with respect to the logits" in said
    assert "error, no gradient 0.184" in said
    assert "KL" not in said
    assert found.stderr == ""


def test_json_has_the_keys_of_the_contract(invoke: Invoke) -> None:
    found = strict(
        invoke("describe", "--pi", "cat=1,dog=3,bird=6", "-t", "0.5,1.9,3", "--json").stdout
    )
    assert set(found) == SHARED
    assert found["names"] == ["cat", "dog", "bird"]
    assert found["pi"] == [1, 3, 6]
    np.testing.assert_allclose(found["probs"], [0.1, 0.3, 0.6])
    assert found["num_categories"] == 3
    assert set(found["best_temperature"]) == {"1", "32", "1024"}
    first, middle, second = found["temperatures"]
    assert (first["temperature"], first["regime"]) == (0.5, "boundary")
    assert (middle["temperature"], middle["regime"]) == (1.9, "vertices")
    assert (second["temperature"], second["regime"]) == (3, "interior")
    np.testing.assert_allclose(second["mean"], [0.23993, 0.33912, 0.42095], atol=5e-6)
    assert np.shape(second["covariance"]) == (3, 3)
    assert second["gradient"]["relative_bias"] == pytest.approx(0.68399, abs=5e-6)
    assert set(second["gradient"]["error"]) == {"1", "32", "1024"}


def test_logits_are_not_shown_as_probabilities(invoke: Invoke) -> None:
    found = strict(invoke("describe", "--logits", "0,-800,1000", "--json").stdout)
    assert found["pi"] == found["probs"]
    assert found["best_temperature"] is None
    assert found["temperatures"][0]["gradient"]["relative_bias"] is None


def test_csv_is_a_row_a_temperature(invoke: Invoke) -> None:
    text = invoke("describe", "--pi", '"a=1,b, c=3'.replace('"', ""), "--csv")
    assert text.exit_code == 2  # one category has no name
    found = invoke("describe", "--pi", "a=1,b=3", "-t", "0.1:10:5", "--csv").stdout
    rows = list(csv.DictReader(io.StringIO(found)))
    assert len(rows) == 5
    assert [float(row["temperature"]) for row in rows][0::4] == [0.1, 10]
    assert {"mean a", "sd b", "entropy", "gradient bias", "gradient error 32"} <= set(rows[0])


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize(
    "arguments",
    [
        ("-t", "0.05:10:12"),
        (
            "-t",
            "0.001:1000:7",
            "--pi",
            f"cat=1,{'long name ' * 8}=3,日本語の名前がここにある長い=6",
        ),
        ("--pi", ",".join(map(str, range(1, 31))), "-t", "0.1,1,3"),
        ("--pi", "1,1e-12"),
    ],
)
def test_tables_fit_and_hide_nothing(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, width: int, arguments: tuple[str, ...]
) -> None:
    from rich.cells import cell_len

    monkeypatch.setenv("COLUMNS", str(width))
    found = invoke("describe", *arguments)
    lines = found.stdout.splitlines()
    assert max(map(cell_len, lines)) <= width
    assert "nan" not in found.stdout
    # An ellipsis stands in a name that was cut, never in a figure.
    assert not any("…" in line for line in lines if not line.startswith(("mean", "sd")))
    blocks = [line for line in lines if line.startswith("t ")]
    shown = [cell for line in blocks for cell in line.split()[2:]]
    assert len(shown) == max(1, len(strict_grid(arguments)))


def strict_grid(arguments: tuple[str, ...]) -> list[float]:
    from gscli.cli.param_types import TemperaturesType

    if "-t" not in arguments:
        return [3.0]
    text = arguments[arguments.index("-t") + 1]
    return list(TemperaturesType().convert(text, None, None))


def test_columns_are_aligned(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    table, below, _ = invoke("describe", "-t", "0.5,3").stdout.partition("*: the least")
    assert below
    groups = [len(group.splitlines()) for group in re.split(r"\n\s*\n", table)]
    assert groups == [4, 3, 4, 6]
    assert len({len(line.rstrip()) for line in table.splitlines() if line.strip()}) == 1


def test_the_best_of_the_temperatures_is_marked(invoke: Invoke) -> None:
    lines = invoke("describe", "-t", "0.1,0.5,1").stdout.splitlines()
    marked = {
        line.split("  ")[0]: line.split()[-3:] for line in lines if line.startswith("error at")
    }
    places = [[cell.startswith("*") for cell in cells].index(True) for cells in marked.values()]
    assert places == [2, 1, 0]
    assert "*" not in invoke("describe", "-t", "0.5").stdout
    assert "*" not in invoke("describe", "-t", "3,9").stdout  # all are shrunk gradients


def test_nothing_is_cut_at_50_columns(
    invoke: Invoke, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    for command in ("describe", "fit"):
        text = invoke(command, samples).stdout
        assert "…" not in text
        assert max(map(len, text.splitlines())) <= 50


def test_a_file_is_shown_beside_the_facts(invoke: Invoke, samples: Path) -> None:
    found = invoke("describe", samples)
    assert "FILE, n = 1,000" in found.stdout
    assert " ± " in found.stdout
    sample = strict(invoke("describe", samples, "--json").stdout)["sample"]
    x = np.loadtxt(samples, delimiter=",", skiprows=1)
    assert sample["n"] == 1000
    np.testing.assert_allclose(sample["mean"], x.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(sample["mean_se"], x.std(axis=0, ddof=1) / np.sqrt(1000), rtol=1e-9)
    assert {"rounding", "rounding_se", "expected_max_se", "near_vertex_se"} <= set(sample)
    assert sample["near_vertex_se"] > 0  # although no row is near a vertex
    (row,) = csv.DictReader(io.StringIO(invoke("describe", samples, "--csv").stdout))
    assert float(row["sample mean x1"]) == sample["mean"][0]
    assert float(row["sample n"]) == 1000


def test_standard_input_and_logarithms(invoke: Invoke) -> None:
    x = Concrete([1, 3, 6], 3).sample_log(500, seed=2)
    text = "\n".join(",".join(map(repr, row)) for row in x.tolist())
    found = strict(invoke("describe", "-", "--log", "--json", input=text.encode()).stdout)
    np.testing.assert_allclose(found["sample"]["mean"], np.exp(x).mean(axis=0), rtol=1e-9)


def test_a_temperature_column(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    invoke("sample", "-t", "0.5,1,3", "--seed", 1, "-n", 200, "-o", "several.csv")
    found = strict(invoke("describe", "several.csv", "--json").stdout)
    assert [each["temperature"] for each in found["temperatures"]] == [0.5, 1, 3]
    assert [each["temperature"] for each in found["sample"]] == [0.5, 1, 3]
    assert {each["n"] for each in found["sample"]} == {200}
    one = strict(invoke("describe", "several.csv", "-t", 1, "--json").stdout)
    assert one["sample"] == found["sample"][1]
    table = invoke("describe", "several.csv").stdout
    assert table.count("FILE, n = 200") == 3
    assert max(map(len, table.splitlines())) <= 80
    missing = invoke("describe", "several.csv", "-t", 2)
    assert missing.exit_code == 1
    assert (
        "several.csv: has no rows at temperature 2; its temperature column states 0.5, 1"
        in missing.stderr
    )


def test_an_array_of_several_temperatures(invoke: Invoke) -> None:
    invoke("sample", "-t", "0.5,1", "--seed", 1, "-n", 200, "-o", "several.npy")
    found = strict(invoke("describe", "several.npy", "-t", "0.5,1", "--json").stdout)
    assert [each["n"] for each in found["sample"]] == [200, 200]
    assert "-t" in invoke("describe", "several.npy").stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "0.1,0.3,0.6\n0.2,0.9,0.4\n",
            "row 2 (0.2, 0.9, 0.4) is not a sample: it sums to 1.5",
        ),
        ("0.1,0.3,0.6\n-0.1,0.5,0.6\n", "row 2 (-0.1, 0.5, 0.6) is not a sample: it holds -0.1"),
        ("0.1,0.3,0.6\nnan,0.3,0.7\n", "row 2 (nan, 0.3, 0.7) holds NaN: remove such rows"),
        (
            "-1,-2,-3\n-1,-2,-3\n",
            "is not a sample: no value is positive; if",
        ),
        ("0.1,0.3,0.6\n", "1 row at t = 3"),
        ("0.1,0.9\n0.2,0.8\n", "2 columns; give as many weights with --pi"),
        ("0.1,x,0.6\n0.1,0.3,0.6\n", "bad.csv"),
        ("", "is empty"),
    ],
)
def test_bad_files_end_in_one_line(invoke: Invoke, content: str, said: str) -> None:
    Path("bad.csv").write_text(content)
    for form in ((), ("--json",)):
        found = invoke("describe", "bad.csv", *form)
        assert found.exit_code in (1, 2)
        assert said in found.stderr
        assert found.stderr.count("\n") == 1
        assert found.stdout == ""


def test_rounded_decimals_are_described(invoke: Invoke) -> None:
    Path("few.csv").write_text("0.333,0.333,0.333\n0.1,0.3,0.6\n")
    assert invoke("describe", "few.csv").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-t", "1e-5"), "1e-05 is outside 0.001 to 1000"),
        (("-t", "0"), "--hard"),
        (("--pi", "1"), "--pi"),
        (("--pi", "1,2", "--logits", "1,2"), "both"),
        (("--json", "--csv"), "both"),
        (("missing.csv",), "missing.csv"),
        (("-m", "0"), "0 is not 1 or more"),
        (("-m", "8,8"), "8 is given twice"),
        (("--prior", "1,2"), "'--prior': has 2 weights for 3 categories"),
        (("--prior", "uniform@0"), "'--prior': 0 is a limit"),
        (("--prior", "uniform@1e-5"), "'--prior': temperature: 1e-05 is outside"),
        (("--prior", "uniform@1,2"), "has one temperature"),
        (("--prior", "equal"), "'--prior': value 1: 'equal' is not a number"),
        (("--prior", "a=1,x1=2,x3=1"), "'--prior': names a, x1, x3, but the categories are x1,"),
    ],
)
def test_bad_input_is_one_line(invoke: Invoke, arguments: tuple[str, ...], said: str) -> None:
    found = invoke("describe", *arguments)
    assert found.exit_code in (1, 2)
    assert said in found.stderr
    assert found.stderr.count("\n") == 1


def test_names_are_no_markup(invoke: Invoke) -> None:
    assert "mean [bold]b[/bold]" in invoke("describe", "--pi", "a=1,[bold]b[/bold]=2").stdout


def test_batch_sizes_are_those_asked_for(invoke: Invoke) -> None:
    found = strict(invoke("describe", "-m", "64,5", "--json").stdout)
    assert list(found["best_temperature"]) == ["64", "5"]
    assert list(found["advised_temperature"]) == ["64", "5"]
    gradient = found["temperatures"][0]["gradient"]
    assert gradient["error"]["64"] == gradient["bias"] ** 2 + gradient["noise"] / 64
    assert set(gradient["error"]) == {"64", "5"}
    said = invoke("describe", "-m", "64").stdout
    assert "error at m = 64" in said
    assert "m = 32" not in said
    (row,) = csv.DictReader(io.StringIO(invoke("describe", "-m", "64", "--csv").stdout))
    assert "gradient error 64" in row
    assert "gradient error 32" not in row


def test_a_shrunk_gradient_is_not_advised(invoke: Invoke) -> None:
    weights = ("--pi", "0.0001,0.01,1")
    found = strict(invoke("describe", *weights, "--json").stdout)
    assert found["best_temperature"]["1"] == pytest.approx(29.2, abs=0.2)
    assert found["advised_temperature"]["1"] == pytest.approx(0.52, abs=0.01)
    assert found["advised_temperature"]["1024"] == found["best_temperature"]["1024"]
    said = " ".join(invoke("describe", *weights).stdout.split())
    assert "Best temperature: 0.52 for m = 1 (bias 50 %)" in said
    assert "For m = 1 and 32 the error is least at t = 29, but the gradient there" in said


def test_divergence_from_a_prior(invoke: Invoke) -> None:
    arguments = ("describe", "-t", "0.5,3", "--prior")
    found = strict(invoke(*arguments, "uniform", "--json").stdout)["temperatures"]
    for each in found:
        assert each["kl"]["relaxed"] == pytest.approx(0.611153, abs=1e-6)
        assert each["kl"]["categorical"] == pytest.approx(0.200667, abs=1e-6)
    rows = list(csv.DictReader(io.StringIO(invoke(*arguments, "uniform", "--csv").stdout)))
    assert [float(row["kl relaxed"]) for row in rows] == [each["kl"]["relaxed"] for each in found]
    said = invoke(*arguments, "1,1,1@0.5").stdout
    assert "KL categorical" in said
    assert "KL: divergence from the prior, in nats." in said
    fixed = strict(invoke(*arguments, "2,2,2@0.5", "--json").stdout)["temperatures"]
    expected = Concrete([1, 3, 6], 3).kl_divergence(Concrete([1, 1, 1], 0.5))
    assert fixed[1]["kl"]["relaxed"] == pytest.approx(expected, rel=1e-12)
    assert fixed[0]["kl"]["relaxed"] == pytest.approx(found[0]["kl"]["relaxed"], abs=1e-9)


def test_a_prior_may_be_a_file_and_have_names(invoke: Invoke) -> None:
    Path("prior.csv").write_text("c,3\nb,2\na,1\n")

    def divergences(prior: str) -> Any:
        found = invoke("describe", "--pi", "a=1,b=2,c=3", "-t", 1, "--prior", prior, "--json")
        return strict(found.stdout)["temperatures"][0]["kl"]

    assert divergences("@prior.csv")["relaxed"] == pytest.approx(0, abs=1e-9)
    at_half = Concrete([1, 2, 3], 1).kl_divergence(Concrete([1, 2, 3], 0.5))
    assert divergences("@prior.csv@0.5")["relaxed"] == at_half
    assert divergences("c=1,b=1,a=1") == divergences("uniform") == divergences("uniform:3")


def test_the_divergence_of_a_codebook_is_not_that_of_its_categories(invoke: Invoke) -> None:
    np.save("logits.npy", np.random.default_rng(0).normal(size=8192))
    (only,) = strict(
        invoke("describe", "--logits", "@logits.npy", "--prior", "uniform", "--json").stdout
    )["temperatures"]
    assert only["kl"]["relaxed"] == pytest.approx(4107.131, abs=0.01)
    assert only["kl"]["categorical"] == pytest.approx(0.5, abs=0.03)


@pytest.mark.slow
def test_many_categories(invoke: Invoke) -> None:
    np.save("weights.npy", np.arange(1.0, 601))
    found = strict(invoke("describe", "--pi", "@weights.npy", "--json").stdout)
    (only,) = found["temperatures"]
    assert only["covariance"] is None
    assert sum(only["mean"]) == pytest.approx(1)
    assert "(588 more)" in invoke("describe", "--pi", "@weights.npy").stdout


@pytest.mark.parametrize("logits", ["0,1,-1e305", "0,-1e3", "0,-1e17"])
@pytest.mark.slow
def test_logits_far_apart_have_exact_figures(invoke: Invoke, logits: str) -> None:
    result = invoke("describe", "--logits", logits, "-t", "0.05,0.5,1000", "--json")
    assert result.exit_code == 0, result.output


def test_an_entropy_beyond_float64_is_an_error(invoke: Invoke) -> None:
    for logits in ("100,1e308,10,-30,0", "0,1,-1e308"):
        result = invoke("describe", "--logits", logits, "-t", "0.5")
        assert result.exit_code == 1
        assert "the entropy is beyond float64; keep them within 1e300" in result.output
        assert result.output.count("\n") == 1
