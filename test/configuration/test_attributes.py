"""Attributes: each described once, as a field of a frozen dataclass."""

import re
from dataclasses import dataclass

import pytest

from configured import KNOWN
from vision_service.camera import DRIVERS
from vision_service.camera.calibration import CalibrationConfig, ExtrinsicsConfig, IntrinsicsConfig
from vision_service.camera.geometries import BoxConfig
from vision_service.camera.join_pointclouds import SourceConfig
from vision_service.camera.topics import CameraTopics
from vision_service.camera.transforms import TRANSFORMS
from vision_service.configuration import PartType, attribute, attributes, check
from vision_service.settings.camera import CameraConfiguration
from vision_service.settings.mlmodel import MLModelConfiguration
from vision_service.settings.stack import StackConfiguration
from vision_service.settings.vision import VisionConfiguration
from vision_service.vision import MODELS

UNUSUAL = {"picture", "pictures", "hear", "heard", "hears", "text", "texts", "thing", "things", "whole", "sentence"}
"""What is called image, subscribe, string, object, integer and error message in the field."""


def test_attributes_are_in_the_order_they_are_written():
    assert list(KNOWN) == ["path", "share", "size", "mode", "on", "weights", "steps", "limits"]


@pytest.mark.parametrize(
    ("name", "form", "kind", "default", "required"),
    [
        ("path", "single", str, None, True),
        ("share", "single", float, 0.5, False),
        ("on", "single", bool, True, False),
        ("weights", "list", float, (1.0, 2.0), False),
        ("limits", "map", float, {"cat": 0.1}, False),
    ],
)
def test_an_attribute_knows_its_form_and_default(name, form, kind, default, required):
    item = KNOWN[name]
    assert (item.name, item.form, item.type, item.default, item.required) == (name, form, kind, default, required)


def test_an_attribute_knows_what_was_said_of_it():
    item = KNOWN["share"]
    assert (item.description, item.minimum, item.maximum, item.above_minimum, item.live) == (
        *("How much.", 0.0, 1.0),
        *(True, True),
    )
    assert (KNOWN["size"].unit, KNOWN["mode"].choices) == ("pixels", ("fast", "exact"))


@pytest.mark.parametrize(
    ("name", "expects"),
    [
        ("path", "a string"),
        ("share", "a number, above 0 and at most 1"),
        ("size", "an integer, at least 1 pixels"),
        ("mode", "one of fast, exact"),
        ("on", "true or false"),
        ("weights", "a list, each item a number, at least -5"),
        ("steps", "a list, each item one of spin, boxes"),
        ("limits", "entries 'limits.KEY', each a number, at least 0 and at most 1"),
    ],
)
def test_an_attribute_says_what_it_expects(name, expects):
    assert KNOWN[name].expects == expects


def test_large_bounds_are_written_out():
    @dataclass(frozen=True)
    class Large:
        seed: int = attribute("A number.", default=0, maximum=2**31 - 1)

    assert attributes(Large)["seed"].expects == "an integer, at most 2147483647"


@pytest.mark.parametrize(
    "hint", ["list[int]", "tuple[int, str]", "dict[int, str]", "tuple[bytes, ...]", "int | None", "bytes"]
)
def test_other_types_are_a_mistake_of_the_programmer(hint):
    odd = type("Odd", (), {"__annotations__": {"odd": hint}, "odd": attribute("Odd.", default=None)})
    with pytest.raises(TypeError, match="an attribute is a bool, int, float, str, "):
        attributes(dataclass(odd))


CONFIGURATIONS = [
    *(registry.get(name).Config for registry in (MODELS, DRIVERS, TRANSFORMS) for name in registry.names()),
    *(CalibrationConfig, IntrinsicsConfig, ExtrinsicsConfig, BoxConfig, SourceConfig, CameraTopics, PartType),
    *(CameraConfiguration, VisionConfiguration, MLModelConfiguration, StackConfiguration),
]


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda configuration: configuration.__name__)
def test_every_attribute_of_the_package_is_described_and_its_default_is_allowed(configuration):
    for item in attributes(configuration).values():
        assert item.required or check(item, item.default) == item.default
        # `ros2 param describe` shows the description alone, and its readers speak the field's language.
        words = re.findall(r"\w+", item.description)
        assert item.description.endswith(".")
        assert item.description[0].isupper()
        assert 3 <= len(words) <= 60, item.description
        assert {"It", "Its", "Their", "They", "This", "These", "Of"}.isdisjoint(words[:1]), item.description
        assert UNUSUAL.isdisjoint(word.lower() for word in words), item.description
        assert item.unit in {"", "s", "m", "Hz", "px", "deg", "points", "voxels", "frames", "grey levels", "bytes"}
