"""What the options' values look like: each custom syntax is a type with its own failure."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gscli.errors import AccuracyError, DataError, ParameterError

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


class WeightsType(click.ParamType[Any]):
    """``1,3,6``, ``cat=1,dog=3``, ``uniform:8`` or ``@FILE``."""

    name = "weights"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from gscli.io.weights import Weights, parse_weights

        if isinstance(value, Weights):
            return value
        try:
            weights = parse_weights(value)
            self._check(weights)
        except (DataError, ParameterError) as error:
            reason = error.reason if isinstance(error, ParameterError) else str(error)
            self.fail(_clipped(reason), param, ctx)
        if ctx is not None:
            ctx.meta[TYPED_WEIGHTS] = value
        return weights

    def _check(self, weights: "Weights") -> None:
        from gscli.distribution.concrete import Concrete

        Concrete(weights.values, 1)


class LogitsType(WeightsType):
    """The same syntax for logits."""

    name = "logits"

    def _check(self, weights: "Weights") -> None:
        from gscli.distribution.concrete import Concrete

        Concrete(logits=weights.values, temperature=1)


@dataclass(frozen=True)
class Prior:
    """A distribution to compare with: its weights, or None if they are equal, and temperature.

    Without a temperature it has that of the distribution it is compared with.
    """

    weights: "Weights | None"
    temperature: float | None


class PriorType(click.ParamType[Any]):
    """``uniform`` or weights, with ``@T`` behind them at a temperature of their own."""

    name = "prior"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from gscli.distribution.quadrature import check_range
        from gscli.io.columns import is_number

        if isinstance(value, Prior):
            return value
        text, at, number = value.rpartition("@")
        if not at or (value.startswith("@") and not (text and is_number(number))):
            text, at = value, ""  # an @ is that of @FILE
        weights = None if text == "uniform" else WeightsType().convert(text, param, None)
        if not at:
            return Prior(weights, None)
        temperatures = TemperaturesType().convert(number, param, ctx)
        try:
            check_range(temperatures[0])
        except AccuracyError as error:
            self.fail(str(error), param, ctx)
        if len(temperatures) > 1:
            self.fail(f"{number}: a prior has one temperature; write {text}@0.5", param, ctx)
        return Prior(weights, temperatures[0])


class BatchSizesType(click.ParamType[Any]):
    """``32`` or ``1,32,1024``: one or several whole numbers, 1 or more."""

    name = "integers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        sizes = tuple(SamplesType().convert(text, param, ctx) for text in value.split(","))
        if len(set(sizes)) < len(sizes):
            twice = next(m for m in sizes if sizes.count(m) > 1)
            self.fail(f"{twice} is given twice; name each once", param, ctx)
        if len(sizes) > MAX_BATCH_SIZES:
            self.fail(f"{len(sizes)} batch sizes are more than {MAX_BATCH_SIZES}", param, ctx)
        return sizes


class TemperaturesType(click.ParamType[Any]):
    """``3``, ``0.1,0.5,1,3`` or ``0.1:10:20``: one or several temperatures."""

    name = "temperatures"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        try:
            if ":" in value:
                temperatures = self._log_spaced(value)
            else:
                temperatures = tuple(self._temperature(text) for text in value.split(","))
            return self._different(temperatures)
        except ParameterError as error:
            self.fail(_clipped(error.reason), param, ctx)

    def _different(self, temperatures: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(temperatures)) < len(temperatures):
            twice = next(t for t in temperatures if temperatures.count(t) > 1)
            raise ParameterError("temperature", f"{twice:g} is given twice; name each once")
        return temperatures

    def _temperature(self, text: str) -> float:
        from gscli.distribution.concrete import check_temperature
        from gscli.io.columns import parse_number

        try:
            number = parse_number(text)
            if number == 0:
                raise ParameterError("temperature", ZERO)
            return check_temperature(number)
        except ValueError as error:
            if isinstance(error, ParameterError):
                raise
            raise ParameterError(
                "temperature", f"{text!r} is not a number; write 3, or 0.1,1,3, or 0.1:10:20"
            ) from error

    def _log_spaced(self, value: str) -> tuple[float, ...]:
        parts = value.split(":")
        if len(parts) != 3 or not re.fullmatch(r"\s*\d{1,9}\s*", parts[2]) or int(parts[2]) < 2:
            raise ParameterError(
                "temperature", f"{value!r} is not a range; write LOW:HIGH:COUNT, such as 0.1:10:20"
            )
        low, high, count = self._temperature(parts[0]), self._temperature(parts[1]), int(parts[2])
        if count > MAX_TEMPERATURES:
            raise ParameterError(
                "temperature", f"{count} temperatures are more than {MAX_TEMPERATURES}"
            )
        step = (math.log(high) - math.log(low)) / (count - 1)
        inner = (math.exp(math.log(low) + step * i) for i in range(1, count - 1))
        digits = 6 if abs(step) > COARSE_STEP else 17
        return (low, *(float(f"{t:.{digits}g}") for t in inner), high)


class SamplesType(click.ParamType[Any]):
    """A whole number, 1 or another least one or more, also as ``1e6`` or ``10_000``."""

    name = "integer"

    def __init__(self, least: int = 1) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, int):
            return value
        text = value.strip().lower()
        if not re.fullmatch(r"[+-]?\d+(_\d+)*(\.\d*)?(e\+?\d{1,3})?", text):
            reason = f"{value!r} is not a whole number; write 10000, 10_000 or 1e4"
            self.fail(_clipped(reason), param, ctx)
        number = float(text)
        if number != int(min(number, MAX_SAMPLES)) and number <= MAX_SAMPLES:
            self.fail(_clipped(f"{value!r} is not a whole number"), param, ctx)
        if number < self.least:
            self.fail(_clipped(f"{value} is not {self.least} or more"), param, ctx)
        if number > MAX_SAMPLES:
            self.fail(_clipped(f"{value} is more than {MAX_SAMPLES:.0e}"), param, ctx)
        return int(number)


class SeedType(click.ParamType[Any]):
    """A whole number from 0 to 2**128 - 1."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from gscli.distribution.noise import check_seed

        try:
            return check_seed(int(value))
        except ParameterError as error:
            self.fail(_clipped(error.reason), param, ctx)
        except ValueError:
            self.fail(_clipped(f"{value!r} is not a whole number"), param, ctx)


class OutputType(click.ParamType[Any]):
    """A path to write, or ``-`` for standard output."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, Path):
            return value
        if not value:
            self.fail("is empty; name a file, or - for standard output", param, ctx)
        path = Path(value)
        return path if value == "-" or str(path) != "-" else Path.cwd() / path  # ./- is a file

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type="file")]


class FiniteRange(click.FloatRange):
    """A range of numbers in which nan, which no comparison excludes, is not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


def _clipped(reason: str) -> str:
    return reason if len(reason) <= 200 else f"{reason[:100]} ... {reason[-90:]}"
