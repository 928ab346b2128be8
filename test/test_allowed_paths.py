"""Allowed paths: which files may be named over the network, and what a refusal says."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service import allowed_paths
from vision_service.allowed_paths import VARIABLE, AllowedPaths
from vision_service.errors import VisionError
from vision_service.files import share_file


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder outside of what is allowed, with a folder `good` in it."""
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / "good" / "deeper").mkdir(parents=True)
    (tmp_path / "good" / "a.tflite").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.tflite").touch()
    return tmp_path


def refusal(allowed, name, **arguments):
    """Return the message with which a name is refused; empty = it is allowed."""
    try:
        allowed.check(str(name), of="model_path", **arguments)
    except VisionError as error:
        return error.message
    return ""


@pytest.mark.parametrize("name", ["/opt/models/people.tflite", "/usr/share/a/b.onnx", "~/models/a.tflite"])
def test_the_usual_folders_are_allowed_whether_the_file_is_there_or_not(root, name):
    assert refusal(AllowedPaths(), name) == ""


def test_the_package_s_own_files_are_allowed(root):
    allowed = AllowedPaths([])
    assert refusal(allowed, "package://vision_service/models/solids_detector.tflite") == ""
    assert refusal(allowed, share_file("models/solids_classifier.tflite")) == ""


@pytest.mark.parametrize("name", ["/etc/hostname", "/", "/root/a.txt", "/opt", "/opt/../etc/hostname", "/optional/a"])
def test_other_files_are_not(root, name):
    refused = refusal(AllowedPaths(["/opt/models"]), name)
    assert VARIABLE in refused
    assert "allowed_paths" in refused


def test_a_refusal_says_which_folder_to_allow_and_that_is_enough(root, monkeypatch):
    name = root / "good" / "a.tflite"
    refused = refusal(AllowedPaths(), name)
    assert f"{VARIABLE}={root / 'good'}" in refused
    monkeypatch.setenv(VARIABLE, f"/nowhere:{root / 'good'}")
    assert refusal(AllowedPaths(), name) == ""
    monkeypatch.delenv(VARIABLE)
    assert refusal(AllowedPaths([str(root / "good")]), name) == ""


def test_the_folder_of_a_file_named_at_the_start_is_allowed(root):
    allowed = AllowedPaths([], named_at_start=[str(root / "good" / "a.tflite"), f"file://{root}/other/a.tflite"])
    assert refusal(allowed, root / "good" / "deeper" / "b.tflite") == ""
    assert refusal(allowed, root / "other" / "b.tflite") == ""
    assert refusal(allowed, root / "b.tflite")


@pytest.mark.parametrize("name", ["/a.tflite", "/home/somebody/.models/a.tflite"])
def test_a_file_of_the_root_or_of_a_hidden_folder_at_the_start_allows_no_folder(root, name):
    assert refusal(AllowedPaths([], named_at_start=[name]), Path(name).with_name("b.tflite"))


@pytest.mark.parametrize("name", [".a.tflite", ".secret/a.tflite", "deeper/.x/y", ".*"])
def test_hidden_files_and_folders_are_never_allowed(root, name):
    assert "hidden" in refusal(AllowedPaths([str(root / "good")]), root / "good" / name)


def test_a_hidden_folder_is_allowed_where_it_is_given_itself(root):
    (root / ".cache").mkdir()
    assert refusal(AllowedPaths([str(root)]), root / ".cache" / "a")
    assert refusal(AllowedPaths([str(root), str(root / ".cache")]), root / ".cache" / "a") == ""


def test_links_are_followed_first(root):
    (root / "good" / "link").symlink_to(root / "other")
    (root / "alias").symlink_to(root / "good")
    (root / "good" / "dotted").symlink_to(root / "good" / ".secret")
    allowed = AllowedPaths([str(root / "alias")])
    refused = refusal(allowed, root / "good" / "link" / "a.tflite")
    assert f"{VARIABLE}={root / 'other'}" in refused
    assert refusal(allowed, root / "good" / "link" / ".." / "x")  # beside `other`, not beside `link`
    assert "hidden" in refusal(allowed, root / "good" / "dotted")
    assert refusal(allowed, root / "alias" / "a.tflite") == ""


def test_where_a_link_outside_leads_is_not_told(root):
    (root / "link").symlink_to(root / "other" / "a.tflite")
    assert "other" not in refusal(AllowedPaths([]), root / "link")


def test_each_file_of_a_pattern_is_looked_at(root):
    allowed = AllowedPaths([str(root / "good")])
    assert refusal(allowed, root / "good" / "*.tflite") == ""
    (root / "good" / "b.tflite").symlink_to(root / "other" / "a.tflite")
    assert refusal(allowed, root / "good" / "*.tflite")
    assert refusal(allowed, root / "good" / "[a].tflite") == ""
    assert "last part" in refusal(allowed, root / "good" / "*" / "a.tflite")


def test_video_devices_are_allowed_to_those_who_read_them(root):
    assert refusal(AllowedPaths([]), "/dev/video7", device=True) == ""
    assert refusal(AllowedPaths([]), "/dev/video7")
    assert refusal(AllowedPaths([]), "/dev/null", device=True)


@given(st.text(max_size=60) | st.lists(st.sampled_from(["..", "a", ".b", "/", "~", "~x", "*", "\0"])).map("/".join))
def test_whatever_comes_is_allowed_below_a_folder_or_refused(name):
    allowed = AllowedPaths(["/nowhere/at/all"])
    try:
        allowed.check(name, of="model_path")
    except VisionError as error:
        assert len(error.message) < 3 * len(name) + 1000
        return
    real = allowed_paths._real(name.removeprefix("file://"))
    assert any(real.is_relative_to(folder) for folder in allowed.folders)


@pytest.mark.parametrize("name", ["", "a\0b", "/opt/" + "a" * 5000, "~nobody_of_this_name/a"])
def test_what_names_no_file_is_refused_in_a_short_message(root, name):
    assert 0 < len(refusal(AllowedPaths(["/opt"]), name)) < 400
