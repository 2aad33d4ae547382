"""What the options' values look like: each custom syntax is a type with its own failure."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gscli.errors import AccuracyError, ParameterError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from gscli.io.weights import Weights

MAX_SAMPLES = 10**15
MAX_TEMPERATURES = 1000
MAX_BATCH_SIZES = 12
COARSE_STEP = 1e-4
"""Logarithm of the ratio between two temperatures that still differ when rounded to 6 digits."""

ZERO = "0 is a limit: with `gscli sample`, use --hard for the zero-temperature limit"
TYPED_WEIGHTS = "gscli.typed_weights"
"""Where a context keeps the weights as they were typed, to show the command again."""


PIXELS = {"px": 1.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4, "pt": 96 / 72}
"""CSS pixels in a unit of length."""

LENGTH = re.compile(r"(\d+\.?\d*|\.\d+)\s*(px|in|cm|mm|pt)?", re.ASCII)


class Syntax(click.ParamType[Any]):
    """A custom syntax: `parse` turns text into a value, or raises an error that says why not."""

    def parse(self, text: str) -> Any:
        """Return the value that a text stands for."""
        raise NotImplementedError

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):  # converted already
            return value
        try:
            return self.parse(value)
        except ValueError as error:
            reason = error.reason if isinstance(error, ParameterError) else str(error)
            self.fail(_clipped(reason), param, ctx)


class WeightsType(Syntax):
    """``1,3,6``, ``cat=1,dog=3``, ``uniform:8`` or ``@FILE``."""

    name = "weights"

    def __init__(self, *, hard: bool = False) -> None:
        self.hard = hard
        """Whether it is for hard samples too: zeros, and logits of each row, are values then."""

    def parse(self, text: str) -> Any:
        from gscli.io.weights import parse_weights

        if self.hard and (rows := self.rows(text)):
            return rows
        weights = parse_weights(text)
        self.check(weights.values)
        if context := click.get_current_context(silent=True):
            context.meta[TYPED_WEIGHTS] = text
        return weights

    def check(self, values: tuple[float, ...]) -> None:
        """Raise an error unless a distribution has these weights."""
        from gscli.distribution.concrete import Concrete

        possible = tuple(value for value in values if value) if self.hard else values
        Concrete(possible if len(possible) > 1 else values, 1)

    def rows(self, _text: str) -> Path | None:
        """Return the file of each row's own weights, if the text names one."""
        return None


class LogitsType(WeightsType):
    """The same syntax for logits."""

    name = "logits"

    def check(self, values: tuple[float, ...]) -> None:
        """Raise an error unless a distribution has these logits."""
        from gscli.distribution.concrete import Concrete

        Concrete(logits=values, temperature=1)

    def rows(self, _text: str) -> Path | None:
        from gscli.io.weights import row_logits_at

        return Path(_text[1:]) if _text.startswith("@") and row_logits_at(Path(_text[1:])) else None


@dataclass(frozen=True)
class Prior:
    """A distribution to compare with: its weights, or None if they are equal, and temperature.

    Without a temperature it has that of the distribution it is compared with.
    """

    weights: "Weights | None"
    temperature: float | None


class PriorType(Syntax):
    """``uniform`` or weights, with ``@T`` behind them at a temperature of their own."""

    name = "prior"

    def parse(self, text: str) -> Prior:
        from gscli.distribution.quadrature import check_range
        from gscli.io.columns import is_number
        from gscli.io.weights import parse_weights

        typed, at, number = text.rpartition("@")
        if not at or (text.startswith("@") and not (typed and is_number(number))):
            typed, at = text, ""  # an @ is that of @FILE
        weights = None if typed == "uniform" else parse_weights(typed)
        if weights is not None:
            WeightsType().check(weights.values)
        if not at:
            return Prior(weights, None)
        temperatures = TemperaturesType().parse(number)
        if len(temperatures) > 1:
            raise ValueError(f"{number}: a prior has one temperature; write {typed}@0.5")
        try:
            return Prior(weights, check_range(temperatures[0]))
        except AccuracyError as error:
            raise ValueError(str(error)) from error


class NamesType(Syntax):
    """``a,b,c``: one or several different names; those that hold commas in double quotes."""

    name = "names"

    def parse(self, text: str) -> tuple[str, ...]:
        import csv

        try:
            (names,) = csv.reader([text], skipinitialspace=True, strict=True)
        except (csv.Error, ValueError) as error:
            raise ValueError(f"{text!r} is not a list of names; write a,b,c") from error
        names = [name.strip() for name in names]
        if not all(names):
            raise ValueError(f"{text!r} has an empty name; write a,b,c")
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"{twice!r} is given twice; name each once")
        return tuple(names)


class BatchSizesType(Syntax):
    """``32`` or ``1,32,1024``: one or several whole numbers, 1 or more."""

    name = "integers"

    def parse(self, text: str) -> tuple[int, ...]:
        sizes = tuple(map(SamplesType().parse, text.split(",")))
        if len(set(sizes)) < len(sizes):
            twice = next(m for m in sizes if sizes.count(m) > 1)
            raise ValueError(f"{twice} is given twice; name each once")
        if len(sizes) > MAX_BATCH_SIZES:
            raise ValueError(f"{len(sizes)} batch sizes are more than {MAX_BATCH_SIZES}")
        return sizes


