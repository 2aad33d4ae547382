"""Compressed tables, from files and pipes."""

import gzip
import io
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gscli.errors import DataError
from gscli.io.readers import open_samples

TEXT = b"a,b\n0.2,0.8\n0.3,0.7\n0.25,0.75\n"
VALUES = [[0.2, 0.8], [0.3, 0.7], [0.25, 0.75]]


class Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False


def zstd(data: bytes) -> bytes:
    """Write a frame of Zstandard with one block that is stored as it is (RFC 8878)."""
    block = (len(data) << 3 | 1).to_bytes(3, "little") + data
    return b"\x28\xb5\x2f\xfd\x20" + bytes([len(data)]) + block


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
@pytest.mark.parametrize("in_pipe", [False, True])
def test_compressed_text(
    tmp_path: Path, pack: object, in_pipe: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(pack)
    path = tmp_path / "x.csv"
    path.write_bytes(pack(TEXT))
    name = str(path)
    if in_pipe:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Pipe(path.read_bytes())))
        name = "-"
    samples = open_samples(name)
    assert samples.names == ("a", "b")
    assert np.concatenate([batch.rows for batch in samples]).tolist() == VALUES


def test_a_compressed_array_is_read_too(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.save(file, VALUES)
    (tmp_path / "x.npy.gz").write_bytes(gzip.compress(file.getvalue()))
    samples = open_samples(str(tmp_path / "x.npy.gz"))
    for _ in range(2):
        assert np.concatenate([batch.rows for batch in samples]).tolist() == VALUES


def test_damaged_compression_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    packed = gzip.compress(TEXT * 1000)
    flipped = bytearray(packed)
    flipped[-6] ^= 1
    for data in (packed[:-20], bytes(flipped), packed[:30] + b"x" * 40):
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"x\.csv\.gz: is damaged or cut short"):
            list(open_samples(str(path)))
    path.write_bytes(zstd(TEXT)[:-5])
    with pytest.raises(DataError, match="is damaged, or is not text"):
        list(open_samples(str(path)))
