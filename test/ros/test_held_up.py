"""Callers of a vision node whose ML model hangs, or has gone, are told so, and not that they should wait longer."""

import signal

import numpy as np
import pytest
from vision_service.srv import GetDetections, Infer

from breakable import HANG, VARIABLE
from robot import ROOT, image_message, painted, parameter_file, program, running
from vision_service.errors import ErrorCode
from vision_service.ros.conversion import tensors_to_message

MODEL = "package://vision_service/models/solids_detector.tflite"
IMAGE = image_message(painted(64, 48))


@pytest.fixture
def told(tmp_path, monkeypatch):
    """The file that tells the model to break."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "told"))
    return tmp_path / "told"


@pytest.fixture
def network(told, tmp_path):
    """An ML model node in a process of its own."""
    file = parameter_file(tmp_path, {"net": {"model_path": MODEL}})
    arguments = ("--ros-args", "--params-file", file, "-r", "__node:=net")
    with program(ROOT / "test/breakable.py", *arguments) as network:
        yield network


@pytest.fixture
def robot(network):
    sections = {"stack": {"vision": ["segmenter"]}, "segmenter": {"model": "mlmodel", "mlmodel_name": "net"}}
    with running(sections) as robot:
        robot.reach("net")
        robot.reach("segmenter")
        yield robot


def ask(robot):
    return robot.call(GetDetections, "segmenter/get_detections", image=IMAGE, timeout=2.0)


def test_a_model_that_hangs_is_named(robot, told):
    assert ask(robot).success
    told.write_text(HANG)
    answer = ask(robot)
    assert answer.error_code == ErrorCode.DEADLINE_EXCEEDED
    assert "waits for the ML model '/net'" in answer.message
    tensors = tensors_to_message({"": np.zeros((1, 192, 256, 3), np.uint8)})
    answer = robot.call(Infer, "net/infer", inputs=tensors, timeout=1.0)
    assert answer.error_code == ErrorCode.DEADLINE_EXCEEDED
    assert "the model has been at work for" in answer.message


def test_a_model_whose_process_was_killed_is_named(robot, network):
    assert ask(robot).success
    network.end(signal.SIGKILL)
    answer = ask(robot)
    assert answer.error_code == ErrorCode.DEADLINE_EXCEEDED
    assert "waits for the ML model '/net'" in answer.message


def test_an_error_of_the_ml_model_says_whose_it_is(robot, told):
    assert robot.set("segmenter", {"resource_timeout": 0.5}).successful
    told.write_text(HANG)
    answer = ask(robot)
    assert answer.error_code == ErrorCode.DEADLINE_EXCEEDED
    assert answer.message.startswith("the ML model '/net': not ready within 0.5 s")
