"""Threads for jobs that take longer than a callback should."""

import threading
from concurrent.futures import CancelledError

import pytest

from robot import eventually
from vision_service.concurrency import Newest, Worker


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


def test_a_cancelled_job_is_left_out(worker, gate):
    done = []
    futures = [worker.submit(lambda n=n: done.append(n)) for n in range(3)]
    assert futures[1].cancel()
    gate.set()
    futures[2].result(10)
    assert done == [0, 2]


def test_closing_cancels_what_waits_and_waits_for_nothing(worker, gate):
    future = worker.submit(lambda: 1)
    worker.close()
    assert not future.done()
    gate.set()
    with pytest.raises(CancelledError):
        future.result(10)


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
        newest.close()
        gate.release(2)
        eventually(lambda: "newest" not in [thread.name for thread in threading.enumerate()], "the end of the thread")
        newest.put(3)
        assert done == [(1, "newest")]

    def test_without_anything_to_do_there_is_no_thread(self):
        newest = Newest("idle", print)
        assert "idle" not in [thread.name for thread in threading.enumerate()]
        newest.close()
