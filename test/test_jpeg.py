"""Frames of Motion JPEG: checked, measured and made whole without being decoded."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import grey_jpeg, noise
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import decode
from vision_service.jpeg import jpeg_end, jpeg_header, jpeg_of

JPEG = grey_jpeg(120, (64, 48))


def without_tables(data):
    """Return a JPEG without its Huffman tables, as cameras send it."""
    position, kept = 2, data[:2]
    while data[position + 1] != 0xDA:
        length = 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if data[position + 1] != 0xC4:
            kept += data[position : position + length]
        position += length
    return kept + data[position:]


def refused(data):
    with pytest.raises(VisionError) as caught:
        jpeg_of(data)
    assert caught.value.code == ErrorCode.CAMERA_ERROR
    return caught.value.message


def test_a_whole_jpeg_is_left_as_it_is():
    assert jpeg_of(JPEG) == (JPEG, (64, 48))


def test_padding_is_cut_off():
    assert jpeg_of(JPEG + bytes(100)) == (JPEG, (64, 48))


# What follows the end of a JPEG: bytes of another kind, in which anything may occur.
TRAILERS = {
    "the video of a motion photo": b"\0\0\0\x18ftypmp42" + noise(3) + b"\xff\xda" + noise(4),
    "an end marker by chance": b"\0" * 20 + b"\xff\xd9" + b"\0" * 20,
    "a scan by chance": b"\xff\xda\0\x08\1\1\0\0\x3f\0",
    "a second image": grey_jpeg(20, (16, 16)),
    "a second image that is cut off": grey_jpeg(20, (64, 64))[:-10],
}


@pytest.mark.parametrize("trailer", TRAILERS.values(), ids=TRAILERS)
def test_what_follows_the_end_is_cut_off_whatever_it_is(trailer):
    assert jpeg_end(JPEG + trailer) == len(JPEG)
    assert jpeg_of(JPEG + trailer) == (JPEG, (64, 48))


def segment(marker, content):
    return bytes([0xFF, marker]) + (2 + len(content)).to_bytes(2, "big") + content


@pytest.mark.parametrize(
    "before",
    [
        segment(0xE1, b"Exif\0\0" + grey_jpeg(0, (8, 8))),
        segment(0xFE, b"a comment with \xff\xd9 and \xff\xda in it"),
        b"\xff\xff\xff" + segment(0xFE, b"behind fill bytes"),
        b"\0\0\0" + segment(0xFE, b"behind bytes that decoders skip"),
    ],
    ids=["thumbnail", "comment", "fill bytes", "skipped bytes"],
)
def test_markers_inside_of_segments_are_none(before):
    data = JPEG[:2] + before + JPEG[2:]
    assert jpeg_of(data) == (data, (64, 48))
    assert jpeg_end(data[:-2]) is None


@pytest.mark.parametrize(
    "options",
    [
        [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
        [cv2.IMWRITE_JPEG_RST_INTERVAL, 1],
        [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 3],
    ],
    ids=["progressive", "restart markers", "both"],
)
def test_scans_may_be_several_and_have_restart_markers(options):
    pixels = np.frombuffer(noise(5, 64 * 48 * 3), np.uint8).reshape(48, 64, 3)
    data = cv2.imencode(".jpg", pixels, options)[1].tobytes()
    assert jpeg_of(data + TRAILERS["a second image"]) == (data, (64, 48))
    assert jpeg_end(data[:-2]) is None


def test_whether_it_has_exif_is_in_the_header_however_much_is_before_it():
    assert not jpeg_header(JPEG).exif
    assert not jpeg_header(JPEG + b"Exif\0\0").exif
    far = JPEG[:2] + segment(0xE2, noise(6)) + segment(0xE1, b"Exif\0\0II*\0") + JPEG[2:]
    assert jpeg_header(far).exif


def test_tables_that_are_left_out_are_put_in():
    bare = without_tables(JPEG)
    assert len(bare) < len(JPEG) - 400
    data, size = jpeg_of(bare)
    assert size == (64, 48)
    assert len(data) == len(JPEG)
    np.testing.assert_array_equal(decode(data), decode(JPEG))


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"GIF89a", JPEG[:-2], JPEG[:300]])
def test_what_is_no_jpeg_or_is_cut_off_is_refused(data):
    assert f"{len(data)} bytes that is no JPEG, or is cut off" in refused(data)


def test_noise_behind_a_beginning_is_refused():
    refused(b"\xff\xd8" + noise(1))


def test_the_size_is_in_the_header():
    assert jpeg_header(JPEG).size == (64, 48)
    assert jpeg_header(b"\x89PNG").size is None


@given(st.binary(max_size=200), st.integers(0, len(JPEG)), st.integers(0, len(JPEG)))
def test_any_bytes_are_a_jpeg_or_an_error(middle, head, tail):
    data = JPEG[:head] + middle + JPEG[tail:]
    try:
        whole, size = jpeg_of(data)
    except VisionError as error:
        assert error.code == ErrorCode.CAMERA_ERROR
    else:
        assert whole.endswith(b"\xff\xd9")
        assert min(size) > 0
