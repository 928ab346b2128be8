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
from vision_service.mlmodel.placement import Placement, letterboxed, stretched
from vision_service.mlmodel.quantization import is_quantized, quantize
from vision_service.mlmodel.runtime import TensorInfo, describe

DTYPES = ("uint8", "int8", "float32", "float16", "float64")
"""The types of inputs that are served."""

CHANNELS = {3: "three numbers", 1: "one number", 4: "four numbers"}
"""Of inputs that are served: colours, grey, and colours with an opacity that is always full."""


@dataclass(frozen=True, eq=False)
class ImageInput:
    """The input of a model that takes one picture, and how its values are made.

    Attributes:
        name: The tensor's name.
        width, height: Of the picture the model takes, pixels; 0 = the picture's own.
        channels: 3 = colours, 1 = grey, 4 = colours and opacity.
        channels_first: Whether the tensor is [1, channels, height, width] and not [1, height, width, channels].
        bgr: Whether the colours' order is blue, green, red.
        letterbox: Whether the picture keeps its aspect, with black beside it, instead of being stretched.
        table: (256, channels) array: what becomes of each value of each channel; None = it stays as it is.
        dtype: The tensor's type.
    """

    name: str
    width: int
    height: int
    channels: int
    channels_first: bool
    bgr: bool
    letterbox: bool
    table: NDArray[Any] | None
    dtype: str

    def placement(self, image: Image) -> Placement:
        """Return where the picture lies in what the model sees."""
        width, height = self.width or image.width, self.height or image.height
        place = letterboxed if self.letterbox else stretched
        return place((image.width, image.height), (width, height))

    def tensor(self, image: Image) -> NDArray[Any]:
        """Return the tensor of a picture.

        Returns:
            (1, height, width, channels) or (1, channels, height, width) array of the input's type.
        """
        placement = self.placement(image)
        # Shrunk first, because colours of few pixels are converted faster than those of many.
        pixels = resize(image.pixels, *placement.content)
        pixels = self._channels(pixels, image.encoding)
        if self.letterbox:
            pixels = placement.pad(pixels)
        values: NDArray[Any] = pixels
        if self.table is not None:
            values = cv2.LUT(np.ascontiguousarray(pixels), self.table[np.newaxis])
            if values.dtype != self.dtype:
                values = values.astype(self.dtype)
        if self.channels_first:
            values = values[np.newaxis] if self.channels == 1 else values.transpose(2, 0, 1)
        elif self.channels == 1:
            values = values[..., np.newaxis]
        return np.ascontiguousarray(values)[np.newaxis]

    def _channels(self, pixels: NDArray[np.uint8], encoding: str) -> NDArray[np.uint8]:
        """Return pixels in the input's channels: (H, W) if grey, else (H, W, channels)."""
        if self.channels == 1:
            return pixels if encoding == "mono8" else cv2.cvtColor(to_rgb(pixels, encoding), cv2.COLOR_RGB2GRAY)  # type: ignore[return-value]
        pixels = to_rgb(pixels, encoding)
        if self.channels == 4:
            return cv2.cvtColor(pixels, cv2.COLOR_RGB2BGRA if self.bgr else cv2.COLOR_RGB2RGBA)  # type: ignore[return-value]
        return pixels[..., ::-1] if self.bgr else pixels


def image_input(
    inputs: Sequence[TensorInfo],
    *,
    mean: tuple[float, ...] = (),
    std: tuple[float, ...] = (),
    bgr: bool = False,
    size: tuple[int, ...] = (),
    letterbox: bool = False,
) -> ImageInput:
    """Return how a model takes its picture.

    Args:
        inputs: The model's.
        mean: Of the values 0 to 1, one number for each channel; empty = what the model's file says, else 0.5.
        std: The standard deviation, likewise.
        bgr: Whether the colours' order is blue, green, red.
        size: Width and height where the model takes any; empty = the picture's own.
        letterbox: Whether the picture keeps its aspect.

    Raises:
        VisionError: INVALID_ARGUMENT, if the model does not take one picture, or mean, std or size do not fit it.
    """
    wanted = "one picture, float32, uint8 or int8[1, height, width, 3]; also [1, 3, height, width], and 1 or 4 channels"
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"the model takes {describe(inputs)}, which is not {wanted}")
    info = inputs[0]
    if info.dtype not in DTYPES:
        msg = f"the model's input {info} is of type {info.dtype}: try uint8 or float32"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    channels_first = info.shape[3] not in CHANNELS and info.shape[1] in CHANNELS
    channels, height, width = (info.shape[axis] for axis in ((1, 2, 3) if channels_first else (3, 1, 2)))
    if info.shape[0] not in (1, -1) or channels not in CHANNELS or 0 in info.shape:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"the model takes {info}, which is not {wanted}")
    width, height = _size(info, width, height, size)
    mean, std = _normalization(info, channels, mean, std)
    return ImageInput(
        name=info.name,
        width=width,
        height=height,
        channels=channels,
        channels_first=channels_first,
        bgr=bgr,
        letterbox=letterbox,
        table=_table(info, channels, mean, std),
        dtype=info.dtype,
    )


def _size(info: TensorInfo, width: int, height: int, size: tuple[int, ...]) -> tuple[int, int]:
    """Return width and height of the model's picture, 0 where it is the source's."""
    if len(size) not in (0, 2):
        msg = f"'input_size' needs two numbers, width and height, not {list(size)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    if not size:
        return max(width, 0), max(height, 0)
    if any(known not in (-1, given) for known, given in zip((width, height), size, strict=True)):
        msg = f"'input_size' is {size[0]}×{size[1]}, but the model takes {info}: leave it out"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return size[0], size[1]


def _normalization(
    info: TensorInfo, channels: int, mean: tuple[float, ...], std: tuple[float, ...]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and deviation of the values 0 to 1 for each channel; empty if nobody says anything."""
    for name, values in (("input_image_mean_value", mean), ("input_image_std_dev", std)):
        if len(values) not in (0, channels):
            msg = f"{name!r} needs {CHANNELS[channels]}, one for each channel of {info}, not {list(values)}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    if 0 in std:
        msg = f"'input_image_std_dev' is divided by, so that no number may be 0: {list(std)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    if mean or std:
        return mean or (0.5,) * channels, std or (0.5,) * channels
    said_mean, said_std = info.hints.mean, info.hints.std
    if info.dtype == "uint8" or len(said_mean) not in (1, channels):
        return (), ()
    repeated = channels // len(said_mean)
    return tuple(value / 255 for value in said_mean * repeated), tuple(value / 255 for value in said_std * repeated)


def _table(info: TensorInfo, channels: int, mean: tuple[float, ...], std: tuple[float, ...]) -> NDArray[Any] | None:
    """Return what becomes of each value of each channel, or None if it stays as it is.

    Whole numbers are by default the picture's own, shifted to the type's range: that is what a quantized model is
    calibrated for, whatever its scale says.
    """
    values = np.arange(256)[:, np.newaxis].repeat(channels, axis=1)
    if info.dtype in ("uint8", "int8") and not (mean and is_quantized(info)):
        return None if info.dtype == "uint8" else (values - 128).astype(np.int8)
    real = (values / 255 - (mean or (0.5,) * channels)) / (std or (0.5,) * channels)
    if info.dtype in ("uint8", "int8"):
        return quantize(real, info)
    return real.astype(np.float64 if info.dtype == "float64" else np.float32)  # OpenCV has no tables of float16


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
