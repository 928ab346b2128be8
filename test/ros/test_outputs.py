"""The result topics of one camera."""

import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Classification, Detection2DArray

from robot import RED_DETECTOR, boxes_of, eventually, painted
from vision_service.configuration import configure
from vision_service.image import Image as Picture
from vision_service.image import decode
from vision_service.resources import LocalResources
from vision_service.ros.conversion import image_from_message
from vision_service.ros.node import ServiceNode
from vision_service.ros.outputs import Outputs
from vision_service.types import Classification as Class
from vision_service.types import Frame, LabelImage
from vision_service.vision.color_detector import ColorDetector

BOX = (10, 40, 40, 80)
FRAME = Frame(image=Picture(painted(120, 90, BOX)), stamp=3_000_000_007, frame_id="lens", camera_name="front")
DETECTOR = {name: value for name, value in RED_DETECTOR.items() if name != "model"}


class Results:
    """What a colour detector finds, and two classifications; and what was asked for."""

    def __init__(self):
        self.detector = ColorDetector(configure(ColorDetector.Config, DETECTOR, of="the model"), LocalResources())
        self.asked = []

    def __call__(self, method, frame):
        self.asked.append(method)
        return self.detector.detect(frame) if method == "detect" else [Class("table", 0.75), Class("floor", 0.25)]


@pytest.fixture
def node(spin):
    return spin(ServiceNode, "ours")


def topics_of(peer):
    wanted = {name for name, _ in peer.node.get_topic_names_and_types() if name.startswith("/ours/")}
    return {name for name in wanted if peer.node.count_publishers(name)}


def heard_by_all(outputs, names):
    eventually(lambda: outputs.heard() == set(names), f"listeners of {names}")


@pytest.mark.parametrize(
    ("methods", "names"),
    [
        ({"detect"}, {"detections"}),
        ({"classify"}, {"classifications"}),
        ({"detect", "classify"}, {"detections", "classifications"}),
        ({"label"}, {"label_image"}),
    ],
)
def test_there_are_topics_for_what_the_model_can_do(node, peer, methods, names):
    Outputs(node, ["~/front", "~"], methods)
    expected = names | {"image_annotated", "image_annotated/compressed"}
    eventually(
        lambda: topics_of(peer) >= {f"/ours/{prefix}{name}" for prefix in ("front/", "") for name in expected},
        "the topics",
    )
    others = {"detections", "classifications"} - names
    assert not {topic for topic in topics_of(peer) if topic.rpartition("/")[2] in others}


def test_a_model_that_can_do_nothing_of_it_has_no_topics(node, peer):
    Outputs(node, ["~"], {"segment"})
    assert topics_of(peer) <= {"/ours/transition_event"}


def test_nothing_is_asked_or_sent_while_nobody_listens(node):
    results = Results()
    outputs = Outputs(node, ["~"], {"detect", "classify"})
    assert outputs.heard() == set()
    outputs.publish(FRAME, results, jpeg_quality=85)
    assert results.asked == []


def test_only_what_is_heard_is_asked_for(node, peer):
    results, inbox = Results(), peer.listen(Classification, "ours/classifications")
    outputs = Outputs(node, ["~"], {"detect", "classify"})
    heard_by_all(outputs, ["classifications"])
    outputs.publish(FRAME, results, jpeg_quality=85)
    message = inbox.next()
    assert results.asked == ["classify"]
    assert [(result.class_id, result.score) for result in message.results] == [("table", 0.75), ("floor", 0.25)]


def test_results_bear_the_frame_s_stamp_and_coordinate_frame(node, peer):
    inbox = peer.listen(Detection2DArray, "ours/front/detections")
    outputs = Outputs(node, ["~/front", "~"], {"detect"})
    heard_by_all(outputs, ["detections"])
    outputs.publish(FRAME, Results(), jpeg_quality=85)
    message = inbox.next()
    assert boxes_of(message) == [BOX]
    for header in (message.header, message.detections[0].header):
        assert (header.stamp.sec, header.stamp.nanosec, header.frame_id) == (3, 7, "lens")
    (detection,) = message.detections
    assert (detection.results[0].hypothesis.class_id, detection.results[0].hypothesis.score) == ("red", 1.0)
    assert (detection.id, detection.bbox.center.theta) == ("", 0.0)


