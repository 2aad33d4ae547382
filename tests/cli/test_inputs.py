"""What the commands that read FILE take it for: one rule for all of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import Result

from gscli import Concrete, __version__
from gscli.cli.messages import one_line
from tests.tables import answer, save

Invoke = Callable[..., Result]

N = 2_000
LAW = Concrete([1, 3, 6], 0.7)
KNOWN = ("--pi", "1,3,6", "-t", "0.7")
STATED = "x.parquet: its metadata state probs 0.1, 0.3, 0.6; t = 0.7; seed 1\n"

READERS: dict[str, tuple[str, ...]] = {
    "check": (),
    "fit": (),
    "density": ("-o", "d.npy", "-f"),
    "describe": ("--json",),
    "plot": ("-o", "p.json", "-f"),
}
"""The commands that read FILE, and what makes them write to a file or in JSON."""


def read(invoke: Invoke, command: str, *args: object) -> Result:
    return invoke(command, args[0], *READERS[command], *args[1:])


@pytest.fixture
def stated(invoke: Invoke) -> None:
    """Write x.parquet, which states its distribution."""
    invoke("sample", *KNOWN, "-n", N, "--seed", 1, "-o", "x.parquet", "-q")


# ---------------------------------------------------------------- what a file states


@pytest.mark.usefixtures("stated")
@pytest.mark.parametrize("command", READERS)
def test_what_a_file_states_is_taken_and_said(invoke: Invoke, command: str) -> None:
    result = read(invoke, command, "x.parquet")
    assert result.exit_code == 0, result.stderr
    assert STATED in result.stderr
    assert read(invoke, command, "x.parquet", "-q").stderr == ""
    if command == "check":
        assert "Consistent with probs 0.1, 0.3, 0.6; t = 0.7" in result.stdout
    if command == "describe":
        assert answer(result)["temperatures"][0]["temperature"] == 0.7
        assert answer(result)["sample"]["n"] == N
    if command == "density":
        expected = LAW.log_prob(LAW.sample(N, seed=1))
        np.testing.assert_allclose(np.load("d.npy"), expected, rtol=1e-12)
    if command == "plot":
        assert "% of mass; file " in Path("p.json").read_text()


def test_parquet_states_all_that_makes_it_again(invoke: Invoke) -> None:
    options = ("--pi", "cat=1,dog=3", "-t", "0.5,2", "--start", 5, "--log", "--seed", 2**100)
    invoke("sample", *options, "-n", 3, "-o", "x.parquet", "-q")
    found = json.loads(pl.read_parquet_metadata("x.parquet")["gscli"])
    assert found == {
        "pi": Concrete([1, 3], 1).probs.tolist(),
        "logits": Concrete([1, 3], 1).logits.tolist(),
        "names": ["cat", "dog"],
        "t": [0.5, 2.0],
        "seed": 2**100,
        "start": 5,
        "form": "log",
        "version": __version__,
    }


@pytest.mark.parametrize("command", READERS)
def test_the_form_that_a_file_states_is_taken(invoke: Invoke, command: str) -> None:
    invoke("sample", *KNOWN, "-n", N, "--seed", 1, "-o", "x.parquet", "-q", "--log")
    result = read(invoke, command, "x.parquet")
    assert result.exit_code == 0, result.stderr
    assert "its metadata state log X of probs 0.1, 0.3, 0.6; t = 0.7; seed 1" in result.stderr
    assert read(invoke, command, "x.parquet", "--log").exit_code == 0
    invoke("sample", *KNOWN, "-n", N, "-o", "x.parquet", "-q", "-f")
    refused = read(invoke, command, "x.parquet", "--log")
    assert refused.exit_code == (2 if command == "check" else 1)
    assert "state that it holds X, not log X; leave out --log" in refused.stderr.replace(
        "say", "state"
    )


@pytest.mark.usefixtures("stated")
def test_what_is_given_comes_before_what_is_stated(invoke: Invoke) -> None:
    assert invoke("check", "x.parquet", "--pi", "1,3,6", "-t", 0.7).exit_code == 0
    assert invoke("check", "x.parquet", "-t", 0.5).exit_code == 1
    assert invoke("check", "x.parquet", "--pi", "6,3,1").exit_code == 1
    assert invoke("check", "x.parquet", "--columns", "x1,x2").exit_code == 2  # not stated of two


def test_damaged_metadata_are_one_error(invoke: Invoke) -> None:
    frame = pl.DataFrame(dict(zip("abc", LAW.sample(10, seed=1).T, strict=True)))
    frame.write_parquet("x.parquet", metadata={"gscli": "{"})
    result = invoke("fit", "x.parquet")
    assert (
        result.stderr == "Error: x.parquet: its metadata under 'gscli' are damaged; remove them\n"
    )


# ---------------------------------------------------------------- values and columns


WARM = Concrete([1, 3, 6], 2)  # no value of it rounds to 0


def coarse(kind: str) -> Any:
    x = WARM.sample(N, seed=1)
    match kind:
        case "bfloat16":
            return (x.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
        case "float16":
            return x.astype(np.float16)
        case "decimals":
            return np.round(x, 3)
        case "percentages":
            return 100 * x
        case _:
            return np.round(100 * x, 1)


@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize(
    "kind", ["bfloat16", "float16", "decimals", "percentages", "rounded percentages"]
)
def test_coarse_values_are_taken_by_all_or_none(invoke: Invoke, command: str, kind: str) -> None:
    np.save("x.npy", coarse(kind))
    known = () if command == "fit" else ("--pi", "1,3,6", "-t", "2")
    result = read(invoke, command, "x.npy", *known)
    assert result.exit_code == 0, result.stdout + result.stderr
    assert "not on the simplex" not in result.stderr
    assert ("percentages, which are read as shares of 1" in result.stderr) == ("perc" in kind)


@pytest.mark.parametrize("command", READERS)
def test_columns_are_chosen_in_every_command(invoke: Invoke, tmp_path: Path, command: str) -> None:
    x = LAW.sample(N, seed=1)
    ids = np.random.default_rng(0).integers(1, 9, N)
    save(tmp_path / "x.csv", np.column_stack([ids, x[:, ::-1]]), ("id", "bird", "dog", "cat"))
    known = () if command == "fit" else ("--pi", "cat=1,dog=3,bird=6", "-t", "0.7")
    result = read(invoke, command, "x.csv", *known, "--columns", "cat,dog,bird")
    assert result.exit_code == 0, result.stderr
    if command != "fit":
        refused = read(invoke, command, "x.csv", *known)
        assert refused.exit_code == 2
        assert (
            "x.csv: 4 columns, 3 weights; is one an index or id? Choose the others with --columns "
            "cat,dog,bird, or give 4 weights"
        ) in refused.stderr


def test_columns_are_parsed_as_names(invoke: Invoke, tmp_path: Path) -> None:
    save(tmp_path / "x.csv", LAW.sample(N, seed=1), ("a,b", "c", "d"))
    assert invoke("check", "x.csv", *KNOWN, "--columns", '"a,b",c,d').exit_code == 0
    for text, message in (("a,,b", "has an empty name"), ("c,c", "'c' is given twice")):
        assert message in invoke("check", "x.csv", *KNOWN, "--columns", text).stderr
    for command in ("plot", "describe"):
        message = invoke(command, "--columns", "a,b").stderr
        assert "--columns says what FILE holds; name a FILE" in message


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    "names", [("Cat", "Dog", "Bird"), ("cat ", "dog_", "bird"), ("cat", "x", "y")]
)
@pytest.mark.parametrize("comment", [False, True])
def test_names_that_nearly_match_are_an_error_that_shows_both(
    invoke: Invoke, names: tuple[str, ...], comment: bool
) -> None:
    np.savetxt(
        "x.csv",
        LAW.sample(20, seed=1),
        delimiter=",",
        header=",".join(names),
        comments="# " if comment else "",
    )
    for command in ("check", "density", "describe", "plot"):
        result = read(invoke, command, "x.csv", "--pi", "cat=1,dog=3,bird=6", "-t", "0.7")
        assert result.exit_code == 2, command
        assert "dog" in result.stderr
        assert names[1].strip() in result.stderr
        assert "use the same names, or none" in result.stderr


def test_other_names_are_taken_in_order_and_said(invoke: Invoke, tmp_path: Path) -> None:
    rows = LAW.sample(N, seed=1)
    save(tmp_path / "x.csv", rows, ("a", "b", "c"))
    result = invoke("check", "x.csv", "--pi", "cat=1,dog=3,bird=6", "-t", "0.7")
    assert result.exit_code == 0
    assert result.stderr == "x.csv: columns a, b, c get the weights cat, dog, bird, in this order\n"
    save(tmp_path / "y.csv", rows)  # x1, x2, x3 are no names
    result = invoke("check", "y.csv", "--pi", "cat=1,dog=3,bird=6", "-t", "0.7")
    assert result.stderr == ""
    assert "Consistent with probs cat 0.1, dog 0.3, bird 0.6" in result.stdout


# ---------------------------------------------------------------- temperatures


@pytest.mark.parametrize("command", ["check", "density", "describe", "plot"])
def test_t_chooses_rows_of_a_temperature_column_everywhere(
    invoke: Invoke, tmp_path: Path, command: str
) -> None:
    x = LAW.sample(N, seed=1)
    y = Concrete([1, 3, 6], 0.1).sample(N, seed=2)
    t = np.repeat([0.7, 0.1], N).astype(np.float32)
    table = {"x1": np.r_[x, y][:, 0], "x2": np.r_[x, y][:, 1], "temperature": t}
    frame = pl.DataFrame({**table, "x3": np.r_[x, y][:, 2]})
    frame.write_parquet(tmp_path / "x.parquet")
    result = read(invoke, command, "x.parquet", "--pi", "1,3,6", "-t", "0.1")
    assert result.exit_code in ((0, 2) if command == "check" else (0,)), result.stderr
    if command == "density":
        assert np.load("d.npy").shape == (N,)
    if command == "describe":
        assert answer(result)["sample"]["n"] == N
    if command == "check":
        assert f"n = {N:,}" in result.stdout
    missing = read(invoke, command, "x.parquet", "--pi", "1,3,6", "-t", "0.2")
    assert "has no rows at temperature 0.2; its temperature column states" in missing.stderr


# ---------------------------------------------------------------- several files


def test_several_files_have_a_row_each_and_the_worst_code(invoke: Invoke, tmp_path: Path) -> None:
    save(tmp_path / "good1.csv", LAW.sample(N, seed=1))
    save(tmp_path / "good2.npy", LAW.sample(N, seed=2))
    save(tmp_path / "wrong.npy", Concrete([1, 3, 6], 2).sample(N, seed=3))
    good = invoke("check", "good*", *KNOWN)
    assert good.exit_code == 0
    rows = [line.split() for line in good.stdout.splitlines()]
    assert [row[:4] for row in rows[1:]] == [
        [name, "0.7", "2,000", "Consistent"] for name in ("good1.csv", "good2.npy")
    ]
    assert invoke("check", "good1.csv", "wrong.npy", *KNOWN).exit_code == 1
    mixed = invoke("check", "wrong.npy", "none.csv", "good1.csv", *KNOWN, "-q")
    assert mixed.exit_code == 2
    wrong, none, right = mixed.stdout.splitlines()
    assert wrong.startswith("wrong.npy: Rejected, t = 0.7, n = 2,000, least p-value ")
    assert "the temperature is off" in wrong
    assert none == "none.csv: Not judged: No such file or directory"
    assert right.startswith("good1.csv: Consistent, t = 0.7, n = 2,000, least p-value 0.")
    found = answer(invoke("check", "wrong.npy", "good1.csv", *KNOWN, "--json"))
    assert (found["consistent"], found["conclusive"]) == (False, True)
    assert [each["file"] for each in found["files"]] == ["wrong.npy", "good1.csv"]
    assert found["files"][1]["pi"] == pytest.approx([0.1, 0.3, 0.6])
    assert (found["files"][1]["temperature"], found["files"][1]["version"]) == (0.7, __version__)
    refused = invoke("check", "wrong.npy", "good1.csv", *KNOWN, "--plot", "x.html")
    assert refused.exit_code == 2
    assert "--plot draws one file" in refused.stderr


def test_one_line_for_logs(invoke: Invoke, tmp_path: Path) -> None:
    save(tmp_path / "x.npy", LAW.sample(N, seed=1))
    result = invoke("check", "x.npy", *KNOWN, "--quiet")
    assert result.stderr == ""
    (line,) = result.stdout.splitlines()
    assert line.startswith("x.npy: Consistent, t = 0.7, n = 2,000, least p-value 0.")


def test_fit_has_a_result_for_each_temperature(invoke: Invoke) -> None:
    np.save("x.npy", np.stack([Concrete([1, 3, 6], t).sample(N, seed=1) for t in (0.5, 2)]))
    found = answer(invoke("fit", "x.npy", "--fix-temperature", "0.5,2", "--json"))["fits"]
    assert [each["temperature"] for each in found] == pytest.approx([0.5, 2])
    assert all(each["n"] == N for each in found)
    result = invoke("fit", "x.npy")
    assert "name the temperature of a batch with --fix-temperature; of 2" in result.stderr


# ---------------------------------------------------------------- the terminal


def test_names_and_files_cannot_steer_a_terminal(invoke: Invoke, tmp_path: Path) -> None:
    name = "a\x1b[31m\x07\u202e.csv"
    save(tmp_path / name, LAW.sample(N, seed=1), ("\u202eevil", "dog", "bird"))
    for command in ("check", "fit", "density", "describe"):
        known = () if command == "fit" else KNOWN
        for result in (read(invoke, command, name, *known), read(invoke, command, "n" + name)):
            assert not {"\x1b", "\x07", "\u202e"} & {*result.output}, command
    assert r"a\x1b[31m\x07\u202e.csv" in invoke("check", name, *KNOWN, "-q").stdout


def test_messages_about_binary_files_are_short(invoke: Invoke) -> None:
    assert len(one_line("x" * 10**6)) <= 600
    assert one_line("a \n b") == "a b"
    Path("x.csv").write_bytes(b"\x01" * 50_000 + b",b\n1,2\n")
    result = invoke("fit", "x.csv")
    assert result.exit_code == 1
    assert len(result.stderr) < 700


def test_default_weights_are_not_blamed_on_the_user(invoke: Invoke) -> None:
    np.save("x.npy", Concrete([1] * 5, 1).sample(20, seed=1))
    result = invoke("describe", "x.npy")
    assert result.exit_code == 2
    assert "x.npy: 5 columns; give as many weights with --pi" in result.stderr
