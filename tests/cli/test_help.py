"""Help texts: grouped, coloured on a terminal alone, and of lines that fit."""

import click
import pytest
from click.testing import CliRunner

from gscli.cli import help as help_texts
from gscli.cli.main import COMMANDS, main


def shown(*args: str, colour: bool = False, width: int = 80) -> str:
    result = CliRunner().invoke(main, [*args, "--help"], color=colour, terminal_width=width - 2)
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_stands_in_one_group(name: str) -> None:
    text = shown(name)
    command = main.get_command(click.Context(main), name)
    assert isinstance(command, help_texts.Command)
    for param in command.params:
        if isinstance(param, click.Option):
            assert text.count(f"\n  {param.opts[0]}") >= 1, param.opts
    run = text[text.index("\nRun:") :]
    assert "--help" in run


def test_groups_of_plot_in_their_order() -> None:
    lines = shown("plot").splitlines()
    headings = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["Distribution:", "File:", "Picture:", "Output:", "Run:"]


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_no_line_breaks_at_80_columns(name: str | None) -> None:
    args = () if name is None else (name,)
    assert max(map(len, shown(*args).splitlines())) <= 80


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in shown("fit", colour=True)
    assert "\x1b[" not in shown("fit")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in shown("fit", colour=True)


def test_every_command_stands_in_a_section() -> None:
    text = shown()
    for name in COMMANDS:
        assert text.count(f"\n  {name} ") == 1
