"""`gscli describe`: exact facts of a distribution, and the statistics of a file beside them."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from gscli.cli import options
from gscli.cli.help import Command
from gscli.cli.inputs import open_input
from gscli.cli.messages import echo_json
from gscli.cli.outputs import csv_text
from gscli.cli.param_types import Prior, PriorType
from gscli.cli.parameters import CLASSIC_TEMPERATURE, Parameters
from gscli.cli.progress import waiting

if TYPE_CHECKING:
    from gscli.distribution.concrete import Concrete
    from gscli.distribution.properties import Advice, Facts
    from gscli.execution.threads import Threads
    from gscli.inference.summary import Summary
    from gscli.io.samples import Samples

CLASSIC = float(CLASSIC_TEMPERATURE)


@click.command("describe", cls=Command, short_help="Show exact means, entropy and gradient error.")
@options.file_argument(required=False)
@options.parameters(default=None, note="[default: the file's temperature column, else 3]")
@options.batch_sizes
@click.option(
    "--prior",
    type=PriorType(),
    metavar="WEIGHTS[@T]",
    help="Show the KL divergence from a prior: uniform, or weights as of --pi, with @0.5 behind "
    "them at that temperature.  [default temperature: that of -t]",
)
@options.columns
@options.log
@options.as_json
@click.option("--csv", "as_csv", is_flag=True, help="Print a CSV table, a row a temperature.")
@options.threads
@options.quiet
def command(
    file: str | None,
    parameters: Parameters,
    batch_sizes: tuple[int, ...],
    prior: Prior | None,
    columns: tuple[str, ...] | None,
    log: bool,
    as_json: bool,
    as_csv: bool,
    threads: "Threads",
    quiet: bool,
) -> None:
    """Show exact facts at one or more temperatures, and the statistics of FILE beside them.

    All are exact, for temperatures from 0.001 to 1000: means, spreads, entropy, E[max X], the share
    of samples near a vertex (with a component above 0.95) and the error of the relaxed gradient.
    The regime says where the density is unbounded: along the whole boundary of the simplex
    (boundary, t <= 1/(K-1)), at its vertices and, for t < m/(K-m), where m components are 0
    (vertices), or nowhere (interior, t >= K-1).

    J is the Jacobian of a sample with respect to the logits, J0 that of the probabilities. The
    bias is the norm of E[J] - J0, shown relative to that of J0; the noise is the variance of J; m
    is the number of samples averaged per gradient step. The error at m is bias² + noise / m, and
    the best temperature is the one at which it is least. If its bias is above one half, that
    gradient is only shrunk towards 0: then the best temperature with a bias up to one half is
    advised instead.

    \b
    Examples:
      gscli describe --pi 1,3,6 -t 0.1,0.5,1,3
      gscli describe --pi 1,3,6 -t 0.5 --prior uniform -m 64
      gscli describe samples.csv --pi 1,3,6 -t 3 --json
    """
    from gscli.distribution.properties import advise, facts_at

    if as_json and as_csv:
        raise click.UsageError("--json and --csv are both given; leave one out")
    if file is None:
        for option, typed in {"--log": log, "--columns": columns is not None}.items():
            if typed:
                raise click.UsageError(f"{option} says what FILE holds; name a FILE")
    parameters.check_exact_range()
    measured, names = {}, parameters.names
    if file is not None:
        given = open_input(file, parameters, log=log, quiet=quiet, columns=columns, assume=True)
        names, measured = given.samples.names, _measure(given.samples, threads)
        given.tell(quiet=quiet)
        known = given.parameters or parameters
        parameters = replace(known, temperatures=given.temperatures)
    first = parameters.at()
    with waiting("computing exact facts", quiet=quiet):
        facts = list(
            facts_at(
                first.logits,
                parameters.temperatures or tuple(measured) or (CLASSIC,),
                batch_sizes=batch_sizes,
                prior=None if prior is None else _prior(prior, names),
                threads=threads,
            )
        )
    if as_csv:
        click.echo(csv_text([_row(names, each, measured) for each in facts]), nl=False)
        return
    with waiting("looking for the best temperatures", quiet=quiet):
        advice = advise(first.logits, batch_sizes)
    if as_json:
        values = first.probs if parameters.are_logits else parameters.weights.values
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
    probs = Parameters(weights).in_order(names, "").weights.values
    if prior.temperature is None:
        return partial(Concrete, probs)
    fixed = Concrete(probs, prior.temperature)
    return lambda _: fixed


def _measure(samples: "Samples", threads: "Threads") -> "dict[float, Summary]":
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
    weights: Any,
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
