"""A small, repeatable part of `python -m tests.faults`, and what that must be able to see."""

import sys
from pathlib import Path

import numpy as np
import pytest

from .faults.fuzz import OLD, Case, left_over
from .faults.kills import COMMANDS, Kills
from .faults.process import Ended, check_complete, faults_of

SEED, CASES, ROUNDS = 7, 60, 3


@pytest.mark.slow
@pytest.mark.parametrize("number", range(CASES))
def test_no_random_command_line_ends_in_a_fault(tmp_path: Path, number: int) -> None:
    case = Case(SEED, number, tmp_path)
    assert list(case.faults()) == [], str(case)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_no_command_answers_a_signal_with_a_fault(tmp_path: Path) -> None:
    kills = Kills(tmp_path, images=False)
    numbers = range(ROUNDS * len(COMMANDS))
    assert [fault for number in numbers for fault in kills.faults(SEED, number)] == []


def test_a_case_follows_from_its_number(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    made = [
        (str(Case(SEED, 3, folder)), {p.name: p.read_bytes() for p in folder.iterdir()})
        for folder in folders
    ]
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("code", "stderr", "seen"),
    [
        (0, "Wrote x.csv\n", ""),
        (1, "Error: x.csv: row 3\n", ""),
        (None, "", "hangs"),
        (-11, "", "ends with -11"),
        (1, "Traceback (most recent call last):\n", "Traceback"),
        (0, "x.py:3: RuntimeWarning: divide by zero\n", "RuntimeWarning"),
        (0, "Exception ignored in: <_io>\n", "Exception ignored"),
        (0, "thread 'x' panicked at lib.rs\n", "panicked at"),
        (0, "Error: no\n", "ends with 0 and an error"),
        (3, "", "ends with 3 and 0 errors"),
        (1, "a" * 5000, "5,000 characters"),
    ],
)
def test_what_is_wrong_with_an_end_is_seen(code: int | None, stderr: str, seen: str) -> None:
    found = list(faults_of(Ended(code, b"", stderr, 0.1), (0, 1, 2, 3)))
    assert bool(found) == bool(seen)
    assert seen in "".join(found)


def test_what_is_left_behind_is_seen(tmp_path: Path) -> None:
    for name, content in {
        "in.csv": b"1,2\n",
        "out.csv": b"a,b\n1,2\n3,4",  # its last line does not end
        "other.csv": b"a,b\n1,2\n",
        "p.html": OLD,
        ".out-01234567.gscli.csv": b"",
    }.items():
        (tmp_path / name).write_bytes(content)
    before = {"in.csv": b"1,2,3\n", "p.html": OLD}
    assert sorted(fault.partition(" is not")[0] for fault in left_over(tmp_path, before)) == [
        "changes in.csv",
        "leaves .out-01234567.gscli.csv",
        "writes out.csv",
    ]


def test_halves_of_files_are_not_complete(tmp_path: Path) -> None:
    whole = tmp_path / "x.npy"
    np.save(whole, np.zeros((5, 3)))
    check_complete(whole)
    whole.write_bytes(whole.read_bytes()[:-1])
    with pytest.raises(AssertionError, match=r"x\.npy is not complete"):
        check_complete(whole)
