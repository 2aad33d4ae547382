"""What a file of samples says of the distribution that they were drawn from."""

import json
import math
from dataclasses import dataclass
from typing import Any

from gscli.errors import DataError
from gscli.io.columns import MOST_CATEGORIES, check_names

KEY = "gscli"
"""Key of the Parquet metadata under which it stands, as JSON."""

FORMS = ("simplex", "log", "hard")


@dataclass(frozen=True, slots=True)
class Provenance:
    """How samples were drawn.

    Attributes
    ----------
    pi, logits : tuple of float
        Normalised probabilities, and logarithms of what they were normalised from.
    names : tuple of str
        Of the categories.
    temperatures : tuple of float
        All that the file has rows of.
    seed, start : int
        Of the stream, and its first row in the file.
    form : {"simplex", "log", "hard"}
        Whether the rows are X, log X or the vertices that X rounds to.
    version : str
        Of the program.
    """

    pi: tuple[float, ...]
    logits: tuple[float, ...]
    names: tuple[str, ...]
    temperatures: tuple[float, ...]
    seed: int
    start: int
    form: str
    version: str

    def text(self) -> str:
        """Return it as JSON."""
        content = {name: getattr(self, name) for name in self.__slots__}
        content["t"] = content.pop("temperatures")
        return json.dumps(content)

    @classmethod
    def read(cls, text: str) -> "Provenance":
        """Return what JSON states, or raise `DataError` if it is damaged.

        Examples
        --------
        >>> own = Provenance((0.5, 0.5), (0.0, 0.0), ("a", "b"), (1.0,), 7, 0, "log", "0.2.0")
        >>> Provenance.read(own.text()) == own
        True
        """
        try:
            found: dict[str, Any] = json.loads(text)
            numbers = {
                key: tuple(float(each) for each in found[key]) for key in ("pi", "logits", "t")
            }
            whole = {key: int(found[key]) for key in ("seed", "start")}
            own = cls(
                numbers["pi"],
                numbers["logits"],
                check_names(found["names"]),
                numbers["t"],
                form=str(found["form"]),
                version=str(found["version"]),
                **whole,
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DataError(f"its metadata under {KEY!r} are damaged; remove them") from error
        sizes = {len(own.pi), len(own.logits), len(own.names)}
        finite = all(map(math.isfinite, (*own.pi, *own.logits)))
        positive = bool(own.temperatures) and all(0 < t < math.inf for t in own.temperatures)
        right = len(sizes) == 1 and 2 <= len(own.pi) <= MOST_CATEGORIES and finite and positive
        if not right or own.form not in FORMS:
            raise DataError(f"its metadata under {KEY!r} are damaged; remove them")
        return own
