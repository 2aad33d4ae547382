"""`gscli schedule`: what a temperature schedule does to the gradient over a training run."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gscli.cli import options
from gscli.cli.help import Command
from gscli.cli.messages import echo_json, say
from gscli.cli.outputs import check_outputs, check_style
from gscli.cli.param_types import SamplesType, Syntax
from gscli.cli.parameters import Parameters
from gscli.cli.progress import waiting

if TYPE_CHECKING:
    from rich.table import Table

    from gscli.arrays import FloatArray
    from gscli.cli.tables import Column
    from gscli.distribution.properties import Advice
    from gscli.distribution.schedule_logs import ScheduleLog
    from gscli.distribution.schedules import Language, Schedule, StepFacts
    from gscli.plotting.export import Style

FIGURE_STEPS = 48
"""Steps at which lines are drawn: enough for an eye to see curves."""

HEADS = ("regime", "E[max X]", "near", "bias", "noise")
LOG_SUFFIXES = (".csv",)


class ScheduleType(Syntax):
    """A formula such as ``exp:1:0.5:1e-5``, or the name of a preset."""

    name = "schedule"

    def parse(self, text: str) -> "Schedule":
        from gscli.distribution.schedules import parse_schedule

        return parse_schedule(text)


class ScheduleOrLogType(Syntax):
    """The same, or a log of a run, ``log.csv`` or ``@log.csv``."""

    name = "schedule"

    def parse(self, text: str) -> "Schedule | ScheduleLog":
        if text.startswith("@") or text.lower().endswith(LOG_SUFFIXES):
            from gscli.distribution.schedule_logs import ScheduleLog
            from gscli.io.schedule_logs import read_schedule_log

            return ScheduleLog(*read_schedule_log(Path(text.removeprefix("@"))))
        return ScheduleType().parse(text)


@click.command(
    "schedule", cls=Command, short_help="Show what a temperature schedule does over a run."
)
@click.argument("spec", metavar="SPEC", type=ScheduleOrLogType())
@options.weights
@options.batch_sizes
@click.option(
    "--steps",
    "run",
    type=SamplesType(),
    metavar="N",
    help="Steps of the run.  [default: a preset's own, else up to the floor and a quarter more]",
)
@click.option(
    "--against",
    type=ScheduleType(),
    metavar="SPEC",
    help="Compare a log with the schedule that was meant.",
)
@click.option(
    "--code",
    "language",
    type=click.Choice(["torch", "jax", "python"]),
    help="Print the schedule as a function temperature(step), and nothing else.",
)
@options.figures
@options.style
@options.as_json
@options.quiet
def command(
    spec: "Schedule | ScheduleLog",
    parameters: Parameters,
    batch_sizes: tuple[int, ...],
    run: int | None,
    against: "Schedule | None",
    language: "Language | None",
    outputs: tuple[Path, ...],
    style: "Style",
    as_json: bool,
    quiet: bool,
) -> None:
    """Show what the temperatures of a training run do: to samples, and to the relaxed gradient.

    \b
    SPEC is
      constant:T
      linear:A:B:STEPS     A + (B - A) step / STEPS, then B
      exp:A:B:RATE         max(B, A exp(-RATE step))
      multiply:A:B:FACTOR  max(B, A FACTOR^step)
      cosine:A:B:STEPS     half a cosine from A to B, then B
      jang[:RATE[:EVERY]]  exp, 1 to 0.5, rate 1e-5 or 1e-4, updated every
                           1,000 or 500 steps: Jang et al. (2017), section 4
      jang-notebook        rate 3e-5, 50,000 steps: E. Jang's notebook
      dalle                cosine, 1 to 1/16 in 150,000: Ramesh et al. (2021),
                           appendix A.2 (a linear one typically diverged)
      wav2vec2             2 to 0.5, x 0.999995, 400,000: Baevski et al.
                           (2020), section 4.2
      wav2vec2-large       2 to 0.1, x 0.999995, 1,000,000: the same, fairseq
      taming               cosine, 0.9 to 1e-6 in 1,000,001: Esser et al.
                           (2021), their code
      log.csv              a log with columns step and temperature: its
                           mistakes are named

    Columns are as `gscli describe` defines them, exact at each step shown; `best` is the least
    error at any temperature with a bias up to one half.

    \b
    Examples:
      gscli schedule jang
      gscli schedule dalle --pi uniform:8192 -m 1,64 -o dalle.html
      gscli schedule exp:1:0.5:3e-5 --code torch > temperature.py
      gscli schedule log.csv --against exp:1:0.5:1e-5
    """
    from gscli.distribution.schedules import Schedule

    is_log = not isinstance(spec, Schedule)
    _check_combination(
        is_log=is_log,
        run=run is not None,
        against=against is not None,
        code=language is not None,
        others=as_json or bool(outputs),
    )
    check_outputs(outputs, force=True)
    check_style(outputs)
    if isinstance(spec, Schedule) and run is not None:
        spec = replace(spec, run=run)
    if isinstance(spec, Schedule) and language is not None:
        click.echo(spec.code(language), nl=False)
        return
    with waiting("computing exact facts", quiet=quiet):
        report = _report(spec, parameters, batch_sizes, against)
    if outputs:
        _draw(report, outputs, style)
        say(f"Wrote {', '.join(map(str, outputs))}", quiet=quiet)
    if as_json:
        echo_json(_as_dict(report, parameters))
    else:
        _print(report)


def _check_combination(*, is_log: bool, run: bool, against: bool, code: bool, others: bool) -> None:
    """Refuse options that the others leave without effect."""
    if is_log and code:
        raise click.UsageError("--code prints a formula, and a log has none; give the formula")
    if is_log and run:
        raise click.UsageError("--steps has no effect on a log; remove it")
    if against and not is_log:
        raise click.UsageError("--against is for a log; give a CSV file as SPEC")
    if code and others:
        raise click.UsageError("--code prints nothing else; leave out --json and -o")


@dataclass(frozen=True, eq=False)
class _Report:
    """A schedule or a log, and what is known of its steps."""

    spec: "Schedule | ScheduleLog"
    logits: "FloatArray"
    facts: "list[StepFacts]"
    advice: "dict[int, Advice] | None"
    warnings: list[str]
    against: "Schedule | None" = None

    @property
    def schedule(self) -> "Schedule | None":
        from gscli.distribution.schedules import Schedule

        return self.spec if isinstance(self.spec, Schedule) else None

    @property
    def floor_step(self) -> int | None:
        """Where the floor begins, if it does."""
        from gscli.distribution.schedules import Schedule

        if isinstance(self.spec, Schedule):
            return self.spec.floor_step
        position = self.spec.floor_position
        return None if position is None else int(self.spec.steps[position])

    @property
    def best(self) -> "dict[int, tuple[float, float]]":
        """The advised temperature and its error, by batch size."""
        found = self.advice or {}
        return {m: (each.advised, each.advised_error.error(m)) for m, each in found.items()}


def _report(
    spec: "Schedule | ScheduleLog",
    parameters: Parameters,
    batch_sizes: tuple[int, ...],
    against: "Schedule | None",
) -> _Report:
    from gscli.distribution import schedule_logs, schedules
    from gscli.distribution.properties import advise

    logits = parameters.at().logits
    if isinstance(spec, schedules.Schedule):
        steps = schedules.steps_that_matter(spec, len(logits))
        temperatures = spec.temperature(steps)
    else:
        rows = schedule_logs.rows_that_matter(spec)
        steps, temperatures = spec.steps[rows].astype(int).tolist(), spec.temperatures[rows]
    facts = list(schedules.facts_along(logits, steps, temperatures, batch_sizes))
    if isinstance(spec, schedules.Schedule):
        warnings = list(schedules.schedule_warnings(spec, facts))
    else:
        warnings = [
            *schedule_logs.log_warnings(spec, against),
            *schedules.gradient_warnings(facts),
        ]
    return _Report(spec, logits, facts, advise(logits, batch_sizes), warnings, against)


def _draw(report: _Report, outputs: tuple[Path, ...], style: "Style") -> None:
    import numpy as np

    from gscli.distribution.schedules import lines_along
    from gscli.plotting.export import exporting, save
    from gscli.plotting.schedules import schedule_panels

    k, batch_sizes = len(report.logits), report.facts[0].batch_sizes
    with exporting(outputs) as session:
        steps, temperatures = _drawn_steps(report)
        boundaries = {"t = 1/(K−1)": 1 / (k - 1), "t = K−1": k - 1.0}
        if k == 2:  # both are 1
            del boundaries["t = 1/(K−1)"]
        low, high = float(np.min(temperatures)), float(np.max(temperatures))
        figure = schedule_panels(
            steps,
            temperatures,
            lines_along(report.logits, temperatures, batch_sizes),
            best={m: error for m, (_, error) in report.best.items()},
            no_gradient=report.facts[0].no_gradient,
            meant=None if report.against is None else report.against.temperature(steps),
            floor_step=report.floor_step,
            boundaries={name: t for name, t in boundaries.items() if low < t < high},
            title="Temperature schedule " + (report.schedule.name if report.schedule else "log"),
            subtitle="Dotted: temperatures between two regimes, and the least error at any "
            "temperature with a bias up to 50 %",
        )
        save([(figure, path) for path in outputs], style, session=session)


def _drawn_steps(report: _Report) -> "tuple[FloatArray, FloatArray]":
    """Return the steps at which lines are drawn, the table's among them, and their temperatures."""
    import numpy as np

    from gscli.distribution.schedules import Schedule

    spec, known = report.spec, [facts.step for facts in report.facts]
    if isinstance(spec, Schedule):
        even = np.linspace(0, spec.run, FIGURE_STEPS).round()
        steps = np.unique(np.concatenate([even, known]))
        return steps, spec.temperature(steps)
    rows = np.linspace(0, len(spec.steps) - 1, FIGURE_STEPS).round().astype(int)
    rows = np.union1d(rows, np.searchsorted(spec.steps, known))
    return spec.steps[rows], spec.temperatures[rows]


