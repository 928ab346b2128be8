"""Recorded and joined cameras through real nodes."""

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from vision_service.srv import GetCameraProperties, GetImages, GetPointCloud

import bags
from robot import eventually, running
from vision_service.image import encode
from vision_service.ros import conversion
from vision_service.types import CameraIntrinsics

INTRINSICS = CameraIntrinsics(32, 24, 30.0, 31.0, 15.5, 11.5)
START, INTERVAL, COUNT = 1_700_000_000_000_000_000, 50_000_000, 12
VIEW = {"driver": "synthetic", "width_px": 160, "height_px": 120}


def stamp(number):
    return START + number * INTERVAL


def number_of(message):
    number, rest = divmod(conversion.nanoseconds(message.header.stamp) - START, INTERVAL)
    assert rest == 0, "a stamp that was not written"
    return number


def pixels(number):
    return np.random.default_rng(number).integers(0, 256, (24, 32, 3), np.uint8)


def depth(number):
    return np.random.default_rng(number).integers(500, 3000, (24, 32), np.uint16)


def xyz(number):
    return np.random.default_rng(number).random((20, 3), np.float32)


def recorded(names):
    return [
        item
        for number in range(COUNT)
        for item in (
            (f"{names}/camera_info", bags.camera_info(INTRINSICS, stamp(number), frame_id="lens")),
            (f"{names}/image_raw", bags.image(pixels(number), stamp(number), frame_id="lens")),
            (f"{names}/depth/image_raw", bags.image(depth(number), stamp(number), "16UC1", frame_id="lens")),
            (f"{names}/points", bags.points(xyz(number), stamp(number), frame_id="lens")),
        )
    ]


def state_of(robot, node, state):
    eventually(lambda: robot.status(node)["state"] == state, f"{node} is {state}")


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
def test_a_bag_is_published_as_it_was_written(tmp_path, storage):
    path = bags.write(tmp_path / "bag", recorded("/d400"), storage)
    replay = {"driver": "replay", "path": str(path), "loop": True}
    with running({"stack": {"cameras": ["replay"]}, "replay": replay}) as robot:
        inboxes = {
            kind: robot.listen(message, f"replay/{kind}")
            for kind, message in {
                "image_raw": Image,
                "camera_info": CameraInfo,
                "depth/image_raw": Image,
                "depth/camera_info": CameraInfo,
                "points": PointCloud2,
            }.items()
        }
        for _ in range(5):
            messages = {kind: inbox.next() for kind, inbox in inboxes.items()}
            assert {message.header.frame_id for message in messages.values()} == {"lens"}
            np.testing.assert_array_equal(
                conversion.image_from_message(messages["image_raw"]).rgb, pixels(number_of(messages["image_raw"]))
            )
            np.testing.assert_allclose(
                conversion.depth_from_message(messages["depth/image_raw"]),
                depth(number_of(messages["depth/image_raw"])) / 1000,
                rtol=1e-6,
            )
            np.testing.assert_array_equal(
                conversion.cloud_from_message(messages["points"]).xyz, xyz(number_of(messages["points"]))
            )
            for kind in ("camera_info", "depth/camera_info"):
                assert conversion.intrinsics_from_message(messages[kind]) == INTRINSICS
                number_of(messages[kind])
        answer = robot.call(GetCameraProperties, "replay/get_properties")
        assert list(answer.source_names) == ["color", "depth"]
        assert answer.supports_pcd


def test_image_and_depth_of_one_call_are_of_one_recorded_frame(tmp_path):
    path = bags.write(tmp_path / "bag", recorded("/d400"))
    replay = {"driver": "replay", "path": str(path), "loop": True}
    with running({"stack": {"cameras": ["replay"]}, "replay": replay}) as robot:
        answer = robot.call(GetImages, "replay/get_images", timeout=20.0)
        assert answer.success, answer.message
        color, distances = (named.image for named in answer.images)
        np.testing.assert_array_equal(conversion.image_from_message(color).rgb, pixels(number_of(answer)))
        np.testing.assert_allclose(conversion.depth_from_message(distances), depth(number_of(answer)) / 1000, rtol=1e-6)


def test_every_frame_comes_once_and_then_the_node_says_that_it_is_over(tmp_path):
    path = bags.write(tmp_path / "bag", recorded("/d400"))
    replay = {"driver": "replay", "path": str(path), "points": "none"}
    with running({"stack": {"cameras": ["replay"]}, "replay": replay}) as robot:
        inbox = robot.listen(Image, "replay/image_raw", 100)
        eventually(lambda: robot.problem("replay", "end of the recording"), "the node says that it is over")
        numbers = [number_of(message) for message in inbox.drain()]
        assert numbers == list(range(COUNT))[-len(numbers) :], "in order, each once"


