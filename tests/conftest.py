"""Fixtures that several test modules share."""

import importlib
import os
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def torch() -> ModuleType:
    """PyTorch, an independent implementation; its absence fails where oracles are required."""
    return _oracle("torch", required=os.environ.get("GSCLI_REQUIRE_ORACLES") == "1")


@pytest.fixture(scope="session")
def jax() -> ModuleType:
    """JAX, another independent implementation."""
    return _oracle("jax", required=False)


def _oracle(name: str, *, required: bool) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        if required:
            pytest.fail(f"{name} is not installed, but GSCLI_REQUIRE_ORACLES=1 requires it")
        pytest.skip(f"{name} is not installed")
