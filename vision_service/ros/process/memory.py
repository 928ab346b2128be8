"""How this process deals with the memory of images."""

from __future__ import annotations

import ctypes
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Numbers of glibc's mallopt(3)."""
LARGEST = 32 * 2**20
"""Up to this many bytes, an array's memory is kept for the next one; glibc allows no more."""
KEPT = 256 * 2**20
"""Up to this many free bytes are kept."""
ARENAS = 2
"""How many pools of memory there are for all threads; by default there are up to eight for each core, each of which
keeps what its threads have let go. More would hardly be used side by side: Python runs one thread at a time."""


def keep_freed_memory() -> None:
    """Keep the memory of an image that is let go for the next one.

    By default glibc gives it back at once, and the system hands it out again page by page, filled with zeros: a call
    with 640×480 pixels takes more than 1 ms longer for it (docs/benchmarks/calls.md). What one thread lets go, others
    get too. Other C libraries are left as they are.
    """
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, LARGEST)
        mallopt(M_TRIM_THRESHOLD, KEPT)
        mallopt(M_ARENA_MAX, ARENAS)
