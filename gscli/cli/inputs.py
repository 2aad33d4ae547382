"""Where a command's samples come from: a file, a pipe, or the distribution itself."""

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gscli.cli.messages import describe_parameters, say
from gscli.cli.parameters import TEMPERATURE_HINT, Parameters
from gscli.cli.progress import track

if TYPE_CHECKING:
    from gscli.arrays import FloatArray
    from gscli.distribution.concrete import Concrete
    from gscli.io.samples import Batch, Part, Samples


@dataclass(frozen=True)
class Input:
    """Samples, and what is known of their distribution.

    Attributes
    ----------
    samples : Samples
        Not read yet.
    parameters : Parameters or None
        With the weights in the order of the samples' columns, if they are known.
    temperatures : tuple of float
        Those that were named or, where there can be one only, that the file states.
    """

    samples: "Samples"
    parameters: Parameters | None = None
    temperatures: tuple[float, ...] = ()

    @property
    def logits(self) -> "FloatArray | None":
        """The logits, shape (K,), if they are known."""
        return None if self.parameters is None else self.parameters.at().logits

    def distribution(self) -> "Concrete":
        """Return the distribution to judge the samples by; nothing of it is ever assumed."""
        from gscli.distribution.concrete import Concrete

        label, logits = self.samples.label, self.logits
        if logits is None:
            raise click.UsageError(
                f"{label} does not say which distribution it is of; give --pi or --logits"
            )
        temperature = self.temperatures or (self.samples.stated_temperature(),)
        if temperature[0] is None:
            raise click.UsageError(f"{label} states no temperature; give one with -t")
        return Concrete(logits=logits, temperature=temperature[0])

    def tell(self, *, quiet: bool) -> None:
        """Say what the samples were taken for: at the end, so that an error is one line alone."""
        for note in self.samples.notes:
            say(f"{self.samples.label}: {note}", quiet=quiet)

    def each(self) -> "Iterator[Input]":
        """Yield the samples of each temperature that was named."""
        from gscli.errors import DataError

        if len(self.temperatures) < 2:
            yield self
            return
        if not self.samples.repeatable:
            raise DataError(
                f"{self.samples.label}: can be read once, for one temperature; save it to a file"
            )
        for temperature in self.temperatures:
            one = (temperature,)
            yield replace(self, samples=self.samples.at(one), temperatures=one)


def open_input(
    file: str,
    parameters: Parameters | None,
    temperatures: tuple[float, ...] | None = None,
    *,
    log: bool,
    quiet: bool,
    valid: bool = True,
    one: str = "",
    columns: Sequence[str] | None = None,
    assume: bool = False,
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
        The option that names the temperature, where rows of several are not taken together.
    columns : sequence of str, optional
        The categories; see `open_samples`.
    assume : bool
        Whether the parameters hold although they were not given, if the file states none.
    """
    from gscli.io.readers import open_samples
    from gscli.io.samples import naming, several_temperatures

    given = (parameters.temperatures if parameters else temperatures) or ()
    samples = open_samples(file, log=log, temperatures=given, columns=columns, option=one or "-t")
    if len(given) > 1 and not samples.has_temperatures:
        raise click.BadParameter(
            f"{len(given)} temperatures for the one table of {samples.label}; give one",
            param_hint=f"'{one}'" if one.startswith("--") else TEMPERATURE_HINT,
        )
    stated = _stated(samples)
    if stated is not None:
        samples = replace(samples, notes=(*samples.notes, _statement(samples, stated)))
    if one and not given and stated is not None and len(stated.temperatures) > 1:
        with naming(samples.label):
            raise several_temperatures(stated.temperatures, one)
    choice = ""
    if one and not given and (first := samples.stated_temperature()) is not None:
        given, choice = (first,), one
    elif not given and stated is not None and not samples.has_temperatures:
        given = stated.temperatures
    samples = replace(
        samples.at(given, choice=choice),
        assumed=given[0] if len(given) == 1 and not samples.has_temperatures else None,
        valid=valid,
        progress=partial(track, total=samples.total, size=lambda part: part.num_rows, quiet=quiet),
    )
    if parameters is None:
        return Input(samples, None, given)
    if not parameters.given and (stated is not None or not assume):
        return Input(samples, stated, given)
    return _matched(samples, parameters, given)


def expand_globs(files: Sequence[str]) -> tuple[str, ...]:
    """Return the files that patterns such as ``run*.npy`` stand for, and the others as they are."""
    found: list[str] = []
    for file in files:
        pattern = file != "-" and not Path(file).exists() and glob.has_magic(file)
        found += (sorted(glob.glob(file)) if pattern else []) or [file]  # noqa: PTH207
    return tuple(found)


def _stated(samples: "Samples") -> Parameters | None:
    """Return the parameters that a file's metadata state for its columns."""
    from gscli.io.weights import Weights

    own = samples.provenance
    if own is None or {*own.names} != {*samples.names}:
        return None
    weights = Weights(own.logits, own.names)
    stated = Parameters(weights, are_logits=True, temperatures=own.temperatures)
    return stated.in_order(samples.names, samples.label)


def _statement(samples: "Samples", stated: Parameters) -> str:
    """Return what a file's metadata state, in a line."""
    from gscli.io.columns import are_default

    names = None if are_default(stated.names) else stated.names
    seed = samples.provenance.seed if samples.provenance else None
    form = "log X of " if samples.log else ""
    drawn = describe_parameters(stated.distributions(), names)
    return f"its metadata state {form}{drawn}; seed {seed}"


def _matched(samples: "Samples", parameters: Parameters, given: tuple[float, ...]) -> Input:
    """Return samples with the weights of their columns."""
    from gscli.io.columns import are_default, listed

    names, label = parameters.weights.names, samples.label
    if len(samples.names) != len(parameters.names):
        if not parameters.given:
            raise click.UsageError(
                f"{label}: {len(samples.names)} columns; give as many weights with --pi, or choose "
                "columns with --columns"
            )
        few = names is not None and {*names} < {*samples.names}
        choice = f"--columns {','.join(names or ())}" if few else "--columns"
        raise click.UsageError(
            f"{label}: {len(samples.names)} columns, {len(parameters.names)} weights; is one an "
            f"index or id? Choose the others with {choice}, or give {len(samples.names)} weights"
        )
    parameters = parameters.in_order(samples.names, label)
    if names is not None and not {*names} & {*samples.names}:
        if not samples.named or are_default(samples.names):
            samples = replace(samples, names=names)
        elif not are_default(names):
            order = f"{listed(samples.names)} get the weights {listed(names)}, in this order"
            samples = replace(samples, notes=(*samples.notes, f"columns {order}"))
    return Input(samples, parameters, given)


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
    return Input(samples, parameters, tuple(d.temperature for d in distributions))


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
