"""See an annealing schedule: what each training step's temperature costs the gradient.

Jang, Gu and Poole (2017) anneal t = max(0.5, exp(-r·step)). Along it the bias of the relaxed
gradient falls, its noise rises, and samples move towards the vertices, all known exactly. Run
``python examples/annealing_schedule.py [FOLDER]``; it writes ``annealing.html``.
"""

import sys
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gscli import Concrete

RATE = 1e-5
LOWEST = 0.5
STEPS = np.linspace(0, 100_000, 21)
PI = (1, 3, 6)


def main(folder: Path) -> None:
    """Print the schedule's cost step by step, and draw it."""
    temperatures = np.maximum(LOWEST, np.exp(-RATE * STEPS))
    distributions = [Concrete(PI, t) for t in temperatures]
    errors = [d.gradient_error() for d in distributions]
    curves = {
        "temperature": temperatures.tolist(),
        "relative bias": [error.relative_bias for error in errors],
        "noise": [error.noise for error in errors],
        "entropy (nats)": [d.entropy() for d in distributions],
    }
    print(f"{'step':>8}" + "".join(f"{name:>16}" for name in curves))
    for index in range(0, len(STEPS), 4):
        figures = "".join(f"{values[index]:>16.4f}" for values in curves.values())
        print(f"{STEPS[index]:>8,.0f}{figures}")

    figure = make_subplots(rows=2, cols=2, subplot_titles=list(curves))
    for index, values in enumerate(curves.values()):
        curve = go.Scatter(x=STEPS, y=values, showlegend=False)
        figure.add_trace(curve, row=1 + index // 2, col=1 + index % 2)
    figure.update_xaxes(title="training step", row=2)
    figure.write_html(folder / "annealing.html")
    print("wrote annealing.html")


if __name__ == "__main__":
    main(Path(*sys.argv[1:2]))
