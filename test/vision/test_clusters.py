"""The model `clusters`: objects as points that lie close together."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import solids
from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.pointcloud.coordinates import is_measured
from vision_service.resources import LocalResources
from vision_service.types import CameraIntrinsics, Frame, PointCloud
from vision_service.vision.clusters import Clusters
from vision_service.vision.model import Needs, methods, only_live_changes


def make(**values) -> Clusters:
    return Clusters(configure(Clusters.Config, values, of="the model clusters"), LocalResources())


def boxes() -> PointCloud:
    """The boxes of the table, without the table."""
    cloud, truth = solids.table()
    return PointCloud(cloud.xyz[truth >= 0], cloud.rgb[truth >= 0])


def frame(xyz, rgb=None) -> Frame:
    return Frame(cloud=PointCloud(np.array(xyz, np.float32), rgb))


def code_of(caught) -> ErrorCode:
    return caught.value.code


def test_it_segments_clouds():
    assert methods(make()) == {"segment"}
    assert make().needs == Needs.CLOUD


def test_each_box_is_an_object_the_largest_first():
    found = make(clustering_distance=0.02).segment(Frame(cloud=boxes()))
    sizes = sorted((size for _, size in solids.BOXES), key=lambda size: -len(solids.shell(size)))
    assert [len(item.cloud) for item in found] == [len(solids.shell(size)) for size in sizes]
    for item, size in zip(found, sizes, strict=True):
        np.testing.assert_allclose(item.size, size, atol=1e-6)
        assert item.confidence == 1
        assert item.label == ""


def test_points_keep_their_colours():
    found = make().segment(Frame(cloud=boxes()))
    assert [np.unique(item.cloud.rgb).tolist() for item in found] == [[60], [110], [160]]
    assert all(item.cloud.rgb is None for item in make().segment(Frame(cloud=PointCloud(boxes().xyz))))


def test_the_automatic_distance_follows_the_cloud_s_resolution():
    for scale in (0.001, 1, 1000):
        found = make(min_range=0.0).segment(Frame(cloud=PointCloud(boxes().xyz * np.float32(scale))))
        assert len(found) == 3


def test_missing_points_of_an_organized_cloud_are_left_out():
    xyz = np.full((4, 5, 3), np.nan, np.float32)
    xyz[1:3, 1:4] = 1 + np.arange(18).reshape(2, 3, 3) * 0.01
    (item,) = make(clustering_distance=1.0, min_points_in_segment=1).segment(Frame(cloud=PointCloud(xyz)))
    assert item.cloud.xyz.shape == (6, 3)


def test_depth_and_its_image_serve_as_a_cloud():
    depth = np.full((20, 20), np.nan, np.float32)
    depth[:, :5], depth[:, 15:] = 1.0, 2.0
    colours = np.zeros((20, 20, 3), np.uint8)
    colours[:, :5] = 200
    intrinsics = CameraIntrinsics(20, 20, 20.0, 20.0, 9.5, 9.5)
    near, far = make(clustering_distance=0.3).segment(Frame(Image(colours), depth, intrinsics=intrinsics))
    assert {near.center[2], far.center[2]} == {1, 2}
    assert {near.cloud.rgb.max(), far.cloud.rgb.max()} == {0, 200}


@pytest.mark.parametrize(
    ("limits", "count"),
    [
        ({}, 3),
        ({"min_points_in_segment": 1200}, 2),
        ({"max_points_in_segment": 1300}, 2),
        ({"min_points_in_segment": 10_000}, 0),
    ],
)
def test_too_small_and_too_large_objects_are_left_out(limits, count):
    assert len(make(**limits).segment(Frame(cloud=boxes()))) == count


def test_only_what_is_inside_the_box_is_looked_at():
    model = make(min_corner=[0.0, 0.0, -1.0], max_corner=[0.25, float("inf"), 1.0])
    (item,) = model.segment(Frame(cloud=boxes()))
    np.testing.assert_allclose(item.center[:2], (0.14, 0.13), atol=1e-6)
    assert make(min_corner=[5, 5, 5]).segment(Frame(cloud=boxes())) == []


def test_objects_have_the_label_of_the_configuration():
    model = make(label="box")
    assert {item.label for item in model.segment(Frame(cloud=boxes()))} == {"box"}
    assert model.labels == ("box",)


def test_boxes_may_be_turned():
    turned = PointCloud((boxes().xyz @ solids.rotation(1).T).astype(np.float32))
    straight, tight = (make(oriented_boxes=oriented).segment(Frame(cloud=turned)) for oriented in (False, True))
    assert sum(item.size.prod() for item in tight) < 0.7 * sum(item.size.prod() for item in straight)


def test_live_attributes_take_effect_without_a_new_model():
    model = make()
    live = replace(model.config, min_points_in_segment=1200, label="box")
    assert only_live_changes(model.config, live)
    model.update(live)
    assert [item.label for item in model.segment(Frame(cloud=boxes()))] == ["box", "box"]
    assert model.labels == ("box",)


def test_one_point_is_too_few_unless_one_is_enough():
    assert make().segment(frame([[1, 2, 3]])) == []
    (item,) = make(min_points_in_segment=1).segment(frame([[1, 2, 3]]))
    assert (item.center.tolist(), item.size.tolist()) == ([1, 2, 3], [0, 0, 0])


@pytest.mark.parametrize("points", [[[1, 2, 3]] * 20, [[0, 0, i + 1] for i in range(20)]], ids=["one place", "a line"])
def test_flat_clouds_are_objects(points):
    (item,) = make().segment(frame(points))
    assert len(item.cloud) == 20


@pytest.mark.parametrize(
    "cloud", [np.empty((0, 3)), np.full((4, 5, 3), np.nan), np.full((20, 3), np.inf), np.zeros((4, 5, 3))]
)
def test_a_cloud_without_measured_points_has_no_objects(cloud):
    assert make(min_points_in_segment=1).segment(frame(cloud)) == []


def test_the_error_message_names_the_camera():
    with pytest.raises(VisionError, match="the point cloud of camera 'front' has 2 points"):
        make(max_points=1).segment(replace(frame([[1, 2, 3], [4, 5, 6]]), camera_name="front"))


# Large coordinates

MAP = (492818.0, 5527515.0, 100.0)


@pytest.mark.parametrize("oriented", [False, True])
def test_objects_far_from_the_frame_s_origin_are_told_apart_and_are_where_they_are(oriented):
    near = make(oriented_boxes=oriented).segment(Frame(cloud=boxes()))
    far = make(oriented_boxes=oriented).segment(Frame(cloud=replace(boxes(), origin=MAP)))
    for one, other in zip(near, far, strict=True):
        np.testing.assert_allclose(other.center - MAP, one.center, atol=1e-9)
        np.testing.assert_allclose(other.cloud.absolute - MAP, one.cloud.xyz, atol=1e-9)
        assert other.size.tolist() == one.size.tolist()


def test_the_region_of_interest_is_in_the_coordinates_of_the_frame():
    low, high = np.add(MAP, (0, 0, -1)).tolist(), np.add(MAP, (0.25, 1, 1)).tolist()
    (item,) = make(min_corner=low, max_corner=high).segment(Frame(cloud=replace(boxes(), origin=MAP)))
    np.testing.assert_allclose(item.center[:2] - MAP[:2], (0.14, 0.13), atol=1e-6)


@pytest.mark.parametrize("distance", [0.0, 0.1])
def test_coordinates_too_large_for_their_precision_are_refused_with_the_way_out(distance):
    rounded = boxes().xyz + np.array(MAP, np.float32)
    with pytest.raises(VisionError, match="FLOAT64 in messages, SIZE 8 in PCD files") as caught:
        make(clustering_distance=distance).segment(frame(rounded))
    assert code_of(caught) == ErrorCode.INVALID_ARGUMENT
    assert "5.52752e+06 m" in caught.value.message and "steps of 0.5 m" in caught.value.message


@pytest.mark.parametrize("distance", [0.0, 0.02])
def test_points_a_few_kilometres_away_are_fine_enough(distance):
    rounded = boxes().xyz + np.array((3000, 4000, 100), np.float32)
    assert len(make(clustering_distance=distance).segment(frame(rounded))) == 3


def test_the_same_points_may_be_fine_enough_for_a_greater_distance():
    towns = np.random.default_rng(0).normal(size=(2, 500, 3)) * 100 + [[[0, 0, 0]], [[3000, 0, 0]]] + MAP
    assert len(make(clustering_distance=200.0).segment(frame(towns.reshape(-1, 3)))) == 2


def test_limits_of_points_and_cells_are_kept_with_a_message_each():
    random = np.random.default_rng(0).uniform(size=(1000, 3))
    assert len(make(max_points=1000).segment(frame(random))) == 1
    with pytest.raises(VisionError, match="1000 points, more than the 999 of 'max_points'") as caught:
        make(max_points=999).segment(frame(random))
    assert code_of(caught) == ErrorCode.INVALID_ARGUMENT
    with pytest.raises(VisionError, match="more than the 100 of 'max_voxels'") as caught:
        make(max_voxels=100, clustering_distance=0.01).segment(frame(random))
    assert code_of(caught) == ErrorCode.INVALID_ARGUMENT


def test_a_frame_with_nothing_in_space_is_refused():
    with pytest.raises(VisionError, match="neither a point cloud nor depth") as caught:
        make().segment(Frame(image=Image(np.zeros((2, 2, 3), np.uint8))))
    assert code_of(caught) == ErrorCode.NO_DEPTH


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"min_corner": [1.0, 2.0]}, r"'min_corner' must be three numbers x, y, z, or empty, not \[1.0, 2.0\]"),
        ({"max_corner": [1.0]}, "'max_corner' must be three numbers"),
        ({"min_corner": [0, 5, 0], "max_corner": [1, 1, 1]}, "its y 5 is above 1"),
        ({"clustering_distance": -0.1}, "'clustering_distance' must be a number, at least 0 m"),
        ({"clustering_radius": 0}, "'clustering_radius' must be an integer, at least 1"),
        ({"clustering_strictness": 0.5}, "'clustering_strictness' must be a number, at least 1"),
        ({"min_points_in_segment": 0}, "'min_points_in_segment' must be an integer, at least 1"),
    ],
)
def test_attributes_that_make_no_sense_are_refused(values, message):
    with pytest.raises(VisionError, match=message) as caught:
        make(**values)
    assert code_of(caught) == ErrorCode.INVALID_ARGUMENT


@given(st.permutations(range(40)))
def test_the_order_of_the_points_does_not_matter(order):
    xyz = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)

    def grouped(points):
        found = make(clustering_distance=0.7, min_points_in_segment=2).segment(frame(points))
        return [sorted(item.cloud.xyz.tolist()) for item in found]

    assert grouped(xyz[list(order)]) == grouped(xyz)


wild = st.floats(width=32) | st.sampled_from([0.0, 1.0, -1.0])


@given(st.lists(st.tuples(wild, wild, wild), max_size=30), st.booleans())
def test_any_cloud_gives_objects_or_a_message_of(points, oriented):
    xyz = np.array(points, np.float32).reshape(-1, 3)
    try:
        found = make(min_points_in_segment=1, oriented_boxes=oriented, min_range=0.0).segment(frame(xyz))
    except VisionError as error:
        assert error.code == ErrorCode.INVALID_ARGUMENT
    else:
        assert sum(len(item.cloud) for item in found) == is_measured(xyz).sum()
