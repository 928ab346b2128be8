"""Images in another size, as the makers of models resize them."""

import platform

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.mlmodel.filling import Filling
from vision_service.mlmodel.placement import Placement
from vision_service.mlmodel.resizing import CHOICES

ENCODINGS = {1: "mono8", 3: "rgb8", 4: "rgba8"}
LENGTHS = st.one_of(st.integers(1, 40), st.integers(1, 300))


def resize_part(pixels, size, part, way="area", *, wide=True) -> np.ndarray:
    """A part (left, top, width, height) of pixels in another size, as a tensor of bytes takes them."""
    left, top, width, height = part
    source = pixels.shape[1], pixels.shape[0]
    placement = Placement(source, (width, height), size, (-left, -top))
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    filling = Filling(ENCODINGS[channels], placement, channels=channels, way=way, wide=wide)
    return filling.bytes(pixels).reshape(height, width, *pixels.shape[2:])


def resize(pixels, width, height, way="area", *, wide=True) -> np.ndarray:
    """All of it."""
    return resize_part(pixels, (width, height), (0, 0, width, height), way, wide=wide)


def checkered(width: int, height: int, channels: int = 3) -> np.ndarray:
    """An image of whole-number arithmetic, the same everywhere."""
    rows, columns, channel = np.mgrid[:height, :width, :channels]
    return ((rows * 37 + columns * 91 + channel * 53 + rows * columns * (channel + 1)) % 256).astype(np.uint8)


@given(LENGTHS, LENGTHS, st.integers(0, 255), st.sampled_from([(), (3,)]), st.sampled_from(CHOICES))
def test_an_image_of_one_colour_stays_so_in_any_size(width, height, value, channels, way):
    pixels = resize(np.full((height, width, *channels), value, np.uint8), 20, 10, way)
    assert pixels.shape == (10, 20, *channels)
    assert pixels.dtype == np.uint8
    assert (pixels == value).all()


@pytest.mark.parametrize("way", CHOICES)
def test_an_image_of_the_right_size_is_not_touched(way):
    pixels = checkered(30, 20)
    assert np.array_equal(resize(pixels, 30, 20, way), pixels)


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


# Without: the same as OpenCV.


MOST_APART = 0 if platform.machine() == "x86_64" else 1
"""Grey levels: for other processors OpenCV may have other code, which rounds otherwise; ours is the same everywhere."""


def apart(found: np.ndarray, expected: np.ndarray) -> int:
    """How many grey levels two images differ at most."""
    assert found.shape == expected.shape
    return int(np.abs(found.astype(int) - expected).max())


def opencv(pixels: np.ndarray, width: int, height: int, way: str) -> np.ndarray:
    """What OpenCV makes."""
    if pixels.shape[:2] == (height, width):
        return pixels
    if way == "area" and pixels.shape[0] * pixels.shape[1] > 4 * width * height:
        twice = cv2.resize(pixels, (2 * width, 2 * height))
        return cv2.resize(twice, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.resize(pixels, (width, height))


@st.composite
def noise(draw, lengths=LENGTHS) -> np.ndarray:
    """An image of noise, grey or in colours."""
    width, height, channels = draw(lengths), draw(lengths), draw(st.sampled_from([(), (3,)]))
    return np.random.default_rng(draw(st.integers(0, 99))).integers(0, 256, (height, width, *channels), np.uint8)


@given(noise(), LENGTHS, LENGTHS, st.sampled_from(["bilinear", "area"]))
def test_it_is_opencv_s_to_the_bit(pixels, width, height, way):
    for wide in (True, False):
        assert apart(resize(pixels, width, height, way, wide=wide), opencv(pixels, width, height, way)) <= MOST_APART


@pytest.mark.parametrize("way", ["bilinear", "area"])
@pytest.mark.parametrize("size", [(128, 128), (256, 192), (300, 300), (320, 180), (640, 640), (427, 240), (1920, 1440)])
@pytest.mark.parametrize("source", [(640, 480), (1280, 720), (641, 479), (1920, 1080)])
def test_it_is_opencv_s_to_the_bit_for_what_cameras_and_models_have(source, size, way):
    pixels = checkered(*source)
    for image in (pixels, np.ascontiguousarray(pixels[..., 0])):
        for wide in (True, False):
            assert apart(resize(image, *size, way, wide=wide), opencv(image, *size, way)) <= MOST_APART


def weights(taken: int, made: int, *, inside: bool) -> tuple[np.ndarray, ...]:
    """The two pixels that each place lies between, and their weights of 2048."""
    middles = ((np.arange(made) + 0.5) * (1 / (made / taken)) - 0.5).astype(np.float32)
    if inside:
        middles = middles.clip(0, taken - 1)
    first = np.floor(middles).astype(int)
    second = np.rint((middles - first) * 2048).astype(int)
    return first.clip(0, taken - 1), (first + 1).clip(0, taken - 1), 2048 - second, second


def by_definition(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Bilinear with weights of 11 bits: first across, less four bits, then down, each product less 16 bits."""
    left, right, share_left, share_right = weights(pixels.shape[1], width, inside=True)
    upper, lower, share_upper, share_lower = weights(pixels.shape[0], height, inside=False)
    columns, rows = (1, width, 1), (height, 1, 1)
    wide = pixels.astype(int).reshape(*pixels.shape[:2], -1)
    across = (wide[:, left] * share_left.reshape(columns) + wide[:, right] * share_right.reshape(columns)) >> 4
    down = (across[upper] * share_upper.reshape(rows) >> 16) + (across[lower] * share_lower.reshape(rows) >> 16)
    return ((down + 2) >> 2).reshape(height, width, *pixels.shape[2:])


@given(noise(), LENGTHS, LENGTHS)
def test_it_has_the_definition_s_bits_on_every_processor(pixels, width, height):
    for wide in (True, False):
        assert np.array_equal(
            resize(pixels, width, height, "bilinear", wide=wide), by_definition(pixels, width, height)
        )


def test_area_is_bilinear_where_little_is_shrunk():
    pixels = checkered(640, 360)
    assert np.array_equal(resize(pixels, 320, 320, "area"), resize(pixels, 320, 320, "bilinear"))
    assert not np.array_equal(resize(pixels, 100, 100, "area"), resize(pixels, 100, 100, "bilinear"))


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
    for wide in (True, False):
        found = resize_part(pixels, (398, 224), part, way, wide=wide)
        assert np.array_equal(found, whole[top : top + height, left : left + width])


@pytest.mark.parametrize("way", CHOICES)
def test_the_channels_of_a_part_are_those_of_the_image(way):
    grey = checkered(64, 36, 1)[..., 0]
    same = resize_part(np.dstack([grey] * 3), (20, 10), (3, 2, 9, 5), way)
    assert np.array_equal(same, np.dstack([resize_part(grey, (20, 10), (3, 2, 9, 5), way)] * 3))
