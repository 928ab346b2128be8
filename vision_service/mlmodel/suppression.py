"""Non-maximum suppression: of boxes that mean the same object, the best stays."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.found import Found

MODES = ("per_class", "class_agnostic", "none")
"""Whether only boxes of one class suppress each other, or all do, or none."""

HAS_BATCHED = hasattr(getattr(cv2, "dnn", None), "NMSBoxesBatched")
"""Whether OpenCV's own is there (4.7 and later)."""


def suppress(found: Found, threshold: float, mode: str = "per_class", limit: int = 0) -> Found:
    """Return the objects that are left, best first.

    Going from the best to the worst, a box goes if a better one covers the same place: of upright boxes one that stays,
    by intersection over union; of turned boxes any, by ProbIoU (J. M. Llerena et al., "Probabilistic
    Intersection-over-Union for Training and Evaluation of Oriented Object Detectors", 2021).

    Args:
        found: Best first.
        threshold: From which overlap on two boxes are one: those above it go; 1 = none.
        mode: One of MODES.
        limit: How many stay at most; 0 = all.
    """
    if mode != "none" and threshold < 1 and len(found) > 1:
        classes = np.zeros(len(found)) if mode == "class_agnostic" else found.classes
        if found.turned is not None:
            kept = _turned(found.turned, classes, threshold)
        elif HAS_BATCHED:
            kept = _batched(found, classes, threshold)
        else:
            kept = _upright(found.boxes, classes, threshold)
        found = found.take(kept)
    return found.take(slice(limit)) if limit else found


def _batched(found: Found, classes: NDArray[Any], threshold: float) -> NDArray[np.intp]:
    boxes = found.boxes.astype(np.float64)
    boxes[:, 2:] -= boxes[:, :2]
    # Classes are told apart by moving each beyond the farthest right edge, which only parts boxes that begin at 0.
    boxes[:, :2] -= boxes[:, :2].min(axis=0)
    # Falling numbers stand for the scores: equal ones keep their order, and none is below the least that counts.
    ranks = np.arange(len(boxes), 0, -1, dtype=np.float32)
    suppressed: Any = cv2.dnn.NMSBoxesBatched  # its stubs know no arrays
    kept = suppressed(boxes, ranks, classes.astype(np.int32), 0.0, threshold)
    return np.sort(np.asarray(kept, np.intp).reshape(-1))


def _upright(boxes: NDArray[Any], classes: NDArray[Any], threshold: float) -> NDArray[np.intp]:
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = np.arange(len(boxes))
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        low = np.maximum(boxes[best, :2], boxes[left, :2])
        high = np.minimum(boxes[best, 2:], boxes[left, 2:])
        common = (high - low).clip(0.0).prod(axis=1)
        union = areas[best] + areas[left] - common
        left = left[(common <= threshold * union) | (classes[left] != classes[best])]
    return np.array(kept, np.intp)


def _turned(turned: NDArray[Any], classes: NDArray[Any], threshold: float) -> NDArray[np.intp]:
    """Return the rows that no better one of their class covers, whether that one stays or not.

    That is how those who train such models do it. Only boxes whose centres are near each other are compared: of two
    Gaussians that overlap so much, the centres' distance is at most a part of the larger box.
    """
    from scipy.spatial import KDTree  # only where boxes are turned

    boxes = turned.astype(np.float64)
    nearness = -math.log(1 - (1 - threshold) ** 2) if threshold > 0 else math.inf
    radius = float(boxes[:, 2:4].max()) * math.sqrt(8 * nearness / 12)
    if math.isfinite(radius):
        pairs = KDTree(boxes[:, :2]).query_pairs(radius * (1 + 1e-6) + 1e-9, output_type="ndarray")
    else:
        pairs = np.stack(np.triu_indices(len(boxes), 1), axis=1)
    pairs = np.sort(pairs[classes[pairs[:, 0]] == classes[pairs[:, 1]]], axis=1)
    spread = _covariances(boxes)
    one, other = ((boxes[rows, 0], boxes[rows, 1], *(item[rows] for item in spread)) for rows in pairs.T)
    gone = pairs[_prob_iou(one, other) >= threshold, 1]
    return np.setdiff1d(np.arange(len(boxes)), gone)


def _covariances(turned: NDArray[Any]) -> tuple[NDArray[np.float64], ...]:
    """Return the covariances xx, yy, xy of the Gaussians that stand for boxes."""
    boxes = turned.astype(np.float64)
    across, down = boxes[:, 2] ** 2 / 12, boxes[:, 3] ** 2 / 12
    cos, sin = np.cos(boxes[:, 4]), np.sin(boxes[:, 4])
    return across * cos**2 + down * sin**2, across * sin**2 + down * cos**2, (across - down) * cos * sin


def _prob_iou(one: tuple[Any, ...], others: tuple[Any, ...], tiny: float = 1e-7) -> NDArray[np.float64]:
    """Return 1 - the Hellinger distance of two Gaussians, each x, y and its covariances."""
    a, b, c = (first + second for first, second in zip(one[2:], others[2:], strict=True))
    x, y = one[0] - others[0], others[1] - one[1]
    determinant = a * b - c**2
    first = (a * y**2 + b * x**2) / (determinant + tiny) * 0.25
    second = c * x * y / (determinant + tiny) * 0.5
    each = [(item[2] * item[3] - item[4] ** 2).clip(0) for item in (one, others)]
    third = np.log(determinant / (4 * np.sqrt(each[0] * each[1]) + tiny) + tiny) * 0.5
    distance = (first + second + third).clip(tiny, 100.0)
    return 1 - np.sqrt(1 - np.exp(-distance) + tiny)  # type: ignore[no-any-return]
