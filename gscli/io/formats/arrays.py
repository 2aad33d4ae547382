"""Arrays of numbers: NPY, the members of NPZ, the tensors of safetensors."""

import io
import json
import math
import os
import shutil
import tempfile
import warnings
import weakref
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from gscli.arrays import RealArray
from gscli.errors import DataError
from gscli.io import samples as batches
from gscli.io.columns import MOST_CATEGORIES, default_names, listed
from gscli.io.samples import Batch, Part, Samples

LARGEST_HEADER = 2**22
"""Bytes of a safetensors header at most: 4 MB, some 30,000 tensors."""

TENSOR_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4",
    "I16": "<i2", "I8": "i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1",
}  # fmt: skip

TORCH = (
    'is a PyTorch file, a pickle, which is never read; convert it: python -c "import numpy, torch; '
    "numpy.save('x.npy', torch.load('x.pt', weights_only=True).double().cpu().numpy())\""
)
"""What is said of a .pt file, with the remedy."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of an array.

    Attributes
    ----------
    shape : tuple of int
        Its shape.
    dtype : dtype
        Of its values as they are stored.
    fortran : bool
        Whether its columns are stored one after another, and not its rows.
    bfloat16 : bool
        Whether its values are the upper halves of float32 numbers, stored as whole numbers.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool = False
    bfloat16: bool = False


def open_npy(label: str, file: Any, temperatures: Sequence[float], option: str) -> Samples:
    """Open the array of an NPY file."""
    return _open_array(label, file, _npy_header(file), temperatures, option)


def open_npz(
    label: str, file: Any, member: str | None, temperatures: Sequence[float], option: str
) -> Samples:
    """Open an array of an NPZ file: the one that is named, or the only one."""
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise DataError(f"is a damaged archive: {error}") from error
    names = archive.namelist()
    arrays = {name.removesuffix(".npy"): name for name in names if name.endswith(".npy")}
    if not arrays:
        raise DataError(_other_archive(names))
    name = arrays[_chosen(label, list(arrays), member)]
    try:
        return open_npy(label, archive.open(name), temperatures, option)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, UnicodeError) as error:
        raise DataError(f"{name} cannot be read: {error}") from error


def _other_archive(names: Sequence[str]) -> str:
    if any(name.endswith("data.pkl") for name in names):
        return TORCH
    if "[Content_Types].xml" in names:
        return "is an Excel or Word file; save the table as CSV"
    return "is an archive without NPY arrays; expected those that numpy.savez writes"


def open_safetensors(
    label: str, file: Any, member: str | None, temperatures: Sequence[float], option: str
) -> Samples:
    """Open a tensor of a safetensors file: the one that is named, or the only one."""
    length = int.from_bytes(file.read(8), "little")
    if length > LARGEST_HEADER:
        raise DataError(f"its header has {length:,} bytes, more than {LARGEST_HEADER:,}")
    content = file.read(length)
    try:
        tensors = json.loads(content)
        tensors.pop("__metadata__", None)
    except (ValueError, RecursionError, AttributeError) as error:
        raise DataError("has a damaged header; expected safetensors") from error
    name = _chosen(label, list(tensors), member)
    try:
        kind, shape = tensors[name]["dtype"], tuple(map(int, tensors[name]["shape"]))
        begin, end = map(int, tensors[name]["data_offsets"])
        dtype = np.dtype(TENSOR_TYPES[kind])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"tensor {name!r} is described wrongly, or not of numbers") from error
    if begin < 0 or end - begin != math.prod(shape) * dtype.itemsize:
        raise DataError(f"tensor {name!r} of shape {shape} and type {kind} has {end - begin} bytes")
    _skip(file, begin)
    return _open_array(
        label, file, Header(shape, dtype, bfloat16=kind == "BF16"), temperatures, option
    )


def _skip(file: Any, size: int) -> None:
    if file.seekable():
        file.seek(size, os.SEEK_CUR)
        return
    while size and (skipped := len(file.read(min(size, 2**20)))):
        size -= skipped


def _chosen(label: str, names: Sequence[str], member: str | None) -> str:
    """Return the name of the array that is meant."""
    file = label.removesuffix(f"::{member}")
    if member is not None and member not in names:
        raise DataError(f"has no array {member!r}; there are {listed(names)}")
    if member is None and len(names) != 1:
        if not names:
            raise DataError("holds no arrays")
        raise DataError(
            f"holds {len(names):,} arrays, {listed(names)}; name one: {file}::{names[0]}"
        )
    return names[0] if member is None else member


def _open_array(
    label: str, file: Any, header: Header, temperatures: Sequence[float], option: str
) -> Samples:
    shape = header.shape
    if len(shape) < 2 or shape[-1] < 2:
        raise DataError(f"shape {shape}; expected (n, K), (T, n, K) or (batch, n, K) with K >= 2")
    if min(shape) < 1:
        raise DataError(f"shape {shape} has no rows")
    if shape[-1] > MOST_CATEGORIES:
        raise DataError(f"shape {shape} has more than {MOST_CATEGORIES:,} categories")
    by_temperature = len(shape) == 3 and len(temperatures) == shape[0]
    batch = math.prod(shape[:-2]) > 1 and not by_temperature
    if batch and len(temperatures) != 1:
        several = f"; of {shape[0]} temperatures, all, in order" if len(shape) == 3 else ""
        raise DataError(
            f"{len(shape)}-D array {shape}: name the temperature of a batch with {option}{several};"
            f" or save it as reshape(-1, {shape[-1]})"
        )
    if header.fortran and len(shape) > 2:
        raise DataError(f"a Fortran-ordered array of shape {shape}; save it in C order")
    array = _Array(file, header, shape[-2] if by_temperature else math.prod(shape[:-1]))
    array.check_size()
    flattened = f"shape {shape} is read as {array.total:,} rows at one temperature"
    return Samples(
        label,
        default_names(shape[-1]),
        partial(array.parts, tuple(temperatures) if by_temperature else (None,)),
        total=array.total,
        repeatable=array.repeatable,
        has_temperatures=by_temperature,
        notes=(flattened,) if batch else (),
    )


def _npy_header(file: BinaryIO) -> Header:
    try:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        with warnings.catch_warnings(action="ignore"):  # of headers that Python 2 wrote
            shape, fortran, dtype = read(file)
    except (ValueError, SyntaxError, TokenError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"not a readable NPY file: {reason}") from error
    if dtype.hasobject:
        raise DataError("holds pickled objects, which are not read; save a float array")
    if dtype.kind not in "fiub":
        raise DataError(f"holds values of type {dtype}; expected numbers")
    return Header(shape, dtype, fortran)


def load_npy(path: Path, *, mapped: bool = False) -> npt.NDArray[Any]:
    """Return the array of an NPY file of any shape, or map it without reading it.

    Raises
    ------
    DataError
        If it is not an NPY file of numbers, or shorter than it announces.
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        header = _npy_header(file)
        size = os.fstat(file.fileno()).st_size - file.tell()
    values = math.prod(header.shape)
    if size < values * header.dtype.itemsize:
        raise DataError(f"ends before the {values:,} values that it announces")
    with warnings.catch_warnings(action="ignore"):  # of headers that Python 2 wrote
        loaded: npt.NDArray[Any] = np.load(
            path, mmap_mode="r" if mapped and values else None, allow_pickle=False
        )
    return loaded


