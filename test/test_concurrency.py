"""Threads: what is raised in them ends none, and closing them takes no longer than it may."""

import asyncio
import gc
import logging
import queue
import threading
import weakref
from concurrent.futures import CancelledError

import pytest

from robot import eventually
from vision_service.concurrency import Failures, Newest, Reader, Turns, Worker
from vision_service.errors import ErrorCode, VisionError

PATIENCE = 30.0
LEAVING = [SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError]
"""What is no Exception, and would end a thread, or whoever waits for it."""


def names():
    return [thread.name for thread in threading.enumerate()]


class Told(list):
    """What a handler was told, and a way to wait for it."""

    def __call__(self, error):
        self.append("over" if error is None else f"{type(error).__name__}: {error}")

    def waits_for(self, *expected):
        eventually(lambda: self == list(expected), f"{expected} in {self}")


class TestFailures:
    def test_each_cause_is_told_once_and_once_that_it_is_over(self):
        told = Told()
        failures = Failures("reading", told)
        failures.over()
        for error in (OSError("gone"), OSError("gone"), OSError("busy"), SystemExit("busy"), SystemExit("busy")):
            failures.tell(error)
        failures.over()
        failures.over()
        failures.tell(SystemExit("busy"))
        assert told == ["OSError: gone", "OSError: busy", "SystemExit: busy", "over", "SystemExit: busy"]

    def test_without_a_handler_the_log_says_what_failed_and_where(self, caplog):
        def read():
            raise SystemExit("no licence")

        with caplog.at_level(logging.ERROR):
            Failures("the camera front").attempt(read)
        assert "the camera front: SystemExit: no licence" in caplog.text
        assert "in read" in caplog.text

    @pytest.mark.parametrize("leaving", [OSError, *LEAVING])
    def test_a_handler_that_fails_is_logged(self, leaving, caplog):
        def handler(_):
            raise leaving("handler")

        with caplog.at_level(logging.ERROR):
            Failures("reading", handler).tell(OSError("gone"))
        assert "reading: telling of a failure failed" in caplog.text

    def test_an_error_that_cannot_be_written_is_told_by_its_kind(self, caplog):
        class MuteError(Exception):
            def __str__(self):
                raise ValueError("no words")

        told = []
        failures = Failures("reading", told.append)
        failures.tell(MuteError())
        failures.tell(MuteError())
        assert [type(error) for error in told] == [MuteError]

    def test_what_an_error_holds_goes_with_it(self):
        class Image:
            pass

        def read():
            image = Image()
            images.append(weakref.ref(image))
            raise OSError("gone")

        images, failures = [], Failures("reading", lambda _: None)
        failures.attempt(read)
        gc.collect()
        assert images[0]() is None


class TestTurns:
    def test_it_takes_turns_until_there_are_no_more_and_then_what_comes_last(self):
        done = []
        turns = Turns("turns", lambda: done.append(len(done)) or len(done) < 3, last=lambda: done.append("last"))
        assert turns.ended
        assert turns.join(0.0)
        turns.start()
        turns.start()
        assert turns.join(PATIENCE)
        assert turns.ended
        assert done == [0, 1, 2, "last"]

    @pytest.mark.parametrize("leaving", [ValueError, *LEAVING])
    def test_what_a_turn_raises_is_told_and_the_next_one_taken(self, leaving):
        told, outcomes = Told(), [leaving("a"), leaving("a"), True, leaving("b"), False]

        def turn():
            outcome = outcomes.pop(0)
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        turns = Turns("turns", turn, failing=told)
        turns.start()
        assert turns.join(PATIENCE)
        name = leaving.__name__
        assert told == [f"{name}: a", "over", f"{name}: b"]

    @pytest.mark.parametrize("leaving", [ValueError, *LEAVING])
    def test_what_comes_last_may_fail_too(self, leaving):
        def close():
            raise leaving("close")

        told = Told()
        turns = Turns("turns", lambda: False, last=close, failing=told)
        turns.start()
        assert turns.join(PATIENCE)
        assert told == [f"{leaving.__name__}: close"]

    def test_between_failures_it_rests_longer_and_longer(self):
        pauses, outcomes = [], [False, False, False, True, False]

        def turn():
            if not outcomes:
                return False
            if not outcomes.pop(0):
                raise OSError("gone")
            return True

        turns = Turns("turns", turn, rest=pauses.append, failing=lambda _: None)
        turns.start()
        assert turns.join(PATIENCE)
        assert pauses == [0.05, 0.1, 0.2, 0.05]


# Worker.


