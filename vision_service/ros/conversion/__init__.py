"""Between ROS messages and our types: the only place that knows both."""

from vision_service.messages import (
    cloud_from_message,
    depth_from_compressed,
    depth_from_message,
    image_from_compressed,
    intrinsics_from_message,
    nanoseconds,
)
from vision_service.ros.conversion.camera_info import camera_info_to_message, header_of, time_message
from vision_service.ros.conversion.cloud import cloud_to_message
from vision_service.ros.conversion.image import (
    compressed_to_message,
    depth_to_message,
    image_from_message,
    image_to_message,
    instance_image_to_message,
    label_image_from_message,
    label_image_to_message,
)
from vision_service.ros.conversion.instance import (
    instances_from_message,
    instances_to_message,
    keypoints_from_message,
    keypoints_to_message,
)
from vision_service.ros.conversion.result import (
    box_to_message,
    classifications_from_message,
    classifications_to_message,
    detections_3d_from_message,
    detections_from_message,
    detections_to_message,
    label_change_to_message,
    labels_to_message,
    object_from_message,
    object_to_message,
    objects_to_detections,
    objects_to_markers,
    objects_to_points,
)
from vision_service.ros.conversion.serialized import serialized_classifications, serialized_detections
from vision_service.ros.conversion.tensor import (
    info_from_message,
    info_to_message,
    tensors_from_message,
    tensors_to_message,
)

__all__ = [
    "box_to_message",
    "camera_info_to_message",
    "classifications_from_message",
    "classifications_to_message",
    "cloud_from_message",
    "cloud_to_message",
    "compressed_to_message",
    "depth_from_compressed",
    "depth_from_message",
    "depth_to_message",
    "detections_3d_from_message",
    "detections_from_message",
    "detections_to_message",
    "header_of",
    "image_from_compressed",
    "image_from_message",
    "image_to_message",
    "info_from_message",
    "info_to_message",
    "instance_image_to_message",
    "instances_from_message",
    "instances_to_message",
    "intrinsics_from_message",
    "keypoints_from_message",
    "keypoints_to_message",
    "label_change_to_message",
    "label_image_from_message",
    "label_image_to_message",
    "labels_to_message",
    "nanoseconds",
    "object_from_message",
    "object_to_message",
    "objects_to_detections",
    "objects_to_markers",
    "objects_to_points",
    "serialized_classifications",
    "serialized_detections",
    "tensors_from_message",
    "tensors_to_message",
    "time_message",
]
