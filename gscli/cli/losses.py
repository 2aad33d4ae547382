"""Losses and estimators as `gscli gradient` takes them: from a formula, a table or a module."""

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gscli.cli.param_types import Syntax

if TYPE_CHECKING:
    from gscli.arrays import FloatArray
    from gscli.distribution.losses import Loss, LossFunction

LOSS_FORMS = "linear:1,0,2, quadratic:0.2,0.5,0.3, @table.npy or module:function"


class LossType(Syntax):
    """``linear:1,0,2``, ``quadratic:0.2,0.5,0.3``, ``@table.npy`` or ``module:function``.

    The value is a function of the number of categories that returns the `Loss`.
    """

    name = "loss"

    def parse(self, text: str) -> "Callable[[int], Loss]":
        from functools import partial

        from gscli.distribution import losses

        if text.startswith("@"):
            return losses.table_loss(read_table(Path(text[1:]))).over
        kind, _, rest = text.partition(":")
        if not kind or not rest:
            raise ValueError(f"{text!r} is not a loss; write {LOSS_FORMS}")
        makers = {"linear": losses.linear_loss, "quadratic": losses.quadratic_loss}
        if kind in makers:
            return makers[kind](list(map(_number, rest.split(",")))).over
        return partial(losses.function_loss, import_function(kind, rest))


class EstimatorsType(Syntax):
    """``relaxed,zgr``: one or several estimators of a gradient."""

    name = "names"

    def parse(self, text: str) -> tuple[str, ...]:
        from gscli.distribution.estimators import ESTIMATORS

        names = tuple(name.strip() for name in text.split(","))
        for name in names:
            if name not in ESTIMATORS:
                raise ValueError(f"{name!r} is not an estimator; choose from {self.choices()}")
            if names.count(name) > 1:
                raise ValueError(f"{name} is given twice; name each once")
        return names

    @staticmethod
    def choices() -> str:
        """Return the names of all estimators."""
        from gscli.distribution.estimators import ESTIMATORS

        return ", ".join(ESTIMATORS)


def read_table(path: Path) -> "FloatArray":
    """Read the values of a loss, and perhaps its gradients, from an NPY file.

    Raises
    ------
    ValueError
        If it is not an NPY file of numbers; the message names the file.
    """
    import numpy as np

    from gscli.errors import DataError
    from gscli.io.formats.arrays import load_npy

    try:
        array = load_npy(path)
    except OSError as error:
        raise ValueError(f"@{path}: {error.strerror or error}") from error
    except DataError as error:
        raise ValueError(f"@{path}: {error}") from error
    table: FloatArray = array.astype(np.float64)
    return table


def import_function(module: str, name: str) -> "LossFunction":
    """Return a function of a module, which may lie in the current folder.

    Raises
    ------
    ValueError
        If there is no such module or function, or importing it fails.
    """
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        function: Any = getattr(import_module(module), name, None)
    except Exception as error:  # whatever the user's module raises
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"module {module!r} cannot be imported ({reason})") from error
    finally:
        sys.path.remove(folder)
    if not callable(function):
        raise ValueError(f"module {module!r} has no function {name!r}; write module:function")
    found: LossFunction = function
    return found


def _number(text: str) -> float:
    from gscli.io.columns import parse_number

    try:
        return parse_number(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a number") from error
