"""The result topics of one camera."""

import dataclasses
import math
import time

import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image, PointCloud2
from std_msgs.msg import Header
from vision_msgs.msg import Classification, Detection2DArray, Detection3DArray
from vision_service.msg import InstanceArray, LabelEvent, ObjectKeypointsArray
from visualization_msgs.msg import Marker, MarkerArray

from robot import RED_DETECTOR, boxes_of, eventually, painted
from vision_service.configuration import configure
from vision_service.image import Image as FrameImage
from vision_service.image import decode
from vision_service.pointcloud.objects import object_of
from vision_service.resources import LocalResources
from vision_service.ros.conversion import (
    cloud_from_message,
    image_from_message,
    label_change_to_message,
    objects_to_markers,
)
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.vision.outputs import Outputs
from vision_service.types import (
    CameraIntrinsics,
    Detection,
    DetectionExtra,
    Frame,
    InstanceMask,
    LabelChange,
    LabelImage,
    PointCloud,
)
from vision_service.types import Classification as Class
from vision_service.vision.color_detector import ColorDetector

BOX = (10, 40, 40, 80)
FRAME = Frame(image=FrameImage(painted(120, 90, BOX)), stamp=3_000_000_007, frame_id="lens", camera_name="front")
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


def subscribed_to_all(outputs, names):
    eventually(lambda: outputs.subscribed() == set(names), f"listeners of {names}")


