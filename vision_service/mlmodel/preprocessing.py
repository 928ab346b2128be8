"""From an image of any size and encoding to the tensor that a model takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image, to_rgb
from vision_service.mlmodel.placement import (
    Placement,
    cropped,
    dynamic_size,
    letterboxed,
    letterboxed_top_left,
    stretched,
)
from vision_service.mlmodel.quantization import is_quantized, quantize
from vision_service.mlmodel.resizing import resize, resize_part
from vision_service.mlmodel.runtime import TensorInfo, describe

DTYPES = ("uint8", "int8", "float32", "float16", "float64")
"""The types of inputs that are served."""

CHANNELS = {3: "three numbers", 1: "one number", 4: "four numbers"}
"""Of inputs that are served: colours, grey, and colours with an opacity that is always full."""

SIZES = ("orig_target_sizes", "orig_target_size", "orig_size", "orig_sizes")
"""Inputs that take the image's width and height; others with such names take height and width, or something else."""

WANTED = "one image, float32, uint8 or int8[1, height, width, 3]; also [1, 3, height, width], and 1 or 4 channels"


@dataclass(frozen=True)
class ImageTensor:
    """The input that takes the image, as its shape tells.

    Attributes:
        info: The tensor.
        width, height: Pixels; 0 = any.
        channels: 3 = colours, 1 = grey, 4 = colours and opacity.
        channels_first: Whether the tensor is [channels, height, width] and not [height, width, channels].
        batched: Whether it has a leading axis for images.
    """

    info: TensorInfo
    width: int
    height: int
    channels: int
    channels_first: bool
    batched: bool = True

    @property
    def layout(self) -> str:
        """How its axes are called: NCHW, NHWC, CHW or HWC."""
        return ("N" if self.batched else "") + ("CHW" if self.channels_first else "HWC")


def find_image(inputs: Sequence[TensorInfo]) -> tuple[ImageTensor, TensorInfo | None]:
    """Return which input takes the image, and which takes the image's size (None = none does).

    Raises:
        VisionError: INVALID_ARGUMENT, if the model does not take one image, or more than its size beside it. A further
            input filled with zeros would give plausible but wrong results.
    """
    images = [found for info in inputs if (found := _image(info)) is not None]
    others = [info for info in inputs if _image(info) is None]
    if len(images) != 1:
        wrong = next((info for info in inputs if len(info.shape) == 4 and info.dtype not in DTYPES), None)
        hint = f"; an image of type {wrong.dtype} is not served: try uint8 or float32" if wrong else ""
        raise VisionError(
            ErrorCode.INVALID_ARGUMENT, f"the model takes {describe(inputs)}, which is not {WANTED}{hint}"
        )
    sizes = [info for info in others if info.name.lower() in SIZES and info.shape[-1:] == (2,) and len(info.shape) <= 2]
    unknown = [info for info in others if info not in sizes[:1]]
    if unknown:
        msg = (
            f"the model takes {describe(unknown)} besides its image {images[0].info}: what belongs there is not known,"
            " and made-up values would give wrong results; export it with the image as its only input"
        )
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return images[0], (sizes[0] if sizes else None)


def _image(info: TensorInfo) -> ImageTensor | None:
    """Return how a tensor holds an image; None if it does not."""
    if len(info.shape) not in (3, 4) or info.dtype not in DTYPES or 0 in info.shape:
        return None
    batched = len(info.shape) == 4
    if batched and info.shape[0] not in (1, -1):
        return None
    axes = info.shape[1:] if batched else info.shape
    channels_first = axes[2] not in CHANNELS and axes[0] in CHANNELS
    channels, height, width = axes if channels_first else (axes[2], axes[0], axes[1])
    if channels not in CHANNELS or not (batched or channels == 3):
        return None
    if min(height, width) == 1 and not channels_first and axes[0] in CHANNELS:
        return None
    return ImageTensor(info, max(width, 0), max(height, 0), channels, channels_first, batched)


