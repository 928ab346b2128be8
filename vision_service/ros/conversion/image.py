"""Images and depth to sensor_msgs/Image and CompressedImage. What reads them is :mod:`vision_service.messages`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image as ImageMessage
from std_msgs.msg import Header

from vision_service import messages
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.masks import instance_image
from vision_service.messages.formats import format_of
from vision_service.messages.image import file_in
from vision_service.messages.layouts import COLOR_ENCODINGS, LAYOUTS
from vision_service.messages.remarks import NOBODY, Remarks
from vision_service.types import Detection, LabelImage


def image_from_message(message: ImageMessage, remarks: Remarks = NOBODY) -> Image:
    """Return the image of a message, whose memory it shares.

    Encodings that :func:`vision_service.messages.image_from_message` does not know go through cv_bridge, where it is
    installed.

    Args:
        message: The message.
        remarks: On its topic.

    Raises:
        VisionError: INVALID_ARGUMENT, if the message contradicts itself, is depth, or has an encoding that neither
            we nor cv_bridge know.
    """
    unknown = message.encoding not in COLOR_ENCODINGS and message.encoding not in LAYOUTS
    if unknown and message.data and not file_in(message) and not format_of(message.encoding).undecodable:
        return _through_cv_bridge(message)
    return messages.image_from_message(message, remarks)


def image_to_message(pixels: NDArray[Any], encoding: str, header: Header) -> ImageMessage:
    """Return the message of an image, with a copy of its pixels.

    Args:
        pixels: (H, W, channels) or, with one channel, (H, W) array of the encoding's type.
        encoding: One of LAYOUTS.
        header: Its stamp and frame.

    Raises:
        VisionError: INVALID_ARGUMENT, if the encoding is unknown or the pixels are not of its form.
    """
    layout = LAYOUTS.get(encoding)
    if layout is None:
        raise _wrong(f"unknown encoding {encoding!r}: known are {', '.join(LAYOUTS)}")
    expected = (layout.channels,) if layout.channels > 1 else ()
    if pixels.ndim < 2 or pixels.shape[2:] != expected or pixels.dtype.newbyteorder("=") != np.dtype(layout.dtype):
        raise _wrong(f"pixels of shape {pixels.shape} and type {pixels.dtype} are not {encoding}")
    little = np.ascontiguousarray(pixels, dtype=f"<{layout.dtype}")
    message = ImageMessage()
    message.header = header
    message.height, message.width = little.shape[:2]
    message.encoding = encoding
    message.step = message.width * layout.channels * little.itemsize
    # Into the array that the message has already: its setter would copy once more.
    message.data.frombytes(little.view(np.uint8).data if little.size else b"")
    return message


def depth_to_message(depth: NDArray[np.float32], header: Header) -> ImageMessage:
    """Return the 32FC1 message of depth: (H, W) float32, metres, NaN = unknown."""
    return image_to_message(depth, "32FC1", header)


def label_image_to_message(result: LabelImage, header: Header) -> ImageMessage:
    """Return the message of class numbers: mono8 if they fit, else mono16."""
    if len(result.class_names) <= 1 << 8:
        return image_to_message(result.labels.astype(np.uint8), "mono8", header)
    return image_to_message(result.labels, "mono16", header)


def label_image_from_message(message: ImageMessage, class_names: Sequence[str]) -> LabelImage | None:
    """Return the class of each pixel, as a message says it, with the names beside it; None = the message is empty.

    Raises:
        VisionError: INVALID_ARGUMENT, if it is neither mono8 nor mono16, contradicts itself, or has a class without a
            name.
    """
    if not message.data:
        return None
    labels = messages.numbers_from_message(message)
    if int(labels.max()) >= len(class_names):
        raise _wrong(f"the label image has a class {labels.max()}, but there are only {len(class_names)} names")
    return LabelImage(labels, tuple(class_names))


def instance_image_to_message(instances: Sequence[Detection], header: Header, size: tuple[int, int]) -> ImageMessage:
    """Return the message of which object each pixel shows, by its place from 1 on; 0 = none.

    Args:
        instances: With masks, best first.
        header: Of the image that they were found in.
        size: Its width and height, pixels.
    """
    numbers = instance_image(instances, *size)
    return image_to_message(numbers, "mono8" if numbers.dtype == np.uint8 else "mono16", header)


def compressed_to_message(data: bytes | memoryview, format: str, header: Header) -> CompressedImage:
    """Return the message of an image's JPEG or PNG bytes; `format` is "jpeg" or "png"."""
    message = CompressedImage()
    message.header = header
    message.format = format
    message.data.frombytes(data)
    return message


def _through_cv_bridge(message: ImageMessage) -> Image:
    unknown = f"unknown encoding {message.encoding!r}: known are {', '.join(COLOR_ENCODINGS)}"
    try:
        from cv_bridge import CvBridge
    except Exception as error:  # built for another NumPy, it fails in its own ways
        reason = "is not installed" if isinstance(error, ModuleNotFoundError) else f"cannot be imported ({error})"
        raise _wrong(f"{unknown}, and cv_bridge, which knows more, {reason}") from None
    try:
        return Image(CvBridge().imgmsg_to_cv2(message, "bgr8"), "bgr8")
    except Exception as error:
        raise _wrong(f"{unknown}; cv_bridge says: {error}") from None


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
