"""Diagnostics: each is logged once when it begins, once when it ends, and shown in between."""

import threading

import pytest

from vision_service.ros.node.diagnostics import Diagnostics


class Log:
    """Writes down what a logger is told."""

    def __init__(self):
        self.lines = []

    def warning(self, message):
        self.lines.append(("warning", message))

    def info(self, message):
        self.lines.append(("info", message))


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def problems(log):
    return Diagnostics(log)


def test_there_are_none_at_first(problems, log):
    problems.report("camera", "")
    assert problems.messages == []
    assert log.lines == []


def test_one_is_logged_when_it_begins_and_when_it_ends(problems, log):
    for _ in range(3):
        problems.report("camera", "no frames")
    assert problems.messages == ["no frames"]
    for _ in range(3):
        problems.report("camera", "")
    assert problems.messages == []
    assert log.lines == [("warning", "no frames"), ("info", "over: no frames")]


def test_one_that_changes_is_shown_as_it_is_now_and_not_logged_again(problems, log):
    problems.report("camera", "no frames for 3 s")
    problems.report("camera", "no frames for 4 s")
    assert problems.messages == ["no frames for 4 s"]
    problems.report("camera", "")
    assert log.lines == [("warning", "no frames for 3 s"), ("info", "over: no frames for 4 s")]


def test_each_has_its_own_key_and_they_keep_their_order(problems):
    for key in ("a", "b", "c"):
        problems.report(key, f"{key} is wrong")
    problems.report("a", "a is still wrong")
    problems.report("b", "")
    assert problems.messages == ["a is still wrong", "c is wrong"]


def test_all_are_forgotten_without_a_word(problems, log):
    problems.report("camera", "no frames")
    problems.clear()
    assert problems.messages == []
    problems.report("camera", "")
    assert log.lines == [("warning", "no frames")]


def test_many_threads_may_report_at_once(problems, log):
    def work(key):
        for number in range(300):
            problems.report(key, f"{number}")
            problems.report("shared", f"{number}")
            problems.report("shared", "")
            assert isinstance(problems.messages, list)
            if number % 50 == 0:
                problems.clear()
        problems.report(key, "at last")

    threads = [threading.Thread(target=work, args=(key,)) for key in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(problems.messages) <= {"at last"}
    begun = [message for kind, message in log.lines if kind == "warning"]
    ended = [message for kind, message in log.lines if kind == "info"]
    assert len(begun) >= len(ended)
