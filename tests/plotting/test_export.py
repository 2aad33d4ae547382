"""Figures to files, with a real browser and with browsers that misbehave."""

import io
import json
import os
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as Picture
from pypdf import PdfReader

from gscli import Concrete
from gscli.errors import BrowserNotFoundError, ExportError, OutputError
from gscli.plotting import theme
from gscli.plotting.browser import Browser, Image, Session, find_browser, render
from gscli.plotting.export import Style, check_browser, save
from gscli.plotting.ternary import ternary

SVG = "{http://www.w3.org/2000/svg}"
FORMATS = ("png", "svg", "pdf", "webp")


def processes_of(marker: str) -> list[int]:
    """Return the living processes whose command line holds a text."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if marker in (entry / "cmdline").read_text().replace("\0", " "):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.fixture
def stuck_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A browser that starts and never answers; returns a mark of its processes."""
    path = tmp_path / "stuck-browser"
    path.write_text("#!/bin/sh\nsleep 1000.25\n")
    path.chmod(0o755)
    monkeypatch.setenv("BROWSER_PATH", str(path))
    return "sleep 1000.25"


@pytest.fixture(scope="module")
def images(chromium: Path) -> dict[str, bytes]:
    """One figure in every format, from one browser."""
    points = Concrete([1, 3, 6], 0.05).sample(400, seed=1)
    figure = ternary(points, names=("<b>a</b>", "b", "<script>alert(1)</script>"), title="Test")
    wanted = [Image(figure.to_plotly_json(), f, 700, 640) for f in FORMATS]  # type: ignore[arg-type]
    before = time.monotonic()
    made = render(wanted, Browser(chromium, "PATH"))
    assert time.monotonic() - before < 30
    return dict(zip(FORMATS, made, strict=True))


def pixels(content: bytes) -> npt.NDArray[np.uint8]:
    return np.asarray(Picture.open(io.BytesIO(content)).convert("RGB"))


def amount(part: npt.NDArray[np.uint8], colour: str) -> int:
    """Count pixels about as hued as a colour: more of it than the two others have."""
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=float)
    shade = 255 - part.astype(float)
    ink = np.linalg.norm(shade, axis=-1)
    likeness = (shade @ (255 - wanted)) / np.maximum(ink * np.linalg.norm(255 - wanted), 1)
    return int(((ink > 60) & (likeness > 0.985)).sum())


def test_png_has_samples_and_names_at_their_corners(images: dict[str, bytes]) -> None:
    picture = pixels(images["png"])
    assert picture.shape == (640, 700, 3)
    thirds = {
        "top": picture[70:250, 250:450],
        "left": picture[400:600, 60:260],
        "right": picture[400:600, 440:660],
    }
    colours = dict(zip(thirds, theme.CATEGORY_COLOURS, strict=False))
    for place, part in thirds.items():
        amounts = {name: amount(part, colour) for name, colour in colours.items()}
        assert max(amounts, key=lambda name: amounts[name]) == place, amounts
        assert amounts[place] > 20


def test_other_formats_open(images: dict[str, bytes]) -> None:
    webp = pixels(images["webp"])
    assert webp.shape == (640, 700, 3)
    assert np.abs(webp.astype(int) - pixels(images["png"])).mean() < 3
    (page,) = PdfReader(io.BytesIO(images["pdf"])).pages
    assert float(page.mediabox.width) / float(page.mediabox.height) == pytest.approx(
        700 / 640, rel=0.03
    )
    assert images["svg"].startswith(b"<svg")


def test_names_are_text_in_svg(images: dict[str, bytes]) -> None:
    svg = images["svg"].decode()
    assert "<script" not in svg
    shown = [text.text for text in ET.fromstring(svg).iter(f"{SVG}tspan")]
    assert "<b>a</b>" in shown
    assert any(text and text.startswith("<script>alert(1)") for text in shown)


