"""`gscli sweep`: the report that answers "which temperature?"."""

import csv
import json
import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gscli.cli import options
from gscli.cli.messages import describe_parameters, say
from gscli.cli.param_types import OutputType
from gscli.cli.progress import track, waiting

if TYPE_CHECKING:
    from gscli.io.weights import Weights
    from gscli.report.page import Origin
    from gscli.report.sweep import Sweep

CLASSIC_GRID = "0.05:10:12"


@click.command("sweep", short_help="Make the page that answers: which temperature?")
@options.pi
@options.logits
@options.temperature(default=CLASSIC_GRID)
@options.batch_sizes
@options.samples()
@options.seed
@click.option(
    "-o",
    "--output",
    "output",
    type=OutputType(),
    metavar="PATH",
    default="sweep.html",
    show_default=True,
    help="Where the page goes; a page that exists is replaced.",
)
@click.option(
    "--table",
    type=OutputType(),
    metavar="PATH",
    help="Save the numbers too, as .csv or .json.",
)
@click.option(
    "--images",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Save the figures too, as PNG and SVG, through one browser.",
)
@click.option("--open", "show", is_flag=True, help="Show the page in the web browser.")
@options.threads
@options.quiet
def command(
    pi: "Weights | None",
    logits: "Weights | None",
    temperatures: tuple[float, ...],
    batch_sizes: tuple[int, ...],
    n: int,
    seed: int | None,
    output: Path,
    table: Path | None,
    images: Path | None,
    show: bool,
    threads: int | None,
    quiet: bool,
) -> None:
    """Make one HTML page over a grid of temperatures: explore it, and choose one.

    The page needs no network. It shows samples that glide as you move the temperature, exact
    densities, what changes with temperature, the error of the relaxed gradient with the best
    temperature for your batch size, and exact tests of its own samples.

    \b
    Examples:
      gscli sweep --pi 1,3,6 --open
      gscli sweep --pi cat=1,dog=3,bird=6 -t 0.1:5:20 -o pets.html --table pets.csv
    """
    from gscli.distribution.noise import fresh_seed
    from gscli.io.columns import default_names
    from gscli.report.sweep import finish, sweep_steps

    (distribution, *_), given = options.distributions(pi, logits, temperatures)
    names = given or default_names(distribution.num_categories)
    chosen = fresh_seed() if seed is None else seed
    options.check_exact_range(temperatures)
    options.check_sweep_targets(output, table, images)
    steps = sweep_steps(
        distribution, temperatures, n=n, seed=chosen, batch_sizes=batch_sizes, threads=threads
    )
    done = list(track(steps, total=n * len(temperatures), size=lambda _: n, quiet=quiet))
    with waiting("looking for the best temperatures", quiet=quiet):
        sweep = finish(done, n=n, seed=chosen)
    written = _write(sweep, _origin(names, pi, logits, sweep), output, table)
    if images is not None:
        written += _save_images(sweep, names, images)
    parameters = describe_parameters([step.facts.distribution for step in sweep.steps], given)
    say(f"Wrote {', '.join(map(str, written))}: {parameters}; seed {chosen}", quiet=quiet)
    if show:
        options.open_page((output,))


def _write(sweep: "Sweep", origin: "Origin", output: Path, table: Path | None) -> list[Path]:
    from gscli.io.atomic import writing
    from gscli.report.page import page, rows

    with writing(output, overwrite=True) as file:
        file.write(page(sweep, origin).encode())
    if table is None:
        return [output]
    content = rows(sweep, dict(enumerate(origin.names)))
    with writing(table, overwrite=True) as file:
        file.write(_as_text(content, table.suffix.lower()).encode())
    return [output, table]


def _as_text(rows: list[dict[str, Any]], suffix: str) -> str:
    import io

    if suffix == ".json":
        return json.dumps(rows, indent=1) + "\n"
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _save_images(sweep: "Sweep", names: tuple[str, ...], folder: Path) -> list[Path]:
    from gscli.plotting.export import save
    from gscli.report.page import all_figures

    figures = all_figures(sweep, names)
    save(
        [
            (figure, folder / f"{name}{suffix}")
            for name, figure in figures.items()
            for suffix in (".png", ".svg")
        ]
    )
    return [folder]


def _origin(
    names: tuple[str, ...],
    pi: "Weights | None",
    logits: "Weights | None",
    sweep: "Sweep",
) -> "Origin":
    """Return the names, and the command that makes the same page again."""
    from gscli.report.page import Origin

    words = ["gscli", "sweep", *options.typed_weights(logits)]
    words += ["-t", options.format_grid(tuple(sweep.temperatures))]
    sizes = ",".join(map(str, sweep.batch_sizes))
    if sizes != options.CLASSIC_BATCH_SIZES:
        words += ["-m", sizes]
    words += ["-n", str(sweep.n), "--seed", str(sweep.seed)]
    scale = math.log(math.fsum(options.weights_of(pi, None)[0].values)) if logits is None else 0.0
    return Origin(names, shlex.join(words), scale)
