"""Our results as Viam's messages: pure functions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from viam.proto import common
from viam.proto.component import camera as camera_messages
from viam.proto.service import mlmodel as mlmodel_messages
from viam.proto.service import vision as vision_messages

from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.pcd import write_pcd
from vision_service.types import CameraIntrinsics, Classification, Detection, Detection3D, PointCloudObject
from vision_service.viam.geometry import MILLIMETRES, box, orientation_vector, pose

DISTORTION = {
    "plumb_bob": ("brown_conrady", (0, 1, 4, 2, 3)),
    "rational_polynomial": ("brown_conrady_k6", (0, 1, 4, 5, 6, 7, 2, 3)),
}
"""Viam's names of ROS's distortion models, and which of ROS's coefficients stand at Viam's places: Viam has the radial
ones first (k1, k2, k3 …), then the tangential ones; ROS has p1 and p2 in the third and fourth place."""


def detections(found: Iterable[Detection], size: tuple[int, int]) -> list[vision_messages.Detection]:
    """Return detections as Viam's.

    Args:
        found: The detections; what a tracker has named is called by that name.
        size: Width and height of the image they are of, pixels; 0, 0 = unknown, and nothing is normalized.
    """
    return [_detection(item, *size) for item in found]


def _detection(item: Detection, width: int, height: int) -> vision_messages.Detection:
    left, top, right, bottom = item.x_min, item.y_min, item.x_max, item.y_max
    message = vision_messages.Detection(
        x_min=round(left),
        y_min=round(top),
        x_max=round(right),
        y_max=round(bottom),
        confidence=item.confidence,
        class_name=item.id or item.class_name,
    )
    if width and height:
        message.x_min_normalized, message.y_min_normalized = left / width, top / height
        message.x_max_normalized, message.y_max_normalized = right / width, bottom / height
    return message


def classifications(found: Iterable[Classification]) -> list[vision_messages.Classification]:
    """Return classifications as Viam's."""
    return [vision_messages.Classification(class_name=item.class_name, confidence=item.confidence) for item in found]


def objects(found: Iterable[PointCloudObject], frame_id: str) -> list[common.PointCloudObject]:
    """Return objects with their points as PCD, metres, and their boxes, millimetres; it takes time for many points.

    Args:
        found: The objects.
        frame_id: In which they are.
    """
    return [
        common.PointCloudObject(
            point_cloud=write_pcd(item.cloud),
            geometries=common.GeometriesInFrame(
                reference_frame=frame_id,
                geometries=[box(item.id or item.label, item.center, item.size, item.orientation)],
            ),
        )
        for item in found
    ]


def detections_3d(found: Iterable[Detection3D | PointCloudObject], frame_id: str) -> list[vision_messages.Detection3D]:
    """Return objects in space as Viam's: each a tree of one transform, whose origin is the middle of its box.

    Args:
        found: The objects.
        frame_id: In which they are.
    """
    return [_detection_3d(item, number, frame_id) for number, item in enumerate(found)]


def _detection_3d(item: Detection3D | PointCloudObject, number: int, frame_id: str) -> vision_messages.Detection3D:
    label = item.label if isinstance(item, PointCloudObject) else item.class_name
    name = item.id or f"{label or 'object'}_{number}"
    place = common.PoseInFrame(reference_frame=frame_id, pose=pose(item.center, item.orientation))
    body = box(item.id or label, (0.0, 0.0, 0.0), item.size)
    transform = common.Transform(reference_frame=name, pose_in_observer_frame=place, physical_object=body)
    return vision_messages.Detection3D(
        transforms=[transform],
        classifications=[vision_messages.Classification(class_name=label, confidence=item.confidence)],
    )


def geometries(boxes: Iterable[Any]) -> list[common.Geometry]:
    """Return the boxes that a camera takes up as geometries."""
    return [box(each.label, each.center, each.size, each.orientation) for each in boxes]


