"""`--dask`: the same bytes, numbers and verdicts as from threads, by workers of a scheduler."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from gscli.execution import cluster
from gscli.io import samples
from gscli.io.datasets import Manifest
from gscli.io.folders import RemoteFolder
from tests.cli.test_datasets import content_of

Invoke = Callable[..., Result]

distributed = pytest.importorskip("distributed")
fsspec = pytest.importorskip("fsspec")

RUN = ("sample", "-n", 400_000, "--seed", 5, "--shards", 7)
CLASSIC = ("--pi", "1,3,6", "-t", 3)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The scheduler of two workers which are threads of this process, and share its memory."""
    cluster._distributed()
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        dashboard_address="127.0.0.1:0",
    ) as own:
        yield own.scheduler_address


@pytest.fixture(autouse=True)
def large_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the parts here be large ones, which are not read together."""
    monkeypatch.setattr(samples, "PART_VALUES", 2**17)


@pytest.fixture
def dataset(invoke: Invoke, tmp_path: Path) -> Path:
    assert invoke(*RUN, *CLASSIC, "-q", "-o", "parts").exit_code == 0
    return tmp_path / "parts"


def bucket(name: str) -> str:
    """Return the URL of a new folder in the memory."""
    files = fsspec.filesystem("memory")
    if files.exists(f"/{name}"):
        files.rm(f"/{name}", recursive=True)
    return f"memory://{name}"


# --- writing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["npy", "csv", "parquet"])
def test_workers_write_the_bytes_that_threads_write(
    invoke: Invoke, address: str, tmp_path: Path, suffix: str
) -> None:
    run = (*RUN, "-t", "0.01,3", "--format", suffix)
    one = invoke(*run, "-o", "one")
    other = invoke(*run, "-o", "other", "--dask", address)
    assert (one.exit_code, other.exit_code) == (0, 0)
    assert content_of(tmp_path / "one") == content_of(tmp_path / "other")
    assert one.stderr.replace("to one", "to other") == other.stderr
    assert "exact 0 or 1" in other.stderr


def test_resume_makes_the_parts_that_are_broken(
    invoke: Invoke, address: str, dataset: Path
) -> None:
    whole = content_of(dataset)
    (dataset / "part-00001.npy").unlink()
    with (dataset / "part-00003.npy").open("r+b") as file:
        file.seek(1000)
        file.write(b"\0" * 8)
    with (dataset / "part-00005.npy").open("r+b") as file:
        file.truncate(100)
    result = invoke(*RUN, *CLASSIC, "-o", "parts", "--resume", "--dask", address)
    assert "(7 parts, 4 kept)" in result.stderr
    assert content_of(dataset) == whole


def test_a_url_holds_the_same_dataset(invoke: Invoke, address: str, dataset: Path) -> None:
    url = bucket("same")
    assert invoke(*RUN, *CLASSIC, "-q", "-o", url, "--dask", address).exit_code == 0
    files = fsspec.filesystem("memory")
    found = {path.removeprefix("/same/"): files.cat(path) for path in files.find("/same")}
    assert found == content_of(dataset)
    threads = invoke("check", url, "--json", "-q")
    workers = invoke("check", f"{url}/manifest.json", "--json", "-q", "--dask", address)
    assert (threads.exit_code, workers.exit_code) == (0, 0)
    assert_alike(json.loads(threads.stdout), json.loads(workers.stdout) | {"file": url})


def test_threads_write_to_a_url(invoke: Invoke, dataset: Path) -> None:
    url = bucket("threads")
    assert invoke(*RUN, *CLASSIC, "-q", "-o", url).exit_code == 0
    assert Manifest.read(RemoteFolder(url)).text() == (dataset / "manifest.json").read_text()
    again = invoke(*RUN, *CLASSIC, "-q", "-o", url)
    assert "holds a dataset, which is not replaced" in again.stderr
    fsspec.filesystem("memory").rm_file("/threads/part-00002.npy")
    assert "part-00002.npy is missing" in invoke("fit", url).stderr
    assert "6 kept" in invoke(*RUN, *CLASSIC, "-o", url, "--resume").stderr
    assert invoke("fit", url).exit_code == 0


def test_a_run_behind_a_url_is_resumed_and_refused_to_others(
    invoke: Invoke, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gscli.io import dataset_runs

    url, seen = bucket("stopped"), 0
    record = dataset_runs.DatasetRun.record

    def stopping(self: Any, part: Any) -> None:
        nonlocal seen
        record(self, part)
        seen += 1
        if seen == 3:
            raise OSError(5, "it stops")

    with monkeypatch.context() as patch:
        patch.setattr(dataset_runs.DatasetRun, "record", stopping)
        assert invoke(*RUN, *CLASSIC, "-o", url, "--dask", address).exit_code == 1
    refused = invoke(*RUN, *CLASSIC, "-o", url)
    assert "holds an unfinished run" in refused.stderr
    assert "is not complete" in invoke("check", url).stderr
    other = invoke(*RUN, "-t", 1, "-o", url, "--resume")
    assert "holds another run" in other.stderr
    result = invoke(*RUN, *CLASSIC, "-o", url, "--resume", "--dask", address)
    assert "3 kept" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-n", 10, "--dask", "local:2"), "--dask writes the parts of a dataset"),
        (("-n", 10, "-o", "memory://x"), "is a URL, where a dataset can be written"),
        (("--shards", 2, "-o", "p", "--dask", "host:1"), "is not an address"),
        (("--shards", 2, "-o", "p", "--dask", "local:0"), "is not an address"),
        (("--shards", 2, "-o", "p", "--dask", "local:2", "-j", 2), "-j and --dask are both given"),
        (("--shards", 2, "-o", "zzz://x"), "Protocol not known: zzz"),
    ],
)
def test_wrong_options_are_a_line(invoke: Invoke, options: tuple[Any, ...], message: str) -> None:
    result = invoke("sample", *options)
    assert result.exit_code in (1, 2)
    assert message in result.stderr.splitlines()[-1]


# --- reading ------------------------------------------------------------------------------------


def assert_alike(one: Any, other: Any) -> None:
    """Compare counts exactly and sums to 1e-12, as numbers that JSON holds."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key, value in one.items():
            assert_alike(value, other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for each in zip(one, other, strict=True):
            assert_alike(*each)
    elif isinstance(one, float):
        assert other == pytest.approx(one, rel=1e-11, abs=1e-12)
    else:
        assert one == other


@pytest.mark.parametrize(
    "command",
    [
        ("check", "--json"),
        ("check", "--columns", "x3,x1,x2", *CLASSIC[2:], "--logits", "x3=2,x1=0,x2=1", "--json"),
        ("fit", "--json"),
        ("describe", "--json"),
        ("describe", "--pi", "1,2,3", "-t", "3", "--json"),
    ],
)
def test_workers_find_what_threads_find(
    invoke: Invoke, address: str, dataset: Path, command: tuple[str, ...]
) -> None:
    name, *options = command
    threads = invoke(name, dataset, *options)
    workers = invoke(name, dataset, *options, "--dask", address)
    assert (threads.exit_code, threads.stderr) == (workers.exit_code, workers.stderr)
    assert_alike(json.loads(threads.stdout), json.loads(workers.stdout))


@pytest.mark.parametrize("options", [(), ("--append",), ("--format", "npy", "--append")])
def test_density_writes_the_same_rows(
    invoke: Invoke, address: str, dataset: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    for name, extra in (("one", ()), ("other", ("--dask", address))):
        result = invoke("density", dataset, *options, *extra, "-o", f"{name}.csv")
        assert result.exit_code == 0
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()


@pytest.mark.parametrize("options", [(), ("--kind", "marginals"), ("--log-ratio",)])
def test_plot_draws_the_same_figure(
    invoke: Invoke, address: str, dataset: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    for name, extra in (("one", ()), ("other", ("--dask", address))):
        assert invoke("plot", dataset, *options, *extra, "-o", f"{name}.json").exit_code == 0
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "other.json").read_bytes()


def test_one_temperature_of_several_is_read(invoke: Invoke, address: str, tmp_path: Path) -> None:
    assert invoke(*RUN, "-t", "0.5,3", "-q", "-o", "both").exit_code == 0
    (tmp_path / "both" / "temperature=0.5" / "part-00003.npy").write_bytes(
        b"x" * (tmp_path / "both" / "temperature=0.5" / "part-00003.npy").stat().st_size
    )
    for dask in ((), ("--dask", address)):
        result = invoke("check", "both", "-t", 3, "--quiet", *dask)
        assert result.exit_code == 0, result.stderr
        broken = invoke("check", "both", "-t", 0.5, "--quiet", *dask)
        assert broken.exit_code == 2
        assert "temperature=0.5/part-00003.npy" in broken.stderr
        none = invoke("check", "both", "-t", 7, "--quiet", *dask)
        assert "has no rows at temperature 7; its temperature column states 0.5, 3" in none.stderr


def test_a_broken_part_is_named(invoke: Invoke, address: str, dataset: Path) -> None:
    path = dataset / "part-00004.npy"
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)
    for name in ("check", "fit", "describe", "density", "plot"):
        result = invoke(name, dataset, "--dask", address)
        assert result.exit_code == (2 if name == "check" else 1)
        assert "part-00004.npy is altered: its bytes are not those" in result.stderr
        assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["check", "fit", "density", "plot", "describe"])
def test_a_single_file_is_for_threads(invoke: Invoke, address: str, name: str) -> None:
    assert invoke("sample", "-n", 1000, "-q", "-o", "x.npy").exit_code == 0
    known = () if name == "fit" else CLASSIC
    result = invoke(name, "x.npy", *known, "--dask", address)
    assert result.exit_code != 0
    assert "x.npy: is not a dataset" in result.stderr.splitlines()[-1]
    hard = invoke("check", "x.npy", "--hard", "--pi", "1,3,6", "--dask", address)
    assert "--dask judges relaxed samples" in hard.stderr


# --- temperatures -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        ("describe", "-t", "0.1:3:4", "--prior", "uniform", "--json"),
        ("gradient", "-t", "0.5,1", "--json", "--seed", 1),
        ("gradient", "-t", "0.5,1", "--json", "--pi", "uniform:20", "--seed", 1, "-n", 200),
    ],
)
def test_temperatures_are_spread(invoke: Invoke, address: str, command: tuple[Any, ...]) -> None:
    assert invoke(*command).stdout == invoke(*command, "--dask", address).stdout


def test_a_sweep_is_spread(invoke: Invoke, address: str, tmp_path: Path) -> None:
    run = ("sweep", "-t", "0.5,3", "--seed", 1, "-q", "-n", 3000)
    assert invoke(*run, "-o", "one.html").exit_code == 0
    assert invoke(*run, "-o", "other.html", "--dask", address).exit_code == 0
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "other.html").read_bytes()


