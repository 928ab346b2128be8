"""The model `detections_to_segments`: from what is found in a picture to the points in space that it consists of."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.configuration import attribute
from vision_service.labels import is_valid
from vision_service.mlmodel.background import BACKGROUND
from vision_service.pointcloud.objects import object_of, select
from vision_service.pointcloud.outliers import inliers
from vision_service.pointcloud.pixels import SeenPoints, seen_points
from vision_service.resources import Resources
from vision_service.types import (
    Detection,
    DetectionExtra,
    Frame,
    InstanceMask,
    LabelImage,
    PointCloud,
    PointCloudObject,
)
from vision_service.vision.model import Needs, VisionModel


@dataclass(frozen=True)
class DetectionsToSegmentsConfig:
    """The attributes of `detections_to_segments`."""

    detector_name: str = attribute("Name of the vision service whose detections (or segmentation) become 3D objects.")
    confidence_threshold_pct: float = attribute(
        "Minimum confidence of the detections used.", default=0.5, minimum=0.0, maximum=1.0, live=True
    )
    valid_labels: tuple[str, ...] = attribute(
        "Class names of the detections used, case-insensitive; empty = all.", default=(), live=True
    )
    depth_ratio: float = attribute(
        "Maximum depth of an object as a multiple of its size (square root of the box's width times height):"
        " points farther in front of or behind its middle are background; 0 = no limit.",
        default=1.5,
        minimum=0.0,
        live=True,
    )
    mean_k: int = attribute(
        "Statistical outlier removal: number of nearest neighbours of a point; 0 = off.",
        default=8,
        minimum=0,
        live=True,
    )
    sigma: float = attribute(
        "Statistical outlier removal: a point is an outlier if its mean distance to its neighbours exceeds the"
        " mean of all points by so many standard deviations; 0 = off.",
        default=2.0,
        minimum=0.0,
        live=True,
    )
    min_points_in_segment: int = attribute(
        "Minimum number of points of an object.", default=10, unit="points", minimum=1, live=True
    )
    oriented_boxes: bool = attribute(
        "Whether 3D objects get oriented boxes, which fit more closely, instead of axis-aligned ones.",
        default=False,
        live=True,
    )


class DetectionsToSegments(VisionModel):
    """Turns detections into 3D objects.

    Each detection of a vision service, or each class of a segmentation, becomes the points that its pixels show.

    A thing consists of the points that its mask shows, if it has one, or else of those inside its box, without the
    background and without outliers. It has the label, the confidence and the id of its detection; what no point shows
    is left out.

    The middle of a thing is the median depth in the central half of its box, or in its mask; what lies too far before
    or behind that does not belong to it, as the wall that a box shows too, or the rim of a mask.

    Points that do not lie in rows and columns like the picture's pixels take the camera's calibration.
    """

    Config = DetectionsToSegmentsConfig
    config: DetectionsToSegmentsConfig
    needs = Needs.IMAGE | Needs.CLOUD

    def __init__(self, config: DetectionsToSegmentsConfig, resources: Resources) -> None:
        """Find the detector.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if there is none of that name.
        """
        super().__init__(config, resources)
        self._detector = resources.detector(config.detector_name)
        self._labels_pixels = callable(getattr(self._detector, "label", None))
        self.extras = frozenset({"masks"}) if self._labels_pixels else getattr(self._detector, "extras", frozenset())
        self.skeleton = getattr(self._detector, "skeleton", ())
        self.update(config)

    def update(self, config: DetectionsToSegmentsConfig) -> None:
        """Take other thresholds and labels."""
        super().update(config)
        known = getattr(self._detector, "labels", ())
        self.labels = tuple(name for name in known if is_valid(name, config.valid_labels))

    def detect(self, frame: Frame) -> list[Detection]:
        """Return the detections that objects are made of, best first; of a mask, the boxes of its regions.

        Raises:
            VisionError: NO_FRAME, if the frame has no picture; what the detector raises.
        """
        return self._find(frame, self.config)

    def segment(self, frame: Frame) -> list[PointCloudObject]:
        """Return the things found, best first.

        Raises:
            VisionError: NO_FRAME, if the frame has no picture; NO_DEPTH, if it has neither a cloud nor depth;
                NOT_CALIBRATED, if it is not known which pixel shows which point; what the detector raises.
        """
        config, points = self.config, seen_points(frame)
        objects = (self._object(detection, points, config) for detection in self._find(frame, config))
        return [item for item in objects if item is not None]

    def _find(self, frame: Frame, config: DetectionsToSegmentsConfig) -> list[Detection]:
        """Return what the detector finds and the configuration lets pass, best first."""
        if self._labels_pixels:
            found = list(regions(self._detector.label(frame), config.min_points_in_segment))
        else:
            found = self._detector.detect(frame)
        found = [
            detection
            for detection in found
            if detection.confidence >= config.confidence_threshold_pct
            and is_valid(detection.class_name, config.valid_labels)
        ]
        return sorted(found, key=lambda detection: -detection.confidence)

    def _object(
        self, detection: Detection, points: SeenPoints, config: DetectionsToSegmentsConfig
    ) -> PointCloudObject | None:
        """Return the thing that a detection shows; None if it is of too few points."""
        cloud = points_of(detection, points, config.depth_ratio)
        cloud = select(cloud, inliers(cloud.xyz, config.mean_k, config.sigma))
        if len(cloud) < config.min_points_in_segment:
            return None
        return object_of(
            cloud,
            label=detection.class_name,
            confidence=detection.confidence,
            oriented=config.oriented_boxes,
            id=detection.id,
        )


def regions(result: LabelImage, min_pixels: int = 1) -> Iterator[Detection]:
    """Yield the connected regions of each class but the background, with their masks.

    Pixels that touch at a corner are connected.

    Args:
        result: The class of each pixel.
        min_pixels: How large a region must be at least.
    """
    for number in np.unique(result.labels).tolist():
        name = result.class_names[number]
        if not name or name.casefold() in BACKGROUND:
            continue
        shown = (result.labels == number).view(np.uint8)
        count, parts, areas, _ = cv2.connectedComponentsWithStats(shown, connectivity=8)
        for part in range(1, count):
            left, top, width, height, area = areas[part].tolist()
            if area >= min_pixels:
                mask = InstanceMask.of(parts[top : top + height, left : left + width] == part, left, top)
                box = float(left), float(top), float(left + width), float(top + height)
                yield Detection(name, 1.0, *box, class_index=number, extra=DetectionExtra(mask=mask))


def points_of(detection: Detection, points: SeenPoints, depth_ratio: float = 0.0) -> PointCloud:
    """Return the points that a detection shows: those in its mask, else in its box, turned if that is.

    Args:
        detection: Of the image.
        points: Of the same frame.
        depth_ratio: Which points are background: see DetectionsToSegmentsConfig.
    """
    mask = detection.extra.mask if detection.extra is not None else None
    inside = np.flatnonzero(_in_mask(mask, points) if mask is not None else _in_box(detection, points))
    if depth_ratio > 0 and len(inside):
        inside = inside[_foreground(detection, points, inside, depth_ratio)]
    return select(points.cloud, inside)


def _in_mask(mask: InstanceMask, points: SeenPoints) -> NDArray[np.bool_]:
    """Return which of the points, (N,), the pixels of a mask show."""
    columns, rows = points.columns - mask.x, points.rows - mask.y
    within = (columns >= 0) & (rows >= 0) & (columns < mask.width) & (rows < mask.height)
    within[within] = mask.pixels()[rows[within], columns[within]]
    return within


def _in_box(detection: Detection, points: SeenPoints, part: float = 1.0) -> NDArray[np.bool_]:
    """Return which of the points, (N,), are shown by pixels whose centres lie in the middle part of a box.

    Args:
        detection: With the box.
        points: The points.
        part: Of the box's width and height that counts.
    """
    turned = detection.extra.box if detection.extra is not None else None
    if turned is None:
        x = (detection.x_max - detection.x_min) * (1 - part) / 2
        y = (detection.y_max - detection.y_min) * (1 - part) / 2
        return points.within(detection.x_min + x, detection.y_min + y, detection.x_max - x, detection.y_max - y)
    right, below = points.columns + 0.5 - turned.center_x, points.rows + 0.5 - turned.center_y
    cos, sin = math.cos(turned.angle), math.sin(turned.angle)
    across, down = np.abs(right * cos + below * sin), np.abs(below * cos - right * sin)
    return np.asarray((across <= turned.width * part / 2) & (down <= turned.height * part / 2))


def _area(detection: Detection) -> float:
    """Return the area of a box, before it is turned, square pixels."""
    turned = detection.extra.box if detection.extra is not None else None
    return detection.area if turned is None else turned.width * turned.height


def _foreground(
    detection: Detection, points: SeenPoints, inside: NDArray[np.int64], depth_ratio: float
) -> NDArray[np.bool_]:
    """Return which of the points inside a detection belong to what is in its middle."""
    xyz, columns, rows = points.cloud.xyz[inside], points.columns[inside], points.rows[inside]
    depth = xyz[:, 2]
    central = np.zeros(len(inside), bool)
    if detection.extra is None or detection.extra.mask is None:  # a mask shows the thing alone, but for its rim
        central = _in_box(detection, points, 0.5)[inside]
    middle = float(np.median(depth[central] if central.any() else depth))
    # How large a pixel is at a distance of 1, by the points themselves: an organized cloud needs no calibration.
    pixels = math.hypot(np.ptp(columns), np.ptp(rows))
    rays = math.hypot(np.ptp(xyz[:, 0] / depth), np.ptp(xyz[:, 1] / depth))
    across = math.sqrt(_area(detection)) * middle * rays / pixels if pixels else math.inf
    return np.asarray(np.abs(depth - middle) <= depth_ratio / 2 * across)
