"""From the tensor that a classifier returns to scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.activation import probabilities


@dataclass(frozen=True)
class ClassificationDecoder:
    """Reads the standard form of classifiers: one score for each class, [1, N].

    Attributes:
        scores: The output's name.
        size: How many classes.
        activation: What makes probabilities of them, one of :data:`vision_service.mlmodel.activation.CHOICES`.
    """

    scores: str
    size: int
    activation: str = "auto"

    def decode(self, tensors: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Return the (N,) scores, 0 to 1, by class number.

        Args:
            tensors: What the model returned, in real values.
        """
        return probabilities(tensors[self.scores].reshape(-1), self.activation)