MOST_PLACEMENTS = 16
"""Of how many sizes of images it is remembered where they lie."""


@dataclass(frozen=True, eq=False)
class ImageInput:
    """The input of a model that takes one image, and how its values are made.

    Attributes:
        tensor: The input.
        width, height: Of what the model sees, pixels; 0 = the image's own. With a stride, at most that.
        stride: Of which the sizes must be multiples where the model takes any; 0 = the size is always the same.
        bgr: Whether the colours' order is blue, green, red.
        rule: How the image fills the input, one of :data:`vision_service.mlmodel.placement.RULES`.
        way: How it is resized, one of :data:`vision_service.mlmodel.resizing.CHOICES`.
        shorter_edge: For center_crop: to which length the shorter edge is brought, pixels.
        border: The value of all channels beside a letterboxed image, 0 to 255.
        table: (256, channels): what becomes of each value of each channel; None = it stays as it is.
        slope, offset: (channels,) each: the same for float inputs, value × slope + offset.
    """

    tensor_info: ImageTensor
    width: int
    height: int
    stride: int = 0
    bgr: bool = False
    rule: str = "stretch"
    way: str = "area"
    shorter_edge: int = 0
    border: int = 0
    table: NDArray[Any] | None = None
    slope: NDArray[np.float32] | None = None
    offset: NDArray[np.float32] | None = None

    @cached_property
    def name(self) -> str:
        """The tensor's name."""
        return self.tensor_info.info.name

    @cached_property
    def channels(self) -> int:
        """How many channels the model's image has."""
        return self.tensor_info.channels

    def placement(self, image: Image) -> Placement:
        """Return where the image lies in what the model sees."""
        source = image.size
        placement = self._placements.get(source)
        if placement is None:
            if len(self._placements) >= MOST_PLACEMENTS:
                self._placements.clear()
            placement = self._placements[source] = self._placement_of(source)
        return placement

    @cached_property
    def _placements(self) -> dict[tuple[int, int], Placement]:
        """Those of the sizes of images that were there: a camera's is always the same."""
        return {}

    def _placement_of(self, source: tuple[int, int]) -> Placement:
        """Return where an image of a size lies."""
        size = (self.width or source[0], self.height or source[1])
        if self.stride and self.rule.startswith("letterbox"):
            size = dynamic_size(source, size, self.stride)
        if self.rule == "center_crop":
            return cropped(source, size, self.shorter_edge)
        if self.rule == "letterbox_top_left":
            return letterboxed_top_left(source, size)
        return letterboxed(source, size) if self.rule == "letterbox" else stretched(source, size)

    def tensor(self, image: Image, placement: Placement | None = None) -> NDArray[Any]:
        """Return the tensor of an image.

        Args:
            image: The image.
            placement: Where it lies, if that is known already.

        Returns:
            Array of the input's type, shape and layout.
        """
        placement = placement or self.placement(image)
        pixels = self._content(image, placement)
        if self.slope is not None and self.offset is not None and self.tensor_info.channels_first:
            return self._planes(pixels, placement, self.slope.tolist(), self.offset.tolist())
        if placement.content != placement.size and self.rule != "center_crop":
            (width, height), (left, top) = placement.content, placement.corner
            right, bottom = placement.size[0] - left - width, placement.size[1] - top - height
            pixels = cv2.copyMakeBorder(pixels, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(self.border,) * 4)  # type: ignore[assignment]
        values: NDArray[Any] = pixels
        if self.table is not None:
            values = cv2.LUT(np.ascontiguousarray(pixels), self.table[np.newaxis])
            values = values.astype(self.tensor_info.info.dtype, copy=False)
        if self.tensor_info.channels_first:
            values = values[np.newaxis] if self.channels == 1 else values.transpose(2, 0, 1)
        elif self.channels == 1:
            values = values[..., np.newaxis]
        values = np.ascontiguousarray(values)
        return values[np.newaxis] if self.tensor_info.batched else values

    def _content(self, image: Image, placement: Placement) -> NDArray[np.uint8]:
        """Return the resized image in the input's channels: (H, W) if grey, else (H, W, channels)."""
        # Shrunk first, because colours of few pixels are converted faster than those of many.
        if self.rule == "center_crop":
            part = (-placement.corner[0], -placement.corner[1], *placement.size)
            return self._channels(resize_part(image.pixels, placement.content, part, self.way), image.encoding)
        return self._channels(resize(image.pixels, *placement.content, self.way), image.encoding)

    def _planes(
        self, pixels: NDArray[np.uint8], placement: Placement, slopes: list[float], offsets: list[float]
    ) -> NDArray[Any]:
        """Return the tensor of a float input with the channels first: one plane after the other."""
        (width, height), size = placement.size, self.channels
        values = np.empty((size, height, width), np.float32)
        left, top = (0, 0) if self.rule == "center_crop" else placement.corner
        bottom, right = top + pixels.shape[0], left + pixels.shape[1]
        planes = [pixels] if size == 1 else cv2.split(pixels)
        for channel, plane in enumerate(planes):
            slope, offset = np.float32(slopes[channel]), np.float32(offsets[channel])
            whole, inside = values[channel], values[channel, top:bottom, left:right]
            if inside.shape != whole.shape:
                border = np.float32(self.border) * slope + offset
                whole[:top], whole[bottom:] = border, border
                whole[top:bottom, :left], whole[top:bottom, right:] = border, border
            np.multiply(plane, slope, out=inside, casting="unsafe")
            if offset:
                inside += offset
        values = values.astype(self.tensor_info.info.dtype, copy=False)
        return values[np.newaxis] if self.tensor_info.batched else values

    def _channels(self, pixels: NDArray[np.uint8], encoding: str) -> NDArray[np.uint8]:
        """Return pixels in the input's channels: (H, W) if grey, else (H, W, channels)."""
        if encoding == "rgb8" and self.channels == 3 and not self.bgr:
            return pixels
        if self.channels == 1:
            return pixels if encoding == "mono8" else cv2.cvtColor(to_rgb(pixels, encoding), cv2.COLOR_RGB2GRAY)  # type: ignore[return-value]
        pixels = to_rgb(pixels, encoding)
        if self.channels == 4:
            return cv2.cvtColor(pixels, cv2.COLOR_RGB2BGRA if self.bgr else cv2.COLOR_RGB2RGBA)  # type: ignore[return-value]
        return cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if self.bgr else pixels  # type: ignore[return-value]

    def with_values(
        self, mean: tuple[float, ...] | None, std: tuple[float, ...] | None, *, truncate: bool = False
    ) -> ImageInput:
        """Return the input with the values that a mean and a standard deviation make.

        Args:
            mean: Of the values 0 to 1, one number for each channel; None = integer inputs take the image's own
                values, shifted to the type's range: what a quantized model is calibrated for, whatever its scale says.
            std: Likewise.
            truncate: Whether integers are cut off instead of rounded, as Ultralytics does it.
        """
        info, channels = self.tensor_info.info, self.channels
        values = np.arange(256)[:, np.newaxis].repeat(channels, axis=1)
        if mean is None or std is None:
            if info.dtype == "uint8":
                return self
            if info.dtype == "int8":
                return replace(self, table=(values - 128).astype(np.int8))
            mean, std = (0.5,) * channels, (0.5,) * channels
        real = (values / 255 - np.array(mean)) / np.array(std)
        if info.dtype in ("uint8", "int8"):
            if not is_quantized(info):
                return replace(self, table=None if info.dtype == "uint8" else (values - 128).astype(np.int8))
            return replace(self, table=quantize(real, info, truncate=truncate))
        slope = 1 / (255 * np.array(std))
        return replace(
            self,
            table=real.astype(np.float64 if info.dtype == "float64" else np.float32),  # OpenCV has no table of float16
            slope=slope.astype(np.float32),
            offset=(-np.array(mean) / np.array(std)).astype(np.float32),
        )
