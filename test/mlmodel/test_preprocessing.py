"""From pictures to the tensors that models take."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.mlmodel.preprocessing import image_input, resize
from vision_service.mlmodel.runtime import Hints, TensorInfo

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


# Other inputs: whole numbers, half precision, other channels, other axes, any size.


def taken(dtype: str = "float32", shape=(1, 4, 6, 3), scale: float = 0, zero_point: int = 0, hints=None) -> TensorInfo:
    quantization = ((scale,), (zero_point,)) if scale else ((), ())
    return TensorInfo("image", dtype, shape, *quantization, hints=hints or Hints())


@given(pictures)
def test_a_signed_input_takes_the_values_shifted_to_its_range_whatever_its_scale_is(pixels):
    for info in (taken("int8"), taken("int8", scale=1 / 127.5, zero_point=-1), taken("int8", scale=0.0186)):
        tensor = image_input([info]).tensor(Image(pixels))
        assert tensor.dtype == np.int8
        assert np.array_equal(tensor[0], pixels.astype(int) - 128)


@given(pictures)
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_a_quantized_input_takes_what_mean_and_deviation_make_if_they_are_given(dtype, pixels):
    info = taken(dtype, scale=0.02, zero_point=-14 if dtype == "int8" else 114)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    tensor = image_input([info], mean=mean, std=std).tensor(Image(pixels))
    limits = np.iinfo(dtype)
    real = ((pixels / 255 - mean) / std).clip(
        (limits.min - info.zero_points[0]) * 0.02, (limits.max - info.zero_points[0]) * 0.02
    )
    assert tensor.dtype == dtype
    assert np.allclose((tensor[0].astype(float) - info.zero_points[0]) * 0.02, real, atol=0.0101)


def test_a_signed_input_takes_what_the_file_says():
    info = taken("int8", scale=1 / 255, zero_point=-128, hints=Hints(mean=(0.0,), std=(255.0,)))
    white = image_input([info]).tensor(Image(np.full((4, 6, 3), 255, np.uint8)))
    assert (white == 127).all()


@given(pictures)
def test_a_float_input_takes_what_the_file_says_unless_told_otherwise(pixels):
    one = taken(hints=Hints(mean=(0.0,), std=(255.0,)))
    each = taken(hints=Hints(mean=(10.0, 20.0, 30.0), std=(1.0, 2.0, 4.0)))
    assert np.allclose(image_input([one]).tensor(Image(pixels))[0], pixels / 255, atol=1e-6)
    expected = (pixels.astype(float) - (10, 20, 30)) / (1, 2, 4)
    assert np.allclose(image_input([each]).tensor(Image(pixels))[0], expected, atol=1e-3)
    told = image_input([one], mean=(0.5,) * 3, std=(0.5,) * 3).tensor(Image(pixels))
    assert np.allclose(told[0], pixels / 127.5 - 1, atol=1e-6)


def test_what_the_file_says_for_another_number_of_channels_does_not_count():
    info = taken(hints=Hints(mean=(0.0, 0.0), std=(1.0, 1.0)))
    assert image_input([info]).tensor(Image(np.zeros((4, 6, 3), np.uint8))).max() == -1


def test_unsigned_pictures_stay_what_they_are_although_the_file_tells_a_normalization():
    info = taken("uint8", scale=1 / 128, zero_point=128, hints=Hints(mean=(127.5,), std=(127.5,)))
    pixels = np.arange(72, dtype=np.uint8).reshape(4, 6, 3)
    assert np.array_equal(image_input([info]).tensor(Image(pixels))[0], pixels)


@given(pictures)
@pytest.mark.parametrize(("dtype", "atol"), [("float16", 1e-3), ("float64", 1e-9)])
def test_other_floats_take_the_same_values(dtype, atol, pixels):
    tensor = image_input([taken(dtype)]).tensor(Image(pixels))
    assert tensor.dtype == dtype
    assert np.allclose(tensor[0].astype(float), pixels / 127.5 - 1, atol=atol)


@given(pictures)
@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8"])
@pytest.mark.parametrize("bgr", [False, True])
def test_channels_may_come_first(bgr, dtype, pixels):
    last = image_input([taken(dtype)], bgr=bgr).tensor(Image(pixels))
    first = image_input([taken(dtype, (1, 3, 4, 6))], bgr=bgr).tensor(Image(pixels))
    assert first.flags.c_contiguous
    assert np.array_equal(first, last.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("shape", [(1, 4, 6, 1), (1, 1, 4, 6)])
@pytest.mark.parametrize("encoding", ["rgb8", "mono8"])
def test_a_grey_input_takes_how_bright_the_picture_is(encoding, shape):
    pixels = np.full((4, 6, 3), (255, 0, 0), np.uint8) if encoding == "rgb8" else np.full((4, 6), 76, np.uint8)
    tensor = image_input([taken("uint8", shape)]).tensor(Image(pixels, encoding))
    assert tensor.shape == shape
    assert (tensor == 76).all()  # red is 29.9 % of white
    normalized = image_input([taken("float32", shape)], mean=(0.0,), std=(1.0,)).tensor(Image(pixels, encoding))
    assert np.allclose(normalized, 76 / 255)


@pytest.mark.parametrize("shape", [(1, 4, 6, 4), (1, 4, 5, 6)])
def test_an_input_with_opacity_takes_a_picture_that_is_all_there(shape):
    first = shape[1] == 4 and shape[3] != 4
    pixels = np.full((shape[2] if first else 4, shape[3] if first else 6, 3), (1, 2, 3), np.uint8)
    for bgr, colours in ((False, [1, 2, 3, 255]), (True, [3, 2, 1, 255])):
        tensor = image_input([taken("uint8", shape)], bgr=bgr).tensor(Image(pixels))
        assert tensor.shape == shape
        assert (tensor[0, :, 0, 0] if first else tensor[0, 0, 0]).tolist() == colours


@pytest.mark.parametrize(("shape", "axes"), [((1, -1, -1, 3), (1, 2)), ((-1, 3, -1, -1), (2, 3))])
def test_an_input_of_any_size_takes_the_picture_s_own_or_the_one_it_is_told(shape, axes):
    image = Image(np.zeros((40, 60, 3), np.uint8))
    own = image_input([taken(shape=shape)]).tensor(image)
    told = image_input([taken(shape=shape)], size=(32, 64)).tensor(image)
    assert [own.shape[axis] for axis in axes] == [40, 60]
    assert [told.shape[axis] for axis in axes] == [64, 32]


def test_a_letterboxed_picture_has_black_beside_it():
    white = Image(np.full((10, 20, 3), 255, np.uint8))
    tensor = image_input([taken("float32", (1, 8, 8, 3))], letterbox=True).tensor(white)
    assert (tensor[0, 2:6] == 1).all()
    assert (tensor[0, :2] == -1).all()
    assert (tensor[0, 6:] == -1).all()


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ([], "nothing"),
        ([BYTES, BYTES], "'image' uint8[1, 4, 6, 3], 'image' uint8[1, 4, 6, 3]"),
        ([TensorInfo("x", "uint8", (1, 28, 28))], "'x' uint8[1, 28, 28]"),
        ([TensorInfo("x", "int64", (1, 4, 6, 3))], "type int64: try uint8 or float32"),
        ([TensorInfo("x", "float32", (1, 5, 6, 2))], "'x' float32[1, 5, 6, 2]"),
        ([TensorInfo("x", "float32", (8, 4, 6, 3))], "'x' float32[8, 4, 6, 3]"),
        ([TensorInfo("x", "float32", (1, 0, 6, 3))], "'x' float32[1, 0, 6, 3]"),
    ],
)
def test_an_input_that_is_no_picture_is_refused_with_what_was_found(inputs, found):
    with pytest.raises(VisionError) as raised:
        image_input(inputs)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    assert found in raised.value.message


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"mean": (0.5,)}, "'input_image_mean_value' needs three numbers"),
        ({"std": (0.5, 0.5)}, "'input_image_std_dev' needs three numbers"),
        ({"std": (0.5, 0.0, 0.5)}, "'input_image_std_dev'"),
        ({"size": (4,)}, "'input_size' needs two numbers"),
        ({"size": (4, 6)}, "'input_size' is 4×6, but the model takes 'image' float32[1, 4, 6, 3]"),
    ],
)
def test_what_does_not_fit_the_input_is_refused(values, said):
    with pytest.raises(VisionError) as raised:
        image_input([FLOATS], **values)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    assert said in raised.value.message
