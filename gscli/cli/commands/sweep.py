"""`gscli sweep`: the report that answers "which temperature?"."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Literal

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
    from gscli.execution.threads import Threads
    from gscli.report.page import Origin
    from gscli.report.sweep import Sweep

CLASSIC_GRID = "0.05:10:12"
FIGURES = (
    "temperatures", "mean", "entropy", "expected_max", "near_vertex", "gradient_error",
)  # fmt: skip


@click.command("sweep", cls=Command, short_help="Make the page that answers: which temperature?")
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
    help="Where the page goes.  [default: sweep.html; with --fragment, FIGURE.html]",
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
@click.option("--author", metavar="TEXT", help="Author, named below the title.")
@click.option(
    "--fragment",
    type=click.Choice(FIGURES),
    metavar="FIGURE",
    help=f"Write one figure to embed in a page of your own, instead: {', '.join(FIGURES)}.",
)
@options.plotlyjs
@options.show
@options.force
@options.threads
@options.quiet
def command(
    parameters: Parameters,
    batch_sizes: tuple[int, ...],
    n: int,
    seed: int | None,
    output: Path | None,
    table: Path | None,
    images: Path | None,
    title: str | None,
    author: str | None,
    fragment: str | None,
    plotlyjs: Literal["inline", "cdn"],
    show: bool,
    force: bool,
    threads: "Threads",
    quiet: bool,
) -> None:
    """Make one HTML page over a grid of temperatures: explore it, and choose one.

    The page needs no network. It shows samples and their exact density that move as you change the
    temperature, gradients beside the true one, annealing schedules, the error of the relaxed
    gradient with the best temperature for your batch size, and exact tests of its own samples.

    \b
    Examples:
      gscli sweep --pi 1,3,6 --open
      gscli sweep --pi cat=1,dog=3 -t 0.1:5:20 -o pets.html --table pets.csv
      gscli sweep --fragment gradient_error --plotlyjs cdn -o figure.html
    """
    from gscli.distribution.noise import fresh_seed

    if fragment and (title or author):
        option = "--title" if title else "--author"
        raise click.UsageError(f"{option} is of the page, which --fragment leaves out; omit it")
    seed = fresh_seed() if seed is None else seed
    output = output or Path(f"{fragment or 'sweep'}.html")
    parameters.check_exact_range()
    tables = (table,) if table else ()
    check_outputs((output, *tables), force=True)
    check_outputs((output,), force=force, figures=True)
    check_outputs(tables, force=force, hint="'--table'")
    if images is not None:
        check_browser([Path("figure.png")])
        images.mkdir(parents=True, exist_ok=True)
    sweep = _run(parameters, batch_sizes, n, seed, threads, quiet)
    words = {"--title": title, "--author": author, "--fragment": fragment}
    origin = _origin(parameters, sweep, words, plotlyjs)
    written = _write(sweep, origin, output, table, fragment, plotlyjs)
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
    threads: "Threads",
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


def _write(
    sweep: "Sweep",
    origin: "Origin",
    output: Path,
    table: Path | None,
    fragment: str | None,
    plotlyjs: Literal["inline", "cdn"],
) -> list[Path]:
    import json

    from gscli.io.atomic import writing
    from gscli.report.page import fragment_of, page, rows

    if fragment:
        text = fragment_of(sweep, origin, fragment, plotlyjs=plotlyjs)
    else:
        text = page(sweep, origin, plotlyjs=plotlyjs)
    with writing(output, overwrite=True) as file:
        file.write(text.encode())
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


def _origin(
    parameters: Parameters, sweep: "Sweep", given: dict[str, str | None], plotlyjs: str
) -> "Origin":
    """Return the names, and the command that makes the same page again."""
    import shlex

    from gscli.report.page import Origin

    words = ["gscli", "sweep", *parameters.typed()]
    sizes = ",".join(map(str, sweep.batch_sizes))
    if sizes != options.CLASSIC_BATCH_SIZES:
        words += ["-m", sizes]
    words += ["-n", str(sweep.n), "--seed", str(sweep.seed)]
    for name, value in given.items():
        words += [name, value] if value else []
    words += ["--plotlyjs", plotlyjs] if plotlyjs != "inline" else []
    named = {key: value for key in ("title", "author") if (value := given[f"--{key}"])}
    scale = 0.0 if parameters.are_logits else math.log(math.fsum(parameters.weights.values))
    option, typed, _, grid = parameters.typed()
    weights = shlex.join([option, typed])
    return Origin(parameters.names, shlex.join(words), weights, grid, scale, **named)
