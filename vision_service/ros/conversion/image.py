"""sensor_msgs/Image and CompressedImage to pictures and depth, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image as ImageMessage
from std_msgs.msg import Header

from vision_service.errors import ErrorCode, VisionError
from vision_service.image import ENCODINGS, Image
from vision_service.pointcloud.projection import in_metres
from vision_service.types import LabelImage


@dataclass(frozen=True)
class Layout:
    """How an encoding lays out its pixels.

    Attributes:
        dtype: Of a channel, NumPy's name without byte order.
        channels: Numbers a pixel.
        colour: The encoding of Image that it is; empty = it is depth.
        metres: One unit of depth.
    """

    dtype: str
    channels: int
    colour: str = ""
    metres: float = 1.0


LAYOUTS = {
    **{name: Layout("u1", encoding.channels, name) for name, encoding in ENCODINGS.items()},
    **{
        f"8UC{ENCODINGS[name].channels}": Layout("u1", ENCODINGS[name].channels, name)
        for name in ("mono8", "bgr8", "bgra8")
    },
    **dict.fromkeys(("16UC1", "mono16"), Layout("u2", 1, metres=0.001)),
    "32FC1": Layout("f4", 1),
}
"""The encodings that are read and written here, named as in sensor_msgs/image_encodings."""


def image_from_message(message: ImageMessage) -> Image:
    """Return the picture of a message, whose memory it shares.

    Encodings that are not in LAYOUTS go through cv_bridge, where it is installed.

    Raises:
        VisionError: INVALID_ARGUMENT, if the message contradicts itself, is depth, or has an encoding that neither
            we nor cv_bridge know.
    """
    _check_size(message)
    layout = LAYOUTS.get(message.encoding)
    if layout is None:
        return _through_cv_bridge(message)
    if not layout.colour:
        raise _wrong(f"a colour picture is expected, but the encoding {message.encoding} is depth")
    return Image(_pixels(message, layout), layout.colour)


def depth_from_message(message: ImageMessage) -> NDArray[np.float32]:
    """Return the depth of a message: 16UC1 and mono16 are millimetres, 0 = unknown; 32FC1 is metres (REP 118).

    Returns:
        (H, W) array of float32, metres, NaN = unknown.

    Raises:
        VisionError: INVALID_ARGUMENT, if the message contradicts itself or is no depth.
    """
    _check_size(message)
    layout = LAYOUTS.get(message.encoding)
    if layout is None or layout.colour:
        known = ", ".join(name for name, each in LAYOUTS.items() if not each.colour)
        what = "is unknown" if layout is None else "is colour"
        raise _wrong(f"depth is expected ({known}), but the encoding {message.encoding!r} {what}")
    return in_metres(_pixels(message, layout), layout.metres)


def image_from_compressed(message: CompressedImage) -> Image:
    """Return the picture of a compressed message, which is decoded when its pixels are first asked for.

    Raises:
        VisionError: INVALID_ARGUMENT, if the message is empty or says that it is depth; NOT_SUPPORTED, for the format
            compressedDepth.
    """
    if "compressedDepth" in message.format:
        msg = f"the format {message.format!r} is not read: give depth as a raw topic (16UC1 or 32FC1)"
        raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
    encoding = message.format.partition(";")[0].strip()
    if encoding in LAYOUTS and not LAYOUTS[encoding].colour:
        raise _wrong(f"a colour picture is expected, but the format {message.format!r} is depth")
    if not len(message.data):
        raise _wrong(f"the compressed picture is empty (format {message.format!r})")
    return Image.from_compressed(memoryview(message.data))


def image_to_message(pixels: NDArray[Any], encoding: str, header: Header) -> ImageMessage:
    """Return the message of a picture, with a copy of its pixels.

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


def compressed_to_message(data: bytes | memoryview, format: str, header: Header) -> CompressedImage:
    """Return the message of a picture's JPEG or PNG bytes; `format` is "jpeg" or "png"."""
    message = CompressedImage()
    message.header = header
    message.format = format
    message.data.frombytes(data)
    return message


def _check_size(message: ImageMessage) -> None:
    if not message.width or not message.height:
        raise _wrong(f"the picture is empty: {message.width}×{message.height} pixels")
    expected, got = message.step * message.height, len(message.data)
    if got != expected:
        raise _wrong(
            f"the picture's data do not fit its size: step {message.step} times height {message.height} is {expected} "
            f"bytes, {got} are there"
        )


def _pixels(message: ImageMessage, layout: Layout) -> NDArray[Any]:
    """Return the message's memory as (H, W, channels) or, with one channel, (H, W) array."""
    dtype = np.dtype((">" if message.is_bigendian else "<") + layout.dtype)
    pixel = layout.channels * dtype.itemsize
    if message.step < message.width * pixel:
        raise _wrong(
            f"step {message.step} is less than a row: {message.width} pixels of {message.encoding} are "
            f"{message.width * pixel} bytes"
        )
    shape: tuple[int, ...] = (message.height, message.width, layout.channels)
    strides: tuple[int, ...] = (message.step, pixel, dtype.itemsize)
    if layout.channels == 1:
        shape, strides = shape[:2], strides[:2]
    return np.ndarray(shape, dtype, memoryview(message.data), strides=strides)


def _through_cv_bridge(message: ImageMessage) -> Image:
    try:
        from cv_bridge import CvBridge
    except Exception as error:  # built for another NumPy, it fails in its own ways
        reason = "is not installed" if isinstance(error, ModuleNotFoundError) else f"cannot be imported ({error})"
        raise _wrong(
            f"unknown encoding {message.encoding!r}: known are {', '.join(LAYOUTS)}, and cv_bridge, which knows more, "
            f"{reason}"
        ) from None
    try:
        return Image(CvBridge().imgmsg_to_cv2(message, "bgr8"), "bgr8")
    except Exception as error:
        raise _wrong(
            f"unknown encoding {message.encoding!r}: known are {', '.join(LAYOUTS)}; cv_bridge says: {error}"
        ) from None


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
