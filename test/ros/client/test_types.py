"""What type checkers and editors know of the clients: signatures, docstrings, and that the package is typed at all."""

import inspect
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import venv
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
import vision_service.msg
import vision_service.srv

from robot import ROOT
from vision_service.ros.client import CameraClient, MLModelClient, NamedClient, VisionClient

PROGRAM = """
from concurrent.futures import Future
from typing import Any

import numpy as np
from typing_extensions import assert_type

from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.client import (
    CameraClient,
    CaptureAllResult,
    MLModelClient,
    ModelMetadata,
    NamedImage,
    Results,
    VisionClient,
    VisionProperties,
)
from vision_service.types import (
    Classification,
    Detection,
    Detection3D,
    PointCloud,
    PointCloudObject,
    Segmentation,
)

with VisionClient("people") as people, CameraClient("front") as front:
    assert_type(people, VisionClient)
    assert_type(people.get_detections(np.zeros((24, 32, 3), np.uint8), timeout=1.0), Results[Detection])
    assert_type(people.get_classifications_from_camera_async("front", 3), Future[Results[Classification]])
    assert_type(people.get_object_point_clouds(max_age=-1.0), Results[PointCloudObject])
    assert_type(people.capture_all_from_camera("front", return_image=True, count=2), CaptureAllResult)
    assert_type(people.capture_all_from_camera_async(return_detections=True), Future[CaptureAllResult])
    assert_type(people.get_segmentation(b""), Segmentation)
    assert_type(people.get_segmentation_from_camera_async("front"), Future[Segmentation])
    assert_type(people.get_keypoints_from_camera("front"), Results[Detection])
    assert_type(people.get_detections_3d_from_camera(), Results[Detection3D])
    assert_type(people.get_properties(), VisionProperties)
    assert_type(people.do_command({"command": "help"}), dict[str, Any])
    assert_type(front.get_image("image/png", source="depth"), NamedImage)
    assert_type(front.get_images_async(["color"]).result(), list[NamedImage])
    assert_type(front.get_point_cloud(), PointCloud)
    assert_type(front.get_pcd("ascii"), bytes)
    assert_type(MLModelClient("net").get_metadata(), ModelMetadata)
    first: list[Detection] = people.get_detections_from_camera(extra={"a": 1}, source="color")
    people.capture_all_from_camera(return_images=True)  # type: ignore[call-arg]
    people.capture_all_from_camera(True)  # type: ignore[arg-type]
    front.get_image(max_age="old")  # type: ignore[arg-type]
    try:
        front.get_status_async().result()
    except VisionError as error:
        assert_type(error.code, ErrorCode)
"""


@pytest.fixture
def installed(tmp_path):
    """A Python where the package lies as pip and colcon install it: generated modules and ours in one folder."""
    venv.create(tmp_path / "environment")
    places = {"base": str(tmp_path / "environment"), "platbase": str(tmp_path / "environment")}
    packages = Path(sysconfig.get_path("purelib", "venv" if sys.version_info >= (3, 11) else "posix_prefix", places))
    shutil.copytree(ROOT / "vision_service", packages / "vision_service", ignore=shutil.ignore_patterns("__pycache__"))
    for generated in (vision_service.msg, vision_service.srv):
        folder = Path(generated.__file__).parent
        shutil.copytree(folder, packages / "vision_service" / folder.name, dirs_exist_ok=True)
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    return tmp_path / "environment" / "bin" / "python"


def test_a_users_program_is_checked_strictly(installed, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", installed, program.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.stdout, found.returncode) == ("Success: no issues found in 1 source file\n", 0), found.stderr


def methods():
    return [
        pytest.param(kind, name, id=f"{kind.__name__}.{name}")
        for kind in (NamedClient, VisionClient, CameraClient, MLModelClient)
        for name, value in vars(kind).items()
        if inspect.isfunction(value) and not name.startswith("_") and name != "close"
    ]


@pytest.mark.parametrize(("kind", "name"), methods())
def test_a_method_says_what_it_takes_returns_and_raises(kind, name):
    method = getattr(kind, name)
    parameters = inspect.signature(method).parameters
    sections = dict(re.findall(r"^(\w+):\n((?:(?: .*)?\n?)+)", inspect.getdoc(method), re.MULTILINE))
    assert {"Args", "Returns", "Raises"} <= sections.keys()
    assert re.findall(r"^    (\w+):", sections["Args"], re.MULTILINE) == list(parameters)[1:]
    assert not any(each.kind in (each.VAR_KEYWORD, each.VAR_POSITIONAL) for each in parameters.values())


@pytest.mark.parametrize(("kind", "name"), methods())
def test_its_twin_takes_the_same_and_returns_a_future(kind, name):
    twin = getattr(kind, name.removesuffix("_async") if name.endswith("_async") else f"{name}_async")
    one, other = sorted((getattr(kind, name), twin), key=lambda method: len(method.__name__))
    assert inspect.signature(one).parameters == inspect.signature(other).parameters
    assert inspect.signature(other).return_annotation == f"Future[{inspect.signature(one).return_annotation}]"


class Recorder:
    """Calls nobody, and keeps what was to be called and the future of its answer."""

    def call(self, kind, service, request, convert, timeout=None):
        self.asked, self.answer = (kind, service, request, timeout), Future()
        return self.answer

    def close(self):
        pass


GIVEN = {"image": np.zeros((24, 32, 3), np.uint8), "inputs": {}, "command": {}}


@pytest.mark.parametrize(("kind", "name"), [each for each in methods() if each.id.endswith("_async")])
def test_a_twin_returns_the_future_of_what_its_method_waits_for(kind, name):
    calls = Recorder()
    client = kind.by("somebody", calls)
    needed = [each for each in inspect.signature(getattr(kind, name)).parameters if each in GIVEN]
    future = getattr(client, name)(*(GIVEN[each] for each in needed), timeout=1.5)
    assert future is calls.answer
    assert calls.asked[3] == 1.5
    later = threading.Timer(0.01, lambda: calls.answer.set_result("answered"))
    calls.call = lambda *asked: later.start() or calls.answer
    assert getattr(client, name.removesuffix("_async"))(*(GIVEN[each] for each in needed)) == "answered"


def test_a_twin_is_described_by_its_method():
    twin = VisionClient.get_classifications_from_camera_async
    assert twin.__qualname__ == "VisionClient.get_classifications_from_camera_async"
    described = inspect.getdoc(twin)
    assert described.startswith("Return a future of what a camera's image shows.\n\nArgs:\n    camera_name: Empty = ")
    assert "A future of what `get_classifications_from_camera` returns or raises." in described
    assert "TypeError: The command" in inspect.getdoc(NamedClient.do_command_async)
