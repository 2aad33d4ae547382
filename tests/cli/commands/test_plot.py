"""`gscli plot`, in this process and as a process of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result

import gscli
from gscli import Concrete, highest_density_regions
from gscli.cli.main import main

Run = Callable[..., Result]
ROOT = str(Path(gscli.__file__).parents[1])


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in an empty folder; a traceback fails the test."""
    monkeypatch.chdir(tmp_path)

    def invoke(*args: object, input: bytes | None = None, **options: Any) -> Result:
        result = CliRunner(**options).invoke(main, ["plot", *map(str, args)], input=input)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise AssertionError(f"{args} ended in a traceback") from result.exception
        return result

    return invoke


def start(*args: object, cwd: Path, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "gscli", *map(str, args)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": ROOT, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def figure(run: Run, *args: object, input: bytes | None = None) -> dict[str, Any]:
    result = run(*args, "-o", "figure.json", input=input)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(Path("figure.json").read_text())
    return found


def subtitle(found: dict[str, Any]) -> str:
    return str(found["layout"]["title"]["subtitle"]["text"])


def names(found: dict[str, Any]) -> list[str]:
    return [trace["name"] for trace in found["data"] if trace.get("name")]


# --- sources ---------------------------------------------------------------------------------


def test_bare_command_writes_a_page_and_says_so(run: Run) -> None:
    result = run()
    assert result.exit_code == 0
    assert result.stderr.startswith("Wrote plot.html (seed ")
    assert result.stdout == ""
    assert Path("plot.html").stat().st_size > 4_000_000


def test_same_seed_same_figure(run: Run) -> None:
    one, two = (figure(run, "--seed", 5, "-n", 300) for _ in range(2))
    other = figure(run, "--seed", 6, "-n", 300)
    assert one == two
    assert one["data"] != other["data"]
    assert subtitle(one) == "n = 300 samples  ·  interior regime  ·  seed 5"


@pytest.mark.parametrize("suffix", ["csv", "npy", "parquet"])
def test_files_of_every_format(run: Run, suffix: str) -> None:
    rows = Concrete([1, 3, 6], 0.7).sample(800, seed=1)
    path = Path(f"s.{suffix}")
    if suffix == "npy":
        np.save(path, rows)
    else:
        frame = pl.DataFrame(rows, schema=["cat", "dog", "bird"])
        frame.write_csv(path) if suffix == "csv" else frame.write_parquet(path)
    found = figure(run, path)
    assert found["layout"]["title"]["text"] == f"<b>Samples of {path}</b>"
    assert subtitle(found).startswith("n = 800 samples")
    assert not any("of the mass" in name for name in names(found))
    known = figure(run, path, "--pi", "1,3,6", "-t", "0.7")
    title = f"<b>{path} against the Concrete distribution, t = 0.7</b>"
    assert known["layout"]["title"]["text"] == title
    shares = [re.search(r"^(\d+) % of mass; file ([\d.]+) %$", name) for name in names(known)]
    inside = [(int(found[1]), float(found[2])) for found in shares if found]
    density = Concrete([1, 3, 6], 0.7)
    levels = [region.level for region in highest_density_regions(density)]
    expected = [100 * (density.log_prob(rows) >= level).mean() for level in levels]
    assert [mass for mass, _ in inside] == [50, 80, 95]
    assert [share for _, share in inside] == pytest.approx(expected, rel=5e-3)
    assert "vertices regime" in subtitle(known)
    if suffix != "npy":
        assert "rounds to dog" in names(found)


def test_standard_input(run: Run) -> None:
    text = b"x1,x2,x3\n0.2,0.3,0.5\n0.1,0.1,0.8\n"
    assert "n = 2 samples" in subtitle(figure(run, "-", input=text))


def test_pipe_from_sample(tmp_path: Path) -> None:
    sample = start("sample", "-n", 3000, "-t", 0.5, "--seed", 1, cwd=tmp_path)
    text, _ = sample.communicate(timeout=30)
    plot = start("plot", "-", "--pi", "1,3,6", "-t", 0.5, "-o", "x.json", cwd=tmp_path)
    _, told = plot.communicate(text, timeout=30)
    assert plot.returncode == 0, told
    assert told == "Wrote x.json (standard input)\n"


def test_temperature_column_makes_panels(run: Run) -> None:
    blocks = [np.c_[np.full(50, t), Concrete([1, 3, 6], t).sample(50, seed=1)] for t in (0.3, 2)]
    pl.DataFrame(np.vstack(blocks), schema=["temperature", "a", "b", "c"]).write_csv("t.csv")
    found = figure(run, "t.csv", "--pi", "1,3,6")
    headings = [note["text"] for note in found["layout"]["annotations"]]
    assert [text.partition(" %")[0][:24] for text in headings] == [
        "<b>t = 0.3</b>  ·  file:", "<b>t = 2</b>  ·  file: 4"
    ]  # fmt: skip
    one = figure(run, "t.csv", "--pi", "1,3,6", "-t", "2")
    assert "n = 50 samples  ·  interior regime" in subtitle(one)


def test_npy_of_several_temperatures(run: Run) -> None:
    np.save("s.npy", np.stack([Concrete([1, 3, 6], t).sample(50, seed=1) for t in (0.3, 2)]))
    found = figure(run, "s.npy", "-t", "0.3,2")
    assert [note["text"] for note in found["layout"]["annotations"]] == [
        "<b>t = 0.3</b>",
        "<b>t = 2</b>",
    ]


def test_log_files(run: Run) -> None:
    log_x = Concrete([1, 3, 6], 0.001).sample_log(500, seed=1)
    np.save("log.npy", log_x)
    assert "n = 500" in subtitle(figure(run, "log.npy", "--log"))
    spread = figure(run, "log.npy", "--log", "--log-ratio")
    assert "left out" not in subtitle(spread)


# --- kinds -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "kind"),
    [
        (["--kind", "bins"], "scatterternary"),
        (["--kind", "marginals"], "heatmap"),
        (["--log-ratio"], "scatter"),
        (["--pi", "1,3"], "bar"),
        (["--pi", "1,3", "--log-ratio"], "bar"),
        (["--pi", "1,2,3,4"], "scatter3d"),
        (["--pi", "1,2,3,4,5,6", "--log-ratio"], "scatter"),
        (["--pi", "1,2,3,4,5", "--categories", "1,2,3,5"], "scatter3d"),
        (["--logits", "0,1,2", "-t", "0.1,1,10"], "scatterternary"),
    ],
)
def test_kinds(run: Run, args: list[str], kind: str) -> None:
    assert kind in {trace["type"] for trace in figure(run, "-n", 200, *args)["data"]}


