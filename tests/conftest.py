"""Fixtures that several test modules share."""

import importlib
import os
from pathlib import Path
from types import ModuleType

import pytest

from gscli.errors import BrowserNotFoundError
from gscli.export import find_browser


@pytest.fixture(scope="session")
def torch() -> ModuleType:
    """PyTorch, an independent implementation; its absence fails where oracles are required."""
    return _oracle("torch", required=os.environ.get("GSCLI_REQUIRE_ORACLES") == "1")


@pytest.fixture(scope="session")
def jax() -> ModuleType:
    """JAX, another independent implementation."""
    return _oracle("jax", required=False)


@pytest.fixture(scope="session")
def chromium() -> Path:
    """A browser for image export; its absence fails where oracles are required."""
    try:
        return find_browser().path
    except BrowserNotFoundError as error:
        if os.environ.get("GSCLI_REQUIRE_ORACLES") == "1":
            pytest.fail(f"{error}; but GSCLI_REQUIRE_ORACLES=1 requires it")
        pytest.skip("there is no browser")


def _oracle(name: str, *, required: bool) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        if required:
            pytest.fail(f"{name} is not installed, but GSCLI_REQUIRE_ORACLES=1 requires it")
        pytest.skip(f"{name} is not installed")
