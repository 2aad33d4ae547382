"""Choose the temperature of a K-way router: the one whose averaged gradient has the least error.

A router sends each token to one of K experts. Relaxed, its gradient is biased at a high
temperature and noisy at a low one; averaged over m tokens its squared error is bias² + noise / m,
and both are known exactly. Run ``python examples/temperature_for_a_router.py [FOLDER]``; it writes
``router.html``.
"""

import sys
from pathlib import Path

import numpy as np
import plotly.graph_objects as go

from gscli import Concrete, best_temperature

EXPERTS = (4, 16, 64)
TOKENS = (1, 32, 1024)
TEMPERATURES = np.geomspace(0.05, 20, 25)


def main(folder: Path) -> None:
    """Print the best temperatures and draw the error they are the minima of."""
    print("experts  tokens averaged  best t  relative bias  error there")
    figure = go.Figure()
    for experts in EXPERTS:
        logits = np.random.default_rng(0).normal(size=experts)
        grid = [Concrete(logits=logits, temperature=t).gradient_error() for t in TEMPERATURES]
        for tokens in TOKENS:
            best = best_temperature(logits=logits, batch_size=tokens)
            found = Concrete(logits=logits, temperature=best).gradient_error()
            error = found.error(tokens)
            cost = f"{found.relative_bias:>14.1%} {error:>12.3g}"
            print(f"{experts:>7} {tokens:>16,} {best:>7.3g} {cost}")
            errors = [each.error(tokens) for each in grid]
            figure.add_scatter(x=TEMPERATURES, y=errors, name=f"{experts} experts, m = {tokens:,}")
    figure.update_xaxes(type="log", title="temperature")
    figure.update_yaxes(type="log", title="squared error of the gradient")
    figure.write_html(folder / "router.html")
    print("wrote router.html")


if __name__ == "__main__":
    main(Path(*sys.argv[1:2]))
