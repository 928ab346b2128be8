"""Tensors are checked before a model runs on them."""

import numpy as np
import pytest

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.runtime import Check, TensorInfo

INPUTS = (TensorInfo("image", "uint8", (1, -1, 4, 3)), TensorInfo("size", "int64", (2,)))
SIZE = np.zeros(2, np.int64)


@pytest.mark.parametrize("height", [1, 7])
def test_what_a_model_takes_passes(height):
    Check(INPUTS)({"size": SIZE, "image": np.zeros((1, height, 4, 3), np.uint8)})


@pytest.mark.parametrize(
    ("tensors", "wrong"),
    [
        ({"size": SIZE}, "'image' is missing"),
        ({"size": SIZE, "image": np.zeros((1, 2, 4, 3), np.uint8), "more": SIZE}, "no input 'more'"),
        ({"size": SIZE, "image": np.zeros((1, 2, 4, 3), np.int8)}, "'image' is int8"),
        ({"size": SIZE, "image": np.zeros((1, 2, 5, 3), np.uint8)}, r"\[1, 2, 5, 3\]"),
        ({"size": SIZE, "image": np.zeros((2, 4, 3), np.uint8)}, r"\[2, 4, 3\]"),
    ],
)
def test_what_it_does_not_take_is_named(tensors, wrong):
    with pytest.raises(VisionError, match=wrong) as raised:
        Check(INPUTS)(tensors)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
