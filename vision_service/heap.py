"""What the C library keeps of memory that was freed; nothing, where that is not glibc."""

from __future__ import annotations

import ctypes
from contextlib import suppress

ARENAS = 2
"""In how many places threads allocate: by default eight for each core, each of which keeps some."""
_M_ARENA_MAX = -8  # malloc.h


def have_few_arenas() -> None:
    """Let the threads of this process share their places to allocate; to be called before there are others."""
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Give the system back what was freed; takes some milliseconds, so it is for when much was made and forgotten."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
