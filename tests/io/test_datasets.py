"""What a manifest states, where parts begin, and what is wrong with the file of a part."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gscli.errors import DataError
from gscli.io.datasets import Checksummed, Manifest, Run, Written, fault_of_part
from gscli.io.folders import Folder
from gscli.io.provenance import Provenance

BLOCK = 1000


def run_of(n: int = 100, shards: int = 2, start: int = 0, temperatures: Any = (3.0,)) -> Run:
    own = Provenance((0.4, 0.6), (-1.0, -0.5), ("a", "b"), temperatures, 7, start, "log", "0.2.0")
    return Run(own, n, shards, "npy", "float64", "2.4.0")


def manifest_of(run: Run) -> Manifest:
    parts = [Written(piece, 100 + i, 2**31 + i, i) for i, piece in enumerate(run.pieces(BLOCK))]
    return Manifest(run, tuple(parts))


@given(st.integers(1, 10**12), st.integers(1, 50), st.integers(0, 10**12), st.integers(1, 3))
def test_parts_are_all_rows_once_and_begin_where_blocks_do_if_these_suffice(
    n: int, shards: int, start: int, count: int
) -> None:
    shards = min(n, shards)
    temperatures = (0.5, 1.0, 1e-5)[:count]
    pieces = run_of(n, shards, start, temperatures).pieces(BLOCK)
    assert len({piece.path for piece in pieces}) == len(pieces) == shards * count
    for i, temperature in enumerate(temperatures):
        own = pieces[i * shards : (i + 1) * shards]
        assert {piece.temperature for piece in own} == {temperature}
        ends = [piece.first_row + piece.rows for piece in own]
        assert [piece.first_row for piece in own] == [start, *ends[:-1]]
        assert ends[-1] == start + n
        assert min(piece.rows for piece in own) > 0
        blocks = (start + n - 1) // BLOCK - start // BLOCK + 1
        if blocks >= shards:
            assert all(piece.first_row % BLOCK == 0 for piece in own[1:])
            sizes = [piece.rows for piece in own[1:-1]]
            assert not sizes or max(sizes) - min(sizes) <= BLOCK
        else:
            assert max(piece.rows for piece in own) - min(piece.rows for piece in own) <= 1


def test_names_of_parts_say_the_temperature_where_there_are_several() -> None:
    assert [piece.path for piece in run_of().pieces(BLOCK)] == ["part-00000.npy", "part-00001.npy"]
    several = run_of(shards=1, temperatures=(0.5, 3.0)).pieces(BLOCK)
    assert [piece.path for piece in several] == [
        "temperature=0.5/part-00000.npy",
        "temperature=3.0/part-00000.npy",
    ]


@pytest.mark.parametrize("temperatures", [(3.0,), (0.1, 1 / 3)])
def test_a_manifest_reads_back_as_it_was_written(tmp_path: Path, temperatures: Any) -> None:
    manifest = manifest_of(run_of(5000, 3, 70, temperatures))
    path = tmp_path / "manifest.json"
    path.write_text(manifest.text())
    assert Manifest.read(Folder(tmp_path)) == manifest


def changed(content: dict[str, Any], *place: Any, to: Any) -> dict[str, Any]:
    inner: Any = content
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = to
    return content


@pytest.mark.parametrize(
    ("place", "to"),
    [
        (("parts",), None),
        (("parts",), []),
        (("parts", 1, "rows"), -1),
        (("parts", 1, "rows"), 49),
        (("parts", 1, "rows"), True),
        (("parts", 1, "rows"), 50.0),
        (("parts", 1, "rows"), 10**30),
        (("parts", 1, "first_row"), 51),
        (("parts", 1, "temperature"), 2.0),
        (("parts", 1, "temperature"), float("nan")),
        (("parts", 1, "bytes"), "100"),
        (("parts", 1, "crc32"), "abc"),
        (("parts", 1, "crc32"), "0123456g"),
        (("parts", 1, "path"), "/etc/passwd"),
        (("parts", 1, "path"), "../other.npy"),
        (("parts", 1, "path"), ""),
        (("parts", 1, "path"), "a\0b"),
        (("parts", 1, "path"), "part-00000.npy"),
        (("parts", 1), "part-00001.npy"),
        (("gscli", "seed"), "seven"),
        (("gscli", "t"), [3.0, 1.0]),
        (("gscli", "pi"), [0.4]),
        (("gscli",), None),
        (("format",), "exe"),
        (("format",), ["npy"]),
        (("dtype",), "object"),
        (("n",), 101),
    ],
)
def test_a_damaged_manifest_is_refused(tmp_path: Path, place: Any, to: Any) -> None:
    path = tmp_path / "manifest.json"
    content = json.loads(manifest_of(run_of()).text())
    path.write_text(json.dumps(content))
    Manifest.read(Folder(tmp_path))
    path.write_text(json.dumps(changed(content, *place, to=to)))
    with pytest.raises(DataError, match=r"manifest.*damaged"):
        Manifest.read(Folder(tmp_path))


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b"1" * 10_000, b'{"gscli": "x"}'],
)
def test_what_is_no_manifest_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"manifest.json is not the manifest of a dataset"):
        Manifest.read(Folder(tmp_path))


def test_a_manifest_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    with path.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(DataError, match="has more than"):
        Manifest.read(Folder(tmp_path))


@given(st.binary(max_size=300), st.integers(0, 2000), st.integers(0, 20))
def test_no_bytes_make_more_than_an_error(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, place: int, left_out: int
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "manifest.json"
    text = manifest_of(run_of()).text().encode()
    path.write_bytes(text[:place] + noise + text[place + left_out :])
    with suppress(DataError):
        Manifest.read(Folder(path.parent))


def test_the_first_difference_of_two_runs_is_named() -> None:
    one = run_of()
    assert one.difference(run_of()) == ""
    assert one.difference(run_of(n=200)) == "n is 100, not 200"
    assert one.difference(run_of(start=5)) == "start is 0, not 5"
    other = Run(one.provenance, 100, 2, "npy", "float64", "2.0.0")
    assert one.difference(other) == "the version of NumPy is 2.4.0, not 2.0.0"


def test_the_checksum_is_that_of_gzip_and_finds_every_change(tmp_path: Path) -> None:
    path = tmp_path / "part-00000.npy"
    content = bytes(range(256)) * 9000
    with path.open("wb") as file:
        target = Checksummed(file)
        target.write(content[:100])
        target.write(memoryview(content[100:]))
    piece = run_of().pieces(BLOCK)[0]
    part = Written(piece, target.num_bytes, target.crc32, 0)
    assert target.num_bytes == len(content)
    assert fault_of_part(path, part) == ""
    for place in (0, 2**20, len(content) - 1):
        altered = bytearray(content)
        altered[place] ^= 1
        path.write_bytes(altered)
        assert fault_of_part(path, part).startswith("is altered: its bytes")
    path.write_bytes(content[:-1])
    assert fault_of_part(path, part) == "is truncated to 2,303,999 of 2,304,000 bytes"
    path.write_bytes(content + b"1")
    assert fault_of_part(path, part).startswith("is altered: it has 2,304,001 bytes")
    path.unlink()
    assert fault_of_part(path, part) == "is missing"
