"""Quantized tensors and the real values that they stand for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.mlmodel.quantization import Dequantizer, is_quantized, quantize
from vision_service.mlmodel.runtime import TensorInfo

BYTES = TensorInfo("scores", "uint8", (1, 3), (1 / 256,), (0,))
SIGNED = TensorInfo("scores", "int8", (1, 3), (1 / 256,), (-128,))


@pytest.mark.parametrize(("info", "values"), [(BYTES, [0, 224, 32]), (SIGNED, [-128, 96, -96])])
def test_quantized_outputs_are_brought_to_their_real_values(info, values):
    tensors = {"scores": np.array([values], info.dtype), "other": np.array([7])}
    real = Dequantizer([info, TensorInfo("other", "int64", (1,))])(tensors)
    assert np.allclose(real["scores"], [[0, 0.875, 0.125]])
    assert real["scores"].dtype == np.float32
    assert real["other"] is tensors["other"]


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (BYTES, True),
        (TensorInfo("x", "int8", (1,)), False),  # it says nothing
        (TensorInfo("x", "float32", (1,), (0.5,), (0,)), False),
        (TensorInfo("x", "int8", (1, 2), (0.5, 0.25), (0, 0)), False),  # one scale for each channel
        (TensorInfo("x", "int8", (1,), (0.0,), (0,)), False),
    ],
)
def test_a_tensor_is_quantized_if_it_holds_whole_numbers_with_one_scale(info, expected):
    assert is_quantized(info) is expected


@given(st.floats(-3, 3), st.floats(0.001, 0.1), st.integers(-128, 127))
def test_what_is_quantized_comes_back_to_half_a_step_unless_it_is_out_of_range(value, scale, zero_point):
    info = TensorInfo("x", "int8", (1,), (scale,), (zero_point,))
    stored = quantize(np.array([value]), info)
    real = Dequantizer([info])({"x": stored})["x"][0]
    low, high = (-128 - zero_point) * scale, (127 - zero_point) * scale
    assert real == pytest.approx(np.clip(value, low, high), abs=scale / 2 + 1e-4)
