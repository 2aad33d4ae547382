"""`gscli check`: whether samples come from the distribution, and if not, why."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gscli import __version__
from gscli.cli import options
from gscli.cli.help import Command
from gscli.cli.messages import describe_probs, echo_json, printable, say
from gscli.cli.outputs import check_outputs, check_style
from gscli.cli.param_types import FiniteRange, OutputType, SamplesType
from gscli.cli.parameters import Parameters
from gscli.cli.progress import waiting
from gscli.cli.tables import itemised, plain_table
from gscli.errors import GscliError
from gscli.plotting.export import SUFFIXES, check_browser

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.table import Table
    from rich.text import Text

    from gscli.arrays import FloatArray
    from gscli.cli.inputs import Input
    from gscli.execution.threads import Threads
    from gscli.inference.gof.results import CheckResult, TestResult
    from gscli.plotting.export import Style

EXIT_REJECTED = 1
EXIT_NOT_JUDGED = 2
WIDE = 96
"""Columns of a terminal that have room for the sentences beside the numbers."""

COLOURS = {"passed": "green", "rejected": "bold red"}
VERDICT_COLOURS = {"Consistent": "green", "Rejected": "bold red", "Not judged": "bold yellow"}


@click.command(
    "check", cls=Command, short_help="Test whether a file's samples are right, and say why not."
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@options.parameters(default=None, note="[default: the file's own]", assumed=False, hard=True)
@options.columns
@options.log
@click.option("--hard", is_flag=True, help="FILE holds one-hot rows; zeros in --pi are allowed.")
@click.option(
    "--labels",
    is_flag=True,
    help="FILE holds one column of labels, names or 0 ... K-1, in place of one-hot rows.",
)
@click.option(
    "--min-rows",
    type=SamplesType(),
    default=1,
    help="Judge no file that has fewer rows.",
)
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
@options.style
@options.force
@options.as_json
@click.option("--verbose", is_flag=True, help="Explain the tests that passed, too.")
@options.threads
@options.quiet
def command(
    files: tuple[str, ...],
    parameters: Parameters,
    columns: tuple[str, ...] | None,
    log: bool,
    hard: bool,
    labels: bool,
    min_rows: int,
    alpha: float,
    plots: tuple[Path, ...],
    style: "Style",
    force: bool,
    as_json: bool,
    verbose: bool,
    threads: "Threads",
    quiet: bool,
) -> None:
    """Test whether the samples in FILE, or - for standard input, are of the distribution.

    The tests are exact at any temperature: rows on the simplex; which component is largest;
    log-ratios against the logistic law; the joint law, by a map to a flat Dirichlet distribution;
    independence of categories and of rows. Exits with 0 if the samples are consistent with it,
    with 1 if they are rejected, and then names the likeliest cause, and with 2 if they cannot be
    judged: a wrong option, a file that cannot be read, too few rows or too many zeros.

    A test that rejects is explained; --verbose explains all. Of several files, or temperatures of
    one, a table has a row each, and the exit code is the worst one. --quiet prints one line for
    each instead of its tests.

    Hard samples have no temperature: which category each row is of is tested, and whether rows
    are independent.

    \b
    Examples:
      gscli check samples.csv --pi 1,3,6 -t 3
      gscli check tokens.npy --labels --logits @logits.npy
      gscli check torch.npy --logits 0.1,2,-1 -t 0.5 --plot check.html
      gscli check run*.parquet --quiet
    """
    from gscli.cli.inputs import expand_globs

    if verbose and (quiet or as_json):
        raise click.UsageError("--verbose explains a table; leave out --quiet and --json")
    check_style(plots)
    files = expand_globs(files)
    for file in files:
        check_outputs(plots, force=force, figures=True, file=file, hint="'--plot'")
    check_browser(plots)
    how = {"alpha": alpha, "min_rows": min_rows, "threads": threads}
    judged = _judge_with(parameters, columns, how, log=log, hard=hard, labels=labels, quiet=quiet)
    runs: list[Run] = []
    if len(files) > 1:
        runs += [run for file in files for run in _attempted(file, judged)]
    else:
        runs += judged(files[0])
    if plots:
        _draw(runs, plots, style)
    _show(runs, as_json=as_json, quiet=quiet, verbose=verbose)
    if plots:
        say(f"Wrote {', '.join(map(str, plots))}", quiet=quiet)
    if code := max(run.exit_code for run in runs):
        raise click.exceptions.Exit(code)


@dataclass(frozen=True)
class Judged:
    """A file, at one temperature, and what was found."""

    file: str
    names: tuple[str, ...]
    probs: "FloatArray | None"
    temperature: float | None
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
        t = "hard" if self.temperature is None else f"{self.temperature:g}"
        return t, f"{result.n:,}", result.verdict, f"{least:.3g}", (*result.causes, "")[0]

    def description(self) -> str:
        """Return the distribution in words."""
        named = None if self.names[0] == "x1" else self.names
        drawn = "each row's own logits"
        if self.probs is not None:
            drawn = describe_probs(self.probs, named)
        return f"{drawn}; {'hard' if self.temperature is None else f't = {self.temperature:g}'}"

    def as_dict(self) -> dict[str, Any]:
        """Return what was found as a JSON-serialisable dict."""
        own = {
            "file": self.file,
            "names": self.names,
            "pi": self.probs,
            "temperature": self.temperature,
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

    own = parameters.row_logits is not None
    return open_input(
        file,
        None if own else parameters,
        parameters.temperatures,
        log=log,
        quiet=quiet,
        valid=own,
        one="-t",
        columns=columns,
    )


def _judge(
    file: str,
    *,
    opened: "Callable[[str], Input]",
    own: Path | None,
    how: dict[str, Any],
    quiet: bool,
) -> "list[Run]":
    """Return what was found of one file, at each temperature."""
    given = opened(file)
    one = _judge_one if own is None else partial(_judge_by_row, own=own)
    found: list[Run] = [one(each, how=how, quiet=quiet) for each in given.each()]
    given.tell(quiet=quiet)
    return found


def _judge_one(given: "Input", *, how: dict[str, Any], quiet: bool) -> Judged:
    from gscli.inference.gof.check import check
    from gscli.io.samples import naming

    samples, distribution = given.samples, given.distribution()
    with naming(samples.label), waiting(f"testing {samples.label}", quiet=quiet):
        result = check(samples, distribution, names=samples.names, **how)
    t = distribution.temperature
    return Judged(samples.label, samples.names, distribution.probs, t, result)


def _judge_by_row(given: "Input", *, own: Path, how: dict[str, Any], quiet: bool) -> Judged:
    """Return what was found where each row has logits of its own."""
    from gscli.distribution.concrete import Concrete
    from gscli.inference.gof.check import check
    from gscli.inference.gof.own_logits import with_equal_logits
    from gscli.io.samples import naming
    from gscli.io.weights import read_row_logits

    samples = given.samples
    if len(given.temperatures) != 1:
        raise click.UsageError(f"{samples.label} states no temperature; give one with -t")
    (t,) = given.temperatures
    equal = Concrete([1.0] * len(samples.names), t)
    with naming(samples.label), waiting(f"testing {samples.label}", quiet=quiet):
        mapped = with_equal_logits(samples, read_row_logits(own), t)
        result = check(mapped, equal, names=samples.names, **how)
    return Judged(samples.label, samples.names, None, t, result)


def _judge_hard(
    file: str,
    *,
    parameters: Parameters,
    columns: tuple[str, ...] | None,
    labels: bool,
    quiet: bool,
    how: dict[str, Any],
) -> "list[Run]":
    """Return what was found of a file of one-hot rows, or of labels."""
    from gscli.cli.inputs import open_input
    from gscli.inference.gof.hard import check_hard
    from gscli.io.columns import default_names
    from gscli.io.labels import read_labels
    from gscli.io.samples import naming
    from gscli.io.weights import read_row_logits

    own = parameters.row_logits
    if not parameters.given:
        raise click.UsageError("hard samples need --pi or --logits: nothing is assumed")
    if parameters.temperatures:
        raise click.UsageError("hard samples have no temperature; leave -t out")
    logits = read_row_logits(own) if own else None
    if labels:
        names = parameters.weights.names
        rows: Any = read_labels(file, names)
        shown = names or default_names(len(parameters.names) if logits is None else logits.shape[1])
    else:
        given = open_input(
            file, None if own else parameters, log=False, quiet=quiet, valid=False, columns=columns
        )
        rows, shown = (batch.rows for batch in given.samples), given.samples.names
        parameters = given.parameters or parameters
    probs = None if own else parameters.probs
    with naming(file), waiting(f"testing {file}", quiet=quiet):
        result = check_hard(rows, probs, logits=logits, names=shown, **how)
    return [Judged(file, tuple(shown), probs, None, result)]


def _judge_with(
    parameters: Parameters,
    columns: tuple[str, ...] | None,
    how: dict[str, Any],
    *,
    log: bool,
    hard: bool,
    labels: bool,
    quiet: bool,
) -> "Callable[[str], list[Run]]":
    """Return the function that judges a file."""
    from gscli.execution.threads import Workers

    if isinstance(how["threads"], Workers) and (hard or labels or parameters.row_logits):
        raise click.UsageError(
            "--dask judges relaxed samples of one distribution; leave it out for --hard, --labels "
            "and logits of each row"
        )
    if hard or labels:
        if log:
            raise click.UsageError(
                "--log and --hard exclude each other: vertices have no logarithm"
            )
        return partial(
            _judge_hard, parameters=parameters, columns=columns, labels=labels, quiet=quiet, how=how
        )
    if parameters.given and not (parameters.row_logits or all(parameters.probs)):
        raise click.BadParameter(
            "a probability is 0; only --hard samples can have one", param_hint="'--pi'"
        )
    opened = partial(_open, parameters=parameters, columns=columns, log=log, quiet=quiet)
    return partial(_judge, opened=opened, own=parameters.row_logits, how=how, quiet=quiet)


def _attempted(file: str, judged: "Callable[[str], list[Run]]") -> "list[Run]":
    """Return what was found of one file among several: one that fails does not end the others."""
    try:
        return judged(file)
    except (GscliError, click.UsageError) as error:
        reason = error.format_message() if isinstance(error, click.UsageError) else str(error)
        return [Failed(file, reason.removeprefix(f"{file}: "))]


def _show(runs: "list[Run]", *, as_json: bool, quiet: bool, verbose: bool) -> None:
    if as_json:
        found = [run.as_dict() for run in runs]
        codes = [run.exit_code for run in runs]
        worst = {"consistent": not any(codes), "conclusive": EXIT_NOT_JUDGED not in codes}
        echo_json(found[0] if len(runs) == 1 else {**worst, "files": found})
    elif quiet:
        for run in runs:
            click.echo(printable(_line(run)))
    elif len(runs) == 1 and isinstance(runs[0], Judged):
        _print(runs[0], verbose=verbose)
    else:
        _print_table(runs)


def _line(run: Run) -> str:
    """Return what was found in a line, for logs."""
    t, n, verdict, least, why = run.cells()
    at = t if t == "hard" else f"t = {t}"
    found = f", {at}, n = {n}, least p-value {least}" if n else ""
    return f"{run.file}: {verdict}{found}{why and f': {why}'}"


def _print_table(runs: "list[Run]") -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    wide = console.width >= WIDE
    table = plain_table()
    table.add_column("file", overflow="fold")
    for head in ("t", "n", "verdict", "least p"):
        table.add_column(head, no_wrap=True)
    if wide:
        table.add_column("why", overflow="fold")
    for run in runs:
        cells = [Text(printable(cell)) for cell in (run.file, *run.cells())]
        cells[3].stylize(VERDICT_COLOURS[cells[3].plain])
        table.add_row(*cells[: len(table.columns)])
    console.print(table)
    if not wide:
        for run in runs:
            *_, why = run.cells()
            if why:
                console.print(itemised("-", Text(printable(f"{run.file}: {why}"))))


def _draw(runs: "list[Run]", targets: tuple[Path, ...], style: "Style") -> None:
    from gscli.plotting.checks import check_panels
    from gscli.plotting.export import save

    run, *others = runs
    if others or isinstance(run, Failed):
        raise click.UsageError("--plot draws one file at one temperature; name one")
    title = f"{run.result.verdict}: n = {run.result.n:,}"
    subtitle = run.description()
    figure = check_panels(run.result, names=run.names, title=title, subtitle=subtitle)
    save([(figure, path) for path in targets], style)


def _print(run: Judged, *, verbose: bool) -> None:
    from rich.console import Console
    from rich.text import Text

    result = run.result
    console = Console(highlight=False)
    explained = [test for test in result.tests if verbose or not test.passed]
    wide = console.width >= WIDE and bool(explained)
    console.print(table_of(result, explained if wide else ()))
    console.print()
    if explained and not wide:
        for test in explained:
            console.print(itemised("-", Text(printable(f"{test.name}: {test.sentence}"))))
        console.print()
    console.print(conclusion(result), Text(printable(run.description())))
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


def table_of(result: "CheckResult", explained: "Sequence[TestResult]") -> "Table":
    """Return the tests as a table: statistic, p-value, verdict, and the sentences of some."""
    from rich.text import Text

    table = plain_table("test", "statistic", "p-value")
    table.add_column("verdict", no_wrap=True)
    if explained:
        table.add_column("what it says", overflow="fold")
    for test in result.tests:
        word = "passed" if test.passed else "rejected"
        cells: list[str | Text] = [test.name, f"{test.statistic:.4g}", f"{test.p_value:.3g}"]
        cells += [
            Text(word, style=COLOURS[word]),
            *([Text(printable(test.sentence))] if test in explained else []),
        ]
        table.add_row(*cells)
    return table
