"""Headers of image files that claim any size, with nothing or little behind them: they must be refused by that."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *, bits: int = 8, color: int = 2) -> bytes:
    """Return the beginning of a PNG."""
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0))


def jpeg(width: int, height: int) -> bytes:
    """Return the frame header of a JPEG, a scan's, and the end."""
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8" + frame + b"\xff\xda" + struct.pack(">HB", 8, 1) + b"\x01\x00\x00\x3f\x00" + b"\xff\xd9"


def _tiff(width: int, height: int) -> bytes:
    entries = b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in ((256, width), (257, height)))
    return b"MM\0*" + struct.pack(">IH", 8, 2) + entries + bytes(4)


def _big_tiff(width: int, height: int) -> bytes:
    entries = b"".join(struct.pack("<HHQQ", tag, 16, 1, value) for tag, value in ((256, width), (257, height)))
    return b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, 2) + entries + bytes(8)


def _tiles(width: int, height: int) -> bytes:
    sizes = ((256, 1), (257, 1), (322, width), (323, height))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sizes)
    return b"II*\0" + struct.pack("<IH", 8, 4) + entries + bytes(4)


def _webp(width: int, height: int) -> bytes:
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<II", 10, 0) + canvas


def _webp_lossless(width: int, height: int) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    return b"RIFF" + struct.pack("<I", 18) + b"WEBPVP8L" + struct.pack("<IBI", 5, 0x2F, bits)


def _jpeg_2000(width: int, height: int) -> bytes:
    return b"\xff\x4f\xff\x51" + struct.pack(">HHIIIIIIIIH", 41, 0, width, height, 0, 0, width, height, 0, 0, 1)


HEADERS: dict[str, Callable[[int, int], bytes]] = {
    "JPEG": jpeg,
    "PNG": png,
    "GIF": lambda width, height: b"GIF89a" + struct.pack("<HH", width, height) + bytes(3),
    "BMP": lambda width, height: b"BM" + bytes(12) + struct.pack("<IiiHH", 40, width, -height, 1, 24) + bytes(24),
    "BMP of OS/2": lambda width, height: b"BM" + bytes(12) + struct.pack("<IHHHH", 12, width, height, 1, 24),
    "TIFF": _tiff,
    "BigTIFF": _big_tiff,
    "TIFF of one tile": _tiles,
    "WebP": _webp,
    "WebP, lossless": _webp_lossless,
    "PNM": lambda width, height: b"P6 # a camera\n%d\n# rows\n %d\n255\n" % (width, height),
    "PAM": lambda width, height: b"P7\nHEIGHT %d\nWIDTH %d\nDEPTH 3\nMAXVAL 255\nENDHDR\n" % (height, width),
    "PFM": lambda width, height: b"Pf\n%d %d\n-1.0\n" % (width, height),
    "Sun raster": lambda width, height: b"\x59\xa6\x6a\x95" + struct.pack(">II", width, height) + bytes(20),
    "Radiance HDR": lambda width, height: b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % (height, width),
    "JPEG 2000": _jpeg_2000,
}
"""By format, what makes a header of a width and height."""
