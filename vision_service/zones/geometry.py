"""Points, areas and lines in the plane of an image: x right, y down, any unit."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""x_min, y_min, x_max, y_max."""

ASIDE = (1.7e-7, 2.9e-7)
"""How far lines lie beside their coordinates when crossings are counted, so that whole pixels never lie on them."""


MOST_POINTS = 500
"""Of a polygon or line: each of them is looked at for each object in each image, and each pair of edges once."""
FARTHEST = 1e12
"""The largest coordinate: far beyond it numbers are too coarse to count by."""


def inside(point: Point, polygon: Sequence[Point]) -> bool:
    """Return whether a point lies in a polygon.

    It is the even-odd rule: a ray from the point to the right meets the edges an odd number of times. Of the polygon's
    edges those at the left and top belong to it, so that of two areas that share an edge one has the points on it.

    Args:
        point: x, y.
        polygon: The corners, in either direction; the last one is joined with the first.
    """
    x, y = point
    odd = False
    for (ax, ay), (bx, by) in _edges(polygon, closed=True):
        if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            odd = not odd
    return odd


def distance(point: Point, path: Sequence[Point], *, closed: bool) -> float:
    """Return how far a point lies from a polyline.

    Args:
        point: x, y.
        path: At least two points.
        closed: Whether the last one is joined with the first.
    """
    return min(_to_segment(point, start, end) for start, end in _edges(path, closed=closed))


def depth(point: Point, polygon: Sequence[Point]) -> float:
    """Return how far a point lies inside a polygon; negative = so far outside."""
    away = distance(point, polygon, closed=True)
    return away if inside(point, polygon) else -away


def share_inside(box: Box, polygon: Sequence[Point]) -> float:
    """Return how much of a box lies in a polygon, 0 to 1; of a box without area, whether its centre does."""
    x_min, y_min, x_max, y_max = box
    area = (x_max - x_min) * (y_max - y_min)
    if not area > 0:
        return float(inside(((x_min + x_max) / 2, (y_min + y_max) / 2), polygon))
    return min(1.0, abs(area_of(clipped(polygon, box))) / area)


def clipped(polygon: Sequence[Point], box: Box) -> list[Point]:
    """Return what of a polygon lies in a box.

    It is cut off at the four edges of the box (Sutherland and Hodgman, "Reentrant polygon clipping", 1974); where that
    leaves several parts, edges join them that lie over each other, with no area between them.
    """
    x_min, y_min, x_max, y_max = box
    left = list(polygon)
    for axis, limit, sign in ((0, x_min, 1), (0, x_max, -1), (1, y_min, 1), (1, y_max, -1)):
        left = _cut(left, axis, limit, sign)
    return left


def area_of(polygon: Sequence[Point]) -> float:
    """Return the area of a polygon; negative, if its corners run counter-clockwise as seen."""
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in _edges(polygon, closed=True)) / 2 if polygon else 0.0


def crossings(start: Point, end: Point, line: Sequence[Point]) -> int:
    """Return how often the way from one point to another crosses a line.

    Args:
        start: Where the way begins.
        end: Where it ends; it is straight.
        line: The points of the line; seen from the first to the last, it has a left and a right side.

    Returns:
        Crossings from left to right, less those from right to left. Over the steps of any way the numbers add up to
        how often it has come to the other side in all.
    """
    if start == end:
        return 0
    count = 0
    moved = [(x + ASIDE[0], y + ASIDE[1]) for x, y in line]
    beside = [_side(point, start, end) > 0 for point in moved]
    for number, (a, b) in enumerate(_edges(moved, closed=False)):
        if beside[number] == beside[number + 1]:
            continue
        before, after = _side(start, a, b) > 0, _side(end, a, b) > 0
        count += after - before
    return count


