"""Changing parameters of nodes that work: streams and calls go on, and what is loaded from a node's own dump fits."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from lifecycle_msgs.msg import Transition
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters, SetParameters, SetParametersAtomically
from rclpy.parameter import Parameter, parameter_dict_from_yaml_file, parameter_value_to_python
from vision_msgs.msg import Detection2DArray
from vision_service.srv import GetDetectionsFromCamera, GetStatus

import tinymodels
from robot import PATIENCE, eventually, running
from vision_nodes import changed, detector_of, view

RATE = 20.0
LOADING = 2.0
"""How long the model takes to load, seconds."""
PLUGIN = '''
import time
from dataclasses import dataclass

from vision_service.configuration import attribute
from vision_service.types import Detection
from vision_service.vision.model import VisionModel


@dataclass(frozen=True, kw_only=True)
class HeavyConfiguration:
    """How long it takes to be made, and what it sees."""

    loading_time: float = attribute("How long loading takes.", default=0.0, unit="s")
    label: str = attribute("What it sees.", default="first")


class Heavy(VisionModel):
    """Takes its time until it is ready."""

    Config = HeavyConfiguration

    def __init__(self, config, resources):
        super().__init__(config, resources)
        time.sleep(config.loading_time)

    def detect(self, frame):
        return [Detection(self.config.label, 1.0, 0.0, 0.0, 10.0, 10.0)]
'''


@pytest.fixture
def heavy(tmp_path, monkeypatch):
    """An installed package with a model that is slow to load."""
    (tmp_path / "heavy_package.py").write_text(PLUGIN)
    metadata = tmp_path / "heavy_package-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: heavy_package\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[vision_service.models]\nheavy = heavy_package:Heavy\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.fixture
def robot(heavy):
    """A camera and a heavy model that looks at it."""
    sections = {
        "stack": {"cameras": ["view"], "vision": ["heavy"]},
        "view": view(11, frame_rate=RATE, width_px=160, height_px=120),
        "heavy": {"model": "heavy", "cameras": ["view"], "timeout": PATIENCE},
    }
    with running(sections) as robot:
        yield robot


def labels(message):
    return {found.results[0].hypothesis.class_id for found in message.detections}


def loading(robot, **values):
    """Return a future of the change to a model that is slow to load."""
    parameters = [
        Parameter(name, value=value).to_parameter_msg() for name, value in {"loading_time": LOADING, **values}.items()
    ]
    return robot.ask(SetParametersAtomically, "heavy/set_parameters_atomically", parameters=parameters)


def test_a_stream_and_calls_go_on_while_a_model_is_loaded(robot):
    stream = robot.listen(Detection2DArray, "heavy/detections")
    assert labels(stream.next()) == {"first"}
    robot.status("heavy")
    stream.drain()
    change = loading(robot, label="second")
    answers = []
    while not change.done():
        answers.append(robot.call(GetStatus, "heavy/get_status").success)
        answers.append(robot.call(GetDetectionsFromCamera, "heavy/get_detections_from_camera").success)
    results = stream.drain()
    assert change.result().result.successful
    assert all(answers)
    assert len(answers) >= 10
    assert len(results) >= RATE * LOADING / 2, "a 20 Hz stream goes on"
    assert all(labels(result) == {"first"} for result in results[:-2]), "of the model before"
    eventually(lambda: labels(stream.next()) == {"second"}, "the model that was loaded is in use")


def test_a_model_is_loaded_for_a_node_that_is_cleaned_up_meanwhile(robot):
    running_model = robot.nodes["heavy"].inference.model
    change = loading(robot)
    for transition in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP):
        assert changed(robot, "heavy", transition)
    assert not change.done()
    result = change.result(PATIENCE).result
    assert not result.successful
    assert "the model heavy" in result.reason
    assert robot.status("heavy")["state"] == "unconfigured"
    for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
        assert changed(robot, "heavy", transition)
    model = robot.nodes["heavy"].inference.model
    assert model is not running_model
    assert model.config.loading_time == 0.0


# What `ros2 param dump` writes, `ros2 param load` takes.


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Nodes of each kind."""
    data = tinymodels.tflite({"image": ("float32", (1, 4, 6, 3))}, mean_of=(1, 2), files={"labels.txt": "a\nb\nc\n"})
    model = tinymodels.write(tmp_path_factory.mktemp("models"), data)
    sections = {
        "stack": {"cameras": ["view", "turned"], "mlmodels": ["held"], "vision": ["reds", "net", "segmenter"]},
        "view": {**view(11), "geometries": ["box"], "box.size": [1.0, 1.0, 1.0]},
        "turned": {
            "driver": "transform",
            "source": "view",
            "pipeline": ["spin"],
            "spin.type": "rotate",
            "spin.angle_degs": 90,
        },
        "held": {"model_path": str(model)},
        "reds": {**detector_of("red"), "hue_tolerance_pct": 1e-05, "label": "1"},
        "net": {"model": "mlmodel", "mlmodel_name": "held", "activation": "none", "label_confidences.a": 0.5},
        "segmenter": {"model": "detections_to_segments", "detector_name": "reds", "cameras": ["view"]},
    }
    with running(sections) as robot:
        for name in ("view", "turned", "held", "reds", "net", "segmenter"):
            eventually(lambda name=name: robot.status(name)["state"] == "active", f"{name} is active")
        yield robot


