"""Images and depth as ROS messages."""

import importlib.util

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image as ImageMessage
from std_msgs.msg import Header

from vision_service.errors import ErrorCode, VisionError
from vision_service.image import ENCODINGS, encode
from vision_service.pointcloud.coordinates import FARTHEST
from vision_service.ros.conversion import (
    compressed_to_message,
    depth_from_message,
    depth_to_message,
    image_from_compressed,
    image_from_message,
    image_to_message,
)

SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))


def message_of(pixels, encoding, *, padding=0, big_endian=False):
    """Return the message whose rows are longer by some bytes of padding than the pixels need."""
    values = pixels.astype(pixels.dtype.newbyteorder(">" if big_endian else "<"))
    rows = np.ascontiguousarray(values).view(np.uint8).reshape(pixels.shape[0], -1)
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=0xAB)
    message = ImageMessage()
    message.height, message.width = pixels.shape[:2]
    message.encoding = encoding
    message.is_bigendian = int(big_endian)
    message.step = padded.shape[1]
    message.data.frombytes(padded.tobytes())
    return message


def message(encoding="rgb8", width=4, height=3, step=12, size=36):
    filled = ImageMessage(encoding=encoding, width=width, height=height, step=step)
    filled.data.frombytes(bytes(size))
    return filled


@st.composite
def images(draw):
    encoding = draw(st.sampled_from(sorted(ENCODINGS)))
    channels = ENCODINGS[encoding].channels
    shape = draw(SIZES) + ((channels,) if channels > 1 else ())
    return draw(nps.arrays(np.uint8, shape)), encoding


@given(images(), st.integers(0, 7), st.booleans())
def test_an_image_is_read_whatever_its_encoding_padding_and_byte_order(image, padding, big_endian):
    pixels, encoding = image
    image = image_from_message(message_of(pixels, encoding, padding=padding, big_endian=big_endian))
    assert image.encoding == encoding
    np.testing.assert_array_equal(image.pixels, pixels)


@pytest.mark.parametrize(
    ("encoding", "meant", "channels"), [("8UC1", "mono8", 1), ("8UC3", "bgr8", 3), ("8UC4", "bgra8", 4)]
)
def test_opencv_names_mean_opencv_order(encoding, meant, channels):
    image = image_from_message(message(encoding, 1, 1, channels, channels))
    assert image.encoding == meant


def test_an_image_shares_the_memory_of_its_message():
    padded = message("rgb8", width=4, height=3, step=16, size=48)
    image = image_from_message(padded)
    padded.data[16 + 3] = 77
    assert image.pixels[1, 1, 0] == 77


@given(images(), st.sampled_from([np.s_[::1], np.s_[::-1], np.s_[:, ::-1], np.s_[::2, ::2]]))
def test_an_image_of_any_memory_layout_is_written(image, view):
    pixels, encoding = image
    written = image_to_message(pixels[view], encoding, Header(frame_id="camera"))
    assert written.header.frame_id == "camera"
    assert len(written.data) == written.step * written.height
    np.testing.assert_array_equal(image_from_message(written).pixels, pixels[view])


@given(nps.arrays(np.uint16, SIZES), st.integers(0, 5), st.booleans(), st.sampled_from(["16UC1", "mono16"]))
def test_depth_in_whole_numbers_is_millimetres_and_zero_unknown(raw, padding, big_endian, encoding):
    depth = depth_from_message(message_of(raw, encoding, padding=padding, big_endian=big_endian))
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, np.where(raw == 0, np.nan, raw / 1000), rtol=1e-6)


@given(nps.arrays(np.float32, SIZES), st.integers(0, 5), st.booleans())
def test_depth_in_floats_is_metres_and_what_is_no_distance_unknown(raw, padding, big_endian):
    depth = depth_from_message(message_of(raw, "32FC1", padding=padding, big_endian=big_endian))
    assert depth.dtype == np.dtype("=f4")
    np.testing.assert_array_equal(depth, np.where((raw > 0) & (raw < FARTHEST), raw, np.float32(np.nan)))


def test_depth_is_written_in_metres():
    depth = np.array([[1.5, np.nan], [0.25, 8.0]], np.float32)
    written = depth_to_message(depth.T, Header())
    assert (written.encoding, written.step, written.is_bigendian) == ("32FC1", 8, 0)
    np.testing.assert_array_equal(depth_from_message(written), depth.T)


