"""Tensors of images in fewer bytes, to be sent to another host.

A float tensor that was made of an image has at most 256 values in each channel: it travels as one byte for each number
and a table of the values, which gives back the same bits ("bytes"; not in half precision, whose values are too coarse).
The bytes of an image may be packed further, as PNG without loss or as JPEG with some. What is packed describes itself
in JSON beside it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.image_size import size_in_header
from vision_service.limits import check_pixels
from vision_service.mlmodel.sending import BYTES, JPEG, PNG, RAW
from vision_service.opencv import cv2

WAYS = (RAW, BYTES, PNG, JPEG)
"""How a tensor may travel."""
LOSSLESS = (RAW, BYTES, PNG)
KEY = "packed"
"""Of `extra` in a request: how each of its tensors is packed, by name."""
CHANNELS = (1, 3, 4)
VALUES = 256
PNG_LEVEL = 1
"""Of compression: higher ones take much longer for a few bytes less."""

Packed = tuple[NDArray[np.uint8], dict[str, Any]]
"""The bytes of a tensor, and how they are to be read."""


def image_axes(shape: tuple[int, ...]) -> tuple[int, int, int, bool] | None:
    """Return height, width, channels of a tensor that can hold one image, and whether the channels come first.

    Args:
        shape: [H, W, C] or [C, H, W], with a leading 1 or without.

    Returns:
        None if it cannot hold one.
    """
    if len(shape) == 4 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) != 3 or 0 in shape:
        return None
    if shape[2] in CHANNELS:
        return shape[0], shape[1], shape[2], False
    if shape[0] in CHANNELS:
        return shape[1], shape[2], shape[0], True
    return None


class Packer:
    """Packs the tensors of one input; it learns which values they have. Any number of threads may use it."""

    def __init__(self) -> None:
        """Begin without knowing any values."""
        self._lock = threading.Lock()
        self._known: tuple[_Table, ...] = ()

    def pack(self, tensor: NDArray[Any], way: str, *, quality: int = 90) -> Packed | None:
        """Return a tensor packed.

        Args:
            tensor: Of one image.
            way: One of WAYS.
            quality: Of a JPEG, 1 to 100.

        Returns:
            None if it cannot be packed so: it holds no image, or its values are no pixels.
        """
        axes = image_axes(tensor.shape)
        if way == RAW or axes is None:
            return None
        height, width, channels, first = axes
        planes = tensor.reshape((channels, height, width) if first else (height, width, channels))
        how: dict[str, Any] = {"as": way}
        head = np.empty(0, np.uint8)
        if tensor.dtype in (np.uint8, np.int8):
            if way == BYTES:  # they are
                return None
            codes: NDArray[np.uint8] = planes.view(np.uint8)
        elif tensor.dtype in (np.float32, np.float64):
            found = self._coded(planes, 0 if first else 2)
            if found is None:
                return None
            codes, tables = found
            head = np.frombuffer(tables.astype(tables.dtype.newbyteorder("<")).tobytes(), np.uint8)
            how["table"] = True
        else:
            return None
        if way == BYTES:
            body = np.ascontiguousarray(codes).reshape(-1)
        else:
            image = np.ascontiguousarray(codes.transpose(1, 2, 0) if first else codes)
            options = [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL] if way == PNG else [cv2.IMWRITE_JPEG_QUALITY, quality]
            if way == JPEG and channels == 4:
                return None
            done, body = cv2.imencode(f".{way}", image, options)
            if not done:
                return None
        return (np.concatenate([head, body.reshape(-1)]) if len(head) else body.reshape(-1)), how

    def _coded(self, planes: NDArray[Any], axis: int) -> tuple[NDArray[np.uint8], NDArray[Any]] | None:
        """Return the bytes that stand for numbers, and the (channels, 256) values that they stand for."""
        channels = planes.shape[axis]
        with self._lock:
            known = self._known if len(self._known) == channels else (_Table(),) * channels
        codes = np.empty(planes.shape, np.uint8)
        learnt = []
        for channel, table in enumerate(known):
            plane = planes[channel] if axis == 0 else planes[..., channel]
            found = table.codes(plane)
            if found is None:
                table = table.with_values(plane)
                found = table.codes(plane)
            if found is None:
                return None
            learnt.append(table)
            if axis == 0:
                codes[channel] = found
            else:
                codes[..., channel] = found
        with self._lock:
            self._known = tuple(learnt)
        return codes, np.stack([table.values for table in learnt]).astype(planes.dtype, copy=False)


class _Table:
    """The values of one channel: evenly spaced, as a mean and a standard deviation make them of bytes.

    Attributes:
        values: (256,) what each byte stands for; those that were never seen lie on the same line.
    """

    def __init__(self, seen: NDArray[Any] | None = None) -> None:
        self._seen = seen
        self.values: NDArray[Any] = np.zeros(VALUES)
        self._low = self._step = 0.0
        if seen is None:
            return
        self._low = float(seen[0])
        self._step = float(np.diff(seen.astype(np.float64)).min()) if len(seen) > 1 else 1.0
        places = np.rint((seen.astype(np.float64) - self._low) / self._step)
        if places[-1] >= VALUES or not math.isfinite(self._step):
            self._seen = None
            return
        self.values = (self._low + self._step * np.arange(VALUES)).astype(seen.dtype)
        self.values[places.astype(np.intp)] = seen

    def codes(self, plane: NDArray[Any]) -> NDArray[np.uint8] | None:
        """Return the bytes that stand for numbers, bit for bit; None if not all are known."""
        if self._seen is None or self._seen.dtype != plane.dtype:
            return None
        places = (plane - plane.dtype.type(self._low)) * plane.dtype.type(1 / self._step)
        np.rint(places, out=places)
        if not (places.min() >= 0 and places.max() < VALUES):  # also of what is no number
            return None
        found = places.astype(np.uint8)
        bits = np.dtype(f"u{plane.dtype.itemsize}")  # 0.0 equals -0.0, but is not the same
        return found if np.array_equal(self.values[found].view(bits), plane.view(bits)) else None

    def with_values(self, plane: NDArray[Any]) -> _Table:
        """Return a table that knows the values of a plane as well."""
        values = np.unique(plane)
        if self._seen is not None and self._seen.dtype == plane.dtype:
            values = np.union1d(values, self._seen)
        return _Table(values if 0 < len(values) <= VALUES and np.isfinite(values).all() else None)


def unpack(data: Any, how: Mapping[str, Any], dtype: str, shape: tuple[int, ...], *, name: str) -> NDArray[Any]:
    """Return a tensor from what it was packed to.

    Args:
        data: The bytes.
        how: What stands beside them.
        dtype: NumPy's name of the tensor's type.
        shape: Its shape.
        name: Its name, for error messages.

    Raises:
        VisionError: INVALID_ARGUMENT, if they do not fit each other; nothing is decoded then.
    """
    axes, way = image_axes(shape), how.get("as")
    given = np.frombuffer(data, np.uint8)
    if axes is None or way not in WAYS[1:] or dtype not in ("uint8", "int8", "float32", "float64"):
        raise _wrong(name, f"{dtype}{list(shape)} cannot be packed as {way!r}")
    height, width, channels, first = axes
    check_pixels(width, height)
    kind = np.dtype(dtype)
    tables = None
    if how.get("table"):
        size = VALUES * channels * kind.itemsize
        if kind.kind != "f" or len(given) < size:
            raise _wrong(name, "its table of values is cut off")
        tables = given[:size].view(kind.newbyteorder("<")).reshape(channels, VALUES).astype(kind, copy=False)
        given = given[size:]
    elif kind.kind == "f":
        raise _wrong(name, "the table of its values is missing")
    planes = (channels, height, width) if first else (height, width, channels)
    if way == BYTES:
        if len(given) != math.prod(planes):
            raise _wrong(name, f"{math.prod(planes)} bytes are needed, but {len(given)} were given")
        codes = given.reshape(planes)
    else:
        if size_in_header(given.data) != (width, height):
            raise _wrong(name, f"its {way} is not {width}×{height}")
        image = cv2.imdecode(given, cv2.IMREAD_UNCHANGED)
        if image is None or image.dtype != np.uint8 or image.reshape(height, width, -1).shape[2] != channels:
            raise _wrong(name, f"its {way} cannot be decoded to {width}×{height} with {channels} channels")
        codes = image.reshape(height, width, channels)  # type: ignore[assignment]
        codes = codes.transpose(2, 0, 1) if first else codes
    if tables is None:
        return np.ascontiguousarray(codes).view(kind).reshape(shape)
    values = np.empty(planes, kind)
    for channel in range(channels):
        if first:
            np.take(tables[channel], codes[channel], out=values[channel])
        else:
            values[..., channel] = tables[channel][codes[..., channel]]
    return values.reshape(shape)


def _wrong(name: str, why: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, f"the packed tensor {name!r}: {why}")
