"""The stack: all nodes of one parameter file in one process."""

import os

import pytest
from vision_service.srv import GetDetections, GetDetectionsFromCamera, GetImage

from robot import RED_DETECTOR, boxes_of, image_message, painted, running
from vision_service.camera import DRIVERS
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.camera.node import CameraNode
from vision_service.ros.process import spinning as process
from vision_service.ros.stack import check_node_name
from vision_service.ros.vision.node import VisionNode

CAMERA = {"driver": "synthetic", "width_px": 64, "height_px": 48}
BOX = (70, 20, 95, 60)
IMAGE = image_message(painted(130, 70, BOX))


def detects(robot, node):
    answer = robot.call(GetDetections, f"{node}/get_detections", image=IMAGE)
    assert answer.success, answer.message
    return boxes_of(answer.detections) == [BOX]


def sees(robot, camera):
    return robot.call(GetImage, f"{camera}/get_image").success


# Names.


@pytest.mark.parametrize(
    ("name", "taken", "instead"),
    [
        ("camera", {"camera"}, "camera_2"),
        ("camera", {"camera", "camera_2", "camera_3"}, "camera_4"),
        ("stack", {"stack"}, "stack_2"),
        ("front-cam", set(), "front_cam"),
        ("1st floor", set(), "st_floor"),
        ("robot/front", set(), "robot_front"),
        ("", set(), "camera"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_the_name_to_use_instead(name, taken, instead):
    with pytest.raises(VisionError, match=f"{instead!r}") as raised:
        check_node_name(name, taken)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    check_node_name(instead, taken)


@pytest.mark.parametrize("name", ["camera", "front_cam", "Camera2"])
def test_other_names_are_allowed(name):
    check_node_name(name, {"stack"})


# Nodes.


def test_the_nodes_are_those_of_the_lists_each_with_the_parameters_of_its_section():
    sections = {
        "stack": {"cameras": ["left", "right"], "vision": ["reds"]},
        "left": CAMERA,
        "right": {**CAMERA, "width_px": 32},
        "reds": {**RED_DETECTOR, "cameras": ["left", "right"]},
    }
    with running(sections) as robot:
        assert list(robot.nodes) == ["stack", "left", "right", "reds"]
        assert [type(node) for node in list(robot.nodes.values())[1:]] == [CameraNode, CameraNode, VisionNode]
        widths = [robot.call(GetImage, f"{name}/get_image").image.image.width for name in ("left", "right")]
        assert widths == [64, 32]
        for camera in ("left", "right"):
            answer = robot.call(GetDetectionsFromCamera, "reds/get_detections_from_camera", camera_name=camera)
            assert answer.success
            assert answer.camera_name == camera


def test_a_section_may_hold_for_many_nodes():
    sections = {"/**": {"width_px": 48, "driver": "synthetic"}, "stack": {"cameras": ["left"]}}
    with running(sections) as robot:
        assert robot.call(GetImage, "left/get_image").image.image.width == 48


def test_a_whole_stack_may_live_in_a_namespace():
    sections = {
        "/robot/stack": {"cameras": ["left"], "vision": ["reds"]},
        "/robot/left": CAMERA,
        "/robot/reds": {**RED_DETECTOR, "cameras": ["left"]},
    }
    with running(sections, "-r", "__ns:=/robot") as robot:
        assert sees(robot, "/robot/left")
        assert robot.call(GetDetectionsFromCamera, "/robot/reds/get_detections_from_camera").success


GOOD = {"cam": CAMERA, "reds": RED_DETECTOR}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"driver": "none"}, "'none'"),
        ({}, "'driver' is missing"),
        ({"driver": "image_file", "color_image_file_path": "/nowhere/a.png"}, "/nowhere/a.png"),
        ({"driver": 5}, "'driver'"),
        ({"driver": "synthetic", "width_px": [1, 2]}, "'width_px'"),
    ],
)
def test_a_camera_that_is_wrong_does_not_stop_the_others(wrong, words):
    sections = {"stack": {"cameras": ["bad", "cam"], "vision": ["reds"]}, "bad": wrong, **GOOD}
    with running(sections) as robot:
        assert sees(robot, "cam")
        assert detects(robot, "reds")
        status = robot.status("bad")
        assert status["state"] == "unconfigured"
        assert words in status["last_error"]