def fault(path: Sequence[Point], *, closed: bool) -> str:
    """Return what is wrong with a polygon or line, as the end of "it …"; empty = nothing is."""
    least = 3 if closed else 2
    if len(path) < least:
        return f"needs at least {least} points, each x and y, and has {len(path)}"
    if not all(math.isfinite(value) for point in path for value in point):
        return "has a coordinate that is no finite number"
    if len(path) > MOST_POINTS:
        return f"has {len(path)} points, and at most {MOST_POINTS} can be: leave out those that hardly change its shape"
    largest = max((value for point in path for value in point), key=abs)
    if abs(largest) > FARTHEST:
        return f"has the coordinate {largest:g}, which is far outside of any image"
    edges = list(_edges(path, closed=closed))
    twice = next((start for start, end in edges if start == end), None)
    if twice is not None:
        return f"has the same point twice in a row: {_shown(twice)}; leave one of them out"
    pairs = itertools.combinations(range(len(edges)), 2) if closed else ()
    return next(filter(None, (_collision(edges, one, other) for one, other in pairs)), "")


def _collision(edges: Sequence[tuple[Point, Point]], one: int, other: int) -> str:
    """Return what is wrong with two edges of a polygon, the first one before the other; empty = nothing is."""
    (start, end), (a, b) = edges[one], edges[other]
    if other == one + 1 or (one == 0 and other == len(edges) - 1):  # they share a corner
        corner, before, after = (end, start, b) if other == one + 1 else (start, end, a)
        back = _side(before, corner, after) == 0 and _ahead(corner, before, after)
        return f"turns back on itself at {_shown(corner)}" if back else ""
    if not _meet(start, end, a, b):
        return ""
    edge, met = f"{_shown(start)} to {_shown(end)}", f"{_shown(a)} to {_shown(b)}"
    return f"meets itself: the edge from {edge} touches or crosses that from {met}; give its corners in their order"


def _edges(path: Sequence[Point], *, closed: bool) -> Iterator[tuple[Point, Point]]:
    for number in range(len(path) - 1):
        yield path[number], path[number + 1]
    if closed and len(path) > 1:
        yield path[-1], path[0]


def _side(point: Point, start: Point, end: Point) -> float:
    """Return a number that is positive where a point lies to the right of a line, as seen with y down."""
    return (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (point[0] - start[0])


def _ahead(origin: Point, one: Point, other: Point) -> bool:
    """Return whether two points lie in the same half of the directions from a third one."""
    return (one[0] - origin[0]) * (other[0] - origin[0]) + (one[1] - origin[1]) * (other[1] - origin[1]) > 0


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Return whether two segments have a point in common."""
    sides = _side(c, a, b), _side(d, a, b), _side(a, c, d), _side(b, c, d)
    if sides[0] * sides[1] < 0 and sides[2] * sides[3] < 0:
        return True
    on = ((c, a, b), (d, a, b), (a, c, d), (b, c, d))
    return any(side == 0 and _between(*three) for side, three in zip(sides, on, strict=True))


def _between(point: Point, start: Point, end: Point) -> bool:
    """Return whether a point that lies on a line lies between two others."""
    return all(min(start[axis], end[axis]) <= point[axis] <= max(start[axis], end[axis]) for axis in (0, 1))


def _to_segment(point: Point, start: Point, end: Point) -> float:
    across, down = end[0] - start[0], end[1] - start[1]
    length = across * across + down * down
    along = ((point[0] - start[0]) * across + (point[1] - start[1]) * down) / length if length else 0.0
    along = min(1.0, max(0.0, along))
    return math.hypot(point[0] - start[0] - along * across, point[1] - start[1] - along * down)


def _cut(polygon: Sequence[Point], axis: int, limit: float, sign: int) -> list[Point]:
    """Return what of a polygon lies above a limit of x (axis 0) or y (axis 1), or, with the sign -1, below it."""
    kept: list[Point] = []
    for start, end in _edges(polygon, closed=True):
        here, there = sign * (start[axis] - limit), sign * (end[axis] - limit)
        if here >= 0:
            kept.append(start)
        if (here > 0 > there) or (here < 0 < there):
            along = here / (here - there)
            other = start[1 - axis] + along * (end[1 - axis] - start[1 - axis])
            kept.append((limit, other) if axis == 0 else (other, limit))
    return kept


def _shown(point: Point) -> str:
    return f"({point[0]:g}, {point[1]:g})"
