"""A thousand reconfigurations during streams and calls: no call fails, and every answer is of one model."""

import itertools
import threading
from collections import Counter

import pytest
from rich.progress import track
from vision_msgs.msg import Detection2DArray
from vision_service.srv import GetDetections, GetDetectionsFromCamera

from robot import PATIENCE, RED_DETECTOR, Peer, boxes_of, image_message, painted, running

TIMES = 1000
CALLERS = 4
RED_BOX, BLUE_BOX = (70, 20, 95, 60), (10, 5, 50, 45)
PIXELS = painted(130, 70, RED_BOX) + painted(130, 70, BLUE_BOX, color=(0, 0, 255))
IMAGE = image_message(PIXELS)
COLORS = [
    {"detect_color": "#FF0000", "label": "ruby", "hue_tolerance_pct": 0.1},
    {"detect_color": "#0000FF", "label": "sapphire", "hue_tolerance_pct": 0.12},
]
BOXES = {"ruby": RED_BOX, "sapphire": BLUE_BOX}
MODEL = "package://vision_service/models/solids_detector.tflite"

pytestmark = pytest.mark.stress


def names(detections):
    return {detection.results[0].hypothesis.class_id for detection in detections.detections}


@pytest.fixture
def robot(tmp_path):
    """A moving scene, a detector that reconfigures without a file, and one whose labels are read anew each time."""
    for prefix in ("one", "two"):
        (tmp_path / prefix).write_text("\n".join(f"{prefix}_{kind}" for kind in ("cube", "ball", "cylinder", "cone")))
    sections = {
        "stack": {"cameras": ["view"], "vision": ["colors", "solids"]},
        "view": {"driver": "synthetic", "seed": 11, "width_px": 320, "height_px": 240},
        "colors": {**RED_DETECTOR, **COLORS[0], "cameras": ["view"]},
        "solids": {"model": "mlmodel", "model_path": MODEL, "label_path": str(tmp_path / "one"), "cameras": ["view"]},
    }
    with running(sections) as robot:
        yield robot


class Callers:
    """Users who call without a pause, each in a thread with a node of his own, and note what is wrong."""

    def __init__(self, robot, ask):
        self.answers = Counter()
        self.wrong = []
        self._over = threading.Event()
        self._peers = [Peer(robot.context) for _ in range(CALLERS)]
        self._threads = [threading.Thread(target=self._call, args=(peer, ask)) for peer in self._peers]
        for thread in self._threads:
            thread.start()

    def _call(self, peer, ask):
        while not self._over.is_set():
            try:
                self.answers[ask(peer)] += 1
            except Exception as error:
                self.wrong.append(repr(error))

    def end(self):
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        for peer in self._peers:
            peer.close()
        assert self.wrong == []
        return self.answers


def test_every_answer_is_wholly_of_one_configuration(robot):
    def ask(peer):
        response = peer.call(GetDetections, "colors/get_detections", image=IMAGE)
        assert response.success, response.message
        (name,) = names(response.detections)
        assert boxes_of(response.detections) == [BOXES[name]]
        return name

    stream = robot.listen(Detection2DArray, "colors/detections")
    callers = Callers(robot, ask)
    settings = itertools.cycle(reversed(COLORS))
    for values in track(list(itertools.islice(settings, TIMES)), "colours"):
        result = robot.set("colors", values)
        assert result.successful, result.reason
        assert ask(robot) == values["label"], "who asks after the change has the new model's answer"
    answers = callers.end()
    assert min(answers[name] for name in BOXES) > TIMES / 10, answers
    assert all(len(names(message)) <= 1 for message in stream.drain())
    stream.next()
    assert robot.status("colors")["troubles"] == []


def test_a_model_s_files_are_changed_under_load(robot, tmp_path):
    def ask(peer):
        response = peer.call(GetDetectionsFromCamera, "solids/get_detections_from_camera")
        assert response.success, response.message
        prefixes = {name.partition("_")[0] for name in names(response.detections)}
        assert len(prefixes) == 1, names(response.detections)
        return prefixes.pop()

    stream = robot.listen(Detection2DArray, "solids/detections")
    callers = Callers(robot, ask)
    for number in track(range(TIMES), "labels"):
        prefix = ("two", "one")[number % 2]
        result = robot.set("solids", {"label_path": str(tmp_path / prefix), "default_minimum_confidence": 0.3})
        assert result.successful, result.reason
        assert ask(robot) == prefix
        if number % 100 == 50:
            refused = robot.set("solids", {"label_path": str(tmp_path / "none")})
            assert "none" in refused.reason
            assert ask(robot) == prefix
    answers = callers.end()
    assert min(answers[name] for name in ("one", "two")) > TIMES / 10, answers
    stream.drain()
    stream.next()
    assert robot.status("solids")["troubles"] == []
