"""Calls: coroutines that wait without holding up the executor, each with a deadline."""

import gc
import logging
import math
import threading
import time
import weakref
from concurrent.futures import Future
from contextlib import suppress

import pytest

from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.calls import LONGEST, TICK, Call, Deadlines, seconds, too_late

pytestmark = pytest.mark.executor

PATIENCE = 30.0
"""Until a test gives up, seconds: a bound on failures, nothing that is measured."""
LATE = VisionError(ErrorCode.DEADLINE_EXCEEDED, "too late")


class Loop:
    """What an executor does with coroutines: it looks at them whenever it is woken up."""

    def __init__(self):
        self._awake = threading.Event()
        self.wakes = 0
        self.deadlines = Deadlines(self.wake)

    def wake(self):
        self.wakes += 1
        self._awake.set()

    def call(self, timeout=PATIENCE):
        return Call(self.deadlines, self.wake, timeout)

    def run(self, *coroutines):
        """Return the results, or the exceptions, of coroutines, in their order."""
        outcomes = dict.fromkeys(coroutines)
        waiting = list(coroutines)
        while waiting:
            for coroutine in list(waiting):
                try:
                    coroutine.send(None)
                    continue
                except StopIteration as end:
                    outcomes[coroutine] = end.value
                except VisionError as error:
                    outcomes[coroutine] = error.with_traceback(None)
                waiting.remove(coroutine)
            if waiting:
                assert self._awake.wait(PATIENCE), "nobody woke the executor"
                self._awake.clear()
        return list(outcomes.values())


@pytest.fixture
def loop():
    loop = Loop()
    yield loop
    loop.deadlines.close()
    loop.deadlines.thread.join(PATIENCE)
    assert not loop.deadlines.thread.is_alive()


def later(work):
    thread = threading.Thread(target=work)
    thread.start()
    return thread


class TestWaiting:
    def test_what_is_there_is_returned_at_once(self, loop):
        future = Future()
        future.set_result("there")
        assert loop.run(loop.call().wait(future, lambda: LATE)) == ["there"]
        assert loop.wakes == 0

    def test_what_comes_wakes_the_executor(self, loop):
        future = Future()
        waiting = loop.call().wait(future, lambda: LATE)
        waiting.send(None)
        thread = later(lambda: future.set_result("come"))
        assert loop.run(waiting) == ["come"]
        thread.join()

    def test_what_may_go_on_where_the_result_is_made_is_resumed_there(self, loop):
        future, resumed = Future(), []
        call = Call(loop.deadlines, loop.wake, PATIENCE, lambda: lambda: resumed.append(threading.current_thread()))
        waiting = call.wait(future, lambda: LATE, go_on_there=True)
        waiting.send(None)
        thread = later(lambda: future.set_result("come"))
        thread.join()
        assert resumed == [thread]
        assert loop.wakes == 0
        assert loop.run(waiting) == ["come"]

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
        """Pictures are large: they have to go when the last reference does, not when Python looks for circles."""

        class Picture:
            pass

        async def handler(call, picture, futures):
            with suppress(Exception):
                await call.wait(futures.pop(), lambda: LATE)

        picture, futures = Picture(), [Future()]
        reference = weakref.ref(picture)
        waiting = handler(loop.call(), picture, futures)
        later(lambda future=futures[0]: future.set_exception(kind())).join()
        gc.collect()
        gc.disable()
        try:
            del picture
            loop.run(waiting)
            del waiting
            assert reference() is None
        finally:
            gc.enable()


class TestDeadlines:
    def test_they_pass_in_their_order_whatever_order_they_came_in(self, loop):
        order = []

        def late(name):
            order.append(name)
            return LATE

        timeouts = [0.12, 0.03, 0.09, 0.06]
        waiting = [loop.call(timeout).wait(Future(), lambda name=timeout: late(name)) for timeout in timeouts]
        assert loop.run(*waiting) == [LATE] * 4
        assert order == sorted(timeouts)

    def test_those_of_one_tick_wake_the_executor_once(self):
        wakes = []
        deadlines = Deadlines(lambda: wakes.append(None))
        end = math.ceil(time.monotonic() / TICK + 50) * TICK  # far enough for a busy machine
        for _ in range(100):
            deadlines.add(end - TICK / 2)
        done = threading.Event()
        ending = Deadlines(done.set)
        ending.add(end + 5 * TICK)
        assert done.wait(PATIENCE)
        assert len(wakes) == 1
        deadlines.close()
        ending.close()

    def test_one_that_was_taken_back_wakes_nobody(self):
        wakes, done = [], threading.Event()
        deadlines = Deadlines(lambda: (wakes.append(None), done.set()))
        now = time.monotonic()
        deadlines.remove(deadlines.add(now + 0.5))
        deadlines.add(now + 0.6)
        assert done.wait(PATIENCE)
        assert len(wakes) == 1
        deadlines.close()

    def test_taking_one_back_leaves_the_others_of_its_tick(self):
        done = threading.Event()
        deadlines = Deadlines(done.set)
        end = time.monotonic() + 0.05
        tick = deadlines.add(end)
        assert deadlines.add(end) == tick
        deadlines.remove(tick)
        assert done.wait(PATIENCE)
        deadlines.close()

    def test_taking_back_what_has_passed_does_nothing(self):
        done = threading.Event()
        deadlines = Deadlines(done.set)
        tick = deadlines.add(time.monotonic())
        assert done.wait(PATIENCE)
        deadlines.remove(tick)
        deadlines.remove(tick)
        deadlines.close()

    def test_one_in_the_far_future_does_not_keep_the_others_off(self):
        done = threading.Event()
        deadlines = Deadlines(done.set)
        now = time.monotonic()
        deadlines.add(now + LONGEST)
        deadlines.add(now + 0.02)
        assert done.wait(PATIENCE)
        deadlines.close()

    def test_a_failure_to_wake_does_not_end_the_watch(self, caplog):
        done = threading.Event()

        def wake():
            if not caplog.text:
                raise RuntimeError("executor is gone")
            done.set()

        deadlines = Deadlines(wake)
        with caplog.at_level(logging.ERROR):
            now = time.monotonic()
            deadlines.add(now)
            deadlines.add(now + 0.05)
            assert done.wait(PATIENCE)
        assert "executor is gone" in caplog.text
        deadlines.close()

    def test_nothing_is_looked_at_while_nobody_waits(self, loop):
        future = Future()
        waiting = loop.call().wait(future, lambda: LATE)
        waiting.send(None)
        later(lambda: future.set_result("come")).join()
        loop.run(waiting)
        assert loop.wakes == 1


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
