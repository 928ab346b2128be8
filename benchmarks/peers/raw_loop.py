"""The limit: LiteRT alone, in a loop, as its own examples use it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray


class RawLoop:
    """Resizes an image, runs the network, and fetches what it returns; nobody makes anything of that.

    The image is resized as we resize it, so that the same work is compared: one much larger than the network's input
    is brought to twice its size and then averaged, where the simplest examples leave out most of the pixels.
    """

    def __init__(self, path: Path) -> None:
        """Load a network that takes one image, uint8 or float32 from -1 to 1."""
        self._interpreter = Interpreter(model_path=str(path), num_threads=1)
        self._interpreter.allocate_tensors()
        details = self._interpreter.get_input_details()[0]
        self._input = details["index"]
        self._height, self._width = (int(length) for length in details["shape"][1:3])
        self._takes_bytes = details["dtype"] == np.uint8
        self._outputs = [output["index"] for output in self._interpreter.get_output_details()]

    def __call__(self, pixels: NDArray[np.uint8]) -> list[NDArray[Any]]:
        """Return the outputs for an (H, W, 3) RGB image."""
        size = self._width, self._height
        if pixels.shape[0] * pixels.shape[1] > 4 * self._width * self._height:
            twice = cv2.resize(pixels, (2 * self._width, 2 * self._height))
            values = cv2.resize(twice, size, interpolation=cv2.INTER_AREA)
        else:
            values = cv2.resize(pixels, size)
        tensor = values if self._takes_bytes else (values.astype(np.float32) - 127.5) / 127.5
        self._interpreter.set_tensor(self._input, tensor[np.newaxis])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(output) for output in self._outputs]
