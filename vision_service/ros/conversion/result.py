"""Detections, classifications, objects and labels to messages, and back.

The parts of one array message share its header object.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import ColorRGBA, Header
from vision_msgs.msg import (
    BoundingBox2D,
    BoundingBox3D,
    Detection2D,
    Detection2DArray,
    Detection3DArray,
    LabelInfo,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
    VisionClass,
)
from vision_msgs.msg import Classification as ClassificationMessage
from vision_msgs.msg import Detection3D as Detection3DMessage
from visualization_msgs.msg import Marker, MarkerArray

from vision_service.boxes import box_of
from vision_service.camera.geometries import Box
from vision_service.drawing import class_color
from vision_service.errors import ErrorCode, VisionError
from vision_service.messages import cloud_from_message
from vision_service.msg import LabelEvent
from vision_service.msg import PointCloudObject as PointCloudObjectMessage
from vision_service.pointcloud.motion import IDENTITY, rotation_matrix
from vision_service.pointcloud.objects import merged
from vision_service.ros.conversion.camera_info import time_message
from vision_service.ros.conversion.cloud import cloud_to_message
from vision_service.types import (
    Classification,
    Detection,
    Detection3D,
    DetectionExtra,
    LabelChange,
    OrientedBox,
    PointCloudObject,
    reduced_angle,
)

Message = TypeVar("Message")


def detections_to_message(detections: Iterable[Detection], header: Header) -> Detection2DArray:
    """Return the message of detections, in their order; class_id is the class's name.

    Args:
        detections: Boxes in pixels of the image.
        header: The image's stamp and frame.
    """
    message = Detection2DArray()
    message.header = header
    message.detections = [detection_to_message(detection, header) for detection in detections]
    return message


def detections_from_message(message: Detection2DArray) -> list[Detection]:
    """Return the detections of a message, in its order, each with its first hypothesis."""
    return [detection_from_message(detection) for detection in message.detections]


def classifications_to_message(classifications: Iterable[Classification], header: Header) -> ClassificationMessage:
    """Return the message of classifications, in their order; class_id is the class's name."""
    message = ClassificationMessage()
    message.header = header
    message.results = [_hypothesis(item.class_name, item.confidence) for item in classifications]
    return message


def classifications_from_message(message: ClassificationMessage) -> list[Classification]:
    """Return the classifications of a message, in its order."""
    return [Classification(result.class_id, float(result.score)) for result in message.results]


def object_to_message(item: PointCloudObject, header: Header) -> PointCloudObjectMessage:
    """Return the message of an object; the header is that of the frame it was found in."""
    message = PointCloudObjectMessage()
    message.id = item.id
    message.label = item.label
    message.confidence = float(item.confidence)
    message.cloud = cloud_to_message(item.cloud, header)
    message.box = box_to_message(item)
    return message


def object_from_message(message: PointCloudObjectMessage) -> PointCloudObject:
    """Return the object of a message.

    Raises:
        VisionError: INVALID_ARGUMENT, if its cloud is none.
    """
    center, size, turn = message.box.center.position, message.box.size, message.box.center.orientation
    return PointCloudObject(
        cloud=cloud_from_message(message.cloud),
        label=message.label,
        confidence=float(message.confidence),
        center=np.array([center.x, center.y, center.z]),
        size=np.array([size.x, size.y, size.z]),
        orientation=(turn.x, turn.y, turn.z, turn.w),
        id=message.id,
    )


def objects_to_detections(objects: Iterable[PointCloudObject], header: Header) -> Detection3DArray:
    """Return objects as 3D detections, without their points; class_id is the label."""
    message = Detection3DArray()
    message.header = header
    for item in objects:
        detection = Detection3DMessage()
        detection.header = header
        detection.id = item.id
        detection.bbox = box_to_message(item)
        result = ObjectHypothesisWithPose()
        result.hypothesis = _hypothesis(item.label, item.confidence)
        result.pose.pose = detection.bbox.center
        detection.results = [result]
        message.detections.append(detection)
    return message


