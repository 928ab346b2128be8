"""Conversions and drawing as tutorials and Python nodes of ROS 2 write them, with nothing but NumPy and OpenCV."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image, PointCloud2, PointField
from std_msgs.msg import Header
from vision_msgs.msg import (
    BoundingBox2D,
    Detection2D,
    Detection2DArray,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
    Point2D,
    Pose2D,
)

from vision_service.types import CameraIntrinsics, Detection


def _described(pixels: NDArray[np.uint8], header: Header) -> Image:
    height, width, channels = pixels.shape
    return Image(header=header, height=height, width=width, encoding="rgb8", step=width * channels)


def image_with_bytes(pixels: NDArray[np.uint8], header: Header) -> Image:
    """Make a message by `message.data = bytes`."""
    message = _described(pixels, header)
    message.data = pixels.tobytes()
    return message


def image_with_array(pixels: NDArray[np.uint8], header: Header) -> Image:
    """Make a message by `array('B', bytes)`, which its setter takes as it is."""
    message = _described(pixels, header)
    message.data = array("B", pixels.tobytes())
    return message


def image_with_frombytes(pixels: NDArray[np.uint8], header: Header) -> Image:
    """Make a message as cv_bridge of ROS 2 does, by way of bytes."""
    message = _described(pixels, header)
    message.data.frombytes(pixels.tobytes())
    return message


def pixels_copied(message: Image) -> NDArray[np.uint8]:
    """Return (H, W, 3) pixels by `np.array(message.data)`."""
    return np.array(message.data, np.uint8).reshape(message.height, message.width, 3)


def pixels_as_rgb(message: Image) -> NDArray[np.uint8]:
    """Return (H, W, 3) RGB pixels of a bgr8 message as cv_bridge does: its memory as array, then OpenCV."""
    pixels = np.ndarray((message.height, message.width, 3), np.uint8, message.data)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def decoded(jpeg: bytes) -> NDArray[np.uint8]:
    """Return the (H, W, 3) RGB pixels of a JPEG."""
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def drawn(image: NDArray[np.uint8], detections: Sequence[Detection]) -> NDArray[np.uint8]:
    """Return a copy with a green rectangle and a text for each detection."""
    image = image.copy()
    for found in detections:
        corner = (int(found.x_min), int(found.y_min))
        cv2.rectangle(image, corner, (int(found.x_max), int(found.y_max)), (0, 255, 0), 2)
        text = f"{found.class_name} {found.confidence:.2f}"
        cv2.putText(image, text, (corner[0], corner[1] - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 255, 0), 1)
    return image


def drawn_readably(image: NDArray[np.uint8], detections: Sequence[Detection]) -> NDArray[np.uint8]:
    """Return a copy with a rectangle, and a smooth text on a filled background, for each detection."""
    image = image.copy()
    for found in detections:
        left, top = int(found.x_min), int(found.y_min)
        cv2.rectangle(image, (left, top), (int(found.x_max), int(found.y_max)), (0, 255, 0), 4)
        text = f"{found.class_name} {found.confidence:.2f}"
        (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.8, 1)
        cv2.rectangle(image, (left, top - height - below), (left + width, top), (0, 255, 0), cv2.FILLED)
        origin = (left, top - below)
        cv2.putText(image, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 1, cv2.LINE_AA)
    return image


def cloud_message(
    depth: NDArray[np.float32], rgb: NDArray[np.uint8], intrinsics: CameraIntrinsics, header: Header
) -> PointCloud2:
    """Return the coloured organized points of depth: a grid of pixels, and NumPy's stack."""
    height, width = depth.shape
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    z = np.where(depth > 0, depth, np.nan)
    x = (u - intrinsics.cx) * z / intrinsics.fx
    y = (v - intrinsics.cy) * z / intrinsics.fy
    red, green, blue = (rgb[..., channel].astype(np.uint32) for channel in range(3))
    packed = (red << 16 | green << 8 | blue).view(np.float32)
    return _cloud_of(np.stack([x, y, z, packed], axis=-1).astype(np.float32), header)


def open3d_cloud_message(
    depth: NDArray[np.float32], rgb: NDArray[np.uint8], intrinsics: CameraIntrinsics, header: Header
) -> PointCloud2:
    """Return the coloured points of depth, those that exist only, by way of Open3D."""
    import open3d

    depth_image, image = open3d.geometry.Image(np.nan_to_num(depth)), open3d.geometry.Image(rgb)
    both = open3d.geometry.RGBDImage.create_from_color_and_depth(
        image, depth_image, depth_scale=1.0, depth_trunc=100.0, convert_rgb_to_intensity=False
    )
    camera = open3d.camera.PinholeCameraIntrinsic(
        intrinsics.width, intrinsics.height, intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy
    )
    found = open3d.geometry.PointCloud.create_from_rgbd_image(both, camera)
    colors = np.rint(np.asarray(found.colors) * 255).astype(np.uint32)
    packed = (colors[:, 0] << 16 | colors[:, 1] << 8 | colors[:, 2]).view(np.float32)
    return _cloud_of(np.column_stack([np.asarray(found.points, np.float32), packed])[None], header)


def _cloud_of(points: NDArray[np.float32], header: Header) -> PointCloud2:
    height, width, _ = points.shape
    message = PointCloud2(header=header, height=height, width=width, point_step=16, row_step=16 * width)
    message.fields = [
        PointField(name=name, offset=4 * index, datatype=PointField.FLOAT32, count=1)
        for index, name in enumerate(("x", "y", "z", "rgb"))
    ]
    message.data = array("B", points.tobytes())
    return message


def detections_message(detections: Sequence[Detection], header: Header) -> Detection2DArray:
    """Return the message of detections, each part by its constructor."""
    message = Detection2DArray(header=header)
    for found in detections:
        center = Point2D(x=(found.x_min + found.x_max) / 2, y=(found.y_min + found.y_max) / 2)
        box = BoundingBox2D(
            center=Pose2D(position=center), size_x=found.x_max - found.x_min, size_y=found.y_max - found.y_min
        )
        hypothesis = ObjectHypothesis(class_id=found.class_name, score=found.confidence)
        result = ObjectHypothesisWithPose(hypothesis=hypothesis)
        message.detections.append(Detection2D(header=header, results=[result], bbox=box, id=found.id))
    return message
