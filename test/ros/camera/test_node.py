"""The camera node: a driver's frames as topics, on request, and by reference."""

import json
import os
from array import array

import cv2
import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from sensor_msgs.srv import SetCameraInfo
from vision_service.srv import (
    DoCommand,
    GetCameraProperties,
    GetGeometries,
    GetImage,
    GetImages,
    GetPointCloud,
)

from robot import eventually, painted, running
from vision_service.camera import DRIVERS
from vision_service.camera.contents import decode_depth
from vision_service.errors import ErrorCode
from vision_service.image import decode, encode
from vision_service.pointcloud.pcd import read_pcd
from vision_service.pointcloud.projection import cloud_of
from vision_service.ros.conversion import cloud_from_message, depth_from_message, image_from_message

SIZE = (160, 120)
SYNTHETIC = {"driver": "synthetic", "width_px": SIZE[0], "height_px": SIZE[1], "seed": 21, "speed": 0.0, "noise": 0.0}
SENSOR = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
INTRINSICS = {
    f"intrinsic_parameters.{name}": value
    for name, value in {
        "width_px": 32.0, "height_px": 24.0, "fx": 40.0, "fy": 41.0, "ppx": 15.5, "ppy": 11.5,
    }.items()
}  # fmt: skip


@pytest.fixture(scope="module")
def robot():
    """A rendered camera that sees a still scene; the cameras of other tests have another name."""
    with running({"stack": {"cameras": ["rendered"]}, "rendered": SYNTHETIC}) as robot:
        yield robot


@pytest.fixture
def files(tmp_path):
    """The parameters of a camera that sees an image of 32×24 and depth; and the paths of both."""
    color, depth = tmp_path / "color.png", tmp_path / "depth.npy"
    color.write_bytes(encode(painted(32, 24, (4, 5, 20, 15)), "image/png"))
    np.save(depth, np.full((24, 32), 1.25, np.float32))
    parameters = {
        "driver": "image_file",
        "color_image_file_path": str(color),
        "depth_image_file_path": str(depth),
        "frame_rate": 50.0,
        **INTRINSICS,
    }
    return parameters, color, depth


def one(parameters):
    """Run one camera of that name."""
    return running({"stack": {"cameras": ["camera"]}, "camera": parameters})


def nanoseconds(stamp):
    return stamp.sec * 10**9 + stamp.nanosec


def refused(response, code, *words):
    assert not response.success
    assert response.error_code == code, response.message
    for word in words:
        assert word in response.message
    return response.message


def seen(robot):
    """Return the frame that the rendered camera's driver saw last."""
    return robot.nodes["rendered"]._feed.slot.fresh(float("inf"))


# What it is.


def test_properties(robot):
    answer = robot.call(GetCameraProperties, "rendered/get_properties")
    assert answer.success
    assert answer.supports_pcd
    assert list(answer.source_names) == ["color", "depth"]
    assert list(answer.mime_types) == ["image/jpeg", "image/png", "image/vnd.viam.dep"]
    assert answer.frame_rate == 30.0
    assert answer.frame_id == answer.camera_info.header.frame_id == "rendered_optical_frame"
    assert (answer.camera_info.width, answer.camera_info.height) == SIZE
    assert answer.camera_info.k[0] > 0
    assert answer.extrinsics.header.frame_id == ""


def test_status(robot):
    robot.call(GetImage, "rendered/get_image")
    status = robot.status("rendered")
    assert status["state"] == "active"
    assert status["last_error"] == ""
    assert status["troubles"] == []
    assert status["frames"] > 0
    assert status["age"] >= 0
    assert status["calls"]["answered"] > 0


def test_commands_are_the_driver_s(robot):
    robot.call(GetImage, "rendered/get_image")
    answer = robot.call(DoCommand, "rendered/do_command", command='{"command": "ground_truth"}')
    assert answer.success
    assert len(json.loads(answer.result)["objects"]) == 5
    refused(
        robot.call(DoCommand, "rendered/do_command", command='{"command": "ground_trut"}'),
        ErrorCode.NOT_SUPPORTED,
        "did you mean 'ground_truth'?",
    )


