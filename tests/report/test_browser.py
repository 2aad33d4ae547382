"""The report in a real browser without a network."""

import csv
import json
import math
import shlex
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gscli.cli.main import main
from gscli.distribution import gradients
from gscli.distribution.concrete import Concrete
from gscli.distribution.properties import advise, facts_at
from gscli.plotting import theme
from gscli.report.page import Origin, fragment_of, page

from .conftest import Open, html
from .test_page import HOSTILE, small_sweep

pytestmark = pytest.mark.slow

POINTS = "window.gscli.points()"


def points(shown: Any) -> Any:
    return np.array(shown.evaluate(POINTS))


def rounding(shown: Any, k: int) -> float:
    return float(shown.locator(f"[data-figure-of='rounding-{k}']").inner_text())


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_slider_takes_the_points_to_the_corners_and_to_the_centre(
    show: Open, classic: Path
) -> None:
    shown = show(classic)
    assert points(shown).shape == (2000, 3)
    shares = [rounding(shown, k) for k in range(3)]
    shown.locator("#temperature").focus()
    shown.keyboard.press("Home")
    cold = points(shown)
    assert np.mean(cold.max(axis=1) > 0.95) > 0.95
    np.testing.assert_allclose(cold.sum(axis=1), 1)
    assert shown.locator("#temperature-value").inner_text() == "0.02"
    # Temperature moves no point from one category to another.
    assert [rounding(shown, k) for k in range(3)] == shares
    assert np.mean(cold.argmax(axis=1) == 1) == pytest.approx(shares[1], abs=0.001)
    shown.keyboard.press("End")
    hot = points(shown)
    assert np.abs(hot - 1 / 3).max() < 0.1
    assert [rounding(shown, k) for k in range(3)] == shares
    assert shown.locator("#near").inner_text() == "0.0 %"


def test_arrow_keys_move_the_sliders(show: Open, classic: Path) -> None:
    shown = show(classic)
    slider = shown.locator("#temperature")
    slider.focus()
    before = float(slider.input_value())
    shown.keyboard.press("ArrowRight")
    after = float(slider.input_value())
    assert before < after < before + 0.1
    assert slider.get_attribute("aria-valuetext").startswith("temperature 1.")
    outline = slider.evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline == "solid"


def test_a_weight_changes_the_rounding_shares(show: Open, classic: Path) -> None:
    shown = show(classic)
    before = [rounding(shown, k) for k in range(3)]
    np.testing.assert_allclose(before, [0.1, 0.3, 0.6], atol=0.03)
    shown.locator("#weight-0").focus()
    shown.keyboard.press("End")
    after = [rounding(shown, k) for k in range(3)]
    assert after[0] > 0.9
    shown.get_by_role("button", name="Reset").click()
    assert [rounding(shown, k) for k in range(3)] == before


def test_play_and_pause(show: Open, classic: Path) -> None:
    shown = show(classic)
    button = shown.locator("#play")
    assert (button.inner_text(), button.get_attribute("aria-pressed")) == ("Play", "false")
    button.click()
    assert (button.inner_text(), button.get_attribute("aria-pressed")) == ("Pause", "true")
    begin = shown.evaluate("window.gscli.state.temperature")
    shown.wait_for_function(f"Math.abs(window.gscli.state.temperature - {begin}) > 0.01")
    button.press("Space")
    assert button.inner_text() == "Play"
    still = shown.evaluate("window.gscli.state.temperature")
    shown.wait_for_timeout(100)
    assert shown.evaluate("window.gscli.state.temperature") == still


def test_presets_set_the_temperature(show: Open, classic: Path) -> None:
    shown = show(classic)
    shown.get_by_role("button", name="smooth, 3", exact=True).click()
    assert shown.evaluate("window.gscli.state.temperature") == 3


