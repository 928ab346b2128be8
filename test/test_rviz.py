"""RViz's files of displays: whose they are, and what a robot's look like."""

import pytest
import yaml

from robot import ROOT
from vision_service import rviz
from vision_service.errors import VisionError

PARAMETERS = """
/**/stack: {ros__parameters: {cameras: [front, back], vision: [people, tabletop]}}
/**/front: {ros__parameters: {driver: synthetic, frame_id: front_lens}}
/**/people: {ros__parameters: {model: color_detector, cameras: [front]}}
/**/tabletop: {ros__parameters: {model: obstacles_pointcloud, cameras: [front]}}
"""


@pytest.fixture
def parameters(tmp_path):
    path = tmp_path / "robot.yaml"
    path.write_text(PARAMETERS)
    return path


def topics(content):
    """Return the topics of the displays, by their names."""
    displays = content["Visualization Manager"]["Displays"]
    return {display["Name"]: rviz.topic_of(display) for display in displays if rviz.topic_of(display)}


def frame(content):
    return content["Visualization Manager"]["Global Options"]["Fixed Frame"]


def shown(of, plugin=True):
    return rviz.displays(ROOT / "config/robot.rviz", of, lambda package: plugin)


def test_a_stack_has_displays_for_each_of_its_nodes(parameters):
    content = shown(rviz.of_stack(parameters, "/robot1"))
    assert topics(content) == {
        "results of robot1/people": "/robot1/people/image_annotated",
        "results of robot1/tabletop": "/robot1/tabletop/image_annotated",
        "points of robot1/front": "/robot1/front/points",
        "points of robot1/back": "/robot1/back/points",
        "objects' points of robot1/tabletop": "/robot1/tabletop/object_points",
        "objects of robot1/tabletop": "/robot1/tabletop/markers",
        "boxes of robot1/tabletop": "/robot1/tabletop/objects",
    }, "a detector of boxes has nothing in space"
    assert frame(content) == "front_lens"
    names = [display["Name"] for display in content["Visualization Manager"]["Displays"]]
    assert len(set(names)) == len(names)


def test_a_single_node_has_its_own(parameters):
    assert list(topics(shown(rviz.of_node(rviz.CAMERA, "back", parameters))).values()) == ["/back/points"]
    assert frame(shown(rviz.of_node(rviz.CAMERA, "back", parameters))) == "back_optical_frame"
    found = topics(shown(rviz.of_node(rviz.VISION, "people", parameters)))
    assert list(found.values()) == ["/people/image_annotated"]
    detector = topics(shown(rviz.of_node(rviz.VISION, "detector", "", model="no_such_model")))
    assert len(detector) == 4, "of an unknown model all is shown"


def test_objects_are_shown_in_the_frame_in_which_they_are_published(tmp_path):
    path = tmp_path / "robot.yaml"
    path.write_text(PARAMETERS.replace("{model: obstacles_pointcloud,", "{model: clusters, target_frame: base_link,"))
    assert frame(shown(rviz.of_stack(path))) == "base_link"


def test_displays_of_packages_that_are_not_installed_are_left_out(parameters):
    content = shown(rviz.of_stack(parameters), plugin=False)
    classes = {display["Class"] for display in content["Visualization Manager"]["Displays"]}
    assert all(name.startswith("rviz_default_plugins/") for name in classes)


def test_a_namespace_goes_before_the_topics_of_a_file():
    plain = rviz.in_namespace(ROOT / "config/demo.rviz", "", lambda package: True)
    named = rviz.in_namespace(ROOT / "config/demo.rviz", "/robot1", lambda package: True)
    assert {name: f"/robot1{topic}" for name, topic in topics(plain).items()} == topics(named)


def test_what_is_written_is_read_again_as_it_was(parameters, tmp_path):
    content = shown(rviz.of_stack(parameters))
    path = tmp_path / "made.rviz"
    path.write_text(yaml.safe_dump(content))
    assert rviz.read(path) == content


@pytest.mark.parametrize("text", ["", "a: [", "Visualization Manager: 3", "[]", 5000 * "[", "a: !!int x"])
def test_what_is_no_file_of_displays_is_refused(tmp_path, text):
    path = tmp_path / "wrong.rviz"
    path.write_text(text)
    with pytest.raises(VisionError, match="no file of RViz's displays"):
        rviz.read(path)
