"""Where a command's samples come from: a file, a pipe, or the distribution itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import click

from gscli.cli import options
from gscli.cli.progress import track

if TYPE_CHECKING:
    from gscli.arrays import FloatArray
    from gscli.distribution.concrete import Concrete
    from gscli.io.samples import Batch, Part, Samples
    from gscli.io.weights import Weights

ONE_AT_A_TIME = "they are judged one at a time: save one of them, array[i], in a file of its own"


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

        if self.logits is None:
            raise click.UsageError(
                f"{self.samples.label} does not say which distribution it is of; give --pi or "
                "--logits"
            )
        temperature = self.temperatures or (self.samples.stated_temperature(),)
        if temperature[0] is None:
            raise click.UsageError(f"{self.samples.label} states no temperature; give one with -t")
        return Concrete(logits=self.logits, temperature=temperature[0])


def open_input(
    file: str,
    pi: "Weights | None",
    logits: "Weights | None",
    temperatures: tuple[float, ...] | None,
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
    pi, logits : Weights or None
        What is known of the distribution; at most one of them.
    temperatures : tuple of float, or None
        Those whose rows are wanted, of a file that states some; else that of all rows.
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

    given = temperatures or ()
    if one and len(given) > 1:
        raise click.BadParameter(
            f"{len(given)} temperatures; samples are judged at one at a time: give one",
            param_hint=f"'{one}'",
        )
    remedy = ONE_AT_A_TIME if one else NAME_THEM
    samples = open_samples(file, log=log, temperatures=temperatures, remedy=remedy)
    if len(given) > 1 and not samples.has_temperatures:
        raise click.BadParameter(
            f"{len(given)} temperatures for the one table of {samples.label}; give one",
            param_hint="'-t' / '--temperature'",
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
    if pi is None and logits is None:
        return Input(samples, None, given)
    samples, values = _matched(samples, *options.weights_of(pi, logits))
    return Input(samples, values, given)


def _matched(
    samples: "Samples", weights: "Weights", are_logits: bool
) -> "tuple[Samples, FloatArray]":
    """Return the samples, with the weights' names if they have none, and the logits."""
    if samples.named:
        weights = options.in_order(weights, samples.names, samples.label)
    found = options.distribution(weights, are_logits).logits
    if len(samples.names) != len(found):
        raise click.UsageError(
            f"{samples.label} has {len(samples.names)} columns of values, but the distribution "
            f"has {len(found)} categories; give as many weights with --pi"
        )
    if not samples.named and weights.names is not None:
        samples = replace(samples, names=weights.names)
    return samples, found


def draw_input(
    distributions: "list[Concrete]",
    names: tuple[str, ...] | None,
    *,
    n: int,
    seed: int | None,
    quiet: bool,
) -> Input:
    """Return samples to be drawn from the distribution at each temperature."""
    import numpy as np

    from gscli.distribution.noise import Sampler, fresh_seed
    from gscli.io.columns import default_names
    from gscli.io.samples import Batch, Part, Samples

    chosen = fresh_seed() if seed is None else seed
    k = distributions[0].num_categories
    sampler = Sampler(k, seed=chosen)

    def draw(rows: range, distribution: "Concrete") -> "Iterator[Batch]":
        chunk = sampler.draw(rows, partial(distribution.from_noise, form="log"))
        yield Batch(np.asarray(chunk.rows, np.float64), chunk.start, distribution.temperature)

    def read() -> "Iterator[Part]":
        for distribution in distributions:
            for rows in sampler.parts(0, n):
                yield Part(len(rows), partial(draw, rows, distribution))

    total = n * len(distributions)
    samples = Samples(
        f"seed {chosen}",
        names or default_names(k),
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
    found = []
    for entry in (entry.strip() for entry in text.split(",")):
        if entry in names:
            found.append(names.index(entry))
        elif entry.isdecimal() and len(entry) < 10 and 1 <= int(entry) <= len(names):
            found.append(int(entry) - 1)
        else:
            raise click.BadParameter(
                f"{entry!r} is not a category; name them, or number them 1 to {len(names)}",
                param_hint="'--categories'",
            )
    if len(set(found)) != len(found) or len(found) > 4:
        raise click.BadParameter(
            f"{text!r}: name one to four different categories", param_hint="'--categories'"
        )
    return tuple(found)


@contextmanager
def naming(samples: "Samples") -> Iterator[None]:
    """Name the file in an error that its content raises."""
    from gscli.errors import AccuracyError, DataError

    try:
        yield
    except (AccuracyError, DataError) as error:
        if str(error).startswith(f"{samples.label}: "):
            raise
        raise type(error)(f"{samples.label}: {error}") from error
