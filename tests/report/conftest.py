"""A browser without a network, and pages in it."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gscli.distribution.concrete import Concrete
from gscli.report.page import Origin, page
from gscli.report.sweep import finish, sweep_steps

Open = Callable[..., Any]
FAULTS = ("error", "warning")


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Any]:
    """Chromium under playwright's command; no longer, for its event loop is in others' way."""
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=str(chromium), args=["--no-sandbox", "--disable-gpu"]
        )
        yield running
        running.close()


@pytest.fixture
def show(browser: Any) -> Iterator[Open]:
    """Open a page with the network off; an error in its console fails the test."""
    with contextlib.ExitStack() as stack:
        faults: list[str] = []

        def run(path: Path, *, width: int = 1200, scheme: str = "light", **options: Any) -> Any:
            context = browser.new_context(
                viewport={"width": width, "height": 900},
                color_scheme=scheme,
                offline=True,
                reduced_motion="reduce",
                **options,
            )
            stack.callback(context.close)
            shown = context.new_page()
            shown.on("pageerror", lambda error: faults.append(str(error)))
            shown.on("console", lambda said: faults.extend([said.text] * (said.type in FAULTS)))
            shown.on("requestfailed", lambda request: faults.append(request.url))
            shown.add_init_script("window.alert = text => console.error(text)")
            shown.goto(path.as_uri())
            return shown

        yield run
        assert faults == []


def html(
    pi: list[float],
    temperatures: tuple[float, ...] = (0.1, 0.5, 1.0, 3.0),
    *,
    names: tuple[str, ...] | None = None,
    n: int = 2000,
    seed: int = 1,
) -> str:
    """Return the report of a small sweep."""
    distribution = Concrete(pi, 1)
    sweep = finish(list(sweep_steps(distribution, temperatures, n=n, seed=seed)), n=n, seed=seed)
    labels = names or tuple(f"x{k + 1}" for k in range(len(pi)))
    return page(sweep, Origin(labels, "gscli sweep"))


@pytest.fixture(scope="session")
def classic_html() -> str:
    """The report of pi = 1, 3, 6."""
    return html([1, 3, 6])


@pytest.fixture(scope="session")
def classic(classic_html: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a file."""
    path = tmp_path_factory.mktemp("report") / "classic.html"
    path.write_text(classic_html, encoding="utf-8")
    return path