def test_bins_count_a_million_and_stay_small(run: Run) -> None:
    args = ["-n", "1e6", "--seed", 1, "-t", 1]
    assert "n = 1,000,000 samples" in subtitle(figure(run, *args))
    run(*args, "-o", "x.html")
    import plotly

    plotly_js = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    assert Path("x.html").stat().st_size - plotly_js.stat().st_size <= 300_000


def test_categories_by_name_and_position(run: Run) -> None:
    pi = "a=1,b=2,c=3,d=4,e=5"
    axes = [
        [found["layout"]["ternary"][f"{letter}axis"]["title"]["text"][3:4] for letter in "abc"]
        for found in (
            figure(run, "--pi", pi, "-n", 50),
            figure(run, "--pi", pi, "-n", 50, "--categories", "e,1, c"),
        )
    ]
    assert axes == [["c", "d", "e"], ["e", "a", "c"]]


@pytest.mark.parametrize("named", ["f,a,b", "0,1,2", "1,2,6", "a,a,b", "1,a,2", "", "a,b,c,d,e"])
def test_categories_that_do_not_exist(run: Run, named: str) -> None:
    result = run("--pi", "a=1,b=2,c=3,d=4,e=5", "--categories", named)
    assert result.exit_code == 2
    assert "--categories" in result.stderr
    assert result.stderr.count("\n") == 1


# --- mistakes --------------------------------------------------------------------------------

MISTAKES: list[tuple[list[str], int, str]] = [
    (["--kind", "circles"], 2, "--kind"),
    (["-o", "x.bmp"], 2, "unknown suffix '.bmp'"),
    (["-o", "x.html", "-o", "x.html"], 2, "twice"),
    (["--terminal", "-o", "x.html"], 2, "--terminal"),
    (["--log"], 2, "FILE"),
    (["--pi", "1,2", "--logits", "1,2"], 2, "--logits"),
    (["-t", "0"], 2, "--hard"),
    (["-n", "0"], 2, "not 1 or more"),
    (["-t", "0.1:10:30", "-n", "5"], 2, "panels"),
    (["--width", "3"], 2, "--width"),
    (["missing.csv"], 1, "missing.csv"),
    (["off.csv"], 1, "off.csv: row 2"),
    (["logs.csv"], 1, "add --log"),
    (["off.csv", "--log"], 1, "without --log"),
    (["three.csv", "--pi", "1,2"], 2, "3 columns"),
    (["slabs.npy"], 1, "-t"),
    (["three.csv", "-t", "1,2"], 2, "give one"),
    (["-o", "no/x.html"], 1, "no"),
    (["bad-t.csv", "--pi", "1,2,3"], 1, "bad-t.csv: row 1: temperature -1 is not"),
]


