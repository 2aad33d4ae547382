"""Results to JSON, to rows of tables and to HTML."""

import json
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gscli.arrays import FloatArray
from gscli.records import Record, html_list, html_table, to_json


@dataclass(frozen=True, eq=False, slots=True)
class Inner(Record):
    value: float
    by_size: dict[int, float]


@dataclass(frozen=True, eq=False, slots=True)
class Outer(Record):
    KEYS: ClassVar[str] = "word share double inners error"

    share: FloatArray
    hidden: object
    inners: tuple[Inner, ...]
    error: dict[str, Any]
    word: str = "a"

    @property
    def double(self) -> FloatArray:
        return 2 * self.share


OUTER = Outer(
    np.array([0.25, np.nan, 0.5]),
    object(),
    (Inner(np.inf, {1: 0.5}),),
    {"bias": np.nan, "at": {32: np.float64(2)}},
)


def test_keys_name_fields_and_properties_and_all_fields_by_default() -> None:
    found = OUTER.as_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == {
        "word": "a",
        "share": [0.25, None, 0.5],
        "double": [0.5, None, 1.0],
        "inners": [{"value": None, "by_size": {"1": 0.5}}],
        "error": {"bias": None, "at": {"32": 2.0}},
    }
    assert list(found) == Outer.KEYS.split()


def test_a_row_is_flat_with_a_column_for_each_category_that_is_wanted() -> None:
    row = Outer(np.arange(3.0), None, (), {"bias": np.nan, "at": {32: 2.0}}).as_row(
        {0: "cat", 2: "dog"}, "my "
    )
    row.pop("my inners")
    assert row == {
        "my word": "a",
        "my share cat": 0.0,
        "my share dog": 2.0,
        "my double cat": 0.0,
        "my double dog": 4.0,
        "my error bias": None,
        "my error at 32": 2.0,
    }


NUMBERS = st.floats() | st.integers(-(2**60), 2**60) | st.booleans() | st.none() | st.text()


@given(st.recursive(NUMBERS, lambda each: st.lists(each) | st.dictionaries(st.text(), each)))
def test_anything_becomes_json(value: Any) -> None:
    found = to_json(value)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@given(st.lists(st.floats()))
def test_arrays_are_lists_of_the_same_numbers(values: list[float]) -> None:
    expected = [value if np.isfinite(value) else None for value in values]
    assert to_json(np.array(values)) == expected


def test_html_is_escaped() -> None:
    table = html_table(("<a>", "b"), [("1 < 2", "&")])
    head = "<tr><th>&lt;a&gt;</th><th>b</th></tr>"
    assert table == f"<table>{head}<tr><td>1 &lt; 2</td><td>&amp;</td></tr></table>"
    assert html_list(["<script>"]) == "<ul><li>&lt;script&gt;</li></ul>"
    assert html_list([]) == ""
