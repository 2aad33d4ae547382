"""How evenly a page redraws while its figure, or a slider, is dragged, in a real browser."""

import argparse
import json
from importlib import import_module
from pathlib import Path

import numpy as np

from gscli.plotting.browser import find_browser

STEPS = 90
FRAMES = """() => {
  window.frames_at = [];
  const note = (time) => { window.frames_at.push(time); requestAnimationFrame(note); };
  requestAnimationFrame(note);
}"""


def frame_times(page: Path, slider: str | None = None) -> list[float]:
    """Drag the figure or a slider with the mouse, and return milliseconds between the frames."""
    with import_module("playwright.sync_api").sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(find_browser().path), args=["--no-sandbox"]
        )
        tab = browser.new_page(viewport={"width": 900, "height": 760})
        tab.goto(page.resolve().as_uri())
        if slider:
            dragged, up = tab.wait_for_selector(slider), 0.5
            dragged.scroll_into_view_if_needed()
            tab.wait_for_timeout(5000)  # until all figures are drawn
        else:
            dragged, up = tab.wait_for_selector(".plotly-graph-div:has(.ternarylayer path)"), 0.55
            tab.evaluate("plot => Plotly.relayout(plot, {dragmode: 'pan'})", dragged)
            tab.wait_for_timeout(1000)
        tab.evaluate(FRAMES)
        box = dragged.bounding_box()
        x, y = box["x"] + box["width"] * 0.45, box["y"] + box["height"] * up
        tab.mouse.move(x, y)
        tab.mouse.down()
        for step in range(STEPS):
            tab.mouse.move(x + step / 2, y - step / 3)
            tab.wait_for_timeout(8)
        times = tab.evaluate("window.frames_at")
        browser.close()
    return [float(gap) for gap in np.diff(times)]


def main() -> None:
    """Print the median and the 95th percentile, in milliseconds, as a JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("page", type=Path)
    parser.add_argument("--slider", metavar="SELECTOR")
    gaps = frame_times(**vars(parser.parse_args()))
    median, slow = np.quantile(gaps, [0.5, 0.95])
    print(json.dumps({"median": median, "slow": slow}))


if __name__ == "__main__":
    main()
