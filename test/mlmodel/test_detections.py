"""From what a decoder found in the model's input to detections in the source image."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.mlmodel.detections import detections_of
from vision_service.mlmodel.found import Found, envelopes, nothing
from vision_service.mlmodel.placement import letterboxed, stretched

LETTERBOX = letterboxed((640, 360), (320, 320))
STRETCH = stretched((640, 360), (320, 320))
"""Twice as wide and 1.125 times as high."""


def found(boxes, **more) -> Found:
    boxes = np.array(boxes, float)
    return Found(boxes, np.full(len(boxes), 0.5), np.arange(len(boxes)), **more)


def edges(detection) -> tuple[float, ...]:
    return detection.x_min, detection.y_min, detection.x_max, detection.y_max


# Upright boxes.


def test_upright_boxes_come_back_in_the_image_named_and_numbered():
    cat, dog, other = detections_of(
        found([[40, 90, 140, 130], [200, 170, 300, 240], [-9, 0, 999, 99]]), LETTERBOX, ("cat", "dog")
    )
    assert edges(cat) == (80, 40, 280, 120)
    assert edges(dog) == (400, 200, 600, 340)
    assert edges(other) == (0, 0, 640, 58)  # clipped
    assert [item.class_name for item in (cat, dog, other)] == ["cat", "dog", "2"]
    assert [item.class_index for item in (cat, dog, other)] == [0, 1, 2]
    assert [item.extra for item in (cat, dog, other)] == [None] * 3


def test_boxes_in_pixels_of_the_image_are_only_clipped_and_freed_of_borders():
    boxes = [[40, 90, 1400, 130]]
    (stretched_one,) = detections_of(found(boxes, in_source=True), STRETCH, ("cat",))
    (letterboxed_one,) = detections_of(found(boxes, in_source=True), letterboxed((640, 600), (320, 320)), ("cat",))
    assert edges(stretched_one) == (40, 90, 640, 130)
    assert edges(letterboxed_one) == (40, 70, 640, 110)  # 10 rows of the input lie above the image


def test_of_nothing_there_are_no_detections():
    assert detections_of(nothing(), LETTERBOX, ("cat",)) == []


def test_keypoints_come_back_and_may_lie_beside_the_image():
    points = np.array([[[40, 90, 0.9], [-10, 60, np.nan]]], float)
    (cat,) = detections_of(found([[40, 90, 140, 130]], keypoints=points), LETTERBOX, ("cat",), ("nose", "tail"))
    nose, tail = cat.extra.keypoints
    assert (nose.name, nose.x, nose.y, nose.confidence) == ("nose", 80, 40, 0.9)
    assert (tail.name, tail.x, tail.y) == ("tail", -20, -20)
    assert math.isnan(tail.confidence)
    assert (cat.extra.box, cat.extra.mask) == (None, None)


def test_masks_lie_within_the_boxes_in_the_image():
    maps = np.full((2, 80, 80), 1.0, np.float32)
    cat, dog = detections_of(found([[40, 90, 140, 130], [200, 170, 300, 240]], masks=maps), LETTERBOX, ("cat", "dog"))
    assert (cat.extra.mask.x, cat.extra.mask.y, cat.extra.mask.area) == (80, 40, 200 * 80)
    assert (dog.extra.mask.x, dog.extra.mask.y, dog.extra.mask.area) == (400, 200, 200 * 140)
    assert cat.extra.keypoints == ()


# Turned boxes.


def test_what_a_yolo_finds_without_a_single_pixel_is_dropped_as_by_its_own_prediction():
    prototypes = np.stack([np.ones((50, 100)), -np.ones((50, 100))])
    some = found(
        [[0, 0, 50, 25], [50, 25, 100, 50]], coefficients=np.array([[1.0, 0.0], [0.0, 1.0]]), prototypes=prototypes
    )
    (kept,) = detections_of(some, stretched((100, 50), (100, 50)), ())
    assert kept.extra.mask.area > 0


def turned(*boxes) -> Found:
    values = np.array(boxes, float)
    return found(envelopes(values), turned=values)


def test_a_turned_box_has_its_own_size_and_its_envelope_around_it():
    (ship,) = detections_of(turned([150, 160, 100, 30, math.pi / 6]), LETTERBOX, ("ship",))
    box = ship.extra.box
    assert (box.center_x, box.center_y, box.width, box.height, box.angle) == pytest.approx(
        (300, 180, 200, 60, math.pi / 6)
    )
    corners = np.array(box.corners)
    assert edges(ship) == pytest.approx((*corners.min(axis=0), *corners.max(axis=0)))


@pytest.mark.parametrize("angle", [3 * math.pi / 4, -math.pi / 4, math.pi / 2, 2.0])
def test_width_and_height_are_never_swapped(angle):
    (ship,) = detections_of(turned([150, 160, 100, 30, angle]), LETTERBOX, ("ship",))
    assert (ship.extra.box.width, ship.extra.box.height) == pytest.approx((200, 60))
    assert math.sin(ship.extra.box.angle - angle) == pytest.approx(0, abs=1e-9)


@given(st.floats(-1.5, 1.5), st.floats(5, 80), st.floats(5, 80))
def test_where_both_axes_are_stretched_differently_the_box_s_axes_go_with_them(angle, width, height):
    (ship,) = detections_of(turned([160, 160, width, height, angle]), STRETCH, ("ship",))
    box = ship.extra.box
    # The ends of the middle lines of the box, in the image.
    along = np.array([math.cos(angle) * width, math.sin(angle) * width]) * (2, 1.125)
    across = np.array([-math.sin(angle) * height, math.cos(angle) * height]) * (2, 1.125)
    assert box.width == pytest.approx(np.hypot(*along))
    assert box.height == pytest.approx(np.hypot(*across))
    assert math.sin(box.angle - math.atan2(along[1], along[0])) == pytest.approx(0, abs=1e-9)
    assert (box.center_x, box.center_y) == pytest.approx((320, 180))


def test_upright_ones_are_not_turned_by_stretching():
    (ship,) = detections_of(turned([160, 160, 40, 20, 0]), STRETCH, ("ship",))
    assert edges(ship) == pytest.approx((280, 168.75, 360, 191.25))
    assert ship.extra.box.angle == 0


def test_the_envelope_is_clipped_to_the_image_and_the_turned_box_is_not():
    (ship,) = detections_of(turned([10, 75, 60, 40, 0.3]), LETTERBOX, ("ship",))
    x_min, y_min, x_max, y_max = edges(ship)
    assert (x_min, y_min) == (0, 0)
    corners = np.array(ship.extra.box.corners)
    assert (x_max, y_max) == pytest.approx(tuple(corners.max(axis=0)))
    assert (ship.extra.box.width, ship.extra.box.center_x) == pytest.approx((120, 20))
