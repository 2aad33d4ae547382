"""Tables on disk for the commands to read, and their answers in JSON."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from click.testing import Result

CLASSIC = ("--pi", "1,3,6", "-t", "3")


def save(path: Path, rows: Any, names: tuple[str, ...] = ("x1", "x2", "x3")) -> Path:
    """Write rows in the format of the suffix; NPY has no names."""
    if path.suffix == ".npy":
        np.save(path, rows)
        return path
    frame = pl.DataFrame(dict(zip(names, np.asarray(rows).T, strict=True)))
    if path.suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
    return path


def answer(result: Result) -> dict[str, Any]:
    """Return the JSON object that a command printed, held to the letter of JSON."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    content: dict[str, Any] = json.loads(result.stdout, parse_constant=refuse)
    return content
