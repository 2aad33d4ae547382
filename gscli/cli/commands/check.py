"""`gscli check`: whether samples come from the distribution, and if not, why."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gscli import __version__
from gscli.cli import options
from gscli.cli.messages import describe_parameters, echo_json, printable, say
from gscli.cli.outputs import check_outputs
from gscli.cli.param_types import FiniteRange, OutputType
from gscli.cli.parameters import Parameters
from gscli.cli.tables import itemised, plain_table
from gscli.errors import GscliError
from gscli.plotting.export import SUFFIXES, check_browser

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table
    from rich.text import Text

    from gscli.cli.inputs import Input
    from gscli.distribution.concrete import Concrete
    from gscli.inference.gof.results import CheckResult

EXIT_REJECTED = 1
EXIT_NOT_JUDGED = 2
WIDE = 96
"""Columns of a terminal that have room for the sentences beside the numbers."""

COLOURS = {"passed": "green", "rejected": "bold red"}
VERDICT_COLOURS = {"Consistent": "green", "Rejected": "bold red", "Not judged": "bold yellow"}


@click.command("check", short_help="Test whether a file's samples are right, and say why not.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@options.parameters(default=None, note="[default: the file's own]", assumed=False)
@options.columns
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
@options.force
@options.as_json
@options.threads
@options.quiet
def command(
    files: tuple[str, ...],
    parameters: Parameters,
    columns: tuple[str, ...] | None,
    log: bool,
    alpha: float,
    plots: tuple[Path, ...],
    force: bool,
    as_json: bool,
    threads: int | None,
    quiet: bool,
) -> None:
    """Test whether the samples in FILE, or - for standard input, are of the distribution.

    The tests are exact at any temperature: rows on the simplex; which component is largest;
    log-ratios against the logistic law; the joint law, by a map to a flat Dirichlet distribution;
    independence of categories and of rows. Exits with 0 if the samples are consistent with it,
    with 1 if they are rejected, and then names the likeliest cause, and with 2 if they cannot be
    judged: a wrong option, a file that cannot be read, too few rows or too many zeros.

    Of several files, or temperatures of one, a table has a row each, and the exit code is the
    worst one. --quiet prints one line for each instead of its tests.

    \b
    Examples:
      gscli check samples.csv --pi 1,3,6 -t 3
      gscli check torch.npy --logits 0.1,2,-1 -t 0.5 --plot check.html
      gscli check run*.parquet --quiet
    """
    from gscli.cli.inputs import expand_globs

    files = expand_globs(files)
    for file in files:
        check_outputs(plots, force=force, figures=True, file=file, hint="'--plot'")
    check_browser(plots)
    opened = partial(_open, parameters=parameters, columns=columns, log=log, quiet=quiet)
    judged = partial(_judge, alpha=alpha, threads=threads, quiet=quiet)
    runs: list[Run] = []
    if len(files) > 1:
        runs += [run for file in files for run in _attempted(file, opened, judged)]
    else:
        runs += judged(opened(files[0]))
    if plots:
        _draw(runs, plots)
    _show(runs, as_json=as_json, quiet=quiet)
    if plots:
        say(f"Wrote {', '.join(map(str, plots))}", quiet=quiet)
    if code := max(run.exit_code for run in runs):
        raise click.exceptions.Exit(code)


@dataclass(frozen=True)
class Judged:
    """A file, at one temperature, and what was found."""

    file: str
    names: tuple[str, ...]
    distribution: "Concrete"
    result: "CheckResult"

    @property
    def exit_code(self) -> int:
        """The exit code of this file alone."""
        if self.result.consistent:
            return 0
        return EXIT_REJECTED if self.result.conclusive else EXIT_NOT_JUDGED

    def cells(self) -> tuple[str, ...]:
        """Return temperature, number of rows, verdict, least p-value and first cause."""
        result = self.result
        least = min(test.p_value for test in result.tests)
        t, cause = self.distribution.temperature, (*result.causes, "")[0]
        return f"{t:g}", f"{result.n:,}", result.verdict, f"{least:.3g}", cause

    def as_dict(self) -> dict[str, Any]:
        """Return what was found as a JSON-serialisable dict."""
        own = {
            "file": self.file,
            "names": self.names,
            "pi": self.distribution.probs,
            "temperature": self.distribution.temperature,
            "version": __version__,
        }
        return own | self.result.as_dict()


@dataclass(frozen=True)
class Failed:
    """A file that could not be judged, and why."""

    file: str
    error: str
    exit_code = EXIT_NOT_JUDGED

    def cells(self) -> tuple[str, ...]:
        """Return the same cells as a file that was judged."""
        return "", "", "Not judged", "", self.error

    def as_dict(self) -> dict[str, Any]:
        """Return the error as a JSON-serialisable dict."""
        own = {"file": self.file, "version": __version__, "error": self.error}
        return own | {"consistent": False, "conclusive": False}


Run = Judged | Failed


def _open(
    file: str,
    *,
    parameters: Parameters,
    columns: tuple[str, ...] | None,
    log: bool,
    quiet: bool,
) -> "Input":
    from gscli.cli.inputs import open_input

    return open_input(
        file, parameters, log=log, quiet=quiet, valid=False, one="-t", columns=columns
    )


def _judge(given: "Input", *, alpha: float, threads: int | None, quiet: bool) -> "list[Run]":
    """Return what was found of one file, at each temperature."""
    found: list[Run] = [_judge_one(each, alpha, threads) for each in given.each()]
    given.tell(quiet=quiet)
    return found


def _judge_one(given: "Input", alpha: float, threads: int | None) -> Judged:
    from gscli.inference.gof.check import check
    from gscli.io.samples import naming

    samples, distribution = given.samples, given.distribution()
    with naming(samples.label):
        result = check(samples, distribution, alpha=alpha, names=samples.names, threads=threads)
    return Judged(samples.label, samples.names, distribution, result)


def _attempted(
    file: str, opened: "Callable[[str], Input]", judged: "Callable[[Input], list[Run]]"
) -> "list[Run]":
    """Return what was found of one file among several: one that fails does not end the others."""
    try:
        return judged(opened(file))
    except (GscliError, click.UsageError) as error:
        reason = error.format_message() if isinstance(error, click.UsageError) else str(error)
        return [Failed(file, reason.removeprefix(f"{file}: "))]


def _show(runs: "list[Run]", *, as_json: bool, quiet: bool) -> None:
    if as_json:
        found = [run.as_dict() for run in runs]
        codes = [run.exit_code for run in runs]
        worst = {"consistent": not any(codes), "conclusive": EXIT_NOT_JUDGED not in codes}
        echo_json(found[0] if len(runs) == 1 else {**worst, "files": found})
    elif quiet:
        for run in runs:
            click.echo(printable(_line(run)))
    elif len(runs) == 1 and isinstance(runs[0], Judged):
        _print(runs[0])
    else:
        _print_table(runs)


def _line(run: Run) -> str:
    """Return what was found in a line, for logs."""
    t, n, verdict, least, why = run.cells()
    found = f", t = {t}, n = {n}, least p-value {least}" if n else ""
    return f"{run.file}: {verdict}{found}{why and f': {why}'}"


def _print_table(runs: "list[Run]") -> None:
    from rich.console import Console
    from rich.text import Text

    table = plain_table("file")
    for head in ("t", "n", "verdict", "least p"):
        table.add_column(head, no_wrap=True)
    table.add_column("why", overflow="fold")
    for run in runs:
        file, *cells = (Text(printable(cell)) for cell in (run.file, *run.cells()))
        cells[2].stylize(VERDICT_COLOURS[cells[2].plain])
        table.add_row(file, *cells)
    Console(highlight=False).print(table)


def _draw(runs: "list[Run]", targets: tuple[Path, ...]) -> None:
    from gscli.plotting.checks import check_panels
    from gscli.plotting.export import save

    run, *others = runs
    if others or isinstance(run, Failed):
        raise click.UsageError("--plot draws one file at one temperature; name one")
    title = f"{run.result.verdict}: n = {run.result.n:,}"
    subtitle = describe_parameters([run.distribution])
    figure = check_panels(run.result, names=run.names, title=title, subtitle=subtitle)
    save([(figure, path) for path in targets])


def _print(run: Judged) -> None:
    from rich.console import Console
    from rich.text import Text

    result = run.result
    console = Console(highlight=False)
    wide = console.width >= WIDE
    console.print(table_of(result, sentences=wide))
    console.print()
    if not wide:
        for test in result.tests:
            console.print(itemised("-", Text(printable(f"{test.name}: {test.sentence}"))))
        console.print()
    named = None if run.names[0] == "x1" else run.names
    drawn = describe_parameters([run.distribution], named)
    console.print(conclusion(result), Text(printable(drawn)))
    console.print(f"(alpha = {result.alpha:g}, {result.correction}; n = {result.n:,})")
    for remark in result.remarks:
        console.print(itemised("-", Text(printable(remark))))
    if result.causes:
        console.print(Text("\nWhy" if not result.conclusive else "\nLikeliest cause first"))
        for number, cause in enumerate(result.causes, 1):
            console.print(itemised(f"{number}.", Text(printable(cause))))


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
        cells += [
            Text(word, style=COLOURS[word]),
            *([Text(printable(test.sentence))] if sentences else []),
        ]
        table.add_row(*cells)
    return table
