"""Names of categories: the default ones, and those that are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gscli.errors import DataError
from gscli.io.columns import check_names, default_names, is_number, parse_number


@given(st.integers(2, 200))
def test_default_names_are_valid(num_categories: int) -> None:
    names = default_names(num_categories)
    assert len(names) == num_categories
    assert check_names(names) == names


@given(st.lists(st.text(st.characters(categories=["L", "Nd"]), min_size=1), min_size=2))
def test_names_are_kept_if_all_differ(names: list[str]) -> None:
    if len(set(names)) == len(names) and not {"temperature", "log_prob"} & set(names):
        assert check_names([f" {name}\t" for name in names]) == tuple(names)
    else:
        with pytest.raises(DataError):
            check_names(names)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", " "], "empty name"),
        (["a", "a "], "two categories are named 'a'"),
        (["a", "b\x1b[31m"], "control character"),
        (["a", "temperature"], "cannot be named 'temperature'"),
        (["log_prob", "a"], "cannot be named 'log_prob'"),
    ],
)
def test_names_that_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_names(names)


@pytest.mark.parametrize(
    ("text", "number"), [("3", 3.0), (" -1e-3 ", -0.001), (".5", 0.5), ("inf", float("inf"))]
)
def test_numbers(text: str, number: float) -> None:
    assert parse_number(text) == number
    assert is_number(text)


@pytest.mark.parametrize("text", ["", "x", "1_0", "1e1_0", "0x1", "1,5", "1 0"])
def test_what_is_not_a_number(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_number(text)
    assert not is_number(text)
