"""From an image of any size and encoding to the tensor that a model takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.mlmodel.filling import Filling
from vision_service.mlmodel.placement import (
    Placement,
    cropped,
    dynamic_size,
    letterboxed,
    letterboxed_top_left,
    stretched,
)
from vision_service.mlmodel.quantization import is_quantized, quantize
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
        table: (256, channels) of an input of integers: what becomes of each value of each channel; None = it stays as
            it is.
        slope, offset: (channels,) each, of an input of floats: value × slope + offset.
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
    slope: NDArray[np.float64] | None = None
    offset: NDArray[np.float64] | None = None

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
        pixels = image.pixels
        filling = self._filling(image.encoding, placement or self.placement(image))
        dtype = self.tensor_info.info.dtype
        if self.slope is None or self.offset is None:
            values = filling.bytes(pixels, self.table)
        else:
            values = filling.reals(pixels, self.slope, self.offset, "float64" if dtype == "float64" else "float32")
            values = values.astype(dtype, copy=False)
        return values[np.newaxis] if self.tensor_info.batched else values

    def _filling(self, encoding: str, placement: Placement) -> Filling:
        """Return how images of an encoding and size fill the tensor."""
        key = (encoding, placement)
        filling = self._fillings.get(key)
        if filling is None:
            if len(self._fillings) >= MOST_PLACEMENTS:
                self._fillings.clear()
            filling = self._fillings[key] = Filling(
                encoding,
                placement,
                channels=self.channels,
                channels_first=self.tensor_info.channels_first,
                bgr=self.bgr,
                way=self.way,
                border=self.border,
            )
        return filling

    @cached_property
    def _fillings(self) -> dict[tuple[str, Placement], Filling]:
        """Those of the encodings and sizes of images that were there."""
        return {}

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
        if info.dtype in ("uint8", "int8"):
            if not is_quantized(info):
                return replace(self, table=None if info.dtype == "uint8" else (values - 128).astype(np.int8))
            real = (values / 255 - np.array(mean)) / np.array(std)
            return replace(self, table=quantize(real, info, truncate=truncate))
        return replace(self, slope=1 / (255 * np.array(std)), offset=-np.array(mean) / np.array(std))
