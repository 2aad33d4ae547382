"""`gscli sweep`: the report that answers "which temperature?"."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gscli.cli import options
from gscli.cli.help import Command
from gscli.cli.messages import describe_parameters, say
from gscli.cli.outputs import PAGE_SUFFIXES, check_outputs, csv_text, open_page
from gscli.cli.param_types import OutputType
from gscli.cli.parameters import Parameters
from gscli.cli.progress import track, waiting
from gscli.plotting.export import check_browser

if TYPE_CHECKING:
    from gscli.report.page import Origin
    from gscli.report.sweep import Sweep

CLASSIC_GRID = "0.05:10:12"


@click.command("sweep", cls=Command)
@options.parameters(default=CLASSIC_GRID)
@options.batch_sizes
@options.samples
@options.seed
@click.option(
    "-o",
    "--output",
    "output",
    type=OutputType(PAGE_SUFFIXES),
    metavar="PATH",
    default="sweep.html",
    show_default=True,
    help="Where the page goes.",
)
@click.option(
    "--table",
    type=OutputType((".csv", ".json")),
    metavar="PATH",
    help="Save the numbers too, as .csv or .json.",
)
@click.option(
    "--images",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Save the figures too, as PNG and SVG, through one browser.",
)
@click.option("--title", metavar="TEXT", help="Title of the page.  [default: Which temperature?]")
@options.show
@options.force
@options.threads
@options.quiet
def command(
    parameters: Parameters,
    batch_sizes: tuple[int, ...],
    n: int,
    seed: int | None,
    output: Path,
    table: Path | None,
    images: Path | None,
    title: str | None,
    show: bool,
    force: bool,
    threads: int | None,
    quiet: bool,
) -> None:
    """Make one HTML page over a grid of temperatures: explore it, and choose one.

    The page needs no network. It shows samples that move as you change the temperature, exact
    densities, what changes with temperature, the error of the relaxed gradient with the best
    temperature for your batch size, and exact tests of its own samples.

    \b
    Examples:
      gscli sweep --pi 1,3,6 --open
      gscli sweep --pi cat=1,dog=3 -t 0.1:5:20 -o pets.html --table pets.csv
    """
    from gscli.distribution.noise import fresh_seed

    seed = fresh_seed() if seed is None else seed
    parameters.check_exact_range()
    tables = (table,) if table else ()
    check_outputs((output, *tables), force=True)
    check_outputs((output,), force=force, figures=True)
    check_outputs(tables, force=force, hint="'--table'")
    if images is not None:
        check_browser([Path("figure.png")])
        images.mkdir(parents=True, exist_ok=True)
    sweep = _run(parameters, batch_sizes, n, seed, threads, quiet)
    written = _write(sweep, _origin(parameters, sweep, title), output, table)
    if images is not None:
        written += _save_images(sweep, parameters.names, images, force=force)
    drawn = describe_parameters(parameters.distributions(), parameters.weights.names)
    say(f"Wrote {', '.join(map(str, written))}: {drawn}; seed {seed}", quiet=quiet)
    if show:
        open_page((output,))


def _run(
    parameters: Parameters,
    batch_sizes: tuple[int, ...],
    n: int,
    seed: int,
    threads: int | None,
    quiet: bool,
) -> "Sweep":
    from gscli.report.sweep import finish, sweep_steps

    temperatures = parameters.temperatures
    steps = sweep_steps(
        parameters.at(), temperatures, n=n, seed=seed, batch_sizes=batch_sizes, threads=threads
    )
    done = list(track(steps, total=n * len(temperatures), size=lambda _: n, quiet=quiet))
    with waiting("looking for the best temperatures", quiet=quiet):
        return finish(done, n=n, seed=seed)


def _write(sweep: "Sweep", origin: "Origin", output: Path, table: Path | None) -> list[Path]:
    import json

    from gscli.io.atomic import writing
    from gscli.report.page import page, rows

    with writing(output, overwrite=True) as file:
        file.write(page(sweep, origin).encode())
    if table is None:
        return [output]
    content = rows(sweep, dict(enumerate(origin.names)))
    with writing(table, overwrite=True) as file:
        as_json = table.suffix.lower() == ".json"
        text = json.dumps(content, indent=1) + "\n" if as_json else csv_text(content)
        file.write(text.encode())
    return [output, table]


def _save_images(
    sweep: "Sweep", names: tuple[str, ...], folder: Path, *, force: bool
) -> list[Path]:
    from gscli.plotting.export import save
    from gscli.report.page import all_figures

    figures = all_figures(sweep, names)
    wanted = [
        (figure, folder / f"{name}{suffix}")
        for name, figure in figures.items()
        for suffix in (".png", ".svg")
    ]
    paths = [path for _, path in wanted]
    check_outputs(paths, force=force, figures=True, hint="'--images'")
    save(wanted)
    return [folder]


def _origin(parameters: Parameters, sweep: "Sweep", title: str | None) -> "Origin":
    """Return the names, and the command that makes the same page again."""
    import shlex

    from gscli.report.page import Origin

    words = ["gscli", "sweep", *parameters.typed()]
    sizes = ",".join(map(str, sweep.batch_sizes))
    if sizes != options.CLASSIC_BATCH_SIZES:
        words += ["-m", sizes]
    words += ["-n", str(sweep.n), "--seed", str(sweep.seed)]
    named = {"title": title} if title else {}
    if title:
        words += ["--title", title]
    scale = 0.0 if parameters.are_logits else math.log(math.fsum(parameters.weights.values))
    option, typed, _, grid = parameters.typed()
    weights = shlex.join([option, typed])
    return Origin(parameters.names, shlex.join(words), weights, grid, scale, **named)
