"""The programs under examples/, with the parameter files beside them, on rendered cameras."""

import contextlib
import importlib.util
import io
import json
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from rclpy.executors import SingleThreadedExecutor

from lifecycle_manager import LifecycleManager
from robot import ROOT, eventually, running
from vision_service.cli.file_checks import check_file
from vision_service.parameter_files import read_parameter_file
from vision_service.ros.client import VisionClient
from vision_service.types import Classification

EXAMPLES = ROOT / "examples"
SLOW = {"frame_rate": 5.0}
"""Enough for tests of programs; rendering more would take their time."""
PROGRAMS = sorted(path for path in EXAMPLES.glob("*/*.py") if path.parent.name != "room_watch")
FILES = sorted(path for path in EXAMPLES.glob("*/*.yaml"))


def program(name):
    """Return the module of an example."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / name / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ran(module, *arguments):
    """Run a program's main; return its exit code, what it has printed, and its error messages."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = module.main(list(map(str, arguments)))
    return code, out.getvalue(), err.getvalue()


def sections():
    """Return the nodes of three parameter files in one stack."""
    found = {"stack": {"cameras": [], "vision": []}}
    for name in ("nearest_object", "people_counter", "quality_gate"):
        for node, content in yaml.safe_load((EXAMPLES / name / f"{name}.yaml").read_text()).items():
            values = content["ros__parameters"]
            if node != "stack":
                found[node] = {**values, **(SLOW if "driver" in values else {})}
                continue
            for kind, names in values.items():
                found["stack"][kind] += [each for each in names if each not in found["stack"][kind]]
    return found


@pytest.fixture(scope="module")
def robot():
    with running(sections()) as robot:
        for name in ("objects", "people", "inspector"):
            eventually(lambda name=name: robot.status(name)["state"] == "active", f"{name} works")
        yield robot


# Without ROS.


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_an_example_is_short(path):
    assert len(path.read_text().splitlines()) < 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_doctor_finds_nothing_wrong_with_a_parameter_file(path):
    assert check_file(path) == []


def test_the_table_names_every_example():
    table = (EXAMPLES / "README.md").read_text()
    folders = [path.name for path in EXAMPLES.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))]
    assert [name for name in folders if f"({name})" not in table and f"({name}/" not in table] == []


def test_what_is_used_in_cpp_is_in_the_service():
    source = (EXAMPLES / "cpp_client/src/detections.cpp").read_text()
    request, _, response = (ROOT / "srv/GetDetectionsFromCamera.srv").read_text().partition("---")
    for name in ("max_age", "timeout"):
        assert f"request->{name}" in source
        assert f" {name}" in request
    for name in ("success", "error_code", "message", "detections", "image_width", "image_height", "camera_name"):
        assert f"response->{name}" in source
        assert f" {name}" in response


# The nearest object.


def test_the_nearest_object_of_a_class_is_told_with_its_place(robot):
    module = program("nearest_object")
    code, out, err = ran(module, "cube", "--timeout", 20)
    assert code == 0, err
    told = json.loads(out)
    assert told["frame_id"] == "camera_optical_frame"
    with VisionClient("objects") as client:
        cubes = [item for item in client.get_object_point_clouds() if item.label == "cube"]
    least = min(float(np.linalg.norm(item.center)) for item in cubes)
    assert np.linalg.norm(told["center"]) == pytest.approx(least, abs=0.1), "they move"
    assert all(0.02 < edge < 0.2 for edge in told["size"])


def test_what_is_not_there_and_who_does_not_answer_are_told_apart(robot):
    module = program("nearest_object")
    code, out, err = ran(module, "unicorn", "--timeout", 20)
    assert (code, out) == (module.NOTHING_THERE, "")
    assert "no unicorn among" in err
    code, _, err = ran(module, "cube", "--service", "inspector")
    assert code == module.FAILED
    assert "NOT_SUPPORTED" in err


# The people counter.


def test_people_are_counted_by_their_tracks_and_zones(robot):
    module, said = program("people_counter"), []
    counter = module.PeopleCounter("people", said.append, context=robot.context)
    try:
        executor = SingleThreadedExecutor(context=robot.context)
        executor.add_node(counter)

        def told():
            executor.spin_once(timeout_sec=0.1)
            return any(" inside" in line and ("entered" in line or "left" in line) for line in said)

        eventually(told, "somebody enters or leaves")
    finally:
        counter.destroy_node()
    assert any(line.startswith("shop: ") for line in said)
    assert "entrance: a line" in said
    assert counter.inside["shop"] >= 0


