"""SHA-256 of contents, by which files are told apart.

hashlib loads OpenSSL, which takes 3.6 MB of a process. Python has a plain implementation beside it, which is slower:
that is for contents up to a size that it takes little time for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

LARGE = 16 << 20
"""From how many bytes on OpenSSL's speed is worth its memory."""
_PLAIN = ("_sha2", "_sha256")
"""Python's own modules since 3.12, and before; where it was built without them, there is hashlib."""


def sha256(size: int) -> Any:
    """Return a new SHA-256, as :func:`hashlib.sha256` does.

    Args:
        size: Of how many bytes it is going to be.
    """
    return (_plain() if size < LARGE else _fast())()


def sha256_of(data: bytes) -> Any:
    """Return the SHA-256 of bytes, as :func:`hashlib.sha256` does."""
    found = sha256(len(data))
    found.update(data)
    return found


@cache
def _plain() -> Callable[[], Any]:
    for name in _PLAIN:
        try:
            return importlib.import_module(name).sha256  # type: ignore[no-any-return]
        except (ImportError, AttributeError):
            continue
    return _fast()


def _fast() -> Callable[[], Any]:
    import hashlib

    return hashlib.sha256
