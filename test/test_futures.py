"""Futures: whoever gives up cancels his own."""

from concurrent.futures import Future

import pytest

from vision_service.errors import ErrorCode, VisionError
from vision_service.futures import settle


def test_a_future_is_given_its_result():
    future = Future()
    settle(future, [1, 2])
    assert future.result(0) == [1, 2]


def test_a_future_is_given_its_exception():
    future = Future()
    settle(future, VisionError(ErrorCode.NO_FRAME, "none"))
    with pytest.raises(VisionError, match="none"):
        future.result(0)


def test_who_has_given_up_is_left_alone():
    future = Future()
    future.cancel()
    settle(future, 1)
    assert future.cancelled()
