"""Fixtures that several test modules share."""

import importlib
import os
from typing import Any

import pytest


@pytest.fixture
def torch() -> Any:
    """PyTorch, an independent implementation; skipped where it is missing, unless required."""
    try:
        return importlib.import_module("torch")
    except ImportError:
        if os.environ.get("GSCLI_REQUIRE_ORACLES") == "1":
            raise
        pytest.skip("torch is not installed")
