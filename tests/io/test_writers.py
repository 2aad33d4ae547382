"""Blocks of rows to files: what is written, and what is raised when it cannot be."""

import errno
import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gscli.errors import DataError
from gscli.io.writers import PlacedNpy, header_line, write_npy, write_table

TABLE = {"a": np.array([0.1, 1e-300, 5e-324]), "b": np.array([0.9, 1 / 3, 2.0**-1074])}


class Unseekable(io.BytesIO):
    """A pipe."""

    def seekable(self) -> bool:
        return False


class Full(io.RawIOBase):
    """A disk that takes so many bytes and no more."""

    def __init__(self, room: int) -> None:
        self.room = room

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self.room -= len(bytes(data))
        if self.room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return len(bytes(data))


def save(file: Any, blocks: Iterator[dict[str, Any]], format: Any) -> None:
    if format == "npy":
        write_npy(file, (block["a"] for block in blocks), shape=(4 * 2**18,))
    else:
        write_table(file, blocks, format=format)


@given(arrays(np.float64, 40, elements=st.floats(allow_nan=False)))
def test_csv_numbers_are_the_shortest_that_read_back_the_same(values: Any) -> None:
    file = io.BytesIO()
    write_table(file, [{"a": values, "b": -values}], format="csv")
    rows = [line.split(",") for line in file.getvalue().decode().splitlines()[1:]]
    assert [float(row[0]) for row in rows] == values.tolist()
    assert [float(row[1]) for row in rows] == (-values).tolist()
    for row, value in zip(rows, values, strict=True):
        assert digits(row[0]) <= digits(repr(float(value)))


def digits(text: str) -> int:
    """Count the significant digits of a number as it is written."""
    mantissa = text.lower().lstrip("-").split("e")[0]
    return len(mantissa.replace(".", "").strip("0"))


@given(arrays(np.float32, 40, elements=st.floats(width=32, allow_nan=False, allow_subnormal=False)))
def test_float32_csv_numbers_read_back_the_same_float32(values: Any) -> None:
    file = io.BytesIO()
    write_table(file, [{"a": values}], format="csv")
    read = np.array(file.getvalue().decode().split()[1:], np.float32)
    assert (read == values).all()
    assert all(digits(text) <= 9 for text in file.getvalue().decode().split()[1:])


def test_float32_csv_numbers_are_short() -> None:
    file = io.BytesIO()
    write_table(file, [{"a": np.array([0.1, 0.7], np.float32)}], format="csv")
    assert file.getvalue() == b"a\n0.1\n0.7\n"


@pytest.mark.parametrize("kind", [io.BytesIO, Unseekable])
def test_csv_tables_follow_each_other_below_one_header(kind: Any) -> None:
    file = kind()
    write_table(file, iter([TABLE, TABLE]), format="csv")
    lines = file.getvalue().decode().splitlines()
    assert lines[0] == "a,b"
    assert lines[1:4] == lines[4:] == ["0.1,0.9", lines[2], lines[3]]


def test_header_quotes_what_would_be_read_as_something_else() -> None:
    assert header_line(["x1", "7", "nan", "1e3", "#a", "a,b", 'q"']) == (
        b'x1,"7","nan","1e3","#a","a,b","q"""\n'
    )


@pytest.mark.parametrize("kind", [io.BytesIO, Unseekable])
def test_parquet_holds_every_table(kind: Any) -> None:
    file = kind()
    write_table(file, iter([TABLE, TABLE, TABLE]), format="parquet")
    frame = pl.read_parquet(io.BytesIO(file.getvalue()))
    assert frame.columns == ["a", "b"]
    assert frame["b"].to_list() == TABLE["b"].tolist() * 3


def test_parquet_keeps_float32() -> None:
    file = io.BytesIO()
    write_table(file, [{"a": np.ones(3, np.float32)}], format="parquet")
    assert pl.read_parquet(io.BytesIO(file.getvalue())).schema["a"] == pl.Float32


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", [io.BytesIO, Unseekable])
@pytest.mark.parametrize("counted", [True, False])
def test_npy_is_what_numpy_would_have_saved(kind: Any, dtype: str, counted: bool) -> None:
    array = np.random.default_rng(0).random((100, 3)).astype(dtype)
    file, expected = kind(), io.BytesIO()
    np.save(expected, array)
    shape = (100, 3) if counted else (None, 3)
    write_npy(file, np.array_split(np.asfortranarray(array), 7), shape=shape, dtype=dtype)
    assert (np.load(io.BytesIO(file.getvalue())) == array).all()
    assert file.getvalue() == expected.getvalue()


