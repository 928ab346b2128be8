"""The transform camera: its steps, and that calibration, depth and points follow all of them."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vision_service.camera import DRIVERS
from vision_service.camera.driver import CameraDriver
from vision_service.camera.synthetic import Synthetic
from vision_service.camera.transform import Transform
from vision_service.camera.transforms import TRANSFORMS
from vision_service.configuration import configure
from vision_service.drawing import class_color
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.pointcloud.projection import cloud_of, depth_to_cloud, project
from vision_service.resources import LocalResources
from vision_service.types import CameraIntrinsics, Detection, Frame, PointCloud
from vision_service.vision import MODELS

MODELS_FOLDER = Path(__file__).resolve().parents[2] / "models"
PINHOLE = CameraIntrinsics(200, 150, 180.0, 190.0, 95.0, 78.0)
LENSES = {
    "pinhole": PINHOLE,
    "square": dataclasses.replace(PINHOLE, fy=180.0),
    "plumb_bob": dataclasses.replace(PINHOLE, distortion_model="plumb_bob", distortion=(-0.2, 0.05, 0.01, -0.015, 0.0)),
    "rational": dataclasses.replace(
        PINHOLE,
        distortion_model="rational_polynomial",
        distortion=(0.3, -0.05, 0.008, 0.012, 0.01, 0.05, -0.02, 0.005),
    ),
    "thin_prism": dataclasses.replace(
        PINHOLE,
        distortion_model="thin_prism_fisheye",
        distortion=(-0.2, 0.02, 0.002, 0.003, 0.0, 0.0, 0.0, 0.0, 0.05, -0.01, -0.06, 0.005),
    ),
    "equidistant": dataclasses.replace(PINHOLE, distortion_model="equidistant", distortion=(0.02, -0.01, 0.003, 0.0)),
}

SKEWED = dataclasses.replace(LENSES["equidistant"], skew=4.0)


class Still(CameraDriver):
    """A camera that always sees one frame."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.intrinsics = frame.intrinsics
        self.sources = tuple(n for n, part in (("color", frame.image), ("depth", frame.depth)) if part is not None)
        self.supports_pcd = frame.cloud is not None or (frame.depth is not None and frame.intrinsics is not None)

    def read(self) -> Frame:
        return self.frame


def transform(frame, *steps, vision=None):
    """Return the transform camera of a still one; steps are dictionaries with the type first."""
    names = [f"step{number}" for number in range(len(steps))]
    values = {"source": "cam", "pipeline": names}
    for name, step in zip(names, steps, strict=True):
        values |= {f"{name}.{key}": value for key, value in step.items()}
    resources = LocalResources({"camera": {"cam": lambda _: Still(frame)}, "vision": vision or {}})
    return Transform(configure(Transform.Config, values, of="the driver transform"), resources)


def transformed(frame, *steps, vision=None):
    return transform(frame, *steps, vision=vision).read()


def refused(frame, *steps, vision=None):
    with pytest.raises(VisionError) as caught:
        transformed(frame, *steps, vision=vision)
    return caught.value.code, caught.value.message


def noise(width, height, channels=3):
    """Return pixels that are all different in their places."""
    return np.random.default_rng(1).integers(0, 256, (height, width, channels), np.uint8)


def frame_of(width, height, **parts):
    return Frame(image=Image(noise(width, height)), **parts)


def rotate(angle):
    return {"type": "rotate", "angle_degs": float(angle)}


def resize(width, height):
    return {"type": "resize", "width_px": width, "height_px": height}


def crop(x_min, y_min, x_max, y_max, **more):
    return {
        "type": "crop", "x_min_px": x_min, "y_min_px": y_min, "x_max_px": x_max, "y_max_px": y_max, **more,
    }  # fmt: skip


UNDISTORT = {"type": "undistort"}


def test_it_is_a_driver_by_name_and_its_steps_are_too():
    assert DRIVERS.get("transform") is Transform
    for name in TRANSFORMS.names():
        assert TRANSFORMS.get(name).Config.__doc__


# Crop, resize, rotate: the numbers of the RDK's tests.


@pytest.mark.parametrize(
    ("size", "box", "expected"),
    [
        ((128, 72), (10, 30, 20, 40), (10, 10)),
        ((128, 72), (127, 71, 150, 110), (1, 1)),
        ((100, 100), (0.2, 0.3, 0.4, 0.99), (20, 69)),
        ((100, 100), (0, 0, 1, 1), (1, 1)),
        ((100, 100), (0.5, 0.5, 1, 1), (50, 50)),
        ((100, 100), (0, 0, 1.0, 0.5), (100, 50)),
        ((100, 100), (0.29, 0, 0.58, 1), (29, 100)),
    ],
)
def test_crop(size, box, expected):
    frame = frame_of(*size)
    cut = transformed(frame, crop(*box))
    assert cut.size == expected
    left, top = (round(v * length) if max(box) <= 1 else v for v, length in zip(box[:2], size, strict=True))
    whole = frame.image.rgb[top : top + expected[1], left : left + expected[0]]
    np.testing.assert_array_equal(cut.image.rgb, whole)


