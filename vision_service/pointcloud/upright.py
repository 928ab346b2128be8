"""Boxes that stand upright on a known plane, turned as the objects in them are: what a gripper needs.

Extreme points are the worst measured ones, so that a box around all points is too large by several deviations of the
noise, and jumps from frame to frame. Here faces are where most of their points are, and edges where nearly all are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.motion import quaternion
from vision_service.pointcloud.planes import Plane
from vision_service.pointcloud.quantiles import median
from vision_service.types import PointCloudObject

TRIMMED = 0.003
"""Which share of the points may lie outside of a box's side."""
TRIMMED_TOP = 0.0007
"""The same of its top, which may be a tip."""
ROUND = 0.4
"""Which share of a footprint's outline must lie on a circle, so that it is taken for one of which a part is hidden."""
SUPPORT = 0.015
"""By how much the top of an object may differ from the lower end of what stands on it, metres."""

ENOUGH = 6000
"""How many points say where a box is: more say nothing else."""

_CELL = 0.005  # metres: of the map in which points without neighbours are found
_APART = 2  # cells around a point without others, at the most half of the way to those that are together with it
_LEAST_PART = 0.03  # share of the points that is no mistake, wherever it is
_MOST_TOGETHER = 0.9  # share of the points without which nothing is said
_MOST_CELLS = 512  # along a side of it
_LEAST_NEIGHBOURS = 3
_OUTLINE = 48  # places along an outline that a circle is looked for in
_ARCS = (6, 8, 12)  # such places between the three that a circle is laid through: 45° to 90° of a whole one
_TRIPLES = np.array(
    [np.concatenate([(np.arange(_OUTLINE) + turn * arc) % _OUTLINE for arc in _ARCS]) for turn in (1, 2)]
)
_ON_CIRCLE = (0.03, 0.003)  # radii, and metres at the most, off a circle
_LEAST_ARC = 2.2  # radii of outline on the circle, about 125°
_BESIDE_CIRCLE = 0.05  # share of the outline that may lie outside of it
_FACE = 0.02  # metres from an end in which its face is looked for
_BIN = 0.002  # metres
_FACE_DENSITY = 3.0  # times as many points as elsewhere make a face
_REACH = 0.005  # metres around the densest layer whose points are the face
_LEAST_CORNERS = 0.35  # below, a footprint is round: 1 = a rectangle, 0 = a circle
_MOST_SPILT = 0.04  # share of the points that may be those of what stands on an object
_TIP_SHARES = np.array([0.01, 0.02, 0.04, 0.07, 0.11, 0.16])  # of the points, above heights that say where a tip is
_BELOW_TIP = tuple((1 - _TIP_SHARES).tolist())
_TIP_ROOTS = np.sqrt(_TIP_SHARES)
_LINE, _CURVE = (np.linalg.pinv(np.vander(_TIP_ROOTS, terms, increasing=True)) for terms in (2, 3))  # least squares
_TIP_BEND = 0.3  # how much of the line may be a bend: cones have up to 0.15, balls more than 2
_MOST_TIP = 0.02  # metres of a tip that is not seen
_VOTERS = 500  # points that say how a footprint is turned
_BESIDE = 0.006  # metres from an edge of the outline
_HIDDEN = 0.05  # quantile of the heights that is the lower end


@dataclass(frozen=True, eq=False)
class _Stand:
    """How an object stands on the plane, in the plane's coordinates, metres.

    Attributes:
        turn: (2, 2) its horizontal axes, the columns.
        low, high: (2,) the ends along them.
        lower, top: The heights of its ends, as far as they are seen.
        heights: (N,) of its points above the plane.
    """

    turn: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    lower: float
    top: float
    heights: NDArray[np.float32]

    @property
    def middle(self) -> NDArray[np.float64]:
        """(2,) of the footprint."""
        return np.asarray(self.turn @ ((self.low + self.high) / 2))

    def covers(self, place: NDArray[np.float64]) -> bool:
        """Return whether a (2,) place lies in the footprint."""
        own = place @ self.turn
        return bool(((own >= self.low) & (own <= self.high)).all())


