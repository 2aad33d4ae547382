"""`gscli sweep` through its command line."""

import csv
import json
import shlex
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from click.testing import Result

Invoke = Callable[..., Result]
SMALL = ("-t", "0.5,2", "-n", 200, "--seed", 1)


def test_writes_a_page_and_says_so(invoke: Invoke) -> None:
    found = invoke("sweep", *SMALL)
    assert found.exit_code == 0
    assert found.stdout == ""
    assert found.stderr.startswith("Wrote sweep.html: probs 0.1, 0.3, 0.6; t = 0.5, 2; seed 1")
    assert Path("sweep.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in Path().iterdir()] == ["sweep.html"]


def test_the_command_on_the_page_makes_the_page_again(invoke: Invoke) -> None:
    weights = "<cat>=1e0,a dog=3,bird's=6"
    assert invoke("sweep", "--pi", weights, *SMALL, "-m", "64,1e3").exit_code == 0
    first = Path("sweep.html").read_bytes()
    command = unescape(first.decode().split("Made by <code>")[1].split("</code>")[0])
    program, *arguments = shlex.split(command)
    assert program == "gscli"
    assert arguments[arguments.index("-m") + 1] == "64,1000"
    Path("sweep.html").unlink()
    assert invoke(*arguments).exit_code == 0
    assert Path("sweep.html").read_bytes() == first


def test_weights_of_a_file_stay_its_name(invoke: Invoke) -> None:
    Path("w.csv").write_text("1,3,6\n")
    assert invoke("sweep", "--logits", "@w.csv", *SMALL).exit_code == 0
    text = Path("sweep.html").read_text(encoding="utf-8")
    assert "gscli sweep --logits @w.csv -t 0.5,2 -n 200 --seed 1" in text


def test_tables_hold_the_facts_of_describe(invoke: Invoke) -> None:
    for name in ("table.csv", "table.json"):
        found = invoke("sweep", *SMALL, "--pi", "a=1,b=3", "--table", name)
        assert f"Wrote sweep.html, {name}:" in found.stderr
    described = json.loads(invoke("describe", "--pi", "1,3", "-t", "0.5,2", "--json").stdout)
    as_json = json.loads(Path("table.json").read_text())
    with Path("table.csv").open(newline="") as file:
        as_csv = list(csv.DictReader(file))
    for left, right, facts in zip(as_json, as_csv, described["temperatures"], strict=True):
        assert list(left) == list(right)
        assert left["temperature"] == facts["temperature"]
        assert left["entropy"] == float(right["entropy"]) == facts["entropy"]
        assert left["mean b"] == float(right["mean b"]) == facts["mean"][1]
        assert left["gradient error 32"] == facts["gradient"]["error"]["32"]
        assert left["sample n"] == 200


def test_a_page_is_replaced_and_nothing_else(invoke: Invoke) -> None:
    Path("sweep.html").write_text("my notes")
    refused = invoke("sweep", *SMALL, "-q")
    assert refused.exit_code == 1
    assert "sweep.html exists and is not a file of its kind; use --force" in refused.stderr
    assert Path("sweep.html").read_text() == "my notes"
    Path("sweep.html").write_text("<!DOCTYPE html><title>old</title>")
    assert invoke("sweep", *SMALL, "-q").stderr == ""
    assert len(Path("sweep.html").read_text(encoding="utf-8")) > 10**6
    Path("t.csv").write_text("x1,x2\n")
    refused = invoke("sweep", *SMALL, "-q", "--table", "t.csv")
    assert refused.stderr == "Error: t.csv exists; use --force to replace it\n"
    assert invoke("sweep", *SMALL, "-q", "--table", "t.csv", "--force").exit_code == 0
    assert len(Path("t.csv").read_text()) > 100


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("-o", "page.pdf"), 2, "page.pdf: unknown suffix '.pdf'; use .html or .htm"),
        (("-o", "-"), 2, "use .html or .htm"),
        (("-o", "none/page.html"), 1, "none"),
        (("--table", "t.txt"), 2, "use .csv or .json"),
        (("--table", "none/t.csv"), 1, "none"),
        (("-t", "1e-5,1"), 2, "1e-05 is outside 0.001 to 1000"),
        (("-t", "1,0"), 2, "--hard"),
        (("-n", "1"), 2, "samples: 1 is too few"),
        (("--pi", "1,-1"), 2, "--pi"),
        (("--pi", "1,1", "--logits", "1,1"), 2, "both"),
        (("--seed", "-1"), 2, "--seed"),
    ],
)
def test_bad_input_is_one_line(
    invoke: Invoke, arguments: tuple[str, ...], code: int, said: str
) -> None:
    found = invoke("sweep", *arguments)
    assert said in found.stderr
    assert found.exit_code in (code, 2)
    assert found.stderr.count("\n") == 1
    assert list(Path().iterdir()) == []


