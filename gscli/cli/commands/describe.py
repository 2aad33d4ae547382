"""`gscli describe`: exact facts of a distribution, and beside them a file's own figures."""

import csv
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from gscli.cli import options
from gscli.cli.inputs import open_input
from gscli.cli.messages import echo_json
from gscli.cli.param_types import Prior, PriorType
from gscli.cli.progress import waiting

if TYPE_CHECKING:
    from gscli.distribution.concrete import Concrete
    from gscli.distribution.properties import Advice, Facts
    from gscli.inference.summary import Summary
    from gscli.io.samples import Samples
    from gscli.io.weights import Weights

CLASSIC = float(options.CLASSIC_TEMPERATURE)


@click.command("describe", short_help="Show exact means, entropy and gradient error.")
@options.file_argument(required=False)
@options.pi
@options.logits
@options.temperature(default=None, note="[default: the file's temperature column, else 3]")
@options.batch_sizes
@click.option(
    "--prior",
    type=PriorType(),
    metavar="WEIGHTS[@T]",
    help="Show the KL divergence from a prior: uniform, or weights as of --pi, with @0.5 behind "
    "them at that temperature.  [default temperature: that of -t]",
)
@click.option("--log", is_flag=True, help="FILE holds log X.")
@options.as_json
@click.option("--csv", "as_csv", is_flag=True, help="Print a CSV table, a row a temperature.")
@options.quiet
def command(
    file: str | None,
    pi: "Weights | None",
    logits: "Weights | None",
    temperatures: tuple[float, ...] | None,
    batch_sizes: tuple[int, ...],
    prior: Prior | None,
    log: bool,
    as_json: bool,
    as_csv: bool,
    quiet: bool,
) -> None:
    """Show exact facts at one or more temperatures, and the figures of FILE beside them.

    All are exact, for temperatures from 0.001 to 1000: means, spreads, entropy, E[max X], the share
    of samples near a vertex (with a component above 0.95) and the error of the relaxed gradient.
    The regime says where the density is unbounded: along the whole boundary of the simplex
    (boundary, t <= 1/(K-1)), at its vertices and, for t < m/(K-m), where m components are 0
    (vertices), or nowhere (interior, t >= K-1).

    The best temperature is the one at which bias² + noise / m of a gradient averaged over m samples
    is least. If its bias is above one half of the gradient itself, that gradient is only shrunk
    towards 0: then the best temperature with a bias up to one half is advised instead.

    \b
    Examples:
      gscli describe --pi 1,3,6 -t 0.1,0.5,1,3
      gscli describe --pi 1,3,6 -t 0.5 --prior uniform -m 64
      gscli describe samples.csv --pi 1,3,6 -t 3 --json
    """
    from gscli.distribution.properties import advise, facts_at
    from gscli.io.columns import default_names

    if as_json and as_csv:
        raise click.UsageError("--json and --csv are both given; leave one out")
    if log and file is None:
        raise click.UsageError("--log tells what FILE holds; name a FILE")
    options.check_exact_range(temperatures or ())
    weights, are_logits = options.weights_of(pi, logits)
    measured, names = {}, weights.names or default_names(len(weights.values))
    if file is not None:
        given = None if are_logits else weights
        samples = open_input(file, given, logits, temperatures, log=log, quiet=quiet).samples
        names, measured = samples.names, _measure(samples)
        weights = options.in_order(weights, names, file)
    first = options.distribution(weights, are_logits)
    with waiting("computing exact facts", quiet=quiet):
        facts = list(
            facts_at(
                first.logits,
                temperatures or tuple(measured) or (CLASSIC,),
                batch_sizes=batch_sizes,
                prior=None if prior is None else _prior(prior, names),
            )
        )
    if as_csv:
        _write_csv([_row(names, each, measured) for each in facts])
        return
    with waiting("looking for the best temperatures", quiet=quiet):
        advice = advise(first.logits, batch_sizes)
    if as_json:
        values = first.probs.tolist() if are_logits else list(weights.values)
        echo_json(_as_dict(names, values, facts, advice, measured))
    else:
        from gscli.cli.facts_table import print_facts

        print_facts(names, facts, advice, measured)


def _prior(prior: Prior, names: tuple[str, ...]) -> "Callable[[float], Concrete]":
    """Return the prior at a temperature, over the categories in the order of their names."""
    from functools import partial

    from gscli.distribution.concrete import Concrete
    from gscli.io.weights import Weights

    weights = prior.weights or Weights((1.0,) * len(names))
    if len(weights.values) != len(names):
        raise click.BadParameter(
            f"has {len(weights.values)} weights for {len(names)} categories; give as many",
            param_hint="'--prior'",
        )
    own = {*(weights.names or ())}
    if own & {*names} and own != {*names}:
        raise click.BadParameter(
            f"names {', '.join(weights.names or ())}, but the categories are {', '.join(names)}; "
            "use the same names, or none",
            param_hint="'--prior'",
        )
    probs = options.in_order(weights, names, "").values
    if prior.temperature is None:
        return partial(Concrete, probs)
    fixed = Concrete(probs, prior.temperature)
    return lambda _: fixed


def _measure(samples: "Samples", threads: int | None = None) -> "dict[float, Summary]":
    """Return the statistics of a file at each of its temperatures."""
    from functools import partial

    from gscli.errors import DataError
    from gscli.inference.summary import SummaryAccumulator
    from gscli.io.samples import ByTemperature

    make = partial(ByTemperature, partial(SummaryAccumulator, log=samples.log))
    found = samples.accumulate(make, threads=threads).found
    measured = {}
    for temperature, each in found.items():
        known = CLASSIC if temperature is None else temperature
        if each.n < 2:
            raise DataError(
                f"{samples.label}: {each.n} row at t = {known:g}; standard errors need two or more"
            )
        measured[known] = each.summary()
    return measured


def _as_dict(
    names: tuple[str, ...],
    weights: list[float],
    facts: "list[Facts]",
    advice: "dict[int, Advice] | None",
    measured: "dict[float, Summary]",
) -> dict[str, Any]:
    distribution = facts[0].distribution
    found: dict[str, Any] = {
        "names": names,
        "pi": weights,
        "probs": distribution.probs,
        "num_categories": distribution.num_categories,
        "best_temperature": advice and {m: each.best for m, each in advice.items()},
        "advised_temperature": advice and {m: each.advised for m, each in advice.items()},
        "temperatures": [{**each.as_dict(), "covariance": each.covariance()} for each in facts],
    }
    if measured:
        samples = [{"temperature": t, **summary.as_dict()} for t, summary in measured.items()]
        found["sample"] = samples[0] if len(samples) == 1 else samples
    return found


def _row(
    names: tuple[str, ...], facts: "Facts", measured: "dict[float, Summary]"
) -> dict[str, Any]:
    labels = dict(enumerate(names))
    summary = measured.get(facts.temperature)
    return facts.as_row(labels) | (summary.as_row(labels, "sample ") if summary else {})


def _write_csv(rows: list[dict[str, Any]]) -> None:
    writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
