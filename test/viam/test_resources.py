"""What Viam's own client sees of a robot, equal to what ROS answers; in one stack, where calls go by reference."""

import pytest
from gateway import gateway, run
from viam.services.vision import VisionClient as ViamVision

from vision_service.ros.client import VisionClient
from vision_service.viam import translation


@pytest.fixture(scope="module")
def served():
    with gateway() as found:
        yield found


def test_all_that_is_on_the_graph_is_a_resource_with_its_aliases(served):
    _, port = served

    async def names(robot):
        return {(each.subtype, each.name) for each in robot.resource_names}

    cameras = {("camera", name) for name in ("cam1", "my-camera", "my_camera")}
    vision = {"my_detector", "my_vision_svc", "my_classifier", "my-classifier", "my_segmenter", "my_solids"}
    assert run(port, names) == cameras | {("vision", name) for name in vision} | {("mlmodel", "solids")}


def test_detections_are_those_of_the_ros_service(served):
    robot, port = served
    with VisionClient("my_solids", robot.node) as client:
        expected = client.get_detections_from_camera("cam1")
    assert expected
    assert expected.frame.size == (320, 240)

    async def detect(machine):
        return await ViamVision.from_robot(machine, "my_solids").get_detections_from_camera("my-camera")

    assert run(port, detect) == translation.detections(expected, expected.frame.size)
