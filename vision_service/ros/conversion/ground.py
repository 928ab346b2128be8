"""The ground to a marker: what RViz draws of the plane or the patches that a model took for the ground."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker

from vision_service.pointcloud.ground.patches import Patches
from vision_service.pointcloud.motion import quaternion
from vision_service.pointcloud.objects import basis
from vision_service.pointcloud.planes import Plane

_COLOR = ColorRGBA(r=0.4, g=0.8, b=0.4, a=0.35)
_THICK = 0.005  # metres
_LEAST_RADIUS, _LARGEST_RADIUS = 0.5, 20.0  # metres
_RADII = 3.0  # of a drawn plane, in heights of the sensor above it
_MOST_PATCHES = 1000  # that are drawn, the nearest to the sensor


def ground_to_marker(ground: Plane | Patches, distance: float, header: Header, namespace: str) -> Marker:
    """Return a marker of a ground: a disc in the plane beneath the sensor, or the patches that hold ground.

    Args:
        ground: The ground.
        distance: How high the sensor is above it, metres.
        header: The stamp and the coordinate frame of the points.
        namespace: Of the marker.
    """
    if isinstance(ground, Patches):
        return _patches(ground, header, namespace)
    return _disc(ground, distance, header, namespace)


def _disc(plane: Plane, distance: float, header: Header, namespace: str) -> Marker:
    x, y, z = (plane.normal * plane.offset).tolist()
    turn = Quaternion(**dict(zip("xyzw", quaternion(basis(plane.normal)), strict=True)))
    wide = 2 * float(np.clip(_RADII * abs(distance), _LEAST_RADIUS, _LARGEST_RADIUS))
    marker = Marker(header=header, ns=namespace, type=Marker.CYLINDER, color=_COLOR)
    marker.pose = Pose(position=Point(x=x, y=y, z=z), orientation=turn)
    marker.scale = Vector3(x=wide, y=wide, z=_THICK)
    return marker


def _patches(ground: Patches, header: Header, namespace: str) -> Marker:
    rows, columns = np.nonzero(ground.seen)
    level = np.column_stack([columns, rows]) * ground.size + ground.corner
    near = np.argsort(np.hypot(*level.T), kind="stable")[:_MOST_PATCHES]
    middles = np.column_stack([level[near], ground.surface[rows[near], columns[near]]])
    half = ground.size / 2
    corners = [(-half, -half), (half, -half), (half, half), (-half, -half), (half, half), (-half, half)]
    places = middles[:, None] + np.array([(*corner, 0.0) for corner in corners])
    marker = Marker(header=header, ns=namespace, type=Marker.TRIANGLE_LIST, color=_COLOR)
    marker.scale = Vector3(x=1.0, y=1.0, z=1.0)
    marker.points = [Point(x=x, y=y, z=z) for x, y, z in (places.reshape(-1, 3) @ ground.axes.T).tolist()]
    return marker
