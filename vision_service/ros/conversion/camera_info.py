"""sensor_msgs/CameraInfo to intrinsics, and back; stamps and headers."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from vision_service.pointcloud.projection import POLYNOMIAL_MODELS
from vision_service.types import CameraIntrinsics, Frame


def intrinsics_from_message(message: CameraInfo) -> CameraIntrinsics | None:
    """Return the intrinsics of the pictures that go with a message, or None if the camera is not calibrated (K is 0).

    Binning and region of interest are applied as image_geometry does. Coefficients that are all zero count as none.
    The matrices are those of the raw picture (K, D): for a rectified one publish a message with K from P and no D.
    """
    matrix = message.k
    if not matrix[0] or not matrix[4]:
        return None
    roi = message.roi
    across, down = max(message.binning_x, 1), max(message.binning_y, 1)
    model, coefficients = message.distortion_model, tuple(float(value) for value in message.d)
    if model in POLYNOMIAL_MODELS and not any(coefficients):
        model, coefficients = "", ()
    return CameraIntrinsics(
        width=(roi.width or message.width) // across,
        height=(roi.height or message.height) // down,
        fx=float(matrix[0]) / across,
        fy=float(matrix[4]) / down,
        cx=(float(matrix[2]) - roi.x_offset) / across,
        cy=(float(matrix[5]) - roi.y_offset) / down,
        distortion_model=model,
        distortion=coefficients,
    )


def camera_info_to_message(
    intrinsics: CameraIntrinsics | None, header: Header, *, size: tuple[int, int] = (0, 0)
) -> CameraInfo:
    """Return the message of intrinsics.

    Args:
        intrinsics: The camera's; None = not calibrated: K is 0.
        header: Stamp and frame of the picture that it goes with.
        size: Width and height of the pictures of a camera that is not calibrated, pixels.
    """
    message = CameraInfo()
    message.header = header
    if intrinsics is None:
        message.width, message.height = size
        return message
    fx, fy, cx, cy = intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy
    message.width, message.height = intrinsics.width, intrinsics.height
    # Many readers expect a model even where there is no distortion.
    message.distortion_model = intrinsics.distortion_model or "plumb_bob"
    message.d = list(intrinsics.distortion) or [0.0] * 5
    message.k = [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return message


def time_message(stamp: int) -> Time:
    """Return nanoseconds since the epoch as message."""
    seconds, nanoseconds = divmod(stamp, 1_000_000_000)
    return Time(sec=seconds, nanosec=nanoseconds)


def nanoseconds(time: Time) -> int:
    """Return a message's time, nanoseconds since the epoch."""
    return int(time.sec) * 1_000_000_000 + int(time.nanosec)


def header_of(frame: Frame) -> Header:
    """Return stamp and frame id of a frame as header."""
    return Header(stamp=time_message(frame.stamp), frame_id=frame.frame_id)
