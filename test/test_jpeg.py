"""Frames of Motion JPEG: checked, measured and made whole without being decoded."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import grey_jpeg, noise
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import decode
from vision_service.jpeg import jpeg_of, jpeg_size

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
    assert jpeg_size(JPEG) == (64, 48)
    assert jpeg_size(b"\x89PNG") is None


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
