"""Where the package's own files are."""

import yaml

from vision_service.ros.share import share_file


def test_a_parameter_file_of_the_package_is_found():
    assert "stack" in yaml.safe_load(share_file("config/demo.yaml").read_text(encoding="utf-8"))


def test_of_a_file_that_is_not_there_the_name_is_returned_for_the_error():
    assert share_file("config/none.yaml").parts[-2:] == ("config", "none.yaml")


def test_it_is_found_without_any_ros_prefix(monkeypatch):
    monkeypatch.setenv("AMENT_PREFIX_PATH", "")
    assert share_file("config/demo.yaml").is_file()
    assert share_file("config/none.yaml").name == "none.yaml"
