"""The options that commands share, each spelled once."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gscli.cli.param_types import (
    BatchSizesType,
    ColoursType,
    DaskType,
    FiniteRange,
    LengthType,
    LogitsType,
    NamesType,
    OutputType,
    SamplesType,
    SeedType,
    TemperaturesType,
    WeightsType,
)
from gscli.cli.parameters import CLASSIC_PI, CLASSIC_TEMPERATURE, Parameters
from gscli.plotting.export import SUFFIXES, Style

if TYPE_CHECKING:
    from gscli.execution.threads import Threads

F = TypeVar("F", bound=Callable[..., Any])

CLASSIC_SAMPLES = "10000"
CLASSIC_BATCH_SIZES = "1,32,1024"


def _together(
    name: str, make: Callable[..., Any], *options: Callable[[Any], Any]
) -> Callable[[F], F]:
    """Add options whose values a command gets as one object, under one name."""

    def decorate(command: F) -> F:
        @functools.wraps(command)
        def with_object(**values: Any) -> Any:
            values[name] = make(**{option.name: values.pop(option.name) for option in added})
            return command(**values)

        decorated: Any = with_object
        others = len(getattr(command, "__click_params__", []))
        for option in reversed(options):
            decorated = option(decorated)
        added = decorated.__click_params__[others:]
        return decorated  # type: ignore[no-any-return]

    return decorate


def _weights(
    *, assumed: bool = True, hard: bool = False
) -> tuple[Callable[[F], F], Callable[[F], F]]:
    """`--pi` and `--logits`; `assumed` says whether they have a default."""
    return (
        click.option(
            "--pi",
            type=WeightsType(hard=hard),
            metavar="WEIGHTS",
            help="Unnormalised probabilities > 0: 1,3,6, or cat=1,dog=3,bird=6, or uniform:8, or "
            "@FILE (CSV, NPY, JSON)." + (f"  [default: {CLASSIC_PI}]" if assumed else ""),
        ),
        click.option(
            "--logits",
            type=LogitsType(hard=hard),
            metavar="WEIGHTS",
            help="Their logarithms instead, in the same forms"
            + ("; or each row's own, from @FILE, an NPY array of shape (n, K)." if hard else "."),
        ),
    )


weights = _together("parameters", Parameters.of, *_weights())


def parameters(
    default: str | None = CLASSIC_TEMPERATURE,
    note: str = "",
    *,
    assumed: bool = True,
    hard: bool = False,
) -> Callable[[F], F]:
    """`--pi`, `--logits` and `-t` as `Parameters`.

    `note` says what replaces a default temperature; `assumed`, whether weights have a default;
    `hard`, whether they are for hard samples too.
    """
    return _together(
        "parameters",
        Parameters.of,
        *_weights(assumed=assumed, hard=hard),
        click.option(
            "-t",
            "--temperature",
            "--tau",
            "temperatures",
            type=TemperaturesType(),
            metavar="T[,T...]",
            default=default,
            show_default=default is not None,
            help="Temperature > 0; several as 0.1,0.5,1,3, or log-spaced as 0.1:10:20."
            + (f"  {note}" if note else ""),
        ),
    )


batch_sizes = click.option(
    "-m",
    "--batch",
    "batch_sizes",
    type=BatchSizesType(),
    metavar="M[,M...]",
    default=CLASSIC_BATCH_SIZES,
    show_default=True,
    help="How many samples a gradient is averaged over: the best temperature depends on it.",
)
samples = click.option(
    "-n",
    "--samples",
    "n",
    type=SamplesType(),
    metavar="N",
    default=CLASSIC_SAMPLES,
    show_default=True,
    help="Number of samples (at each temperature), also as 1e6 or 10_000.",
)
seed = click.option(
    "--seed",
    type=SeedType(),
    metavar="INT",
    help="Seed, 0 to 2**128 - 1: the same one gives the same samples, and shares its uniforms "
    "between distributions, of other numbers of categories too.  [default: fresh, shown]",
)


def _workers(threads: int | None, dask: str | None) -> "Threads":
    """Return the number of threads, or the worker processes in place of them."""
    if dask is None:
        return threads
    if threads is not None:
        raise click.UsageError("-j and --dask are both given; leave one out")
    from gscli.execution.cluster import Cluster

    cluster = Cluster(dask)
    click.get_current_context().call_on_close(cluster.close)
    return cluster


threads = _together(
    "threads",
    _workers,
    click.option(
        "-j",
        "--threads",
        type=click.IntRange(min=1, max=1024),
        metavar="INT",
        help="Number of threads; the result does not depend on it.  [default: one a core]",
    ),
    click.option(
        "--dask",
        type=DaskType(),
        metavar="ADDRESS",
        help="Spread the parts of a dataset, or temperatures, over the workers of a Dask scheduler "
        "(tcp://host:8786), or over N processes of this machine (local:N).",
    ),
)
quiet = click.option("-q", "--quiet", is_flag=True, help="Write nothing to standard error.")
force = click.option("-f", "--force", is_flag=True, help="Replace files that exist.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
log = click.option("--log", is_flag=True, help="FILE holds log X.")
show = click.option("--open", "show", is_flag=True, help="Show the HTML page in the web browser.")
table_format = click.option(
    "--format",
    type=click.Choice(["csv", "npy", "parquet"]),
    help="Format of the output, whatever its suffix says.",
)


columns = click.option(
    "--columns",
    type=NamesType(),
    metavar="NAME[,NAME...]",
    help="The columns of FILE that are categories, by name or counted from 1.  [default: all but "
    "temperature, log_prob and an index]",
)


def file_argument(required: bool = True) -> Callable[[F], F]:
    """`FILE`: a path, perhaps with the name of an array in it, or ``-``."""
    metavar = "FILE" if required else "[FILE]"
    return click.argument("file", metavar=metavar, required=required, type=click.Path())


def _output(
    help: str,
    name: str = "outputs",
    callback: Any = None,
    suffixes: Sequence[str] = (),
    *,
    urls: bool = False,
) -> Callable[[F], F]:
    """`-o`, with what it may name."""
    return click.option(
        "-o",
        "--output",
        name,
        type=OutputType(suffixes, urls=urls),
        metavar="PATH",
        multiple=True,
        callback=callback,
        help=help,
    )


def _only(ctx: click.Context, param: click.Parameter, paths: tuple[Path, ...]) -> Path | None:
    """Return the one output, or refuse several: click would take the last one silently."""
    if len(paths) > 1:
        raise click.BadParameter(
            f"{len(paths)} outputs; FILE is read once: name one", ctx=ctx, param=param
        )
    return paths[0] if paths else None


outputs_and_urls = _output(
    "Where to write; - is standard output. A dataset may have a URL, such as s3://bucket/samples. "
    "Repeatable.",
    urls=True,
)
output = _output("Where to write, one file; - is standard output.", "output", _only)
figures = _output(
    "Where to write: .html, .png, .svg, .pdf, .webp or .json. Repeatable.", suffixes=SUFFIXES
)

plotlyjs = click.option(
    "--plotlyjs",
    type=click.Choice(["inline", "cdn"]),
    default="inline",
    show_default=True,
    help="HTML holds plotly.js and works with no network, or links to it and is small.",
)


def _style(*, no_title: bool, title: str | None, **others: Any) -> Style:
    if no_title and title is not None:
        raise click.UsageError("--title and --no-title are both given; leave one out")
    return Style(title="" if no_title else title, **others)


_length = LengthType(100, 10_000)
style = _together(
    "style",
    _style,
    click.option(
        "--preset",
        type=click.Choice(["paper"]),
        help="For an article: 3.25 in wide, or 5.5 in for several panels, type of 8 pt, no title, "
        "300 dpi. Other options change each of them.",
    ),
    click.option("--title", metavar="TEXT", help="Title in the place of the figure's own."),
    click.option("--no-title", is_flag=True, help="Neither a title nor a subtitle."),
    click.option(
        "--width",
        type=_length,
        metavar="LENGTH",
        help="Width of images: 700, 3.25in, 8.5cm, 85mm. Type and marks keep their proportion.",
    ),
    click.option("--height", type=_length, metavar="LENGTH", help="Height of images."),
    click.option(
        "--font-size",
        "type_size",
        type=LengthType(4, 100),
        metavar="LENGTH",
        help="Type of axis labels in images, as 8pt; the rest in proportion.",
    ),
    click.option("--font", metavar="FAMILY", help="Typeface, as in CSS."),
    click.option(
        "--colours",
        "--colors",
        type=ColoursType(),
        metavar="#RRGGBB,...",
        default=(),
        help="Of the categories or lines, in order.",
    ),
    click.option(
        "--panel-columns",
        type=click.IntRange(min=1, max=24),
        metavar="INT",
        help="Panels side by side.",
    ),
    click.option(
        "--scale",
        type=FiniteRange(min=0.1, max=10),
        help="Pixel density of PNG and WebP.  [default: 2.0]",
    ),
    plotlyjs,
)
