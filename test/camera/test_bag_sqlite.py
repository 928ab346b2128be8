"""The databases of bags."""

import shutil
import sqlite3

import pytest

from vision_service.camera.bag_sqlite import SqliteStorage
from vision_service.camera.bag_storage import Channel

SCHEMA = (
    "CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT, type TEXT, serialization_format TEXT, offered TEXT)",
    "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, data BLOB)",
)


def filled(path, times):
    """Return an open database with a message of each topic at each time."""
    database = sqlite3.connect(path)
    for line in SCHEMA:
        database.execute(line)
    database.execute("INSERT INTO topics VALUES (1, '/one', 'std_msgs/msg/String', 'cdr', '')")
    database.execute("INSERT INTO topics VALUES (7, '/two', 'a/msg/B', 'wrong_format', '')")
    for time in times:
        for topic in (1, 7):
            database.execute("INSERT INTO messages VALUES (NULL, ?, ?, ?)", (topic, time, f"{topic} {time}".encode()))
    database.commit()
    return database


def test_messages_come_in_the_order_of_time(tmp_path):
    filled(tmp_path / "a bag?.db3", [30, 10, 20]).close()
    storage = SqliteStorage(tmp_path / "a bag?.db3")
    assert storage.channels == [
        Channel("/one", "std_msgs/msg/String", "cdr", 3),
        Channel("/two", "a/msg/B", "wrong_format", 3),
    ]
    assert (storage.start, storage.end, storage.remark) == (10, 31, "")
    assert list(storage.messages(["/one"], 0)) == [(time, "/one", f"1 {time}".encode()) for time in (10, 20, 30)]
    assert [time for time, _, _ in storage.messages(["/one", "/two"], 20)] == [20, 20, 30, 30]
    storage.close()
    storage.close()


def test_no_messages_are_none(tmp_path):
    filled(tmp_path / "bag.db3", []).close()
    storage = SqliteStorage(tmp_path / "bag.db3")
    assert storage.end <= storage.start
    assert list(storage.messages(["/one"], 0)) == []


def test_what_a_recorder_that_was_killed_left_beside_the_file_is_read(tmp_path):
    database = sqlite3.connect(tmp_path / "open.db3")
    database.execute("PRAGMA journal_mode=WAL")
    database.close()
    open_still = filled(tmp_path / "open.db3", [1, 2, 3])
    for ending in ("", "-wal"):
        shutil.copy(tmp_path / f"open.db3{ending}", tmp_path / f"left.db3{ending}")
    open_still.close()
    storage = SqliteStorage(tmp_path / "left.db3")
    assert [time for time, _, _ in storage.messages(["/one"], 0)] == [1, 2, 3]


@pytest.mark.parametrize("content", [b"", b"no database" * 100])
def test_what_is_no_bag_is_refused(tmp_path, content):
    (tmp_path / "bag.db3").write_bytes(content)
    with pytest.raises(sqlite3.Error):
        SqliteStorage(tmp_path / "bag.db3")
