"""The camera driver replay, with bags that the library rosbags wrote."""

import shutil

import cv2
import numpy as np
import pytest

import bags
from vision_service.camera import DRIVERS
from vision_service.camera.replay import Replay, ReplayConfig
from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import decode, encode
from vision_service.resources import LocalResources
from vision_service.types import CameraIntrinsics

INTRINSICS = CameraIntrinsics(8, 6, 7.0, 7.5, 3.5, 2.5)
START = 1_700_000_000_000_000_000
INTERVAL = 100_000_000
COUNT = 4


def stamp(number):
    return START + number * INTERVAL


def pixels(number):
    return np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8)


def millimetres(number):
    depth = np.random.default_rng(number).integers(500, 3000, (6, 8), np.uint16)
    depth[0, number] = 0
    return depth


def xyz(number):
    return np.random.default_rng(number).random((10, 3), np.float32)


def recorded(numbers=range(COUNT)):
    """Messages of an RGB-D camera; each part of a frame comes a little later than the one before, as in life."""
    return [
        item
        for number in numbers
        for item in (
            ("/cam/camera_info", bags.camera_info(INTRINSICS, stamp(number))),
            ("/cam/image_raw", bags.image(pixels(number), stamp(number))),
            ("/cam/depth/image_raw", bags.image(millimetres(number), stamp(number) + 1_000_000, "16UC1")),
            ("/cam/points", bags.points(xyz(number), stamp(number) + 2_000_000)),
        )
    ]


@pytest.fixture(params=["sqlite3", "mcap"])
def bag(request, tmp_path):
    return bags.write(tmp_path / "bag", recorded(), request.param)


def camera(path, **values):
    config = configure(ReplayConfig, {"path": str(path), **values}, of="the camera")
    return Replay(config, LocalResources())


def refused(path, code=ErrorCode.INVALID_ARGUMENT, **values):
    with pytest.raises(VisionError) as caught:
        camera(path, **values)
    assert caught.value.code == code
    return caught.value.message


def fails(driver):
    with pytest.raises(VisionError) as caught:
        driver.read()
    assert caught.value.code == ErrorCode.CAMERA_ERROR
    return caught.value.message


def rest(driver):
    """The stamps of the frames until the end."""
    stamps = []
    while True:
        try:
            stamps.append(driver.read().stamp)
        except VisionError as error:
            assert "end of the recording" in error.message
            return stamps


def test_it_begins_again_by_command(bag):
    driver = camera(bag)
    stamps = rest(driver)
    assert driver.do_command({"command": "restart"}) == {}
    assert rest(driver) == stamps
    driver.do_command({"command": "restart"})
    driver.read()
    driver.do_command({"command": "restart"})
    assert driver.read().stamp == stamps[0]


def test_it_is_a_driver_by_name():
    assert DRIVERS.get("replay") is Replay


def test_frames_are_what_was_written(bag):
    driver = camera(bag)
    assert (driver.sources, driver.supports_pcd, driver.intrinsics) == (("color", "depth"), True, INTRINSICS)
    for number in range(COUNT):
        frame = driver.read()
        assert (frame.stamp, frame.frame_id) == (stamp(number), "camera_optical_frame")
        np.testing.assert_array_equal(frame.image.rgb, pixels(number))
        expected = np.where(millimetres(number) == 0, np.nan, millimetres(number) / 1000)
        np.testing.assert_allclose(frame.depth, expected, rtol=1e-6)
        np.testing.assert_array_equal(frame.cloud.xyz, xyz(number))
        assert frame.intrinsics == INTRINSICS
        assert frame.depth_intrinsics is None


def test_at_the_end_it_says_so_and_keeps_saying_so(bag):
    driver = camera(bag)
    assert rest(driver) == [stamp(number) for number in range(COUNT)]
    assert fails(driver) == fails(driver)


def test_with_loop_it_begins_again(bag):
    driver = camera(bag, loop=True)
    stamps = [driver.read().stamp for _ in range(2 * COUNT + 1)]
    assert stamps == [stamp(number % COUNT) for number in range(2 * COUNT + 1)]


