"""What a column is: a category, an index, temperatures or log-densities; names and numbers."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gscli.errors import DataError

TEMPERATURE = "temperature"
"""Name of a column that holds each row's temperature."""

LOG_PROB = "log_prob"
"""Name of a column that holds log-densities."""

INDEX = re.compile(r"|Unnamed: \d+|__index_level_\d+__")
"""Names of the columns in which pandas and R write the labels of rows; also no name at all."""

MOST_CATEGORIES = 2**20
"""A larger K is a damaged file, for which no memory is allocated."""

LONGEST_NAME = 60
"""Characters of a name or a field that a message shows."""

SHOWN_NAMES = 12


def default_names(num_categories: int) -> tuple[str, ...]:
    """Return x1 ... xK.

    Examples
    --------
    >>> default_names(3)
    ('x1', 'x2', 'x3')
    """
    return tuple(f"x{k + 1}" for k in range(num_categories))


def are_default(names: Sequence[str]) -> bool:
    """Return whether names only count: x1 ... xK, or 0 ... K-1 as pandas does.

    Examples
    --------
    >>> [are_default(names) for names in (("x1", "x2"), ("0", "1"), ("1", "2"))]
    [True, True, False]
    """
    return tuple(names) == default_names(len(names)) or count_up(names)


def count_up(texts: Sequence[str]) -> bool:
    """Return whether texts are 0, 1, ... K-1, two or more: the columns of a frame without names."""
    return len(texts) > 1 and list(texts) == list(map(str, range(len(texts))))


def nearly(name: str) -> str:
    """Return what names that differ in case, blanks or punctuation alone have in common.

    Examples
    --------
    >>> nearly("Big Cat") == nearly("big_cat")
    True
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(filter(str.isalnum, folded)) or folded


def shown(text: str) -> str:
    """Return a name or a field in quotation marks for a message, its end left out if it is long."""
    short = text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 3]}..."
    return repr(short)


def listed(names: Sequence[str]) -> str:
    """Return names in a line for a message, not all if there are many."""
    some = [shown(name)[1:-1] for name in names[:SHOWN_NAMES]]
    more = [f"... ({len(names):,} in all)"] if len(names) > SHOWN_NAMES else []
    return ", ".join(some + more)


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table are what.

    Attributes
    ----------
    names : tuple of str
        Of the categories.
    values : tuple of int
        Their positions in the table.
    temperature : int or None
        Position of the column of temperatures, if there is one.
    """

    names: tuple[str, ...]
    values: tuple[int, ...]
    temperature: int | None = None

    @property
    def wanted(self) -> tuple[int, ...]:
        """The positions to be read: those of the values, then that of the temperatures."""
        return (*self.values, *(() if self.temperature is None else (self.temperature,)))

    @classmethod
    def of(
        cls,
        header: Sequence[str],
        chosen: Sequence[str] | None = None,
        indices: Sequence[str] = (),
    ) -> "Columns":
        """Find the categories in a header.

        Parameters
        ----------
        header : sequence of str
            The names of all columns.
        chosen : sequence of str, optional
            The categories, by name or by position from 1. By default all columns but those
            of temperatures, log-densities and the labels of rows.
        indices : sequence of str
            Further columns that hold labels of rows.

        Raises
        ------
        DataError
            If a name is not there or cannot be used, or if fewer than two columns are left.

        Examples
        --------
        >>> Columns.of(["", "temperature", "a", "b"])
        Columns(names=('a', 'b'), values=(2, 3), temperature=1)
        """
        if len(header) > MOST_CATEGORIES:
            raise DataError(
                f"has {len(header):,} columns; a sample has {MOST_CATEGORIES:,} at most"
            )
        if chosen is None:
            known = {TEMPERATURE, LOG_PROB, *indices}
            labels = [name in known or INDEX.fullmatch(name) is not None for name in header]
            values = tuple(i for i, label in enumerate(labels) if not label)
        else:
            values = tuple(_position(header, name) for name in chosen)
        if len(values) < 2:
            raise DataError(f"{len(values)} column of values; a sample has two or more")
        stated = [i for i, name in enumerate(header) if name == TEMPERATURE and i not in values]
        if len(stated) > 1:
            raise DataError(f"{len(stated)} columns are named {TEMPERATURE!r}; keep one")
        names = check_names([header[i] for i in values])
        return cls(names, values, stated[0] if stated else None)


def _position(header: Sequence[str], name: str) -> int:
    if header.count(name) == 1:
        return header.index(name)
    if name not in header and name.isdecimal() and len(name) < 10 and 0 < int(name) <= len(header):
        return int(name) - 1
    found = "no column is" if name not in header else "several columns are"
    raise DataError(
        f"{found} named {shown(name)}, chosen with --columns; there are {listed(header)}"
    )


def split_member(path: str) -> tuple[str, str | None]:
    """Return the file and the array in it that ``file.npz::name`` names.

    Examples
    --------
    >>> split_member("runs.npz::first"), split_member("samples.csv")
    (('runs.npz', 'first'), ('samples.csv', None))
    """
    file, separator, member = path.rpartition("::")
    if not separator or not file or Path(path).exists():
        return path, None
    return file, member


def check_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return names without blanks around them, or raise `DataError` if they cannot be used.

    Examples
    --------
    >>> check_names(["cat ", "dog"])
    ('cat', 'dog')
    """
    cleaned = tuple(name.strip() for name in names)
    for name in cleaned:
        if not name:
            raise DataError("a category has an empty name")
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
            raise DataError(f"the name {shown(name)} holds a control character; use printed text")
        if name in (TEMPERATURE, LOG_PROB):
            raise DataError(f"a category cannot be named {name!r}: a column of that name exists")
    if len(set(cleaned)) < len(cleaned):
        name, _ = Counter(cleaned).most_common(1)[0]
        raise DataError(f"two categories are named {shown(name)}")
    return cleaned


def parse_number(text: str) -> float:
    """Return the number that a text is, as any program reads it.

    Parameters
    ----------
    text : str
        Digits with a decimal point, perhaps an exponent or blanks around them; or nan or inf.

    Raises
    ------
    ValueError
        If it is not a number. Digits with underscores are not: only Python reads them as one.

    Examples
    --------
    >>> parse_number(" 6e0 ")
    6.0
    """
    if "_" in text:
        raise ValueError(f"{text!r} is not a number")
    return float(text)


def is_number(text: str) -> bool:
    """Return whether a text reads as a number, and so cannot be a name.

    Examples
    --------
    >>> [is_number(text) for text in ("7", "nan", "1_0", "x1")]
    [True, True, False, False]
    """
    try:
        parse_number(text)
    except ValueError:
        return False
    return True
