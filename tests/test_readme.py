"""The README's transcripts are replayed: each command, and what it prints, to nine digits."""

import inspect
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gscli
from gscli import Concrete
from gscli.distribution import noise as sampling

README = Path(__file__).parent.parent / "README.md"
NUMBER = re.compile(r"[-+]?\d+\.\d+(?:[eE][-+]?\d+)?")


def transcripts() -> Iterator[tuple[str, str]]:
    """Yield each command of the README with the output that stands below it."""
    for block in re.findall(r"```console\n(.*?)```", README.read_text(encoding="utf-8"), re.S):
        for entry in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = entry.partition("\n")
            yield command, output.rstrip("\n")


def replayed(command: str, folder: Path) -> str:
    launcher = folder / "bin" / "gscli"
    if not launcher.exists():
        launcher.parent.mkdir()
        launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gscli "$@"\n')
        launcher.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{launcher.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(README.parent),
        "COLUMNS": "100",
    }
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return "\n".join(line.rstrip() for line in done.stdout.rstrip("\n").split("\n"))


def test_every_transcript_is_what_the_program_says(tmp_path: Path) -> None:
    commands = list(transcripts())
    assert len(commands) >= 10
    for command, expected in commands:
        said = replayed(command, tmp_path)
        assert NUMBER.sub("#", said) == NUMBER.sub("#", expected), command
        ours = [float(number) for number in NUMBER.findall(said)]
        theirs = [float(number) for number in NUMBER.findall(expected)]
        assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12), command


def test_every_command_is_in_the_readme() -> None:
    from gscli.cli.main import COMMANDS

    text = README.read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"\n### {name}\n" in text
        assert any(f"gscli {name}" in command for command, _ in transcripts()), name


def test_the_table_of_the_api_is_the_api() -> None:
    """Each name and argument is there, and each public name of `Concrete` is shown."""
    _, _, section = README.read_text(encoding="utf-8").partition("\n## From Python\n")
    rows = re.findall(r"^\| (`.*?) \| .+ \|$", section.partition("\n## ")[0], re.M)
    shown = [match for row in rows for match in re.findall(r"`([\w.]+)(?:\((.*?)\))?`", row)]
    for name, arguments in shown:
        module, _, attribute = name.rpartition(".")
        if module == "testing":
            module = "gscli.testing"
        found = getattr(
            Concrete if module == "Concrete" else import_module(module or "gscli"), attribute
        )
        if arguments:
            parameters = inspect.signature(found).parameters
            assert set(re.findall(r"\w+", arguments)) <= set(parameters), name
    names = {name for name, _ in shown}
    assert set(gscli.__all__) - {"__version__"} <= names
    public = {f"Concrete.{name}" for name in dir(Concrete) if not name.startswith("_")}
    assert public == {name for name in names if name.startswith("Concrete.")}


def test_the_test_vectors_are_the_noise() -> None:
    """Each uniform and Gumbel number is that of NumPy's generator, and that of samples."""
    _, _, section = README.read_text(encoding="utf-8").partition("\n## Test vectors\n")
    rows = re.findall(r"^\| ([\d^].*) \|$", section.partition("\n## ")[0], re.M)
    assert len(rows) >= 10
    for row in rows:
        *places, uniform, gumbel = row.replace(",", "").replace("2^64", f"{2**64}").split(" | ")
        seed, size, index, category = map(int, places)
        lanes = 1 << ((524288 // size).bit_length() - 1) if size <= 128 else 1
        tiles = 1 if size <= 128 else max(1, 524288 // size)
        block, first = divmod(index, tiles * lanes)
        bits = np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(block,)))
        drawn = np.random.Generator(bits).random((tiles, size, lanes))
        assert drawn[first // lanes, category - 1, first % lanes] == float(uniform)
        assert -math.log(-math.log(float(uniform))) == pytest.approx(float(gumbel), rel=1e-15)
        # Samples come from that noise.
        d = Concrete(np.arange(1.0, size + 1), temperature=2.0)
        transform = partial(d.from_noise, form="log")
        (batch,) = sampling.stream(transform, size, 1, seed=seed, start=index)
        noise = 2 * np.asarray(batch[0], np.float64) - d.logits
        other = drawn[first // lanes, 0, first % lanes]
        difference = float(gumbel) + math.log(-math.log(other))
        assert noise[category - 1] - noise[0] == pytest.approx(difference, abs=1e-12)


def test_the_python_of_the_readme_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    variables: dict[str, Any] = {}
    exec(code.replace(".show()", ""), variables)
    x, d = variables["x"], variables["d"]
    assert x.shape == (10_000, 3)
    assert variables["check"](x, d).consistent
    assert round(d.best_temperature(32), 2) == 0.52
    assert variables["fit"](x).temperature == pytest.approx(d.temperature, abs=0.01)
