"""ROS messages to our types, whoever made them.

Nothing here needs ROS: a message is any object that has the fields of its type, with numbers in an ``array`` or a NumPy
array, as rclpy and the library rosbags make them. What makes messages is :mod:`vision_service.ros.conversion`.
"""

from vision_service.messages.camera_info import (
    calibration_from_message,
    intrinsics_from_message,
    nanoseconds,
    rectification_from_message,
    wrong_with_calibration,
)
from vision_service.messages.cloud import cloud_from_message
from vision_service.messages.compressed import depth_from_compressed, image_from_compressed, kind_of_compressed
from vision_service.messages.image import depth_from_message, image_from_message, numbers_from_message
from vision_service.messages.layouts import Kind, kind_of_encoding
from vision_service.messages.remarks import Remarks

__all__ = [
    "Kind",
    "Remarks",
    "calibration_from_message",
    "cloud_from_message",
    "depth_from_compressed",
    "depth_from_message",
    "image_from_compressed",
    "image_from_message",
    "intrinsics_from_message",
    "kind_of_compressed",
    "kind_of_encoding",
    "nanoseconds",
    "numbers_from_message",
    "rectification_from_message",
    "wrong_with_calibration",
]
