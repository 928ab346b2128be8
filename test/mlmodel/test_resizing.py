"""Images in another size, as the makers of models resize them."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.mlmodel.resizing import CHOICES, resize, resize_part


def checkered(width: int, height: int, channels: int = 3) -> np.ndarray:
    """An image of whole-number arithmetic, the same everywhere."""
    rows, columns, channel = np.mgrid[:height, :width, :channels]
    return ((rows * 37 + columns * 91 + channel * 53 + rows * columns * (channel + 1)) % 256).astype(np.uint8)


@given(
    st.integers(1, 300), st.integers(1, 300), st.integers(0, 255), st.sampled_from([(), (3,), (4,)]),
    st.sampled_from(CHOICES),
)  # fmt: skip
def test_an_image_of_one_colour_stays_so_in_any_size(width, height, value, channels, way):
    pixels = resize(np.full((height, width, *channels), value, np.uint8), 20, 10, way)
    assert pixels.shape == (10, 20, *channels)
    assert pixels.dtype == np.uint8
    assert (pixels == value).all()


@pytest.mark.parametrize("way", CHOICES)
def test_an_image_of_the_right_size_is_not_touched(way):
    pixels = checkered(30, 20)
    assert resize(pixels, 30, 20, way) is pixels


@pytest.mark.parametrize("way", CHOICES)
@pytest.mark.parametrize("size", [(30, 20), (400, 300), (1900, 1000), (60, 900)])
def test_what_is_at_a_place_of_the_image_stays_there_with_the_aspect_not_kept(way, size):
    width, height = size
    across = np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))
    down = np.tile(np.linspace(0, 255, height).astype(np.uint8)[:, np.newaxis], (1, width))
    centres = (np.arange(30) + 0.5) / 30 * 255
    assert np.abs(resize(across, 30, 30, way)[15] - centres).max() < 8
    assert np.abs(resize(down, 30, 30, way)[:, 15] - centres).max() < 8


@pytest.mark.parametrize("way", ["area", "antialias", "bicubic"])
def test_a_big_image_is_averaged_so_that_thin_lines_do_not_come_and_go(way):
    means = []
    for shift in range(16):
        lines = np.zeros((640, 640), np.uint8)
        lines[:, shift::16] = 255  # one in sixteen columns, of which plain bilinear would see some or none
        means.append(resize(lines, 160, 160, way).mean())
    assert max(means) - min(means) < 2
    assert np.mean(means) == pytest.approx(255 / 16, abs=1.5)


def test_bilinear_is_opencv_s():
    pixels = checkered(640, 360)
    assert np.array_equal(resize(pixels, 320, 180, "bilinear"), cv2.resize(pixels, (320, 180)))
    assert np.array_equal(resize(pixels, 100, 100, "bilinear"), cv2.resize(pixels, (100, 100)))


def test_area_is_bilinear_where_little_is_shrunk():
    pixels = checkered(640, 360)
    assert np.array_equal(resize(pixels, 320, 320, "area"), cv2.resize(pixels, (320, 320)))
    assert not np.array_equal(resize(pixels, 100, 100, "area"), cv2.resize(pixels, (100, 100)))
    assert np.array_equal(resize(pixels, 100, 100), resize(pixels, 100, 100, "area"))  # what is used unless told


# With antialiasing: the same as Pillow, whose values stand here.

PILLOW = {
    "antialias": [
        [111, 126, 116, 124, 130, 126, 127],
        [126, 124, 128, 121, 136, 122, 123],
        [120, 123, 123, 129, 145, 133, 127],
        [139, 129, 140, 145, 144, 143, 130],
        [129, 136, 123, 137, 138, 128, 113],
    ],
    "bicubic": [
        [107, 127, 115, 127, 129, 126, 127],
        [128, 124, 129, 117, 137, 121, 122],
        [116, 123, 122, 130, 147, 133, 126],
        [141, 128, 142, 147, 146, 144, 130],
        [127, 138, 122, 137, 137, 128, 108],
    ],
}
"""By way: the red channel of checkered(23, 17) in 7×5 pixels, by Pillow 13."""


@pytest.mark.parametrize("way", ["antialias", "bicubic"])
def test_antialiasing_gives_the_values_of_pillow(way):
    assert resize(checkered(23, 17), 7, 5, way)[..., 0].tolist() == PILLOW[way]


@pytest.mark.parametrize("size", [(7, 5), (40, 31), (7, 31), (23, 5)])
@pytest.mark.parametrize("way", ["antialias", "bicubic"])
def test_antialiasing_is_that_of_the_published_filters(way, size):
    pixels = checkered(23, 17)
    found = resize(pixels, *size, way)
    expected = filtered(pixels, size, way)
    assert np.abs(found.astype(int) - expected).max() <= 1


def filtered(pixels: np.ndarray, size: tuple[int, int], way: str) -> np.ndarray:
    """By definition: each pixel is the mean of all, weighted by the filter, as wide as the scale; first across."""
    wide, narrow = pixels.astype(float), None
    for axis, made in ((1, size[0]), (0, size[1])):
        scale = wide.shape[axis] / made
        middles = (np.arange(made) + 0.5) * scale
        places = np.arange(wide.shape[axis]) + 0.5
        distance = np.abs(places - middles[:, np.newaxis]) / max(scale, 1)
        if way == "antialias":
            weights = np.maximum(1 - distance, 0)
        else:
            near = 1.5 * distance**3 - 2.5 * distance**2 + 1
            far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
            weights = np.select([distance < 1, distance < 2], [near, far], 0.0)
        weights /= weights.sum(axis=1, keepdims=True)
        narrow = np.moveaxis(np.tensordot(weights, wide, (1, axis)), 0, axis)
        wide = np.rint(narrow).clip(0, 255)
    return wide


@pytest.mark.parametrize("size", [(100, 60), (224, 224), (800, 450)])
@pytest.mark.parametrize(("way", "name"), [("antialias", "BILINEAR"), ("bicubic", "BICUBIC")])
@pytest.mark.parametrize("channels", [1, 3])
def test_antialiasing_is_pillow_s(way, name, size, channels):
    image = pytest.importorskip("PIL.Image", reason="Pillow, which this is compared with, is not installed")
    pixels = checkered(640, 360, channels)
    pixels = pixels[..., 0] if channels == 1 else pixels
    expected = np.asarray(image.fromarray(pixels).resize(size, getattr(image.Resampling, name)))
    assert np.array_equal(resize(pixels, *size, way), expected)


# Parts.


@pytest.mark.parametrize("way", CHOICES)
@pytest.mark.parametrize("part", [(0, 0, 224, 224), (87, 0, 224, 224), (10, 20, 5, 7), (397, 223, 1, 1)])
def test_a_part_is_that_part_of_the_whole(way, part):
    pixels = checkered(640, 360)
    left, top, width, height = part
    whole = resize(pixels, 398, 224, way)
    found = resize_part(pixels, (398, 224), part, way)
    assert np.array_equal(found, whole[top : top + height, left : left + width])


@pytest.mark.parametrize("way", ["antialias", "bicubic"])
def test_the_channels_of_a_part_are_those_of_the_image(way):
    grey = checkered(64, 36, 1)[..., 0]
    same = resize_part(np.dstack([grey] * 3), (20, 10), (3, 2, 9, 5), way)
    assert np.array_equal(same, np.dstack([resize_part(grey, (20, 10), (3, 2, 9, 5), way)] * 3))