def test_a_vision_node_that_is_wrong_does_not_stop_the_others():
    sections = {"stack": {"cameras": ["cam"], "vision": ["bad", "reds"]}, "bad": {"model": "none"}, **GOOD}
    with running(sections) as robot:
        assert sees(robot, "cam")
        assert detects(robot, "reds")
        assert "'none'" in robot.status("bad")["last_error"]


def test_a_parameter_of_rclpy_s_own_that_is_wrong_does_not_stop_the_others(capfd):
    sections = {"stack": {"cameras": ["bad", "cam"], "vision": ["reds"]}, "bad": {**CAMERA, "use_sim_time": 5}, **GOOD}
    with running(sections) as robot:
        assert sees(robot, "cam")
        assert detects(robot, "reds")


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"cameras": ["cam", "cam"], "vision": ["reds"]}, "call one of them 'cam_2'"),
        ({"cameras": ["cam"], "vision": ["reds", "cam"]}, "call one of them 'cam_2'"),
        ({"cameras": ["cam", "stack"], "vision": ["reds"]}, "call one of them 'stack_2'"),
        ({"cameras": ["cam", "front-cam"], "vision": ["reds"]}, "call it 'front_cam'"),
        ({"cameras": ["cam"], "vision": ["reds"], "visions": ["x"]}, "did you mean 'vision'?"),
    ],
)
def test_what_is_wrong_with_the_lists_is_logged_and_the_others_run(lists, message, capfd):
    with running({"stack": lists, **GOOD}) as robot:
        assert sees(robot, "cam")
        assert detects(robot, "reds")
        assert sorted(robot.nodes) == ["cam", "reds", "stack"]
    assert message in capfd.readouterr().err


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"stack": {"vision": ["stack"]}}, "none of the stack's nodes"),
        ({"cam": CAMERA}, "the stack is empty"),
        ({"stack": {"cameras": ["front-cam"]}}, "none of the stack's nodes"),
        ({"stack": {"cameras": "cam"}, "cam": CAMERA}, "'cameras' must be a list"),
        ({"stack": {"cameras": [1, 2]}, "cam": CAMERA}, "'cameras' must be a list"),
    ],
)
def test_a_stack_without_nodes_is_refused(sections, message):
    with pytest.raises(VisionError, match=message) as raised, running(sections):
        pass
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT


def test_a_node_is_started_only_if_its_parameters_say_so():
    sections = {
        "stack": {"cameras": ["cam"], "vision": ["reds"]},
        "cam": {**CAMERA, "autostart": False},
        "reds": RED_DETECTOR,
    }
    with running(sections) as robot:
        assert robot.status("cam")["state"] == "unconfigured"
        assert detects(robot, "reds")


def test_a_camera_that_hangs_when_it_is_opened_holds_up_no_other_node(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(process, "START_PATIENCE", 0.1)
    monkeypatch.setitem(DRIVERS._builtin, "hanging", "hanging:HangingDriver")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # reading it waits for a writer
    sections = {
        "stack": {"cameras": ["hanging", "camera"], "vision": ["reds"]},
        "hanging": {"driver": "hanging", "color_image_file_path": str(pipe)},
        "camera": CAMERA,
        "reds": {**RED_DETECTOR, "cameras": ["camera"]},
    }
    with running(sections, started=False) as robot:
        try:
            assert sees(robot, "camera")
            assert detects(robot, "reds")
            assert "has not started within 0.1 s" in capfd.readouterr().err
        finally:
            pipe.open("wb").close()  # lets it go
        assert robot.status("hanging")["state"] == "unconfigured"


def test_each_node_says_once_that_it_works_and_with_what(capfd):
    sections = {
        "stack": {"cameras": ["camera"], "vision": ["reds"]},
        "camera": CAMERA,
        "reds": {**RED_DETECTOR, "cameras": ["camera"]},
    }
    with running(sections):
        lines = capfd.readouterr().err.splitlines()
    said = [line.partition(": ")[2] for line in lines if "active: " in line]
    assert said == ["active: synthetic, reads color, depth", "active: color_detector, looks at camera"]
