"""Files that claim, or unfold to, more than memory holds: one line, and bounded memory."""

import gzip
import io
import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gscli.io.compressed import zstd

KNOWN = ("--pi", "1,3,6", "-t", "3")
LABELS = ("--pi", "1,3", "--labels")
MOST = 400
"""Megabytes: the program takes some 120 with polars."""

MEASURED = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "gscli", *sys.argv[1:]], capture_output=True)
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, end=" ")
print(done.stderr.decode(), end="")
"""
"""From a small process: what starts another one lends it its own peak."""


def npy_header(shape: tuple[int, ...], *, fortran: bool = False) -> bytes:
    text = f"{{'descr': '<f8', 'fortran_order': {fortran}, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def zipped(write: Callable[[zipfile.ZipFile], object]) -> bytes:
    with zipfile.ZipFile(file := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        write(archive)
    return file.getvalue()


def big_member(archive: zipfile.ZipFile) -> None:
    rows = np.full((10**6, 3), 1 / 3).tobytes()
    with archive.open("x.npy", "w", force_zip64=True) as file:
        file.write(npy_header((20 * 10**6, 3)))
        for _ in range(20):
            file.write(rows)


def many_members(archive: zipfile.ZipFile) -> None:
    for i in range(20_000):
        archive.writestr(f"{i}.npy", b"")


def frame_of(rows: int) -> pl.DataFrame:
    return pl.DataFrame({name: np.full(rows, 1 / 3) for name in "abc"})


def saved(write: Callable[[io.BytesIO], object]) -> bytes:
    write(file := io.BytesIO())
    return file.getvalue()


NPY = npy_header((10**15, 3))
LINE = b"0" * 10**8
DEEP = b"[" * 10**5
CASES: dict[str, tuple[Callable[[], bytes], tuple[str, ...], str]] = {
    "x.npy": (lambda: NPY, KNOWN, "ends after row 0 of the 1,000,000,000,000,000 rows"),
    "f.npy": (lambda: npy_header((10**15, 3), fortran=True), KNOWN, "ends before the 1,000,000"),
    "k.npy": (lambda: npy_header((3, 2**24)), KNOWN, "has more than 1,048,576 categories"),
    "l.npy": (
        lambda: npy_header((10**15,)),
        LABELS,
        "ends before the 1,000,000,000,000,000 values",
    ),
    "x.npy.gz": (lambda: gzip.compress(NPY), KNOWN, "ends after row 0"),
    "x.npy.zst": (lambda: zstd.compress(NPY), KNOWN, "ends after row 0"),
    "x.npz": (lambda: zipped(lambda z: z.writestr("x.npy", NPY)), KNOWN, "ends after row 0"),
    "big.npz": (lambda: zipped(big_member), KNOWN, ""),
    "many.npz": (
        lambda: zipped(many_members),
        KNOWN,
        "holds 20,000 arrays",
    ),
    "line.csv": (lambda: b"a,b,c\n" + LINE, KNOWN, "a line is longer than 32 MB"),
    "line.csv.gz": (lambda: gzip.compress(10 * LINE), KNOWN, "a line is longer than 32 MB"),
    "line.csv.zst": (lambda: zstd.compress(10 * LINE), KNOWN, "a line is longer than 32 MB"),
    "line.txt": (lambda: LINE, LABELS, "a line is longer than 32 MB"),
    "rows.parquet": (lambda: saved(frame_of(2 * 10**7).write_parquet), KNOWN, ""),
    "rows.feather": (
        lambda: saved(lambda file: frame_of(2 * 10**7).write_ipc(file, compression="zstd")),
        KNOWN,
        "",
    ),
    "metadata.parquet": (
        lambda: saved(
            lambda file: frame_of(3).write_parquet(file, metadata={"gscli": DEEP.decode()})
        ),
        KNOWN,
        "its metadata under 'gscli' are damaged",
    ),
    "x.safetensors": (lambda: struct.pack("<Q", 2**40) + b'{"', KNOWN, "its header has 1,099,511"),
    "deep.safetensors": (
        lambda: struct.pack("<Q", 6 + len(DEEP)) + b'{ "x":' + DEEP,
        KNOWN,
        "has a damaged header",
    ),
    "manifest.json": (lambda: DEEP, KNOWN, "is not the manifest of a dataset"),
    ".manifest.jsonl": (lambda: DEEP + b"\n", KNOWN, ""),
}
WEIGHTS: dict[str, tuple[Callable[[], bytes], str]] = {
    "x.npy": (lambda: npy_header((10**15,)), "ends before the 1,000,000,000,000,000 values"),
    "x.json": (lambda: DEEP, "is nested too deeply"),
    "o.json": (lambda: b'{"a":' * 10**5, "is nested too deeply"),
    "long.json": (lambda: json.dumps([1.0] * 10**7).encode(), "is longer than 8 MB"),
    "x.csv": (lambda: b"0.25," * 10**7, "is longer than 8 MB"),
    "digits.csv": (lambda: LINE, "is longer than 8 MB"),
}


def measured(folder: Path, *args: str) -> tuple[int, float, str]:
    """Return the exit code, the peak memory in megabytes, and standard error."""
    command = [sys.executable, "-c", MEASURED, *args]
    output = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=True).stdout
    code, peak, said = output.split(" ", maxsplit=2)
    return int(code), int(peak) / (2**20 if sys.platform == "darwin" else 2**10), said


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that is emptied at once."""
    yield tmp_path
    for path in tmp_path.iterdir():
        path.unlink()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX resource usage")
@pytest.mark.parametrize("name", CASES)
def test_samples(folder: Path, name: str) -> None:
    make, options, words = CASES[name]
    (folder / name).write_bytes(make())
    file = "." if name == ".manifest.jsonl" else name
    code, peak, said = measured(folder, "check", file, *options)
    assert code == (2 if words or file == "." else 1)
    assert words in said
    assert said.count("\n") <= 1
    assert peak < MOST


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX resource usage")
@pytest.mark.parametrize("name", WEIGHTS)
def test_weights(folder: Path, name: str) -> None:
    make, words = WEIGHTS[name]
    (folder / name).write_bytes(make())
    code, peak, said = measured(folder, "sample", "-n", "1", "--pi", f"@{name}")
    assert code == 2
    assert words in said
    assert said.count("\n") <= 1
    assert peak < MOST