def detections_3d_from_message(message: Detection3DArray) -> list[Detection3D]:
    """Return the 3D detections of a message, in its order, each with its first hypothesis."""
    found = []
    for item in message.detections:
        center, size, turn = item.bbox.center.position, item.bbox.size, item.bbox.center.orientation
        best = item.results[0].hypothesis if item.results else ObjectHypothesis()
        found.append(
            Detection3D(
                best.class_id,
                float(best.score),
                center=np.array([center.x, center.y, center.z]),
                size=np.array([size.x, size.y, size.z]),
                orientation=(turn.x, turn.y, turn.z, turn.w),
                id=item.id,
            )
        )
    return found


def objects_to_points(objects: Sequence[PointCloudObject], header: Header) -> PointCloud2:
    """Return the points of all objects as one cloud; its field label is the object's number, from 1, in their order."""
    cloud, numbers = merged(objects)
    return cloud_to_message(cloud, header, labels=numbers)


def objects_to_markers(objects: Iterable[PointCloudObject], header: Header, namespace: str) -> MarkerArray:
    """Return what RViz draws for objects: of each its box, turned as it is, and its label above, upright.

    What was drawn before is deleted.

    Args:
        objects: The objects.
        header: Their stamp and frame.
        namespace: Of the boxes, so that RViz can hide those of one camera; the labels have NAMESPACE/labels.
    """
    markers = [Marker(header=header, ns=namespace, action=Marker.DELETEALL)]
    for number, item in enumerate(objects):
        box = box_to_message(item)
        red, green, blue = (value / 255 for value in class_color(item.label or str(number)))
        shape = Marker(header=header, ns=namespace, id=2 * number, type=Marker.CUBE, pose=box.center, scale=box.size)
        shape.color = ColorRGBA(r=red, g=green, b=blue, a=0.4)
        for side in "xyz":  # RViz draws nothing that is flat
            setattr(shape.scale, side, max(getattr(shape.scale, side), THINNEST))
        text = Marker(header=header, ns=f"{namespace}/labels", id=2 * number + 1, type=Marker.TEXT_VIEW_FACING)
        x, y, z = _over(item, optical="optical" in header.frame_id)
        text.pose.position = Point(x=x, y=y, z=z)
        text.scale.z = TEXT_HEIGHT
        text.color = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
        text.text = " ".join(part for part in (item.label or "object", item.id, f"{item.confidence:.2f}") if part)
        markers += [shape, text]
    return MarkerArray(markers=markers)


def let_expire(message: MarkerArray, seconds: float) -> None:
    """Have what a message draws vanish by itself if no other one comes.

    Args:
        message: The markers.
        seconds: How long they last; 0 = for ever.
    """
    whole, rest = divmod(round(seconds * 1e9), 10**9)
    for marker in message.markers:
        if marker.action == Marker.ADD:
            marker.lifetime = Duration(sec=whole, nanosec=rest)


def _over(item: PointCloudObject, *, optical: bool) -> tuple[float, float, float]:
    """Return the place over an object's box in the middle of which its label stands.

    Above a turned box is where its z axis points, up; above others, where up is in the frame.

    Args:
        item: The object.
        optical: Whether its frame is a camera's optical frame: y is down.
    """
    up = np.array([0.0, -1.0, 0.0] if optical else [0.0, 0.0, 1.0])
    half = item.size[1 if optical else 2] / 2
    if item.orientation != IDENTITY:
        axis = rotation_matrix(item.orientation)[:, 2]
        up, half = (axis if axis @ up >= 0 else -axis), item.size[2] / 2
    x, y, z = (item.center + up * (half + TEXT_HEIGHT)).tolist()
    return x, y, z


def labels_to_message(labels: Sequence[str], header: Header, *, threshold: float = 0.0) -> LabelInfo:
    """Return the message of class names, numbered in their order.

    Args:
        labels: The names.
        header: When it was made.
        threshold: Of confidence, under which nothing is reported.

    Raises:
        VisionError: INVALID_ARGUMENT, if there are more than the message can number (65536).
    """
    if len(labels) > 1 << 16:
        msg = f"{len(labels)} labels are too many: vision_msgs/LabelInfo numbers at most {1 << 16}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    message = LabelInfo()
    message.header = header
    message.class_map = [VisionClass(class_id=index, class_name=name) for index, name in enumerate(labels)]
    message.threshold = float(threshold)
    return message


