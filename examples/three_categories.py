"""The classic example in Python: pi = 1,3,6 at t = 3, where the mean is not p.

Run ``python examples/three_categories.py [FOLDER]``; it writes ``three_categories.html``.
"""

import sys
from pathlib import Path

import numpy as np

from gscli import Concrete
from gscli.plotting.ternary import ternary

SAMPLES = 10_000


def main(folder: Path) -> None:
    """Draw samples, compare their mean with the exact one and with p, and draw the triangle."""
    distribution = Concrete([1, 3, 6], temperature=3)
    samples = distribution.sample(SAMPLES, seed=0)
    rounded = np.bincount(samples.argmax(axis=1), minlength=3) / SAMPLES

    print("category      p  rounds to it  exact mean  sample mean")
    columns = (distribution.probs, rounded, distribution.mean(), samples.mean(axis=0))
    for k, (p, share, exact, mean) in enumerate(zip(*columns, strict=True), start=1):
        print(f"x{k:<7} {p:>6.4f} {share:>13.4f} {exact:>11.5f} {mean:>12.5f}")
    print(f"entropy {distribution.entropy():.5f} nats, regime {distribution.regime}")

    figure = ternary(samples, probs=distribution.probs.tolist())
    path = folder / "three_categories.html"
    figure.write_html(path)
    print(f"wrote {path.name}")


if __name__ == "__main__":
    main(Path(*sys.argv[1:2]))
