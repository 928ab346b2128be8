"""Whether video may be interlaced, by its codec's headers, and whether this OpenCV can read that.

From release 4.13 on, OpenCV does not convert interlaced frames, does not say so, and hands out whatever its memory held
before: black, an earlier frame, or anything. Its values do not tell, and OpenCV does not either, so the headers must.
"""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path

import cv2

_H264 = {"h264", "avc1", "avc3", "x264", "davc"}
_HEVC = {"hevc", "hvc1", "hev1", "h265", "x265"}
_MPEG2 = {"mpg2", "mpeg", "mpgv", "m2v1", "mp2v", "dvr ", "xdv1", "xdvb", "mx5p", "hdv2", "hdv3"}
_MPEG4 = {"mp4v", "fmp4", "divx", "xvid", "dx50", "m4s2", "mpeg4", "mpg4"}
_OFTEN = {
    "dvsd",
    "dvcp",
    "dv5p",
    "dvpp",
    "dvc ",
    "dvhd",
    "dvhp",
    "dvh5",
    "wvc1",
    "wmva",
    "apch",
    "apcn",
    "apcs",
    "apco",
}
_OFTEN |= {"ap4h", "ap4x", "avdn", "avdh", "hfyu", "ffvh", "ffv1", "v210", "2vuy", "uyvy", "yuy2", "avrp"}

_WHITE = bytes.fromhex(
    "000001b301001013ffffe018000001b5148200010000000001b800080040000001"
    "00000ffff8000001b58ffff38000000101137dae94a44400000102137dae94a444"
)
"""An MPEG-2 video of one interlaced, white image of 16×16 pixels."""


@lru_cache(maxsize=1)
def opencv_spoils_interlaced() -> bool:
    """Return whether this OpenCV spoils interlaced video; tried once, with a white image."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "white.m2v"
        file.write_bytes(_WHITE)
        capture = cv2.VideoCapture(str(file), cv2.CAP_FFMPEG)
        read, pixels = capture.read()
        capture.release()
    return bool(not read or pixels.min() < 128)


def may_be_interlaced(fourcc: str, headers: bytes) -> bool:
    """Return whether frames of a video may be interlaced.

    Args:
        fourcc: Of the codec.
        headers: The codec's, as containers and session descriptions give them ("extradata").
    """
    codec = fourcc.lower()
    if codec in _H264:
        return any(_h264(unit) for unit in _units(headers) if unit and unit[0] & 0x1F == 7)
    if codec in _HEVC:
        return any(_hevc(unit) for unit in _units(headers) if len(unit) > 1 and (unit[0] >> 1) & 0x3F == 33)
    if codec in _MPEG2:
        at = headers.find(b"\x00\x00\x01\xb5")
        return at >= 0 and len(headers) > at + 5 and headers[at + 4] >> 4 == 1 and not headers[at + 5] & 0x08
    if codec in _MPEG4:
        return _mpeg4(headers)
    return codec in _OFTEN


class _Bits:
    """Reads numbers from bits, the first bit of a byte being its highest."""

    def __init__(self, data: bytes) -> None:
        self._number, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        """Return the next so many bits as a number; raise EOFError, if there are not so many."""
        self._left -= count
        if self._left < 0:
            raise EOFError
        return (self._number >> self._left) & ((1 << count) - 1)

    def exponential(self) -> int:
        """Return an unsigned number in Exp-Golomb code (ITU-T H.264, 9.1)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


def _units(headers: bytes) -> list[bytes]:
    """Return the NAL units of headers, without start codes or lengths, and without emulation prevention."""
    if not headers.startswith((b"\x00\x00\x01", b"\x00\x00\x00\x01")) and headers[:1] == b"\x01":
        units = _configured(headers)
    else:
        units = [unit.rstrip(b"\x00") for unit in headers.split(b"\x00\x00\x01")]
    return [unit.replace(b"\x00\x00\x03", b"\x00\x00") for unit in units]


