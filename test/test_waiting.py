"""What a model is held up by: what its thread waits for elsewhere, or that it has been at work for long."""

import threading

import pytest

from vision_service import waiting
from vision_service.waiting import Activity, waiting_for


@pytest.fixture
def busy(monkeypatch):
    """Has a thread run a model that waits for somebody, until the test ends; any time is long."""
    monkeypatch.setattr(waiting, "LONG", 0.0)
    monkeypatch.setattr(waiting, "LONG_WAIT", 0.0)
    activity, begun, over, threads = Activity(), threading.Event(), threading.Event(), []

    def work(*names):
        with activity.at_work():
            wait(*names)

    def wait(name="", *others):
        if name:
            with waiting_for(name):
                wait(*others)
        else:
            begun.set()
            over.wait()

    def start(*names):
        threads.append(threading.Thread(target=work, args=names))
        threads[0].start()
        begun.wait()
        return activity

    yield start
    over.set()
    threads[0].join()


def test_who_is_waited_for_is_named(busy):
    said = busy("the ML model 'net'").held_up()
    assert said == "the model waits for the ML model 'net', which has not answered for 0.0 s"


def test_the_innermost_of_them_is_named(busy):
    assert "waits for the camera" in busy("the tracker", "the camera").held_up()


def test_a_model_that_waits_for_nobody_is_at_work(busy):
    assert "has been at work for 0.0 s" in busy().held_up()


def test_what_is_over_is_waited_for_no_more(monkeypatch):
    monkeypatch.setattr(waiting, "LONG", 0.0)
    monkeypatch.setattr(waiting, "LONG_WAIT", 0.0)
    activity = Activity()
    with activity.at_work():
        with waiting_for("the tracker"), waiting_for("the camera"):
            pass
        assert "has been at work" in activity.held_up()


def test_what_is_usual_holds_up_nobody(monkeypatch):
    monkeypatch.setattr(waiting, "LONG", 60.0)
    monkeypatch.setattr(waiting, "LONG_WAIT", 60.0)
    activity = Activity()
    with activity.at_work(), waiting_for("the ML model 'net'"):
        assert activity.held_up() == ""


def test_what_has_just_held_it_up_is_still_named_while_the_next_call_begins(monkeypatch):
    monkeypatch.setattr(waiting, "LONG", 60.0)
    monkeypatch.setattr(waiting, "LONG_WAIT", 0.0)
    activity = Activity()
    with activity.at_work(), waiting_for("the ML model 'net'"):
        pass
    assert activity.held_up() == "the model waited for the ML model 'net' until just now, for 0.0 s"
    with activity.at_work():
        assert "'net' until just now" in activity.held_up()
    assert activity.held_up() == "", "the call after it did not wait"


def test_what_held_it_up_long_ago_is_forgotten(monkeypatch):
    monkeypatch.setattr(waiting, "LONG_WAIT", 0.0)
    activity = Activity()
    with activity.at_work(), waiting_for("the ML model 'net'"):
        pass
    monkeypatch.setattr(waiting, "LONG", -1.0)
    assert activity.held_up() == ""


def test_what_the_thread_waited_for_in_other_work_is_not_the_models(monkeypatch):
    monkeypatch.setattr(waiting, "LONG", 60.0)
    monkeypatch.setattr(waiting, "LONG_WAIT", 0.0)
    activity = Activity()
    with waiting_for("another model, while this one was made"):
        pass
    with activity.at_work():
        pass
    assert activity.held_up() == ""


def test_what_took_long_is_named_though_a_short_wait_came_after_it(monkeypatch):
    monkeypatch.setattr(waiting, "LONG", 60.0)
    activity = Activity()
    with activity.at_work():
        monkeypatch.setattr(waiting, "LONG_WAIT", 0.0)
        with waiting_for("the slow one"):
            pass
        monkeypatch.setattr(waiting, "LONG_WAIT", 30.0)
        with waiting_for("the quick one"):
            pass
    assert "the slow one" in activity.held_up()
