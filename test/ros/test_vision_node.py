"""The vision node: a model behind services and topics, for cameras of this process and of any other."""

import colorsys
import json
import math

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Classification, Detection2DArray, LabelInfo
from vision_service.srv import (
    CaptureAllFromCamera,
    DoCommand,
    GetClassifications,
    GetClassificationsFromCamera,
    GetDetections,
    GetDetectionsFromCamera,
    GetObjectPointClouds,
    GetVisionProperties,
)

import testdata
from robot import RED_DETECTOR, boxes_of, eventually, image_message, never, overlap, painted, running
from vision_service.camera.scene import COLORS
from vision_service.errors import ErrorCode
from vision_service.image import encode
from vision_service.ros.conversion import detections_from_message, image_from_message, nanoseconds
from vision_service.vision.model import Needs

SENSOR = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
SEEDS = (11, 12, 13)
"""Scenes that config/demo.yaml does not show."""
BOX = (70, 20, 95, 60)
PICTURE = painted(130, 70, BOX)
DETECTOR_FILE = "models/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"
CLASSIFIER_FILE = "models/mobilenet_v2_1.0_224_quant.tflite"


def solid_color(name):
    """Return the colour of a rendered solid as #RRGGBB."""
    hue, saturation, value = COLORS[name]
    return "#" + "".join(f"{round(255 * part):02X}" for part in colorsys.hsv_to_rgb(hue / 360, saturation, value))


def detector_of(name):
    """Return the parameters of a detector of the rendered solid of a colour."""
    return {
        "model": "color_detector",
        "detect_color": solid_color(name),
        "hue_tolerance_pct": 0.08,
        "segment_size_px": 300,
        "cameras": ["view"],
    }


def view(seed, **parameters):
    """Return the parameters of a camera above six solids, each of another colour."""
    return {"driver": "synthetic", "seed": seed, "objects": 6, **parameters}


def reds(**parameters):
    """Run one vision node of that name, which finds what `painted` paints."""
    sections = {"stack": {"vision": ["reds"]}, "reds": {**RED_DETECTOR, **parameters}}
    return running(sections)


def refused(response, code, *words):
    assert not response.success
    assert response.error_code == code, response.message
    for word in words:
        assert word in response.message
    return response.message


def changed(robot, node, transition):
    return robot.call(ChangeState, f"{node}/change_state", transition=Transition(id=transition)).success


class Lens:
    """A foreign camera: pictures on a topic, each with a stamp one second later than the one before."""

    def __init__(self, robot, topic="front/image_raw", qos=10):
        self.seconds = 0
        self.pixels = PICTURE
        self.robot = robot
        self.publisher = robot.publisher(Image, topic, qos)

    def message(self):
        self.seconds += 1
        return image_message(self.pixels, stamp=self.seconds * 10**9, frame_id="front_lens")

    def once(self):
        """Publish one picture to whoever listens now."""
        eventually(self.publisher.get_subscription_count, "somebody who listens to the camera")
        self.publisher.publish(self.message())

    def running(self, rate=50.0):
        """Publish from now on."""
        self.timer = self.robot.repeat(self.publisher, self.message, rate)
        return self


def subscriptions(robot, topic="/front/image_raw"):
    return robot.listeners(topic)


@pytest.fixture(scope="module")
def robot():
    """A moving scene, and detectors of red and of blue solids; no other test's nodes have these names."""
    sections = {
        "stack": {"cameras": ["view"], "vision": ["ruby", "sapphire"]},
        "view": view(11),
        "ruby": detector_of("red"),
        "sapphire": detector_of("blue"),
    }
    with running(sections) as robot:
        yield robot


# Given pictures.


def detect(robot, node="ruby", **fields):
    return robot.call(GetDetections, f"{node}/get_detections", **fields)


CHANNELS = {"rgb8": (0, 1, 2), "bgr8": (2, 1, 0), "rgba8": (0, 1, 2, 0), "bgra8": (2, 1, 0, 0)}


@pytest.mark.parametrize("padding", [0, 1, 30])
@pytest.mark.parametrize("encoding", CHANNELS)
def test_boxes_are_right_whatever_the_picture_s_shape_encoding_and_padding(robot, encoding, padding):
    pixels = painted(130, 70, BOX)[..., CHANNELS[encoding]]
    message = image_message(pixels, encoding, padding=padding, stamp=5_000_000_009, frame_id="lens")
    answer = detect(robot, image=message)
    assert answer.success, answer.message
    assert boxes_of(answer.detections) == [BOX]
    assert (answer.image_width, answer.image_height) == (130, 70)


@pytest.mark.parametrize("big_endian", [0, 1])
def test_byte_order_means_nothing_to_pictures_of_bytes(robot, big_endian):
    message = image_message(PICTURE)
    message.is_bigendian = big_endian
    assert boxes_of(detect(robot, image=message).detections) == [BOX]


@pytest.mark.parametrize("mime_type", ["image/png", "image/jpeg"])
def test_pictures_may_be_compressed(robot, mime_type):
    message = CompressedImage(format="", data=encode(PICTURE, mime_type, quality=100))
    message.header.frame_id = "lens"
    answer = detect(robot, compressed_image=message)
    assert answer.success, answer.message
    (box,) = boxes_of(answer.detections)
    assert overlap(box, BOX) > 0.9
    assert (answer.image_width, answer.image_height) == (130, 70)
    assert answer.header.frame_id == "lens"


def test_results_bear_the_picture_s_stamp_and_frame(robot):
    answer = detect(robot, image=image_message(PICTURE, stamp=5_000_000_009, frame_id="lens"))
    for header in (answer.header, answer.detections.header, answer.detections.detections[0].header):
        assert (nanoseconds(header.stamp), header.frame_id) == (5_000_000_009, "lens")
    assert answer.camera_name == ""


def test_a_detection_is_filled_as_vision_msgs_says(robot):
    (detection,) = detect(robot, image=image_message(PICTURE)).detections.detections
    (result,) = detection.results
    assert (result.hypothesis.class_id, result.hypothesis.score) == ("red", 1.0)
    assert result.pose.pose.position.x == result.pose.pose.position.z == 0.0
    assert (detection.bbox.center.position.x, detection.bbox.center.position.y) == (82.5, 40.0)
    assert (detection.bbox.size_x, detection.bbox.size_y, detection.bbox.center.theta) == (25.0, 40.0, 0.0)
    assert detection.id == ""


