"""Reading files and opening devices takes as long as it takes; the node that waits for it answers all the same."""

import json
import os
import shutil
from contextlib import suppress

import cv2
import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import GetParameters
from vision_service.srv import GetImage, GetStatus

from hanging import HangingDriver
from robot import PATIENCE, eventually, painted, running
from vision_service.camera import DRIVERS
from vision_service.errors import ErrorCode
from vision_service.ros.camera.node import CameraNode

HANGS = "the driver hanging is being made"
SHUT_DOWN = Transition.TRANSITION_UNCONFIGURED_SHUTDOWN


@pytest.fixture
def pipe(tmp_path, monkeypatch):
    """A driver waits for what is written to it."""
    monkeypatch.setitem(DRIVERS._builtin, "hanging", "hanging:HangingDriver")
    path = tmp_path / "pipe"
    os.mkfifo(path)
    yield path
    if path.is_fifo():
        let_go(path)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image.png"
    cv2.imwrite(str(path), painted(32, 24))
    return path


def camera(path, **parameters):
    """Return a camera whose driver hangs when it is opened, if the path is a pipe."""
    own = {"driver": "hanging", "color_image_file_path": str(path), **parameters}
    return running({"stack": {"cameras": ["camera"]}, "camera": own}, started=False)


def let_go(pipe):
    """Let go of the drivers that wait for somebody to write."""
    with suppress(OSError):  # nobody waits
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))


def becomes(pipe, image):
    """Put an image in the place of a pipe, and let go of the driver that waits."""
    waiting = pipe.with_name("waiting")
    pipe.rename(waiting)
    shutil.copy(image, pipe)
    let_go(waiting)


def ask(robot, transition):
    """Return a future of the answer to a transition that was asked for."""
    return robot.ask(ChangeState, "camera/change_state", transition=Transition(id=transition))


def preparing(robot):
    """Return what the node is said to make."""
    return robot.status("camera").get("preparing", "")


def test_a_node_that_is_configured_by_others_answers_while_its_device_is_opened(pipe, image):
    with camera(pipe, autostart=False) as robot:
        change = ask(robot, Transition.TRANSITION_CONFIGURE)
        assert HANGS in eventually(lambda: preparing(robot), "it is said what is being made")
        assert robot.call(GetState, "camera/get_state").current_state.label == "unconfigured"
        assert robot.call(GetParameters, "camera/get_parameters", names=["driver"]).values[0].string_value == "hanging"
        refusal = robot.call(GetImage, "camera/get_image", timeout=0.1)
        assert refusal.error_code == ErrorCode.NOT_ACTIVE
        assert HANGS in refusal.message
        assert not change.done()
        becomes(pipe, image)
        assert change.result(PATIENCE).success
        assert not preparing(robot)
        assert ask(robot, Transition.TRANSITION_ACTIVATE).result(PATIENCE).success
        assert robot.call(GetImage, "camera/get_image").success


def test_a_node_that_starts_by_itself_answers_meanwhile_too(pipe, image):
    with camera(pipe) as robot:
        assert HANGS in preparing(robot)
        answer = robot.ask(GetImage, "camera/get_image", timeout=PATIENCE)  # who calls waits for it
        eventually(lambda: robot.status("camera")["calls"]["pending"] == 1, "the call waits")
        becomes(pipe, image)
        assert answer.result(PATIENCE).success
        assert robot.status("camera")["state"] == "active"


def test_the_way_out_of_what_hangs_is_another_parameter(pipe, image):
    with camera(pipe) as robot:
        assert HANGS in preparing(robot)
        assert robot.set("camera", {"color_image_file_path": str(image)}).successful
        eventually(lambda: robot.status("camera")["state"] == "active", "it starts with what was set")
        assert robot.call(GetImage, "camera/get_image").success


def test_a_node_is_shut_down_while_its_device_is_opened(pipe):
    with camera(pipe, autostart=False) as robot:
        change = ask(robot, Transition.TRANSITION_CONFIGURE)
        assert HANGS in eventually(lambda: preparing(robot), "it is said what is being made")
        assert ask(robot, SHUT_DOWN).result(PATIENCE).success
        assert not change.result(PATIENCE).success
        assert robot.status("camera")["state"] == "finalized"


def test_who_asks_twice_is_told_that_it_is_configured_already(pipe, image):
    with camera(image, autostart=False) as robot:
        changes = [ask(robot, Transition.TRANSITION_CONFIGURE) for _ in range(2)]
        assert sorted(change.result(PATIENCE).success for change in changes) == [False, True]
        assert robot.status("camera")["state"] == "inactive"


def test_what_was_opened_in_vain_is_closed(pipe, image, monkeypatch):
    closed = []
    close = HangingDriver.close
    monkeypatch.setattr(HangingDriver, "close", lambda self: (closed.append(self), close(self)))
    with camera(pipe) as robot:
        assert HANGS in preparing(robot)
        assert robot.set("camera", {"color_image_file_path": str(image)}).successful
        eventually(lambda: robot.status("camera")["state"] == "active", "it starts with what was set")
        becomes(pipe, image)
        (driver,) = eventually(lambda: closed, "the first one is closed")
        assert driver.config.color_image_file_path == str(pipe)
        assert robot.call(GetImage, "camera/get_image", max_age=-1.0).success


def test_a_node_made_by_hand_is_configured_where_it_is_told_to(spin, peer, image):
    node = spin(CameraNode, "camera", {"driver": "image_file", "color_image_file_path": str(image)})
    assert node.state == "active"
    response = peer.call(GetStatus, "camera/get_status")
    assert "preparing" not in json.loads(response.status)
