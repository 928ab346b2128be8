"""The pinhole camera: depth images to points, points to pixels."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.lens import distortion
from vision_service.native.library import Array, Function
from vision_service.opencv import cv2
from vision_service.pointcloud.coordinates import FARTHEST
from vision_service.pointcloud.objects import finite
from vision_service.types import WHY_NOT_CALIBRATED, CameraIntrinsics, Frame, PointCloud

_METRES = {
    np.dtype(kind): Function(name, Array(kind), float, float, Array(np.float32, written=True))
    for name, kind in (("metres_of_whole", np.uint16), ("metres_of_float", np.float32))
}
_POINTS = Function("points_of_depth", *[Array(np.float32)] * 4, float, Array(np.float32, written=True))
_PART = 1 << 14
_TOLERANCE = 0.5  # pixels by which an undistorted ray may miss its pixel when it is distorted again


def in_metres(raw: NDArray[np.generic], metres_per_unit: float = 1.0) -> NDArray[np.float32]:
    """Return raw depth in the form of Frame.depth.

    Args:
        raw: (H, W) array of any real type; what is not above zero, or not below FARTHEST, is no measurement.
        metres_per_unit: What one unit of it is.

    Returns:
        (H, W) array of float32, metres, NaN = unknown; a new array.
    """
    convert = _METRES.get(raw.dtype)
    if convert is None:
        raw, convert = raw.astype(np.float32, casting="same_kind"), _METRES[np.dtype(np.float32)]
    depth = np.empty(raw.shape, np.float32)
    convert(np.ascontiguousarray(raw), metres_per_unit, FARTHEST, depth)
    return depth


def depth_to_cloud(
    depth: NDArray[np.float32],
    intrinsics: CameraIntrinsics,
    image_rgb: NDArray[np.uint8] | None = None,
    *,
    organized: bool = True,
) -> PointCloud:
    """Return the points that a depth image shows, in the camera's optical frame (x right, y down, z forward).

    Where the intrinsics have distortion or skew, every pixel's ray is undistorted; the rays are kept for the next
    depth.

    Args:
        depth: (H, W) float32, metres along the optical axis; NaN, not above zero or not below FARTHEST = unknown.
        intrinsics: Of the depth image.
        image_rgb: (H, W, 3) uint8, the points' colours; its pixels are those of the depth image.
        organized: Whether the points keep rows and columns, with NaN where there is none; otherwise only points that
            exist are returned.

    Raises:
        VisionError: NOT_CALIBRATED, if the intrinsics or the colours are of another size than the depth, or the
            distortion model is not known.
    """
    height, width = depth.shape
    if (intrinsics.width, intrinsics.height) != (width, height):
        raise _other_size("intrinsics", (intrinsics.width, intrinsics.height), (width, height))
    if image_rgb is not None and image_rgb.shape[:2] != (height, width):
        raise _other_size("colour image", (image_rgb.shape[1], image_rgb.shape[0]), (width, height))
    xyz = np.empty((height, width, 3), np.float32)
    _POINTS(np.ascontiguousarray(depth, np.float32), *_rays(intrinsics), FARTHEST, xyz)
    cloud = PointCloud(xyz, image_rgb)
    return cloud if organized else finite(cloud)


def cloud_of(frame: Frame) -> PointCloud:
    """Return the points of a frame: its own cloud, else those that its depth shows, coloured if the image fits them.

    Those of depth are made once, whoever asks, and belong to all: nobody can write to them.

    Raises:
        VisionError: NO_DEPTH, if it has neither cloud nor depth; NOT_CALIBRATED, if its depth has no intrinsics or does
            not belong to its image.
    """
    return frame.cloud if frame.cloud is not None else frame.once.get("cloud", lambda: _cloud_of_depth(frame))


def _cloud_of_depth(frame: Frame) -> PointCloud:
    of = f"camera {frame.camera_name!r}" if frame.camera_name else "the frame"
    if frame.depth is None:
        raise VisionError(ErrorCode.NO_DEPTH, f"{of} has neither a point cloud nor depth")
    intrinsics = frame.depth_intrinsics or frame.intrinsics
    if intrinsics is None:
        msg = f"{of} has depth, but no intrinsics to make points of it: calibrate it, or give intrinsic_parameters"
        raise VisionError(ErrorCode.NOT_CALIBRATED, frame.extra.get(WHY_NOT_CALIBRATED, msg))
    image = frame.image
    if frame.depth_intrinsics is not None and image is not None and (image.height, image.width) != frame.depth.shape:
        image = None  # an image of another imager: it does not say which point has which colour
    cloud = depth_to_cloud(frame.depth, intrinsics, None if image is None else image.rgb)
    cloud.xyz.flags.writeable = False
    return cloud


def project(points: NDArray[np.floating], intrinsics: CameraIntrinsics) -> NDArray[np.float64]:
    """Return the pixels at which points appear, the centre of the top left pixel being 0, 0.

    Args:
        points: (..., 3) metres, in the camera's optical frame.
        intrinsics: The camera's; its distortion is applied.

    Returns:
        (..., 2) float64, x and y; also outside of the image. NaN for points that are not in front of the camera.

    Raises:
        VisionError: NOT_CALIBRATED, if the distortion model is not known.
    """
    points = np.asarray(points, np.float64)
    z = np.where(points[..., 2] > 0, points[..., 2], np.nan)
    rays = points[..., :2] / z[..., None]
    lens = _lens(intrinsics)
    return _pixels(rays if lens is None else _distort(rays.reshape(-1, 2), lens).reshape(rays.shape), intrinsics)


@lru_cache(maxsize=4)
def _rays(intrinsics: CameraIntrinsics) -> tuple[NDArray[np.float32], ...]:
    """Return x/z, y/z and 1 of all pixels, NaN where the lens has no ray; float32 arrays.

    They are (H, W); or, without a lens, x/z of each column, (W,), y/z of each row, (H,), and nothing.
    """
    x, y = np.arange(intrinsics.width, dtype=np.float64), np.arange(intrinsics.height, dtype=np.float64)[:, None]
    lens = _lens(intrinsics)
    if lens is None and not intrinsics.skew:
        across, down = (x - intrinsics.cx) / intrinsics.fx, (y[:, 0] - intrinsics.cy) / intrinsics.fy
        return across.astype(np.float32), down.astype(np.float32), np.empty(0, np.float32)
    size = (intrinsics.height, intrinsics.width)
    pixels = np.stack([np.broadcast_to(x, size), np.broadcast_to(y, size)], axis=-1).reshape(-1, 2)
    rays = _bent_rays(pixels, intrinsics)
    if lens is not None:
        rays = _undistort(rays, lens)
        # The iteration may end elsewhere, far out where the model folds: no ray is better than a wrong one.
        missed = np.abs(_pixels(_distort(rays, lens), intrinsics) - pixels).max(axis=1)
        rays[~(missed < _TOLERANCE)] = np.nan
    rays = np.concatenate([rays, np.where(np.isnan(rays[:, :1]), np.nan, 1.0)], axis=1)
    return tuple(np.ascontiguousarray(rays.T, np.float32).reshape(3, *size))


def _pixels(rays: NDArray[np.float64], intrinsics: CameraIntrinsics) -> NDArray[np.float64]:
    """Return the (..., 2) pixels of (..., 2) rays x/z, y/z that the lens has bent already."""
    pixels: NDArray[np.float64] = rays * (intrinsics.fx, intrinsics.fy) + (intrinsics.cx, intrinsics.cy)
    if intrinsics.skew:
        pixels[..., 0] += intrinsics.skew * rays[..., 1]
    return pixels


def _bent_rays(pixels: NDArray[np.float64], intrinsics: CameraIntrinsics) -> NDArray[np.float64]:
    """Return the (N, 2) rays x/z, y/z behind the lens, as it has bent them, of (N, 2) pixels."""
    y = (pixels[:, 1] - intrinsics.cy) / intrinsics.fy
    return np.stack([(pixels[:, 0] - intrinsics.cx - intrinsics.skew * y) / intrinsics.fx, y], axis=1)


_Lens = tuple[NDArray[np.float64], bool]
"""Distortion coefficients, and whether they are of OpenCV's fisheye model."""

