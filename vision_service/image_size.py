"""The size of an image as its file's header says it, read before anything is decoded, so that it can be refused."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from vision_service.jpeg import jpeg_header

Size = tuple[int, int]

_PNM = re.compile(rb"P[1-6]" + rb"(?:\s|#[^\n]*\n)+(\d{1,10})" * 2 + rb"(?!\d)")
_PFM = re.compile(rb"P[Ff]\s+(\d{1,10})\s+(\d{1,10})(?!\d)")
_PAM = re.compile(rb"^(WIDTH|HEIGHT)\s+(\d{1,10})\b", re.MULTILINE)
_HDR = re.compile(rb"^[-+]([XY])\s+(\d{1,10})\s+[-+]([XY])\s+(\d{1,10})\b", re.MULTILINE)
_LONGEST_TEXT = 1 << 16
"""Bytes of a textual header; more is none."""
_TIFF_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
"""How whole numbers of a TIFF are stored, by their type."""
_MOST_ENTRIES = 4096
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_TILE_WIDTH, _TIFF_TILE_HEIGHT = 256, 257, 322, 323


def size_in_header(data: bytes | memoryview) -> Size | None:
    """Return width and height that an image file claims; None = its format is not known here, or it does not say.

    Known are JPEG, PNG, GIF, BMP, TIFF (BigTIFF too), WebP, PNM, PAM, PFM, Sun raster, Radiance HDR and JPEG 2000. Of
    formats that have several sizes, as a TIFF its tiles, the largest that a decoder takes memory for is returned.

    Args:
        data: The file, or as much of its beginning as there is.
    """
    view = memoryview(data).cast("B")
    start = bytes(view[:16])
    for magics, read in _READERS:
        if start.startswith(magics):
            try:
                size = read(view)
            except (struct.error, OverflowError, ValueError):  # it stops within its header
                return None
            return size if size is not None and min(size) > 0 else None
    return None


def _jpeg(data: memoryview) -> Size | None:
    return jpeg_header(bytes(data)).size


def _png(data: memoryview) -> Size | None:
    return struct.unpack_from(">II", data, 16) if bytes(data[12:16]) == b"IHDR" else None


def _gif(data: memoryview) -> Size:
    return struct.unpack_from("<HH", data, 6)  # of the screen, which all its images are drawn on


def _bmp(data: memoryview) -> Size:
    (header,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header == 12 else "<ii", data, 18)
    return abs(width), abs(height)


def _tiff(data: memoryview) -> Size | None:
    order = "<" if bytes(data[:2]) == b"II" else ">"
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    (place,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, place)
    place += 8 if big else 2
    found: dict[int, int] = {}
    for entry in range(min(count, _MOST_ENTRIES)):
        at = place + entry * (20 if big else 12)
        tag, kind = struct.unpack_from(order + "HH", data, at)
        if kind in _TIFF_NUMBERS and tag in (_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_TILE_WIDTH, _TIFF_TILE_HEIGHT):
            (found[tag],) = struct.unpack_from(order + _TIFF_NUMBERS[kind], data, at + (12 if big else 8))
    if _TIFF_WIDTH not in found or _TIFF_HEIGHT not in found:
        return None
    whole = found[_TIFF_WIDTH], found[_TIFF_HEIGHT]
    tile = found.get(_TIFF_TILE_WIDTH, 0), found.get(_TIFF_TILE_HEIGHT, 0)
    return max(whole, tile, key=lambda size: size[0] * size[1])


def _webp(data: memoryview) -> Size | None:
    kind = bytes(data[12:16])
    if bytes(data[8:12]) != b"WEBP":
        return None
    if kind == b"VP8X" and len(data) >= 30:
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and bytes(data[23:26]) == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _pnm(data: memoryview) -> Size | None:
    found = _PNM.match(bytes(data[:_LONGEST_TEXT]))
    return (int(found[1]), int(found[2])) if found else None


def _pfm(data: memoryview) -> Size | None:
    found = _PFM.match(bytes(data[:_LONGEST_TEXT]))
    return (int(found[1]), int(found[2])) if found else None


def _pam(data: memoryview) -> Size | None:
    found = {name: int(number) for name, number in _PAM.findall(bytes(data[:_LONGEST_TEXT]).partition(b"ENDHDR")[0])}
    return (found[b"WIDTH"], found[b"HEIGHT"]) if len(found) == 2 else None


def _sun(data: memoryview) -> Size:
    return struct.unpack_from(">II", data, 4)


def _hdr(data: memoryview) -> Size | None:
    found = _HDR.search(bytes(data[:_LONGEST_TEXT]))
    sizes = {found[1]: int(found[2]), found[3]: int(found[4])} if found else {}
    return (sizes[b"X"], sizes[b"Y"]) if len(sizes) == 2 else None


def _jpeg_2000(data: memoryview) -> Size | None:
    start = bytes(data[:_LONGEST_TEXT]).find(b"\xff\x4f\xff\x51")  # start of codestream, and its size segment
    if start < 0:
        return None
    right, bottom, left, top = struct.unpack_from(">IIII", data, start + 8)
    return right - left, bottom - top


_READERS: tuple[tuple[tuple[bytes, ...], Callable[[memoryview], Size | None]], ...] = (
    ((b"\xff\xd8",), _jpeg),
    ((b"\x89PNG\r\n\x1a\n",), _png),
    ((b"GIF87a", b"GIF89a"), _gif),
    ((b"BM",), _bmp),
    ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _tiff),
    ((b"RIFF",), _webp),
    (tuple(b"P%d" % number for number in range(1, 7)), _pnm),
    ((b"PF", b"Pf"), _pfm),
    ((b"P7",), _pam),
    ((b"\x59\xa6\x6a\x95",), _sun),
    ((b"#?R",), _hdr),
    ((b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"), _jpeg_2000),
)