@pytest.fixture
def worker():
    worker = Worker("worker")
    yield worker
    worker.close()


@pytest.fixture
def gate(worker):
    """A job that holds the worker until the gate is opened."""
    gate, entered = threading.Event(), threading.Event()
    worker.submit(lambda: (entered.set(), gate.wait(30)))
    entered.wait(30)
    yield gate
    gate.set()


def test_jobs_are_done_one_after_the_other_in_another_thread(worker):
    done = []
    futures = [worker.submit(lambda n=n: done.append(n) or threading.get_ident()) for n in range(20)]
    (thread,) = {future.result(10) for future in futures}
    assert thread != threading.get_ident()
    assert done == list(range(20))


def test_what_a_job_raises_goes_to_its_future_and_the_next_job_is_done(worker):
    with pytest.raises(ZeroDivisionError):
        worker.submit(lambda: 1 // 0).result(10)
    assert worker.submit(lambda: 5).result(10) == 5


@pytest.mark.parametrize("leaving", LEAVING)
def test_what_would_end_the_thread_ends_neither_it_nor_who_waits(worker, leaving):
    def leave():
        raise leaving("no licence")

    with pytest.raises(VisionError, match=f"{leaving.__name__}: no licence") as caught:
        worker.submit(leave).result(10)
    assert caught.value.code is ErrorCode.INTERNAL
    assert isinstance(caught.value.__cause__, leaving)
    assert worker.submit(lambda: 5).result(10) == 5


@pytest.mark.parametrize("leaving", LEAVING)
def test_who_is_told_of_a_result_does_not_end_it_either(worker, gate, leaving):
    def leave(_):
        raise leaving("callback")

    worker.submit(lambda: 1).add_done_callback(leave)
    future = worker.submit(lambda: 5)
    gate.set()
    assert future.result(10) == 5


def test_a_result_is_not_kept_while_it_waits_for_the_next_job(worker):
    class Image:
        pass

    reference = weakref.ref(worker.submit(Image).result(10))
    eventually(lambda: reference() is None, "it goes")


def test_a_cancelled_job_is_left_out(worker, gate):
    done = []
    futures = [worker.submit(lambda n=n: done.append(n)) for n in range(3)]
    assert futures[1].cancel()
    gate.set()
    futures[2].result(10)
    assert done == [0, 2]


def test_closing_cancels_what_waits_and_waits_for_nothing(worker, gate):
    future = worker.submit(lambda: 1)
    assert not worker.close()
    assert not future.done()
    gate.set()
    with pytest.raises(CancelledError):
        future.result(10)
    assert worker.close(PATIENCE)
    assert worker.close(PATIENCE)


def test_what_comes_after_closing_is_cancelled(worker):
    worker.close()
    with pytest.raises(CancelledError):
        worker.submit(lambda: 1).result(10)


def test_closing_in_the_thread_itself_waits_for_nothing(worker):
    assert worker.submit(lambda: worker.close(PATIENCE)).result(10) is False
    assert worker.close(PATIENCE)


def test_at_the_end_it_does_what_comes_last(caplog):
    done = []
    worker = Worker("worker", last=lambda: done.append(threading.current_thread().name))
    worker.submit(lambda: done.append("job")).result(10)
    assert worker.close(PATIENCE)
    assert done == ["job", "worker"]


def test_the_thread_does_not_hold_up_the_end_of_the_process(worker, gate):
    assert next(thread for thread in threading.enumerate() if thread.name == "worker").daemon


class TestNewest:
    @pytest.fixture
    def slow(self):
        """What was done, the gate that lets a job end, and whoever does it."""
        done, gate, entered = [], threading.Semaphore(0), threading.Semaphore(0)

        def job(item):
            entered.release()
            gate.acquire(timeout=30)
            done.append((item, threading.current_thread().name))

        newest = Newest("newest", job)
        yield newest, done, gate, entered
        newest.close()
        gate.release(10)

    def test_what_comes_while_it_is_busy_is_skipped_but_for_the_newest(self, slow):
        newest, done, gate, entered = slow
        newest.put(1)
        entered.acquire(timeout=30)
        for item in (2, 3, 4):
            newest.put(item)
        gate.release(2)
        entered.acquire(timeout=30)
        eventually(lambda: len(done) == 2, "the second")
        assert done == [(1, "newest"), (4, "newest")]

    def test_closed_it_does_nothing_more(self, slow):
        newest, done, gate, entered = slow
        newest.put(1)
        entered.acquire(timeout=30)
        newest.put(2)
        assert not newest.close()
        gate.release(2)
        assert newest.close(PATIENCE)
        newest.put(3)
        assert newest.close(PATIENCE)
        assert done == [(1, "newest")]

    def test_without_anything_to_do_there_is_no_thread(self):
        newest = Newest("idle", print)
        assert "idle" not in names()
        assert newest.close(PATIENCE)

    def test_closing_in_the_thread_itself_waits_for_nothing(self):
        said = []
        newest = Newest("newest", lambda _: said.append(newest.close(PATIENCE)))
        newest.put(1)
        eventually(lambda: said, "it is closed")
        assert newest.close(PATIENCE)
        assert said == [False]

    @pytest.mark.parametrize("leaving", [ValueError, *LEAVING])
    def test_what_the_job_raises_is_told_once_and_the_next_item_is_taken(self, leaving):
        told, done, taken = Told(), [], threading.Semaphore(0)

        def job(item):
            taken.release()
            if item < 3:
                raise leaving("encoder")
            done.append(item)

        newest = Newest("newest", job, failing=told)
        for item in range(4):
            newest.put(item)
            assert taken.acquire(timeout=PATIENCE)
        told.waits_for(f"{leaving.__name__}: encoder", "over")
        assert newest.close(PATIENCE)
        assert done == [3]

    def test_the_last_item_is_not_kept(self):
        class Image:
            pass

        newest, image = Newest("newest", lambda _: None), Image()
        reference = weakref.ref(image)
        newest.put(image)
        del image
        eventually(lambda: reference() is None, "it goes")
        newest.close()


class TestReader:
    @pytest.fixture
    def source(self):
        """Outcomes of reads, put by a test; each read takes the next one, and waits for it."""
        return Source()

    def test_it_reads_only_while_it_is_told_to(self, source):
        reader = Reader("source", source.read, last=source.close)
        source.give(1, 2)
        assert source.taken == []
        reader.run()
        source.has_given(1, 2)
        reader.pause()
        source.give(3)  # the read that is under way
        source.has_given(1, 2, 3)
        source.give(4)
        assert "source" in names()
        reader.run()
        source.has_given(1, 2, 3, 4)
        source.give(5)
        assert reader.close(PATIENCE)
        assert source.closed == 1

    @pytest.mark.parametrize("leaving", [OSError, *LEAVING])
    def test_what_a_read_raises_is_told_once_and_it_is_read_again(self, source, leaving):
        told = Told()
        reader = Reader("source", source.read, failing=told)
        source.give(leaving("gone"), leaving("gone"), 1)
        reader.run()
        source.has_given(1)
        told.waits_for(f"{leaving.__name__}: gone", "over")
        source.give(2)
        source.has_given(1, 2)
        source.give(3)
        assert reader.close(PATIENCE)

    def test_closed_while_it_reads_it_ends_when_the_source_returns_and_twice_is_once(self, source):
        reader = Reader("source", source.read, last=source.close)
        reader.run()
        source.is_read()
        assert not reader.close(0.0)
        reader.pause()  # whoever still does so does not keep it
        source.give(1)
        assert reader.close(PATIENCE)
        assert reader.close(PATIENCE)
        assert source.closed == 1

    def test_it_can_be_closed_before_it_has_read(self, source):
        reader = Reader("source", source.read, last=source.close)
        assert reader.close(PATIENCE)
        assert (source.taken, source.closed) == ([], 1)

    def test_closing_in_the_thread_itself_waits_for_nothing(self):
        said = []
        reader = Reader("source", lambda: said.append(reader.close(PATIENCE)))
        reader.run()
        eventually(lambda: said, "it is closed")
        assert reader.close(PATIENCE)
        assert said == [False]

    def test_a_close_does_not_wait_for_its_rests(self, source):
        reader = Reader("source", source.read, rate=lambda: 0.001, failing=lambda _: None)
        reader.run()
        source.give(1)
        source.has_given(1)
        assert reader.close(PATIENCE)


class Source:
    def __init__(self):
        self.outcomes = queue.SimpleQueue()
        self.reads = threading.Semaphore(0)
        self.taken = []
        self.closed = 0

    def give(self, *outcomes):
        for outcome in outcomes:
            self.outcomes.put(outcome)

    def read(self):
        self.reads.release()
        outcome = self.outcomes.get(timeout=PATIENCE)
        if isinstance(outcome, BaseException):
            raise outcome
        self.taken.append(outcome)

    def close(self):
        self.closed += 1

    def is_read(self):
        assert self.reads.acquire(timeout=PATIENCE)

    def has_given(self, *outcomes):
        eventually(lambda: self.taken == list(outcomes), f"{outcomes} in {self.taken}")
