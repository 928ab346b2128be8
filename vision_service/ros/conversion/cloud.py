"""Point clouds to sensor_msgs/PointCloud2. What reads them is :mod:`vision_service.messages`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from vision_service.opencv import cv2
from vision_service.pointcloud.coordinates import cloud_of_columns
from vision_service.types import PointCloud


def cloud_to_message(cloud: PointCloud, header: Header, *, labels: NDArray[np.integer] | None = None) -> PointCloud2:
    """Return the message of points: float32 x, y, z and, with colour, rgb packed in a float32 as PCL does.

    Of points that are counted from an origin of their own, x, y and z are float64 and counted from the frame's.

    Args:
        cloud: The points.
        header: Their stamp and frame.
        labels: A number for each point, of the cloud's shape; becomes the field label, uint32.
    """
    if cloud.xyz.dtype.itemsize > 4:  # who makes a cloud of a map need not know of origins
        cloud = cloud_of_columns([cloud.absolute[..., axis] for axis in range(3)], cloud.rgb)
    coordinates = np.ascontiguousarray(cloud.absolute, "<f8" if any(cloud.origin) else "<f4")
    kind = PointField.FLOAT64 if coordinates.itemsize == 8 else PointField.FLOAT32
    columns = [(name, kind) for name in "xyz"]
    # As float32s, two for each float64: the bytes stay as they are.
    parts: list[NDArray[Any]] = [coordinates.view("<f4").reshape(-1, 1, 3 * coordinates.itemsize // 4)]
    if cloud.rgb is not None:
        columns.append(("rgb", PointField.FLOAT32))
        parts.append(_packed(cloud.rgb))
    if labels is not None:
        columns.append(("label", PointField.UINT32))
        parts.append(labels.astype("<u4").view("<f4").reshape(-1, 1, 1))
    # OpenCV interleaves several times as fast as NumPy copies into every fourth number.
    points = cv2.merge(parts) if len(parts) > 1 and len(cloud) else parts[0]
    message = PointCloud2()
    message.header = header
    message.height, message.width = cloud.xyz.shape[:2] if cloud.organized else (1, len(cloud))
    message.point_step = 0
    for name, datatype in columns:
        message.fields.append(PointField(name=name, offset=message.point_step, datatype=datatype, count=1))
        message.point_step += 8 if datatype == PointField.FLOAT64 else 4
    message.row_step = message.point_step * message.width
    message.is_dense = bool(np.isfinite(cloud.xyz).all())
    # Into the array that the message has already: its setter would copy once more.
    message.data.frombytes(points.view(np.uint8).data if points.size else b"")
    return message


def _packed(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (..., 3) colours as (N, 1, 1) floats whose bits are 0x00RRGGBB."""
    pixels = np.ascontiguousarray(rgb).reshape(-1, 1, 3)
    packed = np.zeros((len(pixels), 1, 4), np.uint8)
    if len(pixels):
        cv2.mixChannels([pixels], [packed], [0, 2, 1, 1, 2, 0])
    return packed.view("<f4")
