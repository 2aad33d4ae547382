"""Files that are read one after another as one sample: a dataset, a folder, a pattern."""

import glob
import os
import re
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, chain, groupby
from pathlib import Path

import numpy as np

from gscli.arrays import FloatArray
from gscli.errors import DataError
from gscli.io import samples as batches
from gscli.io.columns import TEMPERATURE, Columns, listed, split_member
from gscli.io.dataset_runs import recorded_parts
from gscli.io.datasets import MANIFEST, Manifest, Written, broken, fault_of_part, refuse_faults
from gscli.io.folders import Folder, RemoteFolder, is_url
from gscli.io.provenance import Provenance
from gscli.io.samples import Batch, Part, Samples, naming

SUFFIXES = (
    ".npy", ".npz", ".safetensors", ".csv", ".gz", ".zst", ".tsv", ".txt", ".parquet", ".arrow",
    ".feather",
)  # fmt: skip
"""Of files that are samples, in a folder without a manifest."""

HIVE = re.compile(rf"{TEMPERATURE}=(.+)")
"""Name of a folder that states the temperature of the files in it."""

Opener = Callable[..., Samples]
"""Opens a file; given its path, its name in messages, and `columns`, those that are categories."""


@dataclass
class Files:
    """Files of a disk that make one sample, in the order of their names.

    Attributes
    ----------
    paths : list of Path
        The files, in the order of the rows.
    folder : Path or None
        The one that their names in messages begin in, if they are all in one.
    """

    paths: list[Path]
    folder: Path | None = None

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
        names = [str(path.relative_to(self.folder) if self.folder else path) for path in self.paths]
        return _open_files(label, self.paths, names, opener, columns)


@dataclass
class DatasetFiles:
    """Parts of a dataset.

    Attributes
    ----------
    folder : Folder
        Where it is.
    manifest : Manifest
        What it states.
    parts : sequence of Written
        Those that are read, in the order of the rows.
    """

    folder: Folder
    manifest: Manifest
    parts: Sequence[Written]

    @property
    def paths(self) -> list[Path]:
        """The files of the disk that are read."""
        if isinstance(self.folder, RemoteFolder):
            return []
        names = [MANIFEST, *(part.piece.path for part in self.parts)]
        return [self.folder.path / name for name in names]

    def open(self, label: str, opener: Opener, columns: Sequence[str] | None) -> Samples:
        """Return them as one sample, as `Files.open` does."""
        refuse_faults(self.folder, self.parts)
        run = self.manifest.run
        stated = run.provenance
        temperatures = tuple(dict.fromkeys(part.piece.temperature for part in self.parts))
        # An array has no names; the columns of other files are known without a guess.
        known = None if run.format == "npy" else stated.names
        opened = partial(opener, columns=known)
        starts = accumulate((part.piece.rows for part in self.parts), initial=0)
        files = [
            _PartFile(self.folder, part, start, opened, len(stated.names))
            for part, start in zip(self.parts, starts, strict=False)
        ]
        source = _Dataset(files, several=len(temperatures) > 1)
        own = Samples(
            label,
            stated.names,
            source.read,
            source=source,
            total=source.num_rows,
            named=True,
            has_temperatures=len(temperatures) > 1,
            provenance=replace(
                stated,
                temperatures=temperatures,
                start=min(part.piece.first_row for part in self.parts),
            ),
        )
        return own if columns is None else own.taking(Columns.of(own.names, columns).values)


def find_files(path: str) -> Files | DatasetFiles | None:
    """Return the files that a folder, a pattern, a manifest, or a part of a dataset stands for.

    Returns
    -------
    Files, DatasetFiles or None
        Nothing for a file that is no part of a dataset.

    Raises
    ------
    DataError
        If it is a folder without samples, or one that is not complete, or if a manifest is damaged.
    """
    if is_url(path):
        return _behind(path)
    place = Path(path)
    if place.is_dir():
        return _in_folder(place)
    if place.name == MANIFEST and place.is_file():
        return _of_manifest(Folder(place.parent))
    pattern = glob.has_magic(path) and not place.exists()
    if not pattern and not place.is_file():
        return None
    for folder in (place.parent, place.parent.parent):
        # A file beside it of that name may be something else.
        with suppress(DataError, OSError):
            return _of_manifest(Folder(folder), Path(os.path.abspath(place)))  # noqa: PTH100
    found = sorted(map(Path, glob.glob(path))) if pattern else []  # noqa: PTH207
    return Files([file for file in found if file.is_file()]) if found else None


def input_files(path: str) -> list[str]:
    """Return all files that are read for a path, a pattern or a folder."""
    file = split_member(path)[0]
    try:
        found = None if file == "-" else find_files(file)
    except DataError:  # it is not read
        found = None
    if found is None:
        return [file]
    return [file, *map(str, found.paths)]


def _behind(url: str) -> DatasetFiles:
    """Return the dataset behind a URL."""
    folder = RemoteFolder(url.removesuffix(f"/{MANIFEST}"))
    try:
        return _of_manifest(folder)
    except FileNotFoundError:
        _refuse_unfinished(folder)
    raise DataError(f"holds no {MANIFEST}; a URL is that of a dataset, or of its manifest")


def _of_manifest(folder: Folder, pattern: Path | None = None) -> DatasetFiles:
    """Return the parts that a manifest lists, perhaps only those whose paths match a pattern."""
    manifest = Manifest.read(folder)
    parts = list(manifest.parts)
    if pattern is not None:
        parts = [part for part in parts if _matches(folder.path / part.piece.path, pattern)]
        if not parts:
            raise DataError(f"{MANIFEST} does not list {pattern}")
    return DatasetFiles(folder, manifest, parts)


