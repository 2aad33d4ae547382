"""One figure as a page: it fits the window, and follows the scheme of the reader's browser."""

import html
from collections.abc import Sequence
from importlib.resources import files
from string import Template
from typing import Any, Literal

from gscli.plotting import theme
from gscli.plotting.plotlyjs import as_json, integrity, script, source
from gscli.plotting.sizing import Frame, sized
from gscli.plotting.titles import plain_title

WIDTHS = (1200, 900, 640, 370)
"""Pixels of windows for which a narrower page has a layout of its own; of phones the last one."""


def page(
    figure: dict[str, Any],
    *,
    columns: int | None = None,
    palette: Sequence[str] = (),
    plotlyjs: Literal["inline", "cdn"] = "inline",
) -> str:
    """Return a page that shows a figure.

    Parameters
    ----------
    figure : dict
        As of plotly, by the functions of this package.
    columns : int, optional
        Panels side by side, where the window is wide enough for them.
    palette : sequence of str
        Colours that the categories have in place of the usual ones, on any ground.
    plotlyjs : {"inline", "cdn"}
        Whether it holds plotly.js or links to it.
    """
    made = [sized(figure, Frame(columns=columns))]
    frames = (Frame(width, type_size=theme.TYPE_SIZE) for width in WIDTHS if width < made[0].width)
    made += [sized(figure, frame) for frame in frames]
    layouts = [{**e.figure["layout"], "width": e.width, "height": e.height} for e in made]
    template = Template(files("gscli.plotting").joinpath("page.html").read_text("utf-8"))
    return template.substitute(
        title=html.escape(plain_title(figure["layout"]) or "Figure"),
        paper=theme.PAPER,
        dark_paper=theme.DARK_PAPER,
        plotlyjs=_tag(plotlyjs),
        traces=as_json(figure["data"]),
        layouts=as_json(layouts),
        dark_colours=as_json(theme.dark_colours(palette)),
    )


def _tag(where: str) -> str:
    if where == "inline":
        return f"<script>{script()}</script>"
    return f'<script src="{source()}" integrity="{integrity()}" crossorigin="anonymous"></script>'
