"""Compressed files as streams of their bytes, in bounded memory."""

import gzip
import io
import sys
import zlib
from typing import Any, BinaryIO

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from gscli.errors import DataError

__all__ = ["gunzipped", "unzstd", "zstd"]


def gunzipped(file: BinaryIO) -> io.BufferedReader:
    """Return the content of a gzip file, or of a pipe of one."""
    raw: Any = _Gunzipped(fileobj=file)
    return io.BufferedReader(raw)


def unzstd(file: BinaryIO) -> io.BufferedReader:
    """Return the content of a Zstandard file, or of a pipe of one."""
    raw: Any = _UnZstd(file)
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


class _UnZstd(zstd.ZstdFile):
    def readinto(self, buffer: Any, /) -> int:
        try:
            return super().readinto(buffer)
        except (zstd.ZstdError, EOFError) as error:
            raise DataError(f"is damaged or cut short: {error}") from error
