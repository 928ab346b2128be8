"""The room that a camera takes up."""

import math

import pytest

from vision_service.camera.geometries import Box, make_box
from vision_service.errors import ErrorCode, VisionError


def test_a_box_needs_only_a_size():
    assert make_box("body", {"size": [0.09, 0.025, 0.025]}) == Box(
        "body", center=(0.0, 0.0, 0.0), size=(0.09, 0.025, 0.025), orientation=(0.0, 0.0, 0.0, 1.0)
    )


def test_a_box_may_stand_elsewhere_and_be_turned():
    box = make_box("mount", {"size": [1, 2, 3], "center": [0, 0.1, -0.2], "orientation": [0, 0, 3, 4]})
    assert (box.center, box.orientation) == ((0.0, 0.1, -0.2), (0.0, 0.0, 0.6, 0.8))


@pytest.mark.parametrize("length", [1e-320, 1e-200, 1e200, 1.7e308])
def test_a_quaternion_may_have_any_length(length):
    box = make_box("mount", {"size": [1, 2, 3], "orientation": [0, 0, length, length]})
    assert box.orientation == pytest.approx((0.0, 0.0, 0.5**0.5, 0.5**0.5))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "the geometry 'body': 'body.size' is missing"),
        ({"size": [1.0, 2.0]}, "'body.size' must be 3 numbers, not 2"),
        ({"size": [1.0, 2.0, 0.0]}, "'body.size' must be a list, each item a number, above 0 m"),
        ({"size": [1.0] * 3, "center": []}, "'body.center' must be 3 numbers, not 0"),
        ({"size": [1.0] * 3, "orientation": [0.0] * 3}, "'body.orientation' must be 4 numbers, not 3"),
        ({"size": [1.0] * 3, "orientation": [0.0] * 4}, "must be a quaternion other than 0"),
        ({"size": [1.0] * 3, "radius": 1.0}, "unknown attribute 'radius'"),
        ({"size": [1.0, math.inf, 1.0]}, "'body.size' must be finite"),
        ({"size": [1.0] * 3, "center": [0.0, -math.inf, 0.0]}, "'body.center' must be finite"),
        ({"size": [1.0] * 3, "orientation": [0.0, 0.0, 0.0, math.inf]}, "'body.orientation' must be finite"),
        ({"size": [1.0] * 3, "center": [math.nan] * 3}, "'body.center'"),
    ],
)
def test_what_is_no_box_is_refused(values, reason):
    with pytest.raises(VisionError, match=reason) as raised:
        make_box("body", values)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT


def test_a_wrong_value_is_named_with_its_box():
    with pytest.raises(VisionError, match=r"'body\.size' must be a list, each item a number, above 0 m"):
        make_box("body", {"size": [0.1, -0.2, 0.3]})
