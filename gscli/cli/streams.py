"""The standard streams, made safe against closed ones and against readers that leave."""

import io
import os
import sys
from contextlib import suppress
from typing import Any, BinaryIO, NoReturn, TextIO

from gscli.errors import OutputError


class StandardStream(io.TextIOWrapper):
    """A standard stream whose reader may leave: text that nobody reads any more is dropped.

    So a command still gives its verdict and writes its other outputs. Bytes written to `buffer`
    still fail, so that work that has no other purpose stops.
    """

    def write(self, text: str, /) -> int:
        """Write text, or drop it if its reader has left."""
        try:
            return super().write(text)
        except BrokenPipeError:
            self._drop()
            return len(text)

    def flush(self) -> None:
        """Flush what was written, or drop it if that fails; raise unless its reader has left."""
        try:
            super().flush()
        except BrokenPipeError:
            self._drop()
        except OSError:
            self._drop()
            raise

    def _drop(self) -> None:
        # Python flushes once more at its end, and would fail again.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)


class ClosedStream(io.TextIOBase):
    """Standard output that the shell closed: whatever is written to it is an error."""

    encoding = "utf-8"

    def write(self, text: Any, /) -> NoReturn:  # noqa: ARG002
        """Refuse to write."""
        raise OutputError("standard output is closed; open it, or name a file with -o")

    @property
    def buffer(self) -> BinaryIO:
        """Refuse to give what bytes are written to."""
        self.write(b"")


def settle_streams() -> None:
    """Open the standard streams that are closed, and let a reader leave those that are not."""
    # A file opened later must not get the number of a standard stream that is closed.
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None:
        closed: Any = ClosedStream()
        sys.stdout = closed
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
    # Names that the terminal's encoding lacks are shown with question marks.
    sys.stdout = _settled(sys.stdout, errors="replace")
    sys.stderr = _settled(sys.stderr, errors="backslashreplace")


def mute_libraries() -> None:
    """Leave standard error to this program: what libraries write there by themselves is dropped.

    polars prints a backtrace for each damaged file, beside the error that it raises.
    """
    own = sys.stderr
    if not isinstance(own, StandardStream):
        return
    copy = os.fdopen(os.dup(2), "wb")
    sys.stderr = StandardStream(
        copy,
        own.encoding,
        own.errors,
        line_buffering=own.line_buffering,
        write_through=own.write_through,
    )
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _settled(stream: TextIO, *, errors: str) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):  # closed, or not Python's own
        return stream
    encoding, lines, through = stream.encoding, stream.line_buffering, stream.write_through
    return StandardStream(
        stream.detach(), encoding, errors, line_buffering=lines, write_through=through
    )


def flush_or_drop() -> None:
    """Leave nothing in standard output that Python could fail to write at its end."""
    with suppress(OSError):
        if sys.stdout is not None:
            sys.stdout.flush()
