"""What is fuzzed: each parser as a function of bytes that raises where there is a fault.

A target may end in a result or in one of the package's own errors. It reads and writes in the
current folder. The first byte of its input chooses among its options.
"""

import io
import json
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import numpy as np
from click.testing import CliRunner, Result

from gscli import Concrete
from gscli.cli.commands.schedule import ScheduleType
from gscli.cli.losses import EstimatorsType, LossType, read_table
from gscli.cli.main import main
from gscli.cli.param_types import (
    BatchSizesType,
    LogitsType,
    NamesType,
    OutputType,
    PriorType,
    SamplesType,
    SeedType,
    TemperaturesType,
    WeightsType,
)
from gscli.errors import GscliError
from gscli.io.dataset_runs import recorded_parts, recorded_run
from gscli.io.datasets import MANIFEST, Manifest, Piece, Run, Written
from gscli.io.folders import folder_at
from gscli.io.labels import read_labels
from gscli.io.provenance import Provenance
from gscli.io.readers import open_samples
from gscli.io.run_records import PROGRESS
from gscli.io.schedule_logs import read_schedule_log
from gscli.io.weights import read_row_logits, read_weights, row_logits_at

from .files import saved, whole_files

OWN_ERRORS = (GscliError, click.ClickException, OSError, MemoryError)
"""What the command line turns into one line."""

TYPES: tuple[click.ParamType[Any], ...] = (
    WeightsType(), WeightsType(hard=True), LogitsType(), PriorType(), NamesType(),
    BatchSizesType(), TemperaturesType(), SamplesType(), SeedType(), OutputType((".csv", ".npy")),
    ScheduleType(), LossType(), EstimatorsType(),
)  # fmt: skip
TEXTS = (
    "1,3,6", "cat=1,dog=0,bird=6", "-1e308,0,700", "uniform:8", "uniform@0.5", 'a,"b,c"',
    "1,32,1024", "0.1:10:20", "1e6", "12", "exp:1:0.5:1e-5", "quadratic:0.2,0.5,0.3", "zgr,relaxed",
)  # fmt: skip

KNOWN = ("--pi", "1,3,6", "-t", "3")
COMMANDS: list[tuple[str, ...]] = [
    ("fit",),
    ("fit", "--log"),
    ("fit", "--columns", "a,b,c"),
    ("check", *KNOWN),
    ("check", *KNOWN, "--columns", "1,2,3"),
    ("check", "--pi", "a=1,b=3,c=6"),
    ("check", "--pi", "1,3,6", "-t", "3,4", "--quiet"),
    ("check", "--pi", "1,3,6", "--hard"),
    ("check", "--pi", "1,3,6", "--labels"),
    ("density", *KNOWN, "-o", "d.npy", "-f"),
    ("density", "--pi", "c=6,a=1,b=3", "-t", "3", "--append", "-o", "d.csv", "-f"),
    ("describe", *KNOWN),
    ("plot", "--terminal"),
]

TEMPERATURES: tuple[tuple[float, ...], ...] = ((), (3.0,), (0.5, 3.0))
COLUMNS: tuple[tuple[str, ...] | None, ...] = (None, None, ("1", "2"), ("a", "c"))


@dataclass(frozen=True)
class Target:
    """A parser.

    Attributes
    ----------
    run : callable
        Parses bytes; raises anything but `OWN_ERRORS` where it is wrong.
    seeds : callable
        Returns inputs to begin with.
    """

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


def _option(data: bytes) -> None:
    kind = TYPES[data[0] % len(TYPES)]
    text = data[1:].decode(errors="surrogateescape")
    if "@" in text or (isinstance(kind, LossType) and not text.startswith(("linear", "quadratic"))):
        return  # a file, or a module that would be imported
    kind.convert(text, None, None)


def _options() -> list[bytes]:
    return [bytes([i]) + text.encode() for i in range(len(TYPES)) for text in TEXTS]


def _written(name: str, data: bytes) -> Path:
    path = Path(name)
    path.write_bytes(data)
    return path


def _weights(data: bytes) -> None:
    suffix = (".csv", ".npy", ".json", ".NPY")[data[0] % 4]
    path = _written(f"weights{suffix}", data[1:])
    if suffix == ".NPY":
        if row_logits_at(path):
            np.array(read_row_logits(path))
        with suppress(ValueError):  # of an option's type
            read_table(path)
    read_weights(path)


def _weight_files() -> list[bytes]:
    csv = [
        b"1,3,6\n",
        b"cat,1\ndog,3\n",
        b"cat,dog\n1,3\n",
        b"1\n3\n6\n",
        b"\xef\xbb\xbfa;1\nb;2\n",
    ]
    npy = [np.array([1.0, 3, 6]), np.array([[1, 3, 6]]), np.eye(3, dtype=np.float32)]
    values: list[Any] = [[1, 3, 6], {"cat": 1, "dog": 3}, [[1]], [1e400, None, "x"]]
    arrays = [saved(np.save, each) for each in npy]
    return [
        *(b"\0" + each for each in csv),
        *(kind + each for each in arrays for kind in (b"\1", b"\3")),
        *(b"\2" + json.dumps(each).encode() for each in values),
    ]


class _Pipe(io.RawIOBase):
    def __init__(self, data: bytes) -> None:
        self.rest = memoryview(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        size = min(len(buffer), len(self.rest))
        buffer[:size], self.rest = self.rest[:size], self.rest[size:]
        return size


def _samples(data: bytes) -> None:
    options, content = data[0], data[1:]
    path, stdin = "samples", sys.stdin
    if options & 32:
        pipe: Any = SimpleNamespace(buffer=io.BufferedReader(_Pipe(content)))
        path, sys.stdin = "-", pipe
    else:
        _written(path, content)
    try:
        samples = open_samples(
            path,
            log=bool(options & 1),
            temperatures=TEMPERATURES[(options >> 1) % 3],
            columns=COLUMNS[(options >> 3) % 4],
        )
        for batch in samples:
            assert batch.rows.shape[1] == samples.num_categories
    finally:
        sys.stdin = stdin


@cache
def _files() -> dict[str, bytes]:
    return whole_files()


def _of_format(*names: str) -> Target:
    def seeds() -> list[bytes]:
        return [bytes([kind]) + _files()[name] for name in names for kind in (2, 34)]

    return Target(_samples, seeds)


def _labels(data: bytes) -> None:
    read_labels(str(_written("labels", data[1:])), ("cat", "dog") if data[0] & 1 else None)


def _label_files() -> list[bytes]:
    import polars as pl

    frame = pl.DataFrame({"label": [0, 1, 1]})
    own = [b"0\n1\n1\n", b"animal\ncat\ndog\n", saved(np.save, np.array([0, 1, 1]))]
    own += [saved(np.save, np.array([[0.0], [1.0]], np.float32)), saved(frame.write_parquet)]
    return [kind + each for each in own for kind in (b"\0", b"\1")]


@cache
def _dataset() -> Manifest:
    own = Concrete([1, 3, 6], 3)
    logits, probs = tuple(own.logits.tolist()), tuple(own.probs.tolist())
    stated = Provenance(probs, logits, ("a", "b", "c"), (3.0,), 1, 0, "simplex", "0.2.0")
    run = Run(stated, 40, 1, "npy", "float64", "2.4.0")
    part = _files()["x.npy"]
    return Manifest(run, (Written(Piece("x.npy", 3.0, 0, 40), len(part), zlib.crc32(part), 0),))


def _datasets(data: bytes) -> None:
    folder = Path("dataset")
    folder.mkdir(exist_ok=True)
    (folder / "x.npy").write_bytes(_files()["x.npy"])
    for name in (MANIFEST, PROGRESS):
        (folder / name).unlink(missing_ok=True)
    (folder / (MANIFEST if data[0] & 1 else PROGRESS)).write_bytes(data[1:])
    with suppress(GscliError):
        recorded_parts(folder_at(folder))
        recorded_run(folder_at(folder))
    with suppress(GscliError):
        open_samples(str(folder / "x.npy"))
    for batch in open_samples(str(folder)):
        assert batch.rows.shape[1] == 3


def _manifests() -> list[bytes]:
    own = _dataset()
    lines = [json.dumps(own.run.as_dict()), *(json.dumps(part.as_dict()) for part in own.parts)]
    return [b"\1" + own.text().encode(), b"\0" + "".join(f"{line}\n" for line in lines).encode()]


def _provenance(data: bytes) -> None:
    Provenance.read(data.decode(errors="replace"))


def _schedule_log(data: bytes) -> None:
    read_schedule_log(_written("log.csv", data))


def _schedule_logs() -> list[bytes]:
    return [
        b"step,temperature\n0,1\n10,0.5\n",
        b"0,1\n1,0.9\n",
        b"Wall time,Step,Value\n1,0,1\n2,5,.5\n",
    ]


def fault_of(result: Result) -> str:
    """Return what is wrong with the end of a command, or nothing."""
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    if result.exit_code not in (0, 1, 2):
        return f"exit code {result.exit_code}"
    failed = result.stderr.startswith("Error: ")
    if failed and (len(result.stderr.splitlines()) > 1 or len(result.stderr) > 700):
        return f"a message of several lines, or a long one: {result.stderr[:300]}"
    if {"\x1b", "\x07", "\u202e"} & {*result.output}:
        return "the terminal can be steered"
    return ""


def _commands(data: bytes) -> None:
    content = data[1:]
    command, *options = COMMANDS[data[0] % len(COMMANDS)]
    piped = data[0] >= 128
    path = "-" if piped else _written("samples", content).name
    args = [command, path, *options]
    fault = fault_of(CliRunner().invoke(main, args, input=content if piped else None))
    assert not fault, fault


def _command_files() -> list[bytes]:
    return [
        bytes([i % len(COMMANDS) + 128 * (i % 2)]) + content
        for i, content in enumerate([*_files().values()] * 3)
    ]


TARGETS: dict[str, Target] = {
    "options": Target(_option, _options),
    "weights": Target(_weights, _weight_files),
    "csv": _of_format("x.csv", "index.csv", "t.csv"),
    "npy": _of_format("x.npy", "fortran.npy", "cube.npy"),
    "npz": _of_format("x.npz"),
    "safetensors": _of_format("x.safetensors"),
    "parquet": _of_format("x.parquet"),
    "arrow": _of_format("x.feather"),
    "compressed": _of_format("x.csv.gz", "x.csv.zst"),
    "labels": Target(_labels, _label_files),
    "manifests": Target(_datasets, _manifests),
    "provenance": Target(_provenance, lambda: [_dataset().run.provenance.text().encode()]),
    "schedule logs": Target(_schedule_log, _schedule_logs),
    "commands": Target(_commands, _command_files),
}


def run(target: str, data: bytes) -> None:
    """Parse bytes; raise where that ends in anything but a result or an error of the package."""
    if not data:
        return
    with suppress(*OWN_ERRORS):
        TARGETS[target].run(data)
