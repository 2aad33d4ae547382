"""Help texts: options in groups, with colour on a terminal."""

import os
from typing import Any, ClassVar

import click

GROUPS = {
    "Distribution": (
        "parameters", "pi", "logits", "temperatures", "n", "start", "seed", "batch_sizes", "prior",
        "make_loss", "estimators", "inner_samples", "form", "dtype", "hard",
    ),
    "File": ("columns", "log", "labels", "against"),
    "Test": ("alpha", "min_rows"),
    "Picture": (
        "kind", "fragment", "contours", "categories", "log_ratio", "plots", "preset", "title",
        "author", "no_title", "width", "height", "type_size", "font", "colours", "panel_columns",
        "scale", "plotlyjs", "terminal",
    ),
    "Output": (
        "outputs", "output", "format", "shards", "resume", "table", "images", "as_json", "as_csv",
        "show", "force",
    ),
    "Run": ("threads", "dask", "verbose", "quiet", "help"),
}  # fmt: skip
"""Names of options by heading, both in the order in which they are shown."""

OTHERS = "Options"
"""Heading of options that only one command has; they stand first."""


class Command(click.Command):
    """A command whose help shows its options in groups."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        words = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, words, f"{styled('Usage:', bold=True)} ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        grouped: dict[str, list[tuple[str, str]]] = {OTHERS: [], **{name: [] for name in GROUPS}}
        for param in sorted(self.get_params(ctx), key=_order):
            record = param.get_help_record(ctx)
            if isinstance(param, click.Option) and record is not None:
                names, text = record
                grouped[_group(param)].append((styled(names, fg="cyan"), text))
        for heading, records in grouped.items():
            if records:
                write_section(formatter, heading, records)


class PlainGroup(click.Group):
    """A group of commands whose help has the same look."""

    sections: ClassVar[dict[str, tuple[str, ...]]]
    """Names of commands by heading."""

    format_usage = Command.format_usage

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, names in self.sections.items():
            commands = ((name, self.get_command(ctx, name)) for name in names)
            records = [
                (styled(name, fg="cyan"), command.get_short_help_str(100))
                for name, command in commands
                if command is not None
            ]
            write_section(formatter, heading, records)
        params = (param.get_help_record(ctx) for param in self.get_params(ctx))
        options = [(styled(each[0], fg="cyan"), each[1]) for each in params if each]
        write_section(formatter, OTHERS, options)


def write_section(
    formatter: click.HelpFormatter, heading: str, records: list[tuple[str, str]]
) -> None:
    """Write a heading and a list under it."""
    with formatter.section(styled(heading, bold=True)):
        formatter.write_dl(records, col_max=26)


def styled(text: str, **style: Any) -> str:
    """Style a text, unless the user wants none; click removes it where it is not for a terminal."""
    return text if os.environ.get("NO_COLOR") else click.style(text, **style)


def _group(param: click.Parameter) -> str:
    return next((group for group, names in GROUPS.items() if _name(param) in names), OTHERS)


def _order(param: click.Parameter) -> int:
    names = [name for group in GROUPS.values() for name in group]
    return names.index(_name(param)) if _name(param) in names else -1


def _name(param: click.Parameter) -> str:
    return "help" if "--help" in param.opts else str(param.name)
