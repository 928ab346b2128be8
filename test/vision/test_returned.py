"""What a plugin's model returns is looked at before anybody gets it."""

import numpy as np
import pytest

from vision_service.errors import ErrorCode, VisionError
from vision_service.types import Classification, Detection, LabelImage, PointCloud, PointCloudObject
from vision_service.vision.returned import check_returned

BOX = Detection("cup", 0.5, 1.0, 2.0, 3.0, 4.0)
CLASS = Classification("cup", 0.5)
OBJECT = PointCloudObject(PointCloud(np.zeros((1, 3), np.float32)), "cup", 0.5, np.zeros(3), np.ones(3))


@pytest.mark.parametrize(
    ("method", "returned"),
    [
        ("detect", []),
        ("detect", [BOX]),
        ("detect", (BOX, BOX)),
        ("detect", [Detection("cup", np.float32(0.5), np.float64(1), 2, 3, 4)]),
        ("classify", [CLASS]),
        ("segment", [OBJECT]),
        ("label", LabelImage(np.zeros((2, 2), np.uint16), ("floor",))),
    ],
)
def test_what_it_should_return_is_good(method, returned):
    check_returned(method, returned)


@pytest.mark.parametrize(
    ("method", "returned", "words"),
    [
        ("detect", None, "a value of type NoneType: it must return a list of vision_service.types.Detection"),
        ("detect", {"cup": 0.5}, "a value of type dict"),
        ("detect", [BOX, ("cup", 0.5)], "item 1 of type tuple"),
        ("detect", [CLASS], "item 0 of type Classification"),
        ("detect", [Detection(None, 0.5, 1, 2, 3, 4)], "class_name None (a string"),
        ("detect", [Detection("cup", "high", 1, 2, 3, 4)], "confidence 'high' (a number"),
        ("detect", [Detection("cup", 0.5, 1, 2, float("nan"), 4)], "x_max nan (a number"),
        ("classify", "cup", "a value of type str: it must return a list of vision_service.types.Classification"),
        ("classify", [Classification("cup", None)], "confidence None"),
        ("segment", [BOX], "item 0 of type Detection: it must return a list of vision_service.types.PointCloudObject"),
        ("label", np.zeros((2, 2)), "a value of type ndarray: it must return a vision_service.types.LabelImage"),
    ],
)
def test_what_it_should_not_return_is_named(method, returned, words):
    with pytest.raises(VisionError) as raised:
        check_returned(method, returned)
    assert raised.value.code == ErrorCode.MODEL_ERROR
    assert f"the model's method {method} has returned" in raised.value.message
    assert words in raised.value.message