class TemperaturesType(Syntax):
    """``3``, ``0.1,0.5,1,3`` or ``0.1:10:20``: one or several temperatures."""

    name = "temperatures"

    def parse(self, text: str) -> tuple[float, ...]:
        parts = text.split(":")
        temperatures = (
            tuple(map(_temperature, text.split(",")))
            if len(parts) == 1
            else _log_spaced(text, parts)
        )
        if len(set(temperatures)) < len(temperatures):
            twice = next(t for t in temperatures if temperatures.count(t) > 1)
            raise ValueError(f"{twice:g} is given twice; name each once")
        return temperatures


def _temperature(text: str) -> float:
    from gscli.distribution.concrete import check_temperature
    from gscli.io.columns import parse_number

    try:
        number = parse_number(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a number; write 3, or 0.1,1,3, or 0.1:10:20") from error
    if number == 0:
        raise ValueError(ZERO)
    return check_temperature(number)


def _log_spaced(text: str, parts: list[str]) -> tuple[float, ...]:
    if len(parts) != 3 or not re.fullmatch(r"\s*\d{1,9}\s*", parts[2]) or int(parts[2]) < 2:
        raise ValueError(f"{text!r} is not a range; write LOW:HIGH:COUNT, such as 0.1:10:20")
    low, high, count = _temperature(parts[0]), _temperature(parts[1]), int(parts[2])
    if count > MAX_TEMPERATURES:
        raise ValueError(f"{count} temperatures are more than {MAX_TEMPERATURES}")
    step = (math.log(high) - math.log(low)) / (count - 1)
    inner = (math.exp(math.log(low) + step * i) for i in range(1, count - 1))
    digits = 6 if abs(step) > COARSE_STEP else 17
    return (low, *(float(f"{t:.{digits}g}") for t in inner), high)


class SamplesType(Syntax):
    """A whole number, 1 or another least one or more, also as ``1e6`` or ``10_000``."""

    name = "integer"

    def __init__(self, least: int = 1) -> None:
        self.least = least

    def parse(self, text: str) -> int:
        if not re.fullmatch(r"[+-]?\d+(_\d+)*(\.\d*)?(e\+?\d{1,3})?", text.strip().lower()):
            raise ValueError(f"{text!r} is not a whole number; write 10000, 10_000 or 1e4")
        number = float(text)
        if number < self.least:
            raise ValueError(f"{text} is not {self.least} or more")
        if number <= MAX_SAMPLES and number != int(number):
            raise ValueError(f"{text!r} is not a whole number")
        if number > MAX_SAMPLES:
            raise ValueError(f"{text} is more than {MAX_SAMPLES:.0e}")
        return int(number)


class SeedType(Syntax):
    """A whole number from 0 to 2**128 - 1."""

    name = "integer"

    def parse(self, text: str) -> int:
        from gscli.distribution.noise import check_seed

        try:
            seed = int(text)
        except ValueError as error:
            raise ValueError(f"{text!r} is not a whole number") from error
        return check_seed(seed)


class DaskType(Syntax):
    """``tcp://host:8786`` or ``local:4``: where Dask's workers are."""

    name = "address"

    def parse(self, text: str) -> str:
        from gscli.execution.cluster import is_address

        if not is_address(text):
            raise ValueError(f"{text!r} is not an address; write tcp://host:8786, or local:4")
        return text


class OutputType(Syntax):
    """A path to write, perhaps of certain suffixes; or ``-`` for standard output.

    A URL, where one is allowed, stays a string.
    """

    name = "path"

    def __init__(self, suffixes: Sequence[str] = (), *, urls: bool = False) -> None:
        self.suffixes = suffixes
        self.urls = urls

    def parse(self, text: str) -> Path | str:
        from gscli.io.folders import is_url

        if not text:
            raise ValueError("is empty; name a file, or - for standard output")
        if is_url(text):
            if self.urls:
                return text
            raise ValueError(f"{text!r} is a URL; name a file")
        path = Path(text)
        if self.suffixes and path.suffix.lower() not in self.suffixes:
            raise ValueError(unknown_suffix(path, self.suffixes))
        return path if text == "-" or str(path) != "-" else Path.cwd() / path  # ./- is a file

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type="file")]


class LengthType(Syntax):
    """A length such as ``700``, ``3.25in``, ``85mm`` or ``8pt``, as CSS pixels (1/96 inch)."""

    name = "length"

    def __init__(self, least: float, most: float) -> None:
        self.least, self.most = least, most
        """In pixels."""

    def parse(self, text: str) -> float:
        found = LENGTH.fullmatch(text.strip())
        if not found:
            raise ValueError(f"{text!r} is not a length; write 700, 700px, 3.25in, 8.5cm or 85mm")
        length = float(found[1]) * PIXELS[found[2] or "px"]
        if not self.least <= length <= self.most:
            raise ValueError(
                f"{text} is {length:.4g} px, not between {self.least:g} and {self.most:,.0f} px"
            )
        return length


class ColoursType(Syntax):
    """Colours such as ``#0072b2``, separated by commas."""

    name = "colours"

    def parse(self, text: str) -> tuple[str, ...]:
        colours = tuple(part.strip().lower() for part in text.split(","))
        for colour in colours:
            if not re.fullmatch("#[0-9a-f]{6}", colour):
                raise ValueError(f"{colour!r} is not a colour such as #0072b2")
        return colours


class FiniteRange(click.FloatRange):
    """A range of numbers in which nan, which no comparison excludes, is not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


def unknown_suffix(path: Path, suffixes: Sequence[str]) -> str:
    """Return what is wrong with the suffix of an output, and which ones are known."""
    *others, last = suffixes
    return f"{path}: unknown suffix {path.suffix!r}; use {', '.join(others)} or {last}"


def _clipped(reason: str) -> str:
    return reason if len(reason) <= 200 else f"{reason[:100]} ... {reason[-90:]}"