def test_a_crop_box_may_be_drawn_instead():
    frame = frame_of(100, 100, depth=np.ones((100, 100), np.float32), intrinsics=None)
    drawn = transformed(frame, crop(20, 30, 60, 70, overlay_crop_box=True))
    assert drawn.size == (100, 100)
    changed = (drawn.image.rgb != frame.image.rgb).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (20, 30, 59, 69)
    assert not changed[35:65, 25:55].any()
    assert drawn.depth is frame.depth


def test_a_crop_outside_of_the_image_is_refused_and_names_both():
    code, message = refused(frame_of(100, 80), crop(100, 0, 120, 50))
    assert code == ErrorCode.INVALID_ARGUMENT
    for word in ("'step0'", "100×80", "100, 0, 120, 50"):
        assert word in message


def test_a_crop_outside_is_refused_before_the_first_frame_where_the_size_is_known():
    with pytest.raises(VisionError, match="leaves nothing of an image of 200×150"):
        transform(frame_of(200, 150, intrinsics=PINHOLE), crop(300, 0, 310, 10))


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (crop(-1, 0, 10, 10), ("'x_min_px'", "at least 0", "-1")),
        (crop(10, 0, 10, 10), ("x_min_px must be less than x_max_px", "10")),
        (crop(0, 20, 10, 10), ("y_min_px must be less than y_max_px", "20")),
        (resize(0, 10), ("'width_px'", "at least 1", "0")),
        (resize(10, -3), ("'height_px'", "at least 1", "-3")),
        ({"type": "resize", "width_px": 3}, ("'height_px' is missing",)),
        ({"type": "rotat"}, ("no transform 'rotat'", "did you mean 'rotate'?")),
        ({"type": "rotate", "angle_deg": 90}, ("'angle_deg'", "did you mean 'angle_degs'?")),
        ({"angle_degs": 90.0}, ("'step0.type' is missing", "rotate, segmentations")),
        ({"type": "detections", "detector_name": "x"}, ("step 'step0'", "'x'")),
        ({"type": "detections"}, ("'detector_name' is missing",)),
        ({"type": "undistort", "distortion_parameters": {"k1": 1.0}}, ("unknown key 'k1'", "rk1")),
    ],
)
def test_a_wrong_step_says_what_is_wrong_and_where(step, words):
    _, message = refused(frame_of(20, 20), step)
    for word in words:
        assert word in message


def test_a_pipeline_needs_steps():
    with pytest.raises(VisionError, match="the pipeline has no steps") as caught:
        transform(frame_of(20, 20))
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT


def test_cameras_in_a_dependency_cycle_are_refused_and_named():
    def looks_at(source):
        values = {"source": source, "pipeline": ["a"], "a.type": "rotate"}
        return lambda resources: Transform(configure(Transform.Config, values, of="it"), resources)

    resources = LocalResources({"camera": {"one": looks_at("two"), "two": looks_at("one")}})
    with pytest.raises(VisionError, match=r"cycle\): one -> two -> one") as caught:
        resources.camera("one")
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT


def test_a_source_that_is_not_there_is_named():
    with pytest.raises(VisionError, match="no camera 'cam'"):
        Transform(
            configure(Transform.Config, {"source": "cam", "pipeline": ["a"], "a.type": "rotate"}, of="it"),
            LocalResources(),
        )


def test_resize():
    assert transformed(frame_of(100, 50), resize(30, 20)).size == (30, 20)


def test_resizing_averages_what_gets_smaller():
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[::2, ::2] = 200
    small = transformed(Frame(image=Image(pixels)), resize(2, 2)).image.rgb
    np.testing.assert_array_equal(small, np.full((2, 2, 3), 50))


@pytest.mark.parametrize(
    ("angle", "size", "corner"),
    [
        (0, (2, 3), (0, 0)),
        (90, (3, 2), (0, 1)),
        (180, (2, 3), (1, 2)),
        (-90, (3, 2), (2, 0)),
        (270, (3, 2), (2, 0)),
        (-180, (2, 3), (1, 2)),
        (360, (2, 3), (0, 0)),
        (-1e-30, (2, 3), (0, 0)),
    ],
)
def test_rotate_takes_the_upper_left_corner_clockwise(angle, size, corner):
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[0, 0] = (255, 0, 0)
    turned = transformed(Frame(image=Image(pixels)), rotate(angle)).image.rgb
    assert turned.shape[:2] == size
    np.testing.assert_array_equal(np.argwhere(turned[..., 0]), [corner])