def test_npy_of_unknown_length_has_a_whole_header_at_any_length() -> None:
    for rows in (1, 9, 10, 99_999, 100_000):
        file = io.BytesIO()
        write_npy(file, [np.zeros(rows)], shape=(None,))
        assert np.load(io.BytesIO(file.getvalue())).shape == (rows,)


def test_npy_does_not_rewrite_what_stands_before_it(tmp_path: Path) -> None:
    """As in `(echo; gscli density ... ) >> file`."""
    for mode in ("wb", "ab"):
        path = tmp_path / mode
        path.write_bytes(b"before" if mode == "ab" else b"")
        with path.open(mode) as file:
            if mode == "wb":
                file.write(b"before")
            write_npy(file, [np.zeros(3)], shape=(None,))
            file.write(b"after")
        written = path.read_bytes()
        assert written.startswith(b"before\x93NUMPY")
        assert written.endswith(b"after")
        assert np.load(io.BytesIO(written[6:-5])).tolist() == [0, 0, 0]


# --- rows that threads write at their places --------------------------------------------------

needs_places = pytest.mark.skipif(not PlacedNpy.supported, reason="no pwrite")


@needs_places
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shape", [(1000, 3), (4, 250, 3)])
@pytest.mark.parametrize("short", [False, True])
def test_rows_in_any_order_and_from_any_thread_make_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, shape: Any, short: bool
) -> None:
    if short:  # as the system may, a signal or a nearly full disk in the way
        write = os.pwrite
        monkeypatch.setattr(os, "pwrite", lambda fd, data, at: write(fd, data[:100], at))
    array = np.random.default_rng(0).random((1000, 3)).astype(dtype)
    order = np.random.default_rng(1).permutation(50)
    with (tmp_path / "x.npy").open("wb") as file, ThreadPoolExecutor(4) as pool:
        placed = PlacedNpy(file, shape=shape, dtype=dtype)
        for part in order:
            rows = array[20 * part : 20 * part + 20]
            pool.submit(placed.write, 20 * part, np.asfortranarray(rows)).result()
    expected = io.BytesIO()
    np.save(expected, array.reshape(shape))
    assert (tmp_path / "x.npy").read_bytes() == expected.getvalue()


@needs_places
def test_a_row_that_cannot_be_written_is_an_os_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with (tmp_path / "x.npy").open("wb") as file:
        placed = PlacedNpy(file, shape=(10, 3))
        monkeypatch.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="No space left"):
            placed.write(5, np.zeros((5, 3)))


@pytest.mark.parametrize("room", [0, 10, 2_000_000])
@pytest.mark.parametrize("format", ["csv", "parquet", "npy"])
def test_a_full_disk_is_an_os_error(format: Any, room: int) -> None:
    big = np.random.default_rng(0).random((2, 2**18))

    def blocks() -> Iterator[dict[str, Any]]:
        for _ in range(4):
            yield {"a": big[0], "b": big[1]}

    with pytest.raises(OSError, match="No space left"):
        save(Full(room), blocks(), format)


@pytest.mark.parametrize("format", ["csv", "parquet", "npy"])
@pytest.mark.parametrize("blocks_before", [0, 1, 3])
def test_an_error_of_the_source_passes_through(format: Any, blocks_before: int) -> None:
    class OwnError(Exception):
        pass

    def blocks() -> Iterator[dict[str, Any]]:
        for _ in range(blocks_before):
            yield TABLE
        raise OwnError("from the source")

    with pytest.raises(OwnError, match=r"^from the source$"):
        save(io.BytesIO(), blocks(), format)


@pytest.mark.parametrize("rows", [3, 5])
def test_npy_has_as_many_values_as_its_header_says(rows: int) -> None:
    with pytest.raises(DataError, match=rf"{2 * rows} values came for an array of 8"):
        write_npy(io.BytesIO(), [np.zeros((rows, 2))], shape=(4, 2))


def test_parquet_carries_metadata() -> None:
    file = io.BytesIO()
    write_table(file, [{"a": np.ones(3)}], format="parquet", metadata={"key": "é"})
    assert pl.read_parquet_metadata(io.BytesIO(file.getvalue()))["key"] == "é"
