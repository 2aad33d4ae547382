"""Make the pictures of this folder's `figures/`, the same ones every time.

Run it from anywhere: `python examples/make_figures.py`. It needs a Chrome or Chromium.
"""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "figures"

FIGURES = {
    "temperatures.png": "--pi cat=1,dog=3,bird=6 -t 0.2,0.5,1,3 -n 2500 --scale 1",
    "density.png": "--pi cat=1,dog=3,bird=6 -t 3 --scale 1",
    "million.png": "--pi cat=1,dog=3,bird=6 -t 1 -n 1e6 --scale 1",
}


def main() -> None:
    """Draw each figure with the command line."""
    FOLDER.mkdir(exist_ok=True)
    for name, options in FIGURES.items():
        command = [sys.executable, "-m", "gscli", "plot", "--seed", "1", *options.split()]
        subprocess.run([*command, "-o", str(FOLDER / name)], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
