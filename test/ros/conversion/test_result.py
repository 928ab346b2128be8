"""Results as ROS messages."""

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.conversion import (
    classifications_from_message,
    classifications_to_message,
    cloud_from_message,
    detections_from_message,
    detections_to_message,
    labels_to_message,
    object_from_message,
    object_to_message,
    objects_to_detections,
)
from vision_service.types import Classification, Detection, PointCloud, PointCloudObject

HEADER = Header(stamp=Time(sec=3, nanosec=4), frame_id="camera")
PIXELS = st.floats(-100, 5000, width=32)
DETECTIONS = st.lists(
    st.builds(Detection, st.text(max_size=5), st.floats(0, 1), PIXELS, PIXELS, PIXELS, PIXELS, st.text(max_size=3))
)


def segment(**changes):
    values = {
        "cloud": PointCloud(np.array([[1, 2, 3], [2, 4, 6]], np.float32), np.array([[9, 8, 7], [6, 5, 4]], np.uint8)),
        "label": "mug",
        "confidence": 0.75,
        "center": np.array([1.5, 3.0, 4.5]),
        "size": np.array([1.0, 2.0, 3.0]),
        "orientation": (0.0, 0.6, 0.0, 0.8),
        "id": "7",
    }
    return PointCloudObject(**values | changes)


@given(DETECTIONS)
def test_detections_survive_the_way_there_and_back(detections):
    back = detections_from_message(detections_to_message(detections, HEADER))
    assert [(d.class_name, d.confidence, d.id) for d in back] == [
        (d.class_name, d.confidence, d.id) for d in detections
    ]
    edges = [[(d.x_min, d.y_min, d.x_max, d.y_max) for d in each] for each in (back, detections)]
    np.testing.assert_allclose(*edges, atol=1e-9)


def test_a_box_is_its_middle_and_its_size_and_the_class_a_name():
    message = detections_to_message([Detection("cat", 0.5, 10.5, 20.0, 13.0, 40.0, id="3")], HEADER)
    (detection,) = message.detections
    box = detection.bbox
    assert message.header == detection.header == HEADER
    assert (box.center.position.x, box.center.position.y, box.center.theta) == (11.75, 30.0, 0.0)
    assert (box.size_x, box.size_y) == (2.5, 20.0)
    (result,) = detection.results
    assert (result.hypothesis.class_id, result.hypothesis.score, detection.id) == ("cat", 0.5, "3")


def test_numbers_of_numpy_become_numbers_of_messages():
    edges = np.array([1, 2, 3, 4], np.float32)
    message = detections_to_message([Detection("cat", np.float32(0.5), *edges)], HEADER)
    assert deserialize_message(serialize_message(message), Detection2DArray) == message


def test_detections_do_not_share_what_differs():
    message = detections_to_message([Detection("a", 0.1, 0, 0, 1, 1), Detection("b", 0.2, 5, 5, 9, 9)], HEADER)
    assert [d.results[0].hypothesis.class_id for d in message.detections] == ["a", "b"]
    assert [d.bbox.center.position.x for d in message.detections] == [0.5, 7.0]


def test_a_detection_without_hypothesis_has_no_name():
    (detection,) = detections_from_message(Detection2DArray(detections=[Detection2D()]))
    assert (detection.class_name, detection.confidence) == ("", 0.0)


def test_nothing_found_is_an_empty_list():
    assert detections_from_message(detections_to_message([], HEADER)) == []
    assert classifications_from_message(classifications_to_message([], HEADER)) == []


@given(st.lists(st.builds(Classification, st.text(max_size=5), st.floats(0, 1))))
def test_classifications_survive_the_way_there_and_back(classifications):
    message = classifications_to_message(classifications, HEADER)
    assert message.header == HEADER
    assert classifications_from_message(message) == classifications


def test_an_object_survives_the_way_there_and_back():
    before = segment()
    message = object_to_message(before, HEADER)
    assert message.cloud.header == HEADER
    after = object_from_message(deserialize_message(serialize_message(message), type(message)))
    assert (after.label, after.confidence, after.orientation, after.id) == ("mug", 0.75, (0.0, 0.6, 0.0, 0.8), "7")
    np.testing.assert_array_equal(after.center, before.center)
    np.testing.assert_array_equal(after.size, before.size)
    np.testing.assert_array_equal(after.cloud.xyz, before.cloud.xyz)
    np.testing.assert_array_equal(after.cloud.rgb, before.cloud.rgb)


def test_an_object_may_be_without_points():
    message = object_to_message(segment(cloud=PointCloud(np.empty((0, 3), np.float32))), HEADER)
    assert len(cloud_from_message(message.cloud)) == 0


def test_objects_become_3d_detections():
    message = objects_to_detections([segment(), segment(label="", id="")], HEADER)
    first, second = message.detections
    assert message.header == first.header == second.header == HEADER
    assert (first.id, first.results[0].hypothesis.class_id, first.results[0].hypothesis.score) == ("7", "mug", 0.75)
    assert (second.id, second.results[0].hypothesis.class_id) == ("", "")
    center = first.bbox.center
    assert (center.position.x, center.position.y, center.position.z) == (1.5, 3.0, 4.5)
    assert (center.orientation.y, center.orientation.w) == (0.6, 0.8)
    assert (first.bbox.size.x, first.bbox.size.y, first.bbox.size.z) == (1.0, 2.0, 3.0)
    assert first.results[0].pose.pose == center


def test_labels_are_numbered_in_their_order():
    message = labels_to_message(["cat", "dog"], HEADER, threshold=0.25)
    assert message.header == HEADER
    assert [(item.class_id, item.class_name) for item in message.class_map] == [(0, "cat"), (1, "dog")]
    assert message.threshold == 0.25


def test_more_labels_than_numbers_are_refused():
    names = [str(number) for number in range(65537)]
    assert labels_to_message(names[:-1], HEADER).class_map[-1].class_id == 65535
    with pytest.raises(VisionError, match="65537 labels are too many") as caught:
        labels_to_message(names, HEADER)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT
