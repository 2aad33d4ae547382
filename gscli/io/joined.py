"""Files that are read one after another as one sample: a dataset, a folder, a pattern."""

import glob
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np

from gscli.arrays import FloatArray
from gscli.errors import DataError
from gscli.io import samples as batches
from gscli.io.columns import TEMPERATURE, Columns, listed, split_member
from gscli.io.dataset_runs import recorded_parts
from gscli.io.datasets import (
    MANIFEST,
    Manifest,
    Written,
    broken,
    fault_of_part,
    refuse_faults,
)
from gscli.io.provenance import Provenance
from gscli.io.samples import Batch, Part, Samples, naming

SUFFIXES = (
    ".npy", ".npz", ".safetensors", ".csv", ".gz", ".zst", ".tsv", ".txt", ".parquet", ".arrow",
    ".feather",
)  # fmt: skip
"""Of files that are samples, in a folder without a manifest."""

HIVE = re.compile(rf"{TEMPERATURE}=(.+)")
"""Name of a folder that states the temperature of the files in it."""

MOST_TOGETHER = 256
"""Small files that one thread reads at a time: opening a dataset reads so many at most."""

Opener = Callable[[Path, str, Sequence[str] | None], Samples]
"""Opens a file; given its path, its name in messages, and the columns that are categories."""


@dataclass
class Files:
    """Files that make one sample.

    Attributes
    ----------
    folder : Path or None
        The one that their names in messages begin in, if they are all in one.
    paths : list of Path
        The files, in the order of the rows.
    parts : list of Written
        What a manifest states of each of them, if there is one.
    manifest : Manifest or None
        That manifest.
    """

    folder: Path | None
    paths: list[Path]
    parts: list[Written] = field(default_factory=list)
    manifest: Manifest | None = None

    def open(self, label: str, opener: Opener, columns: Sequence[str] | None) -> Samples:
        """Return them as one sample.

        Parameters
        ----------
        label : str
            What the user called them.
        opener : callable
            Opens one of them.
        columns : sequence of str, optional
            The categories that the user chose.
        """
        if self.manifest is None:
            names = [
                str(path.relative_to(self.folder) if self.folder else path) for path in self.paths
            ]
            return _open_files(label, self.paths, names, opener, columns)
        own = _open_dataset(label, self.paths, self.manifest, self.parts, opener)
        return own if columns is None else own.taking(Columns.of(own.names, columns).values)


def find_files(path: str) -> Files | None:
    """Return the files that a folder, a pattern, a manifest, or a part of a dataset stands for.

    Returns
    -------
    Files or None
        Nothing for a file that is no part of a dataset.

    Raises
    ------
    DataError
        If it is a folder without samples, or one that is not complete, or if a manifest is damaged.
    """
    place = Path(path)
    if place.is_dir():
        return _in_folder(place)
    if place.name == MANIFEST and place.is_file():
        return _of_manifest(place.parent)
    pattern = glob.has_magic(path) and not place.exists()
    if not pattern and not place.is_file():
        return None
    for folder in (place.parent, place.parent.parent):
        # A file beside it of that name may be something else.
        with suppress(DataError, OSError):
            return _of_manifest(folder, place)
    found = sorted(map(Path, glob.glob(path))) if pattern else []  # noqa: PTH207
    return Files(None, [file for file in found if file.is_file()]) if found else None


def input_files(path: str) -> list[str]:
    """Return all files that are read for a path, a pattern or a folder."""
    file = split_member(path)[0]
    try:
        found = None if file == "-" else find_files(file)
    except DataError:  # it is not read
        found = None
    if found is None:
        return [file]
    manifest = [] if found.manifest is None or not found.folder else [found.folder / MANIFEST]
    return [file, *map(str, [*manifest, *found.paths])]


def _of_manifest(folder: Path, pattern: Path | None = None) -> Files:
    """Return the parts that a manifest lists, perhaps only those whose paths match a pattern."""
    manifest = Manifest.read(folder / MANIFEST)
    parts = list(manifest.parts)
    if pattern is not None:
        parts = [part for part in parts if _matches(folder / part.piece.path, pattern)]
        if not parts:
            raise DataError(f"{MANIFEST} does not list {pattern}")
    return Files(folder, [folder / part.piece.path for part in parts], parts, manifest)


