"""Boxes to look at, and the outline of a surface."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.pointcloud.regions import crop, inside, outline
from vision_service.types import PointCloud

LINE = PointCloud(
    np.stack([np.arange(5), np.zeros(5), np.zeros(5)], axis=1).astype(np.float32), np.eye(5, 3, dtype=np.uint8)
)


def square(count: int, step: float = 1.0, corner=(0, 0)):
    return (np.stack(np.meshgrid(np.arange(count), np.arange(count)), axis=-1).reshape(-1, 2) * step + corner).astype(
        "f4"
    )


@pytest.mark.parametrize(
    ("low", "high", "kept"),
    [
        ((), (), [0, 1, 2, 3, 4]),
        ((1, -1, -1), (), [1, 2, 3, 4]),
        ((), (3, 0, 0), [0, 1, 2, 3]),
        ((1, 0, 0), (3, 0, 0), [1, 2, 3]),
        ((-np.inf, -np.inf, -np.inf), (2, np.inf, np.inf), [0, 1, 2]),
        ((0, 0.1, 0), (), []),
    ],
)
def test_what_is_inside_the_box_is_kept_with_its_colours(low, high, kept):
    cloud = crop(LINE, low, high)
    assert cloud.xyz[:, 0].tolist() == kept
    assert cloud.rgb.tolist() == LINE.rgb[kept].tolist()


def test_the_outline_is_that_of_the_largest_connected_part():
    points = np.concatenate([square(20, 0.1), square(5, 0.1, (9, 9))])
    corners = outline(points, 0.2)
    np.testing.assert_allclose(sorted(corners.tolist()), [[0, 0], [0, 1.9], [1.9, 0], [1.9, 1.9]], atol=1e-6)


def test_a_hole_does_not_change_the_outline():
    points = square(20, 0.1)
    holed = points[(np.abs(points - 1) > 0.4).any(axis=1)]
    np.testing.assert_array_equal(outline(holed, 0.2), outline(points, 0.2))


def test_a_surface_may_be_larger_than_the_map_of_it():
    corners = outline(np.array([[0, 0], [1e6, 0], [1e6, 1e6]], np.float32), 1e-3)
    assert len(corners) == 1  # points so far apart are parts of their own


@given(st.lists(st.tuples(*[st.floats(-10, 10, width=32)] * 2), min_size=1, max_size=50))
def test_the_outline_of_one_part_is_its_convex_hull(points):
    points = np.array(points, np.float32)
    hull = cv2.convexHull(points)[:, 0]
    assert {tuple(corner) for corner in outline(points, 30.0)} == {tuple(corner) for corner in hull}


@pytest.mark.parametrize("turn", [1, -1])
def test_inside_of_a_polygon_whatever_its_turning_sense(turn):
    triangle = np.array([(0, 0), (4, 0), (0, 4)], np.float32)[::turn]
    points = np.array([(1, 1), (0, 0), (2, 2), (3, 3), (-0.1, 1), (1, -0.1)], np.float32)
    assert inside(points, triangle).tolist() == [True, True, True, False, False, False]


@pytest.mark.parametrize("corners", [[(0, 0)], [(0, 0), (1, 1)]])
def test_a_point_or_a_line_has_no_inside(corners):
    assert not inside(square(3), np.array(corners, np.float32)).any()


def test_many_points_in_a_polygon_are_those_inside_each_edge():
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    corners = np.stack([np.cos(angles), 0.5 * np.sin(angles)], axis=1).astype(np.float32)
    points = np.random.default_rng(0).uniform(-1.2, 1.2, (500, 2)).astype(np.float32)
    for some in (points, 0.3 * points, points + 5, points[:0]):
        expected = [cv2.pointPolygonTest(corners, (float(x), float(y)), False) >= 0 for x, y in some]
        assert inside(some, corners).tolist() == expected
        assert inside(some, corners[::-1]).tolist() == expected


def test_what_is_nowhere_is_in_no_polygon():
    places = np.array([(1, 1), (np.nan, 1), (1, np.nan), (9, 9)], np.float32)
    assert inside(places, np.array([(0, 0), (4, 0), (4, 4), (0, 4)], np.float32)).tolist() == [
        True,
        False,
        False,
        False,
    ]
