"""What stands in the requests and responses of a vision node."""

from __future__ import annotations

import json
import weakref
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from std_msgs.msg import Header

from vision_service import limits
from vision_service.concurrency import Worker
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.image_size import size_in_header
from vision_service.ros import conversion
from vision_service.ros.json_fields import json_object
from vision_service.types import Classification, Detection, Frame, PointCloudObject, Segmentation

if TYPE_CHECKING:
    from vision_service.vision.ground_report import GroundReport


def given_frame(request: Any, *, ahead: bool = True) -> Frame:
    """Return the frame of the image in a request.

    Args:
        request: The request.
        ahead: Whether a compressed one is decoded in a thread of its own, while models are busy with those before it.

    Raises:
        VisionError: INVALID_ARGUMENT, if there is none, there are two, or it is none of ours.
    """
    json_object(request.extra, "extra")
    message, compressed = request.image, request.compressed_image
    raw = bool(message.data) or bool(message.width) or bool(message.height) or bool(message.encoding)
    if raw == bool(compressed.data):
        msg = "both image and compressed_image are filled: fill one" if raw else "fill image or compressed_image"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    image = conversion.image_from_message(message) if raw else conversion.image_from_compressed(compressed)
    if raw:
        size = len(message.data)
        pixels = 0 if message.encoding == "rgb8" else message.width * message.height
    else:
        size = len(compressed.data)
        known = image.compressed is not None  # else it is one that is converted when it has been decoded
        claimed = image.claimed_size if known else size_in_header(memoryview(compressed.data))
        width, height = claimed or (0, 0)  # then it is not decoded
        # Before the budget is looked at, so that one that can never be taken is not told to come again.
        limits.check_pixels(width, height)
        pixels = width * height
    limits.budget.take(size + pixels * limits.BYTES_PER_PIXEL, image)
    if not raw and ahead:
        waiting = weakref.ref(image)  # who has given up lets go of it: then it is neither kept nor decoded
        _decoder().submit(lambda: _decode_ahead(waiting))
    header = message.header if raw else compressed.header
    return Frame(image=image, stamp=conversion.nanoseconds(header.stamp), frame_id=header.frame_id)


def _decode_ahead(waiting: weakref.ref[Image]) -> None:
    image = waiting()
    if image is not None:
        with suppress(VisionError):  # it is told to whoever asks for the pixels; kept, it would keep the image
            _ = image.pixels


@lru_cache(maxsize=1)
def _decoder() -> Worker:
    """Return the thread that decodes; what it cannot decode is told to those who ask for the pixels."""
    return Worker("decoder")


def fill_frame(response: Any, frame: Frame) -> None:
    """Say in a response which frame was used."""
    response.header = conversion.header_of(frame)
    response.image_width, response.image_height = frame.size


def fill_detections(response: Any, frame: Frame, detections: Sequence[Detection]) -> None:
    """Put the frame and its detections into a response."""
    fill_frame(response, frame)
    response.detections = conversion.detections_to_message(detections, response.header)


def fill_classifications(response: Any, frame: Frame, classifications: Sequence[Classification], count: int) -> None:
    """Put the frame and its best classifications into a response; a negative count = all."""
    fill_frame(response, frame)
    best = classifications if count < 0 else classifications[:count]
    response.classifications = conversion.classifications_to_message(best, response.header)


def fill_segmentation(response: Any, frame: Frame, found: Segmentation) -> None:
    """Put the frame and what its pixels show into a response."""
    fill_frame(response, frame)
    if found.label_image is not None:
        response.label_image = conversion.label_image_to_message(found.label_image, response.header)
        response.class_names = list(found.label_image.class_names)
    response.instances = conversion.instances_to_message(found.instances, response.header, frame.size)


def fill_keypoints(response: Any, frame: Frame, detections: Sequence[Detection]) -> None:
    """Put the frame and its detections with their keypoints into a response."""
    fill_frame(response, frame)
    response.keypoints = conversion.keypoints_to_message(detections, response.header)


def fill_objects(response: Any, frame: Frame, objects: Sequence[PointCloudObject], frame_id: str) -> None:
    """Put a frame's objects, which are in a coordinate frame of their own, into a response."""
    header = _fill_placed(response, frame, frame_id)
    response.objects = [conversion.object_to_message(item, header) for item in objects]


def fill_detections_3d(response: Any, frame: Frame, objects: Sequence[PointCloudObject], frame_id: str) -> None:
    """Put a frame's objects without their points, in a coordinate frame of their own, into a response."""
    response.detections = conversion.objects_to_detections(objects, _fill_placed(response, frame, frame_id))


def ground_message(report: GroundReport | None) -> str:
    """Return what is told of a ground as a response's message has it: a JSON object; null where there is nothing."""
    return json.dumps({"ground": None if report is None else report.as_dict()}, allow_nan=False)


def _fill_placed(response: Any, frame: Frame, frame_id: str) -> Header:
    fill_frame(response, frame)
    response.header.frame_id = frame_id
    return Header(stamp=response.header.stamp, frame_id=frame_id)