@pytest.mark.parametrize("command", ["", "{}"])
def test_no_command_is_a_command_that_is_not_known(robot, command):
    refused(robot.call(DoCommand, "rendered/do_command", command=command), ErrorCode.NOT_SUPPORTED, "ground_truth")


@pytest.mark.parametrize("command", ["[]", "{", "ground_truth", "null", "1"])
def test_a_command_is_a_json_object(robot, command):
    refused(robot.call(DoCommand, "rendered/do_command", command=command), ErrorCode.INVALID_ARGUMENT, "'command'")


# Images on request.


def test_the_image_is_the_driver_s(robot):
    answer = robot.call(GetImage, "rendered/get_image")
    assert answer.success
    assert (answer.image.source_name, answer.image.mime_type, len(answer.image.data)) == ("color", "", 0)
    assert (image_from_message(answer.image.image).rgb == seen(robot).image.rgb).all()
    assert answer.image.image.header == answer.header
    assert answer.header.frame_id == "rendered_optical_frame"
    assert nanoseconds(answer.header.stamp) > 0


@pytest.mark.parametrize(("mime_type", "loss"), [("image/png", 0.0), ("image/jpeg", 4.0)])
def test_the_image_may_be_encoded(robot, mime_type, loss):
    answer = robot.call(GetImage, "rendered/get_image", mime_type=mime_type)
    assert answer.success
    assert answer.image.mime_type == mime_type
    assert len(answer.image.image.data) == 0
    pixels = decode(bytes(answer.image.data))[..., ::-1]
    assert np.abs(pixels.astype(int) - seen(robot).image.rgb).mean() <= loss


def test_the_depth_is_metres(robot):
    answer = robot.call(GetImage, "rendered/get_image", source="depth")
    assert answer.success
    assert answer.image.source_name == "depth"
    assert answer.image.image.encoding == "32FC1"
    np.testing.assert_array_equal(depth_from_message(answer.image.image), seen(robot).depth)


def test_the_depth_as_a_png_is_millimetres(robot):
    answer = robot.call(GetImage, "rendered/get_image", source="depth", mime_type="image/png")
    millimetres = cv2.imdecode(np.frombuffer(bytes(answer.image.data), np.uint8), cv2.IMREAD_UNCHANGED)
    assert millimetres.dtype == np.uint16
    np.testing.assert_allclose(millimetres, np.nan_to_num(seen(robot).depth) * 1000, atol=0.51)


def test_raw_depth_is_asked_for_by_its_mime_type_alone(robot):
    answer = robot.call(GetImage, "rendered/get_image", mime_type="image/vnd.viam.dep")
    assert (answer.image.source_name, answer.image.mime_type) == ("depth", "image/vnd.viam.dep")
    np.testing.assert_allclose(decode_depth(bytes(answer.image.data)), seen(robot).depth, atol=0.00051)


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"source": "infrared"}, ErrorCode.INVALID_ARGUMENT, ("'infrared'", "color, depth")),
        (
            {"mime_type": "image/webp"},
            ErrorCode.NOT_SUPPORTED,
            ("'image/webp'", "color as image/jpeg, image/png", "depth as image/png, image/vnd.viam.dep"),
        ),
        (
            {"mime_type": "image/jpeg", "source": "depth"},
            ErrorCode.NOT_SUPPORTED,
            ("'image/jpeg'", "there is depth as image/png, image/vnd.viam.dep"),
        ),
        (
            {"mime_type": "image/vnd.viam.dep", "source": "color"},
            ErrorCode.NOT_SUPPORTED,
            ("there is color as image/jpeg, image/png",),
        ),
        ({"extra": "[]"}, ErrorCode.INVALID_ARGUMENT, ("'extra'",)),
        ({"extra": "{"}, ErrorCode.INVALID_ARGUMENT, ("'extra'",)),
        ({"timeout": -1.0}, ErrorCode.INVALID_ARGUMENT, ("'timeout'",)),
        ({"timeout": float("nan")}, ErrorCode.INVALID_ARGUMENT, ("'timeout'",)),
        ({"max_age": float("nan")}, ErrorCode.INVALID_ARGUMENT, ("'max_age'",)),
    ],
)
def test_a_bad_request_for_an_image_is_answered_and_the_next_good_one_too(robot, fields, code, words):
    refused(robot.call(GetImage, "rendered/get_image", **fields), code, *words)
    assert robot.call(GetImage, "rendered/get_image", extra='{"unknown": 1}').success


