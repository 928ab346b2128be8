"""The files of a bag, whole or not, in the forms that rosbag2 leaves."""

import os
import shutil

import numpy as np
import pytest
import yaml

import bags
from vision_service.camera.bag_files import BagFiles
from vision_service.errors import ErrorCode, VisionError

START = 1_700_000_000_000_000_000
STORAGES = ["sqlite3", "mcap"]


def recorded(numbers):
    pixels = np.zeros((2, 2), np.uint8)
    return [("/image_raw", bags.image(pixels, START + number, "mono8")) for number in numbers]


def times(path):
    """Return the times of a bag's messages, after its first one, and its remarks."""
    files = BagFiles(path)
    try:
        return [time - START for time, _, _ in files.messages(["/image_raw"], 0)], files.remarks
    finally:
        files.close()


def refused(path):
    with pytest.raises(VisionError) as caught:
        BagFiles(path)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT
    assert str(path) in caught.value.message
    return caught.value.message


def change(folder, **information):
    """Change what metadata.yaml says."""
    file = folder / "metadata.yaml"
    content = yaml.safe_load(file.read_text())
    content["rosbag2_bagfile_information"].update(information)
    file.write_text(yaml.safe_dump(content))


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (2, 1, 0)])
def test_files_are_played_in_the_order_of_time_whatever_metadata_say(tmp_path, storage, order):
    parts = [recorded(range(5 * part, 5 * part + 5)) for part in order]
    files = BagFiles(bags.split(tmp_path / "bag", parts, storage))
    assert [time - START for time, _, _ in files.messages(["/image_raw"], 0)] == list(range(15))
    assert [time - START for time, _, _ in files.messages(["/image_raw"], START + 7)] == list(range(7, 15))
    assert files.channels["/image_raw"].count == 15
    assert (files.start, files.end) == (START, START + 15)


@pytest.mark.parametrize("storage", STORAGES)
def test_files_may_overlap(tmp_path, storage):
    folder = bags.split(tmp_path / "bag", [recorded([0, 2, 4, 5]), recorded([1, 3, 6])], storage)
    assert times(folder) == ([0, 1, 2, 3, 4, 5, 6], [])


def test_files_that_are_missing_are_named_and_the_others_played(tmp_path):
    folder = bags.split(tmp_path / "bag", [recorded([0, 1]), recorded([2, 3])])
    (folder / "bag_0.db3").unlink()
    found, (remark,) = times(folder)
    assert found == [2, 3]
    assert "lacks files that metadata.yaml names: bag_0.db3" in remark
    (folder / "bag_1.db3").unlink()
    assert "has no files: metadata.yaml names bag_0.db3, bag_1.db3" in refused(folder)


def test_a_version_that_is_too_new_is_called_so(tmp_path):
    folder = bags.write(tmp_path / "bag", recorded(range(3)))
    change(folder, version=10)
    message = refused(folder)
    assert "is of version 10 of rosbag2's metadata, which is newer than those that are known, up to 9" in message
    assert "give one of its files as path (bag.db3)" in message
    assert times(folder / "bag.db3") == ([0, 1, 2], [])


@pytest.mark.parametrize("version", range(4, 10))
def test_older_versions_are_read(tmp_path, version):
    folder = bags.write(tmp_path / "bag", recorded(range(3)))
    change(folder, version=version)
    assert times(folder) == ([0, 1, 2], [])


@pytest.mark.parametrize("storage", STORAGES)
def test_what_metadata_and_files_say_of_quality_of_service_may_differ(tmp_path, storage):
    # As in bags that were converted or reindexed, those in rosbag2's own tests among them.
    folder = bags.write(tmp_path / "bag", recorded(range(3)), storage)
    content = yaml.safe_load((folder / "metadata.yaml").read_text())
    topics = content["rosbag2_bagfile_information"]["topics_with_message_count"]
    topics[0]["topic_metadata"]["offered_qos_profiles"] = "- history: 3\n  depth: 7"
    change(folder, topics_with_message_count=topics)
    assert times(folder) == ([0, 1, 2], [])


