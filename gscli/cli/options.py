"""The options that commands share, each spelled once."""

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gscli.cli.param_types import (
    TYPED_WEIGHTS,
    BatchSizesType,
    FiniteRange,
    LogitsType,
    OutputType,
    SamplesType,
    SeedType,
    TemperaturesType,
    WeightsType,
)

if TYPE_CHECKING:
    from gscli.distribution.concrete import Concrete
    from gscli.io.weights import Weights

F = TypeVar("F", bound=Callable[..., Any])

CLASSIC_PI = "1,3,6"
CLASSIC_TEMPERATURE = "3"
CLASSIC_SAMPLES = "10000"
CLASSIC_BATCH_SIZES = "1,32,1024"

pi = click.option(
    "--pi",
    type=WeightsType(),
    metavar="WEIGHTS",
    help="Unnormalised probabilities > 0: 1,3,6, or cat=1,dog=3,bird=6, or uniform:8, or @FILE "
    f"(CSV, NPY, JSON).  [default: {CLASSIC_PI}]",
)
logits = click.option(
    "--logits",
    type=LogitsType(),
    metavar="WEIGHTS",
    help="Their logarithms instead, in the same forms.",
)


def temperature(default: str | None = CLASSIC_TEMPERATURE, note: str = "") -> Callable[[F], F]:
    """`-t`, with the default of the command, or a note on what takes its place."""
    return click.option(
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
    )


