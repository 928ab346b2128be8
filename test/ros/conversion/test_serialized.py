"""Results as the bytes that DDS sends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Header
from vision_msgs.msg import Classification as ClassificationMessage
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from vision_service.errors import VisionError
from vision_service.ros.conversion import (
    classifications_to_message,
    detections_from_message,
    detections_from_serialized,
    detections_to_message,
    serialized_classifications,
    serialized_detections,
    stamp_of_serialized,
    time_message,
)
from vision_service.types import Classification, Detection, DetectionExtra, OrientedBox

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
PIXELS = st.floats(-100, 5000)
TURNED = st.builds(OrientedBox, PIXELS, PIXELS, PIXELS, PIXELS, st.floats(-10, 10))
EXTRAS = st.none() | st.builds(DetectionExtra, st.none() | TURNED)
DETECTIONS = st.lists(
    st.builds(Detection, NAMES, st.floats(0, 1), PIXELS, PIXELS, PIXELS, PIXELS, NAMES, extra=EXTRAS), max_size=6
)
STAMPS = st.integers(0, (2**31 - 1) * 10**9)


@given(DETECTIONS, STAMPS, NAMES)
def test_detections_are_written_as_their_message_is(detections, stamp, frame_id):
    message = detections_to_message(detections, Header(stamp=time_message(stamp), frame_id=frame_id))
    data = serialized_detections(detections, stamp, frame_id)
    assert deserialize_message(data, Detection2DArray) == message
    assert len(data) == len(serialize_message(message))  # what fills up is of no value, and differs


@given(st.lists(st.builds(Classification, NAMES, st.floats(0, 1)), max_size=6), STAMPS, NAMES)
def test_classifications_are_written_as_their_message_is(classifications, stamp, frame_id):
    message = classifications_to_message(classifications, Header(stamp=time_message(stamp), frame_id=frame_id))
    data = serialized_classifications(classifications, stamp, frame_id)
    assert deserialize_message(data, ClassificationMessage) == message
    assert len(data) == len(serialize_message(message))


@given(DETECTIONS, STAMPS, NAMES)
def test_detections_are_read_as_their_message_is(detections, stamp, frame_id):
    message = detections_to_message(detections, Header(stamp=time_message(stamp), frame_id=frame_id))
    data = serialize_message(message)
    assert stamp_of_serialized(data) == stamp
    assert detections_from_serialized(data) == detections_from_message(message)


@pytest.mark.parametrize("count", [0, 2])
def test_of_other_peoples_detections_the_first_hypothesis_counts(count):
    results = [ObjectHypothesisWithPose() for _ in range(count)]
    for number, each in enumerate(results):
        each.hypothesis.class_id, each.hypothesis.score = f"class {number}", 0.75 - number / 8
    message = Detection2DArray(detections=[Detection2D(id="seven", results=results), Detection2D()])
    message.detections[0].bbox.size_x = 4.0
    read = detections_from_serialized(serialize_message(message))
    assert read == detections_from_message(message)
    assert read[0].class_name == ("class 0" if count else "")


@pytest.mark.parametrize("length", [5, 16, 60, -9])
def test_bytes_that_end_too_early_are_refused(length):
    data = serialized_detections([Detection("cube", 0.5, 1, 2, 3, 4)], 7, "lens")
    with pytest.raises(VisionError, match="no vision_msgs/Detection2DArray"):
        detections_from_serialized(data[:length])


def test_a_name_that_is_no_unicode_is_refused():
    data = serialized_detections([Detection("cube", 0.5, 1, 2, 3, 4)], 7, "lens")
    with pytest.raises(VisionError, match="no vision_msgs/Detection2DArray"):
        detections_from_serialized(data.replace(b"cube", b"\xff\xfe\xff\xfe"))
