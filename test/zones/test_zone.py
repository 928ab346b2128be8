"""Zones by their attributes: what is right, and what is refused with what to do."""

from pathlib import Path

import pytest
import yaml

from vision_service.configuration import configure
from vision_service.errors import VisionError
from vision_service.zones.config import ZoneConfig
from vision_service.zones.zone import check_zone_labels, check_zone_names, make_zone

TRIANGLE = (10.0, 10.0, 50.0, 10.0, 30.0, 40.0)
LINE = (10.0, 10.0, 50.0, 10.0)


def made(**values):
    return make_zone("door", configure(ZoneConfig, values, of="zone 'door'"), "front", ("front", "back"))


def test_a_zone_lies_in_the_default_camera_unless_it_names_one():
    assert made(polygon=TRIANGLE).camera == "front"
    assert made(polygon=TRIANGLE, camera="back").camera == "back"


def test_a_zone_without_a_place_is_none_yet():
    assert made() is None


def test_normalized_coordinates_fit_every_size():
    zone = made(polygon=(0.0, 0.0, 1.0, 0.0, 0.5, 1.0), coordinates="normalized")
    assert zone.placed((640, 480)) == ((0, 0), (640, 0), (320, 480))
    assert zone.misplaced((640, 480)) == zone.misplaced((32, 24)) == ""


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"polygon": TRIANGLE[:4]}, "at least 3 points"),
        ({"polygon": TRIANGLE[:5]}, "5 numbers: give x and y of each point"),
        ({"polygon": (0.0, 0.0, 9.0, 9.0, 9.0, 0.0, 0.0, 9.0)}, "meets itself"),
        ({"polygon": (0.0, 0.0, 1e308, 0.0, 1e308, 1e308)}, "the coordinate 1e+308, which is far outside of any image"),
        ({"line": tuple(map(float, range(1002)))}, "has 501 points, and at most 500 can be"),
        ({"polygon": TRIANGLE, "line": LINE}, "leave one of them out"),
        ({"polygon": TRIANGLE, "camera": "frnt"}, "no camera 'frnt': did you mean 'front'?"),
        ({"polygon": TRIANGLE, "coordinates": "normalized"}, "from 0 to 1, not 50"),
        ({"polygon": TRIANGLE, "inside_by": "feet"}, "'inside_by' must be one of foot_point, center, box"),
        ({"line": LINE, "inside_by": "box"}, "give foot_point or center"),
        ({"line": LINE, "events": False}, "only tells who crosses"),
        ({"line": LINE, "sides": ("in",)}, "two different names"),
        ({"line": LINE, "sides": ("in", "in")}, "two different names"),
        ({"line": LINE, "sides": ("in side", "out")}, "letters, digits and underscores"),
        ({"poligon": TRIANGLE}, "did you mean 'polygon'"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(values, words):
    with pytest.raises(VisionError) as caught:
        made(**values)
    assert words in caught.value.message
    assert "door" in caught.value.message


def test_without_any_camera_a_zone_says_what_to_set():
    with pytest.raises(VisionError, match=r"set the parameter 'cameras', and door\.camera"):
        make_zone("door", ZoneConfig(polygon=TRIANGLE), "", ())


def test_labels_are_the_models():
    config = ZoneConfig(polygon=TRIANGLE, labels=("Person", "cst"))
    zone = make_zone("door", config, "front", ("front",))
    assert zone.counts("PERSON")
    assert not zone.counts("dog")
    check_zone_labels([zone], {"door": config}, ())
    with pytest.raises(VisionError, match=r"door\.labels: the model never gives 'cst': did you mean 'cat'\?"):
        check_zone_labels([zone], {"door": config}, ("person", "cat"))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("a b",), "'a b' is no name of a zone"),
        (("1",), "the first one a letter"),
        (("a.b",), "no name"),
        (("door", "door"), "stands twice"),
        (("front",), "the name of a camera already"),
    ],
)
def test_names_that_cannot_be_told_apart_are_refused(names, words):
    with pytest.raises(VisionError) as caught:
        check_zone_names(names, {"front": "a camera"})
    assert words in caught.value.message


@pytest.mark.parametrize(("size", "word"), [((40, 30), "reaches beyond"), ((8, 8), "is outside of")])
def test_a_zone_that_is_not_in_the_image_is_told_with_both_places(size, word):
    said = made(polygon=TRIANGLE).misplaced(size)
    assert word in said
    assert f"{size[0]}×{size[1]} pixels" in said
    assert "(50, 10)" in said
    assert made(polygon=TRIANGLE).misplaced((50, 40)) == ""


def test_the_zones_of_the_page_are_right():
    page = (Path(__file__).parents[2] / "docs/zones.md").read_text()
    (node,) = yaml.safe_load(page.partition("```yaml")[2].partition("```")[0]).values()
    values = node["ros__parameters"]
    for name in values["zones"]:
        own = {key.removeprefix(f"{name}."): value for key, value in values.items() if key.startswith(f"{name}.")}
        zone = make_zone(name, configure(ZoneConfig, own, of=name), "front", values["cameras"])
        assert zone.misplaced((640, 480)) == ""
