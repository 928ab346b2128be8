"""Which pixel shows which point."""

import dataclasses

import numpy as np
import pytest

import testdata
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.pointcloud.pcd import read_pcd
from vision_service.pointcloud.pixels import SeenPoints, fit_pinhole, seen_points
from vision_service.pointcloud.projection import depth_to_cloud
from vision_service.types import CameraIntrinsics, Frame, PointCloud

PINHOLE = CameraIntrinsics(40, 30, 50.0, 50.0, 20.0, 15.0)
IMAGE = Image(np.arange(30 * 40 * 3, dtype=np.uint32).astype(np.uint8).reshape(30, 40, 3))


def with_depth(depth=2.0, **values) -> Frame:
    return Frame(**{"image": IMAGE, "depth": np.full((30, 40), depth, np.float32), "intrinsics": PINHOLE, **values})


def with_cloud(xyz, **values) -> Frame:
    return Frame(**{"image": IMAGE, "cloud": PointCloud(xyz.astype(np.float32)), "intrinsics": PINHOLE, **values})


def pixels(points: SeenPoints) -> list[tuple[int, int]]:
    return list(zip(points.columns.tolist(), points.rows.tolist(), strict=True))


def test_a_point_of_depth_is_shown_by_its_own_pixel():
    frame = with_depth(np.nan)
    frame.depth[3, 7] = frame.depth[20, 0] = 2.0
    points = seen_points(frame)
    assert pixels(points) == [(7, 3), (0, 20)]
    np.testing.assert_array_equal(points.cloud.rgb, [IMAGE.pixels[3, 7], IMAGE.pixels[20, 0]])


def test_a_point_of_a_cloud_organized_like_the_image_too_without_calibration():
    xyz = np.full((30, 40, 3), np.nan)
    xyz[3, 7] = (9, 9, 1)
    assert pixels(seen_points(with_cloud(xyz, intrinsics=None))) == [(7, 3)]


def test_other_points_are_projected():
    frame = with_depth()
    cloud = depth_to_cloud(frame.depth, PINHOLE, IMAGE.rgb, organized=False)
    points = seen_points(dataclasses.replace(frame, cloud=cloud))
    assert pixels(points) == [(column, row) for row in range(30) for column in range(40)]
    np.testing.assert_array_equal(points.cloud.xyz, cloud.xyz)
    np.testing.assert_array_equal(points.cloud.rgb, cloud.rgb)


def test_a_projected_point_belongs_to_the_nearest_pixel():
    # Pixel 20, 15 looks straight ahead; its neighbours' rays are 0.02 apart.
    xyz = np.array(
        [[0.009, 0.009, 1], [0.011, -0.011, 1], [-0.409, 0, 1], [-0.411, 0, 1], [0.389, 0, 1], [0.391, 0, 1]]
    )
    assert pixels(seen_points(with_cloud(xyz))) == [(20, 15), (21, 14), (0, 15), (39, 15)]


def test_points_behind_and_beside_the_camera_are_not_seen():
    xyz = np.array([[0, 0, 2], [0, 0, -2], [0, 0, 0], [9, 0, 1], [np.inf, 0, 1], [np.nan, 0, 1], [0, 0, np.inf]])
    np.testing.assert_array_equal(seen_points(with_cloud(xyz)).cloud.xyz, xyz[:1])


@pytest.mark.parametrize("model", ["plumb_bob", "equidistant"])
def test_a_point_far_outside_of_the_view_is_not_bent_into_it(model):
    coefficients = (-0.4, 0.2, 0.0, 0.0, -0.05) if model == "plumb_bob" else (-0.01, 0.0, 0.0, 0.0)
    lens = dataclasses.replace(PINHOLE, distortion_model=model, distortion=coefficients)
    depth = np.full((30, 40), 2.0, np.float32)
    visible = depth_to_cloud(depth, lens, organized=False).xyz
    angles = np.radians(np.linspace(45, 89, 500))
    beside = np.stack([np.sin(angles), np.zeros(500), np.cos(angles)], axis=1).astype(np.float32)
    cloud = np.concatenate([visible, beside, beside * (-1, 1, 1)])
    points = seen_points(with_cloud(cloud, intrinsics=lens))
    np.testing.assert_array_equal(points.cloud.xyz, visible)
    np.testing.assert_array_equal(points.rows * 40 + points.columns, np.arange(30 * 40))


def test_all_points_may_be_behind_the_camera():
    assert pixels(seen_points(with_cloud(np.full((30, 40, 3), -1.0)))) == []


def test_a_pixel_is_within_a_box_if_its_centre_is():
    points = seen_points(with_depth())
    inside = points.within(9.4, 10.6, 19.4, 20.6)
    columns, rows = points.places(inside)
    assert (columns.min(), columns.max()) == (9, 18)
    assert (rows.min(), rows.max()) == (11, 20)
    assert len(inside) == 100


def test_it_makes_no_difference_whether_points_lie_in_rows_and_columns():
    frame = with_depth(np.nan)
    frame.depth[::2, ::3] = 2.0
    listed = depth_to_cloud(frame.depth, PINHOLE, IMAGE.rgb, organized=False)
    organized, projected = seen_points(frame), seen_points(dataclasses.replace(frame, cloud=listed))
    for box in [(0, 0, 40, 30), (3.2, 4.7, 30.5, 20.5), (-5, 10, 8, 99), (12, 12, 13, 13)]:
        one, other = organized.within(*box), projected.within(*box)
        np.testing.assert_array_equal(organized.places(one), projected.places(other))
        np.testing.assert_array_equal(organized.flat.xyz[one], projected.flat.xyz[other])
        np.testing.assert_array_equal(organized.flat.rgb[one], projected.flat.rgb[other])


