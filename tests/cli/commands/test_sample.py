"""`gscli sample`."""

import errno
import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import Result

from gscli import Concrete
from gscli.cli import preview, progress
from gscli.io.readers import open_samples

Invoke = Callable[..., Result]


def rows_of(path: Path, **options: Any) -> Any:
    return np.concatenate([block.rows for block in open_samples(str(path), **options)])


def test_bare_it_draws_the_classic_example_to_a_pipe(invoke: Invoke) -> None:
    result = invoke("sample")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "x1,x2,x3"
    assert len(lines) == 10_001
    assert "10,000 samples: probs 0.1, 0.3, 0.6; t = 3; seed " in result.stderr


def test_the_seed_that_is_shown_repeats_the_run(invoke: Invoke) -> None:
    first = invoke("sample", "-n", 5)
    seed = first.stderr.rsplit("seed ", 1)[1].strip()
    assert invoke("sample", "-n", 5, "--seed", seed).stdout == first.stdout
    assert invoke("sample", "-n", 5).stdout != first.stdout


@pytest.mark.parametrize("seed", [0, 2**64, 2**128 - 1])
def test_files_hold_exactly_what_the_python_api_draws(
    invoke: Invoke, tmp_path: Path, seed: int
) -> None:
    expected = Concrete([1, 3, 6], 0.7).sample(1000, seed=seed)
    for name in ("x.csv", "x.npy", "x.parquet"):
        args = ("-t", 0.7, "-n", "1e3", "--seed", seed, "-o", name, "-q")
        result = invoke("sample", *args)
        assert (result.exit_code, result.output) == (0, "")
        assert (rows_of(tmp_path / name) == expected).all()


def test_logits_and_weights_files_mean_the_same(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "w.json").write_text('{"a": 1, "b": 3}')
    (tmp_path / "w.csv").write_text("a,b\n1,3\n")
    np.save(tmp_path / "l.npy", np.log([1.0, 3.0]))
    same = ("-n", 20, "--seed", 4, "-q")
    named = invoke("sample", "--pi", "a=1,b=3", *same).stdout
    assert named.startswith("a,b\n")
    for source in ("@w.json", "@w.csv"):
        assert invoke("sample", "--pi", source, *same).stdout == named
    plain = invoke("sample", "--logits", "@l.npy", *same).stdout
    assert plain.startswith("x1,x2\n")
    assert plain.splitlines()[1:] == named.splitlines()[1:]


def test_tau_and_uniform_are_other_spellings(invoke: Invoke) -> None:
    same = ("sample", "-n", 20, "--seed", 4, "-q")
    expected = invoke(*same, "--pi", "1,1,1,1", "-t", 0.5).stdout
    assert expected.startswith("x1,x2,x3,x4\n")
    assert invoke(*same, "--pi", "uniform:4", "--tau", 0.5).stdout == expected
    assert invoke(*same, "--logits", "uniform:4", "--tau", 0.5).stdout == expected


def test_several_temperatures(invoke: Invoke, tmp_path: Path) -> None:
    outputs = ("-o", "x.csv", "-o", "x.npy", "-o", "x.parquet")
    result = invoke("sample", "-t", "0.5,1,3", "-n", 50, "--seed", 1, *outputs)
    assert result.exit_code == 0
    expected = np.stack([Concrete([1, 3, 6], t).sample(50, seed=1) for t in (0.5, 1, 3)])
    assert (np.load(tmp_path / "x.npy") == expected).all()
    for name, read in (("x.csv", pl.read_csv), ("x.parquet", pl.read_parquet)):
        frame = read(tmp_path / name)
        assert frame.columns == ["temperature", "x1", "x2", "x3"]
        assert frame["temperature"].to_list() == [0.5] * 50 + [1.0] * 50 + [3.0] * 50
        assert (frame.drop("temperature").to_numpy() == expected.reshape(-1, 3)).all()


