"""Scores of a classifier whose output has 8 bits: there are only 256 of them, which are computed once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.quantization import is_quantized
from vision_service.mlmodel.runtime import TensorInfo, Tensors

ELEMENTWISE = ("none", "sigmoid")
"""Activations by which a score is a matter of its number alone, whatever the others are."""


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
        values = np.arange(limits.min, limits.max + 1).astype(output.dtype)
        of_values = scores({output.name: values[np.newaxis]}).tolist()
        self._scores = list(zip(of_values, values.tobytes(), strict=True))  # a score, and the byte that stands for it
        self._of_byte = {byte: score for score, byte in self._scores}
        self._likely: tuple[float, re.Pattern[bytes] | None] = (math.inf, None)

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

    def best(self, tensors: Tensors, least: float) -> tuple[list[int], list[float]]:
        """Return the numbers of the classes whose scores are at least that, in their order, and these scores.

        A regular expression finds them: after a network has run, the processor has to fetch the code of whatever is
        called, and that of half a dozen functions of NumPy is long.

        Args:
            tensors: What the model returned.
            least: 0 to 1.
        """
        known, likely = self._likely
        if known != least:
            likely = self._bytes_from(least)
            self._likely = least, likely
        if likely is None:
            return [], []
        data = tensors[self.output].tobytes()
        numbers = [found.start() for found in likely.finditer(data)]
        return numbers, [self._of_byte[data[number]] for number in numbers]

    def _bytes_from(self, least: float) -> re.Pattern[bytes] | None:
        """Return what finds the bytes whose scores are at least that; None if there is none."""
        enough = b"".join(b"\\x%02x" % byte for score, byte in self._scores if score >= least)
        return re.compile(b"[" + enough + b"]") if enough else None
