"""The stream beside other ways to draw the same samples, in nanoseconds a value.

Run as a process of its own, so that what it imports weighs on nothing else. Prints a JSON object:
for each K, the name of each contestant and its figures in turns.
"""

import argparse
import importlib
import json
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from gscli.distribution.concrete import Concrete
from gscli.distribution.noise import stream
from gscli.execution.threads import usable_threads

from .measure import in_turns

CATEGORIES = (2, 3, 10, 100, 8192)
CHUNK_VALUES = 2**16
"""Values that the others draw at a time: at no K is torch faster with 2**20."""
LOOP_VALUES, LEAST_LOOP_ROWS = 30_000, 100
"""The loop copies all of its rows for each row, so more of them would slow it further."""

TEMPERATURE = 3.0
Draw = Callable[[], object]


def draw_ours(pi: Any, n: int) -> None:
    """Draw with this package's stream."""
    distribution = Concrete(pi, TEMPERATURE)
    for _ in stream(distribution.from_noise, len(pi), n, seed=1):
        pass


def draw_in_chunks(draw: Callable[[int], object], num_categories: int, n: int) -> None:
    """Draw rows in chunks that stay in cache, and drop them."""
    step = max(1, CHUNK_VALUES // num_categories)
    for start in range(0, n, step):
        draw(min(step, n - start))


def torch_draw(pi: Any) -> Callable[[int], Any]:
    """Return the sampler of PyTorch, with as many threads as the stream has."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(usable_threads())
    distribution = torch.distributions.RelaxedOneHotCategorical(
        torch.tensor(TEMPERATURE, dtype=torch.float64), probs=torch.tensor(pi)
    )
    return lambda rows: distribution.rsample((rows,))


def jax_draw(pi: Any) -> Callable[[int], Any]:
    """Return a compiled sampler of JAX, which takes its threads as it likes."""
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    logits = jax.numpy.log(jax.numpy.asarray(pi))
    keys = iter(jax.random.split(jax.random.key(1), 4096))

    @partial(jax.jit, static_argnums=1)
    def draw(key: Any, rows: int) -> Any:
        gumbel = jax.random.gumbel(key, (rows, len(pi)), dtype="float64")
        return jax.nn.softmax((logits + gumbel) / TEMPERATURE)

    return lambda rows: draw(next(keys), rows).block_until_ready()


def numpy_draw(pi: Any) -> Callable[[int], Any]:
    """Return the one-line formula, vectorised."""
    rng = np.random.default_rng(1)

    def draw(rows: int) -> Any:
        weights = np.exp((np.log(pi) + rng.gumbel(size=(rows, len(pi)))) / TEMPERATURE)
        return weights / weights.sum(axis=1, keepdims=True)

    return draw


def loop_draw(pi: Any) -> Callable[[int], Any]:
    """Return the loop over samples that adds one row at a time with `vstack`."""
    rng = np.random.default_rng(1)

    def draw(rows: int) -> Any:
        samples = np.empty((0, len(pi)))
        for _ in range(rows):
            gumbel = -np.log(-np.log(rng.uniform(size=len(pi))))
            weights = np.exp((np.log(pi) + gumbel) / TEMPERATURE)
            samples = np.vstack([samples, weights / weights.sum()])
        return samples

    return draw


def nanoseconds(draw: Draw, values: int) -> float:
    """Return how long drawing took for each value."""
    begin = time.perf_counter()
    draw()
    return (time.perf_counter() - begin) / values * 1e9


def measure(num_categories: int, values: int, rounds: int) -> dict[str, list[float]]:
    """Return the nanoseconds a value of each contestant at one K."""
    pi = np.arange(1.0, num_categories + 1)
    n = max(1, values // num_categories)
    loop_rows = max(LEAST_LOOP_ROWS, LOOP_VALUES // num_categories)
    chunked = {
        "torch": torch_draw if find_spec("torch") else None,
        "jax": jax_draw if find_spec("jax") else None,
        "numpy": numpy_draw,
    }
    draws: dict[str, tuple[Draw, int]] = {"ours": (partial(draw_ours, pi, n), n)}
    for name, make in chunked.items():
        if make is not None:
            draws[name] = (partial(draw_in_chunks, make(pi), num_categories, n), n)
    draws["loop"] = (partial(loop_draw(pi), loop_rows), loop_rows)
    contestants = {
        name: partial(nanoseconds, draw, rows * num_categories)
        for name, (draw, rows) in draws.items()
    }
    in_turns(contestants, 1)  # compile, fill caches
    return dict(in_turns(contestants, rounds))


def main() -> None:
    """Measure every K."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--values", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    given = parser.parse_args()
    print(json.dumps({k: measure(k, given.values, given.rounds) for k in CATEGORIES}))


if __name__ == "__main__":
    main()
