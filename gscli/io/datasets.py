"""Datasets: one stream of samples in parts, in a folder with a manifest that states them."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Self

from gscli.errors import DataError
from gscli.io.columns import TEMPERATURE
from gscli.io.folders import Folder
from gscli.io.provenance import KEY, Provenance
from gscli.io.writers import FORMATS, Format

MANIFEST = "manifest.json"
MOST_PARTS = 100_000
"""Parts at most: their numbers have five digits, so that names sort as rows do."""

LARGEST_MANIFEST = 2**25
"""Bytes of a manifest at most: 32 MB, of which JSON makes up to 1 GB in memory."""

CHUNK = 2**20
"""Bytes that are read at a time for a checksum."""

SHOWN_FAULTS = 3

DTYPES = ("float64", "float32")


@dataclass(frozen=True, slots=True)
class Piece:
    """What one part holds.

    Attributes
    ----------
    path : str
        Its file, from the dataset's folder on, with slashes.
    temperature : float
        Of its rows.
    first_row, rows : int
        Its first row, counted in the seed's stream, and their number.
    """

    path: str
    temperature: float
    first_row: int
    rows: int


@dataclass(frozen=True, slots=True)
class Written:
    """A part that is complete.

    Attributes
    ----------
    piece : Piece
        What it holds.
    num_bytes, crc32 : int
        The length of its file, and the CRC-32 of its bytes, as zlib and gzip compute it.
    lossy_rows : int
        Its rows that hold an exact 0 or 1, or, of log X, an infinite value.
    """

    piece: Piece
    num_bytes: int
    crc32: int
    lossy_rows: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON-serialisable dict."""
        piece = self.piece
        return {
            "path": piece.path,
            "temperature": piece.temperature,
            "first_row": piece.first_row,
            "rows": piece.rows,
            "bytes": self.num_bytes,
            "crc32": f"{self.crc32:08x}",
            "lossy_rows": self.lossy_rows,
        }

    @classmethod
    def of(cls, found: Any) -> Self:
        """Return what such a dict states; `ValueError` and others if it is not one."""
        path = str(found["path"])
        inside = PurePosixPath(path)
        # A manifest from elsewhere must not lead to a file outside of its folder.
        if inside.is_absolute() or ".." in inside.parts or "\\" in path or "\0" in path or not path:
            raise ValueError(f"path {path!r}")
        temperature, crc32 = float(found["temperature"]), str(found["crc32"])
        piece = Piece(path, temperature, _count(found["first_row"]), _count(found["rows"], 1))
        if len(crc32) != 8:
            raise ValueError(f"crc32 {crc32!r}")
        return cls(piece, _count(found["bytes"]), int(crc32, 16), _count(found["lossy_rows"]))


