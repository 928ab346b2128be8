"""A process that spins nodes until it is told to stop, and leaves promptly, whatever a driver or model is doing."""

from __future__ import annotations

import atexit
import itertools
import os
import signal
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, ShutdownException
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from vision_service import starting
from vision_service.errors import VisionError
from vision_service.mlmodel import trial_process
from vision_service.ros.execution.compat import check_rclpy
from vision_service.ros.execution.executor import Executor
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.process.dds import MEBIBYTE, choose_profile, uses_fast_dds
from vision_service.ros.process.generator import leave_out_generator
from vision_service.ros.process.initializing import initialize
from vision_service.ros.process.memory import keep_freed_memory
from vision_service.ros.process.shared_memory import remove_dead_segments

SIGNAL_PERIOD = 1.0
"""How late a signal may be noticed that did not end the main thread's waiting, seconds."""
START_PATIENCE = 2.0
"""How long the other nodes wait for one that starts, seconds: most take a fraction of that, but a driver may hang."""
MAX_FAILURES = 3
"""After how many failures in a row a thread gives up waiting for what its node is to serve."""
FAILURE_PAUSE = 0.1
"""Between two of them, seconds."""
PATIENCE = 2.5
"""How long nodes may take to close before the process leaves without them, seconds; ros2 launch allows five. DDS needs
several milliseconds for each service and topic: 60 nodes, with 4000 of them, would take 10 s to leave the graph."""


class Spinner:
    """Spins a node in a thread of its own; what a callback raises is logged, and does not end it.

    If waiting itself fails again and again, the thread stops with the reason.

    Attributes:
        executor: What spins the node.
        thread: In which the callbacks run.
        ready: Set when the first job is done.
        failure: Why the thread has stopped by itself; None = it has not.
    """

    def __init__(
        self, node: Node, *, first: Callable[[], object] | None = None, ended: Callable[[], None] | None = None
    ) -> None:
        """Start to spin.

        Args:
            node: What to spin.
            first: A job to do before anything else.
            ended: Called in the thread when it stops by itself: somebody else has shut the node's context down, or
                waiting failed.
        """
        self._context = node.context
        self._logger = node.get_logger()
        self._failures = CallbackFailures(self._logger)
        self.executor = Executor(context=self._context, failed=self._failed)
        self.executor.add_node(node)
        self._ended = ended
        self._stopped = threading.Event()
        self._over = False
        self._jobs: set[threading.Event] = set()
        self.failure: Exception | None = None
        self.ready = self.do(first or (lambda: None))
        self.thread = threading.Thread(target=self._spin, name=node.get_name(), daemon=True)
        self.thread.start()
        atexit.register(self.stop)  # a thread that waits in C++ when Python goes would abort the process

    def do(self, job: Callable[[], object]) -> threading.Event:
        """Do a job in the thread, before what is ready then; what it returns is awaited, if that can be.

        Returns:
            What is set when it is done, or will not be done because the thread has ended.
        """
        done = threading.Event()
        self._jobs.add(done)

        async def work() -> None:
            try:
                result = job()
                if isinstance(result, Awaitable):
                    await result
            finally:
                done.set()
                self._jobs.discard(done)

        self.executor.create_task(work)
        if self._over:
            done.set()
        return done

    def stop(self, timeout: float = 1.0) -> None:
        """Stop spinning; wait for a callback that runs now at most `timeout` seconds, unless this is called in it."""
        self._stopped.set()
        atexit.unregister(self.stop)
        self.executor.shutdown()
        if threading.current_thread() is not self.thread:
            self.thread.join(timeout)

    def _failed(self, entity: Any, error: BaseException) -> None:
        if not self._stopped.is_set() and self._context.ok():
            self._failures.log(entity, error)

    def _spin(self) -> None:
        failures = 0
        while not self._stopped.is_set() and self._context.ok():
            try:
                self.executor.spin_once()
                failures = 0
            except (ExternalShutdownException, ShutdownException):
                break
            except Exception as error:
                if self._stopped.is_set() or not self._context.ok():
                    break
                failures += 1
                if failures == MAX_FAILURES:
                    self.failure = error
                    trace = "".join(traceback.format_exception(error))
                    self._logger.fatal(f"cannot wait for calls and messages any more, and stops: {trace}")
                    break
                self._stopped.wait(FAILURE_PAUSE)
        self.executor.release()
        self._over = True
        for done in list(self._jobs):
            done.set()
        if not self._stopped.is_set() and self._ended is not None:
            self._ended()


class CallbackFailures:
    """Logs what callbacks raise, once for each entity and cause, so that one that always fails fills no disk."""

    def __init__(self, logger: Any) -> None:
        """Take rclpy's logger of the node."""
        self._logger = logger
        self._lock = threading.Lock()
        self._logged: weakref.WeakKeyDictionary[Any, set[Any]] = weakref.WeakKeyDictionary()
        self._others: set[Any] = set()

    def log(self, entity: Any, error: BaseException) -> None:
        """Log what the callback of an entity, or a function, has raised, if that is new; in any thread."""
        while isinstance(entity, partial):
            entity = entity.func
        entity = getattr(entity, "__func__", entity)  # a bound method is made anew each time
        entity = getattr(entity, "__code__", entity)  # and so may a function be
        last = traceback.extract_tb(error.__traceback__)[-1:]
        cause = (type(error), *((frame.filename, frame.lineno) for frame in last))
        with self._lock:
            try:
                logged = self._logged.setdefault(entity, set())
            except TypeError:  # what cannot be weakly referred to
                logged, cause = self._others, (type(entity), *cause)
            if cause in logged:
                return
            logged.add(cause)
        trace = "".join(traceback.format_exception(error))
        self._logger.error(f"a callback raised {type(error).__name__}: {error} (logged once)\n{trace}")