def _configured(headers: bytes) -> list[bytes]:
    """Return the NAL units of a decoder configuration (ISO/IEC 14496-15): of avcC, or of hvcC."""
    units: list[bytes] = []
    # Of hvcC, byte 13 begins with four ones; byte 5 of avcC begins with three, and a set follows.
    if len(headers) > 8 and headers[5] & 0xE0 == 0xE0 and headers[8] & 0x1F == 7:
        length = int.from_bytes(headers[6:8], "big")
        return [headers[8 : 8 + length]]
    place = 23
    for _ in range(headers[22] if len(headers) > 22 else 0):
        count, place = int.from_bytes(headers[place + 1 : place + 3], "big"), place + 3
        for _ in range(count):
            length = int.from_bytes(headers[place : place + 2], "big")
            units.append(headers[place + 2 : place + 2 + length])
            place += 2 + length
    return units


def _h264(unit: bytes) -> bool:
    """Return whether a sequence parameter set allows fields (ITU-T H.264, 7.3.2.1.1: frame_mbs_only_flag)."""
    bits = _Bits(unit[1:])
    try:
        profile = bits.take(8)
        bits.take(16)
        bits.exponential()
        if profile in {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}:
            chroma = bits.exponential()
            if chroma == 3:
                bits.take(1)
            bits.exponential()
            bits.exponential()
            bits.take(1)
            if bits.take(1):
                for number in range(8 if chroma != 3 else 12):
                    if bits.take(1):
                        _skip_scaling(bits, 16 if number < 6 else 64)
        bits.exponential()
        order = bits.exponential()
        if order == 0:
            bits.exponential()
        elif order == 1:
            bits.take(1)
            for _ in range(2):
                bits.exponential()
            for _ in range(bits.exponential()):
                bits.exponential()
        bits.exponential()
        bits.take(1)
        bits.exponential()
        bits.exponential()
        return not bits.take(1)
    except EOFError:
        return False


def _skip_scaling(bits: _Bits, count: int) -> None:
    last, following = 8, 8
    for _ in range(count):
        if following:
            code = bits.exponential()
            following = (last + ((code + 1) // 2 if code % 2 else -(code // 2))) % 256
        last = following or last


def _hevc(unit: bytes) -> bool:
    """Return whether a sequence parameter set says that its source is interlaced (ITU-T H.265, 7.3.3)."""
    bits = _Bits(unit[2:])
    try:
        bits.take(4 + 3 + 1)
        bits.take(2 + 1 + 5 + 32)
        progressive, interlaced = bits.take(1), bits.take(1)
        return bool(interlaced and not progressive)
    except EOFError:
        return False


def _mpeg4(headers: bytes) -> bool:
    """Return whether a video object layer is interlaced (ISO/IEC 14496-2, 6.2.3)."""
    start = next(
        (at for at in range(len(headers) - 4) if headers[at : at + 3] == b"\x00\x00\x01" and headers[at + 3] >> 4 == 2),
        -1,
    )
    if start < 0:
        return False
    bits = _Bits(headers[start + 4 :])
    try:
        bits.take(1 + 8)
        version = 1
        if bits.take(1):
            version = bits.take(4)
            bits.take(3)
        if bits.take(4) == 15:
            bits.take(16)
        if bits.take(1):
            bits.take(2 + 1)
            if bits.take(1):
                bits.take(15 + 1 + 15 + 1 + 15 + 1 + 3 + 11 + 1 + 15 + 1)
        if bits.take(2) != 0:  # another shape than a rectangle
            return version > 1
        bits.take(1)
        resolution = bits.take(16)
        bits.take(1)
        if bits.take(1):
            bits.take(max(1, (resolution - 1).bit_length()))
        bits.take(1 + 13 + 1 + 13 + 1)
        return bool(bits.take(1))
    except EOFError:
        return False