def _matches(path: Path, pattern: Path) -> bool:
    # `match` alone would let a pattern begin in any folder, and a name hold a pattern.
    same_depth = len(path.parts) == len(pattern.parts)
    return path == pattern or (same_depth and not pattern.exists() and path.match(str(pattern)))


def _refuse_unfinished(folder: Folder) -> None:
    if (parts := recorded_parts(folder)) is not None:
        raise DataError(
            f"is not complete: {parts:,} parts are written, and the others are not; finish it with "
            "gscli sample and the same options, and --resume"
        )


def _in_folder(folder: Path) -> Files | DatasetFiles:
    if (folder / MANIFEST).exists():
        return _of_manifest(Folder(folder))
    _refuse_unfinished(Folder(folder))
    found = [
        path
        for path in sorted(folder.glob("**/*"))
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(name.startswith((".", "_")) for name in path.relative_to(folder).parts)
    ]
    if not found:
        raise DataError("is a folder without samples; expected NPY, CSV or Parquet files in it")
    return Files(found, folder)


@dataclass
class _PartFile:
    """The file of a part of a dataset."""

    folder: Folder
    part: Written
    start: int
    opener: Opener
    num_categories: int
    intact: bool = False

    @property
    def name(self) -> str:
        return self.part.piece.path

    @property
    def temperature(self) -> float:
        return self.part.piece.temperature

    @property
    def rows(self) -> int:
        return self.part.piece.rows

    def check(self, path: Path) -> None:
        """Refuse a file that is not as it was written; it is looked at once."""
        if not self.intact and (fault := fault_of_part(path, self.part)):
            raise DataError(broken([f"{self.name} {fault}"]))
        self.intact = True

    def parts(self, temperature: float | None) -> Iterator[Part]:
        """Yield its parts."""
        with ExitStack() as files, naming(self.name):
            path = files.enter_context(self.folder.fetched(self.name))
            if not path.exists():
                raise DataError(broken([f"{self.name} is missing"]))
            one = self.opener(path, self.name)
            weakref.finalize(one.read, files.pop_all().close)
            if one.num_categories != self.num_categories:
                raise DataError(f"has {one.num_categories} columns, not {self.num_categories}")
        rows = 0
        before: Callable[[], None] | None = partial(self.check, path)
        for part in one.read():
            yield _shifted(one, part, self.start, self.name, temperature, before)
            before = None
            rows += part.num_rows
        if rows != self.rows:
            raise DataError(broken([f"{self.name} is altered: it has {rows:,} rows"]))

    def load(self, temperature: float | None) -> Iterator[Batch]:
        """Yield its rows."""
        for part in self.parts(temperature):
            yield from part.load()


@dataclass(frozen=True)
class _Dataset:
    """Parts of a dataset as the source of samples.

    Attributes
    ----------
    files : list of _PartFile
        In the order of the rows.
    several : bool
        Whether rows state their temperature, of which the dataset has several.
    """

    files: list[_PartFile]
    several: bool

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return sum(file.rows for file in self.files)

    @property
    def temperatures(self) -> tuple[float, ...]:
        """Those that rows state."""
        return tuple(dict.fromkeys(file.temperature for file in self.files if self.several))

    def at(self, temperatures: Collection[float]) -> "_Dataset":
        """Return the parts at some temperatures."""
        return replace(self, files=[f for f in self.files if f.temperature in temperatures])

    def read(self) -> Iterator[Part]:
        """Yield parts of large files, and small files together.

        What a thread reads is merged with what others read, which takes as long as reading some
        hundred thousand values.
        """
        for temperature, files in self._groups():
            if len(files) == 1:
                yield from files[0].parts(temperature)
            else:
                yield _task(temperature, files)

    def tasks(self) -> Iterator[Part]:
        """Yield each large file, and small files together, for another process."""
        for temperature, files in self._groups():
            yield _task(temperature, files)

    def _groups(self) -> Iterator[tuple[float | None, list[_PartFile]]]:
        """Yield large files alone and small ones together, with what their rows state."""
        for temperature, own in groupby(self.files, key=self._stated):
            for files in _grouped(own):
                yield temperature, files

    def _stated(self, file: _PartFile) -> float | None:
        return file.temperature if self.several else None


def _task(temperature: float | None, files: list[_PartFile]) -> Part:
    """Return all rows of files as one part."""
    rows = sum(file.rows for file in files)
    if len(files) == 1:
        return Part(rows, partial(files[0].load, temperature))
    return Part(rows, partial(_together, files, temperature))


def _grouped(files: Iterable[_PartFile]) -> Iterator[list[_PartFile]]:
    """Yield files in groups of some values and files at most, or one by one."""
    group: list[_PartFile] = []
    values = 0
    for file in files:
        own = file.rows * file.num_categories
        full = values + own > batches.PART_VALUES or len(group) >= file.folder.together
        if group and full:
            yield group
            group, values = [], 0
        group.append(file)
        values += own
    if group:
        yield group


def _together(files: Sequence[_PartFile], temperature: float | None) -> Iterator[Batch]:
    """Yield the rows of small files, in few batches."""
    most = max(1, batches.BATCH_VALUES // files[0].num_categories)
    start, rows = files[0].start, 0
    held: list[FloatArray] = []
    for batch in chain.from_iterable(file.load(temperature) for file in files):
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
            one = opener(path, name, columns=columns)
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