def test_loop_may_be_set_at_the_end(bag):
    driver = camera(bag)
    rest(driver)
    driver.update(configure(ReplayConfig, {"path": str(bag), "loop": True}, of="the camera"))
    assert driver.read().stamp == START


def test_fresh_stamps_are_left_to_the_caller(bag):
    assert camera(bag, stamps="fresh").read().stamp == 0


def test_start_offset_leaves_out_what_was_before(bag):
    assert rest(camera(bag, start_offset=1.5 * INTERVAL / 1e9)) == [stamp(2), stamp(3)]


def test_a_start_behind_the_end_is_refused(bag):
    assert "ends after 0.30" in refused(bag, start_offset=10.0)


@pytest.mark.parametrize("rate", [1.0, 0.5, 4.0])
def test_the_time_to_the_next_frame_is_that_of_the_recording_at_the_rate(tmp_path, rate):
    numbers = [0, 1, 3, 4]
    driver = camera(bags.write(tmp_path / "bag", recorded(numbers)), rate=rate)
    waits = []
    for _ in numbers:
        driver.read()
        waits.append(rate / driver.frame_rate)
    assert waits == pytest.approx([0.1, 0.2, 0.1, 0.1])


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
def test_one_file_of_a_bag_will_do(tmp_path, storage):
    folder = bags.write(tmp_path / "bag", recorded(), storage)
    (file,) = [file for file in folder.iterdir() if file.suffix in (".db3", ".mcap")]
    moved = shutil.move(file, tmp_path / file.name)
    assert rest(camera(moved)) == [stamp(number) for number in range(COUNT)]


# Which topics.


def test_parts_may_be_left_out(bag):
    driver = camera(bag, depth="none", points="none")
    frame = driver.read()
    assert frame.depth is None
    assert frame.cloud is None
    assert (driver.sources, driver.supports_pcd) == (("color",), False)


def test_a_camera_of_points_alone(tmp_path):
    driver = camera(bags.write(tmp_path / "bag", [("/lidar", bags.points(xyz(0), START, frame_id="lidar"))]))
    assert (driver.sources, driver.supports_pcd) == ((), True)
    frame = driver.read()
    np.testing.assert_array_equal(frame.cloud.xyz, xyz(0))
    assert frame.frame_id == "lidar"


def test_compressed_images_stay_compressed_until_they_are_used(tmp_path):
    data = encode(pixels(0), "image/png")
    folder = bags.write(tmp_path / "bag", [("/cam/image_raw/compressed", bags.compressed(data, START, "rgb8; png"))])
    frame = camera(folder).read()
    assert bytes(frame.image.compressed) == data
    np.testing.assert_array_equal(frame.image.rgb, pixels(0))


def test_compressed_depth_is_read(tmp_path):
    data = bytes(12) + bytes(cv2.imencode(".png", millimetres(1))[1])
    item = bags.compressed(data, START, "16UC1; compressedDepth png")
    frame = camera(bags.write(tmp_path / "bag", [("/cam/depth/compressedDepth", item)])).read()
    np.testing.assert_allclose(frame.depth, np.where(millimetres(1) == 0, np.nan, millimetres(1) / 1000), rtol=1e-6)


@pytest.mark.parametrize(
    ("encoding", "shape", "dtype"),
    [
        ("bgr8", (6, 8, 3), np.uint8),
        ("mono8", (6, 8), np.uint8),
        ("bayer_rggb8", (6, 8), np.uint8),
        ("yuv422_yuy2", (6, 8, 2), np.uint8),
        ("rgb16", (6, 8, 3), np.uint16),
    ],
)
def test_encodings_are_those_of_topic_cameras(tmp_path, encoding, shape, dtype):
    raw = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype)
    frame = camera(bags.write(tmp_path / "bag", [("/c/image_raw", bags.image(raw, START, encoding))])).read()
    assert frame.image.rgb.shape == (6, 8, 3)


