"""Logs of a training run: the temperature at each step that was logged, from a CSV file."""

import csv
import io
import math
from pathlib import Path

import numpy as np

from gscli.arrays import FloatArray
from gscli.errors import DataError
from gscli.io.columns import is_number, parse_number

STEPS = ("step", "global_step", "_step", "iteration", "iter", "update", "num_updates")
TEMPERATURES = ("temperature", "temp", "tau", "t", "value")


def read_schedule_log(path: Path) -> tuple[FloatArray, FloatArray]:
    """Return the steps and the temperatures of a run, each of shape (n,), n >= 2.

    Parameters
    ----------
    path : Path
        CSV. Without a header, of two columns, steps and temperatures. With one, the columns are
        found by their names: step, iteration or update; temperature, temp, tau, t, or value, as
        TensorBoard exports it, or a name that ends in one of those, as W&B's ``run - temp``.

    Raises
    ------
    DataError
        If it is not such a table; the message names the file and the row.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not text in UTF-8") from error
    try:
        rows = [(i, row) for i, row in enumerate(csv.reader(io.StringIO(text)), 1) if row]
    except csv.Error as error:
        raise DataError(f"{path}: is not a CSV table: {error}") from error
    if not rows:
        raise DataError(f"{path}: is empty")
    head = rows[0][1]
    columns = (0, 1) if all(map(is_number, head)) else _columns(path, head)
    body = rows if all(map(is_number, head)) else rows[1:]
    if len(body) < 2:
        raise DataError(f"{path}: has {len(body)} row; two or more make a schedule")
    pairs = [_pair(path, number, row, columns) for number, row in body]
    for (number, _), (before, _), (after, _) in zip(body[1:], pairs, pairs[1:], strict=False):
        if after <= before:
            raise DataError(
                f"{path}: row {number}: step {after:g} follows step {before:g}; number the steps "
                "over the whole run, in order"
            )
    steps, temperatures = np.array(pairs).T
    return steps, temperatures


def _columns(path: Path, head: list[str]) -> tuple[int, int]:
    """Return where the steps and the temperatures are."""
    names = [name.strip().lower() for name in head]
    found = []
    for wanted, meant in ((STEPS, "step"), (TEMPERATURES, "temperature")):
        exact = [names.index(name) for name in wanted if name in names]
        ends = [
            i
            for name in wanted
            for i, each in enumerate(names)
            if each.endswith((f" {name}", f"/{name}", f"_{name}", f".{name}"))
        ]
        position = next(iter([*exact, *ends]), None)
        if position is None:
            raise DataError(
                f"{path}: no column is named {meant}; the columns are {', '.join(head)}"
            )
        found.append(position)
    return found[0], found[1]


def _pair(path: Path, number: int, row: list[str], columns: tuple[int, int]) -> tuple[float, float]:
    """Return the step and the temperature of a row."""
    values = []
    for column, meant in zip(columns, ("step", "temperature"), strict=True):
        text = row[column] if column < len(row) else ""
        try:
            values.append(parse_number(text))
        except ValueError as error:
            raise DataError(f"{path}: row {number}: {meant} {text!r} is not a number") from error
    step, temperature = values
    if not (math.isfinite(step) and step >= 0 and step == int(step)):
        raise DataError(f"{path}: row {number}: step {step:g} is not a whole number, 0 or more")
    if not (math.isfinite(temperature) and temperature > 0):
        raise DataError(f"{path}: row {number}: temperature {temperature:g} is not above 0")
    return step, temperature
