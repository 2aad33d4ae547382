"""Figures to files: HTML, JSON, and images through a browser."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from gscli.plotting.browser import Image, Session

SUFFIXES = (".html", ".png", ".svg", ".pdf", ".webp", ".json")
IMAGE_SUFFIXES = (".png", ".svg", ".pdf", ".webp")


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
    if _needs_browser(paths):
        from gscli.plotting.browser import find_browser

        find_browser()


@contextmanager
def exporting(paths: Sequence[Path]) -> "Iterator[Session | None]":
    """Start a browser if one of the outputs needs it, beside the work of the block.

    Parameters
    ----------
    paths : sequence of Path
        Where figures will go.

    Yields
    ------
    Session or None
        For `save`.

    Raises
    ------
    OutputError
        If a file cannot be written.
    BrowserNotFoundError
        If an image is wanted and there is no browser: before any work is done.
    """
    from gscli.io.atomic import check_target

    for path in paths:
        check_target(path, overwrite=True)
    if _needs_browser(paths):
        from gscli.plotting.browser import Session, find_browser

        with Session(find_browser()) as session:
            yield session
    else:
        yield None


def save(
    outputs: Sequence[tuple[Any, Path]],
    style: Style = Style(),
    *,
    session: "Session | None" = None,
) -> None:
    """Write figures as HTML, images or JSON, by suffix; files that exist are replaced.

    Parameters
    ----------
    outputs : sequence of (plotly Figure, Path)
        What to write where.
    style : Style
        Sizes, and how HTML gets plotly.js.
    session : Session, optional
        From `exporting`: the browser for all images. By default one is started if it is needed.

    Raises
    ------
    OutputError
        If a file cannot be written.
    BrowserNotFoundError
        If an image is wanted and there is no browser: before anything is written.
    ExportError
        If the browser fails: then nothing is written.
    """
    from gscli.io.atomic import writing

    browser = exporting([path for _, path in outputs]) if session is None else nullcontext(session)
    with browser as used:
        wanted = [(figure, path) for figure, path in outputs if _needs_browser([path])]
        images = [_image(figure, path, style) for figure, path in wanted]
        made = [] if used is None else used.render(images)
        rendered = {path: content for (_, path), content in zip(wanted, made, strict=True)}
        for figure, path in outputs:
            content = rendered.get(path) or _text(figure, path, style).encode()
            with writing(path, overwrite=True) as file:
                file.write(content)


def _needs_browser(paths: Sequence[Path]) -> bool:
    return any(path.suffix.lower() in IMAGE_SUFFIXES for path in paths)


def _image(figure: Any, path: Path, style: Style) -> "Image":
    from gscli.plotting.browser import Image

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
