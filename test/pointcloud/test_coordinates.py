"""Which points were measured, and where their coordinates are counted from."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

import solids
from vision_service.configuration import configure
from vision_service.pointcloud.coordinates import FAR, FARTHEST, cloud_of_columns, exists, is_measured, moved, rebased
from vision_service.pointcloud.icp import fit
from vision_service.pointcloud.merging import merge
from vision_service.pointcloud.objects import finite, merged, object_of, transformed
from vision_service.pointcloud.pixels import fit_pinhole
from vision_service.pointcloud.view import render, shades, view_of
from vision_service.resources import LocalResources
from vision_service.types import Frame, PointCloud
from vision_service.vision import MODELS

MAP = (492818.0, 5527515.0, 100.0)
WILD = st.floats(-(2**36), 2**36, width=32) | st.sampled_from(
    [0.0, -0.0, np.nan, np.inf, -np.inf, 2.0**60, -(2.0**100), np.finfo(np.float32).max, np.finfo(np.float32).min]
)
"""Far less than FARTHEST, or far more."""
NEAR = PointCloud(np.array([(1, 2, 3), (4, 5, 6), (7, 8, 10)], np.float32), np.arange(9, dtype=np.uint8).reshape(3, 3))


def on_map(cloud=NEAR, origin=MAP):
    return dataclasses.replace(cloud, origin=origin)


@given(nps.arrays(st.sampled_from([np.float32, np.float64]), st.tuples(st.integers(0, 20), st.just(3)), elements=WILD))
def test_measured_is_what_a_sensor_can_reach_and_not_the_sensor_itself(xyz):
    expected = (np.abs(xyz) < FARTHEST).all(axis=1) & xyz.any(axis=1)
    assert is_measured(xyz).tolist() == expected.tolist()


@given(nps.arrays(np.float32, st.tuples(st.integers(0, 20), st.just(3)), elements=WILD))
def test_single_precision_is_kept_as_it_is(xyz):
    cloud = cloud_of_columns(xyz.T)
    assert cloud.origin == (0, 0, 0)
    np.testing.assert_array_equal(cloud.xyz[is_measured(xyz)], xyz[is_measured(xyz)])
    assert np.isnan(cloud.xyz[~is_measured(xyz)]).all()


@given(
    nps.arrays(np.float64, st.tuples(st.integers(1, 20), st.just(3)), elements=st.floats(-100, 100)),
    st.tuples(*[st.floats(-1e7, 1e7)] * 3),
)
def test_double_precision_is_kept_wherever_the_points_are(xyz, place):
    points = xyz + place
    cloud = cloud_of_columns(points.T)
    known = is_measured(points)
    np.testing.assert_allclose(cloud.absolute[known], points[known], rtol=0, atol=1e-4)
    assert any(cloud.origin) == bool(np.abs(np.median(points[known], axis=0)).max() > FAR) if known.any() else True


def test_a_stray_point_does_not_make_the_others_coarse():
    points = np.array([(5e6 + 0.001, 0, 0), (5e6 + 0.002, 0, 0), (5e6 + 0.003, 0, 0), (-9e9, 0, 0)])
    cloud = cloud_of_columns(points.T)
    np.testing.assert_allclose(cloud.absolute[:3], points[:3], rtol=0, atol=1e-9)
    np.testing.assert_allclose(cloud.absolute[3], points[3], rtol=1e-6)


def test_whole_numbers_are_coordinates_too():
    cloud = cloud_of_columns(np.array([(5_000_000, 1, 2), (5_000_001, 1, 2)]).T)
    assert cloud.absolute.tolist() == [[5_000_000, 1, 2], [5_000_001, 1, 2]]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("far", [3e38, 1e38, 1e20, 1e300])
@pytest.mark.parametrize("name", ["obstacles_pointcloud", "clusters"])
def test_numbers_that_no_sensor_measures_are_no_points(name, far):
    """Some drivers write the largest float where nothing came back."""
    cls = MODELS.get(name)
    points = np.array([(0.01 * x, 0.01 * y, 1.0) for x in range(40) for y in range(40)])
    stray = np.array([(far, far, far), (-far, 0, far), (0, 0, -far)])
    found = [
        cls(configure(cls.Config, {}, of=name), LocalResources()).segment(Frame(cloud=cloud_of_columns(columns.T)))
        for columns in (np.concatenate([points, stray]), points, stray)
    ]
    assert [len(each.cloud.xyz) for each in found[0]] == [len(each.cloud.xyz) for each in found[1]]
    assert found[2] == []


def test_a_point_at_the_place_it_is_counted_from_exists():
    cloud = PointCloud(np.array([(0, 0, 0), (np.nan, 0, 0)], np.float32), origin=MAP)
    assert exists(cloud).tolist() == [True, False]
    assert finite(cloud).absolute.tolist() == [list(MAP)]
    assert exists(dataclasses.replace(cloud, origin=(0.0, 0.0, 0.0))).tolist() == [False, False]


def test_the_same_points_are_counted_from_another_place():
    cloud = rebased(on_map(), (492800.0, 5527500.0, 0.0))
    np.testing.assert_array_equal(cloud.absolute, on_map().absolute)
    assert cloud.xyz[0].tolist() == [19, 17, 103]
    assert rebased(cloud, cloud.origin) is cloud


@pytest.mark.parametrize("start", [(0.0, 0.0, 0.0), MAP])
@pytest.mark.parametrize("shift", [(0.0, 0.0, 0.0), (0.5, -2.0, 1.0), MAP, tuple(-number for number in MAP)])
def test_points_are_moved_exactly_to_and_from_far_places(start, shift):
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    cloud = on_map(origin=start)
    result = moved(cloud, turn, shift)
    expected = cloud.absolute.astype(np.float64) @ turn.T + shift
    np.testing.assert_allclose(result.absolute, expected, rtol=0, atol=1e-4)
    assert any(result.origin) == bool(np.abs(turn @ start + shift).max() > FAR)
    np.testing.assert_array_equal(result.rgb, cloud.rgb)


def test_an_object_is_transformed_to_a_map_and_back():
    item = object_of(NEAR, oriented=True)
    turn = solids.rotation(2)
    there = transformed(item, turn, MAP)
    np.testing.assert_allclose(there.center - MAP, turn @ item.center, atol=1e-6)
    np.testing.assert_allclose(there.cloud.absolute - MAP, item.cloud.xyz @ turn.T, atol=1e-4)
    back = transformed(there, turn.T, -turn.T @ MAP)
    np.testing.assert_allclose(back.cloud.absolute, item.cloud.xyz, atol=1e-4)


def test_objects_with_origins_of_their_own_become_one_cloud():
    cloud, numbers = merged([object_of(on_map()), object_of(rebased(on_map(), (492000.0, 5527000.0, 0.0)))])
    np.testing.assert_allclose(cloud.absolute, np.tile(on_map().absolute, (2, 1)), atol=1e-3)
    assert numbers.tolist() == [1, 1, 1, 2, 2, 2]
    assert cloud.origin == MAP


@pytest.mark.parametrize("icp_distance", [0.0, 0.1])
def test_clouds_with_origins_of_their_own_are_merged(icp_distance):
    room = solids.table()[0]
    one, other = on_map(PointCloud(room.xyz)), rebased(on_map(PointCloud(room.xyz)), (492820.0, 5527516.0, 99.0))
    cloud = merge([one, other], icp_distance=icp_distance)
    assert cloud.origin == MAP
    np.testing.assert_allclose(cloud.xyz, np.tile(room.xyz, (2, 1)), atol=1e-4)
    assert fit(one.xyz, cloud.xyz, 0.1).translation == pytest.approx(np.zeros(3), abs=1e-3)


def test_a_cloud_is_drawn_the_same_wherever_it_is():
    room = PointCloud(solids.table()[0].xyz)
    images = []
    for cloud in (room, on_map(room)):
        view = view_of(cloud)
        images.append(render(cloud, shades(cloud, view), view))
    assert np.mean(images[0] != images[1]) < 0.01


def test_a_camera_is_found_whatever_its_points_are_counted_from():
    z = np.linspace(2000, 3000, 30 * 40).reshape(30, 40)
    x, y = np.meshgrid(np.arange(40) - 20, np.arange(30) - 15)
    xyz = np.stack([x / 50 * z, y / 50 * z, z], axis=-1)
    plain = PointCloud(xyz.astype(np.float32))
    found = fit_pinhole(cloud_of_columns(np.moveaxis(xyz, -1, 0)))
    assert (found.fx, found.cx) == pytest.approx((fit_pinhole(plain).fx, fit_pinhole(plain).cx), rel=1e-4)
