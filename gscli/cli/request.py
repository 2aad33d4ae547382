"""What `gscli sample` was asked to draw, and how it is drawn and written."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gscli.cli.progress import track

if TYPE_CHECKING:
    from gscli.arrays import FloatArray
    from gscli.distribution.concrete import Concrete, Form
    from gscli.distribution.noise import Chunk

T = TypeVar("T")

LEAST_CSV_BYTES = 4
"""Of a value and what parts it from the next one: ``1.0,``."""


@dataclass
class Request:
    """What to draw, and how many rows could not be held in full."""

    distributions: "list[Concrete]"
    names: tuple[str, ...]
    n: int
    start: int
    seed: int
    threads: int | None
    form: "Form"
    dtype: str
    quiet: bool
    lossy_rows: int = field(default=0, init=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array: (n, K), or (T, n, K) for several temperatures."""
        count, shape = len(self.distributions), (self.n, len(self.names))
        return shape if count == 1 else (count, *shape)

    def rows(self, distribution: "Concrete") -> "Iterator[FloatArray]":
        """Yield points of the simplex for the figures of one temperature."""
        import numpy as np

        one = replace(self, distributions=[distribution])
        for chunk in one._draw("F", lambda _, chunk: chunk):
            yield np.exp(chunk.rows) if self.form == "log" else chunk.rows.astype(np.float64)

    def _draw(self, order: Any, finish: "Callable[[int, Chunk], T]") -> Iterator[T]:
        """Draw each chunk, and finish it in the thread that drew it.

        Yields what that gives for the number of a temperature and a chunk of its rows: in order,
        temperature after temperature.
        """
        from gscli.distribution.noise import Sampler
        from gscli.execution.threads import ordered_map

        sampler = Sampler(len(self.names), seed=self.seed, dtype=self.dtype, order=order)
        transforms = [partial(d.from_noise, form=self.form) for d in self.distributions]
        counted = [self._may_lose(distribution) for distribution in self.distributions]

        def work(item: tuple[int, range]) -> tuple[int, int, T]:
            number, part = item
            chunk = sampler.draw(part, transforms[number])
            lossy = chunk.count_lossy_rows(log=self.form == "log") if counted[number] else 0
            return len(part), lossy, finish(number, chunk)

        items = (
            (number, part)
            for number in range(len(transforms))
            for part in sampler.parts(self.start, self.n)
        )
        lossy_rows = 0
        for _, lossy, result in track(
            ordered_map(work, items, threads=self.threads),
            total=self.n * len(transforms),
            size=lambda done: done[0],
            quiet=self.quiet,
        ):
            lossy_rows += lossy
            yield result
        self.lossy_rows = lossy_rows  # of all rows, not of those that a closed pipe took

    def _may_lose(self, distribution: "Concrete") -> bool:
        """Return whether a row could hold what its precision cannot: then all are looked at."""
        from gscli.distribution.noise import may_be_lossy

        if self.form == "simplex":
            return may_be_lossy(distribution.logits, distribution.temperature, self.dtype)
        return self.form == "log" and self.dtype != "float64"

    def check_room(self, path: Path, format: str) -> None:
        """Refuse a target that its disk cannot hold; how well Parquet packs is not known."""
        from gscli.io.atomic import check_room
        from gscli.io.writers import npy_bytes

        if format == "npy":
            check_room(path, npy_bytes(self.shape, self.dtype))
        elif format == "csv":
            check_room(path, math.prod(self.shape) * LEAST_CSV_BYTES)

    def save(self, path: Path, format: Any, *, force: bool) -> None:
        """Write one file in one format; each output draws the same samples again."""
        from gscli.io.atomic import appears_by_renaming, writing
        from gscli.io.writers import PlacedNpy, write_npy, write_table

        with writing(path, overwrite=force) as file:
            if format != "npy":
                write_table(file, self._draw("F", self._table), format=format)
            elif PlacedNpy.supported and appears_by_renaming(path):
                self._place(PlacedNpy(file, shape=self.shape, dtype=self.dtype))
            else:
                rows = self._draw("C", lambda _, chunk: chunk.rows)
                write_npy(file, rows, shape=self.shape, dtype=self.dtype)

    def _place(self, array: Any) -> None:
        def write(number: int, chunk: "Chunk") -> None:
            array.write(number * self.n + chunk.start - self.start, chunk.rows)

        for _ in self._draw("C", write):
            pass

    def _table(self, number: int, chunk: "Chunk") -> dict[str, Any]:
        import numpy as np

        columns = dict(zip(self.names, chunk.rows.T, strict=True))
        if len(self.distributions) > 1:
            temperature = np.full(len(chunk.rows), self.distributions[number].temperature)
            columns = {"temperature": temperature, **columns}
        return columns