def test_the_images_of_all_imagers_are_of_one_time(robot):
    answer = robot.call(GetImages, "rendered/get_images", max_age=-1.0)
    assert answer.success
    assert [image.source_name for image in answer.images] == ["color", "depth"]
    assert [image.image.header for image in answer.images] == [answer.header] * 2


def test_images_are_answered_in_the_order_that_was_asked_for(robot):
    answer = robot.call(GetImages, "rendered/get_images", filter_source_names=["depth", "color"], mime_type="image/png")
    assert [(image.source_name, image.mime_type) for image in answer.images] == [
        ("depth", "image/png"),
        ("color", "image/png"),
    ]
    only = robot.call(GetImages, "rendered/get_images", filter_source_names=["depth"])
    assert [image.source_name for image in only.images] == ["depth"]


@pytest.mark.parametrize(
    ("wanted", "answered"),
    [
        ("image/jpeg", {"color": "image/jpeg", "depth": "image/png"}),
        ("image/vnd.viam.dep", {"color": "image/png", "depth": "image/vnd.viam.dep"}),
        ("", {"color": "", "depth": ""}),
    ],
)
def test_an_imager_that_has_not_the_form_of_the_others_answers_in_one_that_loses_nothing(robot, wanted, answered):
    answer = robot.call(GetImages, "rendered/get_images", mime_type=wanted)
    assert answer.success, answer.message
    assert {image.source_name: image.mime_type for image in answer.images} == answered


@pytest.mark.parametrize(("sources", "mime_type"), [([], "image/webp"), (["depth"], "image/jpeg")])
def test_a_form_that_none_of_the_imagers_has_is_refused(robot, sources, mime_type):
    answer = robot.call(GetImages, "rendered/get_images", filter_source_names=sources, mime_type=mime_type)
    refused(answer, ErrorCode.NOT_SUPPORTED, f"'{mime_type}'", "depth as image/png, image/vnd.viam.dep")
    assert not answer.images


def test_an_imager_that_is_not_there_or_asked_for_twice_is_refused(robot):
    service = "rendered/get_images"
    refused(
        robot.call(GetImages, service, filter_source_names=["color", "ir"]), ErrorCode.INVALID_ARGUMENT, "color, depth"
    )
    refused(
        robot.call(GetImages, service, filter_source_names=["color", "depth", "color"]),
        ErrorCode.INVALID_ARGUMENT,
        "twice: color",
    )


# Point clouds on request.


def test_the_point_cloud_is_that_of_the_frame(robot):
    answer = robot.call(GetPointCloud, "rendered/get_point_cloud")
    assert answer.success
    assert (answer.mime_type, len(answer.data)) == ("", 0)
    assert answer.cloud.header == answer.header
    found, expected = cloud_from_message(answer.cloud), cloud_of(seen(robot))
    np.testing.assert_array_equal(found.xyz, expected.xyz)
    np.testing.assert_array_equal(found.rgb, expected.rgb)


def test_the_point_cloud_may_be_a_pcd_file(robot):
    answer = robot.call(GetPointCloud, "rendered/get_point_cloud", mime_type="pointcloud/pcd")
    assert answer.success
    assert answer.mime_type == "pointcloud/pcd"
    assert len(answer.cloud.data) == 0
    found, expected = read_pcd(bytes(answer.data)).xyz, cloud_of(seen(robot)).xyz
    known = expected[~np.isnan(expected).any(axis=-1)]
    np.testing.assert_allclose(found[~np.isnan(found).any(axis=-1)], known, atol=1e-6)