@pytest.mark.parametrize("name", ["x.csv", "x.npy", "x.parquet"])
def test_forms_and_precision(invoke: Invoke, tmp_path: Path, name: str) -> None:
    d = Concrete([1, 3, 6], 0.01)
    same = ("-t", 0.01, "-n", 500, "--seed", 3, "-o", name, "-f")
    assert invoke("sample", *same, "--log").exit_code == 0
    assert (rows_of(tmp_path / name) == d.sample_log(500, seed=3)).all()
    assert invoke("sample", *same, "--hard").exit_code == 0
    hard = rows_of(tmp_path / name)
    assert (hard == np.eye(3)[d.sample_log(500, seed=3).argmax(axis=1)]).all()
    assert invoke("sample", *same, "--dtype", "float32").exit_code == 0
    single = rows_of(tmp_path / name).astype(np.float32)
    assert (single == d.sample(500, seed=3).astype(np.float32)).all()
    if name == "x.npy":
        assert np.load(tmp_path / name).dtype == np.float32
    if name == "x.parquet":
        assert set(pl.read_parquet(tmp_path / name).dtypes) == {pl.Float32}


def test_the_format_option_overrides_the_suffix(invoke: Invoke, tmp_path: Path) -> None:
    assert invoke("sample", "-n", 5, "-o", "x.csv", "--format", "npy").exit_code == 0
    assert np.load(tmp_path / "x.csv").shape == (5, 3)
    result = invoke("sample", "-n", 5, "--format", "npy", "-q")
    assert result.stdout_bytes.startswith(b"\x93NUMPY")
    assert invoke("sample", "-n", 5, "-o", "plain", "--format", "csv").exit_code == 0


def test_the_bytes_do_not_depend_on_threads_or_on_where_they_go(
    invoke: Invoke, tmp_path: Path
) -> None:
    same = ("-n", 500_000, "--seed", 9, "-q", "-f", "--format")
    for kind in ("csv", "npy"):
        outputs = []
        for threads in (1, 2, 5):
            invoke("sample", *same, kind, "-j", threads, "-o", "x")
            outputs.append((tmp_path / "x").read_bytes())
        outputs.append(invoke("sample", *same, kind).stdout_bytes)
        outputs.append(invoke("sample", *same, kind, "-o", "-").stdout_bytes)
        assert len(set(outputs)) == 1


@pytest.mark.parametrize("form", ["simplex", "log", "hard"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("temperatures", ["0.5", "0.01,0.5,3"])
def test_rows_that_threads_write_at_their_places_are_those_of_a_pipe(
    invoke: Invoke, tmp_path: Path, form: str, dtype: str, temperatures: str
) -> None:
    same = ("-n", 300_000, "--start", 100_000, "--seed", 9, "-t", temperatures, "--dtype", dtype)
    given = (*same, "-q", *(() if form == "simplex" else (f"--{form}",)))
    piped = invoke("sample", *given, "--format", "npy").stdout_bytes
    for threads in (1, 3):
        invoke("sample", *given, "-f", "-o", "x.npy", "-j", threads)
        assert (tmp_path / "x.npy").read_bytes() == piped
    shape = np.load(tmp_path / "x.npy").shape
    assert shape == ((300_000, 3) if temperatures == "0.5" else (3, 300_000, 3))


@pytest.mark.parametrize("name", ["x.csv", "x.npy", "x.parquet"])
def test_samples_can_begin_at_any_row(invoke: Invoke, tmp_path: Path, name: str) -> None:
    same = ("sample", "--seed", 5, "-f", "-o", name)
    assert invoke(*same, "-n", 1000).exit_code == 0
    whole = rows_of(tmp_path / name)
    result = invoke(*same, "-n", 400, "--start", "6e2")
    assert "400 samples from row 600 on to " in result.stderr
    assert (rows_of(tmp_path / name) == whole[600:]).all()
    assert " from row " not in invoke(*same, "-n", 4, "--start", 0).stderr
    refused = invoke("sample", "--start", "-1")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "'--start': -1 is not 0 or more" in refused.stderr


@pytest.mark.parametrize("name", ["x.npy", "x.csv"])
def test_a_target_that_cannot_hold_what_was_asked_is_refused_before_it_is_begun(
    invoke: Invoke, tmp_path: Path, name: str
) -> None:
    for n in ("1e15", "4e13"):
        result = invoke("sample", "-n", n, "-t", "1,2", "-o", "first.npy", "-o", name)
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: first.npy needs ")
        assert " free on its disk; ask for fewer rows or name another disk\n" in result.stderr
        assert invoke("sample", "-n", n, "-o", name).exit_code == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "pwrite"), reason="no pwrite")