def test_nothing_found_is_a_success_with_an_empty_list(robot):
    answer = detect(robot, image=image_message(painted(130, 70)))
    assert answer.success
    assert answer.message == ""
    assert answer.error_code == ErrorCode.OK
    assert answer.detections.detections == []


def test_results_come_in_the_model_s_order(robot):
    boxes = [(0, 0, 20, 20), (40, 0, 90, 50), (100, 0, 130, 30)]
    answer = detect(robot, image=image_message(painted(130, 70, *boxes)))
    assert boxes_of(answer.detections) == [boxes[1], boxes[2], boxes[0]]


def picture_with(**fields):
    message = image_message(PICTURE)
    for name, value in fields.items():
        setattr(message, name, value)
    return message


GARBAGE = CompressedImage(format="jpeg", data=b"\xff\xd8garbage")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, ("fill image or compressed_image",)),
        (
            {"image": image_message(PICTURE), "compressed_image": CompressedImage(data=encode(PICTURE, "image/png"))},
            ("both", "fill one"),
        ),
        ({"image": picture_with(width=0)}, ("0×70",)),
        ({"image": picture_with(height=0)}, ("130×0",)),
        ({"image": picture_with(width=0, height=0)}, ("0×0",)),
        ({"image": picture_with(step=131)}, ("131", "9170", "27300")),
        ({"image": picture_with(height=71)}, ("71", "27690", "27300")),
        ({"image": picture_with(width=131)}, ("step 390", "131 pixels")),
        ({"image": picture_with(width=2**32 - 1, height=2**32 - 1)}, ("27300",)),
        ({"image": Image(encoding="rgb8", width=130, height=70, step=390)}, ("27300", "0 are there")),
        ({"image": picture_with(encoding="")}, ("''", "rgb8")),
        ({"image": picture_with(encoding="rgb9")}, ("'rgb9'", "rgb8")),
        ({"image": picture_with(encoding="16UC1")}, ("16UC1", "depth")),
        ({"compressed_image": GARBAGE}, ("no picture",)),
        ({"compressed_image": CompressedImage(format="jpeg")}, ("fill image or compressed_image",)),
        ({"image": image_message(PICTURE), "extra": "[]"}, ("'extra'",)),
        ({"image": image_message(PICTURE), "extra": '"text"'}, ("'extra'",)),
        ({"image": image_message(PICTURE), "extra": "{"}, ("'extra'", "JSON")),
        ({"image": image_message(PICTURE), "timeout": -1.0}, ("'timeout'", "-1.0")),
        ({"image": image_message(PICTURE), "timeout": math.nan}, ("'timeout'", "nan")),
        ({"image": image_message(PICTURE), "timeout": math.inf}, ("'timeout'", "inf")),
    ],
)
def test_a_bad_request_is_answered_and_the_next_good_one_too(robot, fields, words):
    refused(detect(robot, **fields), ErrorCode.INVALID_ARGUMENT, *words)
    good = detect(robot, image=image_message(PICTURE), extra='{"unknown": [1]}', timeout=1e12)
    assert boxes_of(good.detections) == [BOX]


def test_compressed_depth_is_no_picture(robot):
    message = CompressedImage(format="16UC1; compressedDepth png", data=bytes(20))
    refused(detect(robot, compressed_image=message), ErrorCode.INVALID_ARGUMENT, "compressedDepth", "is depth")


# What the model cannot do.


def test_what_the_model_cannot_do_is_not_supported(robot):
    image = image_message(PICTURE)
    for answer in (
        robot.call(GetClassifications, "ruby/get_classifications", image=image),
        robot.call(GetClassificationsFromCamera, "ruby/get_classifications_from_camera"),
        robot.call(GetClassificationsFromCamera, "ruby/get_classifications_from_camera", camera_name="nowhere"),
        robot.call(GetObjectPointClouds, "ruby/get_object_point_clouds"),
    ):
        refused(answer, ErrorCode.NOT_SUPPORTED, "ColorDetector", "detect")


def test_a_model_without_commands_of_its_own_knows_help_only(robot):
    answer = robot.call(DoCommand, "ruby/do_command", command='{"command": "help"}')
    assert json.loads(answer.result) == {"commands": {"help": "This list."}}
    answer = robot.call(DoCommand, "ruby/do_command", command='{"command": "dance"}')
    refused(answer, ErrorCode.NOT_SUPPORTED, "no command 'dance' here")
    refused(robot.call(DoCommand, "ruby/do_command", command="help"), ErrorCode.INVALID_ARGUMENT, "'command'")


# What it is.


def test_properties(robot):
    answer = robot.call(GetVisionProperties, "ruby/get_properties")
    assert answer.success
    assert (answer.detections_supported, answer.classifications_supported) == (True, False)
    assert not answer.object_point_clouds_supported
    assert answer.default_camera == "view"
    assert list(answer.cameras) == ["view"]
    assert answer.model == "color_detector"
    assert list(answer.labels) == ["red"]


def test_status(robot):
    from_camera(robot)
    status = robot.status("ruby")
    assert status["state"] == "active"
    assert (status["last_error"], status["troubles"]) == ("", [])
    assert status["model"] == "color_detector"
    assert status["runs"] > 0
    assert status["seconds_per_run"] > 0
    assert status["frame_ages"]["view"] >= 0


def test_labels_are_heard_by_who_comes_later(robot):
    message = robot.listen(LabelInfo, "ruby/label_info", LATCHED).next()
    assert [(entry.class_id, entry.class_name) for entry in message.class_map] == [(0, "red")]


# Pictures of a camera of this process.


def from_camera(robot, node="ruby", **fields):
    return robot.call(GetDetectionsFromCamera, f"{node}/get_detections_from_camera", **fields)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_colour_detector_finds_the_solids_where_they_are(seed):
    sections = {"stack": {"cameras": ["view"], "vision": list(COLORS)}, "view": view(seed)}
    with running({**sections, **{name: detector_of(name) for name in COLORS}}) as robot:
        truth = {}
        robot.nodes["view"]._feed.slot.listen(lambda frame: truth.update({frame.stamp: frame.extra["truth"]}))
        for name in COLORS:
            for _ in range(3):
                answer = from_camera(robot, name, max_age=-1.0)
                assert answer.success, answer.message
                (solid,) = (entry for entry in truth[nanoseconds(answer.header.stamp)] if entry.color_name == name)
                (box,) = boxes_of(answer.detections)
                assert overlap(box, solid.box) >= 0.7
                assert answer.detections.detections[0].results[0].hypothesis.class_id == name


