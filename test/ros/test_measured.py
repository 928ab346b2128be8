"""What was measured on other people's models and images, through nodes and over DDS."""

import pytest

import testdata
from robot import running
from vision_service.ros.client import VisionClient

METHODS = {"get_detections": "detector", "get_classifications": "classifier"}


@pytest.mark.parametrize(
    ("method", "model"),
    [(method, model) for method, kind in METHODS.items() for model in testdata.models(kind)],
)
def test_every_image_gives_what_was_measured(method, model):
    sections = {"stack": {"vision": ["eye"]}, "eye": {"model": "mlmodel", **testdata.attributes(model)}}
    results = testdata.of_model(model)
    with running(sections) as robot, VisionClient("eye", robot.node) as client:
        for result in results:
            found = getattr(client, method)(testdata.image(result["image"]))
            if method == "get_detections":
                testdata.check_detections(result, found)
            else:
                testdata.check_classifications(result, found)
    assert results
