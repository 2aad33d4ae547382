"""A small, repeatable part of `python -m tests.fuzz`, and the inputs that it found."""

import random
from pathlib import Path

import pytest

from .fuzz.files import damaged
from .fuzz.targets import TARGETS, run

FOUND = sorted((Path(__file__).parent / "fuzz/found").glob("*/*"))
SLOW = {"commands": 60}
"""How many inputs are tried of targets that take milliseconds."""


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name} {path.name}")
def test_inputs_that_were_faults(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(path.parent.name, path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_whole_inputs_are_read(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert TARGETS[target].seeds()
    for data in TARGETS[target].seeds():
        run(target, data)


@pytest.mark.parametrize("target", TARGETS)
def test_damaged_inputs_end_in_a_result_or_an_error(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    chance, seeds = random.Random(1), TARGETS[target].seeds()
    for _ in range(SLOW.get(target, 150)):
        data = damaged(damaged(chance.choice(seeds), chance), chance)
        run(target, data)
