"""Detections as Foxglove's annotations, which its image panel draws over the camera's own images.

The messages are those of the ROS package foxglove_msgs; where it is not installed there are no such topics.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from std_msgs.msg import Header

from vision_service.drawing.detections import DRAWN_KEYPOINT
from vision_service.drawing.styles import Color, class_color, text_color
from vision_service.keypoints import skeleton_of
from vision_service.opencv import cv2
from vision_service.types import Classification, Detection, InstanceMask, Keypoint

LINE, FONT = 2.0, 14.0
"""Width of lines and height of letters, pixels of the image."""
SHADE = 0.25
"""How much of a mask's colour is seen."""
_LOOP, _POINTS, _LINES = 2, 1, 4  # the types of PointsAnnotation


def messages() -> Any:
    """Return the module of the messages; None where it is not installed, or is another distribution's."""
    if find_spec("foxglove_msgs") is None:
        return None
    try:
        import foxglove_msgs.msg as kinds
    except Exception as error:  # whatever a package that does not fit raises must not keep a node from working
        logging.getLogger(__name__).warning("no topics 'annotations': foxglove_msgs cannot be used: %s", error)
        return None
    return kinds


def detections_to_annotations(detections: Sequence[Detection], header: Header, kinds: Any) -> Any:
    """Return the message that draws detections: boxes, turned ones turned, outlines of masks, keypoints and labels.

    Args:
        detections: In pixels of the image.
        header: The image's, by whose stamp Foxglove knows which image is meant.
        kinds: What `messages` returns.
    """
    drawn = _Drawing(header, kinds)
    for found in detections:
        color = class_color(found.class_name)
        extra = found.extra
        if extra is not None and extra.mask is not None:
            drawn.mask(extra.mask, color)
        corners = (
            extra.box.corners
            if extra is not None and extra.box is not None
            else (
                (found.x_min, found.y_min), (found.x_max, found.y_min),
                (found.x_max, found.y_max), (found.x_min, found.y_max),
            )
        )  # fmt: skip
        drawn.points_of(_LOOP, corners, color)
        if extra is not None and extra.keypoints:
            drawn.keypoints(extra.keypoints, color)
        left, top = min(corners, key=lambda corner: (corner[1], corner[0]))
        name = found.id or found.class_name
        drawn.text(f"{name} {found.confidence:.2f}".strip(), left, top, color)
    return drawn.message()


def classifications_to_annotations(found: Sequence[Classification], header: Header, kinds: Any) -> Any:
    """Return the message that writes the best classifications into the image's corner; arguments as above."""
    drawn = _Drawing(header, kinds)
    for line, each in enumerate(found[:3], start=1):
        text = f"{each.class_name} {each.confidence:.2f}"
        drawn.text(text, 4.0, 1.5 * FONT * line, class_color(each.class_name))
    return drawn.message()


class _Drawing:
    """A message that is being made."""

    def __init__(self, header: Header, kinds: Any) -> None:
        self._stamp = header.stamp
        self._kinds = kinds
        self._points: list[Any] = []
        self._texts: list[Any] = []

    def points_of(self, kind: int, places: Sequence[Sequence[float]], color: Color, shade: float = 0.0) -> None:
        points = [self._kinds.Point2(x=float(x), y=float(y)) for x, y in places]
        self._points.append(
            self._kinds.PointsAnnotation(
                timestamp=self._stamp,
                type=kind,
                points=points,
                outline_color=self._color(color, 1.0),
                fill_color=self._color(color, shade),
                thickness=LINE if kind != _POINTS else 3 * LINE,
            )
        )

    def mask(self, mask: InstanceMask, color: Color) -> None:
        if not mask.width or not mask.height:
            return
        pixels = np.ascontiguousarray(mask.pixels()).view(np.uint8)
        outlines, _ = cv2.findContours(pixels, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=(mask.x, mask.y))
        for outline in outlines:
            places = outline.reshape(-1, 2) + 0.5  # the centres of its pixels
            self.points_of(_LOOP, places.tolist(), color, SHADE)

    def keypoints(self, points: Sequence[Keypoint], color: Color) -> None:
        seen = [not point.confidence < DRAWN_KEYPOINT and np.isfinite((point.x, point.y)).all() for point in points]
        places = [(point.x, point.y) for point in points]
        joined = [pair for pair in skeleton_of(points) if seen[pair[0]] and seen[pair[1]]]
        if joined:
            self.points_of(_LINES, [places[end] for pair in joined for end in pair], color)
        shown = [place for place, visible in zip(places, seen, strict=True) if visible]
        if shown:
            self.points_of(_POINTS, shown, color)

    def text(self, text: str, left: float, bottom: float, color: Color) -> None:
        self._texts.append(
            self._kinds.TextAnnotation(
                timestamp=self._stamp,
                position=self._kinds.Point2(x=float(left), y=max(float(bottom), FONT)),
                text=text,
                font_size=FONT,
                text_color=self._color(text_color(color), 1.0),
                background_color=self._color(color, 1.0),
            )
        )

    def message(self) -> Any:
        return self._kinds.ImageAnnotations(points=self._points, texts=self._texts)

    def _color(self, color: Color, alpha: float) -> Any:
        red, green, blue = (value / 255 for value in color)
        return self._kinds.Color(r=red, g=green, b=blue, a=alpha)