# Good or defective.


GOOD, BAD = Classification("good", 0.9), Classification("defective", 0.9)


@pytest.mark.parametrize(
    ("found", "decision"),
    [
        ([GOOD], "pass"),
        ([BAD], "reject"),
        ([], "inspect"),
        ([Classification("good", 0.5)], "inspect"),
        ([Classification("cat", 0.9)], "inspect"),
    ],
)
def test_only_what_is_surely_good_passes(found, decision):
    assert program("quality_gate").decide(found, good=["good"], defective=["defective"], sure=0.6) == decision


def test_parts_are_decided_one_by_one(robot):
    module = program("quality_gate")
    labels = [item.class_name for item in VisionClient("inspector").get_classifications_from_camera(count=1)]
    code, out, _ = ran(module, "--parts", 2, "--period", 0, "--sure", 0.3, "--good", "none", "--defective", *labels)
    assert code == 0
    assert [line.partition(":")[0] for line in out.splitlines()] == ["reject", "reject"]


def test_a_part_that_nobody_could_look_at_does_not_pass(robot):
    code, out, _ = ran(program("quality_gate"), "--service", "people", "--parts", 1)
    assert code == 1
    assert out.startswith("inspect: NOT_SUPPORTED")


@pytest.mark.parametrize("name", ["quality_gate", "people_counter"])
def test_ctrl_c_ends_them_without_a_traceback(robot, name):
    command = [sys.executable, EXAMPLES / name / f"{name}.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert "Traceback" not in err


# The recorder.


def test_a_data_set_and_a_bag_are_written(robot, tmp_path):
    pytest.importorskip("rosbags", reason="saving a bag takes rosbags")
    code, out, err = ran(program("dataset_recorder"), "people", "--images", 3, "--period", 0, "--out", tmp_path)
    assert code == 0, err
    coco, bag = (Path(line) for line in out.splitlines() if not line.startswith(" "))
    told = json.loads((coco / "annotations.json").read_text())
    assert len(told["images"]) == len(list((coco / "images").iterdir())) == 3
    assert len({image["stamp"] for image in told["images"]}) == 3
    assert {"cube", "ball"} <= {category["name"] for category in told["categories"]}
    assert (bag / "metadata.yaml").is_file()


def test_nothing_is_written_where_nothing_was_seen(robot, tmp_path):
    code, _, err = ran(program("dataset_recorder"), "people", "--camera", "nowhere", "--images", 1, "--out", tmp_path)
    assert code == 1
    assert "UNKNOWN_CAMERA" in err
    assert list(tmp_path.iterdir()) == []


# The robot's bring-up.


def bring_up():
    """Return the launch file's constants, also where launch is not installed."""
    source = (EXAMPLES / "robot_bringup/robot.launch.py").read_text()
    found = {}
    for line in source.splitlines():
        name, _, value = line.partition(" = ")
        if name in ("ARMS", "NODES"):
            found[name] = eval(value)  # noqa: S307
    return found["ARMS"], list(found["NODES"])


def test_two_arms_are_brought_up_in_the_managers_order():
    arms, nodes = bring_up()
    file = EXAMPLES / "robot_bringup/arms.yaml"
    found = {name: {**values, **(SLOW if "driver" in values else {})} for name, values in read_parameter_file(file)}
    for arm in arms:
        with running(found, "-r", f"__ns:=/{arm}") as robot:
            names = [f"/{arm}/{name}" for name in nodes]
            assert {robot.status(name)["state"] for name in names} == {"unconfigured"}
            manager = LifecycleManager(robot, names, bond=False)
            assert manager.startup()
            assert {robot.status(name)["state"] for name in names} == {"active"}
            with VisionClient(f"/{arm}/objects", robot.node) as objects:
                assert objects.get_detections_from_camera(timeout=20.0)
            assert manager.reset()


def test_the_launch_file_starts_a_stack_and_a_manager_for_each_arm():
    pytest.importorskip("launch_ros.actions", reason="launch is no wheel")
    path = EXAMPLES / "robot_bringup/robot.launch.py"
    described = runpy.run_path(str(path))["generate_launch_description"]()
    assert len(described.entities) == 4
