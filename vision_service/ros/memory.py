"""How this process deals with the memory of images."""

from __future__ import annotations

import ctypes
from contextlib import suppress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of glibc's mallopt(3)."""
LARGEST = 32 * 2**20
"""Up to this many bytes, an array's memory is kept for the next one; glibc allows no more."""
KEPT = 256 * 2**20
"""Up to this many free bytes are kept."""


def keep_freed_memory() -> None:
    """Keep the memory of an image that is let go for the next one.

    By default glibc gives it back at once, and the system hands it out again page by page, filled with zeros: a call
    with 640×480 pixels takes more than 1 ms longer for it (docs/benchmarks/calls.md). Other C libraries are left as
    they are.
    """
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, LARGEST)
        mallopt(M_TRIM_THRESHOLD, KEPT)
