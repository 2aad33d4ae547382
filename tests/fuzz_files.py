"""Damaged files of every format, at random: each command ends in a result or in one line.

`python -m tests.fuzz_files 100000 7` tries as many files from a seed, and prints what went wrong.
"""

import gzip
import io
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from click.testing import CliRunner

from gscli import Concrete
from gscli.cli.main import main
from tests.io.formats.test_arrays import safetensors
from tests.io.test_compressed import zstd

KNOWN = ("--pi", "1,3,6", "-t", "3")
COMMANDS: list[tuple[str, ...]] = [
    ("fit",),
    ("fit", "--log"),
    ("fit", "--columns", "a,b,c"),
    ("check", *KNOWN),
    ("check", *KNOWN, "--columns", "1,2,3"),
    ("check", "--pi", "a=1,b=3,c=6"),
    ("check", "--pi", "1,3,6", "-t", "3,4", "--quiet"),
    ("density", *KNOWN, "-o", "d.npy", "-f"),
    ("density", "--pi", "c=6,a=1,b=3", "-t", "3", "--append", "-o", "d.csv", "-f"),
    ("describe", *KNOWN),
    ("plot", "--terminal"),
]
INSERTED = (
    b"\0", b"\n", b",", b'"', b"nan", b"1e999", b"-", b"temperature,", b"log_prob", b"\r", b"#",
    b"\x1b[31m", b";", b"inf", b"   ", b"1_0", b"1e-320", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\xff",
)  # fmt: skip


def whole_files() -> dict[str, bytes]:
    """Return a small file of each format, by name."""
    x = Concrete([1, 3, 6], 3).sample(40, seed=1)
    frame = pl.DataFrame(dict(zip("abc", x.T, strict=True)))
    files = {"x.csv": frame.write_csv().encode()}
    files["index.csv"] = frame.with_row_index("").write_csv().encode()
    files["t.csv"] = frame.with_columns(temperature=3.0).write_csv().encode()
    files["x.csv.gz"] = gzip.compress(files["x.csv"])
    files["x.csv.zst"] = zstd(b"a,b,c\n0.2,0.3,0.5\n0.1,0.1,0.8\n")
    files["x.safetensors"] = safetensors({"x": ("F32", x.shape, x.astype("<f4").tobytes())})
    savers: dict[str, Any] = {
        "x.npy": lambda file: np.save(file, x),
        "cube.npy": lambda file: np.save(file, x.reshape(2, 20, 3)),
        "x.npz": lambda file: np.savez_compressed(file, x),
        "x.parquet": frame.write_parquet,
        "x.feather": lambda file: frame.write_ipc(file, compression="zstd"),
    }
    for name, save in savers.items():
        save(file := io.BytesIO())
        files[name] = file.getvalue()
    return files


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return a file with some bytes changed, moved, added or lost."""
    place = chance.randrange(min(len(data), chance.choice([40, 300, len(data)])))
    match chance.randrange(5):
        case 0:
            changed = bytearray(data)
            changed[place] ^= 1 << chance.randrange(8)
            return bytes(changed)
        case 1:
            return data[:place] + chance.choice(INSERTED) + data[place:]
        case 2:
            return data[: place + 1]
        case 3:
            return data[place:] + data[:place]
        case _:
            lines = data.split(b"\n")
            chance.shuffle(lines)
            return b"\n".join(lines[: chance.choice([1, 2, 3, len(lines)])]) or b"\n"


def faults(count: int, seed: int) -> Iterator[str]:
    """Yield what went wrong with some files in the current folder."""
    chance, whole = random.Random(seed), whole_files()
    runner = CliRunner()
    for number in range(count):
        name = chance.choice(list(whole))
        data = damaged(whole[name], chance)
        if chance.random() < 0.3:
            data = damaged(data, chance)
        Path(name).write_bytes(data)
        command, *options = chance.choice(COMMANDS)
        piped = chance.random() < 0.2
        args = [command, "-" if piped else name, *options]
        fault = ""
        try:
            result = runner.invoke(main, args, input=data if piped else None)
        except BaseException as error:  # a panic of polars is no Exception
            if isinstance(error, KeyboardInterrupt):
                raise
            fault = repr(error)
        else:
            fault = _fault(result)
        if fault:
            Path(f"fault-{seed}-{number}-{name}").write_bytes(data)
            yield f"{number}: {' '.join(args)}: {fault}"


def _fault(result: Any) -> str:
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return repr(result.exception)
    if result.exit_code not in (0, 1, 2):
        return f"exit code {result.exit_code}"
    failed = result.stderr.startswith("Error: ")
    if failed and (len(result.stderr.splitlines()) > 1 or len(result.stderr) > 700):
        return f"a message of several lines, or a long one: {result.stderr[:300]}"
    if {"\x1b", "\x07", "\u202e"} & {*result.output}:
        return "the terminal can be steered"
    return ""


if __name__ == "__main__":
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    found = 0
    for line in faults(int(sys.argv[1]), int(sys.argv[2])):
        found += 1
        print(line, flush=True)
    print(f"{found} faults; their files are in {folder}")
