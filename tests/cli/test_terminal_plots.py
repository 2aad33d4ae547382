"""Plots in terminals of several sizes and kinds."""

import io
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from rich.console import Console, RenderableType

from gscli import Concrete
from gscli.cli import preview
from gscli.cli.outputs import Request
from gscli.cli.terminal_plots import can_show, terminal_plots
from gscli.io.samples import Batch, Part, Samples
from gscli.plotting.plot import PlotOptions, Sample


def console_of(width: int, height: int = 50, **options: str) -> Console:
    settings = {"color_system": None, **options}
    file = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    return Console(file=file, width=width, height=height, force_terminal=True, **settings)  # type: ignore[arg-type]


def printed(console: Console, *parts: RenderableType) -> list[str]:
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    return captured.get().splitlines()


def sample_of(pi: list[float], temperatures: tuple[float, ...]) -> Sample:
    def read() -> Iterator[Part]:
        for t in temperatures:
            rows = Concrete(pi, t).sample(500, seed=1)
            yield Part(len(rows), partial(iter, [Batch(rows, 0, t)]))

    names = tuple(f"x{k + 1}" for k in range(len(pi)))
    samples = Samples("seed 1", names, read, log=False, has_temperatures=True).looked_at()
    return Sample(samples, np.log(pi), "seed 1", temperatures=temperatures)


@pytest.mark.parametrize(("width", "across"), [(80, 2), (50, 1), (130, 3)])
@pytest.mark.parametrize("pi", [[1.0, 3.0, 6.0], [1.0, 3.0]])
def test_temperatures_stand_side_by_side_where_there_is_room(
    width: int, across: int, pi: list[float]
) -> None:
    console = console_of(width)
    lines = printed(console, *terminal_plots(sample_of(pi, (0.2, 1, 3)), PlotOptions(), console))
    headings = [line.count("t = ") for line in lines if "t = " in line]
    assert headings[0] == across
    assert sum(headings) == 3
    assert max(map(len, lines)) <= width


def test_two_categories_are_a_histogram() -> None:
    console = console_of(60)
    lines = printed(console, *terminal_plots(sample_of([1, 3], (0.5,)), PlotOptions(), console))
    assert "share of x1" in lines[-1]
    assert any("█" in line for line in lines)


@pytest.mark.parametrize("system", ["standard", "256", "truecolor"])
def test_sixteen_colours_are_not_used(system: str) -> None:
    assert can_show(console_of(80, color_system=system))[0] == (system != "standard")


@pytest.mark.parametrize("names", [("x1", "x2", "x3"), ("cat", "dog", "hippopotamus")])
def test_a_bare_sample_fits_a_terminal_of_80_by_24(
    names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    console = console_of(80, 24)
    monkeypatch.setattr("rich.console.Console", lambda **_: console)
    request = Request(
        [Concrete([1, 3, 6], 3.0)], names, 1000, 0, 1, 1, "simplex", "float64", quiet=True
    )
    with console.capture() as captured:
        preview.show_sample(request)
    lines = captured.get().splitlines()
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    beside = [line for line in lines if "category" in line]
    assert len(beside) == 1
    assert names[0] in beside[0]
    assert "…" not in "".join(lines)
