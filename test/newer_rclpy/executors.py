"""Executors as newer rclpy has them: tasks that are ready stand in a queue, those that wait stand nowhere."""

import time
from collections import deque
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

from rclpy.exceptions import InvalidHandle
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.task import Future, Task
from rclpy.timer import Timer
from rclpy.utilities import timeout_sec_to_nsec
from rclpy.waitable import NumberOfEntities


@dataclass
class Origin:
    """Where a task comes from, as newer rclpy notes it.

    Attributes:
        source_node: None = `create_task`.
        source_entity: None = likewise.
    """

    source_node: Any = None
    source_entity: Any = None


def change(module, release):
    """Change the classes of `rclpy.executors` in place."""
    base = module.Executor
    first, take_timer = base.__init__, base._take_timer

    def begin(self, *, context=None):
        first(self, context=context)
        del self._tasks
        self._pending_tasks = {}
        self._ready_tasks = deque()
        self._is_spinning = False
        self._is_spinning_lock = Lock()

    def take_timer_unless_cancelled(self, timer):
        with suppress(InvalidHandle), timer.handle:
            if timer.handle.is_timer_canceled():
                return None
        return take_timer(self, timer)

    base.__init__ = begin
    base._take_timer = take_timer_unless_cancelled
    base._wait_for_ready_callbacks = lambda self, *given, **named: _wait(self, module, release, *given, **named)
    for function in (
        create_task, create_future, spin, spin_until_future_complete,
        _call_task_in_next_spin, _make_handler, _enter_spin, _exit_spin,
    ):  # fmt: skip
        setattr(base, function.__name__, function)
    base.is_spinning = property(_is_spinning)
    base._spin_once_impl = base._spin_once_until_future_complete = _not_implemented
    for kind in (module.SingleThreadedExecutor, module.MultiThreadedExecutor):
        kind.spin_once = _spin_once
        kind.spin_once_until_future_complete = _spin_once_until_future_complete
        kind._spin_once_until_future_complete = _wait_once_for_a_future


# What users of an executor call.


def create_task(self, callback, *args, **kwargs):
    task = Task(callback, args, kwargs, executor=self)
    with self._tasks_lock:
        self._pending_tasks[task] = Origin()
    self._call_task_in_next_spin(task)
    return task


def create_future(self):
    return Future(executor=self)


def spin(self):
    with _spinning(self):
        while self._context.ok() and not self._is_shutdown:
            self._spin_once_impl()


def spin_until_future_complete(self, future, timeout_sec=None):
    with _spinning(self):
        future.add_done_callback(lambda _: self.wake())
        ends = None if timeout_sec is None or timeout_sec < 0 else time.monotonic() + timeout_sec
        left = timeout_sec
        while self._context.ok() and not (future.done() or future.cancelled() or self._is_shutdown):
            self._spin_once_until_future_complete(future, left)
            if ends is not None:
                left = ends - time.monotonic()
                if left <= 0:
                    break


# What executors, nodes and tasks call.


def _call_task_in_next_spin(self, task):
    with self._tasks_lock:
        self._ready_tasks.append(task)
        if self._guard:
            self._guard.trigger()


def _enter_spin(self):
    with self._is_spinning_lock:
        if self._is_spinning:
            msg = "this executor spins already"
            raise RuntimeError(msg)
        self._is_spinning = True


def _exit_spin(self):
    with self._is_spinning_lock:
        self._is_spinning = False


def _is_spinning(self):
    with self._is_spinning_lock:
        return self._is_spinning


@contextmanager
def _spinning(executor):
    executor._enter_spin()
    try:
        yield
    finally:
        executor._exit_spin()


def _not_implemented(self, *_, **__):
    raise NotImplementedError


def _spin_once(self, timeout_sec=None):
    with _spinning(self):
        self._spin_once_impl(timeout_sec)


def _wait_once_for_a_future(self, future, timeout_sec=None):
    self._spin_once_impl(timeout_sec, future.done)


def _spin_once_until_future_complete(self, future, timeout_sec=None):
    with _spinning(self):
        future.add_done_callback(lambda _: self.wake())
        self._spin_once_until_future_complete(future, timeout_sec)


def _make_handler(self, entity, node, take):
    """Make the task that takes what has come for an entity, and calls its callback."""
    entity._executor_event = True  # it is not waited for again until it is taken
    guard, shut_down, tracker = self._guard, self._is_shutdown, self._work_tracker

    async def serve():
        group = entity.callback_group
        if shut_down or (group is not None and not group.beginning_execution(entity)):
            entity._executor_event = False
            guard.trigger()
            return
        with tracker:
            work = take(entity)
            entity._executor_event = False
            guard.trigger()
            try:
                if work is not None:
                    await work()
            finally:
                if group is not None:
                    group.ending_execution(entity)
                with suppress(InvalidHandle):  # the callback may have shut the executor down
                    guard.trigger()

    task = Task(serve, executor=self)
    with self._tasks_lock:
        self._pending_tasks[task] = Origin(node, entity)
    return task


