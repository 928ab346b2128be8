"""Masks, keypoints, turned boxes and the class of each pixel, in messages."""

import math
import re
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_service.msg import InstanceArray, InstanceMask, ObjectKeypointsArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.conversion import (
    detections_from_message,
    detections_to_message,
    instance_image_to_message,
    instances_from_message,
    instances_to_message,
    keypoints_from_message,
    keypoints_to_message,
    label_image_from_message,
    label_image_to_message,
)
from vision_service.types import Detection, DetectionExtra, Keypoint, LabelImage, OrientedBox
from vision_service.types import InstanceMask as Mask

HEADER = Header(frame_id="lens")
SIZE = (40, 30)
PIXELS = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(lambda shape: arrays(bool, shape))


def sent(message):
    """Return a message as another process receives it."""
    return deserialize_message(serialize_message(message), type(message))


def detection(extra=None, name="cup"):
    return Detection(name, 0.5, 1.0, 2.0, 11.0, 22.0, extra=extra)


@given(PIXELS, st.integers(0, 28), st.integers(0, 18))
def test_the_pixels_of_a_mask_come_back(pixels, x, y):
    found = detection(DetectionExtra(mask=Mask.of(pixels, x, y)))
    (back,) = instances_from_message(sent(instances_to_message([found], HEADER, SIZE)))
    assert (back.extra.mask.x, back.extra.mask.y) == (x, y)
    np.testing.assert_array_equal(back.extra.mask.pixels(), pixels)
    assert back == found


def test_numbers_of_numpy_are_taken_too():
    mask = Mask(np.int64(3), np.int32(4), np.int64(2), np.int64(1), tuple(np.array([0, 2])))
    points = (Keypoint("tip", np.float32(1.5), np.float32(2.5), np.float32(0.5)),)
    turned = OrientedBox(*np.array([20, 15, 4, 12, 0.5], np.float32))
    found = detection(DetectionExtra(turned, mask, points))
    (back,) = instances_from_message(sent(instances_to_message([found], HEADER, SIZE)))
    assert (back.extra.mask, back.extra.box.width) == (Mask(3, 4, 2, 1, (0, 2)), 4.0)
    (back,) = keypoints_from_message(sent(keypoints_to_message([found], HEADER)))
    assert back.extra.keypoints == (Keypoint("tip", 1.5, 2.5, 0.5),)


def test_what_of_a_mask_is_outside_of_the_image_is_left_out():
    found = detection(DetectionExtra(mask=Mask.of(np.ones((4, 6), bool), -2, 28)))
    (back,) = instances_from_message(sent(instances_to_message([found], HEADER, SIZE)))
    assert back.extra.mask == Mask.of(np.ones((2, 4), bool), 0, 28)


