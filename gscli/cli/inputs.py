"""Where a command's samples come from: a file, a pipe, or the distribution itself."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import click

from gscli.cli.parameters import TEMPERATURE_HINT, Parameters
from gscli.cli.progress import track

if TYPE_CHECKING:
    from gscli.arrays import FloatArray
    from gscli.distribution.concrete import Concrete
    from gscli.io.samples import Batch, Part, Samples

ONE_AT_A_TIME = "save one of them, array[i]"


@dataclass(frozen=True)
class Input:
    """Samples, and what is known of their distribution.

    Attributes
    ----------
    samples : Samples
        Not read yet.
    logits : ndarray of shape (K,), or None
        In the order of the samples' columns, if they are known.
    temperatures : tuple of float
        Those that were named or, where there can be one only, that the file states.
    """

    samples: "Samples"
    logits: "FloatArray | None" = None
    temperatures: tuple[float, ...] = ()

    def distribution(self) -> "Concrete":
        """Return the distribution to judge the samples by; nothing of it is ever assumed."""
        from gscli.distribution.concrete import Concrete

        label = self.samples.label
        if self.logits is None:
            raise click.UsageError(
                f"{label} does not say which distribution it is of; give --pi or --logits"
            )
        temperature = self.temperatures or (self.samples.stated_temperature(),)
        if temperature[0] is None:
            raise click.UsageError(f"{label} states no temperature; give one with -t")
        return Concrete(logits=self.logits, temperature=temperature[0])


def open_input(
    file: str,
    parameters: Parameters | None,
    temperatures: tuple[float, ...] | None = None,
    *,
    log: bool,
    quiet: bool,
    valid: bool = True,
    one: str = "",
) -> Input:
    """Open a file of samples.

    Parameters
    ----------
    file : str
        A path, or ``-``.
    parameters : Parameters or None
        What is known of the distribution. Of a file that states temperatures, only the rows at
        these temperatures are wanted; else the one that is given is that of all rows.
    temperatures : tuple of float, optional
        Those, where there are no parameters.
    log : bool
        Whether the file holds log X.
    quiet : bool
        Whether to show no progress.
    valid : bool
        Whether a row that is not on the simplex is an error.
    one : str
        The option that names the temperature, where there can be one only.
    """
    from gscli.io.readers import NAME_THEM, open_samples

    given = (parameters.temperatures if parameters else temperatures) or ()
    if one and len(given) > 1:
        raise click.BadParameter(
            f"{len(given)} temperatures; samples are judged at one at a time: give one",
            param_hint=f"'{one}'",
        )
    remedy = ONE_AT_A_TIME if one else NAME_THEM
    samples = open_samples(file, log=log, temperatures=given, remedy=remedy)
    if len(given) > 1 and not samples.has_temperatures:
        raise click.BadParameter(
            f"{len(given)} temperatures for the one table of {samples.label}; give one",
            param_hint=TEMPERATURE_HINT,
        )
    choice = ""
    if one and not given and (stated := samples.stated_temperature()) is not None:
        given, choice = (stated,), one
    samples = replace(
        samples.at(given, choice=choice),
        assumed=given[0] if len(given) == 1 and not samples.has_temperatures else None,
        valid=valid,
        progress=partial(track, total=samples.total, size=lambda part: part.num_rows, quiet=quiet),
    )
    if parameters is None or not parameters.given:
        return Input(samples, None, given)
    if samples.named:
        parameters = parameters.in_order(samples.names, samples.label)
    elif parameters.weights.names is not None and len(samples.names) == len(parameters.names):
        samples = replace(samples, names=parameters.names)
    logits = parameters.at().logits
    if len(samples.names) != len(logits):
        raise click.UsageError(
            f"{samples.label}: {len(samples.names)} columns, {len(logits)} weights; is one an "
            f"index or id? Remove it, or give {len(samples.names)} weights"
        )
    return Input(samples, logits, given)


def draw_input(parameters: Parameters, *, n: int, seed: int | None, quiet: bool) -> Input:
    """Return samples to be drawn from the distribution at each temperature."""
    import numpy as np

    from gscli.distribution.noise import Sampler, fresh_seed
    from gscli.io.samples import Batch, Part, Samples

    distributions = parameters.distributions()
    chosen = fresh_seed() if seed is None else seed
    sampler = Sampler(distributions[0].num_categories, seed=chosen)

    def draw(part: range, distribution: "Concrete") -> "Iterator[Batch]":
        rows = sampler.draw(part, partial(distribution.from_noise, form="log"))
        yield Batch(np.asarray(rows, np.float64), part.start, distribution.temperature)

    def read() -> "Iterator[Part]":
        for distribution in distributions:
            for part in sampler.parts(0, n):
                yield Part(len(part), partial(draw, part, distribution))

    total = n * len(distributions)
    samples = Samples(
        f"seed {chosen}",
        parameters.names,
        read,
        log=True,
        total=total,
        has_temperatures=True,
        progress=partial(track, total=total, size=lambda part: part.num_rows, quiet=quiet),
    )
    return Input(samples, distributions[0].logits, tuple(d.temperature for d in distributions))


def positions(names: tuple[str, ...], text: str | None) -> tuple[int, ...] | None:
    """Return the positions of the categories that the user named, or numbered from 1."""
    if text is None:
        return None
    hint = "'--categories'"
    found = []
    for entry in (entry.strip() for entry in text.split(",")):
        if entry in names:
            found.append(names.index(entry))
        elif entry.isdecimal() and len(entry) < 10 and 1 <= int(entry) <= len(names):
            found.append(int(entry) - 1)
        else:
            raise click.BadParameter(
                f"{entry!r} is not a category; name them, or number them 1 to {len(names)}",
                param_hint=hint,
            )
    if len(set(found)) != len(found) or len(found) > 4:
        raise click.BadParameter(
            f"{text!r}: name one to four different categories", param_hint=hint
        )
    return tuple(found)
