"""Nodes that build on each other go and come back, each in its thread, during calls: nothing fails unforeseen."""

import random
import threading
from collections import Counter

import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rich.progress import track
from vision_msgs.msg import Detection2DArray
from vision_service.srv import CaptureAllFromCamera, GetDetectionsFromCamera, GetImage

from robot import PATIENCE, RED_DETECTOR, Peer, eventually, running
from vision_service.errors import ErrorCode

TIMES = 1000
NODES = ("view", "reds", "tracked")
STEPS = {
    "active": ("deactivate",),
    "inactive": ("activate", "activate", "cleanup"),
    "unconfigured": ("configure",),
}
FORESEEN = {
    ErrorCode.OK, ErrorCode.NOT_ACTIVE, ErrorCode.NO_FRAME, ErrorCode.CAMERA_ERROR, ErrorCode.OVERLOADED,
    ErrorCode.DEADLINE_EXCEEDED,
}  # fmt: skip
CALLS = [
    (GetDetectionsFromCamera, "reds/get_detections_from_camera"),
    (GetDetectionsFromCamera, "tracked/get_detections_from_camera"),
    (CaptureAllFromCamera, "tracked/capture_all_from_camera"),
    (GetImage, "view/get_image"),
]

pytestmark = pytest.mark.stress


@pytest.fixture
def robot():
    """A camera, a detector, and a tracker that builds on it."""
    sections = {
        "stack": {"cameras": ["view"], "vision": ["reds", "tracked"]},
        "view": {"driver": "synthetic", "width_px": 64, "height_px": 48, "frame_rate": 100.0},
        "reds": {**RED_DETECTOR, "cameras": ["view"]},
        "tracked": {"model": "tracker", "detector_name": "reds", "cameras": ["view"]},
    }
    with running(sections) as robot:
        yield robot


def step(peer, name, chance):
    """Bring a node into another state."""
    label = chance.choice(STEPS[peer.status(name)["state"]])
    assert change(peer, name, label) or label == "configure", (name, label)  # one that needs another waits for it


def change(peer, name, label):
    """Ask for a transition, and return whether it succeeded."""
    return peer.call(ChangeState, f"{name}/change_state", transition=Transition(label=label)).success


def mend(peer, name):
    """Bring a node to work; return whether it does."""
    for state, label in (("unconfigured", "configure"), ("inactive", "activate")):
        if peer.status(name)["state"] == state:
            change(peer, name, label)
    return peer.status(name)["state"] == "active"


def test_nodes_come_and_go_and_all_calls_are_answered(robot, capfd):
    over, codes, wrong = threading.Event(), Counter(), []

    def call(kind, service):
        peer = Peer(robot.context)
        while not over.is_set():
            try:
                response = peer.call(kind, service, timeout=0.2)
                codes[response.error_code] += 1
                if response.error_code not in FORESEEN:
                    wrong.append((service, response.error_code, response.message))
            except Exception as error:
                wrong.append((service, repr(error)))
        peer.close()

    def go_and_come(name):
        peer, chance = Peer(robot.context), random.Random(name)
        try:
            for _ in range(TIMES):
                step(peer, name, chance)
        except Exception as error:
            wrong.append((name, repr(error)))
        peer.close()

    stream = robot.listen(Detection2DArray, "tracked/detections")
    callers = [threading.Thread(target=call, args=each) for each in CALLS]
    changers = [threading.Thread(target=go_and_come, args=(name,)) for name in NODES]
    for thread in callers + changers:
        thread.start()
    for thread in track(changers, "lifecycles"):
        thread.join(10 * PATIENCE)
    over.set()
    for thread in callers:
        thread.join(PATIENCE)
    assert wrong == []
    assert codes[ErrorCode.OK] > TIMES, codes
    for name in NODES:
        eventually(lambda name=name: mend(robot, name), f"{name} works again")
    stream.drain()
    stream.next()
    assert "Traceback" not in capfd.readouterr().err
