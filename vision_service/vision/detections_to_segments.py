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
from vision_service.types import Detection, Frame, LabelImage, PointCloud, PointCloudObject
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

    A thing consists of the points that appear inside its box, or in its region of the mask, without the background and
    without outliers. It has the label, the confidence and the id of its detection; what no point shows is left out.

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
        return [region.detection for region in self._find(frame, self.config)]

    def segment(self, frame: Frame) -> list[PointCloudObject]:
        """Return the things found, best first.

        Raises:
            VisionError: NO_FRAME, if the frame has no picture; NO_DEPTH, if it has neither a cloud nor depth;
                INVALID_ARGUMENT, if no point exists; NOT_CALIBRATED, if it is not known which pixel shows which point;
                what the detector raises.
        """
        config, points = self.config, seen_points(frame)
        objects = (self._object(region, points, config) for region in self._find(frame, config))
        return [item for item in objects if item is not None]

    def _find(self, frame: Frame, config: DetectionsToSegmentsConfig) -> list[Region]:
        """Return what the detector finds and the configuration lets pass, best first."""
        if callable(getattr(self._detector, "label", None)):
            found = list(regions(self._detector.label(frame), config.min_points_in_segment))
        else:
            found = [Region(detection) for detection in self._detector.detect(frame)]
        found = [
            region
            for region in found
            if region.detection.confidence >= config.confidence_threshold_pct
            and is_valid(region.detection.class_name, config.valid_labels)
        ]
        return sorted(found, key=lambda region: -region.detection.confidence)

    def _object(
        self, region: Region, points: SeenPoints, config: DetectionsToSegmentsConfig
    ) -> PointCloudObject | None:
        """Return the thing that a region shows; None if it is of too few points."""
        cloud = points_of(region, points, config.depth_ratio)
        cloud = select(cloud, inliers(cloud.xyz, config.mean_k, config.sigma))
        if len(cloud) < config.min_points_in_segment:
            return None
        detection = region.detection
        return object_of(
            cloud,
            label=detection.class_name,
            confidence=detection.confidence,
            oriented=config.oriented_boxes,
            id=detection.id,
        )


@dataclass(frozen=True, eq=False)
class Region:
    """The part of a picture that shows a thing.

    Attributes:
        detection: The thing, and the box around it.
        mask: (height, width) of the box, the pixels in it that show the thing; None = it is not known which do.
    """

    detection: Detection
    mask: NDArray[np.bool_] | None = None


def regions(result: LabelImage, min_pixels: int = 1) -> Iterator[Region]:
    """Yield the connected regions of each class but the background; pixels that touch at a corner are connected.

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
                mask = parts[top : top + height, left : left + width] == part
                yield Region(Detection(name, 1.0, left, top, left + width, top + height), mask)


def points_of(region: Region, points: SeenPoints, depth_ratio: float = 0.0) -> PointCloud:
    """Return the points that a region shows.

    Args:
        region: Of the picture.
        points: Of the same frame.
        depth_ratio: Which points are background: see DetectionsToSegmentsConfig.
    """
    box = region.detection
    inside = np.flatnonzero(points.within(box.x_min, box.y_min, box.x_max, box.y_max))
    if region.mask is not None:
        inside = inside[region.mask[points.rows[inside] - int(box.y_min), points.columns[inside] - int(box.x_min)]]
    if depth_ratio > 0 and len(inside):
        inside = inside[_foreground(region, points, inside, depth_ratio)]
    return select(points.cloud, inside)


def _foreground(region: Region, points: SeenPoints, inside: NDArray[np.int64], depth_ratio: float) -> NDArray[np.bool_]:
    """Return which of the points inside a region belong to what is in its middle."""
    box = region.detection
    xyz, columns, rows = points.cloud.xyz[inside], points.columns[inside], points.rows[inside]
    depth = xyz[:, 2]
    central = np.zeros(len(inside), bool)
    if region.mask is None:  # a mask shows the thing alone, but for its rim
        x, y = (box.x_max - box.x_min) / 4, (box.y_max - box.y_min) / 4
        central = points.within(box.x_min + x, box.y_min + y, box.x_max - x, box.y_max - y)[inside]
    middle = float(np.median(depth[central] if central.any() else depth))
    # How large a pixel is at a distance of 1, by the points themselves: an organized cloud needs no calibration.
    pixels = math.hypot(np.ptp(columns), np.ptp(rows))
    rays = math.hypot(np.ptp(xyz[:, 0] / depth), np.ptp(xyz[:, 1] / depth))
    across = math.sqrt(box.area) * middle * rays / pixels if pixels else math.inf
    return np.asarray(np.abs(depth - middle) <= depth_ratio / 2 * across)
