"""A file's rows for a command that judges them: those of one temperature, in blocks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from gscli.cli.progress import track

if TYPE_CHECKING:
    from gscli.arrays import FloatArray
    from gscli.io.samples import Block, Samples

SHOWN_TEMPERATURES = 8
ONE_AT_A_TIME = "they are judged one at a time: save one of them, array[i], in a file of its own"


def open_rows(
    file: str, temperatures: tuple[float, ...] | None, *, option: str, quiet: bool
) -> "tuple[Samples, float | None, Iterator[FloatArray]]":
    """Open a file of samples and choose its rows of one temperature.

    Parameters
    ----------
    file : str
        A path, or ``-``.
    temperatures : tuple of float, or None
        The one wanted. By default the only one that the file states, if it states any.
    option : str
        What names it on the command line, for messages.
    quiet : bool
        Whether to show no progress.

    Returns
    -------
    Samples
        The file.
    float or None
        The temperature, if it was named or is stated.
    iterator of ndarray, shape (rows, K)
        Its rows.

    Raises
    ------
    DataError
        If the file cannot be read, or states other temperatures; the latter, like any error in
        its rows, comes while iterating.
    """
    from gscli.io.samples import open_samples

    if temperatures is not None and len(temperatures) > 1:
        raise click.BadParameter(
            f"{len(temperatures)} temperatures; samples are judged at one at a time: give one",
            param_hint=f"'{option}'",
        )
    samples = open_samples(file, temperatures=temperatures, remedy=ONE_AT_A_TIME)
    blocks = track(samples, total=samples.total, size=lambda block: len(block.rows), quiet=quiet)
    wanted = None if temperatures is None else temperatures[0]
    if not samples.has_temperatures:
        return samples, wanted, (block.rows for block in blocks)
    if wanted is not None:
        return samples, wanted, _chosen(samples, blocks, wanted)
    first = next(blocks, None)
    if first is None:
        return samples, None, iter(())
    only = _temperature(samples, first.temperatures[0] if first.temperatures is not None else None)
    return samples, only, _all_at(samples, first, blocks, only, option)


def _temperature(samples: "Samples", stated: Any) -> float:
    from gscli.distribution.concrete import check_temperature
    from gscli.errors import DataError, ParameterError

    try:
        return check_temperature(float(stated))
    except ParameterError as error:
        raise DataError(f"{samples.label}: row 1: temperature {error.reason}") from error


def _chosen(samples: "Samples", blocks: "Iterator[Block]", wanted: float) -> "Iterator[FloatArray]":
    from gscli.errors import DataError
    from gscli.io.samples import split_by_temperature

    found, others = False, set[float]()
    for block in blocks:
        for temperature, rows in split_by_temperature(block):
            if temperature == wanted:
                found = True
                yield rows
            elif len(others) <= SHOWN_TEMPERATURES:
                others.add(temperature)
    if others and not found:
        raise DataError(
            f"{samples.label}: has no rows at temperature {wanted:g}; its temperature column "
            f"states {listed(others)}"
        )


def _all_at(
    samples: "Samples", first: "Block", blocks: "Iterator[Block]", only: float, option: str
) -> "Iterator[FloatArray]":
    import numpy as np

    from gscli.errors import DataError

    block: Block | None = first
    while block is not None:
        stated = np.unique(np.asarray(block.temperatures)).tolist()
        if stated != [only]:
            raise DataError(
                f"{samples.label}: states several temperatures, {listed({only, *stated})}; choose "
                f"one with {option}"
            )
        yield block.rows
        block = next(blocks, None)


def listed(temperatures: set[float]) -> str:
    """Return temperatures in a line, not all if there are many."""
    texts = [f"{temperature:g}" for temperature in sorted(temperatures)]
    more = ["..."] if len(texts) > SHOWN_TEMPERATURES else []
    return ", ".join(texts[:SHOWN_TEMPERATURES] + more)


@contextmanager
def about(samples: "Samples") -> Iterator[None]:
    """Name the file in an error that its content raises."""
    from gscli.errors import AccuracyError, DataError

    make: Callable[[str], Exception]
    try:
        yield
    except (AccuracyError, DataError) as error:
        if str(error).startswith(f"{samples.label}: "):
            raise
        make = type(error)
        raise make(f"{samples.label}: {error}") from error
