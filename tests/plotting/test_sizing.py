"""Figures at many sizes: proportions, columns, and labels that never meet in a browser."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from gscli.plotting.browser import Session, find_browser
from gscli.plotting.export import Style, _image, _styled
from gscli.plotting.sizing import Frame, retitled, sized

Invoke = Callable[..., Result]

FIGURES = {
    "points": "plot --pi 1,3,6 -t 0.5 -n 400",
    "cold": "plot --pi cat=1,dog=3,bird=6 -t 0.02 -n 400",
    "panels": "plot --pi cat=1,dog=3,hippopotamus=6 -t 0.1,0.5,1,3 -n 400",
    "counts": "plot --pi 1,3,6 -t 0.5 -n 1e5",
    "tetrahedron": "plot --pi cat=1,dog=3,bird=6,hippopotamus=2 -t 0.5 -n 400",
    "tetrahedra": "plot --pi 1,3,6,2 -t 0.5,2 -n 400",
    "histogram": "plot --pi 1,3 -t 0.5",
    "histograms": "plot --pi 1,3 -t 0.1,0.3,0.5,1,2,4",
    "marginals": "plot --pi 1,3,6,2,4,5,9,1 -t 0.5,2 -n 400 --kind marginals",
    "log-ratio": "plot --pi 1,3,6 -t 0.5,1,2 -n 400 --log-ratio",
    "check": "check x.npy --pi 1,3,6 -t 3",
    "gradient": "gradient --pi 1,3,6 -t 0.05:5:9",
    "schedule": "schedule wav2vec2 --pi uniform:320 -m 1,64",
}

SIZES: dict[str, dict[str, Any]] = {
    "300 px wide": {"width": 300},
    "390 px wide": {"width": 390},
    "400 x 300": {"width": 400, "height": 300},
    "paper": {"preset": "paper"},
    "wide paper": {"preset": "paper", "width": 528},
    "640 x 360": {"width": 640, "height": 360},
    "800 px wide": {"width": 800},
    "1000 x 500": {"width": 1000, "height": 500},
    "500 px high": {"height": 500},
    "a square": {"width": 1200, "height": 1200},
    "a strip": {"width": 1600, "height": 400},
    "its own": {},
}

LABELS = """() => {
  const root = document.querySelector("svg").getBoundingClientRect();
  const texts = [...document.querySelectorAll("text")].filter((e) => e.textContent.trim());
  const boxes = texts.map((e) => [e, e.getBoundingClientRect()]);
  return [root.width, root.height, boxes.filter(([e, b]) => b.width > 0).map(([e, b]) => {
    const matrix = e.getScreenCTM();
    const type = parseFloat(getComputedStyle(e).fontSize) * Math.hypot(matrix.a, matrix.b);
    return [e.textContent, b.left, b.top, b.right, b.bottom, type];
  })];
}"""


class Plain:
    """A figure of which only the dictionary is known."""

    def __init__(self, text: str) -> None:
        self.text = text

    def to_plotly_json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found


@pytest.fixture
def made(invoke: Invoke) -> Callable[[str], Plain]:
    """Make a figure with the command line."""

    def make(name: str) -> Plain:
        words = FIGURES[name].split()
        if words[0] == "check":
            assert invoke("sample", "-t", 2.5, "--seed", 1, "-o", "x.npy", "-f").exit_code == 0
        seed = ["--seed", 1] if words[0] == "plot" else []
        option = "--plot" if words[0] == "check" else "-o"
        assert invoke(*words, *seed, option, "x.json", "-q").exit_code in (0, 1)
        return Plain(Path("x.json").read_text())

    return make


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_no_label_is_cut_or_over_another(
    made: Callable[[str], Plain], chromium: Path, name: str
) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    figure, styles = made(name), [Style(**size) for size in SIZES.values()]
    images = [_image(_styled(figure, style), Path("x.svg"), style) for style in styles]
    with Session(find_browser()) as session:
        pictures = session.render(images)
    with playwright.sync_playwright() as driver:
        page = driver.chromium.launch(executable_path=chromium).new_page()
        for size, picture in zip(SIZES, pictures, strict=True):
            page.set_content(f"<body style='margin:0'>{picture.decode()}")
            width, height, labels = page.evaluate(LABELS)
            assert labels, size
            for i, (text, left, top, right, bottom, type_size) in enumerate(labels):
                assert min(left, top) > -0.5, (size, text)
                assert right < width + 0.5, (size, text)
                assert bottom < height + 0.5, (size, text)
                for other, *box, _ in labels[:i]:
                    across = min(right, box[2]) - max(left, box[0])
                    down = min(bottom, box[3]) - max(top, box[1])
                    # Boxes have room above and below the letters.
                    over = across > 0.15 * type_size and down > 0.3 * type_size
                    assert not over, (size, text, other)


def test_type_keeps_its_proportion(made: Callable[[str], Plain]) -> None:
    figure = made("points").to_plotly_json()
    own = figure["layout"]["width"], figure["layout"]["height"]
    larger = sized(figure, Frame(width=2 * own[0]))
    assert larger.scale == 2
    assert (larger.width, larger.height) == pytest.approx(own, rel=0.01)
    exact = sized(figure, Frame(width=312, type_size=32 / 3))
    assert exact.width * exact.scale == pytest.approx(312)
    assert exact.scale == pytest.approx(32 / 3 / 14)


def test_both_sides_are_those_that_are_asked_for(made: Callable[[str], Plain]) -> None:
    found = sized(made("panels").to_plotly_json(), Frame(1600, 400))
    assert (found.width * found.scale, found.height * found.scale) == pytest.approx((1600, 400))
    assert found.figure["layout"]["meta"]["columns"] == 4


def test_the_legend_goes_first(made: Callable[[str], Plain]) -> None:
    figure = made("panels").to_plotly_json()
    roomy, short = (sized(figure, Frame(500, height)) for height in (800, 400))
    assert roomy.figure["layout"]["showlegend"] is True
    assert short.figure["layout"]["showlegend"] is False
    assert short.figure["layout"]["title"]["text"]


@pytest.mark.parametrize("columns", [1, 2, 3, 4])
def test_columns(made: Callable[[str], Plain], columns: int) -> None:
    layout = sized(made("panels").to_plotly_json(), Frame(columns=columns)).figure["layout"]
    subplots = [layout[f"ternary{i}"]["domain"] for i in ("", 2, 3, 4)]
    assert len({domain["x"][0] for domain in subplots}) == columns


def test_without_a_title_there_is_no_room_for_one(made: Callable[[str], Plain]) -> None:
    layout = made("points").to_plotly_json()["layout"]
    bare = retitled(layout, "")
    assert bare["title"]["text"] == ""
    lower = layout["height"] - bare["height"]
    assert lower == layout["margin"]["t"] - bare["margin"]["t"] > 40
