"""Whether a file that was read is another one now: by its content, looked at only if its time or size is another."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from vision_service.files import read_regular, resolve


@dataclass(frozen=True)
class Fingerprint:
    """What a file was when it was read.

    Attributes:
        path: The file's.
        stamp: When it was changed last, nanoseconds, and its size, bytes; empty = it could not be read.
        digest: Of its content.
    """

    path: str
    stamp: tuple[int, ...]
    digest: bytes

    @classmethod
    def of(cls, path: str | Path) -> Fingerprint:
        """Return what a file is now.

        Args:
            path: The file's; one that cannot be read has an empty fingerprint.
        """
        try:
            file = resolve(path)
            stamp = _stamp(file)
            return cls(str(path), stamp, hashlib.sha256(read_regular(file)).digest())
        except (OSError, RuntimeError, ValueError):
            return cls(str(path), (), b"")

    @property
    def outdated(self) -> bool:
        """Whether the file has another content now."""
        try:
            if _stamp(resolve(self.path)) == self.stamp:
                return False
        except (OSError, RuntimeError, ValueError):
            return bool(self.stamp)
        return Fingerprint.of(self.path).digest != self.digest


def _stamp(file: Path) -> tuple[int, ...]:
    found = file.stat()
    return found.st_mtime_ns, found.st_size
