"""The errors that this package raises on purpose, each with a message of one line."""


class GscliError(Exception):
    """An error caused by input that the user can correct."""


class ParameterError(GscliError, ValueError):
    """A parameter outside its range.

    Parameters
    ----------
    parameter : str
        The name of the parameter in the Python API, such as ``"temperature"``.
    reason : str
        The value and the remedy, in one line.
    """

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(parameter, reason)  # so that it can be pickled
        self.parameter = parameter
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.parameter}: {self.reason}"


class ShapeError(GscliError, ValueError):
    """An array whose shape does not fit the distribution; the message names both shapes."""


class AccuracyError(GscliError, ArithmeticError):
    """A value requested outside the range in which its accuracy is guaranteed."""


class DataError(GscliError, ValueError):
    """A file or a stream whose content cannot be used; the message names the row."""


class OutputError(GscliError):
    """A file that cannot or must not be written."""


class ClusterError(GscliError):
    """Worker processes that cannot be reached, or must not be used."""


class ExportError(GscliError):
    """An image that the browser did not make."""


class BrowserNotFoundError(ExportError):
    """No browser that image export could use."""
