"""JPEG, and frames of Motion JPEG as they come from cameras: checked and measured without being decoded.

What a JPEG is, its segments say, from the first one on. Whatever follows its end (the video of a motion photo, a second
image, a vendor's notes, padding) is none of it, and its bytes may look like anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from vision_service.errors import ErrorCode, VisionError
from vision_service.opencv import cv2

START = b"\xff\xd8"
_END, _HUFFMAN, _SCAN, _APPLICATION_1 = 0xD9, 0xC4, 0xDA, 0xE1
_APPLICATIONS, _ADOBE, _COMMENT = range(0xE0, 0xF0), 0xEE, 0xFE
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""The markers that begin a frame header, by kind of compression (ITU-T T.81, table B.1)."""
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xDA)}
_MARKER = re.compile(rb"\xff[^\x00\xff]")
"""The next marker; before it, any number of fill bytes may stand, and decoders skip what is no marker at all."""
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""The next marker in the data of a scan, where 0xFF stands for itself if a zero follows, or begins a restart marker."""


class _Segment(NamedTuple):
    """A part of a JPEG.

    Attributes:
        marker: Its second byte.
        start: Where the marker is.
        content: Where what follows its length is; of a marker without length, where it ends.
        end: Where the segment ends; of a scan, its header.
    """

    marker: int
    start: int
    content: int
    end: int


class JpegHeader(NamedTuple):
    """What a JPEG says of itself before its pixels.

    Attributes:
        size: Width and height, pixels; None = it does not say.
        tables: Whether it has Huffman tables.
        scan: Where its first scan begins; None = there is none.
        exif: Whether it has Exif, which may say that it is to be turned when it is shown.
    """

    size: tuple[int, int] | None
    tables: bool
    scan: int | None
    exif: bool


def jpeg_of(data: bytes, header: JpegHeader | None = None) -> tuple[bytes, tuple[int, int]]:
    """Return a frame as a whole JPEG file, and its width and height in pixels.

    Cameras pad their frames, and leave out the Huffman tables where these are the standard's own; what follows the end
    is cut off and the tables are put in.

    Args:
        data: The frame.
        header: What `jpeg_header` returns of it, if that is known; it is not looked at again then.

    Raises:
        VisionError: CAMERA_ERROR, if the bytes are no JPEG, or stop in the middle.
    """
    header = header or jpeg_header(data)
    end = jpeg_end(data, header)
    if header.size is None or header.scan is None or end is None:
        msg = f"a frame of {len(data)} bytes that is no JPEG, or is cut off"
        raise VisionError(ErrorCode.CAMERA_ERROR, msg)
    if header.tables:
        return data[:end], header.size
    return data[: header.scan] + _standard_tables() + data[header.scan : end], header.size


def jpeg_header(data: bytes) -> JpegHeader:
    """Return what a JPEG says of itself before its pixels; of bytes that are none, nothing."""
    size, tables, exif = None, False, False
    for segment in _segments(data):
        if segment.marker == _SCAN:
            return JpegHeader(size, tables, segment.start, exif)
        if segment.marker in _FRAMES and segment.content + 5 <= len(data):
            frame = data[segment.content : segment.content + 5]
            height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:], "big")
            size = (width, height) if width and height else None
        tables = tables or segment.marker == _HUFFMAN
        exif = exif or (segment.marker == _APPLICATION_1 and data.startswith(b"Exif\0\0", segment.content))
    return JpegHeader(size, tables, None, exif)


def bare_jpeg(data: bytes) -> bytes:
    """Return a JPEG without what is not needed to decode it, its frame header first; what is no JPEG, as it is.

    Programs that look for the size themselves may pass over segments wrongly (Exif of more than 255 bytes; tables
    before the frame header). What a decoder needs may stand in any order before the scan (ITU-T T.81, B.2.4). Adobe's
    segment stays, because it says how the colours are stored.
    """
    first: list[bytes] = []
    rest: list[bytes] = []
    for segment in _segments(data):
        if segment.marker == _SCAN:
            return b"".join([START, *first, *rest, data[segment.start :]])
        part = data[segment.start : segment.end]
        if segment.marker in _FRAMES:
            first.append(part)
        elif segment.marker == _COMMENT or (segment.marker in _APPLICATIONS and segment.marker != _ADOBE):
            continue
        else:
            rest.append(part)
    return data


def jpeg_end(data: bytes, header: JpegHeader | None = None) -> int | None:
    """Return where a JPEG ends, behind its end marker; None if the bytes are no JPEG, or stop before its end.

    Args:
        data: The JPEG.
        header: What `jpeg_header` returns of it, if that is known; it is not looked at again then.
    """
    scanned = False
    for segment in _segments(data, (header.scan if header else None) or len(START)):
        scanned = scanned or segment.marker == _SCAN
        if segment.marker == _END:
            return segment.end if scanned else None
    return None


def _segments(data: bytes, start: int = len(START)) -> Iterator[_Segment]:
    """Yield the segments of a JPEG, from the one at `start` to its end, or to where they stop being some."""
    found = _MARKER.search(data, start) if data.startswith(START) else None
    while found:
        position = found.start()
        marker = data[position + 1]
        alone = marker in _WITHOUT_LENGTH
        length = 0 if alone else int.from_bytes(data[position + 2 : position + 4], "big")
        if length < 2 and not alone:
            return
        end = position + 2 + length
        yield _Segment(marker, position, end if alone else position + 4, end)
        found = (_AFTER_SCAN if marker == _SCAN else _MARKER).search(data, end) if marker != _END else None


@lru_cache(maxsize=1)
def _standard_tables() -> bytes:
    """Return the segments with the Huffman tables of the standard (annex K.3), which OpenCV's encoder uses too."""
    data = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes()
    return b"".join(data[segment.start : segment.end] for segment in _segments(data) if segment.marker == _HUFFMAN)
