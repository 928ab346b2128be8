"""The connection to ROS that all clients of a process share: one hidden node and one thread for each context.

A participant of DDS costs some ten threads and 25 MB, and has to be discovered; one serves any number of clients.
"""

from __future__ import annotations

import atexit
import ctypes
import itertools
import math
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakSet

import rclpy
from rclpy.client import Client
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy

from vision_service.configuration import did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.futures import settle
from vision_service.ros.calling.answers import Answer
from vision_service.ros.execution.coroutines import Timeout
from vision_service.ros.execution.pacing import OUR_CLIENT
from vision_service.ros.process.dds import choose_profile
from vision_service.ros.process.initializing import initialize
from vision_service.ros.process.spinning import Spinner

DISCOVERY_PERIOD = 0.05
"""How often we look whether a service that was not there has come, seconds."""
CLOSED = "this client was closed"
SHUT_DOWN = "ROS was shut down"
FORKED = "it was made before this process was forked: make a new client"
QOS = QoSProfile(history=HistoryPolicy.KEEP_ALL, reliability=ReliabilityPolicy.RELIABLE)
_numbers = itertools.count()


@dataclass(eq=False)
class Service:
    """A service client that all share who call the same service.

    Every response of a service reaches every service client of it, so that many of the same would cost each call more.

    Attributes:
        client: rclpy's.
        users: Who has called it.
    """

    client: Client
    users: set[object]


@dataclass(eq=False)
class _Pending:
    """One call under way."""

    user: object
    service: Service
    request: Any
    convert: Callable[[Any], Any]
    ends: float
    answer: Answer
    sent: Any = None
    look: Timeout | None = None