@pytest.mark.parametrize(("args", "code", "message"), MISTAKES)
def test_a_mistake_is_one_line(run: Run, args: list[str], code: int, message: str) -> None:
    Path("off.csv").write_text("x1,x2,x3\n0.2,0.3,0.5\n0.2,0.3,0.9\n")
    Path("three.csv").write_text("x1,x2,x3\n0.2,0.3,0.5\n")
    Path("logs.csv").write_text("x1,x2,x3\n-1,-2,-3\n")
    Path("bad-t.csv").write_text("temperature,x1,x2,x3\n-1,0.2,0.3,0.5\n")
    np.save("slabs.npy", np.full((2, 4, 3), 1 / 3))
    result = run(*args)
    assert result.exit_code == code, result.stderr
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not Path("plot.html").exists()


# --- terminal --------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("pi", ["1,3,6", "1,3", "averyverylongnameindeed=1,b=2,c=3"])
def test_terminal_keeps_to_its_width(
    run: Run, width: int, pi: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    seed = 2**53 - 1  # as long as any that is drawn
    result = run("--terminal", "--pi", pi, "-t", "0.3,3", "-n", 2000, "--seed", seed)
    assert result.exit_code == 0
    assert result.stdout.count(f"seed {seed}") == 1
    headings = [line for line in result.stdout.splitlines() if "n = 2,000" in line]
    assert len(headings) == (1 if width == 80 else 2)
    assert "t = 0.3" in headings[0]
    assert max(map(len, result.stdout.splitlines())) <= width
    assert "\x1b" not in result.stdout
    assert not list(Path().iterdir())


def test_terminal_in_ascii_and_without_colour(tmp_path: Path) -> None:
    shown = start(
        "plot", "--terminal", "--seed", 1, cwd=tmp_path,
        PYTHONIOENCODING="ascii", NO_COLOR="1", FORCE_COLOR="1", COLUMNS="80",
    )  # fmt: skip
    text, told = shown.communicate(timeout=30)
    assert shown.returncode == 0, told
    assert text.isascii()
    assert "38;2" not in text
    assert "@" in text


def test_terminal_shows_brackets_in_names(run: Run) -> None:
    Path("[bold]x.csv").write_text("[red]a,b,c\n0.2,0.3,0.5\n")
    result = run("--terminal", "[bold]x.csv")
    assert "[red]a" in result.stdout
    assert "[bold]x.csv" in result.stdout


# --- browser ---------------------------------------------------------------------------------


def test_no_browser_is_exit_3_at_once(tmp_path: Path) -> None:
    begin = time.monotonic()
    shown = start("plot", "-o", "x.png", cwd=tmp_path, PATH=str(tmp_path), HOME=str(tmp_path),
                  XDG_DATA_HOME=str(tmp_path), BROWSER_PATH="")  # fmt: skip
    _, told = shown.communicate(timeout=30)
    if shown.returncode == 0:
        pytest.skip("a browser of kaleido's own download is there")
    assert shown.returncode == 3
    assert time.monotonic() - begin < 5
    assert told.count("\n") == 1
    assert "BROWSER_PATH" in told
    assert not list(tmp_path.glob("*.png"))


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Make a folder whose path is short enough for the browser's own files."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.mark.parametrize(("signal_number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("stuck", [True, False])
def test_interrupted_export_leaves_nothing(
    chromium: Path,
    tmp_path: Path,
    short_folder: Path,
    signal_number: int,
    code: int,
    stuck: bool,
) -> None:
    browser = tmp_path / "browser"
    mark = "sleep 1000.75"
    command = mark if stuck else f'exec {chromium} "$@"'
    browser.write_text(f"#!/bin/sh\n{command}\n")
    browser.chmod(0o755)
    folder = tmp_path / "out"
    folder.mkdir()
    shown = start("plot", "-o", "x.png", "-o", "x.html", cwd=folder, BROWSER_PATH=str(browser),
                  TMPDIR=str(short_folder))  # fmt: skip
    mark = mark if stuck else str(short_folder)
    deadline = time.monotonic() + 20
    while not living(mark):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    shown.send_signal(signal_number)
    _, told = shown.communicate(timeout=20)
    assert shown.returncode == code, told
    assert "Traceback" not in told
    assert living(mark) == []
    assert list(folder.iterdir()) == []
    assert list(short_folder.iterdir()) == []


def living(mark: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = entry.read_text().replace("\0", " ")
        except OSError:
            continue
        if mark in text:
            found.append(text)
    return found


@pytest.mark.slow
def test_page_shows_the_plot_offline(chromium: Path, run: Run) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    evil = "<script>alert(1)</script>=1,<b>=3,c&amp;d=6"
    assert run("--pi", evil, "-t", "0.3,1", "-n", 500, "-o", "x.html").exit_code == 0
    errors, requests = [], []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(offline=True, viewport={"width": 700, "height": 640})
        page = context.new_page()
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("dialog", lambda dialog: errors.append(dialog.message))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(Path("x.html").resolve().as_uri())
        page.wait_for_selector(".scatterlayer path.point", state="attached")
        assert page.locator(".ternarylayer .plotbg, .ternary").count() >= 2
        shown = page.locator(".main-svg").first.text_content() or ""
        text = page.evaluate("document.querySelector('#figure').textContent")
        browser.close()
    assert "<b>" in shown + text
    assert "c&amp;d" in text
    assert errors == []
    assert [url for url in requests if not url.startswith(("file:", "blob:", "data:"))] == []


def test_open_shows_the_page(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def record(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", record)
    assert run("-n", 10, "--open", "-o", "x.json").exit_code == 0
    assert opened == [Path("plot.html").resolve().as_uri()]
    monkeypatch.setattr("webbrowser.open", lambda url: False)  # noqa: ARG005
    assert "open x.html in one" in run("-n", 10, "--open", "-o", "x.html").stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("x.csv", "-n", 5), "-n has no effect on a FILE; remove it"),
        (("x.csv", "--seed", 5), "--seed has no effect on a FILE; remove it"),
        (("--terminal", "--categories", "x1"), "--terminal draws two or more categories"),
        (("--log-ratio", "--categories", "x1"), "log-ratios are of two or three categories, not 1"),
        (("--kind", "marginals", "--log-ratio"), "--log-ratio and --kind marginals"),
        (("--terminal", "--kind", "bins"), "--terminal draws counts"),
        (("--scale", "nan"), "--scale"),
        (("-t", "0.1:10:25"), "25 are more than 24 panels"),
        (("--categories", "1" * 5000), "--categories"),
    ],
)
def test_options_without_effect_are_refused(
    run: Run, arguments: tuple[object, ...], said: str
) -> None:
    Path("x.csv").write_text("x1,x2,x3\n0.2,0.3,0.5\n")
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert [path.name for path in Path().iterdir()] == ["x.csv"]


def test_the_input_is_never_replaced(run: Run) -> None:
    content = "x1,x2,x3\n0.2,0.3,0.5\n"
    Path("x.svg").write_text(content)
    result = run("x.svg", "-o", "./x.svg")
    assert result.exit_code == 2
    assert "x.svg is the FILE that is read" in result.stderr
    assert Path("x.svg").read_text() == content


def test_a_temperature_that_the_file_lacks_is_named(run: Run) -> None:
    Path("x.csv").write_text("temperature,a,b\n0.5,0.2,0.8\n1,0.3,0.7\n")
    for output in (["--terminal"], ["-o", "x.html"]):
        result = run("x.csv", "-t", "7", *output)
        assert result.exit_code == 1
        assert "x.csv: has no rows at temperature 7" in result.stderr
        assert "states 0.5, 1" in result.stderr
    assert run("x.csv", "-t", "0.5,7", "-o", "x.json").exit_code == 1
    assert run("x.csv", "-t", "0.5", "-o", "x.json").exit_code == 0


def test_weights_follow_the_names_of_the_columns(run: Run) -> None:
    Path("x.csv").write_text("cat,dog,bird\n0.2,0.3,0.5\n")
    given = ("--pi", "bird=6,dog=3,cat=1", "-t", 1, "-o", "x.json")
    assert run("x.csv", *given).exit_code == 0
    axes = json.loads(Path("x.json").read_text())["layout"]["ternary"]
    titles = [axes[f"{axis}axis"]["title"]["text"] for axis in "abc"]
    for title, name, p in zip(titles, ("cat", "dog", "bird"), (0.1, 0.3, 0.6), strict=True):
        assert name in title
        assert f"p = {p}" in title
    other = run("x.csv", "--pi", "bird=6,dog=3,cow=1", "-t", 1, "-o", "x.json")
    assert other.exit_code == 2
    assert "use the same names" in other.stderr
    assert run("x.csv", "--pi", "a=6,b=3,c=1", "-t", 1, "-o", "x.json").exit_code == 0


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("-inf,0\n-0.6931472,-0.6931472\n", ("--log", "--log-ratio")),
        (
            "-inf,-inf,0,-inf\n-1.3862944,-1.3862944,-1.3862944,-1.3862944\n",
            ("--log", "--categories", "1,2,4"),
        ),
        ("0,0,1\n0.2,0.3,0.5\n", ("--categories", "1,2")),
    ],
)
def test_rows_without_a_share_to_show_are_left_out(
    run: Run, text: str, arguments: tuple[str, ...]
) -> None:
    result = run("-", *arguments, "-o", "x.json", input=text.encode())
    assert result.exit_code == 0, result.stderr
    assert "1 row with exact zeros left out" in Path("x.json").read_text()
    first = text.splitlines()[0].encode()
    for output in (("-o", "x.json"), ("--terminal",)):
        if "--log-ratio" in arguments and "--terminal" in output:
            continue
        alone = run("-", *arguments, *output, input=first)
        assert alone.exit_code == 1
        assert "there is no sample to draw" in alone.stderr


