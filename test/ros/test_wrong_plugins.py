"""A model of a plugin that returns what is no result: who calls is told so, and the node goes on."""

from dataclasses import dataclass

import pytest
from vision_msgs.msg import Detection2DArray
from vision_service.srv import GetClassificationsFromCamera, GetDetectionsFromCamera

from robot import eventually, running
from vision_nodes import view
from vision_service.errors import ErrorCode
from vision_service.types import Classification
from vision_service.vision import MODELS
from vision_service.vision.model import VisionModel


@dataclass(frozen=True)
class Nothing:
    """No attributes."""


class Wrong(VisionModel):
    """Returns boxes as a dictionary, and classes as they should be."""

    Config = Nothing

    def detect(self, frame):
        return {"cup": (1, 2, 3, 4)}

    def classify(self, frame, count=-1):
        return [Classification("cup", 1.0)]


@pytest.fixture
def robot(monkeypatch):
    """A camera and the model."""
    monkeypatch.setitem(MODELS._builtin, "wrong", f"{__name__}:Wrong")
    sections = {
        "stack": {"cameras": ["view"], "vision": ["wrong"]},
        "view": view(11, width_px=160, height_px=120),
        "wrong": {"model": "wrong", "cameras": ["view"]},
    }
    with running(sections) as robot:
        yield robot


def test_a_wrong_result_is_an_error_of_the_model(robot):
    answer = robot.call(GetDetectionsFromCamera, "wrong/get_detections_from_camera")
    assert not answer.success
    assert answer.error_code == ErrorCode.MODEL_ERROR
    assert "must return a list of vision_service.types.Detection" in answer.message
    assert robot.call(GetClassificationsFromCamera, "wrong/get_classifications_from_camera").success


def test_a_stream_of_wrong_results_is_a_problem_of_the_node(robot):
    robot.listen(Detection2DArray, "wrong/detections")
    eventually(lambda: robot.problem("wrong", "must return a list"), "it is said")
