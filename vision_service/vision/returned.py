"""What a model's methods have returned is what they say that they return: plugins may be wrong about that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from vision_service.errors import ErrorCode, VisionError
from vision_service.types import Classification, Detection, LabelImage, PointCloudObject

ITEMS: dict[str, type] = {"detect": Detection, "classify": Classification, "segment": PointCloudObject}
"""Of what the methods of a model return a list."""
NUMBERS = ("confidence", "x_min", "y_min", "x_max", "y_max")
"""Of a detection; the first one of all."""


def check_returned(method: str, returned: Any) -> None:
    """Check what a method of a model has returned, once for each run.

    Args:
        method: One of METHODS.
        returned: What it has returned.

    Raises:
        VisionError: MODEL_ERROR, saying what it has returned, and what it should.
    """
    if method == "label":
        if not isinstance(returned, LabelImage):
            raise _wrong(method, f"a value of type {type(returned).__name__}", "a vision_service.types.LabelImage")
        return
    kind = ITEMS[method]
    wanted = f"a list of vision_service.types.{kind.__name__}"
    if not isinstance(returned, list | tuple):
        raise _wrong(method, f"a value of type {type(returned).__name__}", wanted)
    if method == "detect" and _are_usual(returned):
        return
    for number, item in enumerate(returned):
        if not isinstance(item, kind):
            raise _wrong(method, f"item {number} of type {type(item).__name__}", wanted)
        wrong = _wrong_fields(item)
        if wrong:
            raise _wrong(method, f"item {number} with {wrong}", wanted)


def _are_usual(found: Sequence[Any]) -> bool:
    """Return whether all are detections of a string and numbers, as they mostly are, in a third of the time."""
    for item in found:
        if type(item) is not Detection or type(item.class_name) is not str:
            return False
        try:
            total = item.confidence + item.x_min + item.y_min + item.x_max + item.y_max
        except TypeError:
            return False
        if type(total) is not float or math.isnan(total):
            return False
    return True


def _wrong_fields(item: Any) -> str:
    """Return which field of a result has a value that cannot be sent; empty if none has."""
    name_field = "label" if isinstance(item, PointCloudObject) else "class_name"
    if not isinstance(getattr(item, name_field), str):
        return f"{name_field} {getattr(item, name_field)!r} (a string is wanted)"
    for field in NUMBERS if isinstance(item, Detection) else NUMBERS[:1]:
        value = getattr(item, field)
        try:
            number = not math.isnan(value)
        except TypeError:
            number = False
        if not number:
            return f"{field} {value!r} (a number is wanted)"
    return ""


def _wrong(method: str, returned: str, wanted: str) -> VisionError:
    msg = f"the model's method {method} has returned {returned}: it must return {wanted}"
    return VisionError(ErrorCode.MODEL_ERROR, msg)
