"""PointCloud2 messages to point clouds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.types import PointCloud

_UINT8, _INT32, _UINT32, _FLOAT32, _FLOAT64 = 2, 5, 6, 7, 8  # sensor_msgs/PointField
_COORDINATES = {_FLOAT32: "f4", _FLOAT64: "f8"}
# A packed colour's number is 0xRRGGBB, whatever type the field says: PCL keeps these bits in a float.
_PACKED = {_FLOAT32: "u4", _UINT32: "u4", _INT32: "u4"}
_CHANNEL = {_UINT8: "u1"}


def cloud_from_message(message: Any) -> PointCloud:
    """Return the points of a message.

    Colour is taken from a field rgb or rgba, or from fields r, g and b; in other types than PCL's it is left out.
    `is_dense` is not looked at: NaN stays NaN.

    Returns:
        The points, organized if the message has several rows; its arrays are its own.

    Raises:
        VisionError: INVALID_ARGUMENT, if x, y or z is missing or no float, or the message contradicts itself.
    """
    if not message.width or not message.height:
        return PointCloud(np.empty((0, 3), np.float32))
    fields = {field.name: field for field in message.fields}
    _check(message, fields)
    points = _points(message, {name: _layout(message, fields[name], _COORDINATES) for name in "xyz"})
    xyz = np.empty((*points.shape, 3), np.float32)
    for index, name in enumerate("xyz"):
        xyz[..., index] = points[name]
    return PointCloud(xyz, _colours(message, fields))


def _check(message: Any, fields: dict[str, Any]) -> None:
    missing = [name for name in "xyz" if name not in fields]
    if missing:
        raise _wrong(f"no field {', '.join(missing)}: the cloud's fields are {', '.join(fields) or 'none'}")
    row = message.width * message.point_step
    if message.row_step < row:
        raise _wrong(
            f"row_step {message.row_step} is less than a row: {message.width} points of {message.point_step} bytes are "
            f"{row} bytes"
        )
    expected, got = message.row_step * message.height, len(message.data)
    if got != expected:
        raise _wrong(
            f"the cloud's data do not fit its size: row_step {message.row_step} times height {message.height} is "
            f"{expected} bytes, {got} are there"
        )


def _layout(message: Any, field: Any, types: dict[int, str]) -> tuple[str, int]:
    """Return the NumPy type and the offset of a field of one of the types."""
    if field.datatype not in types:
        raise _wrong(f"the field {field.name} has the datatype {field.datatype}, not one of {sorted(types)}")
    if field.count > 1:  # PCL takes 0 for 1 as well
        raise _wrong(f"the field {field.name} has count {field.count}, not 1")
    dtype = np.dtype((">" if message.is_bigendian else "<") + types[field.datatype])
    if field.offset + dtype.itemsize > message.point_step:
        raise _wrong(
            f"the field {field.name} ends at byte {field.offset + dtype.itemsize}, beyond the point_step "
            f"{message.point_step}"
        )
    return dtype.str, field.offset


def _points(message: Any, layouts: dict[str, tuple[str, int]]) -> NDArray[Any]:
    """Return the message's memory as structured array, (H, W) or, of one row, (N,)."""
    formats, offsets = zip(*layouts.values(), strict=True)
    dtype = np.dtype({"names": list(layouts), "formats": formats, "offsets": offsets, "itemsize": message.point_step})
    strides = (message.row_step, message.point_step)
    points = np.ndarray((message.height, message.width), dtype, memoryview(message.data), strides=strides)
    return points[0] if message.height == 1 else points


def _colours(message: Any, fields: dict[str, Any]) -> NDArray[np.uint8] | None:
    for name in ("rgb", "rgba"):
        if name in fields and fields[name].datatype in _PACKED:
            packed = _points(message, {name: _layout(message, fields[name], _PACKED)})[name]
            return packed.astype("<u4", order="C")[..., None].view(np.uint8)[..., 2::-1].copy()
    if all(name in fields and fields[name].datatype in _CHANNEL for name in "rgb"):
        points = _points(message, {name: _layout(message, fields[name], _CHANNEL) for name in "rgb"})
        return np.stack([points[name] for name in "rgb"], axis=-1)
    return None


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
