"""The size that an image file's header claims."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headers import HEADERS
from vision_service.image_size import size_in_header

MADE = [
    *(".jpg", ".png", ".bmp", ".tiff", ".webp", ".ppm", ".pgm", ".pbm"),
    *(".pam", ".gif", ".jp2", ".ras", ".hdr", ".pfm"),
]
TEXTUAL = {"PNM", "PAM", "PFM", "Radiance HDR"}


@pytest.mark.parametrize("ending", MADE)
def test_of_files_that_opencv_writes_it_is_that_of_the_pixels(ending):
    shape = (31, 17) if ending in (".pgm", ".pbm") else (31, 17, 3)
    try:
        done, data = cv2.imencode(ending, np.zeros(shape, np.float32 if ending in (".hdr", ".pfm") else np.uint8))
    except cv2.error:
        done = False
    if not done:
        pytest.skip(f"this OpenCV does not write {ending}")
    assert size_in_header(data.tobytes()) == (17, 31)


@pytest.mark.parametrize("form", HEADERS)
@pytest.mark.parametrize("size", [(1, 1), (640, 480), (16000, 9000)])
def test_it_is_what_the_header_says(form, size):
    assert size_in_header(HEADERS[form](*size)) == size


@pytest.mark.parametrize("form", sorted(set(HEADERS) - TEXTUAL))
def test_a_header_that_stops_says_nothing_or_what_it_has_said(form):
    data = HEADERS[form](640, 480)
    assert {size_in_header(data[:end]) for end in range(len(data))} - {None, (640, 480)} == set()


@given(st.sampled_from(sorted(HEADERS)), st.data())
def test_whatever_follows_a_beginning_it_never_fails(form, data):
    header = bytearray(HEADERS[form](640, 480))
    header[data.draw(st.integers(2, len(header) - 1))] = data.draw(st.integers(0, 255))
    size_in_header(bytes(header) + data.draw(st.binary(max_size=64)))


@given(st.binary(max_size=64))
def test_of_other_bytes_it_is_not_known(data):
    assert size_in_header(b"\x01" + data) is None
