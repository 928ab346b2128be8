"""From what a network's last layer returns to probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CHOICES = ("auto", "none", "softmax", "sigmoid")

STEEPEST = 500.0
"""Logits further from 0 are no further from certain, and their powers would overflow."""


def probabilities(values: NDArray[Any], activation: str) -> NDArray[np.float64]:
    """Return the probabilities, 0 to 1, of classes along the last axis.

    Args:
        values: What the model returned.
        activation: "softmax" = of classes that exclude each other, "sigmoid" = each by itself, "none" = they are
            probabilities.
    """
    found = values.astype(np.float64)
    if activation == "none":
        return np.minimum(np.maximum(found, 0.0, out=found), 1.0, out=found)
    return softmax(found) if activation == "softmax" else sigmoid(found)


def softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return exp(values) divided by their sum along the last axis.

    The largest value is subtracted first, so that nothing overflows.
    """
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logistic function of each value."""
    return 1 / (1 + np.exp(-values.clip(-STEEPEST, STEEPEST)))
