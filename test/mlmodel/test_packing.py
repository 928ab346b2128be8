"""Tensors in fewer bytes: the same bits come back, or it is said that they cannot be packed."""

import cv2
import numpy as np
import pytest

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.packing import Packer, image_axes, unpack
from vision_service.mlmodel.sending import BYTES, JPEG, PNG, RAW

PIXELS = cv2.resize(np.random.default_rng(5).integers(3, 250, (12, 16, 3), np.uint8), (64, 48))
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def normalized(pixels, dtype="float32"):
    """Return pixels as models with a mean and a standard deviation take them, (1, 3, H, W)."""
    values = pixels.astype(np.float32) * (1 / (255 * STD)).astype(np.float32) - (MEAN / STD).astype(np.float32)
    return np.ascontiguousarray(values.astype(dtype).transpose(2, 0, 1))[np.newaxis]


def there_and_back(tensor, way, packer=None, **options):
    data, how = (packer or Packer()).pack(tensor, way, **options)
    return data, unpack(data, how, tensor.dtype.name, tensor.shape, name="image")


TENSORS = {
    "floats, channels first": normalized(PIXELS),
    "floats from 0 to 1, channels last": (PIXELS / np.float32(255))[np.newaxis],
    "floats from -1 to 1": (PIXELS.astype(np.float32) / 127.5 - 1)[np.newaxis],
    "double precision": normalized(PIXELS, "float64"),
    "grey": (PIXELS[..., :1] / np.float32(255))[np.newaxis],
    "one value only": np.full((1, 3, 20, 30), 0.5, np.float32),
}


@pytest.mark.parametrize("way", [BYTES, PNG])
@pytest.mark.parametrize("tensor", TENSORS.values(), ids=TENSORS)
def test_floats_of_an_image_come_back_bit_for_bit(tensor, way):
    data, back = there_and_back(tensor, way)
    assert back.dtype == tensor.dtype
    assert back.tobytes() == tensor.tobytes()
    if tensor.nbytes > 1 << 14:
        assert len(data) < 0.5 * tensor.nbytes


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_bytes_of_an_image_come_back_as_they_were(dtype):
    tensor = PIXELS[np.newaxis].view(dtype)
    _, back = there_and_back(tensor, PNG)
    assert back.dtype == tensor.dtype
    assert np.array_equal(back, tensor)


def test_values_that_come_later_are_learnt():
    packer = Packer()
    for low, high in ((100, 120), (3, 250), (0, 255)):
        tensor = normalized(np.clip(PIXELS, low, high))
        assert np.array_equal(there_and_back(tensor, BYTES, packer)[1], tensor)


def test_jpeg_loses_a_little_and_is_much_smaller():
    tensor = normalized(cv2.GaussianBlur(PIXELS, (0, 0), 3))
    data, back = there_and_back(tensor, JPEG, quality=95)
    assert len(data) - 3 * 1024 < tensor.nbytes / 20
    assert 0 < np.abs(back - tensor).max() < 0.5


@pytest.mark.parametrize(
    "tensor",
    [
        np.random.default_rng(1).normal(size=(1, 3, 40, 40)).astype(np.float32),  # no pixels
        np.full((1, 3, 8, 8), np.nan, np.float32),
        np.where(PIXELS[np.newaxis] > 100, np.float32(0.0), np.float32(-0.0)),
        np.zeros((1, 5), np.float32),
        np.zeros((2, 8, 8, 3), np.float32),
        np.zeros((1, 8, 8, 3), np.int64),
        np.zeros((1, 8, 8, 3), np.float16),
    ],
    ids=["noise", "no numbers", "zeros of both signs", "no image", "two images", "integers", "half precision"],
)
@pytest.mark.parametrize("way", [BYTES, PNG])
def test_what_is_no_image_of_bytes_is_not_packed(tensor, way):
    assert Packer().pack(tensor, way) is None


def test_raw_is_not_packed():
    assert Packer().pack(normalized(PIXELS), RAW) is None


def test_where_the_channels_are():
    assert image_axes((1, 3, 48, 64)) == (48, 64, 3, True)
    assert image_axes((48, 64, 3)) == (48, 64, 3, False)
    assert image_axes((1, 0, 64, 3)) is None


GOOD = Packer().pack(normalized(PIXELS), PNG)


@pytest.mark.parametrize(
    ("data", "how", "dtype", "shape", "why"),
    [
        (b"", {"as": "zip"}, "uint8", (1, 8, 8, 3), "cannot be packed as 'zip'"),
        (b"", {"as": "bytes", "table": True}, "float32", (1, 8, 8, 3), "table of values is cut off"),
        (b"", {"as": "bytes"}, "float32", (1, 8, 8, 3), "table of its values is missing"),
        (b"abc", {"as": "bytes"}, "uint8", (1, 8, 8, 3), "192 bytes are needed, but 3 were given"),
        (b"abc", {"as": "png"}, "uint8", (1, 8, 8, 3), "is not 8×8"),
        (GOOD[0], GOOD[1], "float32", (1, 3, 48, 65), "is not 65×48"),
        (GOOD[0], GOOD[1], "float32", (1, 1, 48, 64), "is not 64×48"),
        (GOOD[0][:-400], GOOD[1], "float32", (1, 3, 48, 64), ""),
        (b"", {"as": "png"}, "uint8", (1, 1 << 20, 1 << 20, 3), "max_image_pixels"),
    ],
)
def test_what_does_not_fit_is_refused(data, how, dtype, shape, why):
    try:
        unpack(data, how, dtype, shape, name="image")
    except VisionError as error:
        assert error.code == ErrorCode.INVALID_ARGUMENT
        assert why in error.message
    else:
        assert not why