@pytest.mark.parametrize("camera", ["", "view"])
def test_the_camera_that_was_used_is_named(robot, camera):
    answer = from_camera(robot, camera_name=camera)
    assert answer.success
    assert answer.camera_name == "view"
    assert answer.header.frame_id == "view_optical_frame"
    assert (answer.image_width, answer.image_height) == (640, 480)
    assert answer.detections.header == answer.header


def test_frames_are_taken_by_reference(robot):
    """No subscription at all, also while an output is heard."""
    inbox = robot.listen(Detection2DArray, "ruby/detections")
    inbox.next()
    from_camera(robot)
    assert subscriptions(robot, "/view/image_raw") == 0
    assert robot.nodes["ruby"]._cameras.feed("view", Needs.IMAGE) is robot.nodes["view"]._feed
    robot.stop_listening(inbox)


def test_two_callers_of_one_frame_share_one_run_of_the_model(robot):
    runs = robot.status("ruby")["runs"]
    answers = [from_camera(robot, max_age=1000.0) for _ in range(20)]
    stamps = {nanoseconds(answer.header.stamp) for answer in answers}
    assert robot.status("ruby")["runs"] - runs <= len(stamps)


def test_everything_that_is_captured_is_of_one_frame(robot):
    answer = robot.call(
        CaptureAllFromCamera,
        "ruby/capture_all_from_camera",
        return_image=True,
        return_detections=True,
        return_classifications=True,
        return_object_point_clouds=True,
        max_age=-1.0,
    )
    assert answer.success, answer.message
    assert answer.image.header == answer.detections.header == answer.header
    assert (answer.image_width, answer.image_height) == (answer.image.width, answer.image.height) == (640, 480)
    assert answer.camera_name == "view"
    assert boxes_of(answer.detections)
    again = detect(robot, image=answer.image)
    assert boxes_of(again.detections) == boxes_of(answer.detections)
    assert answer.classifications.results == []  # not supported, so empty
    assert answer.objects == []


def test_only_what_is_asked_for_is_captured(robot):
    answer = robot.call(CaptureAllFromCamera, "ruby/capture_all_from_camera")
    assert answer.success
    assert len(answer.image.data) == 0
    assert answer.detections.detections == []
    assert (answer.image_width, answer.image_height) == (640, 480)


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"camera_name": "viev"}, ErrorCode.UNKNOWN_CAMERA, ("did you mean 'view'?", "/viev/image_raw")),
        ({"camera_name": "nowhere"}, ErrorCode.UNKNOWN_CAMERA, ("'nowhere'", "view", "/nowhere/image_raw")),
        ({"camera_name": "vi-ew"}, ErrorCode.INVALID_ARGUMENT, ("'vi-ew'", "call it 'vi_ew'")),
        ({"camera_name": "{view}"}, ErrorCode.INVALID_ARGUMENT, ("'{view}'", "call it 'view'")),
        ({"camera_name": "vi ew/"}, ErrorCode.INVALID_ARGUMENT, ("'vi ew/'",)),
        ({"camera_name": "v" * 300}, ErrorCode.INVALID_ARGUMENT, ("length",)),
        ({"camera_name": "v" * 240}, ErrorCode.INVALID_ARGUMENT, ("length",)),
        ({"source": "depth"}, ErrorCode.NOT_SUPPORTED, ("'depth'", "leave the source empty")),
        ({"extra": "[]"}, ErrorCode.INVALID_ARGUMENT, ("'extra'",)),
        ({"timeout": -1.0}, ErrorCode.INVALID_ARGUMENT, ("'timeout'",)),
        ({"timeout": math.nan}, ErrorCode.INVALID_ARGUMENT, ("'timeout'",)),
        ({"max_age": math.nan}, ErrorCode.INVALID_ARGUMENT, ("'max_age'",)),
        ({"max_age": -1.0, "timeout": 1e-6}, ErrorCode.NO_FRAME, ("'view'", "within 1e-06 s")),
    ],
)
def test_a_bad_request_of_a_camera_is_answered_and_the_next_good_one_too(robot, fields, code, words):
    refused(from_camera(robot, **fields), code, *words)
    assert from_camera(robot, source="color", max_age=math.inf, timeout=1e300).success


@pytest.mark.parametrize("arguments", [("-r", "__ns:=/robot_3"), ("-r", "/view/image_raw:=/lens/picture")])
def test_frames_are_found_by_reference_whatever_is_remapped(arguments):
    sections = {
        "/**/stack": {"cameras": ["view"], "vision": ["remapped"]},
        "/**/view": view(11),
        "/**/remapped": detector_of("red"),
    }
    namespace, topic = ("/robot_3", "view/image_raw") if "__ns" in arguments[1] else ("", "lens/picture")
    with running(sections, *arguments) as robot:
        assert from_camera(robot, f"{namespace}/remapped").success
        assert robot.nodes["remapped"]._cameras.feed("view", Needs.IMAGE) is robot.nodes["view"]._feed
        assert robot.node.count_publishers(f"{namespace}/{topic}") == 1
        assert subscriptions(robot, f"{namespace}/{topic}") == 0


def test_a_camera_may_have_another_name_for_the_vision_node():
    sections = {
        "stack": {"cameras": ["view"], "vision": ["renaming"]},
        "view": view(11),
        "renaming": {**detector_of("red"), "cameras": ["eye"], "eye.image": "view/image_raw"},
    }
    with running(sections) as robot:
        answer = from_camera(robot, "renaming")
        assert answer.success, answer.message
        assert answer.camera_name == "eye"
        assert robot.nodes["renaming"]._cameras.feed("eye", Needs.IMAGE) is robot.nodes["view"]._feed


# Topics.


