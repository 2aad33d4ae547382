"""Figures in notebooks, and where those are converted."""

import base64
from pathlib import Path
from typing import Any

import plotly.io as pio
import pytest

from gscli.errors import BrowserNotFoundError
from gscli.plotting import notebook, plotlyjs
from gscli.plotting.ternary import ternary

MIME = "application/vnd.plotly.v1+json"


@pytest.fixture
def bundle(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(pio.renderers, "default", "plotly_mimetype")
    return lambda: ternary([[0.2, 0.3, 0.5]], title="T")._repr_mimebundle_()


@pytest.mark.usefixtures("chromium")
def test_a_picture_stands_beside_the_interactive_figure(bundle: Any) -> None:
    found = bundle()
    assert set(found) == {MIME, "text/html", "image/png"}
    assert base64.b64decode(found["image/png"]).startswith(b"\x89PNG")
    assert found["image/png"] in found["text/html"]


def test_without_a_browser_there_is_html_alone(
    bundle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise BrowserNotFoundError("none")

    monkeypatch.setattr("gscli.plotting.browser.find_browser", fail)
    found = bundle()
    assert set(found) == {MIME, "text/html"}
    assert "<img" not in found["text/html"]


def test_a_renderer_that_was_chosen_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pio.renderers, "default", "png")
    monkeypatch.setattr(notebook.Figure, "_png", lambda _: pytest.fail("made for nobody"))
    monkeypatch.setattr(pio.renderers["png"], "to_mimebundle", lambda _: {"image/png": "x"})
    assert ternary([[0.2, 0.3, 0.5]])._repr_mimebundle_() == {"image/png": "x"}


@pytest.mark.slow
@pytest.mark.parametrize("network", [True, False])
def test_the_html_shows_the_picture_until_plotlyjs_is_there(
    bundle: Any, chromium: Path, network: bool
) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium)
        page = browser.new_page()
        headers = {"access-control-allow-origin": "*", "content-type": "text/javascript"}
        page.route(
            "https://cdn.plot.ly/**",
            lambda route: (
                route.fulfill(body=plotlyjs.script(), headers=headers) if network else route.abort()
            ),
        )
        require = "<script>window.define = Object.assign(() => {}, { amd: {} })</script>"
        page.set_content(require + bundle()["text/html"])
        page.wait_for_timeout(1500)
        drawn, pictures = page.evaluate(
            "['.main-svg', 'img'].map((each) => document.querySelectorAll(each).length)"
        )
        assert (drawn > 0, pictures) == ((True, 0) if network else (False, 1))
        assert page.evaluate("typeof window.define") == "function"
        browser.close()