def test_marginals_where_means_are_not_known_exactly(run: Run) -> None:
    assert run("--kind", "marginals", "-t", "0.0005", "-n", 100, "-o", "x.json").exit_code == 0
    names = {trace.get("name") for trace in json.loads(Path("x.json").read_text())["data"]}
    assert "exact mean" not in names
    assert "p" in names


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--width", 300, "-o", "x.html"), "--width has an effect on png, svg, pdf, webp alone"),
        (("--height", 300), "--height has an effect on png, svg, pdf, webp alone"),
        (("--scale", 3, "-o", "x.svg"), "--scale has an effect on png, webp alone"),
        (("--preset", "paper", "-o", "x.html"), "--preset has an effect on png, svg, pdf, webp"),
        (("--font-size", "8pt"), "--font-size has an effect on png, svg, pdf, webp alone"),
        (("--title", "T", "--terminal"), "--title has an effect on html, png, svg, pdf, webp"),
        (("--title", "T", "--no-title"), "--title and --no-title are both given"),
        (("--plotlyjs", "cdn", "-o", "x.png"), "--plotlyjs has an effect on html alone"),
        (("--plotlyjs", "cdn", "--terminal"), "--plotlyjs has an effect on html alone"),
        (("--no-contours", "--terminal"), "leave out --kind, --log-ratio and --contours"),
    ],
)
def test_an_option_without_effect_is_refused(run: Run, args: tuple[object, ...], said: str) -> None:
    result = run("-n", 10, *args)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not list(Path().iterdir())


def test_a_figure_replaces_figures_of_its_kind_alone(run: Run) -> None:
    path = Path("x.json")
    assert run("-n", 10, "-o", path).exit_code == 0
    assert run("-n", 10, "-o", path).exit_code == 0
    path.write_text('{"my": "data"}')
    result = run("-n", 10, "-o", path)
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: x.json exists and is not a file of its kind; use --force to replace it\n"
    )
    assert path.read_text() == '{"my": "data"}'
    path.chmod(0o444)
    assert "x.json is read-only" in run("-n", 10, "-o", path, "--force").stderr
    path.chmod(0o644)
    assert run("-n", 10, "-o", path, "--force").exit_code == 0


def test_log_ratios_beyond_the_digits_of_float64_are_said_to_be(run: Run) -> None:
    result = run("--logits", "0,-1e17", "-t", "1e3", "--log-ratio", "-o", "x.html")
    assert result.exit_code == 1
    assert "log-ratios near 1e+14 are too large for float64" in result.output
    assert not Path("x.html").exists()
    single = run("-n", 1, "--pi", "1,3", "--log-ratio", "-o", "y.html")
    assert single.exit_code == 0, single.output
