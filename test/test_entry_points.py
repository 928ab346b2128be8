"""Whether another package may have joined a registry: never denied where `importlib.metadata` finds one."""

import sys
import zipfile
from importlib.machinery import PathFinder
from importlib.metadata import entry_points

import pytest

from vision_service.entry_points import may_exist

GROUP = "vision_service.test_group"
TEXT = f"[console_scripts]\nguest = guest:main\n\n[{GROUP}]\nguest = guest:Guest\n"


def found() -> list[str]:
    return [point.name for point in entry_points(group=GROUP)]


def test_where_nobody_has_joined_none_exists():
    assert not found()
    assert not may_exist(GROUP)


@pytest.mark.parametrize(
    "folder", ["guest-1.0.dist-info", "guest.egg-info", "Guest-1.0.DIST-INFO", "guest.egg/EGG-INFO"]
)
def test_packages_in_folders_are_seen(folder, tmp_path, monkeypatch):
    metadata = tmp_path / folder
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: guest\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(TEXT)
    monkeypatch.syspath_prepend(metadata.parent)
    assert found() == ["guest"]
    assert may_exist(GROUP)
    assert not may_exist("another.group")


def test_packages_in_the_working_folder_are_seen(tmp_path, monkeypatch):
    metadata = tmp_path / "guest-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: guest\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert found() == ["guest"]
    assert may_exist(GROUP)


def test_packages_in_an_archive_may_exist(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "guests.zip", "w") as archive:
        archive.writestr("guest-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: guest\nVersion: 1.0\n")
        archive.writestr("guest-1.0.dist-info/entry_points.txt", TEXT)
    monkeypatch.syspath_prepend(tmp_path / "guests.zip")
    assert found() == ["guest"]
    assert may_exist(GROUP)


def test_packages_of_another_finder_may_exist(monkeypatch):
    class Finder:
        find_spec = find_distributions = lambda *_: None

    monkeypatch.setattr(sys, "meta_path", [PathFinder, Finder])
    assert may_exist(GROUP)
