"""Intrinsics to sensor_msgs/CameraInfo; stamps and headers. What reads them is :mod:`vision_service.messages`."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from vision_service.types import CameraIntrinsics, Frame


def camera_info_to_message(
    intrinsics: CameraIntrinsics | None, header: Header, *, size: tuple[int, int] = (0, 0)
) -> CameraInfo:
    """Return the message of intrinsics.

    Args:
        intrinsics: The camera's; None = not calibrated: K is 0.
        header: Stamp and frame of the image that it goes with.
        size: Width and height of the images of a camera that is not calibrated, pixels.
    """
    message = CameraInfo()
    message.header = header
    if intrinsics is None:
        message.width, message.height = size
        return message
    fx, fy, cx, cy, skew = intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy, intrinsics.skew
    message.width, message.height = intrinsics.width, intrinsics.height
    # Many readers expect a model even where there is no distortion.
    message.distortion_model = intrinsics.distortion_model or "plumb_bob"
    message.d = list(intrinsics.distortion) or [0.0] * 5
    message.k = [fx, skew, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [fx, skew, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return message


def time_message(stamp: int) -> Time:
    """Return nanoseconds since the epoch as message."""
    seconds, nanoseconds = divmod(stamp, 1_000_000_000)
    return Time(sec=seconds, nanosec=nanoseconds)


def header_of(frame: Frame) -> Header:
    """Return stamp and frame id of a frame as header."""
    return Header(stamp=time_message(frame.stamp), frame_id=frame.frame_id)
