"""The table of exact facts, and of a file's statistics beside them, fitted to the terminal."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from gscli.cli.messages import printable

if TYPE_CHECKING:
    from rich.table import Table

    from gscli.distribution.properties import Advice, Facts
    from gscli.inference.summary import Summary

GRADIENT = (
    "J: Jacobian of a sample with respect to the logits; J0: the categorical's. "
    "Bias: ‖E[J] - J0‖, in % of ‖J0‖. Noise: E‖J - E[J]‖². "
    "Error at m: bias² + noise / m, of the mean over m samples; of no gradient at all: ‖J0‖²."
)
KL = (
    "KL: divergence from the prior, in nats. A relaxed sample tells more than the category that it "
    "rounds to, so its divergence is larger. A loss must use that of the samples it takes."
)

SHOWN_CATEGORIES = 12
LONGEST_NAME = 20
SECTIONS = {"mean": 1, "sd": 2, "entropy": 3, "gradient": 4, "KL": 5}
"""Of lines, by how the first one's label begins: a gap is between them."""

BEST, BEST_STYLE = "*", "bold green"
GAP = 2
"""Characters between columns."""

Measured = dict[float, "Summary"]
Column = tuple[str, list[str]]


def print_facts(
    names: tuple[str, ...],
    facts: "list[Facts]",
    advice: "dict[int, Advice] | None",
    measured: Measured,
) -> None:
    """Print the table, what its lines mean, and the best temperatures.

    Parameters
    ----------
    names : tuple of K str
        Of the categories.
    facts : list of Facts
        One a temperature, all of one pi.
    advice : dict of int to Advice, or None
        The best temperature by batch size, if there is one.
    measured : dict of float to Summary
        The statistics of a file, by temperature.
    """
    from rich.console import Console

    from gscli.distribution.extremes import WITHIN
    from gscli.distribution.gradients import MAX_RELATIVE_BIAS

    console = Console(highlight=False)
    for table in _tables(names, facts, measured, console.width):
        console.print(table)
    if _best_among(facts):
        percent = f"{100 * MAX_RELATIVE_BIAS:.0f} %"
        console.print(f"*: the least error of these temperatures, with a bias up to {percent}.")
    console.print(f"Near a vertex: largest share above {1 - WITHIN:g}.", markup=False)
    console.print(GRADIENT, markup=False)
    if facts[0].kl is not None:
        console.print(KL, markup=False)
    for line in _advice_lines(advice):
        console.print(line, markup=False)


def _advice_lines(advice: "dict[int, Advice] | None") -> Iterator[str]:
    """Yield the best temperatures, and what is wrong with those of a shrunk gradient."""
    from gscli.distribution.properties import cautions, format_best
    from gscli.records import percent

    if advice is None:
        yield "No temperature is best: one category has nearly all of the probability."
        return
    parts = [
        f"{format_best(each.advised)} for m = {m:,} "
        f"(bias {percent(each.advised_error.relative_bias)})"
        for m, each in advice.items()
    ]
    yield f"Best temperature: {', '.join(parts)}"
    yield from cautions(advice)


def _tables(
    names: tuple[str, ...], facts: "list[Facts]", measured: Measured, width: int
) -> "Iterator[Table]":
    """Yield tables that fit the width, each of as many temperatures as it holds."""
    labels, probs = _labels(names, facts[0])
    best = _best_among(facts)
    groups = [_group(each, measured.get(each.temperature), best) for each in facts]
    sides = [("t", labels), ("p", probs)]
    room = width - _width(sides)
    if max(map(_width, groups)) > room:  # a file's statistics then stand below, not beside
        groups = [[column] for group in groups for column in group]
    while groups:
        taken = 1
        while taken < len(groups) and sum(map(_width, groups[: taken + 1])) <= room:
            taken += 1
        yield _table([*sides, *(column for group in groups[:taken] for column in group)])
        groups = groups[taken:]


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
    above = None
    for cells in zip(*(cells for _, cells in columns), strict=True):
        section = SECTIONS.get(cells[0].split()[0], above)
        if above not in (None, section):
            table.add_row()
        table.add_row(*(Text(cell, BEST_STYLE if cell[:1] == BEST else "") for cell in cells))
        above = section
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
        *(f"error at m = {m}" for m in facts.batch_sizes),
        "error, no gradient",
        *(f"KL {name}" for name in facts.kl or ()),
    ]
    probs = [_share(p, 4) for p in facts.distribution.probs[:SHOWN_CATEGORIES]]
    return labels, probs + [""] * (len(labels) - len(probs))


