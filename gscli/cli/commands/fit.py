"""`gscli fit`: the pi and the temperature that samples come from."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from gscli.cli import options
from gscli.cli.help import Command
from gscli.cli.messages import echo_json, printable
from gscli.cli.param_types import TemperaturesType
from gscli.cli.progress import waiting
from gscli.cli.tables import fitted_tables, itemised

if TYPE_CHECKING:
    from rich.table import Table

    from gscli.execution.threads import Threads
    from gscli.inference.fit import FitResult

SHOWN_CATEGORIES = 50


@click.command(
    "fit", cls=Command, short_help="Find the pi and the temperature that a file comes from."
)
@options.file_argument()
@options.columns
@options.log
@click.option(
    "--fix-temperature",
    "fixed",
    type=TemperaturesType(),
    metavar="T",
    help="Fit the probabilities alone, at this temperature (of a file with several, its rows).",
)
@options.as_json
@options.threads
@options.quiet
def command(
    file: str,
    columns: tuple[str, ...] | None,
    log: bool,
    fixed: tuple[float, ...] | None,
    as_json: bool,
    threads: "Threads",
    quiet: bool,
) -> None:
    """Fit probabilities and temperature to the samples in FILE by maximum likelihood.

    FILE is a table of samples, or - for standard input. Standard errors and 95 % intervals are
    from the information matrix; the tests of `gscli check` are made at the optimum. With several
    fixed temperatures there is a fit for each of them.

    \b
    Examples:
      gscli fit samples.csv
      gscli sample --pi 1,3,6 -t 0.5 --log | gscli fit - --log --json
    """
    from gscli.cli.inputs import open_input
    from gscli.inference.fit import fit
    from gscli.io.samples import naming

    option = "--fix-temperature"
    given = open_input(file, None, fixed, log=log, quiet=quiet, one=option, columns=columns)
    found = []
    for each in given.each():
        samples, fixed_at = each.samples, None if fixed is None else each.temperatures[0]
        with naming(samples.label), waiting(f"fitting {samples.label}", quiet=quiet):
            result = fit(samples, fix_temperature=fixed_at, names=samples.names, threads=threads)
        found.append(result)
    given.tell(quiet=quiet)
    names = given.samples.names
    if as_json:
        fits = [{"names": list(names), **result.as_dict()} for result in found]
        echo_json(fits[0] if len(fits) == 1 else {"fits": fits})
        return
    for result in found:
        _print(result, names, fixed=fixed is not None)


def _print(result: "FitResult", names: tuple[str, ...], *, fixed: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for table in _tables(result, names, console.width, fixed=fixed):
        console.print(table)
    console.print(
        f"\nlog-likelihood {result.log_likelihood:,.2f} nats, n = {result.n:,}", highlight=False
    )
    goodness = result.goodness
    words, colour = _goodness(goodness.verdict)
    console.print("goodness of fit:", Text(words, style=colour))
    remark = (
        f"(tests of gscli check at alpha = {goodness.alpha:g}; p-values are conservative, since "
        "the parameters were fitted to the same rows)"
    )
    console.print(Text(remark))
    for remark in result.remarks:
        console.print(itemised("-", Text(printable(remark))))
    for cause in goodness.causes:
        console.print(itemised("-", Text(printable(cause))))


def _goodness(verdict: str) -> tuple[str, str]:
    if verdict == "Consistent":
        return "no sign of another distribution", "bold green"
    return "rejected: the samples are not of this distribution", "bold red"


def _tables(
    result: "FitResult", names: tuple[str, ...], width: int, *, fixed: bool
) -> "Iterator[Table]":
    from rich.text import Text

    rows: list[tuple[str | Text, ...]] = [
        (printable(name), *cells) for name, *cells in _rows(result, names)
    ]
    if len(names) > SHOWN_CATEGORIES:
        rows.append((f"({len(names) - SHOWN_CATEGORIES} more: --json has all)", "", "", ""))
    ends = result.interval_95.temperature
    cells = to_digits(result.temperature, result.standard_errors.temperature, ends)
    last = ("temperature", *((cells[0], "fixed", "") if fixed else cells))
    rows.append(tuple(Text(cell, "cyan") for cell in last))
    categories, estimates, errors, intervals = zip(*rows, strict=True)
    sides = [("category", categories), ("p", estimates)]
    groups = [[("standard error", errors)], [("95 % interval", intervals)]]
    return fitted_tables(sides, groups, width)


def _rows(result: "FitResult", names: tuple[str, ...]) -> Iterator[tuple[str, str, str, str]]:
    errors, ends = result.standard_errors.probs, result.interval_95.probs
    estimates = zip(names, result.probs, errors, ends, strict=True)
    for name, estimate, error, interval in list(estimates)[:SHOWN_CATEGORIES]:
        yield name, *to_digits(estimate, error, interval)


def to_digits(estimate: float, error: Any, interval: Any) -> tuple[str, str, str]:
    """Return an estimate, its error and its interval, to two digits of the error.

    Examples
    --------
    >>> to_digits(0.30123, 0.0012, (0.2988, 0.3036))
    ('0.3012', '0.0012', '0.2988 to 0.3036')
    """
    decimals = 6 if error <= 0 else max(0, 1 - math.floor(math.log10(error)))
    if decimals > 9 or estimate >= 1e6:
        return f"{estimate:.6g}", f"{error:.2g}", f"{interval[0]:.6g} to {interval[1]:.6g}"
    low, high = (f"{end:.{decimals}f}" for end in interval)
    return f"{estimate:.{decimals}f}", f"{error:.{decimals}f}", f"{low} to {high}"