class Connection:
    """A hidden node of a context, by which all clients of that context call; see `connect`.

    Attributes:
        node: The hidden node.
    """

    def __init__(self, context: Context, *, own: bool) -> None:
        """Start the hidden node.

        Args:
            context: Initialized.
            own: Whether the context is to be shut down with this connection.
        """
        self._own = own
        self.node = Node(
            f"{OUR_CLIENT}{os.getpid()}_{next(_numbers)}",
            context=context,
            use_global_arguments=False,
            start_parameter_services=False,
            parameter_overrides=[Parameter("start_type_description_service", value=False)],
            enable_rosout=False,
        )
        self._services: dict[tuple[type, str], Service] = {}
        self._users: set[object] = set()
        self._pending: set[_Pending] = set()
        self._watch: Timeout | None = None
        self._watched = math.inf
        self._lock = threading.RLock()
        """Of all that belongs to the connection. No function of a user's runs under it."""
        self._ended = ""
        self._disposed = False
        self._spinner = Spinner(self.node, ended=self._shut_down)

    def enter(self, user: object) -> bool:
        """Begin to use the connection; return False if it has ended meanwhile."""
        with self._lock:
            if self._ended or not self.node.context.ok():
                return False
            self._users.add(user)
            return True

    def leave(self, user: object) -> None:
        """Use the connection no more, which ends with its last user; calls under way fail with NOT_ACTIVE."""
        with _registry.lock, self._lock:
            if user not in self._users or self._ended == FORKED:
                return
            self._users.remove(user)
            last = not self._users
            if last:
                _registry.forget(self)
        with self._lock:
            self._refuse([pending for pending in self._pending if pending.user is user], CLOSED)
            self._drop_services(user)
        if last:
            self.close()

    def call(
        self,
        user: object,
        kind: Any,
        service: str,
        request: Any,
        convert: Callable[[Any], Any],
        ends: float,
        answer: Answer,
    ) -> None:
        """Call a service.

        Args:
            user: Who calls; has entered.
            kind: The service type.
            service: Its full name.
            request: The request.
            convert: Makes the answer of the response; it runs in the receiving thread, so it must not wait.
            ends: When the call is given up, on the clock of ``time.monotonic``.
            answer: What gets the outcome.

        Raises:
            VisionError: NOT_ACTIVE, if the user has left, or the connection has ended.
        """
        with self._lock:
            if user not in self._users or self._ended:
                reason = self._ended if self._ended == FORKED or user in self._users else CLOSED
                raise VisionError(ErrorCode.NOT_ACTIVE, f"{service}: {reason}")
            pending = _Pending(user, self._service(user, kind, service), request, convert, ends, answer)
            self._pending.add(pending)
            error = self._advance(pending)
            if error is not None:
                self._end(pending, error)

    def _service(self, user: object, kind: type, name: str) -> Service:
        """Return what calls a service, made by the first user of it."""
        service = self._services.get((kind, name))
        if service is None:
            try:
                service = Service(self.node.create_client(kind, name, qos_profile=QOS), set())
            except Exception as error:
                if self.node.context.ok():
                    raise
                raise VisionError(ErrorCode.NOT_ACTIVE, f"{name}: {SHUT_DOWN}") from error
            self._services[kind, name] = service
        service.users.add(user)
        return service

    def _drop_services(self, user: object) -> None:
        """Destroy the service clients that nobody uses any more."""
        for key, service in list(self._services.items()):
            service.users.discard(user)
            if not service.users:
                del self._services[key]
                with suppress(Exception):  # ROS may be shut down at this moment
                    self.node.destroy_client(service.client)

    def _advance(self, pending: _Pending) -> VisionError | None:
        """Send a call whose service is there, and look again when its time or the next look has come.

        Returns:
            Why it cannot be sent at all, or None.
        """
        client = pending.service.client
        try:
            if pending.sent is None and client.service_is_ready():
                pending.sent = client.call_async(pending.request)
                pending.sent.add_done_callback(lambda sent: self._arrived(pending, sent))
        except Exception as error:
            cause = error.__cause__ or error  # a SystemError, of a value that the message cannot hold
            msg = f"{client.srv_name} cannot be called: {type(cause).__name__}: {cause}"
            if not self.node.context.ok():
                return VisionError(ErrorCode.NOT_ACTIVE, msg)
            wrong = isinstance(error, (SystemError, OverflowError, TypeError, AssertionError, UnicodeError))
            return VisionError(ErrorCode.INVALID_ARGUMENT if wrong else ErrorCode.INTERNAL, msg)
        if pending not in self._pending:  # it is answered already
            return None
        if pending.look is not None:
            pending.look.cancel()
            pending.look = None
        if pending.sent is not None:
            self._watch_until(pending.ends)
        else:
            when = min(pending.ends, time.monotonic() + DISCOVERY_PERIOD)
            pending.look = self._spinner.executor.call_at(when, partial(self._look, pending))
        return None

    def _watch_until(self, ends: float) -> None:
        """Look at a time, unless it is looked before, for calls that are late; the lock is held.

        It is not taken back when calls are answered: to set it anew for each would wake the receiving thread each time.
        """
        if ends < self._watched:
            if self._watch is not None:
                self._watch.cancel()
            self._watched = ends
            self._watch = self._spinner.executor.call_at(ends, self._look_for_late)

    def _look_for_late(self) -> None:
        """End the calls that are late; in the receiving thread."""
        with self._lock:
            now = time.monotonic()
            self._watch, self._watched = None, math.inf
            sent = [pending for pending in self._pending if pending.sent is not None]
            late = [pending for pending in sent if now >= pending.ends]
            self._watch_until(min((pending.ends for pending in sent if now < pending.ends), default=math.inf))
        for pending in late:
            self._end(pending, self._late(pending))

    def _look(self, pending: _Pending) -> None:
        """Send a call if that can be done now, or end it if it is late; in the receiving thread."""
        error: VisionError | None = None
        with self._lock:
            late = pending in self._pending and time.monotonic() >= pending.ends
            if pending in self._pending and not late and pending.sent is None:
                error = self._advance(pending)
        if late:
            error = self._late(pending)  # the graph is not looked at under the lock
        if error is not None:
            self._end(pending, error)

    def _arrived(self, pending: _Pending, sent: Any) -> None:
        """Take a response."""
        try:
            outcome = pending.convert(sent.result())
        except VisionError as error:
            outcome = error
        except Exception as error:
            name = pending.service.client.srv_name
            msg = f"the answer of {name} cannot be read: {type(error).__name__}: {error}"
            outcome = VisionError(ErrorCode.INTERNAL, msg)
            outcome.__cause__ = error
        self._end(pending, outcome)

    def _end(self, pending: _Pending, outcome: Any) -> None:
        """Give a call its outcome, unless it has one: under the lock, so that a fork finds all of it or nothing."""
        with self._lock:
            if pending not in self._pending:
                return
            self._pending.remove(pending)
            if pending.look is not None:
                pending.look.cancel()
            if pending.sent is not None:
                pending.service.client.remove_pending_request(pending.sent)  # one that comes too late is dropped
            settle(pending.answer, outcome)

    def _refuse(self, waiting: list[_Pending], why: str) -> None:
        for pending in waiting:
            self._end(pending, VisionError(ErrorCode.NOT_ACTIVE, why))

    def _late(self, pending: _Pending) -> VisionError:
        name = pending.service.client.srv_name
        try:
            if pending.sent is not None:
                return VisionError(ErrorCode.DEADLINE_EXCEEDED, f"{name} did not answer in time")
            known = vision_services(self.node)
        except Exception as error:  # ROS may be shut down at this moment
            return VisionError(ErrorCode.NOT_ACTIVE, f"{name} was not called: {type(error).__name__}: {error}")
        if name in known:
            msg = f"the service {name} is a {known[name]}, not a {pending.service.client.srv_type.__name__}"
            return VisionError(
                ErrorCode.UNKNOWN_RESOURCE, f"{msg}: {name.rpartition('/')[0]} is a node of another kind"
            )
        hint = did_you_mean(name, known) if known else ": there are no vision services on the graph"
        msg = f"no service {name}{hint} (is its node running, and ROS_DOMAIN_ID the same here and there?)"
        return VisionError(ErrorCode.UNKNOWN_RESOURCE, msg)

    def _shut_down(self) -> None:
        """End, because somebody has shut down the context; in the receiving thread."""
        with _registry.lock:
            _registry.forget(self)
        with self._lock:
            failure = self._spinner.failure
            why = SHUT_DOWN if failure is None else f"the connection to ROS failed: {failure}"
            self._ended = self._ended or why
            self._refuse(list(self._pending), why)
        self.close()

    def close(self) -> None:
        """End now; may be called twice."""
        with self._lock:
            if self._disposed:
                return
            self._disposed = True
        self._spinner.stop()
        self.node.destroy_node()
        if self._own:
            rclpy.try_shutdown(context=self.node.context)

    # For the registry, when the process is forked.

    def hold(self) -> None:
        """Let nothing happen here until released."""
        self._lock.acquire()

    def release(self) -> None:
        """Let calls and messages come again."""
        self._lock.release()

    def abandon(self) -> None:
        """End in a forked process, which has neither the threads nor the sockets: whoever waits gets NOT_ACTIVE."""
        self._lock = threading.RLock()
        self._ended, self._disposed = FORKED, True
        atexit.unregister(self._spinner.stop)
        waiting, self._pending = self._pending, set()
        for pending in waiting:
            pending.answer.abandon(VisionError(ErrorCode.NOT_ACTIVE, FORKED))
        _never_destroy(self)


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
                connection = self._own = Connection(own, own=True)
            except BaseException:
                rclpy.try_shutdown(context=own)
                raise
        else:
            if not context.ok():
                msg = f"{SHUT_DOWN}, or its context not initialized, before this client was made"
                raise VisionError(ErrorCode.NOT_ACTIVE, msg)
            try:
                connection = self._connections[context] = Connection(context, own=False)
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
            _never_destroy(context)
        self._foreign += self._copied
        self._connections.clear()
        self._own = None
        for connection in held:
            connection.abandon()
        if self._copied:
            _leave_statics_alone()

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


def vision_services(node: Node) -> dict[str, str]:
    """Return the names of all services of this package on the graph, each with its type's name."""
    return {
        name: types[0].removeprefix("vision_service/srv/")
        for name, types in node.get_service_names_and_types()
        if types[0].startswith("vision_service/srv/") and node.count_services(name)
    }


def _never_destroy(item: object) -> None:
    """Keep something even when Python goes: its destructor would wait for threads that this process has not."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(item))


def _leave_statics_alone() -> None:
    """Have this process end without the destructors of what it has copied.

    DDS's would join threads that are not here, which aborts, and tell everybody that the participant of the other
    process has gone. What is registered later, as that of the participants of this process, runs before.
    """
    libc = ctypes.CDLL(None)
    with suppress(AttributeError):  # on_exit is glibc's
        libc.on_exit(ctypes.cast(libc._exit, ctypes.c_void_p), None)
        libc.__cxa_atexit(ctypes.cast(libc.fflush, ctypes.c_void_p), None, None)


_registry = _Registry()
atexit.register(_registry.close)
os.register_at_fork(before=_registry.hold, after_in_parent=_registry.release, after_in_child=_registry.begin_anew)
