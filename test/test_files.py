"""Where files are."""

from pathlib import Path

import pytest
import yaml

from vision_service.errors import VisionError
from vision_service.files import resolve, share_file
from vision_service.image import read_file


def test_a_parameter_file_of_the_package_is_found():
    assert "/**/stack" in yaml.safe_load(share_file("config/demo.yaml").read_text(encoding="utf-8"))


def test_of_a_file_that_is_not_there_the_name_is_returned_for_the_error():
    assert share_file("config/none.yaml").parts[-2:] == ("config", "none.yaml")


def test_it_is_found_without_any_ros_prefix(monkeypatch):
    monkeypatch.setenv("AMENT_PREFIX_PATH", "")
    assert share_file("config/demo.yaml").is_file()
    assert share_file("config/none.yaml").name == "none.yaml"


def test_files_of_other_packages_are_found_in_any_prefix(tmp_path, monkeypatch):
    file = tmp_path / "second/share/my_robot/models/fruit.tflite"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"fruit")
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{tmp_path}/first:{tmp_path}/second")

    assert resolve("package://my_robot/models/fruit.tflite") == file
    assert read_file("package://my_robot/models/fruit.tflite") == b"fruit"


def test_the_shipped_models_are_files_of_the_package():
    assert resolve("package://vision_service/models/solids_detector.tflite").is_file()


@pytest.mark.parametrize("name", ["package://", "package://nobody", "package://nobody/x.tflite", "package:///x"])
def test_a_package_that_is_not_there_is_an_error_with_the_name(name):
    with pytest.raises(VisionError, match=name):
        read_file(name)


def test_home_and_plain_paths():
    assert resolve("~/x") == Path.home() / "x"
    assert resolve("x/y") == Path("x/y")