def _matches(path: Path, pattern: Path) -> bool:
    # `match` alone would let a pattern begin in any folder, and a name hold a pattern.
    same_depth = len(path.parts) == len(pattern.parts)
    return path == pattern or (same_depth and not pattern.exists() and path.match(str(pattern)))


def _in_folder(folder: Path) -> Files:
    if (folder / MANIFEST).exists():
        return _of_manifest(folder)
    if (parts := recorded_parts(folder)) is not None:
        raise DataError(
            f"is not complete: {parts:,} parts are written, and the others are not; finish it with "
            "gscli sample and the same options, and --resume"
        )
    found = [
        path
        for path in sorted(folder.glob("**/*"))
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(name.startswith((".", "_")) for name in path.relative_to(folder).parts)
    ]
    if not found:
        raise DataError("is a folder without samples; expected NPY, CSV or Parquet files in it")
    return Files(folder, found)


def _open_dataset(
    label: str,
    paths: Sequence[Path],
    manifest: Manifest,
    parts: Sequence[Written],
    opener: Opener,
) -> Samples:
    refuse_faults(paths, parts)
    stated = manifest.run.provenance
    temperatures = tuple(dict.fromkeys(part.piece.temperature for part in parts))
    # An array has no names; the columns of other files are known without a guess.
    columns = None if manifest.run.format == "npy" else stated.names
    files = [
        _PartFile(path, part, partial(opener, path, part.piece.path, columns), len(stated.names))
        for path, part in zip(paths, parts, strict=True)
    ]
    return Samples(
        label,
        stated.names,
        partial(_parts_of, files, stated_temperature=len(temperatures) > 1),
        named=True,
        total=sum(part.piece.rows for part in parts),
        has_temperatures=len(temperatures) > 1,
        provenance=replace(
            stated, temperatures=temperatures, start=min(part.piece.first_row for part in parts)
        ),
    )


@dataclass
class _PartFile:
    """The file of a part of a dataset."""

    path: Path
    part: Written
    opener: Callable[[], Samples]
    num_categories: int
    intact: bool = False

    @property
    def name(self) -> str:
        return self.part.piece.path

    @property
    def rows(self) -> int:
        return self.part.piece.rows

    def check(self) -> None:
        """Refuse a file that is not as it was written; it is looked at once."""
        if not self.intact and (fault := fault_of_part(self.path, self.part)):
            raise DataError(broken([f"{self.name} {fault}"]))
        self.intact = True

    def open(self) -> Samples:
        with naming(self.name):
            one = self.opener()
            if one.num_categories != self.num_categories:
                raise DataError(f"has {one.num_categories} columns, not {self.num_categories}")
            return one

    def parts(self, start: int, temperature: float | None) -> Iterator[Part]:
        """Yield its parts, the first row being number `start`."""
        one, rows = self.open(), 0
        before: Callable[[], None] | None = self.check
        for part in one.read():
            yield _shifted(one, part, start, self.name, temperature, before)
            before = None
            rows += part.num_rows
        if rows != self.rows:
            raise DataError(broken([f"{self.name} is altered: it has {rows:,} rows"]))


def _parts_of(files: Sequence[_PartFile], *, stated_temperature: bool) -> Iterator[Part]:
    """Yield the parts of a dataset: those of large files, and small files together.

    What a thread reads is merged with what others read, which takes as long as reading some
    hundred thousand values.
    """
    start = 0
    for temperature, own in groupby(files, key=lambda file: file.part.piece.temperature):
        stated = temperature if stated_temperature else None
        for together in _grouped(own):
            rows = sum(file.rows for file in together)
            if len(together) > 1:
                yield Part(rows, partial(_together, together, start, stated))
            else:
                yield from together[0].parts(start, stated)
            start += rows


