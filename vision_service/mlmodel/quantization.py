"""Quantized tensors: small whole numbers that stand for real ones, real value = scale × (value - zero point)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.runtime import TensorInfo, Tensors


def is_quantized(info: TensorInfo) -> bool:
    """Return whether a tensor holds whole numbers with one scale for all."""
    return np.dtype(info.dtype).kind in "iu" and len(info.scales) == 1 and info.scales[0] > 0


def quantize(values: NDArray[np.float64], info: TensorInfo, *, truncate: bool = False) -> NDArray[Any]:
    """Return real values as a quantized tensor's, rounded and kept within its type's range.

    Args:
        values: Of any shape.
        info: The tensor.
        truncate: Whether fractions are cut off instead of rounded; in single precision, in which those who do so
            compute: of a value that is all but whole it decides what is left.
    """
    dtype = np.dtype(info.dtype)
    limits = np.iinfo(dtype)
    zero_point = info.zero_points[0] if info.zero_points else 0
    if truncate:
        single = values.astype(np.float32) / np.float32(info.scales[0]) + np.float32(zero_point)
        return np.trunc(single).clip(limits.min, limits.max).astype(dtype)
    return np.rint(values / info.scales[0] + zero_point).clip(limits.min, limits.max).astype(dtype)


class Dequantizer:
    """Brings quantized outputs to their real values, as float32; others stay as they are."""

    def __init__(self, outputs: Sequence[TensorInfo]) -> None:
        self._quantized = {
            info.name: (info.zero_points[0] if info.zero_points else 0, np.float32(info.scales[0]))
            for info in outputs
            if is_quantized(info)
        }

    def __call__(self, tensors: Tensors) -> Tensors:
        """Return the tensors, those that are quantized replaced."""
        if not self._quantized:
            return tensors
        real = dict(tensors)
        for name, (zero_point, scale) in self._quantized.items():
            values = np.subtract(tensors[name], zero_point, dtype=np.float32)
            values *= scale
            real[name] = values
        return real
