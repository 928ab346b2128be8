"""Points become solids with boxes, which may be seen from another frame."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import solids
from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.motion import rotation_matrix
from vision_service.pointcloud.objects import bounds, finite, grouped, object_of, select, transformed
from vision_service.types import PointCloud

SQUARE = PointCloud(np.array([(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)], np.float32))


def box(size, seed=None) -> PointCloud:
    points = solids.shell(size)
    return PointCloud((points if seed is None else points @ solids.rotation(seed).T).astype(np.float32))


def corners(item):
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    return item.center + (signs * item.size / 2) @ rotation_matrix(item.orientation).T


def contains(item, xyz, tolerance=1e-5) -> bool:
    own = (xyz - item.center) @ rotation_matrix(item.orientation)
    return bool((np.abs(own) <= item.size / 2 + tolerance).all())


# Points that exist


def test_points_that_were_not_measured_are_none_and_colours_stay_with_their_points():
    xyz = np.arange(18, dtype=np.float32).reshape(2, 3, 3)
    xyz[0, 1, 2], xyz[1, 0, 0], xyz[1, 1] = np.nan, np.inf, (np.inf, -np.inf, 0)
    xyz[0, 2] = 0
    cloud = finite(PointCloud(xyz, np.arange(18, dtype=np.uint8).reshape(2, 3, 3)))
    assert not cloud.organized
    assert cloud.xyz.tolist() == [[0, 1, 2], [15, 16, 17]]
    assert cloud.rgb.tolist() == cloud.xyz.tolist()


def test_a_cloud_that_is_complete_is_not_copied():
    cloud = PointCloud(SQUARE.xyz + np.float32(1))
    assert np.shares_memory(finite(cloud).xyz, cloud.xyz)


@pytest.mark.parametrize("shape", [(0, 3), (0, 4, 3)])
def test_an_empty_cloud_stays_empty(shape):
    assert finite(PointCloud(np.empty(shape, np.float32))).xyz.shape == (0, 3)


def test_points_are_chosen_by_mask_or_number():
    by_mask = select(SQUARE, np.array([False, True, False, True]))
    np.testing.assert_array_equal(by_mask.xyz, select(SQUARE, np.array([1, 3])).xyz)
    assert by_mask.rgb is None


@given(st.lists(st.booleans(), max_size=50))
def test_a_mask_keeps_the_order_and_the_colours(chosen):
    numbers = np.arange(3 * len(chosen)).reshape(-1, 3)
    kept = select(PointCloud(numbers.astype(np.float32), numbers.astype(np.uint8)), np.array(chosen, bool))
    np.testing.assert_array_equal(kept.xyz, numbers[np.array(chosen, bool)])
    np.testing.assert_array_equal(kept.rgb, kept.xyz)


def test_a_mask_that_is_an_image_of_white_is_one_too():
    white = np.array([0, 255, 0, 255], np.uint8).view(bool)
    np.testing.assert_array_equal(select(SQUARE, white).xyz, SQUARE.xyz[[1, 3]])


# Points by their labels

CLOUD = PointCloud(np.arange(18, dtype=np.float32).reshape(6, 3), np.arange(18, dtype=np.uint8).reshape(6, 3))
LABELS = np.array([1, 0, 0, 2, 1, 0], np.int32)


@pytest.mark.parametrize(
    ("limits", "rows"),
    [((), [[1, 2, 5], [0, 4], [3]]), ((2,), [[1, 2, 5], [0, 4]]), ((2, 2), [[0, 4]]), ((4,), [])],
)
def test_the_points_of_each_label_keep_their_order_and_their_colours(limits, rows):
    found = grouped(CLOUD, LABELS, *limits)
    assert [cloud.xyz.tolist() for cloud in found] == [CLOUD.xyz[own].tolist() for own in rows]
    assert [cloud.rgb.tolist() for cloud in found] == [CLOUD.rgb[own].tolist() for own in rows]


def test_points_with_a_label_below_0_are_in_no_group():
    assert [len(cloud) for cloud in grouped(CLOUD, LABELS - 1)] == [2, 1]
    assert grouped(CLOUD, np.full(6, -1, np.int32)) == grouped(PointCloud(CLOUD.xyz[:0]), LABELS[:0]) == []


@given(st.lists(st.integers(-2, 5), max_size=80), st.integers(0, 4), st.one_of(st.none(), st.integers(0, 9)))
def test_groups_are_those_of_a_comparison_with_each_label(labels, least, most):
    own = np.array(labels, np.int32)
    cloud = PointCloud(np.random.default_rng(0).normal(size=(len(own), 3)).astype(np.float32))
    parts = [cloud.xyz[own == label] for label in range(6)]
    wanted = [part for part in parts if len(part) >= max(least, 1) and (most is None or len(part) <= most)]
    found = grouped(cloud, own, least, most)
    assert [part.xyz.tolist() for part in found] == [part.tolist() for part in wanted]


@given(st.integers(1, 40), st.integers(0, 9))
def test_bounds_are_the_least_and_the_greatest_coordinates(count, seed):
    xyz = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
    assert bounds(xyz).tolist() == [xyz.min(axis=0).tolist(), xyz.max(axis=0).tolist()]


# Boxes along the axes


def test_the_box_encloses_the_points_and_its_centre_is_not_their_mean():
    cloud = PointCloud(np.array([(28, 0.5, 0.5), *[(30, y, z) for y in (0, 1) for z in (0, 1)]], np.float32))
    item = object_of(cloud, label="solid", confidence=0.5, id="7")
    assert item.center.tolist() == [29, 0.5, 0.5]
    assert item.size.tolist() == [2, 1, 1]
    assert (item.label, item.confidence, item.id, item.orientation) == ("solid", 0.5, "7", (0, 0, 0, 1))
    assert item.cloud is cloud


def test_an_object_needs_a_point():
    with pytest.raises(VisionError, match="without a point") as caught:
        object_of(PointCloud(np.empty((0, 3), np.float32)))
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT


# Turned boxes


@pytest.mark.parametrize("seed", range(5))
def test_a_turned_box_fits_closely(seed):
    cloud = box((0.3, 0.1, 0.2), seed)
    item = object_of(cloud, oriented=True)
    np.testing.assert_allclose(np.sort(item.size), [0.1, 0.2, 0.3], atol=2e-3)
    np.testing.assert_allclose(item.center, solids.rotation(seed) @ (0.15, 0.05, 0.1), atol=2e-3)
    assert contains(item, cloud.xyz)


@pytest.mark.parametrize("seed", range(5))
def test_a_turned_box_stands_where_up_is_known(seed):
    item = object_of(box((0.3, 0.1, 0.2), seed), oriented=True, up=solids.rotation(seed)[:, 2] * 3)
    assert item.size[2] == pytest.approx(0.2, abs=1e-5)
    np.testing.assert_allclose(np.sort(item.size[:2]), [0.1, 0.3], atol=1e-5)
    np.testing.assert_allclose(rotation_matrix(item.orientation)[:, 2], solids.rotation(seed)[:, 2], atol=1e-6)


@pytest.mark.parametrize("oriented", [False, True])
@pytest.mark.parametrize("up", [None, (0, 0, 1)])
@pytest.mark.parametrize(
    ("points", "size"),
    [
        ([(1, 2, 3)], [0, 0, 0]),
        ([(1, 2, 3)] * 4, [0, 0, 0]),
        ([(0, 0, 0), (0, 2, 0)], [0, 0, 2]),
        (SQUARE.xyz, [0, 1, 1]),
    ],
    ids=["one point", "one place", "a line", "a square"],
)
def test_solids_may_have_no_width(points, size, oriented, up):
    item = object_of(PointCloud(np.array(points, np.float32)), oriented=oriented, up=up)
    np.testing.assert_allclose(np.sort(item.size), size, atol=1e-6)
    np.testing.assert_allclose(item.center, np.mean(points, axis=0), atol=1e-6)
    assert np.linalg.norm(item.orientation) == pytest.approx(1)


points = st.lists(st.tuples(*[st.floats(-100, 100, width=32)] * 3), min_size=1, max_size=30)


@given(points, st.booleans(), st.booleans())
def test_any_points_lie_in_their_box(xyz, oriented, upright):
    cloud = PointCloud(np.array(xyz, np.float32))
    item = object_of(cloud, oriented=oriented, up=(1, 2, 3) if upright else None)
    assert contains(item, cloud.xyz, tolerance=1e-4)


# Other frames


def test_a_box_along_the_axes_lies_along_those_of_the_other_frame():
    quarter = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    item = transformed(object_of(box((0.3, 0.1, 0.2)), label="a", confidence=0.3, id="1"), quarter, (1, 2, 3))
    np.testing.assert_allclose(item.size, [0.1, 0.3, 0.2], atol=1e-6)
    np.testing.assert_allclose(item.center, [0.95, 2.15, 3.1], atol=1e-6)
    assert (item.label, item.confidence, item.id, item.orientation) == ("a", 0.3, "1", (0, 0, 0, 1))


def test_a_turned_box_is_turned_on():
    before = object_of(box((0.3, 0.1, 0.2), 1), oriented=True)
    turn = solids.rotation(2)
    after = transformed(before, turn, (1, 2, 3))
    np.testing.assert_array_equal(after.size, before.size)
    np.testing.assert_allclose(corners(after), corners(before) @ turn.T + (1, 2, 3), atol=1e-6)
    assert contains(after, after.cloud.xyz)


def test_points_move_with_their_object_and_keep_their_colours():
    cloud = PointCloud(SQUARE.xyz, np.full((4, 3), 9, np.uint8))
    item = transformed(object_of(cloud), solids.rotation(3), (1, 2, 3))
    np.testing.assert_allclose(item.cloud.xyz, SQUARE.xyz @ solids.rotation(3).T + (1, 2, 3), atol=1e-6)
    assert item.cloud.rgb is cloud.rgb