def _as_dict(report: _Report, parameters: Parameters) -> dict[str, Any]:
    from gscli.distribution.schedules import as_json

    first = parameters.at()
    return {
        "names": parameters.names,
        "pi": first.probs if parameters.are_logits else parameters.weights.values,
        "probs": first.probs,
        "num_categories": first.num_categories,
        "schedule": report.schedule and as_json(report.schedule),
        "steps": [facts.as_dict() for facts in report.facts],
        "best": {m: {"temperature": t, "error": e} for m, (t, e) in report.best.items()},
        "warnings": report.warnings,
    }


def _print(report: _Report) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    for table in _tables(report, console.width):
        console.print(table)
    for line in _remarks(report):
        console.print(line, markup=False)


def _remarks(report: _Report) -> Iterator[str]:
    from gscli.cli.facts_table import GRADIENT
    from gscli.distribution.extremes import WITHIN

    yield f"near: share of samples with a component above {1 - WITHIN:g}. {GRADIENT}"
    schedule = report.schedule
    if schedule is not None:
        yield f"t = {schedule.formula}"
        floor = schedule.floor_step
        if floor is not None and floor <= schedule.run:
            share = f" ({100 * floor / schedule.run:.0f} % of the run)" if schedule.run else ""
            yield f"The floor {schedule.floor:g} begins at step {floor:,}{share}."
        if schedule.source:
            yield f"Source: {schedule.source}"
    if not all(facts.exact for facts in report.facts):
        yield "~: below t = 0.001 to leading order in t; all else is exact."
    yield from (f"Warning: {text}" for text in report.warnings)


