"""What models can be asked for."""

import pytest

from vision_service.errors import ErrorCode, VisionError
from vision_service.tasks import CLASSIFY, DETECT, KEYPOINTS, SEGMENT, SEGMENT_3D, TASKS, abilities, require, tasks_of
from vision_service.types import Detection, DetectionExtra, InstanceMask, LabelImage
from vision_service.vision.model import METHODS, VisionModel


def model(*methods, extras=()):
    kind = type("Made", (VisionModel,), dict.fromkeys(methods, lambda self, frame: []))
    made = kind(None, None)
    made.extras = frozenset(extras)
    return made


@pytest.mark.parametrize(
    ("methods", "extras", "tasks"),
    [
        (["detect"], (), [DETECT]),
        (["detect"], ("oriented_boxes",), [DETECT]),
        (["detect"], ("masks",), [DETECT, SEGMENT]),
        (["detect"], ("keypoints", "masks"), [DETECT, SEGMENT, KEYPOINTS]),
        (["classify"], (), [CLASSIFY]),
        (["label"], (), [SEGMENT]),
        (["detect", "segment"], (), [DETECT, SEGMENT_3D]),
        (["classify"], ("masks", "keypoints"), [CLASSIFY]),
    ],
)
def test_methods_and_what_detections_carry_are_what_a_model_can_do(methods, extras, tasks):
    assert tasks_of(abilities(model(*methods, extras=extras))) == tasks


def test_every_method_of_models_is_of_use():
    assert {method for task in TASKS for method in task.made_of.values()} == set(METHODS)


def test_segmentation_asks_only_what_tells_pixels_apart():
    assert require(model("label", "detect"), SEGMENT) == ("label",)
    assert require(model("label", "detect", extras=["masks"]), SEGMENT) == ("label", "detect")
    assert require(model("detect", extras=["masks"]), SEGMENT) == ("detect",)


def test_a_segmentation_is_of_classes_and_of_objects():
    label_image = LabelImage(None, ())
    found = [Detection("cup", 1.0, 0, 0, 1, 1, extra=DetectionExtra(mask=InstanceMask(0, 0, 1, 1, (0, 1))))]
    both = SEGMENT.result({"label": label_image, "detect": found})
    assert (both.label_image, both.instances) == (label_image, tuple(found))
    assert SEGMENT.result({"label": label_image}).instances == ()
    assert SEGMENT.result({"detect": found}).label_image is None


@pytest.mark.parametrize(
    ("task", "words"),
    [(SEGMENT, "not a 2D segmenter: it can detect, find keypoints"), (CLASSIFY, "not a classifier: it can")],
)
def test_what_a_model_cannot_do_is_refused_with_what_it_can(task, words):
    with pytest.raises(VisionError, match=words) as caught:
        require(model("detect", extras=["keypoints"]), task)
    assert caught.value.code is ErrorCode.NOT_SUPPORTED


def test_what_is_misspelt_in_extras_is_refused():
    with pytest.raises(VisionError, match="name 'mask': known are keypoints, masks, oriented_boxes") as caught:
        abilities(model("detect", extras=["mask", "keypoints"]))
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT
