"""The executables, each as a process of its own."""

import re
import signal
from pathlib import Path

import pytest
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
from vision_service.mlmodel import trial_process
from vision_service.ros.main import prepare_trial, without_node_name
from vision_service.ros.process.dds import SHARED_MEMORY

CAMERA = {"driver": "synthetic", "width_px": 64, "height_px": 48}
BOX = (70, 20, 95, 60)
IMAGE = image_message(painted(130, 70, BOX))
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


@pytest.mark.parametrize(
    ("args", "parameters", "runtimes"),
    [
        ([], {"model": "color_detector"}, []),
        ([], {"model": "mlmodel", "model_path": "some/model.tflite"}, ["litert"]),
        ([], {"model": "mlmodel", "model_path": "some/model.ONNX"}, ["onnx"]),
        ([], {"model_path": 7}, []),
        (["-p", "model_path:=model.onnx"], {}, ["onnx"]),
        (["-p", "eye:model_path:=model"], {}, ["litert"]),
        (["-p", "model_path:="], {}, []),
    ],
)
def test_a_trial_is_prepared_for_if_the_start_parameters_name_a_model(
    args, parameters, runtimes, tmp_path, monkeypatch
):
    prepared = []
    monkeypatch.setattr(trial_process, "prepare", prepared.append)
    prepare_trial([parameter_file(tmp_path, {"eye": parameters})], ["vision", "--ros-args", *args])
    assert prepared == runtimes


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
        assert boxes_of(peer.call(GetDetections, "vision/get_detections", image=IMAGE).detections) == [BOX]
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


def test_a_stack_without_nodes_ends_with_an_error_message():
    with node_program("stack", {"stack": {"cameras": []}}) as started:
        assert started.result() == 1
        assert "the stack is empty" in started.output
        assert "Traceback" not in started.output


@pytest.mark.parametrize("executable", ["stack", "camera"])
def test_a_wrong_value_for_a_parameter_of_every_ros_node_ends_the_process_with_an_error_message(executable):
    with node_program(executable, {executable: {}}, "-p", "use_sim_time:=maybe") as started:
        assert started.result() == 1
        assert "use_sim_time" in started.output
        assert "Traceback" not in started.output


@pytest.mark.parametrize("content", ["stack: [", "stack: {ros__parameters: {cameras: [a, 1]}}", "stack: 5", None])
@pytest.mark.parametrize("executable", ["stack", "camera"])
def test_a_parameter_file_that_ros_does_not_read_ends_the_process_with_an_error_message(tmp_path, content, executable):
    path = tmp_path / "params.yaml"
    if content is not None:
        path.write_text(content)
    with program(ROOT / "scripts" / executable, "--ros-args", "--params-file", path) as started:
        assert started.result() == 1
        assert str(path) in started.output
        assert "Traceback" not in started.output


NOT_USED = [
    (["stack"], "no section for /stack, only 'lens:'"),
    (["camera"], "no section for /camera, only 'lens:'"),
    (["camera", "-r", "__node:=lense"], "no section for /lense, only 'lens:': is 'lens:' meant for it?"),
    (["camera", "-r", "__node:=lens", "-r", "__ns:=/robot"], "call it '/**/lens:'"),
]


@pytest.mark.parametrize(("command", "words"), NOT_USED)
def test_a_parameter_file_that_no_node_uses_ends_the_process_with_the_name_to_use(command, words):
    executable, *arguments = command
    with node_program(executable, {"lens": CAMERA}, *arguments) as started:
        assert started.result() == 1
        assert words in started.output
        assert "Traceback" not in started.output


# The command runs what ROS runs.


WAYS = [
    (["--namespace", "robot"], "/robot"),
    (["-r", "__ns:=/robot"], "/robot"),
    (["--ros-args", "-r", "__ns:=/robot", "-p", "width_px:=32"], "/robot"),
    (["--log-level", "warn", "-p", "width_px:=32"], ""),
]


@pytest.mark.parametrize(("arguments", "namespace"), WAYS)
@pytest.mark.parametrize("command", ["vision-service", "stack"])
def test_the_command_runs_what_ros_runs(peer, tmp_path, command, arguments, namespace):
    """The same nodes by the same file and arguments, whichever way they are started."""
    path = parameter_file(tmp_path, {f"/**/{name}": values for name, values in STACK.items() if name != "bad"})
    if command == "stack":
        plain = [a for a in arguments if a != "--ros-args"]
        if "--namespace" in plain:
            plain = ["-r", "__ns:=/robot"]
        line = [ROOT / "scripts" / "stack", "--ros-args", "--params-file", path, *plain]
    else:
        line = [ROOT / "scripts" / "vision-service", "run", path, *arguments]
    with program(*line) as started:
        peer.reach(f"{namespace}/reds_2")
        answer = peer.call(GetDetectionsFromCamera, f"{namespace}/reds_2/get_detections_from_camera")
        assert answer.success, answer.message
        assert started.end() == 0, started.output


@pytest.mark.parametrize("section", ["stack", "/**/stack", "/robot/stack", "/robot/**"])
def test_the_command_takes_every_form_of_a_section_or_says_that_it_is_not_used(peer, tmp_path, section):
    lists = {"cameras": ["lens_2"]}
    path = parameter_file(tmp_path, {section: {**lists, **CAMERA}, "/**/lens_2": CAMERA})
    with program(ROOT / "scripts" / "vision-service", "run", path, "--namespace", "/robot") as started:
        if section == "stack":
            assert started.result() == 1
            assert "no section for /robot/stack" in started.output
            assert "call it '/**/stack:'" in started.output
        else:
            peer.reach("/robot/lens_2")
            assert started.end() == 0, started.output


def test_the_command_gives_remaps_and_parameters_on(peer, tmp_path):
    path = parameter_file(tmp_path, {"stack": {"cameras": ["lens_3"]}, "lens_3": {"driver": "synthetic"}})
    arguments = ["-p", "width_px:=32", "-p", "height_px:=48", "-r", "lens_3/image_raw:=/elsewhere"]
    with program(ROOT / "scripts" / "vision-service", "run", path, *arguments) as started:
        peer.reach("lens_3")
        assert peer.call(GetImage, "lens_3/get_image").image.image.width == 32
        eventually(lambda: peer.node.get_publishers_info_by_topic("/elsewhere"), "the topic has its other name")
        assert started.end() == 0, started.output


@pytest.mark.parametrize("content", [{"camera": CAMERA}, None])
def test_the_command_refuses_a_file_that_is_none(tmp_path, content):
    path = parameter_file(tmp_path, content) if content else tmp_path / "none.yaml"
    with program(ROOT / "scripts" / "vision-service", "run", path) as started:
        assert started.result() == 1
        assert str(path) in started.output
        assert "no section for /stack" in started.output if content else "cannot read" in started.output
        assert "Traceback" not in started.output


@pytest.mark.parametrize("command", [["stack"], ["vision-service", "list", "--wait", "0"]], ids=["node", "client"])
@pytest.mark.parametrize("below", [(), ("logs",)], ids=["file", "below a file"])
def test_a_log_folder_that_cannot_be_written_is_named_with_what_to_do(tmp_path, monkeypatch, command, below):
    (tmp_path / "file").touch()
    folder = tmp_path.joinpath("file", *below)
    monkeypatch.setenv("ROS_LOG_DIR", str(folder))
    with program(ROOT / "scripts" / command[0], *command[1:]) as process:
        assert process.result() == 1
        output = process.output
    assert f"ROS cannot write its log: the folder '{folder}' (ROS_LOG_DIR): it cannot be made" in output
    assert "name another one by the environment variable ROS_LOG_DIR" in output
    assert "Traceback" not in output


def test_arguments_that_are_no_utf_8_end_the_process_with_an_error_message():
    with program(ROOT / "scripts" / "camera", "--ros-args", "-r", "__ns:=/\udcff") as process:
        assert process.result() == 1
        output = process.output
    assert "ROS does not understand the arguments" in output
    assert "Traceback" not in output