def test_calibration_of_the_depth_beside_that_of_the_image_is_the_depths(tmp_path):
    own = CameraIntrinsics(8, 6, 9.0, 9.0, 4.0, 3.0)
    items = [*recorded([0]), ("/cam/depth/camera_info", bags.camera_info(own, START))]
    frame = camera(bags.write(tmp_path / "bag", items)).read()
    assert (frame.intrinsics, frame.depth_intrinsics) == (INTRINSICS, own)


def test_topics_of_two_cameras_are_ambiguous_until_one_is_named(tmp_path):
    items = [
        ("/left/image_raw", bags.image(pixels(0), START)),
        ("/right/image_raw", bags.image(pixels(1), START)),
        ("/left/camera_info", bags.camera_info(INTRINSICS, START)),
        ("/right/camera_info", bags.camera_info(CameraIntrinsics(8, 6, 1.0, 1.0, 1.0, 1.0), START)),
    ]
    folder = bags.write(tmp_path / "bag", items)
    message = refused(folder)
    assert "several topics for 'image': /left/image_raw, /right/image_raw" in message
    assert "/left/camera_info (sensor_msgs/msg/CameraInfo)" in message
    frame = camera(folder, image="/left/image_raw", camera_info="").read()
    np.testing.assert_array_equal(frame.image.rgb, pixels(0))
    assert frame.intrinsics == INTRINSICS


def test_what_is_another_cameras_is_not_played_and_remarked_on(tmp_path):
    items = [
        ("/left/image_raw", bags.image(pixels(0), START)),
        ("/right/image_raw", bags.image(pixels(1), START)),
        ("/right/camera_info", bags.camera_info(INTRINSICS, START)),
        ("/right/depth/image_raw", bags.image(millimetres(0), START, "16UC1")),
    ]
    driver = camera(bags.write(tmp_path / "bag", items), image="/left/image_raw")
    frame = driver.read()
    assert (frame.intrinsics, frame.depth, frame.depth_intrinsics) == (None, None, None)
    assert [remark.split()[0] for remark in driver.remarks] == ["/right/depth/image_raw", "/right/camera_info"]


@pytest.mark.parametrize("transport", ["raw", "compressedDepth"])
def test_compressed_depth_has_its_own_calibration_as_raw_depth_has(tmp_path, transport):
    own = CameraIntrinsics(8, 6, 9.0, 9.0, 3.5, 2.5)
    _, png = cv2.imencode(".png", millimetres(0))
    topic, depth = "/cam/depth/image_raw", bags.image(millimetres(0), START, "16UC1")
    if transport != "raw":
        topic += f"/{transport}"
        depth = bags.compressed(bytes(12) + png.tobytes(), START, "16UC1; compressedDepth png")
    items = [
        ("/cam/color/image_raw", bags.image(pixels(0), START)),
        ("/cam/color/camera_info", bags.camera_info(INTRINSICS, START)),
        (topic, depth),
        ("/cam/depth/camera_info", bags.camera_info(own, START)),
    ]
    frame = camera(bags.write(tmp_path / "bag", items)).read()
    assert (frame.intrinsics, frame.depth_intrinsics) == (INTRINSICS, own)


def test_a_topic_that_was_not_recorded_is_named_with_those_that_were(bag):
    message = refused(bag, image="/cam/image_rw")
    assert "no messages on '/cam/image_rw': did you mean '/cam/image_raw'?" in message
    assert "/cam/points (sensor_msgs/msg/PointCloud2)" in message


def test_a_topic_of_another_type_is_refused(bag):
    assert "is sensor_msgs/msg/PointCloud2, not sensor_msgs/msg/Image" in refused(bag, depth="/cam/points")


def test_a_bag_without_a_camera_is_refused(tmp_path):
    folder = bags.write(tmp_path / "bag", [("/cam/camera_info", bags.camera_info(INTRINSICS, START))])
    assert "has no images, depth or points" in refused(folder)


def test_parts_that_never_fit_in_time_are_an_error_and_not_an_endless_loop(tmp_path):
    late = [("/cam/image_raw", bags.image(pixels(0), START)), ("/cam/points", bags.points(xyz(0), START + 10**9))]
    driver = camera(bags.write(tmp_path / "bag", late), loop=True)
    assert "were not recorded within 0.02 s of each other" in fails(driver)


