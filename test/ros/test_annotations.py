"""The topic `annotations` of vision nodes, which is there where foxglove_msgs is installed."""

import pytest

from robot import RED_DETECTOR, eventually, image_message, painted, running

BOX = (10, 40, 40, 80)
SECTIONS = {"stack": {"vision": ["red"]}, "red": {**RED_DETECTOR, "cameras": ["eye"]}}


@pytest.fixture(scope="module")
def robot():
    with running(SECTIONS) as robot:
        eventually(lambda: robot.status("red")["state"] == "active", "the detector works")
        yield robot


def topics(robot):
    return {name: types for name, types in robot.node.get_topic_names_and_types() if name.endswith("/annotations")}


def test_boxes_are_published_for_foxglove_s_image_panel_and_withdrawn(robot):
    messages = pytest.importorskip("foxglove_msgs.msg", reason="foxglove_msgs is not installed")
    from sensor_msgs.msg import Image

    inbox = robot.listen(messages.ImageAnnotations, "red/annotations")
    publisher = robot.publisher(Image, "eye/image_raw")
    timer = robot.repeat(publisher, lambda: image_message(painted(120, 90, BOX), stamp=3 * 10**9, frame_id="lens"))
    message = inbox.next()
    (box,) = message.points
    assert [(point.x, point.y) for point in box.points] == [(10, 40), (40, 40), (40, 80), (10, 80)]
    assert (box.type, box.timestamp.sec) == (2, 3)
    assert [text.text for text in message.texts] == ["red 1.00"]
    assert set(topics(robot)) == {"/red/annotations", "/red/eye/annotations"}
    timer.cancel()
    eventually(lambda: not inbox.next().points, "nothing there any more")


def test_without_that_package_there_is_no_such_topic(robot):
    try:
        import foxglove_msgs.msg  # noqa: F401
    except ImportError:
        assert topics(robot) == {}
        assert robot.status("red")["state"] == "active"
    else:
        pytest.skip("foxglove_msgs is installed")
