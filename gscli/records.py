"""Results to JSON, to rows of tables and to text: the one way, for every result of the package."""

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np


@dataclass(frozen=True, eq=False, slots=True)
class Record:
    """A result whose fields are the keys of its JSON and the columns of its table.

    Attributes
    ----------
    KEYS : str
        The fields and properties that are meant, separated by blanks; by default all fields.
    """

    KEYS: ClassVar[str] = ""

    def _items(self) -> dict[str, Any]:
        keys = self.KEYS.split() or [field.name for field in fields(self)]
        return {key: getattr(self, key) for key in keys}

    def as_dict(self) -> dict[str, Any]:
        """Return the result as a JSON-serialisable dict, numbers unrounded."""
        found: dict[str, Any] = to_json(self._items())
        return found

    def as_row(self, names: Mapping[int, str], prefix: str = "") -> dict[str, Any]:
        """Return the result as a row of a table, by the names of its columns.

        Parameters
        ----------
        names : mapping of int to str
            The categories that are wanted, by position: arrays over the categories have a column
            for each.
        prefix : str
            What the columns' names begin with.
        """
        return _row(self._items(), names, prefix)


def to_json(value: Any) -> Any:
    """Return a value as dicts, lists and scalars that JSON knows, None for what is not finite.

    Examples
    --------
    >>> to_json({1: np.array([0.5, np.nan])})
    {'1': [0.5, None]}
    """
    match value:
        case Record():
            return value.as_dict()
        case Mapping():
            return {str(key): to_json(each) for key, each in value.items()}
        case np.ndarray() if np.isfinite(value).all():
            return value.tolist()
        case np.ndarray() | np.generic():
            return to_json(value.tolist())
        case list() | tuple():
            return [to_json(each) for each in value]
        case float() if not math.isfinite(value):
            return None
        case _:
            return value


def _row(items: Mapping[Any, Any], names: Mapping[int, str], prefix: str) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for key, value in items.items():
        label = f"{prefix}{key}"
        if isinstance(value, Mapping):
            row |= _row(value, names, f"{label} ")
        elif isinstance(value, np.ndarray):
            row |= {f"{label} {name}": to_json(value[k]) for k, name in names.items()}
        else:
            row[label] = to_json(value)
    return row


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table for a notebook, its cells escaped."""
    lines = [("th", head), *(("td", row) for row in rows)]
    cells = (
        "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in texts) for tag, texts in lines
    )
    return f"<table>{''.join(f'<tr>{each}</tr>' for each in cells)}</table>"


def html_list(items: Iterable[str]) -> str:
    """Return a list for a notebook, its items escaped; nothing if there are none."""
    points = "".join(f"<li>{html.escape(item)}</li>" for item in items)
    return f"<ul>{points}</ul>" if points else ""


def percent(share: float) -> str:
    """Return a share in per cent, with two digits, or all of its whole ones.

    Examples
    --------
    >>> [percent(share) for share in (0.0206, 0.9, 0.9996, 12.345)]
    ['2.1 %', '90 %', '100 %', '1234 %']
    """
    value = 100 * share
    return f"{value:.0f} %" if value >= 99.5 else f"{value:.2g} %"
