"""Futures and tasks as newer rclpy has them: a coroutine hands its future to the task, which is parked until then."""

import inspect
import warnings

from rclpy.task import Future, Task


def change(release):
    """Change the classes in place: whoever has imported them has the newer ones."""
    Future.__await__ = _wait_once
    Task.__call__ = _call
    if release == "10.0":
        Future._schedule_or_invoke_done_callbacks = _finish
        Future._add_waiting_task = lambda future, task: _park_directly(task, future)
        Task._park = _park_directly
    else:
        Task._park = _park_in_a_callback


def _wait_once(future):
    if future._pending():
        yield future
        if future._pending():
            msg = "resumed before the future that is awaited was done"
            raise RuntimeError(msg)
    return future.result()


def _call(task):
    """Run a function, or a coroutine up to where it waits.

    What is wrong with the waiting itself is raised, not kept as the task's exception, and the task never runs again.
    """
    if not task._pending() or task._executing or not task._task_lock.acquire(blocking=False):
        return
    try:
        if task._pending():
            task._executing = True
            _advance(task)
            task._executing = False
    finally:
        task._task_lock.release()


def _advance(task):
    handler = task._handler
    coroutine = inspect.iscoroutine(handler)
    try:
        value = handler.send(None) if coroutine else handler(*task._args, **task._kwargs)
    except Exception as error:
        if coroutine and isinstance(error, StopIteration):
            task.set_result(error.value)
        else:
            task.set_exception(error)
    else:
        if coroutine:
            _wait_for(task, value)
            return
        task.set_result(value)
    task._complete_task()


def _wait_for(task, awaited):
    """See to it that a task is called again."""
    executor = task._executor()
    if executor is None:
        msg = "a task waits whose executor is gone"
        raise RuntimeError(msg)
    if awaited is None:
        executor._call_task_in_next_spin(task)
    elif isinstance(awaited, Future):
        if awaited._executor() is None:
            awaited._set_executor(executor)
        elif awaited._executor() is not executor:
            msg = "a task awaits a future of another executor"
            raise RuntimeError(msg)
        task._park(awaited)
    else:
        msg = f"a coroutine of a task may yield a future of rclpy or None, not {type(awaited)}"
        raise TypeError(msg)


def _park_in_a_callback(task, future):
    future.add_done_callback(lambda _: task())


def _park_directly(task, future):
    with future._lock:
        if future._pending():
            future._callbacks.append(task)
            return
    _resume(task, future)


def _resume(task, future):
    executor = future._executor()
    if executor is None:
        warnings.warn("a task waits for a future whose executor is gone", stacklevel=2)
    else:
        executor._call_task_in_next_spin(task)


def _finish(future):
    """Have the executor run the callbacks and the tasks that wait, or run the callbacks here if there is none."""
    with future._lock:
        executor = future._executor()
        waiting, future._callbacks = future._callbacks, []
    for each in waiting:
        if isinstance(each, Task):
            _resume(each, future)
        elif executor is not None:
            executor.create_task(each, future)
        else:
            try:
                each(future)
            except Exception as error:
                warnings.warn(f"a callback of a future failed: {error}", stacklevel=2)