# The camera matrix is applied here, because OpenCV's functions leave out its skew.
_NO_MATRIX = np.eye(3)


def _undistort(bent: NDArray[np.float64], lens: _Lens) -> NDArray[np.float64]:
    """Return the (N, 2) rays x/z, y/z before the lens, of those that it has bent."""
    coefficients, fisheye = lens
    points = bent[:, None]
    if fisheye:
        return cv2.fisheye.undistortPoints(points, _NO_MATRIX, coefficients)[:, 0]  # type: ignore[return-value]
    # OpenCV's five iterations are too few for wide lenses; where the number is given has changed with OpenCV 5.
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 1e-12)
    if hasattr(cv2, "undistortPointsIter"):
        return cv2.undistortPointsIter(points, _NO_MATRIX, coefficients, None, None, criteria)[:, 0]
    return cv2.undistortPoints(points, _NO_MATRIX, coefficients, criteria=criteria)[:, 0]  # type: ignore


def _distort(rays: NDArray[np.float64], lens: _Lens) -> NDArray[np.float64]:
    """Return the (N, 2) rays x/z, y/z as the lens bends them."""
    coefficients, fisheye = lens
    project_points = cv2.fisheye.projectPoints if fisheye else cv2.projectPoints
    points = np.concatenate([rays, np.ones_like(rays[:, :1])], axis=1)[:, None]
    still = np.zeros(3)
    bent = np.empty_like(rays)
    # In parts, because OpenCV makes a matrix of derivatives too, many times the size of the points.
    for start in range(0, len(points), _PART):
        part = slice(start, start + _PART)
        bent[part] = project_points(points[part], still, still, _NO_MATRIX, coefficients)[0][:, 0]
    return bent


def _lens(intrinsics: CameraIntrinsics) -> _Lens | None:
    """Return what bends the rays, None = nothing.

    Raises:
        VisionError: NOT_CALIBRATED, if the distortion model is not known.
    """
    try:
        model, coefficients = distortion(intrinsics.distortion_model, intrinsics.distortion)
    except VisionError as error:
        model, count = intrinsics.distortion_model, len(intrinsics.distortion)
        msg = f"the distortion model {model!r} with {count} coefficients is not known: {error.message}"
        raise VisionError(ErrorCode.NOT_CALIBRATED, msg) from None
    return (np.array(coefficients, np.float64), model == "equidistant") if coefficients else None


def _other_size(what: str, size: tuple[int, int], depth: tuple[int, int]) -> VisionError:
    return VisionError(
        ErrorCode.NOT_CALIBRATED,
        f"the {what} and the depth image do not belong together: {size[0]}×{size[1]} and {depth[0]}×{depth[1]} "
        "pixels; register the depth to the colour image",
    )
