"""How raw images lie in memory, by their encoding, and whether they are colour or depth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from vision_service.encodings import RAW_ENCODINGS
from vision_service.image import ENCODINGS


@dataclass(frozen=True)
class Layout:
    """How an encoding lays out its pixels.

    Attributes:
        dtype: Of a channel, NumPy's name without byte order.
        channels: Numbers a pixel.
        colour: The encoding of Image that it is; empty = it is depth.
        metres: One unit of depth.
    """

    dtype: str
    channels: int
    colour: str = ""
    metres: float = 1.0


LAYOUTS = {
    **{name: Layout("u1", encoding.channels, name) for name, encoding in ENCODINGS.items()},
    **{
        f"8UC{ENCODINGS[name].channels}": Layout("u1", ENCODINGS[name].channels, name)
        for name in ("mono8", "bgr8", "bgra8")
    },
    **dict.fromkeys(("16UC1", "mono16"), Layout("u2", 1, metres=0.001)),
    "32FC1": Layout("f4", 1),
}
"""The encodings that are read as they are, and written, named as in sensor_msgs/image_encodings."""

COLOR_ENCODINGS = tuple(dict.fromkeys([name for name, each in LAYOUTS.items() if each.colour] + list(RAW_ENCODINGS)))
"""The encodings that are read as colour images."""

DEPTH_ENCODINGS = tuple(name for name, layout in LAYOUTS.items() if not layout.colour)
"""The encodings that are read as depth."""


class Kind(Enum):
    """What a message of images may be read as."""

    IMAGE = "image"
    DEPTH = "depth"
    EITHER = "image or depth"
    NEITHER = "neither"


def kind_of_encoding(encoding: str) -> Kind:
    """Return what images of an encoding may be read as; of an unknown one, as a colour image, if at all."""
    if encoding in DEPTH_ENCODINGS:
        return Kind.EITHER if encoding in COLOR_ENCODINGS else Kind.DEPTH
    return Kind.IMAGE
