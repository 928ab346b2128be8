"""Whether a file that was read has been written since: by its time, size and place, without reading it again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from vision_service.digests import sha256
from vision_service.files import open_regular, resolve

CHUNK = 1 << 20
"""Of how many bytes of a file a digest is taken at a time."""


@dataclass(frozen=True)
class Fingerprint:
    """What a file was when it was read.

    Attributes:
        path: The file's.
        stamp: When it was changed last, nanoseconds, its size, bytes, and its number in its file system; empty = it
            was not there.
    """

    path: str
    stamp: tuple[int, ...]

    @classmethod
    def of(cls, path: str | Path) -> Fingerprint:
        """Return what a file is now.

        Args:
            path: The file's.
        """
        return cls(str(path), _stamp(path))

    @property
    def outdated(self) -> bool:
        """Whether the file has been written since; asked in executors, so its content is not looked at."""
        return _stamp(self.path) != self.stamp


def _stamp(path: str | Path) -> tuple[int, ...]:
    try:
        found = resolve(path).stat()
    except (OSError, RuntimeError, ValueError):
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino


def digest(path: str | Path) -> str:
    """Return the SHA-256 of a regular file, hexadecimal; empty for what cannot be read, or is none."""
    try:
        with open_regular(path) as file:
            found = sha256(os.fstat(file.fileno()).st_size)
            while part := file.read(CHUNK):
                found.update(part)
    except (OSError, RuntimeError, ValueError):
        return ""
    return found.hexdigest()
