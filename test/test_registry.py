"""Registries: from a name to a class, our own and third parties'."""

import pytest

from vision_service.camera import DRIVERS
from vision_service.camera.driver import CameraDriver
from vision_service.errors import ErrorCode, VisionError
from vision_service.registry import Registry
from vision_service.vision import MODELS
from vision_service.vision.model import VisionModel

GROUP = "vision_service.test_group"


@pytest.fixture
def registry():
    return Registry("shape", GROUP, {"ordered": "collections:OrderedDict", "counter": "collections:Counter"})


@pytest.fixture
def third_party(tmp_path, monkeypatch):
    """An installed package that joins the group."""
    (tmp_path / "guest_package.py").write_text("class Guest:\n    pass\n")
    metadata = tmp_path / "guest_package-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: guest_package\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        f"[{GROUP}]\nguest = guest_package:Guest\ncounter = guest_package:Guest\n"
        "broken = guest_package:Absent\nabsent = no_such_package_at_all:Guest\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


def test_a_class_of_ours_is_found_by_name(registry):
    assert registry.get("counter").__name__ == "Counter"


def test_names_are_sorted(registry):
    assert registry.names() == ["counter", "ordered"]


def test_a_third_party_joins_by_its_entry_point(registry, third_party):
    assert registry.names() == ["absent", "broken", "counter", "guest", "ordered"]
    assert registry.get("guest").__name__ == "Guest"


def test_our_names_come_first(registry, third_party):
    assert registry.get("counter").__module__ == "collections"


@pytest.mark.parametrize("name", ["broken", "absent"])
def test_a_third_party_that_cannot_be_imported_is_named_with_the_reason(registry, third_party, name):
    with pytest.raises(VisionError, match=f"the shape '{name}' of .* cannot be imported: .+") as caught:
        registry.get(name)
    assert caught.value.code is ErrorCode.UNKNOWN_RESOURCE


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("conter", "no shape 'conter': did you mean 'counter'?"),
        ("xyz", "no shape 'xyz': known are counter, ordered"),
        ("", "no shape '': known are counter, ordered"),
    ],
    ids=["misspelt", "far from all", "empty"],
)
def test_an_unknown_name_says_what_is_known(registry, name, message):
    with pytest.raises(VisionError) as caught:
        registry.get(name)
    assert (caught.value.code, caught.value.message) == (ErrorCode.UNKNOWN_RESOURCE, message)


def test_the_name_of_a_file_is_none_of_a_class():
    registry = Registry("shape", GROUP, {"counter": "collections:Counter"}, for_files="files go elsewhere")
    with pytest.raises(VisionError, match=r"^no shape 'counter\.pt': files go elsewhere$"):
        registry.get("counter.pt")
    with pytest.raises(VisionError, match="did you mean 'counter'"):
        registry.get("counters")


def test_a_class_of_ours_knows_its_name_and_another_one_that_of_python(registry):
    assert registry.name_of(registry.get("counter")) == "counter"
    assert registry.name_of(dict) == "dict"


@pytest.mark.parametrize("name", MODELS.names())
def test_every_vision_model_is_there_and_described(name):
    cls = MODELS.get(name)
    assert issubclass(cls, VisionModel)
    assert cls.__doc__


@pytest.mark.parametrize("name", DRIVERS.names())
def test_every_camera_driver_is_there_and_described(name):
    cls = DRIVERS.get(name)
    assert issubclass(cls, CameraDriver)
    assert cls.__doc__