def test_an_empty_result_is_sent_too(node, peer):
    inbox = peer.listen(Detection2DArray, "ours/detections")
    outputs = Outputs(node, ["~"], {"detect"})
    heard_by_all(outputs, ["detections"])
    outputs.publish(Frame(image=Picture(painted(20, 10)), frame_id="lens"), Results(), jpeg_quality=85)
    message = inbox.next()
    assert message.detections == []
    assert message.header.frame_id == "lens"


def test_the_annotated_picture_shows_the_boxes_and_the_frame_s_own_stays_as_it_is(node, peer):
    raw = peer.listen(Image, "ours/image_annotated")
    compressed = peer.listen(CompressedImage, "ours/image_annotated/compressed")
    outputs = Outputs(node, ["~"], {"detect"})
    heard_by_all(outputs, ["image_annotated", "image_annotated/compressed"])
    before = FRAME.image.rgb.copy()
    outputs.publish(FRAME, Results(), jpeg_quality=95)
    message = raw.next()
    drawn = image_from_message(message).rgb
    assert (message.header.stamp.sec, message.header.frame_id) == (3, "lens")
    assert drawn.shape == before.shape
    changed = np.argwhere((drawn != before).any(axis=2))
    assert len(changed)
    assert not (
        drawn[BOX[1] + 8 : BOX[3] - 8, BOX[0] + 8 : BOX[2] - 8]
        != before[BOX[1] + 8 : BOX[3] - 8, BOX[0] + 8 : BOX[2] - 8]
    ).any()
    assert (FRAME.image.rgb == before).all()
    jpeg = compressed.next()
    assert jpeg.format == "jpeg"
    assert jpeg.header == message.header
    assert np.abs(decode(bytes(jpeg.data))[..., ::-1].astype(int) - drawn).mean() < 10


def test_a_frame_without_a_picture_is_not_drawn(node, peer):
    inbox = peer.listen(Image, "ours/image_annotated")
    outputs = Outputs(node, ["~"], {"classify"})
    heard_by_all(outputs, ["image_annotated"])
    outputs.publish(Frame(depth=np.ones((2, 2), np.float32)), Results(), jpeg_quality=85)
    outputs.publish(FRAME, Results(), jpeg_quality=85)
    assert inbox.next().width == 120


def test_destroyed_outputs_are_off_the_graph_and_send_nothing(node, peer):
    outputs = Outputs(node, ["~/front", "~"], {"detect"})
    eventually(lambda: peer.node.count_publishers("/ours/detections"), "a publisher")
    outputs.destroy()
    eventually(lambda: not peer.node.count_publishers("/ours/detections"), "no publisher")
    assert outputs.heard() == set()
    outputs.publish(FRAME, Results(), jpeg_quality=85)
    outputs.destroy()


@pytest.mark.parametrize(("classes", "encoding"), [(21, "mono8"), (300, "mono16")])
def test_a_segmenter_s_class_numbers_are_published_in_the_smallest_encoding(node, peer, classes, encoding):
    numbers = np.arange(120 * 90, dtype=np.uint16).reshape(90, 120) % classes
    outputs = Outputs(node, ["~"], {"label"})
    inbox, pictures = peer.listen(Image, "ours/label_image"), peer.listen(Image, "ours/image_annotated")
    heard_by_all(outputs, {"label_image", "image_annotated"})
    result = LabelImage(numbers, tuple(f"class {number}" for number in range(classes)))

    outputs.publish(FRAME, lambda method, frame: result, jpeg_quality=85)

    message = inbox.next()
    assert (message.encoding, message.header.frame_id) == (encoding, "lens")
    dtype = np.uint8 if encoding == "mono8" else "<u2"
    assert (np.frombuffer(message.data, dtype).reshape(90, 120) == numbers).all()
    assert (pictures.next().width, inbox.count) == (120, 1)
