"""Foxglove's annotations: what is drawn, as messages of the published definitions."""

import dataclasses
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from std_msgs.msg import Header

from vision_service.keypoints import COCO
from vision_service.ros.conversion import foxglove, time_message
from vision_service.ros.conversion.foxglove import classifications_to_annotations, detections_to_annotations
from vision_service.types import Classification, Detection, DetectionExtra, InstanceMask, Keypoint, OrientedBox

typesys = pytest.importorskip("rosbags.typesys", reason="no definitions: the package rosbags is not installed")

OLDER = {
    "Point2": "float64 x\nfloat64 y",
    "Color": "float64 r\nfloat64 g\nfloat64 b\nfloat64 a",
    "CircleAnnotation": "builtin_interfaces/Time timestamp\nfoxglove_msgs/Point2 position\nfloat64 diameter\n"
    "float64 thickness\nfoxglove_msgs/Color fill_color\nfoxglove_msgs/Color outline_color",
    "PointsAnnotation": "builtin_interfaces/Time timestamp\nuint8 type\nfoxglove_msgs/Point2[] points\n"
    "foxglove_msgs/Color outline_color\nfoxglove_msgs/Color[] outline_colors\nfoxglove_msgs/Color fill_color\n"
    "float64 thickness",
    "TextAnnotation": "builtin_interfaces/Time timestamp\nfoxglove_msgs/Point2 position\nstring text\n"
    "float64 font_size\nfoxglove_msgs/Color text_color\nfoxglove_msgs/Color background_color",
    "ImageAnnotations": "foxglove_msgs/CircleAnnotation[] circles\nfoxglove_msgs/PointsAnnotation[] points\n"
    "foxglove_msgs/TextAnnotation[] texts",
}
"""The fields that Jazzy's and Kilted's foxglove_msgs have, in their order."""
METADATA = "\nfoxglove_msgs/KeyValuePair[] metadata"
NEWER = {
    "KeyValuePair": "string key\nstring value",
    **{
        name: text + (METADATA if "timestamp" in text or name == "ImageAnnotations" else "")
        for name, text in OLDER.items()
    },
}
"""With what newer releases add."""
HEADER = Header(stamp=time_message(3_000_000_007), frame_id="lens")
LOOP, POINTS, LINES = 2, 1, 4


def kinds_of(definitions):
    """Return stand-ins for the classes of foxglove_msgs.msg, and what makes bytes of a message."""
    store = typesys.get_typestore(typesys.Stores.ROS2_JAZZY)
    store.register(
        {
            name: kind
            for short, text in definitions.items()
            for name, kind in typesys.get_types_from_msg(text, f"foxglove_msgs/msg/{short}").items()
        }
    )

    def stamp(time):
        return store.types["builtin_interfaces/msg/Time"](sec=time.sec, nanosec=time.nanosec)

    def maker(kind):
        def make(**given):
            # As classes of ROS do: what is not given has a default, what there is not is refused.
            names = {item.name for item in dataclasses.fields(kind) if item.name != "__msgtype__"}
            assert given.keys() <= names
            given = {name: stamp(value) if name == "timestamp" else value for name, value in given.items()}
            return kind(**{name: given.get(name, []) for name in names})

        return make

    kinds = SimpleNamespace(**{name: maker(store.types[f"foxglove_msgs/msg/{name}"]) for name in definitions})
    return kinds, lambda message: store.serialize_cdr(message, "foxglove_msgs/msg/ImageAnnotations")


@pytest.fixture(params=[OLDER, NEWER], ids=["jazzy", "newer"])
def drawn(request):
    kinds, serialize = kinds_of(request.param)

    def draw(found, convert=detections_to_annotations):
        message = convert(found, HEADER, kinds)
        assert serialize(message)
        return message

    return draw


def places(annotation):
    return [(point.x, point.y) for point in annotation.points]


def test_a_box_is_a_closed_line_with_a_label(drawn):
    message = drawn([Detection("cat", 0.875, 10, 40, 30, 60, id="cat_1"), Detection("dog", 0.5, 0, 0, 5, 5)])
    box, other = message.points
    assert (box.type, places(box)) == (LOOP, [(10, 40), (30, 40), (30, 60), (10, 60)])
    assert (box.timestamp.sec, box.timestamp.nanosec) == (3, 7)
    assert box.fill_color.a == 0.0
    first, second = message.texts
    assert (first.text, first.position.x, first.position.y) == ("cat_1 0.88", 10, 40)
    assert second.position.y >= second.font_size, "inside of the image"
    assert (box.outline_color.r, box.outline_color.g) != (other.outline_color.r, other.outline_color.g)
    assert message.circles == []


def test_a_turned_box_is_drawn_turned(drawn):
    turned = OrientedBox(50, 40, 30, 10, 0.5)
    (box,) = drawn([Detection("a", 0.5, *turned.envelope, extra=DetectionExtra(box=turned))]).points
    np.testing.assert_allclose(places(box), turned.corners)


def test_a_mask_is_its_outline_filled(drawn):
    pixels = np.zeros((10, 12), bool)
    pixels[2:8, 3:9] = True
    extra = DetectionExtra(mask=InstanceMask.of(pixels, 20, 30))
    outline, box = drawn([Detection("a", 0.5, 20, 30, 32, 40, extra=extra)]).points
    assert sorted(places(outline)) == [(23.5, 32.5), (23.5, 37.5), (28.5, 32.5), (28.5, 37.5)]
    assert outline.fill_color.a > 0
    assert box.type == LOOP
    empty = DetectionExtra(mask=InstanceMask(0, 0, 0, 0, ()))
    assert len(drawn([Detection("a", 0.5, 20, 30, 32, 40, extra=empty)]).points) == 1


def test_keypoints_that_are_seen_are_dots_and_joined(drawn):
    points = tuple(Keypoint(name, float(number), 5.0, 0.1 if number > 4 else 0.9) for number, name in enumerate(COCO))
    _, lines, dots = drawn([Detection("person", 0.5, 0, 0, 20, 20, extra=DetectionExtra(keypoints=points))]).points
    assert (dots.type, len(dots.points)) == (POINTS, 5)
    assert (lines.type, len(lines.points)) == (LINES, 10)


def test_nothing_is_a_message_too(drawn):
    message = drawn([])
    assert (message.points, message.texts) == ([], [])


def test_classifications_are_texts_in_the_corner(drawn):
    found = [Classification("table", 0.75), Classification("floor", 0.125)]
    message = drawn(found, classifications_to_annotations)
    assert [text.text for text in message.texts] == ["table 0.75", "floor 0.12"]
    assert message.texts[0].position.y < message.texts[1].position.y


def test_a_package_that_does_not_fit_is_none(tmp_path, monkeypatch, caplog):
    (tmp_path / "foxglove_msgs").mkdir()
    (tmp_path / "foxglove_msgs/__init__.py").write_text("raise RuntimeError('of another distribution')")
    for name in ("foxglove_msgs", "foxglove_msgs.msg"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    assert foxglove.messages() is None
    assert "of another distribution" in caplog.text
