"""`gscli plot`: draws samples, for a browser, a paper or a terminal."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from click.core import ParameterSource

from gscli.cli import options
from gscli.cli.help import Command
from gscli.cli.messages import say
from gscli.cli.outputs import check_outputs, check_style, figure_targets, open_page
from gscli.cli.parameters import Parameters
from gscli.cli.progress import waiting

if TYPE_CHECKING:
    from gscli.execution.threads import Threads
    from gscli.plotting.export import Style
    from gscli.plotting.plot import PlotOptions, Sample

KINDS = ("auto", "points", "bins", "marginals")


@click.command(
    "plot", cls=Command, short_help="Draw samples: as a page, an image or in the terminal."
)
@options.file_argument(required=False)
@options.parameters(default=None, note="[default: the file's own, else 3]")
@options.samples
@options.seed
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default="auto",
    show_default=True,
    help="Draw samples as points or count all of them in bins; auto goes by their number. "
    "marginals shows every category.",
)
@click.option(
    "--contours/--no-contours",
    default=True,
    show_default=True,
    help="Regions that hold 50, 80 and 95 % of the exact mass, where pi and t are known (K = 3).",
)
@click.option(
    "--categories",
    metavar="A,B,C",
    help="Categories to show, by name or position: one as a histogram of its share, two to four as "
    "their sub-composition.  [default for K > 4: the three most probable]",
)
@click.option(
    "--log-ratio", is_flag=True, help="Axes log(x_i / x_K), where low temperatures can be read."
)
@options.columns
@options.log
@options.figures
@options.style
@options.show
@click.option("--terminal", is_flag=True, help="Draw in the terminal instead of a file.")
@options.force
@options.threads
@options.quiet
def command(
    file: str | None,
    parameters: Parameters,
    n: int,
    seed: int | None,
    kind: Literal["auto", "points", "bins", "marginals"],
    contours: bool,
    categories: str | None,
    log_ratio: bool,
    columns: tuple[str, ...] | None,
    log: bool,
    outputs: tuple[Path, ...],
    style: "Style",
    show: bool,
    terminal: bool,
    force: bool,
    threads: "Threads",
    quiet: bool,
) -> None:
    """Draw samples, from the distribution itself or from FILE, or - for standard input.

    Three categories make a triangle, two a histogram, four a tetrahedron; of more, three are
    shown as the exact sub-composition. --categories with one name draws the share of that
    category, --kind marginals that of each. With FILE, --pi and -t, the exact density is drawn
    over its samples. Several temperatures make small multiples. Without -o the page is plot.html.

    \b
    Examples:
      gscli plot --pi 1,3,6 -t 0.1,0.5,1,3 -o effect.pdf -o effect.html
      gscli sample -t 0.5 | gscli plot - --pi 1,3,6 -t 0.5 --open
    """
    from gscli.cli.inputs import draw_input, open_input, positions
    from gscli.plotting.plot import PlotOptions, Sample

    _check_combination(file, kind, log_ratio, terminal, log=log, columns=columns)
    if terminal and (outputs or show):
        raise click.UsageError("--terminal draws here; leave out -o and --open")
    targets = () if terminal else figure_targets(outputs, default="plot.html", show=show)
    check_style(targets)
    check_outputs(targets, force=force, figures=True, file=file)
    if file is None:
        given = draw_input(parameters, n=n, seed=seed, quiet=quiet)
    else:
        given = open_input(file, parameters, log=log, quiet=quiet, columns=columns)
    samples = given.samples
    sample = Sample(
        samples, given.logits, samples.label, threads, given.temperatures, file is not None
    )
    chosen = positions(sample.names, categories)
    plot_options = PlotOptions(kind, contours, chosen, log_ratio)
    if terminal and chosen is not None and len(chosen) == 1:
        raise click.UsageError("--terminal draws two or more categories; name more")
    if terminal:
        _draw_in_terminal(sample, plot_options, quiet=quiet)
        given.tell(quiet=quiet)
        return
    _draw(sample, plot_options, targets, style, quiet=quiet)
    given.tell(quiet=quiet)
    say(f"Wrote {', '.join(map(str, targets))} ({sample.origin})", quiet=quiet)
    if show:
        open_page(targets)


def _check_combination(
    file: str | None,
    kind: str,
    log_ratio: bool,
    terminal: bool,
    *,
    log: bool,
    columns: tuple[str, ...] | None,
) -> None:
    """Refuse options that the others leave without effect."""
    context = click.get_current_context()
    for option, name in {"-n": "n", "--seed": "seed"}.items():
        typed = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if file is not None and typed:
            raise click.UsageError(f"{option} has no effect on a FILE; remove it")
    if file is None:
        for option, given in {"--log": log, "--columns": columns is not None}.items():
            if given:
                raise click.UsageError(f"{option} says what FILE holds; name a FILE")
    if log_ratio and kind == "marginals":
        raise click.UsageError("--log-ratio and --kind marginals are both given; leave one out")
    contours = context.get_parameter_source("contours") is ParameterSource.COMMANDLINE
    if terminal and (log_ratio or kind != "auto" or contours):
        raise click.UsageError(
            "--terminal draws counts on the simplex; leave out --kind, --log-ratio and --contours"
        )


def _draw(
    sample: "Sample",
    plot_options: "PlotOptions",
    targets: tuple[Path, ...],
    style: "Style",
    *,
    quiet: bool,
) -> None:
    from gscli.plotting.export import exporting, save

    with exporting(targets) as session:
        from gscli.plotting.plot import plot

        with waiting(_phase(sample), quiet=quiet):
            figure = plot(sample, plot_options)
        with waiting(f"making {', '.join(path.name for path in targets)}", quiet=quiet):
            save([(figure, path) for path in targets], style, session=session)


def _phase(sample: "Sample") -> str:
    return f"reading {sample.origin}" if sample.from_file else "drawing samples"


def _draw_in_terminal(sample: "Sample", plot_options: "PlotOptions", *, quiet: bool) -> None:
    from rich.console import Console

    from gscli.cli.terminal_plots import terminal_plots

    console = Console(highlight=False)
    with waiting(_phase(sample), quiet=quiet):
        parts = list(terminal_plots(sample, plot_options, console))
    for part in parts:
        console.print(part)
