"""The parameters of the distribution, as the user gave them with --pi, --logits and -t."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gscli.cli.param_types import TYPED_WEIGHTS, TemperaturesType

if TYPE_CHECKING:
    from gscli.arrays import FloatArray
    from gscli.distribution.concrete import Concrete
    from gscli.io.weights import Weights

CLASSIC_PI = "1,3,6"
CLASSIC_TEMPERATURE = "3"
TEMPERATURE_HINT = "'-t' / '--temperature' / '--tau'"


@dataclass(frozen=True)
class Parameters:
    """Weights and temperatures of one command.

    Attributes
    ----------
    weights : Weights
        Unnormalised probabilities or logits; the classic ones where none were given.
    are_logits : bool
        Whether they are logits.
    given : bool
        Whether the user gave them.
    temperatures : tuple of float
        Empty where none were given and the command has no default.
    row_logits : Path, optional
        A file of each row's own logits, in place of weights.
    """

    weights: "Weights"
    are_logits: bool = False
    given: bool = True
    temperatures: tuple[float, ...] = ()
    row_logits: "Path | None" = None

    @classmethod
    def of(
        cls,
        pi: "Weights | None",
        logits: "Weights | Path | None",
        temperatures: tuple[float, ...] | None = None,
    ) -> "Parameters":
        """Return what the two or three options gave."""
        from gscli.io.weights import parse_weights

        if pi is not None and logits is not None:
            raise click.UsageError("--pi and --logits are both given; leave one out")
        if isinstance(logits, Path):
            return cls(parse_weights(CLASSIC_PI), True, True, temperatures or (), logits)
        weights = logits if pi is None else pi
        given = weights is not None
        return cls(
            weights or parse_weights(CLASSIC_PI), logits is not None, given, temperatures or ()
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The categories' names, or x1, x2, ... if they have none."""
        from gscli.io.columns import default_names

        return self.weights.names or default_names(len(self.weights.values))

    @property
    def probs(self) -> "FloatArray":
        """The probabilities, zeros among them."""
        import numpy as np

        if self.are_logits:
            return self.at().probs
        values = np.array(self.weights.values)
        shares: FloatArray = values / values.max()  # whose sum is not beyond float64
        shares /= shares.sum()
        return shares

    def at(self, temperature: float = float(CLASSIC_TEMPERATURE)) -> "Concrete":
        """Return the distribution at a temperature."""
        from gscli.distribution.concrete import Concrete

        if self.are_logits:
            return Concrete(logits=self.weights.values, temperature=temperature)
        return Concrete(self.weights.values, temperature)

    def distributions(self) -> "list[Concrete]":
        """Return the distribution at each temperature, or at the classic one if none is given."""
        return [self.at(t) for t in self.temperatures] or [self.at()]

    def in_order(self, columns: tuple[str, ...], label: str) -> "Parameters":
        """Return the weights in the order of a file's columns, if they name the same categories.

        Weights without names, or with names that are like no column's, are taken as they stand.
        """
        from gscli.io.columns import listed, nearly
        from gscli.io.weights import Weights

        names = self.weights.names
        if names is None or not {*map(nearly, names)} & {*map(nearly, columns)}:
            return self
        if {*names} != {*columns}:
            own = [name for name in names if name not in columns]
            others = [name for name in columns if name not in names]
            raise click.UsageError(
                f"the weights name {listed(own) or 'less'} where {label} has "
                f"{listed(others) or 'less'}; use the same names, or none"
            )
        values = dict(zip(names, self.weights.values, strict=True))
        weights = Weights(tuple(values[name] for name in columns), columns)
        return Parameters(weights, self.are_logits, self.given, self.temperatures)

    def typed(self) -> list[str]:
        """Return the options that give these parameters, as words of a command."""
        weights = click.get_current_context().meta.get(TYPED_WEIGHTS, CLASSIC_PI)
        option = "--logits" if self.are_logits else "--pi"
        return [option, weights, "-t", format_grid(self.temperatures)]

    def check_exact_range(self) -> None:
        """Refuse temperatures at which moments are not known exactly."""
        from gscli.distribution.quadrature import check_range
        from gscli.errors import AccuracyError

        for temperature in self.temperatures:
            try:
                check_range(temperature)
            except AccuracyError as error:
                raise click.BadParameter(
                    str(error).removeprefix("temperature: "), param_hint=TEMPERATURE_HINT
                ) from error


def format_grid(temperatures: tuple[float, ...]) -> str:
    """Return temperatures as one would type them: as a range if they are one."""
    texts = [f"{t:g}" if float(f"{t:g}") == t else repr(t) for t in temperatures]
    if len(temperatures) > 2:
        short = f"{texts[0]}:{texts[-1]}:{len(texts)}"
        if TemperaturesType().convert(short, None, None) == temperatures:
            return short
    return ",".join(texts)
