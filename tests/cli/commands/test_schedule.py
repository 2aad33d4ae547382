"""`gscli schedule` through its command line."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from gscli import Concrete
from gscli.distribution.schedules import FORMS, PRESETS

Invoke = Callable[..., Result]


def strict(text: str) -> Any:
    """Read JSON that has no NaN or Infinity."""

    def refuse(name: str) -> None:
        raise AssertionError(name)

    return json.loads(text, parse_constant=refuse)


def write_log(compounded: bool = False) -> None:
    rows, t = ["step,temperature", "0,1.0"], 1.0
    for step in range(100, 20_001, 100):
        t = max(0.5, t * np.exp(-1e-6 * step)) if compounded else max(0.5, np.exp(-1e-4 * step))
        rows.append(f"{step},{t!r}".replace("np.float64(", "").replace(")", ""))
    Path("log.csv").write_text("\n".join(rows))


def test_jang(invoke: Invoke) -> None:
    found = invoke("schedule", "jang")
    assert (found.exit_code, found.stderr) == (0, "")
    said = " ".join(found.stdout.split())
    assert "0 1 vertices 0.6929 0.0737 30.4 % 0.0355" in said
    assert "70,000 0.5 boundary 0.8231 0.3427 11.7 % 0.166" in said
    assert "The floor 0.5 begins at step 70,000 (80 % of the run)." in said
    assert "Source: Jang, Gu, Poole (2017), arXiv:1611.01144, section 4" in said
    assert "E[max X]" in said
    assert "Warning" not in said


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_in_the_help_with_its_source(invoke: Invoke, preset: str) -> None:
    text = " ".join(invoke("schedule", "--help").stdout.split())
    assert re.search(rf"\b{preset}\b[^;]{{10,130}}(20\d\d|notebook|same)", text)
    for form in FORMS.values():
        assert form in text


def test_wav2vec2_says_where_its_floor_is(invoke: Invoke) -> None:
    said = " ".join(invoke("schedule", "wav2vec2").stdout.split())
    assert "The floor 0.5 begins at step 277,258 (69 % of the run)." in said
    assert "Warning: At step 0 (t = 2) the gradient is only shrunk towards 0" in said


def test_json_has_the_keys_of_the_contract(invoke: Invoke) -> None:
    text = invoke("schedule", "dalle", "--json", "-m", "1,64", "--pi", "a=1,b=3,c=6").stdout
    found = strict(text)
    assert found["names"] == ["a", "b", "c"]
    assert found["schedule"]["kind"] == "cosine"
    assert found["schedule"]["floor_step"] == 150_000
    first, *_, last = found["steps"]
    assert (first["step"], last["step"]) == (0, 150_000)
    assert last["temperature"] == 1 / 16
    d = Concrete([1, 3, 6], 1 / 16)
    error = d.gradient_error()
    assert last["regime"] == d.regime
    assert last["expected_max"] == pytest.approx(d.expected_max(), rel=1e-13)
    assert last["near_vertex"] == pytest.approx(d.near_vertex(), rel=1e-13)
    assert last["relative_bias"] == pytest.approx(error.relative_bias)
    assert last["noise"] == pytest.approx(error.noise)
    assert last["error"] == pytest.approx({"1": error.error(1), "64": error.error(64)})
    assert found["best"]["64"]["temperature"] == pytest.approx(d.best_temperature(64))
    assert len(found["warnings"]) == 1


def test_temperatures_below_the_range_are_marked(invoke: Invoke) -> None:
    said = invoke("schedule", "taming").stdout
    assert "~1e-06" in said
    assert "~: below t = 0.001 to leading order in t" in " ".join(said.split())
    last = strict(invoke("schedule", "taming", "--json").stdout)["steps"][-1]
    assert last["exact"] is False


@pytest.mark.parametrize("language", ["torch", "jax", "python"])
def test_code_is_all_that_is_printed(invoke: Invoke, language: str) -> None:
    found = invoke("schedule", "wav2vec2", "--code", language)
    assert (found.exit_code, found.stderr) == (0, "")
    code = found.stdout.replace("jax.numpy", "numpy")
    if language == "torch":
        pytest.importorskip("torch")
    variables: dict[str, Any] = {}
    exec(code, variables)
    assert float(variables["temperature"](100_000)) == pytest.approx(2 * 0.999995**100_000)


def test_steps_of_the_run(invoke: Invoke) -> None:
    said = " ".join(invoke("schedule", "exp:1:0.5:1e-5", "--steps", "5e4").stdout.split())
    assert "the run ends at step 50,000 with t = 0.607" in said
    steps = strict(invoke("schedule", "jang", "--steps", 100, "--json").stdout)["steps"]
    assert steps[-1]["step"] == 100


def test_a_log_and_its_mistake(invoke: Invoke) -> None:
    write_log(compounded=True)
    for spec in ("log.csv", "@log.csv"):
        said = " ".join(invoke("schedule", spec).stdout.split())
        assert "Warning: The factor exp(-1e-06 step) is applied to the current temperature" in said
        assert "t = 0.5 is reached at step 11,800, where exp(-1e-06 step)" in said
        assert "reaches it at step 693,147" in said
    found = strict(invoke("schedule", "log.csv", "--json").stdout)
    assert found["schedule"] is None
    assert 11_800 in [step["step"] for step in found["steps"]]
    assert len(found["warnings"]) == 1


def test_a_log_against_what_was_meant(invoke: Invoke) -> None:
    write_log()
    right = invoke("schedule", "log.csv", "--against", "exp:1:0.5:1e-4").stdout
    assert "Warning" not in right
    wrong = " ".join(invoke("schedule", "log.csv", "--against", "exp:1:0.5:1e-5").stdout.split())
    assert "Warning: From step 200 on the log is not max(0.5, exp(-1e-05 step))" in wrong
    invoke("schedule", "log.csv", "--against", "exp:1:0.5:1e-5", "-o", "s.json")
    figure = strict(Path("s.json").read_text(encoding="utf-8"))
    meant = next(trace for trace in figure["data"] if trace["name"] == "meant")
    assert meant["y"][-1] == pytest.approx(np.exp(-0.2))
    assert "floor, step 7,000" in [each["text"] for each in figure["layout"]["annotations"]]


@pytest.mark.parametrize("spec", ["dalle", "log.csv", "constant:0.5"])
def test_figure(invoke: Invoke, spec: str) -> None:
    write_log()
    found = invoke("schedule", spec, "-o", "s.json", "-o", "s.html", "--plotlyjs", "cdn")
    assert (found.exit_code, found.stderr) == (0, "Wrote s.json, s.html\n")
    figure = strict(Path("s.json").read_text(encoding="utf-8"))
    title = {"dalle": "dalle", "log.csv": "log", "constant:0.5": ""}[spec]
    assert figure["layout"]["title"]["text"] == f"<b>Temperature schedule {title}</b>"
    temperature = next(trace for trace in figure["data"] if trace["name"] == "temperature")
    assert temperature["y"][-1] == {"dalle": 1 / 16}.get(spec, 0.5)
    assert "cdn.plot.ly" in Path("s.html").read_text(encoding="utf-8")
    assert invoke("schedule", spec, "-o", "s.json", "-q").stderr == ""


@pytest.mark.parametrize(("pi", "names"), [("1,3", ["t = K−1"]), ("1,3,6", ["t = 1/(K−1)"])])
def test_boundaries_between_regimes(invoke: Invoke, pi: str, names: list[str]) -> None:
    invoke("schedule", "linear:1.5:0.1:100", "--pi", pi, "-o", "s.json")
    figure = strict(Path("s.json").read_text(encoding="utf-8"))
    texts = [each["text"] for each in figure["layout"]["annotations"]]
    assert [text for text in texts if "K−1" in text] == names


def test_many_categories(invoke: Invoke) -> None:
    found = invoke("schedule", "dalle", "--pi", "uniform:8192", "-o", "s.json", "-q")
    assert found.exit_code == 0
    assert "vertices" in found.stdout


def test_a_choice_that_is_made(invoke: Invoke) -> None:
    # No relative bias has a certain digit, and no temperature is best.
    found = invoke("schedule", "jang", "--logits", "0,-800", "-o", "s.json", "-q")
    assert found.exit_code == 0
    assert "–" in found.stdout
    assert "nan" not in found.stdout
    assert strict(invoke("schedule", "jang", "--logits", "0,-800", "--json").stdout)["best"] == {}


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("batches", ["1", "1,32,1024", "1,2,4,8,16,1000000"])
def test_tables_fit(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, width: int, batches: str
) -> None:
    from rich.cells import cell_len

    monkeypatch.setenv("COLUMNS", str(width))
    found = invoke("schedule", "taming", "-m", batches)
    assert max(map(cell_len, found.stdout.splitlines())) <= width
    assert "…" not in found.stdout
    for m in batches.split(","):
        assert f"m = {int(m):,}" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "Missing argument 'SPEC'"),
        (("anneal",), 2, "'SPEC': 'anneal' is not a schedule; write constant:T"),
        (("exp:1:0.5",), 2, "'exp:1:0.5' does not read exp:A:B:RATE"),
        (("none.csv",), 2, "none.csv: No such file"),
        (("bad.csv",), 2, "bad.csv: row 3: temperature '' is not a number"),
        (("hot.csv",), 2, "'SPEC': step 1: temperature 2000 is above 1000"),
        (("log.csv", "--code", "python"), 2, "a log has none; give the formula"),
        (("log.csv", "--steps", "10"), 2, "--steps has no effect on a log"),
        (("jang", "--against", "dalle"), 2, "--against is for a log"),
        (("log.csv", "--against", "log.csv"), 2, "'log.csv' is not a schedule"),
        (("jang", "--code", "torch", "--json"), 2, "leave out --json and -o"),
        (("jang", "--code", "lua"), 2, "'lua' is not one of"),
        (("jang", "--steps", "0"), 2, "0 is not 1 or more"),
        (("jang", "-o", "a.txt"), 2, "unknown suffix '.txt'"),
        (("jang", "--pi", "1,2", "--logits", "1,2"), 2, "leave one out"),
    ],
)
def test_errors_are_one_line(
    invoke: Invoke, arguments: tuple[str, ...], code: int, words: str
) -> None:
    write_log()
    Path("bad.csv").write_text("step,t\n0,1\n1\n")
    Path("hot.csv").write_text("step,t\n0,1\n1,2000\n")
    found = invoke("schedule", *arguments)
    assert found.exit_code == code
    assert words in found.stderr
    assert found.stderr.count("\n") == 1
    assert found.stdout == ""
