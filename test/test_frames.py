"""Frames: one slot with the newest frame of a camera, filled only while wanted."""

import gc
import logging
import threading
import weakref

import pytest

from vision_service.errors import ErrorCode, VisionError
from vision_service.frames import Demand, FrameSlot
from vision_service.types import Frame

BROKEN = VisionError(ErrorCode.CAMERA_ERROR, "the cable is out")
AGES = 1000.0
"""Seconds: longer than any test."""


def frames(count):
    return [Frame(camera_name="cam", stamp=number) for number in range(1, count + 1)]


class TestFrameSlot:
    def test_it_begins_empty(self):
        slot = FrameSlot()
        assert slot.fresh(AGES) is None
        assert (slot.count, slot.age, slot.error) == (0, None, None)

    def test_it_keeps_the_newest_frame_only(self):
        slot = FrameSlot()
        for frame in frames(3):
            slot.put(frame)
        assert slot.fresh(AGES) is frame
        assert slot.count == 3

    def test_older_frames_are_let_go_of(self):
        slot = FrameSlot()
        first, second = frames(2)
        old = weakref.ref(first)
        slot.put(first)
        slot.put(second)
        del first
        gc.collect()
        assert old() is None

    def test_a_frame_is_fresh_up_to_its_age(self):
        slot = FrameSlot()
        (frame,) = frames(1)
        slot.put(frame)
        assert slot.fresh(AGES) is frame
        assert slot.fresh(-1.0) is None  # only one that is still to come

    def test_who_waits_gets_the_next_frame_and_not_the_one_before(self):
        slot = FrameSlot()
        before, after = frames(2)
        slot.put(before)
        future = slot.next()
        assert not future.done()
        slot.put(after)
        assert future.result(0) is after

    def test_all_who_wait_get_the_same_frame(self):
        slot = FrameSlot()
        futures = [slot.next() for _ in range(5)]
        (frame,) = frames(1)
        slot.put(frame)
        assert all(future.result(0) is frame for future in futures)

    def test_who_gives_up_does_not_concern_the_others(self):
        slot = FrameSlot()
        one, other = slot.next(), slot.next()
        one.cancel()
        (frame,) = frames(1)
        slot.put(frame)
        assert one.cancelled()
        assert other.result(0) is frame

    def test_those_who_gave_up_do_not_pile_up_at_a_silent_camera(self):
        slot = FrameSlot()
        gone = []
        for _ in range(100):
            future = slot.next()
            gone.append(weakref.ref(future))
            future.cancel()
            del future
        gc.collect()
        assert sum(reference() is not None for reference in gone) <= 1

    def test_who_waits_is_told_that_the_camera_failed(self):
        slot = FrameSlot()
        future = slot.next()
        slot.fail(BROKEN)
        assert future.exception(0) is BROKEN
        assert slot.error is BROKEN

    def test_a_failure_leaves_the_newest_frame_and_the_next_frame_ends_it(self):
        slot = FrameSlot()
        first, second = frames(2)
        slot.put(first)
        slot.fail(BROKEN)
        assert slot.fresh(AGES) is first
        slot.put(second)
        assert slot.error is None

    @pytest.mark.parametrize("leaving", [ValueError, SystemExit, KeyboardInterrupt])
    def test_a_listener_that_fails_concerns_nobody_else_and_is_told_once(self, leaving):
        slot, received, told = FrameSlot(), [], []

        def listener(frame):
            if frame.stamp < 3:
                raise leaving("listener")

        slot.listen(listener, failing=told.append)
        slot.listen(lambda frame: received.append(frame.stamp))
        for frame in frames(3):
            slot.put(frame)
        assert received == [1, 2, 3]
        assert [type(error) for error in told] == [leaving, type(None)]

    def test_listeners_hear_every_frame_in_the_thread_that_brings_it(self):
        slot, received = FrameSlot(), []
        slot.listen(lambda frame: received.append((frame.stamp, threading.current_thread())))
        first, second = frames(2)
        slot.put(first)
        bringer = threading.Thread(target=slot.put, args=(second,))
        bringer.start()
        bringer.join()
        assert received == [(1, threading.current_thread()), (2, bringer)]

    def test_a_listener_ends_by_what_listening_returned(self):
        slot, one, other = FrameSlot(), [], []
        unlisten = slot.listen(one.append)
        slot.listen(other.append)
        first, second = frames(2)
        slot.put(first)
        unlisten()
        unlisten()
        slot.put(second)
        assert (one, other) == ([first], [first, second])

    def test_a_listener_that_fails_stops_neither_the_camera_nor_the_other_listeners(self, caplog):
        slot, received = FrameSlot(), []
        slot.listen(lambda _: 1 / 0)
        slot.listen(received.append)
        future = slot.next()
        (frame,) = frames(1)
        with caplog.at_level(logging.ERROR):
            slot.put(frame)
        assert received == [frame]
        assert future.result(0) is frame
        assert "ZeroDivisionError" in caplog.text

    @pytest.mark.parametrize(
        ("prepare", "code", "words"),
        [
            (lambda slot: None, ErrorCode.NO_FRAME, "none has arrived yet"),
            (lambda slot: slot.put(Frame()), ErrorCode.NO_FRAME, r"the last one arrived \d+\.\d s ago"),
            (lambda slot: slot.fail(BROKEN), ErrorCode.CAMERA_ERROR, "the cable is out"),
        ],
        ids=["never", "before", "failed"],
    )
    def test_who_waited_in_vain_is_told_why(self, prepare, code, words):
        slot = FrameSlot()
        prepare(slot)
        error = slot.no_frame("cam", 2.5)
        assert error.code is code
        with pytest.raises(VisionError, match=rf"'cam'.* 2\.5 s: .*{words}"):
            raise error

    def test_many_threads_may_use_it_at_once(self):
        slot, count, received = FrameSlot(), 200, []
        slot.listen(received.append)

        def wait():
            for _ in range(count):
                slot.next().cancel()
                slot.listen(lambda _: None)()
                slot.fresh(AGES)

        def bring():
            for frame in frames(count):
                slot.put(frame)

        threads = [threading.Thread(target=work) for work in (wait, wait, bring, bring)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert slot.count == len(received) == 2 * count


class TestDemand:
    @pytest.fixture
    def changes(self):
        return []

    @pytest.fixture
    def demand(self, changes):
        demand = Demand(lambda: changes.append(demand.wanted))
        return demand

    def test_it_begins_without(self, demand, changes):
        demand.refresh()
        assert not demand.wanted
        assert demand.wanted_for == 0
        assert changes == []

    def test_frames_are_wanted_from_the_first_holder_to_the_last(self, demand, changes):
        demand.hold("one")
        demand.hold("other")
        demand.release("one")
        assert demand.wanted
        demand.release("other")
        assert changes == [True, False]

    def test_who_brings_the_frames_can_be_told_again(self, demand, changes):
        demand.tell()
        demand.hold("one")
        demand.tell()
        assert changes == [False, True, True]

    def test_holding_twice_is_holding_once(self, demand):
        demand.hold("one")
        demand.hold("one")
        demand.release("one")
        assert not demand.wanted

    def test_who_does_not_hold_may_release(self, demand, changes):
        demand.release("nobody")
        assert changes == []

    def test_lingering_outlasts_holders(self, demand, changes):
        demand.hold("caller")
        demand.linger(AGES)
        demand.release("caller")
        assert demand.wanted
        assert changes == [True]

    def test_lingering_ends_by_time_at_the_next_look(self, demand, changes):
        demand.hold("caller")
        demand.linger(0.0)
        demand.release("caller")
        assert changes == [True, False]

    def test_a_shorter_lingering_does_not_cut_a_longer_one(self, demand):
        demand.linger(AGES)
        demand.linger(0.0)
        assert demand.wanted

    def test_dropping_ends_all(self, demand, changes):
        demand.hold("one")
        demand.linger(AGES)
        demand.drop()
        assert not demand.wanted
        assert changes == [True, False]

    def test_it_knows_for_how_long(self, demand):
        demand.hold("one")
        assert demand.wanted_for > 0

    def test_what_could_not_be_opened_is_tried_again(self):
        tries = []

        def change():
            tries.append(demand.wanted)
            if len(tries) == 1:
                raise RuntimeError("no such topic")

        demand = Demand(change)
        with pytest.raises(RuntimeError):
            demand.hold("one")
        assert not demand.wanted
        demand.refresh()
        assert demand.wanted
        assert tries == [True, True]


def test_who_waits_goes_on_waiting_when_it_is_only_noted_why_no_frame_comes():
    slot = FrameSlot()
    waiting = slot.next()
    slot.note(VisionError(ErrorCode.CAMERA_ERROR, "still warming up"))
    assert not waiting.done()
    assert "still warming up" in slot.no_frame("front", 1.0).message
    frame = Frame()
    slot.put(frame)
    assert waiting.result(0) is frame
    assert slot.error is None


def test_a_frame_that_was_published_before_answers_only_who_takes_one_so_old():
    slot, frame, later = FrameSlot(), Frame(), Frame()
    anything, young, new = slot.next(), slot.next(1.0), slot.next(0.0)
    slot.put(frame, age=5.0)
    assert anything.result(0) is frame
    assert not young.done()
    assert not new.done()
    assert slot.age >= 5.0
    assert slot.fresh(1.0) is None
    slot.put(later)
    assert young.result(0) is new.result(0) is later
