"""The vision node: a model behind services and topics, for cameras of this process and of any other."""

import json
import math

import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Classification, Detection2DArray, LabelInfo
from vision_service.srv import (
    CaptureAllFromCamera,
    DoCommand,
    GetClassifications,
    GetClassificationsFromCamera,
    GetDetections,
    GetObjectPointClouds,
    GetVisionProperties,
)

import testdata
from robot import RED_DETECTOR, boxes_of, eventually, image_message, never, overlap, painted, running
from vision_nodes import (
    BOX,
    CLASSIFIER_FILE,
    IMAGE,
    LATCHED,
    Lens,
    detect,
    detector_of,
    from_camera,
    image_camera,
    reds,
    refused,
    subscriptions,
    view,
)
from vision_service.errors import ErrorCode
from vision_service.image import encode
from vision_service.rendering.scene import COLORS
from vision_service.ros.conversion import image_from_message, nanoseconds
from vision_service.vision.model import Needs

SEEDS = (11, 12, 13)
"""Scenes that config/demo.yaml does not show."""


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


# Given images.


CHANNELS = {"rgb8": (0, 1, 2), "bgr8": (2, 1, 0), "rgba8": (0, 1, 2, 0), "bgra8": (2, 1, 0, 0)}


@pytest.mark.parametrize("padding", [0, 1, 30])
@pytest.mark.parametrize("encoding", CHANNELS)
def test_boxes_are_right_whatever_the_image_s_shape_encoding_and_padding(robot, encoding, padding):
    pixels = painted(130, 70, BOX)[..., CHANNELS[encoding]]
    message = image_message(pixels, encoding, padding=padding, stamp=5_000_000_009, frame_id="lens")
    answer = detect(robot, image=message)
    assert answer.success, answer.message
    assert boxes_of(answer.detections) == [BOX]
    assert (answer.image_width, answer.image_height) == (130, 70)


@pytest.mark.parametrize("big_endian", [0, 1])
def test_byte_order_means_nothing_to_images_of_bytes(robot, big_endian):
    message = image_message(IMAGE)
    message.is_bigendian = big_endian
    assert boxes_of(detect(robot, image=message).detections) == [BOX]


@pytest.mark.parametrize("mime_type", ["image/png", "image/jpeg"])
def test_images_may_be_compressed(robot, mime_type):
    message = CompressedImage(format="", data=encode(IMAGE, mime_type, quality=100))
    message.header.frame_id = "lens"
    answer = detect(robot, compressed_image=message)
    assert answer.success, answer.message
    (box,) = boxes_of(answer.detections)
    assert overlap(box, BOX) > 0.9
    assert (answer.image_width, answer.image_height) == (130, 70)
    assert answer.header.frame_id == "lens"


def test_results_bear_the_image_s_stamp_and_frame(robot):
    answer = detect(robot, image=image_message(IMAGE, stamp=5_000_000_009, frame_id="lens"))
    for header in (answer.header, answer.detections.header, answer.detections.detections[0].header):
        assert (nanoseconds(header.stamp), header.frame_id) == (5_000_000_009, "lens")
    assert answer.camera_name == ""


def test_a_detection_is_filled_as_vision_msgs_says(robot):
    (detection,) = detect(robot, image=image_message(IMAGE)).detections.detections
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


def message_with(**fields):
    message = image_message(IMAGE)
    for name, value in fields.items():
        setattr(message, name, value)
    return message


GARBAGE = CompressedImage(format="jpeg", data=b"\xff\xd8garbage")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, ("fill image or compressed_image",)),
        (
            {"image": image_message(IMAGE), "compressed_image": CompressedImage(data=encode(IMAGE, "image/png"))},
            ("both", "fill one"),
        ),
        ({"image": message_with(width=0)}, ("0×70",)),
        ({"image": message_with(height=0)}, ("130×0",)),
        ({"image": message_with(width=0, height=0)}, ("0×0",)),
        ({"image": message_with(step=131)}, ("131", "9170", "27300")),
        ({"image": message_with(height=71)}, ("71", "27690", "27300")),
        ({"image": message_with(width=131)}, ("step 390", "131 pixels")),
        ({"image": message_with(width=2**32 - 1, height=2**32 - 1)}, ("27300",)),
        ({"image": Image(encoding="rgb8", width=130, height=70, step=390)}, ("27300", "0 are there")),
        ({"image": message_with(encoding="")}, ("''", "rgb8")),
        ({"image": message_with(encoding="rgb9")}, ("'rgb9'", "rgb8")),
        ({"image": message_with(encoding="16UC1")}, ("16UC1", "depth")),
        ({"compressed_image": GARBAGE}, ("no image",)),
        ({"compressed_image": CompressedImage(format="jpeg")}, ("fill image or compressed_image",)),
        ({"image": image_message(IMAGE), "extra": "[]"}, ("'extra'",)),
        ({"image": image_message(IMAGE), "extra": '"text"'}, ("'extra'",)),
        ({"image": image_message(IMAGE), "extra": "{"}, ("'extra'", "JSON")),
        ({"image": image_message(IMAGE), "timeout": -1.0}, ("'timeout'", "-1.0")),
        ({"image": image_message(IMAGE), "timeout": math.nan}, ("'timeout'", "nan")),
        ({"image": image_message(IMAGE), "timeout": math.inf}, ("'timeout'", "inf")),
    ],
)
def test_a_bad_request_is_answered_and_the_next_good_one_too(robot, fields, words):
    refused(detect(robot, **fields), ErrorCode.INVALID_ARGUMENT, *words)
    good = detect(robot, image=image_message(IMAGE), extra='{"unknown": [1]}', timeout=1e12)
    assert boxes_of(good.detections) == [BOX]


def test_compressed_depth_is_no_image(robot):
    message = CompressedImage(format="16UC1; compressedDepth png", data=bytes(20))
    refused(detect(robot, compressed_image=message), ErrorCode.INVALID_ARGUMENT, "compressedDepth", "is depth")


# What the model cannot do.


def test_what_the_model_cannot_do_is_not_supported(robot):
    image = image_message(IMAGE)
    for answer in (
        robot.call(GetClassifications, "ruby/get_classifications", image=image),
        robot.call(GetClassificationsFromCamera, "ruby/get_classifications_from_camera"),
        robot.call(GetClassificationsFromCamera, "ruby/get_classifications_from_camera", camera_name="nowhere"),
        robot.call(GetObjectPointClouds, "ruby/get_object_point_clouds"),
    ):
        refused(answer, ErrorCode.NOT_SUPPORTED, "color_detector", "detect")


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
    assert 0 < status["run_times"]["p50"] <= status["run_times"]["p99"]
    assert status["queue"] == 0
    assert set(status["dropped"]) == set(status["frame_rates"]) == set(status["frame_ages"])
    assert status["frame_ages"]["view"] >= 0


def test_labels_are_received_by_who_comes_later(robot):
    message = robot.listen(LabelInfo, "ruby/label_info", LATCHED).next()
    assert [(entry.class_id, entry.class_name) for entry in message.class_map] == [(0, "red")]


# Images of a camera of this process.


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
    """No subscription at all, also while an output is subscribed to."""
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


@pytest.mark.parametrize("arguments", [("-r", "__ns:=/robot_3"), ("-r", "/view/image_raw:=/lens/view")])
def test_frames_are_found_by_reference_whatever_is_remapped(arguments):
    sections = {
        "/**/stack": {"cameras": ["view"], "vision": ["remapped"]},
        "/**/view": view(11),
        "/**/remapped": detector_of("red"),
    }
    namespace, topic = ("/robot_3", "view/image_raw") if "__ns" in arguments[1] else ("", "lens/view")
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


# Classifications.


@pytest.fixture(scope="module")
def classifier():
    """A classifier of 1001 classes, and a camera that sees a cat."""
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")
    sections = {
        "stack": {"cameras": ["cat"], "vision": ["namer"]},
        "cat": image_camera(testdata.path("images/cat.bmp")),
        "namer": {"model": "mlmodel", "model_path": str(testdata.path(CLASSIFIER_FILE)), "cameras": ["cat"]},
    }
    with running(sections) as robot:
        yield robot


@pytest.mark.parametrize(("count", "found"), [(0, 0), (1, 1), (5, 5), (-1, 1001), (-(2**31), 1001), (2**31 - 1, 1001)])
def test_classifications_are_as_many_as_asked_for_best_first(classifier, count, found):
    message = image_message(testdata.image("images/cat.bmp").rgb)
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
    rgb = testdata.image("images/cat.bmp").rgb
    drawn = image_from_message(annotated.next()).rgb
    assert drawn.shape == rgb.shape
    assert np.any(drawn != rgb)
    classifier.stop_listening(inbox)
    classifier.stop_listening(annotated)


def test_a_classifier_s_labels_are_told(classifier):
    message = classifier.listen(LabelInfo, "namer/label_info", LATCHED).next()
    assert len(message.class_map) == 1001
    assert message.class_map[286].class_name == "Egyptian cat"
    assert len(classifier.call(GetVisionProperties, "namer/get_properties").labels) == 1001


def test_a_classifier_does_not_detect(classifier):
    answer = classifier.call(GetDetections, "namer/get_detections", image=image_message(IMAGE))
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
