"""Objects in space: from points to an object with a box, and from one frame to another."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.native.library import Array, Function
from vision_service.opencv import cv2
from vision_service.pointcloud.coordinates import FARTHEST, least_sum, moved, rebased
from vision_service.pointcloud.motion import IDENTITY, quaternion, rotation_matrix
from vision_service.types import PointCloud, PointCloudObject

Value = TypeVar("Value", bound=np.generic)


_Floats, _Bytes = Array(np.float32), Array(np.uint8)
_NewFloats, _NewBytes = Array(np.float32, written=True), Array(np.uint8, written=True)
_EXISTING = Function("existing", _Floats, _Bytes, _Floats, float, float, float, _NewFloats, _NewBytes)
_CHOSEN = Function("chosen_points", _Floats, _Bytes, Array(np.bool_), _NewFloats, _NewBytes)
_COUNTS = Function("label_counts", Array(np.int32), Array(np.int64, written=True))
_GROUPED = Function("grouped", _Floats, _Bytes, Array(np.int32), Array(np.int64), _NewFloats, _NewBytes)
_BOUNDS = Function("bounds", _Floats, Array(np.float64, written=True))
_NO_COLOURS = np.empty((0, 3), np.uint8)
_NO_PLACES = np.empty((0, 3), np.float32)


def finite(cloud: PointCloud, min_range: float = 0.0, sensors: NDArray[np.float32] = _NO_PLACES) -> PointCloud:
    """Return the points that exist as an unorganized cloud, in their order and with their colours.

    Args:
        cloud: Any cloud; what was not measured is no point (see :mod:`~vision_service.pointcloud.coordinates`).
        min_range: Nor is what is nearer to one of the sensors than this, metres.
        sensors: (K, 3) where they are, counted as the points are.
    """
    xyz = np.ascontiguousarray(cloud.xyz.reshape(-1, 3))
    rgb = None if cloud.rgb is None else np.ascontiguousarray(cloud.rgb.reshape(-1, 3))
    flat = dataclasses.replace(cloud, xyz=xyz, rgb=rgb)
    kept, colours = np.empty_like(xyz), _empty(rgb, len(xyz))
    square = float(np.float32(min_range) ** 2)
    count = _EXISTING(
        xyz, _NO_COLOURS if rgb is None else rgb, sensors, square, least_sum(cloud), FARTHEST, kept, colours
    )
    return flat if count == len(xyz) else _cut(flat, kept, colours, 0, count)


def grouped(
    cloud: PointCloud, labels: NDArray[np.int32], min_points: int = 1, max_points: int | None = None
) -> list[PointCloud]:
    """Return the points of each label in their order and with their colours, the lowest label first.

    Args:
        cloud: An unorganized cloud.
        labels: (N,) of its points; those with one below 0 belong to none.
        min_points: What has fewer points is left out, at least 1.
        max_points: What has more is left out; None = nothing is.
    """
    sizes = np.empty(int(labels.max(initial=-1)) + 1, np.int64)
    _COUNTS(labels, sizes)
    kept = sizes >= max(min_points, 1)
    if max_points is not None:
        kept &= sizes <= max_points
    ends = np.cumsum(np.where(kept, sizes, 0))
    starts = np.where(kept, ends - sizes, -1)
    count = int(ends[-1]) if len(ends) else 0
    rgb = _NO_COLOURS if cloud.rgb is None else np.ascontiguousarray(cloud.rgb)
    xyz, colours = np.empty((count, 3), np.float32), _empty(cloud.rgb, count)
    _GROUPED(np.ascontiguousarray(cloud.xyz), rgb, labels, starts, xyz, colours)
    borders = zip(starts[kept].tolist(), ends[kept].tolist(), strict=True)
    return [_cut(cloud, xyz, colours, start, end) for start, end in borders]


def bounds(xyz: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the least and the greatest coordinates of (N, 3) points, at least one: (2, 3)."""
    found = np.empty((2, 3), np.float64)
    _BOUNDS(np.ascontiguousarray(xyz), found)
    return found


def _empty(rgb: NDArray[np.uint8] | None, count: int) -> NDArray[np.uint8]:
    """Return room for the colours of so many points, if there are any."""
    return _NO_COLOURS if rgb is None else np.empty((count, 3), np.uint8)


