"""Images as cameras send them: Bayer mosaics, YUV, 16 bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from vision_service.encodings import RAW_ENCODINGS

COLOR = (200, 100, 50)
ORDERS = ["rggb", "bggr", "gbrg", "grbg"]
YUV = {"black": (16, 128, 128), "white": (235, 128, 128), "red": (81, 90, 240), "green": (145, 54, 34)}
"""Of ITU-R BT.601, limited range."""
RGB = {"black": (0, 0, 0), "white": (255, 255, 255), "red": (255, 0, 0), "green": (0, 255, 0)}
PAINTING = [["black", "white", "red"], ["green", "red", "white"]]
"""Blocks of 2×2 pixels, in which the colours of all YUV encodings are whole."""
SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))


def convert(encoding, rows, width, *, padding=0, big_endian=False, bits=16):
    """Return the image of rows of bytes that some bytes of padding follow."""
    padded = np.pad(np.ascontiguousarray(rows), ((0, 0), (0, padding)), constant_values=0xAB)
    return RAW_ENCODINGS[encoding].convert(padded, width, big_endian, bits)


def sixteen_bits(pixels, big_endian):
    """Return rows of bytes of (H, W) or (H, W, channels) numbers."""
    return pixels.astype(">u2" if big_endian else "<u2").reshape(len(pixels), -1).view(np.uint8)


def blocks(colors):
    """Return the pixels of the painting: (4, 6, 3)."""
    return np.array([[colors[name] for name in row] for row in PAINTING], np.uint8).repeat(2, axis=0).repeat(2, axis=1)


def mosaic(order, height, width):
    """Return what a sensor under a filter of that order sees of one colour."""
    values = [COLOR["rgb".index(letter)] for letter in order]
    tile = np.array(values, np.uint16).reshape(2, 2)
    return np.tile(tile, (height // 2 + 1, width // 2 + 1))[:height, :width]


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize("size", [(4, 6), (5, 7), (3, 3)])
@pytest.mark.parametrize("order", ORDERS)
def test_a_mosaic_of_one_color_becomes_that_color(order, size, padding):
    pixels = convert(f"bayer_{order}8", mosaic(order, *size).astype(np.uint8), size[1], padding=padding)
    assert pixels.shape == (*size, 3)
    assert (pixels == COLOR).all()


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("order", ORDERS)
def test_a_mosaic_of_16_bits_becomes_its_upper_8(order, big_endian):
    rows = sixteen_bits(mosaic(order, 4, 6) * 256 + 77, big_endian)
    assert (convert(f"bayer_{order}16", rows, 6, padding=3, big_endian=big_endian) == COLOR).all()


def layouts_of(yuv):
    """Return the rows of bytes of (H, W, 3) YUV pixels in each encoding."""
    height, width = yuv.shape[:2]
    y, u, v = np.moveaxis(yuv, -1, 0)
    first, second = y[:, ::2], y[:, 1::2]
    yuyv = np.stack([first, u[:, ::2], second, v[:, ::2]], axis=-1).reshape(height, -1)
    uyvy = np.stack([u[:, ::2], first, v[:, ::2], second], axis=-1).reshape(height, -1)
    quarter = yuv[::2, ::2]
    return {
        "yuyv": yuyv,
        "yuv422_yuy2": yuyv,
        "uyvy": uyvy,
        "yuv422": uyvy,
        "nv12": np.concatenate([y, quarter[..., 1:].reshape(-1, width)]),
        "nv21": np.concatenate([y, quarter[..., :0:-1].reshape(-1, width)]),
        "nv24": np.concatenate([y, yuv[..., 1:].reshape(-1, width)]),
    }


@pytest.mark.parametrize("encoding", layouts_of(np.zeros((2, 2, 3), np.uint8)))
def test_yuv_becomes_rgb_at_the_same_place(encoding):
    pixels = convert(encoding, layouts_of(blocks(YUV))[encoding], 6)
    np.testing.assert_allclose(pixels.astype(int), blocks(RGB), atol=3)


@pytest.mark.parametrize("encoding", ["yuyv", "uyvy", "nv12", "nv21"])
def test_yuv_may_be_padded(encoding):
    pixels = convert(encoding, layouts_of(blocks(YUV))[encoding], 6, padding=10)
    np.testing.assert_allclose(pixels.astype(int), blocks(RGB), atol=3)


def test_the_colors_of_nv24_have_rows_twice_as_long_as_its_brightness():
    yuv = blocks(YUV)
    color = np.pad(yuv[..., 1:].reshape(4, 12), ((0, 0), (0, 8)), constant_values=0xAB)
    rows = np.concatenate([np.pad(yuv[..., 0], ((0, 0), (0, 4))), color.reshape(8, 10)])
    np.testing.assert_allclose(convert("nv24", rows, 6).astype(int), blocks(RGB), atol=3)


@given(nps.arrays(np.uint16, SIZES), st.integers(0, 5), st.booleans())
def test_grey_of_16_bits_becomes_its_upper_8(pixels, padding, big_endian):
    grey = convert("mono16", sixteen_bits(pixels, big_endian), pixels.shape[1], padding=padding, big_endian=big_endian)
    np.testing.assert_array_equal(grey, pixels >> 8)


@pytest.mark.parametrize("bits", [1, 7])
def test_the_greatest_number_of_few_bits_is_white(bits):
    rows = sixteen_bits(np.array([[0, (1 << bits) - 1, 1000]]), False)
    assert convert("mono16", rows, 3, bits=bits).tolist() == [[0, 255, 255]]


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("padding", [0, 1])
def test_numbers_that_use_fewer_bits_become_their_upper_8(bits, big_endian, padding):
    numbers = np.arange(3 * 64, dtype=np.uint16).reshape(3, 64) * ((1 << bits) // 192)
    numbers[0, 0], numbers[0, 1] = (1 << bits) - 1, 1 << bits  # white, and what the sensor cannot have sent
    rows = sixteen_bits(numbers, big_endian)
    grey = convert("mono16", rows, 64, big_endian=big_endian, bits=bits, padding=padding)
    np.testing.assert_array_equal(grey, np.minimum(numbers >> (bits - 8), 255))


def test_mosaics_and_colors_may_use_fewer_bits():
    rows = sixteen_bits(mosaic("grbg", 4, 6) * 16 + 7, False)
    assert (convert("bayer_grbg16", rows, 6, bits=12) == COLOR).all()
    rows = sixteen_bits(np.full((2, 2, 3), COLOR, np.uint16) * 4 + 3, True)
    assert (convert("rgb16", rows, 2, big_endian=True, bits=10) == COLOR).all()


@pytest.mark.parametrize(
    ("encoding", "order"),
    [
        ("rgb16", (0, 1, 2)),
        ("bgr16", (2, 1, 0)),
        ("16UC3", (2, 1, 0)),
        ("rgba16", (0, 1, 2)),
        ("bgra16", (2, 1, 0)),
        ("16UC4", (2, 1, 0)),
    ],
)
@given(data=st.data(), padding=st.integers(0, 5), big_endian=st.booleans())
def test_color_of_16_bits_becomes_its_upper_8(data, encoding, order, padding, big_endian):
    channels = RAW_ENCODINGS[encoding].pixel // 2
    pixels = data.draw(nps.arrays(np.uint16, st.tuples(st.integers(1, 5), st.integers(1, 5), st.just(channels))))
    rgb = convert(encoding, sixteen_bits(pixels, big_endian), pixels.shape[1], padding=padding, big_endian=big_endian)
    np.testing.assert_array_equal(rgb, pixels[..., list(order)] >> 8)


def test_what_they_become_are_the_encodings_of_images():
    assert {encoding.result for encoding in RAW_ENCODINGS.values()} == {"rgb8", "mono8"}
