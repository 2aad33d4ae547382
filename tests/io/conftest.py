"""Folders that tests of datasets write to."""

from pathlib import Path

import pytest

from gscli.io.folders import Folder, folder_at


@pytest.fixture(params=["disk", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """Return an empty folder, on the disk and behind a URL."""
    if request.param == "disk":
        return folder_at(tmp_path)
    files = pytest.importorskip("fsspec").filesystem("memory")
    if files.exists("/tests"):
        files.rm("/tests", recursive=True)
    return folder_at("memory://tests")
