"""The model `detections_to_segments`: from what is found in an image to the points in space that it consists of."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.configuration import attribute
from vision_service.labels import is_valid
from vision_service.mlmodel.background import BACKGROUND
from vision_service.pointcloud.objects import object_of
from vision_service.pointcloud.outliers import inliers
from vision_service.pointcloud.pixels import SeenPoints, seen_points
from vision_service.pointcloud.planes import Plane
from vision_service.pointcloud.ranges import MIN_RANGE, without_near
from vision_service.pointcloud.touching.sight import NotOneViewError
from vision_service.pointcloud.upright import stood_upright
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
from vision_service.vision.clusters import check_vector
from vision_service.vision.following import Members, in_box, in_mask
from vision_service.vision.ground import GroundConfig, TouchingConfig, find_ground
from vision_service.vision.ground_report import GroundReport, GroundReports, report_of
from vision_service.vision.model import Needs, VisionModel
from vision_service.vision.range_limits import RangeLimits, too_far
from vision_service.vision.touching import Refusals, split_labels
from vision_service.vision.upward import FRAME, OPTICAL_UP, Sensors, Upward


@dataclass(frozen=True)
class _DetectionsConfig:
    """The attributes of what becomes of detections."""

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
    min_range: float = attribute(
        "Minimum distance of a point from the sensor: what is nearer is no measurement, but what some drivers write"
        " where nothing was measured. 0 = every point counts but one exactly at 0, 0, 0.",
        default=MIN_RANGE,
        unit="m",
        minimum=0.0,
        live=True,
    )
    oriented_boxes: bool = attribute(
        "Whether 3D objects get oriented boxes, which fit more closely, instead of axis-aligned ones.",
        default=False,
        live=True,
    )


@dataclass(frozen=True)
class DetectionsToSegmentsConfig(TouchingConfig, _DetectionsConfig):
    """The attributes of `detections_to_segments`; those of the ground matter with split_touching or upright_boxes."""

    ground_plane_normal_vec: tuple[float, ...] = attribute(
        "With split_touching or upright_boxes: up direction x, y, z in the frame of the points, of any length; empty ="
        " -y, as in the optical frame of a camera that looks level; 0, 0, 0 = unknown: any plane may be the ground, and"
        " the camera is above it.",
        default=(),
    )


class DetectionsToSegments(VisionModel):
    """Turns detections into 3D objects.

    Each detection of a vision service, or each class of a segmentation, becomes the points that its pixels show.

    An object consists of the points that its mask shows, if it has one, or else of those inside its box, without the
    background and without outliers. It has the label, the confidence and the id of its detection; what no point shows
    is left out.

    The middle of an object is the median depth in the central half of its box, or in its mask; what lies too far before
    or behind that does not belong to it, as the wall that a box shows too, or the rim of a mask.

    With `split_touching`, its points are those of the object in space that fills its box best, among objects that are
    told apart as the models of obstacles do it; a mask keeps its points of the objects that it is of. What shows none
    of these, as a box around the table, has its points by their depth.

    Points that do not lie in rows and columns like the image's pixels take the camera's calibration.
    """

    Config = DetectionsToSegmentsConfig
    config: DetectionsToSegmentsConfig
    needs = Needs.IMAGE | Needs.CLOUD

    def __init__(self, config: DetectionsToSegmentsConfig, resources: Resources) -> None:
        """Find the detector.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if there is none of that name; INVALID_ARGUMENT, if a vector is not of three
                numbers.
        """
        check_vector("ground_plane_normal_vec", config.ground_plane_normal_vec, finite=True)
        check_vector("sensor_position", config.sensor_position, finite=True)
        self._refusals = Refusals()
        self._grounds = GroundReports()
        self._limits = RangeLimits()
        self._sensors = Sensors()
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

    @property
    def warning(self) -> str:
        """For which cameras points are too far away, the ground is uncertain, or what touches is not told apart."""
        return "; ".join(filter(None, (self._limits.warning, self._refusals.warning, self._grounds.warning)))

    def describe(self) -> dict[str, Any]:
        """Return the ground of each camera, where it is looked for, and whether objects that touch are told apart."""
        return {**(self._refusals.describe() if self.config.split_touching else {}), **self._grounds.describe()}

    def ground(self, camera: str = "") -> GroundReport | None:
        """Return the ground of a camera's last frame, "" = of the last given cloud; None = there was none yet."""
        return self._grounds.of(camera)

    def detect(self, frame: Frame) -> list[Detection]:
        """Return the detections that objects are made of, best first; of a mask, the boxes of its regions.

        Raises:
            VisionError: NO_FRAME, if the frame has no image; what the detector raises.
        """
        return self._find(frame, self.config)

    def segment(self, frame: Frame) -> list[PointCloudObject]:
        """Return the objects found, best first.

        Raises:
            VisionError: NO_FRAME, if the frame has no image; NO_DEPTH, if it has neither a cloud nor depth;
                NOT_CALIBRATED, if it is not known which pixel shows which point; what the detector raises.
        """
        config = self.config
        if frame.cloud is not None:
            frame = replace(frame, cloud=without_near(frame.cloud, config.min_range))
        points = seen_points(frame)
        self._limits.tell(frame.camera_name, too_far(points.whole))
        found = self._find(frame, config)
        labels, ground = self._split(frame, points, config) if found else (None, None)
        members = None if labels is None else Members(labels, points.places)
        objects = [self._object(detection, points, config, members, ground) for detection in found]
        placed = [item for item in objects if item is not None]
        return stood_upright(placed, ground) if config.upright_boxes and ground is not None else placed

    def _split(
        self, frame: Frame, points: SeenPoints, config: DetectionsToSegmentsConfig
    ) -> tuple[NDArray[np.int32] | None, Plane | None]:
        """Return the object of each point, None if they are not told apart; and the ground, if it is wanted."""
        upward = Upward(OPTICAL_UP, FRAME, "-y, as in the optical frame of a camera that looks level")
        if config.ground_plane_normal_vec:
            upward = self._sensors.upward_of(frame, config.ground_plane_normal_vec)
        rules, why, up = _ground_config(config), "", upward.direction
        told = partial(report_of, frame_id=frame.frame_id, max_lean=rules.ground_angle_tolerance_degs)
        try:
            if config.split_touching:
                labels, ground = split_labels(points.whole, frame, rules, up, optical=self._sensors.is_optical(frame))
                self._grounds.tell(frame.camera_name, told(ground, upward, points.whole))
                return points.seen(labels), ground
        except NotOneViewError as error:
            why = str(error)
        finally:
            self._refusals.tell(frame.camera_name, why)
        if not config.upright_boxes:
            return None, None
        ground = find_ground(points.cloud.xyz, rules, up)
        self._grounds.tell(frame.camera_name, told(ground, upward, points.cloud))
        return None, ground

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
        self,
        detection: Detection,
        points: SeenPoints,
        config: DetectionsToSegmentsConfig,
        members: Members | None = None,
        ground: Plane | None = None,
    ) -> PointCloudObject | None:
        """Return the object that a detection shows; None if it is of too few points."""
        numbers = shown_by(detection, points, config.depth_ratio, members)
        xyz = points.flat.xyz.take(numbers, axis=0)
        if config.mean_k > 0 and config.sigma > 0:
            usual = np.flatnonzero(inliers(xyz, config.mean_k, config.sigma))
            if len(usual) < len(numbers):
                numbers, xyz = numbers.take(usual), xyz.take(usual, axis=0)
        if len(numbers) < config.min_points_in_segment:
            return None
        rgb = points.flat.rgb
        return object_of(
            PointCloud(xyz, None if rgb is None else rgb.take(numbers, axis=0)),
            label=detection.class_name,
            confidence=detection.confidence,
            oriented=config.oriented_boxes,
            up=None if ground is None else ground.normal,
            id=detection.id,
        )


