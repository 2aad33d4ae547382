"""`gscli describe`: exact facts of a distribution, and beside them a file's own figures."""

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from gscli.cli import options
from gscli.cli.progress import track, waiting

if TYPE_CHECKING:
    from rich.table import Table

    from gscli.concrete import Concrete, FloatArray
    from gscli.facts import Facts
    from gscli.readers import Block, Samples
    from gscli.summary import Summary
    from gscli.weights import Weights

SHOWN_CATEGORIES = 12
LONGEST_NAME = 20
GAP = 2
"""Blanks between columns."""

SUM_TOLERANCE = 0.01
"""Rows of rounded decimals are still described."""

Measured = dict[float, "Summary"]


@click.command("describe")
@options.file_argument(required=False)
@options.pi
@options.logits
@options.temperature(default=None, note="[default: the file's temperature column, else 3]")
@click.option("--log", is_flag=True, help="FILE holds log X.")
@options.as_json
@click.option("--csv", "as_csv", is_flag=True, help="Print a CSV table, a row a temperature.")
@options.quiet
def command(
    file: str | None,
    pi: "Weights | None",
    logits: "Weights | None",
    temperatures: tuple[float, ...] | None,
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
    (first, *_), given = options.distributions(pi, logits, temperatures or (3.0,))
    measured = {} if file is None else _measure(file, first, temperatures, log, quiet)
    names = given or default_names(first.num_categories)
    with waiting("computing exact facts", quiet=quiet):
        facts = list(facts_at(first.logits, temperatures or tuple(measured) or (3.0,)))
    if as_csv:
        _write_csv([_row(names, each, measured) for each in facts])
        return
    with waiting("looking for the best temperatures", quiet=quiet):
        best = best_temperatures(first.logits)
    if as_json:
        weights = first.probs.tolist() if logits else list(options.weights_of(pi, None)[0].values)
        click.echo(json.dumps(_as_dict(names, weights, facts, best, measured)))
    else:
        _print(names, facts, best, measured)


def _measure(
    file: str,
    distribution: "Concrete",
    temperatures: tuple[float, ...] | None,
    log: bool,
    quiet: bool,
) -> Measured:
    """Return the figures of a file at each of its temperatures, or at those that were named."""
    from gscli.errors import DataError
    from gscli.readers import open_samples
    from gscli.summary import Sums

    samples = open_samples(file, temperatures=temperatures)
    options.check_categories(samples, distribution)
    if not samples.has_temperatures:
        options.check_one_temperature(temperatures, samples)
    sums: dict[float, Sums] = {t: Sums() for t in temperatures or ()}
    blocks = track(samples, total=samples.total, size=lambda block: len(block.rows), quiet=quiet)
    for block in blocks:
        for temperature, rows in _parts(samples, block, log, temperatures):
            sums.setdefault(temperature, Sums()).add(rows)
    for temperature, found in sums.items():
        if found.n < 2:
            raise DataError(
                f"{samples.label}: {found.n} rows at t = {temperature:g}; figures with standard "
                "errors need two or more: give the file's temperature with -t"
            )
    return {temperature: found.summary() for temperature, found in sums.items()}


def _parts(
    samples: "Samples", block: "Block", log: bool, wanted: tuple[float, ...] | None
) -> "Iterator[tuple[float, FloatArray]]":
    """Yield the points of a block by temperature; a row off the simplex ends the program."""
    from dataclasses import replace

    import numpy as np

    from gscli.errors import DataError
    from gscli.readers import split_by_temperature

    with np.errstate(over="ignore"):
        points = np.exp(block.rows) if log else block.rows
    sums = points.sum(axis=1)
    wrong = ~(np.abs(sums - 1) <= SUM_TOLERANCE) | (points.min(axis=1) < 0)
    if wrong.any():
        row = int(wrong.argmax())
        remedy = "" if log else "; for logarithms of samples use --log"
        raise DataError(
            f"{samples.label}: row {block.start + row + 1} is not on the simplex: its sum is "
            f"{sums[row]:.6g}, its smallest value {points[row].min():.6g}{remedy}"
        )
    if samples.has_temperatures:
        yield from split_by_temperature(replace(block, rows=points), wanted)
    else:
        yield (wanted or (3.0,))[0], points


def _as_dict(
    names: tuple[str, ...],
    weights: list[float],
    facts: "list[Facts]",
    best: dict[int, float] | None,
    measured: Measured,
) -> dict[str, Any]:
    distribution = facts[0].distribution
    found: dict[str, Any] = {
        "names": list(names),
        "pi": weights,
        "probs": distribution.probs.tolist(),
        "num_categories": distribution.num_categories,
        "best_temperature": None if best is None else {str(m): t for m, t in best.items()},
        "temperatures": [each.as_dict() for each in facts],
    }
    if measured:
        samples = [{"temperature": t, **summary.as_dict()} for t, summary in measured.items()]
        found["sample"] = samples[0] if len(samples) == 1 else samples
    return found


def _row(names: tuple[str, ...], facts: "Facts", measured: Measured) -> dict[str, Any]:
    labels = dict(enumerate(names))
    row = facts.as_row(labels)
    if measured:
        row |= measured[facts.distribution.temperature].as_row(labels)
    return row


def _write_csv(rows: list[dict[str, Any]]) -> None:
    writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _print(
    names: tuple[str, ...],
    facts: "list[Facts]",
    best: dict[int, float] | None,
    measured: Measured,
) -> None:
    from rich.console import Console

    from gscli.facts import format_best

    console = Console(highlight=False)
    for table in _tables(names, facts, measured, console.width):
        console.print(table)
    if best is None:
        console.print("No temperature is best: one category has all but the whole probability.")
    else:
        advice = ", ".join(f"{format_best(t)} for {m:,}" for m, t in best.items())
        console.print(f"Best temperature for a gradient averaged over m samples: {advice}")


def _tables(
    names: tuple[str, ...], facts: "list[Facts]", measured: Measured, width: int
) -> "Iterator[Table]":
    """Yield tables that fit the width, each of as many temperatures as it holds."""
    labels, probs = _labels(names, facts[0])
    groups = [_group(each, measured.get(each.distribution.temperature)) for each in facts]
    sides = [("t", labels), ("p", probs)]
    room = width - _width(sides)
    while groups:
        taken = 1
        while taken < len(groups) and sum(map(_width, groups[: taken + 1])) <= room:
            taken += 1
        yield _table([*sides, *(column for group in groups[:taken] for column in group)])
        groups = groups[taken:]


Column = tuple[str, list[str]]


def _width(columns: Sequence[Column]) -> int:
    from rich.cells import cell_len

    return sum(max(map(cell_len, [head, *cells])) + GAP for head, cells in columns)


def _table(columns: Sequence[Column]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for position, (head, _) in enumerate(columns):
        style = "green" if head.startswith("FILE") else "cyan" if head == "p" else None
        justify: Any = "right" if position else "left"
        table.add_column(head, justify=justify, style=style, no_wrap=True, overflow="ellipsis")
    for cells in zip(*(cells for _, cells in columns), strict=True):
        table.add_row(*map(Text, cells))
    return table


def _labels(names: tuple[str, ...], facts: "Facts") -> tuple[list[str], list[str]]:
    """Return the lines' labels, and the categories' probabilities beside the means."""
    shown = [_clipped(name) for name in names[:SHOWN_CATEGORIES]]
    rest = len(names) - len(shown)
    labels = [
        *(f"mean {name}" for name in shown),
        *(f"sd {name}" for name in shown),
        *([f"({rest:,} more)"] if rest else []),
        "entropy (nats)",
        "E[max X]",
        "near a vertex",
        "regime",
        "gradient bias",
        "gradient noise",
        *(f"error at m = {m}" for m in facts.as_dict(())["gradient"]["error"]),
    ]
    probs = [_share(p, 4) for p in facts.distribution.probs[:SHOWN_CATEGORIES]]
    return labels, probs + [""] * (len(labels) - len(probs))


def _share(value: float, decimals: int = 5) -> str:
    """Return a share with so many decimals, or in powers of ten if they show little of it."""
    return f"{value:.{decimals}f}" if value == 0 or value >= 0.0005 else f"{value:.1e}"


def _clipped(name: str) -> str:
    """Return a name, cut to a width that leaves room for figures."""
    from rich.text import Text

    text = Text(name)
    text.truncate(LONGEST_NAME, overflow="ellipsis")
    return text.plain


def _group(facts: "Facts", summary: "Summary | None") -> list[Column]:
    """Return the column of a temperature, and that of the file's figures there."""
    columns = [(f"{facts.distribution.temperature:.4g}", _exact(facts))]
    if summary is not None:
        cells = _sampled(summary)
        columns.append(
            (f"FILE, n = {summary.n:,}", cells + [""] * (len(columns[0][1]) - len(cells)))
        )
    return columns


def _exact(facts: "Facts") -> list[str]:
    found = facts.as_dict(range(min(facts.distribution.num_categories, SHOWN_CATEGORIES)))
    gradient = found["gradient"]
    relative = gradient["relative_bias"]
    return [
        *map(_share, (*found["mean"], *found["sd"])),
        *([""] if facts.distribution.num_categories > SHOWN_CATEGORIES else []),
        f"{found['entropy']:.5f}",
        f"{found['expected_max']:.4f}",
        f"{found['near_vertex']:.4f}",
        found["regime"],
        "–" if relative is None else f"{100 * relative:.3g} %",
        f"{gradient['noise']:.3g}",
        *(f"{error:.3g}" for error in gradient["error"].values()),
    ]


def _sampled(summary: "Summary") -> list[str]:
    shown = slice(SHOWN_CATEGORIES)
    means = zip(summary.mean[shown], summary.mean_se[shown], strict=True)
    return [
        *(f"{_share(mean)} ± {_share(error)}" for mean, error in means),
        *map(_share, summary.sd[shown]),
        *([""] if len(summary.mean) > SHOWN_CATEGORIES else []),
        "",
        f"{summary.expected_max:.4f} ± {summary.expected_max_se:.4f}",
        f"{summary.near_vertex:.4f} ± {summary.near_vertex_se:.4f}",
    ]
