"""The parameters of a vision node: what is said of wrong ones, and models and cameras that change while it runs."""

import pytest
from lifecycle_msgs.msg import Transition
from sensor_msgs.msg import Image
from vision_msgs.msg import Classification, Detection2DArray, LabelInfo
from vision_service.srv import CaptureAllFromCamera, GetDetectionsFromCamera, GetVisionProperties

import testdata
from robot import RED_DETECTOR, boxes_of, eventually, image_message, never, painted, running
from vision_nodes import (
    BOX,
    CLASSIFIER_FILE,
    IMAGE,
    LATCHED,
    Lens,
    changed,
    detect,
    from_camera,
    image_camera,
    reds,
    refused,
    view,
)
from vision_service.errors import ErrorCode
from vision_service.ros.conversion import detections_from_message

DETECTOR_FILE = "models/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"


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
        ({"segment_size_px": 1.5}, ("'segment_size_px'", "an integer", "1.5")),
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
        refused(detect(robot, "reds", image=image_message(IMAGE)), ErrorCode.NOT_ACTIVE, *words)
        properties = robot.call(GetVisionProperties, "reds/get_properties")
        assert properties.success
        assert not properties.detections_supported


def test_it_can_be_set_right_while_it_runs():
    with reds(detect_color="red") as robot:
        assert robot.set("reds", {"detect_color": "#FF0000"}).successful
        eventually(lambda: robot.status("reds")["state"] == "active", "it starts by itself")
        assert boxes_of(detect(robot, "reds", image=image_message(IMAGE)).detections) == [BOX]


# Changing parameters of a node that runs.


def test_a_changed_model_is_in_use_at_once_with_its_labels():
    with reds() as robot:
        labels = robot.listen(LabelInfo, "reds/label_info", LATCHED)
        assert [entry.class_name for entry in labels.next().class_map] == ["red"]
        assert robot.set("reds", {"detect_color": "#00FF00", "label": "leaf"}).successful
        assert [entry.class_name for entry in labels.next().class_map] == ["leaf"]
        assert detect(robot, "reds", image=image_message(IMAGE)).detections.detections == []
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
        assert boxes_of(detect(robot, "reds", image=image_message(IMAGE)).detections) == [BOX]


def test_a_camera_s_topic_can_be_changed_while_the_node_is_unconfigured():
    with reds(cameras=["front"]) as robot:
        assert changed(robot, "reds", Transition.TRANSITION_DEACTIVATE)
        assert changed(robot, "reds", Transition.TRANSITION_CLEANUP)
        assert robot.set("reds", {"front.image": "usb/image"}).successful
        assert changed(robot, "reds", Transition.TRANSITION_CONFIGURE)
        assert changed(robot, "reds", Transition.TRANSITION_ACTIVATE)
        Lens(robot, "usb/image").running()
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
        "lens": image_camera(testdata.path("images/cats_and_dogs.jpg")),
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
        "stack": {"cameras": ["view"], "vision": ["solids", "segmenter"]},
        "view": {**view(11), "speed": 0.0},
        "solids": {"model": "mlmodel", "model_path": "package://vision_service/models/solids_detector.tflite"},
        "segmenter": {"model": "detections_to_segments", "detector_name": "solids", "cameras": ["view"], "mean_k": 0},
    }
    with running(sections) as robot:
        asked = []
        for number in range(20):
            asked.append(
                robot.ask(
                    CaptureAllFromCamera,
                    "segmenter/capture_all_from_camera",
                    return_detections=True,
                    return_object_point_clouds=True,
                    max_age=-1.0,
                )
            )
            label = ("cube", "cone")[number % 2]
            assert robot.set("segmenter", {"valid_labels": [label]}).successful
        for answer in asked[1:]:
            response = answer.result(30)
            assert response.success, response.message
            labels = {found.results[0].hypothesis.class_id for found in response.detections.detections}
            assert {item.label for item in response.objects} == labels
            assert len(labels) == 1
