"""The page of one figure, in a real browser."""

from pathlib import Path
from typing import Any

import pytest

from gscli import Concrete, highest_density_regions
from gscli.plotting.export import Style, save
from gscli.plotting.ternary import ternary


@pytest.fixture
def page(tmp_path: Path) -> Path:
    d = Concrete([1, 3, 6], 0.5)
    figure = ternary(d.sample(300, seed=1), regions=highest_density_regions(d), title="A <b> title")
    save([(figure, tmp_path / "x.html")])
    return tmp_path / "x.html"


def test_title_language_and_viewport(page: Path) -> None:
    text = page.read_text(encoding="utf-8").replace("\n", " ")
    assert '<html lang="en">' in text
    assert "<title>A   title</title>" in text
    assert 'name="viewport" content="width=device-width, initial-scale=1"' in text


def test_a_link_to_plotlyjs_is_checked_by_its_digest(tmp_path: Path) -> None:
    save([(ternary([[0.2, 0.3, 0.5]]), tmp_path / "x.html")], Style(plotlyjs="cdn"))
    text = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert len(text) < 100_000
    assert 'src="https://cdn.plot.ly/plotly-' in text
    assert 'integrity="sha256-' in text


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_it_fits_the_window_and_the_scheme(
    page: Path, chromium: Path, scheme: Any, width: int
) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium)
        shown = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        errors: list[str] = []
        shown.on("pageerror", lambda error: errors.append(str(error)))
        shown.goto(page.as_uri())
        shown.wait_for_selector(".main-svg")
        size = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        assert shown.evaluate(size) == [width, 900]
        ground = shown.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        paper = shown.evaluate("document.querySelector('.main-svg').style.background")
        title = shown.evaluate("document.querySelector('.gtitle').style.fill")
        expected = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 29)"}[scheme]
        assert ground == expected
        assert paper == expected
        assert title == {"light": "rgb(31, 41, 51)", "dark": "rgb(230, 235, 240)"}[scheme]
        # A drag changes nothing: the names at the corners stay right.
        before = shown.evaluate("JSON.stringify(place.layout.ternary.aaxis.min ?? 0)")
        shown.mouse.move(width / 2, 350)
        shown.mouse.down()
        shown.mouse.move(width / 2 + 60, 420, steps=5)
        shown.mouse.up()
        assert shown.evaluate("JSON.stringify(place.layout.ternary.aaxis.min ?? 0)") == before
        assert errors == []
        browser.close()
