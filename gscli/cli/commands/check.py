"""`gscli check`: whether samples come from the distribution, and if not, why."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gscli.cli import options
from gscli.cli.messages import describe_parameters, echo_json, say
from gscli.cli.outputs import check_outputs
from gscli.cli.param_types import FiniteRange, OutputType
from gscli.cli.parameters import Parameters
from gscli.cli.tables import itemised, plain_table
from gscli.plotting.export import SUFFIXES, check_browser

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from gscli.distribution.concrete import Concrete
    from gscli.inference.gof.results import CheckResult

EXIT_REJECTED = 1
EXIT_NOT_JUDGED = 2
WIDE = 96
"""Columns of a terminal that have room for the sentences beside the numbers."""

COLOURS = {"passed": "green", "rejected": "bold red"}


@click.command("check", short_help="Test whether a file's samples are right, and say why not.")
@options.file_argument()
@options.parameters(default=None, note="[default: the file's temperature column]", assumed=False)
@options.log
@click.option(
    "--alpha",
    type=FiniteRange(0, 1, min_open=True, max_open=True),
    default=0.001,
    show_default=True,
    help="Probability of rejecting correct samples, over all tests together.",
)
@click.option(
    "--plot",
    "plots",
    type=OutputType(SUFFIXES),
    metavar="PATH",
    multiple=True,
    help="Draw observed against expected, test by test: .html, .png, .svg, .pdf, .webp or .json. "
    "Repeatable.",
)
@options.as_json
@options.threads
@options.quiet
def command(
    file: str,
    parameters: Parameters,
    log: bool,
    alpha: float,
    plots: tuple[Path, ...],
    as_json: bool,
    threads: int | None,
    quiet: bool,
) -> None:
    """Test whether the samples in FILE (CSV, NPY, Parquet; - is stdin) are of the distribution.

    The tests are exact at any temperature: rows on the simplex; which component is largest;
    log-ratios against the logistic law; the joint law, by a map to a flat Dirichlet distribution;
    independence of categories and of rows. Exits with 0 if the samples are consistent with it,
    with 1 if they are rejected, and then names the likeliest cause, and with 2 if they cannot be
    judged: a wrong option, a file that cannot be read, too few rows or too many zeros.

    \b
    Examples:
      gscli check samples.csv --pi 1,3,6 -t 3
      gscli check torch.npy --logits 0.1,2,-1 -t 0.5 --plot check.html
    """
    from gscli.cli.inputs import open_input
    from gscli.inference.gof.check import check
    from gscli.io.samples import naming

    check_outputs(plots, force=True, file=file, hint="'--plot'")
    check_browser(plots)
    given = open_input(file, parameters, log=log, quiet=quiet, valid=False, one="-t")
    distribution, names = given.distribution(), given.samples.names
    with naming(given.samples.label):
        result = check(given.samples, distribution, alpha=alpha, names=names, threads=threads)
    if as_json:
        echo_json(result.as_dict())
    else:
        _print(result, distribution, names)
    if plots:
        _draw(result, distribution, names, plots)
        say(f"Wrote {', '.join(map(str, plots))}", quiet=quiet)
    if not result.consistent:
        raise click.exceptions.Exit(EXIT_REJECTED if result.conclusive else EXIT_NOT_JUDGED)


def _draw(
    result: "CheckResult",
    distribution: "Concrete",
    names: tuple[str, ...],
    targets: tuple[Path, ...],
) -> None:
    from gscli.plotting.checks import check_panels
    from gscli.plotting.export import save

    title = f"{result.verdict}: n = {result.n:,}"
    figure = check_panels(
        result, names=names, title=title, subtitle=describe_parameters([distribution])
    )
    save([(figure, path) for path in targets])


def _print(result: "CheckResult", distribution: "Concrete", names: tuple[str, ...]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    wide = console.width >= WIDE
    console.print(table_of(result, sentences=wide))
    console.print()
    if not wide:
        for test in result.tests:
            console.print(itemised("-", Text(f"{test.name}: {test.sentence}")))
        console.print()
    named = None if names[0] == "x1" else names
    console.print(conclusion(result), Text(describe_parameters([distribution], named)))
    console.print(f"(alpha = {result.alpha:g}, {result.correction}; n = {result.n:,})")
    for remark in result.remarks:
        console.print(itemised("-", Text(remark)))
    if result.causes:
        console.print(Text("\nWhy" if not result.conclusive else "\nLikeliest cause first"))
        for number, cause in enumerate(result.causes, 1):
            console.print(itemised(f"{number}.", Text(cause)))


def conclusion(result: "CheckResult") -> "Text":
    """Return the overall verdict, coloured."""
    from rich.text import Text

    colour = "bold green" if result.consistent else "bold red"
    words = {
        "Consistent": "Consistent with",
        "Rejected": "Rejected: not consistent with",
        "Not judged": "Could not be judged against",
    }
    return Text(words[result.verdict], style=colour if result.conclusive else "bold yellow")


def table_of(result: "CheckResult", *, sentences: bool) -> "Table":
    """Return the tests as a table: statistic, p-value, verdict, and perhaps the sentence."""
    from rich.text import Text

    table = plain_table("test", "statistic", "p-value")
    table.add_column("verdict", no_wrap=True)
    if sentences:
        table.add_column("what it says", overflow="fold")
    for test in result.tests:
        word = "passed" if test.passed else "rejected"
        cells: list[str | Text] = [test.name, f"{test.statistic:.4g}", f"{test.p_value:.3g}"]
        cells += [Text(word, style=COLOURS[word]), *([Text(test.sentence)] if sentences else [])]
        table.add_row(*cells)
    return table
