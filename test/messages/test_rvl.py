"""Depth in the RVL code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depths import encode_rvl
from vision_service.errors import ErrorCode, VisionError
from vision_service.messages.rvl import decode_rvl

DEPTHS = st.lists(st.one_of(st.just(0), st.integers(0, 65535), st.integers(1000, 1020)), max_size=60)


@given(DEPTHS)
def test_every_image_comes_back(pixels):
    assert decode_rvl(encode_rvl(pixels), len(pixels)).tolist() == pixels


def test_a_stream_that_the_paper_s_program_wrote():
    stream = bytes.fromhex("21f38a223bcfd82c0030ffff")
    assert decode_rvl(stream, 7).tolist() == [0, 0, 1000, 1001, 0, 65535, 1]


@given(DEPTHS.filter(any), st.data())
def test_a_stream_that_is_cut_off_or_of_another_size_is_refused(pixels, data):
    encoded = encode_rvl(pixels)
    cut = data.draw(st.integers(0, len(encoded) - 4))
    with pytest.raises(VisionError, match="damaged or cut off") as raised:
        decode_rvl(encoded[:cut], len(pixels) + 9)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT


@given(st.binary(max_size=200), st.integers(0, 500))
def test_no_bytes_do_harm(data, size):
    try:
        assert decode_rvl(data, size).shape == (size,)
    except VisionError as error:
        assert error.code == ErrorCode.INVALID_ARGUMENT


def test_a_number_without_end_is_refused():
    with pytest.raises(VisionError, match="more than 32 bits"):
        decode_rvl(b"\xff" * 16 + b"\x00" * 4, 5)
