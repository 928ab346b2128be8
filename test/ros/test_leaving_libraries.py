"""A library that wants to end the process, by SystemExit or KeyboardInterrupt, ends no thread of a node.

Whoever waits is told, the problem is said once, and the next frame, command or result is there as if nothing had been.
"""

import dataclasses
import json
import re
import threading
from dataclasses import dataclass
from typing import ClassVar

import pytest
from lifecycle_msgs.msg import Transition
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Detection2DArray
from vision_service.srv import DoCommand, GetImage

from robot import eventually, image_message, painted, running
from vision_nodes import changed, detect, refused
from vision_service.camera import DRIVERS
from vision_service.camera.synthetic import Synthetic
from vision_service.configuration import attribute
from vision_service.errors import ErrorCode
from vision_service.image import Image as FrameImage
from vision_service.types import Detection
from vision_service.vision import MODELS
from vision_service.vision.model import VisionModel

LEAVES: set[str] = set()
"""Where libraries want to leave now."""
SIZE = {"width_px": 32, "height_px": 24}
GIVEN = image_message(painted(32, 24))


def leave(where):
    if where in LEAVES:
        raise (KeyboardInterrupt if where == "interrupted" else SystemExit)(f"from {where}")


class LeavingImage(FrameImage):
    """Pixels that are made when they are asked for; the size is known before."""

    size = (SIZE["width_px"], SIZE["height_px"])


class LeavingDriver(Synthetic):
    commands: ClassVar = {"beep": "Makes a sound."}

    def read(self):
        leave("read")
        leave("interrupted")
        frame = super().read()
        pixels = frame.image.pixels

        def decode():
            leave("decode")
            return pixels

        return dataclasses.replace(frame, image=LeavingImage.deferred(decode))

    def run_command(self, name, arguments):
        leave("driver's command")
        return {"sound": "beep"}

    def close(self):
        leave("driver's close")


@dataclass(frozen=True)
class LeavingConfig:
    label: str = attribute("What is found.", default="it", live=True)
    size: int = attribute("How large it is.", default=4, minimum=1)


class LeavingModel(VisionModel):
    Config = LeavingConfig
    commands: ClassVar = {"beep": "Makes a sound."}

    def detect(self, frame):
        leave("detect")
        return [Detection(self.config.label, 1.0, 0.0, 0.0, self.config.size, self.config.size)]

    def run_command(self, name, arguments):
        leave("model's command")
        return {"sound": "beep"}

    def update(self, config):
        leave("update")
        super().update(config)

    def close(self):
        leave("model's close")


@pytest.fixture
def robot(monkeypatch):
    """A camera and a vision node that looks at it, with such libraries."""
    monkeypatch.setitem(DRIVERS._builtin, "leaving", f"{__name__}:LeavingDriver")
    monkeypatch.setitem(MODELS._builtin, "leaving", f"{__name__}:LeavingModel")
    sections = {
        "stack": {"cameras": ["cam"], "vision": ["eye"]},
        "cam": {"driver": "leaving", "frame_rate": 50.0, **SIZE},
        "eye": {"model": "leaving", "cameras": ["cam"]},
    }
    LEAVES.clear()
    with running(sections) as robot:
        yield robot
    LEAVES.clear()


@pytest.fixture
def said(capfd):
    """Returns how often something was said as a problem so far."""
    text = []

    def count(words):
        text.append(capfd.readouterr().err)
        return len(re.findall(rf"\[(?:WARN|ERROR)\].*{re.escape(words)}", "".join(text)))

    return count


def image(robot, **fields):
    return robot.call(GetImage, "cam/get_image", max_age=-1.0, **fields)


def command(robot, node):
    return robot.call(DoCommand, f"{node}/do_command", command='{"command": "beep"}')


def beeps(robot, node):
    return json.loads(command(robot, node).result) == {"sound": "beep"}


def label(answer):
    return answer.detections.detections[0].results[0].hypothesis.class_id


def again(robot, node):
    """Clean a node up, and configure and activate it again."""
    return all(
        changed(robot, node, transition)
        for transition in (
            Transition.TRANSITION_DEACTIVATE,
            Transition.TRANSITION_CLEANUP,
            Transition.TRANSITION_CONFIGURE,
            Transition.TRANSITION_ACTIVATE,
        )
    )


@pytest.mark.parametrize(("where", "kind"), [("read", "SystemExit"), ("interrupted", "KeyboardInterrupt")])
def test_a_driver_s_read(robot, said, where, kind):
    assert image(robot).success
    words = f"the driver failed: {kind}: from {where}"
    LEAVES.add(where)
    eventually(lambda: not image(robot).success, "the read that was under way has ended")
    for _ in range(3):
        refused(image(robot), ErrorCode.CAMERA_ERROR, words)
    assert robot.problem("cam", words)
    LEAVES.clear()
    eventually(lambda: image(robot).success, "the camera's image")
    assert not robot.problem("cam", words)
    assert said(words) == 1