@pytest.mark.parametrize(
    ("extra", "form"), [("", b"binary"), ('{"data": "binary"}', b"binary"), ('{"data": "ascii"}', b"ascii")]
)
def test_a_pcd_file_is_binary_or_text(robot, extra, form):
    answer = robot.call(GetPointCloud, "rendered/get_point_cloud", mime_type="pointcloud/pcd", extra=extra)
    assert answer.success, answer.message
    assert b"\nDATA " + form + b"\n" in bytes(answer.data)
    found, expected = read_pcd(bytes(answer.data)), cloud_of(seen(robot))
    np.testing.assert_array_equal(found.xyz, expected.xyz)
    np.testing.assert_array_equal(found.rgb, expected.rgb)


@pytest.mark.parametrize("extra", ['{"data": "binary_compressed"}', '{"data": 1}', '{"data": []}'])
def test_other_forms_of_pcd_files_are_refused(robot, extra):
    answer = robot.call(GetPointCloud, "rendered/get_point_cloud", mime_type="pointcloud/pcd", extra=extra)
    refused(answer, ErrorCode.INVALID_ARGUMENT, "'data' in 'extra'", '"ascii"')


def test_other_forms_of_point_clouds_are_refused(robot):
    refused(
        robot.call(GetPointCloud, "rendered/get_point_cloud", mime_type="pointcloud/ply"),
        ErrorCode.NOT_SUPPORTED,
        "pointcloud/pcd",
        "'pointcloud/ply'",
    )


def test_a_camera_without_depth_has_no_point_cloud(files):
    parameters, _, _ = files
    with one({**parameters, "depth_image_file_path": ""}) as robot:
        refused(robot.call(GetPointCloud, "camera/get_point_cloud"), ErrorCode.NO_DEPTH, "'camera'")
        properties = robot.call(GetCameraProperties, "camera/get_properties")
        assert not properties.supports_pcd
        assert list(properties.source_names) == ["color"]
        assert robot.node.count_publishers("/camera/points") == 0


def test_depth_without_intrinsics_gives_no_point_cloud(files):
    parameters = {name: value for name, value in files[0].items() if name not in INTRINSICS}
    with one(parameters) as robot:
        refused(robot.call(GetPointCloud, "camera/get_point_cloud"), ErrorCode.NOT_CALIBRATED, "intrinsic_parameters")
        assert not any(robot.call(GetCameraProperties, "camera/get_properties").camera_info.k)


def test_without_parameters_geometries_are_not_known(robot):
    refused(robot.call(GetGeometries, "rendered/get_geometries"), ErrorCode.NOT_SUPPORTED, "'rendered'", "'geometries'")


# Geometries.

BODY = {
    "geometries": ["body", "mount"],
    "body.size": [0.09, 0.025, 0.025],
    "mount.size": [0.02, 0.04, 0.02],
    "mount.center": [0.0, 0.05, 0.0],
    "mount.orientation": [0.0, 0.0, 1.0, 1.0],
}


def test_geometries_are_what_the_parameters_say(files):
    with one({**files[0], **BODY}) as robot:
        answer = robot.call(GetGeometries, "camera/get_geometries")
        assert answer.success, answer.message
        assert (list(answer.labels), answer.header.frame_id) == (["body", "mount"], "camera_optical_frame")
        body, mount = answer.geometries
        assert (body.size.x, body.size.y, body.size.z) == (0.09, 0.025, 0.025)
        assert (body.center.position.y, body.center.orientation.w) == (0.0, 1.0)
        assert mount.center.position.y == 0.05
        assert mount.center.orientation.z == mount.center.orientation.w == pytest.approx(0.5**0.5)
        refused(robot.call(GetGeometries, "camera/get_geometries", extra="["), ErrorCode.INVALID_ARGUMENT, "'extra'")


