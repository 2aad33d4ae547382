"""Files and pipes to blocks of rows: what is read, and which row is named when it cannot be."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from gscli.errors import DataError
from gscli.io import samples as batches
from gscli.io.formats import text as text_format
from gscli.io.readers import open_samples
from gscli.io.writers import write_npy, write_table

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TABLES = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, min_side=2), elements=FLOATS)
NAMES = st.lists(
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=8)
    .map(str.strip)
    .filter(lambda name: name not in ("", "temperature") and not name.startswith("\ufeff")),
    min_size=2,
    max_size=6,
    unique=True,
)


def content(path: Path | str, **options: Any) -> Any:
    blocks = list(open_samples(str(path), **options))
    starts = [block.start for block in blocks]
    assert starts == [0, *np.cumsum([len(block.rows) for block in blocks])[:-1]]
    return np.concatenate([block.rows for block in blocks])


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.fixture(autouse=True, params=[False, True], ids=["large blocks", "small blocks"])
def block_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the file in one piece, or in so small ones that every boundary is met."""
    if request.param:
        monkeypatch.setattr(text_format, "CSV_BYTES", 7)
        monkeypatch.setattr(batches, "BATCH_VALUES", 5)
        monkeypatch.setattr(batches, "PART_VALUES", 10)


# --- round trips --------------------------------------------------------------------------------


@SHARED
@given(TABLES, NAMES)
def test_csv_round_trip(tmp_path: Path, table: Any, names: Any) -> None:
    columns = dict(zip(names, table.T, strict=False))
    if len(columns) < 2:
        return
    path = tmp_path / "x.csv"
    with path.open("wb") as file:
        write_table(file, [columns], format="csv")
    samples = open_samples(str(path))
    assert samples.names == tuple(columns)
    assert samples.named
    assert (content(path) == table[:, : len(columns)]).all()


@SHARED
@given(TABLES)
def test_parquet_round_trip(tmp_path: Path, table: Any) -> None:
    path = tmp_path / "x.parquet"
    columns = {f"c{k}": values for k, values in enumerate(table.T)}
    with path.open("wb") as file:
        write_table(file, [columns], format="parquet")
    assert open_samples(str(path)).names == tuple(columns)
    assert open_samples(str(path)).total == len(table)
    assert (content(path) == table).all()


@SHARED
@given(TABLES, st.sampled_from(["C", "F"]), st.sampled_from(["<f8", ">f8", "<f4", "<f2", "<i8"]))
def test_npy_round_trip(tmp_path: Path, table: Any, order: Any, kind: str) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        array = np.asarray(np.clip(table, -6e4, 6e4), kind, order)
    np.save(tmp_path / "x.npy", array)
    assert (content(tmp_path / "x.npy") == array.astype(np.float64)).all()


def test_npy_of_several_temperatures_needs_their_names(tmp_path: Path) -> None:
    array = np.random.default_rng(0).random((3, 5, 2))
    path = tmp_path / "x.npy"
    with path.open("wb") as file:
        write_npy(file, array, shape=array.shape)
    samples = open_samples(str(path), temperatures=(0.1, 1, 3))
    assert (samples.has_temperatures, samples.total) == (True, 15)
    parts = list(samples)
    assert (np.concatenate([part.rows for part in parts]) == array.reshape(-1, 2)).all()
    stated = [t for part in parts for t in [part.temperature] * len(part.rows)]
    assert stated == [0.1] * 5 + [1] * 5 + [3] * 5
    for wrong in (None, (1, 2)):
        with pytest.raises(DataError, match=r"\(3, 5, 2\).*-t; of 3 temperatures, all"):
            open_samples(str(path), temperatures=wrong)


@pytest.mark.parametrize("suffix", ["csv", "npy", "parquet"])
@pytest.mark.parametrize("seekable", [True, False])
def test_standard_input_is_recognised_by_its_bytes(
    suffix: str, seekable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, file = np.random.default_rng(0).random((20, 3)), io.BytesIO()
    if suffix == "npy":
        np.save(file, np.asfortranarray(table))
    else:
        columns = dict(zip("abc", table.T, strict=True))
        write_table(file, [columns], format="csv" if suffix == "csv" else "parquet")

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return seekable

    pipe: Any = Pipe(file.getvalue())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=pipe))
    assert (content("-") == table).all()