def _due(self, release, nodes):
    """Yield the tasks that are ready now with their entities and nodes; others' nodes stay for later."""
    with self._tasks_lock:
        for task in [task for task in self._pending_tasks if task.done() or task.cancelled()]:
            del self._pending_tasks[task]
        count = len(self._ready_tasks)
    for _ in range(count):
        task = self._ready_tasks.popleft()
        if release == "10.0" and (task.done() or task.cancelled()):
            continue
        origin = self._pending_tasks[task]
        if origin.source_node is None or origin.source_node in nodes:
            yield task, origin.source_entity, origin.source_node
        else:
            with self._tasks_lock:
                self._ready_tasks.append(task)


def _wait(self, module, release, timeout_sec=None, nodes=None, condition=lambda: False):
    """Yield what is to be run, tasks that are ready before what the middleware has, until something was."""
    limit = timeout_sec.timeout if isinstance(timeout_sec, module.TimeoutObject) else timeout_sec
    nanoseconds = timeout_sec_to_nsec(limit)
    alarm = Timer(None, None, nanoseconds, self._clock, context=self._context) if nanoseconds > 0 else None
    served = False
    while not (served or self._is_shutdown or condition()):
        used = self.get_nodes() if nodes is None else nodes
        for ready in _due(self, release, used):
            served = True
            yield ready
        late = nanoseconds == 0
        with ExitStack() as held:
            waited = _Waited(self, held, used, alarm)
            waited.wait(nanoseconds)
            if self._is_shutdown:
                raise module.ShutdownException
            if not self._context.ok():
                raise module.ExternalShutdownException
            late = late or waited.has(alarm, "timer")
            for waitable, node in waited.ready_waitables(used):
                served = True
                yield self._make_handler(waitable, node, self._take_waitable), waitable, node
        for entity, node, take in waited.ready(used):
            served = True
            yield self._make_handler(entity, node, getattr(self, f"_take_{take}")), entity, node
        if late:
            raise module.TimeoutException
    if self._is_shutdown:
        raise module.ShutdownException
    if condition():
        raise module.ConditionReachedException


class _Waited:
    """One wait set, with all entities of some nodes whose callbacks may be called."""

    def __init__(self, executor, held, nodes, alarm):
        def able(kind):
            return [entity for node in nodes for entity in getattr(node, kind) if executor.can_execute(entity)]

        def handles(entities):
            return [entity.handle for entity in entities if _hold(held, entity.handle)]

        timers, guards = able("timers"), able("guards")
        for guard in guards:
            if guard._executor_triggered:  # it was, but could not be served
                guard.trigger()
        guards += [executor._guard, executor._sigint_gc]
        self._guards = guards
        given = {
            "subscription": handles(able("subscriptions")),
            "guard_condition": handles(guards),
            "timer": handles(timers if alarm is None else [*timers, alarm]),
            "client": handles(able("clients")),
            "service": handles(able("services")),
        }
        self._waitables = [waitable for waitable in able("waitables") if _hold(held, waitable)]
        held.enter_context(executor._context.handle)
        size = NumberOfEntities(*map(len, given.values()))
        for waitable in self._waitables:
            size += waitable.get_num_entities()
        self._set = rclpy_implementation.WaitSet(
            size.num_subscriptions, size.num_guard_conditions, size.num_timers,
            size.num_clients, size.num_services, size.num_events, executor._context.handle,
        )  # fmt: skip
        self._set.clear_entities()
        for kind, entities in given.items():
            for handle in entities:
                getattr(self._set, f"add_{kind}")(handle)
        for waitable in self._waitables:
            waitable.add_to_wait_set(self._set)
        self._found = dict.fromkeys(given, ())

    def wait(self, nanoseconds):
        self._set.wait(nanoseconds)
        self._found = {kind: self._set.get_ready_entities(kind) for kind in self._found}
        for guard in self._guards:
            if guard.handle.pointer in self._found["guard_condition"]:
                guard._executor_triggered = True  # waiting has taken it back

    def has(self, entity, kind):
        """Return whether an entity was found to be ready."""
        return entity is not None and entity.handle.pointer in self._found[kind]

    def ready_waitables(self, nodes):
        """Yield those that are ready, while the wait set is there."""
        for node in nodes:
            for each in node.waitables:
                if each in self._waitables and each.is_ready(self._set) and each.callback_group.can_execute(each):
                    yield each, node

    def ready(self, nodes):
        """Yield entities that are ready, their nodes, and what takes them; of one node after the other."""
        for node in nodes:
            for kind, entities in (
                ("timer", node.timers),
                ("subscription", node.subscriptions),
                ("guard_condition", node.guards),
                ("client", node.clients),
                ("service", node.services),
            ):
                for entity in entities:
                    if kind == "guard_condition":
                        ready = entity._executor_triggered
                    else:
                        ready = self.has(entity, kind) and (kind != "timer" or entity.handle.is_timer_ready())
                    if ready and entity.callback_group.can_execute(entity):
                        yield entity, node, kind


def _hold(held, handle):
    with suppress(InvalidHandle):
        held.enter_context(handle)
        return True
    return False