@pytest.mark.parametrize(
    ("methods", "names"),
    [
        ({"detect"}, {"detections", "events"}),
        ({"classify"}, {"classifications", "events"}),
        ({"detect", "classify"}, {"detections", "classifications", "events"}),
        ({"segment"}, {"objects", "object_points", "markers"}),
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
    others = {"detections", "classifications", "objects", "events", "markers", "label_image"} - names
    assert not {topic for topic in topics_of(peer) if topic.rpartition("/")[2] in others}


def test_nothing_is_asked_or_sent_while_nobody_listens(node):
    results = Results()
    outputs = Outputs(node, ["~"], {"detect", "classify"})
    assert outputs.subscribed() == set()
    outputs.publish(FRAME, results, jpeg_quality=85)
    assert results.asked == []


def test_only_what_is_subscribed_to_is_asked_for(node, peer):
    results, inbox = Results(), peer.listen(Classification, "ours/classifications")
    outputs = Outputs(node, ["~"], {"detect", "classify"})
    subscribed_to_all(outputs, ["classifications"])
    outputs.publish(FRAME, results, jpeg_quality=85)
    message = inbox.next()
    assert results.asked == ["classify"]
    assert [(result.class_id, result.score) for result in message.results] == [("table", 0.75), ("floor", 0.25)]


def test_results_bear_the_frame_s_stamp_and_coordinate_frame(node, peer):
    inbox = peer.listen(Detection2DArray, "ours/front/detections")
    outputs = Outputs(node, ["~/front", "~"], {"detect"})
    subscribed_to_all(outputs, ["detections"])
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
    subscribed_to_all(outputs, ["detections"])
    outputs.publish(Frame(image=FrameImage(painted(20, 10)), frame_id="lens"), Results(), jpeg_quality=85)
    message = inbox.next()
    assert message.detections == []
    assert message.header.frame_id == "lens"


def test_the_annotated_image_shows_the_boxes_and_the_frame_s_own_stays_as_it_is(node, peer):
    raw = peer.listen(Image, "ours/image_annotated")
    compressed = peer.listen(CompressedImage, "ours/image_annotated/compressed")
    outputs = Outputs(node, ["~"], {"detect"})
    subscribed_to_all(outputs, ["image_annotated", "image_annotated/compressed"])
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


def test_a_frame_without_an_image_is_not_drawn(node, peer):
    inbox = peer.listen(Image, "ours/image_annotated")
    outputs = Outputs(node, ["~"], {"classify"})
    subscribed_to_all(outputs, ["image_annotated"])
    outputs.publish(Frame(depth=np.ones((2, 2), np.float32)), Results(), jpeg_quality=85)
    outputs.publish(FRAME, Results(), jpeg_quality=85)
    assert inbox.next().width == 120


def test_destroyed_outputs_are_off_the_graph_and_send_nothing(node, peer):
    outputs = Outputs(node, ["~/front", "~"], {"detect"})
    eventually(lambda: peer.node.count_publishers("/ours/detections"), "a publisher")
    outputs.destroy()
    eventually(lambda: not peer.node.count_publishers("/ours/detections"), "no publisher")
    assert outputs.subscribed() == set()
    outputs.publish(FRAME, Results(), jpeg_quality=85)
    outputs.destroy()


@pytest.mark.parametrize(("classes", "encoding"), [(21, "mono8"), (300, "mono16")])
def test_a_segmenter_s_class_numbers_are_published_in_the_smallest_encoding(node, peer, classes, encoding):
    numbers = np.arange(120 * 90, dtype=np.uint16).reshape(90, 120) % classes
    outputs = Outputs(node, ["~"], {"label"})
    inbox, annotated = peer.listen(Image, "ours/label_image"), peer.listen(Image, "ours/image_annotated")
    subscribed_to_all(outputs, {"label_image", "image_annotated"})
    result = LabelImage(numbers, tuple(f"class {number}" for number in range(classes)))

    outputs.publish(FRAME, lambda method, frame: result, jpeg_quality=85)

    message = inbox.next()
    assert (message.encoding, message.header.frame_id) == (encoding, "lens")
    dtype = np.uint8 if encoding == "mono8" else "<u2"
    assert (np.frombuffer(message.data, dtype).reshape(90, 120) == numbers).all()
    assert (annotated.next().width, inbox.count) == (120, 1)


# Objects in space.

CUBE = np.stack(np.meshgrid([0.0, 0.2], [0.0, 0.2], [1.0, 1.4]), axis=-1).reshape(-1, 3).astype(np.float32)
OBJECTS = [
    object_of(PointCloud(CUBE, np.full((8, 3), 200, np.uint8)), label="box", confidence=0.75, id="box_1"),
    object_of(PointCloud(CUBE[:3] + np.float32(1), np.zeros((3, 3), np.uint8))),
]


def published(node, peer, kind, name, **arguments):
    """Return the message in which objects are published."""
    inbox = peer.listen(kind, f"ours/{name}")
    outputs = Outputs(node, ["~"], {"segment"})
    subscribed_to_all(outputs, {name})
    outputs.publish(FRAME, lambda method, frame: OBJECTS, **arguments, jpeg_quality=85)
    return inbox.next()


def test_objects_are_published_as_boxes(node, peer):
    message = published(node, peer, Detection3DArray, "objects")
    box, nameless = message.detections
    assert (message.header.stamp.sec, message.header.frame_id, box.id) == (3, "lens", "box_1")
    center, size = box.bbox.center.position, box.bbox.size
    np.testing.assert_allclose([center.x, center.y, center.z, size.x, size.y, size.z], [0.1, 0.1, 1.2, 0.2, 0.2, 0.4])
    assert [(result.hypothesis.class_id, result.hypothesis.score) for result in box.results] == [("box", 0.75)]
    assert nameless.results[0].hypothesis.class_id == ""


def test_the_points_of_all_objects_are_published_with_the_object_s_number(node, peer):
    message = published(node, peer, PointCloud2, "object_points")
    field = next(field for field in message.fields if field.name == "label")
    labels = np.frombuffer(message.data, np.uint8).reshape(-1, message.point_step)[:, field.offset : field.offset + 4]
    assert labels.copy().view("<u4").ravel().tolist() == [1] * 8 + [2] * 3
    cloud = cloud_from_message(message)
    np.testing.assert_array_equal(cloud.xyz[:8], CUBE)
    assert cloud.rgb[:8].tolist() == [[200] * 3] * 8


def test_markers_show_a_box_and_a_text_for_each_object_and_take_the_last_ones_away(node, peer):
    first, box, text, *others = published(node, peer, MarkerArray, "markers").markers
    assert (first.action, len(others)) == (Marker.DELETEALL, 2)
    assert (box.type, box.ns, box.header.frame_id) == (Marker.CUBE, "front", "lens")
    assert (box.pose.position.z, box.scale.z) == pytest.approx((1.2, 0.4))
    assert text.text == "box box_1 0.75"
    assert min(others[0].scale.x, others[0].scale.y, others[0].scale.z) > 0, "RViz refuses boxes without volume"


def lifetimes(message):
    return {marker.lifetime.sec + marker.lifetime.nanosec / 1e9 for marker in message.markers if not marker.action}


def test_markers_last_as_long_as_is_said_and_longer_where_frames_take_long(node, peer):
    outputs, inboxes = shown(node, peer, names=("markers",))
    outputs.publish(FRAME, lambda method, frame: OBJECTS, jpeg_quality=85, lasting=500.0)
    assert lifetimes(inboxes["markers"].next()) == {500.0}

    def slow(method, frame):
        time.sleep(0.1)
        return OBJECTS

    outputs.publish(FRAME, slow, jpeg_quality=85, lasting=0.001)
    (seconds,) = lifetimes(inboxes["markers"].next())
    assert seconds > 0.3
    outputs.open()  # time without a stream does not count
    outputs.publish(FRAME, lambda method, frame: OBJECTS, jpeg_quality=85)
    assert lifetimes(inboxes["markers"].next()) == {0.0}, "for ever, where nothing is said"


@pytest.mark.parametrize(
    ("frame", "turn", "up"),
    [
        ("base_link", (0.0, 0.0, 0.0, 1.0), (0, 0, 1)),
        ("lens_optical", (0.0, 0.0, 0.0, 1.0), (0, -1, 0)),
        ("lens_optical", (math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5)), (0, -1, 0)),  # whose z axis is up
        ("base_link", (1.0, 0.0, 0.0, 0.0), (0, 0, 1)),  # upside down
    ],
)
def test_the_text_of_a_marker_stands_upright_over_its_turned_box(frame, turn, up):
    item = dataclasses.replace(OBJECTS[0], center=np.array([1.0, 2.0, 3.0]), size=np.full(3, 0.4), orientation=turn)
    _, box, text = objects_to_markers([item], Header(frame_id=frame), "front").markers
    turned = box.pose.orientation
    assert (turned.x, turned.y, turned.z, turned.w) == turn
    assert text.pose.orientation.w == 1.0
    place = text.pose.position
    away = np.array([place.x, place.y, place.z]) - item.center
    assert away @ up > 0.2, "over the box"
    np.testing.assert_allclose(away, (away @ up) * np.array(up), atol=1e-9)


def test_objects_are_published_in_the_frame_in_which_they_are_placed(node, peer):
    def place(frame, objects):
        return objects[:1], "map"

    message = published(node, peer, Detection3DArray, "objects", place=place)
    assert (message.header.frame_id, message.detections[0].header.frame_id) == ("map", "map")
    assert len(message.detections) == 1


def test_objects_are_drawn_where_the_camera_is_calibrated(node, peer):
    inbox = peer.listen(Image, "ours/image_annotated")
    outputs = Outputs(node, ["~"], {"segment"})
    subscribed_to_all(outputs, {"image_annotated"})
    intrinsics = CameraIntrinsics(width=120, height=90, fx=60, fy=60, cx=40, cy=40)
    for frame in (FRAME, dataclasses.replace(FRAME, intrinsics=intrinsics)):
        outputs.publish(frame, lambda method, frame: OBJECTS[:1], jpeg_quality=85)
    plain, drawn = (image_from_message(inbox.next()).rgb for _ in range(2))
    assert (plain == FRAME.image.rgb).all()
    assert (drawn != plain).any()


def test_an_event_is_sent_to_whoever_listens(node, peer):
    inbox = peer.listen(LabelEvent, "ours/front/events")
    outputs = Outputs(node, ["~/front"], {"classify"})
    subscribed_to_all(outputs, {"events"})
    outputs.send_event(label_change_to_message(LabelChange("", "cat", 0.5, "front", 3_000_000_007, "lens")))
    event = inbox.next()
    assert (event.camera_name, event.previous, event.current, event.confidence) == ("front", "", "cat", 0.5)
    assert (event.header.stamp.nanosec, event.header.frame_id) == (7, "lens")


# What does not hold any more.

KINDS = {"objects": Detection3DArray, "object_points": PointCloud2, "markers": MarkerArray}


def shown(node, peer, able=("segment",), found=OBJECTS, names=tuple(KINDS)):
    """Return outputs that have published something, and the inboxes, emptied."""
    kinds = {**KINDS, **FLAT}
    inboxes = {name: peer.listen(kinds[name], f"ours/{name}") for name in names}
    outputs = Outputs(node, ["~"], set(able))
    subscribed_to_all(outputs, names)
    outputs.publish(FRAME, lambda method, frame: found, place=lambda frame, found: (found, "map"), jpeg_quality=85)
    for inbox in inboxes.values():
        inbox.next()
    return outputs, inboxes


FLAT = {
    "detections": Detection2DArray,
    "classifications": Classification,
    "instances": InstanceArray,
    "instance_image": Image,
    "keypoints": ObjectKeypointsArray,
    "label_image": Image,
}


def assert_nothing_in_space(inboxes, frame_id="map"):
    objects, points, markers = (inboxes[name].next() for name in KINDS)
    assert (objects.detections, objects.header.frame_id) == ([], frame_id)
    assert (points.width, len(points.data), points.header.frame_id) == (0, 0, frame_id)
    assert [marker.action for marker in markers.markers] == [Marker.DELETEALL]
    return objects


def test_no_objects_are_published_as_empty_messages(node, peer):
    inboxes = {name: peer.listen(kind, f"ours/{name}") for name, kind in KINDS.items()}
    outputs = Outputs(node, ["~"], {"segment"})
    subscribed_to_all(outputs, KINDS)
    outputs.publish(FRAME, lambda method, frame: [], jpeg_quality=85)
    assert_nothing_in_space(inboxes, "lens")
    assert not outputs.tells


def test_objects_are_withdrawn_where_they_were_published_and_later_by_the_camera_s_clock(node, peer):
    outputs, inboxes = shown(node, peer)
    assert outputs.tells
    outputs.withdraw()
    header = assert_nothing_in_space(inboxes).header
    assert header.stamp.sec * 10**9 + header.stamp.nanosec > FRAME.stamp
    assert header.stamp.sec < 1000, "not by the clock of the node"
    assert not outputs.tells


def test_what_is_withdrawn_is_withdrawn_once_and_comes_back_with_the_next_frame(node, peer):
    outputs, inboxes = shown(node, peer)
    outputs.withdraw()
    outputs.withdraw()
    outputs.publish(FRAME, lambda method, frame: OBJECTS, jpeg_quality=85)
    assert_nothing_in_space(inboxes)
    assert len(inboxes["objects"].next().detections) == 2


def test_detections_of_every_kind_are_withdrawn(node, peer):
    mask = InstanceMask.of(np.ones((5, 5), bool), 3, 4)
    found = [Detection("cat", 0.5, 3, 4, 8, 9, extra=DetectionExtra(mask=mask))]
    names = ("detections", "instances", "instance_image", "keypoints")
    outputs, inboxes = shown(node, peer, ("detect", "masks", "keypoints"), found, names)
    outputs.withdraw()
    assert inboxes["detections"].next().detections == []
    instances, colored = inboxes["instances"].next(), inboxes["instance_image"].next()
    assert (instances.detections, instances.image_width, instances.image_height) == ([], 120, 90)
    assert (colored.width, colored.height, any(colored.data)) == (120, 90, False)
    assert inboxes["keypoints"].next().objects == []


def test_classifications_are_withdrawn_and_an_image_of_classes_cannot_be(node, peer):
    labels = LabelImage(np.ones((90, 120), np.uint16), ("floor", "wall"))
    results = {"classify": [Class("table", 0.75)], "label": labels}
    inboxes = {name: peer.listen(FLAT[name], f"ours/{name}") for name in ("classifications", "label_image")}
    outputs = Outputs(node, ["~"], {"classify", "label"})
    subscribed_to_all(outputs, inboxes)
    outputs.publish(FRAME, lambda method, frame: results[method], jpeg_quality=85)
    outputs.withdraw()
    outputs.publish(FRAME, lambda method, frame: results[method], jpeg_quality=85)
    inbox = inboxes["classifications"]
    assert [len(inbox.next().results) for _ in range(3)] == [1, 0, 1]
    assert [any(inboxes["label_image"].next().data) for _ in range(2)] == [True, True]


def test_closed_outputs_withdraw_and_send_nothing_until_they_are_opened(node, peer):
    outputs, inboxes = shown(node, peer)
    outputs.close()
    outputs.publish(FRAME, lambda method, frame: OBJECTS, jpeg_quality=85)  # the model was looking at it
    outputs.open()
    outputs.publish(FRAME, lambda method, frame: OBJECTS[:1], jpeg_quality=85)
    assert_nothing_in_space(inboxes)
    assert len(inboxes["objects"].next().detections) == 1


def test_who_listens_is_told_before_the_topics_go(node, peer):
    outputs, inboxes = shown(node, peer)
    outputs.destroy()
    assert_nothing_in_space(inboxes)


def test_results_are_outdated_while_the_model_fails(node, peer):
    outputs, _ = shown(node, peer)
    assert not outputs.outdated(0.0)
    outputs.failed()
    assert outputs.outdated(0.0)
    assert not outputs.outdated(1000.0)
    outputs.publish(FRAME, lambda method, frame: OBJECTS, jpeg_quality=85)
    assert not outputs.outdated(0.0)
