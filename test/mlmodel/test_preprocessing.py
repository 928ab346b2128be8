"""From images to the tensors that models take."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.mlmodel.placement import RULES
from vision_service.mlmodel.preprocessing import ImageInput, find_image
from vision_service.mlmodel.runtime import TensorInfo

HALF = (0.5,) * 3
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

images = arrays(np.uint8, (4, 6, 3))


def taken(dtype: str = "float32", shape=(1, 4, 6, 3), scale: float = 0, zero_point: int = 0) -> TensorInfo:
    quantization = ((scale,), (zero_point,)) if scale else ((), ())
    return TensorInfo("image", dtype, shape, *quantization)


BYTES, FLOATS = taken("uint8"), taken()


def image_input(info: TensorInfo, mean=None, std=None, *, truncate: bool = False, **more) -> ImageInput:
    """The input of a model: float ones take -1 to 1 unless told otherwise."""
    tensor, _ = find_image([info])
    values = {"width": tensor.width, "height": tensor.height, **more}
    return ImageInput(tensor, **values).with_values(mean, std, truncate=truncate)


def tensor_of(info: TensorInfo, pixels: np.ndarray, mean=None, std=None, encoding: str = "rgb8", **more) -> np.ndarray:
    return image_input(info, mean, std, **more).tensor(Image(pixels, encoding))


# Values.


@given(images)
def test_a_byte_input_takes_the_values_as_they_are(pixels):
    tensor = tensor_of(BYTES, pixels)
    assert tensor.dtype == np.uint8
    assert np.array_equal(tensor, pixels[np.newaxis])


@given(images)
def test_mean_and_deviation_are_of_values_from_zero_to_one(pixels):
    assert np.allclose(tensor_of(FLOATS, pixels)[0], pixels / 127.5 - 1, atol=1e-6)
    tensor = tensor_of(FLOATS, pixels, *IMAGENET)
    assert (tensor.dtype, tensor.shape) == (np.float32, (1, 4, 6, 3))
    assert np.allclose(tensor[0], (pixels / 255 - IMAGENET[0]) / IMAGENET[1], atol=1e-5)


def test_mean_and_deviation_are_in_the_order_of_the_tensor_s_channels():
    blue = np.full((4, 6, 3), (0, 0, 255), np.uint8)
    for shape in ((1, 4, 6, 3), (1, 3, 4, 6)):
        tensor = tensor_of(taken(shape=shape), blue, (0.5, 0.0, 0.0), (0.25, 1.0, 1.0), bgr=True)
        first = tensor[0, :, 0, 0] if shape[1] == 3 else tensor[0, 0, 0]
        assert first.tolist() == [2.0, 0.0, 0.0]


@given(images)
def test_every_encoding_gives_the_same_tensor(pixels):
    alpha = np.full((4, 6, 1), 7, np.uint8)
    for same, encoding in (
        (pixels[..., ::-1], "bgr8"),
        (np.dstack([pixels, alpha]), "rgba8"),
        (np.dstack([pixels[..., ::-1], alpha]), "bgra8"),
    ):
        assert np.array_equal(tensor_of(BYTES, same, encoding=encoding), tensor_of(BYTES, pixels))


def test_a_grey_image_has_three_equal_channels():
    grey = np.arange(24, dtype=np.uint8).reshape(4, 6)
    assert np.array_equal(tensor_of(BYTES, grey, encoding="mono8")[0], np.dstack([grey] * 3))


def test_rows_may_be_padded_and_pixels_read_only():
    rows = np.frombuffer(bytes(range(120)), np.uint8).reshape(4, 10, 3)
    pixels = rows[:, :6]
    assert not pixels.flags.writeable
    assert np.array_equal(tensor_of(BYTES, pixels)[0], pixels)
    small = taken("uint8", (1, 2, 2, 3))
    assert np.array_equal(tensor_of(small, pixels), tensor_of(small, pixels.copy()))


@given(images)
def test_a_signed_input_takes_the_values_shifted_to_its_range_whatever_its_scale_is(pixels):
    for info in (taken("int8"), taken("int8", scale=1 / 127.5, zero_point=-1), taken("int8", scale=0.0186)):
        tensor = tensor_of(info, pixels)
        assert tensor.dtype == np.int8
        assert np.array_equal(tensor[0], pixels.astype(int) - 128)


@given(images)
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_a_quantized_input_takes_what_mean_and_deviation_make_if_they_are_given(dtype, pixels):
    info = taken(dtype, scale=0.02, zero_point=-14 if dtype == "int8" else 114)
    tensor = tensor_of(info, pixels, *IMAGENET)
    limits = np.iinfo(dtype)
    low, high = ((limit - info.zero_points[0]) * 0.02 for limit in (limits.min, limits.max))
    real = ((pixels / 255 - IMAGENET[0]) / IMAGENET[1]).clip(low, high)
    assert tensor.dtype == dtype
    assert np.allclose((tensor[0].astype(float) - info.zero_points[0]) * 0.02, real, atol=0.0101)


def ramp() -> np.ndarray:
    """All values that a channel may have."""
    return np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point"),
    [("int8", 1 / 255, -128), ("uint8", 1 / 255, 0), ("int8", 0.0039215688593685627, -128), ("int8", 0.0073, -90)],
)
def test_where_integers_are_cut_off_they_are_those_of_the_framework_s_own_backend(dtype, scale, zero_point):
    info = taken(dtype, (1, 16, 16, 3), scale, zero_point)
    limits = np.iinfo(dtype)
    real = ramp().astype(np.float32) / np.float32(255)
    expected = (real / scale + zero_point).clip(limits.min, limits.max).astype(dtype)
    found = tensor_of(info, ramp(), (0.0,) * 3, (1.0,) * 3, truncate=True)
    assert np.array_equal(found[0], expected)


@given(images)
@pytest.mark.parametrize(("dtype", "atol"), [("float16", 1e-3), ("float64", 1e-9)])
def test_other_floats_take_the_same_values(dtype, atol, pixels):
    tensor = tensor_of(taken(dtype), pixels)
    assert tensor.dtype == dtype
    assert np.allclose(tensor[0].astype(float), pixels / 127.5 - 1, atol=atol)


# Layouts.


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8", "int8"])
@pytest.mark.parametrize("bgr", [False, True])
@settings(max_examples=12)
@given(arrays(np.uint8, st.tuples(st.integers(2, 9), st.integers(2, 9), st.just(3))), st.integers(0, 255))
def test_planes_have_the_values_that_pixels_have(bgr, dtype, rule, pixels, border):
    more = {"bgr": bgr, "rule": rule, "way": "bilinear", "border": border, "shorter_edge": 8}
    last = tensor_of(taken(dtype), pixels, *IMAGENET, **more)
    first = tensor_of(taken(dtype, (1, 3, 4, 6)), pixels, *IMAGENET, **more)
    assert first.shape == (1, 3, 4, 6)
    assert first.flags.c_contiguous
    atol = {"float32": 1e-5, "float16": 4e-3}.get(dtype, 0)
    assert np.allclose(first.astype(float), last.transpose(0, 3, 1, 2).astype(float), atol=atol)


@given(images)
def test_a_tensor_may_lack_the_axis_for_images(pixels):
    for shape in ((3, 4, 6), (4, 6, 3)):
        alone = tensor_of(taken(shape=shape), pixels)
        assert alone.shape == shape
        assert np.array_equal(alone, tensor_of(taken(shape=(1, *shape)), pixels)[0])


@pytest.mark.parametrize("shape", [(1, 4, 6, 1), (1, 1, 4, 6)])
@pytest.mark.parametrize("encoding", ["rgb8", "mono8"])
def test_a_grey_input_takes_how_bright_the_image_is(encoding, shape):
    pixels = np.full((4, 6, 3), (255, 0, 0), np.uint8) if encoding == "rgb8" else np.full((4, 6), 76, np.uint8)
    tensor = tensor_of(taken("uint8", shape), pixels, encoding=encoding)
    assert tensor.shape == shape
    assert (tensor == 76).all()  # red is 29.9 % of white
    normalized = tensor_of(taken("float32", shape), pixels, (0.0,), (1.0,), encoding)
    assert np.allclose(normalized, 76 / 255)


@pytest.mark.parametrize("shape", [(1, 4, 6, 4), (1, 4, 5, 6)])
def test_an_input_with_opacity_takes_an_image_that_is_all_there(shape):
    first = shape[1] == 4 and shape[3] != 4
    pixels = np.full((shape[2] if first else 4, shape[3] if first else 6, 3), (1, 2, 3), np.uint8)
    for bgr, colours in ((False, [1, 2, 3, 255]), (True, [3, 2, 1, 255])):
        tensor = tensor_of(taken("uint8", shape), pixels, bgr=bgr)
        assert tensor.shape == shape
        assert (tensor[0, :, 0, 0] if first else tensor[0, 0, 0]).tolist() == colours


@pytest.mark.parametrize(
    ("shape", "layout", "size"),
    [
        ((1, 4, 6, 3), "NHWC", (6, 4)),
        ((1, 3, 4, 6), "NCHW", (6, 4)),
        ((3, 4, 6), "CHW", (6, 4)),
        ((4, 6, 3), "HWC", (6, 4)),
        ((-1, 3, -1, -1), "NCHW", (0, 0)),
        ((1, -1, -1, 3), "NHWC", (0, 0)),
        ((1, 3, 32, 3), "NHWC", (32, 3)),
    ],
)
def test_the_layout_of_an_input_is_told_by_its_shape(shape, layout, size):
    found, _ = find_image([taken(shape=shape)])
    assert (found.layout, (found.width, found.height)) == (layout, size)


# Sizes, borders and resizing.


@pytest.mark.parametrize(("shape", "axes"), [((1, -1, -1, 3), (1, 2)), ((-1, 3, -1, -1), (2, 3))])
def test_an_input_of_any_size_takes_the_image_s_own_or_the_one_it_is_told(shape, axes):
    pixels = np.zeros((40, 60, 3), np.uint8)
    own = tensor_of(taken(shape=shape), pixels)
    told = tensor_of(taken(shape=shape), pixels, width=32, height=64)
    assert [own.shape[axis] for axis in axes] == [40, 60]
    assert [told.shape[axis] for axis in axes] == [64, 32]


@pytest.mark.parametrize(
    ("source", "most", "made"),
    [
        ((1200, 600), (320, 320), (320, 160)),
        ((640, 360), (320, 320), (320, 192)),
        ((360, 640), (320, 320), (192, 320)),
        ((640, 360), (0, 0), (640, 384)),
        ((33, 33), (0, 0), (64, 64)),
    ],
)
def test_with_a_stride_an_input_of_any_size_is_as_small_as_the_image_allows(source, most, made):
    info = taken(shape=(1, 3, -1, -1))
    more = {"stride": 32, "rule": "letterbox", "border": 114, "width": most[0], "height": most[1]}
    white = np.full((source[1], source[0], 3), 255, np.uint8)
    taking = image_input(info, (0.0,) * 3, (1.0,) * 3, **more)
    tensor = taking.tensor(Image(white))
    assert tensor.shape == (1, 3, made[1], made[0])
    placement = taking.placement(Image(white))
    assert placement.size == made
    (left, top), (width, height) = placement.corner, placement.content
    content = np.zeros(tensor.shape[2:], bool)
    content[top : top + height, left : left + width] = True
    assert (tensor[0, :, content] == 1).all()
    assert np.allclose(tensor[0, :, ~content], 114 / 255)


@pytest.mark.parametrize("shape", [(1, 8, 8, 3), (1, 3, 8, 8)])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize(
    ("rule", "rows"), [("letterbox", [0, 0, 1, 1, 1, 1, 0, 0]), ("letterbox_top_left", [1, 1, 1, 1, 0, 0, 0, 0])]
)
@pytest.mark.parametrize("border", [0, 114])
def test_beside_a_letterboxed_image_all_channels_have_the_border_s_value(border, rule, rows, dtype, shape):
    white = np.full((10, 20, 3), 255, np.uint8)
    tensor = tensor_of(taken(dtype, shape), white, *((0.0,) * 3, (1 / 255,) * 3), rule=rule, border=border)
    values = tensor[0].transpose(1, 2, 0) if shape[1] == 3 else tensor[0]
    for row, inside in zip(values, rows, strict=True):
        assert np.allclose(row, 255 if inside else border, atol=1e-3)


def test_the_border_goes_through_mean_and_deviation_of_each_channel():
    for shape in ((1, 8, 8, 3), (1, 3, 8, 8)):
        tensor = tensor_of(taken(shape=shape), np.zeros((4, 8, 3), np.uint8), *IMAGENET, rule="letterbox", border=114)
        first = tensor[0, :, 0, 0] if shape[1] == 3 else tensor[0, 0, 0]
        assert np.allclose(first, (114 / 255 - np.array(IMAGENET[0])) / IMAGENET[1], atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 8, 8, 3), (1, 3, 8, 8)])
def test_the_middle_is_cut_out_of_the_image_brought_to_its_shorter_edge(shape):
    pixels = np.zeros((16, 48, 3), np.uint8)
    pixels[:, 16:32] = 200
    more = {"mean": (0.0,) * 3, "std": (1 / 255,) * 3, "rule": "center_crop", "way": "antialias"}
    cut = tensor_of(taken(shape=shape), pixels, shorter_edge=8, **more)
    assert np.allclose((cut[0] if shape[1] == 3 else cut[0].transpose(2, 0, 1))[:, :, 1:7], 200, atol=1e-3)
    larger = tensor_of(taken(shape=shape), pixels, shorter_edge=16, **more)
    assert np.allclose(larger, 200, atol=1e-3)


# Refused.


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ([], "nothing"),
        ([BYTES, BYTES], "'image' uint8[1, 4, 6, 3], 'image' uint8[1, 4, 6, 3]"),
        ([TensorInfo("x", "uint8", (1, 28, 28))], "'x' uint8[1, 28, 28]"),
        ([TensorInfo("x", "int64", (1, 4, 6, 3))], "type int64 is not served: try uint8 or float32"),
        ([TensorInfo("x", "float32", (1, 5, 6, 2))], "'x' float32[1, 5, 6, 2]"),
        ([TensorInfo("x", "float32", (8, 4, 6, 3))], "'x' float32[8, 4, 6, 3]"),
        ([TensorInfo("x", "float32", (1, 0, 6, 3))], "'x' float32[1, 0, 6, 3]"),
    ],
)
def test_an_input_that_is_no_image_is_refused_with_what_was_found(inputs, found):
    with pytest.raises(VisionError) as raised:
        find_image(inputs)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    assert found in raised.value.message


@pytest.mark.parametrize("shape", [(1, 2), (2,), (-1, 2)])
def test_a_second_input_may_take_the_image_s_size(shape):
    size = TensorInfo("orig_target_sizes", "int64", shape)
    for inputs in ([FLOATS, size], [size, FLOATS]):
        image, found = find_image(inputs)
        assert image.info is FLOATS
        assert found is size


@pytest.mark.parametrize(
    "second",
    [
        TensorInfo("input_ids", "int64", (1, 16)),  # texts: OWL-ViT
        TensorInfo("scale_factor", "float32", (1, 2)),  # PaddleDetection: no size
        TensorInfo("im_shape", "float32", (1, 2)),
        TensorInfo("point_coords", "float32", (1, 4, 2)),  # SAM
        TensorInfo("pixel_mask", "int64", (1, 4, 6)),
        TensorInfo("size", "int64", (1, 3)),
    ],
)
def test_any_other_second_input_is_refused_by_name(second):
    with pytest.raises(VisionError) as raised:
        find_image([FLOATS, second])
    assert f"besides its image {FLOATS}" in raised.value.message
    assert str(second) in raised.value.message
    assert "export it with the image as its only input" in raised.value.message


def test_a_second_size_is_refused():
    sizes = [TensorInfo(name, "int64", (1, 2)) for name in ("size_a", "size_b")]
    with pytest.raises(VisionError, match="'size_b'"):
        find_image([FLOATS, *sizes])
