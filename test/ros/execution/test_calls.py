"""Calls: coroutines that wait without holding up the executor, each with a deadline."""

import gc
import math
import threading
import time
import weakref
from concurrent.futures import Future
from contextlib import suppress
from functools import partial

import pytest
from rclpy.executors import SingleThreadedExecutor

from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.execution.calls import LONGEST, Call, seconds, too_late
from vision_service.ros.execution.executor import Executor

pytestmark = pytest.mark.executor

PATIENCE = 30.0
"""Until a test gives up, seconds: a bound on failures, nothing that is measured."""
LATE = VisionError(ErrorCode.DEADLINE_EXCEEDED, "too late")


class Loop:
    """An executor that is spun until coroutines have ended."""

    def __init__(self, context):
        self.executor = Executor(context=context)
        self.turns = 0

    def call(self, timeout=PATIENCE, alone=False):
        return Call(self.executor, timeout, lambda: alone)

    def begin(self, *coroutines):
        """Run coroutines until they wait; return futures of their results."""
        tasks = [self.executor.create_task(coroutine) for coroutine in coroutines]
        self.executor.spin_once(0)
        return tasks

    def end(self, *tasks):
        """Return the results, or the exceptions, of coroutines, in their order."""
        ends = time.monotonic() + PATIENCE
        while not all(task.done() for task in tasks):
            assert time.monotonic() < ends, "nobody resumed the coroutine"
            self.executor.spin_once(PATIENCE)
            self.turns += 1
        return [task.exception() or task.result() for task in tasks]

    def run(self, *coroutines):
        return self.end(*self.begin(*coroutines))


@pytest.fixture
def loop(context):
    loop = Loop(context)
    yield loop
    loop.executor.shutdown()
    loop.executor.release()


def _fail(future, kind):
    future.set_exception(kind())


def later(work):
    thread = threading.Thread(target=work)
    thread.start()
    return thread


class TestWaiting:
    def test_what_is_there_is_returned_at_once(self, loop):
        future = Future()
        future.set_result("there")
        waiting = loop.begin(loop.call().wait(future, lambda: LATE))
        assert waiting[0].result() == "there"

    def test_what_comes_wakes_the_executor(self, loop):
        future = Future()
        waiting = loop.begin(loop.call().wait(future, lambda: LATE))
        thread = later(lambda: future.set_result("come"))
        assert loop.end(*waiting) == ["come"]
        thread.join()

    @pytest.mark.parametrize("alone", [True, False])
    def test_what_waits_alone_goes_on_where_the_result_is_made_and_else_in_the_executor(self, loop, alone):
        future, threads = Future(), []

        async def handler():
            await loop.call(alone=alone).wait(future, lambda: LATE, go_on_there=True)
            threads.append(threading.current_thread())

        waiting = loop.begin(handler())
        thread = later(lambda: future.set_result("come"))
        thread.join()
        loop.end(*waiting)
        assert threads == [thread if alone else threading.current_thread()]

    def test_what_fails_is_raised(self, loop):
        future = Future()
        waiting = loop.call().wait(future, lambda: LATE)
        later(lambda: future.set_exception(VisionError(ErrorCode.MODEL_ERROR, "broken"))).join()
        (error,) = loop.run(waiting)
        assert (error.code, error.message) == (ErrorCode.MODEL_ERROR, "broken")

    def test_what_does_not_come_ends_with_the_deadline_and_is_given_up(self, loop):
        future = Future()
        assert loop.run(loop.call(0.05).wait(future, lambda: LATE)) == [LATE]
        assert future.cancelled()

    def test_a_result_that_is_there_when_the_deadline_has_passed_is_still_taken(self, loop):
        future = Future()
        waiting = loop.call(1e-9).wait(future, lambda: LATE)
        future.set_result("just in time")
        assert loop.run(waiting) == ["just in time"]

    def test_a_node_in_an_executor_of_rclpys_waits_and_ends_too(self, context):
        executor = SingleThreadedExecutor(context=context)
        futures = [Future(), Future()]

        async def wait(timeout, future):
            return await Call(executor, timeout).wait(future, lambda: LATE)

        come = executor.create_task(wait, PATIENCE, futures[0])
        late = executor.create_task(wait, 0.05, futures[1])
        thread = threading.Timer(0.05, futures[0].set_result, ["come"])
        thread.start()
        ends = time.monotonic() + PATIENCE
        while not (come.done() and late.done()) and time.monotonic() < ends:
            with suppress(VisionError):
                executor.spin_once(PATIENCE)
        assert (come.result(), late.exception()) == ("come", LATE)
        assert futures[1].cancelled()
        executor.shutdown(0)

    def test_many_wait_at_once_and_each_gets_its_own(self, loop):
        futures = [Future() for _ in range(50)]
        waiting = [loop.call().wait(future, lambda: LATE) for future in futures]

        def answer():
            for number, future in reversed(list(enumerate(futures))):
                future.set_result(number)

        later(answer)
        assert loop.run(*waiting) == list(range(50))

    def test_several_waits_of_one_call_share_its_deadline(self, loop):
        first = Future()
        first.set_result(None)

        async def handler(call):
            await call.wait(first, lambda: LATE)
            await call.wait(Future(), lambda: LATE)

        assert loop.run(handler(loop.call(0.05))) == [LATE]

    @pytest.mark.parametrize(
        "kind", [lambda: VisionError(ErrorCode.MODEL_ERROR, "broken"), lambda: ValueError("broken")]
    )
    def test_a_failure_does_not_hold_who_waited(self, loop, kind):
        """Images are large: they have to go when the last reference does, not when Python looks for circles."""

        class Image:
            pass

        async def handler(call, image, futures):
            with suppress(Exception):
                await call.wait(futures.pop(), lambda: LATE)

        image, futures = Image(), [Future()]
        reference = weakref.ref(image)
        fail = partial(_fail, futures[0], kind)
        waiting = loop.begin(handler(loop.call(), image, futures))
        later(fail).join()
        del fail
        gc.collect()
        gc.disable()
        try:
            del image
            loop.end(*waiting)
            del waiting
            assert reference() is None
        finally:
            gc.enable()

    def test_they_pass_in_their_order_whatever_order_they_came_in(self, loop):
        order = []

        def late(name):
            order.append(name)
            return LATE

        timeouts = [0.12, 0.03, 0.09, 0.06]
        waiting = [loop.call(timeout).wait(Future(), lambda name=timeout: late(name)) for timeout in timeouts]
        assert loop.run(*waiting) == [LATE] * 4
        assert order == sorted(timeouts)


class TestTimes:
    @pytest.mark.parametrize(
        ("given", "used"),
        [(0.0, 5.0), (0.25, 0.25), (1e-9, 1e-9), (LONGEST, LONGEST), (1e10, LONGEST), (1e308, LONGEST)],
    )
    def test_zero_is_the_default_and_a_day_is_the_longest(self, given, used):
        assert seconds(given, 5.0, "timeout") == used

    @pytest.mark.parametrize("given", [-0.1, math.nan, math.inf, -math.inf])
    def test_others_are_refused(self, given):
        with pytest.raises(VisionError, match=r"'timeout' must be a number of seconds") as caught:
            seconds(given, 5.0, "timeout")
        assert caught.value.code is ErrorCode.INVALID_ARGUMENT

    def test_a_late_answer_says_how_late(self, loop):
        error = too_late(loop.call(0.5))
        assert error.code is ErrorCode.DEADLINE_EXCEEDED
        assert "within 0.5 s" in error.message