def camera_properties(told: Any) -> camera_messages.GetPropertiesResponse:
    """Return what a camera is as Viam's properties.

    Args:
        told: What our client's ``get_properties`` returns.
    """
    message = camera_messages.GetPropertiesResponse(
        supports_pcd=told.supports_pcd, mime_types=list(told.mime_types), default_reference_frame=told.frame_id
    )
    if told.frame_rate:
        message.frame_rate = told.frame_rate
    if told.intrinsics is not None:
        message.intrinsic_parameters.CopyFrom(_intrinsics(told.intrinsics))
        distortion = _distortion(told.intrinsics)
        if distortion is not None:
            message.distortion_parameters.CopyFrom(distortion)
    if told.extrinsics is not None:
        x, y, z = (MILLIMETRES * value for value in told.extrinsics.translation)
        message.extrinsic_parameters.translation.CopyFrom(common.Vector3(x=x, y=y, z=z))
        o_x, o_y, o_z, theta = orientation_vector(told.extrinsics.rotation)
        message.extrinsic_parameters.orientation.CopyFrom(common.Orientation(o_x=o_x, o_y=o_y, o_z=o_z, theta=theta))
    return message


def _intrinsics(known: CameraIntrinsics) -> camera_messages.IntrinsicParameters:
    return camera_messages.IntrinsicParameters(
        width_px=known.width,
        height_px=known.height,
        focal_x_px=known.fx,
        focal_y_px=known.fy,
        center_x_px=known.cx,
        center_y_px=known.cy,
    )


def _distortion(known: CameraIntrinsics) -> camera_messages.DistortionParameters | None:
    """Return the lens as Viam has it; None where it is straight, or of a model that Viam does not have."""
    if not any(known.distortion) or known.distortion_model not in DISTORTION:
        return None
    model, places = DISTORTION[known.distortion_model]
    given = [*known.distortion, *[0.0] * len(places)]
    return camera_messages.DistortionParameters(model=model, parameters=[given[place] for place in places])


def model_metadata(told: Any) -> mlmodel_messages.Metadata:
    """Return what an ML model is as Viam's metadata.

    Args:
        told: What our client's ``get_metadata`` returns.
    """
    return mlmodel_messages.Metadata(
        name=told.name,
        type=told.type,
        description=told.description,
        input_info=[_tensor_info(info) for info in told.inputs],
        output_info=[_tensor_info(info) for info in told.outputs],
    )


def _tensor_info(info: Any) -> mlmodel_messages.TensorInfo:
    extra: dict[str, Any] = {}
    if info.labels:
        extra["labels"] = list(info.labels)
    if info.scales:
        extra |= {"scales": list(info.scales), "zero_points": list(info.zero_points)}
    return mlmodel_messages.TensorInfo(
        name=info.name,
        description=info.description,
        data_type=info.dtype,
        shape=list(info.shape),
        extra=struct(extra) if extra else None,
    )


def timestamp(nanoseconds: int) -> Timestamp:
    """Return a time since the epoch as Viam's."""
    message = Timestamp()
    message.FromNanoseconds(nanoseconds)
    return message


def struct(values: Mapping[str, Any]) -> Struct:
    """Return a JSON object as a Struct, whose numbers are all floats."""
    message = Struct()
    message.update(_plain(values))
    return message


def _plain(value: Any) -> Any:
    """Return a value as a Struct can hold it: what is no JSON, as its text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


class Options:
    """What a client says in ``extra``, which is a Struct: its numbers are floats.

    Attributes:
        rest: What is none of our options; it goes on to the node, which ignores what it does not know.
    """

    def __init__(self, given: Mapping[str, Any] | None) -> None:
        """Take what was said."""
        self.rest = dict(given or {})

    def seconds(self, name: str) -> float:
        """Return a time, 0.0 if it is not said.

        Raises:
            VisionError: INVALID_ARGUMENT, if it is no number.
        """
        value = self.rest.pop(name, 0.0)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            msg = f"{name!r} in extra is a number of seconds, not {value!r}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        return float(value)

    def text(self, name: str, choices: Sequence[str] = ()) -> str:
        """Return a string, empty if it is not said.

        Raises:
            VisionError: INVALID_ARGUMENT, if it is none, or none of the choices.
        """
        value = self.rest.pop(name, "")
        if not isinstance(value, str) or (choices and value and value not in choices):
            what = f"one of {', '.join(choices)}" if choices else "a string"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{name!r} in extra is {what}, not {value!r}")
        return value
