"""Detections with their masks or keypoints to messages, and back."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace

from std_msgs.msg import Header

from vision_service.errors import ErrorCode, VisionError
from vision_service.masks import part_of_image
from vision_service.msg import InstanceArray, ObjectKeypoints, ObjectKeypointsArray
from vision_service.msg import InstanceMask as InstanceMaskMessage
from vision_service.msg import Keypoint as KeypointMessage
from vision_service.ros.conversion.result import detection_from_message, detection_to_message
from vision_service.types import Detection, DetectionExtra, InstanceMask, Keypoint

NOTHING = DetectionExtra()


def instances_to_message(detections: Sequence[Detection], header: Header, size: tuple[int, int]) -> InstanceArray:
    """Return the message of detections with their masks, in their order.

    Args:
        detections: One without a mask has an empty one.
        header: Stamp and frame of the image.
        size: Width and height of the image, pixels; what of a mask is outside of it is left out.

    Raises:
        VisionError: MODEL_ERROR, if the run lengths of a mask are not those of its rectangle.
    """
    message = InstanceArray()
    message.header = header
    message.image_width, message.image_height = size
    message.detections = [detection_to_message(detection, header) for detection in detections]
    message.masks = [_mask_to_message(detection, size) for detection in detections]
    return message


def instances_from_message(message: InstanceArray) -> list[Detection]:
    """Return the detections of a message with their masks, in its order.

    Raises:
        VisionError: INVALID_ARGUMENT, if there is not one mask for each detection, or one does not fit its rectangle
            or the image.
    """
    if len(message.masks) != len(message.detections):
        raise _wrong(f"there are {len(message.detections)} detections, but {len(message.masks)} masks")
    size = message.image_width, message.image_height
    found = []
    for number, (sent, mask) in enumerate(zip(message.detections, message.masks, strict=True)):
        detection = detection_from_message(sent)
        ours = _mask_from_message(mask, size, f"the mask of detection {number} ({detection.class_name!r})")
        found.append(replace(detection, extra=replace(detection.extra or NOTHING, mask=ours)) if ours else detection)
    return found


def keypoints_to_message(detections: Sequence[Detection], header: Header) -> ObjectKeypointsArray:
    """Return the message of detections with their keypoints, in their order.

    Args:
        detections: With keypoints in pixels of the image.
        header: Stamp and frame of the image.
    """
    message = ObjectKeypointsArray()
    message.header = header
    message.objects = [
        ObjectKeypoints(
            detection=detection_to_message(detection, header),
            keypoints=[_keypoint_to_message(point) for point in (detection.extra or NOTHING).keypoints],
        )
        for detection in detections
    ]
    return message


def keypoints_from_message(message: ObjectKeypointsArray) -> list[Detection]:
    """Return the detections of a message with their keypoints, in its order."""
    found = []
    for item in message.objects:
        detection = detection_from_message(item.detection)
        points = tuple(Keypoint(point.name, point.x, point.y, point.confidence) for point in item.keypoints)
        found.append(replace(detection, extra=replace(detection.extra or NOTHING, keypoints=points)))
    return found


def _mask_to_message(detection: Detection, size: tuple[int, int]) -> InstanceMaskMessage:
    message = InstanceMaskMessage()
    mask = detection.extra.mask if detection.extra is not None else None
    if mask is None:
        return message
    if sum(mask.counts) != mask.width * mask.height:
        msg = f"the model gives a {detection.class_name!r} a mask that is none: {_contradiction(mask)}"
        raise VisionError(ErrorCode.MODEL_ERROR, msg)
    if mask.x < 0 or mask.y < 0 or mask.x + mask.width > size[0] or mask.y + mask.height > size[1]:
        rows, columns, pixels = part_of_image(mask, *size)
        mask = InstanceMask.of(pixels, columns.start, rows.start)
    message.x, message.y, message.width, message.height = map(int, (mask.x, mask.y, mask.width, mask.height))
    message.counts = array("I", mask.counts)
    return message


def _mask_from_message(message: InstanceMaskMessage, size: tuple[int, int], whose: str) -> InstanceMask | None:
    mask = InstanceMask(message.x, message.y, message.width, message.height, tuple(message.counts))
    if sum(mask.counts) != mask.width * mask.height:
        raise _wrong(f"{whose} does not fit: {_contradiction(mask)}")
    if mask.x + mask.width > size[0] or mask.y + mask.height > size[1]:
        place = f"{mask.width}×{mask.height} at {mask.x}, {mask.y}"
        raise _wrong(f"{whose} does not fit: {place} is not inside the image of {size[0]}×{size[1]}")
    return mask if mask.width and mask.height else None


def _contradiction(mask: InstanceMask) -> str:
    pixels = f"{mask.width}×{mask.height} = {mask.width * mask.height} pixels"
    return f"its run lengths add up to {sum(mask.counts)}, but its rectangle has {pixels}"


def _keypoint_to_message(point: Keypoint) -> KeypointMessage:
    message = KeypointMessage()
    message.name = point.name
    message.x, message.y, message.confidence = float(point.x), float(point.y), float(point.confidence)
    return message


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