def test_a_geometry_may_change_to_what_is_a_box(files):
    with one({**files[0], **BODY}) as robot:
        result = robot.set("camera", {"body.size": [0.1, 0.2]})
        assert not result.successful
        assert "'body.size' must be 3 numbers" in result.reason
        assert robot.set("camera", {"body.size": [0.1, 0.2, 0.3]}).successful
        assert robot.call(GetGeometries, "camera/get_geometries").geometries[0].size.z == 0.3


def test_a_geometry_that_is_no_box_leaves_the_camera_unconfigured(files):
    with one({**files[0], **BODY, "mount.size": [1.0]}) as robot:
        status = robot.status("camera")
        assert status["state"] == "unconfigured"
        assert "'mount.size' must be 3 numbers, not 1" in status["last_error"]


# What is not there yet.


@pytest.mark.parametrize("parameters", [SYNTHETIC, {"driver": "none"}], ids=["active", "unconfigured"])
def test_an_empty_calibration_is_refused(parameters):
    with one(parameters) as robot:
        answer = robot.call(SetCameraInfo, "camera/set_camera_info")
        assert not answer.success
        assert answer.status_message


# Topics.


def test_topics_show_what_the_driver_sees(robot):
    topics = {
        "image_raw": Image,
        "image_raw/compressed": CompressedImage,
        "camera_info": CameraInfo,
        "depth/image_raw": Image,
        "depth/camera_info": CameraInfo,
        "points": PointCloud2,
    }
    inboxes = {name: robot.listen(kind, f"rendered/{name}", SENSOR) for name, kind in topics.items()}
    messages = {name: inbox.next() for name, inbox in inboxes.items()}
    for inbox in inboxes.values():
        robot.stop_listening(inbox)
    frame = seen(robot)
    assert {message.header.frame_id for message in messages.values()} == {"rendered_optical_frame"}
    assert (image_from_message(messages["image_raw"]).rgb == frame.image.rgb).all()
    jpeg = decode(bytes(messages["image_raw/compressed"].data))[..., ::-1]
    assert messages["image_raw/compressed"].format == "jpeg"
    assert np.abs(jpeg.astype(int) - frame.image.rgb).mean() < 4
    np.testing.assert_array_equal(depth_from_message(messages["depth/image_raw"]), frame.depth)
    np.testing.assert_array_equal(cloud_from_message(messages["points"]).xyz, cloud_of(frame).xyz)
    for name in ("camera_info", "depth/camera_info"):
        assert (messages[name].width, messages[name].height) == SIZE
        assert messages[name].k[0] == frame.intrinsics.fx


def test_all_topics_of_a_frame_bear_one_stamp(robot):
    image, info = (
        robot.listen(Image, "rendered/image_raw", SENSOR),
        robot.listen(CameraInfo, "rendered/camera_info", SENSOR),
    )
    stamps: set = set()

    def common():
        stamps.update({nanoseconds(message.header.stamp) for message in image.drain()})
        return stamps & {nanoseconds(message.header.stamp) for message in info.drain()}

    eventually(common, "an image and a camera_info of one stamp")
    robot.stop_listening(image)
    robot.stop_listening(info)


def test_topics_that_the_camera_cannot_fill_are_not_there(files):
    _, _, depth = files
    with one({"driver": "image_file", "depth_image_file_path": str(depth)}) as robot:
        for topic, there in {"image_raw": 0, "camera_info": 0, "depth/image_raw": 1, "points": 0}.items():
            eventually(lambda topic=topic, there=there: robot.node.count_publishers(f"/camera/{topic}") == there, topic)
        assert robot.call(GetImage, "camera/get_image").image.source_name == "depth"
        refused(robot.call(GetImage, "camera/get_image", source="color"), ErrorCode.INVALID_ARGUMENT, "depth")


def test_depth_of_another_size_than_the_image_is_not_calibrated(files):
    parameters, _, depth = files
    np.save(depth, np.full((12, 16), 1.25, np.float32))
    with one(parameters) as robot:
        info = robot.listen(CameraInfo, "camera/depth/camera_info", SENSOR).next()
        assert (info.width, info.height, info.k[0]) == (16, 12, 0.0)
        assert robot.listen(CameraInfo, "camera/camera_info", SENSOR).next().k[0] == 40.0
        refused(robot.call(GetPointCloud, "camera/get_point_cloud"), ErrorCode.NOT_CALIBRATED)


