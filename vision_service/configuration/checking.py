"""Whether a value is what an attribute takes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from vision_service.configuration.attributes import Attribute
from vision_service.configuration.suggestions import did_you_mean
from vision_service.errors import ErrorCode, VisionError


def check(item: Attribute, value: Any) -> Any:
    """Return the value in the attribute's own type: integers become floats where those are meant.

    Raises:
        VisionError: INVALID_ARGUMENT, saying what is expected and what was given.
    """
    if item.form == "list":
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            raise _unexpected(item, value)
        return tuple(_single(item, single, value) for single in value)
    if item.form == "map":
        if not isinstance(value, Mapping):
            raise _unexpected(item, value)
        return {str(key): _single(item, single, value) for key, single in value.items()}
    return _single(item, joined(value) if item.several else value, value)


def joined(value: Any) -> Any:
    """Return a list of strings as one string, separated by commas; anything else as it is."""
    if isinstance(value, (list, tuple)) and value and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value


def _single(item: Attribute, value: Any, given: Any) -> Any:
    """Return one value in the attribute's type; `given` is what the error message shows."""
    if item.type is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            value = float(value)
        except OverflowError:
            raise _unexpected(item, given) from None
    if type(value) is not item.type:
        raise _unexpected(item, given)
    if isinstance(value, (int, float)):
        too_low = value <= item.minimum if item.above_minimum and not math.isinf(item.minimum) else value < item.minimum
        if too_low or value > item.maximum or (isinstance(value, float) and math.isnan(value)):
            raise _unexpected(item, given)
    if item.choices and value not in item.choices:
        raise _unexpected(item, given, did_you_mean(str(value), item.choices))
    return value


def _unexpected(item: Attribute, value: Any, hint: str = "") -> VisionError:
    shown = list(value) if isinstance(value, tuple) else value
    return VisionError(ErrorCode.INVALID_ARGUMENT, f"{item.name!r} must be {item.expects}, not {shown!r}{hint}")
