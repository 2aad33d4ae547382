"""Figures to images through a browser: one for all, within a limit of time, gone afterwards."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gscli.errors import BrowserNotFoundError, ExportError
from gscli.files import check_target, writing

SUFFIXES = (".html", ".png", ".svg", ".pdf", ".webp", ".json")
IMAGE_SUFFIXES = (".png", ".svg", ".pdf", ".webp")
TIME_LIMIT = 60.0
CLOSING_TIME = 5.0

_SIGNATURES = {"png": b"\x89PNG", "pdf": b"%PDF", "webp": b"RIFF", "svg": b"<svg"}


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser that image export can drive.

    Attributes
    ----------
    path : Path
        Its executable.
    found_by : {"BROWSER_PATH", "download", "PATH"}
        The environment variable, kaleido's own download, or the search path.
    """

    path: Path
    found_by: Literal["BROWSER_PATH", "download", "PATH"]

    def version(self) -> str | None:
        """Return what it calls itself, or None if it does not answer within seconds."""
        try:
            answer = subprocess.run(  # noqa: S603
                [str(self.path), "--version"],
                capture_output=True,
                text=True,
                timeout=CLOSING_TIME,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return answer.stdout.strip() or None


@dataclass(frozen=True, slots=True)
class Style:
    """How figures are written.

    Attributes
    ----------
    width, height : int or None
        Of images, in pixels; the figure's own by default.
    scale : float
        Pixels of the image for each pixel of the figure.
    plotlyjs : {"inline", "cdn"}
        Whether HTML holds plotly.js (4.8 MB, works with no network) or links to it.
    """

    width: int | None = None
    height: int | None = None
    scale: float = 2.0
    plotlyjs: Literal["inline", "cdn"] = "inline"


def check_browser(paths: Sequence[Path]) -> None:
    """Raise `BrowserNotFoundError` if one of the outputs needs a browser and there is none."""
    if any(path.suffix.lower() in IMAGE_SUFFIXES for path in paths):
        find_browser()


def save(
    outputs: Sequence[tuple[Any, Path]],
    style: Style = Style(),
    *,
    time_limit: float = TIME_LIMIT,
) -> None:
    """Write figures as HTML, images or JSON, by suffix; one browser serves all images.

    Parameters
    ----------
    outputs : sequence of (plotly Figure, Path)
        What to write where; files that exist are replaced.
    style : Style
        Sizes, and how HTML gets plotly.js.
    time_limit : float
        Seconds for all images together.

    Raises
    ------
    OutputError
        If a file cannot be written.
    BrowserNotFoundError
        If an image is wanted and there is no browser: before anything is written.
    ExportError
        If the browser fails.
    """
    for _, path in outputs:
        check_target(path, overwrite=True)
    wanted = [(figure, path) for figure, path in outputs if path.suffix.lower() in IMAGE_SUFFIXES]
    rendered: dict[Path, bytes] = {}
    if wanted:
        images = [_image(figure, path, style) for figure, path in wanted]
        made = render(images, find_browser(), time_limit=time_limit)
        rendered = {path: content for (_, path), content in zip(wanted, made, strict=True)}
    for figure, path in outputs:
        content = rendered.get(path) or _text(figure, path, style).encode()
        with writing(path, overwrite=True) as file:
            file.write(content)


def _image(figure: Any, path: Path, style: Style) -> "Image":
    return Image(
        figure.to_plotly_json(),
        path.suffix.lower()[1:],  # type: ignore[arg-type]
        style.width or int(figure.layout.width),
        style.height or int(figure.layout.height),
        style.scale,
    )


def _text(figure: Any, path: Path, style: Style) -> str:
    if path.suffix.lower() == ".json":
        return str(figure.to_json())
    page = type(figure)(figure)
    page.update_layout(width=None, height=None, autosize=True)
    return str(
        page.to_html(
            include_plotlyjs=True if style.plotlyjs == "inline" else "cdn",
            div_id="figure",
            default_height="96vh",
            config={"responsive": True, "displaylogo": False},
        )
    )


@dataclass(frozen=True, slots=True)
class Image:
    """What to render: a figure (as plotly's dictionary), its format, and its size in pixels."""

    figure: dict[str, Any]
    format: Literal["png", "svg", "pdf", "webp"]
    width: int
    height: int
    scale: float = 1.0


def find_browser() -> Browser:
    """Look for a browser, without starting it.

    Returns
    -------
    Browser
        The one that `BROWSER_PATH` names, else kaleido's own download, else the first Chrome,
        Chromium, Edge or Brave on the search path.

    Raises
    ------
    BrowserNotFoundError
        If there is none; the message lists the ways to get one.
    """
    with _without_arguments():
        from choreographer.browsers.chromium import Chromium

    named = os.environ.get("BROWSER_PATH")
    if named:
        if not os.access(named, os.X_OK) or Path(named).is_dir():
            raise BrowserNotFoundError(
                f"BROWSER_PATH={named} is not a program; point it at a Chrome or Chromium"
            )
        return Browser(Path(named), "BROWSER_PATH")
    # On Linux the usual places are on the search path, or were left out of it on purpose.
    on_path = Chromium.find_browser(skip_local=True, skip_typical=sys.platform == "linux")
    path = Chromium.find_browser(skip_local=False, skip_typical=sys.platform == "linux")
    if path is None:
        raise BrowserNotFoundError(
            "no browser for image export: install Chrome or Chromium (Debian: apt-get install "
            "chromium), run kaleido_get_chrome, or set BROWSER_PATH to one; .html needs none"
        )
    return Browser(Path(path), "PATH" if path == on_path else "download")


@contextmanager
def _without_arguments() -> Iterator[None]:
    # choreographer's logger reads the command line when it is imported, and ends the program over
    # our --log, which it takes for an abbreviation of options of its own.
    given, sys.argv = sys.argv, sys.argv[:1]
    try:
        yield
    finally:
        sys.argv = given


def render(
    images: Sequence[Image], browser: Browser, *, time_limit: float = TIME_LIMIT
) -> list[bytes]:
    """Render figures in one browser.

    Parameters
    ----------
    images : sequence of Image
        What to render.
    browser : Browser
        From `find_browser`.
    time_limit : float
        Seconds for everything, by the clock on the wall.

    Returns
    -------
    list of bytes
        Each image's file, in order; checked to be of its format.

    Raises
    ------
    ExportError
        If the browser does not start, does not answer in time, or makes something else than the
        image; its processes are gone by then.
    """
    # The browser's own complaints say nothing that the error below does not.
    previous = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            made = asyncio.run(_render(images, browser, time_limit, folder))
    finally:
        logging.disable(previous)
    for image, content in zip(images, made, strict=True):
        if _SIGNATURES[image.format] not in content[:256]:
            raise ExportError(f"the browser {browser.path} made no {image.format} image")
    return made


async def _render(
    images: Sequence[Image], browser: Browser, time_limit: float, folder: str
) -> list[bytes]:
    kaleido = _kaleido(path=browser.path, mathjax=False, timeout=time_limit, tmp_dir=folder)
    begin = time.monotonic()
    try:
        async with asyncio.timeout(time_limit):
            await kaleido.open()
            return [await kaleido.calc_fig(i.figure, opts=_options(i)) for i in images]
    except Exception as error:
        if isinstance(error, TimeoutError) or time.monotonic() - begin >= time_limit:
            raise ExportError(
                f"the browser {browser.path} did not answer within {time_limit:g} s; "
                "check it with `gscli doctor --export`"
            ) from error
        if asyncio.current_task().cancelling():  # type: ignore[union-attr]
            # Ctrl-C, which the browser's driver took for a failure of its own.
            raise asyncio.CancelledError from error
        reason = " ".join(str(part) for part in error.args[:1]) or type(error).__name__
        raise ExportError(f"the browser {browser.path} failed: {reason}") from error
    finally:
        await _end(kaleido)


def _kaleido(**options: Any) -> Any:
    from kaleido import Kaleido

    class KeptTab(Kaleido):  # type: ignore[misc]
        # Loading the page anew after each image, as kaleido does, costs as much as an image.
        async def _return_kaleido_tab(self, tab: Any) -> None:
            await self.tabs_ready.put(tab)

    return KeptTab(**options)


def _options(image: Image) -> Any:
    return {
        "format": image.format,
        "width": image.width,
        "height": image.height,
        "scale": image.scale,
    }


async def _end(kaleido: Any) -> None:
    """End the browser's processes at once: it leads a group of its own, and holds nothing dear."""
    process = getattr(kaleido, "subprocess", None)
    if process is not None:
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(CLOSING_TIME)
    with suppress(Exception):
        # Its reader waits two seconds for a word from the dead, unless the pipe is closed first.
        kaleido._channel.close()
    with suppress(Exception):
        await asyncio.wait_for(kaleido.close(), CLOSING_TIME)
