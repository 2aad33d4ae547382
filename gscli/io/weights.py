"""Weights of the categories from text and from files: names and values, not yet checked."""

import csv
import io
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from gscli.errors import DataError
from gscli.io.columns import check_names, is_number, parse_number

SEPARATORS = ",;\t"
LARGEST_TEXT = 2**23
"""Characters of a CSV or JSON file at most: some 400,000 weights of full precision."""

MOST_EQUAL = 1_000_000
"""Categories of ``uniform:K`` at most: a larger K is a typing error."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Values of the categories, and their names if they were given.

    Attributes
    ----------
    values : tuple of float
        Unnormalised probabilities, or logits.
    names : tuple of str, or None
        Of the categories, all different.
    """

    values: tuple[float, ...]
    names: tuple[str, ...] | None = None


def parse_weights(text: str) -> Weights:
    """Read weights as users type them.

    Parameters
    ----------
    text : str
        ``1,3,6``, or ``cat=1,dog=3,bird=6``, or ``uniform:8`` for eight equal ones, or ``@FILE``
        with a CSV, NPY or JSON file.

    Returns
    -------
    Weights
        The values in the order given.

    Raises
    ------
    DataError
        If a value is not a number or a name is missing or used twice; the message says which.

    Examples
    --------
    >>> parse_weights("cat=1,dog=3")
    Weights(values=(1.0, 3.0), names=('cat', 'dog'))
    """
    if text.startswith("@"):
        return read_weights(Path(text[1:]))
    if not text.strip():
        raise DataError("is empty; write values such as 1,3,6")
    if text.startswith("uniform:") and "=" not in text:
        return _uniform(text)
    entries = text.split(",")
    named = ["=" in entry for entry in entries]
    if not any(named):
        return Weights(tuple(_number(entry, f"value {i}") for i, entry in enumerate(entries, 1)))
    if not all(named):
        raise DataError(_half_named(entries[named.index(False)].strip()))
    pairs = [entry.rpartition("=") for entry in entries]
    return _named([(name.strip(), value) for name, _, value in pairs])


def _uniform(text: str) -> Weights:
    count = text.removeprefix("uniform:")
    if not re.fullmatch(r"[0-9]{1,7}", count) or not 2 <= int(count) <= MOST_EQUAL:
        raise DataError(
            f"{text!r} is not uniform:K with a whole number K from 2 to {MOST_EQUAL:,}; "
            "write uniform:8"
        )
    return Weights((1.0,) * int(count))


def _half_named(entry: str) -> str:
    """Return what is wrong with an entry that lacks a name, or a value, that others have."""
    if not entry:
        return "an entry is empty; write a name and a weight, such as dog=3"
    if is_number(entry):
        return f"{entry!r} has no name; name every category or none"
    return f"{entry!r} has no weight: write {entry}=3"


def read_weights(path: Path) -> Weights:
    """Read weights from a CSV, NPY or JSON file.

    Parameters
    ----------
    path : Path
        CSV: one row of values under an optional header of names, or one category a row (a value,
        or a name and a value). NPY: an array of shape (K,). JSON: a list, or an object of names
        and values.

    Returns
    -------
    Weights
        The values in the file's order.

    Raises
    ------
    DataError
        If the file cannot be read as weights; the message names the file and the row.
    """
    readers = {".csv": _read_csv, ".npy": _read_npy, ".json": _read_json}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"@{path}: unknown suffix {path.suffix!r}; expected .csv, .npy or .json")
    try:
        return reader(path)
    except DataError as error:
        raise DataError(f"@{path}: {error}") from error
    except OSError as error:
        raise DataError(f"@{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"@{path}: is not text in UTF-8") from error


def row_logits_at(path: Path) -> bool:
    """Return whether a file is an NPY array of shape (n, K): of each row's own logits."""
    from gscli.io.formats.arrays import load_npy

    try:
        shape = load_npy(path, mapped=True).shape
    except (OSError, DataError):
        return False
    return len(shape) == 2 and 1 not in shape


def read_row_logits(path: Path) -> Any:
    """Return the array of a file of each row's own logits, mapped and not read yet."""
    from gscli.io.formats.arrays import load_npy

    return load_npy(path, mapped=True)


def _read_csv(path: Path) -> Weights:
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            text = _all_of(file)
            separator = next((mark for mark in SEPARATORS if mark in text), ",")
            rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if row]
        except csv.Error as error:
            raise DataError(f"is not a table of weights: {error}") from error
    if not rows:
        raise DataError("is empty")
    for position, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise DataError(f"row {position} has {len(row)} values where row 1 has {len(rows[0])}")
    header = not any(is_number(value) for value in rows[0])
    body, first = rows[header:], 2 if header else 1
    if len(body) == 1 and len(body[0]) > 1 and is_number(body[0][0]):
        where = f"row {first}: value"
        values = tuple(_number(value, f"{where} {i}") for i, value in enumerate(body[0], 1))
        return Weights(values, check_names(rows[0])) if header else Weights(values)
    if len(rows[0]) == 2:
        return _named(body, [f"row {i}" for i, _ in enumerate(body, first)])
    if len(rows[0]) > 2 or not body:
        raise DataError(
            f"has {len(body)} rows of {len(rows[0])} values; expected one row or column"
        )
    return Weights(tuple(_number(row[0], f"row {i}") for i, row in enumerate(body, first)))


def _all_of(file: TextIO) -> str:
    text = file.read(LARGEST_TEXT + 1)
    if len(text) > LARGEST_TEXT:
        raise DataError(f"is longer than {LARGEST_TEXT >> 20} MB; save NPY")
    return text


def _read_npy(path: Path) -> Weights:
    from gscli.io.formats.arrays import load_npy

    array = load_npy(path)
    if array.ndim == 2 and 1 in array.shape:
        array = array.ravel()
    if array.ndim != 1 or array.dtype.kind not in "fiu":
        raise DataError(
            f"holds {array.dtype} of shape {array.shape}; expected numbers of shape (K,)"
        )
    return Weights(tuple(_number(float(value), f"value {i}") for i, value in enumerate(array, 1)))


def _read_json(path: Path) -> Weights:
    def pairs(items: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        return items  # a dict would hide a name that occurs twice

    try:
        with path.open(encoding="utf-8-sig") as file:
            content = json.loads(_all_of(file), object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise DataError(f"row {error.lineno} is not JSON: {error.msg}") from error
    except UnicodeDecodeError:
        raise
    except ValueError as error:  # a whole number of thousands of digits
        raise DataError(f"is not JSON of numbers: {error}") from error
    except RecursionError as error:
        raise DataError("is nested too deeply; expected a list or an object of numbers") from error
    if not isinstance(content, list) or not content:
        raise DataError('is not a list of numbers or an object such as {"cat": 1, "dog": 3}')
    if all(isinstance(item, tuple) for item in content):
        return _named(content)
    return Weights(tuple(_number(value, f"value {i}") for i, value in enumerate(content, 1)))


def _named(items: Sequence[Any], places: Sequence[str] | None = None) -> Weights:
    names = check_names([name for name, _ in items])
    where = places or [repr(name) for name in names]
    values = (_number(value, place) for (_, value), place in zip(items, where, strict=True))
    return Weights(tuple(values), names)


def _number(value: Any, where: str) -> float:
    try:
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise ValueError
        number = parse_number(value) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError) as error:
        raise DataError(f"{where}: {value!r} is not a number") from error
    if not math.isfinite(number):
        raise DataError(f"{where}: {number:g} is not finite")
    return number
