"""Compressed text as a stream of its bytes, in bounded memory."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from gscli.errors import DataError
from gscli.execution.interrupts import import_polars

LINES = 2**15
"""Lines that polars decompresses at a time."""


def gunzipped(file: BinaryIO) -> io.BufferedReader:
    """Return the content of a gzip file, or of a pipe of one."""
    raw: Any = _Gunzipped(fileobj=file)
    return io.BufferedReader(raw)


class _Gunzipped(gzip.GzipFile):
    def readinto(self, buffer: Any, /) -> int:
        try:
            return super().readinto(buffer)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(f"is damaged or cut short: {error}") from error

    def seekable(self) -> bool:
        file: Any = self.fileobj
        return bool(file.raw.seekable() if hasattr(file, "raw") else file.seekable())


def unzstd(path: Path) -> io.BufferedReader:
    """Return the text of a Zstandard file, which Python reads from 3.14 on and polars before."""
    return io.BufferedReader(_Lines(path))


class _Lines(io.RawIOBase):
    """The lines that polars decompresses, as bytes."""

    def __init__(self, path: Path) -> None:
        self.batches = self._batches(path)
        self.rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self.rest:
            try:
                self.rest = memoryview(next(self.batches))
            except StopIteration:
                return 0
        size = min(len(buffer), len(self.rest))
        buffer[:size] = self.rest[:size]
        self.rest = self.rest[size:]
        return size

    @staticmethod
    def _batches(path: Path) -> Iterator[bytes]:
        import_polars()
        import polars as pl

        lines = pl.scan_lines(path, glob=False)
        try:
            for frame in lines.collect_batches(chunk_size=LINES, maintain_order=True):
                yield ("\n".join(frame.to_series()) + "\n").encode()
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            reason = str(error).partition("\n")[0]
            raise DataError(f"is damaged, or is not text: {reason}") from error
