"""Where files are."""

import io
import os
import stat
import tracemalloc
from pathlib import Path

import pytest
import yaml

from vision_service.errors import VisionError
from vision_service.files import read_regular, read_stream, resolve, share_file, write_atomically
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


def test_a_pipe_is_refused_at_once_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(VisionError, match=r"pipe': it is a named pipe \(FIFO\), and only regular files are read"):
        read_file(tmp_path / "pipe")


@pytest.mark.parametrize(("name", "kind"), [("/dev/zero", "a device"), ("/", "folder|directory")])
def test_devices_and_folders_are_refused(name, kind):
    with pytest.raises(VisionError, match=f"(?i){kind}"):
        read_file(name)


def test_a_link_to_a_regular_file_is_read(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    assert read_file(tmp_path / "link", most=7) == b"content"


def test_a_file_that_is_too_large_is_refused_with_the_limit(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    with pytest.raises(VisionError, match="it has 7 bytes, and 6 are the most"):
        read_file(tmp_path / "file", most=6)


def test_reading_takes_no_more_memory_than_there_are_bytes(tmp_path):
    """Not as much as there may be: under a limit of memory, a small model could not be read."""
    content = os.urandom(3 << 20)
    (tmp_path / "some").write_bytes(content)
    for read in (lambda: read_regular(tmp_path / "some"), lambda: read_stream(io.BytesIO(content))):
        tracemalloc.start()
        assert read() == content
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 3 * len(content)


def test_files_that_do_not_say_how_long_they_are_are_read():
    assert b"MemTotal" in read_regular("/proc/meminfo")
    assert len(read_regular("/proc/self/maps")) > 1000


def test_a_stream_is_read_up_to_a_limit():
    content = bytes(5 << 20)
    assert read_stream(io.BytesIO(content), len(content)) == content
    with pytest.raises(ValueError, match="more than 5242879 bytes"):
        read_stream(io.BytesIO(content), len(content) - 1)


def test_a_file_is_written_whole_with_the_rights_that_it_had(tmp_path):
    file = tmp_path / "file"
    write_atomically(file, b"one")
    usual = tmp_path / "usual"
    usual.write_bytes(b"")
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)
    file.chmod(0o640)
    write_atomically(file, b"two")
    assert file.read_bytes() == b"two"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "usual"]


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_else(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"old")
    with pytest.raises(TypeError):
        write_atomically(file, "no bytes")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_what_a_link_leads_to_is_written_and_not_the_link(tmp_path):
    (tmp_path / "link").symlink_to("file")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"
