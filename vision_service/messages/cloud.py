"""PointCloud2 messages to point clouds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.coordinates import cloud_of_columns
from vision_service.types import PointCloud

_UINT8, _INT32, _UINT32, _FLOAT32, _FLOAT64 = 2, 5, 6, 7, 8  # sensor_msgs/PointField
_COORDINATES = {_FLOAT32: "f4", _FLOAT64: "f8"}
# A packed colour's number is 0xRRGGBB, whatever type the field says: PCL keeps these bits in a float.
_PACKED = {_FLOAT32: "u4", _UINT32: "u4", _INT32: "u4"}
_CHANNEL = {_UINT8: "u1"}


def cloud_from_message(message: Any) -> PointCloud:
    """Return the points of a message.

    Points that were not measured are NaN, whatever `is_dense` says; large coordinates of float64 are counted from an
    origin (see :mod:`~vision_service.pointcloud.coordinates`). Colour is taken from a field rgb or rgba, or from fields
    r, g and b; if its type is not PCL's, or it is not inside the point, it is left out.

    Numbers that follow from others do not decide: where the data are as many as width, height and point_step say,
    row_step may be anything, as in the messages of several drivers; a height of 0 with a width is one row.

    Returns:
        The points, organized if the message has several rows; its arrays are its own.

    Raises:
        VisionError: INVALID_ARGUMENT, if x, y or z is missing or no float, or the data do not fit the size.
    """
    if not len(message.data) and not (message.width and message.height):
        return PointCloud(np.empty((0, 3), np.float32))
    fields = {field.name: field for field in message.fields}
    missing = [name for name in "xyz" if name not in fields]
    if missing:
        raise _wrong(f"no field {', '.join(missing)}: the cloud's fields are {', '.join(fields) or 'none'}")
    rows = _Rows(message)
    xyz = rows.read({name: rows.layout(fields[name], _COORDINATES) for name in "xyz"})
    return cloud_of_columns([xyz[name] for name in "xyz"], _colours(rows, fields))


class _Rows:
    """Where the points of a message lie in its data."""

    def __init__(self, message: Any) -> None:
        """Find out how far apart the rows are.

        Raises:
            VisionError: INVALID_ARGUMENT, if the data are not as many as the message's size asks for.
        """
        self._message = message
        self._height = message.height
        width, step, got = message.width, message.point_step, len(message.data)
        row = width * step
        if not self._height and row and got == row:
            self._height = 1
        last = message.row_step * (self._height - 1) + row  # the last row may be without padding
        if row and message.row_step >= row and got in (message.row_step * self._height, last):
            self._row_step = message.row_step
        elif got == row * self._height:
            self._row_step = row
        else:
            msg = (
                f"the cloud's data do not fit its size: {width}×{message.height} points of {step} bytes (point_step)"
                f" are {row * message.height} bytes, {got} are there, and row_step {message.row_step} times height"
                f" {message.height} is {message.row_step * message.height}: who publishes it must set width, height"
                " and point_step to what is in data"
            )
            raise _wrong(msg)

    def layout(self, field: Any, types: dict[int, str]) -> tuple[str, int]:
        """Return the NumPy type and the offset of a field of one of the types.

        Raises:
            VisionError: INVALID_ARGUMENT, if it is of another, or outside of the point.
        """
        if field.datatype not in types:
            raise _wrong(f"the field {field.name} has the datatype {field.datatype}, not one of {sorted(types)}")
        if field.count > 1:  # PCL takes 0 for 1 as well
            raise _wrong(f"the field {field.name} has count {field.count}, not 1")
        dtype = np.dtype((">" if self._message.is_bigendian else "<") + types[field.datatype])
        if field.offset + dtype.itemsize > self._message.point_step:
            raise _wrong(
                f"the field {field.name} ends at byte {field.offset + dtype.itemsize}, beyond the point_step "
                f"{self._message.point_step}"
            )
        return dtype.str, field.offset

    def read(self, layouts: dict[str, tuple[str, int]]) -> NDArray[Any]:
        """Return the message's memory as structured array, (H, W) or, of one row, (N,)."""
        message = self._message
        formats, offsets = zip(*layouts.values(), strict=True)
        step = message.point_step
        dtype = np.dtype({"names": list(layouts), "formats": formats, "offsets": offsets, "itemsize": step})
        shape, strides = (self._height, message.width), (self._row_step, step)
        points = np.ndarray(shape, dtype, memoryview(message.data), strides=strides)
        return points[0] if self._height == 1 else points


def _colours(rows: _Rows, fields: dict[str, Any]) -> NDArray[np.uint8] | None:
    """Return (…, 3) colours; None if there are none that can be read: points are not refused for them."""
    for name in ("rgb", "rgba"):
        packed = _field(rows, fields, name, _PACKED)
        if packed is not None:
            return packed.astype("<u4", order="C")[..., None].view(np.uint8)[..., 2::-1].copy()
    channels = [_field(rows, fields, name, _CHANNEL) for name in "rgb"]
    found = [channel for channel in channels if channel is not None]
    return np.stack(found, axis=-1) if len(found) == len(channels) else None


def _field(rows: _Rows, fields: dict[str, Any], name: str, types: dict[int, str]) -> NDArray[Any] | None:
    """Return the values of a field; None if there is none of one of the types."""
    if name not in fields:
        return None
    try:
        return rows.read({name: rows.layout(fields[name], types)})[name]  # type: ignore[no-any-return]
    except VisionError:
        return None


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