@pytest.mark.parametrize("storage", STORAGES)
def test_without_metadata_its_only_file_is_played(tmp_path, storage):
    folder = bags.write(tmp_path / "bag", recorded(range(3)), storage)
    (folder / "metadata.yaml").unlink()
    found, (remark,) = times(folder)
    assert found == [0, 1, 2]
    assert "has no metadata.yaml, as if it was not closed by its recorder" in remark
    assert "ros2 bag reindex" in remark


def test_without_metadata_the_parts_of_one_bag_are_played(tmp_path):
    folder = bags.split(tmp_path / "bag", [recorded([0, 1]), recorded([2, 3])])
    (folder / "metadata.yaml").unlink()
    found, (remark,) = times(folder)
    assert found == [0, 1, 2, 3]
    assert "bag_0.db3, bag_1.db3" in remark


def test_files_of_several_bags_are_not_taken_for_one(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    for name in ("kitchen_0", "hall_0"):
        shutil.copy(bags.write(tmp_path / name, recorded([0])) / f"{name}.db3", folder)
    message = refused(folder)
    assert "no metadata.yaml, which says what files belong together" in message
    assert "give one of the files as path: hall_0.db3, kitchen_0.db3" in message


@pytest.mark.parametrize("text", ["{", "", "nothing: 1", "rosbag2_bagfile_information: 3"])
def test_damaged_metadata_are_an_error_with_the_way_out(tmp_path, text):
    folder = bags.write(tmp_path / "bag", recorded(range(3)))
    (folder / "metadata.yaml").write_text(text)
    message = refused(folder)
    assert "cannot be read, its metadata.yaml is damaged" in message
    assert "give one of its files as path" in message


@pytest.mark.parametrize(
    ("storage", "compression"), [("sqlite3", "file"), ("sqlite3", "message"), ("mcap", "storage"), ("mcap", "")]
)
def test_compressed_bags_are_read(tmp_path, storage, compression):
    folder = bags.write(tmp_path / "bag", recorded(range(3)), storage, compression)
    assert times(folder) == ([0, 1, 2], [])
    if compression != "message":  # which only metadata.yaml tells
        (file,) = [file for file in folder.iterdir() if file.suffix != ".yaml"]
        assert times(file) == ([0, 1, 2], [])


def test_what_a_compressed_file_is_unpacked_to_is_gone_in_the_end(tmp_path, monkeypatch):
    folder = bags.write(tmp_path / "bag", recorded(range(3)), "sqlite3", "file")
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    files = BagFiles(folder)
    assert any((tmp_path / "scratch").iterdir())
    files.close()
    files.close()
    assert not any((tmp_path / "scratch").iterdir())


def test_topics_that_ros_2_does_not_read_are_listed(tmp_path):
    from mcap.writer import Writer

    with (tmp_path / "bag.mcap").open("wb") as file:
        writer = Writer(file)
        writer.start("", "test")
        for topic, encoding, kind in [
            ("/lab", "json", "L"),
            ("/p", "protobuf", "P"),
            ("/add/_service_event", "cdr", "S"),
        ]:
            schema = writer.register_schema(kind, "any", b"\xff\xfe")
            writer.add_message(writer.register_channel(topic, encoding, schema), START, b"{}", START)
        writer.finish()
    files = BagFiles(tmp_path / "bag.mcap")
    why = "not read, because not of ROS 2"
    assert files.foreign == {"/lab": f"L, json: {why}", "/p": f"P, protobuf: {why}"}
    assert files.channels.keys() == {"/add/_service_event"}


@pytest.mark.parametrize("name", ["bag.mcap", "bag.db3", "bag.mcap.zstd"])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    assert f"{name}: it is a named pipe (FIFO), and only regular files are read" in refused(tmp_path / name)


def test_metadata_that_are_a_pipe_are_refused_too(tmp_path):
    os.mkfifo(tmp_path / "metadata.yaml")
    assert "it is a named pipe (FIFO)" in refused(tmp_path)
