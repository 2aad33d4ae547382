"""Fixtures shared by the tests."""

import importlib
import os
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def torch() -> ModuleType:
    """PyTorch, an independent implementation; its absence fails where oracles are required."""
    return _oracle("torch")


@pytest.fixture(scope="session")
def jax() -> ModuleType:
    """JAX, another independent implementation."""
    try:
        return importlib.import_module("jax")
    except ImportError:
        pytest.skip("jax is not installed")


def _oracle(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        if os.environ.get("GSCLI_REQUIRE_ORACLES") == "1":
            pytest.fail(f"{name} is not installed, but GSCLI_REQUIRE_ORACLES=1 requires it")
        pytest.skip(f"{name} is not installed")