def test_a_driver_s_command(robot):
    LEAVES.add("driver's command")
    refused(command(robot, "cam"), ErrorCode.INTERNAL, "SystemExit: from driver's command")
    LEAVES.clear()
    assert beeps(robot, "cam")


def test_a_driver_s_close(robot, said):
    assert image(robot).success
    LEAVES.add("driver's close")
    assert again(robot, "cam")
    LEAVES.clear()
    assert image(robot).success
    assert said("the driver failed when it was closed: SystemExit: from driver's close") == 1
    assert again(robot, "cam")
    assert image(robot).success


def test_a_model_s_run_for_a_caller(robot):
    LEAVES.add("detect")
    refused(detect(robot, "eye", image=GIVEN), ErrorCode.MODEL_ERROR, "the model failed: SystemExit: from detect")
    LEAVES.clear()
    assert label(detect(robot, "eye", image=GIVEN)) == "it"


def test_a_model_s_run_for_a_stream(robot, said):
    inbox = robot.listen(Detection2DArray, "eye/cam/detections")
    inbox.next()
    LEAVES.add("detect")
    words = "no results for a frame of 'cam': the model failed: SystemExit: from detect"
    eventually(lambda: robot.problem("eye", words), "the problem")
    LEAVES.clear()
    eventually(lambda: not robot.problem("eye", words), "it is over")
    inbox.drain()
    inbox.next()
    assert said(words) == 1


def test_a_model_s_command(robot):
    LEAVES.add("model's command")
    refused(command(robot, "eye"), ErrorCode.MODEL_ERROR, "the model failed: SystemExit: from model's command")
    LEAVES.clear()
    assert beeps(robot, "eye")


def test_a_model_s_update(robot, said):
    words = "the model failed when it was changed: SystemExit: from update"
    LEAVES.add("update")
    robot.set("eye", {"label": "that"})
    eventually(lambda: robot.problem("eye", words), "the problem")
    assert label(detect(robot, "eye", image=GIVEN)) == "it"
    LEAVES.clear()
    robot.set("eye", {"label": "this"})
    assert label(detect(robot, "eye", image=GIVEN)) == "this"
    assert not robot.problem("eye", words)
    assert said(words) == 1


def test_the_close_of_a_model_that_is_replaced(robot, said):
    words = "the model failed when it was changed: SystemExit: from model's close"
    LEAVES.add("model's close")
    assert robot.set("eye", {"size": 8}).successful
    answer = detect(robot, "eye", image=GIVEN)
    assert answer.detections.detections[0].bbox.size_x == 8
    eventually(lambda: said(words) == 1, "the problem")


def test_the_close_of_a_model_whose_node_is_cleaned_up(robot, caplog):
    assert label(detect(robot, "eye", image=GIVEN)) == "it"
    LEAVES.add("model's close")
    assert again(robot, "eye")
    LEAVES.clear()
    assert label(detect(robot, "eye", image=GIVEN)) == "it"
    assert caplog.text.count("eye: SystemExit: from model's close") == 1


def test_an_output_of_a_camera(robot, said):
    inbox = robot.listen(Image, "cam/image_raw")
    inbox.next()
    words = "a frame cannot be published on ~/image_raw: SystemExit: from decode"
    LEAVES.add("decode")
    eventually(lambda: robot.problem("cam", words), "the problem")
    LEAVES.clear()
    eventually(lambda: not robot.problem("cam", words), "it is over")
    inbox.drain()
    inbox.next()
    assert said(words) == 1


def test_an_image_that_is_asked_for(robot):
    LEAVES.add("decode")
    refused(image(robot, mime_type="image/png"), ErrorCode.INTERNAL, "SystemExit: from decode")
    LEAVES.clear()
    assert image(robot, mime_type="image/png").success


def test_an_output_of_a_vision_node(robot, said):
    inbox = robot.listen(CompressedImage, "eye/cam/image_annotated/compressed")
    inbox.next()
    words = "no results for a frame of 'cam': SystemExit: from decode"
    LEAVES.add("decode")
    eventually(lambda: robot.problem("eye", words), "the problem")
    LEAVES.clear()
    eventually(lambda: not robot.problem("eye", words), "it is over")
    inbox.drain()
    inbox.next()
    assert said(words) == 1


def test_whoever_else_listens_to_the_frames(robot, caplog):
    received = threading.Semaphore(0)

    def listener(_):
        received.release()
        leave("listener")

    LEAVES.add("listener")
    unlisten = robot.nodes["cam"]._feed.slot.listen(listener)
    for _ in range(3):
        assert image(robot).success
        assert received.acquire(timeout=30)
    unlisten()
    assert image(robot).success
    assert caplog.text.count("a listener of frames: SystemExit: from listener") == 1


def test_threads_are_named_after_their_nodes(robot):
    robot.listen(Image, "cam/image_raw").next()
    names = {thread.name for thread in threading.enumerate()}
    assert names >= {"cam/driver", "cam/encoder", "cam/commands", "cam/image_raw", "eye"}
