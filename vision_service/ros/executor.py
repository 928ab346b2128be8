"""An executor that remembers what it waits for: rclpy's own gathers all entities anew at every turn.

A vision node has some thirty entities, most of them services, and a call takes two turns or three.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from rclpy.context import Context
from rclpy.exceptions import InvalidHandle
from rclpy.executors import ExternalShutdownException, ShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.task import Task
from rclpy.utilities import timeout_sec_to_nsec
from rclpy.waitable import NumberOfEntities

WAITABLES = "waitables"
KINDS = {
    "timers": "timer",
    "subscriptions": "subscription",
    "guards": "guard_condition",
    "clients": "client",
    "services": "service",
}
"""What nodes and what wait sets call the kinds of entities, in the order in which those that are ready are served."""

Entities = Mapping[str, Sequence[Any]]
"""By the names that nodes have for their kinds."""


class Executor(SingleThreadedExecutor):
    """Runs callbacks in the thread that spins it, as its base does, but all that are ready in one turn.

    What it uses of its base is the same in Jazzy and Kilted, though not public: the list of tasks, and what takes data
    of each kind of entity.
    """

    _tasks: list[tuple[Task, Any, Any]]
    _running: Task | None = None
    _thread = 0

    def __init__(self, *, context: Context | None = None) -> None:
        """Begin without nodes; `context` is rclpy's, None = the default one."""
        super().__init__(context=context)
        self._watched = _Watched({}, (), self._context)
        self._changed = True
        self._takes: dict[str, Callable[[Any], Any]] = {
            "timers": self._take_timer,
            "subscriptions": self._take_subscription,
            "guards": self._take_guard_condition,
            "clients": self._take_client,
            "services": self._take_service,
            WAITABLES: self._take_waitable,
        }

    def add_node(self, node: Node) -> bool:
        """Spin a node too; return False if it is spun already."""
        self._changed = True
        return super().add_node(node)

    def remove_node(self, node: Node) -> None:
        """Spin a node no more."""
        self._changed = True
        super().remove_node(node)

    def wake(self) -> None:
        """End the waiting; rclpy does so whenever an entity comes or goes."""
        self._changed = True
        super().wake()

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait until something is ready; serve all that is, and resume every coroutine.

        Args:
            timeout_sec: How long to wait, seconds; None = until something is ready.

        Raises:
            ShutdownException: The executor was shut down.
            ExternalShutdownException: The context was shut down.
            Exception: What a callback raised; those behind it have their turn when this is called again.
        """
        self._thread = threading.get_ident()
        if self._changed:
            self._changed = False
            self._look()
        if self._is_shutdown:
            raise ShutdownException
        # Nothing runs beside this thread, so a callback group is taken only while a coroutine of it waits.
        ready = self._watched.wait(timeout_sec_to_nsec(timeout_sec), self.can_execute if self._tasks else None)
        if self._is_shutdown:
            raise ShutdownException
        if not self._context.ok():
            raise ExternalShutdownException
        started = [(Task(self._serve, (kind, entity), executor=self), entity, None) for kind, entity in ready]
        with self._tasks_lock:
            self._tasks += started
        self._advance()

    def resumer(self) -> Callable[[], bool]:
        """Return what resumes the coroutine that runs now, in the thread that calls it; to be called by the coroutine.

        What awaits the result of another thread need not wait then until this one wakes up.

        Returns:
            A function that returns whether the coroutine has ended; if not, the executor is to be woken.
        """
        task = self._running if threading.get_ident() == self._thread else None

        def resume() -> bool:
            if task is None:
                return False
            task()  # does nothing if this very moment the executor looks at it
            if task.done() and self._is_shutdown:
                task.exception()  # nobody will look at it any more
            return task.done()

        return resume

    def release(self) -> None:
        """Let go of what was waited for, so that it can be destroyed; to be called in the thread that spun, at last."""
        self._watched.release()

    def _look(self) -> None:
        """Look whether there are other entities than before."""
        nodes = self.get_nodes()
        entities = {kind: [each for node in nodes for each in getattr(node, kind)] for kind in (*KINDS, WAITABLES)}
        if entities != self._watched.entities:
            self._watched.release()
            guards = [guard for guard in (self._guard, self._sigint_gc) if guard is not None]
            self._watched = _Watched(entities, guards, self._context)

    def _advance(self) -> None:
        """Run or resume all tasks, also those that they create meanwhile."""
        try:
            for task, _, _ in self._tasks:
                if self._is_shutdown:
                    break
                self._running = task
                task()
                task.result()
        except Exception:
            self.wake()  # there may be tasks behind this one
            raise
        finally:
            with self._tasks_lock:
                self._tasks = [each for each in self._tasks if not each[0].done() and not each[0].cancelled()]

    async def _serve(self, kind: str, entity: Any) -> None:
        """Take what has come, and call the entity's callback with it."""
        if not entity.callback_group.beginning_execution(entity):
            return
        try:
            work = self._takes[kind](entity)
            if work is not None:
                await work()
        except BaseException as error:
            if isinstance(error, (Exception, GeneratorExit)):
                raise
            # A library may even raise SystemExit; it must not end the thread.
            msg = f"a callback raised {type(error).__name__}: {error}"
            raise RuntimeError(msg) from error
        finally:
            entity.callback_group.ending_execution(entity)

    def _take_timer(self, timer: Any) -> Any:
        """Take a timer, unless a callback of the same turn has cancelled it."""
        return super()._take_timer(timer) if timer.handle.is_timer_ready() else None


