"""`gscli gradient` through its command line."""

import csv
import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from gscli.distribution.estimators import ESTIMATORS

Invoke = Callable[..., Result]
EXAMPLE = ("--loss", "quadratic:0.2,0.5,0.3", "-t", "0.5")


def strict(text: str) -> Any:
    """Read JSON that has no NaN or Infinity."""

    def refuse(name: str) -> None:
        raise AssertionError(name)

    return json.loads(text, parse_constant=refuse)


def test_bare(invoke: Invoke) -> None:
    begin = time.monotonic()
    found = invoke("gradient")
    assert time.monotonic() - begin < 5
    assert (found.exit_code, found.stderr) == (0, "")
    said = " ".join(found.stdout.split())
    for name in ESTIMATORS:
        assert f"{name} " in said
    assert "Best: relaxed at t = 1.3 (bias 50 %) for m = 1, reinforce-loo (unbiased) for" in said
    assert "relaxed at t = 2 (bias 61 %), a gradient that is only shrunk towards 0" in said
    assert "no gradient 0.135 0.135 0.135" in said
    assert "exactly" in said
    assert "±" not in said


def test_one_temperature(invoke: Invoke) -> None:
    said = " ".join(invoke("gradient", *EXAMPLE).stdout.split())
    assert "relaxed 0.127 0.00709 0.00334 50.5 % exactly" in said
    assert "straight-through 0.64 0.0286 0.00946 83.8 % exactly" in said
    assert "no gradient 0.0126 0.0126 0.0126 100 %" in said
    assert "For m = 1 no gradient at all has a smaller error: average more samples." in said
    assert "at its best t" not in said


def test_json_has_the_keys_of_the_contract(invoke: Invoke) -> None:
    found = strict(
        invoke("gradient", *EXAMPLE, "--json", "--seed", 7, "--pi", "a=1,b=3,c=6").stdout
    )
    assert found["names"] == ["a", "b", "c"]
    assert found["pi"] == [1, 3, 6]
    np.testing.assert_allclose(found["probs"], [0.1, 0.3, 0.6])
    assert (found["num_categories"], found["inner_samples"]) == (3, 10)
    assert (found["n"], found["seed"]) == (10_000, 7)
    (only,) = found["temperatures"]
    assert only["temperature"] == 0.5
    straight = only["estimators"]["straight-through"]
    assert straight["squared_bias"] == pytest.approx(0.008845, abs=5e-7)
    assert straight["variance"] == pytest.approx(0.63083, abs=5e-6)
    assert set(straight["mse"]) == {"1", "32", "1024"}
    assert straight["exact"] is True
    assert only["estimators"]["gumbel-rao"]["variance"] == pytest.approx(0.36945, abs=5e-6)
    assert only["estimators"]["reinforce-loo"]["mse"]["1"] is None
    assert found["best"]["1"]["estimator"] == "relaxed"
    assert found["best"]["1"]["temperature"] == 0.5
    assert found["advised"]["1"]["estimator"] == "reinforce"
    assert found["best"]["32"] == found["advised"]["32"]
    assert found["best"]["32"]["temperature"] is None
    assert len(found["warnings"]) == 2
    assert sum(np.square(found["gradient"])) == pytest.approx(found["no_gradient"])


def test_csv_is_a_row_for_each_temperature_and_estimator(invoke: Invoke) -> None:
    text = invoke("gradient", "-t", "0.5,1", "--estimators", "zgr,relaxed", "-m", "4", "--csv")
    rows = list(csv.DictReader(io.StringIO(text.stdout)))
    assert [(row["temperature"], row["estimator"]) for row in rows] == [
        ("0.5", "zgr"), ("0.5", "relaxed"), ("1.0", "zgr"), ("1.0", "relaxed"),
    ]  # fmt: skip
    for row in rows:
        total = float(row["squared_bias"]) + float(row["variance"]) / 4
        assert float(row["mse 4"]) == pytest.approx(total)
        assert (row["exact"], row["mse_se 4"]) == ("True", "")


def test_inner_samples(invoke: Invoke) -> None:
    variances = []
    for inner in (1, 10, 1000):
        text = invoke("gradient", *EXAMPLE, "--inner", inner, "--json").stdout
        (only,) = strict(text)["temperatures"]
        variances.append(only["estimators"]["gumbel-rao"]["variance"])
    assert variances[0] == pytest.approx(0.63083, abs=5e-6)  # that of straight-through
    assert variances[0] > variances[1] > variances[2]


def test_a_table_of_values_and_one_with_gradients(invoke: Invoke) -> None:
    b = np.array([0.2, 0.5, 0.3])
    values = np.square(np.eye(3) - b).sum(axis=1)
    np.save("values.npy", values)
    np.save("full.npy", np.column_stack([values, 2 * (np.eye(3) - b)]))
    bare = strict(invoke("gradient", "-t", 0.5, "--loss", "@values.npy", "--json").stdout)
    assert set(bare["temperatures"][0]["estimators"]) == {"reinforce", "reinforce-loo"}
    assert bare["unavailable"]["zgr"] == "needs gradients at the vertices"
    full = strict(invoke("gradient", "-t", 0.5, "--loss", "@full.npy", "--json").stdout)
    found = full["temperatures"][0]["estimators"]
    assert found["straight-through"]["variance"] == pytest.approx(0.63083, abs=5e-6)
    said = " ".join(invoke("gradient", "-t", 0.5, "--loss", "@full.npy").stdout.split())
    assert "relaxed is left out: it needs gradients inside the simplex." in said


