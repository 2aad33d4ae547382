"""Files and pipes of samples, told by their first bytes, to parts of rows in bounded memory."""

import io
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gscli.errors import DataError
from gscli.io.columns import Columns, split_member
from gscli.io.compressed import gunzipped, unzstd
from gscli.io.formats.arrays import TORCH, open_npy, open_npz, open_safetensors, raw_array
from gscli.io.formats.frames import open_frame, plain_path
from gscli.io.formats.text import open_text
from gscli.io.joined import find_files
from gscli.io.samples import Samples, naming

HEAD = 512
"""Bytes by which a format is told."""

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"

REFUSED = {
    b"BZh": "is compressed by bzip2; decompress it first, or use gzip",
    b"\xfd7zXZ": "is compressed by xz; decompress it first, or use gzip",
    b"\xff\xfe": "is text in UTF-16; save it in UTF-8",
    b"\xfe\xff": "is text in UTF-16; save it in UTF-8",
    b"\xff\xff\xff\xff": "is a stream of Arrow; save a file: Feather, or Parquet",
    b"FEA1": "is Feather of version 1; save version 2, or Parquet",
    b"\x89HDF": "is HDF5; save one array with numpy.save",
    b"MATLAB": "is a MATLAB file; save one array with numpy.save",
    b"SQLite": "is a database; export the table as CSV or Parquet",
    b"%PDF": "is a PDF file; expected a table of samples",
    b"\x89PNG": "is an image; expected a table of samples",
    b'{"': "looks like JSON; expected CSV, NPY or Parquet",
    b"[[": "looks like JSON; expected CSV, NPY or Parquet",
    b"[{": "looks like JSON; expected CSV, NPY or Parquet",
}
"""What a file with these first bytes is, and the remedy."""

PICKLE = b"\x80"
TORCH_LEGACY = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The magic number at the beginning of what PyTorch saved before version 1.6."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the caller says of the file."""

    label: str
    member: str | None
    columns: Sequence[str] | None
    temperatures: Sequence[float]
    option: str


def open_samples(
    path: str,
    *,
    log: bool = False,
    temperatures: Sequence[float] | None = None,
    columns: Sequence[str] | None = None,
    option: str = "-t",
) -> Samples:
    """Open a file of samples of any format; its first bytes say which one.

    Parameters
    ----------
    path : str
        A path, or ``-`` for standard input; of a file with several arrays, ``path::name``. A
        folder, a pattern such as ``samples/*.npy`` or the manifest of a dataset is one sample.
    log : bool
        Whether the rows are log X, where the file does not state it.
    temperatures : sequence of float, optional
        The T temperatures of an array of shape (T, n, K), in its order; or the only one of an
        array of any shape (..., K).
    columns : sequence of str, optional
        The categories, by name or by position from 1; by default all columns that are not known
        to be something else.
    option : str
        What names temperatures, for the message about an array that has several.

    Returns
    -------
    Samples
        Its names and its parts.

    Raises
    ------
    DataError
        If the file cannot be read or its content is not a table of numbers; raised while
        iterating if it is only found there. The message names the row.
    """
    if not path:
        raise DataError("FILE has an empty name; name a file, or - for standard input")
    file_name, member = split_member(path)
    label = "standard input" if path == "-" else path
    wish = _Wish(label, member, columns, temperatures or (), option)
    try:
        with naming(label), ExitStack() as files:
            if file_name == "-":
                opened = _opened(_standard_input(), None, wish, files)
            elif joined := find_files(path):
                opened = joined.open(label, partial(_open_one, wish=wish), columns)
                if opened.source is not None:  # its other parts are not even opened
                    opened = opened.at(wish.temperatures)
            else:
                opened = _opened_path(Path(file_name), wish, files)
            samples = replace(opened, log=_is_log(opened, log=log)).looked_at()
            if columns is None:
                samples = samples.without_count()
            # The parts are read long after this function returns.
            weakref.finalize(samples.read, files.pop_all().close)
            return samples
    except OSError as error:
        raise DataError(f"{label}: {error.strerror or error}") from error


def _opened_path(path: Path, wish: _Wish, files: ExitStack) -> Samples:
    return _opened(files.enter_context(path.open("rb")), path, wish, files)


def _open_one(
    path: Path, label: str, *, columns: Sequence[str] | None = None, wish: _Wish
) -> Samples:
    """Open one of several files that make one sample; it is open as long as that is kept."""
    with ExitStack() as files:
        samples = _opened_path(path, replace(wish, label=label, columns=columns), files)
        weakref.finalize(samples.read, files.pop_all().close)
        return samples