def test_results_are_published_for_every_camera_and_for_the_default_one_also_directly(robot):
    names = {"detections": Detection2DArray, "image_annotated": Image, "image_annotated/compressed": CompressedImage}
    inboxes = {
        f"{place}{name}": robot.listen(kind, f"ruby/{place}{name}")
        for name, kind in names.items()
        for place in ("", "view/")
    }
    messages = {topic: inbox.next() for topic, inbox in inboxes.items()}
    assert {message.header.frame_id for message in messages.values()} == {"view_optical_frame"}
    assert (messages["image_annotated"].width, messages["image_annotated"].height) == (640, 480)
    same = common_stamp(inboxes["detections"], inboxes["view/detections"])
    assert same[0].detections == same[1].detections
    for inbox in inboxes.values():
        robot.stop_listening(inbox)


def common_stamp(one, other):
    """Return two messages of the same stamp, one of each inbox."""
    seen = {}

    def found():
        for inbox in (one, other):
            for message in inbox.drain():
                seen.setdefault(nanoseconds(message.header.stamp), {})[id(inbox)] = message
        return next(([pair[id(one)], pair[id(other)]] for pair in seen.values() if len(pair) == 2), None)

    return eventually(found, "two messages of one stamp")


def test_published_detections_are_those_of_the_frame_with_their_stamp(robot):
    truth = {}
    unlisten = robot.nodes["view"]._feed.slot.listen(lambda frame: truth.update({frame.stamp: frame.extra["truth"]}))
    inbox = robot.listen(Detection2DArray, "sapphire/detections")
    for _ in range(5):
        message = inbox.next()
        (solid,) = (entry for entry in truth[nanoseconds(message.header.stamp)] if entry.color_name == "blue")
        (box,) = boxes_of(message)
        assert overlap(box, solid.box) >= 0.7
    robot.stop_listening(inbox)
    unlisten()


def test_a_model_that_only_detects_publishes_no_classifications(robot):
    assert robot.node.count_publishers("/ruby/detections") == 1
    assert robot.node.count_publishers("/ruby/classifications") == 0


def test_an_empty_list_in_a_parameter_file_is_an_empty_list():
    sections = {"stack": {"vision": ["reds"]}, "reds": RED_DETECTOR | {"cameras": []}}
    with running(sections) as robot:
        assert robot.status("/reds")["state"] == "active"
        assert robot.call(GetVisionProperties, "reds/get_properties").cameras == []


def test_only_the_default_camera_s_results_are_published_directly():
    with reds(cameras=["front", "rear"], camera_name="rear") as robot:
        front, rear = Lens(robot).running(), Lens(robot, "rear/image_raw").running()
        front.pixels = painted(64, 48, (0, 0, 10, 10))
        rear.pixels = painted(48, 64, (20, 20, 40, 40))
        inboxes = [robot.listen(Detection2DArray, f"reds/{place}detections") for place in ("front/", "rear/", "")]
        assert [boxes_of(inbox.next()) for inbox in inboxes] == [
            [(0, 0, 10, 10)],
            [(20, 20, 40, 40)],
            [(20, 20, 40, 40)],
        ]
        answers = [from_camera(robot, "reds", camera_name=name) for name in ("", "front", "rear")]
        assert [answer.camera_name for answer in answers] == ["rear", "front", "rear"]
        assert [boxes_of(answer.detections)[0][0] for answer in answers] == [20, 0, 20]
        properties = robot.call(GetVisionProperties, "reds/get_properties")
        assert (properties.default_camera, list(properties.cameras)) == ("rear", ["front", "rear"])


def test_a_stream_is_thinned_out_to_the_rate_that_is_wanted():
    with reds(cameras=["front"], max_rate=0.001) as robot:
        Lens(robot).running()
        inbox = robot.listen(Detection2DArray, "reds/detections")
        inbox.next()
        never(lambda: inbox.count > 1, "more than a frame in a thousand seconds")
        assert robot.set("reds", {"max_rate": 0.0}).successful
        inbox.next()
        inbox.next()


# Pictures of any ROS camera.


@pytest.mark.parametrize("reliability", [ReliabilityPolicy.BEST_EFFORT, ReliabilityPolicy.RELIABLE])
def test_any_camera_s_topic_is_heard(reliability):
    with reds(cameras=["front"]) as robot:
        Lens(robot, qos=QoSProfile(depth=1, reliability=reliability)).running()
        answer = from_camera(robot, "reds")
        assert answer.success, answer.message
        assert boxes_of(answer.detections) == [BOX]
        assert answer.header.frame_id == "front_lens"
        assert nanoseconds(answer.header.stamp) % 10**9 == 0
        assert answer.camera_name == "front"


def test_topics_may_have_any_name():
    with reds(cameras=["front"], **{"front.image": "/usb/picture"}) as robot:
        Lens(robot, "/usb/picture").running()
        assert boxes_of(from_camera(robot, "reds").detections) == [BOX]


def compressed(robot, data):
    publisher = robot.publisher(CompressedImage, "front/image_raw/compressed")
    return robot.repeat(publisher, lambda: CompressedImage(format="png", data=data))


def test_pictures_may_come_compressed():
    with reds(cameras=["front"], **{"front.transport": "compressed"}) as robot:
        compressed(robot, encode(PICTURE, "image/png"))
        assert boxes_of(from_camera(robot, "reds").detections) == [BOX]
        answer = robot.call(CaptureAllFromCamera, "reds/capture_all_from_camera", return_image=True)
        assert (image_from_message(answer.image).rgb == PICTURE).all()
        assert subscriptions(robot) == 0


def test_a_compressed_picture_that_is_none_is_the_camera_s_error():
    with reds(cameras=["front"], **{"front.transport": "compressed"}) as robot:
        compressed(robot, b"garbage")
        refused(from_camera(robot, "reds"), ErrorCode.CAMERA_ERROR, "'front'", "no picture")
        answer = robot.call(CaptureAllFromCamera, "reds/capture_all_from_camera", return_image=True)
        refused(answer, ErrorCode.CAMERA_ERROR, "'front'", "no picture")
        robot.listen(Detection2DArray, "reds/detections")
        assert "no picture" in eventually(lambda: robot.trouble("reds", "'front'"), "a trouble")