def test_what_was_not_measured_is_within_no_box_even_if_its_depth_was():
    xyz = np.ones((30, 40, 3))
    xyz[4, 5, 0], xyz[6, 7, 2], xyz[8, 9] = np.nan, -1, 0
    points = seen_points(with_cloud(xyz))
    window = points.within(0, 0, 40, 30)
    assert sorted(set(range(1200)) - set(window.tolist())) == [4 * 40 + 5, 6 * 40 + 7, 8 * 40 + 9]
    np.testing.assert_array_equal(points.measured(np.arange(1200)), window)


@pytest.mark.parametrize("box", [(50, 50, 60, 60), (20, 20, 10, 10), (float("nan"), 10, 20, 20)])
def test_nothing_is_within_such_a_box(box):
    assert not len(seen_points(with_depth()).within(*box))


LISTED = PointCloud(np.ones((5, 3), np.float32))


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"image": None, "camera_name": "front"}, ErrorCode.NO_FRAME, "'front' has no colour image"),
        ({"depth": None}, ErrorCode.NO_DEPTH, "neither a point cloud nor depth"),
        ({"depth": np.ones((15, 20), np.float32)}, ErrorCode.NOT_CALIBRATED, "40×30 and 20×15"),
        ({"intrinsics": None}, ErrorCode.NOT_CALIBRATED, "intrinsics"),
        ({"depth_intrinsics": PINHOLE}, ErrorCode.NOT_CALIBRATED, "register it to the colour image"),
        (
            {"cloud": LISTED, "intrinsics": None},
            ErrorCode.NOT_CALIBRATED,
            "without intrinsics they cannot be projected",
        ),
        (
            {"cloud": LISTED, "intrinsics": CameraIntrinsics(80, 60, 1, 1, 0, 0)},
            ErrorCode.NOT_CALIBRATED,
            "80×60 pixels, but its image has 40×30",
        ),
    ],
    ids=[
        *(
            "no image",
            "no depth",
            "depth of another size",
            "no intrinsics",
            "depth of another imager",
        ),
        *("a list of points without intrinsics", "intrinsics of another size"),
    ],
)
def test_where_the_pixels_are_not_known_it_says_what_is_missing(changes, code, words):
    with pytest.raises(VisionError) as caught:
        seen_points(dataclasses.replace(with_depth(), **changes))
    assert caught.value.code == code
    assert words in caught.value.message


@pytest.mark.parametrize("xyz", [np.empty((0, 3)), np.full((30, 40, 3), np.nan), np.zeros((30, 40, 3))])
def test_of_what_was_not_measured_nothing_is_seen(xyz):
    points = seen_points(dataclasses.replace(with_depth(), cloud=PointCloud(xyz.astype(np.float32))))
    assert (len(points.cloud), len(points.columns), len(points.rows)) == (0, 0, 0)
    assert points.within(0, 0, 40, 30).shape == (0,)


@pytest.mark.parametrize(
    "name", ["capture0001.pcd", "five_people.pcd", "osd_learn33.pcd", "table_scene_mug_stereo_textured.pcd"]
)
def test_the_camera_of_a_real_cloud_is_the_one_that_was_measured(name):
    fitted = fit_pinhole(read_pcd(testdata.path(f"clouds/{name}")))
    expected = testdata.expected()["clouds"][name]["pinhole_fit"]
    found = [fitted.fx, fitted.fy, fitted.cx, fitted.cy]
    assert found == pytest.approx([expected[key] for key in ("fx", "fy", "cx", "cy")], abs=0.02)
    assert (fitted.width, fitted.height) == (640, 480)


def test_the_camera_of_depth_is_found_through_gaps():
    camera = CameraIntrinsics(40, 30, 50.0, 60.0, 22.0, 13.0)
    depth = np.random.default_rng(1).uniform(1, 3, (30, 40)).astype(np.float32)
    depth[::2, ::3] = np.nan
    fitted = fit_pinhole(depth_to_cloud(depth, camera))
    assert [fitted.fx, fitted.fy, fitted.cx, fitted.cy] == pytest.approx([50, 60, 22, 13], abs=1e-3)


def around(height=32, width=200) -> np.ndarray:
    """Points that a turning lidar sees: rows and columns are angles."""
    across, up = np.meshgrid(np.linspace(-np.pi, np.pi, width), np.linspace(-0.4, 0.4, height))
    return 5 * np.stack([np.sin(across) * np.cos(up), np.sin(up), np.cos(across) * np.cos(up)], axis=-1)


@pytest.mark.parametrize(
    "xyz",
    [
        np.ones((1000, 3)),
        np.full((30, 40, 3), np.nan),
        np.ones((30, 40, 3)),
        around(),
        np.random.default_rng(1).uniform(1, 3, (30, 40, 3)),
        np.empty((0, 0, 3)),
    ],
    ids=["not organized", "no points", "all in one place", "a lidar", "without order", "empty"],
)
def test_there_is_no_camera_that_sees_such_a_cloud(xyz):
    assert fit_pinhole(PointCloud(xyz.astype(np.float32))) is None
