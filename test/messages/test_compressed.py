"""CompressedImage messages in the forms that image_transport_plugins (4.0, 5.1, 6.2), drivers and scripts send."""

from array import array
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.errors import ErrorCode, VisionError
from vision_service.image import encode_image
from vision_service.messages import (
    Kind,
    Remarks,
    depth_from_compressed,
    image_from_compressed,
    kind_of_compressed,
)

RGB = np.full((48, 64, 3), (40, 60, 60), np.uint8)
RGB[12:36, 16:40] = (220, 30, 30)
BGR = RGB[..., ::-1]
GREY = cv2.cvtColor(RGB, cv2.COLOR_RGB2GRAY)
MILLIMETRES = np.full((48, 64), 1500, np.uint16)
MILLIMETRES[:5] = 0
METRES = np.where(MILLIMETRES == 0, np.nan, np.float32(1.5)).astype(np.float32)


def message(form, data):
    return SimpleNamespace(format=form, data=array("B", bytes(data)))


def file(ending, pixels):
    """Return pixels as OpenCV writes them, which takes three channels for BGR whatever they are."""
    options = [cv2.IMWRITE_JPEG_QUALITY, 98] if ending == "jpg" else []
    return cv2.imencode(f".{ending}", pixels, options)[1].tobytes()


def mosaic(pixels=RGB, order="rggb"):
    """Return what a sensor under a colour filter sees of (H, W, 3) RGB pixels."""
    seen = np.zeros(pixels.shape[:2], pixels.dtype)
    for index, letter in enumerate(order):
        row, column = divmod(index, 2)
        seen[row::2, column::2] = pixels[row::2, column::2, "rgb".index(letter)]
    return seen


def wide(pixels):
    """Return 8 bits as the upper ones of 16."""
    return pixels.astype(np.uint16) << 8 | 77


COLOURED = {
    "rgb8; jpeg compressed bgr8": file("jpg", BGR),
    "bgr8; jpeg compressed bgr8": file("jpg", BGR),
    "rgb8; png compressed bgr8": file("png", BGR),
    "bgra8; png compressed bgra8": file("png", np.dstack([BGR, np.full((48, 64), 255, np.uint8)])),
    "rgb16; png compressed bgr16": file("png", wide(BGR)),
    "rgb8; tiff compressed ": file("tiff", RGB),
    "bgr8; tiff compressed ": file("tiff", BGR),
    "rgba8; tiff compressed ": file("tiff", np.dstack([RGB, np.full((48, 64), 255, np.uint8)])),
    "rgb16; tiff compressed ": file("tiff", wide(RGB)),
    "bayer_rggb8; png compressed ": file("png", mosaic()),
    "bayer_gbrg8; png compressed ": file("png", mosaic(order="gbrg")),
    "bayer_rggb8; tiff compressed ": file("tiff", mosaic()),
    "bayer_rggb8; jpeg compressed bayer_rggb8": file("jpg", mosaic()),  # jpeg_compress_bayer, from Kilted on
    "bayer_rggb8; jpeg compressed ": file("jpg", mosaic()),  # of ROS 1
    "bayer_grbg16; png compressed ": file("png", wide(mosaic(order="grbg"))),
    # What drivers and scripts send:
    "jpeg": file("jpg", BGR),
    "JPG": file("jpg", BGR),
    "png": file("png", BGR),
    ".png": file("png", BGR),
    "image/jpeg": file("jpg", BGR),
    "": file("jpg", BGR),
    "rgb8; jpeg compressed rgb8": file("jpg", BGR),
    "rgb8; jpeg": file("jpg", BGR),
    "rgb8; png": file("png", BGR),
    "webp": file("webp", BGR),
    "bayer_rggb8; jpeg compressed bgr8": file("jpg", BGR),
    "bayer_rggb8; png": file("png", BGR),  # says mosaic, but has colours
}


@pytest.mark.parametrize("form", COLOURED)
def test_colours_are_read_whatever_the_transport_did_with_them(form):
    image = image_from_compressed(message(form, COLOURED[form]))
    assert (image.width, image.height) == (64, 48)
    assert image.rgb.shape == (48, 64, 3)
    assert np.abs(image.rgb[24, 28].astype(int) - (220, 30, 30)).max() <= 12
    assert np.abs(image.rgb[5, 5].astype(int) - (40, 60, 60)).max() <= 12
    assert kind_of_compressed(message(form, COLOURED[form])) is Kind.IMAGE


GREYS = {
    "mono8; jpeg compressed mono8": file("jpg", GREY),
    "mono8; png compressed ": file("png", GREY),
    "mono8; tiff compressed ": file("tiff", GREY),
    "mono16; jpeg compressed mono8": file("jpg", GREY),
    "mono16; jpeg compressed ": file("jpg", GREY),
    "mono16; png compressed ": file("png", wide(GREY)),
    "mono16; tiff compressed ": file("tiff", wide(GREY)),
    "bayer_rggb8; jpeg compressed mono8": file("jpg", GREY),
    "yuv422_yuy2; jpeg compressed mono8": file("jpg", GREY),
    "8UC1; png compressed ": file("png", GREY),
}


@pytest.mark.parametrize("form", GREYS)
def test_grey_stays_grey(form):
    image = image_from_compressed(message(form, GREYS[form]))
    np.testing.assert_allclose(image.rgb[..., 0].astype(int), GREY, atol=5)


