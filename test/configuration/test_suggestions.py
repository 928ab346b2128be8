"""What may be meant by a name that is not known: a misspelt one, or a part of one."""

import pytest

from vision_service.configuration import close_names, did_you_mean


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("colour", ["color", "size"], ": did you mean 'color'?"),
        ("camera", ["camera_left", "camera_right", "lidar"], ": did you mean 'camera_left' or 'camera_right'?"),
        ("cam_4", ["cam_1", "cam_2", "cam_3"], ": did you mean 'cam_1', 'cam_2' or 'cam_3'?"),
        ("threshold", ["max_rate", "nms_iou_threshold", "event_threshold"], ": did you mean 'event_threshold' or 'nms"),
        ("confidence", ["default_minimum_confidence", "model", "label_confidences"], ": did you mean 'label_confid"),
        (
            "label_confidence",
            ["default_minimum_confidence", "label_confidences"],
            ": did you mean 'label_confidences'?",
        ),
        ("xyz", ["size", "color"], ": known are color, size"),
        ("l", ["label", "model"], ": known are label, model"),
        ("", ["label", "model"], ": known are label, model"),
        ("xyz", [], ""),
    ],
    ids=["near", "two", "three", "contained", "contained, though long", "misspelt", "far", "short", "empty", "nothing"],
)
def test_did_you_mean(name, known, hint):
    assert did_you_mean(name, known).startswith(hint)


def test_all_close_names_are_told_the_closest_first():
    known = ["default_minimum_confidence", "max_rate", "label_confidences"]
    assert close_names("confidence", known) == ["label_confidences", "default_minimum_confidence"]
    assert close_names("xyz", known) == []
