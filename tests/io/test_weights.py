"""Weights from text and from files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gscli.errors import DataError
from gscli.io.weights import Weights, parse_weights, read_weights

CAT = Weights((1.0, 3.0, 6.0), ("cat", "dog", "bird"))
PLAIN = Weights((1.0, 3.0, 6.0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,3,6", PLAIN),
        (" 1, 3 ,6e0", PLAIN),
        ("cat=1,dog=3,bird=6", CAT),
        (" cat = 1, dog=3 ,bird=6 ", CAT),
        ("a=b=1,c=2", Weights((1.0, 2.0), ("a=b", "c"))),
        ("-1,0", Weights((-1.0, 0.0))),
        ("5", Weights((5.0,))),
        ("uniform:3", Weights((1.0, 1.0, 1.0))),
        ("uniform:3=1,b=2", Weights((1.0, 2.0), ("uniform:3", "b"))),
    ],
)
def test_text_is_read(text: str, expected: Weights) -> None:
    assert parse_weights(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("1,,3", "value 2: '' is not a number"),
        ("1,x", "value 2: 'x' is not a number"),
        ("cat=1,3", "'3' has no name"),
        ("cat=1, dog", "'dog' has no weight: write dog=3"),
        ("cat=1,,dog=2", "an entry is empty"),
        ("1_0,3", "value 1: '1_0' is not a number"),
        ("cat=1_0,dog=3", "'cat': '1_0' is not a number"),
        ("uniform:", "'uniform:' is not uniform:K"),
        ("uniform:1", "a whole number K from 2 to 1,000,000; write uniform:8"),
        ("uniform:2.5", "is not uniform:K"),
        ("uniform:1000001", "is not uniform:K"),
        ("uniform:99999999999", "is not uniform:K"),
        ("cat=1,cat=3", "two categories are named 'cat'"),
        ("=1,b=2", "empty name"),
        ("a=,b=2", "'a': '' is not a number"),
        ("temperature=1,b=2", "cannot be named 'temperature'"),
        ("log_prob=1,b=2", "cannot be named 'log_prob'"),
        ("a\nb=1,c=2", "control"),
        ("\udcff=1,c=2", "control"),
    ],
)
def test_bad_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_weights(text)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("row.csv", "1,3,6\n", PLAIN),
        ("column.csv", "1\n3\n6\n", PLAIN),
        ("titled.csv", "pi\n1\n3\n6\n", PLAIN),
        ("header.csv", "cat,dog,bird\n1,3,6", CAT),
        ("pairs.csv", "cat,1\r\ndog,3\r\nbird,6\r\n", CAT),
        ("titledpairs.csv", "name,pi\ncat,1\ndog,3\nbird,6\n", CAT),
        ("bom.csv", "\ufeffcat,1\ndog,3\n\nbird,6\n", CAT),
        ("list.json", "[1, 3, 6]", PLAIN),
        ("object.json", '{"cat": 1, "dog": 3, "bird": 6}', CAT),
        ("UPPER.JSON", "[1, 3, 6]", PLAIN),
    ],
)
def test_files_are_read(tmp_path: Path, name: str, text: str, expected: Weights) -> None:
    (tmp_path / name).write_text(text, newline="", encoding="utf-8")
    assert read_weights(tmp_path / name) == expected
    assert parse_weights(f"@{tmp_path / name}") == expected


@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", ">f8"])
def test_npy_files_are_read(tmp_path: Path, dtype: str) -> None:
    np.save(tmp_path / "x.npy", np.array([1, 3, 6], dtype))
    assert read_weights(tmp_path / "x.npy") == PLAIN


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.txt", "1,2", "unknown suffix '.txt'"),
        ("x.csv", "", "is empty"),
        ("x.csv", "1,2\n3\n", "row 2 has 1 values where row 1 has 2"),
        ("x.csv", "a,b,c\n1,2\n", "row 2 has 2 values where row 1 has 3"),
        ("x.csv", "1,2,3\n4,5,6\n", "expected one row or column"),
        ("x.csv", "p\n1\nx\n", "row 3: 'x' is not a number"),
        ("x.csv", "p\n1\n1_0\n", "row 3: '1_0' is not a number"),
        ("x.json", '["1_0", 3]', "value 1: '1_0' is not a number"),
        ("x.csv", "a,b\n1,x\n", "row 2: value 2: 'x'"),
        ("x.csv", "p\n1\nnan\n3\n", "row 3: nan is not finite"),
        ("x.csv", "1\ninf\n", "row 2: inf is not finite"),
        ("x.csv", "a,b,c\n1,nan,2\n", "row 2: value 2: nan is not finite"),
        ("x.csv", "cat,1\ndog,nan\n", "row 2: nan is not finite"),
        ("x.csv", "name,p\ncat,1\ndog,x\n", "row 3: 'x' is not a number"),
        ("x.csv", "cat,1\ncat,2\n", "two categories are named 'cat'"),
        ("x.csv", "y" * 200_000 + ",1\n", "not a table of weights"),
        ("x.json", "{", "row 1 is not JSON"),
        ("x.json", "[1,\n2,\n", "row 3 is not JSON"),
        ("x.json", "[]", "is not a list of numbers"),
        ("x.json", "{}", "is not a list of numbers"),
        ("x.json", "3", "is not a list of numbers"),
        ("x.json", "[1, null]", "value 2: None is not a number"),
        ("x.json", "[1, true]", "value 2: True is not a number"),
        ("x.json", "[1, [2]]", r"value 2: \[2\] is not a number"),
        ("x.json", "[1, NaN]", "value 2: nan is not finite"),
        ("x.json", "[1, 1e999]", "value 2: inf is not finite"),
        ("x.json", '{"a": 1, "a": 2}', "two categories are named 'a'"),
        ("x.json", '{"a": 1, "b": NaN}', "'b': nan is not finite"),
        ("x.json", "[" * 100_000, "nested too deeply"),
        ("x.json", "[1," + "9" * 5000 + "]", "is not JSON"),
        ("x.json", "[1," + "9" * 400 + "]", "value 2.*is not a number"),
    ],
)
def test_bad_files_are_refused_by_file_and_row(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / name).write_text(text, newline="")
    with pytest.raises(DataError, match=message) as caught:
        read_weights(tmp_path / name)
    assert str(caught.value).startswith(f"@{tmp_path / name}: ")


def test_bad_npy_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    arrays: list[tuple[Any, str]] = [
        (np.zeros((2, 2)), r"float64 of shape \(2, 2\)"),
        (np.zeros((2, 2, 2)), r"float64 of shape \(2, 2, 2\)"),
        (np.float64(1), r"shape \(\)"),
        (np.array(["a", "b"]), "expected numbers"),
        (np.array([1, None]), "pickled"),
        (np.array([1, np.nan]), "value 2: nan is not finite"),
    ]
    for array, message in arrays:
        np.save(path, array, allow_pickle=True)
        with pytest.raises(DataError, match=message):
            read_weights(path)
    np.save(path, np.ones(100))
    whole = path.read_bytes()
    for junk in (b"", b"x", whole[:50], whole[:-8], b"PK\x03\x04junk", b"\x93NUMPY\x09\x09"):
        path.write_bytes(junk)
        with pytest.raises(DataError, match=r"not a readable NPY file|ends before"):
            read_weights(path)


def test_what_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_weights(tmp_path / "no.csv")
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(DataError, match="Is a directory"):
        read_weights(tmp_path / "d.csv")
    (tmp_path / "latin.csv").write_bytes(b"\xff\xfe,1\n")
    with pytest.raises(DataError, match="UTF-8"):
        read_weights(tmp_path / "latin.csv")
    with pytest.raises(DataError, match="suffix ''"):
        parse_weights("@")


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_text_and_json_keep_every_digit(values: list[float]) -> None:
    assert parse_weights(",".join(map(repr, values))).values == tuple(values)
    assert json.loads(json.dumps(values)) == values
