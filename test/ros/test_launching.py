"""The launch files, where launch is installed: it is no wheel, so this runs where ROS itself is."""

import os
import re
import runpy
from pathlib import Path

import pytest

pytest.importorskip("launch_ros.actions")

from launch import LaunchContext
from launch.actions import LogInfo
from launch_ros.actions import Node

from vision_service import rviz

LAUNCH = Path(__file__).parents[2] / "launch"
STACK = """
stack: {ros__parameters: {cameras: [eye]}}
eye: {ros__parameters: {driver: synthetic}}
camera: {ros__parameters: {driver: synthetic}}
vision: {ros__parameters: {model: color_detector}}
mlmodel: {ros__parameters: {model_path: fruit.tflite}}
"""
NEEDED = {
    "detect": {"model_path": "fruit.tflite", "image_topic": "/image"},
    "existing_camera": {"package": "usb_cam", "executable": "usb_cam_node_exe", "driver_params_file": ""},
}
ALL = sorted(path.name.removesuffix(".launch.py") for path in LAUNCH.glob("*.launch.py"))
FILES = [file for file in ALL if file != "control"]
"""Those that start nodes, in a namespace and with a clock."""


@pytest.fixture
def warnings(tmp_path):
    """Return what a launch file warns of, if it is given arguments."""
    params_file = tmp_path / "robot.yaml"
    params_file.write_text(STACK)

    def launch(file, **arguments):
        context = LaunchContext()
        described = runpy.run_path(str(LAUNCH / f"{file}.launch.py"))["generate_launch_description"]()
        given = {**({} if file in ("demo", "detect") else {"params_file": str(params_file)}), **NEEDED.get(file, {})}
        context.launch_configurations.update({**given, **arguments})
        actions = [action for entity in described.entities for action in entity.visit(context) or ()]
        texts = [action.msg for action in actions if isinstance(action, LogInfo)]
        return ["".join(part.perform(context) for part in text) for text in texts]

    return launch


@pytest.mark.parametrize("file", FILES)
def test_a_misspelt_launch_argument_is_a_warning_with_what_may_be_meant(warnings, file):
    assert warnings(file, namspace="robot1") == [
        "WARNING: nobody knows the launch argument 'namspace': did you mean 'namespace'?"
    ]


@pytest.mark.parametrize("file", FILES)
def test_a_clock_that_is_neither_true_nor_false_ends_the_launch(warnings, file):
    with pytest.raises(RuntimeError, match="maybe"):
        warnings(file, use_sim_time="maybe")


def test_the_control_page_has_arguments_of_its_own(warnings):
    assert warnings("control", prt="1") == ["WARNING: nobody knows the launch argument 'prt': did you mean 'port'?"]
    assert warnings("control", port="1", host="127.0.0.1") == []


@pytest.mark.parametrize("file", FILES)
def test_its_own_arguments_are_none(warnings, file):
    assert warnings(file, namespace="", log_level="info") == []


# RViz.

SHOWING = [file for file in FILES if file != "mlmodel"]


def opened(file, params_file, **arguments):
    """Return the content of the files that RViz is opened with."""
    context = LaunchContext()
    described = runpy.run_path(str(LAUNCH / f"{file}.launch.py"))["generate_launch_description"]()
    given = {**({} if file in ("demo", "detect") else {"params_file": str(params_file)}), **NEEDED.get(file, {})}
    context.launch_configurations.update({**given, **arguments})
    actions = [action for entity in described.entities for action in entity.visit(context) or ()]
    nodes = [action for action in actions if isinstance(action, Node) and action.node_package == "rviz2"]
    found = []
    for node in nodes:
        path = Path(node.cmd[2][0].perform(context))
        found.append(rviz.read(path))
        path.unlink()
    return found


@pytest.fixture
def params_file(tmp_path):
    path = tmp_path / "robot.yaml"
    path.write_text(re.sub(r"(?m)^(?=\w)", "/**/", STACK))
    return path


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Says that RViz is installed, and that its plugins are not."""
    index = tmp_path / "prefix/share/ament_index/resource_index/packages"
    index.mkdir(parents=True)
    (index / "rviz2").write_text("")
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{tmp_path / 'prefix'}:{os.environ.get('AMENT_PREFIX_PATH', '')}")


@pytest.mark.parametrize("file", SHOWING)
def test_rviz_is_opened_where_that_is_asked_for(installed, params_file, file):
    assert opened(file, params_file) == []
    (content,) = opened(file, params_file, rviz="true", namespace="robot1")
    displays = content["Visualization Manager"]["Displays"]
    topics = [rviz.topic_of(display) for display in displays if rviz.topic_of(display)]
    assert topics
    assert all(topic.startswith("/robot1/") for topic in topics)
    assert all(display["Class"].startswith("rviz_default_plugins/") for display in displays)


@pytest.mark.parametrize("file", SHOWING)
def test_without_rviz_the_launch_ends_with_what_to_install(params_file, file):
    with pytest.raises(RuntimeError, match="apt install ros-"):
        opened(file, params_file, rviz="true")