def test_detections_without_a_mask_stay_among_the_others():
    mask = DetectionExtra(mask=Mask.of(np.ones((2, 2), bool), 3, 3))
    message = sent(instances_to_message([detection(), detection(mask, "bowl")], HEADER, SIZE))
    assert (message.image_width, message.image_height, message.header.frame_id) == (*SIZE, "lens")
    assert [(each.width, list(each.counts)) for each in message.masks] == [(0, []), (2, [0, 4])]
    assert instances_from_message(message) == [detection(), detection(mask, "bowl")]


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (InstanceMask(width=3, height=2, counts=[1, 4]), "add up to 5, but its rectangle has 3×2 = 6 pixels"),
        (InstanceMask(width=3, height=2, counts=[0, 6, 1]), "add up to 7, but its rectangle has 3×2 = 6 pixels"),
        (InstanceMask(width=3, height=2), "add up to 0, but its rectangle has 3×2 = 6 pixels"),
        (InstanceMask(x=38, width=3, height=2, counts=[6]), "3×2 at 38, 0 is not inside the image of 40×30"),
        (InstanceMask(width=2**32 - 1, height=2**32 - 1, counts=[2**32 - 1]), "add up to 4294967295"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(mask, words):
    message = instances_to_message([detection()], HEADER, SIZE)
    message.masks = [mask]
    with pytest.raises(VisionError, match=re.escape("the mask of detection 0 ('cup') does not fit: ")) as caught:
        instances_from_message(sent(message))
    assert words in caught.value.message
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT


def test_masks_that_are_not_one_for_each_detection_are_refused():
    message = InstanceArray(masks=[InstanceMask()])
    with pytest.raises(VisionError, match="there are 0 detections, but 1 masks"):
        instances_from_message(message)


def test_a_mask_that_a_model_made_wrong_is_the_models_fault():
    wrong = detection(DetectionExtra(mask=Mask(0, 0, 3, 2, (1, 4))))
    with pytest.raises(VisionError, match="a 'cup' a mask that is none: its run lengths add up to 5") as caught:
        instances_to_message([wrong], HEADER, SIZE)
    assert caught.value.code is ErrorCode.MODEL_ERROR


def test_keypoints_come_back_in_their_order_with_those_that_are_not_sure():
    points = (Keypoint("nose", 3.5, 4.5, 0.9), Keypoint("ear", -1.0, 2.0, 0.0), Keypoint("", 0.0, 0.0))
    message = sent(keypoints_to_message([detection(DetectionExtra(keypoints=points)), detection()], HEADER))
    assert isinstance(message, ObjectKeypointsArray)
    one, other = keypoints_from_message(message)
    assert one.extra.keypoints[:2] == points[:2]
    assert math.isnan(one.extra.keypoints[2].confidence)
    assert other.extra.keypoints == ()
    assert (one.x_min, one.y_max, one.class_name) == (1.0, 22.0, "cup")


# Turned boxes.


@pytest.mark.parametrize(
    ("angle", "theta"),
    [
        (0.5, 0.5),
        (math.pi / 2, math.pi / 2),
        (-math.pi / 2, math.pi / 2),
        (math.pi - 0.25, -0.25),
        (-2.0, math.pi - 2.0),
        (math.pi, 0.0),
        (7.0, 7.0 - 2 * math.pi),
    ],
)
def test_a_turned_box_has_its_own_size_and_its_reduced_angle(angle, theta):
    turned = OrientedBox(20.0, 15.0, 4.0, 12.0, angle)
    message = detections_to_message([Detection("cup", 0.5, *turned.envelope, extra=DetectionExtra(turned))], HEADER)
    box = message.detections[0].bbox
    assert (box.center.position.x, box.center.position.y, box.size_x, box.size_y) == (20.0, 15.0, 4.0, 12.0)
    assert box.center.theta == pytest.approx(theta)


@given(st.floats(-1.5, 1.5).filter(lambda angle: abs(angle) > 1e-6), st.floats(0.5, 30), st.floats(0.5, 30))
def test_a_turned_box_comes_back_with_its_envelope(angle, width, height):
    turned = OrientedBox(20.0, 15.0, width, height, angle)
    found = Detection("cup", 0.5, *turned.envelope, id="cup_1", extra=DetectionExtra(turned))
    (back,) = detections_from_message(sent(detections_to_message([found], HEADER)))
    assert back == found
    assert back.x_max - back.x_min == pytest.approx(abs(width * math.cos(angle)) + abs(height * math.sin(angle)))


def test_an_upright_box_has_no_angle_and_no_extra():
    (back,) = detections_from_message(sent(detections_to_message([detection()], HEADER)))
    assert back == detection()
    assert back.extra is None


# Images of numbers.


@pytest.mark.parametrize(("classes", "encoding"), [(3, "mono8"), (300, "mono16")])
def test_the_class_of_each_pixel_comes_back(classes, encoding):
    labels = np.arange(12, dtype=np.uint16).reshape(3, 4) % classes
    labels[0, 0] = classes - 1
    names = [str(number) for number in range(classes)]
    message = sent(label_image_to_message(LabelImage(labels, tuple(names)), HEADER))
    back = label_image_from_message(message, names)
    assert message.encoding == encoding
    assert back.class_names == tuple(names)
    np.testing.assert_array_equal(back.labels, labels)


def test_an_empty_label_image_is_none():
    assert label_image_from_message(Image(), []) is None


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (Image(width=1, height=1, step=3, encoding="rgb8", data=array("B", b"123")), "'rgb8'"),
        (
            Image(width=1, height=1, step=1, encoding="mono8", data=array("B", b"\x02")),
            "a class 2, but there are only",
        ),
        (Image(width=2, height=1, step=2, encoding="mono8", data=array("B", b"\x01")), "do not fit its size"),
    ],
)
def test_a_label_image_that_is_none_is_refused(message, words):
    with pytest.raises(VisionError, match=words) as caught:
        label_image_from_message(message, ["sky", "road"])
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT


def test_an_image_of_instances_numbers_them_from_one():
    found = [detection(DetectionExtra(mask=Mask.of(np.ones((2, 2), bool), 1, 0)))]
    message = sent(instance_image_to_message(found, HEADER, (4, 2)))
    assert (message.encoding, message.width, message.height, bytes(message.data)) == (
        "mono8", 4, 2, bytes([0, 1, 1, 0, 0, 1, 1, 0]),
    )  # fmt: skip