def test_a_frame_id_may_be_given(files):
    parameters, _, _ = files
    with one({**parameters, "frame_id": "hand_lens"}) as robot:
        assert robot.call(GetImage, "camera/get_image").header.frame_id == "hand_lens"
        assert robot.call(GetCameraProperties, "camera/get_properties").frame_id == "hand_lens"


def test_a_parameter_overrides_the_quality_of_service_of_a_topic(files):
    parameters, _, _ = files
    override = {"qos_overrides./camera/image_raw.publisher.reliability": "best_effort"}
    with one({**parameters, **override}) as robot:
        (info,) = eventually(lambda: robot.node.get_publishers_info_by_topic("/camera/image_raw"), "a publisher")
        assert info.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
        robot.listen(Image, "camera/image_raw", SENSOR).next()


def test_a_jpeg_is_handed_on_as_the_file_it_is_unless_half_of_it_is_missing():
    jpeg = encode(painted(32, 24, (4, 5, 20, 15)), "image/jpeg", quality=40)
    relay = {"driver": "ros", "image": "/given", "transport": "compressed"}
    with running({"stack": {"cameras": ["relay"]}, "relay": relay}) as robot:
        message = CompressedImage(format="jpeg")
        message.data.frombytes(jpeg)
        robot.repeat(robot.publisher(CompressedImage, "/given/compressed"), lambda: message)
        eventually(lambda: robot.status("relay")["state"] == "active", "the topic is found")
        assert bytes(robot.listen(CompressedImage, "relay/image_raw/compressed", SENSOR).next().data) == jpeg
        assert bytes(robot.call(GetImage, "relay/get_image", mime_type="image/jpeg").image.data) == jpeg
        message.data = message.data[: len(jpeg) // 2]

        def answer():
            return robot.call(GetImage, "relay/get_image", mime_type="image/jpeg", max_age=-1.0)

        refusal = eventually(lambda: (got := answer()).error_code and got, "half an image arrives")
        refused(refusal, ErrorCode.CAMERA_ERROR, "cut off")
        message.data = array("B", jpeg)
        eventually(lambda: answer().success, "a whole image arrives")


def test_a_topic_that_cannot_be_published_says_so_and_holds_up_no_other():
    jpeg = encode(painted(32, 24, (4, 5, 20, 15)), "image/jpeg", quality=40)
    relay = {"driver": "ros", "image": "/given", "transport": "compressed"}
    with running({"stack": {"cameras": ["relay"]}, "relay": relay}) as robot:
        message = CompressedImage(format="jpeg")
        message.data.frombytes(jpeg[: len(jpeg) // 2])
        robot.repeat(robot.publisher(CompressedImage, "/given/compressed"), lambda: message)
        eventually(lambda: robot.status("relay")["state"] == "active", "the topic is found")
        images = robot.listen(Image, "relay/image_raw", SENSOR)
        (problem,) = eventually(lambda: robot.status("relay")["troubles"], "a problem")
        assert "cannot be published on ~/image_raw" in problem
        assert "cut off" in problem
        robot.listen(CameraInfo, "relay/camera_info", SENSOR).next()
        message.data = array("B", jpeg)
        images.next()
        eventually(lambda: not robot.status("relay")["troubles"], "the problem is over")


# Only while somebody wants frames.


def test_the_camera_is_read_only_while_somebody_wants_frames(files):
    parameters, _, _ = files
    with one({**parameters, "linger": 0.0}) as robot:
        slot = robot.nodes["camera"]._feed.slot
        assert slot.count == 0
        inbox = robot.listen(Image, "camera/image_raw", SENSOR)
        inbox.next()
        robot.stop_listening(inbox)
        still(slot)
        before = slot.count
        assert robot.call(GetImage, "camera/get_image", max_age=-1.0).success
        assert slot.count > before
        still(slot)
        assert robot.set("camera", {"keep_reading": True}).successful
        before = slot.count
        eventually(lambda: slot.count > before + 5, "frames that nobody asked for")
        assert robot.set("camera", {"keep_reading": False}).successful
        still(slot)


def still(slot):
    """Wait until no frames come any more."""
    counts = [slot.count]

    def quiet():
        counts.append(slot.count)
        return len(counts) > 40 and len(set(counts[-40:])) == 1

    eventually(quiet, "no more frames")


def test_frames_still_come_for_a_while_after_a_call(files):
    parameters, _, _ = files
    with one({**parameters, "linger": 1000.0}) as robot:
        slot = robot.nodes["camera"]._feed.slot
        robot.call(GetImage, "camera/get_image")
        before = slot.count
        eventually(lambda: slot.count > before + 20, "frames after the call")


# Freshness, with a camera that gives a frame a second.


def test_a_frame_is_taken_or_waited_for_as_its_age_allows(files):
    parameters, _, _ = files
    with one({**parameters, "frame_rate": 1.0, "max_age": 0.0}) as robot:

        def stamp(**fields):
            answer = robot.call(GetImage, "camera/get_image", **fields)
            assert answer.success, answer.message
            return nanoseconds(answer.header.stamp)

        first = stamp()
        assert stamp(max_age=1000.0) == first
        second = stamp(max_age=-1.0)
        assert second > first
        third = stamp()  # as the node's parameter says
        assert third > second
        refusal = robot.call(GetImage, "camera/get_image", max_age=-1.0, timeout=0.1)
        refused(refusal, ErrorCode.NO_FRAME, "'camera'", "within 0.1 s", "the last one arrived 0.")


# A camera with problems.


def test_a_camera_that_fails_says_why_and_recovers(files):
    parameters, color, _ = files
    good = color.read_bytes()
    with one(parameters) as robot:
        assert robot.call(GetImage, "camera/get_image").success
        color.write_bytes(b"garbage")
        answer = eventually(
            lambda: (answer := robot.call(GetImage, "camera/get_image", max_age=-1.0)).success or answer, "an answer"
        )
        refused(answer, ErrorCode.CAMERA_ERROR, str(color))
        assert robot.problem("camera", str(color))
        color.write_bytes(good)
        eventually(lambda: robot.call(GetImage, "camera/get_image", max_age=-1.0).success, "recovery")
        assert not robot.problem("camera", str(color))


def test_a_camera_that_hangs_says_so_and_answers_in_time(files, monkeypatch):
    monkeypatch.setitem(DRIVERS._builtin, "hanging", "hanging:HangingDriver")
    parameters, color, _ = files
    with one({**parameters, "driver": "hanging", "silence": 0.3}) as robot:
        assert robot.call(GetImage, "camera/get_image").success
        good = color.read_bytes()
        pipe, other = color.with_name("pipe"), color.with_name("other")
        os.mkfifo(pipe)
        other.hardlink_to(pipe)
        other.replace(color)  # reading it waits for a writer
        answer = eventually(
            lambda: (answer := robot.call(GetImage, "camera/get_image", max_age=-1.0, timeout=0.3)).success or answer,
            "a call in vain",
        )
        eventually(lambda: robot.problem("camera", "hanging has not returned"), "a problem")
        answer = robot.call(GetImage, "camera/get_image", max_age=-1.0, timeout=0.2)
        refused(answer, ErrorCode.NO_FRAME, "the last one arrived")
        other.write_bytes(good)
        other.replace(color)
        pipe.open("wb").close()  # lets it go
        eventually(lambda: robot.call(GetImage, "camera/get_image", max_age=-1.0, timeout=0.3).success, "recovery")
        eventually(lambda: not robot.problem("camera", "hanging has not returned"), "no problem")


def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(files):
    parameters, color, _ = files
    with one(parameters) as robot:
        good = color.read_bytes()
        color.unlink()
        os.mkfifo(color)
        refused(robot.call(GetImage, "camera/get_image", max_age=-1.0), ErrorCode.CAMERA_ERROR, "only regular files")
        color.unlink()
        color.write_bytes(good)
        eventually(lambda: robot.call(GetImage, "camera/get_image", max_age=-1.0).success, "recovery")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"driver": "webcamm"}, ("no", "webcamm")),
        ({}, ("'driver' is missing",)),
        ({"driver": "synthetic", "width_px": 3}, ("'width_px'", "at least 16")),
        ({"driver": "synthetic", "width_px": "wide"}, ("'width_px'", "'wide'")),
        ({"driver": "synthetic", "jpeg_quality": 0}, ("'jpeg_quality'", "at least 1")),
        ({"driver": "image_file"}, ("color_image_file_path",)),
        ({"driver": "image_file", "color_image_file_path": "/nowhere/a.png"}, ("'/nowhere/a.png'",)),
        ({"driver": "synthetic", "autostart": "yes"}, ("'autostart'", "'yes'")),
    ],
)
def test_a_camera_that_cannot_be_configured_says_why_and_still_answers(parameters, words):
    with one(parameters) as robot:
        status = robot.status("camera")
        assert status["state"] == "unconfigured"
        for word in words:
            assert word in status["last_error"]
        refused(robot.call(GetImage, "camera/get_image"), ErrorCode.NOT_ACTIVE, *words)
        assert robot.call(GetCameraProperties, "camera/get_properties").success


