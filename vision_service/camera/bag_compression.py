"""What bags have compressed, decompressed as far as there is room for it: a small file may hold very much."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from vision_service.errors import ErrorCode, VisionError, missing_package

LARGEST_PART = 1 << 30
"""Of a chunk or message, decompressed, bytes: recorders write chunks of a few megabytes, and messages of their size."""
ROOM_TO_LEAVE = 512 << 20
"""How much of a disk a file that is decompressed may not take, bytes."""

_STEP = 16 << 20  # bytes at once


def decompressed(data: bytes) -> bytes:
    """Return what a message or chunk that is compressed by zstd holds; of one that is cut off, what there is.

    Raises:
        ValueError: It holds more than LARGEST_PART.
        VisionError: NOT_SUPPORTED, without the package zstandard.
    """
    reader = _zstandard().ZstdDecompressor().stream_reader(io.BytesIO(data))
    parts: list[bytes] = []
    size = 0
    for part in _parts(reader):
        parts.append(part)
        size += len(part)
        check_part(size)
    return b"".join(parts)


def check_chunk(compression: str, data: bytes, size: int) -> None:
    """Raise ValueError if a chunk says that it holds more than LARGEST_PART; libraries take as much as it says.

    Args:
        compression: Of the chunk: zstd, or another.
        data: What is compressed.
        size: What it holds, bytes, as the chunk says.
    """
    check_part(size)
    if compression == "zstd":
        check_part(_zstandard().frame_content_size(data))  # -1 = it does not say


def check_part(size: int) -> None:
    """Raise ValueError if a chunk or message of so many bytes, decompressed, is too large."""
    if size > LARGEST_PART:
        msg = f"a part of it holds more than {LARGEST_PART >> 20} MiB, decompressed"
        raise ValueError(msg)


def decompress_file(file: Path, target: Path) -> None:
    """Write what a file that is compressed by zstd holds to another one; of one that is cut off, what there is.

    Raises:
        OSError: It cannot be written.
        VisionError: INVALID_ARGUMENT, if there would be no room left; NOT_SUPPORTED, without the package zstandard.
    """
    with file.open("rb") as source, target.open("wb") as written:
        reader = _zstandard().ZstdDecompressor().stream_reader(source, read_across_frames=True)
        for part in _parts(reader):
            room = shutil.disk_usage(target.parent).free - len(part)
            if room < ROOM_TO_LEAVE:
                msg = (
                    f"the file {str(file)!r} of a bag cannot be read: there is no room for it in"
                    f" {target.parent.parent}, decompressed; set TMPDIR to a folder on a larger disk, or decompress the"
                    f" file there: zstd -d {file}"
                )
                raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
            written.write(part)


def _parts(reader: IO[bytes]) -> Iterator[bytes]:
    try:
        while part := reader.read(_STEP):
            yield part
    except EOFError:  # it is cut off
        return


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError:
        raise missing_package("zstandard", "the driver 'replay' of compressed bags", extra="bags") from None
    return zstandard