def _tables(report: _Report, width: int) -> "Iterator[Table]":
    """Yield a table with a row for each step, or as many as the width makes of it."""
    from rich.text import Text

    from gscli.cli.tables import fitted_tables

    facts, best = report.facts, report.best
    labels: list[str | Text] = [f"{each.step:,}" for each in facts]
    marks = ["" if each.exact else "~" for each in facts]
    temperatures = [f"{m}{each.temperature:.4g}" for m, each in zip(marks, facts, strict=True)]
    labels += [Text("best error", "green"), Text("best t", "green"), "no gradient"]
    sides: list[Column] = [("step", labels), ("t", [*temperatures, "", "", ""])]
    cells = zip(*map(_cells, facts), strict=True)
    groups: list[list[Column]] = [
        [(head, [*column, "", "", ""])] for head, column in zip(HEADS, cells, strict=True)
    ]
    for m in facts[0].batch_sizes:
        errors = [f"{each.error[m]:.3g}" for each in facts]
        least = (f"{best[m][1]:.3g}", f"{best[m][0]:.2g}") if m in best else ("–", "–")
        coloured = [Text(text, "green") for text in least]
        groups.append([(f"m = {m:,}", [*errors, *coloured, f"{facts[0].no_gradient:.3g}"])])
    yield from fitted_tables(sides, groups, width)


def _cells(facts: "StepFacts") -> tuple[str, ...]:
    """Return what stands below `HEADS`."""
    from math import isnan

    bias = facts.relative_bias
    return (
        facts.regime,
        f"{facts.expected_max:.4f}",
        f"{facts.near_vertex:.4f}",
        "–" if isnan(bias) else f"{100 * bias:.3g} %",
        f"{facts.noise:.3g}",
    )
