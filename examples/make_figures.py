"""Make the pictures of this folder's `figures/`, the same ones every time.

Run `python examples/make_figures.py [FOLDER]`. It needs a Chrome or Chromium.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from gscli.plotting.browser import find_browser

PETS = "cat=1,dog=3,bird=6"

FIGURES = {
    "temperatures.png": f"plot --seed 1 --pi {PETS} -t 0.2,0.5,1,3 -n 500",
    "density.png": f"plot --seed 1 --pi {PETS} -t 3 --scale 1",
    "million.png": f"plot --seed 1 --pi {PETS} -t 1 -n 1e6 --scale 1",
    "estimators.png": "gradient --loss quadratic:0.2,0.5,0.3 -t 0.1:5:18 -m 1,32 --scale 1",
    "schedule.png": "schedule dalle --pi uniform:8192 -m 1,64 --scale 1",
}


def main(folder: Path) -> None:
    """Draw each figure, and take a picture of the report, with the command line."""
    folder.mkdir(exist_ok=True)
    photograph(folder / "sweep.png")
    for name, options in FIGURES.items():
        command = [sys.executable, "-m", "gscli", *options.split(), "-o", str(folder / name)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def photograph(picture: Path) -> None:
    """Open a report in a browser without a window, and save what is seen first."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "sweep.html"
        command = [sys.executable, "-m", "gscli", "sweep", "--pi", PETS, "--seed", "1"]
        subprocess.run([*command, "-o", str(page)], check=True)  # noqa: S603
        browser = [str(find_browser().path), "--headless", "--no-sandbox", "--hide-scrollbars"]
        view = [f"--screenshot={picture}", "--window-size=1120,1440", page.as_uri()]
        subprocess.run(  # noqa: S603
            [*browser, f"--user-data-dir={folder}/profile", "--virtual-time-budget=3000", *view],
            check=True,
            stderr=subprocess.DEVNULL,
        )


if __name__ == "__main__":
    main(Path(*sys.argv[1:2]) if sys.argv[1:] else Path(__file__).parent / "figures")
