"""From pictures to the tensors that models take."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.mlmodel.preprocessing import image_input, resize
from vision_service.mlmodel.runtime import TensorInfo

BYTES = TensorInfo("image", "uint8", (1, 4, 6, 3))
FLOATS = TensorInfo("image", "float32", (1, 4, 6, 3))

pictures = arrays(np.uint8, (4, 6, 3))


@given(pictures)
def test_a_byte_input_takes_the_values_as_they_are(pixels):
    tensor = image_input([BYTES]).tensor(Image(pixels))
    assert tensor.dtype == np.uint8
    assert np.array_equal(tensor, pixels[np.newaxis])


@given(pictures)
def test_a_float_input_takes_minus_one_to_one_unless_told_otherwise(pixels):
    tensor = image_input([FLOATS]).tensor(Image(pixels))
    assert tensor.dtype == np.float32
    assert tensor.shape == (1, 4, 6, 3)
    assert np.allclose(tensor[0], pixels / 127.5 - 1, atol=1e-6)


@given(pictures)
def test_mean_and_deviation_are_of_values_from_zero_to_one(pixels):
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    tensor = image_input([FLOATS], mean=mean, std=std).tensor(Image(pixels))
    assert np.allclose(tensor[0], (pixels / 255 - mean) / std, atol=1e-5)


def test_mean_and_deviation_are_in_the_order_of_the_tensor_s_channels():
    blue = Image(np.full((4, 6, 3), (0, 0, 255), np.uint8))
    tensor = image_input([FLOATS], mean=(0.5, 0.0, 0.0), std=(0.25, 1.0, 1.0), bgr=True).tensor(blue)
    assert tensor[0, 0, 0].tolist() == [2.0, 0.0, 0.0]


@given(pictures)
def test_every_encoding_gives_the_same_tensor(pixels):
    alpha = np.full((4, 6, 1), 7, np.uint8)
    taken = image_input([BYTES])
    for same in (
        Image(pixels[..., ::-1], "bgr8"),
        Image(np.dstack([pixels, alpha]), "rgba8"),
        Image(np.dstack([pixels[..., ::-1], alpha]), "bgra8"),
    ):
        assert np.array_equal(taken.tensor(same), taken.tensor(Image(pixels)))


def test_a_grey_picture_has_three_equal_channels():
    grey = np.arange(24, dtype=np.uint8).reshape(4, 6)
    assert np.array_equal(image_input([BYTES]).tensor(Image(grey, "mono8"))[0], np.dstack([grey] * 3))


def test_rows_may_be_padded_and_pixels_read_only():
    memory = bytes(range(120))
    rows = np.frombuffer(memory, np.uint8).reshape(4, 10, 3)
    pixels = rows[:, :6]
    assert not pixels.flags.writeable
    assert np.array_equal(image_input([BYTES]).tensor(Image(pixels))[0], pixels)
    small = TensorInfo("image", "uint8", (1, 2, 2, 3))
    assert np.array_equal(image_input([small]).tensor(Image(pixels)), image_input([small]).tensor(Image(pixels.copy())))


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 255), st.sampled_from([(), (3,), (4,)]))
def test_a_plain_picture_stays_plain_in_any_size(width, height, value, channels):
    pixels = resize(np.full((height, width, *channels), value, np.uint8), 20, 10)
    assert pixels.shape == (10, 20, *channels)
    assert pixels.dtype == np.uint8
    assert (pixels == value).all()


@pytest.mark.parametrize("size", [(30, 20), (400, 300), (1900, 1000), (60, 900)])
def test_what_is_at_a_place_of_the_picture_stays_there_with_the_aspect_not_kept(size):
    width, height = size
    across = np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))
    down = np.tile(np.linspace(0, 255, height).astype(np.uint8)[:, np.newaxis], (1, width))
    centres = (np.arange(30) + 0.5) / 30 * 255
    assert np.abs(resize(across, 30, 30)[15] - centres).max() < 8
    assert np.abs(resize(down, 30, 30)[:, 15] - centres).max() < 8


def test_a_big_picture_is_averaged_so_that_thin_lines_do_not_come_and_go():
    widths = []
    for shift in range(16):
        lines = np.zeros((640, 640), np.uint8)
        lines[:, shift::16] = 255  # one in sixteen columns, of which plain bilinear would see some or none
        widths.append(resize(lines, 160, 160).mean())
    assert max(widths) - min(widths) < 1
    assert np.mean(widths) == pytest.approx(255 / 16, abs=1)


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ([], "nothing"),
        ([BYTES, BYTES], "'image' uint8[1, 4, 6, 3], 'image' uint8[1, 4, 6, 3]"),
        ([TensorInfo("x", "uint8", (1, 28, 28))], "'x' uint8[1, 28, 28]"),
        ([TensorInfo("x", "int8", (1, 4, 6, 3))], "type int8: try uint8 or float32"),
        ([TensorInfo("x", "float32", (1, -1, -1, 3))], "'x' float32[1, -1, -1, 3]"),
        ([TensorInfo("x", "float32", (1, 3, 4, 6))], "'x' float32[1, 3, 4, 6]"),
        ([TensorInfo("x", "float32", (1, 4, 6, 1))], "'x' float32[1, 4, 6, 1]"),
        ([TensorInfo("x", "float32", (8, 4, 6, 3))], "'x' float32[8, 4, 6, 3]"),
    ],
)
def test_an_input_that_is_no_colour_picture_is_refused_with_what_was_found(inputs, found):
    with pytest.raises(VisionError) as raised:
        image_input(inputs)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    assert found in raised.value.message


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"mean": (0.5,)}, "input_image_mean_value"),
        ({"std": (0.5, 0.5)}, "input_image_std_dev"),
        ({"std": (0.5, 0.0, 0.5)}, "input_image_std_dev"),
    ],
)
def test_mean_and_deviation_are_three_numbers_and_no_deviation_is_zero(values, name):
    with pytest.raises(VisionError) as raised:
        image_input([FLOATS], **values)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    assert repr(name) in raised.value.message
