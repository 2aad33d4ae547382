"""What arrays leave is kept, so that the next ones fault no pages anew."""

import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from gscli.execution.memory import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
for _ in range(3):
    np.ones(2**20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    np.ones(2**20), np.ones(2**20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_freed_memory_is_used_again() -> None:
    returned, kept = (
        int(subprocess.check_output([sys.executable, "-c", FAULTS, how]))
        for how in ("returned", "kept")
    )
    assert returned > 20 * 1000
    assert kept < 1000