@pytest.mark.usefixtures("chromium")
def test_size_and_scale(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    save([(ternary([[0.2, 0.3, 0.5]]), path)], Style(width=300, height=250, scale=1.5))
    assert pixels(path.read_bytes()).shape == (375, 450, 3)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("chromium")
def test_no_process_is_left_over(monkeypatch: pytest.MonkeyPatch) -> None:
    # The browser's profile lies in a temporary folder, which tells its processes from others'.
    image = Image(ternary([[0.2, 0.3, 0.5]]).to_plotly_json(), "png", 300, 300)
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        monkeypatch.setattr(tempfile, "tempdir", place)
        with Session(find_browser()) as session:
            session.render([image])
            assert processes_of(f"--user-data-dir={place}")
        assert processes_of(place) == []
        assert list(Path(place).iterdir()) == []


@pytest.mark.usefixtures("chromium")
def test_a_figure_that_the_browser_cannot_draw() -> None:
    with pytest.raises(ExportError, match=r"failed|made no"):
        render([Image({"data": [{"type": "nonsense", "x": 3}], "layout": 5}, "png", 0, 0)],
               find_browser())  # fmt: skip


def test_stuck_browser_is_an_error_within_the_limit(
    stuck_browser: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gscli.plotting.browser.TIME_LIMIT", 1.5)
    path = tmp_path / "x.png"
    path.write_text("old")
    begin = time.monotonic()
    with pytest.raises(ExportError, match=r"did not answer within 1\.5 s"):
        save([(ternary([[0.2, 0.3, 0.5]]), path)])
    assert time.monotonic() - begin < 6
    assert processes_of(stuck_browser) == []
    assert path.read_text() == "old"


@pytest.mark.parametrize("script", ["exit 1", "echo hello", "kill -9 $$"])
def test_browser_that_ends_at_once_is_an_error(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\n{script}\n")
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER_PATH", str(browser))
    monkeypatch.setattr("gscli.plotting.browser.TIME_LIMIT", 4.0)
    begin = time.monotonic()
    with pytest.raises(ExportError) as caught:
        save([(ternary([[0.2, 0.3, 0.5]]), tmp_path / "x.png")])
    assert "\n" not in str(caught.value)
    assert str(browser) in str(caught.value)
    assert time.monotonic() - begin < 10
    assert not (tmp_path / "x.png").exists()


def test_no_browser_is_found_out_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROWSER_PATH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(
        "choreographer.browsers.chromium.get_chrome_download_path", lambda **_: None
    )
    monkeypatch.setattr(
        "choreographer.browsers.chromium.get_old_chrome_download_path", lambda: None
    )
    with pytest.raises(BrowserNotFoundError, match="BROWSER_PATH"):
        check_browser([Path("x.html"), Path("x.PNG")])
    check_browser([Path("x.html"), Path("x.json")])
    with pytest.raises(BrowserNotFoundError):
        save([(ternary(), tmp_path / "x.html"), (ternary(), tmp_path / "x.svg")])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["nowhere/chrome", "."])
def test_browser_path_that_is_not_a_program(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / path))
    with pytest.raises(BrowserNotFoundError, match="is not a program"):
        find_browser()


@pytest.mark.usefixtures("stuck_browser")
def test_browser_path_comes_first() -> None:
    found = find_browser()
    assert found.found_by == "BROWSER_PATH"
    assert str(found.path) == os.environ["BROWSER_PATH"]


def test_html_is_stable_and_json_is_a_figure(tmp_path: Path) -> None:
    figure: Any = ternary([[0.2, 0.3, 0.5]], names=("<script>alert(1)</script>", "b", "c"))
    one, two, data = (tmp_path / name for name in ("one.html", "two.html", "x.json"))
    save([(figure, one), (figure, two), (figure, data)])
    assert one.read_bytes() == two.read_bytes()
    assert b"<script>alert(1)" not in one.read_bytes()
    assert json.loads(data.read_text())["data"]
    save([(figure, one)], Style(plotlyjs="cdn"))
    assert one.stat().st_size < 50_000


def test_target_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        save([(ternary(), tmp_path / "no" / "x.html")])


@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize(("style", "inches"), [
    (Style(preset="paper"), 3.25), (Style(width=85 * 96 / 25.4, height=300), 85 / 25.4),
    (Style(), 700 / 96),
])  # fmt: skip
def test_a_pdf_is_as_large_as_asked_and_has_the_title(
    tmp_path: Path, style: Style, inches: float
) -> None:
    path = tmp_path / "x.pdf"
    save([(ternary([[0.2, 0.3, 0.5]], title="Mine &amp; yours"), path)], style)
    found = PdfReader(path)
    (page,) = found.pages
    assert float(page.mediabox.width) / 72 == pytest.approx(inches, abs=0.01)
    if style.height:
        assert float(page.mediabox.height) / 72 == pytest.approx(300 / 96, abs=0.01)
    assert found.metadata is not None
    assert found.metadata.title == "Mine & yours"


@pytest.mark.slow
@pytest.mark.usefixtures("chromium")
def test_an_svg_of_10000_points_is_small_and_has_each_of_them() -> None:
    points = Concrete([1, 3, 6], 0.5).sample(10_000, seed=1)
    image = Image(ternary(points).to_plotly_json(), "svg", 700, 640)
    (small,) = render([image], find_browser())
    assert len(small) < 600_000
    root = ET.fromstring(small)
    assert len(list(root.iter(f"{SVG}use"))) == 10_000
    shapes = [each for each in root.iter(f"{SVG}path") if each.get("id", "").startswith("m")]
    assert len(shapes) == 3
    assert all("opacity" in str(each.get("style")) for each in shapes)


def test_title_font_and_colours_change(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    style = Style(title="Mine & yours", font="Times", colours=("#111111", "#222222"))
    save([(ternary([[0.2, 0.3, 0.5]], title="T", subtitle="S"), path)], style)
    figure = json.loads(path.read_text())
    assert figure["layout"]["title"]["text"] == "<b>Mine &amp; yours</b>"
    assert figure["layout"]["title"]["subtitle"]["text"] == ""
    assert figure["layout"]["font"]["family"] == "Times"
    colours = [trace["marker"]["color"] for trace in figure["data"] if trace["showlegend"]]
    assert colours == ["#111111", "#222222", theme.CATEGORY_COLOURS[2]]


@pytest.mark.usefixtures("chromium")
def test_figures_that_others_made(tmp_path: Path) -> None:
    import plotly.graph_objects as go

    figure = go.Figure(go.Scatter(x=[1, 2], y=[1, 2]), layout={"title": "T", "width": 400})
    names = ("x.html", "x.png", "x.json")
    outputs = [(figure, tmp_path / name) for name in names]
    save(outputs, Style(width=300, height=200, scale=1, title="U", font="Times"))
    assert pixels((tmp_path / "x.png").read_bytes()).shape == (200, 300, 3)
    assert json.loads((tmp_path / "x.json").read_text())["layout"]["title"]["text"] == "U"
    assert "<title>U</title>" in (tmp_path / "x.html").read_text()
