"""Pictures in a terminal, as text."""

import numpy as np
import pytest
from rich.text import Text

from gscli.arrays import IntArray
from gscli.plotting.binning import cell_corners
from gscli.plotting.terminal import (
    SCALE,
    bars,
    density_triangle,
    histogram,
    resolution_for,
    scale,
)

LABELS = ("top", "left", "right")


def picture(counts: IntArray, width: int = 36, **options: bool) -> Text:
    return density_triangle(counts, LABELS, width=width, **{"colour": False, **options})


def lines_of(text: Text) -> list[str]:
    return text.plain.split("\n")


@pytest.mark.parametrize("width", [8, 20, 36, 61])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("unicode", [False, True])
def test_the_triangle_has_its_shape_and_its_labels(width: int, colour: bool, unicode: bool) -> None:
    text = picture(np.zeros(resolution_for(width) ** 2, int), width, colour=colour, unicode=unicode)
    first, *body, last = lines_of(text)
    assert first.strip() == "top"
    assert last.startswith(_cut("left", width // 2 - 1, unicode))
    assert last.endswith(_cut("right", width // 2 - 1, unicode))
    assert all(len(line) <= width for line in (first, *body, last))
    filled = [len(line.strip()) for line in body]
    assert filled == sorted(filled)
    assert filled[-1] == width
    if not unicode:
        assert text.plain.isascii()


def _cut(label: str, room: int, unicode: bool) -> str:
    return label if len(label) <= room else label[: room - 1] + ("…" if unicode else "~")


@pytest.mark.parametrize("corner", [0, 1, 2])
@pytest.mark.parametrize("unicode", [False, True])
def test_mass_near_a_corner_is_drawn_by_its_label(corner: int, unicode: bool) -> None:
    resolution = resolution_for(36)
    counts = np.zeros(resolution**2, int)
    counts[cell_corners(resolution).mean(axis=1)[:, corner] > 0.85] = 100
    _, *body, _ = lines_of(picture(counts, unicode=unicode))
    full = "█" if unicode else "@"
    spots = [(row, line.index(full)) for row, line in enumerate(body) if full in line]
    rows, columns = [row for row, _ in spots], [column for _, column in spots]
    third = len(body) / 3
    if corner == 0:
        assert max(rows) < third
    else:
        assert min(rows) > 2 * third
        assert (max(columns) < 12) if corner == 1 else (min(columns) > 24)


def test_colours_run_from_an_empty_cell_to_the_fullest() -> None:
    resolution = resolution_for(36)
    counts = np.zeros(resolution**2, int)
    counts[cell_corners(resolution).mean(axis=1)[:, 0] > 0.7] = 50
    text = picture(counts, colour=True)
    colours = {str(span.style) for span in text.spans}
    assert any("#fde725" in colour for colour in colours)
    assert any("#440154" in colour for colour in colours)


def test_bars_are_proportional_and_fit() -> None:
    for unicode, mark in ((True, "━"), (False, "=")):
        lines = lines_of(bars(["a", "long"], [0.25, 0.5], width=40, unicode=unicode))
        assert [line.count(mark) for line in lines] == [14, 28]
        assert lines[0].endswith(" 0.250")
        assert all(len(line) <= 40 for line in lines)
    assert bars(["a", "b"], [0.0, 0.0], width=20).plain.count("━") == 0


@pytest.mark.parametrize("unicode", [True, False])
def test_a_histogram_has_its_highest_column_where_the_samples_are(unicode: bool) -> None:
    counts = np.zeros(100, int)
    counts[:2], counts[-2:] = 500, 1000
    *columns, axis = lines_of(histogram(counts, "share of x1", width=50, unicode=unicode))
    assert len(columns) == 10
    full = "█" if unicode else "|"
    assert [line.count(full) for line in columns] == [1] * 5 + [2] * 5
    assert columns[0].index(full) == 49
    assert axis == "0" + "share of x1".center(48) + "1"
    assert unicode or "".join(columns).isascii()


def test_the_scale_names_the_shades_of_the_least_and_the_fullest_cell() -> None:
    assert scale(1234, colour=False, unicode=False).plain == "samples in a cell: 0 . 1 :+#@ 1,234"
    coloured = scale(1234, colour=True)
    assert [str(span.style) for span in coloured.spans] == list(SCALE)
