"""Whether video may be interlaced, by the headers that encoders (x264, x265, FFmpeg) write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.camera.interlaced import may_be_interlaced

INTERLACED = {
    "H.264 in MP4": (
        "h264",
        "0164001effe100186764001eacd940b424d8088000000300800000190f8a14cb01000668fba3cb22c0fdf8f800",
    ),
    "H.264 in a transport stream": (
        "h264",
        "0000016764001eacd940b424d8088000000300800000190f8a14cb0000000168fba3cb22c0",
    ),
    "HEVC in MP4": (
        "hevc",
        "0101600000004000000000003ff000fcfdf8f800000f04200001001840010c01ffff01600000030040000003000003003f959809210001"
        "002a42010101600000030040000003000003003fa00a080f165959a4932bc05a1a000003000200000300641022000100074401c172b462"
        "4027000100064e0181010f80",
    ),
    "HEVC in a transport stream": (
        "hevc",
        "00000140010c01ffff01600000030040000003000003003f95980900000001420101016000000300400000030000"
        "03003fa00a080f165959a4932bc05a1a0000030002000003006410000000014401c172b46240",
    ),
    "MPEG-2": ("mpg2", "000001b32d024013ffffe018000001b5148200010000"),
    "MPEG-4": (
        "FMP4",
        "000001b001000001b58913000001000000012000c48d8800cd1684481c43000001b24c61766335392e33372e313030",
    ),
    "DV": ("dvsd", ""),
    "ProRes": ("apch", ""),
}
PROGRESSIVE = {
    "H.264, baseline, in MP4": (
        "avc1",
        "0142c01fffe100176742c01fda014016ec0440000003004000000ca3c60ca801000468ce0fc8",
    ),
    "H.264 in a transport stream": (
        "h264",
        "0000016764001eacd940b4126c0440000003004000000c83c58b65800000000168ebe3cb22c0",
    ),
    "H.264 4:4:4 in FLV": (
        "h264",
        "01f4001effe1001a67f4001e919b2816824d80880000030008000003019078b16cb001000668ebe3c44844fff8f800",
    ),
    "HEVC in MP4": (
        "hvc1",
        "0101600000009000000000003cf000fcfdf8f800000f03200001001840010c01ffff01600000030090000003000003003c959809210001"
        "002a42010101600000030090000003000003003ca00a080f165959a4932bc05a02000003000200000300321022000100074401c172b462"
        "40",
    ),
    "MPEG-1": ("mpg1", "000001b30a00f013ffffe018"),
    "MPEG-2": ("mpg2", "000001b32d024013ffffe018000001b5148a00010000"),
    "MPEG-4": (
        "FMP4",
        "000001b001000001b58913000001000000012000c48d8800cd1684481443000001b24c61766335392e33372e313030",
    ),
    "Motion JPEG": ("MJPG", ""),
    "VP9": ("VP90", ""),
    "H.264 that says nothing": ("h264", ""),
}


@pytest.mark.parametrize("kind", INTERLACED)
def test_video_that_may_be_interlaced_is_known_by_its_headers(kind):
    fourcc, headers = INTERLACED[kind]
    assert may_be_interlaced(fourcc, bytes.fromhex(headers))


@pytest.mark.parametrize("kind", PROGRESSIVE)
def test_progressive_video_is_known_by_its_headers(kind):
    fourcc, headers = PROGRESSIVE[kind]
    assert not may_be_interlaced(fourcc, bytes.fromhex(headers))


@given(st.sampled_from(["h264", "hevc", "mpg2", "FMP4", "dvsd", "????"]), st.binary())
def test_headers_may_be_anything(fourcc, headers):
    may_be_interlaced(fourcc, headers)


@given(st.sampled_from([*INTERLACED.values(), *PROGRESSIVE.values()]), st.data())
def test_headers_may_be_cut_off_or_damaged(known, data):
    fourcc, headers = known
    damaged = bytearray(bytes.fromhex(headers))
    if damaged:
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(0, 255))
    may_be_interlaced(fourcc, bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))
