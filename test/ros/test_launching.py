"""The launch files, where launch is installed: it is no wheel, so this runs where ROS itself is."""

import runpy
from pathlib import Path

import pytest

pytest.importorskip("launch_ros.actions")

from launch import LaunchContext
from launch.actions import LogInfo

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
FILES = sorted(path.name.removesuffix(".launch.py") for path in LAUNCH.glob("*.launch.py"))


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


@pytest.mark.parametrize("file", FILES)
def test_its_own_arguments_are_none(warnings, file):
    assert warnings(file, namespace="", log_level="info") == []
