"""The generated pages say all that the code says: parameters, messages, services, commands."""

import inspect
import re

import pytest

import vision_service.types
from pages import DOCS, ROOT
from tools import reference
from tools.reference import interfaces
from vision_service.camera import DRIVERS
from vision_service.camera.transforms import TRANSFORMS
from vision_service.cli.main import build_parser
from vision_service.configuration import attributes
from vision_service.settings.camera import CameraConfiguration
from vision_service.settings.mlmodel import MLModelConfiguration
from vision_service.settings.stack import StackConfiguration
from vision_service.settings.viam_gateway import ViamGatewayConfiguration
from vision_service.settings.vision import VisionConfiguration
from vision_service.vision import MODELS

PAGES = reference.pages()
PYTHON = "\n".join(path.read_text(encoding="utf-8") for path in (DOCS / "reference/python").glob("*.md"))


@pytest.mark.parametrize(
    "configuration",
    [CameraConfiguration, VisionConfiguration, MLModelConfiguration, StackConfiguration, ViamGatewayConfiguration],
)
def test_every_parameter_of_nodes_is_there(configuration):
    for name in attributes(configuration):
        assert f"[`{name}`]" in PAGES["reference/parameters.md"]


@pytest.mark.parametrize(("registry", "page"), [(MODELS, "models"), (DRIVERS, "drivers"), (TRANSFORMS, "drivers")])
def test_every_attribute_of_models_drivers_and_steps_is_there(registry, page):
    prefix = "NAME." if registry is TRANSFORMS else ""
    text = PAGES[f"reference/{page}.md"]
    for name in registry.own():
        section = text.partition(f"## `{name}`\n")[2].partition("\n## ")[0]
        for attribute in attributes(registry.get(name).Config):
            assert f"[`{prefix}{attribute}`]" in section


@pytest.mark.parametrize("path", [*ROOT.glob("msg/*.msg"), *ROOT.glob("srv/*.srv")], ids=lambda path: path.stem)
def test_every_field_and_comment_of_an_interface_is_read(path):
    text = path.read_text(encoding="utf-8")
    head, parts = interfaces.read(text)
    said = [item if isinstance(item, str) else f"{item[1]} {item[3]}" for part in parts for item in part.items]
    words = re.findall(r"[\w']+", " ".join([head, *said]))
    comments = re.findall(r"[\w']+", " ".join(line.partition("#")[2] for line in text.splitlines()))
    assert sorted(words) == sorted(
        comments + [item[1] for part in parts for item in part.items if not isinstance(item, str)]
    )


def test_every_command_and_option_is_there():
    (commands,) = (action for action in build_parser()._actions if action.dest == "==SUPPRESS==" and action.choices)
    for name, parser in commands.choices.items():
        section = PAGES["reference/commands.md"].partition(f"(command-{name})=\n")[2].partition("\n(command-")[0]
        for action in parser._actions:
            for option in action.option_strings:
                assert option in ("-h", "--help") or f"`{option}" in section


def test_every_type_is_there():
    public = [
        name
        for name, one in inspect.getmembers(vision_service.types, inspect.isclass)
        if one.__module__ == "vision_service.types"
    ]
    for name in public:
        assert f":: vision_service.types.{name}\n" in PYTHON


def test_every_client_class_is_there():
    client = pytest.importorskip("vision_service.ros.client", reason="ROS 2 is not installed")
    for name in client.__all__:
        assert f":: vision_service.ros.client.{name}\n" in PYTHON


def test_pages_are_made_only_once(tmp_path):
    (tmp_path / "reference").mkdir()
    reference.write(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.md")}
    assert len(before) == len(reference.NAMES)
    reference.write(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in before} == before