@pytest.mark.parametrize("form", [form for form in GREYS if form.startswith(("bayer", "yuv"))])
def test_colours_that_the_sender_has_lost_are_remarked_on_once(form):
    said = []
    remarks = Remarks(tell=said.append)
    for _ in range(3):
        image_from_compressed(message(form, GREYS[form]), remarks)
    assert len(said) == 1
    assert f"the compressed images ({form!r}) are grey: the sender's transport loses the colours" in said[0]


DEPTHS = {
    "16UC1; png compressed ": file("png", MILLIMETRES),
    "16UC1; png compressed 16UC1": file("png", MILLIMETRES),
    "mono16; png compressed ": file("png", MILLIMETRES),
    "16UC1; tiff compressed ": file("tiff", MILLIMETRES),
    "32FC1; tiff compressed ": file("tiff", METRES),
    "png": file("png", MILLIMETRES),
    "tiff": file("tiff", METRES),
    "16UC1; compressedDepth png": bytes(12) + file("png", MILLIMETRES),
    "16UC1; compressedDepth": file("png", MILLIMETRES),  # some scripts leave the configuration out
    "16UC1": bytes(12) + file("png", MILLIMETRES),
    "16UC1 compressedDepth": bytes(12) + file("png", MILLIMETRES),
}


@pytest.mark.parametrize("form", DEPTHS)
def test_depth_is_read_from_either_transport(form):
    np.testing.assert_allclose(depth_from_compressed(message(form, DEPTHS[form])), METRES, rtol=1e-6)


@pytest.mark.parametrize("form", DEPTHS)
def test_a_message_of_depth_says_that_it_is_some(form):
    both = form in ("mono16; png compressed ", "png")
    assert kind_of_compressed(message(form, DEPTHS[form])) is (Kind.EITHER if both else Kind.DEPTH)


@pytest.mark.parametrize("form", ["16UC1; png compressed ", "32FC1; tiff compressed ", "16UC1; compressedDepth png"])
def test_depth_is_no_image(form):
    with pytest.raises(VisionError, match=r"a colour image is expected, but the format .* is depth"):
        image_from_compressed(message(form, DEPTHS[form]))


@pytest.mark.parametrize("source", ["16UC1", "32FC1", "mono16"])
def test_jpeg_has_lost_the_depth_which_is_said_with_the_way_out(source):
    with pytest.raises(VisionError, match=r"8 bits have lost the depth: .* 'compressed' use the format png"):
        depth_from_compressed(message(f"{source}; jpeg compressed mono8", file("jpg", GREY)))


def test_an_image_is_no_depth():
    with pytest.raises(VisionError, match=r"depth of one channel of 16 bits, or of floats, is expected, but the file"):
        depth_from_compressed(message("png", file("png", BGR)))
    with pytest.raises(VisionError, match=r"depth is expected \(16UC1, mono16, 32FC1\), but the format is 'bgr8; png"):
        depth_from_compressed(message("bgr8; png compressed bgr8", file("png", BGR)))


def test_inverse_depth_without_its_parameters_is_refused():
    with pytest.raises(VisionError, match="does not say how it was quantized: its A is 0"):
        depth_from_compressed(message("32FC1; compressedDepth png", bytes(12) + file("png", MILLIMETRES)))


@pytest.mark.parametrize("form", ["h264", "H265", "hevc", "bgr8; h264", "theora"])
@pytest.mark.parametrize("read", [image_from_compressed, depth_from_compressed])
def test_video_is_named_with_the_way_out(form, read):
    with pytest.raises(VisionError, match=r"is a video stream, .*ros2 run image_transport republish") as raised:
        read(message(form, b"\0\0\0\1\x67"))
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    assert kind_of_compressed(message(form, b"\0\0\0\1\x67")) is Kind.NEITHER


def test_the_transport_zstd_is_named_with_the_way_out():
    with pytest.raises(VisionError, match=r"is of the transport zstd: .*in_transport:=zstd"):
        image_from_compressed(message("zstd", b"\0"))


def test_what_came_as_jpeg_goes_on_as_it_is_but_a_mosaic_does_not():
    data = COLOURED["rgb8; jpeg compressed bgr8"]
    assert encode_image(image_from_compressed(message("rgb8; jpeg compressed bgr8", data)), "image/jpeg") == data
    form = "bayer_rggb8; jpeg compressed bayer_rggb8"
    assert encode_image(image_from_compressed(message(form, COLOURED[form])), "image/jpeg") != COLOURED[form]


@pytest.mark.parametrize(
    "form", ["bayer_rggb16; png compressed ", "mono16; png compressed ", "rgb16; png compressed bgr16"]
)
def test_values_of_12_bits_are_scaled_as_the_user_says(form):
    pixels = {"bayer": mosaic(), "mono1": GREY, "rgb16": BGR}[form[:5]]
    data = file("png", pixels.astype(np.uint16) << 4)
    bright = image_from_compressed(message(form, data), Remarks(12)).rgb
    assert np.abs(bright[24, 28].astype(int) - (GREY[24, 28] if form.startswith("mono") else (220, 30, 30))).max() <= 1
    assert image_from_compressed(message(form, data)).rgb.max() < 16


@given(
    st.binary(max_size=60),
    st.sampled_from([*COLOURED, *GREYS, *DEPTHS]),
    st.sampled_from([*COLOURED.values(), *GREYS.values(), *DEPTHS.values()]),
    st.integers(0, 400),
)
def test_no_format_and_no_bytes_do_harm(tail, form, data, length):
    wild = message(form, data[:length] + tail)
    for read in (lambda item: image_from_compressed(item).rgb, depth_from_compressed, kind_of_compressed):
        try:
            read(wild)
        except VisionError as error:
            assert error.code == ErrorCode.INVALID_ARGUMENT
