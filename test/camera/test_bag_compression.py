"""What is compressed in a bag takes no more memory and disk than there is for it."""

import numpy as np
import pytest

import bags
from vision_service.camera import bag_compression
from vision_service.camera.bag_compression import decompressed
from vision_service.camera.bag_files import BagFiles
from vision_service.errors import VisionError

zstandard = pytest.importorskip("zstandard")
DATA = bytes(range(256)) * 1000


@pytest.fixture
def folder(tmp_path):
    """Return what writes a bag of one image of a megabyte, and returns its folder."""
    image = bags.image(np.zeros((1000, 1000), np.uint8), 1, "mono8")
    return lambda storage, compression: bags.write(tmp_path / "bag", [("/image_raw", image)], storage, compression)


def messages(path):
    files = BagFiles(path)
    try:
        return list(files.messages(["/image_raw"], 0))
    finally:
        files.close()


@pytest.mark.parametrize("sized", [True, False])
def test_a_message_is_decompressed_whether_it_says_its_size_or_not(sized):
    compressor = zstandard.ZstdCompressor(write_content_size=sized)
    assert decompressed(compressor.compress(DATA)) == DATA


@pytest.mark.parametrize("sized", [True, False])
def test_a_message_that_holds_too_much_is_refused_before_it_takes_the_memory(monkeypatch, sized):
    monkeypatch.setattr(bag_compression, "LARGEST_PART", len(DATA) - 1)
    compressor = zstandard.ZstdCompressor(write_content_size=sized)
    with pytest.raises(ValueError, match="holds more than"):
        decompressed(compressor.compress(DATA))


def test_of_a_message_that_is_cut_off_there_is_the_beginning():
    pieces = zstandard.ZstdCompressor().compressobj()
    data = pieces.compress(DATA) + pieces.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    assert decompressed(data) == DATA


@pytest.mark.parametrize(("storage", "compression"), [("mcap", "storage"), ("sqlite3", "message")])
def test_a_part_of_a_bag_that_holds_too_much_is_an_error_that_says_so(folder, monkeypatch, storage, compression):
    path = folder(storage, compression)
    assert len(messages(path)) == 1
    monkeypatch.setattr(bag_compression, "LARGEST_PART", 500_000)
    with pytest.raises((ValueError, VisionError), match="holds more than"):
        messages(path)


def test_a_file_is_not_decompressed_onto_a_disk_that_would_be_full(folder, monkeypatch):
    path = folder("sqlite3", "file")
    monkeypatch.setattr(bag_compression, "ROOM_TO_LEAVE", 1 << 60)
    with pytest.raises(VisionError, match=r"no room .*TMPDIR"):
        messages(path)
