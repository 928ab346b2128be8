"""A camera's frames as those who want them see them."""

import dataclasses
import math
from functools import partial

import pytest

from vision_service.errors import ErrorCode, VisionError
from vision_service.frames import Demand, FrameSlot
from vision_service.ros.execution.calls import Call
from vision_service.ros.execution.executor import Executor
from vision_service.ros.resources.feeds import Feed, LocalCameras, fetch
from vision_service.settings.node import FrameConfiguration
from vision_service.types import Frame


def test_a_camera_of_this_process_is_found_by_its_topic_s_full_name():
    cameras, feed = LocalCameras(), Feed(FrameSlot(), Demand(lambda: None))
    cameras.add("/robot/front/image_raw", feed)
    assert cameras.find("/robot/front/image_raw") is feed
    assert cameras.find("/front/image_raw") is None
    cameras.remove("/robot/front/image_raw")
    assert cameras.find("/robot/front/image_raw") is None
    cameras.remove("/robot/front/image_raw")


class Asking:
    """A call on a feed, in an executor that is spun step by step."""

    def __init__(self, executor, feed, asked_age, *, timeout=30.0, **settings):
        self.executor = executor
        self.settings = dataclasses.replace(FrameConfiguration(), **settings)
        call = Call(executor, timeout)
        self.task = executor.create_task(fetch(feed, "front", call, max_age=asked_age, settings=self.settings))

    def step(self):
        """Return the frame if it is there, else None."""
        self.executor.spin_once(0)
        if self.task.exception() is not None:
            raise self.task.exception()
        return self.task.result()


@pytest.fixture
def asking(context, feed):
    """Makes calls on the feed."""
    executor = Executor(context=context)
    yield partial(Asking, executor, feed)
    executor.shutdown()
    executor.release()


@pytest.fixture
def feed():
    return Feed(FrameSlot(), Demand(lambda: None))


@pytest.mark.parametrize("max_age", [10.0, math.inf])
def test_a_frame_that_is_young_enough_is_taken_at_once(asking, feed, max_age):
    feed.slot.put(Frame(stamp=1))
    assert asking(max_age).step().stamp == 1


def test_age_0_is_the_node_s_default(asking, feed):
    feed.slot.put(Frame(stamp=1))
    assert asking(0.0, max_age=1000.0).step().stamp == 1
    waiting = asking(0.0, max_age=0.0)
    assert waiting.step() is None
    feed.slot.put(Frame(stamp=2))
    assert waiting.step().stamp == 2


@pytest.mark.parametrize("max_age", [-1.0, -math.inf, 1e-9])
def test_otherwise_the_next_frame_is_waited_for(asking, feed, max_age):
    feed.slot.put(Frame(stamp=1))
    call = asking(max_age)
    assert call.step() is None
    feed.slot.put(Frame(stamp=2))
    feed.slot.put(Frame(stamp=3))
    assert call.step().stamp == 2


def test_nan_is_no_age(asking):
    with pytest.raises(VisionError, match="max_age") as raised:
        asking(math.nan).step()
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT


def test_frames_are_wanted_while_a_call_waits_and_linger_after_it(asking, feed):
    call = asking(-1.0, linger=1000.0)
    call.step()
    assert feed.demand.wanted
    feed.slot.put(Frame())
    call.step()
    assert feed.demand.wanted


def test_a_call_waits_for_its_frame_also_without_lingering(asking, feed):
    call = asking(-1.0, linger=0.0)
    call.step()
    feed.demand.refresh()
    assert feed.demand.wanted
    feed.slot.put(Frame(stamp=4))
    assert call.step().stamp == 4
    assert not feed.demand.wanted


def test_a_camera_that_fails_while_it_is_waited_for_is_the_call_s_error(asking, feed):
    call = asking(-1.0, linger=0.0)
    call.step()
    feed.slot.fail(VisionError(ErrorCode.CAMERA_ERROR, "unplugged"))
    with pytest.raises(VisionError, match="unplugged"):
        call.step()
    assert not feed.demand.wanted


def test_a_call_in_vain_says_how_old_the_last_frame_is(asking, feed):
    feed.slot.put(Frame())
    with pytest.raises(VisionError, match=r"'front' within 0 s: the last one arrived 0\.\d s ago") as raised:
        asking(-1.0, timeout=0.0).step()
    assert raised.value.code == ErrorCode.NO_FRAME
