"""Reading a live source in a thread of its own, with sources that fail and hang at a word."""

import threading
import time
from types import MappingProxyType

import pytest

from robot import eventually, never
from vision_service.camera.live import MOST_HUNG, Live
from vision_service.errors import ErrorCode, VisionError
from vision_service.types import Frame


class Lamp:
    """A source whose frames are numbered, and which can be made to fail or to hang."""

    read_timeout = 0.2
    facts = MappingProxyType({})

    def __init__(self):
        self.opened = self.closed = self.frames = 0
        self.broken = ""
        self.works = threading.Event()
        self.works.set()

    def open(self):
        self.opened += 1
        self.works.wait()
        self.fail()
        return self

    def read(self):
        time.sleep(0.005)
        self.works.wait()
        self.fail()
        self.frames += 1
        return Frame(stamp=self.frames)

    def fail(self):
        if self.broken:
            raise VisionError(ErrorCode.CAMERA_ERROR, self.broken)

    def close(self):
        self.closed += 1


@pytest.fixture
def lamp():
    lamp = Lamp()
    yield lamp
    lamp.works.set()


@pytest.fixture
def live(lamp):
    live = Live("the lamp", lamp.open, open_timeout=0.2, read_timeout=0.2)
    yield live
    live.close()


def fails(live):
    with pytest.raises(VisionError) as caught:
        live.read()
    assert caught.value.code == ErrorCode.CAMERA_ERROR
    return caught.value.message


def test_nothing_is_open_before_the_first_read(live, lamp):
    never(lambda: lamp.opened, "it was opened", seconds=0.1)
    live.read()
    assert lamp.opened == 1


def test_frames_come_in_order_and_each_once(live):
    stamps = [live.read().stamp for _ in range(20)]
    assert stamps == sorted(set(stamps))


def test_a_slow_reader_gets_the_newest(live, lamp):
    live.read()
    eventually(lambda: lamp.frames > 10, "frames that nobody takes")
    assert live.read().stamp >= 10


def test_a_failure_comes_to_the_reader_and_the_source_is_opened_anew(live, lamp):
    live.read()
    lamp.broken = "the bulb is broken"
    eventually(lambda: lamp.closed == 1, "it is closed")
    assert eventually(lambda: _message_of(live), "the error") == "the bulb is broken"
    assert fails(live) == "the bulb is broken"
    lamp.broken = ""
    live.read()
    assert lamp.opened == 3
    live.close()
    eventually(lambda: lamp.closed == 2, "it is closed")


def test_any_other_failure_is_told_by_its_kind(live, lamp):
    lamp.fail = lambda: 1 / 0
    assert fails(live) == "the driver failed: ZeroDivisionError: division by zero"


@pytest.mark.parametrize("leaving", [SystemExit, KeyboardInterrupt])
def test_a_library_that_would_leave_is_a_failure_too(live, lamp, leaving):
    def leave():
        raise leaving("no licence")

    live.read()
    lamp.fail = leave
    assert eventually(lambda: _message_of(live), "the error") == f"the driver failed: {leaving.__name__}: no licence"
    lamp.fail = lambda: None
    live.read()


def test_one_that_would_leave_when_it_is_closed_holds_up_nobody(live, lamp):
    def leave():
        raise SystemExit("no licence")

    live.read()
    lamp.close = leave
    live.close()
    eventually(lambda: "reader of the lamp" not in [thread.name for thread in threading.enumerate()], "its end")
    live.read()
    assert lamp.opened == 2


def test_a_source_that_hangs_is_told_and_left_behind(live, lamp):
    live.read()
    lamp.works.clear()
    assert eventually(lambda: _message_of(live), "a message") == "the lamp has given no frame for 0.2 s"
    eventually(lambda: _message_of(live) and lamp.opened == 2, "it is opened anew")
    lamp.works.set()
    eventually(lambda: not _message_of(live), "frames again")
    eventually(lambda: lamp.closed == 1, "what hung is closed")


def _message_of(live):
    try:
        live.read()
    except VisionError as error:
        return error.message
    return ""


def test_no_more_than_a_few_may_hang_at_a_time(live, lamp):
    lamp.works.clear()
    eventually(lambda: _message_of(live) and lamp.opened == MOST_HUNG, "as many as may be")
    never(lambda: _message_of(live) and lamp.opened > MOST_HUNG, "one more was started", seconds=3)
    lamp.works.set()
    eventually(lambda: not _message_of(live), "frames again")


def test_a_source_that_nobody_reads_is_let_go(live, lamp):
    live.read()
    eventually(lambda: lamp.closed == 1, "it is closed")
    eventually(lambda: live.read() and lamp.opened == 2, "it is opened again")


def test_it_can_be_closed_twice_and_read_again(live, lamp):
    live.read()
    live.close()
    live.close()
    assert lamp.closed == 1
    live.read()
    assert lamp.opened == 2


def test_a_source_whose_frames_are_rare_is_waited_for_as_long_as_it_says(live, lamp):
    lamp.read_timeout = 5.0
    live.read()
    lamp.works.clear()
    threading.Timer(1.5, lamp.works.set).start()  # longer than the reader's own read_timeout, and its grace
    for _ in range(3):
        live.read()
    assert live.patience > 5.0
    assert lamp.opened == 1


def test_what_is_still_being_opened_is_told(live, lamp):
    lamp.works.clear()
    assert fails(live) == "the lamp has given no frame yet: it is still being opened"
