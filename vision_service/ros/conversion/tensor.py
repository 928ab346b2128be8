"""Tensors and what a model says of them: our types from messages and back."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.runtime import TensorInfo
from vision_service.msg import Tensor
from vision_service.msg import TensorInfo as TensorInfoMessage

DTYPES = (
    "bool",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    "float16",
    "float32",
    "float64",
)
"""The types of tensors, by NumPy's names."""
MAX_DIMENSIONS = 32
"""Of a tensor: what every release of NumPy can hold."""


def tensors_from_message(messages: Sequence[Tensor], inputs: Sequence[TensorInfo]) -> dict[str, NDArray[Any]]:
    """Return the arrays of messages by name; a single one without a name is for a model's only input.

    Args:
        messages: The tensors.
        inputs: Of the model.

    Raises:
        VisionError: INVALID_ARGUMENT, if a name stands twice, or a message contradicts itself.
    """
    tensors: dict[str, NDArray[Any]] = {}
    for message in messages:
        name = message.name
        if not name and len(messages) == 1 and len(inputs) == 1:
            name = inputs[0].name
        if name in tensors:
            raise VisionError(ErrorCode.INVALID_ARGUMENT, f"the tensor {name!r} is given twice")
        tensors[name] = _array(message)
    return tensors


def tensors_to_message(tensors: Mapping[str, NDArray[Any]]) -> list[Tensor]:
    """Return arrays by name as messages: little-endian, C order."""
    messages = []
    for name, tensor in tensors.items():
        message = Tensor(name=name, dtype=tensor.dtype.name, shape=list(tensor.shape))
        plain = np.ascontiguousarray(tensor, tensor.dtype.newbyteorder("<"))
        data = array("B")
        data.frombytes(plain.tobytes())
        message.data = data
        messages.append(message)
    return messages


def info_to_message(info: TensorInfo) -> TensorInfoMessage:
    """Return the message of what a model says of a tensor."""
    return TensorInfoMessage(
        name=info.name,
        description=info.description or info.hints.title,
        dtype=info.dtype,
        shape=list(info.shape),
        scales=list(info.scales),
        zero_points=list(info.zero_points),
        labels=list(info.labels),
    )


def info_from_message(message: TensorInfoMessage) -> TensorInfo:
    """Return what a model says of a tensor; what it means is not in the message, and has to be found out again."""
    return TensorInfo(
        name=message.name,
        dtype=message.dtype,
        shape=tuple(message.shape),
        scales=tuple(message.scales),
        zero_points=tuple(message.zero_points),
        description=message.description,
        labels=tuple(message.labels),
    )


def _array(message: Tensor) -> NDArray[Any]:
    if message.dtype not in DTYPES:
        msg = f"tensor {message.name!r}: unknown dtype {message.dtype!r}; known are {', '.join(DTYPES)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    dtype = np.dtype(message.dtype)
    if len(message.shape) > MAX_DIMENSIONS:
        msg = f"tensor {message.name!r}: {len(message.shape)} dimensions; at most {MAX_DIMENSIONS} are possible"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    shape = tuple(int(size) for size in message.shape)
    expected = math.prod(shape) * dtype.itemsize
    if len(message.data) != expected:
        msg = f"tensor {message.name!r}: {dtype}{list(shape)} is {expected} bytes, but {len(message.data)} were given"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    try:
        return np.frombuffer(message.data, dtype.newbyteorder("<")).reshape(shape).astype(dtype, copy=False)
    except (ValueError, OverflowError):  # no bytes at all, but sizes whose product is too large
        msg = f"tensor {message.name!r}: no array can have the shape {list(shape)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
