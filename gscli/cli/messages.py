"""Messages about the work, on standard error, and JSON."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from gscli.cli.outputs import Request
    from gscli.distribution.concrete import Concrete

SHOWN_CATEGORIES = 8


def say(message: str, *, quiet: bool) -> None:
    """Write a line to standard error, unless asked to be quiet."""
    if not quiet:
        click.echo(message, err=True)


def echo_json(content: dict[str, Any]) -> None:
    """Print one JSON object, with null where a number is not finite."""
    import json

    from gscli.records import to_json

    click.echo(json.dumps(to_json(content), allow_nan=False))


def describe_parameters(
    distributions: "Sequence[Concrete]", names: tuple[str, ...] | None = None, *, own: bool = False
) -> str:
    """Return the normalised probabilities and the temperatures (or: each row's own) in a line.

    Examples
    --------
    >>> from gscli import Concrete
    >>> describe_parameters([Concrete([1, 3, 6], 3)])
    'probs 0.1, 0.3, 0.6; t = 3'
    """
    first = distributions[0]
    shown = [f"{p:.4g}" for p in first.probs[:SHOWN_CATEGORIES]]
    if names is not None:
        shown = [f"{name} {p}" for name, p in zip(names, shown, strict=False)]
    if first.num_categories > SHOWN_CATEGORIES:
        shown.append(f"... ({first.num_categories} categories)")
    temperatures = "each row's own" if own else format_temperatures(distributions)
    return f"probs {', '.join(shown)}; t = {temperatures}"


def format_temperatures(distributions: "Sequence[Concrete]") -> str:
    """Return the temperatures in a line, the middle ones left out if there are many."""
    texts = [f"{d.temperature:g}" for d in distributions]
    if len(texts) > SHOWN_CATEGORIES:
        shown = ", ".join([*texts[:3], "...", *texts[-2:]])
        return f"{shown} ({len(distributions)} temperatures)"
    return ", ".join(texts)


def describe_run(request: "Request", outputs: Sequence[str]) -> str:
    """Return the line that says what was drawn, where it went and how to repeat it."""
    files = [path for path in outputs if path != "-"]
    where = f" to {', '.join(files)}" if files else ""
    named = request.names if request.names[0] != "x1" else None
    count = f"{request.n:,} sample{'' if request.n == 1 else 's'}"
    if request.start:
        count += f" from row {request.start:,} on"
    parameters = describe_parameters(request.distributions, named)
    return f"{count}{where}: {parameters}; seed {request.seed}"


def describe_loss(request: "Request") -> str:
    """Return the line that says how many rows lost their smallest shares, and the remedy."""
    share = request.lossy_rows / (request.n * len(request.distributions))
    rows = f"{request.lossy_rows:,} rows ({share:.2g})"
    if request.form == "log":
        return f"{rows} hold -inf, since float32 ends at 1e38; use --dtype float64"
    return (
        f"{rows} hold an exact 0 or 1, where the density is not finite; --log keeps full precision"
    )
