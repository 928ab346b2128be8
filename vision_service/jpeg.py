"""JPEG, and frames of Motion JPEG as they come from cameras: checked and measured without being decoded."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from vision_service.errors import ErrorCode, VisionError

START, END = b"\xff\xd8", b"\xff\xd9"
_HUFFMAN, _SCAN = 0xC4, 0xDA
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""The markers that begin a frame header, by kind of compression (ITU-T T.81, table B.1)."""


def jpeg_of(data: bytes) -> tuple[bytes, tuple[int, int]]:
    """Return a frame as a whole JPEG file, and its width and height in pixels.

    Cameras pad their frames with zeros, and leave out the Huffman tables where these are the standard's own; the
    padding is cut off and the tables are put in.

    Raises:
        VisionError: CAMERA_ERROR, if the bytes are no JPEG, or stop in the middle.
    """
    end = data.rfind(END)
    size, tables, scan = _headers(data)
    if size is None or scan is None or end < scan:
        msg = f"a frame of {len(data)} bytes that is no JPEG, or is cut off"
        raise VisionError(ErrorCode.CAMERA_ERROR, msg)
    whole = data[: end + len(END)]
    return (whole if tables else whole[:scan] + _standard_tables() + whole[scan:]), size


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels as a JPEG's header has them; None if there is no such header."""
    return _headers(data)[0]


def _headers(data: bytes) -> tuple[tuple[int, int] | None, bool, int | None]:
    """Return the size, whether there are Huffman tables, and where the first scan begins."""
    size, tables, position = None, False, len(START)
    while data.startswith(START) and position + 4 <= len(data) and data[position] == 0xFF:
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == _SCAN:
            return size, tables, position
        if marker in _FRAMES and position + 9 <= len(data):
            height, width = (int.from_bytes(data[position + at : position + at + 2], "big") for at in (5, 7))
            size = (width, height) if width and height else None
        tables = tables or marker == _HUFFMAN
        position += 2 + length
    return size, tables, None


@lru_cache(maxsize=1)
def _standard_tables() -> bytes:
    """Return the segments with the Huffman tables of the standard (annex K.3), which OpenCV's encoder uses too."""
    data = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes()
    found, position = b"", len(START)
    while data[position + 1] != _SCAN:
        length = 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if data[position + 1] == _HUFFMAN:
            found += data[position : position + length]
        position += length
    return found
