"""A ground of patches: hills, cambered streets, kerbs; where one plane would cut through, or float above.

The lowest points of each patch are candidates; those that rise from their surroundings more steeply than the ground may
are roofs, facades and cars, and those that lie far below all around are reflections. What is left is filled up, and
fitted to all points near it. The idea of a slope limit: G. Vosselman, "Slope based filtering of laser altimetry data",
IAPRS XXXIII (2000).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vision_service.opencv import cv2
from vision_service.pointcloud.ground.fitting import fitted_planes
from vision_service.pointcloud.ground.mapped import MappedPoints, columns_of
from vision_service.pointcloud.objects import basis
from vision_service.pointcloud.planes import Plane, find_plane
from vision_service.pointcloud.quantiles import median

MOST_PATCHES = 1024
"""How many patches there may be along a side: on wider ground they are larger."""

_LOW = 0.05  # share of a patch's points below the one that is taken for its ground
_MOST_LOW = 20  # and how many points these may be
_BAND = 3.0  # tolerances around the lowest points, in which points of the ground are looked for first
_FAR = 5.0  # tolerances from the ground of the first round, beyond which nothing is looked at again
_LEAST_COSINE = 0.3  # of the angle between up and the normal of a plane that patches go up and down around
_AUTOMATIC = 0.15  # metres: the tolerance from which an automatic one is found
_SPREADS = 4.0 * 1.4826  # medians of the distances that an automatic tolerance covers


@dataclass(frozen=True, eq=False)
class Patches:
    """A ground by patches: its height at the middle of each, and between them in proportion.

    Attributes:
        axes: (3, 3) rotation matrix, the columns are two level axes and up.
        corner: (2,) the level coordinates of the middle of the first patch, metres.
        size: The edge of a patch, metres.
        surface: (H, W) float32, the height of the ground at the middle of each patch, metres along up.
        seen: (H, W) which patches hold points of the ground; the height of others is told from those around.
        tolerance: How far from it points are taken for points of it, metres.
    """

    axes: NDArray[np.float64]
    corner: NDArray[np.float64]
    size: float
    surface: NDArray[np.float32]
    seen: NDArray[np.bool_]
    tolerance: float

    @property
    def normal(self) -> NDArray[np.float64]:
        """(3,) the unit vector upwards: the ground's own slopes are in its heights."""
        return self.axes[:, 2]

    def heights(self, xyz: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return how far (N, 3) points are above the ground beneath them, negative below it; metres along up."""
        if not len(xyz):
            return np.empty(0, np.float32)
        return self._mapped(xyz).above(self.surface)

    def covers(self, xyz: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which of (N, 3) points are over, or under, a patch that holds points of the ground."""
        if not len(xyz):
            return np.empty(0, bool)
        mapped = self._mapped(xyz)
        across, down = mapped.across, mapped.down
        column, row = np.rint(across).astype(np.intp), np.rint(down).astype(np.intp)
        height, width = self.seen.shape
        inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
        inside[inside] = self.seen[row[inside], column[inside]]
        return inside

    def _mapped(self, xyz: NDArray[np.float32]) -> MappedPoints:
        height, width = self.surface.shape
        return MappedPoints(columns_of(xyz, self.axes), self.corner, self.size, (height, width))

    def plane_at(self, place: ArrayLike) -> Plane:
        """Return the level plane at the height of the ground beneath a (3,) place."""
        point = np.asarray(place, np.float32)[None]
        offset = float(self.normal @ np.asarray(place, np.float64)) - float(self.heights(point)[0])
        return Plane(self.normal, offset, self.tolerance)

    def mean_plane(self) -> Plane:
        """Return the plane that lies best in the patches that hold points of the ground."""
        rows, columns = np.nonzero(self.seen)
        places = np.column_stack([columns, rows]) * self.size + self.corner
        heights = self.surface[rows, columns].astype(np.float64)
        level = np.column_stack([places, np.ones(len(places))])
        slopes, *_ = np.linalg.lstsq(level, heights, rcond=None)
        normal = np.array([-slopes[0], -slopes[1], 1.0])
        length = float(np.linalg.norm(normal))
        return Plane(self.axes @ (normal / length), float(slopes[2]) / length, self.tolerance)


def find_patches(
    xyz: NDArray[np.float32],
    up: ArrayLike,
    *,
    size: float,
    max_slope: float,
    tolerance: float = 0.0,
    min_points: int = 3,
    max_lean: float = 30.0,
) -> tuple[Patches, NDArray[np.float32]] | None:
    """Return the ground beneath points, by patches.

    The same points give the same ground, in whatever order they come.

    Args:
        xyz: (N, 3) finite points.
        up: (3,) the direction that is up, of any length above 0.
        size: The edge of a patch, metres.
        max_slope: How steeply the ground may rise from patch to patch, degrees. Where most of it leans
            more than that, it is how steeply against the plane that it lies on.
        tolerance: How far from the ground its points may be, metres. 0 = as far as they scatter.
        min_points: How many points it must have.
        max_lean: How far from up the normal of that plane may be, degrees.

    Returns:
        The ground, and how far the points are above it, (N,); None, if it has too few points.
    """
    if len(xyz) < max(min_points, 3):
        return None
    axes = basis(up)
    columns = columns_of(xyz, axes)
    low, high = (limit(columns[:2], axis=1).astype(np.float64) for limit in (np.min, np.max))
    size = max(size, float((high - low).max()) / (MOST_PATCHES - 1))
    corner = low + size / 2
    width, height = (((high - low) / size).astype(int) + 1).tolist()
    points = MappedPoints(columns, corner, size, (height, width))
    slope = float(np.tan(np.radians(max_slope))) * size
    reach = tolerance or _AUTOMATIC
    lowest = points.lowest(_LOW, _MOST_LOW)
    leaning = _leaning(lowest, size, slope, reach, max_lean)
    if any(leaning):
        points.heights -= np.float32(leaning[0]) * points.across + np.float32(leaning[1]) * points.down
        lowest = points.lowest(_LOW, _MOST_LOW)
    surface = _lifted(_filled(_without_roofs(_without_pits(lowest, slope), slope)), _BAND * reach)
    above = points.above(surface)
    # What is far from the first ground is none of the last.
    far, level = _FAR * reach + slope / 2, float(surface.mean())
    surface = _filled(_without_roofs(points.levelled(surface, above, min(_BAND * reach, far)), slope))
    fitted = fitted_planes(points.sums(surface, reach, level, above, far), level, slope=slope)
    if not np.isfinite(fitted).any():
        return None
    surface = _filled(_without_roofs(fitted, slope))
    heights = points.above(surface)
    above = np.abs(heights)
    if not tolerance:
        near = above[above <= reach]
        reach = max(_SPREADS * float(np.median(near)), 1e-6) if len(near) else reach
    ground = above <= reach
    if np.count_nonzero(ground) < min_points:
        return None
    seen = np.bincount(points.cells[ground], minlength=width * height).reshape(height, width) > 0
    surface += (leaning[0] * np.arange(width) + leaning[1] * np.arange(height)[:, None]).astype(np.float32)
    return Patches(axes, corner, size, surface, seen, reach), heights


def _leaning(
    lowest: NDArray[np.float32], size: float, slope: float, reach: float, max_lean: float
) -> tuple[float, float]:
    """Return by how much the plane that most patches lie on rises from patch to patch, across and down.

    It is 0 if that is less than the ground may rise anyway: hills on one side make a plane lean.
    """
    over, beside = (np.diff(lowest, axis=axis) for axis in (0, 1))
    usual = float(np.hypot(median(over[np.isfinite(over)]), median(beside[np.isfinite(beside)])))
    if not usual > slope / 2:  # most patches lie level with those beside: no plane leans
        return 0.0, 0.0
    rows, columns = np.nonzero(np.isfinite(lowest))
    places = np.column_stack([columns * size, rows * size, lowest[rows, columns]]).astype(np.float32)
    plane = find_plane(places, tolerance=2 * reach, normal=(0.0, 0.0, 1.0), max_angle=max_lean)
    if plane is None:
        return 0.0, 0.0
    x, y, z = plane.normal.tolist()
    across, down = (-x / z * size, -y / z * size) if z > _LEAST_COSINE else (0.0, 0.0)
    return (across, down) if np.hypot(across, down) > slope else (0.0, 0.0)


def _around(values: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """Return the neighbours of each occupied place, (K, n), NaN where there is none."""
    padded = np.pad(values, reach, constant_values=np.nan)
    rows, columns = np.nonzero(np.isfinite(values))
    steps = [(down, right) for down in range(2 * reach + 1) for right in range(2 * reach + 1)]
    steps.remove((reach, reach))
    return np.stack([padded[rows + down, columns + right] for down, right in steps], axis=1)


def _without_pits(lowest: NDArray[np.float32], slope: float) -> NDArray[np.float32]:
    """Return heights without those that lie far below what is around them: reflections."""
    known = np.isfinite(lowest)
    neighbours = np.sort(_around(lowest, 2), axis=1)  # NaN last
    counts = np.isfinite(neighbours).sum(axis=1)
    middle = neighbours[np.arange(len(neighbours)), np.maximum(counts - 1, 0) // 2]
    pit = (counts >= 3) & (lowest[known] < middle - 2 * slope)
    result = lowest.copy()
    result[known] = np.where(pit, np.nan, lowest[known])
    return result


def _without_roofs(lowest: NDArray[np.float32], slope: float) -> NDArray[np.float32]:
    """Return heights without those that rise from others more steeply than the ground may, by so much a patch."""
    envelope = np.where(np.isfinite(lowest), lowest, np.float32(np.inf))
    height, width = lowest.shape
    step = 1
    while step < max(height, width):
        step *= 2
    while step:  # a way of any length is one of steps of powers of two
        for down, right in ((0, step), (step, 0), (step, step), (step, -step)):
            if down >= height or abs(right) >= width:
                continue
            rise = np.float32(slope * float(np.hypot(down, right)))
            one = envelope[down:, max(right, 0) : width + min(right, 0)]
            other = envelope[: height - down, max(-right, 0) : width - max(right, 0)]
            smaller = np.minimum(one, other + rise)
            np.minimum(other, one + rise, out=other)
            np.minimum(one, smaller, out=one)
        step //= 2
    return np.where(lowest <= envelope + np.float32(1e-4), lowest, np.float32(np.nan)).astype(np.float32)


def _filled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return heights where each that is not known is the mean of the nearest that are."""
    known = np.isfinite(values)
    result = np.where(known, values, np.float32(0))
    weights = known.astype(np.float32)
    if known.all() or not known.any():
        return result
    missing, reach = ~known, 1
    sums = result.copy()
    while missing.any():
        edge = 2 * reach + 1
        total = cv2.boxFilter(sums, -1, (edge, edge), normalize=False, borderType=cv2.BORDER_CONSTANT)
        weight = cv2.boxFilter(weights, -1, (edge, edge), normalize=False, borderType=cv2.BORDER_CONSTANT)
        found = missing & (weight > 0.5)
        result[found] = total[found] / weight[found]
        missing &= ~found
        reach *= 2
    return result


def _lifted(surface: NDArray[np.float32], band: float) -> NDArray[np.float32]:
    """Return (H, W) low points moved up to the middle of their patches: on a slope they lie at the lower edge.

    Only where the ground goes on as steeply to both sides, as at the foot of a bank the low points are those of the
    level; and where the middle would else be farther above than points of the ground are looked for.
    """
    lift = np.zeros_like(surface)
    for axis in range(2):
        if surface.shape[axis] < 2:
            continue
        steps = np.diff(surface, axis=axis)
        before, behind = (np.concatenate(parts, axis=axis) for parts in _ends(steps, axis))
        same = before * behind > 0
        lift += np.float32(0.5 - _LOW) * np.where(same, np.minimum(np.abs(before), np.abs(behind)), np.float32(0))
    return surface + np.where(lift > band, lift, np.float32(0))


def _ends(
    steps: NDArray[np.float32], axis: int
) -> tuple[tuple[NDArray[np.float32], ...], tuple[NDArray[np.float32], ...]]:
    """Return the steps before and behind each patch; at the rim, those on the other side."""
    first, last = steps.take([0], axis=axis), steps.take([-1], axis=axis)
    return (first, steps), (steps, last)