def test_a_cloud_in_another_frame_is_an_error_with_the_way_out(tmp_path):
    items = [("/cam/image_raw", bags.image(pixels(0), START)), ("/lidar", bags.points(xyz(0), START, frame_id="lidar"))]
    folder = bags.write(tmp_path / "bag", items)
    message = fails(camera(folder))
    assert "'lidar'" in message
    assert "'none'" in message
    assert camera(folder, points="none").read().stamp == START


def test_a_bad_message_is_an_error_and_the_next_one_is_read(tmp_path):
    bad = bags.image(pixels(1), stamp(1))
    bad.height = 5
    good = [bags.image(pixels(number), stamp(number)) for number in (0, 2)]
    items = [("/cam/image_raw", item) for item in (good[0], bad, good[1])]
    driver = camera(bags.write(tmp_path / "bag", items))
    assert driver.read().stamp == stamp(0)
    assert "do not fit its size" in fails(driver)
    assert driver.read().stamp == stamp(2)


def test_what_is_read_and_what_is_skipped_is_told(bag):
    driver = camera(bag, image="/cam/image_raw", points="none")
    assert driver.facts["skipped"] == {"/cam/points": "sensor_msgs/msg/PointCloud2"}
    assert driver.facts["topics"].keys() == {"/cam/camera_info", "/cam/image_raw", "/cam/depth/image_raw"}
    assert not driver.remarks


# What the transports of image_transport make of images.


def compressed(topic, form, number, data):
    return topic, bags.compressed(data, stamp(number), form)


def png(numbers):
    return cv2.imencode(".png", numbers)[1].tobytes()


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
@pytest.mark.parametrize("form", ["16UC1; png compressed ", "png"])
def test_depth_of_the_transport_compressed_is_found_and_read(tmp_path, form, storage):
    jpeg = encode(pixels(0), "image/jpeg")
    items = [
        item
        for number in range(3)
        for item in (
            compressed("/cam/color/image_raw/compressed", "rgb8; jpeg compressed bgr8", number, jpeg),
            compressed("/cam/depth/image_raw/compressed", form, number, png(millimetres(number))),
        )
    ]
    driver = camera(bags.write(tmp_path / "bag", items, storage))
    assert driver.sources == ("color", "depth")
    for number in range(3):
        expected = np.where(millimetres(number) == 0, np.nan, millimetres(number) / 1000)
        np.testing.assert_allclose(driver.read().depth, expected, rtol=1e-6)


def test_a_mosaic_in_png_becomes_colour(tmp_path):
    mosaic = np.zeros((6, 8), np.uint8)
    mosaic[::2, ::2] = 200  # red, of rggb
    items = [compressed("/cam/image_raw/compressed", "bayer_rggb8; png compressed ", 0, png(mosaic))]
    rgb = camera(bags.write(tmp_path / "bag", items)).read().image.rgb
    np.testing.assert_array_equal(rgb[2, 4], (200, 0, 0))


def test_depth_that_jpeg_has_lost_is_skipped(tmp_path):
    items = [
        compressed("/cam/image_raw/compressed", "jpeg", 0, encode(pixels(0), "image/jpeg")),
        compressed("/cam/depth/compressed", "16UC1; jpeg compressed mono8", 0, encode(pixels(0), "image/jpeg")),
    ]
    driver = camera(bags.write(tmp_path / "bag", items))
    assert driver.sources == ("color",)
    assert "/cam/depth/compressed" in driver.facts["skipped"]
    assert "have lost the depth" in fails(camera(bags.write(tmp_path / "again", items), depth="/cam/depth/compressed"))


def test_video_is_named_with_the_way_out(tmp_path):
    items = [compressed("/cam/image_raw/compressed", "h264", 0, b"\0\0\0\1")]
    assert "has no images, depth or points" in refused(bags.write(tmp_path / "bag", items))
    assert "republish" in fails(camera(tmp_path / "bag", image="/cam/image_raw/compressed"))


