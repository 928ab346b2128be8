"""Picture messages of encodings that are converted, whoever made the message."""

from array import array
from types import SimpleNamespace

import numpy as np
import pytest

from vision_service.encodings import RAW_ENCODINGS
from vision_service.errors import ErrorCode, VisionError
from vision_service.messages import depth_from_message, image_from_compressed, image_from_message
from vision_service.messages.image import COLOR_ENCODINGS


def message(encoding, width=4, height=4, *, step=None, size=None, big_endian=False):
    """Return a message, grey where it is YUV, of as many bytes as its encoding needs."""
    raw = RAW_ENCODINGS[encoding]
    step = width * raw.pixel if step is None else step
    size = int(step * height * raw.rows) if size is None else size
    return SimpleNamespace(
        encoding=encoding,
        width=width,
        height=height,
        step=step,
        is_bigendian=int(big_endian),
        data=array("B", [128] * size),
    )


@pytest.mark.parametrize("padding", [0, 8])
@pytest.mark.parametrize("encoding", RAW_ENCODINGS)
def test_every_encoding_is_read(encoding, padding):
    image = image_from_message(message(encoding, 6, 4, step=6 * RAW_ENCODINGS[encoding].pixel + padding))
    assert (image.width, image.height) == (6, 4)
    assert image.encoding == RAW_ENCODINGS[encoding].result
    assert image.rgb.shape == (4, 6, 3)
    assert abs(int(image.rgb[1, 1, 0]) - 128) <= 3


def test_a_picture_is_converted_once():
    image = image_from_message(message("yuyv"))
    assert image.pixels is image.pixels
    assert image.rgb is image.pixels


def test_big_endian_numbers_are_read():
    grey = message("mono16", 1, 1, big_endian=True)
    grey.data = array("B", [7, 200])
    assert image_from_message(grey).pixels.tolist() == [[7]]
    grey.is_bigendian = 0
    assert image_from_message(grey).pixels.tolist() == [[200]]


def test_data_may_be_an_array_of_numpy():
    picture = message("uyvy")
    picture.data = np.frombuffer(bytes(picture.data), np.uint8)
    assert image_from_message(picture).rgb.shape == (4, 4, 3)


@pytest.mark.parametrize(("encoding", "height"), [("nv12", 6), ("nv21", 6), ("nv24", 12)])
def test_the_height_may_count_the_rows_of_all_planes(encoding, height):
    image = image_from_message(message(encoding, 4, height, size=4 * height))
    assert (image.width, image.height) == (4, 4)


def test_16_bits_of_grey_are_a_picture_or_depth_as_the_topic_is():
    grey = message("mono16", 2, 2)
    assert image_from_message(grey).encoding == "mono8"
    np.testing.assert_allclose(depth_from_message(grey), 32.896)


def test_a_compressed_picture_of_16_bits_is_a_picture():
    image_from_compressed(SimpleNamespace(format="mono16; png compressed ", data=array("B", b"..")))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (message("yuyv", width=0), "the picture is empty: 0×4 pixels"),
        (message("nv12", height=0), "the picture is empty: 4×0 pixels"),
        (message("yuyv", step=7), "step 7 is less than a row: 4 pixels of yuyv are 8 bytes"),
        (message("rgb16", step=23), "step 23 is less than a row: 4 pixels of rgb16 are 24 bytes"),
        (message("yuyv", size=31), "4 rows of yuyv are 4 times step 8, 32 bytes, 31 are there"),
        (message("nv21", size=23), "4 rows of nv21 are 6 times step 4, 24 bytes, 23 are there"),
        (message("nv12", height=3, size=20), "3 rows of nv12 are 9/2 times step 4, 18 bytes, 20 are there"),
        (message("nv12", height=3, size=18), "4×3 pixels cannot be nv12: its colours belong to blocks of 2×2 pixels"),
        (message("uyvy", width=3), "3×4 pixels cannot be uyvy: its colours belong to blocks of 2×1 pixels"),
        (message("bayer_rggb8", height=2), "4×2 pixels is too small to be bayer_rggb8"),
    ],
)
def test_a_wrong_picture_is_refused_with_the_reason(wrong, reason):
    with pytest.raises(VisionError, match=reason) as raised:
        image_from_message(wrong)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT


def test_an_unknown_encoding_is_refused_with_those_that_are_known():
    picture = message("yuyv")
    picture.encoding = "yuv410"
    with pytest.raises(VisionError, match=r"unknown encoding 'yuv410': known are rgb8, .*bayer_rggb8.*nv24"):
        image_from_message(picture)
    assert len(COLOR_ENCODINGS) == len(set(COLOR_ENCODINGS))
