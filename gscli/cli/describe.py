"""`gscli describe`: exact facts of a distribution, and beside them a file's own figures."""

import csv
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from gscli.cli import options

if TYPE_CHECKING:
    from rich.table import Table

    from gscli.facts import Facts
    from gscli.summary import Summary
    from gscli.weights import Weights

SHOWN_CATEGORIES = 12
TEMPERATURES_ACROSS = 12


@click.command("describe")
@options.file_argument(required=False)
@options.pi
@options.logits
@options.temperature()
@click.option("--log", is_flag=True, help="FILE holds log X.")
@options.as_json
@click.option("--csv", "as_csv", is_flag=True, help="Print a CSV table, a row a temperature.")
@options.quiet
def command(
    file: str | None,
    pi: "Weights | None",
    logits: "Weights | None",
    temperatures: tuple[float, ...],
    log: bool,
    as_json: bool,
    as_csv: bool,
    quiet: bool,
) -> None:
    """Show exact facts at one or more temperatures, and the figures of FILE beside them.

    Means, spreads, entropy and the error of the relaxed gradient are exact; E[max X] and the share
    near a vertex are Monte Carlo, their standard errors given. The best temperature is the one at
    which bias² + noise / m of a gradient averaged over m samples is least.

    \b
    Examples:
      gscli describe --pi 1,3,6 -t 0.1,0.5,1,3
      gscli describe samples.csv --pi 1,3,6 -t 3 --json
    """
    from gscli.facts import best_temperatures, facts_at
    from gscli.readers import default_names

    if as_json and as_csv:
        raise click.UsageError("--json and --csv are both given; leave one out")
    (first, *_), given = options.distributions(pi, logits, temperatures)
    summary = None if file is None else _summary(file, first, temperatures, log, quiet)
    facts = list(facts_at(first.logits, temperatures))
    names = given or default_names(first.num_categories)
    best = best_temperatures(first.logits)
    if as_json:
        click.echo(json.dumps(_as_dict(names, pi or logits, facts, best, summary)))
    elif as_csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows(_rows(names, facts))
    else:
        _print(names, facts, best, summary)


def _summary(
    file: str, distribution: Any, temperatures: tuple[float, ...], log: bool, quiet: bool
) -> "Summary":
    import numpy as np

    from gscli.cli.progress import track
    from gscli.readers import open_samples, split_by_temperature
    from gscli.summary import summarise

    if len(temperatures) > 1:
        raise click.BadParameter("with FILE give one temperature", param_hint="'-t'")
    samples = open_samples(file, temperatures=temperatures)
    options.check_categories(samples, distribution)
    blocks = track(samples, total=samples.total, size=lambda block: len(block.rows), quiet=quiet)
    parts = (
        rows
        for block in blocks
        for rows in (
            [block.rows]
            if block.temperatures is None
            else [part for _, part in split_by_temperature(block, temperatures)]
        )
    )
    return summarise(np.exp(rows) if log else rows for rows in parts)


def _as_dict(
    names: tuple[str, ...],
    weights: "Weights | None",
    facts: "list[Facts]",
    best: dict[int, float] | None,
    summary: "Summary | None",
) -> dict[str, Any]:
    distribution = facts[0].distribution
    given = weights.values if weights is not None else (1.0, 3.0, 6.0)
    found: dict[str, Any] = {
        "names": list(names),
        "pi": list(given),
        "probs": distribution.probs.tolist(),
        "num_categories": distribution.num_categories,
        "best_temperature": None if best is None else {str(m): t for m, t in best.items()},
        "temperatures": [each.as_dict() for each in facts],
    }
    if summary is not None:
        found["sample"] = summary.as_dict()
    return found


def _rows(names: tuple[str, ...], facts: "list[Facts]") -> Iterator[list[Any]]:
    """Yield a header and the facts of each temperature, as rows of a table."""
    for index, each in enumerate(facts):
        flat = each.as_row(names)
        if index == 0:
            yield list(flat)
        yield list(flat.values())


def _print(
    names: tuple[str, ...],
    facts: "list[Facts]",
    best: dict[int, float] | None,
    summary: "Summary | None",
) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    for first in range(0, len(facts), TEMPERATURES_ACROSS):
        console.print(_table(names, facts[first : first + TEMPERATURES_ACROSS], summary))
    if best is None:
        console.print("No temperature is best: one category has all but the whole probability.")
    else:
        advice = ", ".join(f"{t:.2g} for {m:,}" for m, t in best.items())
        console.print(
            f"Best temperature for a gradient averaged over m samples: {advice}", soft_wrap=True
        )


def _table(names: tuple[str, ...], facts: "list[Facts]", summary: "Summary | None") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("t")
    table.add_column("p", justify="right", style="cyan")
    for each in facts:
        table.add_column(f"{each.distribution.temperature:.4g}", justify="right")
    if summary is not None:
        table.add_column(f"FILE, n = {summary.n:,}", justify="right", style="green")
    for label, prob, cells, measured in _lines(names, facts, summary):
        row: list[Text | str] = [Text(label), prob, *cells, measured]
        table.add_row(*row[: len(table.columns)])
    return table


def _lines(
    names: tuple[str, ...], facts: "list[Facts]", summary: "Summary | None"
) -> Iterator[tuple[str, str, list[str], str]]:
    """Yield a line of the table: its label, p, the facts' cells, and the file's."""
    probs = facts[0].distribution.probs
    shown = min(len(names), SHOWN_CATEGORIES)
    for k in range(shown):
        measured = summary and f"{summary.mean[k]:.5f} ± {summary.mean_se[k]:.5f}"
        cells = [f"{each.mean[k]:.5f}" for each in facts]
        yield f"mean {names[k]}", f"{probs[k]:.4f}", cells, measured or ""
    for k in range(shown):
        measured = summary and f"{summary.sd[k]:.5f}"
        yield f"sd {names[k]}", "", [f"{each.sd[k]:.5f}" for each in facts], measured or ""
    if shown < len(names):
        yield f"({len(names) - shown} more categories)", "", ["" for _ in facts], ""
    yield "entropy (nats)", "", [f"{each.entropy:.5f}" for each in facts], ""
    measured = summary and f"{summary.expected_max:.4f} ± {summary.expected_max_se:.4f}"
    yield "E[max X]", "", [f"{each.expected_max.value:.4f}" for each in facts], measured or ""
    measured = summary and f"{summary.near_vertex:.4f} ± {summary.near_vertex_se:.4f}"
    yield "near a vertex", "", [f"{each.near_vertex.value:.4f}" for each in facts], measured or ""
    yield "regime", "", [each.distribution.regime for each in facts], ""
    yield "gradient bias", "", [f"{100 * each.gradient.relative_bias:.3g} %" for each in facts], ""
    yield "gradient noise", "", [f"{each.gradient.noise:.3g}" for each in facts], ""
    for m in facts[0].as_dict()["gradient"]["error"]:
        cells = [f"{each.gradient.error(int(m)):.3g}" for each in facts]
        yield f"error at m = {m}", "", cells, ""
