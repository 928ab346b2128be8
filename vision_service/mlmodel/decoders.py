"""From the tensors that a model returns to boxes, class numbers and scores."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.runtime import TensorInfo, describe

ROLES = ("boxes", "classes", "scores", "count")
"""What the four outputs of a detector mean, in the order of the operation TFLite_Detection_PostProcess."""

NAMES = {
    "boxes": ("boxes", "location", "locations", "detection_boxes", "bounding_boxes"),
    "classes": ("classes", "category", "categories", "detection_classes"),
    "scores": ("scores", "score", "detection_scores"),
    "count": ("count", "number_of_detections", "num_detections"),
}
"""What these outputs are called in the wild."""

NUMBERED = (ROLES, ("count", "scores", "classes", "boxes"))
"""What they mean where their names only end in a number (:0 to :3, the first without): from TensorFlow 1, from 2."""

ROUNDING = 1e-3
"""How far probabilities may leave 0 to 1 without being taken for logits."""


@dataclass(frozen=True)
class DetectionDecoder:
    """Reads the standard form of detectors: boxes [1, N, 4], classes [1, N], scores [1, N] and their count [1].

    Attributes:
        boxes, classes, scores, count: The names of the outputs. Boxes are fractions of the picture's size, classes
            start at 0 with the first real class, and only the first ``count`` rows mean something.
    """

    boxes: str
    classes: str
    scores: str
    count: str

    def decode(
        self, tensors: Mapping[str, NDArray[Any]], order: Sequence[int]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
        """Return what the model found, best first.

        Args:
            tensors: What the model returned.
            order: What stands where in a box: place p holds number order[p], 0 = xmin, 1 = ymin, 2 = xmax, 3 = ymax.

        Returns:
            (n, 4) boxes xmin, ymin, xmax, ymax as fractions, within 0 to 1; (n,) class numbers; (n,) scores.
        """
        found = tensors[self.count].flat[0]
        count = int(found) if np.isfinite(found) and found > 0 else 0
        boxes = np.empty((min(count, tensors[self.boxes].shape[1]), 4))
        boxes[:, list(order)] = tensors[self.boxes][0, :count]
        classes = tensors[self.classes][0, :count].astype(np.float64)
        scores = tensors[self.scores][0, :count].astype(np.float64)
        valid = np.isfinite(boxes).all(axis=1) & np.isfinite(classes) & np.isfinite(scores)
        best = np.argsort(-scores, kind="stable")
        best = best[valid[best]]
        corners = np.sort(boxes[best].reshape(-1, 2, 2), axis=1)  # a box that stands on its head is the same box
        return (
            corners.reshape(-1, 4).clip(0.0, 1.0),
            np.rint(classes[best]).astype(np.int64),
            scores[best].clip(0.0, 1.0),
        )


@dataclass(frozen=True)
class ClassificationDecoder:
    """Reads the standard form of classifiers: one score for each class, [1, N].

    Attributes:
        scores: The output's name.
        size: How many classes.
        scale, zero_point: Of a quantized output: score = scale × (value - zero point).
    """

    scores: str
    size: int
    scale: float = 1.0
    zero_point: int = 0

    def decode(self, tensors: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Return the (N,) scores, 0 to 1, by class number.

        Values that are no probabilities are taken for logits: the softmax of several, the logistic function of one.
        """
        values = (tensors[self.scores][0].astype(np.float64) - self.zero_point) * self.scale
        if values.min() < -ROUNDING or values.max() > 1 + ROUNDING:
            values = softmax(values) if len(values) > 1 else 1 / (1 + np.exp(-values.clip(-500, 500)))
        return values.clip(0.0, 1.0)


def softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return exp(values) divided by their sum; the largest is subtracted first, so that nothing overflows."""
    powers = np.exp(values - values.max())
    return powers / powers.sum()


def find_decoder(
    outputs: Sequence[TensorInfo], probe: Mapping[str, NDArray[Any]]
) -> DetectionDecoder | ClassificationDecoder:
    """Return what reads a model's outputs.

    Args:
        outputs: The model's.
        probe: What the model returned once, because the file may not tell shapes.

    Raises:
        VisionError: INVALID_ARGUMENT, if the outputs are of no form that is known.
    """
    if len(outputs) == len(ROLES):
        roles = find_roles(outputs, probe)
        if roles:
            return DetectionDecoder(**roles)
    if len(outputs) == 1:
        info, shape = outputs[0], probe[outputs[0].name].shape
        if len(shape) == 2 and shape[0] == 1 and shape[1] > 0 and info.dtype in ("float32", "uint8", "int8"):
            scale = info.scales[0] if info.scales and info.dtype != "float32" else 1.0
            zero_point = info.zero_points[0] if info.zero_points and info.dtype != "float32" else 0
            return ClassificationDecoder(info.name, shape[1], scale, zero_point)
    shown = describe([_with_shape(info, probe) for info in outputs])
    msg = (
        f"the model returns {shown}, which is neither a detector (four outputs: boxes [1, N, 4], classes [1, N],"
        " scores [1, N], number of detections [1]) nor a classifier (one output: scores [1, N], float32, uint8 or"
        " int8); export it in one of these forms"
    )
    raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


def _with_shape(info: TensorInfo, probe: Mapping[str, NDArray[Any]]) -> TensorInfo:
    return TensorInfo(info.name, info.dtype, probe[info.name].shape)


def find_roles(outputs: Sequence[TensorInfo], probe: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """Return the names of a detector's four outputs by role; the first evidence that fits the shapes decides.

    What the file proves, then what the tensors are called, then what their values look like: classes are whole
    numbers.

    Returns:
        Name by role; empty if the outputs are not of that form, or their values do not tell.
    """
    for roles in (
        {info.role: info.name for info in outputs},
        {_role_of(info.name): info.name for info in outputs},
        *_by_number(outputs),
        *_by_values(outputs, probe),
    ):
        if set(roles) == set(ROLES) and _has_shapes(roles, probe):
            return roles
    return {}


def _role_of(name: str) -> str:
    """Return the role of which this is a common name, or an empty text."""
    plain = name.lower().rpartition("/")[2].partition(":")[0].replace(" ", "_")
    return next((role for role, names in NAMES.items() if plain in names), "")


def _by_number(outputs: Sequence[TensorInfo]) -> list[dict[str, str]]:
    """Return the roles by the numbers at the end of names that are otherwise the same."""
    found = [re.fullmatch(r"(.*?)(?::(\d))?", info.name, re.DOTALL) for info in outputs]
    numbers = {int(match[2] or 0): match[0] for match in found if match}
    if len({match[1] for match in found if match}) != 1 or sorted(numbers) != [0, 1, 2, 3]:
        return []
    return [{role: numbers[number] for number, role in enumerate(roles)} for roles in NUMBERED]


def _by_values(outputs: Sequence[TensorInfo], probe: Mapping[str, NDArray[Any]]) -> list[dict[str, str]]:
    """Return the only roles that the values allow; nothing if there are several."""
    possible = [dict(zip(ROLES, names, strict=True)) for names in permutations(info.name for info in outputs)]
    possible = [roles for roles in possible if _has_shapes(roles, probe) and _has_values(roles, probe)]
    return possible if len(possible) == 1 else []


def _has_shapes(roles: Mapping[str, str], probe: Mapping[str, NDArray[Any]]) -> bool:
    boxes, classes, scores, count = (probe[roles[role]].shape for role in ROLES)
    return (
        len(boxes) == 3
        and boxes[0] == 1
        and boxes[2] == 4
        and classes == scores == boxes[:2]
        and math.prod(count) == 1
        and len(count) <= 1
    )


def _has_values(roles: Mapping[str, str], probe: Mapping[str, NDArray[Any]]) -> bool:
    """Return whether classes and count are whole numbers and scores lie in 0 to 1, falling and not all whole."""
    _, classes, scores, count = (probe[roles[role]] for role in ROLES)
    return bool(_whole(classes) and _whole(count) and not _whole(scores) and scores.min() >= 0 and scores.max() <= 1)


def _whole(values: NDArray[Any]) -> bool:
    return bool(np.all(values == np.rint(values)))