def test_a_function_of_a_module_is_simulated(invoke: Invoke) -> None:
    Path("gradient_test_loss.py").write_text(
        "import numpy as np\n\nB = np.array([0.2, 0.5, 0.3])\n\n\n"
        "def loss(x):\n    return np.square(x - B).sum(axis=1), 2 * (x - B)\n"
    )
    options = ("-t", 0.5, "-n", "1e5", "--seed", 3)
    typed = ("gradient", "--loss", "gradient_test_loss:loss", *options)
    found = strict(invoke(*typed, "--json").stdout)["temperatures"][0]["estimators"]
    exact = strict(invoke("gradient", *EXAMPLE, "--json").stdout)["temperatures"][0]["estimators"]
    relaxed = found["relaxed"]
    assert relaxed["exact"] is False
    spread = relaxed["standard_errors"]["variance"]
    assert 0 < abs(relaxed["variance"] - exact["relaxed"]["variance"]) < 5 * spread
    assert found["gumbel-rao"]["mse"] == pytest.approx(exact["gumbel-rao"]["mse"])
    said = " ".join(invoke(*typed).stdout.split())
    assert "by Monte Carlo; n = 100,000, seed 3." in said
    assert invoke(*typed, "--csv").stdout == invoke(*typed, "--csv").stdout
    rows = list(csv.DictReader(io.StringIO(invoke(*typed, "--csv").stdout)))
    assert float(rows[0]["variance_se"]) == spread


def test_many_categories_are_simulated(invoke: Invoke) -> None:
    options = ("--pi", "uniform:20", "-t", "0.5,1", "-n", 640, "--seed", 1)
    said = " ".join(invoke("gradient", *options).stdout.split())
    assert "by Monte Carlo; n = 640, seed 1." in said
    # A bias that so few samples do not show is not said to be none.
    cold = invoke("gradient", *options, "-t", 0.1, "--estimators", "relaxed")
    said = " ".join(cold.stdout.split())
    assert re.search(r"relaxed at t = \S+ \(bias below \d+(\.\d+)? %\)", said)


def test_rounding_is_not_a_bias(invoke: Invoke) -> None:
    found = invoke("gradient", "--pi", "uniform:200", "-t", 1, "--estimators", "reinmax,zgr")
    said = " ".join(found.stdout.split())
    assert re.search(r"reinmax \S+ \S+ \S+ 0 % exactly", said)


def test_logits(invoke: Invoke) -> None:
    given = ("gradient", "-t", 0.5, "--json")
    ours = strict(invoke(*given, "--logits", "0,1.0986122886681098,1.791759469228055").stdout)
    theirs = strict(invoke(*given, "--pi", "1,3,6").stdout)
    assert ours["pi"] == ours["probs"]
    np.testing.assert_allclose(ours["gradient"], theirs["gradient"], rtol=1e-12)


def test_figure(invoke: Invoke) -> None:
    found = invoke("gradient", "-t", "0.1:3:5", "-o", "g.json", "-o", "g.html", "--plotlyjs", "cdn")
    assert found.exit_code == 0
    assert found.stderr == "Wrote g.json, g.html\n"
    assert "Best:" in found.stdout
    figure = strict(Path("g.json").read_text(encoding="utf-8"))
    assert figure["layout"]["title"]["text"] == "<b>Gradient estimators</b>"
    assert "cdn.plot.ly" in Path("g.html").read_text(encoding="utf-8")
    assert invoke("gradient", "-t", "0.5", "-o", "g.json", "-q").stderr == ""


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("batches", ["1", "1,32,1024", "1,2,4,8,16,1000000"])
def test_tables_fit(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, width: int, batches: str
) -> None:
    from rich.cells import cell_len

    monkeypatch.setenv("COLUMNS", str(width))
    found = invoke("gradient", "-m", batches, "-t", "0.1:3:5")
    assert max(map(cell_len, found.stdout.splitlines())) <= width
    assert "…" not in found.stdout
    for m in batches.split(","):
        assert f"m = {int(m):,}" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--loss", "linear:1,2"), "'--loss': has values for 2 categories, but there are 3"),
        (("--loss", "linear:1,x,2"), "'--loss': 'x' is not a number"),
        (("--loss", "linear:1,nan,2"), "'--loss': holds a value that is not finite"),
        (("--loss", "cubic"), "'cubic' is not a loss; write linear:1,0,2"),
        (("--loss", "@missing.npy"), "@missing.npy: No such file"),
        (("--loss", "no_module_of_this_name:f"), "No module named 'no_module_of_this_name'"),
        (("--loss", "math:sqrt"), "calling it ended in TypeError"),
        (("--estimators", "zgr,rebar"), "'rebar' is not an estimator; choose from relaxed"),
        (("--estimators", "zgr,zgr"), "zgr is given twice"),
        (("--inner", "0"), "'--inner': 0 is not 1 or more"),
        (("-t", "0.0001"), "0.0001 is outside"),
        (("-n", "10"), "n: 10 is too small"),
        (("--json", "--csv"), "leave one out"),
        (("-o", "a.txt"), "unknown suffix '.txt'"),
        (("-m", "0"), "0 is not 1 or more"),
    ],
)
def test_errors_are_one_line(invoke: Invoke, arguments: tuple[str, ...], words: str) -> None:
    found = invoke("gradient", *arguments)
    assert found.exit_code == 2
    assert words in found.stderr
    assert found.stderr.count("\n") == 1
    assert found.stdout == ""
