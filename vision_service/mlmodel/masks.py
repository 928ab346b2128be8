"""Masks of objects, and classes of pixels, in the source image's size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.placement import Placement
from vision_service.opencv import cv2
from vision_service.types import InstanceMask


def instance_masks(
    boxes: NDArray[Any],
    placement: Placement,
    *,
    coefficients: NDArray[Any] | None = None,
    prototypes: NDArray[Any] | None = None,
    masks: NDArray[Any] | None = None,
) -> list[InstanceMask]:
    """Return the pixels of objects, each within its box.

    Only the box's part is computed: of a sum of prototypes weighted by the object's coefficients (D. Bolya et al.,
    "YOLACT: Real-time Instance Segmentation", 2019), or of its own map of scores; > 0 is the object.

    Args:
        boxes: (N, 4) corners in pixels of the source image, clipped to it.
        placement: Where the image lies in the model's input.
        coefficients: (N, M) of the prototypes.
        prototypes: (M, h, w) over the whole of the input.
        masks: (N, h, w) likewise, instead of both.

    Raises:
        ValueError: If neither is given.
    """
    found = []
    for row, (x_min, y_min, x_max, y_max) in enumerate(boxes.tolist()):
        left, top = math.floor(x_min), math.floor(y_min)
        part = (left, top, max(math.ceil(x_max) - left, 1), max(math.ceil(y_max) - top, 1))
        if masks is not None:
            scores = placement.map_part(masks[row].astype(np.float32, copy=False), part)
        elif coefficients is None or prototypes is None:
            msg = "masks need maps, or prototypes and coefficients"
            raise ValueError(msg)
        else:
            scores = placement.map_part_of(prototypes, coefficients[row], part)
        found.append(InstanceMask.of(scores > 0, left, top))
    return found


def best_classes(scores: NDArray[Any], placement: Placement) -> NDArray[np.uint16]:
    """Return the (H, W) class of each pixel of the source image.

    The scores of one class after the other are brought to the image's size and compared with the best so far: a stack
    of all of them would take hundreds of megabytes.

    Args:
        scores: (classes, h, w) over the whole of the input; greater = likelier.
        placement: Where the image lies in the input.
    """
    best = placement.map_scores(np.ascontiguousarray(scores[0], np.float32))
    numbers = np.zeros(best.shape, np.uint16)
    for number in range(1, len(scores)):
        other = placement.map_scores(np.ascontiguousarray(scores[number], np.float32))
        better = cv2.compare(other, best, cv2.CMP_GT)
        cv2.copyTo(other, better, best)
        numbers[better != 0] = number
    return numbers
