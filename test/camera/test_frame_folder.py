"""The camera driver replay, with folders of files."""

import cv2
import numpy as np
import pytest

import testdata
from vision_service.camera.replay import Replay, ReplayConfig
from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.pcd import write_pcd
from vision_service.resources import LocalResources
from vision_service.types import PointCloud


def camera(path, **values):
    return Replay(configure(ReplayConfig, {"path": str(path), **values}, of="the camera"), LocalResources())


def cloud(number):
    return PointCloud(np.array([(number, 0, 1)] * 2, np.float32))


def numbers(driver, count):
    return [float(driver.read().cloud.xyz[0, 0]) for _ in range(count)]


def test_clouds_come_in_natural_order_at_the_given_rate(tmp_path):
    for number in (10, 9, 100):
        (tmp_path / f"cloud_{number}.pcd").write_bytes(write_pcd(cloud(number)))
    driver = camera(tmp_path, frame_rate=5.0, rate=2.0)
    assert (driver.sources, driver.supports_pcd) == ((), True)
    assert numbers(driver, 3) == [9, 10, 100]
    assert driver.frame_rate == pytest.approx(10.0)
    with pytest.raises(VisionError, match="end of the recording") as caught:
        driver.read()
    assert caught.value.code == ErrorCode.CAMERA_ERROR


def test_start_offset_counts_frames_by_the_rate_and_loop_begins_there(tmp_path):
    for number in range(4):
        (tmp_path / f"{number}.pcd").write_bytes(write_pcd(cloud(number)))
    assert numbers(camera(tmp_path, frame_rate=10.0, start_offset=0.2, loop=True), 4) == [2, 3, 2, 3]
    with pytest.raises(VisionError, match="4 frames end before"):
        camera(tmp_path, frame_rate=10.0, start_offset=0.4)


def test_files_of_one_name_are_one_frame_and_16_bits_are_depth(tmp_path):
    color, depth = np.full((3, 4, 3), 7, np.uint8), np.full((3, 4), 1500, np.uint16)
    cv2.imwrite(str(tmp_path / "a.jpg"), color)
    cv2.imwrite(str(tmp_path / "a.png"), depth)
    (tmp_path / "a.pcd").write_bytes(write_pcd(cloud(1)))
    (tmp_path / "notes.txt").write_text("not read")
    driver = camera(tmp_path)
    assert driver.sources == ("color", "depth")
    frame = driver.read()
    assert frame.image.rgb.shape == (3, 4, 3)
    np.testing.assert_allclose(frame.depth, 1.5)
    np.testing.assert_array_equal(frame.cloud.xyz, cloud(1).xyz)


def test_names_that_are_times_are_the_stamps(tmp_path):
    for name in ("1305031102.275", "1305031102.175304"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((2, 2, 3), np.uint8))
    driver = camera(tmp_path)
    assert driver.read().stamp == 1305031102_175304000
    assert driver.frame_rate == pytest.approx(1 / 0.099696)
    assert driver.read().stamp == 1305031102_275000000


def test_other_names_give_no_stamps(tmp_path):
    (tmp_path / "000001.pcd").write_bytes(write_pcd(cloud(1)))
    assert camera(tmp_path).read().stamp == 0


def test_a_file_that_is_cut_off_is_an_error_and_the_next_one_is_read(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.pcd").write_bytes(write_pcd(cloud(number)))
    (tmp_path / "1.pcd").write_bytes(write_pcd(cloud(1))[:-5])
    driver = camera(tmp_path)
    assert numbers(driver, 1) == [0]
    with pytest.raises(VisionError, match=r"1\.pcd.*cut off"):
        driver.read()
    assert numbers(driver, 1) == [2]


def test_a_folder_without_frames_is_refused(tmp_path):
    with pytest.raises(VisionError, match="no bag and no file of a frame"):
        camera(tmp_path)


def test_two_images_of_one_name_are_refused(tmp_path):
    for ending in ("jpg", "bmp"):
        cv2.imwrite(str(tmp_path / f"a.{ending}"), np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(VisionError, match="both the image of one frame"):
        camera(tmp_path)


def test_real_clouds_are_replayed():
    folder = testdata.path("clouds")
    driver = camera(folder)
    sizes = [len(driver.read().cloud) for _ in range(len(list(folder.glob("*.pcd"))))]
    assert min(sizes) >= 1000


def test_scans_of_kitti_and_nuscenes_are_clouds(tmp_path):
    records = {"1.bin": 4, "2.pcd.bin": 5}
    for name, length in records.items():
        np.full((3, length), int(name[0]), "<f4").tofile(tmp_path / name)
    driver = camera(tmp_path)
    assert driver.supports_pcd
    assert numbers(driver, 2) == [1, 2]


def test_a_bin_that_is_no_scan_says_how_to_convert_it(tmp_path):
    (tmp_path / "1.bin").write_bytes(b"12345")
    with pytest.raises(VisionError, match=r"convert it to PCD"):
        camera(tmp_path).read()


@pytest.mark.parametrize("end", [".pcd.bin", ".PCD.BIN", ".bin", ".pcd"])
def test_a_cloud_and_an_image_are_one_frame_whatever_the_end_of_the_clouds_name(tmp_path, end):
    name = "1700000000.5"
    points = np.ones((4, 5 if "pcd" in end.lower() else 4), "<f4")
    (tmp_path / f"{name}{end}").write_bytes(write_pcd(cloud(1)) if end == ".pcd" else points.tobytes())
    assert cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((4, 4, 3), np.uint8))
    frame = camera(tmp_path).read()
    assert frame.image is not None
    assert frame.cloud is not None
    assert frame.stamp == 1700000000_500000000