def _is_log(samples: Samples, *, log: bool) -> bool:
    """Return whether the rows are log X, as the caller or the file's metadata say."""
    form = samples.provenance.form if samples.provenance else None
    if log and form not in (None, "log"):
        raise DataError("its metadata say that it holds X, not log X; leave out --log")
    return log or form == "log"


def _opened(file: Any, path: Path | None, wish: _Wish, files: ExitStack) -> Samples:
    """Return the samples of a file at its beginning."""
    head, file = _peeked(file)

    def on_disk() -> Path:
        # A pipe cannot be read from its end, as some formats ask for.
        if path is not None and file.seekable():
            return plain_path(file, path)
        spool = files.enter_context(tempfile.NamedTemporaryFile())  # noqa: SIM115
        shutil.copyfileobj(file, spool)
        spool.flush()
        return plain_path(spool, Path(spool.name))

    if head.startswith((GZIP, ZSTD)):
        unpacked = gunzipped(file) if head.startswith(GZIP) else unzstd(file)
        return _opened_unpacked(unpacked, wish)
    if head.startswith(b"PAR1"):
        samples = open_frame(wish.label, on_disk(), "Parquet", wish.columns)
    elif head.startswith(b"ARROW1"):
        samples = open_frame(wish.label, on_disk(), "Arrow", wish.columns)
    elif head.startswith(b"PK\x03\x04"):
        archive = files.enter_context(on_disk().open("rb"))
        array = open_npz(wish.label, archive, wish.member, wish.temperatures, wish.option)
        samples = _chosen(array, wish.columns)
    elif _is_safetensors(head):
        tensor = open_safetensors(wish.label, file, wish.member, wish.temperatures, wish.option)
        samples = _chosen(tensor, wish.columns)
    else:
        return _opened_unpacked(file, wish, head)
    return samples


def _opened_unpacked(file: Any, wish: _Wish, head: bytes | None = None) -> Samples:
    """Return the samples of NPY or text, which are read from their beginning on."""
    if head is None:
        head, file = _peeked(file)
    if wish.member is not None:
        raise DataError(f"is not an archive; leave out ::{wish.member}")
    if head.startswith(b"\x93NUMPY"):
        array = open_npy(wish.label, file, wish.temperatures, wish.option)
        return _chosen(array, wish.columns)
    for beginning, what in REFUSED.items():
        if head.startswith(beginning):
            raise DataError(what)
    if head.startswith(PICKLE):
        torch = TORCH_LEGACY in head
        raise DataError(TORCH if torch else "is a pickle, which is never read; use numpy.save")
    if b"\0" in head:
        raise DataError("is a binary file of an unknown format; expected CSV, NPY or Parquet")
    return open_text(wish.label, file, wish.columns)


def _chosen(array: Samples, columns: Sequence[str] | None) -> Samples:
    """Return the columns that were chosen of an array, whose columns have no names."""
    return array.taking(Columns.of(array.names, columns).values)


def _is_safetensors(head: bytes) -> bool:
    return len(head) > 9 and head[8:9] == b"{" and head[9:10] in b'" }' and b"\0" in head[:8]


def _peeked(file: Any) -> tuple[bytes, Any]:
    """Return the first bytes, and the file with these bytes still to be read."""
    if file.seekable():
        begin = file.tell()
        head = file.read(HEAD)
        file.seek(begin)
        return head, file
    head = file.read(HEAD)
    return head, io.BufferedReader(_Rewound(head, file))


class _Rewound(io.RawIOBase):
    """A pipe with bytes put back before it."""

    def __init__(self, head: bytes, file: Any) -> None:
        self.head, self.file = head, file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self.head:
            read: int = self.file.readinto(buffer)
            return read
        size = min(len(buffer), len(self.head))
        buffer[:size], self.head = self.head[:size], self.head[size:]
        return size


@contextmanager
def repeatable(samples: Samples) -> Iterator[Samples]:
    """Yield samples that can be read again: of a pipe, from a temporary file."""
    if samples.repeatable:
        yield samples
        return
    with tempfile.TemporaryFile() as spool:
        num_rows = 0
        for batch in samples:
            spool.write(np.ascontiguousarray(batch.rows).data)
            num_rows += len(batch.rows)
        spool.flush()
        spool.seek(0)
        read = raw_array(spool, (num_rows, samples.num_categories))
        yield replace(samples, read=read, repeatable=True, wanted=(), progress=None, percent=None)


def _standard_input() -> Any:
    if sys.stdin is None:
        raise DataError("is closed; pipe samples into it, or name a FILE")
    stdin: Any = sys.stdin.buffer
    return stdin if isinstance(stdin, io.BufferedReader) else io.BufferedReader(stdin)
