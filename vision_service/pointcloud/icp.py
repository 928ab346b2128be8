"""Fits one point cloud to another one: the iterative closest point algorithm, from points to planes.

The method: Y. Chen and G. Medioni, "Object Modelling by Registration of Multiple Range Images", Image and Vision
Computing 10 (1992); the linear step: K.-L. Low, "Linear Least-Squares Optimization for Point-to-Plane ICP Surface
Registration", University of North Carolina TR04-004 (2004).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.motion import STILL, Motion
from vision_service.pointcloud.sampling import draw, spacing

SOURCE_SAMPLE = 2048
"""How many points are fitted."""
TARGET_SAMPLE = 16384
"""How many points they are fitted to."""

_ROUNDS = 40
_SHRINKING = 0.75  # of the distance, from round to round
_LEAST_DISTANCE = 3.0  # spacings of the target's points
_NEIGHBOURS = 12  # that a plane is laid through
_LEAST_PAIRS = 12
_OBSERVABLE = 1e-3  # of the strongest direction: what the points say less of is left as it is
_STANDSTILL = 1e-7  # of the cloud's size


def fit(source: NDArray[np.float32], target: NDArray[np.float32], distance: float) -> Motion:
    """Return the motion that brings points onto the surfaces that others lie on.

    The same points give the same motion. What the surfaces do not tell, such as where on a plane a plane belongs, is
    left as it is; and all is, if few points are near each other.

    Args:
        source: (N, 3) finite points, near their place already.
        target: (M, 3) finite points.
        distance: How far from its place a point may be at the beginning, metres.
    """
    if min(len(source), len(target)) < _LEAST_PAIRS:
        return STILL
    from scipy.spatial import cKDTree

    center = target.mean(axis=0, dtype=np.float64)
    points = draw(source, SOURCE_SAMPLE) - center
    surface = draw(target, TARGET_SAMPLE) - center
    tree = cKDTree(surface, balanced_tree=False)
    normals = _normals(tree, surface)
    size = float(np.linalg.norm(points.std(axis=0))) or 1.0
    least = min(distance, _LEAST_DISTANCE * spacing(surface.astype(np.float32)))
    motion = STILL
    for _ in range(_ROUNDS):
        moved = points @ motion.rotation.T + motion.translation
        apart, nearest = tree.query(moved, distance_upper_bound=distance)
        paired = np.flatnonzero(np.isfinite(apart))
        if len(paired) < _LEAST_PAIRS:
            return STILL
        step = _step(moved[paired], surface[nearest[paired]], normals[nearest[paired]], size)
        motion = step.after(motion)
        turned = float(np.abs(step.rotation - np.eye(3)).max())
        if distance <= least and max(turned, float(np.abs(step.translation).max()) / size) < _STANDSTILL:
            break
        distance = max(_SHRINKING * distance, least)
    # About the origin again, not about the target's centre.
    return Motion(motion.rotation, motion.translation + center - motion.rotation @ center)


def _normals(tree: object, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (N, 3) unit normals of the planes through each point's neighbours."""
    _, rows = tree.query(points, min(_NEIGHBOURS, len(points)))  # type: ignore[attr-defined]
    near = points[rows]
    near -= near.mean(axis=1, keepdims=True)
    _, axes = np.linalg.eigh(np.einsum("nki,nkj->nij", near, near))
    normals: NDArray[np.float64] = axes[..., 0]
    return normals


def _step(
    points: NDArray[np.float64], places: NDArray[np.float64], normals: NDArray[np.float64], size: float
) -> Motion:
    """Return the small motion that brings points nearest to the planes through their places."""
    lever = np.cross(points, normals) / size  # so that turns and shifts have one unit
    columns = np.concatenate([lever, normals], axis=1)
    missing = np.einsum("ni,ni->n", places - points, normals)
    strengths, directions = np.linalg.eigh(columns.T @ columns)
    along = directions.T @ (columns.T @ missing)
    told = strengths > _OBSERVABLE * strengths[-1]
    solution = directions[:, told] @ (along[told] / strengths[told])
    return Motion(np.asarray(cv2.Rodrigues(solution[:3] / size)[0], np.float64), solution[3:])
