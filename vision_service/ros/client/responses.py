"""What clients make of the responses of a vision service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vision_service.ros import conversion
from vision_service.ros.client.results import (
    CaptureAllResult,
    Item,
    Results,
    SourceFrame,
    VisionProperties,
    with_extras,
)
from vision_service.types import (
    Classification,
    Detection,
    Detection3D,
    Frame,
    PointCloudObject,
    Segmentation,
)


def _of_frame(response: Any, items: Iterable[Item]) -> Results[Item]:
    """Return results with the frame that they are of."""
    stamp = conversion.nanoseconds(response.header.stamp)
    size = (response.image_width, response.image_height)
    return Results(items, SourceFrame(response.camera_name, stamp, response.header.frame_id, size))


def detections(response: Any) -> Results[Detection]:
    """Return the detections of a response."""
    return _of_frame(response, conversion.detections_from_message(response.detections))


def classifications(response: Any) -> Results[Classification]:
    """Return the classifications of a response."""
    return _of_frame(response, conversion.classifications_from_message(response.classifications))


def segmentation(response: Any) -> Segmentation:
    """Return the segmentation of a response."""
    label_image = conversion.label_image_from_message(response.label_image, response.class_names)
    return Segmentation(label_image, tuple(conversion.instances_from_message(response.instances)))


def keypoints(response: Any) -> Results[Detection]:
    """Return the objects with keypoints of a response."""
    return _of_frame(response, conversion.keypoints_from_message(response.keypoints))


def detections_3d(response: Any) -> Results[Detection3D]:
    """Return the 3D objects without their points of a response."""
    return _of_frame(response, conversion.detections_3d_from_message(response.detections))


def objects(response: Any) -> Results[PointCloudObject]:
    """Return the 3D objects of a response."""
    return _of_frame(response, (conversion.object_from_message(item) for item in response.objects))


def captured(request: Any, response: Any) -> CaptureAllResult:
    """Return what a request of CaptureAllFromCamera has asked for."""
    frame = Frame(
        image=conversion.image_from_message(response.image) if response.image.data else None,
        stamp=conversion.nanoseconds(response.header.stamp),
        frame_id=response.header.frame_id,
        camera_name=response.camera_name,
    )
    segmented = segmentation(response) if request.return_segmentation else None
    posed = keypoints(response) if request.return_keypoints else None
    detected: list[Detection] | None = detections(response) if request.return_detections else None
    if detected is not None:
        detected = with_extras(detected, segmented.instances if segmented else (), posed or ())
    return CaptureAllResult(
        frame=frame,
        size=(response.image_width, response.image_height),
        detections=detected,
        classifications=classifications(response) if request.return_classifications else None,
        objects=objects(response) if request.return_object_point_clouds else None,
        segmentation=segmented,
        keypoints=posed,
        objects_frame_id=(response.objects[0].cloud if response.objects else response).header.frame_id,
    )


def properties(response: Any) -> VisionProperties:
    """Return the properties of a vision service."""
    return VisionProperties(
        classifications_supported=response.classifications_supported,
        detections_supported=response.detections_supported,
        object_point_clouds_supported=response.object_point_clouds_supported,
        default_camera=response.default_camera,
        cameras=tuple(response.cameras),
        model=response.model,
        labels=tuple(response.labels),
        segmentation_supported=response.segmentation_supported,
        keypoints_supported=response.keypoints_supported,
        detections_3d_supported=response.detections_3d_supported,
    )