def test_it_can_be_set_right_while_it_runs(files):
    parameters, color, _ = files
    with one({**parameters, "color_image_file_path": "/nowhere/a.png"}) as robot:
        assert robot.status("camera")["state"] == "unconfigured"
        assert robot.set("camera", {"color_image_file_path": str(color)}).successful
        eventually(lambda: robot.status("camera")["state"] == "active", "it starts by itself")
        assert robot.call(GetImage, "camera/get_image").success


def changed(robot, node, transition):
    return robot.call(ChangeState, f"{node}/change_state", transition=Transition(id=transition)).success


def test_another_driver_may_be_chosen_while_it_is_unconfigured(files):
    parameters, _, _ = files
    with one({**parameters, "width_px": 64}) as robot:
        answer = robot.set("camera", {"driver": "synthetic"})
        assert not answer.successful
        assert "driver" in answer.reason
        answer = robot.set("camera", {"frame_rate": 5.0})
        assert not answer.successful
        assert "frame_rate" in answer.reason
        assert changed(robot, "camera", Transition.TRANSITION_DEACTIVATE)
        refused(robot.call(GetImage, "camera/get_image"), ErrorCode.NOT_ACTIVE, "inactive")
        assert changed(robot, "camera", Transition.TRANSITION_CLEANUP)
        assert robot.set("camera", {"driver": "synthetic"}).successful
        assert changed(robot, "camera", Transition.TRANSITION_CONFIGURE)
        assert changed(robot, "camera", Transition.TRANSITION_ACTIVATE)
        assert robot.call(GetImage, "camera/get_image", max_age=-1.0).image.image.width == 64


def test_a_cleaned_up_camera_has_no_topics(files):
    parameters, _, _ = files
    with one(parameters) as robot:
        eventually(lambda: robot.node.count_publishers("/camera/image_raw"), "a topic")
        assert changed(robot, "camera", Transition.TRANSITION_DEACTIVATE)
        assert changed(robot, "camera", Transition.TRANSITION_CLEANUP)
        eventually(lambda: not robot.node.count_publishers("/camera/image_raw"), "no topic")
        assert robot.call(GetCameraProperties, "camera/get_properties").success


# Under simulated time.


def test_under_simulated_time_without_a_clock_nothing_hangs(files):
    parameters, _, _ = files
    with one({**parameters, "use_sim_time": True, "linger": 0.0}) as robot:
        assert robot.call(GetImage, "camera/get_image").header.stamp.sec == 0
        inbox = robot.listen(Image, "camera/image_raw", SENSOR)
        inbox.next()
        refused(
            robot.call(GetImage, "camera/get_image", max_age=-1.0, timeout=1e-6), ErrorCode.NO_FRAME, "within 1e-06 s"
        )
