"""The Gumbel-Softmax (Concrete) distribution: exact, fast, and easy to look at.

>>> from gscli import Concrete
>>> Concrete([1, 3, 6], temperature=3).probs.round(2).tolist()
[0.1, 0.3, 0.6]
"""

# As `typing` has it, which takes longer to import than all the rest here.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from gscli.distribution.concrete import Concrete, kl_divergence
    from gscli.distribution.properties import best_temperature
    from gscli.distribution.regions import highest_density_regions
    from gscli.inference.fit import fit
    from gscli.inference.gof.check import check
    from gscli.inference.gof.hard import check_hard

__all__ = [
    "Concrete",
    "__version__",
    "best_temperature",
    "check",
    "check_hard",
    "fit",
    "highest_density_regions",
    "kl_divergence",
]

__version__ = "0.1.0"

_MODULES = {
    "Concrete": "distribution.concrete",
    "best_temperature": "distribution.properties",
    "check": "inference.gof.check",
    "check_hard": "inference.gof.hard",
    "fit": "inference.fit",
    "highest_density_regions": "distribution.regions",
    "kl_divergence": "distribution.concrete",
}


def __getattr__(name: str) -> "Any":
    # Imported on demand: `gscli --help` must not pay for NumPy.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
