"""The executables, each as a process of its own."""

import re
import signal
from pathlib import Path

import pytest
import yaml
from vision_service.srv import GetDetections, GetDetectionsFromCamera, GetImage, GetStatus

from robot import (
    RED_DETECTOR,
    ROOT,
    boxes_of,
    eventually,
    image_message,
    node_program,
    painted,
    parameter_file,
    program,
)
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.dds import SHARED_MEMORY
from vision_service.ros.main import check_parameter_file, without_node_name

CAMERA = {"driver": "synthetic", "width_px": 64, "height_px": 48}
BOX = (70, 20, 95, 60)
PICTURE = image_message(painted(130, 70, BOX))
SIGNALS = [signal.SIGINT, signal.SIGTERM]


# Arguments.


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([], []),
        (["stack", "--ros-args", "-r", "__node:=other"], ["stack", "--ros-args"]),
        (["--ros-args", "--remap", "__name:=other", "-r", "a:=b"], ["--ros-args", "-r", "a:=b"]),
        (["--ros-args", "-r", "__ns:=/robot", "-p", "a:=1"], ["--ros-args", "-r", "__ns:=/robot", "-p", "a:=1"]),
        (["--ros-args", "-r", "cam:__node:=other"], ["--ros-args", "-r", "cam:__node:=other"]),
        (["--ros-args", "-r"], ["--ros-args", "-r", ""]),
    ],
)
def test_a_remap_of_the_node_s_name_is_dropped(given, kept):
    """A launch file's name= would give it to every node of the process."""
    assert without_node_name(given) == kept


# Parameter files.


def test_the_demo_s_parameter_file_is_one():
    check_parameter_file(ROOT / "config" / "demo.yaml")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no section 'stack'"),
        ("5", "no section 'stack'"),
        ("- stack", "no section 'stack'"),
        ("camera: {ros__parameters: {driver: synthetic}}", "no section 'stack'"),
        ("stack: {cameras: [a]}", "'stack' needs a map 'ros__parameters'"),
        ("stack: {ros__parameters: {cameras: [a]}}\na: 5", "'a' needs a map 'ros__parameters'"),
        ("stack: [", "no YAML"),
        ("stack: {ros__parameters: {cameras: [a]}}\na: {ros__parameters: }", "'a' needs a map 'ros__parameters'"),
    ],
)
def test_another_file_is_refused_by_its_name_with_the_reason(tmp_path, content, words):
    path = tmp_path / "params.yaml"
    path.write_text(content)
    with pytest.raises(VisionError, match=words) as raised:
        check_parameter_file(path)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    assert str(path) in raised.value.message


@pytest.mark.parametrize("name", ["none.yaml", "."])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, name):
    with pytest.raises(VisionError, match="cannot read"):
        check_parameter_file(tmp_path / name)


# Processes.


@pytest.mark.parametrize("number", SIGNALS)
def test_a_camera_runs_until_it_is_told_to_stop(peer, number):
    with node_program("camera", {"lens_1": CAMERA}, "-r", "__node:=lens_1") as started:
        peer.reach("lens_1")
        assert peer.call(GetImage, "lens_1/get_image").image.image.width == 64
        assert started.end(number) == 0, started.output


@pytest.mark.parametrize("number", SIGNALS)
def test_a_vision_service_runs_until_it_is_told_to_stop(peer, number):
    with node_program("vision", {"vision": RED_DETECTOR}) as started:
        peer.reach("vision")
        assert boxes_of(peer.call(GetDetections, "vision/get_detections", image=PICTURE).detections) == [BOX]
        assert started.end(number) == 0, started.output


STACK = {
    "stack": {"cameras": ["lens_2", "bad"], "vision": ["reds_2"]},
    "lens_2": CAMERA,
    "bad": {"driver": "none"},
    "reds_2": {**RED_DETECTOR, "cameras": ["lens_2"]},
}


@pytest.mark.parametrize("number", SIGNALS)
def test_a_stack_runs_until_it_is_told_to_stop(peer, number):
    with node_program("stack", STACK, "-r", "__node:=renamed") as started:
        for node in ("lens_2", "reds_2"):
            peer.reach(node)
        assert peer.call(GetDetectionsFromCamera, "reds_2/get_detections_from_camera").success
        assert peer.call(GetStatus, "bad/get_status").state == "unconfigured"
        assert "'none'" in started.output
        assert "renamed" not in peer.node.get_node_names()
        assert started.end(number) == 0, started.output


@pytest.mark.skipif(not SHARED_MEMORY.is_dir(), reason="this system has no /dev/shm")
@pytest.mark.parametrize("number", SIGNALS)
def test_a_process_that_is_told_to_stop_leaves_no_shared_memory_behind(peer, number):
    """Its segments are megabytes, and nobody else would ever free them."""

    before = set(SHARED_MEMORY.iterdir())
    with node_program("stack", STACK) as started:
        peer.reach("reds_2")
        maps = Path(f"/proc/{started.process.pid}/maps").read_text()
        own = {Path(path) for path in re.findall(rf"{SHARED_MEMORY}/fast(?:rtps|dds)_[0-9a-f]{{16}}", maps)} - before
        assert own
        assert started.end(number) == 0, started.output
    assert [path for path in own if path.exists()] == []


def test_a_process_whose_calls_wait_leaves_all_the_same(peer):
    with node_program("vision", {"vision": {**RED_DETECTOR, "cameras": ["never"]}}) as started:
        peer.reach("vision")
        calls = [
            peer.ask(GetDetectionsFromCamera, "vision/get_detections_from_camera", timeout=1000.0) for _ in range(3)
        ]
        eventually(lambda: '"pending": 3' in peer.call(GetStatus, "vision/get_status").status, "calls that wait")
        assert started.end() == 0, started.output
        assert not any(call.done() and call.result().success for call in calls)


def test_a_stack_without_nodes_ends_with_a_sentence():
    with node_program("stack", {"camera": CAMERA}) as started:
        assert started.result() == 1
        assert "the stack is empty" in started.output
        assert "Traceback" not in started.output


@pytest.mark.parametrize("content", ["stack: [", "stack: {ros__parameters: {cameras: [a, 1]}}", "stack: 5"])
def test_a_parameter_file_that_ros_does_not_read_ends_the_process_with_a_sentence(tmp_path, content):
    path = tmp_path / "params.yaml"
    path.write_text(content)
    with program(ROOT / "scripts" / "stack", "--ros-args", "--params-file", path) as started:
        assert started.result() == 1
        assert str(path) in started.output
        assert "Traceback" not in started.output


def test_the_command_runs_a_parameter_file_too(peer, tmp_path):
    path = parameter_file(tmp_path, STACK)
    with program(ROOT / "scripts" / "vision-service", "run", path) as started:
        peer.reach("reds_2")
        assert started.end() == 0, started.output


def test_the_command_refuses_a_file_that_is_none(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump({"camera": {"ros__parameters": CAMERA}}))
    with program(ROOT / "scripts" / "vision-service", "run", path) as started:
        assert started.result() != 0
        assert "no section 'stack'" in started.output
        assert "Traceback" not in started.output
