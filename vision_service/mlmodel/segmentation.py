"""From the tensor that a segmentation model returns to a picture of class numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SegmentationDecoder:
    """Reads the class of each pixel: its number [1, H, W], or a score for each class [1, H, W, classes].

    Attributes:
        classes: The output's name.
        class_axis: Along which the scores of the classes lie; None = the values are class numbers. A further axis of
            one does not matter.
    """

    classes: str
    class_axis: int | None = None

    def decode(self, tensors: Mapping[str, NDArray[Any]]) -> NDArray[np.uint16]:
        """Return the (h, w) class numbers over the whole of the model's input.

        Args:
            tensors: What the model returned; quantized values need not be brought to real ones.
        """
        values = tensors[self.classes]
        if self.class_axis is None:
            return values.squeeze().astype(np.uint16)
        return values[0].argmax(axis=self.class_axis - 1).astype(np.uint16)
