"""What fills a tensor, in every encoding, order, layout and kind of values, beside one step after the other."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.image import ENCODINGS, to_rgb
from vision_service.mlmodel.filling import Filling, resize
from vision_service.mlmodel.placement import Placement, cropped, letterboxed, letterboxed_top_left, stretched
from vision_service.mlmodel.resizing import CHOICES

LENGTHS = st.integers(1, 40)
SIZES = st.tuples(LENGTHS, LENGTHS)
ORDERS = {3: (None, cv2.COLOR_RGB2BGR), 4: (cv2.COLOR_RGB2RGBA, cv2.COLOR_RGB2BGRA)}
TABLES = st.sampled_from([None, "signs", "any"])


@st.composite
def images(draw) -> tuple[np.ndarray, str]:
    """Noise in one of the encodings; rows may be padded, or in the other order, and pixels may be read-only."""
    encoding, (width, height) = draw(st.sampled_from(sorted(ENCODINGS))), draw(SIZES)
    channels = ENCODINGS[encoding].channels
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    pixels = rng.integers(0, 256, (height, width + draw(st.integers(0, 2)), channels), np.uint8)[:, :width]
    pixels = draw(st.sampled_from([pixels, pixels[::-1], pixels[:, ::-1]]))
    pixels.flags.writeable = draw(st.booleans())
    return (pixels if channels > 1 else pixels[..., 0]), encoding


PLACEMENTS = {
    "stretched": stretched,
    "letterboxed": letterboxed,
    "letterboxed, in the corner": letterboxed_top_left,
    "cropped": lambda source, size: cropped(source, size, 20),
}


def step_by_step(pixels, encoding, placement: Placement, channels: int, *, bgr: bool, way: str, border: int):
    """The bytes of a tensor of (height, width, channels): resized, in its channels, and bordered."""
    resized = Filling(encoding, stretched(placement.source, placement.content), channels=3, way=way).bytes(pixels)
    (left, top), (width, height) = placement.corner, placement.size
    part = resized[max(-top, 0) :, max(-left, 0) :][:height, :width]
    if channels == 1:
        grey = encoding == "mono8"
        part = part[..., :1] if grey else cv2.cvtColor(part, cv2.COLOR_RGB2GRAY).reshape(*part.shape[:2], 1)
    elif (code := ORDERS[channels][bgr]) is not None:
        part = cv2.cvtColor(part, code)
    made = np.full((height, width, channels), border, np.uint8)
    top, left = max(top, 0), max(left, 0)
    made[top : top + part.shape[0], left : left + part.shape[1]] = part
    return made


@given(
    images(), SIZES, st.sampled_from(sorted(PLACEMENTS)), st.sampled_from([1, 3, 4]), st.booleans(), st.booleans(),
    st.sampled_from(CHOICES), st.integers(0, 255), TABLES,
)  # fmt: skip
def test_bytes_are_those_of_one_step_after_the_other(image, size, rule, channels, first, bgr, way, border, values):
    pixels, encoding = image
    placement = PLACEMENTS[rule](pixels.shape[1::-1], size)
    more = {"bgr": bgr, "way": way, "border": border}
    table = None
    if values is not None:
        table = np.arange(256)[:, np.newaxis].repeat(channels, axis=1) - 128
        if values == "any":
            table = np.random.default_rng(border).permuted(table, axis=0)
        table = table.astype(np.int8)
    expected = step_by_step(pixels, encoding, placement, channels, **more)
    if table is not None:
        expected = np.stack([table[expected[..., each], each] for each in range(channels)], axis=2)
    for wide in (True, False):
        filling = Filling(encoding, placement, channels=channels, channels_first=first, **more, wide=wide)
        found = filling.bytes(pixels, table)
        assert found.dtype == (np.uint8 if table is None else np.int8)
        assert found.shape == filling.shape
        assert found.flags.c_contiguous
        assert np.array_equal(found.transpose(1, 2, 0) if first else found, expected)


@given(
    images(), SIZES, st.sampled_from(sorted(PLACEMENTS)), st.sampled_from([1, 3, 4]), st.booleans(),
    st.sampled_from([np.float32, np.float64]), st.integers(0, 255),
)  # fmt: skip
def test_numbers_are_the_bytes_with_slope_and_offset_in_the_type_s_own_arithmetic(
    image, size, rule, channels, first, dtype, border
):
    pixels, encoding = image
    placement = PLACEMENTS[rule](pixels.shape[1::-1], size)
    filling = Filling(encoding, placement, channels=channels, channels_first=first, border=border)
    slope, offset = np.random.default_rng(border).normal(size=(2, channels))
    found = filling.reals(pixels, slope, offset, dtype)
    shape = (channels, 1, 1) if first else (channels,)
    slope, offset = slope.astype(dtype).reshape(shape), offset.astype(dtype).reshape(shape)
    assert found.dtype == dtype
    assert np.array_equal(found, filling.bytes(pixels).astype(dtype) * slope + offset)


@given(images())
def test_colours_are_those_of_the_encoding(image):
    pixels, encoding = image
    filling = Filling(encoding, stretched(pixels.shape[1::-1], pixels.shape[1::-1]), channels=3)
    assert np.array_equal(filling.bytes(pixels), to_rgb(np.ascontiguousarray(pixels), encoding))


def test_grey_is_opencv_s_for_all_colours():
    levels = np.arange(0, 256, 3, dtype=np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, levels.size, 3)
    same = stretched(colours.shape[1::-1], colours.shape[1::-1])
    found = Filling("rgb8", same, channels=1).bytes(colours)[..., 0]
    assert np.array_equal(found, cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY))


@pytest.mark.parametrize("way", CHOICES)
def test_an_image_is_resized_as_for_a_tensor(way):
    pixels = np.random.default_rng(3).integers(0, 256, (30, 40, 3), np.uint8)
    tensor = Filling("rgb8", stretched((40, 30), (9, 7)), channels=3, way=way).bytes(pixels)
    assert np.array_equal(resize(pixels, 9, 7, way), tensor)


@pytest.mark.parametrize("shape", [(10, 21, 3), (9, 20, 3), (10, 20, 4), (10, 20)])
def test_an_image_of_another_form_is_refused(shape):
    filling = Filling("rgb8", stretched((20, 10), (4, 4)), channels=3)
    with pytest.raises(ValueError, match=r"images of \(10, 20, 3\), not of"):
        filling.bytes(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(
    ("placement", "channels"),
    [
        (Placement((20, 10), (4, 4), (4, 4)), 2),
        (Placement((20, 10), (0, 4), (4, 4)), 3),
        (Placement((20, 10), (4, 4), (2, 2), (3, 3)), 3),  # its right edge is beyond the tensor
        (Placement((20, 10), (4, 4), (6, 6), (-3, 0)), 3),  # the part ends beyond the image
    ],
)
def test_what_is_not_in_the_tensor_or_in_the_image_is_neither_written_nor_read(placement, channels):
    with pytest.raises(ValueError, match="do not belong together"):
        Filling("rgb8", placement, channels=channels).bytes(np.zeros((10, 20, 3), np.uint8))


def test_table_slope_and_offset_are_of_the_tensor_s_channels():
    filling, pixels = Filling("rgb8", stretched((20, 10), (4, 4)), channels=3), np.zeros((10, 20, 3), np.uint8)
    with pytest.raises(ValueError, match="do not belong together"):
        filling.bytes(pixels, np.zeros((256, 4), np.uint8))
    with pytest.raises(ValueError, match="do not belong together"):
        filling.reals(pixels, np.ones(3), np.ones(1), np.float32)
