"""Tensors and what a model says of them: our types from messages and back."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.packing import KEY, unpack
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


def tensors_from_message(
    messages: Sequence[Tensor], inputs: Sequence[TensorInfo], packed: Mapping[str, Any] | None = None
) -> dict[str, NDArray[Any]]:
    """Return the arrays of messages by name; a single one without a name is for a model's only input.

    Args:
        messages: The tensors.
        inputs: Of the model.
        packed: How those that are packed are to be read, by name; see :mod:`vision_service.mlmodel.packing`.

    Raises:
        VisionError: INVALID_ARGUMENT, if a name stands twice, or a message contradicts itself.
    """
    tensors: dict[str, NDArray[Any]] = {}
    packed = packed or {}
    for message in messages:
        name = message.name
        if not name and len(messages) == 1 and len(inputs) == 1:
            name = inputs[0].name
        if name in tensors:
            raise VisionError(ErrorCode.INVALID_ARGUMENT, f"the tensor {name!r} is given twice")
        how = packed.get(name)
        tensors[name] = _array(message) if how is None else _unpacked(name, message, how)
    return tensors


def size_of(messages: Sequence[Tensor]) -> int:
    """Return how many bytes the arrays of messages take at most, packed ones unpacked."""
    return sum(max(len(message.data), _size(message)) for message in messages)


def packed_to_message(name: str, data: NDArray[np.uint8], tensor: NDArray[Any]) -> Tensor:
    """Return the message of a packed tensor: type and shape are those that it has when it is unpacked."""
    message = Tensor(name=name, dtype=tensor.dtype.name, shape=list(tensor.shape))
    content = array("B")
    content.frombytes(data.tobytes())
    message.data = content
    return message


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


def _size(message: Tensor) -> int:
    itemsize = np.dtype(message.dtype).itemsize if message.dtype in DTYPES else 1
    return math.prod(int(size) for size in message.shape) * itemsize


def _unpacked(name: str, message: Tensor, how: Any) -> NDArray[Any]:
    if not isinstance(how, Mapping):
        msg = f"tensor {name!r}: '{KEY}' must tell how it is packed, as an object, not {how!r}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return unpack(message.data, how, message.dtype, tuple(int(size) for size in message.shape), name=name)


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
