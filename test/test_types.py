"""What goes through the package."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.image import Image
from vision_service.types import Classification, Detection, Frame, OrientedBox, PointCloud, reduced_angle

IMAGE = Image(np.zeros((48, 64, 3), np.uint8))
DEPTH = np.zeros((24, 32), np.float32)


@pytest.mark.parametrize(
    ("box", "area"),
    [((0, 0, 1, 1), 1), ((10, 20, 40, 60), 1200), ((0.5, 0.5, 1.0, 2.5), 1.0), ((5, 5, 5, 9), 0)],
    ids=["one pixel", "whole pixels", "parts of pixels", "no width"],
)
def test_the_area_of_a_detection_is_in_square_pixels(box, area):
    assert Detection("cat", 0.5, *box).area == area


def test_detections_and_classifications_are_values():
    assert Detection("cat", 0.5, 0, 0, 1, 1) == Detection("cat", 0.5, 0, 0, 1, 1)
    assert Classification("cat", 0.5) != Classification("cat", 0.6)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Classification("cat", 0.5).confidence = 1.0


@pytest.mark.parametrize(
    ("frame", "size"),
    [
        (Frame(), (0, 0)),
        (Frame(image=IMAGE), (64, 48)),
        (Frame(depth=DEPTH), (32, 24)),
        (Frame(image=IMAGE, depth=DEPTH), (64, 48)),
    ],
    ids=["empty", "image", "depth alone", "the image counts"],
)
def test_the_size_of_a_frame_is_width_and_height(frame, size):
    assert frame.size == size


@pytest.mark.parametrize(
    ("shape", "organized", "count"),
    [((7, 3), False, 7), ((4, 5, 3), True, 20), ((0, 3), False, 0)],
    ids=["list", "grid", "empty"],
)
def test_a_cloud_knows_its_form(shape, organized, count):
    cloud = PointCloud(np.zeros(shape, np.float32))
    assert (cloud.organized, len(cloud)) == (organized, count)


def test_frames_do_not_share_what_drivers_add():
    assert Frame().extra is not Frame().extra


@pytest.mark.parametrize(
    ("angle", "reduced"),
    [
        (0.0, 0.0),
        (math.pi / 2, math.pi / 2),
        (-math.pi / 2, math.pi / 2),
        (math.pi, 0.0),
        (2.0, 2.0 - math.pi),
        (math.nan, 0.0),
        (math.inf, 0.0),
    ],
)
def test_the_angle_of_a_box_is_reduced_to_half_a_turn(angle, reduced):
    assert reduced_angle(angle) == pytest.approx(reduced)


@given(st.floats(-20, 20))
def test_a_reduced_angle_turns_a_box_as_before(angle):
    reduced = reduced_angle(angle)
    assert -math.pi / 2 < reduced <= math.pi / 2
    before, after = (OrientedBox(5.0, 6.0, 4.0, 2.0, each).envelope for each in (angle, reduced))
    assert before == pytest.approx(after)


def test_the_corners_of_a_box_begin_at_the_upper_left_and_turn_clockwise_as_seen():
    corners = [(3.0, 5.0), (7.0, 5.0), (7.0, 7.0), (3.0, 7.0)]
    assert OrientedBox(5.0, 6.0, 4.0, 2.0, 0.0).corners == tuple(corners)
    turned = OrientedBox(5.0, 6.0, 4.0, 2.0, math.pi / 2)
    assert turned.corners[0] == pytest.approx((6.0, 4.0))
    assert turned.envelope == pytest.approx((4.0, 4.0, 6.0, 8.0))
