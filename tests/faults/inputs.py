"""Files of samples as people and accidents make them: right, odd and damaged."""

import gzip
import io
import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

Array = np.ndarray[Any, Any]


def samples(rng: random.Random, rows: int, categories: int) -> Array:
    """Return right samples, of a distribution of their own."""
    generator = np.random.default_rng(rng.getrandbits(64))
    temperature = 10 ** rng.uniform(-2, 1.5)
    y = (
        generator.normal(size=categories) + generator.gumbel(size=(rows, categories))
    ) / temperature
    y -= y.max(axis=1, keepdims=True)
    x: Array = np.exp(y)
    x /= x.sum(axis=1, keepdims=True)
    return x


def _csv(x: Array, rng: random.Random) -> bytes:
    separator = rng.choice([",", ",", ";", "\t", " ", "|"])
    form = rng.choice(["%r", "%.17g", "%.3f", "%.2e", "%.6g"])
    lines = [separator.join(form % float(v) for v in row) for row in x.reshape(-1, x.shape[-1])]
    header = separator.join(f"x{k + 1}" for k in range(x.shape[-1]))
    odd = rng.choice(["", "", "index", "names", "quoted", "comment", "temperature"])
    if odd == "index":
        header, lines = separator + header, [f"{i}{separator}{row}" for i, row in enumerate(lines)]
    if odd == "temperature":
        header = f"temperature{separator}{header}"
        lines = [f"{rng.choice([0.5, 3])}{separator}{row}" for row in lines]
    if odd == "names":
        header = separator.join(rng.choice(["a", "A", "é", "", "\x1b[31m", "x1", "1", '"q"'])
                                for _ in range(x.shape[-1]))  # fmt: skip
    if odd == "quoted":
        lines = [separator.join(f'"{v}"' for v in row.split(separator)) for row in lines]
    if odd == "comment":
        header = f"# {header}"
    if rng.random() < 0.7:
        lines.insert(0, header)
    end = rng.choice(["\n", "\n", "\r\n", "\r"])
    text = end.join(lines) + rng.choice([end, "", end * 3])
    encoding = rng.choice(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"])
    return text.encode(encoding, errors="replace")


def _npy(x: Array, rng: random.Random) -> bytes:
    dtype = rng.choice(["f8", "f8", ">f8", "f4", "f2", "i4", "c16", "?", "U9", "O", "V8"])
    order: Literal["C", "F"] = rng.choice(["C", "F"])
    shape = rng.choice([x.shape, x.shape, x.shape, (1, *x.shape), (2, -1, x.shape[-1]), (-1,)])
    file = io.BytesIO()
    try:
        with np.errstate(all="ignore"):
            array: Array = x.astype(dtype, order).reshape(shape)
    except (TypeError, ValueError):
        array = x
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def _frame(x: Array, rng: random.Random) -> pl.DataFrame:
    flat = x.reshape(-1, x.shape[-1])
    columns: dict[str, Any] = {f"x{k + 1}": flat[:, k] for k in range(flat.shape[1])}
    odd = rng.choice(["", "", "", "id", "text", "null", "f4", "list"])
    if odd == "id":
        columns = {"step": np.arange(len(flat)), **columns}
    if odd == "text":
        columns["label"] = ["a"] * len(flat)
    frame = pl.DataFrame(columns)
    if odd == "null" and len(flat):
        frame = frame.with_columns(
            pl.when(pl.col("x1") > 0.5).then(None).otherwise(pl.col("x1")).alias("x1")
        )
    if odd == "f4":
        frame = frame.cast(pl.Float32)
    if odd == "list":
        frame = frame.select(pl.concat_list(pl.all()).alias("x"))
    return frame


def _parquet(x: Array, rng: random.Random) -> bytes:
    file = io.BytesIO()
    _frame(x, rng).write_parquet(
        file,
        row_group_size=rng.choice([None, 7, 1000]),
        compression=rng.choice(["zstd", "snappy", "uncompressed", "gzip"]),
        statistics=rng.choice([True, False]),
    )
    return file.getvalue()


def _feather(x: Array, rng: random.Random) -> bytes:
    file = io.BytesIO()
    _frame(x, rng).write_ipc(file, compression=rng.choice(["uncompressed", "lz4", "zstd"]))
    return file.getvalue()


def _npz(x: Array, rng: random.Random) -> bytes:
    file = io.BytesIO()
    arrays = {"x": x} if rng.random() < 0.7 else {"x": x, "y": x[:1]}
    save: Any = rng.choice([np.savez, np.savez_compressed])
    save(file, **arrays)
    return file.getvalue()


def _safetensors(x: Array, rng: random.Random) -> bytes:
    data = x.astype("<f4").tobytes()
    size = len(data) + rng.choice([0, 0, 0, 4, -4, 2**62])
    entry = {"dtype": rng.choice(["F32", "F32", "BF16", "X9"]), "shape": list(x.shape),
             "data_offsets": [0, size]}  # fmt: skip
    header = json.dumps({"samples": entry}).encode()
    return len(header).to_bytes(8, "little") + header + data


def _gz(x: Array, rng: random.Random) -> bytes:
    return gzip.compress(_csv(x, rng))


def _noise(_: Array, rng: random.Random) -> bytes:
    return rng.randbytes(rng.choice([0, 1, 6, 100, 5000]))


def _text(_: Array, rng: random.Random) -> bytes:
    return rng.choice(
        [b"", b"\n", b"x1,x2,x3\n", b"hello\n", b",,,\n,,,\n", b"0.5,0.5", b'"', b'0.1,"0.9\n',
         b"0.5,0.5\n0.5\n", b"nan,nan\ninf,inf\n", b"1e999,0\n", b"{}", b"[[0.5,0.5]]", b"\0" * 99,
         b"PK\x03\x04", b"PAR1PAR1", b"\x93NUMPY\x01\x00", b"ARROW1", b"0,5;0,5\n" * 3,
         b"0.5,0.5\n" * 4 + b"\xff\xfe", b"0." + b"1" * 9000 + b",0\n", b"," * 9000 + b"\n"]
    )  # fmt: skip


FORMATS: dict[str, Callable[[Array, random.Random], bytes]] = {
    ".csv": _csv,
    ".npy": _npy,
    ".parquet": _parquet,
    ".feather": _feather,
    ".npz": _npz,
    ".safetensors": _safetensors,
    ".csv.gz": _gz,
    ".txt": _text,
    ".bin": _noise,
}
WEIGHTS = (4, 3, 3, 1, 1, 1, 1, 2, 1)
NAMES = (
    "in", "in", "in", "a b", "é", "-x", "x\x1b[31m", "100%", "n\nl", "tmp/../in", "http:",
    "x\udcff",
)  # fmt: skip


def spoil(x: Array, rng: random.Random) -> Array:
    """Return samples in which some values are odd."""
    x = x.copy()
    if not x.size or rng.random() < 0.3:
        return x
    rows = rng.choice([slice(None), slice(0, 1), slice(-1, None), slice(0, None, 3)])
    value = rng.choice([0.0, 1.0, -0.0, -1e-9, math.nan, math.inf, 1e308, 5e-324, 0.5, 2.0])
    x[rows, rng.randrange(x.shape[1])] = value
    with np.errstate(over="ignore"):
        return rng.choice([x, x, np.log(np.abs(x) + 1e-300), x * 100, x.round(2), x[:, :1]])


def damage(content: bytes, rng: random.Random) -> bytes:
    """Return what a broken disk or a lost connection makes of a file."""
    if not content:
        return content
    bad = bytearray(content)
    match rng.randrange(4):
        case 0:
            return content[: rng.randrange(len(content))]
        case 1:
            for _ in range(rng.choice([1, 1, 3, 20])):
                bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
        case 2:
            place = rng.randrange(len(bad))
            bad[place : place + rng.choice([1, 8, 100])] = b""
        case _:
            place = rng.randrange(len(bad))
            bad[place:place] = rng.choice([b"\0", b"\xff\xff", b"\n\n", b",", b"1" * 50])
    return bytes(bad)


def write_samples(rng: random.Random, folder: Path, categories: int, oddness: float) -> str:
    """Write a file of samples of some kind, odd in several ways, and return its name."""
    rows = rng.choice([0, 1, 2, 3, 10, 19, 20, 100, 100, 1000, 5000])
    x = samples(rng, rows, categories)
    if not oddness and rng.random() < 0.5:  # as a user has them
        np.save(folder / "in.npy", x)
        return "in.npy"
    if rng.random() < 2 * oddness:
        x = spoil(x, rng)
    suffix = rng.choices(list(FORMATS), WEIGHTS)[0]
    content = FORMATS[suffix](x, rng)
    if rng.random() < oddness:
        content = damage(content, rng)
    if rng.random() < 0.2 * oddness:
        suffix = rng.choice([*FORMATS, "", ".pt", ".CSV", ".xlsx"])
    name = rng.choice(NAMES) + suffix
    (folder / "tmp").mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return name


def write_weights(rng: random.Random, folder: Path, categories: int) -> str:
    """Write a file of weights of some kind, and return its name."""
    values = [rng.choice([rng.random(), 10 ** rng.uniform(-300, 300)]) for _ in range(categories)]
    if rng.random() < 0.2:
        values[0] = rng.choice([0.0, -1.0, math.nan, math.inf])
    suffix = rng.choice([".csv", ".npy", ".json", ".txt"])
    match suffix:
        case ".npy":
            content = _npy(np.array([values]), rng)
        case ".json":
            named = {f"c{k}": value for k, value in enumerate(values)}
            content = json.dumps(rng.choice([values, named, [values], 3, None, "x", {}])).encode()
        case _:
            content = rng.choice([",", "\n"]).join(map(repr, values)).encode()
    if rng.random() < 0.2:
        content = damage(content, rng)
    (folder / f"weights{suffix}").write_bytes(content)
    return f"weights{suffix}"
