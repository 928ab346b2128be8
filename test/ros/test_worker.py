"""A thread for jobs that take longer than a callback should."""

import threading
from concurrent.futures import CancelledError

import pytest

from vision_service.ros.worker import Worker


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