def stood_upright(objects: Sequence[PointCloudObject], plane: Plane) -> list[PointCloudObject]:
    """Return objects with boxes that stand on a plane, or on the object beneath.

    A box's z axis is the plane's normal; its x axis is that of its sides which is nearest to the frame's x axis. Where
    the footprint is round, it lies along the frame's axes.

    Args:
        objects: With at least one point each.
        plane: What they stand on. What lies below it gets a box that ends where its points do.
    """
    across = _horizontal_axes(plane.normal)
    stands = _told_apart([_stand(_some(item.cloud.xyz.reshape(-1, 3)), plane, across) for item in objects])
    upright = []
    for item, stand in zip(objects, stands, strict=True):
        bottom = _bottom(stand, stands)
        axes = np.column_stack([across @ stand.turn, plane.normal])
        middle = [*(stand.low + stand.high) / 2, (bottom + stand.top) / 2 + plane.offset]
        size = np.array([*(stand.high - stand.low), stand.top - bottom])
        upright.append(replace(item, center=axes @ middle + item.cloud.origin, size=size, orientation=quaternion(axes)))
    return upright


def _horizontal_axes(normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (3, 2) axes in a plane, right-handed with its normal; the first is the frame's x axis, or y if x is up."""
    along = np.eye(3)[0] if abs(normal[0]) < 0.9 else np.eye(3)[1]
    x = along - (along @ normal) * normal
    x /= np.linalg.norm(x)
    return np.column_stack([x, np.cross(normal, x)])


def _some(xyz: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return points spread over all of (N, 3), as many as are needed."""
    return xyz[:: len(xyz) // ENOUGH + 1]


def _stand(xyz: NDArray[np.float32], plane: Plane, across: NDArray[np.float64]) -> _Stand:
    axes = np.column_stack([across, plane.normal])
    # Columns are many times as fast to reduce as rows of three numbers.
    columns: Any = cv2.transpose(cv2.transform(xyz[:, None], axes.T)[:, 0])
    columns = _together(columns)
    places, heights = columns[:2], columns[2] - np.float32(plane.offset)
    corners = cv2.convexHull(_outermost(places))[:, 0].astype(np.float64)
    circle = _circle(corners)
    if circle is not None:
        middle, radius = circle
        turn, low, high = np.eye(2), middle - radius, middle + radius
    else:
        turn = _turn(corners, places)
        low, high = np.array([_ends(own, TRIMMED) for own in turn.T.astype(np.float32) @ places]).T
    lower, bottom, top = _at(heights, (_HIDDEN, TRIMMED_TOP, 1 - TRIMMED_TOP))
    face = _face(heights, top, top - bottom)
    return _Stand(turn, low, high, lower, _tip(heights, top) if face == top else face, heights)


def _together(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (3, M) of (3, N) points, two across and their height, without few ones that lie apart from the others.

    Those are points of what is beside or behind, or between both, as sensors see them at edges.
    """
    cells, (height, width) = _map(columns[:2], _CELL)
    counts = np.bincount(cells, minlength=height * width)
    near = cv2.dilate((counts > 0).reshape(height, width).view(np.uint8), np.ones((2 * _APART + 1,) * 2, np.uint8))
    number, parts = cv2.connectedComponents(near, connectivity=8, ltype=cv2.CV_16U)
    if number <= 2:
        return columns
    of_cell: Any = parts.reshape(-1)
    sizes = np.bincount(of_cell, counts, number)
    kept = sizes >= _LEAST_PART * len(cells)
    # Of points that lie far from each other, all lie apart.
    if kept.all() or sizes[kept].sum() < _MOST_TOGETHER * len(cells):
        return columns
    return columns[:, kept.take(of_cell.take(cells))]


def _map(places: NDArray[np.float32], edge: float) -> tuple[NDArray[np.intp], tuple[int, int]]:
    """Return the cell of each of (2, N) places in a map of square cells, and how many rows and columns that has."""
    low, high = places.min(axis=1), places.max(axis=1)
    edge = max(edge, float((high - low).max()) / _MOST_CELLS)
    columns, rows = ((places - low[:, None]) / np.float32(edge)).astype(np.intp)
    width = int(columns.max()) + 1
    return rows * width + columns, (int(rows.max()) + 1, width)


def _outermost(places: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (K, 2) of (2, N) places that lie outside, among those with others around; of all, if hardly any has.

    The corners of the convex hull are among them: any place in a cell with cells of such places on all sides is not.
    """
    cells, (height, width) = _map(places, _CELL)
    counts = np.bincount(cells, minlength=width * height).reshape(height, width).astype(np.float32)
    around = cv2.boxFilter(counts, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    filled, dense = counts > 0, (around > _LEAST_NEIGHBOURS) & (counts > 0)
    if 2 * counts[dense].sum() > len(cells):
        filled = dense
    image = filled.view(np.uint8)
    inner = cv2.erode(image, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return places.T.take(np.flatnonzero((image > inner).reshape(-1).take(cells)), axis=0)


def _circle(corners: NDArray[np.float64]) -> tuple[NDArray[np.float64], float] | None:
    """Return the middle and the radius of the circle that is the footprint of a round object; None if it is none.

    The side of a round object that faces the sensor shows an arc; what is hidden lies on the same circle.

    Args:
        corners: (K, 2) of the footprint's convex outline.
    """
    # Places are complex numbers: a half of the operations, and these are few numbers at a time.
    closed = np.append(corners[:, 0] + 1j * corners[:, 1], complex(*corners[0]))
    length = np.append(0.0, np.cumsum(np.abs(closed[1:] - closed[:-1])))
    if not length[-1] > 0:
        return None
    outline = np.interp(np.arange(_OUTLINE) * (length[-1] / _OUTLINE), length, closed)
    first = np.tile(outline, len(_ARCS))
    one, other = (outline.take(_TRIPLES[corner]) - first for corner in range(2))
    area = 2 * (one.conj() * other).imag
    curved = np.abs(area) > 1e-3 * (one.real**2 + one.imag**2)
    one, other, first, area = one[curved], other[curved], first[curved], area[curved]
    if not len(area):
        return None
    to_middle = 1j * (one * (other.real**2 + other.imag**2) - other * (one.real**2 + one.imag**2)) / area
    middles, radii = first + to_middle, np.abs(to_middle)
    across, down = outline.real - middles.real[:, None], outline.imag - middles.imag[:, None]
    off = np.sqrt(across * across + down * down) - radii[:, None]
    near = np.abs(off) < np.minimum(_ON_CIRCLE[0] * radii, _ON_CIRCLE[1])[:, None]
    share = near.mean(axis=1)
    best = int(np.argmax(np.where(share * length[-1] >= _LEAST_ARC * radii, share, 0)))
    tolerance = min(_ON_CIRCLE[0] * radii[best], _ON_CIRCLE[1])
    if share[best] < ROUND or share[best] * length[-1] < _LEAST_ARC * radii[best]:
        return None
    if (off[best] > tolerance).mean() > _BESIDE_CIRCLE:
        return None
    # Least squares: a circle is linear in its middle and the difference of squares.
    on_circle = outline[near[best]]
    points = np.column_stack([on_circle.real, on_circle.imag])
    terms = np.column_stack([2 * points, np.ones(len(points))])
    (x0, y0, rest), *_ = np.linalg.lstsq(terms, (points * points).sum(axis=1), rcond=None)
    square = rest + x0 * x0 + y0 * y0
    return (np.array([x0, y0]), float(np.sqrt(square))) if square > 0 else None


def _turn(corners: NDArray[np.float64], places: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the (2, 2) axes of a footprint; the first is within 45° of x.

    The edges of its outline vote for their direction, modulo a right angle: four times the angle of all four sides of
    a rectangle is the same, and a circle's cancel. An edge has as many votes as there are points at it, as many as a
    side has that is seen: where something hides the rest, the outline ends with no side.

    Args:
        corners: (K, 2) of the footprint's convex outline.
        places: (2, N) of its points.
    """
    edges = np.roll(corners, -1, axis=0) - corners
    lengths = np.maximum(np.hypot(*edges.T), 1e-9)
    some = places[:, :: places.shape[1] // _VOTERS + 1]
    # How far inside of each edge the points are: (K, N).
    inside = (edges[:, :1] * some[1] - edges[:, 1:] * some[0]) / lengths[:, None]
    inside = np.abs(inside - ((edges[:, 0] * corners[:, 1] - edges[:, 1] * corners[:, 0]) / lengths)[:, None])
    nearest = inside.argmin(axis=0)
    beside = inside[nearest, np.arange(some.shape[1])] < _BESIDE
    votes = np.bincount(nearest[beside], minlength=len(edges)) * np.exp(4j * np.arctan2(edges[:, 1], edges[:, 0]))
    angle = float(np.angle(votes.sum())) / 4 if abs(votes.sum()) > _LEAST_CORNERS * max(beside.sum(), 1) else 0.0
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin], [sin, cos]])


def _ends(values: NDArray[np.float32], trimmed: float) -> tuple[float, float]:
    """Return where a side and its opposite are, along an axis on which (N,) points have these values.

    Where a face is seen, that is the layer in which its points lie; else, nearly all points lie within.

    Args:
        values: One a point.
        trimmed: Which share may lie outside of each end.
    """
    low, high = _at(values, (trimmed, 1 - trimmed))
    return -_face(-values, -low, high - low), _face(values, high, high - low)


def _at(values: NDArray[np.float32], shares: Sequence[float]) -> list[float]:
    """Return of (N,) values those that such shares of all lie below."""
    last = len(values) - 1
    places = [round(share * last) for share in shares]
    found: list[float] = np.partition(values, places)[places].tolist()
    return found


def _face(values: NDArray[np.float32], end: float, extent: float) -> float:
    """Return where the face at the upper end is."""
    if extent <= 4 * _BIN:
        return end
    depth = min(_FACE, extent / 4)
    near = values[values > end - depth]
    face = _layer(near, end - depth, len(values) * _BIN / extent)
    return end if face is None else face


def _tip(heights: NDArray[np.float32], top: float) -> float:
    """Return at which height an object ends whose top may be a tip, of which a sensor sees the less the higher.

    Of a cone, the surface above a height grows as the square of how far that is below the tip, so that the height is
    linear in the root of the share of the points above it; of round and upright surfaces it is linear in the share
    itself, or in its square.

    Args:
        heights: (N,) of the points.
        top: Where nearly all points end.
    """
    above = np.array(_at(heights, _BELOW_TIP))
    _, slope, bend = (_CURVE @ above).tolist()
    if slope >= 0 or abs(bend) * _TIP_ROOTS[-1] > _TIP_BEND * -slope:
        return top
    return min(max(float(_LINE[0] @ above), top), top + _MOST_TIP)


def _layer(values: NDArray[np.float32], first: float, usual: float) -> float | None:
    """Return where most of (N,) values from a first one on lie, if that is clearly more than usual in a bin."""
    bins = np.bincount(((values - first) / _BIN).astype(np.intp))
    layers = np.convolve(bins, (1, 1, 1))[1:-1]
    peak = int(layers.argmax())
    if layers[peak] < _FACE_DENSITY * 3 * usual:
        return None
    middle = first + (peak + 0.5) * _BIN
    return median(values[np.abs(values - middle) < _REACH])


def _told_apart(stands: Sequence[_Stand]) -> list[_Stand]:
    """Return the stands, of which those beneath others end at the face on which these stand.

    Of an object that stands on another one, a few points at its foot are taken for the one beneath, which would
    become higher. But that has a face there, with few points above.
    """
    return [
        replace(stand, top=min([stand.top, *(_shelf(stand, other) for other in stands if other is not stand)]))
        for stand in stands
    ]


def _shelf(stand: _Stand, other: _Stand) -> float:
    """Return at what height an object has a face that another one stands on; infinite = it does not stand on it."""
    if not (stand.lower < other.lower < stand.top + SUPPORT and other.top > stand.top and stand.covers(other.middle)):
        return np.inf
    heights = stand.heights
    near = heights[np.abs(heights - other.lower) < 2 * SUPPORT]
    if not len(near):
        return np.inf
    face = _layer(near, other.lower - 2 * SUPPORT, len(heights) * _BIN / max(stand.top - stand.lower, _BIN))
    if face is None or np.count_nonzero(heights > face + 2 * _REACH) > _MOST_SPILT * len(heights):
        return np.inf
    return face


def _bottom(stand: _Stand, stands: Sequence[_Stand]) -> float:
    """Return the height at which an object's box ends: the plane's, or the top of what it stands on.

    What hides the lower part of an object is not under it; what it stands on is.
    """
    if stand.top <= 0:
        return stand.lower
    bottom = min(0.0, stand.lower + SUPPORT)
    for other in stands:
        if other is stand or other.top >= stand.top or other.top > stand.lower + SUPPORT:
            continue
        meets = other.top > stand.lower - SUPPORT and stand.covers(other.middle)
        if meets or other.covers(stand.middle):
            bottom = max(bottom, other.top)
    return bottom