def samples(default: str = CLASSIC_SAMPLES) -> Callable[[F], F]:
    """`-n`, with the default of the command."""
    return click.option(
        "-n",
        "--samples",
        "n",
        type=SamplesType(),
        metavar="N",
        default=default,
        show_default=True,
        help="Number of samples (at each temperature), also as 1e6 or 10_000.",
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
seed = click.option(
    "--seed",
    type=SeedType(),
    metavar="INT",
    help="Seed, 0 to 2**128 - 1: the same one gives the same samples.  [default: fresh, shown]",
)
threads = click.option(
    "-j",
    "--threads",
    type=click.IntRange(min=1, max=1024),
    metavar="INT",
    help="Number of threads; the samples do not depend on it.  [default: one a core]",
)
quiet = click.option("-q", "--quiet", is_flag=True, help="Say nothing on standard error.")
force = click.option("-f", "--force", is_flag=True, help="Replace files that exist.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def _output(help: str, name: str = "outputs", callback: Any = None) -> Callable[[F], F]:
    """`-o`, with what it may name."""
    return click.option(
        "-o",
        "--output",
        name,
        type=OutputType(),
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


outputs = _output("Where to write; - is standard output. Repeatable.")
output = _output("Where to write, one file; - is standard output.", "output", _only)


def figure_outputs(command: F) -> F:
    """`-o` of figures with `--width`, `--height`, `--scale` and `--plotlyjs`, as `style`."""

    @functools.wraps(command)
    def with_style(
        *args: Any,
        width: int | None,
        height: int | None,
        scale: float,
        plotlyjs: Any,
        **rest: Any,
    ) -> Any:
        from gscli.plotting.export import Style

        return command(*args, style=Style(width, height, scale, plotlyjs), **rest)

    decorated: Any = with_style
    pixels = click.IntRange(min=100, max=10_000)
    for option in reversed(
        [
            _output("Where to write: .html, .png, .svg, .pdf, .webp or .json. Repeatable."),
            click.option("--width", type=pixels, metavar="PX", help="Width of images."),
            click.option("--height", type=pixels, metavar="PX", help="Height of images."),
            click.option(
                "--scale",
                type=FiniteRange(min=0.1, max=10),
                default=2.0,
                show_default=True,
                help="Pixels of PNG and WebP for each of those.",
            ),
            click.option(
                "--plotlyjs",
                type=click.Choice(["inline", "cdn"]),
                default="inline",
                show_default=True,
                help="HTML holds plotly.js and works with no network, or links to it and is small.",
            ),
        ]
    ):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


OUTPUT_HINT = "'-o' / '--output'"
TEMPERATURE_HINT = "'-t' / '--temperature' / '--tau'"


def figure_targets(
    outputs: tuple[Path, ...], *, default: str, show: bool = False, hint: str = OUTPUT_HINT
) -> tuple[Path, ...]:
    """Return where figures go, each suffix known, with an HTML page among them if it is shown."""
    from gscli.plotting.export import SUFFIXES

    for path in outputs:
        if path.suffix.lower() not in SUFFIXES:
            raise click.BadParameter(
                f"{path}: unknown suffix {path.suffix!r}; use {', '.join(SUFFIXES)}",
                param_hint=hint,
            )
    html = [path for path in outputs if path.suffix.lower() == ".html"]
    targets = outputs if outputs and (html or not show) else (*outputs, Path(default))
    check_targets(targets, force=True, hint=hint)
    return targets


def check_sweep_targets(output: Path, table: Path | None, images: Path | None) -> None:
    """Refuse what `sweep` cannot write, before any work is done."""
    from gscli.plotting.export import check_browser

    if output.suffix.lower() not in (".html", ".htm"):
        raise click.BadParameter(
            f"{output}: the page is HTML; name it .html", param_hint="'-o' / '--output'"
        )
    if table is not None and table.suffix.lower() not in (".csv", ".json"):
        raise click.BadParameter(
            f"{table}: unknown suffix {table.suffix!r}; use .csv or .json", param_hint="'--table'"
        )
    check_targets((output, *([table] if table else [])), force=True)
    if images is not None:
        check_browser([Path("figure.png")])
        images.mkdir(parents=True, exist_ok=True)


def open_page(targets: tuple[Path, ...]) -> None:
    """Show the first HTML page among the targets in the user's web browser."""
    import webbrowser

    page = next(path for path in targets if path.suffix.lower() in (".html", ".htm"))
    # Without a screen Python would start a browser in the terminal, and wait for it.
    screen = sys.platform != "linux" or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()
    if not screen or not webbrowser.open(page.resolve().as_uri()):
        click.echo(f"No web browser was opened: open {page} in one", err=True)


def table_format(help: str) -> Callable[[F], F]:
    """`--format`, which overrides a table's suffix."""
    return click.option(
        "--format", type=click.Choice(["csv", "npy", "parquet"]), default=None, help=help
    )


def file_argument(required: bool = True) -> Callable[[F], F]:
    """`FILE`, a path or ``-``."""
    metavar = "FILE" if required else "[FILE]"
    return click.argument("file", metavar=metavar, required=required, type=click.Path())


def weights_of(pi: "Weights | None", logits: "Weights | None") -> "tuple[Weights, bool]":
    """Return the weights that were given, the classic ones by default, and whether as logits."""
    if pi is not None and logits is not None:
        raise click.UsageError("--pi and --logits are both given; leave one out")
    if logits is not None:
        return logits, True
    if pi is not None:
        return pi, False
    from gscli.io.weights import parse_weights

    return parse_weights(CLASSIC_PI), False


def typed_weights(logits: "Weights | None") -> list[str]:
    """Return the option of the weights and its value as they were typed."""
    typed = click.get_current_context().meta.get(TYPED_WEIGHTS, CLASSIC_PI)
    return ["--pi" if logits is None else "--logits", typed]


def distribution(
    weights: "Weights", are_logits: bool, temperature: float = float(CLASSIC_TEMPERATURE)
) -> "Concrete":
    """Return the distribution of weights, or of logits, at a temperature."""
    from gscli.distribution.concrete import Concrete

    if are_logits:
        return Concrete(logits=weights.values, temperature=temperature)
    return Concrete(weights.values, temperature)


def distributions(
    pi: "Weights | None", logits: "Weights | None", temperatures: tuple[float, ...]
) -> "tuple[list[Concrete], tuple[str, ...] | None]":
    """Return a distribution for each temperature, and the categories' names if there are any."""
    weights, are_logits = weights_of(pi, logits)
    return [distribution(weights, are_logits, t) for t in temperatures], weights.names


def in_order(weights: "Weights", columns: tuple[str, ...], label: str) -> "Weights":
    """Return weights in the order of a file's columns, if they name the same categories.

    Weights without names, or with names that no column has, are taken as they stand.
    """
    from gscli.io.weights import Weights

    if weights.names is None or not {*weights.names} & {*columns}:
        return weights
    if {*weights.names} != {*columns}:
        raise click.UsageError(
            f"the weights are named {', '.join(weights.names)}, but the columns of {label} "
            f"{', '.join(columns)}; use the same names, or none"
        )
    values = dict(zip(weights.names, weights.values, strict=True))
    return Weights(tuple(values[name] for name in columns), columns)


def check_exact_range(temperatures: tuple[float, ...]) -> None:
    """Refuse temperatures at which moments are not known exactly."""
    from gscli.distribution.quadrature import check_range
    from gscli.errors import AccuracyError

    for temperature in temperatures:
        try:
            check_range(temperature)
        except AccuracyError as error:
            raise click.BadParameter(
                str(error).removeprefix("temperature: "), param_hint=TEMPERATURE_HINT
            ) from error


def check_not_input(file: str | None, outputs: tuple[Path, ...]) -> None:
    """Refuse an output that is the very file that is read."""
    for path in outputs:
        if file not in (None, "-") and os.path.realpath(path) == os.path.realpath(str(file)):
            raise click.BadParameter(
                f"{path} is the FILE that is read; name another", param_hint=OUTPUT_HINT
            )


def data_format(path: Path, override: str | None) -> str:
    """Return the format of a table's output: the override, or what its suffix says."""
    from gscli.io.writers import FORMATS

    if override is not None:
        return override
    if str(path) == "-":
        return "csv"
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise click.BadParameter(
            f"{path}: unknown suffix {suffix!r}; use .csv, .npy or .parquet, or give --format",
            param_hint="'-o' / '--output'",
        )
    return FORMATS[suffix]


def format_grid(temperatures: tuple[float, ...]) -> str:
    """Return temperatures as one would type them: as a range if they are one."""
    texts = [f"{t:g}" if float(f"{t:g}") == t else repr(t) for t in temperatures]
    if len(temperatures) > 2:
        short = f"{texts[0]}:{texts[-1]}:{len(texts)}"
        if TemperaturesType().convert(short, None, None) == temperatures:
            return short
    return ",".join(texts)


def check_targets(outputs: tuple[Path, ...], *, force: bool, hint: str = OUTPUT_HINT) -> None:
    """Refuse outputs that cannot be written, before any work is done."""
    from gscli.io.atomic import check_target

    resolved = [os.path.realpath(path) for path in outputs]
    repeated = [p for p, real in zip(outputs, resolved, strict=True) if resolved.count(real) > 1]
    if repeated:
        raise click.BadParameter(
            f"{repeated[0]} is given twice; name each output once",
            param_hint=hint,
        )
    for path in outputs:
        if str(path) != "-":
            check_target(path, overwrite=force)
