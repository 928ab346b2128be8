"""What our results become as Viam's messages."""

from types import SimpleNamespace

import pytest

pytest.importorskip("viam.proto.common", reason="viam-sdk is not installed")

from viam.utils import struct_to_dict

from vision_service.errors import VisionError
from vision_service.ros.client import CameraProperties, Extrinsics
from vision_service.types import CameraIntrinsics, Detection
from vision_service.viam import translation
from vision_service.viam.services import plain


def test_boxes_are_integers_and_fractions_of_the_image():
    [found] = translation.detections([Detection("cup", 0.75, 10.4, 20.6, 40.0, 60.0)], (100, 200))
    assert (found.x_min, found.y_min, found.x_max, found.y_max) == (10, 21, 40, 60)
    fractions = found.x_min_normalized, found.y_min_normalized, found.x_max_normalized, found.y_max_normalized
    assert fractions == pytest.approx((0.104, 0.103, 0.4, 0.3))


def test_without_the_size_nothing_is_normalized():
    [found] = translation.detections([Detection("cup", 0.75, 10, 20, 40, 60)], (0, 0))
    assert not found.HasField("x_max_normalized")


def test_what_a_tracker_has_named_is_called_so():
    [found] = translation.detections([Detection("cup", 0.75, 0, 0, 1, 1, id="cup_3")], (2, 2))
    assert found.class_name == "cup_3"


def properties(model="", distortion=(), extrinsics=None, calibrated=True):
    lens = CameraIntrinsics(640, 480, 500.0, 501.0, 320.0, 240.0, model, distortion)
    told = CameraProperties(
        True, None, "optical", ("color",), ("image/jpeg",), 0.0, lens if calibrated else None, extrinsics
    )
    return translation.camera_properties(told)


def test_distortion_is_in_viams_order():
    found = properties("plumb_bob", (0.1, 0.2, 0.003, 0.004, 0.5)).distortion_parameters
    assert (found.model, list(found.parameters)) == ("brown_conrady", [0.1, 0.2, 0.5, 0.003, 0.004])
    found = properties("rational_polynomial", (1, 2, 3, 4, 5, 6, 7, 8)).distortion_parameters
    assert (found.model, list(found.parameters)) == ("brown_conrady_k6", [1, 2, 5, 6, 7, 8, 3, 4])


@pytest.mark.parametrize(("model", "distortion"), [("plumb_bob", (0.0,) * 5), ("", ()), ("equidistant", (0.1,) * 4)])
def test_a_straight_lens_and_one_that_viam_does_not_have_are_left_out(model, distortion):
    assert not properties(model, distortion).HasField("distortion_parameters")


def test_what_is_not_known_of_a_camera_is_left_out():
    found = properties(calibrated=False)
    assert not any(
        map(found.HasField, ("intrinsic_parameters", "distortion_parameters", "extrinsic_parameters", "frame_rate"))
    )


def test_where_a_camera_is_comes_in_millimetres():
    found = properties(extrinsics=Extrinsics("base", (1.0, 2.0, 3.0), (0.0, 0.0, 0.0, 1.0))).extrinsic_parameters
    assert (found.translation.x, found.translation.y, found.translation.z) == (1000, 2000, 3000)
    assert (found.orientation.o_z, found.orientation.theta) == (1, 0)


def test_numbers_of_a_struct_are_floats_and_what_is_no_json_is_text():
    told = struct_to_dict(translation.struct({"a": 1, "b": [True, "x"], "c": {"d": SimpleNamespace}, 5: (2.5,)}))
    assert told == {"a": 1.0, "b": [True, "x"], "c": {"d": str(SimpleNamespace)}, "5": [2.5]}
    assert isinstance(told["a"], float)


@pytest.mark.parametrize(("name", "value"), [("max_age", "new"), ("max_age", True), ("source", 3.0)])
def test_an_option_of_another_type_is_refused(name, value):
    options = translation.Options({name: value})
    with pytest.raises(VisionError, match=name):
        options.seconds(name) if name == "max_age" else options.text(name)


def test_a_command_arrives_as_it_was_sent():
    command = {"command": "x", "none": None, "whole": 3, "part": 0.5, "yes": True, "list": [1, None, {"a": [2.5]}]}
    found = plain(translation.struct(command))
    assert found == command
    assert [type(found[key]) for key in ("whole", "part", "yes")] == [int, float, bool]