def test_numbers_are_those_of_describe(
    show: Open, classic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = show(classic)
    with pytest.raises(SystemExit):
        main(["describe", "--pi", "1,3,6", "-t", "0.1,0.5,1,3", "--json"])
    described = json.loads(capsys.readouterr().out)
    cells = shown.evaluate(
        "Array.from(document.querySelectorAll('#facts tbody tr'), row =>"
        " Array.from(row.cells, cell => cell.dataset.value))"
    )
    heads = shown.locator("#facts th").all_inner_texts()
    for row, facts in zip(cells, described["temperatures"], strict=True):
        values = dict(zip(heads, row, strict=True))
        assert float(values["temperature"]) == facts["temperature"]
        for name in ("entropy", "expected_max", "near_vertex"):
            assert float(values[name]) == facts[name]
        for k in range(3):
            assert float(values[f"mean x{k + 1}"]) == facts["mean"][k]
            assert float(values[f"sd x{k + 1}"]) == facts["sd"][k]
        for m, error in facts["gradient"]["error"].items():
            assert float(values[f"gradient error {m}"]) == error
        assert float(values["gradient noise"]) == facts["gradient"]["noise"]


def test_the_table_saves_as_csv(show: Open, classic: Path, tmp_path: Path) -> None:
    shown = show(classic, accept_downloads=True)
    with shown.expect_download() as waiting:
        shown.locator("#save").click()
    assert waiting.value.suggested_filename == "sweep.csv"
    waiting.value.save_as(tmp_path / "saved.csv")
    with (tmp_path / "saved.csv").open(newline="", encoding="utf-8") as file:
        head, *body = list(csv.reader(file))
    assert head == shown.locator("#facts th").all_inner_texts()
    table = shown.evaluate(
        "Array.from(document.querySelectorAll('#facts tbody td'), cell => cell.dataset.value)"
    )
    assert [value for row in body for value in row] == table


def test_hostile_names_run_nothing(show: Open, tmp_path: Path) -> None:
    text = html([1, 2, 3, 4], (0.5, 1.0), names=HOSTILE)
    shown = show(written(tmp_path / "hostile.html", text), accept_downloads=True)
    see_every_figure(shown)
    for k, name in enumerate(HOSTILE):
        assert shown.locator(f"label[for='weight-{k}']").inner_text() == name
    assert "{{7*7}}" in shown.locator("main").inner_text()
    assert "alert(1)" in shown.locator("[data-figure='change-mean'] .legend").text_content()
    assert shown.locator("main script").count() == 0
    assert shown.locator("main b").count() == 0
    with shown.expect_download() as waiting:
        shown.locator("#save").click()
    content = Path(waiting.value.path()).read_text(encoding="utf-8")
    assert (
        next(csv.reader([content.splitlines()[0]])) == shown.locator("#facts th").all_inner_texts()
    )


def see_every_figure(shown: Any) -> None:
    for place in shown.locator("[data-figure]").all():
        place.scroll_into_view_if_needed()
    count = shown.locator("[data-figure]").count()
    shown.wait_for_function(
        f"document.querySelectorAll('[data-figure] .main-svg').length >= {count}"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_and_both_schemes(show: Open, classic: Path, scheme: str) -> None:
    shown = show(classic, width=400, scheme=scheme)
    see_every_figure(shown)
    assert shown.evaluate("document.documentElement.scrollWidth") <= 400
    background = shown.evaluate("getComputedStyle(document.body).backgroundColor")
    levels = [int(level) for level in background[4:-1].split(",")]
    assert max(levels) < 60 if scheme == "dark" else min(levels) > 240


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(show: Open, classic: Path, scheme: str) -> None:
    shown = show(classic, scheme=scheme)
    colours = shown.evaluate(
        """() => Array.from(document.querySelectorAll(
             'header *, main p, main th, main td, main caption, main label, main output, ' +
             'main legend, main button, main figcaption, footer *'),
           e => {
             let back = e;
             while (getComputedStyle(back).backgroundColor === 'rgba(0, 0, 0, 0)')
               back = back.parentElement;
             return [getComputedStyle(e).color, getComputedStyle(back).backgroundColor];
           })"""
    )
    assert len(colours) > 100
    for text, back in {tuple(pair) for pair in colours}:
        assert contrast(text, back) >= 4.5, (text, back)


def contrast(text: str, back: str) -> float:
    """WCAG's contrast of two colours, as browsers write them."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in colour.strip("rgb()").split(",")]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted([luminance(text), luminance(back)])
    return (high + 0.05) / (low + 0.05)


def test_two_categories_lie_on_a_line(show: Open, tmp_path: Path) -> None:
    shown = show(written(tmp_path / "two.html", html([1, 3], (0.5, 2.0))))
    see_every_figure(shown)
    assert not shown.locator("#corners").is_visible()
    assert points(shown).shape == (2000, 2)
    shown.locator("#temperature").focus()
    shown.keyboard.press("Home")
    assert np.mean(points(shown).max(axis=1) > 0.95) > 0.95


def test_corners_can_be_chosen(show: Open, tmp_path: Path) -> None:
    shown = show(written(tmp_path / "five.html", html([1, 2, 3, 4, 5], (0.5, 2.0))))
    assert shown.locator("#corners").is_visible()
    chosen = [select.input_value() for select in shown.locator("[data-corner]").all()]
    assert chosen == ["2", "3", "4"]
    before = points(shown)
    shown.locator("[data-corner='0']").select_option("0")
    assert np.abs(points(shown) - before).max() > 0.1
    # A category that is already a corner changes places.
    shown.locator("[data-corner='1']").select_option("0")
    chosen = [select.input_value() for select in shown.locator("[data-corner]").all()]
    assert chosen == ["3", "0", "4"]
    # The sub-composition stays exact where these corners hold next to nothing.
    shown.locator("#temperature").focus()
    shown.keyboard.press("Home")
    np.testing.assert_allclose(points(shown).sum(axis=1), 1)


def test_twenty_categories(show: Open, tmp_path: Path) -> None:
    pi = [1 / (k + 1) for k in range(20)]
    shown = show(written(tmp_path / "twenty.html", html(pi, (0.5,))), width=400)
    assert shown.locator("#weights input").count() == 12
    assert shown.evaluate("document.documentElement.scrollWidth") <= 400


def test_it_opens_quickly(show: Open, classic: Path) -> None:
    shown = show(classic)
    took = shown.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert took < 8000  # under 2 s on an idle machine


def test_print_holds_every_figure(show: Open, classic: Path) -> None:
    pypdf = pytest.importorskip("pypdf")
    shown = show(classic)
    pdf = shown.pdf(format="A4", print_background=True)
    assert (
        shown.locator("[data-figure] .main-svg").count() >= shown.locator("[data-figure]").count()
    )
    import io

    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    text = " ".join(" ".join(page.extract_text().split()) for page in pages)
    for words in ("Which temperature?", "squared error", "entropy (nats)", "consistent"):
        assert words in text
    assert "Save as CSV" not in text
    assert 3 <= len(pages) <= 6


def test_figures_have_their_size_on_paper(show: Open, classic: Path) -> None:
    shown = show(classic)
    see_every_figure(shown)
    shown.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    shown.emulate_media(media="print")
    shown.set_viewport_size({"width": 703, "height": 1030})  # A4 with margins of 12 mm
    boxes = shown.eval_on_selector_all(
        "[data-figure]",
        "places => places.map((place) => [place, place.querySelector('.main-svg')]"
        ".map((each) => [each.clientWidth, each.clientHeight]))",
    )
    assert len(boxes) > 5
    for box, drawn in boxes:
        assert drawn == box
    canvas = shown.locator("#simplex").evaluate(
        "c => [c.width / c.clientWidth, c.height / c.clientHeight]"
    )
    assert canvas[0] == pytest.approx(canvas[1], rel=0.02)


def test_live_means_follow_the_exact_ones(show: Open, classic: Path) -> None:
    shown = show(classic)
    shown.get_by_role("button", name="smooth, 3", exact=True).click()
    for k, exact in enumerate((0.23993, 0.33912, 0.42095)):
        live = float(shown.locator(f"[data-figure-of='mean-{k}']").inner_text())
        assert live == pytest.approx(exact, abs=5 * 0.12 / math.sqrt(2000))


LONG = ("an_unbroken_category_name_that_runs_on_and_on_" * 3, "W" * 60, "and one of words " * 9)


@pytest.fixture(scope="module")
def long_names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = html([2, 3, 6, 1], (0.5, 2.0), names=(*LONG, "x"))
    return written(tmp_path_factory.mktemp("long") / "long.html", text)


@pytest.mark.parametrize("width", [390, 800, 1280])
def test_long_names_make_nothing_wider(show: Open, long_names: Path, width: int) -> None:
    shown = show(long_names, width=width)
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    table = shown.locator(".live").bounding_box()
    assert table["x"] + table["width"] <= width - 19
    # A cut name can be read; the heads of the columns are not cut.
    assert shown.locator(".live tbody th").nth(0).get_attribute("title") == LONG[0]
    assert shown.evaluate(
        "Array.from(document.querySelectorAll('.live thead th, .live td'))"
        ".every(cell => cell.scrollWidth <= cell.clientWidth)"
    )


def test_corner_labels_keep_apart(show: Open, long_names: Path) -> None:
    shown = show(long_names, width=390)
    labels = shown.evaluate(
        """() => new Promise(done => {
             const said = [], write = CanvasRenderingContext2D.prototype.fillText;
             CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
               said.push({ text, y, left: x, right: x + this.measureText(text).width });
               write.call(this, text, x, y);
             };
             window.dispatchEvent(new Event('resize'));
             done(said.filter(each => each.text !== '●'));
           })"""
    )
    top, left, right = labels
    assert top["y"] < left["y"] == right["y"]
    assert left["right"] < right["left"] - 10
    assert right["right"] <= 350
    assert all("…  p = 0." in label["text"] for label in labels)


def test_what_holds_for_the_weights_given_says_so_when_they_are_moved(
    show: Open, tmp_path: Path
) -> None:
    # Of more categories than the page has, it cannot compute anew.
    text = html([30.0 - k for k in range(25)], (0.5, 2.0))
    shown = show(written(tmp_path / "many.html", text))
    marks = shown.locator("#advice .given, #m .given")
    advice, best = shown.locator("#advice"), shown.locator("#preset-best")

    def look() -> tuple[Any, ...]:
        visible = [mark.is_visible() for mark in marks.all()]
        colours = [each.evaluate("e => getComputedStyle(e).color") for each in (advice, best)]
        place = "e => e.getBoundingClientRect().top + window.scrollY"
        return visible, colours, shown.locator("#weight-0").evaluate(place)

    visible, colours, place = look()
    assert visible == [False, False]
    shown.get_by_role("button", name="smooth, 3", exact=True).click()
    assert look()[0] == [False, False]
    shown.locator("#weight-0").focus()
    shown.keyboard.press("End")
    moved = look()
    assert moved[0] == [True, True]
    assert "Computed for the original π, not your sliders" in advice.inner_text()
    assert "computed for the original π" in shown.locator("#m").inner_text()
    assert not set(moved[1]) & set(colours)
    assert moved[2] == place  # nothing jumps under the pointer
    shown.get_by_role("button", name="Reset").click()
    assert look() == (visible, colours, place)


def variable(shown: Any, name: str) -> str:
    read = "name => getComputedStyle(document.documentElement).getPropertyValue(name)"
    return str(shown.evaluate(read, name)).strip()


def levels(colour: str) -> np.ndarray[Any, Any]:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])


def hue(colour: str) -> float:
    import colorsys

    return 360 * colorsys.rgb_to_hsv(*(levels(colour) / 255))[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_points_have_their_categories_hue_and_show_on_the_paper(
    show: Open, classic: Path, scheme: str
) -> None:
    shown = show(classic, scheme=scheme)
    paper, alpha = variable(shown, "--paper"), float(variable(shown, "--point-alpha"))
    for k, colour in enumerate(theme.CATEGORY_COLOURS):
        own = variable(shown, f"--category-{k}")
        assert hue(own) == pytest.approx(hue(colour), abs=8)
        if scheme == "light":
            assert own == colour.lower()
            continue
        mixed = (alpha * levels(own) + (1 - alpha) * levels(paper)).round().astype(int)
        ground = ",".join(map(str, levels(paper)))
        assert contrast(f"rgb({','.join(map(str, mixed))})", f"rgb({ground})") > 3


def rgb(colour: str) -> str:
    return f"rgb({', '.join(map(str, levels(colour)))})"


def test_figures_have_the_schemes_colours_and_their_own_names(show: Open, tmp_path: Path) -> None:
    names = ("#0072B2", theme.INK, "x")
    path = written(tmp_path / "colours.html", html([1, 3, 6], (0.5, 2.0), names=names))
    shown = show(path, scheme="dark")
    see_every_figure(shown)
    mean = shown.locator("[data-figure='change-mean']")
    first = mean.locator(".lines path.js-line").first
    assert first.evaluate("e => getComputedStyle(e).stroke") == rgb(variable(shown, "--category-0"))
    assert mean.locator(".legendtext").all_text_contents()[:2] == list(names[:2])
    swatch = shown.locator(".key .swatch").first
    assert swatch.evaluate("e => getComputedStyle(e).backgroundColor") == rgb(
        variable(shown, "--category-0")
    )


def test_dark_pages_are_printed_for_white_paper(show: Open, classic: Path) -> None:
    shown = show(classic, scheme="dark")
    title = shown.locator("[data-figure='change-entropy'] .ytitle")
    see_every_figure(shown)

    def ink() -> str:
        return str(title.evaluate("e => getComputedStyle(e).fill"))

    assert ink() == rgb(variable(shown, "--ink"))
    shown.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert ink() == rgb(theme.INK)
    assert variable(shown, "--paper") == "#ffffff"
    shown.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert ink() == rgb(variable(shown, "--ink")) != rgb(theme.INK)


def settle(shown: Any) -> None:
    shown.wait_for_function("window.gscli.settled()", timeout=60_000)


@pytest.mark.parametrize(
    "pi", [[1, 3, 6], [1e-4, 0.01, 1], [1, 1], [1 / (k + 1) ** 2 for k in range(20)]]
)
def test_the_pages_own_facts_are_those_of_describe(
    show: Open, classic: Path, pi: list[float]
) -> None:
    shown = show(classic)
    logits = Concrete(pi, 1).logits
    temperatures = [0.001, 0.02, 0.3, 0.9999, 1.0, 3.0, 50.0, 1000.0]
    found, best = shown.evaluate(
        """([logits, temperatures]) => {
             const own = window.gscli.exact.distribution(logits);
             return [temperatures.map(own.at), [1, 32, 1024].map(m => own.advise(m, 0.5))];
           }""",
        [logits.tolist(), temperatures],
    )
    for facts, own in zip(facts_at(logits, temperatures), found, strict=True):
        np.testing.assert_allclose(own["mean"], facts.mean, rtol=1e-11)
        assert own["entropy"] == pytest.approx(facts.entropy, rel=1e-11)
        cost = facts.gradient_error
        assert own["bias"] == pytest.approx(cost.bias, rel=1e-6, abs=1e-12)
        assert own["noise"] == pytest.approx(cost.noise, rel=1e-6, abs=1e-12)
        assert own["noGradient"] == pytest.approx(cost.no_gradient, rel=1e-11)
    for own, each in zip(best, (advise(logits) or {}).values(), strict=True):
        assert own["best"] == pytest.approx(each.best, rel=1e-3)
        assert own["advised"] == pytest.approx(each.advised, rel=1e-3)
        assert own["shrunk"] == each.shrunk


def test_a_moved_pi_is_computed_anew(
    show: Open, classic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = show(classic)
    see_every_figure(shown)
    original = shown.locator("#advice").inner_text()
    shown.evaluate("location.hash = 'pi=5,1,2&t=0.7&m=10'")
    shown.wait_for_function("window.gscli.state.temperature === 0.7")
    settle(shown)
    with pytest.raises(SystemExit):
        main(["describe", "--pi", "5,1,2", "-t", "0.7", "-m", "1,10,32,1024", "--json"])
    described = json.loads(capsys.readouterr().out)
    (facts,), best = described["temperatures"], described["best_temperature"]
    said = shown.locator("#advice").inner_text()
    for m in ("1", "32", "1024"):
        assert f"{best[m]:.2g} with {int(m):,} sample" in said
    assert shown.locator("#preset-best").inner_text() == f"best for m = 32: {best['32']:.3g}"
    cost = shown.locator("#cost").inner_text()
    assert f"error {facts['gradient']['error']['10']:.3g}, relative bias" in cost
    assert f"The best t is {best['10']:.3g}, with" in cost
    lines = shown.evaluate(
        "['change-mean', 'error'].map(name =>"
        " document.querySelector(`[data-figure='${name}']`).data.map(each => [each.x, each.y]))"
    )
    means, errors = lines
    t = 0.5  # on the page's grid
    (exact,) = facts_at(Concrete([5, 1, 2], 1).logits, [t])
    own = [dict(zip(*means[3 * k], strict=True))[t] for k in range(3)]
    np.testing.assert_allclose(own, exact.mean, rtol=1e-9)
    for i, size in enumerate((1, 32, 1024)):
        error = exact.gradient_error.error(size)
        assert dict(zip(*errors[i], strict=True))[t] == pytest.approx(error, rel=1e-6)
    assert "of the original" in shown.locator("#changes .given").inner_text()
    shown.get_by_role("button", name="Reset").click()
    settle(shown)
    assert shown.locator("#advice").inner_text() == original
    assert "pi=" not in shown.url


def test_one_temperature_on_every_figure(show: Open, classic: Path) -> None:
    shown = show(classic)
    see_every_figure(shown)
    shown.evaluate("location.hash = 't=0.4'")
    shown.wait_for_function("window.gscli.state.temperature === 0.4")
    settle(shown)  # until the sliders rest, only the figures in view follow
    places = shown.evaluate(
        """() => Array.from(document.querySelectorAll('[data-linked]'), figure => {
             const cursor = figure.parentElement.querySelector('.cursor');
             const { xaxis } = figure._fullLayout;
             const left = cursor.getBoundingClientRect().left + 1;
             const inside = left - figure.getBoundingClientRect().left - xaxis._offset;
             return cursor.hidden ? null : xaxis.p2d(inside);
           })"""
    )
    assert len(places) == 10
    np.testing.assert_allclose(places, 0.4, rtol=0.02)
    assert shown.locator(".current .panel-title").inner_text() == "t = 0.5 · boundary"
    shown.locator(".panel-title").nth(3).click()
    assert shown.evaluate("window.gscli.state.temperature") == 3
    assert shown.locator(".current .panel-title").inner_text() == "t = 3 · interior"
    figure = shown.locator("[data-figure='change-entropy']")
    figure.scroll_into_view_if_needed()
    box = figure.bounding_box()
    x, y = box["x"] + 200, box["y"] + 100
    shown.mouse.move(x, y)
    shown.mouse.down()
    first = shown.evaluate("window.gscli.state.temperature")
    assert first != 3
    shown.mouse.move(x - 60, y)
    second = shown.evaluate("window.gscli.state.temperature")
    assert second < first / 1.3
    shown.mouse.up()
    shown.mouse.move(x + 60, y)
    assert shown.evaluate("window.gscli.state.temperature") == second


def test_the_batch_size_moves_the_best_temperature(show: Open, classic: Path) -> None:
    shown = show(classic)
    see_every_figure(shown)
    found = []
    for key in ("Home", "End"):
        shown.locator("#batch").press(key)
        settle(shown)
        text = shown.locator("#cost").inner_text()
        found.append(float(text.split("best t is ")[1].split(",")[0]))
        marks = "document.querySelector(`[data-figure='error']`).data.at(-1).x[0]"
        shown.wait_for_function(f"Math.abs({marks} / {found[-1]} - 1) < 0.01")
    assert shown.locator("#batch-value").inner_text() == "100,000"
    logits = np.log([1, 3, 6])
    best = [gradients.best_temperature(logits, m) for m in (1, 100_000)]
    assert found == [pytest.approx(t, rel=0.006) for t in best]


def test_the_state_is_a_link(show: Open, classic: Path) -> None:
    shown = show(classic)
    shown.evaluate("location.hash = 'explore'")
    shown.locator("#temperature").press("Home")
    shown.locator("#weight-1").press("ArrowRight")
    shown.locator("[value='straight-through']").check()
    settle(shown)
    shown.wait_for_function("location.hash.includes('samples')")
    state = "(s => [s.temperature, Array.from(s.logits), s.mode])(window.gscli.state)"
    expected = shown.evaluate(state)
    assert "t=0.02" in shown.url
    again = show(classic)
    again.goto(shown.url)
    again.reload()
    found = again.evaluate(state)
    assert found[0] == expected[0]
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-11)
    assert found[2] == "straight-through"
    again.get_by_role("button", name="Copy link").click()
    again.wait_for_function("document.getElementById('copy-link').textContent === 'Copied'")


def test_a_link_of_nonsense_is_the_untouched_page(show: Open, classic: Path) -> None:
    shown = show(classic)
    before = shown.evaluate("JSON.stringify(window.gscli.state)")
    bad = "t=-1&m=x&pi=1,0,<b>&samples=constructor&corners=0,0,99"
    shown.evaluate(f"location.hash = '{bad}'")
    shown.wait_for_timeout(300)
    assert shown.evaluate("JSON.stringify(window.gscli.state)") == before


def test_samples_are_relaxed_straight_through_or_hard(show: Open, classic: Path) -> None:
    shown = show(classic)

    def means() -> list[str]:
        return [shown.locator(f"[data-figure-of='mean-{k}']").inner_text() for k in range(3)]

    frequencies = [f"{rounding(shown, k):.3f}" for k in range(3)]
    pictures, notes = set(), set()
    for mode in ("relaxed", "straight-through", "hard"):
        shown.locator(f"[name='mode'][value='{mode}']").check()
        shown.wait_for_timeout(100)
        assert (means() == frequencies) == (mode != "relaxed")
        pictures.add(shown.locator("#simplex").evaluate("c => c.toDataURL()"))
        notes.add(shown.locator("#mode-note").inner_text())
    assert len(pictures) == len(notes) == 3
    # Temperature has no effect on hard samples.
    before = shown.locator("#simplex").evaluate("c => c.toDataURL()")
    shown.locator("#temperature").press("Home")
    shown.wait_for_timeout(100)
    assert shown.locator("#simplex").evaluate("c => c.toDataURL()") == before


def test_the_code_runs_and_the_command_draws_the_points(
    show: Open, classic: Path, invoke: Callable[..., Any]
) -> None:
    shown = show(classic)

    def code(library: str, mode: str) -> str:
        shown.locator(f"[value='{library}']").check()
        shown.locator(f"[value='{mode}']").check()
        return str(shown.locator("#code").inner_text())

    shown.evaluate("location.hash = 'pi=2,3,5&t=0.5&m=4000'")
    shown.wait_for_function("window.gscli.state.temperature === 0.5")
    for library in ("jax", "tfp"):
        for mode in ("relaxed", "straight-through", "hard"):
            compile(code(library, mode), library, "exec")
    drawn = points(shown)
    words = shlex.split(code("gscli", "relaxed"))
    assert words[0] == "gscli"
    result = invoke(*words[1:])
    assert result.exit_code == 0, result.output
    np.testing.assert_allclose(
        np.loadtxt("samples.csv", delimiter=",", skiprows=1)[: len(drawn)], drawn, atol=1e-5
    )
    assert "--hard" in code("gscli", "hard")
    torch = pytest.importorskip("torch")
    for mode in ("relaxed", "straight-through", "hard"):
        torch.manual_seed(1)
        scope: dict[str, Any] = {}
        exec(code("torch", mode), scope)
        y = scope["y"].numpy()
        assert y.shape == (4000, 3)
        assert set(np.unique(y)) == {0, 1} if mode != "relaxed" else len(np.unique(y)) > 1000
        frequencies = np.bincount(y.argmax(axis=1), minlength=3) / 4000
        np.testing.assert_allclose(frequencies, [0.2, 0.3, 0.5], atol=0.04)


def test_a_figure_can_be_taken_away(show: Open, classic: Path, invoke: Callable[..., Any]) -> None:
    shown = show(classic, accept_downloads=True)
    see_every_figure(shown)
    names = shown.eval_on_selector_all(
        "[data-figure]",
        "all => all.map(e => [e.dataset.figure, e.parentElement.dataset.temperature ?? null])",
    )
    for name, temperature in names:
        found = shown.evaluate("pair => window.gscli.sources(...pair)", [name, temperature])
        exec(found["python"], {})
        if name in ("panel-0", "change-mean", "training-0"):
            words = shlex.split(found["command"])
            result = invoke(*words[1:])
            assert result.exit_code == 0, result.output
    with shown.expect_download() as waiting:
        shown.get_by_role("button", name="Save as PNG: Entropy").click()
    assert Path(waiting.value.path()).read_bytes().startswith(b"\x89PNG")


def test_without_a_script_the_still_figures_stand(browser: Any, classic: Path) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    shown = context.new_page()
    shown.goto(classic.as_uri())
    assert "JavaScript is off" in shown.locator("header").inner_text()
    figures = shown.locator("figure")
    assert figures.count() > 10
    for figure in figures.all():
        box = figure.locator(".still").bounding_box()
        assert box["width"] > 150
        assert box["height"] > 90
    assert not shown.locator("#explore").is_visible()
    assert not shown.locator(".plot").first.is_visible()
    assert "x3" in shown.locator("figure:has(> figcaption > strong) .key").first.inner_text()
    context.close()


def test_a_fragment_draws_in_a_page_of_ones_own(show: Open, tmp_path: Path) -> None:
    sweep = small_sweep([1, 3, 6])
    origin = Origin(("a", "b", "c"), "gscli sweep")
    figures = "".join(fragment_of(sweep, origin, name) for name in ("mean", "temperatures"))
    text = f"<!doctype html><title>Blog</title><h1>Mine</h1>{figures}"
    shown = show(written(tmp_path / "blog.html", text), width=500)
    shown.wait_for_function("document.querySelectorAll('.main-svg').length >= 2")
    assert shown.locator("#gscli-mean").bounding_box()["width"] <= 500
    assert shown.locator("h1").inner_text() == "Mine"


def test_a_linked_plotly_that_does_not_come_leaves_the_explorer(
    browser: Any, tmp_path: Path
) -> None:
    text = page(small_sweep([1, 3, 6]), Origin(("a", "b", "c"), "gscli sweep"), plotlyjs="cdn")
    context = browser.new_context(offline=True)
    shown = context.new_page()
    faults: list[str] = []
    shown.on("pageerror", lambda error: faults.append(str(error)))
    shown.goto(written(tmp_path / "linked.html", text).as_uri())
    shown.locator("#temperature").press("Home")
    shown.wait_for_timeout(500)
    assert shown.locator("#temperature-value").inner_text() == "0.02"
    content = "e => getComputedStyle(e, '::before').content"
    assert "plotly.js could not be loaded" in shown.locator(".plot").first.evaluate(content)
    assert faults == []
    context.close()


def test_on_a_phone_the_picture_stays_beside_what_moves_it(show: Open, classic: Path) -> None:
    shown = show(classic, width=390)
    for slider in ("#temperature", "#weight-0", "#weight-2"):
        shown.locator(slider).evaluate("e => e.scrollIntoView({ block: 'end' })")
        shown.wait_for_timeout(50)
        box = shown.locator("#simplex").bounding_box()
        own = shown.locator(slider).bounding_box()
        assert box["y"] >= -1
        assert box["y"] + box["height"] <= own["y"] + 1
        assert own["y"] + own["height"] <= 901
    shown.locator(slider).press("ArrowRight")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "state", ["", "show=density,gradient,sample,anneal&schedule=own,1,0.5,1e-4"]
)
def test_axe_finds_nothing(show: Open, classic: Path, scheme: str, state: str) -> None:
    script = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    shown = show(classic, scheme=scheme)
    shown.evaluate(f"location.hash = '{state}'")
    see_every_figure(shown)
    shown.evaluate(script)
    found = shown.evaluate("axe.run()")
    assert len(found["passes"]) > 20
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []


def test_a_frame_of_the_explorer_costs_little(show: Open, classic: Path) -> None:
    shown = show(classic)
    see_every_figure(shown)
    shown.locator("#simplex").scroll_into_view_if_needed()
    devtools = shown.context.new_cdp_session(shown)
    # Processor time of the main thread: what else the machine does is not counted.
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> float:
        metrics = devtools.send("Performance.getMetrics")["metrics"]
        return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))

    before = spent()
    shown.evaluate(
        """async () => {
             const slider = document.getElementById("temperature");
             for (let i = 0; i < 100; i++) {
               await new Promise(requestAnimationFrame);
               slider.value = 0.5 + 0.45 * Math.sin(i / 25);
               slider.dispatchEvent(new Event("input"));
             }
           }"""
    )
    assert (spent() - before) / 100 < 0.017