def _cut(like: PointCloud, xyz: NDArray[np.float32], rgb: NDArray[np.uint8], start: int, end: int) -> PointCloud:
    """Return some of points and colours as a cloud that is counted and coloured like another one."""
    colours = None if like.rgb is None else rgb[start:end]
    return PointCloud(xyz[start:end], colours, like.origin, like.viewpoints)


def select(cloud: PointCloud, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> PointCloud:
    """Return some of an unorganized cloud's points, in their order and with their colours.

    Args:
        cloud: The cloud, N points.
        chosen: (N,) which of them, or their numbers.
    """
    if chosen.dtype != np.bool_:
        rgb = None if cloud.rgb is None else rows(cloud.rgb, chosen)
        return PointCloud(rows(cloud.xyz, chosen), rgb, cloud.origin, cloud.viewpoints)
    count = int(np.count_nonzero(chosen))
    rgb = _NO_COLOURS if cloud.rgb is None else np.ascontiguousarray(cloud.rgb)
    xyz, colours = np.empty((count, 3), np.float32), _empty(cloud.rgb, count)
    found = _CHOSEN(np.ascontiguousarray(cloud.xyz), rgb, np.ascontiguousarray(chosen), xyz, colours)
    return _cut(cloud, xyz, colours, 0, found)


def rows(values: NDArray[Value], chosen: NDArray[np.bool_] | NDArray[np.intp]) -> NDArray[Value]:
    """Return some rows of an array, (M, K).

    Args:
        values: (N, K) the array, or (H, W, K).
        chosen: (N,) or (H, W), which of them; or their numbers, of an (N, K) array.
    """
    if chosen.dtype != np.bool_:
        return values.take(chosen, axis=0)
    # What a camera sees lies in runs of neighbours: NumPy copies them three times as fast if a row is one item.
    return _items(values)[chosen].view(values.dtype).reshape(-1, values.shape[-1])


def scattered(values: NDArray[Value], places: NDArray[np.bool_]) -> NDArray[Value]:
    """Return (M, K) rows put to M places of a (…) mask: (…, K), 0 elsewhere; what :func:`rows` undoes."""
    result = np.zeros((*places.shape, values.shape[-1]), values.dtype)
    _items(result)[places] = _items(np.ascontiguousarray(values))
    return result


def packed(values: NDArray[Value]) -> NDArray[Value]:
    """Return an (…, K) array, of which rows and columns may have been left out, as one without gaps."""
    if values.flags.c_contiguous:
        return values
    # As above: twice as fast as NumPy copies points of three numbers each.
    return np.ascontiguousarray(_items(values)).view(values.dtype).reshape(values.shape)


def _items(values: NDArray[Value]) -> NDArray[np.void]:
    """Return an (…, K) array with one item for each K numbers."""
    if values.strides[-1] != values.itemsize:
        values = np.ascontiguousarray(values)
    return values.view(np.dtype((np.void, values.itemsize * values.shape[-1])))[..., 0]


def along(xyz: NDArray[np.float32], direction: ArrayLike) -> NDArray[np.float32]:
    """Return how far points lie along a direction: (N,) float32, of (N, 3) points and a vector of three numbers.

    OpenCV does this in a quarter of BLAS's time, and in one thread: for so little work, threads wait for each other.
    """
    if not len(xyz):
        return np.empty(0, np.float32)
    return cv2.transform(xyz[:, None], np.asarray(direction, np.float64)[None])[:, 0]  # type: ignore[return-value]


def object_of(
    cloud: PointCloud,
    *,
    label: str = "",
    confidence: float = 1.0,
    oriented: bool = False,
    up: ArrayLike | None = None,
    id: str = "",
) -> PointCloudObject:
    """Return the object that points make up.

    Args:
        cloud: Its points: unorganized, finite, at least one; they may lie in a plane, on a line or in one place.
        label: What it is.
        confidence: 0 to 1.
        oriented: Whether its box may be turned; otherwise the box lies along the axes.
        up: (3,) the direction, of any length, along which a turned box stands; None = any direction.
        id: Of the track it belongs to.

    Raises:
        VisionError: INVALID_ARGUMENT, if there is no point.
    """
    if not len(cloud):
        raise VisionError(ErrorCode.INVALID_ARGUMENT, "an object without a point: it has no place and no size")
    if oriented:
        axes = _tightest_axes(cloud.xyz, up)
        low, high = bounds(cloud.xyz @ axes.astype(np.float32))
        center, orientation = axes @ ((low + high) / 2), quaternion(axes)
    else:
        low, high = bounds(cloud.xyz)
        center, orientation = (low + high) / 2, IDENTITY
    return PointCloudObject(cloud, label, confidence, center + cloud.origin, high - low, orientation, id)


def merged(objects: Sequence[PointCloudObject]) -> tuple[PointCloud, NDArray[np.uint32]]:
    """Return the points of all objects as one unorganized cloud, and of each point the number of its object, from 1.

    Colours are kept if all objects have them. The origin is that of the first.
    """
    origin = objects[0].cloud.origin if objects else (0.0, 0.0, 0.0)
    clouds = [rebased(item.cloud, origin) for item in objects]
    xyz = np.concatenate([np.empty((0, 3), np.float32), *(cloud.xyz.reshape(-1, 3) for cloud in clouds)])
    colours = [cloud.rgb.reshape(-1, 3) for cloud in clouds if cloud.rgb is not None]
    rgb = np.concatenate(colours) if colours and len(colours) == len(clouds) else None
    numbers = np.repeat(np.arange(1, len(clouds) + 1, dtype=np.uint32), [len(cloud) for cloud in clouds])
    return PointCloud(xyz, rgb, origin), numbers


def transformed(item: PointCloudObject, rotation: ArrayLike, translation: ArrayLike) -> PointCloudObject:
    """Return an object as seen in another frame.

    A turned box is turned on; one along the axes is made anew along the axes of the other frame.

    Args:
        item: The object.
        rotation: (3, 3) matrix that turns its frame's coordinates into the other's.
        translation: (3,) the place of its frame's origin in the other frame, metres.
    """
    turn, shift = np.asarray(rotation, np.float64), np.asarray(translation, np.float64)
    cloud = moved(item.cloud, turn, shift)
    if item.orientation == IDENTITY and len(cloud):
        return object_of(cloud, label=item.label, confidence=item.confidence, id=item.id)
    orientation = quaternion(turn @ rotation_matrix(item.orientation))
    center = turn @ item.center + shift
    return PointCloudObject(cloud, item.label, item.confidence, center, item.size, orientation, item.id)


def basis(direction: ArrayLike) -> NDArray[np.float64]:
    """Return a rotation matrix whose last column is a direction, a vector of any length above 0."""
    z = np.asarray(direction, np.float64)
    z = z / np.linalg.norm(z)
    x = cross(np.eye(3)[np.argmin(np.abs(z))], z)
    x /= np.linalg.norm(x)
    return np.stack([x, cross(z, x), z], axis=1)


def cross(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cross product of two (3,) vectors: NumPy's takes ten times as long for so few numbers."""
    (a, b, c), (x, y, z) = one.tolist(), other.tolist()
    return np.array([b * z - c * y, c * x - a * z, a * y - b * x])


def _tightest_axes(xyz: NDArray[np.float32], up: ArrayLike | None) -> NDArray[np.float64]:
    """Return the axes of a small box around points, the columns of a rotation matrix; the last is up, if that is given.

    The box stands on the rectangle of least area (rotating calipers) around the points seen from above. Where no
    direction is up, the principal axes are tried in turn, and the one that gives the least volume is taken.
    """
    centred = xyz - xyz.mean(axis=0, dtype=np.float64)
    if up is not None and np.linalg.norm(up) > 0:
        candidates = [basis(up)]
    else:
        _, principal = np.linalg.eigh(centred.T @ centred)
        candidates = [basis(principal[:, axis]) for axis in range(3)]
    best, least = candidates[0], (np.inf, np.inf)
    for axes in candidates:
        turned = axes @ _turn(_angle(np.ascontiguousarray((centred @ axes)[:, :2], np.float32)))
        size = np.ptp(centred @ turned, axis=0)
        extent = (float(size.prod()), float(size.sum()))  # the sum decides between flat boxes, which have no volume
        if extent < least:
            best, least = turned, extent
    return best


def _angle(points: NDArray[np.float32]) -> float:
    """Return by how much (radians) the rectangle of least area around (N, 2) points is turned."""
    return float(np.radians(cv2.minAreaRect(points)[2])) % (np.pi / 2)


def _turn(angle: float) -> NDArray[np.float64]:
    """Return the rotation matrix of an angle (radians) about z."""
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