def _grouped(files: Iterable[_PartFile]) -> Iterator[list[_PartFile]]:
    """Yield files in groups of some values and files at most, or one by one."""
    group: list[_PartFile] = []
    values = 0
    for file in files:
        own = file.rows * file.num_categories
        full = values + own > batches.PART_VALUES or len(group) == MOST_TOGETHER
        if group and full:
            yield group
            group, values = [], 0
        group.append(file)
        values += own
    if group:
        yield group


def _together(files: Sequence[_PartFile], start: int, temperature: float | None) -> Iterator[Batch]:
    """Yield the rows of small files, in few batches."""
    most = max(1, batches.BATCH_VALUES // files[0].num_categories)
    held: list[FloatArray] = []
    rows = 0
    for file in files:
        for part in file.parts(0, None):
            for batch in part.load():
                if held and rows + len(batch.rows) > most:
                    yield Batch(np.concatenate(held), start, temperature)
                    start, rows, held = start + rows, 0, []
                held.append(batch.rows)
                rows += len(batch.rows)
    yield Batch(np.concatenate(held), start, temperature)


def _open_files(
    label: str,
    paths: Sequence[Path],
    names: Sequence[str],
    opener: Opener,
    columns: Sequence[str] | None,
) -> Samples:
    def opened(path: Path, name: str) -> Samples:
        with naming(name):
            one = opener(path, name, columns)
            if _hive_temperature(name) is not None and not one.has_temperatures:
                one = replace(one, has_temperatures=True)
            return one

    first = opened(paths[0], names[0])

    def read() -> Iterator[Part]:
        start = 0
        for path, name in zip(paths, names, strict=True):
            one = opened(path, name)
            with naming(name):
                _refuse_other(one, first, names[0])
            temperature, rows = _hive_temperature(name), 0
            for each in one.read():
                yield _shifted(one, each, start, name, temperature)
                rows += each.num_rows
            start += rows

    several = f"{len(paths):,} files are read as one sample, in the order of their names"
    return replace(
        first,
        label=label,
        read=read,
        total=first.total if len(paths) == 1 else None,
        repeatable=True,
        provenance=_of_all(first.provenance, names),
        notes=(*first.notes, several) if len(paths) > 1 else first.notes,
    )


def _of_all(first: Provenance | None, names: Sequence[str]) -> Provenance | None:
    """Return what the first file states, with the temperatures that folders state."""
    temperatures = tuple(dict.fromkeys(t for t in map(_hive_temperature, names) if t is not None))
    return first and (replace(first, temperatures=temperatures) if temperatures else first)


def _hive_temperature(name: str) -> float | None:
    for folder in Path(name).parts[:-1]:
        if found := HIVE.fullmatch(folder):
            with suppress(ValueError):
                return float(found[1])
    return None


def _refuse_other(one: Samples, first: Samples, name: str) -> None:
    """Refuse a file that cannot be read as the continuation of the first one."""
    if one.names != first.names:
        raise DataError(
            f"has the columns {listed(one.names)} where {name} has {listed(first.names)}; name "
            "files of one kind"
        )
    if one.has_temperatures != first.has_temperatures:
        raise DataError(f"only one of it and {name} states temperatures; name files of one kind")
    own, other = one.provenance, first.provenance
    if (own and _law(own)) != (other and _law(other)):
        raise DataError(f"states another distribution than {name}; name files of one distribution")


def _law(own: Provenance) -> tuple[object, ...]:
    return own.logits, own.names, own.form


def _shifted(
    one: Samples,
    part: Part,
    start: int,
    name: str,
    temperature: float | None,
    before: Callable[[], None] | None = None,
) -> Part:
    """Return a part of a file as one of the sample in which its first row is number `start`."""
    return Part(part.num_rows, partial(_batches, one, part, start, name, temperature, before))


def _batches(
    one: Samples,  # noqa: ARG001 (it keeps the file open)
    part: Part,
    start: int,
    name: str,
    temperature: float | None,
    before: Callable[[], None] | None,
) -> Iterator[Batch]:
    if before is not None:
        before()
    with naming(name):
        for batch in part.load():
            stated = batch.temperature if temperature is None else temperature
            yield replace(batch, start=batch.start + start, temperature=stated)