class _Watched:
    """Entities to wait for, kept from being destroyed until released.

    Attributes:
        entities: All that were given.
    """

    def __init__(self, entities: Entities, guards: Sequence[Any], context: Context) -> None:
        """Take hold of entities.

        Args:
            entities: Of the nodes; those that are being destroyed are left out.
            guards: Guard conditions that do no more than end the waiting.
            context: Theirs.
        """
        self.entities = entities
        self._held = ExitStack()
        self._held.enter_context(context.handle)
        self._guards = [guard.handle for guard in guards if self._hold(guard.handle)]
        self._known = {
            kind: {each.handle.pointer: each for each in entities.get(kind, ()) if self._hold(each.handle)}
            for kind in KINDS
        }
        self._waitables = [waitable for waitable in entities.get(WAITABLES, ()) if self._hold(waitable)]
        size = NumberOfEntities(
            *(len(self._known[kind]) for kind in ("subscriptions", "guards", "timers", "clients", "services"))
        )
        size.num_guard_conditions += len(self._guards)
        for waitable in self._waitables:
            size += waitable.get_num_entities()
        self._set = rclpy_implementation.WaitSet(
            size.num_subscriptions,
            size.num_guard_conditions,
            size.num_timers,
            size.num_clients,
            size.num_services,
            size.num_events,
            context.handle,
        )

    def wait(self, nanoseconds: int, able: Callable[[Any], bool] | None) -> list[tuple[str, Any]]:
        """Return what is ready, each with its kind.

        Args:
            nanoseconds: How long to wait at most; negative = until something is ready.
            able: Tells whether an entity may be served now; None = all may.
        """
        self._set.clear_entities()
        for guard in self._guards:
            self._set.add_guard_condition(guard)
        for kind, name in KINDS.items():
            add = getattr(self._set, f"add_{name}")
            for entity in self._known[kind].values():
                if able is None or able(entity):
                    add(entity.handle)
        waitables = [waitable for waitable in self._waitables if able is None or able(waitable)]
        for waitable in waitables:
            waitable.add_to_wait_set(self._set)
        self._set.wait(nanoseconds)
        ready = [(WAITABLES, waitable) for waitable in waitables if waitable.is_ready(self._set)]
        for kind, name in KINDS.items():
            known = self._known[kind]
            ready += [(kind, known[found]) for found in self._set.get_ready_entities(name) if found in known]
        return ready

    def release(self) -> None:
        """Let go of the entities; may be called twice."""
        self._held.close()

    def _hold(self, handle: Any) -> bool:
        with suppress(InvalidHandle):
            self._held.enter_context(handle)
            return True
        return False
