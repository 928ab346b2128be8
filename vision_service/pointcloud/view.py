"""Images of point clouds: in a cloud's own pixels, or as a camera would see it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.objects import finite, transformed
from vision_service.pointcloud.pixels import fit_pinhole
from vision_service.pointcloud.projection import project
from vision_service.types import CameraIntrinsics, PointCloud, PointCloudObject

SIZE = (640, 480)
"""Width and height of an image that does not have a cloud's own, pixels."""
WIDE = 20.0
"""From which extent on a scene seen from above is wide, metres: its image has twice the width and height."""
BACKGROUND = 24
"""The grey level where there is no point."""
_DARKEST, _BRIGHTEST = 60, 255
_MARGIN = 0.05
_LARGEST_DOT = 3
_ABOVE = np.diag([1.0, -1.0, -1.0])
_DISTANCE = 1.5  # of the eye above the cloud, in multiples of its extent


@dataclass(frozen=True, eq=False)
class View:
    """Where a cloud is looked at from.

    Attributes:
        intrinsics: Of the camera.
        rotation: (3, 3) matrix that turns the cloud's coordinates into the camera's.
        translation: (3,) the place of the cloud's origin as the camera sees it, metres.
        own_pixels: Whether the image's pixels are the cloud's rows and columns.
    """

    intrinsics: CameraIntrinsics
    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]
    own_pixels: bool = False

    def of_points(self, xyz: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return (N, 3) points as the camera sees them, metres; what is not finite stays so."""
        with np.errstate(invalid="ignore"):
            return xyz @ self.rotation.T + self.translation

    def of_object(self, item: PointCloudObject) -> PointCloudObject:
        """Return an object as the camera sees it."""
        return transformed(item, self.rotation, self.translation)


def view_of(cloud: PointCloud) -> View:
    """Return from where a cloud is looked at best.

    Where its rows and columns are a camera's pixels, from that camera. Otherwise from the origin along z, if most
    points lie in that direction, as those of a camera do; else from above, against z, as maps are drawn.
    """
    intrinsics = fit_pinhole(cloud)
    if intrinsics is not None:
        return View(intrinsics, np.eye(3), np.zeros(3), own_pixels=True)
    xyz = finite(cloud).absolute.astype(np.float64)
    if not len(xyz):
        return View(CameraIntrinsics(*SIZE, 1.0, 1.0, 0.0, 0.0), np.eye(3), np.zeros(3))
    rotation, translation, size = np.eye(3), np.zeros(3), SIZE
    if np.quantile(xyz[:, 2] - np.hypot(xyz[:, 0], xyz[:, 1]), 0.05) <= 0:  # not within 45° of z
        low, high = np.quantile(xyz, [0.01, 0.99], axis=0)
        extent = max(float((high - low).max()), 1e-6)
        eye = [*(low + high)[:2] / 2, high[2] + _DISTANCE * extent]
        rotation, translation = _ABOVE, -_ABOVE @ eye
        if extent > WIDE:
            size = 2 * SIZE[0], 2 * SIZE[1]
    return View(_framing(xyz @ rotation.T + translation, size), rotation, translation)


def shades(cloud: PointCloud, view: View) -> NDArray[np.uint8]:
    """Return a colour for each point: its own, or a grey level that gets darker with its distance.

    Args:
        cloud: The cloud, N points.
        view: From where it is looked at.

    Returns:
        (N, 3) RGB, rows one after the other.
    """
    if cloud.rgb is not None:
        return cloud.rgb.reshape(-1, 3)
    z = view.of_points(cloud.absolute.reshape(-1, 3))[:, 2]
    known = np.isfinite(z)
    grey = np.full(len(z), BACKGROUND, np.uint8)
    if known.any():
        low, high = np.quantile(z[known], [0.02, 0.98])
        share = np.clip((z[known] - low) / max(high - low, 1e-6), 0, 1)
        grey[known] = _BRIGHTEST - (_BRIGHTEST - _DARKEST) * share
    return np.repeat(grey[:, None], 3, axis=1)


def render(cloud: PointCloud, colors: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    """Return an image of a cloud.

    Args:
        cloud: The cloud, N points.
        colors: (N, 3) RGB, rows one after the other.
        view: From where it is looked at.

    Returns:
        (H, W, 3) RGB; of points that appear in one place, the nearest is seen.
    """
    width, height = view.intrinsics.width, view.intrinsics.height
    if view.own_pixels:
        return np.ascontiguousarray(colors.reshape(height, width, 3))
    image = np.full((height, width, 3), BACKGROUND, np.uint8)
    points = view.of_points(cloud.absolute.reshape(-1, 3))
    pixels = np.rint(project(points, view.intrinsics))
    visible = np.flatnonzero((np.abs(pixels) < max(width, height) * 2).all(axis=1))
    visible = visible[np.argsort(-points[visible, 2], kind="stable")]  # the nearest last, over the others
    columns, rows = pixels[visible].astype(int).T
    dot = round(min(max(1.0, (width * height / max(len(visible), 1)) ** 0.5), _LARGEST_DOT))
    for down in range(dot):
        for right in range(dot):
            x, y = columns + right - dot // 2, rows + down - dot // 2
            inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
            image[y[inside], x[inside]] = colors[visible[inside]]
    return image


def _framing(points: NDArray[np.float64], size: tuple[int, int]) -> CameraIntrinsics:
    """Return the camera whose image shows nearly all of the points, (N, 3) as it sees them, and not much else."""
    width, height = size
    before = points[points[:, 2] > 0]
    rays = before[:, :2] / before[:, 2:]
    low, high = np.quantile(rays, [0.005, 0.995], axis=0)
    focal_length = float(((1 - 2 * _MARGIN) * np.array(size) / np.maximum(high - low, 1e-6)).min())
    middle = (low + high) / 2 * focal_length
    return CameraIntrinsics(
        width, height, focal_length, focal_length, width / 2 - float(middle[0]), height / 2 - float(middle[1])
    )
