"""The clouds of `segment`: as a camera sees them, and what is shown of the objects in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vision_service.drawing import PALETTE, draw_objects
from vision_service.image import Image
from vision_service.pointcloud.coordinates import rebased
from vision_service.pointcloud.pixels import fit_pinhole
from vision_service.pointcloud.view import render, shades, view_of
from vision_service.types import Frame, PointCloud, PointCloudObject

_STRENGTH = 0.6  # of an object's colour over that of its points
_SAME_PLACE = 1e-6  # metres


def frame_of(cloud: PointCloud, frame_id: str = "") -> Frame:
    """Return the frame of a camera that sees a cloud.

    Where the points lie in rows and columns, their colours are its image, and it is as calibrated as they tell.

    Args:
        cloud: The points.
        frame_id: The name of the coordinate frame that they are in; empty = it is not known.
    """
    image = Image(np.ascontiguousarray(cloud.rgb)) if cloud.organized and cloud.rgb is not None else None
    return Frame(image=image, cloud=cloud, intrinsics=fit_pinhole(cloud), frame_id=frame_id)


def object_numbers(cloud: PointCloud, objects: Sequence[PointCloudObject]) -> NDArray[np.uint32]:
    """Return for each point of a cloud which object it belongs to.

    Args:
        cloud: The cloud the objects were found in.
        objects: Objects that consist of points of it. Where they share points, these belong to the first.

    Returns:
        In the cloud's shape, the object's place in the list from 1 on; 0 = none.
    """
    from scipy.spatial import cKDTree

    xyz = cloud.xyz.reshape(-1, 3)
    numbers = np.zeros(len(xyz), np.uint32)
    for number, item in reversed(list(enumerate(objects, start=1))):
        points = rebased(item.cloud, cloud.origin).xyz
        if not len(points):
            continue
        near = ((xyz >= points.min(axis=0)) & (xyz <= points.max(axis=0))).all(axis=1)
        rows = np.flatnonzero(near)
        distances, _ = cKDTree(points, balanced_tree=False).query(xyz[rows], distance_upper_bound=_SAME_PLACE)
        numbers[rows[np.isfinite(distances)]] = number
    return numbers.reshape(cloud.xyz.shape[:-1])


def draw_cloud(
    cloud: PointCloud, objects: Sequence[PointCloudObject], numbers: NDArray[np.uint32]
) -> NDArray[np.uint8]:
    """Return an image of a cloud in which each object has a colour of its own, and its box.

    Args:
        cloud: The cloud; that of a camera is seen in its own pixels.
        objects: What was found in it.
        numbers: Which point belongs to which, as :func:`object_numbers` says.
    """
    view = view_of(cloud)
    colors = [PALETTE[number % len(PALETTE)] for number in range(len(objects))]
    tints = np.array([(0, 0, 0), *colors], np.float32)[numbers.reshape(-1)]
    strengths = np.where(numbers.reshape(-1, 1) > 0, _STRENGTH, 0).astype(np.float32)
    mixed = (1 - strengths) * shades(cloud, view) + strengths * tints
    image = render(cloud, np.rint(mixed).astype(np.uint8), view)
    return draw_objects(image, [view.of_object(item) for item in objects], view.intrinsics, colors)