@given(nps.arrays(st.sampled_from([np.dtype("<u2"), np.dtype(">u2")]), SIZES))
def test_numbers_of_either_byte_order_are_written_little_endian(labels):
    written = image_to_message(labels, "mono16", Header())
    assert not written.is_bigendian
    np.testing.assert_array_equal(np.frombuffer(written.data, "<u2").reshape(labels.shape), labels)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (message(width=0), "the image is empty: 0×3 pixels"),
        (message(height=0), "the image is empty: 4×0 pixels"),
        (ImageMessage(), "the image is empty: 0×0 pixels"),
        (message(size=35), "step 12 times height 3 is 36 bytes, 35 are there"),
        (message(size=37), "step 12 times height 3 is 36 bytes, 37 are there"),
        (message(step=11, size=33), "step 11 is less than a row: 4 pixels of rgb8 are 12 bytes"),
        (message("16UC1"), "a colour image is expected, but the encoding 16UC1 is depth"),
        (message("32FC1", step=16, size=48), "a colour image is expected, but the encoding 32FC1 is depth"),
    ],
)
def test_a_wrong_image_is_refused_with_the_reason(wrong, reason):
    with pytest.raises(VisionError, match=reason) as caught:
        image_from_message(wrong)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (message("16UC1", width=0), "the image is empty"),
        (message("16UC1", step=8, size=23), "step 8 times height 3 is 24 bytes, 23 are there"),
        (message("16UC1", step=7, size=21), "step 7 is less than a row: 4 pixels of 16UC1 are 8 bytes"),
        (message("rgb8"), r"depth is expected \(16UC1, mono16, 32FC1\), but the encoding 'rgb8' is colour"),
        (message("64FC1"), r"depth is expected .* but the encoding '64FC1' is unknown"),
    ],
)
def test_wrong_depth_is_refused_with_the_reason(wrong, reason):
    with pytest.raises(VisionError, match=reason) as caught:
        depth_from_message(wrong)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT


@pytest.mark.skipif(importlib.util.find_spec("cv_bridge") is not None, reason="cv_bridge is installed here")
def test_an_unknown_encoding_without_cv_bridge_names_both():
    with pytest.raises(VisionError) as caught:
        image_from_message(message("32FC3"))
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT
    for word in ("'32FC3'", "rgb8", "bgra8", "bayer_rggb8", "cv_bridge", "is not installed"):
        assert word in caught.value.message


@pytest.mark.skipif(importlib.util.find_spec("cv_bridge") is None, reason="cv_bridge is not installed here")
def test_an_encoding_that_neither_knows_is_refused_with_what_cv_bridge_says():
    with pytest.raises(VisionError, match=r"unknown encoding '32FC3': known are .*; cv_bridge says: ") as caught:
        image_from_message(message("32FC3", step=48, size=144))
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("pixels", "encoding", "reason"),
    [
        (np.zeros((2, 2, 3), np.uint8), "rgb16", "unknown encoding 'rgb16': known are rgb8"),
        (np.zeros((2, 2, 4), np.uint8), "rgb8", r"shape \(2, 2, 4\) and type uint8 are not rgb8"),
        (np.zeros((2, 2, 3), np.uint8), "mono8", r"shape \(2, 2, 3\) and type uint8 are not mono8"),
        (np.zeros((2, 2), np.float64), "32FC1", "type float64 are not 32FC1"),
        (np.zeros(4, np.uint8), "mono8", r"shape \(4,\) and type uint8 are not mono8"),
    ],
)
def test_pixels_that_are_not_of_the_encoding_are_not_written(pixels, encoding, reason):
    with pytest.raises(VisionError, match=reason) as caught:
        image_to_message(pixels, encoding, Header())
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT


def test_a_compressed_image_is_decoded_when_asked_for():
    pixels = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
    image = image_from_compressed(compressed_to_message(encode(pixels, "image/png"), "png", Header()))
    np.testing.assert_array_equal(image.rgb, pixels)


def test_compressed_bytes_go_into_the_message_as_they_are():
    written = compressed_to_message(b"\xff\xd8 bytes", "jpeg", Header(frame_id="camera"))
    assert (bytes(written.data), written.format, written.header.frame_id) == (b"\xff\xd8 bytes", "jpeg", "camera")


@pytest.mark.parametrize(
    ("form", "data", "code", "reason"),
    [
        ("jpeg", b"", ErrorCode.INVALID_ARGUMENT, r"the compressed image is empty \(format 'jpeg'\)"),
        ("16UC1; compressedDepth png", b"..", ErrorCode.INVALID_ARGUMENT, "a colour image is expected, .* is depth"),
        ("16UC1; png compressed ", b"..", ErrorCode.INVALID_ARGUMENT, "a colour image is expected, .* is depth"),
    ],
)
def test_a_compressed_message_that_is_no_image_is_refused_at_once(form, data, code, reason):
    wrong = CompressedImage(format=form)
    wrong.data.frombytes(data)
    with pytest.raises(VisionError, match=reason) as caught:
        image_from_compressed(wrong)
    assert caught.value.code == code


def test_compressed_garbage_is_refused_when_its_pixels_are_asked_for():
    image = image_from_compressed(compressed_to_message(b"no image", "bgr8; jpeg compressed bgr8", Header()))
    with pytest.raises(VisionError, match="8 bytes that are no image"):
        _ = image.pixels