def test_degenerate_weights(invoke: Invoke) -> None:
    assert invoke("sweep", "--logits", "0,-800,1000", *SMALL).exit_code == 0
    assert "NaN" not in Path("sweep.html").read_text(encoding="utf-8").split("<script>")[0]


@pytest.mark.slow
def test_images(invoke: Invoke, chromium: Path) -> None:  # noqa: ARG001
    from PIL import Image

    found = invoke("sweep", *SMALL, "--images", "pictures")
    assert found.exit_code == 0, found.stderr
    names = {path.name for path in Path("pictures").iterdir()}
    figures = {"temperatures", "mean", "entropy", "expected_max", "near_vertex", "gradient_error"}
    assert names == {f"{name}{suffix}" for name in figures for suffix in (".png", ".svg")}
    with Image.open("pictures/gradient_error.png") as image:
        assert image.width > 600
        assert len(image.convert("RGB").getcolors(10**6) or []) > 20


def test_a_page_with_an_author_and_a_linked_plotly_is_made_again(invoke: Invoke) -> None:
    options = ("--author", "A. B", "--title", "My page", "--plotlyjs", "cdn")
    assert invoke("sweep", *SMALL, *options).exit_code == 0
    first = Path("sweep.html").read_bytes()
    assert len(first) < 600_000
    command = unescape(first.decode().split("Made by <code>")[1].split("</code>")[0])
    Path("sweep.html").unlink()
    assert invoke(*shlex.split(command)[1:]).exit_code == 0
    assert Path("sweep.html").read_bytes() == first


def test_a_fragment_replaces_a_fragment(invoke: Invoke) -> None:
    found = invoke("sweep", *SMALL, "--fragment", "mean", "--plotlyjs", "cdn")
    assert found.stderr.startswith("Wrote mean.html: ")
    text = Path("mean.html").read_text(encoding="utf-8")
    assert "gscli sweep --pi 1,3,6 -t 0.5,2 -n 200 --seed 1 --fragment mean --plotlyjs cdn" in text
    assert invoke("sweep", *SMALL, "--fragment", "mean").exit_code == 0
    assert len(Path("mean.html").read_text(encoding="utf-8")) > 10**6
    Path("mean.html").write_text("<div>my own</div>")
    assert "is not a file of its kind" in invoke("sweep", *SMALL, "--fragment", "mean").stderr
    refused = invoke("sweep", *SMALL, "--fragment", "mean", "--title", "x")
    assert "--title is of the page, which --fragment leaves out; omit it" in refused.stderr


def test_fragments_are_the_figures_of_the_report() -> None:
    from gscli.cli.commands.sweep import FIGURES
    from gscli.distribution.concrete import Concrete
    from gscli.report.page import all_figures
    from gscli.report.sweep import finish, sweep_steps

    steps = list(sweep_steps(Concrete([1, 3], 1), (0.5, 2.0), n=200, seed=1))
    assert tuple(all_figures(finish(steps, n=200, seed=1), ("a", "b"))) == FIGURES
