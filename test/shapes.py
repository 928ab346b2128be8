"""A vision model as a user would write it, whose detections carry all that they may; and images for it."""

import contextlib
import math
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.configuration import attribute, configure
from vision_service.resources import LocalResources, Resources
from vision_service.types import Detection, DetectionExtra, Frame, InstanceMask, Keypoint, LabelImage, OrientedBox
from vision_service.vision.model import VisionModel

COLORS = {"red": (255, 0, 0), "blue": (0, 0, 255)}
EVERYTHING = ("masks", "keypoints", "oriented_boxes")
OUTERMOST = ("left", "top", "right", "bottom")
"""The keypoints of a shape."""


@dataclass(frozen=True)
class ShapesConfig:
    """The attributes of `shapes`."""

    carry: tuple[str, ...] = attribute("What detections carry.", default=EVERYTHING)
    pixel_classes: bool = attribute("Whether it says the class of each pixel.", default=False)
    boxes: bool = attribute("Whether it detects.", default=True)


class Shapes(VisionModel):
    """Finds red and blue shapes, largest first: their pixels, the smallest box around them, their outermost points."""

    Config = ShapesConfig
    config: ShapesConfig
    labels = tuple(COLORS)
    skeleton = ((0, 1), (1, 2), (2, 3), (3, 0))

    def __init__(self, config: ShapesConfig, resources: Resources) -> None:
        super().__init__(config, resources)
        self.extras = frozenset(config.carry)
        if not config.pixel_classes:
            self.label = None
        if not config.boxes:
            self.detect = None

    def detect(self, frame: Frame) -> list[Detection]:
        found = []
        for number, color in enumerate(COLORS.values()):
            count, parts, areas, _ = cv2.connectedComponentsWithStats(shown(frame, color))
            found += [self._detection(number, parts == part, areas[part]) for part in range(1, count)]
        whole = frame.size[0] * frame.size[1]
        return sorted(found, key=lambda one: -(one.x_max - one.x_min) * (one.y_max - one.y_min) / whole)

    def label(self, frame: Frame) -> LabelImage:
        labels = np.zeros(frame.size[::-1], np.uint16)
        for number, color in enumerate(COLORS.values(), start=1):
            labels[shown(frame, color) > 0] = number
        return LabelImage(labels, ("background", *COLORS))

    def _detection(self, number: int, pixels: NDArray[np.bool_], area: NDArray[np.int32]) -> Detection:
        left, top, width, height, _ = (int(value) for value in area)
        mask = InstanceMask.of(pixels[top : top + height, left : left + width], left, top)
        rows, columns = np.nonzero(pixels)
        places = [columns.argmin(), rows.argmin(), columns.argmax(), rows.argmax()]
        points = tuple(
            Keypoint(name, columns[place] + 0.5, rows[place] + 0.5, 0.5)
            for name, place in zip(OUTERMOST, places, strict=True)
        )
        box, edges = None, (float(left), float(top), float(left + width), float(top + height))
        if "oriented_boxes" in self.extras:
            (x, y), (across, down), angle = cv2.minAreaRect(np.stack([columns, rows], axis=1).astype(np.float32))
            box = OrientedBox(x + 0.5, y + 0.5, across + 1, down + 1, math.radians(angle))
            edges = box.envelope
        extra = DetectionExtra(
            box, mask if "masks" in self.extras else None, points if "keypoints" in self.extras else ()
        )
        return Detection(tuple(COLORS)[number], 0.75, *edges, class_index=number, extra=extra if self.extras else None)


def shown(frame: Frame, color: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return where an image shows a colour, about."""
    return (np.abs(frame.image.rgb.astype(int) - color).max(axis=2) < 60).astype(np.uint8)


def made(**values) -> Shapes:
    """Return the model with these attributes."""
    return Shapes(configure(ShapesConfig, values, of="the model shapes"), LocalResources())


def turned(
    image: NDArray[np.uint8], center: tuple[float, float], size: tuple[float, float], degrees: float, color: str
) -> NDArray[np.uint8]:
    """Paint a turned rectangle on an image, in place; the angle is from x towards y. Return the image."""
    corners = np.array(OrientedBox(*center, *size, math.radians(degrees)).corners)
    cv2.fillPoly(image, [np.rint(corners - 0.5).astype(np.int32)], COLORS[color])
    return image


def scene(width: int = 160, height: int = 120) -> NDArray[np.uint8]:
    """Return an image of a large red rectangle that is turned by 30 degrees, and a small blue one by -20."""
    image = np.zeros((height, width, 3), np.uint8)
    turned(image, (60.0, 55.0), (70.0, 30.0), 30.0, "red")
    return turned(image, (125.0, 95.0), (40.0, 14.0), -20.0, "blue")


@contextlib.contextmanager
def joined() -> Iterator[None]:
    """Let the model join as `shapes`, by an entry point, as a package's does; here and in new processes."""
    with tempfile.TemporaryDirectory() as folder:
        metadata = Path(folder) / "shapes-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shapes\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("[vision_service.models]\nshapes = shapes:Shapes\n")
        places = [folder, str(Path(__file__).parent)]
        before = os.environ.get("PYTHONPATH")
        sys.path.insert(0, folder)
        os.environ["PYTHONPATH"] = os.pathsep.join([*places, *([before] if before else [])])
        try:
            yield
        finally:
            sys.path.remove(folder)
            if before is None:
                del os.environ["PYTHONPATH"]
            else:
                os.environ["PYTHONPATH"] = before
