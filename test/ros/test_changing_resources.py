"""ML models and vision services that change while others use them: taken, or refused with the reason."""

import signal

import numpy as np
import pytest
from std_msgs.msg import Header
from vision_service.msg import ErrorCode
from vision_service.srv import GetClassifications, GetMetadata, GetVisionProperties, Infer

import tinymodels
from robot import RED_DETECTOR, eventually, node_program, running
from vision_service.errors import VisionError
from vision_service.mlmodel.runtime import TensorInfo
from vision_service.ros import conversion
from vision_service.ros.resources.following import answered
from vision_service.ros.resources.shared_mlmodel import RemoteMLModel

VISION = {"model": "mlmodel", "mlmodel_name": "/changing", "activation": "none"}


def classifier(folder, name, *labels, size=(4, 6)):
    """Return the file of a classifier of colours: its scores are the means of the channels."""
    inputs = {"image": ("float32", (1, *size, 3))}
    return tinymodels.write(
        folder, tinymodels.tflite(inputs, mean_of=(1, 2), files={"labels.txt": "\n".join(labels)}), name
    )


def no_image_model(folder):
    """Return the file of a model that takes no image."""
    return tinymodels.write(
        folder, tinymodels.tflite({"numbers": ("float32", (1, 5))}, {"sum": np.zeros((1, 1), np.float32)}), "sum.tflite"
    )


def ml_node(path, **parameters):
    return node_program("mlmodel", {"changing": {"model_path": path, **parameters}}, "-r", "__node:=changing")


def best(robot, node="/user"):
    image = conversion.image_to_message(np.full((8, 10, 3), (250, 20, 30), np.uint8), "rgb8", Header())
    return robot.call(GetClassifications, f"{node}/get_classifications", image=image, count=1)


def name(answer):
    return answer.classifications.results[0].class_id if answer.success else ""


def labels(robot, node="/user"):
    return list(robot.call(GetVisionProperties, f"{node}/get_properties").labels)


@pytest.fixture
def robot():
    with running({"stack": {"vision": ["user"]}, "user": VISION}) as robot:
        yield robot


class TestAnMLModelNodeOfAnotherProcess:
    def test_restarted_with_other_labels_it_gives_these(self, robot, tmp_path):
        with ml_node(classifier(tmp_path, "one.tflite", "red", "green", "blue")):
            eventually(lambda: name(best(robot)) == "red", "the first model is used")
        with ml_node(classifier(tmp_path, "two.tflite", "rot", "grün", "blau")):
            seen = []
            eventually(lambda: seen.append(best(robot)) or name(seen[-1]) == "rot", "the other labels are used")
            assert labels(robot) == ["rot", "grün", "blau"]
            eventually(lambda: not robot.problem("/user", "'/changing'"), "nothing is wrong with it any more")

    def test_restarted_with_the_labels_of_another_file_it_gives_these(self, robot, tmp_path):
        path, file = classifier(tmp_path, "one.tflite", "red", "green", "blue"), tmp_path / "labels.txt"
        with ml_node(path):
            eventually(lambda: name(best(robot)) == "red", "the model's own labels are used")
        file.write_text("rot\ngrün\nblau\n", encoding="utf-8")
        with ml_node(path, label_path=str(file)):
            eventually(lambda: name(best(robot)) == "rot", "the labels of the file are used")
            assert labels(robot) == ["rot", "grün", "blau"]

    def test_killed_and_restarted_with_another_model_its_contract_is_taken(self, robot, tmp_path):
        with ml_node(classifier(tmp_path, "one.tflite", "red", "green", "blue")) as process:
            eventually(lambda: name(best(robot)) == "red", "the first model is used")
            process.end(signal.SIGKILL)
        with ml_node(classifier(tmp_path, "two.tflite", "r", "g", "b", size=(10, 12))):
            eventually(lambda: name(best(robot)) == "r", "the other model is used")

    def test_one_that_cannot_be_used_is_a_model_error_until_one_comes_that_can(self, robot, tmp_path):
        with ml_node(classifier(tmp_path, "one.tflite", "red", "green", "blue")):
            eventually(lambda: name(best(robot)) == "red", "the first model is used")
        with ml_node(no_image_model(tmp_path)):
            problem = eventually(lambda: robot.problem("/user", "cannot be used"), "the reason is known")
            assert "'/changing'" in problem
            answer = best(robot)
            assert answer.error_code == ErrorCode.MODEL_ERROR
            assert "cannot be used" in answer.message
        with ml_node(classifier(tmp_path, "three.tflite", "rouge", "vert", "bleu")):
            eventually(lambda: name(best(robot)) == "rouge", "the third model is used")
            eventually(lambda: not robot.problem("/user", "cannot be used"), "the problem is over")

    def test_one_that_left_is_named(self, robot, tmp_path):
        with ml_node(classifier(tmp_path, "one.tflite", "red", "green", "blue")):
            eventually(lambda: name(best(robot)) == "red", "the first model is used")
        assert "'/changing'" in eventually(lambda: robot.problem("/user", "is away"), "it is said that it is away")


