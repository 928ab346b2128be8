"""Results as the bytes that DDS sends."""

from hypothesis import given
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Header
from vision_msgs.msg import Classification as ClassificationMessage
from vision_msgs.msg import Detection2DArray

from vision_service.ros.conversion import (
    classifications_to_message,
    detections_to_message,
    serialized_classifications,
    serialized_detections,
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