@dataclass(frozen=True, slots=True)
class Run:
    """What decides every byte of a dataset.

    Attributes
    ----------
    provenance : Provenance
        The distribution, the seed, the first row, the form, and the version of gscli.
    n, shards : int
        Rows and parts at each temperature.
    format : str
        Of the parts: "npy", "csv" or "parquet".
    dtype : str
        Of the values.
    numpy : str
        The version of NumPy.
    """

    provenance: Provenance
    n: int
    shards: int
    format: Format
    dtype: str
    numpy: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON-serialisable dict; the provenance as a Parquet file states it."""
        own = {name: getattr(self, name) for name in self.__slots__ if name != "provenance"}
        return {KEY: json.loads(self.provenance.text()), **own}

    @classmethod
    def of(cls, found: Any) -> Self:
        """Return what such a dict states; `ValueError` and others if it is not one."""
        provenance = Provenance.read(json.dumps(found[KEY]))
        n, shards = _count(found["n"], 1), _count(found["shards"], 1)
        kind, dtype = found["format"], found["dtype"]
        if kind not in FORMATS.values() or dtype not in DTYPES:
            raise ValueError(f"format {kind!r}, dtype {dtype!r}")
        return cls(provenance, n, shards, kind, dtype, str(found["numpy"]))

    def pieces(self, block_rows: int) -> list[Piece]:
        """Return the parts: of equal length where blocks are few, else of whole blocks.

        Parameters
        ----------
        block_rows : int
            Rows of a block of the stream. A part that begins within one draws that block's
            beginning in vain.
        """
        own = self.provenance
        first_block, end = own.start // block_rows, own.start + self.n
        blocks = -(-end // block_rows) - first_block
        starts = [
            max(own.start, (first_block + i * blocks // self.shards) * block_rows)
            if blocks >= self.shards
            else own.start + i * self.n // self.shards
            for i in range(self.shards)
        ]
        hive = len(own.temperatures) > 1
        return [
            Piece(
                f"{f'{TEMPERATURE}={t!r}/' if hive else ''}part-{i:05}.{self.format}",
                t,
                start,
                stop - start,
            )
            for t in own.temperatures
            for i, (start, stop) in enumerate(zip(starts, [*starts[1:], end], strict=True))
        ]

    def difference(self, other: "Run") -> str:
        """Return the first thing in which another run differs, or nothing.

        Examples
        --------
        >>> own = Provenance((0.5, 0.5), (0.0, 0.0), ("a", "b"), (1.0,), 7, 0, "log", "0.2.0")
        >>> one = Run(own, 100, 2, "npy", "float64", "2.4.0")
        >>> one.difference(Run(own, 100, 4, "npy", "float64", "2.4.0"))
        'shards is 2, not 4'
        """
        own, theirs = self.as_dict(), other.as_dict()
        own, theirs = own.pop(KEY) | own, theirs.pop(KEY) | theirs
        labels = {"version": "the version of gscli", "numpy": "the version of NumPy"}
        for key, value in own.items():
            if value != theirs[key]:
                return f"{labels.get(key, key)} is {_brief(value)}, not {_brief(theirs[key])}"
        return ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A complete dataset.

    Attributes
    ----------
    run : Run
        How it was drawn.
    parts : tuple of Written
        Its parts, in the order of its rows: by temperature, then by row.
    """

    run: Run
    parts: tuple[Written, ...]

    def text(self) -> str:
        """Return it as JSON, a line for each part."""
        head = "".join(
            f' "{key}": {json.dumps(value)},\n' for key, value in self.run.as_dict().items()
        )
        parts = ",\n  ".join(json.dumps(part.as_dict()) for part in self.parts)
        return f'{{\n{head} "parts": [\n  {parts}\n ]\n}}\n'

    @classmethod
    def read(cls, folder: Folder) -> Self:
        """Read the manifest in a folder.

        Raises
        ------
        DataError
            If it is not one, or damaged.
        OSError
            If there is none.
        """
        (size,) = folder.sizes([MANIFEST])
        if (size or 0) > LARGEST_MANIFEST:
            raise DataError(f"{MANIFEST} has more than {LARGEST_MANIFEST:,} bytes")
        content = folder.read(MANIFEST)
        try:
            found = json.loads(content)
            run = Run.of(found)
            parts = tuple(map(Written.of, found["parts"]))
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
            raise DataError(
                f"{MANIFEST} is not the manifest of a dataset, or is damaged; draw the dataset "
                "again, or name its parts as a pattern such as 'part-*.npy'"
            ) from error
        manifest = cls(run, parts)
        manifest._refuse_gaps()
        return manifest

    def _refuse_gaps(self) -> None:
        """Refuse parts that are not all rows at all temperatures, each once and in order."""
        own = self.run.provenance
        end = dict.fromkeys(own.temperatures, own.start)
        for part in self.parts:
            piece = part.piece
            if end.get(piece.temperature) != piece.first_row:
                raise DataError(
                    f"{MANIFEST}: {piece.path} does not begin where the part before it ends; the "
                    "manifest is damaged"
                )
            end[piece.temperature] += piece.rows
        paths = {part.piece.path for part in self.parts}
        if {*end.values()} != {own.start + self.run.n} or len(paths) != len(self.parts):
            raise DataError(f"{MANIFEST} does not list all rows once; the manifest is damaged")


class Checksummed:
    """A file that is written in order, and the length and checksum of what was written."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.num_bytes = 0
        self.crc32 = 0

    def write(self, data: Any, /) -> int:
        """Write bytes."""
        self.crc32 = zlib.crc32(data, self.crc32)
        written = self.file.write(data)
        self.num_bytes += memoryview(data).nbytes
        return written


def fault_of_length(size: int | None, part: Written) -> str:
    """Return what is wrong with a part of so many bytes, or one that is missing, or nothing."""
    if size is None:
        return "is missing"
    if size < part.num_bytes:
        return f"is truncated to {size:,} of {part.num_bytes:,} bytes"
    return (
        f"is altered: it has {size:,} bytes, not {part.num_bytes:,}"
        if size > part.num_bytes
        else ""
    )


def fault_of_part(path: Path, part: Written) -> str:
    """Return what is wrong with the file of a part, all of which is read, or nothing."""
    (size,) = Folder(path.parent).sizes([path.name])
    if fault := fault_of_length(size, part):
        return fault
    crc32 = 0
    buffer = memoryview(bytearray(CHUNK))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            crc32 = zlib.crc32(buffer[:count], crc32)
    return "" if crc32 == part.crc32 else "is altered: its bytes are not those that were written"


def refuse_faults(folder: Folder, parts: Sequence[Written]) -> None:
    """Refuse a dataset of which parts are missing or of another length.

    Raises
    ------
    DataError
        If there are such parts; it names the first ones.
    """
    sizes = folder.sizes([part.piece.path for part in parts])
    found = ((part, fault_of_length(size, part)) for size, part in zip(sizes, parts, strict=True))
    if faults := [f"{part.piece.path} {fault}" for part, fault in found if fault]:
        raise DataError(broken(faults))


def broken(faults: Sequence[str]) -> str:
    """Return the message about parts that are not as they were written, and the remedy."""
    more = f", and {len(faults) - SHOWN_FAULTS:,} more" if len(faults) > SHOWN_FAULTS else ""
    listed = ", ".join(faults[:SHOWN_FAULTS])
    return f"{listed}{more}; make it whole with gscli sample and the same options, and --resume"


def _count(value: Any, least: int = 0) -> int:
    if type(value) is not int or not least <= value < 2**63:
        raise ValueError(f"{value!r} is not a count")
    return value


def _brief(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
