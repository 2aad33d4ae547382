"""NPZ, safetensors and arrays of several axes."""

import io
import json
import struct
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gscli.errors import DataError
from gscli.io.readers import open_samples, repeatable

X = np.random.default_rng(0).dirichlet([1, 2, 3], 50)


def content(path: str, **options: Any) -> Any:
    return np.concatenate([batch.rows for batch in open_samples(path, **options)])


def safetensors(tensors: dict[str, tuple[str, tuple[int, ...], bytes]]) -> bytes:
    """Write the format as its specification says."""
    header: dict[str, Any] = {"__metadata__": {"made": "by hand"}}
    data = b""
    for name, (kind, shape, values) in tensors.items():
        offsets = [len(data), len(data) + len(values)]
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": offsets}
        data += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def piped(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Pipe(data)))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npz(tmp_path: Path, save: Any, order: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.npz"
    save(path, np.asarray(X, order=order))
    samples = open_samples(str(path))
    assert samples.total == 50
    for _ in range(2):  # each time from its beginning
        assert np.array_equal(np.concatenate([batch.rows for batch in samples]), X)
    piped(path.read_bytes(), monkeypatch)
    assert np.array_equal(content("-"), X)
    save(path, a=X, b=X[:, :2])
    assert content(f"{path}::b").shape == (50, 2)
    with pytest.raises(DataError, match=r"holds 2 arrays, a, b; name one: .*x\.npz::a$"):
        open_samples(str(path))
    with pytest.raises(DataError, match="has no array 'c'; there are a, b"):
        open_samples(f"{path}::c")


def test_damaged_archives_and_other_ones(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, X)
    data = bytearray(path.read_bytes())
    data[600] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match="Bad CRC-32"):
        content(str(path))
    path.write_bytes(bytes(data[:-30]))
    with pytest.raises(DataError, match="is a damaged archive"):
        content(str(path))
    for member, message in (
        ("x/data.pkl", r"PyTorch file, a pickle, which is never read; convert it: python -c"),
        ("[Content_Types].xml", "Excel"),
        ("readme.txt", "without NPY arrays"),
    ):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(member, b"\x80\x02")
        with pytest.raises(DataError, match=message):
            content(str(path))


@pytest.mark.parametrize("kind", ["F64", "F32", "F16", "BF16"])
@pytest.mark.parametrize("in_pipe", [False, True])
def test_safetensors(
    tmp_path: Path, kind: str, in_pipe: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "BF16":
        halves = (X.astype("<f4").view("<u4") >> 16).astype("<u2")
        values, expected = halves.tobytes(), (halves.astype("<u4") << 16).view("<f4")
    else:
        expected = X.astype(f"<f{int(kind[1:]) // 8}")
        values = expected.tobytes()
    data = safetensors({"other": ("F64", (2,), b"\0" * 16), "x": (kind, X.shape, values)})
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    name = f"{path}::x"
    if in_pipe:
        piped(data, monkeypatch)
        name = "-::x"
    assert np.array_equal(content(name), expected.astype(np.float64))


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"x": ("F64", (50, 3), b"\0" * 80)}, r"tensor 'x' of shape \(50, 3\) and type F64 has 80"),
        ({"x": ("I4", (50, 3), b"\0" * 80)}, "tensor 'x' is described wrongly, or not of numbers"),
        ({"x": ("F64", (5,), b"\0" * 40)}, r"shape \(5,\); expected \(n, K\)"),
        ({}, "holds no arrays"),
    ],
)
def test_damaged_safetensors(tmp_path: Path, tensors: Any, message: str) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(safetensors(tensors))
    with pytest.raises(DataError, match=message):
        content(str(path))


def test_a_safetensors_header_is_bounded_and_its_end_is_missed(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(struct.pack("<Q", 2**40) + b'{"x":' + b" " * 600)
    with pytest.raises(DataError, match=r"its header has 1,099,511,627,776 bytes, more than"):
        content(str(path))
    path.write_bytes(safetensors({"x": ("F64", X.shape, X.tobytes())})[:-9])
    with pytest.raises(DataError, match="ends after row 49 of the 50 rows that it announces"):
        content(str(path))


def test_arrays_of_more_axes_are_flattened_at_one_temperature(tmp_path: Path) -> None:
    path = str(tmp_path / "x.npy")
    for shape in ((5, 10, 3), (5, 2, 5, 3)):
        np.save(path, X.reshape(shape))
        samples = open_samples(path, temperatures=(1.0,))
        assert (samples.total, samples.has_temperatures) == (50, False)
        assert samples.notes == (f"shape {shape} is read as 50 rows at one temperature",)
        assert np.array_equal(content(path, temperatures=(1.0,)), X)
    np.save(path, X[None])
    assert np.array_equal(content(path), X)  # a batch of one needs no temperature
    assert open_samples(path).notes == ()


def test_columns_of_arrays_are_chosen_by_position(tmp_path: Path) -> None:
    path = str(tmp_path / "x.npy")
    np.save(path, np.column_stack([np.arange(50), X]))
    assert np.array_equal(content(path, columns=("2", "3", "4")), X)
    assert np.array_equal(content(path), X)  # the first column counts the rows


def test_what_is_read_once_can_be_kept_to_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    np.save(file, X * 100)
    piped(file.getvalue(), monkeypatch)
    with repeatable(open_samples("-")) as samples:
        for _ in range(2):
            rows = np.concatenate([batch.rows for batch in samples])
            np.testing.assert_allclose(rows, X, rtol=1e-12)
