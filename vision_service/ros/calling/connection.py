"""The connection to ROS that all clients of a process share: one hidden node and one thread for each context.

A participant of DDS costs some ten threads and 25 MB, and has to be discovered; one serves any number of clients.
"""

from __future__ import annotations

import atexit
import itertools
import math
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

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
from vision_service.ros.calling.forking import never_destroy
from vision_service.ros.calling.graph import vision_services
from vision_service.ros.execution.coroutines import Timeout
from vision_service.ros.execution.pacing import OUR_CLIENT
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


class Registry(Protocol):
    """What knows the connections of the process.

    Attributes:
        lock: Held while a connection begins or is forgotten; taken before those of connections.
    """

    lock: threading.Lock

    def forget(self, connection: Connection) -> None:
        """Let the next client begin a new connection; the lock is held."""


class Connection:
    """A hidden node of a context, by which all clients of that context call; see `connections.connect`.

    Attributes:
        node: The hidden node.
    """

    def __init__(self, context: Context, registry: Registry, *, own: bool) -> None:
        """Start the hidden node.

        Args:
            context: Initialized.
            registry: What is told when nobody may begin to use this connection any more.
            own: Whether the context is to be shut down with this connection.
        """
        self._registry = registry
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
        with self._registry.lock, self._lock:
            if user not in self._users or self._ended == FORKED:
                return
            self._users.remove(user)
            last = not self._users
            if last:
                self._registry.forget(self)
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
        with self._registry.lock:
            self._registry.forget(self)
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
        never_destroy(self)
