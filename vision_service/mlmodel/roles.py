"""Which output of a detector means what: found by evidence that does not depend on chance, or named by the user."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.configuration import did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.runtime import TensorInfo

ROLES = ("boxes", "classes", "scores", "count")
"""What the four outputs of a detector mean, in the order of the operation TFLite_Detection_PostProcess."""

NAMES = {
    "boxes": ("boxes", "location", "locations", "detection_boxes", "bounding_boxes"),
    "classes": ("classes", "category", "categories", "detection_classes", "labels"),
    "scores": ("scores", "score", "detection_scores"),
    "count": ("count", "number_of_detections", "num_detections", "n_detections"),
    "probability": ("probability", "probabilities"),
}
"""What these outputs, and the one of a classifier, are called in the wild; Viam's name is the second or the first."""

NUMBERED = (ROLES, ("count", "scores", "classes", "boxes"))
"""What they mean where their names only end in a number (:0 to :3, the first without): from TensorFlow 1, from 2."""

REMAP = "remap_output_names"


def role_of(name: str) -> str:
    """Return the role of which this is a common name, or an empty text."""
    plain = name.lower().rpartition("/")[2].partition(":")[0].replace(" ", "_")
    return next((role for role, names in NAMES.items() if plain in names), "")


def named_roles(outputs: Sequence[TensorInfo], remap: Mapping[str, str]) -> dict[str, str]:
    """Return the roles that the user gives to outputs.

    Args:
        outputs: The model's.
        remap: The attribute `remap_output_names`: the usual name (one of NAMES) by the tensor's name.

    Returns:
        Tensor name by role.

    Raises:
        VisionError: INVALID_ARGUMENT, if the model has no such output, or the name means nothing.
    """
    known = [info.name for info in outputs]
    roles: dict[str, str] = {}
    for name, meaning in remap.items():
        role = role_of(meaning)
        if name not in known:
            turned = f"; the tensor's name comes first: '{REMAP}.{meaning}: {name}'" if meaning in known else ""
            msg = f"{REMAP!r}: the model has no output {name!r}{turned or did_you_mean(name, known)}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        if not role:
            usual = "location, category, score, number of detections (of a detector) or probability (of a classifier)"
            msg = f"{REMAP!r}: {meaning!r}, for the output {name!r}, means nothing: give {usual}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        if role in roles:
            msg = f"{REMAP!r}: both {roles[role]!r} and {name!r} are to be {meaning!r}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        roles[role] = name
    return roles


def find_roles(
    outputs: Sequence[TensorInfo], probe: Mapping[str, NDArray[Any]], named: Mapping[str, str]
) -> dict[str, str]:
    """Return the names of a detector's outputs by role; the first evidence that fits the shapes decides.

    What the user says goes before all. Then what the file proves, then what the tensors are called, then what the
    file's metadata call them, then the numbers at the end of their names, and at last what their values look like:
    classes are whole numbers. Numbers and values only tell where there are exactly four outputs.

    Args:
        outputs: The model's.
        probe: What the model returned once, because the file may not tell shapes.
        named: What the user says: tensor name by role.

    Returns:
        Tensor name by role, with boxes and scores at least; empty if the outputs are not of that form, or do not tell.
    """
    for evidence in (
        {info.role: info.name for info in outputs},
        _unique((role_of(info.name), info.name) for info in outputs),
        _unique((role_of(info.hints.title), info.name) for info in outputs),
        *_by_number(outputs),
        *_by_values(outputs, probe, named),
    ):
        taken = set(named.values())
        roles = {role: name for role, name in evidence.items() if role in ROLES and name not in taken} | dict(named)
        if {"boxes", "scores"} <= set(roles) <= set(ROLES) and _has_shapes(roles, probe):
            return {role: roles[role] for role in ROLES if role in roles}
    return {}


def _unique(pairs: Any) -> dict[str, str]:
    """Return name by role, without roles of which there are several."""
    found: dict[str, list[str]] = {}
    for role, name in pairs:
        found.setdefault(role, []).append(name)
    return {role: names[0] for role, names in found.items() if role and len(names) == 1}


def _by_number(outputs: Sequence[TensorInfo]) -> list[dict[str, str]]:
    """Return the roles by the numbers at the end of names that are otherwise the same."""
    found = [re.fullmatch(r"(.*?)(?::(\d))?", info.name, re.DOTALL) for info in outputs]
    numbers = {int(match[2] or 0): match[0] for match in found if match}
    if len(outputs) != len(ROLES) or len({match[1] for match in found if match}) != 1:
        return []
    if sorted(numbers) != [0, 1, 2, 3]:
        return []
    return [{role: numbers[number] for number, role in enumerate(roles)} for roles in NUMBERED]


def _by_values(
    outputs: Sequence[TensorInfo], probe: Mapping[str, NDArray[Any]], named: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return the only roles that the values allow; nothing if there are several."""
    if len(outputs) != len(ROLES):
        return []
    possible = [dict(zip(ROLES, names, strict=True)) for names in permutations(info.name for info in outputs)]
    possible = [
        roles
        for roles in possible
        if set(named.items()) <= set(roles.items()) and _has_shapes(roles, probe) and _has_values(roles, probe)
    ]
    return possible if len(possible) == 1 else []


def _has_shapes(roles: Mapping[str, str], probe: Mapping[str, NDArray[Any]]) -> bool:
    """Return whether there are n boxes of four numbers, n classes, n scores (or n for each class), and one count."""
    shapes = {role: _without_batch(probe[name].shape, 2 if role == "boxes" else 1) for role, name in roles.items()}
    boxes = shapes["boxes"]
    if len(boxes) != 2 or boxes[1] != 4:
        return False
    if "count" in roles and math.prod(probe[roles["count"]].shape) != 1:
        return False
    if "classes" in roles:
        return shapes["classes"] == shapes["scores"] == boxes[:1]
    scores = shapes["scores"]
    return scores == boxes[:1] or (len(scores) == 2 and boxes[0] in scores)


def _without_batch(shape: tuple[int, ...], least: int) -> tuple[int, ...]:
    """Return a shape without leading axes of one, but for at least so many axes."""
    while len(shape) > least and shape[0] == 1:
        shape = shape[1:]
    return shape


def _has_values(roles: Mapping[str, str], probe: Mapping[str, NDArray[Any]]) -> bool:
    """Return whether classes and count are whole numbers and scores lie in 0 to 1 and are not all whole."""
    _, classes, scores, count = (probe[roles[role]] for role in ROLES)
    return bool(_whole(classes) and _whole(count) and not _whole(scores) and scores.min() >= 0 and scores.max() <= 1)


def _whole(values: NDArray[Any]) -> bool:
    return bool(np.all(values == np.rint(values)))
