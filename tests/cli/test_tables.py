"""Tables that are cut where they fit."""

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from gscli.cli.tables import Column, fitted_tables

SIDES: list[Column] = [("row", ["first", "second [b]"])]
GROUPS: list[list[Column]] = [
    [("a [1]", ["1", "2"]), ("b", ["10", Text("20", "bold")])],
    [("a long heading", ["", "x"])],
    [("日本", ["3", "4"])],
]


@pytest.mark.parametrize(
    ("width", "parts"), [(80, [3]), (24, [1, 1, 1]), (36, [1, 2]), (5, [1] * 3)]
)
def test_groups_stay_together_and_fit(width: int, parts: list[int]) -> None:
    tables = list(fitted_tables(SIDES, GROUPS, width))
    heads = [[str(column.header) for column in table.columns] for table in tables]
    expected, left = [], list(GROUPS)
    for part in parts:
        expected.append(["row", *(head for group in left[:part] for head, _ in group)])
        left = left[part:]
    assert heads == expected


@pytest.mark.parametrize("width", [27, 30, 48, 60])
def test_nothing_is_cut_off(width: int) -> None:
    console = Console(width=width)
    with console.capture() as captured:
        for table in fitted_tables(SIDES, GROUPS, width):
            console.print(table)
    text = captured.get()
    assert max(map(cell_len, text.splitlines())) <= width
    assert "…" not in text
    for word in ("second [b]", "a [1]", "a long heading", "日本", "20"):
        assert word in text
