"""`gscli gradient`: estimators of a gradient through a discrete choice, compared on a loss."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gscli.cli import options
from gscli.cli.help import Command
from gscli.cli.losses import LOSS_FORMS, EstimatorsType, LossType
from gscli.cli.messages import echo_json, say
from gscli.cli.outputs import check_outputs, check_style, echo_csv
from gscli.cli.param_types import SamplesType
from gscli.cli.parameters import Parameters
from gscli.cli.progress import waiting
from gscli.errors import ParameterError

if TYPE_CHECKING:
    from rich.table import Table

    from gscli.cli.tables import Column
    from gscli.distribution.estimators import Best, Comparison, Estimator
    from gscli.distribution.losses import Loss
    from gscli.execution.threads import Threads
    from gscli.plotting.export import Style

CLASSIC_GRID = "0.05:5:21"
SMALLEST_BIAS = 1e-8
"""A relative bias below it is rounding."""

LOSS_HINT = "'-l' / '--loss'"


@click.command("gradient", cls=Command)
@options.parameters(default=CLASSIC_GRID)
@click.option(
    "-l",
    "--loss",
    "make_loss",
    type=LossType(),
    metavar="LOSS",
    help=f"{LOSS_FORMS}.  [default: quadratic, b from 0 for the first category evenly to 1 for the "
    "last]",
)
@options.batch_sizes
@click.option(
    "--estimators",
    type=EstimatorsType(),
    metavar="NAME[,NAME...]",
    help="Only these.  [default: all seven]",
)
@click.option(
    "--inner",
    "inner_samples",
    type=SamplesType(),
    metavar="S",
    default="10",
    show_default=True,
    help="Inner samples of gumbel-rao.",
)
@options.samples
@options.seed
@options.figures
@options.style
@options.as_json
@click.option("--csv", "as_csv", is_flag=True, help="Print a CSV table of all temperatures.")
@options.threads
@options.quiet
def command(
    parameters: Parameters,
    make_loss: "Callable[[int], Loss] | None",
    batch_sizes: tuple[int, ...],
    estimators: "tuple[Estimator, ...] | None",
    inner_samples: int,
    n: int,
    seed: int | None,
    outputs: tuple[Path, ...],
    style: "Style",
    as_json: bool,
    as_csv: bool,
    threads: "Threads",
    quiet: bool,
) -> None:
    """Compare estimators of the gradient of E[loss(D)] with respect to the logits, D one-hot.

    relaxed takes the loss at the soft sample; straight-through (hard=True) at its argmax;
    gumbel-rao averages that over --inner samples of the same argmax; zgr is its limit at t = 0;
    reinmax is of second order; reinforce needs no gradient of the loss, and reinforce-loo takes
    the mean loss of the other samples off.

    The error at m is bias² + variance / m, of the mean over m samples. The last four are exact, the
    first three for up to 16 categories (relaxed of a linear or quadratic loss), the first two of a
    linear loss for any number; the rest is Monte Carlo over -n samples, with its standard error.

    --loss linear:c1,... is c·x, quadratic:b1,... is ‖x - b‖². @table.npy holds the loss at each
    vertex, shape (K,), or in each row the loss and its K derivatives there, shape (K, K+1).
    module:function maps points (n, K) to values (n,) and gradients (n, K).

    \b
    Examples:
      gscli gradient --pi 1,3,6 --loss quadratic:0.2,0.5,0.3 -t 0.5
      gscli gradient --pi 1,3,6 -m 1,16 -o estimators.png
      gscli gradient --pi uniform:8 --loss mymodel:loss --json
    """
    from gscli.distribution.estimators import ESTIMATORS, compare
    from gscli.distribution.losses import default_loss
    from gscli.distribution.noise import fresh_seed

    if as_json and as_csv:
        raise click.UsageError("--json and --csv are both given; leave one out")
    parameters.check_exact_range()
    check_outputs(outputs, force=True)
    check_style(outputs)
    logits = parameters.at().logits
    try:
        loss = (make_loss or default_loss)(len(logits))
    except ParameterError as error:
        raise click.BadParameter(error.reason, param_hint=LOSS_HINT) from error
    seed = fresh_seed() if seed is None else seed
    with waiting("computing the errors", quiet=quiet):
        comparison = compare(
            logits,
            parameters.temperatures,
            loss,
            estimators=estimators or ESTIMATORS,
            batch_sizes=batch_sizes,
            inner_samples=inner_samples,
            n=n,
            seed=seed,
            threads=1 if threads is None else threads,
        )
    if outputs:
        _draw(comparison, outputs, style)
        say(f"Wrote {', '.join(map(str, outputs))}", quiet=quiet)
    if as_json:
        echo_json(_as_dict(comparison, parameters, n, seed, inner_samples))
    elif as_csv:
        echo_csv(list(_rows(comparison)))
    else:
        _print(comparison, n, seed)


def _draw(comparison: "Comparison", outputs: tuple[Path, ...], style: "Style") -> None:
    from gscli.plotting.estimators import estimator_panels
    from gscli.plotting.export import exporting, save

    with exporting(outputs) as session:
        subtitle = (
            "Estimators without a line in the first panel are unbiased. Thin line: no gradient at "
            "all.<br>◆ least error with a bias up to 50 %; ◇ least error, of a shrunk gradient."
        )
        figure = estimator_panels(comparison, title="Gradient estimators", subtitle=subtitle)
        save([(figure, path) for path in outputs], style, session=session)


def _as_dict(
    comparison: "Comparison", parameters: Parameters, n: int, seed: int, inner_samples: int
) -> dict[str, Any]:
    from dataclasses import asdict

    from gscli.distribution.estimators import cautions
    from gscli.distribution.gradients import MAX_RELATIVE_BIAS

    first = parameters.at()
    return {
        "names": parameters.names,
        "pi": first.probs if parameters.are_logits else parameters.weights.values,
        "probs": first.probs,
        "num_categories": first.num_categories,
        **comparison.as_dict(),
        "inner_samples": inner_samples,
        "n": n,
        "seed": seed,
        "temperatures": [
            {"temperature": t, "estimators": errors}
            for t, errors in zip(comparison.temperatures, comparison.errors, strict=True)
        ],
        "best": {m: asdict(each) for m, each in comparison.best().items()},
        "advised": {m: asdict(each) for m, each in comparison.best(MAX_RELATIVE_BIAS).items()},
        "warnings": list(cautions(comparison)),
    }


def _rows(comparison: "Comparison") -> Iterator[dict[str, Any]]:
    for temperature, errors in zip(comparison.temperatures, comparison.errors, strict=True):
        for name, error in errors.items():
            spread = error.standard_errors or {"squared_bias": "", "variance": "", "mse": {}}
            yield {
                "temperature": temperature,
                "estimator": name,
                "exact": error.exact,
                "squared_bias": error.squared_bias,
                "squared_bias_se": spread["squared_bias"],
                "variance": error.variance,
                "variance_se": spread["variance"],
                **{f"mse {m}": mse for m, mse in error.mse.items()},
                **{f"mse_se {m}": spread["mse"].get(m, "") for m in error.mse},
            }


def _print(comparison: "Comparison", n: int, seed: int) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    for table in _tables(comparison, console.width):
        console.print(table)
    for line in _remarks(comparison, n, seed):
        console.print(line, markup=False)


def _remarks(comparison: "Comparison", n: int, seed: int) -> Iterator[str]:
    from gscli.distribution.estimators import cautions
    from gscli.distribution.gradients import MAX_RELATIVE_BIAS

    yield "Error: E‖g - g0‖² of the mean g of m samples, g0 the exact gradient; no gradient: ‖g0‖²."
    if len(comparison.temperatures) > 1:
        yield (
            f"Each estimator at its best t among those with a bias up to "
            f"{100 * MAX_RELATIVE_BIAS:.0f} % of ‖g0‖; – where there is none."
        )
    if any(error.standard_errors for error in comparison.errors[0].values()):
        yield f"±: the largest standard error in the row, by Monte Carlo; n = {n:,}, seed {seed}."
    for name, why in comparison.unavailable.items():
        yield f"{name} is left out: it {why}."
    best = comparison.best(MAX_RELATIVE_BIAS)
    if best:
        named = (f"{_named(comparison, each)} for m = {m:,}" for m, each in best.items())
        yield f"Best: {', '.join(named)}"
    yield from cautions(comparison)


def _named(comparison: "Comparison", best: "Best") -> str:
    """Return an estimator, its temperature and its bias, as far as that is known."""
    at = "" if best.temperature is None else f" at t = {best.temperature:.2g}"
    position = comparison.temperatures.index(best.temperature) if best.temperature else 0
    error = comparison.errors[position][best.estimator]
    spread = 2 * error.standard_errors["squared_bias"] if error.standard_errors else 0.0
    if error.squared_bias < spread:  # too small to be seen among so many samples
        most = math.sqrt(max(0.0, error.squared_bias + spread) / comparison.no_gradient)
        return f"{best.estimator}{at} (bias below {_percent(most)})"
    bias = f"bias {_percent(best.relative_bias)}" if best.relative_bias else "unbiased"
    return f"{best.estimator}{at} ({bias})"


def _percent(share: float) -> str:
    """Return a share in per cent, or 0 if it is but rounding."""
    from gscli.records import percent

    return percent(share) if share > SMALLEST_BIAS else "0 %"


def _tables(comparison: "Comparison", width: int) -> "Iterator[Table]":
    """Yield a table with a row for each estimator, or as many as the width makes of it."""
    from rich.text import Text

    from gscli.cli.tables import fitted_tables
    from gscli.distribution.gradients import MAX_RELATIVE_BIAS

    several = len(comparison.temperatures) > 1
    limit = MAX_RELATIVE_BIAS if several else math.inf
    names, winners = comparison.estimators, comparison.best(MAX_RELATIVE_BIAS)
    nothing = f"{comparison.no_gradient:.3g}"
    found = {m: [comparison.best_of(name, m, limit) for name in names] for m in winners}
    groups: list[list[Column]] = []
    for m in comparison.batch_sizes:
        each = found.get(m) or [None] * len(names)
        won = [m in winners and winners[m].estimator == name for name in names]
        styles = ["bold green" if wins else "" for wins in won]
        errors = ["–" if best is None else f"{best.mse:.3g}" for best in each]
        group: list[Column] = [(f"m = {m:,}", [*map(Text, errors, styles), nothing])]
        if several:
            group.append(("t", [*map(Text, map(_temperature, each), styles), ""]))
        groups.append(group)
    if not several:
        groups.append([("bias", [*(_bias(comparison, name) for name in names), "100 %"])])
    computed = [_computed(comparison, name, limit) for name in names]
    groups.append([("computed", [*computed, ""])])
    return fitted_tables([("error", [*names, "no gradient"])], groups, width)


def _bias(comparison: "Comparison", name: "Estimator") -> str:
    if not comparison.no_gradient:
        return "–"
    bias = math.sqrt(max(0.0, comparison.errors[0][name].squared_bias) / comparison.no_gradient)
    return f"{100 * bias:.3g} %" if bias > SMALLEST_BIAS else "0 %"


def _temperature(best: "Best | None") -> str:
    if best is None:
        return "–"
    return "any" if best.temperature is None else f"{best.temperature:.2g}"


def _computed(comparison: "Comparison", name: "Estimator", limit: float) -> str:
    """Return that a row is exact, or the largest relative standard error in it."""
    errors = dict(zip(comparison.temperatures, comparison.errors, strict=True))
    if comparison.errors[0][name].exact:
        return "exactly"
    shares = [0.0]
    for m in comparison.batch_sizes:
        best = comparison.best_of(name, m, limit)
        if best is not None and best.temperature is not None:
            spread = errors[best.temperature][name].standard_errors or {"mse": {m: 0.0}}
            shares.append(spread["mse"][m] / abs(best.mse))
    return f"± {100 * max(shares):.1g} %"
