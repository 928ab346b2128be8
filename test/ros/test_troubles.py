"""Troubles: each is logged once when it begins, once when it ends, and shown in between."""

import threading

import pytest

from vision_service.ros.troubles import Troubles


class Log:
    """Writes down what a logger is told."""

    def __init__(self):
        self.lines = []

    def warning(self, sentence):
        self.lines.append(("warning", sentence))

    def info(self, sentence):
        self.lines.append(("info", sentence))


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def troubles(log):
    return Troubles(log)


def test_there_are_none_at_first(troubles, log):
    troubles.report("camera", "")
    assert troubles.sentences == []
    assert log.lines == []


def test_one_is_logged_when_it_begins_and_when_it_ends(troubles, log):
    for _ in range(3):
        troubles.report("camera", "no frames")
    assert troubles.sentences == ["no frames"]
    for _ in range(3):
        troubles.report("camera", "")
    assert troubles.sentences == []
    assert log.lines == [("warning", "no frames"), ("info", "over: no frames")]


def test_one_that_changes_is_shown_as_it_is_now_and_not_logged_again(troubles, log):
    troubles.report("camera", "no frames for 3 s")
    troubles.report("camera", "no frames for 4 s")
    assert troubles.sentences == ["no frames for 4 s"]
    troubles.report("camera", "")
    assert log.lines == [("warning", "no frames for 3 s"), ("info", "over: no frames for 4 s")]


def test_each_has_its_own_key_and_they_keep_their_order(troubles):
    for key in ("a", "b", "c"):
        troubles.report(key, f"{key} is wrong")
    troubles.report("a", "a is still wrong")
    troubles.report("b", "")
    assert troubles.sentences == ["a is still wrong", "c is wrong"]


def test_all_are_forgotten_without_a_word(troubles, log):
    troubles.report("camera", "no frames")
    troubles.clear()
    assert troubles.sentences == []
    troubles.report("camera", "")
    assert log.lines == [("warning", "no frames")]


def test_many_threads_may_report_at_once(troubles, log):
    def work(key):
        for number in range(300):
            troubles.report(key, f"{number}")
            troubles.report("shared", f"{number}")
            troubles.report("shared", "")
            assert isinstance(troubles.sentences, list)
            if number % 50 == 0:
                troubles.clear()
        troubles.report(key, "at last")

    threads = [threading.Thread(target=work, args=(key,)) for key in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(troubles.sentences) <= {"at last"}
    begun = [sentence for kind, sentence in log.lines if kind == "warning"]
    ended = [sentence for kind, sentence in log.lines if kind == "info"]
    assert len(begun) >= len(ended)
