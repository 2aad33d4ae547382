"""`gscli sample --shards`: parts, their manifest, `--resume`, and reading them again."""

import io
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import Result

from gscli import Concrete
from gscli.distribution.noise import block_rows
from gscli.io import dataset_runs, samples
from gscli.io.readers import open_samples

Invoke = Callable[..., Result]
Start = Callable[..., "Popen[bytes]"]

ROWS = 300_000
RUN = ("sample", "-n", ROWS, "--seed", 5)
WAIT = 60.0
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX locks, limits and signals")


def manifest_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


def body(path: Path) -> bytes:
    """Return the bytes of a file behind its header."""
    content = path.read_bytes()
    if path.suffix == ".csv":
        return content.partition(b"\n")[2]
    if path.suffix == ".npy":
        file = io.BytesIO(content)
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        return file.read()
    return pl.read_parquet(path).to_numpy().tobytes()


def content_of(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


# --- bytes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["npy", "csv", "parquet"])
@pytest.mark.parametrize("shards", [1, 2, 7])
def test_joined_parts_are_the_single_file(
    invoke: Invoke, tmp_path: Path, suffix: str, shards: int
) -> None:
    args = ("-t", 0.7, "--start", 1000, "-q")
    assert invoke(*RUN, *args, "-o", f"whole.{suffix}").exit_code == 0
    parts = ("--shards", shards, "--format", suffix, "-o", "parts/")
    result = invoke(*RUN, *args, *parts)
    assert (result.exit_code, result.output) == (0, "")
    names = [f"part-{i:05}.{suffix}" for i in range(shards)]
    assert sorted(content_of(tmp_path / "parts")) == ["manifest.json", *names]
    joined = b"".join(body(tmp_path / "parts" / name) for name in names)
    assert joined == body(tmp_path / f"whole.{suffix}")
    if shards < ROWS // block_rows(3):
        for part in manifest_in(tmp_path / "parts")["parts"][1:]:
            assert part["first_row"] % block_rows(3) == 0


@pytest.mark.parametrize("suffix", ["npy", "csv", "parquet"])
@pytest.mark.parametrize("form", ["--log", "--hard"])
def test_bytes_depend_neither_on_threads_nor_on_parts(
    invoke: Invoke, tmp_path: Path, suffix: str, form: str
) -> None:
    args = (*RUN, form, "--dtype", "float32", "--format", suffix, "--shards", 5)
    found = []
    for threads in (1, 2, 11):
        folder = f"with-{threads}"
        assert invoke(*args, "-j", threads, "-o", folder).exit_code == 0
        found.append(content_of(tmp_path / folder))
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 6


def test_several_temperatures_are_folders_that_other_programs_read(
    invoke: Invoke, tmp_path: Path
) -> None:
    args = ("-t", "0.5,3,1e-5", "--pi", "a=1,b=2", "--log")
    assert invoke(*RUN, *args, "--shards", 2, "-o", "parts.parquet").exit_code == 0
    assert invoke(*RUN, *args, "-o", "whole.parquet").exit_code == 0
    paths = [part["path"] for part in manifest_in(tmp_path / "parts.parquet")["parts"]]
    assert paths == [
        f"temperature={t}/part-0000{i}.parquet" for t in ("0.5", "3.0", "1e-05") for i in (0, 1)
    ]
    whole = pl.read_parquet("whole.parquet")
    found = pl.scan_parquet("parts.parquet/**/*.parquet", hive_partitioning=True).collect()
    assert found.schema["temperature"] == pl.Float64
    for t in (0.5, 3.0, 1e-5):
        own = found.filter(pl.col("temperature") == t).select(whole.columns)
        assert own.equals(whole.filter(pl.col("temperature") == t))
    batches = list(open_samples("parts.parquet"))
    stated = [np.broadcast_to(np.asarray(batch.temperature), len(batch.rows)) for batch in batches]
    assert (np.concatenate(stated) == whole["temperature"].to_numpy()).all()
    rows = np.concatenate([batch.rows for batch in batches])
    assert (rows == whole.drop("temperature").to_numpy()).all()
    starts = [batch.start for batch in batches]
    assert starts == np.cumsum([0, *(len(batch.rows) for batch in batches)]).tolist()[:-1]


def test_the_manifest_states_the_run_and_each_part(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke(*RUN, "-t", 0.01, "--pi", "cat=1,dog=3", "--shards", 4, "-o", "parts")
    manifest = manifest_in(tmp_path / "parts")
    own = manifest["gscli"]
    assert own["pi"] == pytest.approx([0.25, 0.75])
    assert (own["names"], own["t"], own["seed"]) == (["cat", "dog"], [0.01], 5)
    assert (own["form"], manifest["dtype"], manifest["format"]) == ("simplex", "float64", "npy")
    assert (manifest["numpy"], manifest["n"]) == (np.__version__, ROWS)
    expected = Concrete([1, 3], 0.01).sample(ROWS, seed=5)
    lossy = 0
    for part in manifest["parts"]:
        array = np.load(tmp_path / "parts" / part["path"])
        assert len(array) == part["rows"]
        assert (tmp_path / "parts" / part["path"]).stat().st_size == part["bytes"]
        first = part["first_row"]
        assert (array == expected[first : first + part["rows"]]).all()
        own_lossy = ((array == 0) | (array == 1)).any(axis=1).sum()
        assert part["lossy_rows"] == own_lossy
        lossy += own_lossy
    assert "300,000 samples to parts (4 parts): probs cat 0.25, dog 0.75; t = 0.01; seed 5" in (
        result.stderr
    )
    assert f"{lossy:,} rows" in result.stderr


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--shards", 2), 2, "--shards writes a folder of parts; name it with -o"),
        (("--shards", 2, "-o", "-"), 2, "- is standard output; with --shards, name a folder"),
        (("-n", 5, "--shards", 6, "-o", "p"), 2, "6 parts of 5 rows; give at most one part a row"),
        (("-n", "1e9", "--shards", 200_000, "-o", "p"), 2, "200,000 parts are more than 100,000"),
        (("--shards", 2, "-o", "p", "-f"), 2, "--force does not replace a dataset"),
        (("--resume", "-o", "p"), 2, "--resume finishes a dataset; give its --shards as well"),
        (("--shards", 2, "-o", "file"), 1, "file is a file; name a folder for the parts"),
        (("--shards", 2, "-o", "no/p"), 1, "the directory no does not exist; create it first"),
        (("--shards", 2, "-o", "other"), 1, "other is not empty; name a new folder"),
        (("--shards", 2, "-o", "other", "--resume"), 1, "other is not empty; name a new folder"),
        (("-n", "1e15", "--shards", 2, "-o", "new"), 1, "are free on its disk"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    invoke: Invoke, tmp_path: Path, args: tuple[Any, ...], code: int, message: str
) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "part-00000.npy").write_text("kept")
    before = content_of(tmp_path)
    result = invoke("sample", *args)
    assert result.exit_code == code
    assert message in result.stderr
    assert "\n" not in result.stderr.splitlines()[-1]
    assert content_of(tmp_path) == before


def test_a_folder_that_holds_a_dataset_is_not_replaced(invoke: Invoke, tmp_path: Path) -> None:
    invoke(*RUN, "--shards", 3, "-o", "p")
    before = content_of(tmp_path)
    result = invoke(*RUN, "--shards", 3, "-o", "p")
    assert result.exit_code == 1
    assert "p holds a dataset, which is not replaced" in result.stderr
    assert content_of(tmp_path) == before


@pytest.mark.parametrize(
    ("args", "difference"),
    [
        (("--seed", 6), "seed is 5, not 6"),
        (("-n", 400_000), "n is 300000, not 400000"),
        (("--shards", 4), "shards is 3, not 4"),
        (("-t", 2), "t is 3.0, not 2.0"),
        (("--log",), "form is simplex, not log"),
        (("--format", "csv"), "format is npy, not csv"),
        (("--dtype", "float32"), "dtype is float64, not float32"),
        (("--pi", "a=1,b=3,c=6"), "names is x1, x2, x3, not a, b, c"),
    ],
)
def test_the_folder_of_another_run_is_refused(
    invoke: Invoke, tmp_path: Path, args: tuple[Any, ...], difference: str
) -> None:
    invoke(*RUN, "--shards", 3, "-o", "p")
    before = content_of(tmp_path)
    result = invoke(*RUN, "--shards", 3, *args, "-o", "p", "--resume")
    assert result.exit_code == 1
    assert f"p holds another run: {difference}; repeat its options" in result.stderr
    assert content_of(tmp_path) == before


@pytest.mark.parametrize("library", ["gscli", "NumPy"])
def test_another_version_does_not_go_on_with_a_run(
    invoke: Invoke, tmp_path: Path, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoke(*RUN, "--shards", 3, "-o", "p")
    (tmp_path / "p" / "part-00001.npy").unlink()
    if library == "NumPy":
        monkeypatch.setattr(np, "__version__", "9.9")
    else:
        monkeypatch.setattr("gscli.cli.outputs.__version__", "9.9")
    result = invoke(*RUN, "--shards", 3, "-o", "p", "--resume")
    assert result.exit_code == 1
    assert f"the version of {library} is " in result.stderr
    assert ", not 9.9" in result.stderr
    assert not (tmp_path / "p" / "part-00001.npy").exists()


# --- resuming -----------------------------------------------------------------------------------


def damage(folder: Path, how: str) -> None:
    """Do something to the second part."""
    path = folder / "part-00001.npy"
    content = bytearray(path.read_bytes())
    if how == "missing":
        path.unlink()
        return
    if how == "truncated":
        del content[-100:]
    elif how == "longer":
        content += b"\0"
    else:
        content[len(content) // 2] ^= 1
    path.write_bytes(content)


FAULTS = {
    "missing": "is missing",
    "truncated": "is truncated to",
    "longer": "is altered: it has",
    "altered": "is altered: its bytes are not those that were written",
}


@pytest.mark.parametrize("how", FAULTS)
def test_resume_makes_what_is_not_whole_and_keeps_the_rest(
    invoke: Invoke, tmp_path: Path, how: str
) -> None:
    invoke(*RUN, "--shards", 4, "-o", "p")
    before = content_of(tmp_path / "p")
    times = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "p").glob("part*")}
    damage(tmp_path / "p", how)
    assert content_of(tmp_path / "p") != before
    result = invoke("sample", "-n", ROWS, "--shards", 4, "-o", "p", "--resume")
    assert result.exit_code == 0
    assert "300,000 samples to p (4 parts, 3 kept)" in result.stderr
    assert "seed 5" in result.stderr  # that of the folder
    assert content_of(tmp_path / "p") == before
    for path in (tmp_path / "p").glob("part*"):
        assert (path.stat().st_mtime_ns == times[path.name]) == (path.name != "part-00001.npy")


def test_resume_begins_a_run_that_has_not_begun(invoke: Invoke, tmp_path: Path) -> None:
    assert invoke(*RUN, "--shards", 4, "-o", "p", "--resume").exit_code == 0
    assert invoke(*RUN, "--shards", 4, "-o", "q").exit_code == 0
    assert content_of(tmp_path / "p") == content_of(tmp_path / "q")


def stopped_after(parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the run be interrupted when so many parts are recorded."""
    record = dataset_runs.DatasetRun.record
    done: list[Any] = []

    def stopping(self: Any, part: Any) -> None:
        if len(done) == parts:
            raise OSError(28, "No space left on device")
        done.append(part)
        record(self, part)

    monkeypatch.setattr(dataset_runs.DatasetRun, "record", stopping)


@pytest.mark.parametrize("suffix", ["npy", "csv", "parquet"])
def test_a_run_that_fails_is_finished_by_resume(
    invoke: Invoke, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    args = (*RUN, "-t", "0.5,2", "--shards", 4, "--format", suffix)
    invoke(*args, "-o", "whole")
    with monkeypatch.context() as patched:
        stopped_after(3, patched)
        assert invoke(*args, "-o", "p").exit_code == 1
    assert not (tmp_path / "p" / "manifest.json").exists()
    for command in ("fit", "describe", "plot"):
        result = invoke(command, "p")
        assert result.exit_code == 1
        assert "p: is not complete: 3 parts are written" in result.stderr
    result = invoke(*args, "-o", "p")
    assert result.exit_code == 1
    assert "p holds an unfinished run, 3 parts of which are complete" in result.stderr
    # As if the power had failed while a line was written.
    with (tmp_path / "p" / ".manifest.jsonl").open("ab") as file:
        file.write(b'{"path": "temperature=')
    result = invoke(*args, "-o", "p", "--resume")
    assert result.exit_code == 0
    assert "(8 parts, 3 kept)" in result.stderr
    assert content_of(tmp_path / "p") == content_of(tmp_path / "whole")


def test_a_run_that_failed_before_its_first_part_leaves_nothing_to_resume(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        stopped_after(0, patched)
        assert invoke(*RUN, "--shards", 4, "-o", "p").exit_code == 1
    assert invoke("sample", "-n", 100, "--shards", 2, "--seed", 1, "-o", "p").exit_code == 0
    assert invoke("check", "p", "-q").stdout.startswith("p: Consistent, t = 3, n = 100")


def test_a_damaged_record_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    invoke(*RUN, "--shards", 2, "-o", "p")
    (tmp_path / "p" / ".manifest.jsonl").write_text("{}\n{}\n")
    result = invoke(*RUN, "--shards", 2, "-o", "p", "--resume")
    assert result.exit_code == 1
    assert "records the unfinished run, is damaged" in result.stderr


# --- reading ------------------------------------------------------------------------------------


READERS = (
    ("plot", "-o", "x.html"),
    ("describe",),
    ("density", "-o", "x.csv"),
    ("check",),
    ("fit",),
)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader[0])
@pytest.mark.parametrize("how", FAULTS)
def test_readers_name_a_part_that_is_not_whole(
    invoke: Invoke, tmp_path: Path, reader: tuple[str, ...], how: str
) -> None:
    invoke(*RUN, "--shards", 3, "-o", "p")
    damage(tmp_path / "p", how)
    command, *options = reader
    result = invoke(command, "p", *options)
    assert result.exit_code == (2 if command == "check" else 1)
    assert f"Error: p: part-00001.npy {FAULTS[how]}" in result.stderr
    assert result.stderr.rstrip().endswith(
        "make it whole with gscli sample and the same options, and --resume"
    )
    assert not list(tmp_path.glob("x.*"))


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader[0])
def test_a_folder_its_manifest_and_a_pattern_are_one_sample(
    invoke: Invoke, tmp_path: Path, reader: tuple[str, ...]
) -> None:
    same = ("--pi", "cat=1,dog=3,bird=6", "-t", 0.5, "--log")
    invoke(*RUN, *same, "-o", "whole.parquet")
    invoke(*RUN, *same, "--shards", 3, "-o", "p")
    command, *options = reader
    expected = invoke(command, "whole.parquet", *options)
    assert expected.exit_code == 0
    output = tmp_path / options[-1] if options else None
    page = output.read_bytes() if output and output.suffix == ".csv" else b""
    files = ["p", "p/", "p/manifest.json", tmp_path / "p", *(["p/*.npy"] * (command != "check"))]
    for file in files:
        result = invoke(command, file, *options, *(["-f"] * bool(output)))
        assert result.exit_code == 0, result.stderr
        assert result.stdout == expected.stdout
        assert (
            result.stderr.replace(f"({file})", "(whole.parquet)").replace(
                f"{file}: ", "whole.parquet: "
            )
            == expected.stderr
        )
        if page:
            assert output is not None
            assert output.read_bytes() == page


@pytest.mark.parametrize("suffix", ["npy", "csv", "parquet"])
@pytest.mark.parametrize("part_values", [1, 3000, 10**6])
@pytest.mark.parametrize("batch_values", [1, 500, 10**6])
def test_small_files_are_read_together_and_large_ones_in_pieces(
    invoke: Invoke,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    part_values: int,
    batch_values: int,
) -> None:
    if part_values == 1 and suffix == "parquet":
        part_values = 300  # a query a row takes seconds
    monkeypatch.setattr(samples, "PART_VALUES", part_values)
    monkeypatch.setattr(samples, "BATCH_VALUES", batch_values)
    args = ("-n", 1500, "-t", "0.5,2", "--seed", 1, "--shards", 7, "--format", suffix)
    assert invoke("sample", *args, "-o", "p").exit_code == 0
    opened = open_samples("p")
    expected = [Concrete([1, 3, 6], t).sample(1500, seed=1) for t in (0.5, 2)]
    for _ in range(2):
        found = list(opened)
        assert (np.concatenate([batch.rows for batch in found]) == np.concatenate(expected)).all()
        assert (np.concatenate([batch.indices for batch in found]) == np.arange(3000)).all()
        for batch in found:
            assert batch.temperature == (0.5 if batch.start < 1500 else 2)
        if batch_values == 10**6 == part_values:
            assert len(found) == 2


def test_check_has_a_row_for_each_part_of_a_pattern(invoke: Invoke) -> None:
    invoke(*RUN, "--shards", 3, "-t", 0.5, "-o", "p")
    lines = invoke("check", "p/*.npy", "-q").stdout.splitlines()
    assert [line.partition(", least")[0] for line in lines] == [
        f"p/part-0000{i}.npy: Consistent, t = 0.5, n = {n}"
        for i, n in enumerate(("131,072", "131,072", "37,856"))
    ]


def test_some_temperatures_of_a_dataset_are_chosen(invoke: Invoke) -> None:
    invoke(*RUN, "-t", "0.5,3", "--shards", 3, "-o", "p")
    one = invoke("check", "p", "-t", 0.5, "-q").stdout
    assert one.startswith("p: Consistent, t = 0.5, n = 300,000")
    both = invoke("check", "p", "-t", "0.5,3", "-q").stdout.splitlines()
    assert [line.partition(", least")[0] for line in both] == [
        f"p: Consistent, t = {t}, n = 300,000" for t in ("0.5", "3")
    ]
    folder = invoke("check", "p/temperature=3.0/part-00001.npy", "-q").stdout
    assert folder.startswith("p/temperature=3.0/part-00001.npy: Consistent, t = 3, n = 131,072")
    result = invoke("check", "p")
    assert result.exit_code == 2
    assert "states several temperatures, 0.5, 3; choose one with -t" in result.stderr
    assert "column states 0.5, 3" in invoke("check", "p", "-t", 7).stderr


def test_columns_of_an_array_bear_the_names_of_the_manifest(invoke: Invoke) -> None:
    invoke(*RUN, "--pi", "cat=1,dog=3,bird=6", "--shards", 2, "-o", "p")
    result = invoke("plot", "p", "--categories", "bird", "-o", "x.html")
    assert result.exit_code == 0
    result = invoke("describe", "p", "--columns", "cat,wolf")
    assert result.exit_code == 1
    assert "no column is named 'wolf'" in result.stderr


def test_the_parts_and_the_manifest_are_never_replaced(invoke: Invoke, tmp_path: Path) -> None:
    invoke(*RUN, "--shards", 2, "--format", "csv", "-o", "p")
    before = content_of(tmp_path / "p")
    for file in ("p", "p/part-*.csv", "p/manifest.json"):
        for output in ("p/part-00001.csv", "p/manifest.json"):
            result = invoke("density", file, "-f", "-o", output, "--format", "csv")
            assert result.exit_code == 2
            assert f"{output} is the FILE that is read" in result.stderr
    assert content_of(tmp_path / "p") == before


def test_the_manifest_of_something_else_is_no_matter(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "an app"}')
    invoke(*RUN, "-o", "x.csv")
    assert invoke("fit", "x.csv").exit_code == 0
    result = invoke("fit", "manifest.json")
    assert result.exit_code == 1
    assert "manifest.json is not the manifest of a dataset" in result.stderr
    assert invoke("fit", ".").exit_code == 1


# --- files without a manifest -------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["npy", "csv", "parquet"])
def test_files_without_a_manifest_are_read_in_the_order_of_their_names(
    invoke: Invoke, tmp_path: Path, suffix: str
) -> None:
    (tmp_path / "p").mkdir()
    for i in (1, 0, 2):
        start = ("--start", i * 1000, "-n", 1000, "--seed", 1)
        invoke("sample", *start, "-o", f"p/run{i}.{suffix}")
    (tmp_path / "p" / ".run3.npy").write_text("not finished")
    (tmp_path / "p" / "notes.md").write_text("not a sample")
    expected = Concrete([1, 3, 6], 3).sample(3000, seed=1)
    for file in ("p", f"p/*.{suffix}", str(tmp_path / "p" / "run*")):
        samples = open_samples(file)
        batches = list(samples)
        assert (np.concatenate([batch.rows for batch in batches]) == expected).all()
        assert [batch.start for batch in batches] == [0, 1000, 2000]
        assert (samples.provenance is not None) == (suffix == "parquet")
    result = invoke("fit", "p")
    assert "p: 3 files are read as one sample, in the order of their names" in result.stderr
    assert "n = 3,000" in result.stdout


def test_folders_of_temperatures_that_others_wrote_are_known(
    invoke: Invoke, tmp_path: Path
) -> None:
    for t in (0.5, 2.0):
        folder = tmp_path / "p" / f"temperature={t}"
        folder.mkdir(parents=True)
        np.save(folder / "a.npy", Concrete([1, 3, 6], t).sample(2000, seed=1))
    both = invoke("check", "p", "--pi", "1,3,6", "-t", "0.5,2", "-q").stdout.splitlines()
    assert [line.partition(", least")[0] for line in both] == [
        f"p: Consistent, t = {t}, n = 2,000" for t in ("0.5", "2")
    ]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"a": [0.5], "c": [0.5]}, "p: b.csv: has the columns a, c where a.csv has a, b"),
        ({"a": [0.5], "b": [0.9]}, "p: row 3 (0.5, 0.9) is not a sample"),
        (
            {"temperature": [1.0, 1.0], "a": [0.5, 0.4], "b": [0.5, 0.6]},
            "p: b.csv: only one of it and a.csv states temperatures",
        ),
        ({"a": [0.5], "b": ["x"]}, "p: b.csv: row 1: 'x' is not a number"),
    ],
)
def test_a_file_that_does_not_continue_the_first_is_named(
    invoke: Invoke, tmp_path: Path, second: dict[str, Any], message: str
) -> None:
    (tmp_path / "p").mkdir()
    pl.DataFrame({"a": [0.5, 0.3], "b": [0.5, 0.7]}).write_csv(tmp_path / "p" / "a.csv")
    pl.DataFrame(second).write_csv(tmp_path / "p" / "b.csv")
    result = invoke("fit", "p")
    assert result.exit_code == 1
    assert message in result.stderr


def test_files_of_two_distributions_are_not_one_sample(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    invoke("sample", "-n", 100, "-o", "p/a.parquet")
    invoke("sample", "-n", 100, "--pi", "1,1,1", "-o", "p/b.parquet")
    result = invoke("check", "p")
    assert result.exit_code == 2
    assert "b.parquet: states another distribution than a.parquet" in result.stderr


# --- processes ----------------------------------------------------------------------------------


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@POSIX
@pytest.mark.parametrize("suffix", ["npy", "parquet"])
@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_that_a_signal_ends_is_finished_by_resume(
    invoke: Invoke, start: Start, tmp_path: Path, suffix: str, ended_by: signal.Signals
) -> None:
    args = ("sample", "-n", "4e6", "--shards", 20, "--seed", 3, "--format", suffix)
    process = start(*args, "-o", "p")
    wait_for(lambda: len(list((tmp_path / "p").glob("part*"))) >= 3)
    process.send_signal(ended_by)
    process.wait(WAIT)
    assert process.returncode != 0
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "p").glob("part*")}
    assert 3 <= len(kept) < 20
    assert not (tmp_path / "p" / "manifest.json").exists()
    if ended_by != signal.SIGKILL:
        assert not list((tmp_path / "p").glob(".part*"))
    assert invoke(*args, "-o", "p", "--resume").exit_code == 0
    assert invoke(*args, "-o", "q").exit_code == 0
    whole = content_of(tmp_path / "q")
    found = content_of(tmp_path / "p")
    # A part that was renamed, and not recorded before the end, is made again: at most one a thread.
    again = [name for name in kept if (tmp_path / "p" / name).stat().st_mtime_ns != kept[name]]
    assert len(again) <= len(os.sched_getaffinity(0))
    assert {name: found[name] for name in whole} == whole


@POSIX
def test_of_two_runs_into_one_folder_one_is_refused(
    invoke: Invoke, start: Start, tmp_path: Path
) -> None:
    first = start("sample", "-n", "2e7", "--shards", 100, "--seed", 1, "-o", "p")
    wait_for(lambda: bool(list((tmp_path / "p").glob("part*"))))
    os.kill(first.pid, signal.SIGSTOP)
    for options in ((), ("--resume",)):
        result = invoke("sample", "-n", 10, "--shards", 2, "--seed", 1, "-o", "p", *options)
        assert result.exit_code == 1
        assert "p: another run is writing there" in result.stderr
    os.kill(first.pid, signal.SIGCONT)
    assert first.wait(WAIT) == 0
    assert invoke("check", "p", "-q").stdout.startswith("p: Consistent, t = 3, n = 20,000,000")


@POSIX
@pytest.mark.parametrize("suffix", ["npy", "csv", "parquet"])
def test_a_part_that_does_not_fit_is_named_and_made_later(
    invoke: Invoke, start: Start, tmp_path: Path, suffix: str
) -> None:
    import resource

    args = ("sample", "-n", "3e5", "--shards", 2, "--seed", 1, "--format", suffix, "-o", "p")

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))

    process = start(*args, preexec_fn=limited)
    _, stderr = process.communicate(timeout=WAIT)
    assert process.returncode == 1
    message = stderr.decode()
    assert message.count("\n") == 1
    assert "Error: p/part-0000" in message
    assert "File too large" in message
    assert "go on with --resume" in message
    assert not list((tmp_path / "p").glob("*part*"))
    assert invoke(*args, "--resume").exit_code == 0
    assert invoke("check", "p", "-q").stdout.startswith("p: Consistent, t = 3, n = 300,000")


@pytest.mark.slow
def test_ten_thousand_parts_open_in_two_seconds(invoke: Invoke, tmp_path: Path) -> None:
    assert invoke("sample", "-n", "1e5", "--shards", 10_000, "--seed", 1, "-o", "p").exit_code == 0
    begin = time.perf_counter()
    samples = open_samples(str(tmp_path / "p"))
    assert time.perf_counter() - begin < 2
    assert samples.total == 100_000
    assert sum(len(batch.rows) for batch in samples) == 100_000