def _share(value: float, decimals: int = 5) -> str:
    """Return a share with so many decimals, or in powers of ten if they show little of it."""
    return f"{value:.{decimals}f}" if value == 0 or value >= 0.0005 else f"{value:.1e}"


def _with_error(value: float, error: float) -> str:
    """Return a share and its standard error, both with the decimals that the error needs."""
    decimals = 5 if error <= 0 else min(12, max(5, 1 - math.floor(math.log10(error))))
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def _clipped(name: str) -> str:
    """Return a name, cut to a width that leaves room for numbers."""
    from rich.text import Text

    text = Text(printable(name))
    text.truncate(LONGEST_NAME, overflow="ellipsis")
    return text.plain


def _best_among(facts: "list[Facts]") -> dict[int, float]:
    """Return the best of several temperatures by batch size, if there is one."""
    from gscli.distribution.gradients import MAX_RELATIVE_BIAS

    usable = [each for each in facts if each.gradient["relative_bias"] <= MAX_RELATIVE_BIAS]
    if len(facts) < 2 or not usable:
        return {}
    return {
        m: min(usable, key=lambda each: each.gradient["error"][m]).temperature
        for m in facts[0].batch_sizes
    }


def _group(facts: "Facts", summary: "Summary | None", best: dict[int, float]) -> list[Column]:
    """Return the column of a temperature, and that of the file's statistics there."""
    columns = [(f"{facts.temperature:.4g}", _exact(facts, best))]
    if summary is not None:
        cells = _sampled(summary)
        columns.append(
            (f"FILE, n = {summary.n:,}", cells + [""] * (len(columns[0][1]) - len(cells)))
        )
    return columns


def _exact(facts: "Facts", best: dict[int, float]) -> list[str]:
    gradient = facts.gradient
    relative = gradient["relative_bias"]
    return [
        *map(_share, (*facts.mean[:SHOWN_CATEGORIES], *facts.sd[:SHOWN_CATEGORIES])),
        *([""] if len(facts.mean) > SHOWN_CATEGORIES else []),
        f"{facts.entropy:.5f}",
        f"{facts.expected_max:.4f}",
        f"{facts.near_vertex:.4f}",
        facts.regime,
        "–" if math.isnan(relative) else f"{100 * relative:.3g} %",
        f"{gradient['noise']:.3g}",
        *(
            f"{BEST if best.get(m) == facts.temperature else ''}{error:.3g}"
            for m, error in gradient["error"].items()
        ),
        f"{gradient['no_gradient']:.3g}",
        *(f"{value:.6g}" for value in (facts.kl or {}).values()),
    ]


def _sampled(summary: "Summary") -> list[str]:
    shown = slice(SHOWN_CATEGORIES)
    means = zip(summary.mean[shown], summary.mean_se[shown], strict=True)
    return [
        *(_with_error(mean, error) for mean, error in means),
        *map(_share, summary.sd[shown]),
        *([""] if len(summary.mean) > SHOWN_CATEGORIES else []),
        "",
        f"{summary.expected_max:.4f} ± {summary.expected_max_se:.4f}",
        f"{summary.near_vertex:.4f} ± {summary.near_vertex_se:.4f}",
    ]
