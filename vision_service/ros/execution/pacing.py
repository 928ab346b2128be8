"""Responses of a service are sent no faster than its clients take them.

With Fast DDS every response of a service reaches every client of it, and a client keeps the newest 10 unless it asks
for more. A client of rclpy takes one at a time: of many responses at once, its own is lost before its turn comes.
Nothing tells the service who has taken what, or how much a client keeps, so responses go in small groups, and further
ones at a rate that clients can follow. A caller who is alone is not held up, nor are few of them.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from rclpy.node import Node
from rclpy.service import Service
from rclpy.utilities import get_rmw_implementation_identifier

from vision_service.ros.execution.coroutines import Runner, Task

OUR_CLIENT = "_vision_client_"
"""How the names of the hidden nodes begin by which our own clients call."""
GROUP = 5
"""How many responses are sent at once: half of what clients keep."""
PERIOD_OF_CLIENT = 0.00025
"""How long each client needs to take a response, seconds: those of one host take turns on its processors. With 0.1 ms
24 clients in three processes on two busy cores lost 26 of 384 responses, with 0.2 ms 4 of 1536, with this none."""
SHORTEST, LONGEST = 0.0003, 0.01
"""Between two responses, seconds: an executor of rclpy's turns not faster; with very many clients calls still end."""
CALLS_OF_ONE = 64
"""How many calls one client may have under way; of several, each mostly waits for its last one."""
ALONE = 0.05
"""After how long others have taken their responses, seconds, so that a single caller need not wait for them."""
LOOK_PERIOD = 1.0
"""How long what was seen of the clients is taken for true, seconds."""


class Pace:
    """When the responses of one service are sent; every method may be called from any thread."""

    def __init__(self, clients: Callable[[], int], now: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing sent.

        Args:
            clients: Returns how many clients of the service may lose responses.
            now: The clock of the executor's ``call_at``, seconds.
        """
        self._clients = clients
        self._now = now
        self._lock = threading.Lock()
        self._pending = 0
        self._sequence = 0
        self._alone_since = 0.0
        self._period = SHORTEST
        self._at_once = 0
        self._untaken = 0.0  # how many responses have not been taken yet, when the last one was sent
        self._sent = 0.0
        self._look_at = -math.inf
        self._waiting: deque[Callable[[], object]] = deque()

    def begin(self, sequence: int) -> None:
        """Note a request.

        Args:
            sequence: Its number. Each client counts its requests by itself: who goes on counting has taken the response
                before.
        """
        with self._lock:
            if self._pending or sequence != self._sequence + 1:
                self._alone_since = self._now()
            self._pending += 1
            self._sequence = sequence

    def turn(self) -> Turn | None:
        """Return what to await before the response to a request is sent, None = nothing; to be asked once for each."""
        now = self._now()
        with self._lock:
            self._pending -= 1
            if self._pending:
                self._alone_since = now
            elif now - self._alone_since > ALONE:
                self._count(now)
                return None
            looks = now >= self._look_at
            if looks:
                self._look_at = now + LOOK_PERIOD
        if looks:
            clients = self._clients()
            self._at_once = CALLS_OF_ONE if clients == 1 else clients
            self._period = min(max(SHORTEST, clients * PERIOD_OF_CLIENT), LONGEST)
        with self._lock:
            room = not self._waiting and self._left(now) + 1 <= GROUP
            if room or len(self._waiting) + GROUP >= self._at_once:
                self._count(now)
                return None
        return Turn(self._wait)

    def _left(self, now: float) -> float:
        """Return how many responses have not been taken yet."""
        return max(self._untaken - (now - self._sent) / self._period, 0.0)

    def _count(self, now: float) -> None:
        """Count a response that is sent."""
        self._untaken, self._sent = min(self._left(now) + 1, GROUP), now

    def _wait(self, task: Task) -> None:
        """Resume a task when it is its turn."""
        with self._lock:
            self._waiting.append(task.runner())
            first = len(self._waiting) == 1
            now = self._now()
            due = now + max(0.0, self._left(now) + 1 - GROUP) * self._period
        if first:
            task.executor.call_at(due, partial(self._next, task.executor))

    def _next(self, executor: Runner) -> None:
        """Resume who has waited longest; one at a time, however late this is called."""
        with self._lock:
            resume, now = self._waiting.popleft(), self._now()
            self._count(now)
            if self._waiting:
                executor.call_at(now + self._period, partial(self._next, executor))
        resume()


class Turn:
    """What a coroutine awaits before it sends a response."""

    def __init__(self, wait: Callable[[Task], None]) -> None:
        """Take what has a task resumed."""
        self.attach = wait

    def __await__(self) -> Generator[Turn, None, None]:
        """Wait."""
        yield self


def clients_that_may_lose(node: Node, service: str) -> int:
    """Return how many clients of a service may lose responses; ours keep all, and so do those of other middleware.

    Args:
        node: Whose service it is.
        service: The service's full name.
    """
    if not get_rmw_implementation_identifier().startswith("rmw_fastrtps"):
        return 0
    readers = node.get_subscriptions_info_by_topic(f"rr{service}Reply", no_mangle=True)
    return sum(not reader.node_name.startswith(OUR_CLIENT) for reader in readers)


_paces: WeakKeyDictionary[Any, Pace] = WeakKeyDictionary()


def keep_pace(node: Node, service: Service) -> None:
    """Let a service's responses be sent no faster than its clients take them."""
    name = node.resolve_service_name(service.srv_name)
    _paces[service] = Pace(partial(clients_that_may_lose, node, name))


def pace_of(service: Service) -> Pace | None:
    """Return a service's pace; None = it has none."""
    return _paces.get(service)