def test_a_picture_of_an_unknown_encoding_is_the_camera_s_error():
    with reds(cameras=["front"]) as robot:
        message = Image(encoding="yuv999", width=2, height=2, step=2, data=bytes(4))
        robot.repeat(robot.publisher(Image, "front/image_raw"), lambda: message)
        refused(from_camera(robot, "reds"), ErrorCode.CAMERA_ERROR, "'front'", "yuv999")


def test_a_camera_outside_of_the_list_is_served_when_its_topic_is_there():
    with reds(cameras=["front"]) as robot:
        refused(from_camera(robot, "reds", camera_name="rear"), ErrorCode.UNKNOWN_CAMERA, "front", "/rear/image_raw")
        Lens(robot, "rear/image_raw").running()
        eventually(lambda: robot.node.count_publishers("/rear/image_raw"), "the topic")
        for name in ("rear", "/rear"):
            answer = from_camera(robot, "reds", camera_name=name)
            assert answer.success, answer.message
            assert (answer.camera_name, boxes_of(answer.detections)) == (name, [BOX])
        assert list(robot.call(GetVisionProperties, "reds/get_properties").cameras) == ["front"]


def test_without_cameras_pictures_can_be_given_and_cameras_named():
    with reds() as robot:
        assert boxes_of(detect(robot, "reds", image=image_message(PICTURE)).detections) == [BOX]
        refused(from_camera(robot, "reds"), ErrorCode.INVALID_ARGUMENT, "camera_name", "cameras")
        Lens(robot, "rear/image_raw").running()
        eventually(lambda: robot.node.count_publishers("/rear/image_raw"), "the topic")
        assert from_camera(robot, "reds", camera_name="rear").success
        assert robot.call(GetVisionProperties, "reds/get_properties").default_camera == ""


def test_a_camera_that_never_sends_gives_no_frame():
    with reds(cameras=["front"], silence=0.2) as robot:
        refused(
            from_camera(robot, "reds", timeout=0.3),
            ErrorCode.NO_FRAME,
            "'front'",
            "within 0.3 s",
            "none has arrived yet",
            "publishing?",
        )
        assert detect(robot, "reds", image=image_message(PICTURE)).success


def test_a_camera_that_cannot_be_subscribed_to_says_why_and_does_not_hold_up_the_others():
    wrong = {"qos_overrides./front/image_raw.subscription.reliability": "best"}
    with reds(cameras=["front", "rear"], camera_name="rear", keep_subscribed=True, **wrong) as robot:
        Lens(robot).running()
        Lens(robot, "rear/image_raw").running()
        for _ in range(2):
            answer = from_camera(robot, "reds", camera_name="front")
            refused(answer, ErrorCode.INVALID_ARGUMENT, "/front/image_raw", "reliability")
            assert from_camera(robot, "reds").success
        assert "/front/image_raw" in eventually(lambda: robot.trouble("reds", "'front'"), "a trouble")
        assert subscriptions(robot) == 0


# Freshness.


def test_a_frame_is_taken_or_waited_for_as_its_age_allows():
    with reds(cameras=["front"], linger=1000.0) as robot:
        lens = Lens(robot)

        def ask(**fields):
            return robot.ask(GetDetectionsFromCamera, "reds/get_detections_from_camera", **fields)

        def second(answer):
            answer = answer.result(30)
            assert answer.success, answer.message
            return answer.header.stamp.sec

        first = ask()
        lens.once()
        assert second(first) == 1
        assert second(ask(max_age=1000.0)) == 1
        newer = ask(max_age=-1.0)
        pending(robot, 1)
        lens.once()
        assert second(newer) == 2
        assert robot.set("reds", {"max_age": 1000.0}).successful
        assert second(ask()) == 2
        assert robot.set("reds", {"max_age": 0.0}).successful
        newer = ask()
        pending(robot, 1)
        lens.once()
        assert second(newer) == 3
        refused(ask(max_age=-1.0, timeout=0.2).result(30), ErrorCode.NO_FRAME, "within 0.2 s: the last one arrived 0.")


def pending(robot, count):
    eventually(lambda: robot.status("reds")["calls"]["pending"] == count, f"{count} calls that wait")


# Only while somebody wants results.


def test_a_camera_is_subscribed_to_only_while_an_output_is_heard():
    with reds(cameras=["front"], linger=0.0) as robot:
        lens = Lens(robot).running()
        never(lens.publisher.get_subscription_count, "an idle node subscribes")
        inbox = robot.listen(Detection2DArray, "reds/detections")
        inbox.next()
        assert subscriptions(robot) == 1
        assert robot.status("reds")["streams"] == ["front"]
        robot.stop_listening(inbox)
        eventually(lambda: subscriptions(robot) == 0, "no subscription")
        assert robot.status("reds")["streams"] == []


def test_a_camera_stays_subscribed_to_for_a_while_after_a_call():
    with reds(cameras=["front"], linger=1.0) as robot:
        Lens(robot).running()
        assert from_camera(robot, "reds").success
        assert subscriptions(robot) == 1
        eventually(lambda: subscriptions(robot) == 0, "no subscription")
        assert from_camera(robot, "reds").success


def test_without_lingering_calls_are_answered_all_the_same():
    with reds(cameras=["front"], linger=0.0) as robot:
        Lens(robot).running()
        for _ in range(3):
            assert boxes_of(from_camera(robot, "reds", max_age=-1.0).detections) == [BOX]
        eventually(lambda: subscriptions(robot) == 0, "no subscription")


def test_a_call_that_waits_longer_than_frames_linger_gets_its_frame():
    with reds(cameras=["front"], linger=0.1) as robot:
        lens = Lens(robot)
        answer = robot.ask(GetDetectionsFromCamera, "reds/get_detections_from_camera", timeout=30.0)
        eventually(lambda: subscriptions(robot) == 1, "a subscription")
        never(lambda: not subscriptions(robot), "the call that waits lost its subscription", seconds=0.7)
        lens.once()
        assert answer.result(30).success


def test_a_node_may_stay_subscribed():
    with reds(cameras=["front"], keep_subscribed=True) as robot:
        eventually(lambda: subscriptions(robot) == 1, "a subscription")
        assert robot.set("reds", {"keep_subscribed": False}).successful
        eventually(lambda: subscriptions(robot) == 0, "no subscription")


