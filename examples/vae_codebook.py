"""A codebook as in DALL-E's discrete VAE: K = 8192 codes, with exact figures and their cost.

Run ``python examples/vae_codebook.py [FOLDER]``; it writes ``codebook.html``.
"""

import sys
import time
from pathlib import Path

import numpy as np
import plotly.graph_objects as go

from gscli import Concrete
from gscli.arrays import FloatArray

CODES = 8192
TEMPERATURES = (1.0, 1 / 16)
"""Where DALL-E's annealing begins and where it ends."""


def main(folder: Path) -> None:
    """Sample the codes, compute mean and entropy exactly, and draw mean against probability."""
    logits = 2 * np.random.default_rng(0).normal(size=CODES)
    figure = go.Figure()
    for temperature in TEMPERATURES:
        distribution = Concrete(logits=logits, temperature=temperature)
        probs, ratio = study(distribution)
        figure.add_scattergl(x=probs, y=ratio, mode="lines", name=f"t = {temperature:g}")
    figure.update_xaxes(type="log", title="probability of a code")
    figure.update_yaxes(type="log", title="exact mean of its share / probability")
    figure.write_html(folder / "codebook.html")
    print("wrote codebook.html")


def study(distribution: Concrete) -> tuple[FloatArray, FloatArray]:
    """Print what is known of a distribution; return p and mean / p, the likeliest code first."""
    begin = time.perf_counter()
    samples = distribution.sample(1000, seed=0)
    sampled = time.perf_counter()
    mean = distribution.mean()
    averaged = time.perf_counter()
    entropy = distribution.entropy()
    end = time.perf_counter()

    order = np.argsort(distribution.probs)[::-1]
    probs = distribution.probs[order]
    ratio: FloatArray = mean[order] / probs
    print(f"K = {CODES:,}, t = {distribution.temperature:g}")
    print(f"  1,000 samples {sampled - begin:>5.2f} s; mean of max X {samples.max(1).mean():.4f}")
    print(f"  exact mean    {averaged - sampled:>5.2f} s; sums to {mean.sum():.12f}")
    print(f"  exact entropy {end - averaged:>5.2f} s; {entropy:,.2f} nats")
    print(f"  mean / p      {ratio[0]:.4g} for the likeliest code, {ratio[-1]:.4g} for the rarest")
    return probs, ratio


if __name__ == "__main__":
    main(Path(*sys.argv[1:2]))