@pytest.mark.parametrize("calls", [0, 1, 5])
@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_fails_in_any_thread_leaves_the_old_file(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int, reason: int
) -> None:
    write, done = os.pwrite, itertools.count()

    def fail(descriptor: int, data: Any, place: int) -> int:
        if next(done) >= calls:
            raise OSError(reason, os.strerror(reason))
        return write(descriptor, data, place)

    (tmp_path / "x.npy").write_bytes(b"old")
    monkeypatch.setattr(os, "pwrite", fail)
    result = invoke("sample", "-n", 2_000_000, "-q", "-f", "-o", "x.npy")
    assert result.exit_code == 1
    assert result.stderr == f"Error: x.npy: {os.strerror(reason)}; nothing was written\n"
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"x.npy": b"old"}


@pytest.mark.parametrize("name", ["x.csv", "x.npy"])
def test_a_short_file_is_the_beginning_of_a_long_one(
    invoke: Invoke, tmp_path: Path, name: str
) -> None:
    for n, path in ((70_000, f"long-{name}"), (1_000, f"short-{name}")):
        assert invoke("sample", "-n", n, "--seed", 2, "-o", path).exit_code == 0
    long, short = rows_of(tmp_path / f"long-{name}"), rows_of(tmp_path / f"short-{name}")
    assert (long[:1000] == short).all()


def test_rows_with_an_exact_zero_or_one_are_counted_and_the_remedy_is_named(
    invoke: Invoke, tmp_path: Path
) -> None:
    result = invoke("sample", "-t", 0.01, "-n", 5000, "--seed", 1, "-o", "x.npy")
    rows = np.load(tmp_path / "x.npy")
    count = int(((rows == 0) | (rows == 1)).any(axis=1).sum())
    assert count > 0
    assert f"{count:,} rows (" in result.stderr
    assert "--log keeps full precision" in result.stderr
    result = invoke("sample", "-t", "0.01,0.02", "-n", 700_000, "--seed", 1, "-o", "y.npy")
    many = np.load(tmp_path / "y.npy").reshape(-1, 3)
    count = int(((many == 0) | (many == 1)).any(axis=1).sum())
    assert f"{count:,} rows ({count / 1_400_000:.2g}) hold" in result.stderr
    for quiet in (("--log",), ("--hard",), ("-q",)):
        result = invoke("sample", "-t", 0.01, "-n", 5000, "--seed", 1, *quiet)
        assert "exact" not in result.stderr


