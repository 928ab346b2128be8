"""Scores of a classifier whose output has 8 bits: there are only 256 of them, which are computed once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.quantization import is_quantized
from vision_service.mlmodel.runtime import TensorInfo, Tensors

ELEMENTWISE = ("none", "sigmoid")
"""Activations by which a greater number is never a smaller score, whatever the others are."""


class Levels:
    """The scores of an output with 8 bits, by its values.

    Attributes:
        output: The output's name.
    """

    def __init__(self, output: TensorInfo, scores: Callable[[Tensors], NDArray[np.float64]]) -> None:
        """Compute them.

        Args:
            output: The output, quantized.
            scores: Returns the (N,) scores of what the model returns.
        """
        self.output = output.name
        limits = np.iinfo(output.dtype)
        self._first = int(limits.min)
        values = np.arange(limits.min, limits.max + 1).astype(output.dtype)
        self._scores = scores({output.name: values[np.newaxis]})
        self._sorted = self._scores.tolist()

    @classmethod
    def of(
        cls, decoder: Any, outputs: Sequence[TensorInfo], scores: Callable[[Tensors], NDArray[np.float64]]
    ) -> Levels | None:
        """Return those of a classifier's output; None if its scores are not a matter of each number by itself."""
        name, activation = getattr(decoder, "output", ""), getattr(decoder, "activation", "")
        info = next((each for each in outputs if each.name == name), None)
        if info is None or activation not in ELEMENTWISE or info.dtype not in ("uint8", "int8"):
            return None
        return cls(info, scores) if is_quantized(info) else None

    def best(self, tensors: Tensors, least: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return the numbers of the classes whose scores are at least that, in their order, and these scores.

        Args:
            tensors: What the model returned.
            least: 0 to 1.
        """
        level = bisect_left(self._sorted, least)
        if level == len(self._sorted):
            return np.zeros(0, np.intp), np.zeros(0)
        values = tensors[self.output].reshape(-1)
        (numbers,) = (values >= level + self._first).nonzero()
        places = values.take(numbers).astype(np.intp)
        return numbers, self._scores.take(places - self._first)
