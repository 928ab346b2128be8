"""The camera driver image_file."""

import os

import cv2
import numpy as np
import pytest

import testdata
from vision_service.camera import DRIVERS
from vision_service.camera.image_file import ImageFile, ImageFileConfig, read_depth
from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.pcd import write_pcd
from vision_service.resources import LocalResources
from vision_service.types import CameraIntrinsics, PointCloud

INTRINSICS = {"width_px": 4, "height_px": 3, "fx": 5.0, "fy": 6.0, "ppx": 1.5, "ppy": 1.0}
COLOUR = np.full((3, 4, 3), (10, 20, 30), np.uint8)  # BGR
DEPTH = np.array([[0, 1000, 2000, 3000]] * 3, np.uint16)
CLOUD = PointCloud(np.array([[1, 2, 3]], np.float32))


@pytest.fixture
def files(tmp_path):
    """Return the attributes that name a colour image, a depth image and a cloud."""
    cv2.imwrite(str(tmp_path / "color.png"), COLOUR)
    cv2.imwrite(str(tmp_path / "depth.png"), DEPTH)
    (tmp_path / "cloud.pcd").write_bytes(write_pcd(CLOUD))
    return {
        "color_image_file_path": str(tmp_path / "color.png"),
        "depth_image_file_path": str(tmp_path / "depth.png"),
        "pointcloud_file_path": str(tmp_path / "cloud.pcd"),
    }


def camera(**values):
    return ImageFile(configure(ImageFileConfig, values, of="the camera"), LocalResources())


def refused(**values):
    with pytest.raises(VisionError) as caught:
        camera(**values)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT
    return caught.value.message


def fails(driver):
    with pytest.raises(VisionError) as caught:
        driver.read()
    assert caught.value.code == ErrorCode.CAMERA_ERROR
    return caught.value.message


def test_it_is_a_driver_by_name():
    assert DRIVERS.get("image_file") is ImageFile


def test_a_frame_is_what_is_in_the_files(files):
    frame = camera(**files, intrinsic_parameters=INTRINSICS).read()
    np.testing.assert_array_equal(frame.image.rgb, COLOUR[..., ::-1])
    np.testing.assert_allclose(frame.depth, [[np.nan, 1, 2, 3]] * 3, rtol=1e-6)
    np.testing.assert_array_equal(frame.cloud.xyz, CLOUD.xyz)
    assert frame.intrinsics == CameraIntrinsics(4, 3, 5.0, 6.0, 1.5, 1.0)
    assert frame.stamp == 0


def test_the_stamp_is_left_to_the_caller_and_every_frame_is_new(files):
    driver = camera(**files)
    first, second = driver.read(), driver.read()
    assert first is not second
    assert first.image is second.image
    assert first.depth is second.depth
    assert first.cloud is second.cloud


@pytest.mark.parametrize(
    ("given", "sources", "supports_pcd"),
    [
        ("color", ("color",), False),
        ("depth", ("depth",), True),
        ("pointcloud", (), True),
        ("color depth", ("color", "depth"), True),
        ("color pointcloud", ("color",), True),
    ],
)
def test_its_sources_are_the_images_it_has(files, given, sources, supports_pcd):
    some = {name: path for name, path in files.items() if name.partition("_")[0] in given.split()}
    driver = camera(**some, intrinsic_parameters=INTRINSICS)
    assert (driver.sources, driver.supports_pcd) == (sources, supports_pcd)


def test_depth_without_intrinsics_gives_no_points(files):
    assert not camera(depth_image_file_path=files["depth_image_file_path"]).supports_pcd


def test_the_frame_rate_is_the_given_one(files):
    assert camera(**files).frame_rate == 10.0
    assert camera(**files, frame_rate=2).frame_rate == 2.0