NODES = ["stack", "view", "turned", "held", "reds", "net", "segmenter"]


def dump(robot, node):
    """Return a node's parameters as ``ros2 param dump`` gets them: messages by name."""
    names = sorted(robot.call(ListParameters, f"{node}/list_parameters").result.names)
    values = robot.call(GetParameters, f"{node}/get_parameters", names=names).values
    return dict(zip(names, values, strict=True))


def at_work(node):
    """Return what must not be made anew."""
    found = getattr(node, "inference", None), getattr(node, "driver", None), getattr(node, "runtime", None)
    return [item.model if hasattr(item, "model") else item for item in found]


def load(robot, node, values):
    """Set all parameters by one request, and return why each was refused, by its name."""
    parameters = [ParameterMessage(name=name, value=value) for name, value in values.items()]
    results = robot.call(SetParameters, f"{node}/set_parameters", parameters=parameters).results
    return {item.name: result.reason for item, result in zip(parameters, results, strict=True) if not result.successful}


@pytest.mark.parametrize("name", NODES)
def test_all_values_that_were_read_can_be_set(stack, name):
    before, values = at_work(stack.nodes[name]), dump(stack, name)
    assert len(values) > 3
    assert load(stack, name, values) == {}
    assert all(one is other for one, other in zip(at_work(stack.nodes[name]), before, strict=True))
    assert dump(stack, name) == values


@pytest.mark.parametrize("name", NODES)
def test_a_file_that_was_written_can_be_loaded(stack, name, tmp_path):
    before, values = at_work(stack.nodes[name]), dump(stack, name)
    file = Path(tmp_path / "dump.yaml")
    plain = {key: parameter_value_to_python(value) for key, value in values.items()}
    file.write_text(yaml.safe_dump({f"/{name}": {"ros__parameters": plain}}))
    loaded = {
        key: message.value
        for key, message in parameter_dict_from_yaml_file(str(file), target_nodes=[f"/{name}"]).items()
    }
    assert loaded.keys() == values.keys()
    assert load(stack, name, loaded) == {}
    assert all(one is other for one, other in zip(at_work(stack.nodes[name]), before, strict=True))
    assert dump(stack, name) == values


def test_the_lists_of_the_stack_are_read_only(stack):
    for name in ("cameras", "mlmodels", "vision"):
        (described,) = stack.call(DescribeParameters, "stack/describe_parameters", names=[name]).descriptors
        assert described.read_only
        assert described.description
        result = stack.set("stack", {name: ["other"]})
        assert not result.successful
        assert "read-only" in result.reason


