"""An executor of our own: it remembers what it waits for, and resumes exactly the coroutine that can go on.

rclpy's own gathers all entities anew at every turn (a vision node has some thirty), and its tasks differ from release
to release. This one is no subclass of it: it has the methods that nodes, futures and actions of any rclpy call. What is
not documented it takes from :mod:`vision_service.ros.execution.compat`.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from types import CoroutineType
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.context import Context
from rclpy.exceptions import InvalidHandle
from rclpy.executors import ExternalShutdownException, ShutdownException
from rclpy.node import Node
from rclpy.task import Future
from rclpy.utilities import get_default_context

from vision_service.ros.execution import compat
from vision_service.ros.execution.coroutines import Task, Timeout, awaiting, calling, is_to_be_awaited
from vision_service.ros.execution.timeouts import Timeouts
from vision_service.ros.execution.wait_set import KINDS, WAITABLES, Take, WaitSet

MISFITS = (AttributeError, TypeError, NameError, ImportError)
"""What is raised by taking with an rclpy that is other than expected."""
TAKE_PAUSE = 0.01
"""After a failure to take what has come, seconds."""
SIGNAL_PATIENCE = 2.0
"""How long after a signal the context is watched, seconds: rclpy wakes executors first, and shuts it down then."""
SIGNAL_PERIOD = 0.01
"""How often it is looked at meanwhile, seconds."""


class Executor:
    """Runs callbacks in the thread that spins it, all that are ready in one turn.

    What callbacks raise goes to ``failed``; it never ends the spinning.
    """

    def __init__(
        self,
        *,
        context: Context | None = None,
        failed: Callable[[Any, BaseException], None] | None = None,
    ) -> None:
        """Begin without nodes.

        Args:
            context: rclpy's; None = the default one.
            failed: Called with the entity (or function) whose callback raised something, and what it raised, in the
                thread where it did; None = nobody is told.

        Raises:
            VisionError: NOT_SUPPORTED, if this rclpy lacks what is needed.
        """
        compat.check_rclpy()
        self._context = context or get_default_context()
        self._failed = failed or (lambda entity, error: None)
        self._nodes: dict[Node, None] = {}
        self._lock = threading.Lock()
        self._turn = threading.Lock()  # who has it runs callbacks
        self._ready: deque[tuple[Task, int]] = deque()
        self._polled: deque[tuple[Task, int]] = deque()
        self._tasks: set[Task] = set()
        self._exclusive = 0  # how many tasks keep a callback group from serving others
        self._timeouts = Timeouts()
        self._changed = True
        self._is_shutdown = False
        self._released = False
        self._asleep = False
        self._signalled_until = 0.0
        self._guard = compat.bare_guard(self._context)
        self._signals = compat.SignalHandlerGuardCondition(self._context)
        self._signal = self._signals.handle.pointer
        self._watched = WaitSet({}, (), self._context)
        self._context.on_shutdown(self.wake)

    # What rclpy calls.

    @property
    def context(self) -> Context:
        """Rclpy's."""
        return self._context

    def add_node(self, node: Node) -> bool:
        """Spin a node too; return False if it is spun already."""
        with self._lock:
            if node in self._nodes:
                return False
            self._nodes[node] = None
        node.executor = self
        self.wake()
        return True

    def remove_node(self, node: Node) -> None:
        """Spin a node no more."""
        with self._lock:
            self._nodes.pop(node, None)
        self.wake()

    def get_nodes(self) -> list[Node]:
        """Return the nodes that are spun."""
        with self._lock:
            return list(self._nodes)

    def wake(self) -> None:
        """Look again what there is to wait for; rclpy calls it whenever an entity comes or goes."""
        self._changed = True
        self._ring()

    def create_future(self) -> Future:
        """Return a future whose functions are called by this executor."""
        return Future(executor=self)

    def create_task(self, callback: Any, *args: Any, **kwargs: Any) -> Future:
        """Call a function, or run a coroutine, in the next turn; may be called in any thread.

        Args:
            callback: A function, one that returns an awaitable, or a coroutine.
            *args: The function's arguments.
            **kwargs: Likewise.

        Returns:
            A future of what it returns.
        """
        future = Future(executor=self)
        if self._released:
            future.cancel()
            return future

        def ended(task: Task, value: Any, error: BaseException | None) -> None:
            self._tasks.discard(task)
            if error is None:
                future.set_result(value)
                return
            future.set_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))
            future.exception()  # it is told here, so the future need not print it when it goes
            self._failed(callback, error)

        task = Task(calling(callback, args, kwargs), self, ended)
        self._tasks.add(task)
        self.schedule(task, 0)
        return future

    def begin(self, coroutine: Coroutine[Any, Any, Any]) -> bool:
        """Run a coroutine: at once in the calling thread, if this executor has nothing to do, else in the next turn.

        As always, no callback runs meanwhile. Where the coroutine waits, it is resumed as any other. What it raises is
        told to nobody but ``failed``.

        Returns:
            False if the executor has ended, and the coroutine does not run.
        """

        def ended(task: Task, value: Any, error: BaseException | None) -> None:
            self._tasks.discard(task)
            if error is not None:
                self._failed(coroutine, error)

        task = Task(coroutine, self, ended)
        at_once = self._asleep and self._turn.acquire(blocking=False)
        try:
            if self._released:
                task.close()
                return False
            self._tasks.add(task)
            if at_once:
                task.run()
            else:
                self.schedule(task, 0)
            return True
        finally:
            if at_once:
                self._turn.release()

    def _call_task_in_next_spin(self, task: Callable[[], object]) -> None:
        """Resume a task of rclpy's own, which its tasks and futures from 7.1.9 on ask their executor for."""
        self.create_task(task)

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Let the spinning end with ShutdownException; does not wait for it. May be called in any thread."""
        self._is_shutdown = True
        self._ring()
        return True

    # What else there is.

    def call_at(self, when: float, function: Callable[[], object]) -> Timeout:
        """Call a function in the thread that spins, at a time of ``time.monotonic``; may be called in any thread."""
        timeout, first = self._timeouts.add(when, function)
        if first:
            self._ring_if_asleep()
        return timeout

    def schedule(self, task: Task, ticket: int) -> None:
        """Resume a task in the next turn, if it waits with that ticket then; may be called in any thread."""
        self._ready.append((task, ticket))
        self._ring_if_asleep()

    def look_again(self, task: Task, ticket: int) -> None:
        """Resume a task once before the executor waits again, as it cannot be known when the task can go on."""
        self._polled.append((task, ticket))
        self._ring_if_asleep()

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait until something is ready, and serve all that is, scheduled tasks first.

        Args:
            timeout_sec: How long to wait, seconds; None = until something is ready.

        Raises:
            ShutdownException: The executor was shut down.
            ExternalShutdownException: The context was shut down.
            Exception: Waiting failed, or taking what has come does not work with this rclpy.
        """
        with self._turn:
            if self._changed:
                self._changed = False
                self._look()
            if self._is_shutdown:
                raise ShutdownException
            for _ in range(len(self._polled)):
                task, ticket = self._polled.popleft()
                task.run(ticket)
        self._asleep = True  # whoever schedules something from now on rings; what was before is seen here
        try:
            ready = self._watched.wait(self._patience(timeout_sec), exclusive=self._exclusive > 0)
        except InvalidHandle:  # an entity was destroyed in another thread, which is about to say so
            self._changed = True
            return
        finally:
            self._asleep = False
        with self._turn:
            self._take_turn(ready)

    def _take_turn(self, ready: Sequence[tuple[Take, Any]]) -> None:
        """Serve what is ready.

        Args:
            ready: What has ended the waiting.

        Raises:
            ShutdownException, ExternalShutdownException, Exception: As `spin_once`.
        """
        if self._is_shutdown:
            raise ShutdownException
        if self._watched.woken or not ready:  # as it is whenever the context was shut down, or is about to be
            if not self._context.ok():
                raise ExternalShutdownException
            if self._signal in self._watched.woken:
                self._signalled_until = time.monotonic() + SIGNAL_PATIENCE
        self._resume()
        failure: Exception | None = None
        for take, entity in ready:
            if self._is_shutdown:
                break
            try:
                self._serve(take, entity)
            except MISFITS as error:
                failure = error
            except Exception as error:  # of what a stranger has sent
                self._failed(entity, error)
                time.sleep(TAKE_PAUSE)  # it may still be there
        self._call_late()
        if failure is not None:
            raise failure

    def release(self) -> None:
        """Let go of what was waited for, and end what still waits; to be called in the thread that spun, at last."""
        with self._turn:  # whoever has begun a coroutine just now has come to where it waits
            self._released = True
            for task in list(self._tasks):
                task.close()
        self._watched.release()
        with suppress(InvalidHandle):
            self._guard.destroy()
        with suppress(InvalidHandle):
            self._signals.destroy()
        with self._lock:
            self._nodes.clear()
        self._timeouts.clear()
        self._ready.clear()
        self._polled.clear()

    def _ring(self) -> None:
        """End the waiting."""
        with suppress(InvalidHandle):  # the spinning has ended
            self._guard.trigger()

    def _ring_if_asleep(self) -> None:
        if self._asleep:
            self._ring()

    def _patience(self, timeout_sec: float | None) -> int:
        """Return how long to wait, nanoseconds; negative = until something is ready."""
        if self._ready:
            return 0
        seconds = min(self._timeouts.patience(), math.inf if timeout_sec is None or timeout_sec < 0 else timeout_sec)
        if time.monotonic() < self._signalled_until:
            seconds = min(seconds, SIGNAL_PERIOD)
        return -1 if seconds == math.inf else max(0, math.ceil(seconds * 1e9))

    def _look(self) -> None:
        """Look whether there are other entities than before."""
        nodes = self.get_nodes()
        entities = {kind: [each for node in nodes for each in getattr(node, kind)] for kind in (*KINDS, WAITABLES)}
        if entities == self._watched.entities:
            return
        try:
            watched = WaitSet(entities, (self._guard, self._signals), self._context)
        except BaseException:
            self._changed = True
            raise
        self._watched.release()
        self._watched = watched

    def _serve(self, take: Take, entity: Any) -> None:
        """Take what has come for an entity, and call its callback.

        Raises:
            Exception: Taking failed.
        """
        group = entity.callback_group
        if group is not None and not group.beginning_execution(entity):
            if take is compat.take_guard_condition:  # the others are ready again when it is asked next
                entity.trigger()
            return
        waits = False
        try:
            work = take(entity)
            if work is not None:
                waits = self._begin(work, entity, group)
        finally:
            if group is not None and not waits:
                group.ending_execution(entity)

    def _begin(self, work: compat.Work, entity: Any, group: Any) -> bool:
        """Call what was taken; return whether that is a coroutine, which ends the execution of its group itself."""
        try:
            result = work()
        except BaseException as error:  # a library may even raise SystemExit; it must not end the thread
            self._failed(entity, error)
            return False
        if result is None or (type(result) is not CoroutineType and not is_to_be_awaited(result)):
            return False
        coroutine = result if isinstance(result, CoroutineType) else awaiting(result)
        try:  # most end without waiting for anything
            what = coroutine.send(None)
        except StopIteration:
            return False
        except BaseException as error:
            self._failed(entity, error)
            return False
        exclusive = group is not None and not isinstance(group, ReentrantCallbackGroup)
        if exclusive:
            with self._lock:
                self._exclusive += 1

        def ended(task: Task, value: Any, error: BaseException | None) -> None:
            self._tasks.discard(task)
            if group is not None:
                group.ending_execution(entity)
            if exclusive:
                with self._lock:  # it may have ended in another thread
                    self._exclusive -= 1
                self._ring_if_asleep()  # others of its group may be served now
            if error is not None:
                self._failed(entity, error)

        task = Task(coroutine, self, ended)
        self._tasks.add(task)
        task.wait(what)
        return True

    def _resume(self) -> None:
        """Resume all tasks that were scheduled before this turn, but not those that they schedule."""
        for _ in range(len(self._ready)):
            if self._is_shutdown:
                break
            task, ticket = self._ready.popleft()
            task.run(ticket)

    def _call_late(self) -> None:
        """Call the functions whose time has come."""
        now = time.monotonic()
        while not self._is_shutdown:
            call = self._timeouts.late(now)
            if call is None:
                return
            try:
                call()
            except BaseException as error:
                self._failed(call, error)
