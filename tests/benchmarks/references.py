"""What the commands are compared with, each run as a process of its own.

Some count as a whole process; the others print the seconds of what matters as a JSON object.
"""

import argparse
import importlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from gscli.execution.threads import usable_threads

PI = [1.0, 3.0, 6.0]
TEMPERATURE = 3.0
TORCH_CHUNK_ROWS = 2**16


def torch_memmap(path: Path, n: int) -> None:
    """Draw with torch in chunks into a memory-mapped NPY file."""
    _draw_with_torch(np.lib.format.open_memmap(path, "w+", dtype=np.float64, shape=(n, 3)))


def torch_save(path: Path, n: int) -> None:
    """Draw with torch in chunks into an array and save it."""
    samples = np.empty((n, 3))
    _draw_with_torch(samples)
    np.save(path, samples)


def _draw_with_torch(out: Any) -> None:
    torch = importlib.import_module("torch")
    torch.set_num_threads(usable_threads())
    distribution = torch.distributions.RelaxedOneHotCategorical(
        torch.tensor(TEMPERATURE, dtype=torch.float64),
        probs=torch.tensor(PI, dtype=torch.float64),
    )
    for start in range(0, len(out), TORCH_CHUNK_ROWS):
        part = out[start : start + TORCH_CHUNK_ROWS]
        part[...] = distribution.rsample((len(part),)).numpy()


def np_save(path: Path, n: int) -> None:
    """Save a ready array."""
    samples = _samples(n)
    begin = time.perf_counter()
    np.save(path, samples)
    _report(begin)


def polars_csv(path: Path, n: int) -> None:
    """Write a ready frame with polars, the second time, when its threads are up."""
    import polars as pl

    frame = pl.DataFrame(dict(zip(["x1", "x2", "x3"], _samples(n).T.copy(), strict=True)))
    frame.write_csv(path)
    path.unlink()
    begin = time.perf_counter()
    frame.write_csv(path)
    _report(begin)


def polars_parquet(path: Path, n: int) -> None:
    """Write a ready frame with polars, the second time, when its threads are up."""
    import polars as pl

    frame = pl.DataFrame(dict(zip(["x1", "x2", "x3"], _samples(n).T.copy(), strict=True)))
    frame.write_parquet(path)
    path.unlink()
    begin = time.perf_counter()
    frame.write_parquet(path)
    _report(begin)


def savetxt(path: Path, n: int) -> None:
    """Write a ready array with NumPy, in its own default format."""
    samples = _samples(n)
    begin = time.perf_counter()
    np.savetxt(path, samples, delimiter=",")
    _report(begin)


def write_image(path: Path, _: int) -> None:
    """Write the figure of the JSON file beside it with plotly itself."""
    import plotly.io as pio

    pio.write_image(pio.read_json(path.with_suffix(".json")), path, scale=2)


def summed(path: Path, _: int) -> None:
    """Sum a memory-mapped array."""
    samples = np.load(path, mmap_mode="r")
    begin = time.perf_counter()
    samples.sum()
    _report(begin)


def _samples(n: int) -> Any:
    from gscli import Concrete

    return Concrete(PI, TEMPERATURE).sample(n, seed=1)


def _report(begin: float) -> None:
    print(json.dumps({"seconds": time.perf_counter() - begin}))


def main() -> None:
    """Run one of them."""
    references = (
        torch_memmap,
        torch_save,
        np_save,
        polars_csv,
        polars_parquet,
        savetxt,
        write_image,
        summed,
    )
    known = {reference.__name__: reference for reference in references}
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=known)
    parser.add_argument("path", type=Path)
    parser.add_argument("n", type=int)
    given = parser.parse_args()
    known[given.name](given.path, given.n)


if __name__ == "__main__":
    main()
