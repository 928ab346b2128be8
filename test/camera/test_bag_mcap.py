"""MCAP files in all forms in which recorders write and leave them, written by the library mcap."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("mcap", reason="no MCAP files: the package mcap is not installed")

from mcap.writer import CompressionType, IndexType, Writer

from vision_service.camera.bag_mcap import McapStorage
from vision_service.camera.bag_storage import Channel

START = 1_700_000_000_000_000_000
COUNT = 12
TOPICS = ("/one", "/two")

FORMS = {
    "plain": {},
    "lz4": {"compression": CompressionType.LZ4},
    "zstd": {"compression": CompressionType.ZSTD},
    "uncompressed": {"compression": CompressionType.NONE},
    "no chunks": {"use_chunking": False},
    "no indexes": {"index_types": IndexType.NONE},
    "no message indexes": {"index_types": IndexType.CHUNK},
    "no statistics": {"use_statistics": False},
    "no channels in the summary": {"repeat_channels": False, "repeat_schemas": False},
    "nothing but data": {
        "use_chunking": False,
        "use_statistics": False,
        "repeat_channels": False,
        "repeat_schemas": False,
        "use_summary_offsets": False,
        "index_types": IndexType.NONE,
    },
    "no ros2": {"profile": ""},
}


def content(number):
    return f"message {number} ".encode() * 20


def entry(number):
    return START + number * 1000, TOPICS[number % 2], content(number)


def written(profile="ros2", order=range(COUNT), chunk_size=700, **options):
    """Return the bytes of a file with messages of two topics, in chunks of a few."""
    file = io.BytesIO()
    writer = Writer(file, chunk_size=chunk_size, **options)
    writer.start(profile, "test")
    schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data")
    channels = {topic: writer.register_channel(topic, "cdr", schema) for topic in TOPICS}
    for number in order:
        time, topic, data = entry(number)
        writer.add_message(channels[topic], time, data, time)
    writer.finish()
    return file.getvalue()


def opened(folder, data):
    path = folder / "bag.mcap"
    path.write_bytes(data)
    return McapStorage(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mcap")


@pytest.mark.parametrize("form", FORMS)
class TestAFile:
    def test_has_the_messages_that_were_written(self, tmp_path, form):
        storage = opened(tmp_path, written(**FORMS[form]))
        kind = "std_msgs/msg/String"
        assert sorted(storage.channels, key=lambda channel: channel.topic) == [
            Channel(topic, kind, "cdr", COUNT // 2) for topic in TOPICS
        ]
        assert (storage.start, storage.end) == (START, START + (COUNT - 1) * 1000 + 1)
        assert storage.remark == ""
        assert list(storage.messages(TOPICS, 0)) == [entry(number) for number in range(COUNT)]

    def test_is_read_from_a_time_on_and_by_topic(self, tmp_path, form):
        storage = opened(tmp_path, written(**FORMS[form]))
        found = list(storage.messages(["/two"], START + 5 * 1000))
        assert found == [entry(number) for number in range(5, COUNT, 2)]

    def test_is_read_in_the_order_of_time(self, tmp_path, form):
        storage = opened(tmp_path, written(order=[3, 1, 2, 0, 7, 5, 4, 6, *range(8, COUNT)], **FORMS[form]))
        assert list(storage.messages(TOPICS, 0)) == [entry(number) for number in range(COUNT)]

    def test_that_was_not_closed_has_what_is_there(self, folder, form):
        data = written(**FORMS[form])
        before = 0
        for size in range(len(data) // 3, len(data), 41):
            storage = opened(folder, data[:size])
            found = list(storage.messages(TOPICS, 0))
            assert found == [entry(number) for number in range(len(found))]
            assert sum(channel.count for channel in storage.channels) == len(found)
            assert len(found) >= before
            before = len(found)
            assert "bag.mcap was not closed by its recorder" in storage.remark
            assert f"its {len(found)} messages" in storage.remark
        assert before == COUNT

    def test_that_goes_on_with_zeros_has_what_is_before_them(self, tmp_path, form):
        # As file systems leave what was not written to the disk before the power went.
        data = written(**FORMS[form])
        storage = opened(tmp_path, data[: len(data) // 2] + bytes(len(data)))
        found = list(storage.messages(TOPICS, 0))
        assert found == [entry(number) for number in range(len(found))]
        assert storage.remark


@pytest.mark.parametrize("form", ["lz4", "zstd", "uncompressed"])
def test_of_a_chunk_that_is_cut_off_what_was_written_is_read(tmp_path, form):
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 256, 100_000, np.uint8).tobytes() for _ in range(COUNT)]
    file = io.BytesIO()
    writer = Writer(file, chunk_size=1 << 24, **FORMS[form])
    writer.start("ros2", "test")
    channel = writer.register_channel("/one", "cdr", writer.register_schema("a/msg/B", "ros2msg", b""))
    for number, image in enumerate(images):
        writer.add_message(channel, START + number, image, START + number)
    writer.finish()
    data = file.getvalue()
    found = [data for _, _, data in opened(tmp_path, data[: len(data) * 3 // 4]).messages(["/one"], 0)]
    assert len(found) >= COUNT // 2
    assert found == images[: len(found)]


@pytest.mark.parametrize(
    ("encoding", "schema", "text", "kind"),
    [
        ("json", "jsonschema", b"{}", "foxglove.CompressedImage"),
        ("protobuf", "protobuf", b"\n\xff\xfe\x80descriptor", "foxglove.CompressedImage"),
        ("ros1", "ros1msg", b"uint8[] data", "sensor_msgs/Image"),
        ("cbor", "", b"", "anything"),
    ],
)
def test_what_is_not_ros_2_is_told_by_its_encoding(tmp_path, encoding, schema, text, kind):
    file = io.BytesIO()
    writer = Writer(file)
    writer.start("", "test")
    channel = writer.register_channel("/extra", encoding, writer.register_schema(kind, schema, text))
    writer.add_message(channel, START, b"{}", START)
    writer.add_message(writer.register_channel("/bare", "json", 0), START, b"{}", START)
    writer.finish()
    storage = opened(tmp_path, file.getvalue())
    assert list(storage.channels) == [Channel("/extra", kind, encoding, 1), Channel("/bare", "", "json", 1)]


@pytest.mark.parametrize("data", [b"", b"\x89MCAP0\r\n"[:5], b"PK\3\4" * 20])
def test_what_is_no_mcap_file_is_refused(tmp_path, data):
    with pytest.raises((ValueError, OSError)):
        opened(tmp_path, data)


def test_a_damaged_chunk_is_not_taken_for_a_whole_one(tmp_path):
    data = bytearray(written(**FORMS["uncompressed"]))
    position = data.index(b"message 3")
    data[position : position + 7] = b"damaged"
    storage = opened(tmp_path, bytes(data))
    with pytest.raises(ValueError, match="crc"):
        list(storage.messages(TOPICS, 0))


WHOLE = written()


@settings(max_examples=200)
@given(st.data())
def test_no_bytes_do_harm(folder, data):
    wild = bytearray(WHOLE[: data.draw(st.integers(0, len(WHOLE)))])
    for _ in range(data.draw(st.integers(0, 4))):
        if wild:
            wild[data.draw(st.integers(0, len(wild) - 1))] = data.draw(st.integers(0, 255))
    try:
        storage = opened(folder, bytes(wild))
        list(storage.messages(TOPICS, 0))
    except MemoryError:
        raise
    except Exception as error:  # of many kinds: who opens it calls it damaged
        assert not isinstance(error, AssertionError)
