"""The model `obstacles_depth`: obstacles in a depth image."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from vision_service.camera.synthetic import Synthetic
from vision_service.configuration import attributes, configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.projection import depth_to_cloud, project
from vision_service.resources import LocalResources
from vision_service.types import Frame
from vision_service.vision.model import Needs, methods
from vision_service.vision.obstacles_depth import ObstaclesDepth


def make(**values) -> ObstaclesDepth:
    values = {
        "max_dist_from_plane": 0.01,
        "ground_angle_tolerance_degs": 60,  # the camera looks down at its table
        "only_above_plane": True,
        "only_over_plane": True,
        "min_points_in_segment": 200,
        **values,
    }
    return ObstaclesDepth(configure(ObstaclesDepth.Config, values, of="the model obstacles_depth"), LocalResources())


@cache
def rendered(seed: int) -> Frame:
    """What the synthetic camera sees of its table, with five solids on it."""
    return Synthetic(configure(Synthetic.Config, {"seed": seed}, of="it"), LocalResources()).read()


def test_it_segments_depth_and_up_is_not_configured():
    assert methods(make()) == {"segment"}
    assert make().needs == Needs.DEPTH | Needs.INTRINSICS
    assert "ground_plane_normal_vec" not in attributes(ObstaclesDepth.Config)


@pytest.mark.parametrize("seed", [0, 3])
def test_every_solid_on_the_table_is_found_where_it_is(seed):
    frame = rendered(seed)
    found, ids = make().segment(frame), frame.extra["ids"]
    assert len(found) == 5
    seen = set()
    for item in found:
        pixels = project(item.cloud.xyz, frame.intrinsics).round().astype(int)
        shown = ids[pixels[:, 1], pixels[:, 0]]
        solid = int(np.bincount(shown).argmax())
        together = np.count_nonzero(shown == solid)
        assert together / (np.count_nonzero(ids == solid) + len(shown) - together) > 0.85
        np.testing.assert_array_equal(item.cloud.rgb, frame.image.rgb[pixels[:, 1], pixels[:, 0]])
        seen.add(solid)
    assert seen == {1, 2, 3, 4, 5}


def test_a_ground_that_leans_as_far_as_it_may_is_doubted():
    model = make(ground_angle_tolerance_degs=30)  # the camera looks down by more
    model.segment(rendered(0))
    assert "raise 'ground_angle_tolerance_degs' (30°)" in model.warning
    model = make()
    model.segment(rendered(0))
    assert model.warning == ""


def test_without_an_image_objects_have_no_colours():
    found = make().segment(replace(rendered(0), image=None))
    assert len(found) == 5
    assert all(item.cloud.rgb is None for item in found)


def test_without_intrinsics_there_is_no_answer():
    with pytest.raises(VisionError, match="no intrinsics") as caught:
        make().segment(replace(rendered(0), intrinsics=None))
    assert caught.value.code == ErrorCode.NOT_CALIBRATED


def test_without_depth_there_is_no_answer():
    with pytest.raises(VisionError) as caught:
        make().segment(replace(rendered(0), depth=None))
    assert caught.value.code == ErrorCode.NO_DEPTH


def test_depth_of_another_size_than_the_image_is_refused():
    frame = rendered(0)
    with pytest.raises(VisionError) as caught:
        make().segment(replace(frame, depth=frame.depth[::2, ::2].copy()))
    assert caught.value.code == ErrorCode.NOT_CALIBRATED


@pytest.mark.parametrize("nothing", [np.nan, 0.0, np.inf])
def test_where_depth_is_nowhere_known_there_are_no_obstacles(nothing):
    frame = rendered(0)
    assert make().segment(replace(frame, depth=np.full_like(frame.depth, nothing))) == []


def told_apart(frame: Frame) -> list[tuple]:
    """Return what is found where objects that touch are told apart: of each the points, and the box."""
    found = make(split_touching=True, min_range=0.0, only_over_plane=False).segment(frame)
    return [(len(item.cloud), *item.center.tolist(), *item.size.tolist()) for item in found]


@pytest.fixture(scope="module")
def odd_pixels():
    """Pixels here and there, and some together; and what is found where nothing was measured at them."""
    frame = rendered(0)
    pixels = np.zeros(frame.depth.shape, bool)
    pixels[::40, ::40] = pixels[100:110, 100:130] = True
    return pixels, told_apart(replace(frame, depth=np.where(pixels, np.float32(np.nan), frame.depth)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("depth", [3.4028235e38, 1e13, 0.01, 1e-3, 1e-6, 1e-12, 1e-30, 1e-42])
def test_odd_pixels_do_not_change_what_is_found_of_the_others(odd_pixels, depth):
    """They are as drivers write them where nothing was measured, or garbage."""
    frame, (pixels, wanted) = rendered(0), odd_pixels
    assert len(wanted) == 7
    assert told_apart(replace(frame, depth=np.where(pixels, np.float32(depth), frame.depth))) == wanted


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "point",
    [(np.nan, 0, 1), (0, np.inf, 1), (3e38, 0, 1), (0.3, 0, 1e-6), (0.3, 0.1, 1e-20), (1e6, 0, 1), (0, -1e11, 3)],
    ids=str,
)
def test_odd_points_do_not_change_what_is_found_of_the_others(odd_pixels, point):
    """Such as those of a camera driver of one's own, and what lies beside a wide lens."""
    frame, (pixels, wanted) = rendered(0), odd_pixels
    cloud = depth_to_cloud(frame.depth, frame.intrinsics, frame.image.rgb)
    cloud.xyz[pixels] = point
    assert told_apart(replace(frame, cloud=cloud)) == wanted
