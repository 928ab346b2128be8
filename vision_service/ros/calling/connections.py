"""The connections of this process, one for each context, also when it is forked."""

from __future__ import annotations

import atexit
import os
import threading
from contextlib import suppress
from weakref import WeakSet

import rclpy
from rclpy.context import Context

from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.calling.connection import SHUT_DOWN, Connection
from vision_service.ros.calling.forking import leave_statics_alone, never_destroy
from vision_service.ros.process.dds import choose_profile
from vision_service.ros.process.initializing import initialize


class _Registry:
    """The connections of this process.

    Attributes:
        lock: Held while a connection begins, so that clients that begin together share one; taken before those of
            connections.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._connections: dict[Context, Connection] = {}
        self._own: Connection | None = None
        self._living: WeakSet[Connection] = WeakSet()
        self._held: list[Connection] = []
        self._copied: list[Context] = []
        self._foreign: list[Context] = []

    def connect(self, user: object, context: Context | None) -> Connection:
        with self.lock:
            if context is None or self._is_foreign(context):
                default = rclpy.get_default_context()
                context = default if default.ok() and not self._is_foreign(default) else None
            known = self._own if context is None else self._connections.get(context)
            if known is not None and known.enter(user):
                return known
            connection = self._begin(context)
            if not connection.enter(user):  # it closes itself
                raise VisionError(ErrorCode.NOT_ACTIVE, f"{SHUT_DOWN} while this client was made")
            return connection

    def forget(self, connection: Connection) -> None:
        """Let the next client begin a new connection; the lock is held."""
        if self._own is connection:
            self._own = None
        if self._connections.get(connection.node.context) is connection:
            del self._connections[connection.node.context]

    def _begin(self, context: Context | None) -> Connection:
        if context is None:
            choose_profile()
            own = Context()
            initialize(None, context=own)
            try:
                connection = self._own = Connection(own, self, own=True)
            except BaseException:
                rclpy.try_shutdown(context=own)
                raise
        else:
            if not context.ok():
                msg = f"{SHUT_DOWN}, or its context not initialized, before this client was made"
                raise VisionError(ErrorCode.NOT_ACTIVE, msg)
            try:
                connection = self._connections[context] = Connection(context, self, own=False)
            except Exception as error:
                if context.ok():
                    raise
                raise VisionError(ErrorCode.NOT_ACTIVE, f"{SHUT_DOWN} while this client was made") from error
        self._living.add(connection)
        return connection

    def _is_foreign(self, context: Context) -> bool:
        return any(context is each for each in self._foreign)

    # A forked process has a copy of all objects, and of threads only the one that forked.

    def hold(self) -> None:
        """Prepare for a fork: the copy is to find everything whole."""
        self.lock.acquire()
        self._held = list(self._living)
        self._copied = [connection.node.context for connection in self._held]
        default = rclpy.get_default_context()
        if default.ok():
            self._copied.append(default)
        for connection in self._held:
            connection.hold()

    def release(self) -> None:
        """Go on in the process that has forked."""
        held, self._held = self._held, []
        for connection in held:
            connection.release()
        self.lock.release()

    def begin_anew(self) -> None:
        """Leave the connections to the process that was copied, and use its contexts no more."""
        self.lock = threading.Lock()
        held, self._held = self._held, []
        for context in self._copied:
            never_destroy(context)
        self._foreign += self._copied
        self._connections.clear()
        self._own = None
        for connection in held:
            connection.abandon()
        if self._copied:
            leave_statics_alone()

    def close(self) -> None:
        """Close all connections, because the process ends: others need not wait then for signs of life."""
        for connection in list(self._living):
            with suppress(Exception):  # ROS may have gone before
                connection.close()


def connect(user: object, context: Context | None = None) -> Connection:
    """Return the connection of a context, a new one if there is none; `user` has entered it, and is to leave it.

    Args:
        user: Who is going to call.
        context: None = the default one; where that is not initialized, one of our own, for all who have none.

    Raises:
        VisionError: NOT_ACTIVE, if the context was shut down.
    """
    return _registry.connect(user, context)


_registry = _Registry()
atexit.register(_registry.close)
os.register_at_fork(before=_registry.hold, after_in_parent=_registry.release, after_in_child=_registry.begin_anew)