def test_without_an_angle_images_are_turned_upside_down():
    frame = frame_of(7, 5)
    turned = transformed(frame, {"type": "rotate"})
    np.testing.assert_array_equal(turned.image.rgb, frame.image.rgb[::-1, ::-1])


@pytest.mark.parametrize("angles", [(90, 90, 90, 90), (180, 180), (90, -90), (270, 90)])
def test_turns_that_add_up_to_a_whole_one_leave_all_as_it_was(angles):
    depth = np.random.default_rng(2).uniform(0.5, 4, (150, 200)).astype(np.float32)
    frame = frame_of(200, 150, depth=depth, intrinsics=LENSES["plumb_bob"], frame_id="lens")
    turned = transformed(frame, *map(rotate, angles))
    np.testing.assert_array_equal(turned.image.rgb, frame.image.rgb)
    np.testing.assert_array_equal(turned.depth, depth)
    assert turned.intrinsics == frame.intrinsics
    assert turned.frame_id == "lens"


def test_by_other_angles_the_image_grows_and_its_corners_are_black():
    pixels = np.full((100, 200, 3), 255, np.uint8)
    frame = Frame(image=Image(pixels), depth=np.ones((100, 200), np.float32))
    turned = transformed(frame, rotate(30))
    width, height = 200 * math.cos(math.pi / 6) + 50, 100 * math.cos(math.pi / 6) + 100
    assert turned.size == (math.ceil(width), math.ceil(height))
    assert (turned.image.rgb[[0, 0, -1, -1], [0, -1, 0, -1]] == 0).all()
    assert np.isnan(turned.depth[[0, 0, -1, -1], [0, -1, 0, -1]]).all()
    assert np.count_nonzero(turned.depth == 1) == pytest.approx(200 * 100, rel=0.01)


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "rgba8", "mono8"])
@pytest.mark.parametrize("step", [rotate(90), rotate(20), resize(30, 20), crop(5, 6, 20, 30)], ids=str)
def test_images_keep_their_encoding(step, encoding):
    channels = {"rgba8": 4, "mono8": 1}.get(encoding, 3)
    pixels = noise(60, 40, channels)
    frame = Frame(image=Image(pixels[..., 0] if channels == 1 else pixels, encoding))
    assert transformed(frame, step).image.encoding == encoding


# The intrinsics project a point to the pixel where it is seen.


def dot(size, at):
    """Return a black image with a soft white dot whose middle is at a place between pixels."""
    x, y = np.meshgrid(np.arange(size[0]) - at[0], np.arange(size[1]) - at[1])
    value = 255 * np.exp(-(x**2 + y**2) / (2 * 2.0**2))
    return np.repeat(np.rint(value).astype(np.uint8)[..., None], 3, axis=2)


def middle(image):
    """Return the centre of gravity of what is bright."""
    weight = image.rgb[..., 0].astype(float)
    x, y = np.meshgrid(np.arange(image.width), np.arange(image.height))
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


def scene(lens, point):
    """Return the frame of a camera that sees one dot, at a point in space, before a wall in which it lies."""
    at = project(np.array(point), lens)
    return Frame(
        image=Image(dot((lens.width, lens.height), at)),
        depth=np.full((lens.height, lens.width), point[2], np.float32),
        intrinsics=lens,
        frame_id="lens",
        stamp=7,
        camera_name="cam",
    )


