"""Colours of text on both grounds, and other palettes."""

import pytest

from gscli.plotting import theme
from gscli.plotting.colours import contrast, recoloured


@pytest.mark.parametrize("colour", theme.CATEGORY_COLOURS)
def test_text_about_a_category_passes_wcag_aa_on_both_grounds(colour: str) -> None:
    text = theme.text_colour(colour)
    assert contrast(text, theme.PAPER) >= 4.5
    assert contrast(theme.dark_colours()[text], theme.DARK_PAPER) >= 4.5


def test_other_text_passes_too() -> None:
    dark = theme.dark_colours()
    for colour in (theme.INK, theme.MUTED):
        assert contrast(colour, theme.PAPER) >= 4.5
        assert contrast(dark[colour], theme.DARK_PAPER) >= 4.5


def test_a_palette_changes_marks_and_text() -> None:
    colours = theme.other_colours(["#ffff00"])
    figure = {"marker": {"color": "#0072B2"}, "font": {"color": theme.text_colour("#0072B2")}}
    found = recoloured(figure, colours)
    assert found["marker"]["color"] == "#ffff00"
    assert recoloured('<b style="color:#c25600">x</b>', {"#c25600": "#111111"}) == (
        '<b style="color:#111111">x</b>'
    )
    assert recoloured([1.0, 2.0], colours) == [1.0, 2.0]
