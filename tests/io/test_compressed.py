"""Compressed tables, from files and pipes."""

import gzip
import io
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gscli.errors import DataError
from gscli.io.compressed import zstd
from gscli.io.readers import open_samples

TEXT = b"a,b\n0.2,0.8\n0.3,0.7\n0.25,0.75\n"
VALUES = [[0.2, 0.8], [0.3, 0.7], [0.25, 0.75]]


class Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False


def checked_zstd(data: bytes) -> bytes:
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
@pytest.mark.parametrize("in_pipe", [False, True])
def test_compressed_text(
    tmp_path: Path,
    pack: Callable[[bytes], bytes],
    in_pipe: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(pack(TEXT))
    name = str(path)
    if in_pipe:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Pipe(path.read_bytes())))
        name = "-"
    samples = open_samples(name)
    assert samples.names == ("a", "b")
    assert np.concatenate([batch.rows for batch in samples]).tolist() == VALUES


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_a_compressed_array_is_read_too(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    file = io.BytesIO()
    np.save(file, VALUES)
    (tmp_path / "x.npy.packed").write_bytes(pack(file.getvalue()))
    samples = open_samples(str(tmp_path / "x.npy.packed"))
    for _ in range(2):
        assert np.concatenate([batch.rows for batch in samples]).tolist() == VALUES


@pytest.mark.parametrize("pack", [gzip.compress, checked_zstd])
def test_damaged_compression_is_an_error(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "x.csv.packed"
    packed = pack(TEXT * 1000)
    flipped = bytearray(packed)
    flipped[-2] ^= 1
    for data in (packed[:-20], bytes(flipped), packed[:30] + b"x" * 40):
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"x\.csv\.packed: is damaged or cut short"):
            list(open_samples(str(path)))
