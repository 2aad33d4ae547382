"""What the explorer shows besides points: density, gradients, one sample, annealing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gscli.distribution.concrete import Concrete
from gscli.distribution.noise import log_exponential, stream
from gscli.distribution.schedules import PRESETS, parse_schedule

from .conftest import Open, html

pytestmark = pytest.mark.slow

LEVEL = """([x, y]) => {
  const c = document.getElementById("simplex");
  const copy = document.createElement("canvas");
  copy.width = 41;
  const pen = copy.getContext("2d");
  pen.drawImage(c, 20 - x, -y);
  const { data } = pen.getImageData(0, 0, 41, 1);
  return Array.from({ length: 41 }, (_, i) => data[4 * i + 3]);
}"""


def set_state(shown: Any, state: str) -> None:
    shown.evaluate(f"location.hash = '{state}'")
    shown.wait_for_timeout(300)


@pytest.mark.parametrize("pi", [[1, 3, 6], [1 / (k + 1) for k in range(20)]])
def test_the_page_draws_the_noise_of_the_stream(
    show: Open, tmp_path: Path, pi: list[float]
) -> None:
    (tmp_path / "page.html").write_text(html(pi, (0.5,), n=300, seed=2**70), encoding="utf-8")
    shown = show(tmp_path / "page.html")
    found = np.array(shown.evaluate("Array.from(window.gscli.noise)")).reshape(2000, len(pi))
    expected = next(iter(stream(log_exponential, len(pi), 2000, seed=2**70)))
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


def test_the_shade_is_the_exact_density(show: Open, classic: Path) -> None:
    shown = show(classic)
    x = Concrete([1, 3, 6], 1).sample(50, seed=4)
    for t in (0.1, 1.0, 3.0, 50.0):
        found = shown.evaluate(
            """([logits, t, points]) => points.map((x) =>
                 window.gscli.picture.relativeLogDensity(logits, t, ...x.map(Math.log)))""",
            [np.log([1, 3, 6]).tolist(), t, x.tolist()],
        )
        # The uniform density is 2.
        expected = Concrete([1, 3, 6], t).log_prob(x) - np.log(2)
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_the_corners_are_seen_to_spike_and_the_middle_to_rise(show: Open, classic: Path) -> None:
    shown = show(classic)

    box = shown.locator("#simplex").bounding_box()
    side = min(box["width"] - 60, 640, max(240, 0.62 * 900))

    def levels() -> tuple[int, int]:
        """Return the shades at the top corner and, between its points, in the middle."""
        corner = shown.evaluate(LEVEL, [box["width"] / 2, 44 + 12])[20]
        return corner, min(shown.evaluate(LEVEL, [box["width"] / 2, 44 + 0.577 * side]))

    set_state(shown, "t=4")
    hot = levels()
    set_state(shown, "t=0.1")
    cold = levels()
    assert cold[0] > cold[1] + 20
    assert hot[1] > hot[0] + 20
    shown.locator("#layer-density").uncheck()
    shown.wait_for_timeout(100)
    assert levels()[1] == 0
    assert not shown.locator("#panel-of-density").is_visible()


@pytest.mark.parametrize(("t", "target"), [(0.5, 2), (2.0, 0)])
def test_gradients_are_those_of_the_samples(
    show: Open, classic: Path, t: float, target: int
) -> None:
    shown = show(classic)
    set_state(shown, f"t={t}&show=gradient&target={target}&m=10")
    corners = [{"x": 0.5, "y": 0}, {"x": 0, "y": np.sqrt(3) / 2}, {"x": 1, "y": np.sqrt(3) / 2}]
    found = shown.evaluate(
        """(corners) => {
             const found = window.gscli.picture.gradients(window.gscli.scene(), corners);
             return { ...found, tips: Array.from(found.tips) };
           }""",
        corners,
    )
    d = Concrete([1, 3, 6], t)
    x = d.sample(2000, seed=1)
    one_hot = np.eye(3)[target]
    place = np.array([[corner["x"], corner["y"]] for corner in corners])
    own = x[:, [target]] * (one_hot - x) / t
    tips = np.array(found["tips"]).reshape(2000, 2)
    np.testing.assert_allclose(tips, own @ place, atol=1e-9)
    truth = d.probs[target] * (one_hot - d.probs)
    np.testing.assert_allclose([found["truth"]["x"], found["truth"]["y"]], truth @ place)
    norm = np.linalg.norm(truth)
    bias = np.linalg.norm(own.mean(axis=0) - truth) / norm
    noise = np.sqrt(((own - own.mean(axis=0)) ** 2).sum(axis=1).mean()) / norm
    assert found["bias"] == pytest.approx(bias)
    assert found["noise"] == pytest.approx(noise)
    said = shown.locator("#gradient-note").inner_text()
    assert f"bias {100 * bias:.2g} %" in said
    assert f"{100 * noise / np.sqrt(10):.2g} % for the mean of m = 10" in said
    # Hard samples have none.
    shown.locator("[value='hard']").check()
    assert not shown.locator("#panel-of-gradient").is_visible()


def test_a_point_can_be_followed(show: Open, classic: Path) -> None:
    shown = show(classic)
    assert not shown.locator("#panel-of-sample").is_visible()
    box = shown.locator("#simplex").bounding_box()
    shown.locator("#simplex").click(position={"x": box["width"] / 2, "y": 300})
    assert shown.locator("#panel-of-sample").is_visible()
    row = shown.evaluate("window.gscli.state.row")
    x = np.array(shown.evaluate("window.gscli.points()"))
    side = min(box["width"] - 60, 640, max(240, 0.62 * 900))
    high = side * np.sqrt(3) / 2
    middle = box["width"] / 2
    corners = np.array(
        [[middle, 44], [middle - side / 2, 44 + high], [middle + side / 2, 44 + high]]
    )
    distances = np.hypot(*(x @ corners - [middle, 300]).T)
    assert distances.argmin() == row
    shown.wait_for_timeout(100)
    before = shown.locator("#sample-bars").evaluate("c => c.toDataURL()")
    shown.locator("#another").click()
    assert shown.evaluate("window.gscli.state.row") == row + 1
    shown.wait_for_timeout(100)
    assert shown.locator("#sample-bars").evaluate("c => c.toDataURL()") != before


def test_schedules_are_those_of_the_library(show: Open, classic: Path) -> None:
    shown = show(classic)
    presets = shown.evaluate("window.gscli.presets")
    assert set(presets) == set(PRESETS)
    own = "exp:2:0.1:0.0003"
    for schedule in [*PRESETS.values(), parse_schedule(own)]:
        steps = [*range(0, 3001, 500), *np.linspace(0, schedule.run, 40).astype(int).tolist()]
        found, run = shown.evaluate(
            """([name, own, steps]) => {
                 const schedule = window.gscli.presets[name] ?? window.gscli.schedules.own(...own);
                 const at = (step) => window.gscli.schedules.temperature(schedule, step);
                 return [steps.map(at), schedule.run];
               }""",
            [schedule.name, [2, 0.1, 3e-4], steps],
        )
        np.testing.assert_allclose(found, schedule.temperature(steps), rtol=1e-9)
        assert run == schedule.run


def test_annealing_moves_the_temperature_and_adds_up_the_error(
    show: Open, classic: Path, invoke: Callable[..., Any]
) -> None:
    shown = show(classic)
    set_state(shown, "show=anneal&schedule=wav2vec2&step=0.5&m=32")
    assert shown.evaluate("window.gscli.state.temperature") == pytest.approx(0.7358, abs=1e-4)
    slider = shown.locator("#step")
    slider.press("End")
    assert shown.locator("#temperature-value").inner_text() == "0.5"
    shown.wait_for_timeout(300)
    schedule = PRESETS["wav2vec2"]
    steps = np.linspace(0, schedule.run, 241)
    exact = [Concrete([1, 3, 6], t).gradient_error().error(32) for t in schedule.temperature(steps)]
    said = shown.locator("#schedule-note").inner_text()
    assert "Step 400,000: t = 0.5." in said
    assert f"{exact[-1]:.2g}"[:5] in said
    mean = float(said.split("(thin), ")[1].split(" in the mean")[0])
    assert mean == pytest.approx(np.mean(exact), rel=0.02)
    command = shown.locator("#schedule-command").inner_text()
    assert invoke(*command.split()[1:]).exit_code == 0
    shown.locator("#schedule").select_option("own")
    shown.locator("#schedule-floor").fill("0.25")
    shown.locator("#schedule-floor").press("Tab")
    shown.wait_for_timeout(300)
    assert "gscli schedule exp:1:0.25:0.00003" in shown.locator("#schedule-command").inner_text()
    # What makes no sense is not taken.
    shown.locator("#schedule-floor").fill("7")
    shown.locator("#schedule-floor").press("Tab")
    assert shown.evaluate("window.gscli.state.own") == [1, 0.25, 3e-5]
    shown.locator("#run").click()
    shown.wait_for_function("window.gscli.state.step > 0.01")
    shown.locator("#run").click()
    assert shown.locator("#run").inner_text() == "Run"


def test_what_is_shown_is_in_the_link(show: Open, classic: Path) -> None:
    shown = show(classic)
    shown.locator("#layer-gradient").check()
    shown.locator("#layer-sample").check()
    shown.locator("#another").click()
    shown.locator("#target").select_option("1")
    shown.locator("#layer-anneal").check()
    shown.locator("#schedule").select_option("dalle")
    shown.locator("#step").press("ArrowRight")
    shown.wait_for_timeout(400)
    state = "(({ logits, ...rest }) => rest)(window.gscli.state)"
    expected = shown.evaluate(state)
    assert expected["schedule"] == "dalle"
    again = show(classic)
    again.goto(shown.url)
    again.reload()
    assert again.evaluate(state) == {
        **expected,
        "step": pytest.approx(expected["step"], rel=1e-3),
        "temperature": pytest.approx(expected["temperature"], rel=1e-3),
    }
    again.get_by_role("button", name="Reset").click()
    again.wait_for_timeout(400)
    assert "show" not in again.url


def test_two_categories_have_their_density_and_ticks(show: Open, tmp_path: Path) -> None:
    (tmp_path / "two.html").write_text(html([1, 3], (0.5, 2.0)), encoding="utf-8")
    shown = show(tmp_path / "two.html")
    pictures = set()
    for state in ("t=0.5", "t=0.5&show=none", "t=3", "t=0.5&show=gradient"):
        set_state(shown, state)
        pictures.add(shown.locator("#simplex").evaluate("c => c.toDataURL()"))
    assert len(pictures) == 4


def test_a_category_with_all_of_the_probability(show: Open, tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text(html([1, 1e-300, 1e-200], (0.5,)), encoding="utf-8")
    shown = show(tmp_path / "one.html")
    set_state(shown, "t=0.5&show=density,gradient,sample,anneal&target=0")
    assert "The true gradient is 0" in shown.locator("#gradient-note").inner_text()
    assert "NaN" not in shown.locator("main").inner_text()


def test_the_picture_can_be_saved(show: Open, classic: Path) -> None:
    shown = show(classic, accept_downloads=True)
    with shown.expect_download() as waiting:
        shown.locator("#save-picture").click()
    assert waiting.value.suggested_filename == "simplex.png"
    assert Path(waiting.value.path()).read_bytes().startswith(b"\x89PNG")