class TestAnMLModelNodeOfTheSameProcess:
    def test_reconfigured_with_another_file_its_contract_is_taken(self, tmp_path):
        sections = {
            "stack": {"mlmodels": ["changing"], "vision": ["user"]},
            "changing": {"model_path": classifier(tmp_path, "one.tflite", "red", "green", "blue")},
            "user": VISION,
        }
        with running(sections) as robot:
            eventually(lambda: name(best(robot)) == "red", "the first model is used")
            node = robot.nodes["changing"]
            before = node.model_id
            node.trigger_deactivate()
            node.trigger_cleanup()
            assert "'changing'" in best(robot).message
            assert robot.set("/changing", {"model_path": classifier(tmp_path, "two.tflite", "r", "g", "b")}).successful
            node.trigger_configure()
            node.trigger_activate()
            assert node.model_id not in ("", before)
            assert name(best(robot)) in ("", "r")  # never what the other one would say
            eventually(lambda: name(best(robot)) == "r", "the other model is used")

    def test_the_same_file_again_is_the_same_model(self, tmp_path):
        path = classifier(tmp_path, "one.tflite", "red", "green", "blue")
        sections = {"stack": {"mlmodels": ["changing"]}, "changing": {"model_path": path}}
        with running(sections) as robot:
            node = robot.nodes["changing"]
            eventually(lambda: node.state == "active", "it has started")
            before = node.model_id
            node.trigger_deactivate()
            node.trigger_cleanup()
            node.trigger_configure()
            assert node.model_id == before != ""


def test_a_detector_that_is_restarted_with_another_label_gives_it_to_who_builds_on_it():
    def below(label):
        sections = {"below": RED_DETECTOR | {"label": label}}
        return node_program("vision", sections, "-r", "__node:=below")

    with running({"stack": {"vision": ["user"]}, "user": {"model": "tracker", "detector_name": "/below"}}) as robot:
        with below("cup"):
            eventually(lambda: labels(robot) == ["cup"], "the detector is used")
        with below("can"):
            eventually(lambda: labels(robot) == ["can"], "the other label is known")


class OtherOutputs:
    """Answers Infer with an output that the metadata did not name."""

    def call(self, kind, service, request, convert, timeout):
        response = Infer.Response(outputs=conversion.tensors_to_message({"other": np.zeros(3, np.float32)}))
        return answered(convert(response))


def test_a_model_that_lacks_an_output_is_a_model_error():
    info = conversion.info_to_message(TensorInfo("scores", "float32", (3,)))
    model = RemoteMLModel("/changing", OtherOutputs(), GetMetadata.Response(outputs=[info]), lambda: 1.0)

    with pytest.raises(VisionError, match=r"'other'.*'scores'") as caught:
        model.infer({})

    assert caught.value.code == ErrorCode.MODEL_ERROR
