"""The services of vision nodes that look at an image: a given one, or a camera's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vision_service import srv
from vision_service.ros.messages import fill_classifications, fill_detections, fill_keypoints, fill_segmentation
from vision_service.tasks import CLASSIFY, DETECT, KEYPOINTS, SEGMENT, Task
from vision_service.types import Frame


@dataclass(frozen=True)
class ImageService:
    """A task, and the two services that ask for it.

    Attributes:
        task: What the model must be able to do.
        name: Of the service that takes an image; that which takes a camera has "_from_camera" behind it.
        given: The type of the first.
        from_camera: The type of the second.
        fill: Puts the frame and the result into a response of either; takes the response, its request, both.
    """

    task: Task
    name: str
    given: Any
    from_camera: Any
    fill: Callable[[Any, Any, Frame, Any], None]


@dataclass(eq=False)
class Seen:
    """Stands for a response to who calls by reference: what was found, as it is.

    Attributes:
        success, error_code, message: As of a response.
        camera_name: Of the camera that was used; empty for a given image.
        frame: Which frame was looked at.
        found: What the task's result is.
    """

    success: bool = False
    error_code: int = 0
    message: str = ""
    camera_name: str = ""
    frame: Frame = field(default_factory=Frame)
    found: Any = None


ON_IMAGES = (
    ImageService(
        DETECT,
        "get_detections",
        srv.GetDetections,
        srv.GetDetectionsFromCamera,
        lambda response, _, frame, found: fill_detections(response, frame, found),
    ),
    ImageService(
        CLASSIFY,
        "get_classifications",
        srv.GetClassifications,
        srv.GetClassificationsFromCamera,
        lambda response, request, frame, found: fill_classifications(response, frame, found, request.count),
    ),
    ImageService(
        SEGMENT,
        "get_segmentation",
        srv.GetSegmentation,
        srv.GetSegmentationFromCamera,
        lambda response, _, frame, found: fill_segmentation(response, frame, found),
    ),
    ImageService(
        KEYPOINTS,
        "get_keypoints",
        srv.GetKeypoints,
        srv.GetKeypointsFromCamera,
        lambda response, _, frame, found: fill_keypoints(response, frame, found),
    ),
)