def test_the_home_folder_may_be_written_as_tilde(files, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert camera(color_image_file_path="~/color.png").read().size == (4, 3)


def test_depth_of_another_size_than_the_colour_is_let_through_and_gives_no_points(files, tmp_path):
    cv2.imwrite(str(tmp_path / "depth.png"), np.ones((6, 8), np.uint16))
    del files["pointcloud_file_path"]
    driver = camera(**files, intrinsic_parameters=INTRINSICS)
    frame = driver.read()
    assert frame.depth.shape == (6, 8)
    assert frame.depth_intrinsics is None
    assert not driver.supports_pcd


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_depth_in_fractions_is_metres_whatever_the_scale(tmp_path, dtype):
    np.save(tmp_path / "depth.npy", np.array([[1.5, np.nan, 0.0, np.inf, -1.0]], dtype))
    depth = read_depth(tmp_path / "depth.npy", 0.001)
    np.testing.assert_array_equal(depth, np.array([[1.5, np.nan, np.nan, np.nan, np.nan]], np.float32))


def test_depth_in_a_tiff_of_floats_is_metres(tmp_path):
    cv2.imwrite(str(tmp_path / "depth.tiff"), np.array([[1.5, 0.0], [np.nan, 2.25]], np.float32))
    depth = read_depth(tmp_path / "depth.tiff", 0.001)
    np.testing.assert_array_equal(depth, np.array([[1.5, np.nan], [np.nan, 2.25]], np.float32))


def test_depth_in_an_array_of_whole_numbers_is_scaled(tmp_path):
    np.save(tmp_path / "depth.npy", np.array([[0, 5000]], np.uint16))
    np.testing.assert_allclose(read_depth(tmp_path / "depth.npy", 1 / 5000), [[np.nan, 1.0]])


def test_a_real_rgbd_frame_has_the_measured_depth():
    facts = testdata.expected()["rgbd"]["tum_fr2_desk_1"] if testdata.expected() else {}
    folder = testdata.path("rgbd/tum_fr2_desk_1")
    driver = camera(
        color_image_file_path=str(folder / "rgb.png"),
        depth_image_file_path=str(folder / "depth.png"),
        depth_scale=1 / 5000,
        intrinsic_parameters={"width_px": 640, "height_px": 480, "fx": 520.9, "fy": 521, "ppx": 325.1, "ppy": 249.7},
    )
    frame = driver.read()
    assert frame.size == (640, 480)
    assert driver.supports_pcd
    assert np.isfinite(frame.depth).mean() == pytest.approx(facts["valid_fraction"], abs=1e-4)
    assert np.nanmedian(frame.depth) == pytest.approx(facts["z_m_median"], abs=1e-3)
    assert [np.nanmin(frame.depth), np.nanmax(frame.depth)] == pytest.approx(facts["z_m_min_max"], abs=1e-3)


def test_a_real_cloud_is_organized():
    driver = camera(pointcloud_file_path=str(testdata.path("clouds/osd_learn33.pcd")))
    assert driver.read().cloud.xyz.shape == (480, 640, 3)


def test_a_file_that_changes_is_read_again(files, tmp_path):
    driver = camera(**files)
    before = driver.read()
    cv2.imwrite(str(tmp_path / "color.png"), np.zeros((5, 7, 3), np.uint8))
    after = driver.read()
    assert after.size == (7, 5)
    assert after.depth is before.depth


def test_a_file_that_is_replaced_by_one_of_the_same_age_and_size_is_read_again(tmp_path):
    for name, grey in (("color.bmp", 10), ("other.bmp", 200)):
        cv2.imwrite(str(tmp_path / name), np.full((3, 4, 3), grey, np.uint8))
        os.utime(tmp_path / name, (1_000, 1_000))
    driver = camera(color_image_file_path=str(tmp_path / "color.bmp"))
    assert driver.read().image.rgb[0, 0, 0] == 10
    (tmp_path / "other.bmp").replace(tmp_path / "color.bmp")
    assert driver.read().image.rgb[0, 0, 0] == 200


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("color.png", "color.png': 7 bytes that are no image"),
        ("depth.png", "depth.png' is no image, or is cut off"),
        ("cloud.pcd", "cloud.pcd': no PCD"),
    ],
)
def test_a_file_replaced_by_garbage_is_an_error_until_it_is_good_again(files, tmp_path, name, reason):
    driver = camera(**files)
    good = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(b"garbage")
    assert reason in fails(driver)
    assert reason in fails(driver)
    (tmp_path / name).write_bytes(good)
    assert driver.read().depth.shape == (3, 4)


