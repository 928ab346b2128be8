"""Frames are ordered by their stamps, and by when they arrived where stamps are 0 or stand still."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.frame_clock import ADVANCES, STILL, FrameClock
from vision_service.types import Frame

SECOND = 1_000_000_000


def clock():
    return FrameClock("front", "its objects are tracked")


def frame(stamp, arrived):
    """Return a frame of a stamp and a time of arrival, seconds."""
    return Frame(stamp=round(stamp * SECOND), arrived=round(arrived * SECOND), camera_name="front")


def times(of, *frames):
    """Return the times of frames, seconds."""
    return [of.time(item) / SECOND for item in frames]


def test_stamps_that_run_are_the_time_whatever_the_frames_delay():
    of = clock()
    assert times(of, frame(100, 1), frame(100.1, 1.3), frame(100.2, 1.31)) == [100, 100.1, 100.2]
    assert (of.problem, of.by_arrival) == ("", False)


def test_a_frame_without_a_stamp_has_the_time_at_which_it_arrived():
    of = clock()
    assert times(of, frame(0, 5), frame(0, 5.2), frame(0, 5.3), frame(0, 7)) == [0, 5.2, 5.3, 7]
    assert "'front' are 0: its objects are tracked by when its frames arrive; let its driver fill" in of.problem


def test_time_may_begin_at_0():
    of = clock()
    assert times(of, frame(0, 5), frame(0.1, 5.1), frame(0.2, 5.4)) == [0, 0.1, 0.2]
    assert of.problem == ""


def test_where_stamps_cease_to_run_time_goes_on_from_the_newest():
    of = clock()
    assert times(of, frame(100, 1), frame(101, 2)) == [100, 101]
    assert times(of, frame(101, 3), frame(101, 3.5)) == pytest.approx([102, 102.5])
    assert "'front' stand still at 101.000 s" in of.problem
    assert "/clock" in of.problem


def test_one_message_that_two_subscriptions_receive_does_not_stand_still():
    of = clock()
    for number in range(20):
        for delay in (0, STILL / SECOND / 2):
            assert times(of, frame(100 + number, 1 + number + delay)) == [100 + number]
    assert of.problem == ""


def test_where_stamps_run_again_they_count_after_a_while_and_time_does_not_jump():
    of = clock()
    shown = times(of, *[frame(100, 1 + number / 10) for number in range(20)])
    shown += times(of, *[frame(500 + number / 10, 3 + number / 10) for number in range(30)])
    assert (of.problem, of.by_arrival) == ("", False)
    still, running = shown[3:20], shown[20:]
    assert still == pytest.approx([100 + number / 10 for number in range(3, 20)])
    assert running == pytest.approx([102 + number / 10 for number in range(30)])


def test_a_clock_that_ticks_slowly_stands_still():
    """Stamps of a simulation's time that is told twice a second, with images at 30 Hz."""
    of, problems = clock(), set()
    for number in range(300):
        now = number / 30
        of.time(frame(100 + now // 0.5 * 0.5, 1 + now))
        problems.add(bool(of.problem) if number > 15 else True)
    assert problems == {True}


def test_a_slow_camera_runs_again_after_some_frames_not_after_one():
    of = clock()
    times(of, frame(100, 0), frame(100, 10), frame(100, 20))
    seen = []
    for number in range(ADVANCES):
        seen.append(of.by_arrival)
        of.time(frame(101 + number, 30 + 10 * number))
    assert seen == [True] * ADVANCES
    assert not of.by_arrival


def test_a_short_recording_in_a_loop_does_not_stand_still():
    of = clock()
    for number in range(30):
        of.time(frame(100.5 + number % 6 / 10, number / 10))
        assert not of.problem


def test_time_that_is_set_back_is_set_back():
    of = clock()
    assert times(of, frame(100, 1), frame(10, 2), frame(10.1, 2.1)) == [100, 10, 10.1]
    assert of.problem == ""


@given(
    st.sampled_from([0, SECOND]),
    st.lists(st.tuples(st.integers(1, SECOND), st.booleans()), min_size=1, max_size=60),
)
def test_time_never_goes_back_where_stamps_do_not(stamp, steps):
    of, arrived, before = clock(), 0, -1
    for step, runs in steps:
        arrived += step
        stamp += step if runs else 0
        now = of.time(Frame(stamp=stamp, arrived=arrived, camera_name="front"))
        assert now >= before
        before = now
