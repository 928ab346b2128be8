"""From a picture of any size and encoding to the tensor that a model takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image, to_rgb
from vision_service.mlmodel.runtime import TensorInfo, describe

DTYPES = ("uint8", "float32")
"""The types of inputs that are served."""


@dataclass(frozen=True)
class ImageInput:
    """The input of a model that takes one picture, and how its values are made.

    Attributes:
        name: The tensor's name.
        width, height: Of the picture the model takes, pixels.
        dtype: "uint8" (values as they are) or "float32" (value = (value / 255 - mean) / standard deviation).
        mean, std: For each channel, in the order of the tensor.
        bgr: Whether the channels' order is blue, green, red.
    """

    name: str
    width: int
    height: int
    dtype: str
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    bgr: bool = False

    def tensor(self, image: Image) -> NDArray[Any]:
        """Return the tensor of a picture: the whole of it, its aspect not kept.

        Returns:
            (1, height, width, 3) array of the input's type.
        """
        # Shrunk first, because colours of few pixels are converted faster than those of many.
        pixels = to_rgb(resize(image.pixels, self.width, self.height), image.encoding)
        if self.bgr:
            pixels = pixels[..., ::-1]
        if self.dtype == "uint8":
            return np.ascontiguousarray(pixels)[np.newaxis]
        values = np.arange(256)[:, np.newaxis] / 255
        table = ((values - self.mean) / self.std).astype(np.float32)
        return cv2.LUT(np.ascontiguousarray(pixels), table[np.newaxis])[np.newaxis]


def image_input(
    inputs: Sequence[TensorInfo],
    *,
    mean: tuple[float, ...] = (),
    std: tuple[float, ...] = (),
    bgr: bool = False,
) -> ImageInput:
    """Return how a model takes its picture.

    Args:
        inputs: The model's.
        mean: Of the values 0 to 1, three numbers; empty = 0.5 each.
        std: The standard deviation, likewise.
        bgr: Whether the channels' order is blue, green, red.

    Raises:
        VisionError: INVALID_ARGUMENT, if the model does not take one colour picture, or mean and std are no three
            numbers, or std has a 0.
    """
    for name, values in (("input_image_mean_value", mean), ("input_image_std_dev", std)):
        if len(values) not in (0, 3):
            msg = f"{name!r} needs three numbers, one for each channel, not {list(values)}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    if 0 in std:
        msg = f"'input_image_std_dev' is divided by, so that no number may be 0: {list(std)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    wanted = "one picture, uint8 or float32[1, height, width, 3]"
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"the model takes {describe(inputs)}, which is not {wanted}")
    info = inputs[0]
    if info.dtype not in DTYPES:
        msg = f"the model's input {info} is of type {info.dtype}: try uint8 or float32"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    batch, height, width, channels = info.shape
    if batch not in (1, -1) or channels != 3 or height < 1 or width < 1:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"the model takes {info}, which is not {wanted} of a fixed size")
    half = (0.5, 0.5, 0.5)
    return ImageInput(
        info.name,
        width,
        height,
        info.dtype,
        mean=(mean[0], mean[1], mean[2]) if mean else half,
        std=(std[0], std[1], std[2]) if std else half,
        bgr=bgr,
    )


def resize(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Return a picture in another size, its aspect not kept.

    Bilinear, as models are trained. A picture of more than four times the pixels is first brought to twice the size
    and then averaged two by two, because plain bilinear would leave out most of its pixels: scores that flicker. That
    is as steady as averaging all pixels, in a tenth of the time.

    Args:
        pixels: (H, W) or (H, W, channels) array of uint8.
        width: Of the result.
        height: Of the result.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    if pixels.shape[0] * pixels.shape[1] > 4 * width * height:
        pixels = cv2.resize(pixels, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
        return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]
