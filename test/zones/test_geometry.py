"""Points, polygons and lines in an image's plane."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vision_service.zones.geometry import area_of, crossings, depth, distance, fault, inside, share_inside

SQUARE = [(10, 10), (50, 10), (50, 40), (10, 40)]
ARROW = [(0, 0), (40, 0), (20, 10), (40, 40), (0, 40)]
"""Not convex: a bay opens to the right, whose innermost corner is (20, 10)."""
COORDINATES = st.integers(-20, 60)
POINTS = st.tuples(COORDINATES, COORDINATES)


@st.composite
def polygons(draw):
    """A polygon around the origin that does not meet itself: corners at rising angles."""
    angles = sorted(draw(st.lists(st.integers(0, 359), min_size=3, max_size=8, unique=True)))
    gaps = [after - before for before, after in zip(angles, [*angles[1:], angles[0] + 360], strict=True)]
    assume(max(gaps) < 170)
    radii = draw(st.lists(st.floats(5, 50), min_size=len(angles), max_size=len(angles)))
    return [(r * math.cos(math.radians(a)), r * math.sin(math.radians(a))) for a, r in zip(angles, radii, strict=True)]


def winding(point, polygon):
    """Return how often a polygon runs around a point: another way to the same answer."""
    angles = [math.atan2(y - point[1], x - point[0]) for x, y in polygon]
    turns = [math.remainder(b - a, math.tau) for a, b in itertools.pairwise([*angles, angles[0]])]
    return round(sum(turns) / math.tau)


@given(polygons(), st.tuples(st.floats(-60, 60), st.floats(-60, 60)))
def test_a_point_is_inside_where_the_polygon_runs_around_it(polygon, point):
    assume(distance(point, polygon, closed=True) > 1e-6)
    assert inside(point, polygon) == (winding(point, polygon) != 0)
    assert inside(point, polygon[::-1]) == inside(point, polygon)


@given(POINTS)
def test_of_two_areas_with_a_common_edge_one_has_the_points_on_it(point):
    left, right = [(0, 0), (20, 0), (20, 40), (0, 40)], [(20, 0), (40, 0), (40, 40), (20, 40)]
    both = [(0, 0), (40, 0), (40, 40), (0, 40)]
    assert inside(point, left) + inside(point, right) == inside(point, both)


def test_a_bay_is_outside():
    assert inside((5, 10), ARROW)
    assert not inside((35, 15), ARROW)


@pytest.mark.parametrize(("point", "deep"), [((30, 25), 15), ((12, 25), 2), ((5, 25), -5), ((53, 44), -5)])
def test_depth_is_the_distance_to_the_border_and_negative_outside(point, deep):
    assert depth(point, SQUARE) == deep


def test_the_border_of_a_line_has_two_ends():
    assert distance((60, 10), [(0, 0), (30, 10), (50, 10)], closed=False) == 10


@settings(max_examples=30)
@given(polygons(), st.tuples(st.floats(-50, 40), st.floats(-50, 40), st.floats(1, 40), st.floats(1, 40)))
def test_the_share_of_a_box_is_that_of_its_points(polygon, box):
    x, y, across, down = box
    rows, columns = np.meshgrid((np.arange(20) + 0.5) / 20, (np.arange(20) + 0.5) / 20)
    points = np.stack([x + columns.ravel() * across, y + rows.ravel() * down], axis=1)
    share = np.mean([inside(point, polygon) for point in points])
    assert share_inside((x, y, x + across, y + down), polygon) == pytest.approx(share, abs=0.08)


def test_a_bay_is_not_part_of_a_share():
    assert share_inside((0, 0, 40, 40), ARROW) == pytest.approx(abs(area_of(ARROW)) / 1600)
    assert share_inside((30, 6, 31, 16), ARROW) == pytest.approx(0)
    assert share_inside((5, 5, 15, 15), ARROW) == 1
    assert share_inside((12, 12, 12, 12), SQUARE) == 1  # no area


# Lines.


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [
        ((20, 10), (40, 10), -1),  # seen downwards, left is to the right
        ((40, 10), (20, 10), 1),
        ((20, 60), (40, 60), 0),  # below its end
        ((20, 10), (25, 10), 0),
        ((30, 10), (30, 30), 0),  # along it
        ((20, 10), (20, 10), 0),
    ],
)
def test_a_step_over_a_line_is_a_crossing_with_a_direction(start, end, count):
    assert crossings(start, end, [(30, 0), (30, 50)]) == count


def test_left_is_left_as_seen_from_the_first_point_to_the_last():
    across = [(0, 30), (50, 30)]  # seen to the right, left is up
    assert crossings((10, 20), (10, 40), across) == 1
    assert crossings((10, 20), (10, 40), across[::-1]) == -1


@given(st.lists(POINTS, min_size=2, max_size=12))
def test_over_any_way_crossings_add_up_to_the_side_that_it_has_come_to(way):
    line = [(20, -1000), (20, 1000)]
    total = sum(crossings(a, b, line) for a, b in itertools.pairwise(way))
    left, right = (1, 0), (0, 1)
    before, after = (left if x > 20 else right for x, _ in (way[0], way[-1]))
    assert total == after[1] - before[1]


@given(st.lists(POINTS, min_size=2, max_size=8), st.lists(POINTS, min_size=2, max_size=5))
def test_the_way_back_undoes_what_the_way_has_crossed(way, line):
    assume(not fault(line, closed=False))
    there = [crossings(a, b, line) for a, b in itertools.pairwise(way)]
    back = [crossings(a, b, line) for a, b in itertools.pairwise(way[::-1])]
    assert sum(there) == -sum(back)


@given(POINTS, POINTS, st.floats(0.01, 0.99))
def test_a_step_crosses_as_often_as_its_two_parts(start, end, part):
    line = [(0, 30), (20, 10), (30, 30), (50, 0)]
    middle = start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])
    assume(distance(middle, line, closed=False) > 1e-3)
    whole = crossings(start, end, line)
    assert crossings(start, middle, line) + crossings(middle, end, line) == whole


@settings(max_examples=50)
@given(polygons(), POINTS, POINTS)
def test_a_closed_line_is_crossed_where_the_polygon_is_entered_or_left(polygon, start, end):
    assume(min(distance(point, polygon, closed=True) for point in (start, end)) > 1e-3)
    line = [*polygon, polygon[0]]
    assert abs(crossings(start, end, line)) == (inside(start, polygon) != inside(end, polygon))


# What is no polygon, and no line.


@pytest.mark.parametrize(
    ("path", "closed", "words"),
    [
        ([(0, 0), (10, 0)], True, "at least 3 points"),
        ([], True, "has 0"),
        ([(0, 0)], False, "at least 2 points"),
        ([(0, 0), (10, 10), (10, 0), (0, 10)], True, "meets itself"),
        ([(0, 0), (10, 0), (10, 0), (0, 10)], True, "twice in a row: (10, 0)"),
        ([(0, 0), (10, 0), (0, 10), (0, 0)], True, "twice in a row: (0, 0)"),
        ([(0, 0), (10, 0), (5, 0)], True, "turns back on itself"),
        ([(0, 0), (20, 0), (20, 20), (10, 0), (0, 20)], True, "meets itself"),
        ([(0, 0), (10, math.nan), (5, 5)], True, "no finite number"),
        ([(0, 0), (0, 0)], False, "twice in a row"),
    ],
)
def test_what_is_wrong_is_said(path, closed, words):
    assert words in fault(path, closed=closed)


@given(polygons())
def test_polygons_that_do_not_meet_themselves_are_right(polygon):
    assert fault(polygon, closed=True) == ""


@pytest.mark.parametrize("path", [SQUARE, ARROW, [(0, 0), (10, 0), (20, 0), (20, 20)]])
def test_corners_may_be_straight_and_areas_may_have_bays(path):
    assert fault(path, closed=True) == ""


def test_a_line_may_cross_itself():
    assert fault([(0, 0), (10, 10), (10, 0), (0, 10)], closed=False) == ""