def _ground_config(config: DetectionsToSegmentsConfig) -> GroundConfig:
    """Return what splits the points of a frame, by the attributes of the same names."""
    own = {field.name for field in fields(config)}
    shared = {field.name: getattr(config, field.name) for field in fields(GroundConfig) if field.name in own}
    return GroundConfig(**shared)


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


def shown_by(
    detection: Detection, points: SeenPoints, depth_ratio: float = 0.0, members: Members | None = None
) -> NDArray[np.intp]:
    """Return the numbers of the points that a detection shows: those in its mask, else in its box, turned if that is.

    Args:
        detection: Of the image.
        points: Of the same frame.
        depth_ratio: Which points are background: see DetectionsToSegmentsConfig.
        members: The points of each object: where the detection is of one, its points are what the detection shows;
            None = they are not known.
    """
    mask = detection.extra.mask if detection.extra is not None else None
    shown = _in_mask(mask, points) if mask is not None else _in_box(detection, points)
    if members is not None:
        if mask is not None:
            followed = in_mask(shown, members)
        else:
            turned = detection.extra is not None and detection.extra.box is not None
            along = (lambda some: _along(detection, points, some)) if turned else None
            followed = in_box(shown, members, along, *_ends(detection, points))
        if followed is not None:
            return points.measured(followed)
    if depth_ratio > 0 and len(shown):
        return np.asarray(shown[_foreground(detection, points, shown, depth_ratio)])
    return shown


