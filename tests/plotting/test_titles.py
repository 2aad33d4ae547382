"""The title of a figure as text, and the room that it takes."""

import pytest

from gscli.plotting.titles import plain_title, title_height, title_of


def test_a_title_is_told_from_its_subtitle_and_read_as_text() -> None:
    layout = {"title": {"text": "<b>A &amp; B</b>", "subtitle": {"text": "t = 1"}}}
    assert title_of(layout) == ("A &amp; B", "t = 1")
    assert plain_title(layout) == "A & B"
    assert plain_title({"meta": {"title": "hidden"}}) == "hidden"


@pytest.mark.parametrize(
    ("title", "subtitle", "height"), [("", "", 0), ("a", "", 42), ("a<br>b", "c", 84)]
)
def test_each_line_takes_its_height(title: str, subtitle: str, height: int) -> None:
    assert title_height(title, subtitle) == height