# --- what goes wrong ----------------------------------------------------------------------------


def test_an_error_of_a_parameter_comes_back_as_one(invoke: Invoke, address: str) -> None:
    result = invoke("describe", "-t", "1e-5,3", "--dask", address)
    assert result.exit_code == invoke("describe", "-t", "1e-5,3").exit_code


def test_no_scheduler_is_a_line(
    invoke: Invoke, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 0.3)
    result = invoke("fit", dataset, "--dask", "tcp://127.0.0.1:9")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: --dask tcp://127.0.0.1:9: no scheduler answers there; start one with dask "
        "scheduler\n"
    )


def test_a_scheduler_without_workers_is_a_line(
    invoke: Invoke, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    with distributed.LocalCluster(
        n_workers=0, processes=False, protocol="tcp", dashboard_address="127.0.0.1:0"
    ) as own:
        result = invoke("fit", dataset, "--dask", own.scheduler_address)
    assert result.exit_code == 1
    assert "the scheduler has no workers; start one with dask worker" in result.stderr


@pytest.mark.parametrize("missing", ["distributed", "dask.config"])
def test_missing_dask_is_a_line(
    invoke: Invoke, dataset: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.delitem(sys.modules, "distributed")
    monkeypatch.setitem(sys.modules, missing, None)
    result = invoke("fit", dataset, "--dask", "local:2")
    assert result.exit_code == 1
    assert "pip install 'gscli[dask]'" in result.stderr


def test_dask_is_imported_when_it_is_asked_for() -> None:
    code = (
        "import sys; from gscli.cli.main import main\n"
        "try: main(['sample', '-n', '100', '--shards', '2', '-q', '-o', sys.argv[1]])\n"
        "except SystemExit: pass\n"
        "print({'dask', 'distributed', 'fsspec', 'gscli.execution.cluster'} & {*sys.modules})"
    )
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code, f"{folder}/x"], capture_output=True, check=True, text=True
        )
    assert done.stdout == "set()\n"


def test_rows_are_numbered_as_in_the_whole(invoke: Invoke, address: str) -> None:
    assert invoke(*RUN, "-t", "0.01", "-q", "-o", "cold").exit_code == 0
    threads = invoke("fit", "cold").stderr
    workers = invoke("fit", "cold", "--dask", address).stderr
    assert "holds an exact 0" in threads
    assert threads == workers
