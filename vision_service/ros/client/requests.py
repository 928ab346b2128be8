"""What clients put into requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image as ImageMessage
from std_msgs.msg import Header

from vision_service.image import Image
from vision_service.ros import conversion

Request = TypeVar("Request")

ImageLike: TypeAlias = NDArray[np.uint8] | Image | bytes | bytearray | memoryview | ImageMessage | CompressedImage
"""What a client takes as an image: (H, W, 3) RGB pixels, our Image, the bytes of a JPEG or PNG, or a message."""


def fill_image(request: Request, image: ImageLike) -> Request:
    """Put an image of any form into a request that takes one, and return the request.

    Args:
        request: Of a service with the fields image and compressed_image.
        image: The image.

    Returns:
        The same request.

    Raises:
        VisionError: INVALID_ARGUMENT, if the pixels are none of an image.
    """
    filled: Any = request
    if isinstance(image, ImageMessage):
        filled.image = image
    elif isinstance(image, CompressedImage):
        filled.compressed_image = image
    elif isinstance(image, (bytes, bytearray, memoryview)):
        filled.compressed_image.data.frombytes(bytes(image))
    else:
        ours = image if isinstance(image, Image) else Image(np.asarray(image))
        filled.image = conversion.image_to_message(ours.pixels, ours.encoding, Header())
    return request


def as_json(options: Mapping[str, Any] | None) -> str:
    """Return options as the JSON object of a request, empty if there are none."""
    return json.dumps(dict(options)) if options else ""
