"""The examples run, print what they promise, and write what they say."""

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPTS = {
    "three_categories": ("three_categories.html", r"x1 +0\.1000 .* 0\.23993 "),
    "temperature_for_a_router": ("router.html", r"64 +1,024 +0\.507 "),
    "vae_codebook": ("codebook.html", r"exact mean .* sums to 1\.0000000000"),
}


def run(name: str, folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent), "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", folder],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("name", list(SCRIPTS))
@pytest.mark.slow
def test_script(name: str, tmp_path: Path) -> None:
    page, words = SCRIPTS[name]
    output = run(name, tmp_path)
    assert re.search(words, output), output
    assert [path.name for path in tmp_path.iterdir()] == [page]
    assert "Plotly.newPlot" in (tmp_path / page).read_text(encoding="utf-8")


@pytest.mark.usefixtures("torch")
@pytest.mark.slow
def test_check_of_pytorch_samplers(tmp_path: Path) -> None:
    right, slip, inverse = run("check_pytorch_sampler", tmp_path).split("$ gscli ")[1:]
    assert "by_torch.npy: Consistent, t = 0.5, n = 20,000" in right
    assert right.endswith("exit code 0\n\n")
    assert "probabilities were passed as logits" in slip
    assert slip.endswith("exit code 1\n\n")
    assert "the temperature is inverted" in inverse
    assert (tmp_path / "check.html").exists()


@pytest.mark.usefixtures("torch")
@pytest.mark.slow
def test_training_with_a_printed_schedule(tmp_path: Path) -> None:
    right, wrong = run("train_in_pytorch", tmp_path).split("wrong: ")
    errors = [float(re.findall(r"hard codes (\d\.\d+)", said)[0]) for said in (right, wrong)]
    assert errors[0] < 0.7 * errors[1]
    assert "Warning" not in right
    said = " ".join(wrong.split())
    assert "Warning: The factor exp(-0.002 step) is applied to the current temperature" in said
    assert "t = 0.1 is reached at step 50, where exp(-0.002 step) reaches it at step 1,151" in said
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == ["right.csv", "schedule.html", "wrong.csv"]


def test_the_pytest_example_passes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_sampler.py"],
        cwd=EXAMPLES,
        env={**os.environ, "PYTHONPATH": str(EXAMPLES.parent), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout


def test_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    notebook = json.loads((EXAMPLES / "quickstart.ipynb").read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    cells = notebook["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    variables: dict[str, Any] = {}
    for cell in code:
        exec("".join(cell["source"]), variables)
    said = capsys.readouterr().out
    assert "[0.23993 0.33912 0.42095] exact" in said
    assert "off by a factor of 1." in repr(variables["result"])
    assert not variables["result"]


def test_each_example_is_in_the_index_and_says_what_it_shows() -> None:
    index = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| \[`(.+?)`\]\((.+?)\) \| .{20,} \|$", index, re.M)
    files = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb")}
    assert files == {target for _, target in named} == {name for name, _ in named}
    for path in EXAMPLES.glob("*.py"):
        if "torch" not in path.name:
            docstring: str = runpy.run_path(str(path))["__doc__"]
            assert f"examples/{path.name}" in docstring


def test_runpy_of_the_torch_example(torch: ModuleType) -> None:
    variables = runpy.run_path(str(EXAMPLES / "check_pytorch_sampler.py"))
    rows = variables["by_torch"]()
    assert rows.shape == (variables["ROWS"], 3)
    assert torch.allclose(rows.sum(dim=-1), torch.ones(len(rows)))