def turned_by(degrees, point):
    """Return a point after the view has been turned clockwise."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([c * point[0] - s * point[1], s * point[0] + c * point[1], point[2]])


STEPS = st.one_of(
    st.sampled_from([0, 90, 180, 270, -90]).map(rotate),
    st.floats(-180, 180).map(rotate),
    st.builds(resize, st.integers(90, 400), st.integers(90, 400)),
    # What is cut off at the edge is less than how far from it the dot may lie.
    st.builds(crop, st.floats(0, 0.04), st.floats(0, 0.04), st.floats(0.96, 0.999), st.floats(0.96, 0.999)),
    st.just(UNDISTORT),
)


@given(
    lens=st.sampled_from(sorted(LENSES)),
    ray=st.tuples(st.floats(-0.2, 0.2), st.floats(-0.15, 0.15)),
    depth=st.floats(0.5, 5),
    steps=st.lists(STEPS, min_size=1, max_size=4),
)
@example("plumb_bob", (0.2, -0.1), 1.0, [rotate(37.0)])
@example("thin_prism", (0.2, 0.15), 1.0, [rotate(90)])
@example("thin_prism", (0.2, 0.15), 1.0, [rotate(-20)])
@example("pinhole", (0.2, 0.15), 2.0, [rotate(45), resize(150, 300), rotate(90), crop(0.04, 0.04, 0.96, 0.96)])
@example("equidistant", (0.2, 0.15), 2.0, [rotate(10), UNDISTORT, rotate(10)])
def test_after_any_chain_of_steps_the_intrinsics_project_a_point_to_its_pixel(lens, ray, depth, steps):
    point = np.array([ray[0] * depth, ray[1] * depth, depth])
    camera = transform(scene(LENSES[lens], point), *steps)
    foreseen = camera.intrinsics
    frame = camera.read()
    point = turned_by(camera.turn, point)
    assert (frame.intrinsics.width, frame.intrinsics.height) == frame.size == frame.depth.shape[::-1]
    assert frame.intrinsics == foreseen == camera.intrinsics
    expected = project(point, frame.intrinsics)
    # Uneven scaling squeezes the pixels of a small image: a centre of gravity is exact to a part of them.
    np.testing.assert_allclose(middle(frame.image), expected, atol=0.35)
    # The depth at that pixel gives the point again, as exactly as pixels are small.
    column, row = np.rint(expected).astype(int)
    seen = depth_to_cloud(frame.depth, frame.intrinsics).xyz[row, column]
    assert seen[2] == pytest.approx(depth, rel=1e-6)
    pixel = depth / min(frame.intrinsics.fx, frame.intrinsics.fy)
    np.testing.assert_allclose(seen, point, atol=0.75 * pixel + 1e-6)


@pytest.mark.parametrize(
    "steps",
    [
        [resize(300, 100)],
        [crop(0.04, 0.03, 0.97, 0.96)],
        [rotate(180)],
        [rotate(180), resize(100, 200), crop(0, 0, 0.9, 0.9)],
        [UNDISTORT],
        [UNDISTORT, rotate(33)],
    ],
    ids=str,
)
@pytest.mark.parametrize("lens", [SKEWED, dataclasses.replace(PINHOLE, skew=4.0)], ids=["equidistant", "pinhole"])
def test_a_skew_follows_the_pixels(lens, steps):
    point = np.array([0.2, 0.3, 2.0])
    camera = transform(scene(lens, point), *steps)
    frame = camera.read()
    expected = project(turned_by(camera.turn, point), frame.intrinsics)
    np.testing.assert_allclose(middle(frame.image), expected, atol=0.35)
    assert (frame.intrinsics.skew != 0) == (UNDISTORT not in steps)


@pytest.mark.parametrize("degrees", [90, -90, 33])
def test_an_image_with_a_skew_is_not_rotated_before_it_is_undistorted(degrees):
    code, message = refused(scene(SKEWED, (0.2, 0.3, 2.0)), rotate(degrees))
    assert code == ErrorCode.NOT_SUPPORTED
    assert "undistort it before" in message


@pytest.mark.parametrize("lens", ["plumb_bob", "rational", "thin_prism", "equidistant"])
def test_undistort_straightens_lines(lens):
    frame = scene(LENSES[lens], (0.2, 0.1, 1.0))
    straight = transformed(frame, UNDISTORT)
    assert straight.intrinsics == PINHOLE
    assert np.abs(middle(straight.image) - middle(frame.image)).max() > 0.2
    np.testing.assert_allclose(middle(straight.image), (0.2 * 180 + 95, 0.1 * 190 + 78), atol=0.1)


def test_undistort_may_be_told_the_lens():
    lens = LENSES["plumb_bob"]
    frame = dataclasses.replace(scene(lens, (0.2, 0.1, 1.0)), intrinsics=None)
    parameters = {"width_px": 200.0, "height_px": 150.0, "fx": 180.0, "fy": 190.0, "ppx": 95.0, "ppy": 78.0}
    bent = {"rk1": -0.2, "rk2": 0.05, "tp1": 0.01, "tp2": -0.015}
    told = transformed(frame, {**UNDISTORT, "intrinsic_parameters": parameters, "distortion_parameters": bent})
    known = transformed(dataclasses.replace(frame, intrinsics=lens), UNDISTORT)
    np.testing.assert_array_equal(told.image.rgb, known.image.rgb)
    assert told.intrinsics == known.intrinsics == PINHOLE


def test_what_is_not_calibrated_cannot_be_undistorted():
    code, message = refused(frame_of(20, 20, camera_name="cam"), UNDISTORT)
    assert code == ErrorCode.NOT_CALIBRATED
    assert "camera 'cam' is not calibrated" in message


def test_a_camera_without_distortion_stays_as_it_is():
    frame = frame_of(200, 150, intrinsics=PINHOLE)
    assert transformed(frame, UNDISTORT).image.pixels is frame.image.pixels


@pytest.mark.parametrize("step", [rotate(90), resize(30, 20), UNDISTORT, crop(0, 0, 10, 10)], ids=str)
def test_a_calibration_for_another_size_is_refused_with_both_sizes(step):
    code, message = refused(frame_of(100, 75, intrinsics=LENSES["plumb_bob"]), step)
    assert code == ErrorCode.NOT_CALIBRATED
    assert "200×150" in message
    assert "100×75" in message


def test_a_tilted_sensor_is_not_turned():
    tilted = dataclasses.replace(PINHOLE, distortion_model="rational_polynomial", distortion=(0.1,) * 12 + (0.01, 0.02))
    with pytest.raises(VisionError, match="undistort it before") as caught:
        transform(frame_of(200, 150, intrinsics=tilted), rotate(90))
    assert caught.value.code == ErrorCode.NOT_SUPPORTED


# Depth, points, names.


def test_depth_is_never_mixed():
    depth = np.random.default_rng(3).choice(np.array([1, 5, np.nan], np.float32), (75, 100))
    for step in (rotate(33), resize(37, 120), crop(3, 4, 70, 50), rotate(90)):
        new = transformed(frame_of(100, 75, depth=depth), step).depth
        assert new.dtype == np.float32
        assert set(np.unique(new[~np.isnan(new)])) == {1, 5}


def test_depth_is_taken_from_the_middle_of_what_a_pixel_shows():
    depth = np.arange(6, dtype=np.float32)[None]
    np.testing.assert_array_equal(transformed(Frame(depth=depth), resize(2, 1)).depth, [[1, 4]])
    np.testing.assert_array_equal(transformed(Frame(depth=depth[:, :2]), resize(6, 1)).depth, [[0, 0, 0, 1, 1, 1]])


def wall(lens):
    """Return a frame with the points of a slanting wall in rows and columns, as depth and as a cloud."""
    depth = np.linspace(1, 3, lens.width, dtype=np.float32)[None].repeat(lens.height, axis=0)
    colours = noise(lens.width, lens.height)
    cloud = depth_to_cloud(depth, lens, colours)
    return Frame(image=Image(colours), depth=depth, cloud=cloud, intrinsics=lens)


@pytest.mark.parametrize(
    "steps",
    [(rotate(90),), (rotate(180),), (crop(20, 30, 120, 140),), (rotate(90), crop(20, 30, 120, 140), rotate(-90))],
    ids=str,
)
def test_points_in_rows_and_columns_move_with_the_depth(steps):
    frame = transformed(wall(PINHOLE), *steps)
    expected = cloud_of(dataclasses.replace(frame, cloud=None))
    np.testing.assert_allclose(frame.cloud.xyz, expected.xyz, atol=1e-6)
    np.testing.assert_array_equal(frame.cloud.rgb, frame.image.rgb)


@pytest.mark.parametrize("step", [rotate(25), resize(90, 40), UNDISTORT], ids=str)
def test_points_that_move_stay_points_of_the_wall(step):
    lens = LENSES["plumb_bob"]
    before = wall(lens)
    after = transformed(before, step)
    assert after.cloud.xyz.shape[:2] == after.size[::-1]
    angle = step.get("angle_degs", 0.0)
    turned = {np.float32(point).tobytes() for point in turned_by_all(angle, before.cloud.xyz.reshape(-1, 3))}
    points = after.cloud.xyz.reshape(-1, 3)
    points = points[np.isfinite(points).all(axis=1)]
    assert len(points) > 1000
    assert {point.tobytes() for point in points} <= turned
    # And each lies within a pixel of where it is shown.
    rows, columns = np.nonzero(np.isfinite(after.cloud.xyz).all(axis=2))
    missed = np.abs(project(after.cloud.xyz[rows, columns], after.intrinsics) - np.stack([columns, rows], axis=1))
    assert missed.max() < 1.01


def turned_by_all(degrees, xyz):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    matrix = np.array([[c, -s], [s, c]], np.float64)
    new = np.array(xyz, np.float32)
    new[:, :2] = xyz[:, :2] @ matrix.T.astype(np.float32)
    return new


def loose_points():
    """Return a frame with points that are in no rows and columns."""
    points = np.random.default_rng(4).uniform((-2, -2, 0.5), (2, 2, 4), (5000, 3)).astype(np.float32)
    return frame_of(200, 150, cloud=PointCloud(points), intrinsics=PINHOLE)


def test_other_points_are_cut_by_what_the_crop_shows():
    frame = loose_points()
    cut = transformed(frame, crop(50, 40, 120, 90))
    x, y = np.rint(project(frame.cloud.xyz, PINHOLE)).T
    shown = (x >= 50) & (x < 120) & (y >= 40) & (y < 90)
    np.testing.assert_array_equal(cut.cloud.xyz, frame.cloud.xyz[shown])
    assert 0 < shown.sum() < len(shown)


def test_without_calibration_it_is_not_known_what_a_crop_shows():
    frame = dataclasses.replace(loose_points(), intrinsics=None)
    assert transformed(frame, crop(50, 40, 120, 90)).cloud is None


def test_other_points_are_turned_and_resized_images_leave_them():
    frame = loose_points()
    turned = transformed(frame, rotate(90), resize(50, 50))
    np.testing.assert_allclose(
        turned.cloud.xyz, frame.cloud.xyz[:, [1, 0, 2]] * np.array([-1, 1, 1], np.float32), atol=1e-6
    )


def test_where_the_sensor_was_is_turned_with_its_points():
    cloud = PointCloud(np.ones((5, 3), np.float32), viewpoints=((1.0, 2.0, 3.0),))
    turned = transformed(Frame(cloud=cloud), rotate(90))
    np.testing.assert_allclose(turned.cloud.viewpoints, [[-2.0, 1.0, 3.0]], atol=1e-6)


def test_a_camera_of_points_alone_can_be_turned_but_not_cropped():
    frame = Frame(cloud=PointCloud(np.array([[1, 2, 3]], np.float32)), camera_name="lidar")
    np.testing.assert_allclose(transformed(frame, rotate(180)).cloud.xyz, [[-1, -2, 3]])
    code, message = refused(frame, crop(0, 0, 5, 5))
    assert code == ErrorCode.NO_FRAME
    assert "camera 'lidar' has no image" in message


@pytest.mark.parametrize("step", [resize(100, 50), crop(20, 10, 180, 140), rotate(90), UNDISTORT], ids=str)
def test_depth_of_a_camera_of_its_own_takes_the_same_part_and_keeps_its_own_calibration(step):
    own = CameraIntrinsics(100, 75, 90.0, 95.0, 47.25, 38.75)
    frame = frame_of(200, 150, depth=np.ones((75, 100), np.float32), intrinsics=PINHOLE, depth_intrinsics=own)
    new = transformed(frame, step)
    assert new.depth.shape == (new.depth_intrinsics.height, new.depth_intrinsics.width)
    # The same view: the corners of both images see the same rays, to a pixel of the depth.
    for at in ((0, 0), (1, 1)):
        colour, deep = (
            ((at[0] * (lens.width) - 0.5 - lens.cx) / lens.fx, (at[1] * (lens.height) - 0.5 - lens.cy) / lens.fy)
            for lens in (new.intrinsics, new.depth_intrinsics)
        )
        np.testing.assert_allclose(colour, deep, atol=0.05)


def test_depth_that_is_not_registered_never_comes_to_look_as_if_it_were():
    frame = frame_of(200, 150, depth=np.ones((149, 199), np.float32), intrinsics=PINHOLE)
    new = transformed(frame, resize(4, 4))
    assert new.depth is None
    assert transformed(frame, resize(4, 4), resize(200, 150)).depth is None
    assert transformed(frame, resize(400, 300)).depth.shape == (298, 398)


def test_stamp_camera_and_frame_id_are_the_source_s():
    frame = scene(PINHOLE, (0.0, 0.0, 1.0))
    for step in (crop(0, 0, 10, 10), resize(10, 10), UNDISTORT, rotate(0), rotate(360)):
        new = transformed(frame, step)
        assert (new.stamp, new.camera_name, new.frame_id) == (7, "cam", "lens")


def test_a_turned_view_has_a_frame_of_its_own():
    frame = scene(PINHOLE, (0.0, 0.0, 1.0))
    assert transformed(frame, rotate(90), rotate(-180)).frame_id == "lens_rotated_270"
    assert transformed(frame, rotate(12.5)).frame_id == "lens_rotated_12.5"
    assert transformed(dataclasses.replace(frame, frame_id=""), rotate(90)).frame_id == ""


def test_the_pose_of_the_turned_frame_takes_its_points_to_the_source_s():
    from vision_service.pointcloud.motion import rotation_matrix

    camera = transform(scene(PINHOLE, (0.0, 0.0, 1.0)), rotate(30))
    camera.read()
    assert camera.parent_frame == "lens"
    translation, rotation = camera.pose()
    assert translation == (0, 0, 0)
    point = np.array([0.3, -0.2, 1.0])
    np.testing.assert_allclose(rotation_matrix(rotation) @ turned_by(30, point), point, atol=1e-12)


def test_sources_are_the_source_s():
    depth_only = Frame(depth=np.ones((20, 30), np.float32))
    assert transform(frame_of(20, 20), rotate(90)).sources == ("color",)
    assert transform(depth_only, rotate(90)).sources == ("depth",)
    assert transform(depth_only, {"type": "depth_to_pretty"}).sources == ("color", "depth")


def test_what_a_driver_added_of_its_own_does_not_outlive_a_move_of_the_pixels():
    frame = frame_of(20, 20, extra={"ids": np.zeros((20, 20))})
    assert transformed(frame, crop(0, 0, 5, 5)).extra == {}


# Drawing.


def test_depth_is_shown_from_orange_to_blue_and_black_where_unknown():
    depth = np.array([[1.0, 2.0, 3.0, np.nan]], np.float32)
    frame = transformed(Frame(depth=depth, intrinsics=CameraIntrinsics(4, 1, 5, 5, 2, 0)), {"type": "depth_to_pretty"})
    np.testing.assert_allclose(frame.image.rgb[0], [(255, 128, 0), (0, 255, 42), (0, 42, 255), (0, 0, 0)], atol=3)
    assert frame.depth is depth
    assert frame.intrinsics == CameraIntrinsics(4, 1, 5, 5, 2, 0)


def test_the_colours_of_depth_may_be_fixed():
    depth = np.array([[1.0, 2.0, 3.0, 9.0]], np.float32)
    step = {"type": "depth_to_pretty", "min_depth": 2.0, "max_depth": 3.0}
    shown = transformed(Frame(depth=depth), step).image.rgb[0].astype(int)
    np.testing.assert_array_equal(shown[0], shown[1])
    np.testing.assert_array_equal(shown[2], shown[3])


@pytest.mark.parametrize("depth", [np.full((3, 4), np.nan), np.full((3, 4), 2.0), np.full((3, 4), np.inf)])
def test_depth_of_which_nothing_is_to_tell_is_no_error(depth):
    assert transformed(Frame(depth=depth.astype(np.float32)), {"type": "depth_to_pretty"}).size == (4, 3)


def test_a_camera_without_depth_has_none_to_show():
    code, message = refused(frame_of(20, 20), {"type": "depth_to_pretty"})
    assert code == ErrorCode.NO_DEPTH
    assert "no depth" in message


class Fixed:
    """A vision service that always finds the same; what it looks at is kept."""

    def __init__(self, *detections):
        self.detections = list(detections)
        self.seen = []

    def detect(self, frame):
        self.seen.append(frame)
        return self.detections

    def close(self):
        pass


def detected(frame, *detections, **attributes):
    vision = {"finder": lambda _: Fixed(*detections)}
    return transformed(frame, {"type": "detections", "detector_name": "finder", **attributes}, vision=vision)


BLACK = Frame(image=Image(np.zeros((300, 400, 3), np.uint8)))
CAT, DOG = Detection("cat", 0.9, 50, 60, 150, 160), Detection("dog", 0.4, 200, 100, 300, 200)


def shows(frame, name):
    return bool((frame.image.rgb == class_color(name)).all(axis=2).any())


def test_boxes_are_drawn_in_the_colour_of_their_class():
    drawn = detected(BLACK, CAT, DOG)
    assert shows(drawn, "cat")
    assert shows(drawn, "dog")
    assert not BLACK.image.rgb.any()


def test_only_what_is_sure_enough_and_valid_is_drawn():
    drawn = detected(BLACK, CAT, DOG, confidence_threshold=0.5)
    assert shows(drawn, "cat")
    assert not shows(drawn, "dog")
    drawn = detected(BLACK, CAT, DOG, valid_labels=["DOG"])
    assert not shows(drawn, "cat")
    assert shows(drawn, "dog")


@pytest.mark.parametrize(
    "box", [(-50, -50, -10, -10), (390, 290, 900, 900), (1e9, 0, 2e9, 5), (math.nan, 0, 5, 5), (300, 200, 100, 50)]
)
def test_a_box_outside_of_the_image_is_no_error(box):
    assert detected(BLACK, Detection("cat", 0.9, *box)).size == (400, 300)


def test_a_detector_sees_the_image_as_it_is_at_its_step():
    service = Fixed()
    step = {"type": "detections", "detector_name": "finder"}
    frame = frame_of(100, 80)
    transformed(frame, rotate(90), step, rotate(90), step, vision={"finder": lambda _: service})
    assert [seen.size for seen in service.seen] == [(80, 100), (100, 80)]


def test_an_image_is_needed_to_draw_on():
    code, message = refused(
        Frame(depth=np.ones((20, 20), np.float32)),
        {"type": "detections", "detector_name": "finder"},
        vision={"finder": lambda _: Fixed()},
    )
    assert code == ErrorCode.NO_FRAME
    assert "depth_to_pretty" in message


@pytest.mark.parametrize("kind", ["classifications", "segmentations"])
def test_a_service_that_cannot_do_it_is_refused(kind):
    key = {"classifications": "classifier_name", "segmentations": "segmenter_name"}[kind]
    _, message = refused(BLACK, {"type": kind, key: "finder"}, vision={"finder": lambda _: Fixed()})
    assert "cannot classify" in message or "cannot segment" in message


def test_thresholds_may_be_changed_while_it_runs():
    values = {"source": "cam", "pipeline": ["boxes"], "boxes.type": "detections", "boxes.detector_name": "finder"}
    resources = LocalResources({"camera": {"cam": lambda _: Still(BLACK)}, "vision": {"finder": lambda _: Fixed(CAT)}})
    camera = Transform(configure(Transform.Config, values, of="it"), resources)
    assert shows(camera.read(), "cat")
    camera.update(configure(Transform.Config, {**values, "boxes.confidence_threshold": 0.95}, of="it"))
    assert not shows(camera.read(), "cat")


# Real models on the synthetic camera.


def synthetic(**values):
    values = {"width_px": 320, "height_px": 240, "seed": 3, **values}
    return Synthetic(configure(Synthetic.Config, values, of="the camera"), LocalResources())


def model(kind, **values):
    cls = MODELS.get(kind)
    return lambda resources: cls(configure(cls.Config, values, of=f"the model {kind}"), resources)


@pytest.fixture(scope="module")
def vision():
    pytest.importorskip("ai_edge_litert", reason="needs a TFLite runtime")
    return {
        "finder": model("mlmodel", model_path=str(MODELS_FOLDER / "solids_detector.tflite")),
        "namer": model("mlmodel", model_path=str(MODELS_FOLDER / "solids_classifier.tflite")),
        "objects": model("detections_to_segments", detector_name="finder"),
    }


def test_real_detections_classifications_and_objects_are_drawn(vision):
    frame = synthetic().read()
    resources = LocalResources({"vision": vision})
    found = [item for item in resources.detector("finder").detect(frame) if item.confidence >= 0.5]
    best = resources.classifier("namer").classify(frame)[0]
    objects = resources.segmenter("objects").segment(frame)
    assert found
    assert objects
    boxes = {"type": "detections", "detector_name": "finder", "confidence_threshold": 0.5}
    drawn = transformed(frame, boxes, vision=vision)
    for item in found:
        assert shows(drawn, item.class_name)
        left, top = round(item.x_min), round((item.y_min + item.y_max) / 2)
        assert tuple(drawn.image.rgb[top, left]) == class_color(item.class_name)
    drawn = transformed(frame, {"type": "classifications", "classifier_name": "namer"}, vision=vision)
    assert shows(drawn, best.class_name)
    drawn = transformed(frame, {"type": "segmentations", "segmenter_name": "objects"}, vision=vision)
    for item in objects:
        assert shows(drawn, item.label)


@pytest.mark.parametrize("angle", [180, 90, 25])
def test_objects_found_in_a_turned_view_are_the_turned_objects(angle):
    vision = {
        "red": model("color_detector", detect_color="#DB2323", hue_tolerance_pct=0.05, segment_size_px=50),
        "objects": model("detections_to_segments", detector_name="red"),
    }
    segmenter = LocalResources({"vision": vision}).segmenter("objects")
    frame = synthetic(noise=0.0).read()
    (before,) = segmenter.segment(frame)
    (after,) = segmenter.segment(transformed(frame, rotate(angle)))
    np.testing.assert_allclose(
        after.cloud.xyz.mean(axis=0), turned_by(angle, before.cloud.xyz.mean(axis=0)), atol=0.004
    )


def test_text_can_be_read_at_any_size(vision):
    frame = synthetic().read()
    steps = {"type": "classifications", "classifier_name": "namer"}
    heights = []
    for size in ((64, 48), (640, 480), (1920, 1440)):
        small = transformed(frame, resize(*size))
        drawn = transformed(frame, resize(*size), steps, vision=vision)
        rows = np.nonzero((drawn.image.rgb != small.image.rgb).any(axis=(1, 2)))[0]
        heights.append(rows.max() - rows.min() + 1)
    assert heights[0] >= 10
    assert heights == sorted(heights)
    assert heights[2] > 2 * heights[0]
