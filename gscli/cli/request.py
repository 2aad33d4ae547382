"""What `gscli sample` was asked to draw, and how it is drawn and written."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gscli.cli.progress import track

if TYPE_CHECKING:
    from gscli.arrays import FloatArray
    from gscli.distribution.concrete import Concrete, Form
    from gscli.distribution.noise import Chunk


@dataclass
class Request:
    """What to draw, and how many rows could not be held in full."""

    distributions: "list[Concrete]"
    names: tuple[str, ...]
    n: int
    seed: int
    threads: int | None
    form: "Form"
    dtype: str
    quiet: bool
    lossy_rows: int = field(default=0, init=False)

    def chunks(self, order: Any) -> "Iterator[tuple[float, Chunk]]":
        """Yield the temperature and the rows of each chunk, temperature after temperature."""
        drawn = track(
            self._drawn(order),
            total=self.n * len(self.distributions),
            size=lambda item: len(item[1].rows),
            quiet=self.quiet,
        )
        lossy_rows = 0
        for temperature, chunk in drawn:
            if self.form == "simplex" or self.dtype != "float64":
                lossy_rows += self._count_lossy(chunk)
            yield temperature, chunk
        self.lossy_rows = lossy_rows  # of all rows, not of those that a closed pipe took

    def _count_lossy(self, chunk: "Chunk") -> int:
        return 0 if self.form == "hard" else chunk.count_lossy_rows(log=self.form == "log")

    def rows(self, distribution: "Concrete") -> "Iterator[FloatArray]":
        """Yield points of the simplex for the figures of one temperature."""
        import numpy as np

        one = replace(self, distributions=[distribution])
        for _, chunk in one.chunks("F"):
            yield np.exp(chunk.rows) if self.form == "log" else chunk.rows.astype(np.float64)

    def _drawn(self, order: Any) -> "Iterator[tuple[float, Chunk]]":
        from gscli.distribution.noise import stream

        for distribution in self.distributions:
            for chunk in stream(
                partial(distribution.from_noise, form=self.form),
                distribution.num_categories,
                self.n,
                seed=self.seed,
                threads=self.threads,
                dtype=self.dtype,
                order=order,
            ):
                yield distribution.temperature, chunk

    def save(self, path: Path, format: Any, *, force: bool) -> None:
        """Write one file in one format; each output draws the same samples again."""
        from gscli.io.atomic import writing
        from gscli.io.writers import write_npy, write_table

        with writing(path, overwrite=force) as file:
            if format == "npy":
                rows = (chunk.rows for _, chunk in self.chunks("C"))
                count = len(self.distributions)
                shape = (self.n, len(self.names))
                write_npy(
                    file, rows, shape=shape if count == 1 else (count, *shape), dtype=self.dtype
                )
            else:
                write_table(file, self._tables(), format=format)

    def _tables(self) -> Iterator[dict[str, Any]]:
        import numpy as np

        for temperature, chunk in self.chunks("F"):
            columns = dict(zip(self.names, chunk.rows.T, strict=True))
            if len(self.distributions) > 1:
                columns = {"temperature": np.full(len(chunk.rows), temperature), **columns}
            yield columns