# --- the forms of CSV ---------------------------------------------------------------------------

EXPECTED = [[0.2, 0.8], [0.25, 0.75], [1e-05, 0.99999]]


@pytest.mark.parametrize("header", ["a,b", '"7","8"', "", "# made by hand\na,b", "a,nan"])
@pytest.mark.parametrize("separator", [",", "\t", ";", " "])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [False, True])
@pytest.mark.parametrize("last", [True, False])
def test_every_common_form_of_csv_is_read(
    tmp_path: Path, header: str, separator: str, newline: str, bom: bool, last: bool
) -> None:
    rows = [f"{a!r}{separator}{b!r}" for a, b in EXPECTED]
    title, comment = header.split("\n")[-1], header.split("\n")[:-1]
    lines = [*comment, *([title.replace(",", separator)] if title else []), *rows]
    text = newline.join(lines) + newline * last
    path = write(tmp_path / "x.csv", b"\xef\xbb\xbf" * bom + text.encode())
    if header == "a,nan":
        with pytest.raises(DataError, match="row 1: 'a' is not a number"):
            open_samples(str(path))
        return
    samples = open_samples(str(path))
    assert samples.names == (
        ("x1", "x2") if not header else tuple(title.replace('"', "").split(","))
    )
    assert samples.named == bool(header)
    assert content(path).tolist() == EXPECTED


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n0.2, 0.8\n 0.25 ,0.75\n1e-05,0.99999\n",
        'a,b\n"0.2","0.8"\n0.25,0.75\n1E-5,.99999\n',
        "a,b\n+0.2,0.8\n.25,0.75\n1e-5,0.99999\n\n",
        "a,b\n0.2,0.8\n\n\n0.25,0.75\n1e-5,0.99999\n  \n\n",
        "0.2,0.8\r\n0.25,0.75\r\n1e-5,0.99999\r\n\r\n",
        "# one\n# two\n0.2,0.8\n0.25,0.75\n1e-5,0.99999",
        "   0.2      0.8 \n  0.25     0.75\n  1e-5     0.99999\n",
        'a , "b"\n0.2,0.8\n0.25,0.75\n1e-5,0.99999\n',
    ],
)
def test_spaces_quotes_signs_and_blank_lines_are_read(tmp_path: Path, text: str) -> None:
    assert content(write(tmp_path / "x.csv", text)).tolist() == EXPECTED


def test_a_leading_temperature_column_is_kept_apart(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "temperature,a,b\n3,0.2,0.8\n1,0.25,0.75\n")
    samples = open_samples(str(path))
    assert samples.has_temperatures
    assert samples.names == ("a", "b")
    parts = list(samples)
    assert np.concatenate([np.asarray(part.temperature) for part in parts]
                          ).tolist() == [3, 1]  # fmt: skip


def test_names_that_are_numbers_survive_a_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    names = ("1", "nan", "#c", "d e", "1e5")
    with path.open("wb") as file:
        write_table(file, [{name: np.full(2, 0.2) for name in names}], format="csv")
    assert open_samples(str(path)).names == names
    assert len(content(path)) == 2


# --- errors name the row ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n", "is empty"),
        ("a,b\n", "a header and no rows"),
        ("a,b\n\n\n", "a header and no rows"),
        ("a\n1\n", "1 column"),
        ("temperature,b\n1,1\n", "1 column"),
        ("a,a\n1,1\n", "two categories are named 'a'"),
        ("a,b\n1,2\n3\n", "row 2 has 1 values; expected 2"),
        ("a,b\n1,2\n3,4\n5,6,7\n", "row 3 has 3 values; expected 2"),
        ("1,2\n3,4\nx,6\n", "row 3: 'x' is not a number"),
        ("a,b\n1,2\n3,4\n\n5,\n", "row 3: column 2 is empty"),
        ("a,b\n1,2\n3,4\nnull,6\n", "row 3: 'null' is not a number"),
        ("0.5,O.5\n1,2\n", "row 1: 'O.5' is not a number"),
        ("0.5,\n1,2\n", "row 1: '' is not a number"),
        ("a,b\n1,2\n1_000,2\n", "row 2: '1_000' is not a number"),
    ],
)
def test_errors_of_csv_name_the_row(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path / "x.csv", text)
    with pytest.raises(DataError) as caught:
        content(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_a_bad_row_far_down_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_format, "CSV_BYTES", 1000)
    lines = ["0.5,0.5"] * 5000
    lines[4321] = "0.5;0.5"
    with pytest.raises(DataError, match="row 4322 has 1 values"):
        content(write(tmp_path / "x.csv", "\n".join(lines)))


