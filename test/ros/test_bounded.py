"""Large images and odd files that strangers send or name: refused in words, before memory or time is taken."""

import os

import cv2
import numpy as np
import pytest
from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage, Image
from vision_service.srv import GetClassifications, GetDetections, GetDetectionsFromCamera, Infer

import tinymodels
from headers import HEADERS, png
from robot import PATIENCE, RED_DETECTOR, boxes_of, eventually, image_message, painted, running
from vision_service import limits
from vision_service.errors import ErrorCode
from vision_service.ros import conversion
from vision_service.ros.node.base import ServiceNode

LARGE = (16000, 9000)
BOX = (70, 20, 95, 60)
IMAGE = painted(130, 70, BOX)


@pytest.fixture
def robot():
    """A vision node that looks at a camera of another node."""
    sections = {"stack": {"vision": ["reds"]}, "reds": {**RED_DETECTOR, "cameras": ["afar"]}}
    with running(sections) as robot:
        yield robot


def compressed(data):
    return CompressedImage(format="", data=data)


def detections(robot, **fields):
    return robot.ask(GetDetections, "reds/get_detections", **fields).result(PATIENCE)


def test_a_compressed_image_that_claims_to_be_too_large_is_refused(robot):
    for form, header in HEADERS.items():
        answer = detections(robot, compressed_image=compressed(header(*LARGE)))
        assert answer.error_code == ErrorCode.INVALID_ARGUMENT, form
        assert "16000×9000 pixels" in answer.message
        assert "67108864 are the limit" in answer.message
        assert "max_image_pixels" in answer.message


def test_the_limit_of_pixels_can_be_set_while_the_node_works(robot):
    data = cv2.imencode(".png", cv2.cvtColor(IMAGE, cv2.COLOR_RGB2BGR))[1].tobytes()
    assert robot.set("reds", {"max_image_pixels": 130 * 70 - 1}).successful
    for fields in ({"compressed_image": compressed(data)}, {"image": image_message(IMAGE)}):
        answer = detections(robot, **fields)
        assert answer.error_code == ErrorCode.INVALID_ARGUMENT
        assert "130×70 pixels" in answer.message
    assert robot.set("reds", {"max_image_pixels": 130 * 70}).successful
    assert boxes_of(detections(robot, compressed_image=compressed(data)).detections) == [BOX]
    assert boxes_of(detections(robot, image=image_message(IMAGE)).detections) == [BOX]


def test_a_raw_image_that_claims_more_than_it_has_is_refused(robot):
    image = Image(encoding="rgb8", width=LARGE[0], height=LARGE[1], step=3 * LARGE[0], data=bytes(64))
    assert detections(robot, image=image).error_code == ErrorCode.INVALID_ARGUMENT


def test_an_image_of_a_camera_is_refused_as_well_and_the_camera_goes_on(robot):
    publisher = robot.publisher(Image, "afar/image_raw")
    assert robot.set("reds", {"max_image_pixels": 100}).successful

    def answer():
        return robot.ask(GetDetectionsFromCamera, "reds/get_detections_from_camera", timeout=1.0).result(PATIENCE)

    robot.repeat(publisher, lambda: image_message(IMAGE))
    eventually(lambda: "130×70 pixels" in answer().message, "the refusal of the camera's image")
    assert robot.set("reds", {"max_image_pixels": 130 * 70}).successful
    eventually(lambda: answer().success, "detections")


def test_what_would_take_too_many_bytes_is_overloaded_and_nothing_stays_in_flight(robot):
    assert robot.set("reds", {"max_pending_bytes": 20_000}).successful
    answer = detections(robot, compressed_image=compressed(png(130, 70)))
    assert answer.error_code == ErrorCode.OVERLOADED
    assert "max_pending_bytes (20000)" in answer.message
    assert robot.set("reds", {"max_pending_bytes": 200_000}).successful
    data = cv2.imencode(".png", IMAGE)[1].tobytes()
    for _ in range(20):  # together they would be too many
        assert detections(robot, compressed_image=compressed(data)).success
        assert detections(robot, compressed_image=compressed(png(130, 70))).error_code == ErrorCode.INVALID_ARGUMENT
    eventually(lambda: limits.budget.held == 0, "all bytes back")


def test_what_a_node_asks_for_goes_with_it_even_if_it_has_not_finished(robot):
    node = ServiceNode("large", context=robot.context, parameter_overrides=[Parameter("max_image_pixels", value=10**8)])
    assert limits.image_pixels.value == 10**8
    node.destroy_node()
    assert limits.image_pixels.value < 10**8
    node.finish()


def test_a_pipe_named_as_a_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    model = {"model_path": str(tmp_path / "pipe"), "label_path": str(tmp_path / "pipe")}
    with running({"stack": {"mlmodels": ["piped"]}, "piped": model}) as robot:
        eventually(lambda: "named pipe" in robot.status("piped")["last_error"], "the refusal")


@pytest.fixture
def models(tmp_path):
    """An ML model node, a vision node with the same model of its own, both at work; and the file."""
    data = tinymodels.tflite({"image": ("float32", (1, 4, 6, 3))}, mean_of=(1, 2), files={"labels.txt": "a\nb\nc\n"})
    path = tinymodels.write(tmp_path, data)
    vision = {"model": "mlmodel", "model_path": path, "activation": "none"}
    with running(
        {"stack": {"mlmodels": ["held"], "vision": ["own"]}, "held": {"model_path": path}, "own": vision}
    ) as it:
        yield it


def test_tensors_count_among_the_bytes_in_flight(models):
    tensors = conversion.tensors_to_message({"image": np.zeros((1, 4, 6, 3), np.float32)})
    for node in ("held", "own"):  # the largest value of the process holds
        assert models.set(node, {"max_pending_bytes": 287}).successful
    answer = models.call(Infer, "held/infer", inputs=tensors)
    assert answer.error_code == ErrorCode.OVERLOADED
    assert "288 more would be above max_pending_bytes (287)" in answer.message
    assert models.set("held", {"max_pending_bytes": 288}).successful
    for _ in range(10):
        assert models.call(Infer, "held/infer", inputs=tensors).success
    eventually(lambda: limits.budget.held == 0, "all bytes back")


def test_files_named_while_a_node_works_are_bounded_and_it_goes_on(models, tmp_path):
    pipe, large, device = tmp_path / "pipe", tmp_path / "large.txt", tmp_path / "device"
    os.mkfifo(pipe)
    with large.open("wb") as file:
        file.truncate(17 << 20)
    device.symlink_to("/dev/zero")
    for path, words in (
        (pipe, "it is a named pipe (FIFO)"),
        (large, "it has 17825792 bytes, and 16777216 are the most"),
    ):
        answer = models.set("own", {"label_path": str(path)})
        assert not answer.successful
        assert words in answer.reason
        assert models.status("own")["state"] == "active"
    assert not models.set("own", {"label_path": str(device)}).successful
    assert not models.set("own", {"model_path": str(pipe)}).successful
    assert models.call(GetClassifications, "own/get_classifications", image=image_message(IMAGE)).success
