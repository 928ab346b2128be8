"""Whose an attribute is that was given to another model or driver."""

import pytest

from vision_service.attribute_owners import owned_elsewhere, owners
from vision_service.camera import DRIVERS
from vision_service.vision import MODELS


def test_an_attribute_is_known_by_the_models_and_drivers_that_have_it():
    assert owners("detect_color", MODELS) == ["color_detector"]
    assert {"video", "webcam"} <= set(owners("video_path", DRIVERS))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model_path", ", but the vision model 'mlmodel' has it"),
        ("label_confidences.cat", ", but the vision model 'mlmodel' has it"),
        ("no_such_name", ""),
        ("label_confidences", ""),
        ("model_path.cat", ""),
    ],
    ids=["one has it", "an entry of a map", "nobody has it", "a map without a key", "a key of what is no map"],
)
def test_an_error_message_ends_with_whose_it_is(name, message):
    assert owned_elsewhere(name) == message


def test_a_model_and_a_driver_may_both_have_it():
    shared = next(name for name in ("intrinsic_parameters", "video_path") if owners(name, DRIVERS))
    assert "the camera driver '" in owned_elsewhere(shared)