def test_an_inactive_node_is_not_subscribed():
    with reds(cameras=["front"], keep_subscribed=True) as robot:
        eventually(lambda: subscriptions(robot) == 1, "a subscription")
        assert changed(robot, "reds", Transition.TRANSITION_DEACTIVATE)
        eventually(lambda: subscriptions(robot) == 0, "no subscription")
        refused(from_camera(robot, "reds"), ErrorCode.NOT_ACTIVE, "inactive")
        never(lambda: subscriptions(robot), "an inactive node subscribes")
        assert changed(robot, "reds", Transition.TRANSITION_ACTIVATE)
        Lens(robot).running()
        assert from_camera(robot, "reds").success


def test_who_waits_when_the_node_is_deactivated_is_answered_at_once():
    with reds(cameras=["front"], timeout=1000.0) as robot:
        answers = [robot.ask(GetDetectionsFromCamera, "reds/get_detections_from_camera") for _ in range(3)]
        pending(robot, 3)
        assert changed(robot, "reds", Transition.TRANSITION_DEACTIVATE)
        for answer in answers:
            refused(answer.result(30), ErrorCode.NOT_ACTIVE)
        never(lambda: subscriptions(robot), "an inactive node subscribes")


def test_two_nodes_that_keep_a_camera_of_this_process_do_not_release_it_for_each_other():
    keeping = {**detector_of("red"), "keep_subscribed": True}
    sections = {
        "stack": {"cameras": ["view"], "vision": ["one", "other"]},
        "view": view(11, width_px=64, height_px=48, linger=0.0),
        "one": keeping,
        "other": keeping,
    }
    with running(sections) as robot:
        slot, demand = robot.nodes["view"]._feed.slot, robot.nodes["view"]._feed.demand
        eventually(lambda: slot.count > 2, "frames")
        assert robot.set("one", {"keep_subscribed": False}).successful
        never(lambda: not demand.wanted, "the other's demand was released")
        assert changed(robot, "other", Transition.TRANSITION_DEACTIVATE)
        eventually(lambda: not demand.wanted, "no demand")


# A camera in trouble.


def test_silence_is_told_while_it_lasts():
    with reds(cameras=["front"], silence=0.2) as robot:
        inbox = robot.listen(Detection2DArray, "reds/detections")
        trouble = eventually(lambda: robot.trouble("reds", "'front'"), "a trouble")
        assert trouble == "no frame of camera 'front' for 0.2 s: nobody publishes /front/image_raw"
        lens = Lens(robot).running()
        eventually(lambda: not robot.trouble("reds", "'front'"), "no trouble")
        lens.timer.cancel()
        trouble = eventually(lambda: robot.trouble("reds", "'front'"), "a trouble")
        assert "nothing that belongs together arrives" in trouble
        robot.stop_listening(inbox)
        eventually(lambda: not robot.trouble("reds", "'front'"), "no trouble when nobody listens")


def picture_camera(path, **parameters):
    return {"driver": "image_file", "color_image_file_path": str(path), "frame_rate": 50.0, **parameters}


def test_a_camera_of_this_process_that_fails_says_why_and_recovers(tmp_path):
    path, good = tmp_path / "picture.png", encode(PICTURE, "image/png")
    path.write_bytes(good)
    sections = {
        "stack": {"cameras": ["lens"], "vision": ["reds"]},
        "lens": picture_camera(path),
        "reds": {**RED_DETECTOR, "cameras": ["lens"], "silence": 0.2},
    }
    with running(sections) as robot:
        assert boxes_of(from_camera(robot, "reds").detections) == [BOX]
        path.write_bytes(b"garbage")
        failed = lambda: (answer := from_camera(robot, "reds", max_age=-1.0)).success or answer  # noqa: E731
        refused(eventually(failed, "an answer"), ErrorCode.CAMERA_ERROR, str(path))
        assert str(path) in eventually(lambda: robot.trouble("reds", "'lens'"), "a trouble")
        path.write_bytes(good)
        eventually(lambda: from_camera(robot, "reds", max_age=-1.0).success, "recovery")
        eventually(lambda: not robot.trouble("reds", "'lens'"), "no trouble")


def test_a_camera_of_this_process_that_is_not_configured_says_why():
    sections = {
        "stack": {"cameras": ["lens"], "vision": ["reds"]},
        "lens": picture_camera("/nowhere/a.png"),
        "reds": {**RED_DETECTOR, "cameras": ["lens"]},
    }
    with running(sections) as robot:
        refused(from_camera(robot, "reds", timeout=0.2), ErrorCode.CAMERA_ERROR, "not configured", "/nowhere/a.png")


# What is wrong with the parameters.


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"model": "colour_detector"}, ("'colour_detector'", "did you mean 'color_detector'?")),
        ({"model": ""}, ("color_detector",)),
        ({"model": None}, ("'model' is missing",)),
        ({"detect_color": "red"}, ("'detect_color'", "#RRGGBB", "'red'")),
        ({"detect_color": "#FFFFFF"}, ("no hue",)),
        ({"detect_color": None}, ("'detect_color' is missing",)),
        ({"hue_tolerance_pct": 2}, ("'hue_tolerance_pct'", "at most 1")),
        ({"hue_tolerance_pct": "wide"}, ("'hue_tolerance_pct'", "a number", "'wide'")),
        ({"segment_size_px": 1.5}, ("'segment_size_px'", "a whole number", "1.5")),
        ({"cameras": "front"}, ("'cameras'", "a list", "'front'")),
        ({"cameras": ["front-cam"]}, ("'front-cam'", "call it 'front_cam'")),
        ({"cameras": ["/robot/front"]}, ("'/robot/front'", "'robot_front'", "robot_front.image")),
        ({"cameras": ["front", "rear", "front"]}, ("'front'", "twice")),
        ({"cameras": ["detections"]}, ("'detections'", "output")),
        ({"cameras": ["label_info"]}, ("'label_info'", "output")),
        ({"cameras": ["front"], "camera_name": "rear"}, ("'rear'", "'cameras': front")),
        ({"cameras": ["front"], "front.transport": "zip"}, ("'front.transport'", "raw, compressed", "'zip'")),
        ({"cameras": ["front"], "front.image": "bad-topic"}, ("'bad-topic'", "'front.image'")),
        ({"timeout": 0.0}, ("'timeout'", "above 0")),
        ({"max_pending_calls": 0}, ("'max_pending_calls'", "at least 1")),
        ({"model": "mlmodel", "model_path": "/nowhere/a.tflite"}, ("'/nowhere/a.tflite'",)),
        ({"model": "mlmodel"}, ("'model_path'",)),
    ],
)
def test_a_node_that_cannot_be_configured_says_why_and_still_answers(parameters, words):
    values = {name: value for name, value in {**RED_DETECTOR, **parameters}.items() if value is not None}
    with running({"stack": {"vision": ["reds"]}, "reds": values}) as robot:
        status = robot.status("reds")
        assert status["state"] == "unconfigured"
        for word in words:
            assert word in status["last_error"]
        refused(detect(robot, "reds", image=image_message(PICTURE)), ErrorCode.NOT_ACTIVE, *words)
        properties = robot.call(GetVisionProperties, "reds/get_properties")
        assert properties.success
        assert not properties.detections_supported


