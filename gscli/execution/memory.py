"""Memory that is freed and needed again at once."""

import sys
from contextlib import suppress
from functools import cache

KEPT = 2**25
"""Bytes; glibc allows no more for `M_MMAP_THRESHOLD`."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3


@cache
def keep_freed_memory() -> None:
    """Let this process keep what its arrays leave, for the next ones.

    By default, and as Dask sets it in its workers, the C library returns it to the system, and each
    page of it faults anew: 200,000 times in `check` of 10^7 rows, a quarter of its time.
    """
    if sys.platform != "linux":
        return
    import ctypes

    with suppress(AttributeError, OSError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_TRIM_THRESHOLD, KEPT)
        mallopt(M_MMAP_THRESHOLD, KEPT)