def test_a_file_that_vanishes_is_an_error_until_it_is_back(files, tmp_path):
    driver = camera(**files)
    (tmp_path / "color.png").rename(tmp_path / "away.png")
    assert "color.png': No such file or directory" in fails(driver)
    (tmp_path / "away.png").rename(tmp_path / "color.png")
    assert driver.read().size == (4, 3)


def test_an_image_that_changes_to_another_size_than_the_intrinsics_is_an_error(files, tmp_path):
    driver = camera(**files, intrinsic_parameters=INTRINSICS)
    cv2.imwrite(str(tmp_path / "color.png"), np.zeros((5, 7, 3), np.uint8))
    assert "for 4×3 pixels, but the color image has 7×5" in fails(driver)


def test_without_any_file_it_says_what_to_give():
    message = refused()
    for name in ("color_image_file_path", "depth_image_file_path", "pointcloud_file_path"):
        assert name in message


@pytest.mark.parametrize("name", ["color_image_file_path", "depth_image_file_path", "pointcloud_file_path"])
def test_a_file_that_is_absent_is_refused_by_name(name, tmp_path):
    assert "absent': No such file or directory" in refused(**{name: str(tmp_path / "absent")})
    assert "cannot read" in refused(**{name: str(tmp_path)})


@pytest.mark.parametrize("value", [0, -1.0])
@pytest.mark.parametrize("name", ["frame_rate", "depth_scale"])
def test_rate_and_scale_must_be_above_zero(files, name, value):
    assert f"{name!r} must be a number, above 0" in refused(**files, **{name: value})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"f_x": 5.0}, "unknown key 'f_x'"),
        ({"focal": 5.0}, "unknown key 'focal': known are fx, fy, height_px, ppx, ppy, width_px"),
        ({"fx": None, "ppy": None}, "fx, ppy missing"),
        ({"fx": 0}, "fx must be a number above 0, not 0.0"),
        ({"fy": -3.0}, "fy must be a number above 0, not -3.0"),
        ({"width_px": 4.5}, "width_px must be an integer above 0, not 4.5"),
        ({"width_px": 640, "height_px": 480}, "for 640×480 pixels, but the color image has 4×3"),
    ],
)
def test_wrong_intrinsics_are_refused_with_the_reason(files, changes, reason):
    values = {key: value for key, value in (INTRINSICS | changes).items() if value is not None}
    assert reason in refused(**files, intrinsic_parameters=values)


def test_intrinsics_of_a_depth_camera_are_compared_with_the_depth(files):
    message = refused(
        depth_image_file_path=files["depth_image_file_path"], intrinsic_parameters=INTRINSICS | {"width_px": 8}
    )
    assert "for 8×3 pixels, but the depth image has 4×3" in message


@pytest.mark.parametrize(
    ("name", "write", "reason"),
    [
        ("a.png", lambda path: cv2.imwrite(path, COLOUR), r"no depth: it has the shape (3, 4, 3) and type uint8"),
        ("a.png", lambda path: cv2.imwrite(path, COLOUR[..., 0]), r"no depth: it has the shape (3, 4) and type uint8"),
        (
            "a.npy",
            lambda path: np.save(path, DEPTH.astype(complex)),
            "no depth: it has the shape (3, 4) and type complex128",
        ),
        ("a.npy", lambda path: np.save(path, DEPTH[:0]), "no depth: it has the shape (0, 4)"),
        ("a.npy", lambda path: np.save(path, np.array([{}])), "cannot be decoded"),
    ],
)
def test_an_image_that_is_no_depth_is_refused(tmp_path, name, write, reason):
    path = str(tmp_path / name)
    write(path)
    assert reason in refused(depth_image_file_path=path)


@pytest.mark.parametrize("name", ["depth.png", "depth.npy"])
@pytest.mark.parametrize("length", [0, 5, 60])
def test_depth_that_is_cut_off_is_refused(tmp_path, name, length):
    path = tmp_path / name
    if name.endswith("npy"):
        np.save(path, DEPTH)
    else:
        cv2.imwrite(str(path), DEPTH)
    path.write_bytes(path.read_bytes()[:length])
    assert str(path) in refused(depth_image_file_path=str(path))