@contextmanager
def spinning(nodes: Iterable[Node], *, stop: threading.Event | None = None) -> Iterator[Sequence[Spinner]]:
    """Start nodes one after the other, and spin them, each in a thread of its own: one that hangs holds up no other.

    Args:
        nodes: What to spin.
        stop: When set, no more nodes are started; it is set when none of them is spun any more, because somebody has
            shut ROS down, or waiting failed.

    Returns:
        What spins them.
    """
    nodes, stop = list(nodes), stop or threading.Event()
    spinners: dict[Node, Spinner] = {}
    ends = itertools.count(1)

    def ended() -> None:
        if next(ends) == len(nodes):
            stop.set()

    try:
        for node in nodes:
            if stop.is_set():
                break
            first = node.begin if isinstance(node, ServiceNode) else None
            try:
                spinners[node] = Spinner(node, first=first, ended=ended)
            except Exception:  # rclpy's own
                if node.context.ok():
                    raise
                stop.set()  # somebody has shut ROS down before all nodes were started
                break
            if not spinners[node].ready.wait(START_PATIENCE):
                others = "" if node is nodes[-1] else "; the others do not wait for it"
                node.get_logger().warning(f"has not started within {START_PATIENCE:g} s{others}")
        _start_again(spinners)
        yield list(spinners.values())
    finally:
        for spinner in spinners.values():
            spinner.stop(0)
        until = time.monotonic() + 1  # of all together, because none waits for another
        for spinner in spinners.values():
            spinner.thread.join(max(0.0, until - time.monotonic()))


def _start_again(spinners: Mapping[Node, Spinner]) -> None:
    """Start nodes again that need others, as long as more of these are there each time."""
    waiting = [node for node in spinners if isinstance(node, ServiceNode) and node.waits]
    count = len(waiting) + 1
    while len(waiting) < count:
        count = len(waiting)
        for node in waiting:
            spinners[node].do(node.begin).wait(START_PATIENCE)
        waiting = [node for node in waiting if node.waits]


def run(make_nodes: Callable[[], Sequence[Node]], args: list[str] | None = None) -> int:
    """Run nodes until SIGINT or SIGTERM; return the exit code of the process. To be called in the main thread.

    Args:
        make_nodes: Makes the nodes, when ROS is initialized.
        args: The process's arguments; None = sys.argv.
    """
    told: SimpleQueue[None] = SimpleQueue()  # of all that wakes a thread, only its put may be called by a handler
    stop = threading.Event()
    outcome: Future[int] = Future()

    def work() -> None:
        try:
            outcome.set_result(_serve(make_nodes, stop))
        except BaseException as error:
            outcome.set_exception(error)
        finally:
            told.put(None)

    # rclpy's handlers missed SIGTERM now and then. The main thread waits for nothing but the signal, because Python
    # runs handlers only there: a driver that hangs when it is opened must not keep them off either.
    before = {number: signal.signal(number, lambda *_: told.put(None)) for number in (signal.SIGINT, signal.SIGTERM)}
    keep_freed_memory()
    leave_out_generator()
    logger = get_logger("vision_service")
    removed = remove_dead_segments() if uses_fast_dds() else []
    warning = choose_profile()  # by what is free now
    left_behind = False
    try:
        check_rclpy()
        initialize(args, signal_handler_options=SignalHandlerOptions.NO)
        if removed:
            size = sum(segment.size for segment in removed) / MEBIBYTE
            logger.info(f"removed from shared memory {size:.1f} MiB that processes which were killed had left there")
        if warning:
            logger.warning(warning)
        threading.Thread(target=work, name="nodes", daemon=True).start()
        _wait_until_told(told)
        stop.set()
        wait([outcome], PATIENCE)
        left_behind = not outcome.done()
        return 0 if left_behind else outcome.result()
    except VisionError as error:
        logger.fatal(error.message)
        return 1
    except ParameterException as error:  # rclpy's own, for those that it declares itself, such as use_sim_time
        logger.fatal(f"a parameter that each ROS node has is wrong: {error}")
        return 1
    finally:
        if not left_behind:  # else it would wait for what is being closed
            rclpy.try_shutdown()
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _wait_until_told(told: SimpleQueue[None]) -> None:
    """Wait for what a handler of signals puts.

    A signal that reaches another thread, or this one just before it waits, does not end its waiting; Python calls the
    handler when this thread runs again, so it has to now and then.
    """
    while True:
        with suppress(Empty):
            return told.get(timeout=SIGNAL_PERIOD)


def _serve(make_nodes: Callable[[], Sequence[Node]], stop: threading.Event) -> int:
    """Make nodes, and have them work until told to stop."""
    nodes = make_nodes()
    with spinning(nodes, stop=stop) as spinners:
        starting.end()
        trial_process.dismiss()
        stop.wait()
        failed = bool(spinners) and all(spinner.failure is not None for spinner in spinners)
    close(nodes)
    return 1 if failed else 0


def close(nodes: Sequence[Node]) -> None:
    """Close nodes, the last one first: all stop working before the first leaves the graph, which takes its time."""
    for node in reversed(nodes):
        if isinstance(node, ServiceNode):
            node.finish()
    for node in reversed(nodes):
        if isinstance(node, ServiceNode):
            node.close()
        else:
            node.destroy_node()


def leave(code: int) -> None:
    """End the process now: a driver or model in the middle of a long native call cannot hold it up."""
    with suppress(OSError, ValueError):  # nobody may be left to read them
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)
