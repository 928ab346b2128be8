"""Registration of depth to a colour image: for each of its pixels, how far away is what it shows."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.lens import is_pinhole
from vision_service.pointcloud.motion import Motion
from vision_service.pointcloud.projection import depth_to_cloud, project
from vision_service.types import CameraIntrinsics

LARGEST_SPOT = 8
"""How many rows and columns of the colour image one pixel of depth covers at most."""
_PART = 1 << 14  # points
_BORDER = 2 * LARGEST_SPOT  # around the image, pixels
_LUT_MARGIN = 0.5  # of the image's size, on each side: what a lens that squeezes brings into the image
_LUT_STEP = 4  # pixels between the places at which the lens is computed


def register(
    depth: NDArray[np.float32], intrinsics: CameraIntrinsics, extrinsics: Motion, color: CameraIntrinsics
) -> NDArray[np.float32]:
    """Return depth as the colour camera would see it.

    Each pixel of depth is a small square that faces the camera; in the colour image it covers the pixels whose
    centres lie in it, at least the nearest one. Of several distances the nearest is seen.

    Args:
        depth: (H, W) float32, metres, NaN = unknown.
        intrinsics: Of the depth camera.
        extrinsics: From the depth camera's frame to the colour camera's.
        color: The colour camera's intrinsics.

    Returns:
        (height, width) of the colour image, float32, metres along its optical axis, NaN = unknown.

    Raises:
        VisionError: NOT_CALIBRATED, if the intrinsics are of another size than the depth, or a distortion model is not
            known.
    """
    points = depth_to_cloud(depth, intrinsics).xyz
    motion = np.column_stack([extrinsics.rotation, extrinsics.translation])
    scale = color.fx / intrinsics.fx, color.fy / intrinsics.fy
    # A border around the image takes what falls beside it.
    nearest = np.full((color.height + 2 * _BORDER, color.width + 2 * _BORDER), np.inf, np.float32)
    rows = max(_PART // depth.shape[1], 1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for start in range(0, depth.shape[0], rows):  # in parts that stay in the processor's cache
            part = points[start : start + rows]
            x, y, z = (np.asarray(values, np.float32) for values in cv2.split(cv2.transform(part, motion)))
            nearness = np.float32(1) / z
            nearness[z <= 0] = np.nan  # behind the camera; like all that is unknown, it falls beside the image
            u, v = _pixels(x * nearness, y * nearness, color)
            nearness *= part[..., 2]  # now: by how much a spot grows
            spots = (u, v, z, nearness * scale[0], nearness * scale[1])
            _splat(nearest, *(values.ravel() for values in spots))
    seen = nearest[_BORDER:-_BORDER, _BORDER:-_BORDER].copy()
    np.copyto(seen, np.nan, where=seen == np.inf)
    return seen


def warp(depth: NDArray[np.float32], homography: NDArray[np.float64], width: int, height: int) -> NDArray[np.float32]:
    """Return depth in the pixels of another image, its distances as they are; the nearest pixel's, never a mixture.

    Args:
        depth: (H, W) float32, NaN = unknown.
        homography: (3, 3), from the depth image's pixels to the other one's.
        width: Of the other image, pixels.
        height: Of the other image, pixels.

    Returns:
        (height, width) float32, NaN = unknown.
    """
    return cv2.warpPerspective(  # type: ignore[return-value]
        depth, homography, (width, height), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=np.nan
    )


def homography_of(numbers: tuple[float, ...]) -> NDArray[np.float64] | None:
    """Return the homography of nine numbers, row by row; None of none.

    Raises:
        VisionError: INVALID_ARGUMENT, if they are not nine, or cannot be inverted.
    """
    if not numbers:
        return None
    matrix = np.array(numbers, np.float64)
    if len(numbers) == 9 and np.isfinite(matrix).all() and np.linalg.matrix_rank(matrix.reshape(3, 3)) == 3:
        return matrix.reshape(3, 3)
    msg = f"'homography' must be 9 numbers, the rows of a matrix that can be inverted, not {list(numbers)}"
    raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


def _splat(
    nearest: NDArray[np.float32],
    u: NDArray[np.float32],
    v: NDArray[np.float32],
    z: NDArray[np.float32],
    width: NDArray[np.float32],
    height: NDArray[np.float32],
) -> None:
    """Put distances z into the pixels that their spots cover, where they are nearer than what is there.

    A spot of (N,) each is width × height pixels about u, v; NaN = nowhere. The image has a border.
    """
    stride = nearest.shape[1]
    left, columns = _covered(u, width, nearest.shape[1] - 2 * _BORDER)
    top, rows = _covered(v, height, nearest.shape[0] - 2 * _BORDER)
    pixels = ((top + _BORDER) * stride + (left + _BORDER)).astype(np.intp)
    flat = nearest.reshape(-1)
    np.minimum.at(flat, pixels, z)
    larger = np.flatnonzero(rows + columns > 2)
    rows, columns, pixels, z = rows[larger], columns[larger], pixels[larger], z[larger]
    for down in range(int(rows.max(initial=1))):
        for right in range(int(columns.max(initial=1))):
            if down or right:
                here = np.flatnonzero((rows > down) & (columns > right))
                np.minimum.at(flat, pixels[here] + (down * stride + right), z[here])


def _covered(
    center: NDArray[np.float32], size: NDArray[np.float32], pixels: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the first pixel, and how many, whose centres lie in spots; at least the nearest pixel.

    What has no place lies in the border around the pixels, which takes what falls beside the image too.
    """
    center = np.fmin(np.fmax(center, -LARGEST_SPOT), pixels + LARGEST_SPOT)
    half = np.fmin(np.fmax(size, 0), LARGEST_SPOT) / 2
    first = np.ceil(center - half).astype(np.int32)
    count = np.ceil(center + half).astype(np.int32) - first
    small = np.flatnonzero(count < 1)
    first[small] = np.rint(center[small]).astype(np.int32)
    count[small] = 1
    return first, count


def _pixels(
    x: NDArray[np.float32], y: NDArray[np.float32], camera: CameraIntrinsics
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return columns and rows at which rays x/z, y/z appear; NaN where that is not known."""
    u, v = x * camera.fx + camera.cx, y * camera.fy + camera.cy
    if is_pinhole(camera):
        return u, v
    # Where on the grid of the look-up table, which begins a margin before the image; far outside for NaN.
    u = np.fmax((u + _LUT_MARGIN * camera.width) / _LUT_STEP, -9)
    v = np.fmax((v + _LUT_MARGIN * camera.height) / _LUT_STEP, -9)
    across, down = (
        cv2.remap(table, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=np.nan)
        for table in _lens(camera)
    )
    return across, down  # type: ignore[return-value]


@lru_cache(maxsize=4)
def _lens(camera: CameraIntrinsics) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the columns and rows at which a lens shows what a pinhole shows on a grid in and about its image."""
    columns = np.arange(-_LUT_MARGIN * camera.width, (1 + _LUT_MARGIN) * camera.width + _LUT_STEP, _LUT_STEP)
    rows = np.arange(-_LUT_MARGIN * camera.height, (1 + _LUT_MARGIN) * camera.height + _LUT_STEP, _LUT_STEP)
    x, y = np.meshgrid((columns - camera.cx) / camera.fx, (rows - camera.cy) / camera.fy)
    pixels = project(np.stack([x, y, np.ones_like(x)], axis=-1), camera)
    return pixels[..., 0].astype(np.float32), pixels[..., 1].astype(np.float32)
