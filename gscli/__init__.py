"""The Gumbel-Softmax (Concrete) distribution: exact, fast, and easy to look at.

>>> from gscli import Concrete
>>> Concrete([1, 3, 6], temperature=3).probs.round(2).tolist()
[0.1, 0.3, 0.6]
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gscli.distribution.concrete import Concrete

__all__ = ["Concrete", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Imported on demand: `gscli --help` must not pay for NumPy.
    if name == "Concrete":
        from gscli.distribution.concrete import Concrete

        return Concrete
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
