"""Which pixel of a frame's image shows which point of its cloud."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.lens import is_pinhole
from vision_service.pointcloud.coordinates import exists, rebased
from vision_service.pointcloud.objects import packed, select
from vision_service.pointcloud.projection import cloud_of, depth_to_cloud, project
from vision_service.types import CameraIntrinsics, Frame, PointCloud

RAY_TOLERANCE = 2.0
"""By how many pixels, in the middle of the image, a point may lie off the ray of the pixel it is projected to."""
MIN_FITTED = 100
"""How many points it takes at least to say where a camera stands."""
FIT_TOLERANCE = 0.5
"""How far a fitted camera's points may lie from their pixels, half of them at least, pixels."""


class SeenPoints:
    """The points that an image shows, each with its pixel; points are named by their numbers in the frame's cloud.

    Where rows and columns are the image's, nothing is looked at until it is asked for, and then in that window only.

    Attributes:
        whole: The frame's cloud, counted from the camera; a number is the place of a point in it, rows one after the
            other.
        flat: The same without rows and columns.
        size: Width and height of the image, pixels.
    """

    def __init__(
        self,
        whole: PointCloud,
        size: tuple[int, int],
        projected: tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]] | None = None,
    ) -> None:
        """Take the points.

        Args:
            whole: The frame's cloud.
            size: Of the image.
            projected: The numbers of the points that are seen, ascending, and the column and row of each; None = its
                rows and columns are the image's.
        """
        self.whole, self.size = whole, size
        self.flat = PointCloud(whole.xyz.reshape(-1, 3), None if whole.rgb is None else whole.rgb.reshape(-1, 3))
        self._projected = projected

    @cached_property
    def numbers(self) -> NDArray[np.intp]:
        """Which points are seen, (N,), ascending."""
        return np.flatnonzero(_before(self.flat)) if self._projected is None else self._projected[0]

    @cached_property
    def cloud(self) -> PointCloud:
        """The N points that are seen, in front of the camera, without rows and columns."""
        return select(self.flat, self.numbers)

    @property
    def columns(self) -> NDArray[np.int64]:
        """The column of the pixel that shows each, (N,) whole numbers."""
        return self.places(self.numbers)[0]

    @property
    def rows(self) -> NDArray[np.int64]:
        """The row of the pixel that shows each, (N,) whole numbers."""
        return self.places(self.numbers)[1]

    def places(self, numbers: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the columns and rows of the pixels that show points, all of which are seen."""
        if self._projected is None:
            rows, columns = np.divmod(numbers, self.size[0])
            return columns, rows
        seen, columns, rows = self._projected
        found = np.searchsorted(seen, numbers)
        return columns.take(found), rows.take(found)

    def within(self, left: float, top: float, right: float, bottom: float) -> NDArray[np.intp]:
        """Return the numbers of the points, ascending, that are shown by pixels whose centres lie inside a box.

        The box's edges are those of a Detection: the corner of the top left pixel is 0, 0.
        """
        width, height = self.size
        first, end = _pixels(left, right, width)
        upper, lower = _pixels(top, bottom, height)
        if first >= end or upper >= lower:
            return np.empty(0, np.intp)
        if self._projected is not None:
            seen, columns, rows = self._projected
            return seen[(columns >= first) & (columns < end) & (rows >= upper) & (rows < lower)]
        shown = PointCloud(packed(self.whole.xyz[upper:lower, first:end]).reshape(-1, 3))
        rows, columns = np.divmod(np.flatnonzero(_before(shown)), end - first)
        return np.asarray((rows + upper) * width + (columns + first))

    def measured(self, numbers: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return those of some points that were measured, and lie before the camera."""
        known = _before(PointCloud(self.flat.xyz.take(numbers, axis=0)))
        return numbers if known.all() else numbers[known]

    def seen(self, labels: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return (N,) labels of all points of the frame's cloud, with 0 for those that are not seen."""
        if self._projected is None:
            return labels
        shown = np.zeros_like(labels)
        shown[self.numbers] = labels.take(self.numbers)
        return shown


def _before(cloud: PointCloud) -> NDArray[np.bool_]:
    """Return which points of an unorganized cloud were measured, and lie before the camera: (N,)."""
    return np.asarray(exists(cloud) & (cloud.xyz[:, 2] > 0))


def _pixels(low: float, high: float, count: int) -> tuple[int, int]:
    """Return the first pixel whose centre lies in a range, and the one after the last, of so many; NaN = none."""
    if not low < high:
        return 0, 0
    first, end = (min(max(edge - 0.5, 0.0), float(count)) for edge in (low, high))
    return math.ceil(first), math.ceil(end)


def seen_points(frame: Frame) -> SeenPoints:
    """Return the points of a frame that its image shows.

    Where they lie in rows and columns like the image's pixels (depth always does), these are their pixels. Points
    that do not are projected into the image; what stands before them is not considered. There may be none.

    Raises:
        VisionError: NO_FRAME, if there is no image; NO_DEPTH, if there is neither a cloud nor depth; NOT_CALIBRATED,
            if it is not known which pixel shows which point.
    """
    of = f"camera {frame.camera_name!r}" if frame.camera_name else "the frame"
    if frame.image is None:
        raise VisionError(ErrorCode.NO_FRAME, f"{of} has no colour image to look at")
    if frame.cloud is None and frame.depth is not None and frame.depth_intrinsics is not None:
        msg = f"the depth of {of} is not that of its image's pixels: register it to the colour image"
        raise VisionError(ErrorCode.NOT_CALIBRATED, msg)
    cloud = rebased(cloud_of(frame))  # an image shows its surroundings: the camera is the origin
    width, height = frame.size
    if cloud.organized and cloud.xyz.shape[:2] == (height, width):
        return SeenPoints(cloud, frame.size)
    xyz = PointCloud(cloud.xyz.reshape(-1, 3))
    visible = np.flatnonzero(_before(xyz))
    if not len(visible):
        return SeenPoints(cloud, frame.size, (visible, np.empty(0, np.int64), np.empty(0, np.int64)))
    if frame.intrinsics is None:
        msg = (
            f"the points of {of} do not lie in the rows and columns of its image of {width}×{height} pixels, and"
            " without intrinsics they cannot be projected into it: publish its camera_info"
        )
        raise VisionError(ErrorCode.NOT_CALIBRATED, msg)
    if (frame.intrinsics.width, frame.intrinsics.height) != (width, height):
        msg = (
            f"the intrinsics of {of} are for {frame.intrinsics.width}×{frame.intrinsics.height} pixels, but its image"
            f" has {width}×{height}: calibrate the camera in this mode"
        )
        raise VisionError(ErrorCode.NOT_CALIBRATED, msg)
    columns, rows, inside = _projected(xyz.xyz.take(visible, axis=0), frame.intrinsics)
    return SeenPoints(cloud, frame.size, (visible[inside], columns, rows))


def _projected(
    xyz: NDArray[np.float32], intrinsics: CameraIntrinsics
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.intp]]:
    """Return columns and rows of those of (N, 3) points, all before the camera, that its image shows; and which."""
    columns, rows = np.moveaxis(np.rint(project(xyz, intrinsics)), -1, 0)
    inside = np.flatnonzero((columns >= 0) & (rows >= 0) & (columns < intrinsics.width) & (rows < intrinsics.height))
    columns, rows = columns[inside].astype(np.int64), rows[inside].astype(np.int64)
    if is_pinhole(intrinsics):
        return columns, rows, inside
    # Far outside of the image a lens's polynomials bend back into it: such a point is not on its pixel's ray.
    rays = depth_to_cloud(np.ones((intrinsics.height, intrinsics.width), np.float32), intrinsics).xyz[rows, columns]
    points = xyz.take(inside, axis=0)
    missed = np.abs(points[:, :2] / points[:, 2:] - rays[:, :2]).max(axis=1, initial=0.0)
    # Oblique rays lie farther apart.
    tolerance = RAY_TOLERANCE / max(intrinsics.fx, intrinsics.fy) * (rays**2).sum(axis=1)
    seen = np.flatnonzero(missed < tolerance)
    return columns[seen], rows[seen], inside[seen]


def fit_pinhole(cloud: PointCloud) -> CameraIntrinsics | None:
    """Return the pinhole camera whose pixels are an organized cloud's rows and columns, by least squares.

    Args:
        cloud: Any cloud.

    Returns:
        None, if the cloud is not organized, has too few points, or is not that of a camera without distortion: most of
        its points miss their pixels.
    """
    if not cloud.organized:
        return None
    height, width = cloud.xyz.shape[:2]
    x, y, z = np.moveaxis(cloud.absolute, -1, 0)
    rows, columns = np.nonzero(exists(cloud).reshape(height, width) & (z > 0))
    lines = []
    for coordinate, pixels in ((x, columns), (y, rows)):
        if len(pixels) < MIN_FITTED or not np.ptp(pixels):
            return None
        rays = (coordinate[rows, columns] / z[rows, columns]).astype(np.float64)
        spread = rays - rays.mean()
        focal_length = float(spread @ pixels / (spread @ spread)) if spread.any() else 0.0
        middle = float(pixels.mean() - focal_length * rays.mean())
        if focal_length <= 0 or np.median(np.abs(focal_length * rays + middle - pixels)) > FIT_TOLERANCE:
            return None
        lines.append((focal_length, middle))
    (fx, cx), (fy, cy) = lines
    return CameraIntrinsics(width, height, fx, fy, cx, cy)