def test_files_in_raw_images_are_decoded_and_remarked_on(tmp_path):
    jpeg = encode(pixels(0), "image/jpeg")
    raw = bags.image(np.frombuffer(jpeg.ljust(6 * 16 * 20, b"\0"), np.uint8).reshape(6, -1), START, "yuv422")
    raw.width = 8
    driver = camera(bags.write(tmp_path / "bag", [("/image_raw", raw)]))
    np.testing.assert_array_equal(driver.read().image.rgb, decode(jpeg)[..., ::-1])
    assert "hold JPEG files" in driver.remarks[0]


def test_a_calibration_that_cannot_be_used_is_remarked_once(tmp_path):
    items = []
    for number in range(3):
        info = bags.camera_info(INTRINSICS, stamp(number))
        info.distortion_model, info.d = "unheard_of", np.array([0.1] * 7)
        items += [("/camera_info", info), ("/image_raw", bags.image(pixels(number), stamp(number)))]
    driver = camera(bags.write(tmp_path / "bag", items))
    for _ in range(3):
        driver.read()
    (remark,) = driver.remarks
    assert remark.startswith("the calibration on /camera_info cannot be used")


def test_the_bits_of_a_sensor_are_those_that_are_given(tmp_path):
    items = [
        ("/image_raw", bags.image(np.full((6, 8), 4095, np.uint16), stamp(number), "mono16")) for number in range(12)
    ]
    folder = bags.write(tmp_path / "bag", items)
    assert (camera(folder, bit_depth=12).read().image.rgb == 255).all()
    driver = camera(folder)
    for _ in range(12):
        assert (driver.read().image.rgb == 15).all()
    assert "set 'bit_depth' to 12" in driver.remarks[0]


# Bags that are damaged.


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9])
def test_a_truncated_database_is_an_error_that_says_so(tmp_path, part):
    folder = bags.write(tmp_path / "bag", recorded())
    file = folder / "bag.db3"
    file.write_bytes(file.read_bytes()[: int(part * file.stat().st_size)])
    with pytest.raises(VisionError, match=r"damaged") as caught:  # at once, or where it is cut off
        driver = camera(folder)
        while True:
            driver.read()
    assert caught.value.code in (ErrorCode.INVALID_ARGUMENT, ErrorCode.CAMERA_ERROR)
    assert str(folder) in caught.value.message


@pytest.mark.parametrize("part", [0.3, 0.5, 0.9])
def test_a_truncated_mcap_file_plays_what_is_there_and_says_so(tmp_path, part):
    folder = bags.write(tmp_path / "bag", recorded(), "mcap")
    file = folder / "bag.mcap"
    file.write_bytes(file.read_bytes()[: int(part * file.stat().st_size)])
    driver = camera(folder)
    assert driver.read().stamp == stamp(0)
    (remark,) = driver.remarks
    assert "bag.mcap was not closed by its recorder" in remark
    assert "mcap recover" in remark


def test_an_empty_mcap_file_is_an_error_that_says_so(tmp_path):
    folder = bags.write(tmp_path / "bag", recorded(), "mcap")
    (folder / "bag.mcap").write_bytes(b"")
    assert "bag.mcap is damaged or incomplete" in refused(folder)


def test_metadata_that_are_no_yaml_are_an_error(bag):
    (bag / "metadata.yaml").write_text("{")
    assert "cannot be read" in refused(bag)


def test_a_file_that_is_no_bag_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    assert "is no recording" in refused(tmp_path / "notes.txt")
    assert "there is no recording" in refused(tmp_path / "absent")
    (tmp_path / "old.bag").write_text("#ROSBAG V2.0")
    assert "rosbags-convert" in refused(tmp_path / "old.bag")


def test_an_empty_bag_is_refused(tmp_path):
    assert "has no messages" in refused(bags.write(tmp_path / "bag", []))


def test_it_may_be_closed_twice(bag):
    driver = camera(bag)
    driver.read()
    driver.close()
    driver.close()
