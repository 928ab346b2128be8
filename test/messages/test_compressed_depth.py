"""Depth messages of the transport compressedDepth."""

from array import array
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from depths import compressed_depth
from vision_service.errors import ErrorCode, VisionError
from vision_service.messages import depth_from_compressed

NEAREST, FARTHEST = 100.0, 10.0
"""What compressed_depth_image_transport calls depth_quantization and depth_max; these are its defaults."""
A = NEAREST * (NEAREST + 1)
B = 1 - A / FARTHEST
IMAGES = nps.arrays(np.uint16, st.tuples(st.integers(1, 6), st.integers(1, 6)))


def message(data, form="16UC1; compressedDepth png"):
    return SimpleNamespace(format=form, data=array("B", data))


@pytest.mark.parametrize("form", ["png", "rvl"])
@given(millimetres=IMAGES)
def test_whole_numbers_are_millimetres_and_zero_unknown(form, millimetres):
    depth = depth_from_compressed(message(compressed_depth(millimetres, form), f"16UC1; compressedDepth {form}"))
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, np.where(millimetres == 0, np.nan, millimetres / 1000), rtol=1e-6)


@pytest.mark.parametrize("form", ["png", "rvl"])
def test_metres_are_quantized_by_their_inverse(form):
    metres = np.float32([[0.5, 1.0, 2.5], [9.9, np.nan, 4.0]])
    numbers = np.nan_to_num(np.floor(A / metres + B)).astype(np.uint16)
    data = compressed_depth(numbers, form, a=A, b=B)
    depth = depth_from_compressed(message(data, f"32FC1; compressedDepth {form}"))
    np.testing.assert_allclose(depth, metres, rtol=0.001)


@pytest.mark.parametrize(
    "form", ["16UC1", "16UC1; compressedDepth", "16UC1;compressedDepth png", "mono16; compressedDepth"]
)
def test_older_publishers_do_not_say_that_it_is_png(form):
    depth = depth_from_compressed(message(compressed_depth(np.uint16([[1500, 0]])), form))
    np.testing.assert_allclose(depth, [[1.5, np.nan]])


def test_data_may_be_an_array_of_numpy():
    data = np.frombuffer(compressed_depth(np.uint16([[250]]), "rvl"), np.uint8)
    depth = depth_from_compressed(SimpleNamespace(format="16UC1; compressedDepth rvl", data=data))
    np.testing.assert_allclose(depth, [[0.25]])


GOOD = compressed_depth(np.full((8, 8), 1000, np.uint16))
GOOD_RVL = compressed_depth(np.arange(64, dtype=np.uint16).reshape(8, 8), "rvl")
PHOTO = bytes(12) + cv2.imencode(".png", np.zeros((2, 2, 3), np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    ("data", "form", "reason"),
    [
        (GOOD, "bgr8; jpeg compressed bgr8", r"depth is expected \(16UC1, mono16, 32FC1\), but the format is "),
        (
            GOOD,
            "16UC1; compressedDepth lzf",
            "as compressedDepth png, compressedDepth rvl, but the format is '16UC1; com",
        ),
        (b"", "16UC1; compressedDepth png", "is empty"),
        (bytes(12), "16UC1; compressedDepth rvl", "is empty"),
        (GOOD[:40], "16UC1; compressedDepth png", "no PNG of 16 bits, or is cut off"),
        (bytes(12) + b"no image", "16UC1; compressedDepth png", "no PNG of 16 bits, or is cut off"),
        (PHOTO, "16UC1; compressedDepth png", "no PNG of 16 bits"),
        (GOOD_RVL[:16], "16UC1; compressedDepth rvl", "0×0 pixels"),
        (GOOD_RVL[:-8], "16UC1; compressedDepth rvl", "damaged or cut off: it has not 64 pixels"),
        (bytes(12) + b"\xff" * 20, "32FC1; compressedDepth rvl", "4294967295×4294967295 pixels"),
    ],
)
def test_what_is_no_depth_is_refused_with_the_reason(data, form, reason):
    with pytest.raises(VisionError, match=reason) as raised:
        depth_from_compressed(message(data, form))
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT


@given(st.binary(max_size=120), st.sampled_from(["png", "rvl"]), st.sampled_from(["16UC1", "32FC1"]))
def test_no_bytes_do_harm(data, form, encoding):
    try:
        assert depth_from_compressed(message(data, f"{encoding}; compressedDepth {form}")).ndim == 2
    except VisionError as error:
        assert error.code == ErrorCode.INVALID_ARGUMENT