def test_it_can_be_set_right_while_it_runs():
    with reds(detect_color="red") as robot:
        assert robot.set("reds", {"detect_color": "#FF0000"}).successful
        assert changed(robot, "reds", Transition.TRANSITION_CONFIGURE)
        assert changed(robot, "reds", Transition.TRANSITION_ACTIVATE)
        assert boxes_of(detect(robot, "reds", image=image_message(PICTURE)).detections) == [BOX]


# Changing parameters of a node that runs.


def test_a_changed_model_is_in_use_at_once_with_its_labels():
    with reds() as robot:
        labels = robot.listen(LabelInfo, "reds/label_info", LATCHED)
        assert [entry.class_name for entry in labels.next().class_map] == ["red"]
        assert robot.set("reds", {"detect_color": "#00FF00", "label": "leaf"}).successful
        assert [entry.class_name for entry in labels.next().class_map] == ["leaf"]
        assert detect(robot, "reds", image=image_message(PICTURE)).detections.detections == []
        green = image_message(painted(130, 70, BOX, color=(0, 255, 0)))
        (found,) = detections_from_message(detect(robot, "reds", image=green).detections)
        assert (found.class_name, found.x_min) == ("leaf", 70)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"detect_color": "red"}, ("#RRGGBB",)),
        ({"detect_color": 5}, ()),
        ({"detect_color": "#00FF00", "hue_tolerance_pct": 7.0}, ("hue_tolerance_pct",)),
        ({"detect_colour": "#00FF00"}, ("detect_colour",)),
        ({"model": "mlmodel"}, ("model", "unconfigured")),
        ({"cameras": ["rear"]}, ("cameras", "unconfigured")),
        ({"front.image": "rear/image_raw"}, ("topics", "unconfigured")),
        ({"timeout": -1.0}, ("timeout",)),
    ],
)
def test_a_change_that_is_not_possible_is_refused_and_all_goes_on_as_before(values, words):
    with reds(cameras=["front"]) as robot:
        result = robot.set("reds", values)
        assert not result.successful
        for word in words:
            assert word in result.reason
        assert boxes_of(detect(robot, "reds", image=image_message(PICTURE)).detections) == [BOX]


def test_a_camera_s_topic_can_be_changed_while_the_node_is_unconfigured():
    with reds(cameras=["front"]) as robot:
        assert changed(robot, "reds", Transition.TRANSITION_DEACTIVATE)
        assert changed(robot, "reds", Transition.TRANSITION_CLEANUP)
        assert robot.set("reds", {"front.image": "usb/picture"}).successful
        assert changed(robot, "reds", Transition.TRANSITION_CONFIGURE)
        assert changed(robot, "reds", Transition.TRANSITION_ACTIVATE)
        Lens(robot, "usb/picture").running()
        assert boxes_of(from_camera(robot, "reds").detections) == [BOX]


def test_cameras_can_be_changed_while_the_node_is_unconfigured():
    with reds(cameras=["front", "rear"]) as robot:
        assert changed(robot, "reds", Transition.TRANSITION_DEACTIVATE)
        assert changed(robot, "reds", Transition.TRANSITION_CLEANUP)
        assert robot.set("reds", {"cameras": ["rear", "top"]}).successful
        assert changed(robot, "reds", Transition.TRANSITION_CONFIGURE)
        assert changed(robot, "reds", Transition.TRANSITION_ACTIVATE)
        Lens(robot, "top/image_raw").running()
        assert from_camera(robot, "reds", camera_name="top").success
        eventually(lambda: robot.node.count_publishers("/reds/top/detections"), "a topic for the new camera")
        eventually(lambda: not robot.node.count_publishers("/reds/front/detections"), "none for the old one")


def test_a_stream_goes_on_when_the_model_is_changed_to_one_that_can_do_something_else(tmp_path):
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")
    detector, classifier = str(testdata.path(DETECTOR_FILE)), str(testdata.path(CLASSIFIER_FILE))
    sections = {
        "stack": {"cameras": ["lens"], "vision": ["seer"]},
        "lens": picture_camera(testdata.path("images/cats_and_dogs.jpg")),
        "seer": {"model": "mlmodel", "model_path": detector, "cameras": ["lens"]},
    }
    with running(sections) as robot:
        annotated = robot.listen(Image, "seer/image_annotated")
        detections = robot.listen(Detection2DArray, "seer/detections")
        classifications = robot.listen(Classification, "seer/classifications")
        detections.next()
        annotated.next()
        assert robot.set("seer", {"model_path": classifier}).successful
        assert classifications.next().results[0].class_id
        annotated.drain()
        annotated.next()
        annotated.next()
        properties = robot.call(GetVisionProperties, "seer/get_properties")
        assert (properties.detections_supported, properties.classifications_supported) == (False, True)
        answer = robot.call(GetDetectionsFromCamera, "seer/get_detections_from_camera")
        refused(answer, ErrorCode.NOT_SUPPORTED, "classify")
        detections.drain()
        assert robot.set("seer", {"model_path": detector}).successful
        detections.next()


# Classifications.


