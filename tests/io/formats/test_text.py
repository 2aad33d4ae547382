"""Tables of text as pandas, R and NumPy write them: their headers, and what each column is."""

from pathlib import Path

import numpy as np
import pytest

from gscli.errors import DataError
from gscli.io.formats import text as text_format
from gscli.io.readers import open_samples

ROWS = "0.2,0.3,0.5\n0.1,0.7,0.2\n0.25,0.25,0.5\n"
VALUES = [[0.2, 0.3, 0.5], [0.1, 0.7, 0.2], [0.25, 0.25, 0.5]]


def content(path: Path, text: str, **options: object) -> tuple[tuple[str, ...], list[list[float]]]:
    path.write_text(text)
    samples = open_samples(str(path), **options)  # type: ignore[arg-type]
    return samples.names, np.concatenate([batch.rows for batch in samples]).tolist()


def with_labels(labels: list[str]) -> str:
    return "".join(f"{a},{b}\n" for a, b in zip(labels, ROWS.split(), strict=True))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("0,1,2\n" + ROWS, "012"),  # pandas, a frame without names
        (",0,1,2\n" + with_labels(["0", "1", "2"]), "012"),  # the same with its index
        (",a,b,c\n" + with_labels(["row0", "row1", "row2"]), "abc"),  # an index of texts
        ("Unnamed: 0,a,b,c\n" + with_labels(["4", "7", "1"]), "abc"),  # read and written again
        ('"","a","b","c"\n' + with_labels(['"1"', '"2"', '"3"']), "abc"),  # R, write.csv
        ('"a" "b" "c"\n"1" 0.2 0.3 0.5\n"2" 0.1 0.7 0.2\n"3" 0.25 0.25 0.5\n', "abc"),
        ("# a,b,c\n" + ROWS, "abc"),  # np.savetxt
        ("# a b c\n" + ROWS.replace(",", " "), "abc"),
        ("# made by hand\n" + ROWS, ("x1", "x2", "x3")),
        ('"0.2","0.3","0.5"\n"0.1","0.7","0.2"\n"0.25","0.25","0.5"\n', ("x1", "x2", "x3")),
        ('"7","8","9"\n' + ROWS, "789"),
        ("a,b,c,\n" + ROWS.replace("\n", ",\n"), "abc"),  # a separator at the end
    ],
)
def test_headers_and_labels_of_rows(tmp_path: Path, text: str, names: str) -> None:
    assert content(tmp_path / "x.csv", text) == (tuple(names), VALUES)


@pytest.mark.parametrize(
    ("text", "first"),
    [("0,1\n0.2,0.8\n", [0.2, 0.8]), ("0,1\n1,0\n", [0, 1]), ("1,0\n0.2,0.8\n", [1, 0])],
)
def test_the_header_of_two_categories_is_told_from_a_vertex(
    tmp_path: Path, text: str, first: list[float]
) -> None:
    assert content(tmp_path / "x.csv", text)[1][0] == first


def test_numbers_in_quotes_that_could_be_either_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 1 has numbers in quotes that could be a sample"):
        content(tmp_path / "x.csv", '"0.2","0.3","0.5"\n' + ROWS)


def test_columns_are_chosen_by_name_and_by_position(tmp_path: Path) -> None:
    text = "id,c,temperature,a,b\nu,0.5,3,0.2,0.3\nv,0.2,3,0.1,0.7\nw,0.5,3,0.25,0.25\n"
    path = tmp_path / "x.csv"
    for columns in (("a", "b", "c"), ("4", "5", "2")):
        assert content(path, text, columns=columns) == (tuple("abc"), VALUES)
    assert open_samples(str(path), columns=("a", "b", "c")).has_temperatures
    with pytest.raises(DataError, match="no column is named 'd', chosen with --columns; there are"):
        open_samples(str(path), columns=("a", "d"))
    with pytest.raises(DataError, match=r"row 1: 'u' is not a number; if column 'id' holds labels"):
        open_samples(str(path))
    with pytest.raises(DataError, match="1 column of values"):
        open_samples(str(path), columns=("a",))


def test_a_hint_names_the_column_without_which_rows_are_samples(tmp_path: Path) -> None:
    from dataclasses import replace

    path = tmp_path / "x.csv"
    path.write_text("epoch,a,b\n5,0.2,0.8\n5,0.3,0.7\n")
    with pytest.raises(DataError, match="without column 'epoch' it does: choose the others"):
        list(replace(open_samples(str(path)), valid=True))


@pytest.mark.parametrize("wide", [1, 5_000])
def test_wide_and_narrow_tables_are_read_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wide: int
) -> None:
    monkeypatch.setattr(text_format, "WIDE", wide)
    path = tmp_path / "x.csv"
    assert content(path, "id,a,b,c\n" + with_labels(["1", "2", "2"]), columns=tuple("abc")) == (
        tuple("abc"),
        VALUES,
    )
    for row, message in (("0.2,0.3", "row 4 has 2 values"), ("0.2,x,1", "row 4: 'x' is not")):
        with pytest.raises(DataError, match=message):
            content(path, "a,b,c\n" + ROWS + row + "\n")
    assert content(path, "a,b,c\n" + ROWS + "\n0.2, 0.3,0.5\n")[1] == [*VALUES, VALUES[0]]


@pytest.mark.parametrize(
    "text", ["0.5,0.5\n" * 3 + "0.5," * 100, "0.5,0.5\n" + "0.5," * 100, "0.5," * 100, "#" * 400]
)
def test_a_line_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(text_format, "LONGEST_LINE", 128)
    monkeypatch.setattr(text_format, "CSV_BYTES", 32)
    with pytest.raises(DataError, match="a line is longer than"):
        content(tmp_path / "x.csv", text)


def test_too_many_columns_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_format, "MOST_CATEGORIES", 4)
    with pytest.raises(DataError, match="row 1 has more than 4 values"):
        content(tmp_path / "x.csv", "0.2,0.2,0.2,0.2,0.2\n")


@pytest.mark.parametrize("field", ['"', '""', '0.3"', '"0.3"x'])
def test_stray_quotation_marks_are_an_error(tmp_path: Path, field: str) -> None:
    with pytest.raises(DataError, match=r"row 4|x\.csv"):
        content(tmp_path / "x.csv", f"a,b,c\n{ROWS}0.2,0.5,{field}\n")
