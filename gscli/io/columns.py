"""What a column holds: names of categories, the default ones and the permitted; and numbers."""

import unicodedata
from collections import Counter
from collections.abc import Sequence

from gscli.errors import DataError

TEMPERATURE = "temperature"
"""Name of a leading column that holds each row's temperature."""

LOG_PROB = "log_prob"
"""Name of a last column that holds log-densities."""


def default_names(num_categories: int) -> tuple[str, ...]:
    """Return x1 ... xK.

    Examples
    --------
    >>> default_names(3)
    ('x1', 'x2', 'x3')
    """
    return tuple(f"x{k + 1}" for k in range(num_categories))


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
            raise DataError(f"the name {name!r} holds a control character; use printed text")
        if name in (TEMPERATURE, LOG_PROB):
            raise DataError(f"a category cannot be named {name!r}: a column of that name exists")
    if len(set(cleaned)) < len(cleaned):
        name, _ = Counter(cleaned).most_common(1)[0]
        raise DataError(f"two categories are named {name!r}")
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