def test_force_replaces(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("old")
    assert invoke("sample", "-n", 5, "-o", "x.csv", "--force").exit_code == 0
    assert len((tmp_path / "x.csv").read_text().splitlines()) == 6


def test_many_categories_are_cut_short_in_the_echo(invoke: Invoke) -> None:
    result = invoke("sample", "--pi", ",".join("1" * 300), "-t", "0.1:10:30", "-n", 1)
    assert "(300 categories)" in result.stderr
    assert "(30 temperatures)" in result.stderr
    assert len(result.stderr.splitlines()[0]) < 250


def test_names_of_any_kind_survive_in_every_format(invoke: Invoke, tmp_path: Path) -> None:
    names = ["7", "#a", "nan", 'q"', "a b", "ß", "<script>", "[/x]", "a;b", "'"]
    (tmp_path / "w.json").write_text(json.dumps({name: 1 + i for i, name in enumerate(names)}))
    for path in ("x.csv", "x.parquet"):
        assert invoke("sample", "--pi", "@w.json", "-n", 3, "-o", path).exit_code == 0
        assert list(open_samples(str(tmp_path / path)).names) == names


# --- on a terminal ------------------------------------------------------------------------------


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the standard streams of the runner claim to be a terminal."""
    from click import testing

    monkeypatch.setattr(testing._NamedTextIOWrapper, "isatty", lambda _: True)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.usefixtures("terminal")
def test_a_terminal_gets_figures_a_picture_and_a_hint(invoke: Invoke) -> None:
    result = invoke("sample", "--pi", "cat=1,dog=3,[/b]=6", "--seed", 1)
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) < 40
    for text in ("cat", "dog", "[/b]", "0.6000", "near a vertex", "seed 1", "-o samples.csv"):
        assert text in result.stdout
    x = Concrete([1, 3, 6], 3).sample(10_000, seed=1)
    for figure in (*x.mean(axis=0), *x.std(axis=0, ddof=1)):
        assert f"{figure:.4f}" in result.stdout


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("form", ["--log", "--hard", "--dtype=float32", "-t=0.1,3"])
def test_every_form_has_figures_on_a_terminal(invoke: Invoke, form: str) -> None:
    result = invoke("sample", "-n", 500, "--pi", "1,2,3,4", *form.split("="))
    assert result.exit_code == 0
    assert "near a vertex" in result.stdout


@pytest.mark.usefixtures("terminal")
def test_many_categories_are_cut_short_on_a_terminal(invoke: Invoke) -> None:
    result = invoke("sample", "-n", 100, "--pi", ",".join("1" * 50))
    assert f"{50 - preview.SHOWN_CATEGORIES} more" in result.stdout


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_a_named_output_is_still_written(invoke: Invoke, tmp_path: Path) -> None:
    assert invoke("sample", "-n", 5, "-o", "x.npy").exit_code == 0
    assert (tmp_path / "x.npy").exists()
    assert invoke("sample", "-n", 5, "-o", "-").stdout.startswith("x1,x2,x3\n")
    assert invoke("sample", "-n", 5, "--format", "csv").stdout.startswith("x1,x2,x3\n")


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("patience", [0.0, 1e9])
def test_a_bar_appears_only_when_the_work_lasts(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, patience: float, tmp_path: Path
) -> None:
    monkeypatch.setattr(progress, "DELAY", patience)
    same = ("-n", 2_000_000, "--seed", 1, "-f", "-o", "x.npy")
    shown = invoke("sample", *same)
    assert shown.exit_code == 0
    assert np.load(tmp_path / "x.npy").shape == (2_000_000, 3)
    for words in ("writing x.npy", " samples"):
        assert (words in shown.stderr.rpartition("2,000,000 samples to")[0]) == (patience == 0)
    assert invoke("sample", *same, "-q").output == ""


@pytest.mark.parametrize("suffix", ["csv", "npy", "parquet"])
def test_what_no_disk_can_hold_is_refused_before_it_is_begun(invoke: Invoke, suffix: str) -> None:
    result = invoke("sample", "-n", "1e15", "-o", f"x.{suffix}")
    assert result.exit_code == 1
    assert f"Error: x.{suffix} needs " in result.stderr
    assert "are free on its disk; ask for fewer rows" in result.stderr
    assert not list(Path().iterdir())


@pytest.mark.parametrize("other", ["/dev/stdout", "/dev/fd/1"])
def test_standard_output_by_two_names_is_a_duplicate(invoke: Invoke, other: str) -> None:
    result = invoke("sample", "-n", 3, "-o", "-", "-o", other, "--format", "csv")
    assert result.exit_code == 2
    assert "is given twice; name each output once" in result.stderr
