"""Which pixel of a frame's image shows which point of its cloud."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.lens import is_pinhole
from vision_service.pointcloud.coordinates import exists, rebased
from vision_service.pointcloud.objects import select
from vision_service.pointcloud.projection import cloud_of, depth_to_cloud, project
from vision_service.types import CameraIntrinsics, Frame, PointCloud

RAY_TOLERANCE = 2.0
"""By how many pixels, in the middle of the image, a point may lie off the ray of the pixel it is projected to."""
MIN_FITTED = 100
"""How many points it takes at least to say where a camera stands."""
FIT_TOLERANCE = 0.5
"""How far a fitted camera's points may lie from their pixels, half of them at least, pixels."""


@dataclass(frozen=True, eq=False)
class SeenPoints:
    """The points that an image shows, each with its pixel.

    Attributes:
        cloud: N points in front of the camera, without rows and columns.
        columns, rows: (N,) whole numbers, the pixel that shows each.
        whole: The frame's cloud that they were taken from, counted from the camera.
        numbers: (N,) the place of each in that, rows one after the other.
        size: Width and height of the image, pixels.
    """

    cloud: PointCloud
    columns: NDArray[np.int64]
    rows: NDArray[np.int64]
    whole: PointCloud
    numbers: NDArray[np.intp]
    size: tuple[int, int]

    def within(self, left: float, top: float, right: float, bottom: float) -> NDArray[np.bool_]:
        """Return which of the points, (N,), are shown by pixels whose centres lie inside a box.

        The box's edges are those of a Detection: the corner of the top left pixel is 0, 0.
        """
        across = (self.columns >= left - 0.5) & (self.columns < right - 0.5)
        return np.asarray(across & (self.rows >= top - 0.5) & (self.rows < bottom - 0.5))


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
    flat = PointCloud(cloud.xyz.reshape(-1, 3), None if cloud.rgb is None else cloud.rgb.reshape(-1, 3))
    visible = np.flatnonzero(exists(flat) & (flat.xyz[:, 2] > 0))
    if not len(visible):
        nowhere = np.empty(0, np.int64)
        return SeenPoints(select(flat, visible), nowhere, nowhere, cloud, visible, frame.size)
    if cloud.xyz.shape[:2] == (height, width) and cloud.organized:
        rows, columns = np.divmod(visible, width)
        return SeenPoints(select(flat, visible), columns, rows, cloud, visible, frame.size)
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
    projected, columns, rows, inside = _projected(select(flat, visible), frame.intrinsics)
    return SeenPoints(projected, columns, rows, cloud, visible[inside], frame.size)


def _projected(
    cloud: PointCloud, intrinsics: CameraIntrinsics
) -> tuple[PointCloud, NDArray[np.int64], NDArray[np.int64], NDArray[np.intp]]:
    """Return those of the points, all before the camera, that its image shows; their columns, rows and numbers."""
    columns, rows = np.moveaxis(np.rint(project(cloud.xyz, intrinsics)), -1, 0)
    inside = np.flatnonzero((columns >= 0) & (rows >= 0) & (columns < intrinsics.width) & (rows < intrinsics.height))
    cloud, columns, rows = select(cloud, inside), columns[inside].astype(np.int64), rows[inside].astype(np.int64)
    if is_pinhole(intrinsics):
        return cloud, columns, rows, inside
    # Far outside of the image a lens's polynomials bend back into it: such a point is not on its pixel's ray.
    rays = depth_to_cloud(np.ones((intrinsics.height, intrinsics.width), np.float32), intrinsics).xyz[rows, columns]
    missed = np.abs(cloud.xyz[:, :2] / cloud.xyz[:, 2:] - rays[:, :2]).max(axis=1, initial=0.0)
    # Oblique rays lie farther apart.
    tolerance = RAY_TOLERANCE / max(intrinsics.fx, intrinsics.fy) * (rays**2).sum(axis=1)
    seen = np.flatnonzero(missed < tolerance)
    return select(cloud, seen), columns[seen], rows[seen], inside[seen]


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
    rows, columns = np.nonzero(np.isfinite(x) & np.isfinite(y) & (z > 0) & (z < np.inf))
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
