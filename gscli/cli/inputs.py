"""Samples to draw or to measure: from the distribution itself, a file or standard input."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import click

from gscli.cli import options
from gscli.cli.progress import track
from gscli.cli.rows import SHOWN_TEMPERATURES, listed

if TYPE_CHECKING:
    from gscli.io.samples import Block, Samples
    from gscli.io.weights import Weights
    from gscli.plotting.collect import Load, Part
    from gscli.plotting.plot import Sample


def open_source(
    file: str | None,
    pi: "Weights | None",
    logits: "Weights | None",
    temperatures: tuple[float, ...] | None,
    n: int,
    seed: int | None,
    threads: int | None,
    *,
    log: bool,
    quiet: bool,
) -> "Sample":
    """Return the samples of a file, or those to be drawn if there is none."""
    if file is None:
        if log:
            raise click.UsageError("--log tells what FILE holds; name a FILE")
        return _from_distribution(pi, logits, temperatures or (3.0,), n, seed, threads, quiet)
    return open_file(file, pi, logits, temperatures, threads, log=log, quiet=quiet)


def _from_distribution(
    pi: "Weights | None",
    logits: "Weights | None",
    temperatures: tuple[float, ...],
    n: int,
    seed: int | None,
    threads: int | None,
    quiet: bool,
) -> "Sample":
    import numpy as np

    from gscli.distribution.noise import fresh_seed, stream
    from gscli.io.columns import default_names
    from gscli.plotting.collect import loaded
    from gscli.plotting.plot import Sample

    distributions, names = options.distributions(pi, logits, temperatures)
    first = distributions[0]
    chosen_seed = fresh_seed() if seed is None else seed

    def parts() -> "Iterator[Part]":
        for distribution in distributions:
            chunks = stream(
                partial(distribution.from_noise, form="log"),
                distribution.num_categories,
                n,
                seed=chosen_seed,
                threads=threads,
            )
            for chunk in chunks:
                yield distribution.temperature, np.asarray(chunk.rows, np.float64)

    def loads() -> "Iterator[Load]":
        total = n * len(distributions)
        drawn = track(parts(), total=total, size=lambda part: len(part[1]), quiet=quiet)
        return map(loaded, drawn)

    return Sample(
        names=names or default_names(first.num_categories),
        loads=loads,
        log=True,
        logits=first.logits,
        origin=f"seed {chosen_seed}",
        threads=threads,
        temperatures=temperatures,
    )


def open_file(
    file: str,
    pi: "Weights | None",
    logits: "Weights | None",
    temperatures: tuple[float, ...] | None,
    threads: int | None,
    *,
    log: bool,
    quiet: bool,
) -> "Sample":
    """Return the samples of a file; its rows are checked as they are read."""
    from gscli.io.samples import open_samples, split_by_temperature
    from gscli.plotting.collect import check_block
    from gscli.plotting.plot import Sample

    samples = open_samples(file, temperatures=temperatures)
    if not samples.has_temperatures:
        options.check_one_temperature(temperatures, samples)
    known, names = None, samples.names
    if pi is not None or logits is not None:
        (known, *_), given = options.distributions(pi, logits, temperatures or (1.0,), samples)
        names = given or names
    stated = temperatures[0] if temperatures and len(temperatures) == 1 else None

    wanted = temperatures or () if samples.has_temperatures else ()

    def load(block: "Block") -> "Iterator[Part]":
        check_block(block, label=samples.label, log=log)
        if block.temperatures is None:
            yield stated, block.rows
        else:
            yield from split_by_temperature(block, temperatures)

    def loads() -> "Iterator[Load]":
        blocks = track(
            samples, total=samples.total, size=lambda block: len(block.rows), quiet=quiet
        )
        return (partial(load, block) for block in _with_all(wanted, samples, blocks))

    return Sample(
        names=names,
        loads=loads,
        log=log,
        logits=None if known is None else known.logits,
        origin=samples.label,
        threads=threads,
    )


def _with_all(
    wanted: tuple[float, ...], samples: "Samples", blocks: "Iterator[Block]"
) -> "Iterator[Block]":
    """Yield the blocks; fail after the last one if a wanted temperature was in none of them."""
    from gscli.errors import DataError
    from gscli.io.samples import stated_temperatures

    missing, others = {*wanted}, set[float]()
    for block in blocks:
        if missing:
            stated = stated_temperatures(block)
            missing -= stated
            others |= stated if len(others) <= SHOWN_TEMPERATURES else set()
        yield block
    if missing:
        raise DataError(
            f"{samples.label}: has no rows at temperature {min(missing):g}; its temperature "
            f"column states {listed(others)}"
        )


def positions(sample: "Sample", text: str | None) -> tuple[int, ...] | None:
    """Return the positions of the categories that the user named, or numbered from 1."""
    if text is None:
        return None
    found = []
    for entry in (entry.strip() for entry in text.split(",")):
        if entry in sample.names:
            found.append(sample.names.index(entry))
        elif entry.isdecimal() and len(entry) < 10 and 1 <= int(entry) <= len(sample.names):
            found.append(int(entry) - 1)
        else:
            raise click.BadParameter(
                f"{entry!r} is not a category; name them, or number them 1 to {len(sample.names)}",
                param_hint="'--categories'",
            )
    if len(set(found)) != len(found) or not 2 <= len(found) <= 4:
        raise click.BadParameter(
            f"{text!r}: name two, three or four different categories", param_hint="'--categories'"
        )
    return tuple(found)
