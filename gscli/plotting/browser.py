"""The browser that renders figures: found, started beside other work, limited, and ended."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from gscli.errors import BrowserNotFoundError, ExportError
from gscli.execution.ending import undone_on_signals
from gscli.execution.interrupts import result_of
from gscli.io.temporary import temporary_folder
from gscli.plotting.svg import with_shared_markers

T = TypeVar("T")

TIME_LIMIT = 60.0
"""Seconds that rendering may take, from when the figures are ready."""

CLOSING_TIME = 5.0

LONGEST_FOLDER = 60
"""Characters: Chromium makes a socket below it, whose path may have 107."""

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
        """Return its name and version, or None if it does not answer within seconds."""
        try:
            process = subprocess.Popen(  # noqa: S603
                [str(self.path), "--version"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # with what it starts, to be ended together
            )
        except OSError:
            return None
        with process, undone_on_signals(partial(_kill, process)):
            try:
                answer, _ = process.communicate(timeout=CLOSING_TIME)
            except subprocess.TimeoutExpired:
                return None
            finally:
                _kill(process)
        return answer.decode(errors="replace").strip() or None


@dataclass(frozen=True, slots=True)
class Image:
    """What to render: a figure (as plotly's dictionary), its format, its size in pixels, and title.

    The image is `scale` times as large; a PDF has the title among its properties.
    """

    figure: dict[str, Any]
    format: Literal["png", "svg", "pdf", "webp"]
    width: float
    height: float
    scale: float = 1.0
    title: str = ""

    def options(self) -> dict[str, Any]:
        """Return all but the figure, as kaleido names it."""
        # Of pixels, so little more that 449.99999999 of them are not cut to 449.
        scale = self.scale * (1 + 1e-9) if self.format in ("png", "webp") else self.scale
        return {"format": self.format, "width": self.width, "height": self.height, "scale": scale}


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


class Session:
    """A browser that starts in the background while the figures are being made.

    A context manager: when its block ends, however it ends, the browser's processes are gone.

    Parameters
    ----------
    browser : Browser
        From `find_browser`.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._kaleido: Any = None
        self._pipe: Any = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        # The browser's own complaints say nothing that an ExportError does not.
        self._silenced = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        self._folder = str(self._stack.enter_context(temporary_folder(LONGEST_FOLDER)))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._stack.enter_context(undone_on_signals(self._end_browser))
        self._opening = self._submit(self._open())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end_browser()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSING_TIME)
        if not self._thread.is_alive():
            self._loop.close()
        self._stack.close()
        logging.disable(self._silenced)

    def render(self, images: Sequence[Image]) -> list[bytes]:
        """Render figures, within `TIME_LIMIT` seconds of wall-clock time.

        Parameters
        ----------
        images : sequence of Image
            What to render.

        Returns
        -------
        list of bytes
            Each image's file, in order; checked to be of its format.

        Raises
        ------
        ExportError
            If the browser does not start, does not answer in time, or makes something else than
            the image.
        """
        path = self._browser.path
        try:
            made = result_of(self._submit(self._render(images)), TIME_LIMIT)
        except TimeoutError as error:
            raise ExportError(
                f"the browser {path} did not answer within {TIME_LIMIT:g} s; "
                "check it with `gscli doctor --export`"
            ) from error
        except Exception as error:
            reason = " ".join(str(part) for part in error.args[:1]) or type(error).__name__
            raise ExportError(f"the browser {path} failed: {reason}") from error
        for image, content in zip(images, made, strict=True):
            if _SIGNATURES[image.format] not in content[:256]:
                raise ExportError(f"the browser {path} made no {image.format} image")
        return made

    def _end_browser(self) -> None:
        if not self._loop.is_closed():
            with suppress(Exception):
                self._submit(self._end()).result(4 * CLOSING_TIME)

    def _submit(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _open(self) -> None:
        from choreographer.channels import Pipe
        from kaleido import Kaleido, PageGenerator

        self._pipe = Pipe()
        page: dict[str, Any] = {"mathjax": False}
        if "snap" not in str(self._browser.path):  # such a browser does not see our folder
            # In our folder, which is deleted also if this process is killed; not in kaleido's own.
            index = Path(self._folder) / "index.html"
            index.write_text(PageGenerator(**page).generate_index(), encoding="utf-8")
            page = {"page_generator": index}
        self._kaleido = Kaleido(
            path=self._browser.path,
            **page,
            timeout=TIME_LIMIT,
            tmp_dir=self._folder,
            browser_cls=_browser_class(self._folder),
            channel_cls=lambda: self._pipe,
        )
        await self._kaleido.open()
        # Loading the page anew after each image, as kaleido does, costs as much as an image.
        tab = await self._kaleido.tabs_ready.get()
        tab.reload = _do_nothing
        await self._kaleido.tabs_ready.put(tab)

    async def _render(self, images: Sequence[Image]) -> list[bytes]:
        await asyncio.wrap_future(self._opening)
        return [await self._made(image) for image in images]

    async def _made(self, image: Image) -> bytes:
        if image.format == "pdf":  # the title of the page becomes that of the document
            tab = await self._kaleido.tabs_ready.get()
            naming = {"expression": f"document.title = {json.dumps(image.title)}"}
            await tab.tab.send_command("Runtime.evaluate", params=naming)
            await self._kaleido.tabs_ready.put(tab)
        content: bytes = await self._kaleido.calc_fig(image.figure, image.options())
        return with_shared_markers(content.decode()).encode() if image.format == "svg" else content

    async def _end(self) -> None:
        """End the browser's processes, which are a group, at once."""
        # A browser that is only just being started could not be found, and would stay.
        async with asyncio.timeout(CLOSING_TIME):
            while not (self._opening.done() or hasattr(self._kaleido, "subprocess")):
                await asyncio.sleep(0.02)
        process = getattr(self._kaleido, "subprocess", None)
        if process is not None:
            _kill(process)
            with suppress(subprocess.TimeoutExpired):
                process.wait(CLOSING_TIME)
        with suppress(Exception):
            # Its reader would wait two seconds for an answer that cannot come any more.
            self._pipe.close()
        with suppress(Exception):
            await asyncio.wait_for(self._kaleido.close(), CLOSING_TIME)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others, timeout=CLOSING_TIME)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End a process and its group."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def render(images: Sequence[Image], browser: Browser) -> list[bytes]:
    """Render figures in a browser of their own; see `Session.render`."""
    with Session(browser) as session:
        return session.render(images)


async def _do_nothing() -> None:
    pass


def _browser_class(folder: str) -> Any:
    from choreographer.browsers.chromium import Chromium

    class Tidy(Chromium):  # type: ignore[misc]
        # What Chromium puts into the folder for temporary files stays there when it is killed.
        def get_env(self) -> Any:
            return {**super().get_env(), "TMPDIR": folder}

    return Tidy if len(folder) <= LONGEST_FOLDER else Chromium
