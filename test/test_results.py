"""Results: one slot per vision service, filled only while wanted, which outlives its model."""

import logging

from vision_service.results import ResultSlot, result_of
from vision_service.types import Frame


def result(camera="front", number=1, **values):
    return result_of(camera, Frame(stamp=number), {"detect": []}, **values)


def test_it_begins_empty():
    slot = ResultSlot()
    assert slot.newest("front") is None
    assert not slot.wanted("front")
    assert (slot.rate("front"), slot.latency("front")) == (0.0, {"p50": None, "p99": None})


def test_it_keeps_the_newest_result_of_each_camera():
    slot = ResultSlot()
    first, second, other = result(number=1), result(number=2), result("back")
    for each in (first, second, other):
        slot.put(each)
    assert slot.newest("front") is second
    assert slot.newest("back") is other
    slot.forget()
    assert slot.newest("front") is None


def test_listeners_are_told_of_every_result_until_they_end_that():
    slot, told = ResultSlot(), []
    end = slot.listen(told.append)
    one = result()
    slot.put(one)
    end()
    slot.put(result())
    assert told == [one]


def test_a_listener_that_fails_keeps_off_nobody(caplog):
    slot, told = ResultSlot(), []

    def fail(_):
        raise SystemExit("a listener gives up")

    slot.listen(fail)
    slot.listen(told.append)
    with caplog.at_level(logging.CRITICAL):
        slot.put(result())
    assert len(told) == 1


def test_it_tells_when_results_begin_and_cease_to_be_wanted():
    changes = []
    slot = ResultSlot(lambda: changes.append(slot.wanted("front")))
    one, other = object(), object()
    slot.demand("front").hold(one)
    slot.demand("front").hold(other)
    slot.demand("front").release(one)
    assert changes == [True]
    slot.demand("front").release(other)
    assert changes == [True, False]
    assert not slot.wanted("back")


def test_a_failure_counts_as_no_latency():
    slot = ResultSlot()
    slot.put(result(problem="the model failed"))
    assert slot.latency("front")["p50"] is None
    slot.put(result())
    assert slot.latency("front")["p50"] >= 0
