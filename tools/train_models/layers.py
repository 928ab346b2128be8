"""What both networks are made of, and how images are varied while they learn."""

from __future__ import annotations

from typing import Any

import cv2
import keras
import numpy as np
from numpy.typing import NDArray


def convolution(values: keras.KerasTensor, channels: int, *, size: int = 3, stride: int = 1) -> keras.KerasTensor:
    """Return a convolution of size × size places with batch normalization and ReLU, all of which quantize well."""
    values = keras.layers.Conv2D(channels, size, strides=stride, padding="same", use_bias=False)(values)
    values = keras.layers.BatchNormalization(momentum=0.97)(values)
    return keras.layers.ReLU()(values)


def varied(images: NDArray[np.uint8], rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return images in other colours and lights, so that shape is what counts; half of them mirrored.

    Args:
        images: (N, H, W, 3).
        rng: What the variation follows from.

    Returns:
        (N, H, W, 3) as the networks take them, -1 to 1; and (N,) which are mirrored.
    """
    flipped = rng.random(len(images)) < 0.5
    result = np.empty(images.shape, np.float32)
    for image, flip, into in zip(images, flipped, result, strict=True):
        gain = rng.uniform(0.75, 1.2) * rng.uniform(0.85, 1.15, 3)
        values = _normalized(np.arange(256)[:, None] * gain + rng.uniform(-20, 20))
        table = values.clip(-1, 1).astype(np.float32)[None]
        changed = cv2.LUT(np.ascontiguousarray(image[:, ::-1] if flip else image), table)
        into[...] = changed[..., rng.permutation(3)]
    return result, flipped


def calibration(images: NDArray[np.uint8], count: int = 200) -> list[NDArray[np.float32]]:
    """Return images, each (1, H, W, 3), by which the quantization finds its ranges.

    They are -1 to 1. The exported models take uint8 as it is: their input's scale and zero point say the same. For
    that, two pixels of each image are made black and white.
    """
    chosen = images[:: max(1, len(images) // count)][:count].copy()
    chosen[:, 0, 0], chosen[:, 0, 1] = 0, 255
    return [image[np.newaxis] for image in _normalized(chosen)]


def _normalized(images: NDArray[Any]) -> NDArray[np.float32]:
    """Return values of 0 to 255 as -1 to 1."""
    return (images / 127.5 - 1.0).astype(np.float32)
