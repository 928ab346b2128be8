"""The control page's recording: what is kept while it is armed, and what is saved."""

import threading
import zipfile

import numpy as np
import pytest

from vision_service.control.recorded_moment import Moment
from vision_service.control.recording import Recording, safe_name, save, zipped
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import encode
from vision_service.pointcloud.objects import object_of
from vision_service.types import Detection, PointCloud

JPEG = encode(np.zeros((30, 40, 3), np.uint8), "image/jpeg")


def moment(number=0, jpeg=JPEG, **values):
    return Moment(stamp=number * 10**8, jpeg=jpeg, width=40, height=30, camera="front", **values)


def stamps(recording):
    return [kept.stamp // 10**8 for kept in recording.moments()]


def test_nothing_is_kept_before_it_is_armed_nor_after_it_is_disarmed():
    recording = Recording()
    assert not recording.add(moment(1))
    recording.arm()
    assert recording.add(moment(2))
    recording.disarm()
    assert not recording.add(moment(3))
    assert stamps(recording) == [2], "what is kept stays, to be saved"
    recording.clear()
    assert recording.status() == {
        "armed": False, "seconds": 30.0, "images": 0, "kept_seconds": 0.0, "bytes": 0, "most_bytes": 64 << 20,
        "full": False,
    }  # fmt: skip


def test_what_is_older_than_the_last_seconds_goes():
    recording = Recording()
    recording.arm(30.0)
    for number in range(3):
        recording.add(moment(number))
    recording.arm(1e-9)
    recording.add(moment(7))
    assert len(recording.moments()) <= 1


def test_the_oldest_goes_where_memory_is_full_and_that_is_said():
    recording = Recording(most_bytes=100_000)
    recording.arm()
    for number in range(10):
        recording.add(moment(number, bytes(30_000)))
    assert stamps(recording) == [7, 8, 9]
    status = recording.status()
    assert status["full"]
    assert status["bytes"] <= 100_000
    assert not recording.add(moment(10, bytes(200_000))), "what does not fit at all pushes nothing out"
    assert stamps(recording) == [7, 8, 9]


def test_results_count_too_and_points_of_objects_are_not_kept():
    recording = Recording()
    recording.arm()
    recording.add(moment(found={"detect": [Detection("cat", 0.5, 1, 2, 3, 4)] * 1000}))
    assert recording.status()["bytes"] > 100_000
    recording.clear()
    item = object_of(PointCloud(np.random.default_rng(1).random((5000, 3), np.float32)), label="box", confidence=0.5)
    recording.add(moment(found={"segment": [item]}))
    (kept,) = recording.moments()
    assert len(kept.found["segment"][0].cloud) == 0
    assert kept.found["segment"][0].label == "box"
    assert recording.status()["bytes"] < 5000


def test_any_number_of_threads_may_add():
    recording = Recording(most_bytes=200_000)
    recording.arm()
    threads = [threading.Thread(target=lambda: [recording.add(moment()) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recording.disarm()
    assert 0 < recording.status()["bytes"] <= 200_000


@pytest.mark.parametrize("seconds", [0.0, -1.0, 601.0, float("nan")])
def test_an_impossible_time_is_refused(seconds):
    with pytest.raises(VisionError, match="at most 600"):
        Recording().arm(seconds)


def test_nothing_recorded_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(VisionError, match="arm the recording") as caught:
        save([], "coco", tmp_path)
    assert caught.value.code == ErrorCode.NO_FRAME
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(VisionError, match="'avi': the forms are bag, coco"):
        save([moment()], "avi", tmp_path)


def test_names_are_safe_and_nothing_is_overwritten(tmp_path):
    folder = tmp_path / "made" / "for it"
    saved = [save([moment()], "coco", folder, name="../../étc/passwd \0") for _ in range(3)]
    assert [item.path.name for item in saved] == ["etc_passwd", "etc_passwd_2", "etc_passwd_3"]
    assert all(item.path.parent == folder for item in saved)
    assert sorted(path.name for path in folder.iterdir()) == ["etc_passwd", "etc_passwd_2", "etc_passwd_3"]
    unnamed = save([moment()], "coco", folder, name="../..")
    assert unnamed.path.name.startswith("front_")
    assert unnamed.path.name.endswith("_coco")


@pytest.mark.parametrize("name", ["", ".", "..", "///", "日本", "-rf"])
def test_a_name_of_nothing_safe_is_none(name):
    assert safe_name(name) in ("", "rf")
    assert len(safe_name("a" * 500)) == 80


def test_a_folder_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(VisionError, match="cannot be written") as caught:
        save([moment()], "coco", tmp_path / "file")
    assert caught.value.code == ErrorCode.INTERNAL


def test_what_was_saved_can_be_fetched_as_one_file(tmp_path):
    saved = save([moment(1), moment(2)], "coco", tmp_path, name="set")
    archive = zipped(saved.path)
    assert archive.name == "set.zip"
    with zipfile.ZipFile(archive) as file:
        assert sorted(file.namelist()) == ["set/annotations.json", "set/images/000001.jpg", "set/images/000002.jpg"]
        assert file.read("set/images/000001.jpg") == JPEG
