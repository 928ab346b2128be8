"""The ways in which tensors may travel to a model of another host, and how its user asks for them."""

from __future__ import annotations

from dataclasses import dataclass

RAW = "raw"
BYTES = "bytes"
PNG = "png"
JPEG = "jpeg"
AUTO = "auto"
CHOICES = (AUTO, RAW, BYTES, PNG, JPEG)


@dataclass(frozen=True)
class Sending:
    """How models of other nodes are asked.

    Attributes:
        way: How tensors travel, of CHOICES.
        quality: Of JPEGs, 1 to 100.
        patience: How long one model of a pool may take before another one is asked too, seconds; 0 = four times as
            long as usual.
    """

    way: str = AUTO
    quality: int = 90
    patience: float = 0.0
