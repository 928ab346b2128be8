"""What stands in the requests of a vision node."""

import threading

import numpy as np
import pytest
from std_msgs.msg import Header
from vision_service.srv import GetDetections

from robot import eventually, painted
from vision_service import image as images
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import encode
from vision_service.ros.conversion import compressed_to_message
from vision_service.ros.messages import given_frame

PIXELS = painted(40, 30, (5, 5, 20, 20))


@pytest.fixture
def decoded(monkeypatch):
    """The threads in which images were decoded."""
    threads, decode = [], images.cv2.imdecode

    def noted(*given):
        threads.append(threading.current_thread())
        return decode(*given)

    monkeypatch.setattr(images.cv2, "imdecode", noted)
    return threads


def frame_of(data, **arguments):
    request = GetDetections.Request(compressed_image=compressed_to_message(data, "png", Header()))
    return given_frame(request, **arguments)


def test_a_compressed_image_is_decoded_ahead_and_once(decoded):
    frame = frame_of(encode(PIXELS, "image/png"))
    eventually(lambda: decoded, "it is decoded, though nobody has asked for its pixels")
    np.testing.assert_array_equal(frame.image.rgb, PIXELS)
    assert len(decoded) == 1
    assert decoded[0] is not threading.current_thread()


def test_it_is_left_to_who_asks_where_nothing_is_to_be_done_before(decoded):
    request = GetDetections.Request(
        compressed_image=compressed_to_message(encode(PIXELS, "image/png"), "png", Header())
    )
    frame = given_frame(request, ahead=False)
    np.testing.assert_array_equal(frame.image.rgb, PIXELS)
    assert decoded == [threading.current_thread()]


def test_one_that_is_damaged_is_told_to_who_asks_and_the_next_one_is_decoded(decoded):
    data = encode(PIXELS, "image/png")
    damaged, good = frame_of(data[:40] + bytes(len(data) - 40)), frame_of(data)  # its header is whole
    eventually(lambda: len(decoded) == 2, "both were looked at")
    with pytest.raises(VisionError) as caught:
        damaged.image.rgb  # noqa: B018
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT
    np.testing.assert_array_equal(good.image.rgb, PIXELS)
