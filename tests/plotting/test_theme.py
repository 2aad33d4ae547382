"""Colours, and where panels go."""

import pytest

from gscli.plotting import theme


@pytest.mark.parametrize("count", range(1, 25))
def test_panels_do_not_overlap(count: int) -> None:
    found = theme.grid(count, panel=(250, 200), gap=(80, 110), margin=theme.Margin(60, 40, 90, 70))
    places = found.domains
    assert len(places) == count
    for place in places:
        across = (place.x[1] - place.x[0]) * (found.width - 100)
        down = (place.y[1] - place.y[0]) * (found.height - 160)
        assert (across, down) == pytest.approx((250, 200))
    for i, one in enumerate(places):
        assert 0 <= one.x[0] < one.x[1] <= 1
        assert 0 <= one.y[0] < one.y[1] <= 1
        for other in places[:i]:
            apart = one.x[0] >= other.x[1] or other.x[0] >= one.x[1]
            assert apart or one.y[0] >= other.y[1] or other.y[0] >= one.y[1]


def test_palette_is_of_one_colour_a_category() -> None:
    assert len(set(theme.CATEGORY_COLOURS)) == 7
    assert theme.category_colours([4, 2]) == (theme.CATEGORY_COLOURS[4], theme.CATEGORY_COLOURS[2])
    assert len(set(theme.category_colours([0, 7, 14]))) == 3
