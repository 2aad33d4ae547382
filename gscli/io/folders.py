"""Folders of datasets: on a disk, or behind a URL that fsspec knows, such as ``s3://``."""

import importlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from gscli.errors import GscliError, OutputError
from gscli.io.atomic import writing
from gscli.io.temporary import temporary_folder

URL = re.compile(r"[a-z][a-z0-9+.-]*://.+", re.DOTALL)


def is_url(path: object) -> bool:
    """Return whether a path is a URL.

    Examples
    --------
    >>> is_url("s3://bucket/samples"), is_url(Path("samples"))
    (True, False)
    """
    return URL.fullmatch(str(path)) is not None


class Folder:
    """A folder on a disk, which all processes that write or read there see by the same path.

    Parameters
    ----------
    place : str or Path
        Its path.
    """

    together = 256
    """Small files of it that a thread reads at a time: opening a dataset reads so many at most."""

    def __init__(self, place: str | Path) -> None:
        self.label = str(place)
        # Another process has another working directory.
        self.path = Path(os.path.abspath(place))  # noqa: PTH100  (links stay)

    def sizes(self, names: Sequence[str]) -> Iterator[int | None]:
        """Yield the bytes of files, None of those that do not exist."""
        for name in names:
            try:
                yield (self.path / name).stat().st_size
            except (FileNotFoundError, NotADirectoryError):
                yield None

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises
        ------
        FileNotFoundError
            If it does not exist.
        """
        return (self.path / name).read_bytes()

    @contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        """Yield a file of the disk with the content of a file, which may not exist."""
        yield self.path / name

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """Open a file that appears whole at the end of the block, in place of an older one."""
        path = self.path / name
        try:
            if path.parent != self.path and self.path.is_dir():
                path.parent.mkdir(exist_ok=True)
            with writing(path, overwrite=True) as file:
                yield file
        except OutputError as error:
            raise OutputError(str(error).replace(str(self.path), self.label)) from error


class RemoteFolder(Folder):
    """A folder behind a URL.

    Parameters
    ----------
    place : str
        The URL.
    """

    together = 1

    def __init__(self, place: str) -> None:
        self.label = place
        self.url = place.rstrip("/")

    def sizes(self, names: Sequence[str]) -> Iterator[int | None]:
        """Yield the bytes of files, None of those that do not exist."""
        with self._files() as (files, root):
            files.invalidate_cache()
            found = files.find(root, detail=True) if files.exists(root) else {}
        known = {path.removeprefix(root).lstrip("/"): each["size"] for path, each in found.items()}
        yield from map(known.get, names)

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        with self._files() as (files, root):
            content: bytes = files.cat_file(f"{root}/{name}")
            return content

    def write(self, name: str, content: bytes, *, new: bool = False) -> None:
        """Write a small file; raise `FileExistsError` if it has to be a new one and is not."""
        with self._files() as (files, root):
            files.pipe_file(f"{root}/{name}", content, mode="create" if new else "overwrite")

    def names(self) -> set[str]:
        """Return the first parts of the names of all files."""
        with self._files() as (files, root):
            files.invalidate_cache()
            found = files.ls(root, detail=False) if files.exists(root) else ()
        return {path.rstrip("/").rpartition("/")[2] for path in found}

    def remove(self, name: str) -> None:
        """Delete a file."""
        with self._files() as (files, root):
            files.rm_file(f"{root}/{name}")

    @contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        """Yield a copy of a file on the disk, which does not exist if the file does not."""
        with temporary_folder() as place:
            copy = place / Path(name).name
            with self._files() as (files, root):
                if files.exists(f"{root}/{name}"):
                    files.get_file(f"{root}/{name}", str(copy))
            yield copy

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """Open a temporary file whose content is sent to its place at the end of the block."""
        with temporary_folder() as place:
            copy = place / Path(name).name
            try:
                with copy.open("wb") as file:
                    yield file
            except OSError as error:
                raise OutputError(f"{copy}: {error.strerror or error}") from error
            with self._files() as (files, root):
                files.put_file(str(copy), f"{root}/{name}")

    @contextmanager
    def _files(self) -> Iterator[tuple[Any, str]]:
        """Yield the file system and the path in it, and name the folder in an error."""
        try:
            yield importlib.import_module("fsspec.core").url_to_fs(self.url)
        except (FileNotFoundError, FileExistsError, GscliError):
            raise
        except ImportError as error:
            remedy = "pip install 'gscli[dask]'" if error.name == "fsspec" else str(error)
            raise OutputError(f"{self.label} needs a package: {remedy}") from error
        except Exception as error:  # each file system has errors of its own
            raise OutputError(f"{self.label}: {str(error) or type(error).__name__}") from error


def folder_at(place: str | Path) -> Folder:
    """Return the folder of a path or a URL."""
    return RemoteFolder(place) if isinstance(place, str) and is_url(place) else Folder(place)
