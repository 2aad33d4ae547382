"""Messages about the work, on standard error, and JSON."""

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gscli.arrays import FloatArray
    from gscli.distribution.concrete import Concrete

SHOWN_CATEGORIES = 8


LONGEST_MESSAGE = 600
"""Characters of a message: the beginning and the end of a longer one are shown."""

UNSEEN = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Marks that change the direction of text, and so how what follows reads."""


def printable(text: str) -> str:
    r"""Return text in which what would change a terminal, or the order of letters, is escaped.

    Examples
    --------
    >>> printable("a\x1b[31m\u202e.csv")
    'a\\x1b[31m\\u202e.csv'
    """
    return "".join(
        ascii(character)[1:-1]
        if unicodedata.category(character) == "Cc" or character in UNSEEN
        else character
        for character in text
    )


def one_line(message: str) -> str:
    """Return a message as one line that a terminal shows as it stands, clipped if it is long."""
    line = printable(" ".join(message.split()))
    if len(line) <= LONGEST_MESSAGE:
        return line
    half = LONGEST_MESSAGE // 2 - 3
    return f"{line[:half]} ... {line[-half:]}"


def say(message: str, *, quiet: bool) -> None:
    """Write a line to standard error, unless asked to be quiet."""
    if not quiet:
        click.echo(printable(message), err=True)


def echo_json(content: dict[str, Any]) -> None:
    """Print one JSON object, with null where a number is not finite."""
    import json

    from gscli.records import to_json

    click.echo(json.dumps(to_json(content), allow_nan=False))


def describe_parameters(
    distributions: "Sequence[Concrete]", names: tuple[str, ...] | None = None, *, own: bool = False
) -> str:
    """Return the normalised probabilities and the temperatures (or: each row's own) in a line.

    Examples
    --------
    >>> from gscli import Concrete
    >>> describe_parameters([Concrete([1, 3, 6], 3)])
    'probs 0.1, 0.3, 0.6; t = 3'
    """
    temperatures = "each row's own" if own else format_temperatures(distributions)
    return f"{describe_probs(distributions[0].probs, names)}; t = {temperatures}"


def describe_probs(probs: "FloatArray", names: tuple[str, ...] | None = None) -> str:
    """Return normalised probabilities in a line, the first ones if there are many."""
    shown = [f"{p:.4g}" for p in probs[:SHOWN_CATEGORIES]]
    if names is not None:
        shown = [f"{name} {p}" for name, p in zip(names, shown, strict=False)]
    if len(probs) > SHOWN_CATEGORIES:
        shown.append(f"... ({len(probs)} categories)")
    return f"probs {', '.join(shown)}"


def format_temperatures(distributions: "Sequence[Concrete]") -> str:
    """Return the temperatures in a line, the middle ones left out if there are many."""
    texts = [f"{d.temperature:g}" for d in distributions]
    if len(texts) > SHOWN_CATEGORIES:
        shown = ", ".join([*texts[:3], "...", *texts[-2:]])
        return f"{shown} ({len(distributions)} temperatures)"
    return ", ".join(texts)