@pytest.fixture(scope="module")
def classifier():
    """A classifier of 1001 classes, and a camera that sees a cat."""
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")
    sections = {
        "stack": {"cameras": ["cat"], "vision": ["namer"]},
        "cat": picture_camera(testdata.path("images/cat.bmp")),
        "namer": {"model": "mlmodel", "model_path": str(testdata.path(CLASSIFIER_FILE)), "cameras": ["cat"]},
    }
    with running(sections) as robot:
        yield robot


@pytest.mark.parametrize(("count", "found"), [(0, 0), (1, 1), (5, 5), (-1, 1001), (-(2**31), 1001), (2**31 - 1, 1001)])
def test_classifications_are_as_many_as_asked_for_best_first(classifier, count, found):
    message = image_message(testdata.picture("images/cat.bmp").rgb)
    for answer in (
        classifier.call(GetClassificationsFromCamera, "namer/get_classifications_from_camera", count=count),
        classifier.call(GetClassifications, "namer/get_classifications", count=count, image=message),
        classifier.call(
            CaptureAllFromCamera, "namer/capture_all_from_camera", count=count, return_classifications=True
        ),
    ):
        assert answer.success, answer.message
        scores = [result.score for result in answer.classifications.results]
        assert len(scores) == found
        assert scores == sorted(scores, reverse=True)
        assert answer.classifications.header == answer.header
    if found:
        assert answer.classifications.results[0].class_id == "Egyptian cat"


def test_classifications_are_streamed_and_drawn(classifier):
    inbox = classifier.listen(Classification, "namer/cat/classifications")
    annotated = classifier.listen(Image, "namer/image_annotated")
    message = inbox.next()
    assert message.header.frame_id == "cat_optical_frame"
    assert message.results[0].class_id == "Egyptian cat"
    picture = testdata.picture("images/cat.bmp").rgb
    drawn = image_from_message(annotated.next()).rgb
    assert drawn.shape == picture.shape
    assert np.any(drawn != picture)
    classifier.stop_listening(inbox)
    classifier.stop_listening(annotated)


def test_a_classifier_s_labels_are_told(classifier):
    message = classifier.listen(LabelInfo, "namer/label_info", LATCHED).next()
    assert len(message.class_map) == 1001
    assert message.class_map[286].class_name == "Egyptian cat"
    assert len(classifier.call(GetVisionProperties, "namer/get_properties").labels) == 1001


def test_a_classifier_does_not_detect(classifier):
    answer = classifier.call(GetDetections, "namer/get_detections", image=image_message(PICTURE))
    refused(answer, ErrorCode.NOT_SUPPORTED, "classify")


# Under simulated time.


def test_under_simulated_time_without_a_clock_nothing_hangs():
    with reds(cameras=["front"], use_sim_time=True, linger=0.0) as robot:
        refused(from_camera(robot, "reds", timeout=0.2), ErrorCode.NO_FRAME, "within 0.2 s")
        Lens(robot).running()
        inbox = robot.listen(Detection2DArray, "reds/detections")
        assert boxes_of(inbox.next()) == [BOX]
        assert boxes_of(from_camera(robot, "reds").detections) == [BOX]
        robot.stop_listening(inbox)
        eventually(lambda: subscriptions(robot) == 0, "no subscription")


def test_a_file_that_crashes_its_runtime_is_refused_and_the_running_model_goes_on_answering(tmp_path):
    damaged = bytearray(testdata.path("models/unsupported/split_concat.tflite").read_bytes())
    damaged[208] ^= 0xFF
    path = tmp_path / "damaged.tflite"
    path.write_bytes(damaged)
    model = {"model": "mlmodel", "model_path": "package://vision_service/models/solids_detector.tflite"}
    sections = {
        "stack": {"cameras": ["view"], "vision": ["solids"]},
        "view": view(11),
        "solids": {**model, "cameras": ["view"]},
    }
    with running(sections) as robot:
        stream = robot.listen(Detection2DArray, "solids/detections")
        assert stream.next().detections
        result = robot.set("solids", {"model_path": str(path)})
        assert not result.successful
        assert "crashed native code (signal 11, SIGSEGV)" in result.reason
        assert from_camera(robot, "solids").detections.detections
        stream.drain()
        assert stream.next().detections
        for name in ("bad_model", "person_detect", "movenet_single_pose_lightning_ptq", "keras_lstm_mnist_ptq"):
            file = testdata.path(f"models/unsupported/{name}.tflite")
            assert name in robot.set("solids", {"model_path": str(file)}).reason
            assert from_camera(robot, "solids").detections.detections


def test_a_node_that_could_not_start_starts_when_what_was_wrong_is_set_right():
    with reds(hue_tolerance_pct=7.0) as robot:
        assert robot.status("reds")["state"] == "unconfigured"
        assert robot.set("reds", {"hue_tolerance_pct": 0.1}).successful
        eventually(lambda: robot.status("reds")["state"] == "active", "the node starts")
        assert changed(robot, "reds", Transition.TRANSITION_DEACTIVATE)
        assert changed(robot, "reds", Transition.TRANSITION_CLEANUP)
        assert robot.set("reds", {"hue_tolerance_pct": 0.2}).successful
        never(lambda: robot.status("reds")["state"] == "active", "it starts although somebody has stopped it")


def test_all_that_is_captured_is_of_one_model():
    """Also while the model is another from call to call."""
    sections = {
        "stack": {"cameras": ["view"], "vision": ["solids", "things"]},
        "view": {**view(11), "speed": 0.0},
        "solids": {"model": "mlmodel", "model_path": "package://vision_service/models/solids_detector.tflite"},
        "things": {"model": "detections_to_segments", "detector_name": "solids", "cameras": ["view"], "mean_k": 0},
    }
    with running(sections) as robot:
        asked = []
        for number in range(20):
            asked.append(
                robot.ask(
                    CaptureAllFromCamera,
                    "things/capture_all_from_camera",
                    return_detections=True,
                    return_object_point_clouds=True,
                    max_age=-1.0,
                )
            )
            label = ("cube", "cone")[number % 2]
            assert robot.set("things", {"valid_labels": [label]}).successful
        for answer in asked[1:]:
            response = answer.result(30)
            assert response.success, response.message
            labels = {found.results[0].hypothesis.class_id for found in response.detections.detections}
            assert {item.label for item in response.objects} == labels
            assert len(labels) == 1
