"""`gscli doctor`: what this machine has."""

import time
from typing import Any

import click

from gscli import __version__
from gscli.cli import options
from gscli.cli.help import Command

PACKAGES = ("numpy", "scipy", "polars", "plotly", "kaleido", "click", "rich")


@click.command(
    "doctor", cls=Command, short_help="Show versions, threads and the browser for images."
)
@click.option("--export", is_flag=True, help="Render a real PNG with the browser, and time it.")
@options.as_json
def command(export: bool, as_json: bool) -> None:
    """Show versions, threads, and the browser that image export will use.

    \b
    Examples:
      gscli doctor
      gscli doctor --export --json
    """
    import json

    facts = _facts()
    if export:
        facts["export"] = _export()
    click.echo(json.dumps(facts, indent=2) if as_json else _table(facts))


def _facts() -> dict[str, Any]:
    import platform
    from importlib.metadata import version

    from gscli.errors import BrowserNotFoundError
    from gscli.execution.threads import usable_threads
    from gscli.plotting.browser import find_browser

    try:
        found = find_browser()
        browser = {
            "path": str(found.path),
            "version": found.version(),
            "found_by": found.found_by,
        }
    except BrowserNotFoundError as error:
        browser = {"path": None, "version": None, "found_by": None, "reason": str(error)}
    versions = {"gscli": __version__, "python": platform.python_version()}
    versions |= {name: version(name) for name in PACKAGES}
    return {"versions": versions, "threads": usable_threads(), "browser": browser}


def _export() -> dict[str, Any]:
    from gscli.plotting.browser import Image, find_browser, render
    from gscli.plotting.ternary import ternary

    image = Image(ternary([[0.2, 0.3, 0.5]]).to_plotly_json(), "png", 700, 640)
    begin = time.perf_counter()
    (content,) = render([image], find_browser())
    return {"seconds": round(time.perf_counter() - begin, 3), "bytes": len(content)}


def _table(facts: dict[str, Any]) -> str:
    browser = facts["browser"]
    lines = {**facts["versions"], "threads": facts["threads"]}
    if browser["path"] is None:
        lines["browser"] = browser["reason"]
    else:
        lines["browser"] = f"{browser['path']} (found by {browser['found_by']})"
        lines["version"] = browser["version"] or "it does not say"
    if "export" in facts:
        done = facts["export"]
        lines["export"] = f"a PNG of {done['bytes']:,} bytes in {done['seconds']:.2f} s"
    width = max(map(len, lines))
    return "\n".join(f"{name:<{width}}  {value}" for name, value in lines.items())
