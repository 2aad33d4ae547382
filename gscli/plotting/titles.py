"""The title of a figure: its text, and the room that it takes."""

import html
import re
from collections.abc import Mapping
from typing import Any

TITLE_LINE, SUBTITLE_LINE = 24, 18
"""Pixels that a line of a title and of a subtitle takes."""


def title_of(layout: Mapping[str, Any]) -> tuple[str, str]:
    """Return the title and the subtitle of a layout, as plotly's HTML."""
    title = layout.get("title", {})
    text = str(title.get("text") or "").removeprefix("<b>").removesuffix("</b>")
    return text, str(title.get("subtitle", {}).get("text") or "")


def plain_title(layout: Mapping[str, Any]) -> str:
    """Return the title of a layout as text, also one that is not shown."""
    text = layout.get("meta", {}).get("title") or title_of(layout)[0]
    return html.unescape(re.sub("<[^>]*>", " ", text))


def title_height(title: str, subtitle: str) -> int:
    """Return the pixels that a title and a subtitle take above a figure."""
    lines = [TITLE_LINE * (text.count("<br>") + 1) for text in [title] if text]
    lines += [SUBTITLE_LINE * (text.count("<br>") + 1) for text in [subtitle] if text]
    return sum(lines) + (18 if lines else 0)
