"""Figures to files: HTML, JSON, and images through a browser."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
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
    preset : {"paper"}, or None
        Defaults of other attributes: 3.25 inches wide, or 5.5 for several panels, type of 8 pt, no
        title, and 300 dots per inch.
    width, height : float or None
        Of images, in CSS pixels (1/96 inch); by default the figure's own, or in its proportions.
    type_size : float or None
        Of axis labels in images, in CSS pixels; by default in proportion to the figure.
    title : str or None
        In the place of the figure's own; if empty, none at all, and no subtitle.
    font : str or None
        A family of type.
    colours : sequence of str
        Of the categories, such as ``#0072b2``: these, then the usual ones.
    panel_columns : int or None
        Panels side by side.
    scale : float or None
        Pixels of PNG and WebP for each CSS pixel; by default 2.
    plotlyjs : {"inline", "cdn"}
        Whether HTML holds plotly.js (4.8 MB, works with no network) or links to it.
    """

    preset: Literal["paper"] | None = None
    width: float | None = None
    height: float | None = None
    type_size: float | None = None
    title: str | None = None
    font: str | None = None
    colours: Sequence[str] = ()
    panel_columns: int | None = None
    scale: float | None = None
    plotlyjs: Literal["inline", "cdn"] = "inline"

    def of_preset(self, panels: int) -> "Style":
        """Return the style with what its preset says of so many panels."""
        if self.preset is None:
            return self
        width = self.width
        if width is None and self.height is None:
            width = (PAPER_WIDTH if panels == 1 else WIDE_PAPER_WIDTH) * CSS_INCH
        return replace(
            self,
            preset=None,
            width=width,
            type_size=self.type_size or PAPER_TYPE * CSS_INCH / 72,
            title=self.title or "",
            scale=self.scale or PAPER_DENSITY / CSS_INCH,
        )


CSS_INCH = 96
"""CSS pixels."""

PAPER_WIDTH, WIDE_PAPER_WIDTH, PAPER_TYPE, PAPER_DENSITY = 3.25, 5.5, 8, 300
"""Inches, of a column and of a page, points, and dots per inch."""

SCALE = 2.0


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
        made = [(_styled(figure, style), path) for figure, path in outputs]
        wanted = [(figure, path) for figure, path in made if _needs_browser([path])]
        images = [_image(figure, path, style) for figure, path in wanted]
        contents = [] if used is None else used.render(images)
        rendered = {path: content for (_, path), content in zip(wanted, contents, strict=True)}
        for figure, path in made:
            content = rendered.get(path) or _text(figure, path, style).encode()
            with writing(path, overwrite=True) as file:
                file.write(content)


def _needs_browser(paths: Sequence[Path]) -> bool:
    return any(path.suffix.lower() in IMAGE_SUFFIXES for path in paths)


def _styled(figure: Any, style: Style) -> dict[str, Any]:
    """Return a figure, as a dictionary, with the title, type and colours that are wanted."""
    from gscli.plotting import theme
    from gscli.plotting.colours import recoloured

    drawn: dict[str, Any] = figure.to_plotly_json()
    layout = drawn["layout"]
    style = style.of_preset(_panels(layout))
    if style.title is not None:
        from gscli.plotting.sizing import retitled

        layout = drawn["layout"] = retitled(layout, theme.escape(style.title))
    if style.font is not None:
        layout["font"] = {**layout.get("font", {}), "family": style.font}
        layout["hoverlabel"] = {"font": {"family": style.font}}
    if style.colours:
        drawn = recoloured(drawn, theme.other_colours(style.colours))
    return drawn


def _image(figure: dict[str, Any], path: Path, style: Style) -> "Image":
    from gscli.plotting.browser import Image
    from gscli.plotting.sizing import Frame, sized
    from gscli.plotting.titles import plain_title

    style = style.of_preset(_panels(figure["layout"]))
    frame = Frame(style.width, style.height, style.type_size, style.panel_columns)
    found = sized(figure, frame)
    suffix: Any = path.suffix.lower()[1:]
    vector = suffix in ("svg", "pdf")
    drawn = _as_vectors(found.figure) if vector else found.figure
    scale = found.scale * (1 if vector else style.scale or SCALE)
    title = plain_title(figure["layout"]) or path.stem
    return Image(drawn, suffix, found.width, found.height, scale, title)


def _panels(layout: dict[str, Any]) -> int:
    return int(layout.get("meta", {}).get("count", 1))


def _as_vectors(figure: dict[str, Any]) -> dict[str, Any]:
    """Return a figure whose points are no picture inside of the picture."""
    traces = figure["data"]
    plain = [t | {"type": "scatter"} if t["type"] == "scattergl" else t for t in traces]
    return {**figure, "data": plain}


def _text(figure: dict[str, Any], path: Path, style: Style) -> str:
    if path.suffix.lower() == ".json":
        from plotly.io import to_json

        from gscli.plotting.sizing import Frame, sized

        frame = Frame(columns=style.panel_columns)

        return str(to_json(sized(figure, frame).figure, validate=False))
    from gscli.plotting.page import page

    return page(
        figure,
        columns=style.panel_columns,
        palette=style.colours,
        plotlyjs=style.plotlyjs,
    )
