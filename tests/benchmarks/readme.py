"""The table of speed in the README, between its two markers."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from .measure import Row

BEGIN, END = "<!-- speed -->\n", "<!-- /speed -->"
SIZE = ", K = "


def rewritten(readme: str, machine: str, rows: Iterable[Row]) -> str:
    """Return the README's text with another table, and the machine that it was measured on."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the README lacks {BEGIN.strip()} or {END}")
    return f"{before}{begin}{machine}:\n\n{markdown(rows)}{end}{after}"


def markdown(rows: Iterable[Row]) -> str:
    """Return the rows as a table; those that differ in K alone share a line."""
    lines = ["| what | gscli | against | ratio |", "|---|---|---|---|"]
    lines += [f"| {row.what} | {row.ours} | {row.against} | {row.ratio} |" for row in _merged(rows)]
    return "\n".join(lines) + "\n"


def _merged(rows: Iterable[Row]) -> Iterator[Row]:
    for _, group in groupby(rows, key=_kind):
        alike = list(group)
        what = alike[0].what.partition(SIZE)[0]
        sizes = [row.what.partition(SIZE)[2] for row in alike if SIZE in row.what]
        figures, notes = zip(*(_split(row.against) for row in alike), strict=True)
        yield Row(
            what + (SIZE + ", ".join(sizes) if sizes else ""),
            _joined([row.ours for row in alike]),
            ": ".join(filter(None, [notes[0], _joined(list(figures))])),
            _joined([row.ratio for row in alike]),
        )


def _kind(row: Row) -> tuple[str, str]:
    """Return what rows share that differ in K alone."""
    note = _split(row.against)[1]
    return (row.what.partition(SIZE)[0], note) if SIZE in row.what and note else (row.what, note)


def _split(against: str) -> tuple[str, str]:
    """Return the figure of what is compared, and its name; a text without figures is a name."""
    figure, _, note = against.partition("  ")
    return (figure, note) if note else ("", against)


def _joined(texts: list[str]) -> str:
    """Return figures of one unit in a line: ``4.6, 4.1 ns/value``."""
    found = [re.fullmatch(r"(\S+)( .*)?", text) for text in texts]
    if any(match is None for match in found):
        return ", ".join(dict.fromkeys(texts))
    units = {match[2] or "" for match in found if match}
    return ", ".join(match[1] for match in found if match) + (units.pop() if units else "")
