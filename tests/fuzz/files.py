"""Small files of each format, whole and damaged: what a fuzzer begins with."""

import gzip
import io
import random
from typing import Any

import numpy as np
import polars as pl

from gscli import Concrete
from gscli.io.compressed import zstd
from tests.io.formats.test_arrays import safetensors

INSERTED = (
    b"\0", b"\n", b",", b'"', b"nan", b"1e999", b"-", b"temperature,", b"log_prob", b"\r", b"#",
    b"\x1b[31m", b";", b"inf", b"   ", b"1_0", b"1e-320", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\xff",
)  # fmt: skip


def saved(save: Any, *args: Any, **options: Any) -> bytes:
    """Return what a function writes into a file."""
    save(file := io.BytesIO(), *args, **options)
    return file.getvalue()


def whole_files() -> dict[str, bytes]:
    """Return a small file of each format, by name."""
    x = Concrete([1, 3, 6], 3).sample(40, seed=1)
    frame = pl.DataFrame(dict(zip("abc", x.T, strict=True)))
    text = frame.write_csv().encode()
    return {
        "x.csv": text,
        "index.csv": frame.with_row_index("").write_csv().encode(),
        "t.csv": frame.with_columns(temperature=3.0).write_csv().encode(),
        "x.csv.gz": gzip.compress(text),
        "x.csv.zst": zstd.compress(text),
        "x.safetensors": safetensors({"x": ("F32", x.shape, x.astype("<f4").tobytes())}),
        "x.npy": saved(np.save, x),
        "fortran.npy": saved(np.save, np.asfortranarray(x)),
        "cube.npy": saved(np.save, x.reshape(2, 20, 3)),
        "x.npz": saved(np.savez_compressed, x),
        "x.parquet": saved(lambda file: frame.write_parquet(file)),
        "x.feather": saved(lambda file: frame.write_ipc(file, compression="zstd")),
    }


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return a file with some bytes changed, moved, added or lost."""
    place = chance.randrange(max(1, min(len(data), chance.choice([40, 300, len(data) or 1]))))
    match chance.randrange(5):
        case 0 if data:
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
