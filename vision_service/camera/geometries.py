"""The room that a camera takes up, as its parameters tell it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vision_service.configuration import attribute, configure
from vision_service.errors import ErrorCode, VisionError


@dataclass(frozen=True, kw_only=True)
class BoxConfig:
    """Attributes of one geometry, each below its name. A ball or a can is described by the box around it."""

    size: tuple[float, ...] = attribute(
        "Edge lengths of the box along its own x, y and z axes.", unit="m", minimum=0, above_minimum=True
    )
    center: tuple[float, ...] = attribute(
        "Centre x, y, z of the box in the camera's frame (x right, y down, z forward).",
        default=(0.0, 0.0, 0.0),
        unit="m",
    )
    orientation: tuple[float, ...] = attribute(
        "Orientation of the box in the camera's frame, as a quaternion x, y, z, w.", default=(0.0, 0.0, 0.0, 1.0)
    )


@dataclass(frozen=True)
class Box:
    """A box in space.

    Attributes:
        label: Its name.
        center: x, y, z in the camera's frame, metres.
        size: Edge lengths along its own x, y and z, metres.
        orientation: Quaternion x, y, z, w, of length 1.
    """

    label: str
    center: tuple[float, float, float]
    size: tuple[float, float, float]
    orientation: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)


def make_box(label: str, values: Mapping[str, Any]) -> Box:
    """Return the box of a name and the values of BoxConfig's attributes.

    Raises:
        VisionError: INVALID_ARGUMENT, with all that is wrong.
    """
    try:
        config = configure(BoxConfig, values, of=f"the geometry {label!r}")
    except VisionError as error:
        message = re.sub(r"'(size|center|orientation)'", rf"'{label}.\1'", error.message)
        raise VisionError(error.code, message) from None
    wrong = [
        f"'{label}.{name}' must be {count} numbers, not {len(value)}"
        for name, value, count in (
            ("size", config.size, 3),
            ("center", config.center, 3),
            ("orientation", config.orientation, 4),
        )
        if len(value) != count
    ]
    wrong += [
        f"'{label}.{name}' must be finite, not {list(value)}"
        for name, value in (("size", config.size), ("center", config.center), ("orientation", config.orientation))
        if not np.isfinite(value).all()
    ]
    largest = max(map(abs, config.orientation), default=0.0)
    if not wrong and not largest:
        wrong.append(f"'{label}.orientation' must be a quaternion other than 0, not {list(config.orientation)}")
    if wrong:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, "; ".join(wrong))
    scaled = np.array(config.orientation) / largest  # before its length is taken, which could overflow
    x, y, z, w = (scaled / np.linalg.norm(scaled)).tolist()
    return Box(label, config.center, config.size, (x, y, z, w))  # type: ignore[arg-type]