def _in_mask(mask: InstanceMask, points: SeenPoints) -> NDArray[np.intp]:
    """Return the points that the pixels of a mask show."""
    shown = points.within(mask.x, mask.y, mask.x + mask.width, mask.y + mask.height)
    columns, rows = points.places(shown)
    return np.asarray(shown[mask.pixels()[rows - mask.y, columns - mask.x]])


def _in_box(detection: Detection, points: SeenPoints) -> NDArray[np.intp]:
    """Return the points that are shown by pixels whose centres lie in a box."""
    turned = detection.extra.box if detection.extra is not None else None
    if turned is None:
        return points.within(detection.x_min, detection.y_min, detection.x_max, detection.y_max)
    cos, sin = abs(math.cos(turned.angle)), abs(math.sin(turned.angle))
    across, down = (
        (turned.width * cos + turned.height * sin) / 2 + 1,
        (turned.width * sin + turned.height * cos) / 2 + 1,
    )
    x, y = turned.center_x, turned.center_y
    around = points.within(x - across, y - down, x + across, y + down)
    return np.asarray(around[_in_part(detection, points, around)])


def _in_part(
    detection: Detection, points: SeenPoints, numbers: NDArray[np.intp], part: float = 1.0
) -> NDArray[np.bool_]:
    """Return which of some points are shown by pixels whose centres lie in the middle part of a box.

    Args:
        detection: With the box.
        points: The points.
        numbers: Which of them.
        part: Of the box's width and height that counts.
    """
    places = _along(detection, points, numbers)
    turned = detection.extra.box if detection.extra is not None else None
    if turned is not None:
        low, high = _ends(detection, points)
        return np.asarray(((places >= low * part) & (places <= high * part)).all(axis=1))
    across = (detection.x_max - detection.x_min) * (1 - part) / 2
    down = (detection.y_max - detection.y_min) * (1 - part) / 2
    x, y = places[:, 0], places[:, 1]
    beside = (x >= detection.x_min + across) & (x < detection.x_max - across)
    return np.asarray(beside & (y >= detection.y_min + down) & (y < detection.y_max - down))


def _along(detection: Detection, points: SeenPoints, numbers: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return where the pixels of points are along a box's sides, (N, 2).

    A turned box's are counted from its middle.
    """
    columns, rows = points.places(numbers)
    places = np.empty((2, len(numbers)))
    np.add(columns, 0.5, out=places[0])
    np.add(rows, 0.5, out=places[1])
    turned = detection.extra.box if detection.extra is not None else None
    if turned is None:
        return places.T
    cos, sin = math.cos(turned.angle), math.sin(turned.angle)
    return (places.T - [turned.center_x, turned.center_y]) @ np.array([[cos, -sin], [sin, cos]])


def _ends(detection: Detection, points: SeenPoints) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where a box begins and ends along its sides, (2,) each; an upright box ends where the image does."""
    turned = detection.extra.box if detection.extra is not None else None
    if turned is None:
        low = np.array([detection.x_min, detection.y_min], np.float64)
        high = np.array([detection.x_max, detection.y_max], np.float64)
        return np.maximum(low, 0.0), np.minimum(high, points.size)
    half = np.array([turned.width, turned.height]) / 2
    return -half, half


def _area(detection: Detection) -> float:
    """Return the area of a box, before it is turned, square pixels."""
    turned = detection.extra.box if detection.extra is not None else None
    return detection.area if turned is None else turned.width * turned.height


def _foreground(
    detection: Detection, points: SeenPoints, inside: NDArray[np.intp], depth_ratio: float
) -> NDArray[np.bool_]:
    """Return which of the points inside a detection belong to what is in its middle."""
    x, y, depth = cv2.transpose(points.flat.xyz.take(inside, axis=0))
    columns, rows = points.places(inside)
    central = np.zeros(len(inside), bool)
    if detection.extra is None or detection.extra.mask is None:  # a mask shows the object alone, but for its rim
        central = _in_part(detection, points, inside, 0.5)
    middle = float(np.median(depth[central] if central.any() else depth))
    # How large a pixel is at a distance of 1, by the points themselves: an organized cloud needs no calibration.
    pixels = math.hypot(np.ptp(columns), np.ptp(rows))
    rays = math.hypot(np.ptp(x / depth), np.ptp(y / depth))
    across = math.sqrt(_area(detection)) * middle * rays / pixels if pixels else math.inf
    return np.asarray(np.abs(depth - middle) <= depth_ratio / 2 * across)