def raw_array(file: Any, shape: tuple[int, int]) -> Callable[[], Iterator[Part]]:
    """Return what reads the float64 rows that a temporary file holds from its beginning on."""
    return partial(_Array(file, Header(shape, np.dtype(np.float64)), shape[0]).parts, (None,))


class _Array:
    """The values of an array in a file: read by position where that is possible, else in order.

    They are not mapped into memory: where a file shrinks while it is read, that would end the
    program, and pages that were read would count as its memory.
    """

    def __init__(self, file: Any, header: Header, rows_at_a_temperature: int) -> None:
        if header.fortran and not file.seekable():  # the columns come one after another
            file = _spooled(file)
            weakref.finalize(self, file.close)
        self.file, self.header = file, header
        self.num_categories = header.shape[-1]
        self.rows_at_a_temperature = rows_at_a_temperature
        self.total = math.prod(header.shape[:-1])
        self.by_position = isinstance(getattr(file, "raw", file), io.FileIO) and file.seekable()
        self.repeatable: bool = file.seekable()
        self.offset = file.tell() if self.repeatable else 0

    def check_size(self) -> None:
        """Refuse a header that promises more than the file holds, before memory is allocated."""
        if not self.by_position:
            return
        size = os.fstat(self.file.fileno()).st_size - self.offset
        row = self.num_categories * self.header.dtype.itemsize
        if size < self.total * row:
            raise self.too_short(size // row)

    def too_short(self, rows: int) -> DataError:
        """Return the error of a file with fewer rows than it announces."""
        place = "before the" if self.header.fortran else f"after row {rows:,} of the"
        return DataError(f"ends {place} {self.total:,} rows that it announces")

    def parts(self, temperatures: Sequence[float | None]) -> Iterator[Part]:
        """Yield the parts; the temperature is that of as many rows each."""
        if self.repeatable and not self.by_position and not self.header.fortran:
            self.file.seek(self.offset)
        step = max(1, batches.PART_VALUES // self.num_categories)
        for index, temperature in enumerate(temperatures):
            begin = index * self.rows_at_a_temperature
            end = begin + self.rows_at_a_temperature
            for start in range(begin, end, step):
                stop = min(start + step, end)
                load = partial(self.load, start, stop)
                if not self.by_position:  # read here, in order
                    load = partial(lambda rows: rows, list(load()))
                yield Part(stop - start, partial(_at_temperature, load, temperature))

    def load(self, start: int, stop: int) -> Iterator[Batch]:
        """Yield some rows."""
        step = max(1, batches.BATCH_VALUES // self.num_categories)
        for first in range(start, stop, step):
            last = min(first + step, stop)
            stored = self.columns(first, last).T if self.header.fortran else self.rows(first, last)
            if self.header.bfloat16:
                stored = (stored.astype(np.uint32) << np.uint32(16)).view(np.float32)
            with np.errstate(invalid="ignore"):  # of a NaN that signals
                rows = stored.astype(np.float64, copy=False)
            yield Batch(rows, first)

    def rows(self, start: int, stop: int) -> RealArray:
        rows = np.empty((stop - start, self.num_categories), self.header.dtype)
        read = self.read(rows, start * rows[0].nbytes)
        if read < rows.nbytes:
            raise self.too_short(start + read // rows[0].nbytes)
        return rows

    def columns(self, start: int, stop: int) -> RealArray:
        columns = np.empty((self.num_categories, stop - start), self.header.dtype)
        for k, column in enumerate(columns):
            place = (k * self.total + start) * self.header.dtype.itemsize
            if self.read(column, place) < column.nbytes:
                raise self.too_short(start)
        return columns

    def read(self, values: RealArray, position: int) -> int:
        """Fill an array, from this many bytes after the header; return how many were there."""
        view = memoryview(values.data).cast("B")
        try:
            return self._read(view, position)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise DataError(f"is damaged: {error}") from error

    def _read(self, view: memoryview, position: int) -> int:
        if self.header.fortran and not self.by_position:
            self.file.seek(self.offset + position)
        done = 0
        while done < len(view):
            if self.by_position:
                place = self.offset + position + done
                read = os.preadv(self.file.fileno(), [view[done:]], place)
            else:
                read = self.file.readinto(view[done:])
            if not read:
                break
            done += read
        return done


def _spooled(file: BinaryIO) -> BinaryIO:
    spool = tempfile.TemporaryFile()  # noqa: SIM115
    shutil.copyfileobj(file, spool)
    spool.seek(0)
    return spool


def _at_temperature(
    load: Callable[[], Iterable[Batch]], temperature: float | None
) -> Iterator[Batch]:
    for batch in load():
        yield replace(batch, temperature=temperature)
