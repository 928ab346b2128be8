"""Parameter files, read without ROS."""

import pytest

from vision_service.cli.parameter_file import model_attributes, read_sections, vision_section
from vision_service.configuration import attributes
from vision_service.errors import ErrorCode, VisionError
from vision_service.files import share_file
from vision_service.settings.vision import VisionConfiguration


@pytest.fixture
def write(tmp_path):
    """Writes a parameter file and returns its path."""

    def write(text: str):
        path = tmp_path / "params.yaml"
        path.write_text(text)
        return path

    return write


def refusal(job) -> str:
    with pytest.raises(VisionError) as caught:
        job()
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT
    return caught.value.message


def test_a_section_is_known_by_its_node_s_name(write):
    path = write("eye: {ros__parameters: {model: mlmodel, default_minimum_confidence: 0.5}}")
    assert read_sections(path) == {"eye": {"model": "mlmodel", "default_minimum_confidence": 0.5}}


def test_maps_are_parameters_with_dots(write):
    path = write("eye: {ros__parameters: {label_confidences: {cat: 0.4, dog: 0.5}, spin.type: rotate}}")
    assert read_sections(path)["eye"] == {
        "label_confidences.cat": 0.4,
        "label_confidences.dog": 0.5,
        "spin.type": "rotate",
    }


@pytest.mark.parametrize(
    "text",
    [
        "/arm/eye: {ros__parameters: {model: mlmodel}}",
        "arm/eye: {ros__parameters: {model: mlmodel}}",
        "arm: {eye: {ros__parameters: {model: mlmodel}}}",
        "/arm: {eye: {ros__parameters: {model: mlmodel}}}",
    ],
)
def test_a_node_in_a_namespace_has_a_full_name(write, text):
    assert read_sections(write(text)) == {"arm/eye": {"model": "mlmodel"}}


def test_what_is_for_every_node_is_in_each_section_unless_that_says_otherwise(write):
    path = write("""
        /**: {ros__parameters: {timeout: 1.0, max_age: 0.1}}
        left: {ros__parameters: {timeout: 2.0}}
        right: {ros__parameters: {}}
    """)
    assert read_sections(path) == {"left": {"timeout": 2.0, "max_age": 0.1}, "right": {"timeout": 1.0, "max_age": 0.1}}


def test_a_section_for_any_namespace_is_the_node_s(write):
    path = write("""
        /**/eye: {ros__parameters: {model: mlmodel, timeout: 1.0}}
        /**: {ros__parameters: {timeout: 2.0}}
    """)
    assert read_sections(path) == {"eye": {"model": "mlmodel", "timeout": 2.0}}  # the later one, as in ROS


def test_a_file_for_every_node_is_one_for_ours(write):
    sections = read_sections(write("/**: {ros__parameters: {model: clusters}}"))
    assert vision_section(sections) == {"model": "clusters"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is no parameter file"),
        ("[1, 2]", "is no parameter file"),
        ("eye: {model: mlmodel}", "is no parameter file: the section 'eye/model' needs a map 'ros__parameters:'"),
        ("eye: {ros__parameters: 3}", "is no parameter file"),
        ("eye: [", "is no YAML"),
        ("eye: {ros__parameters: {since: 2026-13-01}}", "is no YAML"),
    ],
)
def test_what_is_no_parameter_file_is_named(write, text, expected):
    path = write(text)
    message = refusal(lambda: read_sections(path))
    assert str(path) in message
    assert expected in message


def test_a_file_that_is_not_there_is_named():
    assert refusal(lambda: read_sections("absent.yaml")) == "cannot read 'absent.yaml': No such file or directory"


SECTIONS = {
    "camera": {"driver": "synthetic"},
    "detector": {"model": "mlmodel"},
    "arm/segments": {"model": "clusters"},
}


def test_the_only_vision_node_need_not_be_named():
    assert vision_section({"camera": {"driver": "x"}, "eye": {"model": "clusters"}}) == {"model": "clusters"}


@pytest.mark.parametrize("name", ["arm/segments", "/arm/segments"])
def test_of_several_one_is_chosen_by_name(name):
    assert vision_section(SECTIONS, name) == {"model": "clusters"}


@pytest.mark.parametrize(
    ("sections", "name", "expected"),
    [
        (SECTIONS, "", "several vision nodes: choose one by --node NAME: detector, arm/segments"),
        (SECTIONS, "detectr", "no vision node 'detectr': did you mean 'detector'?"),
        (SECTIONS, "camera", "no vision node 'camera': known are arm/segments, detector"),
        ({"camera": {"driver": "synthetic"}}, "", "none of its sections (camera) has a 'model'"),
    ],
)
def test_a_vision_node_that_cannot_be_told_is_an_error(sections, name, expected):
    assert expected in refusal(lambda: vision_section(sections, name))


def test_what_is_not_the_node_s_own_is_the_model_s():
    section = {
        **{"model": "mlmodel", "cameras": ["front", "back"], "camera_name": "side", "timeout": 1.0},
        **{"front.points": "/x", "side.depth": "/y", "qos_overrides./x.reliability": "reliable", "use_sim_time": True},
        **{"model_path": "a.tflite", "label_confidences.cat": 0.4, "no_such_thing": 1},
    }
    assert model_attributes(section) == {"model_path": "a.tflite", "label_confidences.cat": 0.4, "no_such_thing": 1}


def test_cameras_that_are_no_list_are_none():
    assert model_attributes({"model": "mlmodel", "cameras": None, "a.b": 1}) == {"a.b": 1}


def test_no_parameter_of_a_vision_node_is_taken_for_the_model_s():
    of_the_node = dict.fromkeys(attributes(VisionConfiguration), 1) | {"start_type_description_service": False}
    assert model_attributes({**of_the_node, "cameras": [], "model_path": "a.tflite"}) == {"model_path": "a.tflite"}


def test_the_demo_s_file_is_read():
    sections = read_sections(share_file("config/demo.yaml"))
    assert vision_section(sections, "red_detector")["model"] == "color_detector"
