"""The ML model node: tensors over ROS, and one model for all vision nodes that name it."""

from dataclasses import replace

import numpy as np
import pytest
from std_msgs.msg import Header
from vision_service.msg import ErrorCode, Tensor
from vision_service.srv import GetClassifications, GetDetectionsFromCamera, GetMetadata, Infer

import testdata
import tinymodels
from robot import eventually, node_program, running
from vision_service.camera.image_file import ImageFile
from vision_service.mlmodel.file_facts import FileFacts
from vision_service.resources import LocalResources
from vision_service.ros import conversion
from vision_service.vision.mlmodel import MLModel

COLOURS = {"labels.txt": "red\ngreen\nblue\n"}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A classifier of colours: its scores are the means of the channels."""
    data = tinymodels.tflite({"image": ("float32", (1, 4, 6, 3))}, mean_of=(1, 2), files=COLOURS)
    return tinymodels.write(tmp_path_factory.mktemp("models"), data)


@pytest.fixture(scope="module")
def robot(path):
    """An ML model, two vision services that share it, and one that names nothing."""
    vision = {"model": "mlmodel", "mlmodel_name": "colours", "activation": "none"}
    sections = {
        "stack": {"mlmodels": ["colours"], "vision": ["one", "other", "lost"]},
        "colours": {"model_path": path},
        "one": vision,
        "other": vision | {"input_image_bgr": True},
        "lost": vision | {"mlmodel_name": "nothing"},
    }
    with running(sections) as robot:
        yield robot


def plain(red: int, green: int, blue: int) -> np.ndarray:
    return np.full((8, 10, 3), (red, green, blue), np.uint8)


def tensor(values: np.ndarray, name: str = "image") -> Tensor:
    return conversion.tensors_to_message({name: values})[0]


def test_metadata_says_what_the_model_takes_and_gives(robot):
    answer = robot.call(GetMetadata, "/colours/get_metadata")

    assert answer.success, answer.message
    (given,), (found,) = answer.inputs, answer.outputs
    assert (given.name, given.dtype, list(given.shape)) == ("image", "float32", [1, 4, 6, 3])
    assert list(found.labels) == ["red", "green", "blue"]


@pytest.mark.parametrize("name", ["image", ""], ids=["named", "the only input needs no name"])
def test_infer_runs_the_model(robot, name):
    values = np.arange(72, dtype=np.float32).reshape(1, 4, 6, 3)

    answer = robot.call(Infer, "/colours/infer", inputs=[tensor(values, name)])

    assert answer.success, answer.message
    (output,) = conversion.tensors_from_message(answer.outputs, ()).values()
    np.testing.assert_allclose(output, values.mean(axis=(1, 2)), rtol=1e-6)


def wrong(**fields: object) -> Tensor:
    message = tensor(np.zeros((1, 4, 6, 3), np.float32))
    for field, value in fields.items():
        setattr(message, field, value)
    return message


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ([], "'image' is missing"),
        ([wrong(name="photo")], "there is no input 'photo'"),
        ([wrong(), wrong()], "'image' is given twice"),
        ([wrong(dtype="complex64")], "unknown dtype 'complex64'"),
        ([wrong(shape=[1, 4, 6])], "is 96 bytes, but 288 were given"),
        ([tensor(np.zeros((1, 4, 6, 3), np.uint8))], "uint8[1, 4, 6, 3]"),
        ([tensor(np.zeros((0, 4), np.float32))], "float32[0, 4]"),
        ([wrong(shape=[0, 2**63], data=b"")], "no array can have the shape [0, 9223372036854775808]"),
        ([wrong(shape=[0, 2**62, 2**62], data=b"")], "no array can have the shape"),
        ([wrong(shape=[2**64 - 1] * 3)], "were given"),
        ([wrong(shape=[1] * 33)], "33 dimensions; at most 32 are possible"),
        ([wrong(shape=[2**64 - 1] * 1000)], "1000 dimensions"),
    ],
    ids=[
        "missing",
        "unknown",
        "twice",
        "dtype",
        "length",
        "type",
        "empty",
        "size",
        "product",
        "long",
        "deep",
        "deeper",
    ],
)
def test_tensors_that_are_not_the_models_are_refused(robot, inputs, says):
    answer = robot.call(Infer, "/colours/infer", inputs=inputs)

    assert answer.error_code == ErrorCode.INVALID_ARGUMENT
    assert says in answer.message


def test_vision_nodes_of_one_process_share_the_model_by_reference(robot):
    one, other = (robot.nodes[name].inference.model.runtime for name in ("one", "other"))
    assert one.original is other.original is robot.nodes["colours"].runtime
    assert "MEAN" in one.facts.operations


def test_each_vision_node_uses_it_in_its_own_way(robot):
    image = conversion.image_to_message(plain(250, 20, 30), "rgb8", Header())

    def best(node: str) -> str:
        answer = robot.call(GetClassifications, f"/{node}/get_classifications", image=image, count=1)
        assert answer.success, answer.message
        return answer.classifications.results[0].class_id

    assert (best("one"), best("other")) == ("red", "blue")


def test_a_name_that_nobody_has_leaves_the_vision_node_unconfigured_with_the_reason(robot):
    status = robot.status("/lost")

    assert status["state"] == "unconfigured"
    assert "no ML model 'nothing'" in status["last_error"]


def test_a_model_file_that_is_none_leaves_the_ml_node_unconfigured_and_what_needs_it_says_so(tmp_path):
    path = tinymodels.write(tmp_path, b"no model at all", "broken.tflite")
    sections = {
        "stack": {"mlmodels": ["broken"], "vision": ["needy"]},
        "broken": {"model_path": path},
        "needy": {"model": "mlmodel", "mlmodel_name": "broken"},
    }
    with running(sections) as robot:
        assert robot.status("/broken")["state"] == "unconfigured"
        answer = robot.call(GetMetadata, "/broken/get_metadata")
        assert answer.error_code == ErrorCode.NOT_ACTIVE
        assert "broken.tflite" in answer.message
        assert "'broken'" in robot.status("/needy")["last_error"]


def test_a_vision_node_uses_the_model_of_another_process(path):
    vision = {"model": "mlmodel", "mlmodel_name": "/colours_elsewhere", "activation": "none"}
    with (
        node_program("mlmodel", {"colours_elsewhere": {"model_path": path}}, "-r", "__node:=colours_elsewhere"),
        running({"stack": {"vision": ["far"]}, "far": vision}) as robot,
    ):
        robot.reach("/colours_elsewhere")
        node = robot.nodes["far"]
        # It may have been configured before it saw the other node; then it tries again by itself.
        eventually(lambda: robot.status("/far")["state"] == "active", "the vision node is active")
        assert type(node.inference.model.runtime).__name__ == "RemoteMLModel"
        assert node.inference.model.runtime.facts == FileFacts()  # the file is elsewhere
        image = conversion.image_to_message(plain(10, 240, 30), "rgb8", Header())

        answer = robot.call(GetClassifications, "/far/get_classifications", image=image, count=1)

        assert answer.success, answer.message
        assert answer.classifications.results[0].class_id == "green"


def test_a_real_detector_gives_the_same_boxes_by_reference_as_by_itself():
    model = testdata.path("models/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite")
    file = testdata.path("images/cats_and_dogs.jpg")
    sections = {
        "stack": {"cameras": ["front"], "mlmodels": ["ssd"], "vision": ["pets"]},
        "front": {"driver": "image_file", "color_image_file_path": str(file)},
        "ssd": {"model_path": str(model)},
        "pets": {"model": "mlmodel", "mlmodel_name": "ssd", "cameras": ["front"]},
    }
    frame = ImageFile(ImageFile.Config(color_image_file_path=str(file)), LocalResources()).read()
    found = MLModel(MLModel.Config(model_path=str(model)), LocalResources()).detect(frame)
    expected = [replace(item, class_index=-1) for item in found]  # which messages do not have

    with running(sections) as robot:
        answer = robot.call(GetDetectionsFromCamera, "/pets/get_detections_from_camera")

    assert answer.success, answer.message
    unnumbered = [replace(item, class_index=-1) for item in expected]  # messages carry names of classes
    assert conversion.detections_from_message(answer.detections) == unnumbered


def test_a_vision_node_waits_for_an_ml_model_of_its_process_that_is_configured_later(path):
    sections = {
        "stack": {"mlmodels": ["late"], "vision": ["needy"]},
        "late": {"model_path": path, "autostart": False},
        "needy": {"model": "mlmodel", "mlmodel_name": "late", "activation": "none"},
    }
    with running(sections) as robot:
        assert "'late' is unconfigured" in robot.status("/needy")["last_error"]
        robot.nodes["late"].trigger_configure()
        robot.nodes["late"].trigger_activate()
        eventually(lambda: robot.status("/needy")["state"] == "active", "it has taken the model")
