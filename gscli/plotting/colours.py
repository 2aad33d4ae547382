"""Colours of a finished figure: text that can be read on its ground, other palettes, dark pages."""

import re
from collections.abc import Mapping
from typing import Any

LEAST_CONTRAST = 4.5
"""Of text and its ground: WCAG 2.2, level AA."""


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours such as #0072b2, as WCAG defines it.

    Examples
    --------
    >>> round(contrast("#000000", "#ffffff"), 3), contrast("#123456", "#123456")
    (21.0, 1.0)
    """
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable(colour: str, ground: str) -> str:
    """Return a colour of the same hue that text can have on a ground.

    Examples
    --------
    >>> readable("#0072b2", "#ffffff"), readable("#e69f00", "#ffffff")
    ('#0072b2', '#9c6c00')
    """
    end = 0.0 if _luminance(ground) > 0.18 else 255.0
    red, green, blue = _channels(colour)
    for step in range(101):
        share = step / 100
        mixed = (round(c + share * (end - c)) for c in (red, green, blue))
        found = "#" + "".join(f"{c:02x}" for c in mixed)
        if contrast(found, ground) >= LEAST_CONTRAST:
            break
    return found


def recoloured(value: Any, colours: Mapping[str, str]) -> Any:
    """Return a figure, as dictionaries and lists, with other colours in the place of some.

    Examples
    --------
    >>> recoloured({"line": {"color": "#1F2933"}, "x": [1]}, {"#1f2933": "#fff"})
    {'line': {'color': '#fff'}, 'x': [1]}
    """
    if isinstance(value, str):
        if value.lower() in colours:
            return colours[value.lower()]
        # Of text, as in <b style="color:#d55e00">.
        return re.sub(
            r"(?<=color:)#\w{6}", lambda found: colours.get(found[0].lower(), found[0]), value
        )
    if isinstance(value, dict):
        return {key: recoloured(each, colours) for key, each in value.items()}
    if isinstance(value, list | tuple) and not (value and isinstance(value[0], float | int)):
        return [recoloured(each, colours) for each in value]
    return value


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    shares = [c / 255 for c in _channels(colour)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