def test_errors_of_npy(tmp_path: Path) -> None:
    def save(name: str, array: Any, cut: int | None = None) -> str:
        file = io.BytesIO()
        np.save(file, array, allow_pickle=True)
        return str(write(tmp_path / name, file.getvalue()[:cut]))

    rows = np.zeros((10, 2))
    for array, message in [
        (np.array([[None, 1]]), "pickled objects"),
        (np.array([["a", "b"]]), "numbers"),
        (np.zeros((2, 2), complex), "numbers"),
        (np.zeros(5), r"shape \(5,\)"),
        (np.zeros((5, 1)), r"shape \(5, 1\)"),
        (np.zeros((1, 2, 3, 4)), r"4-D array \(1, 2, 3, 4\)"),
        (np.float64(3), r"shape \(\)"),
    ]:
        with pytest.raises(DataError, match=message):
            content(save("x.npy", array))
    with pytest.raises(DataError, match="ends after row 9 of the 10"):
        content(save("short.npy", rows, -1))
    with pytest.raises(DataError, match="ends before the 10 rows"):
        content(save("short.npy", np.asfortranarray(rows), -1))
    with pytest.raises(DataError, match="not a readable NPY"):
        content(save("head.npy", rows, 40))
    with pytest.raises(DataError, match="save it in C order"):
        open_samples(save("f.npy", np.asfortranarray(np.zeros((3, 4, 2)))), temperatures=(1, 2, 3))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2", "not a readable NPY"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (-20, 3), }", "has no rows"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (10**12, 3), }", "not a readable NPY"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1000000000000), }", "categories"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 3), }", "after row 0"),
    ],
)
def test_damaged_npy_headers(tmp_path: Path, header: str, message: str) -> None:
    text = header.encode() + b"\n"
    head = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little")
    with pytest.raises(DataError, match=message) as caught:
        content(write(tmp_path / "x.npy", head + text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\x1f\x8b\x08\x00", "is damaged or cut short"),
        (b"PK\x03\x04", "is a damaged archive"),
        (b"BZh91AY", "bzip2; decompress"),
        (b"\xff\xfea\x00,\x00", "UTF-16"),
        (b"\xff\xff\xff\xff\x08", "stream of Arrow"),
        (b"\x80\x04\x95", "is a pickle, which is never read"),
        (b"\0" * 600, "binary file of an unknown format"),
        (b'{"a": [0.2, 0.8]}', "looks like JSON"),
        (b"a,b\r0.2,0.8\r", "carriage returns"),
        (b"0,2;0,8\n", "row 1 has decimal commas"),
        (b"a;b\n0,2;0,8\n", "row 1: '0,2' is not a number; write a decimal point"),
        (b"a,\x1bb\n0.2,0.8\n", "control character"),
        (b"a,b\n0.2," + b"x" * 10_000 + b"\n", r"'x+\.\.\.' is not a number"),
    ],
)
def test_files_of_another_kind_are_named(tmp_path: Path, text: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        content(write(tmp_path / "x.csv", text))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "text",
    [
        b"a,b\n0.2,0.8\n0.3,0.7\n",
        b"\n\na,b\n0.2,0.8\n\n0.3,0.7\n  ",
        b",a,b\n0,0.2,0.8\n1,0.3,0.7\n",
        b"a,b,log_prob\n0.2,0.8,-1.5\n0.3,0.7,2.5\n",
        b"a,log_prob,temperature,b\n0.2,-1.5,3,0.8\n0.3,2.5,3,0.7\n",
        b'"a" "b"\n"r1" 0.2 0.8\n"r2" 0.3 0.7\n',
        b"Unnamed: 0,a,b\n0,0.2,0.8\n1,0.3,0.7\n",
        b",temperature,a,b,log_prob\n0,0.5,0.2,0.8,-1.5\n1,0.5,0.3,0.7,2.5\n",
    ],
)
def test_columns_that_are_no_categories_are_left_out(tmp_path: Path, text: bytes) -> None:
    path = write(tmp_path / "x.csv", text)
    assert content(path).tolist() == [[0.2, 0.8], [0.3, 0.7]]
    samples = open_samples(str(path))
    assert samples.names == ("a", "b")
    assert samples.has_temperatures == (b"temperature" in text)