def test_a_bag_of_compressed_images_is_published(tmp_path):
    items = [
        ("/cam/image_raw/compressed", bags.compressed(encode(pixels(number), "image/png"), stamp(number), "png"))
        for number in range(COUNT)
    ]
    replay = {"driver": "replay", "path": str(bags.write(tmp_path / "bag", items)), "loop": True}
    with running({"stack": {"cameras": ["replay"]}, "replay": replay}) as robot:
        message = robot.listen(Image, "replay/image_raw").next()
        np.testing.assert_array_equal(conversion.image_from_message(message).rgb, pixels(number_of(message)))


def test_a_recording_that_is_not_there_leaves_the_node_unconfigured_with_the_reason(tmp_path):
    replay = {"driver": "replay", "path": str(tmp_path / "absent")}
    with running({"stack": {"cameras": ["replay"]}, "replay": replay}) as robot:
        assert "there is no recording" in robot.status("replay")["last_error"]


def test_two_recorded_cameras_are_joined(tmp_path):
    """One bag, read as a colour camera and as a depth camera: their stamps bring them together again."""
    path = str(bags.write(tmp_path / "bag", recorded("/d400")))
    common = {"driver": "replay", "path": path, "loop": True, "points": "none"}
    nodes = {
        "stack": {"cameras": ["color", "depth", "rgbd"]},
        "color": {**common, "depth": "none"},
        "depth": {**common, "image": "none"},
        "rgbd": {
            "driver": "join_color_depth",
            "color_camera_name": "color",
            "depth_camera_name": "depth",
            "translation": [0.0, 0.0, 0.0],
        },
    }
    with running(nodes) as robot:
        state_of(robot, "rgbd", "active")
        answer = robot.call(GetImages, "rgbd/get_images", timeout=20.0)
        assert answer.success, answer.message
        color, distances = (named.image for named in answer.images)
        np.testing.assert_array_equal(conversion.image_from_message(color).rgb, pixels(number_of(answer)))
        np.testing.assert_allclose(conversion.depth_from_message(distances), depth(number_of(answer)) / 1000, rtol=1e-4)
        assert answer.header.frame_id == "lens"


def test_points_of_two_cameras_are_joined_in_the_target_frame():
    nodes = {
        "stack": {"cameras": ["front", "back", "around"]},
        "front": {**VIEW, "seed": 1},
        "back": {**VIEW, "seed": 2},
        "around": {
            "driver": "join_pointclouds",
            "source_cameras": ["front", "back"],
            "target_frame": "base_link",
            "tolerance": 1.0,
            "front.translation": [0.0, 0.0, 1.0],
            "back.translation": [0.0, 0.0, -1.0],
            "back.rotation": [0.0, 3.141592653589793, 0.0],
        },
    }
    with running(nodes) as robot:
        state_of(robot, "around", "active")
        answer = robot.call(GetPointCloud, "around/get_point_cloud", timeout=20.0)
        assert answer.success, answer.message
        assert answer.header.frame_id == "base_link"
        cloud = conversion.cloud_from_message(answer.cloud)
        assert cloud.rgb is not None
        assert (cloud.xyz[:, 2] > 1.0).any(), "before"
        assert (cloud.xyz[:, 2] < -1.0).any(), "behind"


def test_a_transform_that_is_none_leaves_the_node_unconfigured_with_the_reason():
    nodes = {
        "stack": {"cameras": ["front", "around"]},
        "front": VIEW,
        "around": {"driver": "join_pointclouds", "source_cameras": ["front"], "front.translation": [1.0, 2.0]},
    }
    with running(nodes) as robot:
        eventually(
            lambda: "translation of camera 'front' must be 3 numbers" in robot.status("around")["last_error"],
            "the node says what is wrong",
        )


def test_cameras_that_join_each_other_are_refused():
    def joined(other):
        return {"driver": "join_pointclouds", "source_cameras": [other]}

    nodes = {"stack": {"cameras": ["one", "two"]}, "one": joined("two"), "two": joined("one")}
    with running(nodes) as robot:
        eventually(
            lambda: any("dependency cycle" in robot.status(name)["last_error"] for name in ("one", "two")),
            "the cycle is named",
        )


def test_what_is_skipped_and_what_is_wrong_with_a_bag_is_told(tmp_path):
    path = bags.write(tmp_path / "bag", recorded("/d400"), "mcap")
    (path / "metadata.yaml").unlink()
    file = path / "bag.mcap"
    file.write_bytes(file.read_bytes()[:-100])
    replay = {"driver": "replay", "path": str(path), "points": "none", "loop": True}
    with running({"stack": {"cameras": ["replay"]}, "replay": replay}) as robot:
        state_of(robot, "replay", "active")
        assert robot.listen(Image, "replay/image_raw").next().header.frame_id == "lens"
        status = robot.status("replay")
        assert status["skipped"] == {"/d400/points": "sensor_msgs/msg/PointCloud2"}
        assert status["topics"]["/d400/image_raw"] == "sensor_msgs/msg/Image"
        eventually(lambda: robot.problem("replay", "mcap recover"), "what is wrong with the file")
        eventually(lambda: robot.problem("replay", "ros2 bag reindex"), "what is wrong with the folder")
