"""The pixels of an image become the values of a tensor, in one pass of C++ (native/tensor.cpp)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.placement import Placement, stretched
from vision_service.mlmodel.resizing import CHOICES
from vision_service.native.library import Array, Function, Rows, row_stride

_SETTINGS, _NUMBERS = Array(np.int64), Array(np.float64)
_TO_BYTES = Function("image_to_bytes", Rows(), _SETTINGS, Array(np.uint8), Array(np.uint8, written=True))
_TO_REALS = {
    np.dtype(kind): Function(name, Rows(), _SETTINGS, _NUMBERS, _NUMBERS, Array(kind, written=True))
    for name, kind in (("image_to_floats", np.float32), ("image_to_doubles", np.float64))
}
_NO_TABLE = np.empty(0, np.uint8)
_LAYOUTS = {"rgb8": (3, False), "bgr8": (3, True), "rgba8": (4, False), "bgra8": (4, True), "mono8": (1, False)}
"""Of each of :data:`vision_service.image.ENCODINGS`: bytes a pixel, and whether blue comes first."""


class Filling:
    """How images of one size and encoding fill a tensor: everything that is the same for all of them.

    Attributes:
        shape: Of the tensor, without a leading axis for images.
    """

    def __init__(
        self,
        encoding: str,
        placement: Placement,
        *,
        channels: int,
        channels_first: bool = False,
        bgr: bool = False,
        way: str = "area",
        border: int = 0,
        wide: bool = True,
    ) -> None:
        """Describe it.

        Args:
            encoding: Of the images.
            placement: Where they lie in the tensor, or what is cut out of them.
            channels: Of the tensor: 3 = colours, 1 = how bright they are (ITU-R BT.601), 4 = colours and full opacity.
            channels_first: Whether the tensor is (channels, height, width) and not (height, width, channels).
            bgr: Whether blue comes first in it.
            way: One of :data:`vision_service.mlmodel.resizing.CHOICES`.
            border: The value of all channels beside the image, 0 to 255.
            wide: Whether AVX2 may be used where it is there; the values are the same.
        """
        taken, blue_first = _LAYOUTS[encoding]
        self._taken = (*placement.source[::-1], taken) if taken > 1 else placement.source[::-1]
        (left, top), (width, height) = placement.corner, placement.size
        across, down = (min(pair) for pair in zip(placement.content, placement.size, strict=True))
        self.shape = (channels, height, width) if channels_first else (height, width, channels)
        settings = (
            *placement.source, taken, blue_first != (bgr and channels > 1),
            *placement.content, CHOICES.index(way),
            max(-left, 0), max(-top, 0), across, down,
            width, height, channels, channels_first,
            max(left, 0), max(top, 0), border,
            wide,
        )  # fmt: skip
        self._settings = np.array(settings, np.int64)

    def bytes(self, pixels: NDArray[np.uint8], table: NDArray[Any] | None = None) -> NDArray[Any]:
        """Return the tensor of bytes.

        Args:
            pixels: (H, W) or (H, W, channels) uint8 of the size and encoding.
            table: (256, channels) uint8 or int8: what becomes of each value of each channel; None = it stays as it is.
        """
        tensor = np.empty(self.shape, np.uint8)
        _TO_BYTES(self._rows(pixels), self._settings, _NO_TABLE if table is None else table.view(np.uint8), tensor)
        return tensor if table is None else tensor.view(table.dtype)

    def reals(self, pixels: NDArray[np.uint8], slope: NDArray[Any], offset: NDArray[Any], dtype: Any) -> NDArray[Any]:
        """Return the tensor of numbers: value × slope + offset, with the type's own arithmetic.

        Args:
            pixels: As `bytes` takes them.
            slope: (channels,) float64.
            offset: Likewise.
            dtype: float32 or float64.
        """
        tensor = np.empty(self.shape, dtype)
        _TO_REALS[tensor.dtype](self._rows(pixels), self._settings, slope, offset, tensor)
        return tensor

    def _rows(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return pixels with those of a row one after the other, and the rows in their order."""
        if pixels.shape != self._taken:
            raise ValueError(f"this is filled with images of {self._taken}, not of {pixels.shape}")
        return pixels if row_stride(pixels) else np.ascontiguousarray(pixels)


def resize(pixels: NDArray[np.uint8], width: int, height: int, way: str = "area") -> NDArray[np.uint8]:
    """Return an image as a model of that size sees it, its aspect ratio not kept.

    Args:
        pixels: (H, W, 3) uint8.
        width: Of the result, pixels.
        height: Of the result, pixels.
        way: One of :data:`vision_service.mlmodel.resizing.CHOICES`.
    """
    placement = stretched((pixels.shape[1], pixels.shape[0]), (width, height))
    return Filling("rgb8", placement, channels=3, way=way).bytes(pixels)