@pytest.mark.parametrize(
    "text", ["step,a,b\n7,0.2,0.8\n8,0.3,0.7\n", "a,id,b\n0.2,-1,0.8\n0.3,0,0.7\n"]
)
def test_a_column_that_counts_rows_is_no_category(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_VALUES", 6)  # two rows
    path = write(tmp_path / "x.csv", text)
    assert content(path).tolist() == [[0.2, 0.8], [0.3, 0.7]]
    samples = open_samples(str(path))
    assert samples.names == ("a", "b")
    (note,) = samples.notes
    assert "counts the rows and is left out" in note
    chosen = open_samples(str(path), columns=("1", "2", "3"))
    assert chosen.num_categories == 3


def test_a_pickle_in_an_npy_file_is_never_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "sprung",))

    np.save(tmp_path / "x.npy", np.array([[Trap(), 1]], object), allow_pickle=True)
    with pytest.raises(DataError, match="pickled"):
        content(tmp_path / "x.npy")
    assert not (tmp_path / "sprung").exists()


def test_errors_of_parquet(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    for frame, message in [
        (pl.DataFrame({"a": [1.0], "b": ["x"]}), "column 'b' holds String"),
        (pl.DataFrame({"a": [1.0]}), "1 column"),
        (pl.DataFrame({"a": [1.0, 2, 3], "b": [1.0, 2, None]}), "row 3: column 'b' has no value"),
    ]:
        frame.write_parquet(path)
        with pytest.raises(DataError, match=message):
            content(path)
    good = io.BytesIO()
    write_table(good, [{"a": np.random.default_rng(0).random(9000)} | {"b": np.ones(9000)}],
                format="parquet")  # fmt: skip
    for cut in (4, 100, -1, -100):
        with pytest.raises(DataError, match="not a readable Parquet file"):
            content(write(path, good.getvalue()[:cut]))
    broken = bytearray(good.getvalue())
    broken[10:400] = b"x" * 390
    with pytest.raises(DataError, match="not a readable Parquet file"):
        content(write(path, bytes(broken)))


@pytest.mark.parametrize("name", ["a[1]", "a*", "a?b", "50%"])
@pytest.mark.parametrize("suffix", ["csv", "npy", "parquet"])
def test_a_path_is_taken_literally(tmp_path: Path, name: str, suffix: str) -> None:
    path, other = tmp_path / f"{name}.{suffix}", tmp_path / f"ab.{suffix}"
    for rows, target in ((2, path), (3, other)):
        if suffix == "npy":
            np.save(target, np.full((rows, 2), 0.5))
        else:
            with target.open("wb") as file:
                columns = {"a": np.full(rows, 0.5), "b": np.full(rows, 0.5)}
                write_table(file, [columns], format="csv" if suffix == "csv" else "parquet")
    assert len(content(path)) == 2


def test_a_missing_file_and_a_folder_without_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing.csv: No such file"):
        open_samples(str(tmp_path / "nothing.csv"))
    with pytest.raises(DataError, match="is a folder without samples"):
        open_samples(str(tmp_path))


def test_bytes_that_are_no_table_are_refused(tmp_path: Path) -> None:
    junk = np.random.default_rng(0).bytes(5000)
    for data in (junk, b"x" * 300_000, b"0.5,0.5\n" + b"y" * 300_000, b"a,b\n0.5,\0\n", b"\0,\0"):
        with pytest.raises(DataError):
            content(write(tmp_path / "x.csv", data))


def test_files_without_rows_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((0, 3)))
    np.save(tmp_path / "y.npy", np.zeros((2, 0, 3)))
    pl.DataFrame({"a": [1.0], "b": [1.0]}).clear().write_parquet(tmp_path / "x.parquet")
    for name in ("x.npy", "y.npy", "x.parquet"):
        with pytest.raises(DataError, match="no rows"):
            open_samples(str(tmp_path / name), temperatures=(1, 2))