# A file of the same name with another content.


def detector(label: str) -> bytes:
    """A model that finds one object of a class of this name in its own label file."""
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")
    outputs = {
        "location": np.array([[[0.1, 0.1, 0.5, 0.5]]], np.float32),
        "score": np.array([[0.9]], np.float32),
    }
    return tinymodels.tflite({"image": ("uint8", (1, 32, 32, 3))}, outputs, files={"labels.txt": f"{label}\nother"})


def test_a_model_is_loaded_again_when_its_path_is_set_again_and_its_content_is_another(tmp_path):
    path, labels = tmp_path / "model.tflite", tmp_path / "labels.txt"
    path.write_bytes(detector("old"))
    labels.write_text("lettered\nother\n")
    sections = {
        "stack": {"cameras": ["view"], "vision": ["it"]},
        "view": view(11, frame_rate=RATE, width_px=160, height_px=120),
        "it": {"model": "mlmodel", "model_path": str(path), "cameras": ["view"]},
    }
    with running(sections) as robot:

        def found() -> list[str]:
            answer = robot.call(GetDetectionsFromCamera, "it/get_detections_from_camera")
            assert answer.success, answer.message
            return [item.results[0].hypothesis.class_id for item in answer.detections.detections]

        def runs() -> int:
            return robot.status("it")["runs"]

        assert found() == ["old"]
        path.write_bytes(detector("new"))
        assert found() == ["old"]  # nobody has asked for it
        assert robot.set("it", {"model_path": str(path)}).successful
        assert found() == ["new"]

        before = runs()
        assert robot.set("it", {"model_path": str(path)}).successful
        assert runs() >= before  # the same model goes on

        assert robot.set("it", {"label_path": str(labels)}).successful
        assert found() == ["lettered"]
        labels.write_text("named anew\nother\n")
        assert robot.set("it", {"label_path": str(labels)}).successful
        assert found() == ["named anew"]

        path.write_bytes(b"damaged")
        refused = robot.set("it", {"model_path": str(path)})
        assert not refused.successful
        assert "model.tflite" in refused.reason
        assert found() == ["named anew"]


# What a model is taken for is said aloud.


def test_what_is_assumed_of_a_model_is_logged_and_shown_until_it_is_set(tmp_path, capfd):
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    scores = np.array([[5.0, 1.0, -2.0] * 4], np.float32)
    names = {"names": str({number: f"class {number}" for number in range(12)})}
    data = tinymodels.onnx({"x": ("float32", (1, 3, 32, 32))}, {"y": scores}, metadata=names)
    assumed = {"resize": "center_crop", "interpolation": "antialias", "shorter_edge": 37}
    sections = {
        "stack": {"vision": ["it"]},
        "it": {"model": "mlmodel", "model_path": tinymodels.write(tmp_path, data, "m.onnx"), **assumed},
    }
    with running(sections) as robot:
        status = robot.status("it")
        assert status["title"] == "classifier"
        assert status["contract"]["activation"] == {
            "value": "softmax",
            "source": "probe",
            "why": "its scores are logits",
        }
        warning = "the model's file does not tell input_image_mean_value = [0.485, 0.456, 0.406]"
        assert robot.problem("it", warning)
        logged = capfd.readouterr().err
        assert logged.count(warning) == 1
        assert logged.count("the model is taken for: classifier: decoder=classifier") == 1

        same = {"input_image_mean_value": [0.485, 0.456, 0.406], "input_image_std_dev": [0.229, 0.224, 0.225]}
        assert robot.set("it", same).successful
        eventually(lambda: not robot.problem("it", "the model's file does not tell"), "nothing is assumed any more")
        assert not robot.set("it", {"require_certain": True, "input_image_mean_value": []}).successful