def label_change_to_message(change: LabelChange) -> LabelEvent:
    """Return the message of a change."""
    header = Header(stamp=time_message(change.stamp), frame_id=change.frame_id)
    return LabelEvent(
        header=header,
        camera_name=change.camera_name,
        previous=change.previous,
        current=change.current,
        confidence=float(change.confidence),
    )


THINNEST = 0.002
"""Of the boxes that RViz draws, metres."""
TEXT_HEIGHT = 0.05
"""Of a capital letter in RViz, metres."""
_BOX = BoundingBox2D()
_DETECTION = Detection2D()
_RESULT = ObjectHypothesisWithPose()


def _like(message: Message) -> Message:
    """Return a message with the same parts, some of which will be replaced.

    A constructor would make them all first, and copy.copy takes five times as long.
    """
    kind = type(message)
    made = kind.__new__(kind)
    for slot in kind.__slots__:  # type: ignore[attr-defined]
        setattr(made, slot, getattr(message, slot))
    return made


def detection_to_message(detection: Detection, header: Header) -> Detection2D:
    """Return the message of a detection; a turned box has its size before it is turned, and its angle."""
    message = _like(_DETECTION)
    message.header = header
    message.id = detection.id
    message.bbox = box = _like(_BOX)
    box.center = center = _like(_BOX.center)
    center.position = position = _like(_BOX.center.position)
    position.x, position.y, center.theta, box.size_x, box.size_y = box_of(detection)
    result = _like(_RESULT)  # the pose has no meaning in an image: all detections share an empty one
    result.hypothesis = _hypothesis(detection.class_name, detection.confidence)
    message.results = [result]
    return message


def detection_from_message(message: Detection2D) -> Detection:
    """Return the detection of a message, with its first hypothesis; around a turned box, the upright envelope."""
    center, box = message.bbox.center, message.bbox
    best = message.results[0].hypothesis if message.results else ObjectHypothesis()
    values = center.position.x, center.position.y, center.theta, box.size_x, box.size_y
    return detection_of_box(best.class_id, float(best.score), message.id, *values)


def detection_of_box(
    class_name: str, confidence: float, identity: str, x: float, y: float, theta: float, width: float, height: float
) -> Detection:
    """Return the detection that a message describes by a box's center, pixels, its angle, radians, and its size."""
    angle = reduced_angle(theta) if theta else 0.0
    if not angle:
        edges = x - width / 2, y - height / 2, x + width / 2, y + height / 2
        return Detection(class_name, confidence, *edges, id=identity)
    turned = OrientedBox(x, y, width, height, angle)
    return Detection(class_name, confidence, *turned.envelope, id=identity, extra=DetectionExtra(box=turned))


def as_sent(detection: Detection) -> Detection:
    """Return a detection as who receives its message has it: without mask, keypoints and number of its class.

    Its box is the same but for the last digits, which a message's middle and size do not keep.
    """
    box = detection.extra.box if detection.extra is not None else None
    if box is None:
        if detection.extra is None and detection.class_index < 0:
            return detection
        x_min, y_min, x_max, y_max = detection.x_min, detection.y_min, detection.x_max, detection.y_max
        return Detection(detection.class_name, detection.confidence, x_min, y_min, x_max, y_max, detection.id)
    return detection_from_message(detection_to_message(detection, Header()))


def _hypothesis(class_name: str, confidence: float) -> ObjectHypothesis:
    hypothesis = ObjectHypothesis()
    hypothesis.class_id = class_name
    hypothesis.score = float(confidence)
    return hypothesis


def box_to_message(item: PointCloudObject | Box) -> BoundingBox3D:
    """Return the message of an object's box, or of any other."""
    x, y, z = (float(value) for value in item.center)
    width, height, depth = (float(value) for value in item.size)
    turn = Quaternion(**dict(zip("xyzw", map(float, item.orientation), strict=True)))
    return BoundingBox3D(
        center=Pose(position=Point(x=x, y=y, z=z), orientation=turn), size=Vector3(x=width, y=height, z=depth)
    )
