"""Point clouds to sensor_msgs/PointCloud2. What reads them is :mod:`vision_service.messages`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from vision_service.types import PointCloud


def cloud_to_message(cloud: PointCloud, header: Header, *, labels: NDArray[np.integer] | None = None) -> PointCloud2:
    """Return the message of points: float32 x, y, z and, with colour, rgb packed in a float32 as PCL does.

    Args:
        cloud: The points.
        header: Their stamp and frame.
        labels: A number for each point, of the cloud's shape; becomes the field label, uint32.
    """
    columns = [("x", PointField.FLOAT32), ("y", PointField.FLOAT32), ("z", PointField.FLOAT32)]
    columns += [("rgb", PointField.FLOAT32)] if cloud.rgb is not None else []
    columns += [("label", PointField.UINT32)] if labels is not None else []
    points = np.empty((*cloud.xyz.shape[:-1], len(columns)), "<f4")
    points[..., :3] = cloud.xyz
    if cloud.rgb is not None:
        packed = points[..., 3:4].view(np.uint8)
        packed[..., :3] = cloud.rgb[..., ::-1]
        packed[..., 3] = 0
    if labels is not None:
        points[..., -1:].view("<u4")[..., 0] = labels
    message = PointCloud2()
    message.header = header
    message.height, message.width = points.shape[:2] if cloud.organized else (1, len(cloud))
    message.fields = [
        PointField(name=name, offset=4 * index, datatype=datatype, count=1)
        for index, (name, datatype) in enumerate(columns)
    ]
    message.point_step = 4 * len(columns)
    message.row_step = message.point_step * message.width
    message.is_dense = bool(np.isfinite(cloud.xyz).all())
    # Into the array that the message has already: its setter would copy once more.
    message.data.frombytes(points.view(np.uint8).data if points.size else b"")
    return message
