"""The files .db3 of bags: databases of SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import quote

from vision_service.camera.bag_storage import Channel, Entry


class SqliteStorage:
    """A file .db3; see :class:`~.bag_storage.Storage`."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            sqlite3.Error: If it is no database, or no bag's, or is damaged where it says what it has.
        """
        self._database = _open(path)
        counts = dict(self._database.execute("SELECT topic_id, COUNT(*) FROM messages GROUP BY topic_id"))
        topics = self._database.execute(
            "SELECT id, name, type, serialization_format FROM topics ORDER BY id"
        ).fetchall()
        self._names = {number: name for number, name, _, _ in topics}
        self.channels = [Channel(name, kind, form, counts.get(number, 0)) for number, name, kind, form in topics]
        first, last = self._database.execute("SELECT MIN(timestamp), MAX(timestamp) FROM messages").fetchone()
        self.start: int = 0 if first is None else first
        self.end: int = 0 if last is None else last + 1
        self.remark = ""

    def messages(self, topics: Collection[str], start: int) -> Iterator[Entry]:
        """Yield the messages of some topics from a time on, in the order of their times."""
        wanted = [number for number, name in self._names.items() if name in topics]
        query = (
            f"SELECT timestamp, topic_id, data FROM messages WHERE topic_id IN ({', '.join('?' * len(wanted))}) "  # noqa: S608
            "AND timestamp >= ? ORDER BY timestamp"
        )
        for time, number, data in self._database.execute(query, (*wanted, start)):
            yield time, self._names[number], data

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def _open(path: Path) -> sqlite3.Connection:
    """Return a database that is only read, by any thread, one at a time.

    What a recorder that was stopped hard has written beside it (a write-ahead log) is read too, if that can be.
    """
    name = f"file:{quote(str(path))}?mode=ro"
    if path.with_name(f"{path.name}-wal").exists():
        try:
            database = sqlite3.connect(name, uri=True, check_same_thread=False)
            database.execute("SELECT COUNT(*) FROM topics").fetchone()
        except sqlite3.OperationalError:  # for that, SQLite must be able to write beside the file
            database.close()
        else:
            return database
    return sqlite3.connect(f"{name}&immutable=1", uri=True, check_same_thread=False)
